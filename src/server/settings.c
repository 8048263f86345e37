/* SPDX-License-Identifier: Apache-2.0 */
/* What a person may set of a server, and what that makes of the pool's times. */
#include "server.h"

#include "base/memory.h"
#include "base/number.h"
#include "sys/configuration.h"
#include "sys/file.h"
#include "sys/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { LEASE_MIN_MS = 1000, LEASE_MAX_MS = 24 * 3600 * 1000 };

static const uint64_t WAIT_MIN_MS = 1000, WAIT_MAX_MS = 30ULL * 24 * 3600 * 1000;

static void replace(char **text, const char *with)
{
    free(*text);
    *text = memory_copy_string(with);
}

static void add_text(char ***items, size_t *count, const char *text)
{
    *items = memory_resize(*items, *count + 1, sizeof(**items));
    (*items)[(*count)++] = memory_copy_string(text);
}

static int set_state(void *target, const char *text, struct error *err)
{
    struct server_options *options = target;

    if (text[0] == '\0')
        return error_set(err, -EINVAL, "there is no such folder");
    replace(&options->state_folder, text);
    return 0;
}

static int set_port(void *target, const char *text, struct error *err)
{
    struct server_options *options = target;
    uint64_t port;

    if (number_parse_u64(slice_from_text(text), &port) < 0 || port > UINT16_MAX)
        return error_set(err, -EINVAL, "'%s' is no port from 0 to %d", text, UINT16_MAX);
    options->port = (uint16_t)port;
    return 0;
}

static int set_host(void *target, const char *text, struct error *err)
{
    struct server_options *options = target;

    (void)err;
    replace(&options->host, text);
    return 0;
}

static int set_name(void *target, const char *text, struct error *err)
{
    (void)err;
    server_options_add_name(target, text);
    return 0;
}

static int set_admins(void *target, const char *text, struct error *err)
{
    struct server_options *options = target;
    _cleanup_free_ char *copy = memory_copy_string(text);
    char *save = NULL;

    (void)err;
    for (char *name = strtok_r(copy, " ,\t", &save); name; name = strtok_r(NULL, " ,\t", &save))
        add_text(&options->admins, &options->admin_count, name);
    return 0;
}

static int set_lease(void *target, const char *text, struct error *err)
{
    struct server_options *options = target;
    uint64_t lease_ms;

    if (number_parse_duration(slice_from_text(text), &lease_ms) < 0 || lease_ms < LEASE_MIN_MS ||
        lease_ms > LEASE_MAX_MS)
        return error_set(err, -EINVAL, "'%s' is no time from 1s to 24h", text);
    options->pool.lease_ms = lease_ms;
    /* Three reports a lease: two may be lost. A tenth is for clocks that run apart. */
    options->pool.heartbeat_ms = lease_ms / 3;
    options->pool.margin_ms = lease_ms / 10;
    options->pool.restored_lease_ms = lease_ms;
    return 0;
}

/* Not 0: some would mean by it at once, and others never. */
static int parse_time_or_never(const char *text, uint64_t *ret_ms, struct error *err)
{
    uint64_t after_ms = 0;

    if (strcmp(text, "never") != 0 &&
        (number_parse_duration(slice_from_text(text), &after_ms) < 0 || after_ms < WAIT_MIN_MS ||
         after_ms > WAIT_MAX_MS))
        return error_set(err, -EINVAL, "'%s' is neither 'never' nor a time from 1s to 30d", text);
    *ret_ms = after_ms;
    return 0;
}

static int set_move_suspended(void *target, const char *text, struct error *err)
{
    struct server_options *options = target;

    return parse_time_or_never(text, &options->pool.move_suspended_ms, err);
}

static int set_wake_after(void *target, const char *text, struct error *err)
{
    struct server_options *options = target;

    return parse_time_or_never(text, &options->pool.wake_after_ms, err);
}

static int set_image_quota(void *target, const char *text, struct error *err)
{
    struct server_options *options = target;

    if (number_parse_size(slice_from_text(text), 1, &options->image_quota) < 0)
        return error_set(err, -EINVAL, "'%s' is no size: write 500M or 100G", text);
    return 0;
}

static int set_log(void *target, const char *text, struct error *err)
{
    (void)target;
    return log_set_level_named(text, err);
}

static char *find_state(void)
{
    const char *home = getenv("HOME");

    return geteuid() == 0 || !home ? memory_copy_string("/var/lib/dusk")
                                   : file_join(home, ".local/state/dusk/server");
}

static const struct configuration_key keys[] = {
    {.name = "state",
     .argument = "FOLDER",
     .summary = "where it keeps everything",
     .find_default = find_state,
     .set = set_state},
    {.name = "port",
     .argument = "N",
     .summary = "for nodes and users elsewhere; 0: any free one",
     .default_text = "7433",
     .set = set_port},
    {.name = "host",
     .argument = "NAME",
     .summary = "listen on this name or address only",
     .usual = "all of this computer's",
     .set = set_host},
    {.name = "name",
     .argument = "NAME",
     .summary = "one more name of this computer, for its certificate",
     .usual = "its own",
     .is_list = true,
     .set = set_name},
    {.name = "admins",
     .argument = "NAMES",
     .summary = "users who may do what root may, with spaces between",
     .usual = "root",
     .is_list = true,
     .set = set_admins},
    {.name = "lease",
     .argument = "TIME",
     .summary = "nodes work on this long when they hear nothing of the server",
     .default_text = "30s",
     .set = set_lease},
    {.name = "move_suspended_after",
     .argument = "TIME",
     .summary = "suspended so long, a task goes to a free node; or never",
     /* Longer than an agent waits after a false alarm, and shorter than one lets a task stay. */
     .default_text = "100s",
     .set = set_move_suspended},
    {.name = "wake_after",
     .argument = "TIME",
     .summary = "for tasks that wait so long, sleeping nodes are woken; or never",
     .default_text = "30s",
     .set = set_wake_after},
    {.name = "image_quota",
     .argument = "SIZE",
     .summary = "of all images of a user, for containers to start from",
     .default_text = "100G",
     .set = set_image_quota},
    {.name = "log",
     .argument = "LEVEL",
     .summary = "or debug, for every move of every task",
     .default_text = "notice",
     .set = set_log},
};

static const struct configuration configuration = {
    .program = "server",
    .introduction =
        "Runs the server of a pool in the foreground: prints 'ready HOST:PORT' when it\n"
        "is, and ends at SIGTERM.\n",
    .example = "dusk server --state /var/lib/dusk",
    .file_name = "server.ini",
    .keys = keys,
    .key_count = ARRAY_LENGTH(keys),
};

int server_options_read(struct server_options *options, int argc, char **argv, struct error *err)
{
    return configuration_read(&configuration, argc, argv, options, err);
}

void server_options_add_name(struct server_options *options, const char *name)
{
    add_text(&options->names, &options->name_count, name);
}

void server_options_deinit(struct server_options *options)
{
    for (size_t i = 0; i < options->admin_count; i++)
        free(options->admins[i]);
    for (size_t i = 0; i < options->name_count; i++)
        free(options->names[i]);
    free(options->admins);
    free(options->names);
    free(options->host);
    free(options->state_folder);
    *options = (struct server_options){0};
}
