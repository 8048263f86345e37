/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real submit files against what HTCondor makes of them: for each file of the corpus that has a
 * NAME.ads beside it, the tasks, their order and all their attributes must agree, but for those in
 * which HTCondor keeps its books. One that HTCondor refuses must be refused. Where the corpus
 * (DUSK_CORPUS, or ../shared/corpus beside the source tree) is absent, the test is skipped.
 */
#include "lang/job_ad.h"
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
enum { COMPARED_MIN = 19 };

/* As in the .ads files. */
static const struct job_origin origin = {
    .folder = "/w", .arch = "X86_64", .operating_system = "LINUX", .file_system_domain = "vm"};

/* What HTCondor counts and notes for itself, and the sizes of files, which nobody here has seen. */
static const char *const bookkeeping[] = {"CommittedSlotTime",
                                          "CommittedSuspensionTime",
                                          "CommittedTime",
                                          "CondorPlatform",
                                          "CondorVersion",
                                          "CumulativeRemoteSysCpu",
                                          "CumulativeRemoteUserCpu",
                                          "CumulativeSlotTime",
                                          "CumulativeSuspensionTime",
                                          "CurrentHosts",
                                          "DiskUsage",
                                          "EnteredCurrentStatus",
                                          "ExecutableSize",
                                          "ExitBySignal",
                                          "ExitStatus",
                                          "ImageSize",
                                          "JobSubmitFile",
                                          "JobSubmitMethod",
                                          "LastSuspensionTime",
                                          "MaxHosts",
                                          "MinHosts",
                                          "NumCkpts",
                                          "NumJobCompletions",
                                          "NumJobStarts",
                                          "NumRestarts",
                                          "NumSystemHolds",
                                          "Owner",
                                          "QDate",
                                          "RemoteSysCpu",
                                          "RemoteUserCpu",
                                          "RemoteWallClockTime",
                                          "TargetType",
                                          "TotalSuspensions",
                                          "TransferInputSizeMB"};

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
    char *names[256];  /* owned */
    char *values[256]; /* owned */
    size_t count;
};

static void ad_set(struct ad *ad, const char *name, const char *value)
{
    uint64_t index;

    if (!string_map_get(&ad->index, name, &index)) {
        assert_true(ad->count < ARRAY_LENGTH(ad->values));
        index = ad->count++;
        ad->names[index] = memory_copy_string(name);
        string_map_put(&ad->index, name, index);
    }
    free(ad->values[index]);
    ad->values[index] = memory_copy_string(value);
}

static void ad_deinit(struct ad *ad)
{
    for (size_t i = 0; i < ad->count; i++)
        free(take_pointer(ad->names[i]));
    for (size_t i = 0; i < ad->count; i++)
        free(ad->values[i]);
    string_map_deinit(&ad->index);
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
        ad_set(ad, line, equals + 1);
        any = true;
    }
    return any;
}

static bool is_bookkeeping(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(bookkeeping); i++)
        if (strcmp(name, bookkeeping[i]) == 0)
            return true;
    return false;
}

/* HTCondor writes expressions anew: what is not in a string may have other white space and case. */
static void normalize(const char *expression, struct buffer *text)
{
    bool is_string = false;

    buffer_clear(text);
    for (const char *c = expression; *c; c++) {
        if (*c == '"' && (c == expression || c[-1] != '\\'))
            is_string = !is_string;
        if (is_string || (*c != ' ' && *c != '\t'))
            buffer_append_character(
                text, !is_string && *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c);
    }
}

static void check_attribute(const char *file, uint64_t process, const char *name, const char *ours,
                            const char *theirs)
{
    _cleanup_buffer_ struct buffer left = BUFFER_INIT, right = BUFFER_INIT;

    normalize(ours ? ours : "(not there)", &left);
    normalize(theirs ? theirs : "(not there)", &right);
    if (strcmp(buffer_text(&left), buffer_text(&right)) != 0)
        fail_msg("%s, task %llu: %s is %s, HTCondor says %s", file, (unsigned long long)process,
                 name, ours ? ours : "not there", theirs ? theirs : "that it is not there");
}

static void check_task(const char *file, uint64_t process, const struct job_ad *job,
                       const struct ad *ad)
{
    for (size_t i = 0; i < ad->count; i++)
        if (!is_bookkeeping(ad->names[i]))
            check_attribute(file, process, ad->names[i], job_ad_find(job, ad->names[i]),
                            ad->values[i]);
    for (size_t i = 0; i < job->count; i++) {
        uint64_t index;

        if (job->items[i].expression && !is_bookkeeping(job->items[i].name) &&
            !string_map_get(&ad->index, job->items[i].name, &index))
            check_attribute(file, process, job->items[i].name, job->items[i].expression, NULL);
    }
}

static void compare(const char *file, const struct submit *submit, char *ads)
{
    struct ad ad = {0};
    struct submit_task task;
    struct job_ad job;
    uint64_t process = 0;

    string_map_init(&ad.index, true);
    submit_task_init(&task);
    job_ad_init(&job);
    for (; ad_read_block(&ad, &ads); process++) {
        if (process >= submit_task_count(submit))
            break;
        if (submit_expand(submit, 1, process, &task, NULL) < 0)
            fail_msg("%s: task %llu cannot be expanded", file, (unsigned long long)process);
        job_ad_fill(&job, submit, &task, &origin);
        check_task(file, process, &job, &ad);
    }
    if (process != submit_task_count(submit) || ad_read_block(&ad, &ads))
        fail_msg("%s: HTCondor has another number of tasks", file);
    job_ad_deinit(&job);
    submit_task_deinit(&task);
    ad_deinit(&ad);
}

/* As it was read, and as the server reads what it keeps. */
static void compare_twice(const char *name, const struct submit *submit, const struct buffer *ads)
{
    _cleanup_free_ char *first = memory_copy_string(buffer_text(ads));
    _cleanup_free_ char *second = memory_copy_string(buffer_text(ads));
    _cleanup_buffer_ struct buffer frozen = BUFFER_INIT;
    _cleanup_submit_ struct submit *copy = NULL;

    compare(name, submit, first);
    submit_freeze(submit, &frozen);
    assert_int_equal(
        submit_parse((struct slice){frozen.data, frozen.length}, name, NULL, &copy, NULL, NULL), 0);
    compare(name, copy, second);
}

/* HTCondor refuses it for folders that are not there, which the commands look at. */
static bool is_refused_for_its_folders(const char *name)
{
    return strcmp(name, "ickc__htcondor_ex__science3.sub") == 0;
}

/* Returns whether there was something to compare. */
static bool compare_file(const char *folder, const char *name)
{
    static const struct submit_options options = {.world = &corpus_world, .allow_undefined = true};
    _cleanup_buffer_ struct buffer text = BUFFER_INIT, ads = BUFFER_INIT, path = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    _cleanup_error_ struct error err = ERROR_INIT;
    bool is_accepted, has_ads;

    buffer_appendf(&path, "%s/%s", folder, name);
    assert_true(read_whole(buffer_text(&path), &text));
    buffer_append_text(&path, ".ads");
    has_ads = read_whole(buffer_text(&path), &ads);
    is_accepted = submit_parse((struct slice){text.data, text.length}, name, &options, &submit,
                               NULL, &err) == 0;
    if (!is_accepted && has_ads)
        fail_msg("HTCondor takes what we refuse: %s", error_text(&err));
    if (is_accepted && !has_ads && !is_refused_for_its_folders(name))
        fail_msg("%s: HTCondor refuses it", name);
    if (is_accepted && has_ads)
        compare_twice(name, submit, &ads);
    return has_ads;
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
