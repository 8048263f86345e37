/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs and outputs with names and links that mean no good. */
#define _GNU_SOURCE
#include "base/memory.h"
#include "base/test.h"
#include "scratch.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH = 1000 };

static const char attempt[] = "17.3-2";

struct fixture {
    char state[32];
    struct scratch *scratch;
    struct scratch_outputs outputs;
    struct error err;
};

static int start(void **state)
{
    struct fixture *fixture = memory_allocate(sizeof(*fixture));

    snprintf(fixture->state, sizeof(fixture->state), "/tmp/scratch-test-XXXXXX");
    if (!mkdtemp(fixture->state))
        return -1;
    *state = fixture;
    return scratch_make(fixture->state, attempt, geteuid(), getegid(), &fixture->scratch, NULL);
}

static int stop(void **state)
{
    struct fixture *fixture = *state;
    int r = file_remove_tree(fixture->state, NULL);

    scratch_outputs_deinit(&fixture->outputs);
    error_clear(&fixture->err);
    scratch_free(fixture->scratch);
    free(fixture);
    return r;
}

static char *in_work(struct fixture *fixture, const char *name)
{
    return file_join(scratch_work(fixture->scratch), name);
}

static void write_work(struct fixture *fixture, const char *name, const char *text)
{
    _cleanup_free_ char *path = in_work(fixture, name);

    assert_int_equal(file_replace(path, text, strlen(text), 0640, false, NULL), 0);
}

static void make_folder(struct fixture *fixture, const char *name)
{
    _cleanup_free_ char *path = in_work(fixture, name);

    assert_int_equal(file_make_folders(path, 0750, NULL), 0);
}

static void make_link(struct fixture *fixture, const char *target, const char *name)
{
    _cleanup_free_ char *path = in_work(fixture, name);

    assert_int_equal(symlink(target, path), 0);
}

static int add(struct fixture *fixture, const char *name, mode_t mode)
{
    _cleanup_free_ char *path = file_join(fixture->state, "content");
    _cleanup_fd_ int fd = -1;

    assert_int_equal(file_replace(path, "content", 7, 0600, false, NULL), 0);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return scratch_add_file(fixture->scratch, name, fd, mode, &fixture->err);
}

static int collect(struct fixture *fixture, const char *name)
{
    scratch_outputs_deinit(&fixture->outputs);
    error_clear(&fixture->err);
    return scratch_collect_listed(fixture->scratch, &name, 1, &fixture->outputs, &fixture->err);
}

static void collect_changed(struct fixture *fixture)
{
    const char *excluded[] = {"_stdout", "_stderr"};

    scratch_outputs_deinit(&fixture->outputs);
    assert_int_equal(scratch_collect_changed(fixture->scratch, excluded, ARRAY_LENGTH(excluded),
                                             &fixture->outputs, &fixture->err),
                     0);
}

/* The names of the outputs, with a '/' behind folders, and spaces between. */
static void assert_outputs(struct fixture *fixture, const char *expected)
{
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;

    for (size_t i = 0; i < fixture->outputs.count; i++)
        buffer_appendf(&names, "%s%s%s", i > 0 ? " " : "", fixture->outputs.items[i].name,
                       fixture->outputs.items[i].kind == SCRATCH_FOLDER ? "/" : "");
    assert_string_equal(buffer_text(&names), expected);
}

static void assert_says(struct fixture *fixture, const char *words)
{
    if (!strstr(error_text(&fixture->err), words))
        fail_msg("'%s' is not in '%s'", words, error_text(&fixture->err));
}

