/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions and values as text, white space as HTCondor's library puts it, and the comparison of
 * two of them by what they would print.
 *
 * Reals have as many digits as they need to read back to the same number: at least 16, as there.
 */
#include "classad_internal.h"

#include "base/number.h"

static const char *const operator_texts[] = {
    [OPERATOR_LESS] = " < ",
    [OPERATOR_LESS_OR_EQUAL] = " <= ",
    [OPERATOR_NOT_EQUAL] = " != ",
    [OPERATOR_EQUAL] = " == ",
    [OPERATOR_GREATER_OR_EQUAL] = " >= ",
    [OPERATOR_GREATER] = " > ",
    [OPERATOR_IS] = " is ",
    [OPERATOR_ISNT] = " isnt ",
    [OPERATOR_ADD] = " + ",
    [OPERATOR_SUBTRACT] = " - ",
    [OPERATOR_MULTIPLY] = " * ",
    [OPERATOR_DIVIDE] = " / ",
    [OPERATOR_MODULUS] = " % ",
    [OPERATOR_OR] = " || ",
    [OPERATOR_AND] = " && ",
    [OPERATOR_BIT_OR] = " | ",
    [OPERATOR_BIT_XOR] = " ^ ",
    [OPERATOR_BIT_AND] = " & ",
    [OPERATOR_SHIFT_LEFT] = " << ",
    [OPERATOR_SHIFT_RIGHT] = " >> ",
    [OPERATOR_SHIFT_RIGHT_UNSIGNED] = " >>> ",
    [OPERATOR_PLUS] = " +",
    [OPERATOR_MINUS] = " -",
    [OPERATOR_NOT] = " !",
    [OPERATOR_BIT_NOT] = " ~",
};

static const char *operator_text(enum classad_operator operation, enum classad_spelling spelling)
{
    if (spelling == CLASSAD_OLD && operation == OPERATOR_IS)
        return " =?= ";
    if (spelling == CLASSAD_OLD && operation == OPERATOR_ISNT)
        return " =!= ";
    return operator_texts[operation];
}

/* What was appended last. */
static struct slice written_from(const struct buffer *text, size_t start)
{
    return (struct slice){text->data + start, text->length - start};
}

static bool reads_back(struct slice written, double real)
{
    double read;

    return number_parse_double(written, &read) == 0 && read == real;
}

static bool holds_any(struct slice text, const char *characters)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] != '\0' && strchr(characters, text.data[i]))
            return true;
    return false;
}

void real_print(double real, enum classad_spelling spelling, struct buffer *text)
{
    size_t start = text->length;

    if (real != real) {
        buffer_append_text(text, "real(\"NaN\")");
    } else if (real > 0 && real / 2 == real) {
        buffer_append_text(text, "real(\"INF\")");
    } else if (real < 0 && real / 2 == real) {
        buffer_append_text(text, "real(\"-INF\")");
    } else if (real == 0) {
        buffer_appendf(text, "%.1f", real);
    } else {
        buffer_appendf(text, spelling == CLASSAD_OLD ? "%.16G" : "%.15E", real);
        if (!reads_back(written_from(text, start), real)) {
            text->length = start;
            buffer_appendf(text, spelling == CLASSAD_OLD ? "%.17G" : "%.16E", real);
        }
        if (!holds_any(written_from(text, start), ".E"))
            buffer_append_text(text, ".0");
    }
}

/* What no string may hold as it is, in the new spelling. */
static void print_character(char character, struct buffer *text)
{
    static const char values[] = "\a\b\f\n\r\t\v\\", names[] = "abfnrtv\\";
    const char *value = strchr(values, character);

    if (value && character != '\0')
        buffer_appendf(text, "\\%c", names[value - values]);
    else if (character < ' ' || character == 0x7f)
        buffer_appendf(text, "\\%03o", (unsigned)(uint8_t)character);
    else
        buffer_append_character(text, character);
}

static void print_quoted(struct slice string, char quote, enum classad_spelling spelling,
                         struct buffer *text)
{
    buffer_append_character(text, quote);
    for (size_t i = 0; i < string.length; i++) {
        if (string.data[i] == quote)
            buffer_append_character(text, '\\');
        if (string.data[i] == quote || spelling == CLASSAD_OLD)
            buffer_append_character(text, string.data[i]);
        else
            print_character(string.data[i], text);
    }
    buffer_append_character(text, quote);
}

/*
 * A string within something else. The old spelling has no escapes: a line feed ends the line, and a
 * backslash at the end makes the quote a part of the string unless that ends the line. So what it
 * cannot say is said in the new one, as a string of the old one.
 */
static void print_inner_string(struct slice string, enum classad_spelling spelling,
                               struct buffer *text)
{
    _cleanup_buffer_ struct buffer quoted = BUFFER_INIT;
    bool ends_badly = string.length > 0 && string.data[string.length - 1] == '\\';

