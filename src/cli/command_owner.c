/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk owner: whoever sits at this computer says whether it is lent. It asks no server, but the
 * agent here, over a socket of its own, in the words of wire/owner_word.h; so it works as fast when
 * there is no network. Whatever is said, the answer is how things are then.
 */
#define _GNU_SOURCE
#include "session.h"

#include "base/memory.h"
#include "exit_code.h"
#include "format.h"
#include "listing.h"
#include "sys/agent_socket.h"
#include "sys/clock.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "sys/terminal.h"
#include "sys/text.h"
#include "until.h"
#include "wire/owner_word.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A word is answered when the disk has it; a slow one takes seconds. */
enum { PATIENCE_S = 15, READ_SIZE = 4096 };

/* KEY_SOCKET would be taken for the server's. */
enum { KEY_AGENT = KEY_OWN };

static const struct option_word owner_words[] = {
    {"json", KEY_JSON, OPTION_FLAG, NULL, "a JSON object, as the agent says it"},
    {"socket", KEY_AGENT, OPTION_VALUE, "PATH", "the agent's socket on this computer"},
};

/* ---- the conversation ---- */

static int connect_to_agent(const char *path, struct error *err)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = descriptor_connect_unix(path, SOCK_STREAM, NULL);

    if (fd < 0) {
        error_set(err, FAILURE_NO_SERVER,
                  "no agent runs on this computer, or it does not listen at '%s'", path);
        error_hint(err, "if it listens elsewhere ('dusk config agent' has 'owner_socket'), name "
                        "that with --socket or in DUSK_AGENT_SOCKET");
        return FAILURE_NO_SERVER;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

/* Up to the line feed. */
static int read_answer(int fd, struct buffer *line)
{
    while (line->length == 0 || line->data[line->length - 1] != '\n') {
        ssize_t length;

        buffer_reserve(line, READ_SIZE);
        length = read(fd, line->data + line->length, READ_SIZE);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return -errno;
        if (length == 0 || line->length + (size_t)length > OWNER_ANSWER_SIZE_MAX)
            return -EPROTO;
        line->length += (size_t)length;
    }
    return 0;
}

/* A new socket has room for all of it. An agent that has closed it is no reason to be killed. */
static int send_word(int fd, const struct owner_word *word)
{
    _cleanup_buffer_ struct buffer said = BUFFER_INIT;

    owner_word_encode(&said, word);
    return send(fd, said.data, said.length, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int talk(const char *path, const struct owner_word *word, struct buffer *line,
                struct error *err)
{
    _cleanup_fd_ int fd = connect_to_agent(path, err);
    int r;

    if (fd < 0)
        return fd;
    r = send_word(fd, word);
    if (r == 0)
        r = read_answer(fd, line);
    if (r == 0)
        return 0;
    error_set(err, FAILURE_NO_SERVER, "the agent at '%s' gave no answer", path);
    error_hint(err, "it may be busy or have too many visitors: try again");
    return FAILURE_NO_SERVER;
}

static int ask(const char *path, const struct owner_word *word, struct buffer *line,
               struct owner_answer *ret_answer, struct error *err)
{
    _cleanup_(owner_answer_deinit) struct owner_answer answer = {0};
    int r = talk(path, word, line, err);

    if (r < 0)
        return r;
    r = owner_answer_decode((struct slice){line->data, line->length}, &answer, err);
    if (r < 0)
        return error_prefix(err, FAILURE_NO_SERVER, "the answer from '%s' makes no sense", path);
    if (answer.error) {
        error_set(err, answer.refused ? FAILURE_NOT_ALLOWED : -EIO, "%s", answer.error);
        if (answer.hint)
            error_hint(err, "%s", answer.hint);
        return answer.refused ? FAILURE_NOT_ALLOWED : -EIO;
    }
    *ret_answer = answer;
    answer = (struct owner_answer){0};
    return 0;
}

/* ---- for people ---- */

static const struct column source_columns[] = {
    {"source", NULL, "WATCHED BY", COLUMN_TEXT, false},
    {"last_use", NULL, "LAST USE", COLUMN_TIME, false},
    {"works", NULL, "WORKS", COLUMN_TEXT, true},
};
static const struct column_set columns_of_sources = {
    .what = "source",
    .columns = source_columns,
    .count = ARRAY_LENGTH(source_columns),
    .usual = "source,last_use,works",
};

static const struct column here_columns[] = {
    {"id", NULL, "TASK", COLUMN_TEXT, false},
    {"user", NULL, "FOR", COLUMN_TEXT, true},
    {"state", NULL, "STATE", COLUMN_TEXT, false},
    {"since_at", NULL, "SINCE", COLUMN_TIME, false},
};
static const struct column_set columns_of_tasks_here = {
    .what = "task",
    .columns = here_columns,
    .count = ARRAY_LENGTH(here_columns),
    .usual = "id,user,state,since_at",
};

static const struct column figure_columns[] = {
    {"period", NULL, "IN", COLUMN_TEXT, false},
    {"for", NULL, "FOR", COLUMN_TEXT, true},
    {"lent_s", NULL, "LENT", COLUMN_DURATION, false},
    {"tasks", NULL, "TASKS", COLUMN_NUMBER, false},
    {"cpu_s", NULL, "COMPUTED", COLUMN_DURATION, false},
    {"energy", NULL, "ENERGY", COLUMN_TEXT, false},
};
static const struct column_set columns_of_figures = {
    .what = "figure",
    .columns = figure_columns,
    .count = ARRAY_LENGTH(figure_columns),
    .usual = "period,for,lent_s,tasks,cpu_s,energy",
};

static void append_time(struct buffer *text, const char *before, double seconds)
{
    buffer_append_text(text, before);
    format_time_short(text, seconds, clock_wall_seconds());
}

/* A pause ends by its time, his other words by another one, a use by nobody's using it again. */
static void append_end(struct buffer *text, const struct owner_answer *answer)
{
    if (answer->reason == OWNER_REASON_PAUSED && answer->has_end)
        append_time(text, " until ", answer->until_at);
    else if (answer->reason == OWNER_REASON_PAUSED || answer->reason == OWNER_REASON_NEVER)
        buffer_append_text(text, " until 'dusk owner resume'");
    else if (answer->has_end)
        append_time(text, "; it is lent from ", answer->until_at);
    if (answer->has_end && answer->reason != OWNER_REASON_PAUSED)
        buffer_append_text(text, " on if nobody uses it until then");
}

static void print_state(const struct owner_answer *answer)
{
    static const char *const states[] = {
        [OWNER_AWAY] = "is lent to the pool",
        [OWNER_NEAR] = "begins no new tasks",
        [OWNER_PRESENT] = "is not lent",
    };
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    text_append_printable(&text, answer->node, terminal_of_output().utf8);
    buffer_appendf(&text, " %s: %s", states[answer->presence], owner_reason_text(answer->reason));
    append_time(&text, "\nsince ", answer->since_at);
    append_end(&text, answer);
    if (answer->only_user) {
        buffer_append_text(&text, "\nIt takes only ");
        text_append_printable(&text, answer->only_user, terminal_of_output().utf8);
        buffer_append_text(&text, "'s tasks: its owner said so, until 'dusk owner resume'");
    }
    if (answer->server_problem) {
        buffer_append_text(&text, "\nThe server is not reached: ");
        text_append_printable(&text, answer->server_problem, terminal_of_output().utf8);
    }
    printf("%s\n", text.data);
}

/* Rows are objects, as those of the lists that come from the server. */
static json_t *source_row(const struct wire_source *source)
{
    json_t *row = json_pack("{s:s,s:s}", "source", source->name, "works",
                            source->why_not ? source->why_not : "yes");

    if (source->was_used)
        json_object_set_new(row, "last_use",
                            json_real(clock_wall_seconds() - (double)source->used_ms_ago / 1000));
    return row;
}

static json_t *task_row(const struct owner_task *task)
{
    _cleanup_buffer_ struct buffer id = BUFFER_INIT;

    buffer_appendf(&id, "%u.%u", task->job, task->task);
    return json_pack("{s:s,s:s?,s:s,s:f}", "id", id.data, "user", task->user, "state",
                     attempt_state_name(task->state), "since_at", task->since_at);
}

/* Takes the rows. */
static void print_table(const struct column_set *set, json_t *rows)
{
    _cleanup_(listing_printer_free_p) struct listing_printer *printer = NULL;
    const struct listing listing = {0};

    if (listing_printer_new(&listing, set, &printer, NULL) == 0)
        for (size_t i = 0; i < json_array_size(rows); i++)
            (void)listing_print(printer, json_array_get(rows, i), NULL);
    printf("\n");
    listing_end(printer);
    json_decref(rows);
}

static void print_answer(const struct owner_answer *answer)
{
    json_t *sources = json_array(), *tasks = json_array();

    for (size_t i = 0; i < answer->source_count; i++)
        json_array_append_new(sources, source_row(&answer->sources[i]));
    for (size_t i = 0; i < answer->task_count; i++)
        json_array_append_new(tasks, task_row(&answer->tasks[i]));
    print_state(answer);
    if (answer->source_count == 0)
        printf("\nNobody watches whether somebody uses it.\n");
    else
        print_table(&columns_of_sources, json_incref(sources));
    if (answer->task_count == 0)
        printf("\nNo task is here.\n");
    else
        print_table(&columns_of_tasks_here, json_incref(tasks));
    json_decref(sources);
    json_decref(tasks);
}

/* ---- the figures ---- */

static json_t *figure_row(const struct owner_figure *figure)
{
    _cleanup_buffer_ struct buffer period = BUFFER_INIT, energy = BUFFER_INIT;
    json_t *row;

    if (figure->days == 1)
        buffer_append_text(&period, "today");
    else
        buffer_appendf(&period, "%u days", figure->days);
    buffer_appendf(&energy, "%.3fkWh", figure->energy_wh / 1000);
    row = json_pack("{s:s,s:s,s:I,s:f,s:s}", "period", period.data, "for",
                    figure->user ? figure->user : "all", "tasks", (json_int_t)figure->tasks,
                    "cpu_s", figure->cpu_s, "energy", energy.data);
    if (!figure->user)
        json_object_set_new(row, "lent_s", json_real(figure->lent_s));
    return row;
}

/* An estimate that is not called one would be believed. */
static void print_figures(const struct owner_answer *answer)
{
    const struct owner_figures *figures = &answer->figures;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    json_t *rows;

    text_append_printable(&text, answer->node, terminal_of_output().utf8);
    if (!figures->since) {
        printf("Nothing that %s did for the pool is on record.\n", text.data);
        return;
    }
    buffer_append_text(&text, " for the pool, since ");
    text_append_printable(&text, figures->since, terminal_of_output().utf8);
    printf("%s:\n", text.data);
    rows = json_array();
    for (size_t i = 0; i < figures->count; i++)
        json_array_append_new(rows, figure_row(&figures->items[i]));
    print_table(&columns_of_figures, rows);
    printf("\nLENT: nobody kept the pool away, whether it had work or not.\n"
           "COMPUTED: by tasks, as the time of single processors.\n"
           "ENERGY: estimated, not measured: %g W for a busy processor ('watts_per_core').\n",
           figures->watts_per_core);
}

/* ---- the command ---- */

static int read_word(const struct session *session, struct owner_word *ret_word, struct error *err)
{
    const char *verb = session->operand_count > 0 ? session->operands[0] : "status";
    int r;

    if (strcmp(verb, "pause") == 0) {
        ret_word->kind = OWNER_WORD_PAUSE;
        ret_word->has_end = session->operand_count > 1;
        return ret_word->has_end ? until_parse(session->operands + 1, session->operand_count - 1,
                                               clock_wall_seconds(), &ret_word->until_at, err)
                                 : 0;
    }
    if (strcmp(verb, "mine-only") == 0) {
        ret_word->kind = OWNER_WORD_MINE_ONLY;
        ret_word->user =
            session->operand_count > 1 ? memory_copy_string(session->operands[1]) : NULL;
        return session_need_operands(session, 1, 2, "", err);
    }
    r = session_need_operands(session, 0, 1, "", err);
    if (r < 0)
        return r;
    if (strcmp(verb, "status") == 0)
        ret_word->kind = OWNER_WORD_STATUS;
    else if (strcmp(verb, "figures") == 0)
        ret_word->kind = OWNER_WORD_FIGURES;
    else if (strcmp(verb, "resume") == 0)
        ret_word->kind = OWNER_WORD_RESUME;
    else if (strcmp(verb, "never") == 0)
        ret_word->kind = OWNER_WORD_NEVER;
    else
        return options_refuse(session->command, err, "'dusk owner' cannot '%s'", verb);
    return 0;
}

static int run_owner(struct session *session, struct error *err)
{
    _cleanup_(owner_answer_deinit) struct owner_answer answer = {0};
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;
    _cleanup_free_ char *path = NULL;
    _cleanup_(owner_word_deinit) struct owner_word word = {0};
    const char *value = NULL, *given = NULL;
    bool json = false;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0) {
        if (key == KEY_AGENT)
            given = value;
        else
            json = true;
    }
    if (key < 0)
        return key;
    r = session_need_operands(session, 0, 3, "", err);
    if (r == 0)
        r = read_word(session, &word, err);
    if (r < 0)
        return r;
    path = agent_socket_find(given);
    r = ask(path, &word, &line, &answer, err);
    if (r < 0)
        return r;
    if (word.kind == OWNER_WORD_FIGURES && !answer.has_figures)
        return error_set(err, FAILURE_NO_SERVER, "the agent at '%s' has told no figures", path);
    if (json)
        (void)fwrite(line.data, 1, line.length, stdout);
    else if (word.kind == OWNER_WORD_STATUS)
        print_answer(&answer);
    else if (word.kind == OWNER_WORD_FIGURES)
        print_figures(&answer);
    else
        print_state(&answer);
    return 0;
}

const struct command command_owner = {
    .name = "owner",
    .summary = "says whether this computer is lent, to its agent",
    .synopsis = "[status] | figures | pause [TIME | until HH:MM] | mine-only [USER] |\n"
                "       never | resume",
    .description =
        "For whoever sits at this computer, without root. 'status', or nothing, shows\n"
        "whose the computer is now and why, who watches, and which tasks are here.\n"
        "'pause' freezes all tasks at once and lets none begin: for a time, until a time\n"
        "of day (tomorrow's, if it is past), or until 'resume'. 'never' does the same, and\n"
        "the pool sees that it is meant to stay so. 'mine-only' lends it to the tasks of\n"
        "one user of the pool alone, by default of your name: those of others are frozen\n"
        "and leave as in a pause, which leaves this as it was. 'resume' takes all of these\n"
        "back. The agent remembers what was said when it or the computer is started again.\n"
        "\n"
        "'figures' shows what this computer did for the pool, and for whom: today, and in\n"
        "7, 30 and 365 days with today. The agent keeps them here, and tells no server.\n"
        "\n"
        "Everybody may ask for both. To say more, one must have the active session at\n"
        "this computer, be root or the agent's user, or be named in 'owners' of the\n"
        "agent's settings. The agent is looked for at --socket, DUSK_AGENT_SOCKET, or the\n"
        "first that is there of $XDG_RUNTIME_DIR/dusk/agent.socket,\n"
        "~/.local/state/dusk/agent/agent.socket and /run/dusk/agent.socket.\n",
    .examples = "  dusk owner\n"
                "  dusk owner pause 2h\n"
                "  dusk owner pause until 18:00\n"
                "  dusk owner mine-only\n"
                "  dusk owner resume\n"
                "  dusk owner figures\n"
                "  dusk owner status --json\n",
    .options = owner_words,
    .option_count = ARRAY_LENGTH(owner_words),
    .is_local = true,
    .run = run_owner,
};