static void what_was_saved_takes_the_place_of_an_input(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(add(fixture, "state", 0600), 0);
    assert_int_equal(add(fixture, "data/part", 0600), 0);
    assert_int_equal(add(fixture, "results", 0600), 0);
    assert_int_equal(scratch_take_snapshot(fixture->scratch, NULL), 0);
    assert_int_equal(scratch_make_way(fixture->scratch, "state", false, NULL), 0);
    assert_int_equal(add(fixture, "state", 0600), 0);
    /* A folder stays for what is to be laid in it, and goes for a file. */
    assert_int_equal(scratch_make_way(fixture->scratch, "data", true, NULL), 0);
    assert_int_equal(scratch_make_way(fixture->scratch, "data/more", false, NULL), 0);
    assert_int_equal(add(fixture, "data/more", 0600), 0);
    assert_int_equal(collect(fixture, "data"), 0);
    assert_outputs(fixture, "data/ data/more data/part");
    assert_int_equal(scratch_make_way(fixture->scratch, "data", false, NULL), 0);
    assert_int_equal(add(fixture, "data", 0600), 0);
    assert_int_equal(scratch_make_way(fixture->scratch, "results", true, NULL), 0);
    assert_int_equal(scratch_add_folder(fixture->scratch, "results", 0700, NULL), 0);
    collect_changed(fixture);
    assert_outputs(fixture, "data state");
    assert_int_equal(scratch_make_way(fixture->scratch, "../state", false, NULL), -EINVAL);
    assert_int_equal(scratch_make_way(fixture->scratch, "state/x", false, NULL), 0);
}

/* ---- the folder ---- */