    if (spelling == CLASSAD_NEW || !(ends_badly || holds_any(string, "\r\n"))) {
        print_quoted(string, '"', spelling, text);
        return;
    }
    print_quoted(string, '"', CLASSAD_NEW, &quoted);
    buffer_append_text(text, "eval(");
    print_quoted((struct slice){quoted.data, quoted.length}, '"', CLASSAD_OLD, text);
    buffer_append_character(text, ')');
}

void classad_name_print(struct slice name, struct buffer *text)
{
    if (classad_word_is_name(name))
        buffer_append_slice(text, name);
    else
        print_quoted(name, '\'', CLASSAD_NEW, text);
}

static void print_node(const struct classad_node *node, enum classad_spelling spelling,
                       struct buffer *text);

void attributes_print(const struct attributes *attributes, enum classad_spelling spelling,
                      struct buffer *text)
{
    buffer_append_text(text, "[ ");
    for (uint32_t i = 0; i < attributes->count; i++) {
        if (i > 0)
            buffer_append_text(text, "; ");
        classad_name_print(attributes->items[i].name.text, text);
        buffer_append_text(text, " = ");
        print_node(attributes->items[i].expression, spelling, text);
    }
    buffer_append_text(text, " ]");
}

static void print_operands(const struct classad_node *node, enum classad_spelling spelling,
                           struct buffer *text)
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (i > 0)
            buffer_append_character(text, ',');
        print_node(node->operands[i], spelling, text);
    }
}

static void print_list(const struct classad_node *node, enum classad_spelling spelling,
                       struct buffer *text)
{
    buffer_append_text(text, "{ ");
    print_operands(node, spelling, text);
    buffer_append_text(text, " }");
}

static void print_chain(const struct classad_node *node, enum classad_spelling spelling,
                        struct buffer *text)
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (i > 0)
            buffer_append_text(text, operator_text(node->operators[i - 1], spelling));
        print_node(node->operands[i], spelling, text);
    }
}

static void print_conditional(const struct classad_node *node, enum classad_spelling spelling,
                              struct buffer *text)
{
    print_node(node->operands[0], spelling, text);
    if (node->kind == NODE_DEFAULT) {
        buffer_append_text(text, " ?: ");
        print_node(node->operands[1], spelling, text);
        return;
    }
    buffer_append_text(text, " ? ");
    print_node(node->operands[1], spelling, text);
    buffer_append_text(text, " : ");
    print_node(node->operands[2], spelling, text);
}

/* What stands in front of one of its operands, and what stands behind it. */
static void print_around(const struct classad_node *node, enum classad_spelling spelling,
                         struct buffer *text)
{
    if (node->kind == NODE_UNARY)
        buffer_append_text(text, operator_texts[node->operation]);
    else if (node->kind == NODE_PARENTHESES)
        buffer_append_character(text, '(');
    print_node(node->operands[0], spelling, text);
    if (node->kind == NODE_PARENTHESES) {
        buffer_append_character(text, ')');
    } else if (node->kind == NODE_SELECT || node->kind == NODE_SELECT_SIDE) {
        /* A point right behind a number would be a part of it. */
        buffer_append_text(text, node->operands[0]->kind == NODE_LITERAL ? " ." : ".");
        classad_name_print(node->name.text, text);
    } else if (node->kind == NODE_SUBSCRIPT) {
        buffer_append_character(text, '[');
        print_node(node->operands[1], spelling, text);
        buffer_append_character(text, ']');
    }
}

static void print_node(const struct classad_node *node, enum classad_spelling spelling,
                       struct buffer *text)
{
    switch (node->kind) {
    case NODE_LITERAL:
        if (node->value.type == CLASSAD_STRING)
            print_inner_string(value_text(&node->value), spelling, text);
        else
            classad_value_print(&node->value, spelling, text);
        return;
    case NODE_ROOT:
        buffer_append_character(text, '.');
        classad_name_print(node->name.text, text);
        return;
    case NODE_ATTRIBUTE:
        classad_name_print(node->name.text, text);
        return;
    case NODE_SELECT:
    case NODE_SELECT_SIDE:
    case NODE_SUBSCRIPT:
    case NODE_UNARY:
    case NODE_PARENTHESES:
        print_around(node, spelling, text);
        return;
    case NODE_CHAIN:
        print_chain(node, spelling, text);
        return;
    case NODE_CONDITIONAL:
    case NODE_DEFAULT:
        print_conditional(node, spelling, text);
        return;
    case NODE_CALL:
        classad_name_print(node->name.text, text);
        buffer_append_character(text, '(');
        print_operands(node, spelling, text);
        buffer_append_character(text, ')');
        return;
    case NODE_LIST:
        print_list(node, spelling, text);
        return;
    case NODE_AD:
        attributes_print(node->attributes, spelling, text);
        return;
    }
}

void classad_node_print(const struct classad_node *node, enum classad_spelling spelling,
                        struct buffer *text)
{
    if (node->kind == NODE_LITERAL)
        classad_value_print(&node->value, spelling, text);
    else
        print_node(node, spelling, text);
}

