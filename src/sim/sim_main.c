/* SPDX-License-Identifier: Apache-2.0 */
/* `dusk sim`: the command line, and what people are told at the end. */
#include "sim_main.h"

#include "sim.h"
#include "sweep.h"

#include "base/number.h"
#include "base/spelling.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

static const char help[] =
    "usage: dusk sim [OPTION]...\n"
    "\n"
    "Plays whole pools in virtual time, each drawn from a seed, with everything that can go\n"
    "wrong between a server, its nodes, their owners and their users, and checks after every\n"
    "step what must always be true. Prints the seed that fails and exits with 1.\n"
    "\n"
    "  --seed N              one seed (1)\n"
    "  --seeds A-B           all seeds from A to B\n"
    "  --jobs N              processes at a time (one per CPU)\n"
    "  --trace               everything that happens, line by line; for one seed\n"
    "  --digest              print only the digest, which is the same whenever a seed is\n"
    "\n"
    "What is otherwise drawn from the seed:\n"
    "  --agents N            nodes\n"
    "  --tasks N             tasks, in a few jobs\n"
    "  --cpus N              CPUs of a node at most\n"
    "  --hours N, --days N   how long things go wrong; then all must end\n"
    "  --task-time DURATION  how long a task computes at most\n"
    "  --faults PERCENT      of the usual number of faults; 0 is a perfect world\n"
    "  --mix LIST            which faults: server, agents, power, network, owners, users, files,\n"
    "                        admin, with commas between\n"
    "  --crashes PPM         how many of a million batches of the server end in a crash\n"
    "  --loss, --repeat, --late PPM    what happens to how many of a million messages\n"
    "\n"
    "  --scenario FILE       play a script and compare its trace with the file beside it\n"
    "  --update              write that file anew\n"
    "  --measure             what a step of the server's brain costs, from 100 agents to 100,000\n"
    "                        (with --agents: with so many)\n"
    "  --owners FILE         what is finished and what is thrown away where owners come and go as\n"
    "                        in this table of fitted distributions, and nothing else goes wrong:\n"
    "                        one sweep after the other of --tasks (100), each computing for about\n"
    "                        --task-time (4h), on --agents (200) with --cpus (1), for --days (28)\n"
    "  --owners-like NAME    which computers of the table (Microsoft99); NAME/FAMILY: weibull,\n"
    "                        exponential, lognormal or gamma\n"
    "  --habits PERCENT      how much of what decides how long an owner stays or is away is his\n"
    "                        own and not the day's (30)\n"
    "  --suspend-for DURATION           frozen for its owner so long, a task is vacated (2m)\n"
    "  --move-suspended-after DURATION  or moved, if another node is free (never)\n"
    "\n"
    "examples:\n"
    "  dusk sim --seeds 1-2000\n"
    "  dusk sim --seed 174 --trace | less\n"
    "  dusk sim --agents 100000 --tasks 1000000 --faults 0\n"
    "  dusk sim --scenario tests/sim/owner-returns.scenario --update\n"
    "  dusk sim --owners fta-fitted-distributions.csv --owners-like Nd07cpu --seeds 1-5\n";

struct command_line {
    uint64_t first, last;
    uint64_t jobs;
    bool trace, digest, update, measure, help;
    const char *scenario, *owners, *owners_like;
    uint64_t habits;
    uint64_t suspend_ms, move_suspended_ms;
    /* Each as given, or UINT64_MAX. */
    uint64_t agents, tasks, cpus, hours, days, task_ms, faults, mix, crashes, loss, repeat, late;
};

