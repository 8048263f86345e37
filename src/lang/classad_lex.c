/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of ClassAds. White space and C's two kinds of comments stand between them.
 *
 * Strings lie in the text itself unless they hold escapes. In the old spelling a backslash is
 * special only in front of a quote, and not even there if that quote ends the text.
 */
#include "classad_internal.h"

#include "base/number.h"

#include <errno.h>

static bool is_octal(char character)
{
    return character >= '0' && character <= '7';
}

/* The character `offset` bytes on, NUL behind the end. */
static char peek(const struct lexer *lexer, size_t offset)
{
    return offset < (size_t)(lexer->end - lexer->at) ? lexer->at[offset] : '\0';
}

static struct token wrong(struct token token, const char *message)
{
    token.kind = TOKEN_WRONG;
    token.message = message;
    return token;
}

/* Returns false in front of a comment without an end. */
static bool skip_space(struct lexer *lexer)
{
    const char *start;

    for (;;) {
        while (lexer->at < lexer->end && text_is_space(*lexer->at))
            lexer->at++;
        if (peek(lexer, 0) != '/' || (peek(lexer, 1) != '/' && peek(lexer, 1) != '*'))
            return true;
        if (peek(lexer, 1) == '/') {
            while (lexer->at < lexer->end && *lexer->at != '\n')
                lexer->at++;
            continue;
        }
        start = lexer->at;
        for (lexer->at += 2; peek(lexer, 0) != '*' || peek(lexer, 1) != '/'; lexer->at++) {
            if (lexer->at < lexer->end)
                continue;
            lexer->at = start;
            return false;
        }
        lexer->at += 2;
    }
}

/* The factor of a letter right behind a number, 1 if there is none. */
static int64_t take_factor(struct lexer *lexer)
{
    int64_t factor = unit_factor(peek(lexer, 0));

    lexer->at += factor > 0;
    return factor > 0 ? factor : 1;
}

/* The value of a digit, or `base` if it is none. */
static int digit_value(char character, int base)
{
    char letter = (char)(character | 0x20);

    if (text_is_digit(character))
        return character - '0';
    return base == 16 && letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : base;
}

/* Digits of a base; what is too large becomes the largest number, as with strtoll(). */
static int64_t take_integer(struct lexer *lexer, int base, bool *ret_too_large)
{
    int64_t value = 0;
    int digit;

    *ret_too_large = false;
    for (; (digit = digit_value(peek(lexer, 0), base)) < base; lexer->at++)
        *ret_too_large = *ret_too_large || __builtin_mul_overflow(value, base, &value) ||
                         __builtin_add_overflow(value, digit, &value);
    return *ret_too_large ? INT64_MAX : value;
}

static struct token lex_hexadecimal(struct lexer *lexer, struct token token)
{
    const char *digits = lexer->at += 2;
    int64_t value = take_integer(lexer, 16, &token.too_large);

    if (lexer->at == digits)
        return wrong(token, "'0x' needs a hexadecimal digit behind it");
    token.kind = TOKEN_INTEGER;
    token.value = value_integer(value);
    return token;
}

/* The length of "12.5e-3" and the like in front of the lexer; 0 with a message if it breaks off. */
static size_t measure_real(const struct lexer *lexer, const char **ret_message)
{
    size_t length = 0;

    while (text_is_digit(peek(lexer, length)))
        length++;
    if (peek(lexer, length) == '.') {
        length++;
        *ret_message = "a digit must stand behind the point";
        if (!text_is_digit(peek(lexer, length)))
            return 0;
        while (text_is_digit(peek(lexer, length)))
            length++;
    }
    if ((peek(lexer, length) | 0x20) != 'e')
        return length;
    length++;
    if (peek(lexer, length) == '+' || peek(lexer, length) == '-')
        length++;
    *ret_message = "the exponent has no digits";
    if (!text_is_digit(peek(lexer, length)))
        return 0;
    while (text_is_digit(peek(lexer, length)))
        length++;
    return length;
}

static struct token lex_real(struct lexer *lexer, struct token token)
{
    const char *message = "this is no number";
    size_t length = measure_real(lexer, &message);
    double value;

    if (length == 0)
        return wrong(token, message);
    if (number_parse_double((struct slice){lexer->at, length}, &value) < 0)
        return wrong(token, "this number is too large");
    lexer->at += length;
    token.kind = TOKEN_REAL;
    token.value = value_real(value * (double)take_factor(lexer));
    return token;
}

/* A leading zero means nothing: HTCondor's tools read 010 as ten, too. */
static struct token lex_number(struct lexer *lexer, struct token token)
{
    size_t digits = 0;
    int64_t value;

    if (peek(lexer, 0) == '0' && (peek(lexer, 1) | 0x20) == 'x')
        return lex_hexadecimal(lexer, token);
    while (text_is_digit(peek(lexer, digits)))
        digits++;
    if (peek(lexer, digits) == '.' || (peek(lexer, digits) | 0x20) == 'e')
        return lex_real(lexer, token);
    value = take_integer(lexer, 10, &token.too_large);
    if (__builtin_mul_overflow(value, take_factor(lexer), &value))
        value = INT64_MAX;
    token.kind = TOKEN_INTEGER;
    token.value = value_integer(value);
    return token;
}

