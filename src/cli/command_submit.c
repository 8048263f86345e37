/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk submit: reads the submit file, finds and checks the files it names, hands all of it to the
 * server, and says the job's number. Nothing is sent before everything here is known to be right.
 */
#include "session.h"

#include "automatics.h"
#include "base/arena.h"
#include "base/memory.h"
#include "base/number.h"
#include "dry_run.h"
#include "exit_code.h"
#include "fetching.h"
#include "inputs.h"
#include "origin.h"
#include "outputs.h"
#include "submission.h"
#include "submit_here.h"
#include "submit_images.h"
#include "sys/clock.h"
#include "sys/complain.h"
#include "waiting.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum key { KEY_TABLE = KEY_OWN, KEY_BATCH_NAME, KEY_QUEUE, KEY_SPOOL, KEY_ALLOW_UNDEFINED };

static const struct option_word option_words[] = {
    {"quiet", 'q', OPTION_FLAG, NULL, "print the job's number alone"},
    {"wait", 'w', OPTION_FLAG, NULL, "end when the last result is recorded"},
    {"timeout", KEY_TIMEOUT, OPTION_VALUE, "TIME", "with --wait: give up waiting after 90s, 2h..."},
    {"append", 'a', OPTION_VALUE, "LINE", "a line that is read right before 'queue'"},
    {"queue", KEY_QUEUE, OPTION_WORDS, "WORDS...", "the queue statement, if the file has none"},
    {"batch-name", KEY_BATCH_NAME, OPTION_VALUE, "NAME", "what 'dusk q' calls the job"},
    {"allow-undefined", KEY_ALLOW_UNDEFINED, OPTION_FLAG, NULL, "undefined macros are empty"},
    {"spool", KEY_SPOOL, OPTION_FLAG, NULL, "keep results on the server until 'dusk fetch'"},
    {"dry-run", 'n', OPTION_FLAG, NULL, "print every task's attributes, submit nothing"},
    {"table", KEY_TABLE, OPTION_FLAG, NULL, "with --dry-run: a line each"},
    {"json", KEY_JSON, OPTION_FLAG, NULL, "JSON"},
};

struct texts {
    const char **items; /* owned array of texts that somebody else owns */
    size_t count;
    size_t capacity;
};

struct request {
    const char *file;
    struct texts settings; /* NAME=VALUE */
    struct texts appended;
    struct arena lines; /* for the lines that are made here */
    bool quiet;
    bool wait;
    bool spool;
    bool dry_run;
    bool table;
    bool json;
    bool allow_undefined;
    bool has_queue;      /* --queue */
    uint64_t timeout_ms; /* 0: none */
};

static void request_deinit(struct request *request)
{
    free(request->settings.items);
    free(request->appended.items);
    arena_deinit(&request->lines);
}

static void add_text(struct texts *texts, const char *text)
{
    array_reserve(texts->items, texts->capacity, texts->count + 1);
    texts->items[texts->count++] = text;
}

/* What options say becomes lines of the text: one reader decides what they mean, and in which
 * order. */
static void append_line(struct request *request, const char *before, const char *value)
{
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;

    buffer_appendf(&line, "%s%s", before, value);
    add_text(&request->appended, arena_copy(&request->lines, slice_from_text(line.data)));
}

static void append_queue(struct request *request, const char *value)
{
    append_line(request, "queue ", value);
    request->has_queue = true;
}

static int take_option(struct session *session, struct request *request, int key, const char *value,
                       struct error *err)
{
    if (key == 'q')
        request->quiet = true;
    else if (key == 'w')
        request->wait = true;
    else if (key == 'a')
        add_text(&request->appended, value);
    else if (key == 'n')
        request->dry_run = true;
    else if (key == KEY_TABLE)
        request->table = true;
    else if (key == KEY_JSON)
        request->json = true;
    else if (key == KEY_SPOOL)
        request->spool = true;
    else if (key == KEY_ALLOW_UNDEFINED)
        request->allow_undefined = true;
    else if (key == KEY_BATCH_NAME)
        append_line(request, "batch_name = ", value);
    else if (key == KEY_QUEUE)
        append_queue(request, value);
    else if (number_parse_duration(slice_from_text(value), &request->timeout_ms) < 0)
        return options_refuse(session->command, err, "'%s' is no time: write 90s, 5m or 2h", value);
    return 0;
}

