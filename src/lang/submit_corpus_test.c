/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real submit files against what HTCondor makes of them: for each file of the corpus that has a
 * NAME.ads beside it, the number of tasks and the attributes that tell tasks apart must agree. A
 * file that needs what is not there yet is named with the reason. Where the corpus (DUSK_CORPUS, or
 * ../shared/corpus beside the source tree) is absent, the test is skipped.
 */
#include "lang/arguments.h"
#include "lang/submit_fixture.h"

#include "base/map.h"
#include "base/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As in the .ads files, and as is usual, but for no one computer. */
#define HOME_FOLDERS "/home/"

/* How many files of today's corpus can be compared; a change for the worse must not pass. */
enum { COMPARED_MIN = 12 };

static int corpus_read_file(void *user_data, const char *path, struct buffer *text,
                            struct error *err)
{
    (void)user_data;
    (void)path;
    (void)err;
    buffer_append_text(text, "a 1\nb 2\nc 3\n");
    return 0;
}

static int corpus_get_environment(void *user_data, const char *name, struct buffer *value,
                                  struct error *err)
{
    static const char *const variables[][2] = {
        {"HOME", HOME_FOLDERS "u"}, {"LANG", "C.UTF-8"}, {"PATH", "/usr/bin:/bin"}, {"USER", "u"}};

    (void)user_data;
    (void)err;
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++)
        if (strcmp(variables[i][0], name) == 0) {
            buffer_append_text(value, variables[i][1]);
            return 0;
        }
    return 1;
}

static int corpus_list_environment(void *user_data, struct buffer *names, struct error *err)
{
    (void)user_data;
    (void)err;
    buffer_append_text(names, "HOME\nLANG\nPATH\nUSER\n");
    return 0;
}

static const struct submit_world corpus_world = {
    .read_file = corpus_read_file,
    .get_environment = corpus_get_environment,
    .list_environment = corpus_list_environment,
};

static bool read_whole(const char *path, struct buffer *text)
{
    FILE *file = fopen(path, "r");
    char block[4096];
    size_t length;

    if (!file)
        return false;
    while ((length = fread(block, 1, sizeof(block), file)) > 0)
        buffer_append(text, block, length);
    fclose(file);
    return true;
}

/* The attributes of the current task: later blocks of a .ads file say only what has changed. */
struct ad {
    struct string_map index;
    char *values[256]; /* owned */
    size_t count;
};

static void ad_set(struct ad *ad, const char *name, const char *value)
{
    uint64_t index;

    if (!string_map_get(&ad->index, name, &index)) {
        assert_true(ad->count < ARRAY_LENGTH(ad->values));
        index = ad->count++;
        string_map_put(&ad->index, name, index);
    }
    free(ad->values[index]);
    ad->values[index] = memory_copy_string(value);
}

/* The value, without quotes if it is a string; `absent` if there is none. */
static const char *ad_get(const struct ad *ad, const char *name, const char *absent)
{
    uint64_t index;

    return string_map_get(&ad->index, name, &index) ? ad->values[index] : absent;
}

static void ad_deinit(struct ad *ad)
{
    for (size_t i = 0; i < ad->count; i++)
        free(ad->values[i]);
    string_map_deinit(&ad->index);
}

/* Takes quotes and the backslashes before quotes away, in place. */
static char *unquote(char *value)
{
    size_t length = strlen(value), written = 0;

    if (length < 2 || value[0] != '"')
        return value;
    value[length - 1] = '\0';
    for (char *p = value + 1; *p; p++)
        if (p[0] != '\\' || p[1] != '"')
            value[written++] = *p;
    value[written] = '\0';
    return value;
}

/* Reads attributes up to the next empty line; false at the end of the file. */
static bool ad_read_block(struct ad *ad, char **at)
{
    bool any = false;

    while (**at != '\0') {
        char *line = *at, *newline = strchr(line, '\n'), *equals;

        *at = newline ? newline + 1 : line + strlen(line);
        if (newline)
            *newline = '\0';
        if (*line == '\0' && any)
            return true;
        equals = strchr(line, '=');
        if (!equals)
            continue;
        *equals = '\0';
        ad_set(ad, line, unquote(equals + 1));
        any = true;
    }
    return any;
}