static void a_scratch_folder_is_private_and_others_pass_to_it(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *above = in_work(fixture, "..");
    struct stat status;

    assert_int_equal(stat(scratch_work(fixture->scratch), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(scratch_temporary(fixture->scratch), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(above, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0711);
}

static void what_lay_there_before_is_removed(void **state)
{
    struct fixture *fixture = *state;

    write_work(fixture, "old", "");
    fixture->scratch = scratch_free(fixture->scratch);
    assert_int_equal(
        scratch_make(fixture->state, attempt, geteuid(), getegid(), &fixture->scratch, NULL), 0);
    assert_int_equal(collect(fixture, "old"), -ENOENT);
}

static void a_folder_is_found_again_after_a_restart(void **state)
{
    struct fixture *fixture = *state;

    write_work(fixture, "old", "");
    fixture->scratch = scratch_free(fixture->scratch);
    assert_int_equal(
        scratch_open(fixture->state, attempt, geteuid(), getegid(), &fixture->scratch, NULL), 0);
    assert_int_equal(collect(fixture, "old"), 0);
    assert_outputs(fixture, "old");
}

static void an_attempt_is_one_name(void **state)
{
    struct fixture *fixture = *state;
    struct scratch *scratch;

    assert_int_equal(scratch_open(fixture->state, "../x", 0, 0, &scratch, NULL), -EINVAL);
    assert_int_equal(scratch_make(fixture->state, "a/b", 0, 0, &scratch, NULL), -EINVAL);
    assert_int_equal(scratch_remove(fixture->state, "..", NULL), -EINVAL);
    assert_int_equal(scratch_open(fixture->state, "missing", 0, 0, &scratch, NULL), -ENOENT);
}

/* Deeper than any path is long; made step by step, as a program would that wants to annoy. */
static void a_hostile_tree_is_measured_and_removed(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_fd_ int home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    uint64_t bytes = 0;

    assert_int_equal(chdir(scratch_work(fixture->scratch)), 0);
    for (int i = 0; i < DEPTH; i++)
        assert_true(mkdir("deep", 0700) == 0 && chdir("deep") == 0);
    assert_int_equal(chmod(".", 0), 0);
    assert_int_equal(fchdir(home), 0);
    assert_int_equal(scratch_measure(fixture->scratch, 1000000, &bytes, NULL), geteuid() != 0);
    assert_true(bytes >= DEPTH * 4096);
    assert_int_equal(collect(fixture, "deep"), -ENAMETOOLONG);
    assert_int_equal(scratch_remove(fixture->state, attempt, NULL), 0);
    assert_int_equal(access(scratch_work(fixture->scratch), F_OK), -1);
    assert_int_equal(scratch_remove(fixture->state, attempt, NULL), 0);
}

/* There are only so many inodes on a disk. */
static void what_is_empty_takes_space(void **state)
{
    struct fixture *fixture = *state;
    uint64_t empty = 0, full = 0;

    assert_int_equal(scratch_measure(fixture->scratch, 1000, &empty, NULL), 0);
    make_link(fixture, "/", "one");
    make_link(fixture, "/", "two");
    assert_int_equal(scratch_measure(fixture->scratch, 1000, &full, NULL), 0);
    assert_true(full >= empty + 2 * 4096);
}

static void space_is_summed_up(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *large = memory_allocate(1 << 20);
    _cleanup_free_ char *path = in_work(fixture, "a/large");
    uint64_t empty = 0, full = 0, bound = 0;

    assert_int_equal(scratch_measure(fixture->scratch, 1000, &empty, NULL), 0);
    make_folder(fixture, "a");
    memset(large, 1, 1 << 20);
    assert_int_equal(file_replace(path, large, 1 << 20, 0600, true, NULL), 0);
    make_link(fixture, "/", "link");
    assert_int_equal(scratch_measure(fixture->scratch, 1000, &full, NULL), 0);
    assert_true(full >= empty + (1 << 20) && full < empty + (2 << 20));
    assert_int_equal(scratch_measure(fixture->scratch, 1, &bound, NULL), 1);
    assert_true(bound <= full);
}

/* ---- inputs ---- */

static void inputs_come_with_folders_and_modes(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *path = in_work(fixture, "bin/tools/walk");
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;
    struct stat status;

    assert_int_equal(add(fixture, "bin/tools/walk", 04755), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0755);
    assert_int_equal(file_read(path, 100, &content, NULL), 0);
    assert_string_equal(buffer_text(&content), "content");
    assert_int_equal(scratch_add_folder(fixture->scratch, "data/empty", 0555, NULL), 0);
    assert_int_equal(scratch_add_folder(fixture->scratch, "bin", 0750, NULL), 0);
    assert_int_equal(collect(fixture, "data"), 0);
    assert_outputs(fixture, "data/ data/empty/");
}

static void inputs_belong_to_the_tasks_user(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *path = NULL, *above = NULL;
    struct stat status;

    scratch_free(fixture->scratch);
    assert_int_equal(scratch_make(fixture->state, attempt, 61200, 61201, &fixture->scratch, NULL),
                     0);
    assert_int_equal(add(fixture, "a/b", 0600), 0);
    path = in_work(fixture, "a/b");
    above = in_work(fixture, "a");
    assert_true(stat(path, &status) == 0 && status.st_uid == 61200 && status.st_gid == 61201);
    assert_true(stat(above, &status) == 0 && status.st_uid == 61200 && status.st_gid == 61201);
}

static void an_input_that_leaves_its_folder_is_refused(void **state)
{
    static const char *const names[] = {"", ".", "..", "/etc/x", "../x", "a/../../x", "a//b", "a/"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        assert_int_equal(add(fixture, names[i], 0600), -EINVAL);
        assert_int_equal(scratch_add_folder(fixture->scratch, names[i], 0700, NULL), -EINVAL);
    }
    make_link(fixture, fixture->state, "out");
    assert_true(add(fixture, "out/x", 0600) < 0);
    assert_says(fixture, "'out/x'");
}

static void an_input_does_not_replace_another(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(add(fixture, "a", 0600), 0);
    assert_int_equal(add(fixture, "a", 0600), -EEXIST);
    assert_int_equal(add(fixture, "a/b", 0600), -ENOTDIR);
}

/* ---- outputs by name ---- */

static void folders_come_whole_and_in_order(void **state)
{
    struct fixture *fixture = *state;

    make_folder(fixture, "out/empty");
    make_folder(fixture, "out/full");
    write_work(fixture, "out/full/b", "12345");
    write_work(fixture, "out/full/a\n", "");
    write_work(fixture, "out/z", "");
    assert_int_equal(collect(fixture, "out"), 0);
    assert_outputs(fixture, "out/ out/empty/ out/full/ out/z out/full/a\n out/full/b");
    assert_int_equal(fixture->outputs.items[2].mode, 0750);
    assert_int_equal(fixture->outputs.items[5].size, 5);
    assert_int_equal(fixture->outputs.items[5].mode, 0640);
}

static void a_missing_output_is_named(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(collect(fixture, "result.dat"), -ENOENT);
    assert_says(fixture, "the output 'result.dat' is missing");
}

static void an_output_that_leaves_its_folder_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(collect(fixture, "../snapshot"), -EINVAL);
    assert_int_equal(collect(fixture, "/etc/passwd"), -EINVAL);
    make_link(fixture, "/etc/passwd", "absolute");
    make_link(fixture, "../../../content", "relative");
    make_link(fixture, "..", "above");
    make_link(fixture, "loop", "loop");
    write_work(fixture, "../../../content", "secret");
    assert_int_equal(collect(fixture, "absolute"), -EXDEV);
    assert_says(fixture, "'absolute' is a link that leaves the scratch folder");
    assert_int_equal(collect(fixture, "relative"), -EXDEV);
    assert_int_equal(collect(fixture, "above"), -EXDEV);
    assert_int_equal(collect(fixture, "above/snapshot"), -EXDEV);
    assert_int_equal(collect(fixture, "loop"), -ELOOP);
    assert_int_equal(scratch_open_output(fixture->scratch, "relative", NULL), -EXDEV);
}

static void a_link_that_leaves_is_found_inside_a_folder_too(void **state)
{
    struct fixture *fixture = *state;

    make_folder(fixture, "out");
    make_link(fixture, "/etc/passwd", "out/passwd");
    assert_int_equal(collect(fixture, "out"), -EXDEV);
    assert_says(fixture, "'out/passwd'");
}

static void a_link_that_stays_counts_as_its_file(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_fd_ int fd = -1;
    char text[8] = "";

    make_folder(fixture, "out");
    write_work(fixture, "data", "12345");
    make_link(fixture, "../data", "out/link");
    make_link(fixture, "..", "out/circle");
    make_link(fixture, "nothing", "out/dangling");
    assert_int_equal(collect(fixture, "out"), 0);
    assert_outputs(fixture, "out/ out/link");
    assert_int_equal(fixture->outputs.items[1].size, 5);
    assert_string_equal(fixture->outputs.skipped, "'out/circle' is a link, but not to a file\n"
                                                  "'out/dangling' is a link to nothing\n");
    fd = scratch_open_output(fixture->scratch, "out/link", NULL);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof(text)), 5);
    assert_string_equal(text, "12345");
}

