/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See tray_view.h. First the state, then the words, then the menu, then whether it is worth a note.
 * Names and reasons come from others: all of them become printable, and short.
 */
#include "tray_view.h"

#include "base/memory.h"
#include "sys/text.h"

#include <assert.h>
#include <time.h>

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S, MORNING = 7, DATE_SIZE = 32 };

static const char *const icons[TRAY_STATE_COUNT] = {
    [TRAY_LENDING] = "dusk-lending", [TRAY_IN_USE] = "dusk-in-use",
    [TRAY_PAUSED] = "dusk-paused",   [TRAY_NO_SERVER] = "dusk-no-server",
    [TRAY_ERROR] = "dusk-error",
};

const char *tray_state_icon(enum tray_state state)
{
    return icons[state];
}

/* ---- the state ---- */

static bool computes(const struct owner_answer *answer)
{
    for (size_t i = 0; i < answer->task_count; i++)
        if (answer->tasks[i].state == ATTEMPT_RUNNING)
            return true;
    return false;
}

static bool is_own_word(enum owner_reason reason)
{
    return reason == OWNER_REASON_PAUSED || reason == OWNER_REASON_NEVER;
}

/* While he is near, what is there goes on: then the pool has it. */
static enum tray_state find_state(const struct owner_answer *answer)
{
    if (!answer || answer->reason == OWNER_REASON_UNWATCHED)
        return TRAY_ERROR;
    if (is_own_word(answer->reason))
        return TRAY_PAUSED;
    if (answer->presence == OWNER_PRESENT)
        return TRAY_IN_USE;
    if (computes(answer))
        return TRAY_LENDING;
    if (answer->server_problem)
        return TRAY_NO_SERVER;
    return answer->presence == OWNER_AWAY ? TRAY_LENDING : TRAY_IN_USE;
}

/* ---- words ---- */

static void append_short(struct buffer *text, const char *from)
{
    if (text_width(from, true) > TRAY_COLUMNS_MAX)
        text_append_fitted(text, from, TRAY_COLUMNS_MAX, false, true);
    else
        text_append_printable(text, from, true);
}

/* "18:00" within a day, else with its date: nobody at a desk asks for seconds. */
static void append_time(struct buffer *text, double seconds, double now)
{
    bool is_near = seconds > now - DAY_S / 2 && seconds < now + DAY_S / 2;
    time_t moment = (time_t)seconds;
    char date[DATE_SIZE];
    struct tm local;

    localtime_r(&moment, &local);
    if (strftime(date, sizeof(date), is_near ? "%H:%M" : "%Y-%m-%d %H:%M", &local) == 0)
        date[0] = '\0';
    buffer_append_text(text, date);
}

/* A pause ends by its time, his other words by another one, a use by nobody's using it again. */
static void append_end(struct buffer *text, const struct tray_input *input)
{
    const struct owner_answer *answer = input->answer;

    if (answer->has_end) {
        buffer_append_text(text, answer->reason == OWNER_REASON_PAUSED
                                     ? "Until "
                                     : "Lent when nobody uses it until ");
        append_time(text, answer->until_at, input->now);
    } else if (is_own_word(answer->reason)) {
        buffer_append_text(text, "Until you lend it again");
    }
}

static char *make_title(const struct tray_input *input)
{
    static const char *const states[] = {
        [OWNER_AWAY] = "is lent to the pool",
        [OWNER_NEAR] = "begins no new tasks",
        [OWNER_PRESENT] = "is not lent",
    };
    const struct owner_answer *answer = input->answer;
    struct buffer text = BUFFER_INIT;

    if (!answer)
        return memory_copy_string("dusk's agent does not answer");
    append_short(&text, answer->node);
    if (input->gives_notice)
        buffer_append_text(&text, " will be lent in a moment");
    else
        buffer_appendf(&text, " %s: %s", states[answer->presence],
                       owner_reason_text(answer->reason));
    return buffer_take(&text);
}

static void begin_line(struct buffer *text, const char *with)
{
    buffer_appendf(text, "%s%s", text->length > 0 ? "\n" : "", with);
}