static void join(struct submit_list list, const char *separator, struct buffer *text)
{
    for (size_t i = 0; i < list.count; i++)
        buffer_appendf(text, "%s%s", i > 0 ? separator : "", list.items[i]);
}

static void check_text(const char *file, uint64_t process, const char *name, const char *ours,
                       const char *theirs)
{
    if (strcmp(ours, theirs) != 0)
        fail_msg("%s, task %llu: %s is '%s', HTCondor says '%s'", file, (unsigned long long)process,
                 name, ours, theirs);
}

static void check_list(const char *file, uint64_t process, const char *name,
                       struct submit_list list, const char *separator, const char *theirs)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    join(list, separator, &text);
    check_text(file, process, name, buffer_text(&text), theirs);
}

/* HTCondor orders the environment by name, we by mention: each entry must be there. */
static void check_environment(const char *file, const struct submit_task *task, const char *theirs)
{
    _cleanup_arena_ struct arena arena = ARENA_INIT;
    _cleanup_list_ struct list list = LIST_INIT;
    size_t found = 0;
    const char *message;

    list_clear(&list);
    assert_int_equal(arguments_split(slice_from_text(theirs), &arena, &list, &message), 0);
    for (size_t i = 0; i < list.count; i++)
        for (size_t j = 0; j < task->environment.count; j++)
            found += strcmp(list.items[i], task->environment.items[j]) == 0 ? 1 : 0;
    if (found != list.count || found != task->environment.count)
        fail_msg("%s: HTCondor's environment is '%s'", file, theirs);
}

static void check_number(const char *file, uint64_t process, const char *name, uint64_t ours,
                         const char *theirs)
{
    char text[24];

    if (theirs[strspn(theirs, "0123456789")] != '\0')
        return; /* an expression, which a later issue brings */
    snprintf(text, sizeof(text), "%llu", (unsigned long long)ours);
    check_text(file, process, name, text, theirs);
}

/* `folder` is what a relative path counts from. */
static void check_path(const char *file, uint64_t process, const char *name, const char *ours,
                       const char *folder, const char *theirs)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;

    buffer_appendf(&path, "%s%s", ours[0] == '/' ? "" : folder, ours);
    check_text(file, process, name, buffer_text(&path), theirs);
}

static void check_task(const char *file, const struct submit_task *task, const struct ad *ad)
{
    _cleanup_buffer_ struct buffer iwd = BUFFER_INIT;
    uint64_t process = task->process;

    check_path(file, process, "Cmd", task->executable, task->transfer_executable ? "/w/" : "",
               ad_get(ad, "Cmd", ""));
    check_path(file, process, "Iwd", task->initialdir ? task->initialdir : "/w", "/w/",
               ad_get(ad, "Iwd", ""));
    buffer_appendf(&iwd, "%s/", ad_get(ad, "Iwd", ""));
    check_list(file, process, "Args", task->arguments, " ",
               ad_get(ad, "Args", ad_get(ad, "Arguments", "")));
    check_environment(file, task, ad_get(ad, "Environment", ""));
    check_text(file, process, "In", task->input ? task->input : "/dev/null", ad_get(ad, "In", ""));
    check_text(file, process, "Out", task->output ? task->output : "/dev/null",
               ad_get(ad, "Out", ""));
    check_text(file, process, "Err", task->error ? task->error : "/dev/null",
               ad_get(ad, "Err", ""));
    check_path(file, process, "UserLog", task->log ? task->log : "/dev/null", buffer_text(&iwd),
               ad_get(ad, "UserLog", "/dev/null"));
    check_list(file, process, "TransferInput", task->transfer_input, ",",
               ad_get(ad, "TransferInput", ""));
    check_list(file, process, "TransferOutput", task->transfer_output, ",",
               ad_get(ad, "TransferOutput", ""));
    check_number(file, process, "RequestCpus", task->request_cpus, ad_get(ad, "RequestCpus", ""));
    check_number(file, process, "RequestMemory", task->request_memory_bytes / (1024 * 1024),
                 ad_get(ad, "RequestMemory", ""));
    check_number(file, process, "RequestDisk", task->request_disk_bytes / 1024,
                 ad_get(ad, "RequestDisk", ""));
}

