/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk tail, fetch and why: what a task says, what it left, and what is with it. What a task wrote
 * is passed on byte by byte, because it may be anything; what the server says in words is made
 * harmless for the terminal first.
 */
#include "session.h"

#include "exit_code.h"
#include "fetching.h"
#include "format.h"
#include "listing.h"
#include "sys/file.h"
#include "sys/terminal.h"
#include "sys/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum key { KEY_INTO = KEY_OWN, KEY_KEEP, KEY_LIST, KEY_STDERR, KEY_OFFSET };

static const struct option_word tail_words[] = {
    {"follow", 'f', OPTION_FLAG, NULL, "go on until the task ends"},
    {"stderr", KEY_STDERR, OPTION_FLAG, NULL, "what it writes to standard error"},
    {"no-stdout", KEY_STDERR, OPTION_FLAG, NULL, NULL},
};

static const struct option_word fetch_words[] = {
    {"into", KEY_INTO, OPTION_VALUE, "FOLDER", "put all below FOLDER, each task into its own"},
    {"keep", KEY_KEEP, OPTION_FLAG, NULL, "leave them on the server, too"},
    {"list", KEY_LIST, OPTION_FLAG, NULL, "show what would come, and fetch nothing"},
    OPTIONS_OF_LISTING,
};

static const struct option_word why_words[] = {
    {"json", KEY_JSON, OPTION_FLAG, NULL, "JSON: an object with 'lines'"},
};

/* What the task wrote is the user's own: it goes on as it is. */
static int write_through(void *userdata, const void *data, size_t length)
{
    (void)userdata;
    return file_write_all(STDOUT_FILENO, data, length);
}

static int run_tail(struct session *session, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    const char *stream = "stdout", *value;
    struct connection *connection;
    bool follow = false;
    struct id id;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0) {
        if (key == 'f')
            follow = true;
        else
            stream = "stderr";
    }
    if (key < 0)
        return key;
    r = session_need_operands(session, 1, 1, "a task, as 17.3", err);
    if (r == 0)
        r = id_parse(session->operands[0], &id, err);
    if (r == 0)
        r = session_connect(session, &connection, err);
    if (r < 0)
        return r;
    id.has_task = true; /* a job alone means its first task */
    buffer_append_text(&path, "/v1/tasks/");
    id_append(&path, &id);
    buffer_appendf(&path, "/tail?stream=%s&offset=0&follow=%d", stream, follow);
    /* A task may be silent for days. */
    if (follow)
        connection_set_timeout(connection, 0);
    r = connection_stream(connection, path.data, write_through, NULL, err);
    if (r < 0 && !err->text)
        return error_set_errno(err, r, "cannot write the output");
    return r;
}

/* The same list that fetching goes by, so that what is shown is what would come. */
static int list_outputs(struct connection *connection, const struct listing *listing,
                        const struct id *id, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;

    buffer_appendf(&path, "/v1/jobs/%" PRIu64 "/outputs", id->job);
    id_append_task_query(&path, id, '?');
    return listing_show(listing, &columns_of_outputs, connection, path.data, err);
}

static int fetch_one(struct fetching *fetching, const struct listing *listing, struct error *err)
{
    _cleanup_buffer_ struct buffer name = BUFFER_INIT, size = BUFFER_INIT;
    struct fetched fetched;
    int r = fetching_run(fetching, &fetched, err);

    if (r < 0)
        return r;
    id_append(&name, &fetching->id);
    format_size(&size, fetched.bytes);
    if (listing->json)
        printf("{\"id\":\"%s\",\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", name.data,
               fetched.files, fetched.bytes);
    else
        printf("%s: %" PRIu64 " file%s, %s\n", name.data, fetched.files,
               fetched.files == 1 ? "" : "s", size.data);
    return 0;
}

static int run_fetch(struct session *session, struct error *err)
{
    struct fetching fetching = {0};
    struct listing listing = {0};
    const char *value;
    bool list = false;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0) {
        if (key == KEY_INTO)
            fetching.into = value;
        else if (key == KEY_KEEP)
            fetching.keep = true;
        else if (!listing_take_option(&listing, key, value))
            list = true;
    }
    if (key < 0)
        return key;
    r = session_need_operands(session, 1, SIZE_MAX - 1, "a job or a task: 17 or 17.3", err);
    if (r == 0)
        r = session_connect(session, &fetching.connection, err);
    for (size_t i = 0; r == 0 && i < session->operand_count; i++) {
        r = id_parse(session->operands[i], &fetching.id, err);
        if (r == 0)
            r = list ? list_outputs(fetching.connection, &listing, &fetching.id, err)
                     : fetch_one(&fetching, &listing, err);
    }
    return r;
}

/* The lines are made by the server, which decided: nothing is concluded here. */
static int run_why(struct session *session, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, text = BUFFER_INIT;
    _cleanup_json_ json_t *reply = NULL;
    struct connection *connection;
    const json_t *lines;
    bool json = false;
    const char *value;
    struct id id;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0)
        json = true;
    if (key < 0)
        return key;
    r = session_need_operands(session, 1, 1, "a job or a task: 17 or 17.3", err);
    if (r == 0)
        r = id_parse(session->operands[0], &id, err);
    if (r == 0)
        r = session_connect(session, &connection, err);
    if (r < 0)
        return r;
    buffer_appendf(&path, "/v1/jobs/%" PRIu64 "/why", id.job);
    id_append_task_query(&path, &id, '?');
    if (json)
        return listing_pass_through(connection, path.data, err);
    r = connection_call(connection, "GET", path.data, NULL, &reply, err);
    if (r < 0)
        return r;
    lines = json_object_get(reply, "lines");
    for (size_t i = 0; i < json_array_size(lines); i++) {
        text_append_printable(&text, json_string_value(json_array_get(lines, i)) ?: "",
                              terminal_of_output().utf8);
        buffer_append_character(&text, '\n');
    }
    (void)fputs(buffer_text(&text), stdout);
    return 0;
}

const struct command command_tail = {
    .name = "tail",
    .summary = "prints what a running task writes",
    .synopsis = "[OPTION]... JOB[.TASK]",
    .description = "Prints what the task has written to standard output so far, and with --follow\n"
                   "what comes until it ends. A job alone means its first task.\n",
    .examples = "  dusk tail 17.3\n"
                "  dusk tail -f 17.3\n"
                "  dusk tail --stderr 17\n",
    .options = tail_words,
    .option_count = ARRAY_LENGTH(tail_words),
    .run = run_tail,
};

const struct command command_fetch = {
    .name = "fetch",
    .summary = "brings results home that wait on the server",
    .synopsis = "[OPTION]... JOB[.TASK]...",
    .description =
        "Brings the results of jobs that were submitted from afar or with --spool to\n"
        "the places that the submit file gave them. A file appears when it is complete.\n"
        "When all of them are here, the server is told that it may forget them.\n",
    .examples = "  dusk fetch 17\n"
                "  dusk fetch --list 17\n"
                "  dusk fetch --into results --keep 17.3\n",
    .options = fetch_words,
    .option_count = ARRAY_LENGTH(fetch_words),
    .run = run_fetch,
};

const struct command command_why = {
    .name = "why",
    .summary = "says why a job or task is as it is",
    .synopsis = "[OPTION]... JOB[.TASK]",
    .description = "Says why a job or task waits, runs, is held or was stopped: the reasons on\n"
                   "which the server decides.\n",
    .examples = "  dusk why 17\n"
                "  dusk why 17.3\n",
    .options = why_words,
    .option_count = ARRAY_LENGTH(why_words),
    .run = run_why,
};
