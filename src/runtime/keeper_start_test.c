/* SPDX-License-Identifier: Apache-2.0 */
/* How a task begins: what it finds, what it does not find, and why a program may not start. */
#define _GNU_SOURCE
#include "keeper_test.h"
#include "uid_lock.h"

#include <elf.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>

enum { TASK = 7, TASK_UID = 61200, TASK_GID = 61201, LOCKED_UID = 64993 };

/* ---- what does not start ---- */

static void ask_program(struct fixture *fixture, const char *program)
{
    ask_spawn(fixture, TASK, SPAWN_INIT, (const char *[]){program, NULL});
}

/* Waits for the failure, and for the words in which a person would read it. */
static void assert_failure(struct fixture *fixture, enum keeper_step step, int error,
                           const char *words)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct keeper_failure failure;

    await(fixture, KEEPER_NEWS_START_FAILED, TASK);
    failure = fixture->last.news.failure;
    failure.path = fixture->last.path;
    assert_int_equal(failure.step, step);
    assert_int_equal(failure.error, error);
    assert_int_equal(keeper_failure_describe(&failure, &err), -error);
    if (!strstr(error_text(&err), words))
        fail_msg("'%s' is not in '%s'", words, error_text(&err));
    assert_int_equal(fixture->counts[KEEPER_NEWS_STARTED], 0);
}

static void a_program_that_is_missing_is_named(void **state)
{
    ask_program(*state, "./missing");
    assert_failure(*state, KEEPER_STEP_PROGRAM, ENOENT, "cannot run './missing': No such file");
}

static void a_file_without_permission_is_named(void **state)
{
    write_work(*state, "data", "#!/bin/sh\n", 0600);
    ask_program(*state, "./data");
    assert_failure(*state, KEEPER_STEP_PROGRAM, EACCES, "cannot run './data': Permission denied");
}

static void a_folder_is_no_program(void **state)
{
    ask_program(*state, "/usr");
    assert_failure(*state, KEEPER_STEP_PROGRAM, EACCES, "cannot run '/usr'");
}

static void a_script_without_first_line_is_an_exec_format_error(void **state)
{
    write_work(*state, "script", "echo hello\n", 0700);
    ask_program(*state, "./script");
    assert_failure(*state, KEEPER_STEP_PROGRAM, ENOEXEC, "'./script': Exec format error");
}

static void a_missing_interpreter_is_named(void **state)
{
    write_work(*state, "script", "#! /usr/bin/missing-python -u\n", 0700);
    ask_program(*state, "script");
    assert_failure(*state, KEEPER_STEP_INTERPRETER, ENOENT, "it needs '/usr/bin/missing-python'");
}

static void a_script_from_windows_is_explained(void **state)
{
    write_work(*state, "script", "#!/bin/sh\r\necho hello\r\n", 0700);
    ask_program(*state, "script");
    assert_failure(*state, KEEPER_STEP_INTERPRETER, ENOENT, "carriage return");
}

static void a_program_for_another_machine_is_explained(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *path = file_join(fixture->work, "foreign");
    Elf64_Ehdr elf = {.e_type = ET_EXEC, .e_machine = EM_S390, .e_version = EV_CURRENT};

    memcpy(elf.e_ident, ELFMAG, SELFMAG);
    elf.e_ident[EI_CLASS] = ELFCLASS64;
    elf.e_ident[EI_DATA] = ELFDATA2LSB;
    elf.e_ident[EI_VERSION] = EV_CURRENT;
    assert_int_equal(file_replace(path, &elf, sizeof(elf), 0700, false, NULL), 0);
    ask_program(fixture, "./foreign");
    assert_failure(fixture, KEEPER_STEP_ARCHITECTURE, ENOEXEC, "it was built for s390");
}

