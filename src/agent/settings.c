/* SPDX-License-Identifier: Apache-2.0 */
/* See settings.h. A function for each kind of value, and the table that names them. */
#include "settings.h"

#include "base/address.h"
#include "base/memory.h"
#include "base/number.h"
#include "describing.h"
#include "presence/presence.h"
#include "sys/configuration.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { SCRIPT_INTERVAL_MIN_MS = 1000 };
enum { NUDGE_MAX = 10000, TEMPERATURE_MAX = 150, FAN_MAX = 30000 };
enum { WATTS_MAX = 1000 };
enum { DEFAULT_PORT = 7433, NAME_LENGTH_MAX = 64, TOKEN_SIZE_MAX = 4096 };

/* What counts if nobody says anything; a key that was given is told apart from these. */
enum {
    IDLE_AFTER_MS = 15 * 60000,
    RESUME_AFTER_MS = 60000,
    SUSPEND_FOR_MS = 120000,
    GIVE_BACK_MEMORY_WITHIN_MS = 30000
};

static const double max_load = 0.5;

/*
 * Whoever waits two fifths of a whole minute is at work, and slowed by what he waits for: a backup,
 * an installation. A computer at rest is far below.
 */
static const double max_pressure = 40, whole_percent = 100;

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

static void definitions_deinit(struct settings *settings)
{
    for (size_t i = 0; i < settings->definition_count; i++) {
        free((char *)settings->definitions[i].name);
        free((char *)settings->definitions[i].value);
    }
    free(settings->definitions);
}

void settings_deinit(struct settings *settings)
{
    free(settings->state);
    free(settings->host);
    free(settings->name);
    free(settings->token);
    free(settings->attribute_script);
    free(settings->presence);
    free(settings->do_not_disturb);
    free(settings->owner_socket);
    free(settings->owners);
    free(settings->policy_name);
    free(settings->sleep_how);
    free(settings->sleep_command);
    definitions_deinit(settings);
    policy_free(settings->policy);
    calendar_deinit(&settings->calendar);
    attributes_deinit(&settings->attributes);
    *settings = SETTINGS_INIT;
}

/* ---- values ---- */

static void replace(char **text, char *with)
{
    free(*text);
    *text = with;
}

static int set_state(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    _cleanup_free_ char *current = getcwd(NULL, 0);

    if (text[0] == '\0' || !current)
        return error_set(err, -EINVAL, "there is no such folder");
    replace(&settings->state, file_join(current, text));
    return 0;
}

static int set_server(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    char *host;
    int r = address_split(text, DEFAULT_PORT, &host, &settings->port, err);

    if (r == 0)
        replace(&settings->host, host);
    return r;
}

static int set_name(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    size_t length = strlen(text);

    if (length == 0 || length > NAME_LENGTH_MAX || strspn(text, NAME_CHARACTERS) != length)
        return error_set(err, -EINVAL, "a name has 1 to %d letters, digits, '-', '.' and '_'",
                         NAME_LENGTH_MAX);
    replace(&settings->name, memory_copy_string(text));
    return 0;
}

static int set_token(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    if (strlen(text) > TOKEN_SIZE_MAX)
        return error_set(err, -EINVAL, "that is too long to be a token");
    replace(&settings->token, slice_copy(slice_trim(slice_from_text(text))));
    return 0;
}

static int set_token_file(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;
    int r = file_read(text, TOKEN_SIZE_MAX, &content, err);

    return r < 0 ? r : set_token(settings, buffer_text(&content), err);
}

static int set_cpus(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return offer_set(&settings->offer, OFFER_CPUS, slice_from_text(text), err);
}

static int set_memory(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return offer_set(&settings->offer, OFFER_MEMORY, slice_from_text(text), err);
}

static int set_disk(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return offer_set(&settings->offer, OFFER_DISK, slice_from_text(text), err);
}

static int set_gpus(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return offer_set(&settings->offer, OFFER_GPUS, slice_from_text(text), err);
}

static int set_offer(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return offer_read(&settings->offer_line, text, err);
}

static int set_cache_size(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    /* INT64_MAX, because JSON carries no more. */
    if (number_parse_size(slice_from_text(text), 1, &settings->cache_size) < 0 ||
        settings->cache_size > INT64_MAX)
        return error_set(err, -EINVAL, "'%s' is no size such as 500M, 8G or 1.5T", text);
    return 0;
}

static int parse_duration(const char *text, uint64_t *ret_ms, struct error *err)
{
    if (number_parse_duration(slice_from_text(text), ret_ms) < 0 || *ret_ms > INT32_MAX)
        return error_set(err, -EINVAL, "'%s' is no duration such as 10s, 5m or 2h", text);
    return 0;
}

static int set_grace(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_duration(text, &settings->grace_ms, err);
}