/* As a date, or in numbers if that has a year or a zone that no date shows. */
static void print_absolute_time(const struct classad_value *time, struct buffer *text)
{
    size_t start = text->length, date;
    struct classad_value read;

    buffer_append_text(text, "absTime(\"");
    date = text->length;
    absolute_time_print(time, text);
    read = absolute_time_parse(written_from(text, date), 0);
    if (classad_value_is_same(time, &read)) {
        buffer_append_text(text, "\")");
        return;
    }
    text->length = start;
    buffer_appendf(text, "absTime(%lld,%d)", (long long)time->seconds, (int)time->offset_seconds);
}

/* Days, hours and so on, or a number if these cannot show it. */
static void print_relative_time(double seconds, struct buffer *text)
{
    size_t start = text->length, length;
    double read;

    buffer_append_text(text, "relTime(\"");
    length = text->length;
    relative_time_print(seconds, text);
    if (relative_time_parse(written_from(text, length), &read) && read == seconds) {
        buffer_append_text(text, "\")");
        return;
    }
    text->length = start;
    buffer_append_text(text, "relTime(");
    real_print(seconds, CLASSAD_NEW, text);
    buffer_append_character(text, ')');
}

/* At the end of a line even a backslash may end a string. */
static void print_string(struct slice string, enum classad_spelling spelling, struct buffer *text)
{
    if (holds_any(string, "\r\n"))
        print_inner_string(string, spelling, text);
    else
        print_quoted(string, '"', spelling, text);
}

void classad_value_print(const struct classad_value *value, enum classad_spelling spelling,
                         struct buffer *text)
{
    switch (value->type) {
    case CLASSAD_UNDEFINED:
        buffer_append_text(text, "undefined");
        return;
    case CLASSAD_ERROR:
        buffer_append_text(text, "error");
        return;
    case CLASSAD_BOOLEAN:
        buffer_append_text(text, value->boolean ? "true" : "false");
        return;
    case CLASSAD_INTEGER:
        buffer_appendf(text, "%lld", (long long)value->integer);
        return;
    case CLASSAD_REAL:
        real_print(value->real, spelling, text);
        return;
    case CLASSAD_STRING:
        print_string(value_text(value), spelling, text);
        return;
    case CLASSAD_ABSOLUTE_TIME:
        print_absolute_time(value, text);
        return;
    case CLASSAD_RELATIVE_TIME:
        print_relative_time(value->real, text);
        return;
    case CLASSAD_LIST:
        print_list(value->list->node, spelling, text);
        return;
    case CLASSAD_AD:
        attributes_print(value->ad->attributes, spelling, text);
        return;
    }
}

static bool attributes_are_same(const struct attributes *left, const struct attributes *right)
{
    if (left->count != right->count)
        return false;
    for (uint32_t i = 0; i < left->count; i++) {
        const struct classad_node *other = attributes_find(right, &left->items[i].name);

        if (!other || !classad_node_is_same(left->items[i].expression, other))
            return false;
    }
    return true;
}

static bool operands_are_same(const struct classad_node *left, const struct classad_node *right)
{
    if (left->count != right->count)
        return false;
    for (uint32_t i = 0; i < left->count; i++)
        if (!classad_node_is_same(left->operands[i], right->operands[i]))
            return false;
    return left->kind != NODE_CHAIN || memcmp(left->operators, right->operators,
                                              (left->count - 1) * sizeof(*left->operators)) == 0;
}

bool classad_node_is_same(const struct classad_node *left, const struct classad_node *right)
{
    if (left->kind != right->kind || !operands_are_same(left, right))
        return false;
    switch (left->kind) {
    case NODE_LITERAL:
        return classad_value_is_same(&left->value, &right->value);
    case NODE_ATTRIBUTE:
    case NODE_ROOT:
    case NODE_SELECT:
    case NODE_SELECT_SIDE:
    case NODE_CALL:
        return name_equals(&left->name, &right->name);
    case NODE_UNARY:
        return left->operation == right->operation;
    case NODE_AD:
        return attributes_are_same(left->attributes, right->attributes);
    case NODE_SUBSCRIPT:
    case NODE_CHAIN:
    case NODE_CONDITIONAL:
    case NODE_DEFAULT:
    case NODE_PARENTHESES:
    case NODE_LIST:
        break;
    }
    return true;
}

bool classad_value_is_same(const struct classad_value *left, const struct classad_value *right)
{
    if (left->type != right->type)
        return false;
    switch (left->type) {
    case CLASSAD_UNDEFINED:
    case CLASSAD_ERROR:
        return true;
    case CLASSAD_BOOLEAN:
        return left->boolean == right->boolean;
    case CLASSAD_INTEGER:
        return left->integer == right->integer;
    case CLASSAD_REAL:
    case CLASSAD_RELATIVE_TIME:
        return left->real == right->real;
    case CLASSAD_STRING:
        return left->length == right->length &&
               memcmp(left->string, right->string, left->length) == 0;
    case CLASSAD_ABSOLUTE_TIME:
        return left->seconds == right->seconds && left->offset_seconds == right->offset_seconds;
    case CLASSAD_LIST:
        return classad_node_is_same(left->list->node, right->list->node);
    case CLASSAD_AD:
        return attributes_are_same(left->ad->attributes, right->ad->attributes);
    }
    return false;
}