static void a_program_without_its_loader_is_explained(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *path = file_join(fixture->work, "loaded");
    static const char loader[] = "/lib/missing-loader.so";
    struct {
        Elf64_Ehdr elf;
        Elf64_Phdr segment;
        char loader[sizeof(loader)];
    } file = {0};

    memcpy(file.elf.e_ident, ELFMAG, SELFMAG);
    file.elf.e_ident[EI_CLASS] = ELFCLASS64;
    file.elf.e_ident[EI_DATA] = ELFDATA2LSB;
    file.elf.e_ident[EI_VERSION] = EV_CURRENT;
    file.elf.e_type = ET_EXEC;
    file.elf.e_machine = sizeof(void *) == 8 ? EM_X86_64 : EM_NONE;
#if defined(__aarch64__)
    file.elf.e_machine = EM_AARCH64;
#endif
    file.elf.e_version = EV_CURRENT;
    file.elf.e_phoff = sizeof(file.elf);
    file.elf.e_phentsize = sizeof(file.segment);
    file.elf.e_phnum = 1;
    file.segment.p_type = PT_INTERP;
    file.segment.p_offset = sizeof(file.elf) + sizeof(file.segment);
    file.segment.p_filesz = sizeof(loader);
    memcpy(file.loader, loader, sizeof(loader));
    assert_int_equal(file_replace(path, &file, sizeof(file), 0700, false, NULL), 0);
    ask_program(fixture, "./loaded");
    assert_failure(fixture, KEEPER_STEP_INTERPRETER, ENOENT, "it needs '/lib/missing-loader.so'");
}

static void arguments_that_are_too_long_are_refused(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *word = memory_allocate((1 << 20) + 1);

    memset(word, 'x', 1 << 20); /* one word may have 128 KiB, MAX_ARG_STRLEN in execve(2) */
    ask_spawn(fixture, TASK, SPAWN_INIT, (const char *[]){"/bin/true", word, NULL});
    assert_failure(fixture, KEEPER_STEP_PROGRAM, E2BIG, "Argument list too long");
}

static void a_request_that_no_frame_holds_is_refused_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;
    _cleanup_free_ char *word = memory_allocate(KEEPER_FRAME_SIZE_MAX + 1);
    const char *words[] = {"/bin/true", word, NULL};

    memset(word, 'x', KEEPER_FRAME_SIZE_MAX);
    spawn.program = words[0];
    spawn.arguments = words;
    spawn.folder = "/";
    assert_int_equal(keeper_client_spawn(fixture->client, TASK, &spawn, NULL), -E2BIG);
    assert_false(keeper_client_wants_write(fixture->client));
}

static void a_missing_working_folder_is_named(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(file_remove_tree(fixture->work, NULL), 0);
    ask_program(fixture, "/bin/true");
    assert_failure(fixture, KEEPER_STEP_FOLDER, ENOENT, fixture->work);
}

static void output_is_never_written_through_a_link(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *victim = file_join(fixture->folder, "victim");
    _cleanup_free_ char *link = file_join(fixture->work, "out");

    assert_int_equal(symlink(victim, link), 0);
    ask_program(fixture, "/bin/true");
    assert_failure(fixture, KEEPER_STEP_OUTPUT, ELOOP, "cannot create the output 'out'");
    assert_int_equal(access(victim, F_OK), -1);
}

static void output_never_leaves_the_working_folder(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;

    spawn.output = "../out";
    ask_spawn(fixture, TASK, spawn, (const char *[]){"/bin/true", NULL});
    assert_failure(fixture, KEEPER_STEP_OUTPUT, EXDEV, "cannot create the output '../out'");
}

static void make_pipe(struct fixture *fixture)
{
    _cleanup_free_ char *pipe = file_join(fixture->work, "pipe");

    assert_int_equal(mkfifo(pipe, 0600), 0);
}

/* Nobody will ever write there, and to wait for it would hold up all other tasks. */
static void a_pipe_is_no_input(void **state)
{
    struct keeper_spawn spawn = SPAWN_INIT;

    make_pipe(*state);
    spawn.input = "pipe";
    ask_spawn(*state, TASK, spawn, (const char *[]){"/bin/true", NULL});
    assert_failure(*state, KEEPER_STEP_INPUT, ENXIO, "cannot open the input 'pipe'");
}

static void a_pipe_is_no_output(void **state)
{
    struct keeper_spawn spawn = SPAWN_INIT;

    make_pipe(*state);
    spawn.output = "pipe";
    ask_spawn(*state, TASK, spawn, (const char *[]){"/bin/true", NULL});
    assert_failure(*state, KEEPER_STEP_OUTPUT, ENXIO, "cannot create the output 'pipe'");
}