static int set_suspend_for(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    settings->plain_key = "suspend_for";
    return parse_duration(text, &settings->suspend_for_ms, err);
}

static int set_give_back_memory_within(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    settings->plain_key = "give_back_memory_within";
    return parse_duration(text, &settings->give_back_memory_within_ms, err);
}

static int set_keep_lapsed(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_duration(text, &settings->keep_lapsed_ms, err);
}

static int set_attribute(void *target, const char *text, struct error *err)
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

static int set_attribute_script(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    if (text[0] != '/')
        return error_set(err, -EINVAL, "'%s' is no absolute path", text);
    replace(&settings->attribute_script, memory_copy_string(text));
    return 0;
}

static int set_attribute_script_interval(void *target, const char *text, struct error *err)
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

static int set_presence(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    int r = presence_check(text, err);

    if (r == 0)
        replace(&settings->presence, memory_copy_string(text));
    return r;
}

static int set_idle_after(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    settings->plain_key = "idle_after";
    return parse_duration(text, &settings->idle_after_ms, err);
}

static int set_resume_after(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    settings->plain_key = "resume_after";
    return parse_duration(text, &settings->resume_after_ms, err);
}

static int set_notice_before_start(void *target, const char *text, struct error *err)
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

static int set_nudge(void *target, const char *text, struct error *err)
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

static int set_give_way(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return settings_parse_yes_or_no(text, &settings->give_way, err);
}

static int set_on_battery(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return settings_parse_yes_or_no(text, &settings->on_battery, err);
}

static int set_temperature_max(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_count(text, "degrees", TEMPERATURE_MAX, &settings->temperature_max, err);
}

static int set_max_fan(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_count(text, "turns in a minute", FAN_MAX, &settings->max_fan, err);
}

static int set_max_load(void *target, const char *text, struct error *err)
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
static int set_max_pressure(void *target, const char *text, struct error *err)
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

static int set_watts_per_core(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    double watts;

    if (number_parse_double(slice_from_text(text), &watts) < 0 || !(watts >= 0) ||
        watts > WATTS_MAX)
        return error_set(err, -EINVAL, "'%s' is no number of watts from 0 to %d", text, WATTS_MAX);
    settings->watts_per_core = watts;
    return 0;
}

static int set_do_not_disturb(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    (void)err;
    replace(&settings->do_not_disturb, memory_copy_string(text));
    return 0;
}

static int set_policy(void *target, const char *text, struct error *err)
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
static int set_condor(void *target, const char *text, struct error *err)
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

static int set_working_hours(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return calendar_parse(text, &settings->calendar, err);
}

static int set_holidays(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return calendar_add_holidays(&settings->calendar, text, err);
}

static int set_stop_starting_before(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_duration(text, &settings->stop_starting_before_ms, err);
}

static int set_owner_socket(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    _cleanup_free_ char *current = getcwd(NULL, 0);

    if (text[0] == '\0' || !current)
        return error_set(err, -EINVAL, "there is no such file");
    replace(&settings->owner_socket, strcmp(text, "none") == 0 ? NULL : file_join(current, text));
    return 0;
}

/* Who they are is looked up by the agent: here a name is only a name. */
static int set_owners(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    if (text[strspn(text, NAME_CHARACTERS "@$\\, \t")] != '\0')
        return error_set(err, -EINVAL, "'%s' are no names of users with commas between", text);
    replace(&settings->owners, memory_copy_string(text));
    return 0;
}

static int set_sleep_when_idle(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;
    return parse_duration(text, &settings->sleep_when_idle_ms, err);
}

static int set_sleep_how(void *target, const char *text, struct error *err)
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

static int set_sleep_command(void *target, const char *text, struct error *err)
{
    struct settings *settings = target;

    (void)err;
    replace(&settings->sleep_command, text[0] != '\0' ? memory_copy_string(text) : NULL);
    return 0;
}

static int set_log(void *target, const char *text, struct error *err)
{
    (void)target;
    return log_set_level_named(text, err);
}

/* ---- the table ---- */

static char *find_state(void)
{
    const char *home = getenv("HOME");

    return geteuid() == 0 || !home ? memory_copy_string("/var/lib/dusk/agent")
                                   : file_join(home, ".local/state/dusk/agent");
}

/* Where `dusk owner` looks for it, too: sys/agent_socket.h. */
static char *find_owner_socket(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    _cleanup_free_ char *state = find_state();

    if (geteuid() == 0)
        return memory_copy_string("/run/dusk/agent.socket");
    return runtime && runtime[0] == '/' ? file_join(runtime, "dusk/agent.socket")
                                        : file_join(state, "agent.socket");
}