/* What looks like a name and is none. */
static const struct reserved {
    const char *text;
    enum token_kind kind;
    enum classad_operator operation;
    bool boolean;
} reserved_words[] = {
    {"true", TOKEN_BOOLEAN, 0, true},           {"false", TOKEN_BOOLEAN, 0, false},
    {"undefined", TOKEN_UNDEFINED, 0, false},   {"error", TOKEN_ERROR, 0, false},
    {"is", TOKEN_OPERATOR, OPERATOR_IS, false}, {"isnt", TOKEN_OPERATOR, OPERATOR_ISNT, false},
};

static const struct reserved *find_reserved(struct slice word)
{
    for (size_t i = 0; i < ARRAY_LENGTH(reserved_words); i++)
        if (slice_equals_ignoring_case(word, reserved_words[i].text))
            return &reserved_words[i];
    return NULL;
}

bool classad_word_is_name(struct slice word)
{
    for (size_t i = 0; i < word.length; i++)
        if (!text_is_of_name(word.data[i]))
            return false;
    return word.length > 0 && !text_is_digit(word.data[0]) && !find_reserved(word);
}

static struct token lex_word(struct lexer *lexer, struct token token)
{
    const struct reserved *reserved;

    while (text_is_of_name(peek(lexer, 0)))
        lexer->at++;
    token.text = (struct slice){token.at, (size_t)(lexer->at - token.at)};
    token.kind = TOKEN_NAME;
    reserved = find_reserved(token.text);
    if (reserved) {
        token.kind = reserved->kind;
        token.operation = reserved->operation;
        token.value = value_boolean(reserved->boolean);
    }
    return token;
}