static void compare(const char *file, const struct submit *submit, char *ads)
{
    struct ad ad = {0};
    struct submit_task task;
    uint64_t process = 0;

    string_map_init(&ad.index, true);
    submit_task_init(&task);
    for (; ad_read_block(&ad, &ads); process++) {
        if (process >= submit_task_count(submit))
            break;
        if (submit_expand(submit, 1, process, &task, NULL) < 0)
            fail_msg("%s: task %llu cannot be expanded", file, (unsigned long long)process);
        check_task(file, &task, &ad);
    }
    if (process != submit_task_count(submit) || ad_read_block(&ad, &ads))
        fail_msg("%s: HTCondor has another number of tasks", file);
    submit_task_deinit(&task);
    ad_deinit(&ad);
}

/* Returns whether the file could be compared; else says why not. */
static bool compare_file(const char *folder, const char *name)
{
    static const struct submit_options options = {.world = &corpus_world, .allow_undefined = true};
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, ads = BUFFER_INIT, path = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    _cleanup_error_ struct error err = ERROR_INIT;
    bool has_ads;

    buffer_appendf(&path, "%s/%s", folder, name);
    assert_true(read_whole(buffer_text(&path), &text));
    buffer_append_text(&path, ".ads");
    has_ads = read_whole(buffer_text(&path), &ads);
    if (submit_parse((struct slice){text.data, text.length}, name, &options, &submit, NULL, &err) <
        0) {
        print_message("# %s: %.*s\n", has_ads ? "not yet" : "refused by both",
                      (int)strcspn(error_text(&err), "\n"), error_text(&err));
        return false;
    }
    if (!has_ads) {
        print_message("# refused by HTCondor only: %s\n", name);
        return false;
    }
    compare(name, submit, ads.data);
    return true;
}

static void corpus_folder(struct buffer *folder)
{
    const char *given = getenv("DUSK_CORPUS");
    const char *this_file = __FILE__;

    if (given)
        buffer_appendf(folder, "%s/submit", given);
    else
        buffer_appendf(folder, "%.*s../shared/corpus/submit",
                       (int)(strstr(this_file, "src/lang/") - this_file), this_file);
}

static bool name_ends_with(const char *name, const char *end)
{
    return strlen(name) > strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
}

static void real_submit_files_give_what_htcondor_makes_of_them(void **state)
{
    static const char *const ends[] = {".sub", ".submit", ".jdl", ".cmd"};
    _cleanup_buffer_ struct buffer folder = BUFFER_INIT;
    size_t compared = 0;
    struct dirent *entry;
    DIR *directory;

    (void)state;
    corpus_folder(&folder);
    directory = opendir(buffer_text(&folder));
    assert_non_null(directory);
    while ((entry = readdir(directory)))
        for (size_t i = 0; i < ARRAY_LENGTH(ends); i++)
            if (name_ends_with(entry->d_name, ends[i]))
                compared += compare_file(buffer_text(&folder), entry->d_name) ? 1 : 0;
    closedir(directory);
    print_message("# %zu files agree with HTCondor\n", compared);
    assert_true(compared >= COMPARED_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_submit_files_give_what_htcondor_makes_of_them),
    };
    _cleanup_buffer_ struct buffer folder = BUFFER_INIT;

    /* As TAP has it: cmocka's own word for skipping reads as a failure. */
    corpus_folder(&folder);
    if (access(buffer_text(&folder), R_OK) < 0) {
        printf("1..0 # SKIP there is no corpus at '%s'\n", buffer_text(&folder));
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