static char *find_name(void)
{
    char name[NAME_LENGTH_MAX + 1] = "";

    (void)gethostname(name, sizeof(name) - 1);
    return memory_copy_string(name);
}

static const struct configuration_key keys[] = {
    {.name = "state",
     .argument = "FOLDER",
     .summary = "where the agent remembers who it is",
     .find_default = find_state,
     .set = set_state},
    {.name = "server",
     .argument = "HOST[:PORT]",
     .summary = "the pool's server",
     .default_text = "localhost:7433",
     .set = set_server},
    {.name = "name",
     .argument = "NAME",
     .summary = "of this node in the pool",
     .find_default = find_name,
     .set = set_name},
    {.name = "token",
     .argument = "TOKEN",
     .summary = "to join with; others see it here: rather DUSK_TOKEN",
     .variable = "DUSK_TOKEN",
     .is_secret = true,
     .set = set_token},
    {.name = "token_file",
     .argument = "FILE",
     .summary = "a file with the token",
     .set = set_token_file},
    {.name = "cpus",
     .argument = "N|N%",
     .summary = "processors to lend, or a share of them",
     .usual = "all",
     .set = set_cpus},
    {.name = "memory",
     .argument = "SIZE|N%",
     .summary = "memory to lend, or a share of it",
     .usual = "all but 5 %",
     .set = set_memory},
    {.name = "disk",
     .argument = "SIZE|N%",
     .summary = "disk to lend, or a share of it",
     .usual = "what is free",
     .set = set_disk},
    {.name = "gpus",
     .argument = "N|N%",
     .summary = "GPUs to lend, the first ones; or more than are found",
     .usual = "all",
     .set = set_gpus},
    {.name = "offer",
     .argument = "LIST",
     .summary = "these four in one line: cpus 50 %, memory 8 GB",
     .usual = "all",
     .set = set_offer},
    {.name = "presence",
     .argument = "LIST",
     .summary = "who watches for the owner: auto, none, or names",
     .default_text = "auto",
     .set = set_presence},
    {.name = "idle_after",
     .argument = "TIME",
     .summary = "lend the computer when nobody has used it for so long",
     .usual = "15m",
     .set = set_idle_after},
    {.name = "resume_after",
     .argument = "TIME",
     .summary = "and let go on what was frozen, as long as it is still there",
     .usual = "1m",
     .set = set_resume_after},
    {.name = "notice_before_start",
     .argument = "TIME",
     .summary = "and be near so long before, for whoever is still there",
     .usual = "0",
     .set = set_notice_before_start},
    {.name = "policy",
     .argument = "NAME",
     .summary = "one of HTCondor's instead: DESKTOP, UWCS_DESKTOP, ALWAYS_RUN",
     .usual = "none",
     .set = set_policy},
    {.name = "condor",
     .argument = "NAME=EXPRESSION",
     .summary = "START, SUSPEND… or a macro of it; in the file: condor.NAME",
     .is_family = true,
     .set = set_condor},
    {.name = "working_hours",
     .argument = "HOURS",
     .summary = "when nothing may run: Mon-Fri 07:00-19:00",
     .default_text = "never",
     .set = set_working_hours},
    {.name = "holidays",
     .argument = "DATES",
     .summary = "without working hours: 2026-12-24..2027-01-01, 05-01",
     .usual = "none",
     .is_list = true,
     .set = set_holidays},
    {.name = "stop_starting_before",
     .argument = "TIME",
     .summary = "so long before working hours nothing is begun",
     .default_text = "0",
     .set = set_stop_starting_before},
    {.name = "max_load",
     .argument = "N",
     .summary = "processors that other programs may use for a minute; 0: all",
     .usual = "0.5",
     .set = set_max_load},
    {.name = "max_pressure",
     .argument = "N%",
     .summary = "of a minute that they may wait for memory or disks; 0: any",
     .usual = "40%",
     .set = set_max_pressure},
    {.name = "do_not_disturb",
     .argument = "LIST",
     .summary = "programs that want the computer for themselves: obs,zoom",
     .usual = "none",
     .set = set_do_not_disturb},
    {.name = "give_way",
     .argument = "yes|no",
     .summary = "tasks have the processors when nobody else wants them",
     .default_text = "yes",
     .set = set_give_way},
    {.name = "on_battery",
     .argument = "yes|no",
     .summary = "lend the computer on its battery, too",
     .default_text = "no",
     .set = set_on_battery},
    {.name = "temperature_max",
     .argument = "DEGREES",
     .summary = "hotter than that nothing runs; 0: as each sensor says",
     .default_text = "0",
     .set = set_temperature_max},
    {.name = "max_fan",
     .argument = "RPM",
     .summary = "nor with a fan that turns faster than that; 0: any",
     .default_text = "0",
     .set = set_max_fan},
    {.name = "sleep_when_idle",
     .argument = "TIME",
     .summary = "without work and owner so long, it sleeps; 0: never",
     .default_text = "0",
     .set = set_sleep_when_idle},
    {.name = "sleep_how",
     .argument = "WORD",
     .summary = "suspend, hibernate or poweroff",
     .default_text = "suspend",
     .set = set_sleep_how},
    {.name = "sleep_command",
     .argument = "COMMAND",
     .summary = "run for that instead of systemctl, by a shell",
     .usual = "none",
     .set = set_sleep_command},
    {.name = "owner_socket",
     .argument = "PATH",
     .summary = "where 'dusk owner' finds this agent; or none",
     .find_default = find_owner_socket,
     .set = set_owner_socket},
    {.name = "owners",
     .argument = "NAME,...",
     .summary = "who may say more there, beside root and who sits here",
     .usual = "nobody",
     .set = set_owners},
    {.name = "watts_per_core",
     .argument = "WATTS",
     .summary = "of a busy processor: the energy in 'dusk owner figures'",
     .default_text = "8",
     .set = set_watts_per_core},
    {.name = "nudge",
     .argument = "PIXELS",
     .summary = "so far a mouse may move in a second without being used",
     .default_text = "0",
     .set = set_nudge},
    {.name = "attribute",
     .argument = "NAME=VALUE",
     .summary = "one more attribute of this node; in the file: attribute.NAME",
     .is_family = true,
     .set = set_attribute},
    {.name = "attribute_script",
     .argument = "PATH",
     .summary = "a program that prints more of them, run as nobody",
     .usual = "none",
     .set = set_attribute_script},
    {.name = "attribute_script_interval",
     .argument = "TIME",
     .summary = "between two runs of it",
     .default_text = "5m",
     .set = set_attribute_script_interval},
    {.name = "cache_size",
     .argument = "SIZE",
     .summary = "of inputs kept for later tasks",
     .default_text = "10G",
     .set = set_cache_size},
    {.name = "grace",
     .argument = "TIME",
     .summary = "from the polite signal to the kill",
     .default_text = "10s",
     .set = set_grace},
    {.name = "suspend_for",
     .argument = "TIME",
     .summary = "frozen this long for its owner, a task leaves",
     .usual = "2m",
     .set = set_suspend_for},
    {.name = "give_back_memory_within",
     .argument = "TIME",
     .summary = "likewise, if its owner is short of memory",
     .usual = "30s",
     .set = set_give_back_memory_within},
    {.name = "keep_lapsed",
     .argument = "TIME",
     .summary = "frozen this long without server or agent, it ends",
     .default_text = "1h",
     .set = set_keep_lapsed},
    {.name = "log",
     .argument = "LEVEL",
     .summary = "or debug",
     .default_text = "notice",
     .set = set_log},
};

