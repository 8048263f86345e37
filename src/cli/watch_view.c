/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See watch_view.h. What is drawn follows from what is handed in: the counts of the jobs, the
 * nodes, the terminal. A picture has to fit: one that is higher than the terminal, or has a line
 * that wraps, could not be drawn over by the next one. So lines are cut, and nodes that find no
 * room are a number.
 */
#include "watch_view.h"

#include "base/memory.h"
#include "column.h"
#include "format.h"
#include "sys/text.h"
#include "table.h"

#include <inttypes.h>
#include <string.h>

enum {
    STATES_MAX = 16,
    BAR_WIDTH = 40,
    WIDTH_UNKNOWN = 100,
    LINES_BESIDE_NODES = 6 /* title, bar, blank, headings, "and more", and the cursor's own */
};

/* In the order in which their states first appear. */
void watch_view_append_nodes(struct buffer *text, const json_t *nodes)
{
    const char *states[STATES_MAX];
    size_t counts[STATES_MAX] = {0}, known = 0;

    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const char *state = json_member_text(json_array_get(nodes, i), "state", "?");
        size_t j = 0;

        while (j < known && strcmp(states[j], state) != 0)
            j++;
        if (j == STATES_MAX)
            continue;
        if (j == known)
            states[known++] = state;
        counts[j]++;
    }
    for (size_t j = 0; j < known; j++)
        buffer_appendf(text, "%s%zu %s", j > 0 ? ", " : "", counts[j], states[j]);
    if (known == 0)
        buffer_append_text(text, "none");
}

static void append_title(struct buffer *text, const struct watch_view *view)
{
    if (view->job == 0)
        buffer_append_text(text, "all jobs");
    else
        buffer_appendf(text, "job %" PRIu64, view->job);
    if (*view->name)
        buffer_appendf(text, " (%s)", view->name);
}

void watch_view_append_line(struct buffer *text, const struct watch_view *view)
{
    append_title(text, view);
    buffer_append_text(text, ": ");
    progress_append(text, &view->progress);
    buffer_append_text(text, "; nodes: ");
    watch_view_append_nodes(text, view->nodes);
}

/* It shows what is still to come, and of tasks that were removed nothing is. */
static void append_bar(struct buffer *text, const struct progress *progress, size_t width,
                       bool utf8)
{
    uint64_t done = progress->completed + progress->removed;
    size_t filled = progress->tasks > 0 ? (size_t)(width * done / progress->tasks) : 0;

    buffer_append_text(text, utf8 ? "" : "[");
    for (size_t i = 0; i < width; i++) {
        if (utf8)
            buffer_append_text(text, i < filled ? "█" : "░");
        else
            buffer_append_character(text, i < filled ? '#' : '.');
    }
    buffer_appendf(text, "%s %3" PRIu64 "%%", utf8 ? "" : "]",
                   progress->tasks > 0 ? 100 * done / progress->tasks : 0);
}

/* Names of jobs and nodes are anybody's words, and made harmless for the terminal. */
static void append_fitted_line(struct buffer *text, const char *line, struct terminal terminal)
{
    size_t width = terminal.width > 0 ? terminal.width : WIDTH_UNKNOWN;

    if (text_width(line, terminal.utf8) > width)
        text_append_fitted(text, line, width, false, terminal.utf8);
    else
        text_append_printable(text, line, terminal.utf8);
    buffer_append_character(text, '\n');
}

static void write_to_buffer(void *userdata, const char *line, size_t length)
{
    buffer_append(userdata, line, length);
}

static void add_node(struct table *table, const json_t *node)
{
    static const struct column tasks = {.name = "tasks", .kind = COLUMN_LIST};
    _cleanup_buffer_ struct buffer cpus = BUFFER_INIT, list = BUFFER_INIT;
    const char *cells[4];

    buffer_appendf(&cpus, "%" PRIu64 "/%" PRIu64, json_member_number(node, "cpus_claimed"),
                   json_member_number(node, "cpus"));
    column_append(&list, &tasks, node, false);
    cells[0] = json_member_text(node, "name", "?");
    cells[1] = json_member_text(node, "state", "?");
    cells[2] = buffer_text(&cpus);
    cells[3] = buffer_text(&list);
    table_add(table, cells);
}

static void append_nodes(struct buffer *text, const json_t *nodes, struct terminal terminal)
{
    static const struct table_column columns[] = {
        {"NODE", false, true},
        {"STATE", false, false},
        {"CPUS", true, false},
        {"TASKS", false, true},
    };
    _cleanup_(table_free_p) struct table *table = NULL;
    size_t count = json_array_size(nodes), shown = count;

    if (terminal.height > LINES_BESIDE_NODES && count > terminal.height - LINES_BESIDE_NODES)
        shown = terminal.height - LINES_BESIDE_NODES;
    table = table_new(columns, ARRAY_LENGTH(columns), terminal, write_to_buffer, text);
    for (size_t i = 0; i < shown; i++)
        add_node(table, json_array_get(nodes, i));
    table_end(table);
    if (shown < count)
        buffer_appendf(text, "and %zu more\n", count - shown);
}

void watch_view_append_picture(struct buffer *text, const struct watch_view *view,
                               struct terminal terminal)
{
    _cleanup_buffer_ struct buffer title = BUFFER_INIT, bar = BUFFER_INIT;

    append_title(&title, view);
    buffer_append_text(&title, ": ");
    progress_append(&title, &view->progress);
    append_bar(&bar, &view->progress, BAR_WIDTH, terminal.utf8);
    if (view->elapsed >= 0) {
        buffer_append_text(&bar, "  ");
        format_duration(&bar, view->elapsed);
    }
    append_fitted_line(text, buffer_text(&title), terminal);
    append_fitted_line(text, buffer_text(&bar), terminal);
    buffer_append_character(text, '\n');
    append_nodes(text, view->nodes, terminal);
}
