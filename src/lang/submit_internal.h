/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a submit is made of, for the submit_*.c and queue.c only.
 *
 * Reading goes line by line (submit.c). Definitions are numbered as they come; a queue statement
 * (queue.c) becomes a part that remembers how many there were, and then settles what its commands
 * mean (submit_part.c). A task is expanded from its part (submit_task.c).
 */
#pragma once

#include "lines.h"
#include "macro.h"
#include "submit.h"
#include "submit_commands.h"

enum { ATTRIBUTE_COUNT_MAX = 1000, VARIABLE_COUNT_MAX = 64, WARNING_COUNT_MAX = 100 };

/* Work that may be spent on looking at a text, in steps of macros_expand(). */
#define SUBMIT_STEP_COUNT_MAX ((uint64_t)20 * 1000 * 1000)
/* What freezing may add to a line: white space, "=", separators. */
#define LINE_LENGTH_SPARE ((size_t)64)

/* A command that is an attribute of the job and nothing else, as it is given in a part. */
struct plain_command {
    const struct command_about *about; /* NULL: a resource of the site's own */
    const char *attribute;
    uint32_t definition;
    bool varies;
};

struct part {
    struct submit_range range;
    uint64_t repeat;           /* tasks per row */
    const uint32_t *variables; /* symbols; in the arena, like all arrays of a part */
    size_t variable_count;
    const struct item_field *fields; /* row by row */
    size_t row_count;                /* 1 without items */
    bool has_templates;              /* some field holds macros */
    uint32_t horizon;                /* definitions with a smaller number count here */
    const char *place;               /* of the queue statement, for messages */

    uint32_t definitions[COMMAND_COUNT]; /* MACRO_NONE if not given */
    bool varies[COMMAND_COUNT];
    bool inputs_are_files; /* no task's transfer_input_files can hold an address ("https://...") */
    const uint32_t *attributes; /* definitions */
    const bool *attributes_vary;
    size_t attribute_count;
    struct plain_command *plain;
    size_t plain_count;
    bool settled;               /* its first and its last task are known to be right */
    const char *const *imports; /* "NAME=value" texts that getenv asks for */
    size_t import_count;
};

struct submit {
    struct sources sources;
    struct arena arena;
    struct macros macros;
    struct part *parts; /* owned */
    size_t part_count;
    size_t part_capacity;
    uint64_t task_count;
    size_t frozen_size_max;          /* at most so long is the canonical text */
    struct template *item_templates; /* owned; of fields that hold macros */
    size_t item_template_count;
    size_t item_template_capacity;
    uint32_t *attribute_symbols; /* owned; "MY.Name", in the order of their first mention */
    size_t attribute_symbol_count;
    size_t attribute_symbol_capacity;
    uint32_t *resource_symbols; /* owned; "request_NAME" of unknown names, in the same order */
    size_t resource_symbol_count;
    size_t resource_symbol_capacity;
    size_t resource_symbols_end; /* of the symbols, so many were looked at for resources */
};

/* Ifs within each other, as many as in HTCondor. */
enum { CONDITION_COUNT_MAX = 63 };

/* One if that is open. */
struct condition {
    const char *place;
    bool is_outer_enabled; /* what is around it counts */
    bool is_enabled;       /* the lines right now count */
    bool was_true;         /* some branch counted */
    bool has_else;
};

/* One text being read into a submit. */
struct submit_reader {
    struct submit *submit;
    const struct submit_options *options;
    struct submit_warnings *warnings;
    struct line_reader lines;
    uint64_t steps_left;
    struct condition conditions[CONDITION_COUNT_MAX + 1];
    size_t condition_count;
    size_t condition_base; /* how many of them are of files around this one */
    unsigned int depth;    /* of includes */
    size_t included_size;  /* of all that was included so far */
    bool queue_seen;
    bool appended_read;
    const char *queue_refused; /* why a queue statement is not allowed right now, or NULL */
    struct error *err;
};

