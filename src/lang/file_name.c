/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See file_name.h. HTCondor's rules have corners, which are kept: the name of a file without a
 * directory has none although p or d ask for it, and p with x alone is the whole path.
 */
#include "file_name.h"
#include "text.h"

static bool is_separator(char character)
{
    return character == '/' || character == '\\';
}

/* Quotes around the whole are not part of the path. */
static struct slice without_quotes(struct slice path)
{
    char first = path.length > 1 ? path.data[0] : '\0';

    if ((first == '"' || first == '\'') && path.data[path.length - 1] == first)
        return (struct slice){path.data + 1, path.length - 2};
    return path;
}

/* The folder in front, unless the path is absolute; "./" goes. */
static void append_full(struct slice path, struct slice folder, struct buffer *text)
{
    bool is_absolute = path.length > 0 && path.data[0] == '/';

    if (!is_absolute && folder.length > 0) {
        while (folder.length > 0 && folder.data[folder.length - 1] == '/')
            folder.length--;
        buffer_append_slice(text, folder);
        buffer_append_character(text, '/');
        if (text_begins(path, "./"))
            path = text_behind(path, 2);
    }
    buffer_append_slice(text, path);
}

/* Where the last `count` directories of the path begin; `name` is where its name begins. */
static size_t directories_start(struct slice path, size_t name, uint32_t count)
{
    size_t at = name;

    for (; count > 0 && at > 0; count--)
        for (at--; at > 0 && !is_separator(path.data[at - 1]);)
            at--;
    return at;
}

/* The part of the path that is wanted. */
static struct slice choose(const struct file_name_parts *parts, struct slice path)
{
    size_t name = path.length, extension = path.length, start = 0, end = path.length;
    bool wants_directory = parts->has_path || parts->directories > 0;

    while (name > 0 && !is_separator(path.data[name - 1]))
        name--;
    for (size_t i = name; i < path.length; i++)
        if (path.data[i] == '.')
            extension = i;
    if (!wants_directory && !parts->has_name && !parts->has_extension)
        return path;
    if (name == 0 && (parts->has_name || parts->has_extension))
        wants_directory = false;
    /* Where it begins, ... */
    if (!wants_directory)
        start = parts->has_name ? name : extension + (parts->is_bare && extension < end ? 1 : 0);
    else if (parts->directories > 0)
        start = directories_start(path, name, parts->directories);
    /* ... and where it ends. */
    if (!parts->has_name && !parts->has_extension)
        end = name - (parts->is_bare && name > 0 ? 1 : 0);
    else if (!parts->has_extension)
        end = extension;
    return (struct slice){path.data + start, end > start ? end - start : 0};
}

void file_name_append(const struct file_name_parts *parts, struct slice path, struct slice folder,
                      struct buffer *text)
{
    _cleanup_buffer_ struct buffer full = BUFFER_INIT;
    struct slice chosen;

    path = without_quotes(path);
    if (parts->is_full)
        append_full(path, folder, &full);
    else
        buffer_append_slice(&full, path);
    for (size_t i = 0; parts->separator && i < full.length; i++)
        if (is_separator(full.data[i]))
            full.data[i] = parts->separator;
    chosen = choose(parts, (struct slice){buffer_text(&full), full.length});
    if (parts->quote)
        buffer_append_character(text, parts->quote);
    buffer_append_slice(text, chosen);
    if (parts->quote)
        buffer_append_character(text, parts->quote);
}
