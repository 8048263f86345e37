/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expand: what the submit language costs. A million tasks of `queue N` with four macros each are
 * expanded one after the other, beside snprintf(3) making the same texts, which is what a program
 * would do that knew the answer; and a list of 100,000 items is read from a file, as the command
 * reads it. The fastest of several rounds counts: others work on this computer too.
 * Prints one line a figure: bench NAME VALUE UNIT min|max TARGET.
 */
#include "base/buffer.h"
#include "lang/submit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TASK_COUNT = 1000 * 1000, ITEM_COUNT = 100 * 1000, ROUND_COUNT = 5 };

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static struct submit *parse(const struct buffer *text, const struct submit_world *world)
{
    const struct submit_options options = {.world = world};
    _cleanup_error_ struct error err = ERROR_INIT;
    struct submit *submit = NULL;

    if (submit_parse((struct slice){text->data, text->length}, "bench", &options, &submit, NULL,
                     &err) < 0) {
        fprintf(stderr, "expand: %s\n", error_text(&err));
        exit(1);
    }
    return submit;
}

/* Seconds for all tasks; *ret_length is how much text came out, so that nothing is left out. */
static double expand_all(const struct submit *submit, uint64_t *ret_length)
{
    double start = now();
    struct submit_task task;

    *ret_length = 0;
    submit_task_init(&task);
    for (uint64_t i = 0; i < TASK_COUNT; i++) {
        if (submit_expand(submit, 17, i, &task, NULL) < 0)
            exit(1);
        for (const char *c = task.arguments_text; *c; c++)
            ++*ret_length;
    }
    submit_task_deinit(&task);
    return now() - start;
}

static double print_all(uint64_t *ret_length)
{
    double start = now();
    char text[200];

    *ret_length = 0;
    for (int i = 0; i < TASK_COUNT; i++)
        *ret_length += (uint64_t)snprintf(text, sizeof(text), "--seed %d --out result_%d.%d_%s", i,
                                          17, i, "low");
    return now() - start;
}

static void measure_expansion(void)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    double expanding = 1e9, printing = 1e9;

    buffer_appendf(&text,
                   "executable = simulate\nlevel = low\nname = result_$(Cluster)\n"
                   "arguments = --seed $(Process) --out $(name).$(Process)_$(level)\nqueue %d\n",
                   TASK_COUNT);
    submit = parse(&text, NULL);
    for (int i = 0; i < ROUND_COUNT; i++) {
        uint64_t expanded, printed;
        double seconds = expand_all(submit, &expanded);

        expanding = seconds < expanding ? seconds : expanding;
        seconds = print_all(&printed);
        printing = seconds < printing ? seconds : printing;
        if (expanded != printed)
            exit(1);
    }
    printf("bench submit_expand %.0f tasks/s min 1000000\n", TASK_COUNT / expanding);
    printf("bench submit_expand_per_printf %.2f ratio max 10\n", expanding / printing);
}

static int read_items(void *user_data, const char *path, struct buffer *text, struct error *err)
{
    const struct buffer *items = user_data;

    (void)path;
    (void)err;
    buffer_append(text, items->data, items->length);
    return 0;
}

static void measure_items(void)
{
    _cleanup_buffer_ struct buffer items = BUFFER_INIT, text = BUFFER_INIT;
    const struct submit_world world = {.user_data = &items, .read_file = read_items};
    double fastest = 1e9;

    for (int i = 0; i < ITEM_COUNT; i++)
        buffer_appendf(&items, "sample_%06d.dat, %d, --level %d --name sample_%d\n", i, i % 17,
                       i % 5, i);
    buffer_append_text(&text, "executable = x\narguments = $(file) $(size) $(options)\n"
                              "queue file, size, options from items.txt\n");
    for (int i = 0; i < ROUND_COUNT; i++) {
        double start = now(), seconds;
        struct submit *submit = parse(&text, &world);

        seconds = now() - start;
        fastest = seconds < fastest ? seconds : fastest;
        if (submit_task_count(submit) != ITEM_COUNT)
            exit(1);
        submit_free(submit);
    }
    printf("bench submit_items %.3f s max 0.3\n", fastest);
}

int main(void)
{
    measure_expansion();
    measure_items();
    return 0;
}