/* Says what is wrong at `place` in the text and returns `code`. */
int reader_error(struct submit_reader *reader, const char *place, int code, const char *format, ...)
    _printf_(4, 5);

/* Adds a warning of the same form, as long as there are not too many. */
void reader_warn(struct submit_reader *reader, const char *at, const char *format, ...)
    _printf_(3, 4);
/* Gives what the world said was wrong a place in the text, and says what was tried. */
int reader_blame_world(struct submit_reader *reader, const char *place, int code, const char *what);
/*
 * Makes a text a source of the submit, so that places in it are known. -E2BIG if it is too long,
 * which is said at `place`, and -EINVAL if it is no text.
 */
int reader_add_source(struct submit_reader *reader, const char *name, struct slice text,
                      const char *place, struct slice *ret_text);
/*
 * Reads a file, or what a command prints, and makes it a source; `what` is said to have been tried
 * if that fails ("cannot include"). Returns what the world does, or as reader_add_source().
 */
int reader_load(struct submit_reader *reader, struct slice name, bool is_command, const char *what,
                struct slice *ret_text);
/*
 * Replaces the macros of a statement's own line by their values; what stands for a task alone is
 * refused, and other macros without a definition as well unless they may be empty.
 */
int reader_expand(struct submit_reader *reader, struct slice *text, bool allow_undefined);

/*
 * The value that a macro has here under either name, with macros replaced. Returns 1 with it, 0 if
 * there is none, or a negative errno value. What is asked for so is used.
 */
int reader_find_value(struct submit_reader *reader, const char *name, const char *other,
                      struct slice *ret_value);

/* Counts what the canonical text will hold; -E2BIG if it becomes too large. */
int reader_count_size(struct submit_reader *reader, size_t size, const char *place);
/* Counts work; -E2BIG if it becomes too much. */
int reader_count_steps(struct submit_reader *reader, uint64_t steps, const char *place);

/* Reads all lines of a text that lies in the sources; what is open afterwards stays open. */
int reader_read_lines(struct submit_reader *reader, struct slice text);
/* Reads if, elif, else and endif. Returns 1 if the line is none of them. */
int reader_read_condition(struct submit_reader *reader, struct slice line);
/* Whether lines count here, as far as ifs decide. */
bool reader_is_enabled(const struct submit_reader *reader);
/* At the end of a file: closes the ifs beyond `count`, with a warning each. */
void reader_end_conditions(struct submit_reader *reader, size_t count);
/* Reads include, use, error and warning. Returns 1 if the line is none of them. */
int reader_read_include(struct submit_reader *reader, struct slice line);
/* Whether "TEMPLATE : NAME", or "TEMPLATE" at all, could be used. */
int reader_find_template(struct submit_reader *reader, struct slice text, bool *ret_found);
/* Reads a line that only frozen texts have. Returns 1 if this is none. */
int frozen_read_line(struct submit_reader *reader, struct slice line);

/* Reads a queue statement; `arguments` is what stands behind the word. Adds a part if it has tasks.
 */
int queue_read(struct submit_reader *reader, struct slice arguments);

/* Looks up what the part's commands mean and tries its first and last task. */
int part_settle(struct submit_reader *reader, struct part *part);

/* A scope for one task, or for none if `process` is UINT64_MAX. */
struct macro_scope part_scope(const struct submit *submit, const struct part *part,
                              uint64_t cluster, uint64_t process);
/* submit_expand() for a known part; spends from `steps_left`. */
int part_expand(const struct submit *submit, size_t part, uint64_t cluster, uint64_t process,
                uint64_t *steps_left, struct submit_task *task, struct error *err);

/*
 * Notes which requests differ within the part though their own text does not, because they ask for
 * attributes that do. Any task of the part tells; it is only looked at.
 */
void part_find_request_variation(struct part *part, struct submit_task *task);

bool boolean_parse(struct slice text, bool *ret_value);
