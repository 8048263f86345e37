/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containers FOLDER COUNT: what a container costs, by a keeper below FOLDER and no agent: of COUNT
 * tasks, each bare and contained in turn, how long from the request until their program runs; how
 * long until a contained task that computes stands still, alone and behind the starts of four
 * others; how many of each a processor starts and ends in a second; and how fast a program computes
 * within a container and outside, in turn.
 *
 * Prints "bare MS contained MS freeze MEDIAN WORST behind MEDIAN WORST rate BARE CONTAINED computes
 * RATIO"; times are medians unless they are called worst.
 */
#define _GNU_SOURCE
#include "base/memory.h"
#include "runtime/container.h"
#include "runtime/container_tree.h"
#include "runtime/keeper.h"
#include "runtime/keeper_client.h"
#include "sys/file.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    AT_ONCE = 4, /* as many as an agent has started at once */
    ROUNDS = 9,  /* of a program that computes */
    LOOPS = 60000000,
    TASK_UID = 61200,
    PATIENCE_MS = 20000,
};

struct bench {
    struct keeper_client *client;
    struct container_tree tree;
    char *work, *temporary; /* owned */
    uint64_t next;
    size_t heard[KEEPER_NEWS_LISTED + 1]; /* of each kind of news */
};

static void die(const char *what)
{
    fprintf(stderr, "containers: %s\n", what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

/* ---- the keeper ---- */

static void on_news(void *context, const struct keeper_news *news)
{
    struct bench *bench = context;

    if (news->type == KEEPER_NEWS_START_FAILED)
        die(news->failure.path);
    if (news->type == KEEPER_NEWS_EXITED)
        keeper_client_forget(bench->client, news->key);
    if (news->type <= KEEPER_NEWS_LISTED)
        bench->heard[news->type]++;
}

/* Sends what was asked for, and waits until there were so many of these news in all. */
static void await(struct bench *bench, enum keeper_news_type type, size_t count)
{
    struct pollfd wait = {.fd = keeper_client_descriptor(bench->client), .events = POLLIN};

    while (bench->heard[type] < count) {
        if (keeper_client_flush(bench->client, NULL) < 0 || poll(&wait, 1, PATIENCE_MS) != 1 ||
            keeper_client_read(bench->client, on_news, bench, NULL) < 0)
            die("the keeper does not answer");
    }
}

static uint64_t ask(struct bench *bench, bool is_contained, const char *program, const char *word)
{
    const char *arguments[] = {program, word, NULL}, *none[] = {NULL};
    struct keeper_spawn spawn = {
        .note = {.data = ""},
        .program = program,
        .arguments = arguments,
        .environment = none,
        .folder = bench->work,
        .input = "",
        .output = "out",
        .error = "",
        .becomes_user = true,
        .uid = TASK_UID,
        .gid = TASK_UID,
        .container = {.root = "",
                      .sources = none,
                      .targets = none,
                      .devices = none,
                      .temporary = "",
                      .host_name = ""},
    };

    if (is_contained)
        spawn.container = (struct keeper_container){.root = bench->tree.root,
                                                    .sources = (const char **)bench->tree.sources,
                                                    .targets = (const char **)bench->tree.targets,
                                                    .devices = none,
                                                    .temporary = bench->temporary,
                                                    .host_name = "bench"};
    if (keeper_client_spawn(bench->client, bench->next, &spawn, NULL) < 0)
        die("a task cannot be asked for");
    return bench->next++;
}

/* One that ends at once, and is there on both sides. */
static uint64_t ask_short(struct bench *bench, bool is_contained)
{
    _cleanup_free_ char *outside = file_join(bench->tree.root, CONTAINER_INIT + 1);

    return ask(bench, is_contained, is_contained ? CONTAINER_INIT : outside, "probe");
}

static void prepare(struct bench *bench, const char *folder)
{
    static const char *const nothing[] = {NULL};
    struct keeper_options options = {.state_folder = folder, .scope_program = ""};
    _cleanup_free_ char *root = file_join(folder, "root"),
                        *program = file_join(folder, "work/self");
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_buffer_ struct buffer self = BUFFER_INIT;
    bool is_new;

    *bench = (struct bench){.next = 1};
    bench->work = file_join(folder, "work");
    bench->temporary = file_join(folder, "temporary");
    if (mkdir(folder, 0711) < 0 || mkdir(bench->work, 0700) < 0 ||
        mkdir(bench->temporary, 0700) < 0 || chown(bench->work, TASK_UID, TASK_UID) < 0 ||
        chown(bench->temporary, TASK_UID, TASK_UID) < 0)
        die("the folders cannot be made");
    if (file_read("/proc/self/exe", 64 << 20, &self, &err) < 0 ||
        file_replace(program, self.data, self.length, 0755, false, &err) < 0 ||
        container_tree_of_node(root, nothing, &bench->tree, &err) < 0 ||
        keeper_start(&options, &bench->client, &is_new, &err) < 0)
        die(error_text(&err));
}

/* ---- the figures ---- */

static double start_one(struct bench *bench, bool is_contained)
{
    size_t started = bench->heard[KEEPER_NEWS_STARTED], ended = bench->heard[KEEPER_NEWS_EXITED];
    double begun_ms = now_ms(), ms;

    ask_short(bench, is_contained);
    await(bench, KEEPER_NEWS_STARTED, started + 1);
    ms = now_ms() - begun_ms;
    await(bench, KEEPER_NEWS_EXITED, ended + 1);
    return ms;
}

static void measure_starts(struct bench *bench, size_t count)
{
    double *bare = memory_resize(NULL, count, sizeof(*bare));
    double *contained = memory_resize(NULL, count, sizeof(*contained));

    for (size_t i = 0; i < count; i++) {
        bare[i] = start_one(bench, false);
        contained[i] = start_one(bench, true);
    }
    printf("bare %.3f ", median(bare, count));
    printf("contained %.3f ", median(contained, count));
    free(bare);
    free(contained);
}

/* Starts and ends in a second, with a few in flight. */
static double measure_rate(struct bench *bench, bool is_contained, size_t count)
{
    double begun_ms = now_ms();

    for (size_t i = 0; i < count; i += AT_ONCE) {
        size_t ended = bench->heard[KEEPER_NEWS_EXITED];

        for (size_t j = 0; j < AT_ONCE; j++)
            ask_short(bench, is_contained);
        await(bench, KEEPER_NEWS_EXITED, ended + AT_ONCE);
    }
    return (double)count / (now_ms() - begun_ms) * 1e3;
}

/* Behind so many requests for others, which the keeper has read before it reads this one. */
static void measure_freeze(struct bench *bench, const char *name, uint64_t busy, size_t others,
                           size_t count)
{
    double *ms = memory_resize(NULL, count, sizeof(*ms));

    for (size_t i = 0; i < count; i++) {
        size_t ended = bench->heard[KEEPER_NEWS_EXITED] + others;
        double begun_ms;

        for (size_t j = 0; j < others; j++)
            ask_short(bench, true);
        begun_ms = now_ms();
        keeper_client_freeze(bench->client, busy);
        await(bench, KEEPER_NEWS_FROZEN, bench->heard[KEEPER_NEWS_FROZEN] + 1);
        ms[i] = now_ms() - begun_ms;
        keeper_client_thaw(bench->client, busy, 0);
        await(bench, KEEPER_NEWS_THAWED, bench->heard[KEEPER_NEWS_THAWED] + 1);
        await(bench, KEEPER_NEWS_EXITED, ended);
    }
    qsort(ms, count, sizeof(*ms), compare);
    printf("%s %.3f %.3f ", name, ms[count / 2], ms[count - 1]);
    free(ms);
}

static void freeze(struct bench *bench, size_t count)
{
    size_t started = bench->heard[KEEPER_NEWS_STARTED];
    uint64_t busy = ask(bench, true, "./self", "busy");

    await(bench, KEEPER_NEWS_STARTED, started + 1);
    measure_freeze(bench, "freeze", busy, 0, count);
    measure_freeze(bench, "behind", busy, AT_ONCE, count);
    keeper_client_kill(bench->client, busy);
    await(bench, KEEPER_NEWS_EXITED, bench->heard[KEEPER_NEWS_EXITED] + 1);
}

/* What it took by its own clock, in ms. */
static double compute_once(struct bench *bench, bool is_contained)
{
    _cleanup_free_ char *program = file_join(bench->work, "self");
    _cleanup_free_ char *path = file_join(bench->work, "out");
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    size_t ended = bench->heard[KEEPER_NEWS_EXITED];

    ask(bench, is_contained, is_contained ? "./self" : program, "compute");
    await(bench, KEEPER_NEWS_EXITED, ended + 1);
    if (file_read(path, 64, &text, NULL) < 0)
        die("the program has computed nothing");
    return strtod(buffer_text(&text), NULL);
}

/* The least of some rounds: whatever else the computer does makes it only slower. */
static void compute(struct bench *bench)
{
    double outside = 1e9, within = 1e9;

    for (int i = 0; i < ROUNDS; i++) {
        double out = compute_once(bench, false), in = compute_once(bench, true);

        outside = out < outside ? out : outside;
        within = in < within ? in : within;
    }
    printf("computes %.4f\n", outside / within);
}

/* ---- as a task ---- */

static int be_task(const char *word)
{
    volatile uint64_t number = 1;
    double begun_ms = now_ms();

    for (int i = 0; i < LOOPS || strcmp(word, "busy") == 0; i++)
        number = number * 6364136223846793005ULL + 1442695040888963407ULL;
    printf("%.3f\n", now_ms() - begun_ms);
    return 0;
}

int main(int argc, char **argv)
{
    size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    struct bench bench;
    cpu_set_t one;
    int keeper;

    if (argc > 1 && strcmp(argv[1], KEEPER_COMMAND) == 0)
        return keeper_main(argc, argv);
    if (argc == 2)
        return be_task(argv[1]);
    if (count == 0 || geteuid() != 0) {
        fprintf(stderr, "usage, as root: containers FOLDER COUNT\n");
        return 2;
    }
    prepare(&bench, argv[1]);
    keeper = keeper_client_pid(bench.client);
    measure_starts(&bench, count);
    freeze(&bench, count);
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof(one), &one);
    sched_setaffinity(keeper, sizeof(one), &one);
    printf("rate %.1f ", measure_rate(&bench, false, count));
    printf("%.1f ", measure_rate(&bench, true, count));
    compute(&bench);
    keeper_client_free(bench.client);
    kill(keeper, SIGTERM);
    return 0;
}