enum option_key {
    KEY_SEED = 256,
    KEY_SEEDS,
    KEY_JOBS,
    KEY_AGENTS,
    KEY_TASKS,
    KEY_CPUS,
    KEY_HOURS,
    KEY_DAYS,
    KEY_TASK_TIME,
    KEY_FAULTS,
    KEY_MIX,
    KEY_CRASHES,
    KEY_LOSS,
    KEY_REPEAT,
    KEY_LATE,
    KEY_TRACE,
    KEY_DIGEST,
    KEY_SCENARIO,
    KEY_UPDATE,
    KEY_MEASURE,
    KEY_OWNERS,
    KEY_OWNERS_LIKE,
    KEY_HABITS,
    KEY_SUSPEND_FOR,
    KEY_MOVE_SUSPENDED,
    KEY_HELP
};

static const struct option options_known[] = {
    {"seed", required_argument, NULL, KEY_SEED},
    {"seeds", required_argument, NULL, KEY_SEEDS},
    {"jobs", required_argument, NULL, KEY_JOBS},
    {"agents", required_argument, NULL, KEY_AGENTS},
    {"tasks", required_argument, NULL, KEY_TASKS},
    {"cpus", required_argument, NULL, KEY_CPUS},
    {"hours", required_argument, NULL, KEY_HOURS},
    {"days", required_argument, NULL, KEY_DAYS},
    {"task-time", required_argument, NULL, KEY_TASK_TIME},
    {"faults", required_argument, NULL, KEY_FAULTS},
    {"mix", required_argument, NULL, KEY_MIX},
    {"crashes", required_argument, NULL, KEY_CRASHES},
    {"loss", required_argument, NULL, KEY_LOSS},
    {"repeat", required_argument, NULL, KEY_REPEAT},
    {"late", required_argument, NULL, KEY_LATE},
    {"trace", no_argument, NULL, KEY_TRACE},
    {"digest", no_argument, NULL, KEY_DIGEST},
    {"scenario", required_argument, NULL, KEY_SCENARIO},
    {"update", no_argument, NULL, KEY_UPDATE},
    {"measure", no_argument, NULL, KEY_MEASURE},
    {"owners", required_argument, NULL, KEY_OWNERS},
    {"owners-like", required_argument, NULL, KEY_OWNERS_LIKE},
    {"habits", required_argument, NULL, KEY_HABITS},
    {"suspend-for", required_argument, NULL, KEY_SUSPEND_FOR},
    {"move-suspended-after", required_argument, NULL, KEY_MOVE_SUSPENDED},
    {"help", no_argument, NULL, KEY_HELP},
    {0},
};

/* Reading the command line. */

static int parse_number(const char *option, const char *text, uint64_t least, uint64_t most,
                        uint64_t *ret_number, struct error *err)
{
    uint64_t number = 0;

    if (number_parse_u64(slice_from_text(text), &number) < 0 || number < least || number > most)
        return error_set(err, -EINVAL, "--%s %s: it is a number from %llu to %llu", option, text,
                         (unsigned long long)least, (unsigned long long)most);
    *ret_number = number;
    return 0;
}

static int parse_seed(const char *text, struct command_line *line, struct error *err)
{
    uint64_t seed = 0;
    int r = parse_number("seed", text, 0, UINT64_MAX, &seed, err);

    if (r == 0)
        line->first = line->last = seed;
    return r;
}

static int parse_seeds(const char *text, struct command_line *line, struct error *err)
{
    const char *dash = strchr(text, '-');
    uint64_t first = 0, last = 0;

    if (!dash || number_parse_u64((struct slice){text, (size_t)(dash - text)}, &first) < 0 ||
        number_parse_u64(slice_from_text(dash + 1), &last) < 0 || first > last)
        return error_set(err, -EINVAL, "--seeds %s: it is a range like 1-2000", text);
    line->first = first;
    line->last = last;
    return 0;
}

static uint64_t *time_of(struct command_line *line, enum option_key key)
{
    if (key == KEY_TASK_TIME)
        return &line->task_ms;
    return key == KEY_SUSPEND_FOR ? &line->suspend_ms : &line->move_suspended_ms;
}