/* Which sources do not see who is there. */
static void append_blind(struct buffer *text, const struct owner_answer *answer)
{
    size_t blind = 0;

    for (size_t i = 0; i < answer->source_count; i++) {
        if (!answer->sources[i].why_not || ++blind > TRAY_SOURCES_MAX)
            continue;
        begin_line(text, "");
        append_short(text, answer->sources[i].name);
        buffer_append_text(text, ": ");
        append_short(text, answer->sources[i].why_not);
    }
    if (blind > TRAY_SOURCES_MAX) {
        begin_line(text, "");
        buffer_appendf(text, "… and %zu more", blind - TRAY_SOURCES_MAX);
    }
}

/* Lines, each whole. */
static char *make_text(const struct tray_input *input)
{
    const struct owner_answer *answer = input->answer;
    struct buffer text = BUFFER_INIT;

    if (!answer)
        return memory_copy_string("Is it running? systemctl status dusk-agent tells.");
    append_end(&text, input);
    if (answer->reason == OWNER_REASON_UNWATCHED)
        append_blind(&text, answer);
    if (answer->only_user) {
        begin_line(&text, "Only tasks of ");
        append_short(&text, answer->only_user);
    }
    if (answer->server_problem) {
        begin_line(&text, "The server is not reached: ");
        append_short(&text, answer->server_problem);
    }
    /* buffer_take() makes "" of nothing. */
    return buffer_take(&text);
}

/* ---- the menu ---- */

static void add(struct tray_view *view, enum tray_action action, char *label, bool is_enabled)
{
    assert(view->entry_count < TRAY_ENTRIES_MAX);
    view->entries[view->entry_count++] = (struct tray_entry){action, label, is_enabled};
}

/* Takes the text; an empty one is no line. */
static void inform(struct tray_view *view, struct buffer *text)
{
    if (text->length > 0)
        add(view, TRAY_INFORM, buffer_take(text), false);
}

static void divide(struct tray_view *view)
{
    add(view, TRAY_DIVIDE, NULL, false);
}

/*
 * Whose tasks are welcome is switched on and off in one place. Below a pause it cannot be: the word
 * that ends it would end the pause as well.
 */
static void add_only_user(struct tray_view *view, const struct owner_answer *answer)
{
    struct buffer label = BUFFER_INIT;

    if (!answer || !answer->only_user) {
        add(view, TRAY_MINE_ONLY, memory_copy_string("Lend it to my own tasks only"),
            answer != NULL);
        return;
    }
    buffer_append_text(&label, "Lend it to tasks of ");
    append_short(&label, answer->only_user);
    buffer_append_text(&label, " only");
    add(view, TRAY_ANYBODYS, buffer_take(&label), !is_own_word(answer->reason));
}