/* The file, and NAME=VALUE settings in any order. */
static int take_operands(struct session *session, struct request *request, struct error *err)
{
    for (size_t i = 0; i < session->operand_count; i++) {
        const char *operand = session->operands[i];

        if (strchr(operand, '=') && operand[0] != '/' && operand[0] != '.') {
            add_text(&request->settings, operand);
            continue;
        }
        /* condor_submit's -dry-run wants to know where to: "-" in front of the file is stdout. */
        if (request->file && request->dry_run && strcmp(request->file, "-") == 0)
            request->file = NULL;
        if (request->file)
            return options_refuse(session->command, err,
                                  "there are two files to submit, '%s' and '%s'", request->file,
                                  operand);
        request->file = operand;
    }
    /* Then the command line says it all, as with condor_submit. */
    if (!request->file && request->has_queue)
        request->file = "/dev/null";
    if (!request->file)
        return options_refuse(session->command, err, "'dusk submit' needs a submit file");
    return 0;
}

static int read_command_line(struct session *session, struct request *request, struct error *err)
{
    const char *value;
    int key;

    while ((key = session_next_option(session, &value, err)) > 0) {
        int r = take_option(session, request, key, value, err);

        if (r < 0)
            return r;
    }
    return key < 0 ? key : take_operands(session, request, err);
}

/* The warnings are told also if an error follows, which they may explain. */
static int parse(struct request *request, const struct origin *origin, struct submit **ret_submit,
                 bool *ret_warned, struct error *err)
{
    _cleanup_submit_warnings_ struct submit_warnings warnings = SUBMIT_WARNINGS_INIT;
    struct submit_options options = {
        .world = &submit_here,
        .seed = automatics_seed(),
        .allow_undefined = request->allow_undefined,
        .settings = request->settings.items,
        .setting_count = request->settings.count,
        .appended = request->appended.items,
        .appended_count = request->appended.count,
    };
    int r;

    options.automatics =
        automatics_make(request->file, origin->folder, &request->lines, &options.automatic_count);
    r = submit_parse(origin->text, origin->name, &options, ret_submit, &warnings, err);
    for (size_t i = 0; i < warnings.count; i++)
        complain_warning(warnings.texts[i]);
    *ret_warned = warnings.count > 0;
    return r;
}

static void print_reply(const struct request *request, const json_t *reply, bool warned)
{
    uint64_t job = json_member_number(reply, "job"), tasks = json_member_number(reply, "tasks");
    const json_t *warnings = json_object_get(reply, "warnings");

    /* The server reads the same text: what it warns of was said already. */
    for (size_t i = 0; i < json_array_size(warnings) && !warned; i++)
        complain_warning(json_string_value(json_array_get(warnings, i)) ?: "");
    if (request->json) {
        _cleanup_free_ char *text = json_dumps(reply, JSON_COMPACT);

        printf("%s\n", text);
    } else if (request->quiet) {
        printf("%" PRIu64 "\n", job);
    } else {
        printf("%" PRIu64 " task%s submitted as job %" PRIu64 "\n", tasks, tasks == 1 ? "" : "s",
               job);
    }
    /* Now, because whoever reads the number may want to use it while this command waits. */
    (void)fflush(stdout);
}