static int parse_time(const char *name, const char *text, uint64_t *ret_ms, struct error *err)
{
    uint64_t ms = 0;

    if (number_parse_duration(slice_from_text(text), &ms) < 0 || ms < 1000 || ms > 86400000)
        return error_set(err, -EINVAL, "--%s %s: it is a duration from 1s to 1d", name, text);
    *ret_ms = ms;
    return 0;
}

/* In the order of their bits. */
static const char *const fault_names[] = {"server", "agents", "power", "network",
                                          "owners", "users",  "files", "admin"};

static int parse_fault(struct slice word, struct command_line *line, struct error *err)
{
    _cleanup_free_ char *name = slice_copy(word);
    const char *nearest;

    for (size_t i = 0; i < ARRAY_LENGTH(fault_names); i++)
        if (slice_equals(word, fault_names[i])) {
            line->mix |= 1U << i;
            return 0;
        }
    error_set(err, -EINVAL, "--mix: there are no faults '%s'", name);
    nearest = spelling_nearest(name, fault_names, ARRAY_LENGTH(fault_names));
    if (nearest)
        error_hint(err, "Did you mean %s?", nearest);
    return -EINVAL;
}

static int parse_mix(const char *text, struct command_line *line, struct error *err)
{
    int r = 0;

    line->mix = 0;
    while (r == 0) {
        size_t length = strcspn(text, ",");

        r = parse_fault((struct slice){text, length}, line, err);
        text += length;
        if (*text++ == '\0')
            break;
    }
    return r;
}

static int take_text(const char *value, const char **ret_text)
{
    *ret_text = value;
    return 0;
}

static int take_option(enum option_key key, const char *name, const char *value,
                       struct command_line *line, struct error *err)
{
    switch (key) {
    case KEY_SEED:
        return parse_seed(value, line, err);
    case KEY_SEEDS:
        return parse_seeds(value, line, err);
    case KEY_JOBS:
        return parse_number(name, value, 1, 1000, &line->jobs, err);
    case KEY_AGENTS:
        return parse_number(name, value, 1, 1000000, &line->agents, err);
    case KEY_TASKS:
        return parse_number(name, value, 1, 100000000, &line->tasks, err);
    case KEY_CPUS:
        return parse_number(name, value, 2, 1000, &line->cpus, err);
    case KEY_HOURS:
        return parse_number(name, value, 1, 10000, &line->hours, err);
    case KEY_DAYS:
        return parse_number(name, value, 1, 400, &line->days, err);
    case KEY_TASK_TIME:
    case KEY_SUSPEND_FOR:
    case KEY_MOVE_SUSPENDED:
        return parse_time(name, value, time_of(line, key), err);
    case KEY_FAULTS:
        return parse_number(name, value, 0, 10000, &line->faults, err);
    case KEY_MIX:
        return parse_mix(value, line, err);
    case KEY_CRASHES:
        return parse_number(name, value, 0, 1000000, &line->crashes, err);
    case KEY_LOSS:
        return parse_number(name, value, 0, 1000000, &line->loss, err);
    case KEY_REPEAT:
        return parse_number(name, value, 0, 1000000, &line->repeat, err);
    case KEY_LATE:
        return parse_number(name, value, 0, 1000000, &line->late, err);
    case KEY_SCENARIO:
        return take_text(value, &line->scenario);
    case KEY_TRACE:
        line->trace = true;
        return 0;
    case KEY_DIGEST:
        line->digest = true;
        return 0;
    case KEY_UPDATE:
        line->update = true;
        return 0;
    case KEY_MEASURE:
        line->measure = true;
        return 0;
    case KEY_OWNERS:
        return take_text(value, &line->owners);
    case KEY_OWNERS_LIKE:
        return take_text(value, &line->owners_like);
    case KEY_HABITS:
        return parse_number(name, value, 0, 100, &line->habits, err);
    case KEY_HELP:
        line->help = true;
        return 0;
    }
    abort();
}