static void special_files_are_skipped_with_a_note(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *path = NULL;

    make_folder(fixture, "out");
    path = in_work(fixture, "out/pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(collect(fixture, "out"), 0);
    assert_outputs(fixture, "out/");
    assert_string_equal(fixture->outputs.skipped, "'out/pipe' is neither file nor folder\n");
    assert_int_equal(collect(fixture, "out/pipe"), 0);
    assert_outputs(fixture, "");
    assert_int_equal(scratch_open_output(fixture->scratch, "out/pipe", NULL), -EINVAL);
}

/* A file that only its owner, another user, may read. */
static char *make_secret(struct fixture *fixture)
{
    char *secret = file_join(fixture->state, "secret");

    assert_int_equal(file_replace(secret, "secret", 6, 0600, false, NULL), 0);
    assert_int_equal(chown(secret, 61299, 61299), 0);
    assert_int_equal(scratch_take_snapshot(fixture->scratch, NULL), 0);
    return secret;
}

static void assert_stolen_is_refused(struct fixture *fixture)
{
    assert_int_equal(collect(fixture, "stolen"), -EPERM);
    assert_says(fixture, "'stolen' belongs to another user");
    assert_int_equal(scratch_open_output(fixture->scratch, "stolen", NULL), -EPERM);
    collect_changed(fixture);
    assert_outputs(fixture, "");
    assert_string_equal(fixture->outputs.skipped, "'stolen' is no file of the task's own\n");
}

static void a_hard_link_to_a_strangers_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *secret = make_secret(fixture);
    _cleanup_free_ char *stolen = in_work(fixture, "stolen");

    assert_int_equal(link(secret, stolen), 0);
    assert_stolen_is_refused(fixture);
}

