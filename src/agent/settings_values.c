/* SPDX-License-Identifier: Apache-2.0 */
/* See settings_internal.h. What a value says is checked here, what it means is others' to know. */
#include "settings_internal.h"

#include "base/address.h"
#include "base/memory.h"
#include "base/number.h"
#include "describing.h"
#include "presence/presence.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { SCRIPT_INTERVAL_MIN_MS = 1000 };
enum { NUDGE_MAX = 10000, TEMPERATURE_MAX = 150, FAN_MAX = 30000 };
enum { WATTS_MAX = 1000 };
enum { DEFAULT_PORT = 7433, TOKEN_SIZE_MAX = 4096 };

static const double whole_percent = 100;

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

static void replace(char **text, char *with)
{
    free(*text);
    *text = with;
}

int settings_set_state(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    _cleanup_free_ char *current = getcwd(NULL, 0);

    if (text[0] == '\0' || !current)
        return error_set(err, -EINVAL, "there is no such folder");
    replace(&settings->state, file_join(current, text));
    return 0;
}

int settings_set_server(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    char *host;
    int r = address_split(text, DEFAULT_PORT, &host, &settings->port, err);

    if (r == 0)
        replace(&settings->host, host);
    return r;
}

int settings_set_name(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    size_t length = strlen(text);

    if (length == 0 || length > SETTINGS_NAME_LENGTH_MAX || strspn(text, NAME_CHARACTERS) != length)
        return error_set(err, -EINVAL, "a name has 1 to %d letters, digits, '-', '.' and '_'",
                         SETTINGS_NAME_LENGTH_MAX);
    replace(&settings->name, memory_copy_string(text));
    return 0;
}

int settings_set_token(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    if (strlen(text) > TOKEN_SIZE_MAX)
        return error_set(err, -EINVAL, "that is too long to be a token");
    replace(&settings->token, slice_copy(slice_trim(slice_from_text(text))));
    return 0;
}

int settings_set_token_file(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;
    int r = file_read(text, TOKEN_SIZE_MAX, &content, err);

    return r < 0 ? r : settings_set_token(settings, buffer_text(&content), err);
}

int settings_set_cpus(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return offer_set(&settings->offer, OFFER_CPUS, slice_from_text(text), err);
}

int settings_set_memory(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return offer_set(&settings->offer, OFFER_MEMORY, slice_from_text(text), err);
}

int settings_set_disk(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return offer_set(&settings->offer, OFFER_DISK, slice_from_text(text), err);
}

int settings_set_gpus(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return offer_set(&settings->offer, OFFER_GPUS, slice_from_text(text), err);
}

int settings_set_offer(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return offer_read(&settings->offer_line, text, err);
}

/* INT64_MAX, because JSON carries no more. */
static int parse_size(const char *text, uint64_t *ret_size, struct error *err)
{
    if (number_parse_size(slice_from_text(text), 1, ret_size) < 0 || *ret_size > INT64_MAX)
        return error_set(err, -EINVAL, "'%s' is no size such as 500M, 8G or 1.5T", text);
    return 0;
}

int settings_set_cache_size(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    return parse_size(text, &settings->cache_size, err);
}

int settings_set_image_cache(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    return parse_size(text, &settings->image_cache, err);
}

int settings_set_runtime(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    if (strcmp(text, "process") == 0)
        settings->runtime = SETTINGS_RUNTIME_PROCESS;
    else if (strcmp(text, "container") == 0)
        settings->runtime = SETTINGS_RUNTIME_CONTAINER;
    else
        return error_set(err, -EINVAL, "'%s' is neither 'process' nor 'container'", text);
    return 0;
}

int settings_set_network(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    settings->lends_network = strcmp(text, "full") == 0;
    if (!settings->lends_network && strcmp(text, "none") != 0)
        return error_set(err, -EINVAL, "'%s' is neither 'full' nor 'none'", text);
    return 0;
}

void settings_free_paths(char **paths)
{
    for (char **path = paths; path && *path; path++)
        free(*path);
    free(paths);
}

/* What a container has of its own would hide it there. */
static bool may_be_shown(const char *path)
{
    static const char *const hidden[] = {"/tmp", "/proc", "/dev", "/job", "/sys"};

    for (size_t i = 0; i < ARRAY_LENGTH(hidden); i++) {
        size_t length = strlen(hidden[i]);

        if (strncmp(path, hidden[i], length) == 0 && (path[length] == '/' || path[length] == '\0'))
            return false;
    }
    return path[0] == '/' && file_name_is_contained(path + 1);
}