static int refuse_option(const char *word, int key, struct error *err)
{
    const char *names[ARRAY_LENGTH(options_known)];
    const char *nearest;
    size_t count = 0;

    if (key == ':')
        return error_set(err, -EINVAL, "%s needs a value", word);
    for (; options_known[count].name; count++)
        names[count] = options_known[count].name;
    nearest = spelling_nearest(word + strspn(word, "-"), names, count);
    error_set(err, -EINVAL, "there is no option '%s'", word);
    if (nearest)
        error_hint(err, "Did you mean --%s?", nearest);
    return -EINVAL;
}

static int check_line(const struct command_line *line, struct error *err)
{
    if (line->trace && line->first != line->last)
        return error_set(err, -EINVAL, "--trace is for one seed");
    if (!line->owners && (line->owners_like || line->habits != UINT64_MAX || line->suspend_ms > 0 ||
                          line->move_suspended_ms > 0))
        return error_set(err, -EINVAL,
                         "--owners-like, --habits, --suspend-for and "
                         "--move-suspended-after are for --owners");
    if (line->update && !line->scenario)
        return error_set(err, -EINVAL, "--update is for a --scenario");
    return 0;
}

static int parse_line(int argc, char **argv, struct command_line *line, struct error *err)
{
    int key, index = 0, r = 0;

    optind = 0;
    opterr = 0;
    while (r == 0 && (key = getopt_long(argc, argv, ":", options_known, &index)) != -1) {
        if (key == '?' || key == ':')
            return refuse_option(argv[optind - 1], key, err);
        r = take_option((enum option_key)key, options_known[index].name, optarg, line, err);
    }
    if (r == 0 && optind < argc)
        return error_set(err, -EINVAL, "'%s' is no option", argv[optind]);
    return r < 0 ? r : check_line(line, err);
}

/* Running. */

static void adapt(struct sim_options *options, const void *userdata)
{
    const struct command_line *line = userdata;
    struct {
        uint64_t given;
        uint32_t *option;
    } numbers[] = {
        {line->agents, &options->agents}, {line->tasks, &options->tasks},
        {line->cpus, &options->cpus},     {line->faults, &options->faults},
        {line->mix, &options->fault_mix}, {line->crashes, &options->crash_parts},
        {line->loss, &options->loss},     {line->repeat, &options->repeat},
        {line->late, &options->late},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++)
        if (numbers[i].given != UINT64_MAX)
            *numbers[i].option = (uint32_t)numbers[i].given;
    if (line->hours != UINT64_MAX)
        options->duration_ms = line->hours * 3600000;
    if (line->days != UINT64_MAX)
        options->duration_ms = line->days * 86400000;
    if (line->task_ms != UINT64_MAX)
        options->task_ms_max = line->task_ms;
    if (line->trace)
        options->trace = stdout;
}

static void print_figure(const char *name, uint64_t number, const char *remark)
{
    printf("%-16s %12llu   %s\n", name, (unsigned long long)number, remark);
}

static void print_summary(const struct sim_result *sum)
{
    uint64_t virtual_s = sum->virtual_ms / 1000;

    print_figure("seeds", sum->seeds, "all went well");
    print_figure("results", sum->results, "each recorded once");
    print_figure("computed again", sum->started > sum->results ? sum->started - sum->results : 0,
                 "attempts that gave no result");
    print_figure("server crashes", sum->server_crashes, "");
    print_figure("agent crashes", sum->agent_crashes, "and computers switched off");
    print_figure("messages", sum->messages, "");
    printf("%-16s %7llu h %02llu   %.0f times as fast as the clock\n", "virtual time",
           (unsigned long long)(virtual_s / 3600), (unsigned long long)(virtual_s / 60 % 60),
           (double)virtual_s / (sum->seconds > 0 ? sum->seconds : 1e-3));
    printf("%-16s %10.2f s   %.2f us for each of %llu steps\n", "processor time", sum->seconds,
           sum->seconds * 1e6 / (double)(sum->steps > 0 ? sum->steps : 1),
           (unsigned long long)sum->steps);
    printf("%-16s %012llx\n", "digest", (unsigned long long)sum->digest);
}

