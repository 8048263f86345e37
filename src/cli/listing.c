/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See listing.h. There are four forms: a table for people, bare values for scripts (-af), a block
 * of all columns for each thing (--long), and the server's JSON, which is passed on unread. A thing
 * is printed as it arrives and then forgotten; only a table keeps its first rows, until it knows
 * how wide its columns have to be (table.c). The columns that were chosen are told to the server,
 * which leaves out the rest.
 */
#include "listing.h"

#include "base/memory.h"
#include "options.h"
#include "sys/text.h"
#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct listing_printer {
    const struct listing *listing;
    const struct column **columns; /* owned */
    size_t count;
    struct terminal terminal;
    struct table *table;   /* owned; NULL: bare values, or --long */
    struct buffer *values; /* owned, one a column */
    const char **cells;    /* owned array; the values' texts */
    bool begun;            /* something was printed */
};

/* "-af:jh Id State" arrives as ":jh Id State". */
static void take_autoformat(struct listing *listing, const char *value)
{
    listing->bare = true;
    listing->autoformat = "";
    if (*value == ':') {
        listing->autoformat = value + 1;
        value += strcspn(value, " ");
    }
    listing->columns = value;
}

bool listing_take_option(struct listing *listing, int key, const char *value)
{
    if (key == KEY_JSON)
        listing->json = true;
    else if (key == KEY_COLUMNS)
        listing->columns = value;
    else if (key == KEY_AUTOFORMAT)
        take_autoformat(listing, value);
    else if (key == 'l')
        listing->complete = true;
    else
        return false;
    return true;
}

static bool autoformat_has(const struct listing *listing, char letter)
{
    size_t length = strcspn(listing->autoformat, " ");

    return memchr(listing->autoformat, letter, length) != NULL;
}

static void start_table(struct listing_printer *printer)
{
    struct table_column *columns = memory_resize(NULL, printer->count, sizeof(*columns));

    for (size_t i = 0; i < printer->count; i++)
        columns[i] = (struct table_column){
            .heading = printer->columns[i]->heading,
            .right = column_is_right(printer->columns[i]),
            .flexible = printer->columns[i]->flexible,
        };
    printer->table =
        table_new(columns, printer->count, printer->terminal, table_write_to_stream, stdout);
    free(columns);
}

static char *names_of_all(const struct column_set *set)
{
    struct buffer names = BUFFER_INIT;

    for (size_t i = 0; i < set->count; i++)
        buffer_appendf(&names, "%s,", set->columns[i].name);
    return buffer_take(&names);
}

/* What the options ask for: -af:j puts the first column, which is the name, in front. */
static char *wanted_names(const struct listing *listing, const struct column_set *set)
{
    struct buffer names = BUFFER_INIT;

    if (listing->complete)
        return names_of_all(set);
    if (listing->bare && autoformat_has(listing, 'j'))
        buffer_appendf(&names, "%s,", set->columns[0].name);
    buffer_append_text(&names, listing->columns ? listing->columns : set->usual);
    return buffer_take(&names);
}

int listing_printer_new(const struct listing *listing, const struct column_set *set,
                        struct listing_printer **ret_printer, struct error *err)
{
    _cleanup_(listing_printer_free_p) struct listing_printer *printer = NULL;
    _cleanup_free_ char *names = wanted_names(listing, set);
    int r;

    printer = memory_allocate(sizeof(*printer));
    printer->listing = listing;
    printer->terminal = terminal_of_output();
    r = columns_choose(set, names, &printer->columns, &printer->count, err);
    if (r < 0)
        return r;
    printer->values = memory_allocate(printer->count * sizeof(*printer->values));
    printer->cells = memory_resize(NULL, printer->count, sizeof(*printer->cells));
    if (!listing->bare && !listing->complete)
        start_table(printer);
    *ret_printer = take_pointer(printer);
    return 0;
}

struct listing_printer *listing_printer_free(struct listing_printer *printer)
{
    if (!printer)
        return NULL;
    for (size_t i = 0; i < printer->count && printer->values; i++)
        buffer_deinit(&printer->values[i]);
    table_free(printer->table);
    free(printer->values);
    free(printer->cells);
    free(printer->columns);
    free(printer);
    return NULL;
}