static void a_folder_is_no_input(void **state)
{
    struct keeper_spawn spawn = SPAWN_INIT;

    spawn.input = ".";
    ask_spawn(*state, TASK, spawn, (const char *[]){"/bin/true", NULL});
    assert_failure(*state, KEEPER_STEP_INPUT, EISDIR, "cannot open the input '.'");
}

static void a_pipe_is_no_interpreter(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *pipe = file_join(fixture->work, "pipe");
    _cleanup_buffer_ struct buffer script = BUFFER_INIT;

    assert_int_equal(mkfifo(pipe, 0700), 0);
    buffer_appendf(&script, "#!%s\n", pipe);
    write_work(fixture, "script", buffer_text(&script), 0700);
    ask_program(fixture, "./script");
    assert_failure(fixture, KEEPER_STEP_PROGRAM, EACCES, "cannot run './script'");
}

/* As on a file server that is dead: execve() waits until whoever has the lease gives it up. */
static void a_start_that_hangs_is_given_up(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *path = file_join(fixture->work, "leased");
    _cleanup_fd_ int fd = -1;

    write_work(fixture, "leased", "#!/bin/sh\n", 0700);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    signal(SIGIO, SIG_IGN);
    assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
    ask_program(fixture, "./leased");
    assert_failure(fixture, KEEPER_STEP_PROGRAM, ETIMEDOUT, "cannot run './leased'");
    run_shell(fixture, TASK, "exit 2");
    assert_int_equal(WEXITSTATUS(fixture->last.news.result.wait_status), 2);
}

static void root_is_nobody_to_become(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;

    spawn.becomes_user = true;
    ask_spawn(fixture, TASK, spawn, (const char *[]){"/bin/true", NULL});
    assert_failure(fixture, KEEPER_STEP_CREDENTIALS, EPERM, "cannot become the task's user");
}

static void a_key_is_free_again_when_its_task_did_not_start(void **state)
{
    struct fixture *fixture = *state;

    ask_program(fixture, "./missing");
    await(fixture, KEEPER_NEWS_START_FAILED, TASK);
    run_shell(fixture, TASK, "exit 2");
    assert_int_equal(WEXITSTATUS(fixture->last.news.result.wait_status), 2);
}

/* ---- what a task finds ---- */

static void input_and_outputs_are_files_of_the_working_folder(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;

    write_work(fixture, "in", "hello\n", 0600);
    spawn.input = "in";
    ask_spawn(fixture, TASK, spawn,
              (const char *[]){"/bin/sh", "-c", "cat; echo bad >&2; pwd", NULL});
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_work(fixture, "err", "bad\n");
    {
        _cleanup_free_ char *out = read_work(fixture, "out");

        assert_memory_equal(out, "hello\n", 6);
        assert_memory_equal(out + 6, fixture->work, strlen(fixture->work));
    }
}

static void what_was_written_before_stays_if_it_is_asked_for(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;
    const char *says[] = {"/bin/sh", "-c", "echo again; echo bad >&2", NULL};

    write_work(fixture, "out", "before\n", 0644);
    spawn.keeps_output = true;
    ask_spawn(fixture, TASK, spawn, says);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_work(fixture, "out", "before\nagain\n");
    assert_work(fixture, "err", "bad\n");
    /* What has ended makes room for another run under the same key. */
    keeper_client_forget(fixture->client, TASK);
    ask_spawn(fixture, TASK, spawn, says);
    await(fixture, KEEPER_NEWS_STARTED, TASK);
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_work(fixture, "out", "before\nagain\nagain\n");
}

static void one_name_for_both_outputs_is_one_file(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;

    spawn.error = spawn.output;
    ask_spawn(fixture, TASK, spawn,
              (const char *[]){"/bin/sh", "-c", "echo 1; echo 2 >&2; echo 3", NULL});
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_work(fixture, "out", "1\n2\n3\n");
}

static void a_task_has_no_descriptors_but_the_three(void **state)
{
    struct fixture *fixture = *state;

    /* The shell's own expansion opens one more, to read the folder. */
    run_shell(fixture, TASK, "echo /proc/self/fd/*");
    assert_work(fixture, "out",
                "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 "
                "/proc/self/fd/3\n");
}