/* What stands behind a backslash; *at is behind it afterwards. */
static char unescape(const char **at, const char *end)
{
    static const char names[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    char character = *(*at)++;
    const char *name = character != '\0' ? strchr(names, character) : NULL;
    int number;

    if (name)
        return values[name - names];
    if (!is_octal(character))
        return character;
    number = character - '0';
    for (int digits = 1; digits < 3 && *at < end && is_octal(**at); digits++) {
        if (number * 8 + **at - '0' > 0377)
            break;
        number = number * 8 + *(*at)++ - '0';
    }
    return (char)number;
}

/* Without its escapes. Returns false if there is a NUL in it. */
static bool unescape_all(struct lexer *lexer, struct slice text, struct slice *ret_text)
{
    char *copy = arena_allocate(lexer->arena, text.length + 1, 1);
    const char *at = text.data, *end = text.data + text.length;
    size_t length = 0;

    while (at < end) {
        char character = *at++;

        if (character == '\\' && at < end) {
            if (lexer->spelling == CLASSAD_NEW)
                character = unescape(&at, end);
            else if (*at == '"')
                character = *at++;
        }
        if (character == '\0')
            return false;
        copy[length++] = character;
    }
    *ret_text = (struct slice){copy, length};
    return true;
}

/* In the old spelling, whether the quote behind a backslash is a part of the string. */
static bool quote_goes_on(const struct lexer *lexer, const char *quote)
{
    return quote + 1 < lexer->end && quote[1] != '\n' && quote[1] != '\r';
}

/* The end of a string that begins at `at`, behind its quote; NULL if there is none. */
static const char *find_quote(const struct lexer *lexer, const char *at, char quote,
                              bool *ret_escapes)
{
    for (; at < lexer->end; at++) {
        if (*at == quote)
            return at;
        if (*at != '\\' || at + 1 == lexer->end)
            continue;
        if (lexer->spelling == CLASSAD_OLD && (at[1] != quote || !quote_goes_on(lexer, at + 1)))
            continue;
        *ret_escapes = true;
        at++;
    }
    return NULL;
}

/* "..." is a string, '...' a name. Strings side by side are one, in the new spelling. */
static struct token lex_quoted(struct lexer *lexer, struct token token)
{
    char quote = *lexer->at;
    bool escapes = false;
    const char *end = find_quote(lexer, lexer->at + 1, quote, &escapes);
    struct slice text;

    if (!end)
        return wrong(token, quote == '"' ? "this string has no end" : "this name has no end");
    text = (struct slice){lexer->at + 1, (size_t)(end - lexer->at - 1)};
    if ((escapes || memchr(text.data, '\0', text.length)) && !unescape_all(lexer, text, &text))
        return wrong(token, "a string cannot hold a NUL character");
    lexer->at = end + 1;
    token.kind = quote == '"' ? TOKEN_STRING : TOKEN_NAME;
    token.text = text;
    if (quote == '\'' && text.length == 0)
        return wrong(token, "a name cannot be empty");
    return token;
}

static struct token lex_strings(struct lexer *lexer, struct token token)
{
    size_t capacity = 0;
    struct token next;
    char *joined = NULL;

    token = lex_quoted(lexer, token);
    while (token.kind == TOKEN_STRING && lexer->spelling == CLASSAD_NEW) {
        struct lexer ahead = *lexer;
        size_t length;

        if (!skip_space(&ahead) || peek(&ahead, 0) != '"')
            break;
        next = lex_quoted(&ahead, (struct token){.at = ahead.at});
        if (next.kind != TOKEN_STRING)
            return next;
        length = token.text.length + next.text.length;
        if (!joined || length > capacity) {
            capacity = 2 * length;
            joined = arena_allocate(lexer->arena, capacity + 1, 1);
            memcpy(joined, token.text.data, token.text.length);
        }
        memcpy(joined + token.text.length, next.text.data, next.text.length);
        token.text = (struct slice){joined, length};
        lexer->at = ahead.at;
    }
    return token;
}

/* Longer ones before those that they begin with. */
static const struct {
    const char *text;
    enum token_kind kind;
    enum classad_operator operation;
} marks[] = {
    {"=?=", TOKEN_OPERATOR, OPERATOR_IS},
    {"=!=", TOKEN_OPERATOR, OPERATOR_ISNT},
    {">>>", TOKEN_OPERATOR, OPERATOR_SHIFT_RIGHT_UNSIGNED},
    {"==", TOKEN_OPERATOR, OPERATOR_EQUAL},
    {"!=", TOKEN_OPERATOR, OPERATOR_NOT_EQUAL},
    {"<=", TOKEN_OPERATOR, OPERATOR_LESS_OR_EQUAL},
    {">=", TOKEN_OPERATOR, OPERATOR_GREATER_OR_EQUAL},
    {"<<", TOKEN_OPERATOR, OPERATOR_SHIFT_LEFT},
    {">>", TOKEN_OPERATOR, OPERATOR_SHIFT_RIGHT},
    {"||", TOKEN_OPERATOR, OPERATOR_OR},
    {"&&", TOKEN_OPERATOR, OPERATOR_AND},
    {"<", TOKEN_OPERATOR, OPERATOR_LESS},
    {">", TOKEN_OPERATOR, OPERATOR_GREATER},
    {"|", TOKEN_OPERATOR, OPERATOR_BIT_OR},
    {"^", TOKEN_OPERATOR, OPERATOR_BIT_XOR},
    {"&", TOKEN_OPERATOR, OPERATOR_BIT_AND},
    {"+", TOKEN_OPERATOR, OPERATOR_ADD},
    {"-", TOKEN_OPERATOR, OPERATOR_SUBTRACT},
    {"*", TOKEN_OPERATOR, OPERATOR_MULTIPLY},
    {"/", TOKEN_OPERATOR, OPERATOR_DIVIDE},
    {"%", TOKEN_OPERATOR, OPERATOR_MODULUS},
    {"!", TOKEN_OPERATOR, OPERATOR_NOT},
    {"~", TOKEN_OPERATOR, OPERATOR_BIT_NOT},
    {"=", TOKEN_ASSIGN, 0},
    {"?", TOKEN_QUESTION, 0},
    {":", TOKEN_COLON, 0},
    {".", TOKEN_DOT, 0},
    {",", TOKEN_COMMA, 0},
    {";", TOKEN_SEMICOLON, 0},
    {"(", TOKEN_OPEN_PARENTHESIS, 0},
    {")", TOKEN_CLOSE_PARENTHESIS, 0},
    {"[", TOKEN_OPEN_BRACKET, 0},
    {"]", TOKEN_CLOSE_BRACKET, 0},
    {"{", TOKEN_OPEN_BRACE, 0},
    {"}", TOKEN_CLOSE_BRACE, 0},
};

static struct token lex_mark(struct lexer *lexer, struct token token)
{
    struct slice rest = {lexer->at, (size_t)(lexer->end - lexer->at)};

    for (size_t i = 0; i < ARRAY_LENGTH(marks); i++) {
        /* Most are ruled out by their first character. */
        if (marks[i].text[0] != rest.data[0] || !text_begins(rest, marks[i].text))
            continue;
        lexer->at += strlen(marks[i].text);
        token.kind = marks[i].kind;
        token.operation = marks[i].operation;
        return token;
    }
    return wrong(token, "this character has no meaning here");
}

struct token classad_lex(struct lexer *lexer)
{
    struct token token = {.kind = TOKEN_END};
    bool space_ends = skip_space(lexer);
    char first = peek(lexer, 0);

    token.at = lexer->at;
    if (!space_ends)
        token = wrong(token, "this comment has no end");
    else if (lexer->at == lexer->end)
        token.kind = TOKEN_END;
    else if (text_is_digit(first) || (first == '.' && text_is_digit(peek(lexer, 1))))
        token = lex_number(lexer, token);
    else if (text_is_of_name(first))
        token = lex_word(lexer, token);
    else if (first == '"' || first == '\'')
        token = lex_strings(lexer, token);
    else
        token = lex_mark(lexer, token);
    token.end = lexer->at;
    return token;
}