/* The separators and the heading are what HTCondor's -af:,th asks for. */
static void print_bare(struct listing_printer *printer)
{
    const struct listing *listing = printer->listing;
    const char *between = autoformat_has(listing, ',')   ? ", "
                          : autoformat_has(listing, 't') ? "\t"
                                                         : " ";
    _cleanup_buffer_ struct buffer line = BUFFER_INIT;

    if (!printer->begun && autoformat_has(listing, 'h')) {
        for (size_t i = 0; i < printer->count; i++)
            printf("%s%s", i > 0 ? between : "", printer->columns[i]->name);
        printf("\n");
    }
    for (size_t i = 0; i < printer->count; i++) {
        buffer_append_text(&line, i > 0 ? between : "");
        text_append_printable(&line, printer->cells[i], printer->terminal.utf8);
    }
    printf("%s\n", line.data);
}

static int widest_name(const struct listing_printer *printer)
{
    size_t widest = 0;

    for (size_t i = 0; i < printer->count; i++) {
        size_t width = strlen(printer->columns[i]->name);

        widest = width > widest ? width : widest;
    }
    return (int)widest;
}

static void print_complete(struct listing_printer *printer)
{
    int width = widest_name(printer);

    if (printer->begun)
        printf("\n");
    for (size_t i = 0; i < printer->count; i++) {
        _cleanup_buffer_ struct buffer value = BUFFER_INIT;

        text_append_printable(&value, printer->cells[i], printer->terminal.utf8);
        printf("%-*s  %s\n", width, printer->columns[i]->name, buffer_text(&value));
    }
}

int listing_print(void *userdata, const json_t *object, struct error *err)
{
    struct listing_printer *printer = userdata;

    for (size_t i = 0; i < printer->count; i++) {
        buffer_clear(&printer->values[i]);
        if (printer->listing->bare)
            column_append_raw(&printer->values[i], printer->columns[i], object);
        else
            column_append(&printer->values[i], printer->columns[i], object,
                          printer->listing->complete);
        printer->cells[i] = buffer_text(&printer->values[i]);
    }
    if (printer->table)
        table_add(printer->table, printer->cells);
    else if (printer->listing->bare)
        print_bare(printer);
    else
        print_complete(printer);
    printer->begun = true;
    return ferror(stdout) ? error_set_errno(err, -EPIPE, "cannot write the output") : 0;
}

void listing_end(struct listing_printer *printer)
{
    if (printer->table)
        table_end(printer->table);
}

/* Remembers how the text ends. */
static int write_out(void *userdata, const void *data, size_t length)
{
    if (length > 0)
        *(char *)userdata = ((const char *)data)[length - 1];
    return fwrite(data, 1, length, stdout) == length ? 0 : -errno;
}

int listing_pass_through(struct connection *connection, const char *path, struct error *err)
{
    char last = '\0';
    int r = connection_stream(connection, path, write_out, &last, err);

    if (r < 0 && ferror(stdout))
        return error_set_errno(err, r, "cannot write the output");
    /* The prompt of a shell shall not stand behind the last bracket. */
    if (r == 0 && last != '\n')
        (void)putchar('\n');
    return r;
}

/* Each is named once, because a long list is made and read faster without the others. */
static int append_fields(const struct listing *listing, const struct column_set *set,
                         struct buffer *path, struct error *err)
{
    _cleanup_free_ const struct column **columns = NULL;
    _cleanup_free_ char *names = wanted_names(listing, set);
    size_t count;
    int r;

    if (listing->json && !listing->columns)
        return 0;
    r = columns_choose(set, names, &columns, &count, err);
    for (size_t i = 0; r == 0 && i < count; i++)
        buffer_appendf(path, "%s%s", i > 0 ? "," : "&fields=", column_members(columns[i]));
    return r;
}

int listing_show(const struct listing *listing, const struct column_set *set,
                 struct connection *connection, const char *path, struct error *err)
{
    _cleanup_(listing_printer_free_p) struct listing_printer *printer = NULL;
    _cleanup_buffer_ struct buffer whole = BUFFER_INIT;
    int r = 0;

    buffer_append_text(&whole, path);
    if (set->selectable)
        r = append_fields(listing, set, &whole, err);
    if (r < 0)
        return r;
    if (listing->json)
        return listing_pass_through(connection, whole.data, err);
    r = listing_printer_new(listing, set, &printer, err);
    if (r < 0)
        return r;
    r = connection_walk(connection, whole.data, listing_print, printer, err);
    if (r < 0)
        return r;
    listing_end(printer);
    return 0;
}