/* With commas or spaces between them. What is not there on this computer is passed over later. */
int settings_set_container_paths(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    size_t count = 0, capacity = 0;
    char **paths = NULL;

    array_reserve(paths, capacity, 1);
    for (text += strspn(text, ", "); *text; text += strspn(text, ", ")) {
        size_t length = strcspn(text, ", ");

        array_reserve(paths, capacity, count + 2);
        paths[count++] = slice_copy((struct slice){.data = text, .length = length});
        text += length;
    }
    paths[count] = NULL;
    settings_free_paths(settings->container_paths);
    settings->container_paths = paths;
    for (size_t i = 0; i < count; i++)
        if (!may_be_shown(paths[i]))
            return error_set(err, -EINVAL,
                             "'%s' cannot be shown: a path from '/' on can, without '..', and not "
                             "in /tmp, /proc, /dev or /job",
                             paths[i]);
    return 0;
}

static int parse_duration(const char *text, uint64_t *ret_ms, struct error *err)
{
    if (number_parse_duration(slice_from_text(text), ret_ms) < 0 || *ret_ms > INT32_MAX)
        return error_set(err, -EINVAL, "'%s' is no duration such as 10s, 5m or 2h", text);
    return 0;
}

int settings_set_grace(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_duration(text, &settings->grace_ms, err);
}

int settings_set_suspend_for(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    settings->plain_key = "suspend_for";
    return parse_duration(text, &settings->suspend_for_ms, err);
}

int settings_set_give_back_memory_within(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    settings->plain_key = "give_back_memory_within";
    return parse_duration(text, &settings->give_back_memory_within_ms, err);
}

int settings_set_keep_lapsed(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_duration(text, &settings->keep_lapsed_ms, err);
}

int settings_set_attribute(void *target, const char *text, struct error *err)
{
    _cleanup_attributes_ struct attributes one = ATTRIBUTES_INIT;
    struct settings *settings = target;
    int r = attributes_read(&one, slice_from_text(text), err);

    if (r == 0 && one.count != 1)
        r = error_set(err, -EINVAL, "one attribute is wanted, as in HasMatlab=true");
    if (r == 0)
        r = describing_check(&one.items[0], err);
    return r < 0 ? r : attributes_apply(&settings->attributes, &one, err);
}

int settings_set_attribute_script(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    if (text[0] != '/')
        return error_set(err, -EINVAL, "'%s' is no absolute path", text);
    replace(&settings->attribute_script, memory_copy_string(text));
    return 0;
}

int settings_set_attribute_script_interval(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    uint64_t ms = 0;
    int r = parse_duration(text, &ms, err);

    if (r == 0 && ms < SCRIPT_INTERVAL_MIN_MS)
        r = error_set(err, -EINVAL, "'%s' is less than a second", text);
    if (r == 0)
        settings->attribute_script_interval_ms = ms;
    return r;
}

int settings_set_presence(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    int r = presence_check(text, err);

    if (r == 0)
        replace(&settings->presence, memory_copy_string(text));
    return r;
}

int settings_set_idle_after(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    settings->plain_key = "idle_after";
    return parse_duration(text, &settings->idle_after_ms, err);
}

int settings_set_resume_after(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    settings->plain_key = "resume_after";
    return parse_duration(text, &settings->resume_after_ms, err);
}

int settings_set_notice_before_start(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    settings->plain_key = "notice_before_start";
    return parse_duration(text, &settings->notice_before_start_ms, err);
}

static int parse_count(const char *text, const char *of, uint32_t max, uint32_t *ret_count,
                       struct error *err)
{
    uint64_t count;

    if (number_parse_u64(slice_from_text(text), &count) < 0 || count > max)
        return error_set(err, -EINVAL, "'%s' is no number of %s from 0 to %u", text, of, max);
    *ret_count = (uint32_t)count;
    return 0;
}

int settings_set_nudge(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_count(text, "pixels", NUDGE_MAX, &settings->nudge, err);
}