static void a_file_that_was_moved_from_a_stranger_is_refused(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *secret = make_secret(fixture);
    _cleanup_free_ char *stolen = in_work(fixture, "stolen");

    assert_int_equal(rename(secret, stolen), 0);
    assert_stolen_is_refused(fixture);
}

static void a_folder_of_a_stranger_is_refused(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *folder = in_work(fixture, "out/folder");

    make_folder(fixture, "out/folder");
    assert_int_equal(collect(fixture, "out"), 0);
    assert_int_equal(chown(folder, 61299, 61299), 0);
    assert_int_equal(collect(fixture, "out"), -EPERM);
    assert_says(fixture, "'out/folder' belongs to another user");
}

/* Links, because they cost less than files. */
static void make_many(struct fixture *fixture, const char *folder, unsigned count)
{
    _cleanup_free_ char *inside = in_work(fixture, folder);
    _cleanup_free_ char *first = file_join(inside, "first");

    make_folder(fixture, folder);
    assert_int_equal(file_replace(first, "", 0, 0600, false, NULL), 0);
    for (unsigned i = 1; i < count; i++) {
        _cleanup_buffer_ struct buffer path = BUFFER_INIT;

        buffer_appendf(&path, "%s/%u", inside, i);
        assert_int_equal(link(first, path.data), 0);
    }
}

static void more_outputs_than_can_be_said_are_refused(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 3; i++) {
        _cleanup_buffer_ struct buffer name = BUFFER_INIT;

        buffer_appendf(&name, "out/%u", i);
        make_many(fixture, name.data, SCRATCH_OUTPUTS_MAX / 3 - 1 + i);
    }
    assert_int_equal(collect(fixture, "out"), -E2BIG);
    assert_says(fixture, "more than 65534 files");
    assert_non_null(strstr(fixture->err.hint, "archive"));
    assert_int_equal(collect(fixture, "out/1"), 0);
}

/* ---- outputs by change ---- */

static void new_and_changed_files_of_the_top_are_found(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(add(fixture, "same", 0600), 0);
    assert_int_equal(add(fixture, "larger", 0600), 0);
    assert_int_equal(add(fixture, "replaced", 0600), 0);
    assert_int_equal(scratch_take_snapshot(fixture->scratch, NULL), 0);
    write_work(fixture, "larger", "content and more");
    write_work(fixture, "replaced", "CONTENT");
    write_work(fixture, "new with a space", "");
    write_work(fixture, ".hidden", "");
    write_work(fixture, "_stdout", "");
    write_work(fixture, "_stderr", "");
    make_folder(fixture, "folder");
    write_work(fixture, "folder/inside", "");
    collect_changed(fixture);
    assert_outputs(fixture, ".hidden larger new with a space replaced");
    assert_null(fixture->outputs.skipped);
}

static void a_file_that_was_written_in_place_is_changed(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *path = in_work(fixture, "data");
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000, .tv_nsec = 1}};

    assert_int_equal(add(fixture, "data", 0600), 0);
    assert_int_equal(scratch_take_snapshot(fixture->scratch, NULL), 0);
    collect_changed(fixture);
    assert_outputs(fixture, "");
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    collect_changed(fixture);
    assert_outputs(fixture, "data");
}