static void a_task_has_its_own_environment_and_no_other(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;
    _cleanup_free_ char *out = NULL;

    spawn.environment = (const char *[]){"ONE=1", "DUSK_KEEPER=another", "TWO=2", NULL};
    ask_spawn(fixture, TASK, spawn, (const char *[]){"/usr/bin/env", NULL});
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    out = read_work(fixture, "out");
    assert_memory_equal(out, "ONE=1\nTWO=2\nDUSK_KEEPER=", 24);
    assert_string_equal(strchr(out + 12, '\n'), "\n");
}

/* Only whoever possesses the key sees it in /proc/keys (keyctl(2), KEYCTL_SETPERM). */
static int start_with_a_key(void **state)
{
    enum { POSSESSOR_ALL = 0x3f000000 };
    long key = -1;

    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
        key = syscall(SYS_add_key, "user", "secret-of-the-agent", "x", (size_t)1,
                      KEY_SPEC_SESSION_KEYRING);
    if (key >= 0)
        syscall(SYS_keyctl, KEYCTL_SETPERM, key, POSSESSOR_ALL);
    return start_with_groups(state);
}

static void a_task_does_not_have_the_agents_keys(void **state)
{
    static const char look[] = "grep -c secret-of-the-agent /proc/keys";
    struct fixture *fixture = *state;
    _cleanup_free_ char *out = NULL;

    if (system("grep -q secret-of-the-agent /proc/keys") != 0)
        TEST_SKIP("this kernel has no keys, or denies them");
    run_shell(fixture, TASK, look);
    out = read_work(fixture, "out");
    assert_string_equal(out, "0\n");
}

static void a_task_begins_in_a_plain_state(void **state)
{
    struct fixture *fixture = *state;

    /* Signals 32 and 33 are the C library's own; it lets nobody reset them. */
    run_shell(fixture, TASK,
              "umask; ulimit -c; grep -E '^(SigBlk|NoNewPrivs)' /proc/self/status;"
              "grep -c '^SigIgn:.*0000000$' /proc/self/status; cat /proc/self/oom_score_adj");
    assert_work(fixture, "out", "0022\n0\nSigBlk:\t0000000000000000\nNoNewPrivs:\t1\n1\n800\n");
}

static void limits_are_kept(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;

    spawn.file_size_max = 1024;
    spawn.nice = 7;
    ask_spawn(fixture, TASK, spawn,
              (const char *[]){"/bin/sh", "-c", "nice; exec head -c 4096 /dev/zero > large", NULL});
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_true(WIFSIGNALED(fixture->last.news.result.wait_status));
    assert_int_equal(WTERMSIG(fixture->last.news.result.wait_status), SIGXFSZ);
    assert_work(fixture, "out", "7\n");
}

static void a_task_becomes_its_user_for_good(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;

    assert_int_equal(chown(fixture->work, TASK_UID, TASK_GID), 0);
    spawn.becomes_user = true;
    spawn.uid = TASK_UID;
    spawn.gid = TASK_GID;
    ask_spawn(fixture, TASK, spawn,
              (const char *[]){"/bin/sh", "-c",
                               "grep -E '^(Uid|Gid|Groups|CapPrm|CapEff)' /proc/self/status",
                               NULL});
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_work(fixture, "err", "");
    assert_work(fixture, "out",
                "Uid:\t61200\t61200\t61200\t61200\nGid:\t61201\t61201\t61201\t61201\n"
                "Groups:\t \nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n");
}

/* Neither its own group nor one that it could go to, in the trees of either version. */
static void a_users_task_can_write_to_no_control_group(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;

    if (keeper_client_means(fixture->client)->hold == KEEPER_HOLD_WARDENS)
        skip();
    assert_int_equal(chown(fixture->work, TASK_UID, TASK_GID), 0);
    spawn.becomes_user = true;
    spawn.uid = TASK_UID;
    spawn.gid = TASK_GID;
    ask_spawn(fixture, TASK, spawn,
              (const char *[]){"/bin/sh", "-c",
                               "find /sys/fs/cgroup -writable 2> /dev/null; "
                               "grep -q '/task-[0-9]*$' /proc/self/cgroup && echo held",
                               NULL});
    await(fixture, KEEPER_NEWS_EXITED, TASK);
    assert_work(fixture, "out", "held\n");
}