int settings_parse_yes_or_no(const char *text, bool *ret_yes, struct error *err)
{
    bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;

    if (!yes && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
        return error_set(err, -EINVAL, "'%s' is neither yes nor no", text);
    *ret_yes = yes;
    return 0;
}

int settings_set_give_way(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return settings_parse_yes_or_no(text, &settings->give_way, err);
}

int settings_set_on_battery(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return settings_parse_yes_or_no(text, &settings->on_battery, err);
}

int settings_set_temperature_max(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_count(text, "degrees", TEMPERATURE_MAX, &settings->temperature_max, err);
}

int settings_set_max_fan(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_count(text, "turns in a minute", FAN_MAX, &settings->max_fan, err);
}

int settings_set_max_load(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    double cores;

    if (number_parse_double(slice_from_text(text), &cores) < 0 || !(cores >= 0) ||
        cores > UINT16_MAX)
        return error_set(err, -EINVAL, "'%s' is no number of processors such as 0.5", text);
    settings->max_load = cores;
    settings->plain_key = "max_load";
    return 0;
}

/* "20 %": the sign may be left out. */
int settings_set_max_pressure(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    struct slice number = slice_trim(slice_from_text(text));
    double percent;

    number.length -= number.length > 0 && number.data[number.length - 1] == '%';
    if (number_parse_double(number, &percent) < 0 || !(percent >= 0) || percent > whole_percent)
        return error_set(err, -EINVAL, "'%s' is no share of the time from 0 to 100 %%", text);
    settings->max_pressure = percent;
    settings->needs_pressure = percent > 0;
    settings->plain_key = "max_pressure";
    return 0;
}

int settings_set_watts_per_core(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    double watts;

    if (number_parse_double(slice_from_text(text), &watts) < 0 || !(watts >= 0) ||
        watts > WATTS_MAX)
        return error_set(err, -EINVAL, "'%s' is no number of watts from 0 to %d", text, WATTS_MAX);
    settings->watts_per_core = watts;
    return 0;
}

int settings_set_do_not_disturb(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    (void)err;
    replace(&settings->do_not_disturb, memory_copy_string(text));
    return 0;
}

int settings_set_policy(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    bool is_none = strcmp(text, "none") == 0;
    int r = is_none ? 0 : policy_check_name(text, err);

    if (r == 0)
        replace(&settings->policy_name, is_none ? NULL : memory_copy_string(text));
    return r;
}

/* In the file a long one comes once more with each of its lines, whole: the last time counts. */
static bool goes_on(const struct policy_definition *last, const char *name, const char *value)
{
    size_t length = strlen(last->value);

    return strcmp(last->name, name) == 0 && strncmp(last->value, value, length) == 0 &&
           value[length] == ' ';
}

/* What it means turns out when all are known. */
int settings_set_condor(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    size_t length = strcspn(text, "=");
    _cleanup_free_ char *name = slice_copy(slice_trim((struct slice){text, length}));
    _cleanup_free_ char *value =
        slice_copy(slice_trim(slice_from_text(text + length + (text[length] == '='))));
    size_t count = settings->definition_count;

    if (text[length] == '\0')
        return error_set(err, -EINVAL, "one definition is wanted, as in StartIdleTime=60");
    if (count > 0 && goes_on(&settings->definitions[count - 1], name, value)) {
        free((char *)settings->definitions[count - 1].value);
        settings->definitions[count - 1].value = take_pointer(value);
        return 0;
    }
    array_reserve(settings->definitions, settings->definition_capacity, count + 1);
    settings->definitions[settings->definition_count++] =
        (struct policy_definition){.name = take_pointer(name), .value = take_pointer(value)};
    return 0;
}

int settings_set_working_hours(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return calendar_parse(text, &settings->calendar, err);
}

int settings_set_holidays(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return calendar_add_holidays(&settings->calendar, text, err);
}

int settings_set_stop_starting_before(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_duration(text, &settings->stop_starting_before_ms, err);
}

int settings_set_owner_socket(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    _cleanup_free_ char *current = getcwd(NULL, 0);

    if (text[0] == '\0' || !current)
        return error_set(err, -EINVAL, "there is no such file");
    replace(&settings->owner_socket, strcmp(text, "none") == 0 ? NULL : file_join(current, text));
    return 0;
}

/* Who they are is looked up by the agent: here a name is only a name. */
int settings_set_owners(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    if (text[strspn(text, NAME_CHARACTERS "@$\\, \t")] != '\0')
        return error_set(err, -EINVAL, "'%s' are no names of users with commas between", text);
    replace(&settings->owners, memory_copy_string(text));
    return 0;
}

int settings_set_sleep_when_idle(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_duration(text, &settings->sleep_when_idle_ms, err);
}

int settings_set_sleep_how(void *target, const char *text, struct error *err)
{
    static const char *const words[] = {"suspend", "hibernate", "poweroff"};
    struct settings *settings = target;

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (strcmp(text, words[i]) == 0) {
            replace(&settings->sleep_how, memory_copy_string(text));
            return 0;
        }
    return error_set(err, -EINVAL, "'%s' is none of suspend, hibernate and poweroff", text);
}

int settings_set_criu(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    if (text[0] == '\0')
        return error_set(err, -EINVAL, "it has no name");
    replace(&settings->criu, memory_copy_string(text));
    return 0;
}

int settings_set_sleep_command(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    (void)err;
    replace(&settings->sleep_command, text[0] != '\0' ? memory_copy_string(text) : NULL);
    return 0;
}

int settings_set_log(void *target, const char *text, struct error *err)
{
    (void)target;
    return log_set_level_named(text, err);
}