static void a_snapshot_outlives_the_agent(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(add(fixture, "same", 0600), 0);
    assert_int_equal(scratch_take_snapshot(fixture->scratch, NULL), 0);
    write_work(fixture, "new", "");
    fixture->scratch = scratch_free(fixture->scratch);
    assert_int_equal(
        scratch_open(fixture->state, attempt, geteuid(), getegid(), &fixture->scratch, NULL), 0);
    collect_changed(fixture);
    assert_outputs(fixture, "new");
}

static void an_emptied_scratch_serves_another_attempt(void **state)
{
    static const char *const names[] = {"out", "missing"};
    struct fixture *fixture = *state;
    _cleanup_free_ char *next = file_join(fixture->state, "attempts/17.4-1/work");

    write_work(fixture, "out", "1");
    assert_int_equal(scratch_take_snapshot(fixture->scratch, NULL), 0);
    assert_int_equal(scratch_empty(fixture->scratch, names, ARRAY_LENGTH(names)), 0);
    assert_int_equal(scratch_reuse(fixture->scratch, fixture->state, "17.4-1", NULL), 0);
    assert_string_equal(scratch_work(fixture->scratch), next);
    assert_int_equal(scratch_take_snapshot(fixture->scratch, NULL), 0);
    write_work(fixture, "out", "1");
    collect_changed(fixture);
    assert_outputs(fixture, "out");
}

static void a_scratch_that_was_left_otherwise_is_not_empty(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *path = in_work(fixture, "left");

    write_work(fixture, "left", "1");
    assert_int_equal(scratch_empty(fixture->scratch, NULL, 0), 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(scratch_empty(fixture->scratch, NULL, 0), 0);
    assert_int_equal(chmod(scratch_temporary(fixture->scratch), 0755), 0);
    assert_int_equal(scratch_empty(fixture->scratch, NULL, 0), 1);
}

static void without_a_snapshot_everything_is_new(void **state)
{
    struct fixture *fixture = *state;

    write_work(fixture, "result", "1");
    collect_changed(fixture);
    assert_outputs(fixture, "result");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

#define TESTS_FOR_ALL                                                                              \
    TEST(a_scratch_folder_is_private_and_others_pass_to_it),                                       \
        TEST(what_lay_there_before_is_removed), TEST(a_folder_is_found_again_after_a_restart),     \
        TEST(an_attempt_is_one_name), TEST(a_hostile_tree_is_measured_and_removed),                \
        TEST(what_is_empty_takes_space), TEST(space_is_summed_up),                                 \
        TEST(inputs_come_with_folders_and_modes),                                                  \
        TEST(an_input_that_leaves_its_folder_is_refused), TEST(an_input_does_not_replace_another), \
        TEST(what_was_saved_takes_the_place_of_an_input), TEST(folders_come_whole_and_in_order),   \
        TEST(a_missing_output_is_named), TEST(an_output_that_leaves_its_folder_is_refused),        \
        TEST(a_link_that_leaves_is_found_inside_a_folder_too),                                     \
        TEST(a_link_that_stays_counts_as_its_file), TEST(special_files_are_skipped_with_a_note),   \
        TEST(new_and_changed_files_of_the_top_are_found),                                          \
        TEST(a_file_that_was_written_in_place_is_changed), TEST(a_snapshot_outlives_the_agent),    \
        TEST(more_outputs_than_can_be_said_are_refused),                                           \
        TEST(an_emptied_scratch_serves_another_attempt),                                           \
        TEST(a_scratch_that_was_left_otherwise_is_not_empty),                                      \
        TEST(without_a_snapshot_everything_is_new)

int main(void)
{
    const struct CMUnitTest tests[] = {TESTS_FOR_ALL};
    const struct CMUnitTest tests_as_root[] = {
        TESTS_FOR_ALL,
        TEST(inputs_belong_to_the_tasks_user),
        TEST(a_hard_link_to_a_strangers_file_is_refused),
        TEST(a_file_that_was_moved_from_a_stranger_is_refused),
        TEST(a_folder_of_a_stranger_is_refused),
    };

    if (geteuid() == 0)
        return cmocka_run_group_tests(tests_as_root, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