/* What holds already is not offered. */
static void add_words(struct tray_view *view, const struct owner_answer *answer)
{
    static const struct {
        enum tray_action action;
        const char *label;
    } words[] = {
        {TRAY_PAUSE_HOUR, "Pause for an hour"},
        {TRAY_PAUSE_TOMORROW, "Pause until tomorrow, 7:00"},
        {TRAY_PAUSE, "Pause until I lend it again"},
        {TRAY_NEVER, "Never lend this computer"},
        {TRAY_RESUME, "Lend it again"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        bool holds =
            answer && ((words[i].action == TRAY_PAUSE && !answer->has_end &&
                        answer->reason == OWNER_REASON_PAUSED) ||
                       (words[i].action == TRAY_NEVER && answer->reason == OWNER_REASON_NEVER) ||
                       (words[i].action == TRAY_RESUME && !is_own_word(answer->reason)));

        if (words[i].action == TRAY_NEVER)
            add_only_user(view, answer);
        add(view, words[i].action, memory_copy_string(words[i].label), answer && !holds);
    }
}

static void add_tasks(struct tray_view *view, const struct tray_input *input)
{
    const struct owner_answer *answer = input->answer;
    size_t count = answer->task_count > TRAY_TASKS_MAX ? TRAY_TASKS_MAX : answer->task_count;
    struct buffer text = BUFFER_INIT;

    for (size_t i = 0; i < count; i++) {
        const struct owner_task *task = &answer->tasks[i];

        buffer_appendf(&text, "Task %u.%u for ", task->job, task->task);
        append_short(&text, task->user ? task->user : "somebody");
        buffer_appendf(&text, ": %s since ", attempt_state_name(task->state));
        append_time(&text, task->since_at, input->now);
        inform(view, &text);
    }
    if (answer->task_count > count)
        buffer_appendf(&text, "… and %zu more", answer->task_count - count);
    else if (count == 0)
        buffer_append_text(&text, "No task is here");
    inform(view, &text);
}

static void add_lines(struct tray_view *view, const char *lines)
{
    struct slice rest = slice_from_text(lines);
    struct buffer text = BUFFER_INIT;

    for (size_t i = 0; i < rest.length; i++)
        if (rest.data[i] == '\n')
            inform(view, &text);
        else
            buffer_append_character(&text, rest.data[i]);
    inform(view, &text);
}

static void make_menu(struct tray_view *view, const struct tray_input *input)
{
    add(view, TRAY_INFORM, memory_copy_string(view->title), false);
    add_lines(view, view->text);
    divide(view);
    add_words(view, input->answer);
    divide(view);
    if (input->answer) {
        add_tasks(view, input);
        divide(view);
    }
    add(view, TRAY_NOTES, memory_copy_string("Show notifications"), true);
}

/* ---- all of it ---- */

void tray_view_make(const struct tray_input *input, struct tray_view *ret_view)
{
    const struct owner_answer *answer = input->answer;
    enum tray_state state = find_state(answer);

    *ret_view = (struct tray_view){
        .state = state,
        /* An agent that is not there is nothing that somebody at his desk must look after. */
        .needs_attention = state == TRAY_ERROR && answer,
        .title = make_title(input),
        .text = make_text(input),
    };
    make_menu(ret_view, input);
    if (ret_view->needs_attention)
        ret_view->note = TRAY_NOTE_WRONG;
    else if (input->gives_notice)
        ret_view->note = TRAY_NOTE_LENT_SOON;
}

void tray_view_deinit(struct tray_view *view)
{
    for (size_t i = 0; i < view->entry_count; i++)
        free(view->entries[i].label);
    free(view->title);
    free(view->text);
    *view = (struct tray_view){0};
}

/* ---- clicks ---- */

/* The same calendar's next day, also when a clock is put forward or back in between. */
static double tomorrow_morning(double now)
{
    time_t moment = (time_t)now;
    struct tm local;

    localtime_r(&moment, &local);
    local.tm_mday++;
    local.tm_hour = MORNING;
    local.tm_min = local.tm_sec = 0;
    local.tm_isdst = -1;
    return (double)mktime(&local);
}

bool tray_action_word(enum tray_action action, double now, struct owner_word *ret_word)
{
    switch (action) {
    case TRAY_PAUSE_HOUR:
        *ret_word = (struct owner_word){OWNER_WORD_PAUSE, true, now + HOUR_S};
        return true;
    case TRAY_PAUSE_TOMORROW:
        *ret_word = (struct owner_word){OWNER_WORD_PAUSE, true, tomorrow_morning(now)};
        return true;
    case TRAY_PAUSE:
        *ret_word = (struct owner_word){.kind = OWNER_WORD_PAUSE};
        return true;
    case TRAY_MINE_ONLY:
        *ret_word = (struct owner_word){.kind = OWNER_WORD_MINE_ONLY};
        return true;
    case TRAY_NEVER:
        *ret_word = (struct owner_word){.kind = OWNER_WORD_NEVER};
        return true;
    case TRAY_ANYBODYS:
    case TRAY_RESUME:
        *ret_word = (struct owner_word){.kind = OWNER_WORD_RESUME};
        return true;
    case TRAY_INFORM:
    case TRAY_DIVIDE:
    case TRAY_NOTES:
    case TRAY_ACTION_COUNT:
        return false;
    }
    return false;
}
