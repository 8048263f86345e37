/* SPDX-License-Identifier: Apache-2.0 */
/* See settings.h: the table of keys, and what counts if nobody says anything. */
#include "settings_internal.h"

#include "base/memory.h"
#include "sys/configuration.h"
#include "sys/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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
static const double max_pressure = 40;

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
    free(settings->criu);
    settings_free_paths(settings->container_paths);
    definitions_deinit(settings);
    policy_free(settings->policy);
    calendar_deinit(&settings->calendar);
    attributes_deinit(&settings->attributes);
    *settings = SETTINGS_INIT;
}

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
    char name[SETTINGS_NAME_LENGTH_MAX + 1] = "";

    (void)gethostname(name, sizeof(name) - 1);
    return memory_copy_string(name);
}

static const struct configuration_key keys[] = {
    {.name = "state",
     .argument = "FOLDER",
     .summary = "where the agent remembers who it is",
     .find_default = find_state,
     .set = settings_set_state},
    {.name = "server",
     .argument = "HOST[:PORT]",
     .summary = "the pool's server",
     .default_text = "localhost:7433",
     .set = settings_set_server},
    {.name = "name",
     .argument = "NAME",
     .summary = "of this node in the pool",
     .find_default = find_name,
     .set = settings_set_name},
    {.name = "token",
     .argument = "TOKEN",
     .summary = "to join with; others see it here: rather DUSK_TOKEN",
     .variable = "DUSK_TOKEN",
     .is_secret = true,
     .set = settings_set_token},
    {.name = "token_file",
     .argument = "FILE",
     .summary = "a file with the token",
     .set = settings_set_token_file},
    {.name = "cpus",
     .argument = "N|N%",
     .summary = "processors to lend, or a share of them",
     .usual = "all",
     .set = settings_set_cpus},
    {.name = "memory",
     .argument = "SIZE|N%",
     .summary = "memory to lend, or a share of it",
     .usual = "all but 5 %",
     .set = settings_set_memory},
    {.name = "disk",
     .argument = "SIZE|N%",
     .summary = "disk to lend, or a share of it",
     .usual = "what is free",
     .set = settings_set_disk},
    {.name = "gpus",
     .argument = "N|N%",
     .summary = "GPUs to lend, the first ones; or more than are found",
     .usual = "all",
     .set = settings_set_gpus},
    {.name = "offer",
     .argument = "LIST",
     .summary = "these four in one line: cpus 50 %, memory 8 GB",
     .usual = "all",
     .set = settings_set_offer},
    {.name = "presence",
     .argument = "LIST",
     .summary = "who watches for the owner: auto, none, or names",
     .default_text = "auto",
     .set = settings_set_presence},
    {.name = "idle_after",
     .argument = "TIME",
     .summary = "lend the computer when nobody has used it for so long",
     .usual = "15m",
     .set = settings_set_idle_after},
    {.name = "resume_after",
     .argument = "TIME",
     .summary = "and let go on what was frozen, as long as it is still there",
     .usual = "1m",
     .set = settings_set_resume_after},
    {.name = "notice_before_start",
     .argument = "TIME",
     .summary = "and be near so long before, for whoever is still there",
     .usual = "0",
     .set = settings_set_notice_before_start},
    {.name = "policy",
     .argument = "NAME",
     .summary = "one of HTCondor's instead: DESKTOP, UWCS_DESKTOP, ALWAYS_RUN",
     .usual = "none",
     .set = settings_set_policy},
    {.name = "condor",
     .argument = "NAME=EXPRESSION",
     .summary = "START, SUSPEND… or a macro of it; in the file: condor.NAME",
     .is_family = true,
     .set = settings_set_condor},
    {.name = "working_hours",
     .argument = "HOURS",
     .summary = "when nothing may run: Mon-Fri 07:00-19:00",
     .default_text = "never",
     .set = settings_set_working_hours},
    {.name = "holidays",
     .argument = "DATES",
     .summary = "without working hours: 2026-12-24..2027-01-01, 05-01",
     .usual = "none",
     .is_list = true,
     .set = settings_set_holidays},
    {.name = "stop_starting_before",
     .argument = "TIME",
     .summary = "so long before working hours nothing is begun",
     .default_text = "0",
     .set = settings_set_stop_starting_before},
    {.name = "max_load",
     .argument = "N",
     .summary = "processors that other programs may use for a minute; 0: all",
     .usual = "0.5",
     .set = settings_set_max_load},
    {.name = "max_pressure",
     .argument = "N%",
     .summary = "of a minute that they may wait for memory or disks; 0: any",
     .usual = "40%",
     .set = settings_set_max_pressure},
    {.name = "do_not_disturb",
     .argument = "LIST",
     .summary = "programs that want the computer for themselves: obs,zoom",
     .usual = "none",
     .set = settings_set_do_not_disturb},
    {.name = "give_way",
     .argument = "yes|no",
     .summary = "tasks have the processors when nobody else wants them",
     .default_text = "yes",
     .set = settings_set_give_way},
    {.name = "on_battery",
     .argument = "yes|no",
     .summary = "lend the computer on its battery, too",
     .default_text = "no",
     .set = settings_set_on_battery},
    {.name = "temperature_max",
     .argument = "DEGREES",
     .summary = "hotter than that nothing runs; 0: as each sensor says",
     .default_text = "0",
     .set = settings_set_temperature_max},
    {.name = "max_fan",
     .argument = "RPM",
     .summary = "nor with a fan that turns faster than that; 0: any",
     .default_text = "0",
     .set = settings_set_max_fan},
    {.name = "runtime",
     .argument = "process|container",
     .summary = "how tasks are run",
     .usual = "container where possible",
     .set = settings_set_runtime},
    {.name = "network",
     .argument = "full|none",
     .summary = "what contained tasks get of it that ask for it",
     .default_text = "full",
     .set = settings_set_network},
    {.name = "container_paths",
     .argument = "LIST",
     .summary = "folders that contained tasks find besides /usr, /etc, /opt",
     .usual = "none",
     .set = settings_set_container_paths},
    {.name = "criu",
     .argument = "PATH",
     .summary = "what saves contained tasks (criu(8))",
     .default_text = "criu",
     .variable = "DUSK_CRIU",
     .set = settings_set_criu},
    {.name = "sleep_when_idle",
     .argument = "TIME",
     .summary = "without work and owner so long, it sleeps; 0: never",
     .default_text = "0",
     .set = settings_set_sleep_when_idle},
    {.name = "sleep_how",
     .argument = "WORD",
     .summary = "suspend, hibernate or poweroff",
     .default_text = "suspend",
     .set = settings_set_sleep_how},
    {.name = "sleep_command",
     .argument = "COMMAND",
     .summary = "run for that instead of systemctl, by a shell",
     .usual = "none",
     .set = settings_set_sleep_command},
    {.name = "owner_socket",
     .argument = "PATH",
     .summary = "where 'dusk owner' finds this agent; or none",
     .find_default = find_owner_socket,
     .set = settings_set_owner_socket},
    {.name = "owners",
     .argument = "NAME,...",
     .summary = "who may say more there, beside root and who sits here",
     .usual = "nobody",
     .set = settings_set_owners},
    {.name = "watts_per_core",
     .argument = "WATTS",
     .summary = "of a busy processor: the energy in 'dusk owner figures'",
     .default_text = "8",
     .set = settings_set_watts_per_core},
    {.name = "nudge",
     .argument = "PIXELS",
     .summary = "so far a mouse may move in a second without being used",
     .default_text = "0",
     .set = settings_set_nudge},
    {.name = "attribute",
     .argument = "NAME=VALUE",
     .summary = "one more attribute of this node; in the file: attribute.NAME",
     .is_family = true,
     .set = settings_set_attribute},
    {.name = "attribute_script",
     .argument = "PATH",
     .summary = "a program that prints more of them, run as nobody",
     .usual = "none",
     .set = settings_set_attribute_script},
    {.name = "attribute_script_interval",
     .argument = "TIME",
     .summary = "between two runs of it",
     .default_text = "5m",
     .set = settings_set_attribute_script_interval},
    {.name = "cache_size",
     .argument = "SIZE",
     .summary = "of inputs kept for later tasks",
     .default_text = "10G",
     .set = settings_set_cache_size},
    {.name = "image_cache",
     .argument = "SIZE",
     .summary = "of container images kept for later tasks",
     .default_text = "20G",
     .set = settings_set_image_cache},
    {.name = "grace",
     .argument = "TIME",
     .summary = "from the polite signal to the kill",
     .default_text = "10s",
     .set = settings_set_grace},
    {.name = "suspend_for",
     .argument = "TIME",
     .summary = "frozen this long for its owner, a task leaves",
     .usual = "2m",
     .set = settings_set_suspend_for},
    {.name = "give_back_memory_within",
     .argument = "TIME",
     .summary = "likewise, if its owner is short of memory",
     .usual = "30s",
     .set = settings_set_give_back_memory_within},
    {.name = "keep_lapsed",
     .argument = "TIME",
     .summary = "frozen this long without server or agent, it ends",
     .default_text = "1h",
     .set = settings_set_keep_lapsed},
    {.name = "log",
     .argument = "LEVEL",
     .summary = "or debug",
     .default_text = "notice",
     .set = settings_set_log},
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