static int run_seeds(const struct command_line *line, struct error *err)
{
    uint64_t count = line->last - line->first;
    struct sim_seeds seeds = {.first = line->first,
                              .last = line->last,
                              .jobs = (uint32_t)(count < line->jobs ? count + 1 : line->jobs),
                              .adapt = adapt,
                              .userdata = line};
    struct sim_result sum;
    int r = sim_run_seeds(&seeds, &sum, err);

    if (r != 0)
        return r;
    if (line->digest)
        printf("%016llx\n", (unsigned long long)sum.digest);
    else if (!line->trace)
        print_summary(&sum);
    return 0;
}

static int measure(const struct command_line *line)
{
    static const uint32_t agents[] = {100, 1000, 10000, 100000};

    if (line->agents != UINT64_MAX) {
        sim_measure((uint32_t)line->agents, stdout);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(agents); i++)
        sim_measure(agents[i], stdout);
    return 0;
}

static uint32_t given_or(uint64_t given, uint32_t usual)
{
    return given == UINT64_MAX ? usual : (uint32_t)given;
}

static int sweep(const struct command_line *line, struct error *err)
{
    struct sweep_options options = {
        .owners.habits = given_or(line->habits, 30) / 100.0,
        .nodes = given_or(line->agents, 200),
        .cpus = given_or(line->cpus, 1),
        .tasks = given_or(line->tasks, 100),
        .task_ms = given_or(line->task_ms, 4 * 3600000),
        .suspend_for_ms = line->suspend_ms > 0 ? line->suspend_ms : 2 * 60000,
        .move_suspended_ms = line->move_suspended_ms,
        .learning_days = 28,
        .days = given_or(line->days, 28),
    };
    struct sweep_result sums[2] = {0};
    const char *like = line->owners_like ? line->owners_like : "Microsoft99";
    int r = owners_read(line->owners, like, &options.owners, err);

    if (r < 0)
        return r;
    for (uint64_t i = 0; i <= line->last - line->first; i++)
        for (int by_history = 0; by_history <= 1; by_history++) {
            struct sweep_result result;

            options.seed = line->first + i;
            options.by_history = by_history != 0;
            result = sweep_run(&options);
            sweep_result_add(&sums[by_history], &result);
        }
    sweep_print(&sums[0], &sums[1], stdout);
    return 0;
}

static int run_line(const struct command_line *line, struct error *err)
{
    if (line->measure)
        return measure(line);
    if (line->owners)
        return sweep(line, err);
    if (line->scenario)
        return sim_play(line->scenario, line->trace ? stdout : NULL, line->update, err);
    return run_seeds(line, err);
}

static int complain(const struct error *err, int code)
{
    fflush(stdout);
    fprintf(stderr, "dusk: sim: %s\n", error_text(err));
    if (err->hint)
        fprintf(stderr, "hint: %s\n", err->hint);
    else if (code == EXIT_USAGE)
        fprintf(stderr, "hint: 'dusk sim --help' lists the options.\n");
    return code;
}

int sim_main(int argc, char **argv)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct command_line line = {.first = 1, .last = 1, .jobs = cpus > 0 ? (uint64_t)cpus : 1};
    int r;

    line.agents = line.tasks = line.cpus = line.hours = line.days = UINT64_MAX;
    line.task_ms = line.faults = line.mix = line.crashes = UINT64_MAX;
    line.loss = line.repeat = line.late = line.habits = UINT64_MAX;
    if (parse_line(argc, argv, &line, &err) < 0)
        return complain(&err, EXIT_USAGE);
    if (line.help) {
        fputs(help, stdout);
        return EXIT_OK;
    }
    r = run_line(&line, &err);
    if (r < 0)
        return complain(&err, EXIT_FAILED);
    return r == 0 ? EXIT_OK : EXIT_FAILED;
}
