/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See table.h. Cells that wait stand in one arena, row after row; the widths are settled once,
 * when the kept rows are written, and hold for all that follow.
 */
#include "table.h"

#include "base/arena.h"
#include "base/memory.h"
#include "sys/text.h"

#include <stdio.h>
#include <string.h>

enum {
    ROWS_KEPT = 1000, /* by then the widths are known well enough */
    GAP = 2,          /* columns between two columns */
    NARROWEST = 4     /* no column is cut below this, unless the whole line is */
};

struct table {
    struct table_column *columns; /* owned */
    size_t *widths;               /* owned */
    size_t count;
    struct terminal terminal;
    void (*write)(void *userdata, const char *text, size_t length);
    void *userdata;

    struct arena arena;
    const char **cells; /* owned array of texts in the arena, row by row */
    size_t cell_count;
    size_t cell_capacity;
    bool settled; /* the widths are, and the headings are written */
    struct buffer line;
};

struct table *table_new(const struct table_column *columns, size_t count, struct terminal terminal,
                        void (*write)(void *userdata, const char *text, size_t length),
                        void *userdata)
{
    struct table *table = memory_allocate(sizeof(*table));

    table->columns = memory_resize(NULL, count, sizeof(*columns));
    memcpy(table->columns, columns, count * sizeof(*columns));
    table->widths = memory_resize(NULL, count, sizeof(*table->widths));
    table->count = count;
    table->terminal = terminal;
    table->write = write;
    table->userdata = userdata;
    for (size_t i = 0; i < count; i++)
        table->widths[i] = text_width(columns[i].heading, terminal.utf8);
    return table;
}

struct table *table_free(struct table *table)
{
    if (!table)
        return NULL;
    arena_deinit(&table->arena);
    buffer_deinit(&table->line);
    free(table->cells);
    free(table->widths);
    free(table->columns);
    free(table);
    return NULL;
}

static size_t table_width(const struct table *table)
{
    size_t width = GAP * (table->count - 1);

    for (size_t i = 0; i < table->count; i++)
        width += table->widths[i];
    return width;
}

/* Takes one column off the widest that may shrink; false if none may. */
static bool shrink_widest(struct table *table, bool flexible_only)
{
    size_t *widest = NULL;

    for (size_t i = 0; i < table->count; i++) {
        if ((flexible_only && !table->columns[i].flexible) || table->widths[i] <= NARROWEST)
            continue;
        if (!widest || table->widths[i] > *widest)
            widest = &table->widths[i];
    }
    if (widest)
        --*widest;
    return widest != NULL;
}

/* First at the cost of those that may be cut, then of all; if that is not enough, lines are cut. */
static void fit_to_terminal(struct table *table)
{
    size_t margin = table->terminal.width;

    if (margin == 0)
        return;
    while (table_width(table) > margin)
        if (!shrink_widest(table, true) && !shrink_widest(table, false))
            break;
}

/* A last column that is left-aligned needs neither filling nor, without a margin, cutting. */
static void append_cell(struct table *table, size_t column, const char *text)
{
    bool right = table->columns[column].right, utf8 = table->terminal.utf8;
    size_t width = table->widths[column];

    if (text_width(text, utf8) > width && table->terminal.width == 0)
        text_append_printable(&table->line, text, utf8);
    else
        text_append_fitted(&table->line, text, width, right, utf8);
}

static void write_line(struct table *table, const char *const *cells)
{
    struct buffer *line = &table->line;

    buffer_clear(line);
    for (size_t i = 0; i < table->count; i++) {
        if (i > 0)
            buffer_append_text(line, "  ");
        append_cell(table, i, cells[i]);
    }
    while (line->length > 0 && line->data[line->length - 1] == ' ')
        line->data[--line->length] = '\0';
    if (table->terminal.width > 0 && table_width(table) > table->terminal.width) {
        _cleanup_free_ char *whole = memory_copy_string(buffer_text(line));

        buffer_clear(line);
        text_append_fitted(line, whole, table->terminal.width, false, table->terminal.utf8);
    }
    buffer_append_character(line, '\n');
    table->write(table->userdata, line->data, line->length);
}

/* The rows that waited are written and forgotten; those behind them have to fit. */
static void settle(struct table *table)
{
    const char **headings;

    if (table->settled)
        return;
    table->settled = true;
    fit_to_terminal(table);
    headings = arena_allocate(&table->arena, table->count, sizeof(*headings));
    for (size_t i = 0; i < table->count; i++)
        headings[i] = table->columns[i].heading;
    write_line(table, headings);
    for (size_t i = 0; i < table->cell_count; i += table->count)
        write_line(table, &table->cells[i]);
    arena_clear(&table->arena);
}

void table_add(struct table *table, const char *const *cells)
{
    if (table->settled) {
        write_line(table, cells);
        return;
    }
    array_reserve(table->cells, table->cell_capacity, table->cell_count + table->count);
    for (size_t i = 0; i < table->count; i++) {
        size_t width = text_width(cells[i], table->terminal.utf8);

        if (width > table->widths[i])
            table->widths[i] = width;
        table->cells[table->cell_count++] = arena_copy(&table->arena, slice_from_text(cells[i]));
    }
    if (table->cell_count / table->count >= ROWS_KEPT)
        settle(table);
}

void table_end(struct table *table)
{
    settle(table);
}

void table_write_to_stream(void *userdata, const char *text, size_t length)
{
    (void)fwrite(text, 1, length, userdata);
}