/* Whoever killed the agent has not ended the task. */
static void the_uid_of_a_task_stays_locked_without_an_agent(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;
    _cleanup_fd_ int fd = -1;

    if (access("/run", W_OK) < 0)
        skip();
    assert_int_equal(chown(fixture->work, LOCKED_UID, LOCKED_UID), 0);
    spawn.becomes_user = true;
    spawn.uid = spawn.gid = LOCKED_UID;
    ask_spawn(fixture, TASK, spawn, (const char *[]){"/bin/sleep", "1000", NULL});
    await(fixture, KEEPER_NEWS_STARTED, TASK);
    fixture->client = keeper_client_free(fixture->client);
    assert_int_equal(uid_lock(LOCKED_UID, UID_HOLDER_AGENT, "another", &fd), -EBUSY);
}

static void a_users_task_cannot_use_what_is_closed_to_him(void **state)
{
    struct fixture *fixture = *state;
    struct keeper_spawn spawn = SPAWN_INIT;

    spawn.becomes_user = true;
    spawn.uid = TASK_UID;
    spawn.gid = TASK_GID;
    ask_spawn(fixture, TASK, spawn, (const char *[]){"/bin/true", NULL});
    assert_failure(fixture, KEEPER_STEP_FOLDER, EACCES, "Permission denied");
}

#define TEST(name) WITH_GROUPS(name)

#define TESTS_FOR_ALL                                                                              \
    TEST(a_program_that_is_missing_is_named), TEST(a_file_without_permission_is_named),            \
        TEST(a_folder_is_no_program), TEST(a_script_without_first_line_is_an_exec_format_error),   \
        TEST(a_missing_interpreter_is_named), TEST(a_script_from_windows_is_explained),            \
        TEST(a_program_for_another_machine_is_explained),                                          \
        TEST(a_program_without_its_loader_is_explained),                                           \
        TEST(arguments_that_are_too_long_are_refused),                                             \
        TEST(a_request_that_no_frame_holds_is_refused_at_once),                                    \
        TEST(a_missing_working_folder_is_named), TEST(output_is_never_written_through_a_link),     \
        TEST(output_never_leaves_the_working_folder), TEST(a_start_that_hangs_is_given_up),        \
        TEST(a_pipe_is_no_input), TEST(a_pipe_is_no_output), TEST(a_folder_is_no_input),           \
        TEST(a_pipe_is_no_interpreter), TEST(root_is_nobody_to_become),                            \
        TEST(a_key_is_free_again_when_its_task_did_not_start),                                     \
        TEST(input_and_outputs_are_files_of_the_working_folder),                                   \
        TEST(what_was_written_before_stays_if_it_is_asked_for),                                    \
        TEST(one_name_for_both_outputs_is_one_file),                                               \
        TEST(a_task_has_no_descriptors_but_the_three),                                             \
        TEST(a_task_has_its_own_environment_and_no_other), TEST(a_task_begins_in_a_plain_state),   \
        cmocka_unit_test_setup_teardown(a_task_does_not_have_the_agents_keys, start_with_a_key,    \
                                        stop),                                                     \
        TEST(limits_are_kept)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {TESTS_FOR_ALL};
    const struct CMUnitTest tests_as_root[] = {
        TESTS_FOR_ALL,
        TEST(a_task_becomes_its_user_for_good),
        TEST(a_users_task_can_write_to_no_control_group),
        WITH_FREEZER(a_users_task_can_write_to_no_control_group),
        WITH_FREEZER(a_start_that_hangs_is_given_up),
        WITH_FREEZER(a_key_is_free_again_when_its_task_did_not_start),
        TEST(the_uid_of_a_task_stays_locked_without_an_agent),
        TEST(a_users_task_cannot_use_what_is_closed_to_him),
    };

    if (argc > 1 && strcmp(argv[1], KEEPER_COMMAND) == 0)
        return keeper_main(argc, argv);
    if (geteuid() == 0)
        return cmocka_run_group_tests(tests_as_root, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