static int wait_for_job(const struct request *request, struct connection *connection,
                        const json_t *reply, bool delivered, struct error *err)
{
    uint64_t job = json_member_number(reply, "job");
    const struct id id = {.job = job};
    const struct waiting waiting = {
        .connection = connection,
        .id = id,
        .seen = json_member_number(reply, "version"),
        .deadline_ms = request->timeout_ms > 0 ? clock_boot_ms() + request->timeout_ms : 0,
    };
    struct progress progress;
    int r;

    r = waiting_run(&waiting, &progress, err);
    if (r == FAILURE_TIMEOUT)
        return error_set(err, r, "job %" PRIu64 " is not over yet; it goes on", job);
    if (r == 0 && !delivered) {
        const struct fetching fetching = {.connection = connection, .id = id};
        struct fetched fetched;

        r = fetching_run(&fetching, &fetched, err);
    }
    return r < 0 ? r : waiting_conclude(&id, &progress);
}

/* The server is looked for first: files of gigabytes are not read for one that is away. */
static int send_job(struct session *session, const struct request *request,
                    const struct submit *submit, const struct origin *origin, bool warned,
                    struct error *err)
{
    _cleanup_inputs_ struct inputs inputs = INPUTS_INIT;
    _cleanup_json_ json_t *reply = NULL, *images = NULL;
    struct submission submission = {.submit = submit, .origin = origin, .inputs = &inputs};
    struct connection *connection;
    int r;

    r = session_connect(session, &connection, err);
    if (r < 0)
        return r;
    submission.deliver = connection_is_local(connection) && !request->spool;
    r = inputs_collect(submit, origin, &inputs, err);
    if (r == 0 && submission.deliver)
        r = outputs_check(submit, origin, err);
    if (r == 0)
        r = submit_images_find(connection, submit, origin, &images, err);
    submission.images = images;
    if (r == 0)
        r = submission_send(connection, &submission, &reply, err);
    if (r < 0)
        return r;
    print_reply(request, reply, warned);
    if (!request->wait)
        return EXIT_CODE_OK;
    return wait_for_job(request, connection, reply, submission.deliver, err);
}

static int run_submit(struct session *session, struct error *err)
{
    _cleanup_(request_deinit) struct request request = {0};
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    _cleanup_free_ char *folder = NULL;
    struct origin origin;
    bool warned;
    int r;

    r = read_command_line(session, &request, err);
    if (r == 0)
        r = submit_current_folder(&folder, err);
    if (r == 0)
        r = submit_read_text(request.file, &text, err);
    if (r < 0)
        return r;
    origin = (struct origin){
        .name = strcmp(request.file, "-") == 0 ? "standard input" : request.file,
        .text = {.data = buffer_text(&text), .length = text.length},
        .folder = folder,
    };
    r = parse(&request, &origin, &submit, &warned, err);
    if (r < 0)
        return r;
    if (!request.dry_run)
        return send_job(session, &request, submit, &origin, warned, err);
    return dry_run_print(submit,
                         request.json    ? DRY_RUN_JSON
                         : request.table ? DRY_RUN_TABLE
                                         : DRY_RUN_LINES,
                         folder, err);
}

const struct command command_submit = {
    .name = "submit",
    .summary = "submits the job that a submit file describes",
    .synopsis = "[OPTION]... FILE [NAME=VALUE]...",
    .description = "Submits the job that FILE describes, in the language of HTCondor's submit\n"
                   "files; '-' reads it from standard input. NAME=VALUE sets a macro before the\n"
                   "file is read. Relative paths count from the current folder, or from the\n"
                   "job's initialdir.\n"
                   "\n"
                   "Over the server's socket on this computer the results come to their places\n"
                   "by themselves. From afar, or with --spool, they wait on the server until\n"
                   "'dusk fetch', 'dusk wait' or --wait brings them.\n"
                   "\n"
                   "With --wait the command ends with 0 when all tasks are Completed, whatever\n"
                   "exit codes these had, and with 1 when one was Removed or all that are left\n"
                   "are Held.\n",
    .examples = "  dusk submit sweep.sub\n"
                "  dusk submit --wait sweep.sub energy=2000\n"
                "  job=$(dusk submit --quiet sweep.sub)\n"
                "  dusk submit -n --table -append 'request_memory = 2G' sweep.sub -queue 10\n",
    .options = option_words,
    .option_count = ARRAY_LENGTH(option_words),
    .run = run_submit,
};