static const struct configuration configuration = {
    .program = "agent",
    .introduction =
        "Lends this computer to a pool: stays in the foreground, prints 'ready NAME' when the\n"
        "server has accepted it, and ends at SIGTERM when its tasks have left.\n",
    .example = "DUSK_TOKEN=$(cat token) dusk agent --server big.example:7433 --name pc1 --cpus 2",
    .file_name = "agent.ini",
    .keys = keys,
    .key_count = ARRAY_LENGTH(keys),
};

/* A policy and the keys that it stands in place of would contradict each other. */
static int make_policy(struct settings *settings, struct error *err)
{
    int r;

    if (!settings->policy_name && settings->definition_count == 0)
        return 0;
    if (settings->plain_key) {
        error_set(err, -EINVAL, "'%s' does not go with a policy in HTCondor's words",
                  settings->plain_key);
        error_hint(err,
                   "the policy says that with START, SUSPEND, CONTINUE and PREEMPT: take out "
                   "either '%s', or 'policy' and all of 'condor'",
                   settings->plain_key);
        return -EINVAL;
    }
    r = policy_new(settings->policy_name, settings->definitions, settings->definition_count,
                   &settings->policy, err);
    return r < 0 ? error_prefix(err, r, "the policy") : 0;
}

int settings_read(int argc, char **argv, struct settings *settings, struct error *err)
{
    int r;

    settings->idle_after_ms = IDLE_AFTER_MS;
    settings->resume_after_ms = RESUME_AFTER_MS;
    settings->suspend_for_ms = SUSPEND_FOR_MS;
    settings->give_back_memory_within_ms = GIVE_BACK_MEMORY_WITHIN_MS;
    settings->max_load = max_load;
    settings->max_pressure = max_pressure;
    r = configuration_read(&configuration, argc, argv, settings, err);
    if (r == 0)
        r = offer_join(&settings->offer, &settings->offer_line, err);
    return r == 0 ? make_policy(settings, err) : r;
}
