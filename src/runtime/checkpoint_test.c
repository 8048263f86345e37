/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that are saved and go on elsewhere, by a real keeper and a real CRIU; and the parts. */
#define _GNU_SOURCE
#include "checkpoint_test.h"

/* Shell: it works until the test makes the file go, and says when it has begun. */
#define GOES_ON "echo begun >begun; until [ -e go ]; do :; done; "

static void assert_here(struct journey *journey, const char *name, const char *text)
{
    _cleanup_free_ char *content = read_here(journey, name);

    assert_string_equal(content, text);
}

static void begin_long_script(struct journey *journey, const char *script)
{
    begin_script(journey, script);
    await_file(journey, "begun");
}

static void await_end(struct journey *journey, int wait_status)
{
    await(journey->fixture, KEEPER_NEWS_EXITED, journey->key);
    assert_int_equal(journey->fixture->last.news.result.wait_status, wait_status);
}

static void assert_runs(struct journey *journey, int wait_status)
{
    write_here(journey, "go");
    await_end(journey, wait_status);
}

/* ---- a move ---- */

static void a_task_goes_on_elsewhere(void **state)
{
    struct journey *journey = get_journey(state);

    begin_long_script(journey, "number=1; " GOES_ON "echo $((number + 1)); exit 7");
    move_task(journey);
    assert_runs(journey, 7 << 8);
    assert_here(journey, "out", "2\n");
}

static void its_files_belong_to_its_user_there(void **state)
{
    struct journey *journey = get_journey(state);
    _cleanup_free_ char *path = NULL;
    struct stat status;

    begin_long_script(journey, GOES_ON "echo later >later");
    move_task(journey);
    assert_runs(journey, 0);
    path = file_join(here(journey)->work, "later");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_uid, TASK_UID + 1);
}

static void a_signal_that_ends_it_there_is_told(void **state)
{
    struct journey *journey = get_journey(state);

    begin_long_script(journey, GOES_ON "kill -SEGV $$");
    move_task(journey);
    assert_runs(journey, SIGSEGV);
}

static void it_freezes_and_dies_there(void **state)
{
    struct journey *journey = get_journey(state);

    begin_long_script(journey, GOES_ON);
    move_task(journey);
    freeze_task(journey);
    keeper_client_kill(journey->fixture->client, journey->key);
    await_end(journey, SIGKILL);
}

/* The death signal of process 1 came along, and its parent is the keeper. */
static void it_dies_with_its_keeper(void **state)
{
    struct journey *journey = get_journey(state);
    struct fixture *fixture = journey->fixture;
    int leader;

    begin_long_script(journey, GOES_ON);
    move_task(journey);
    leader = fixture->last.news.pid;
    assert_true(leader > 0 && !is_gone(leader));
    syscall(SYS_pidfd_send_signal, fixture->keeper, SIGKILL, NULL, 0);
    assert_true(process_ends(fixture->keeper));
    await_gone(leader);
    descriptor_close(fixture->keeper);
    keeper_client_free(fixture->client);
    assert_true(connect_keeper(fixture));
    fixture->keeper = (int)syscall(SYS_pidfd_open, keeper_client_pid(fixture->client), 0);
}

static void it_moves_there_and_back(void **state)
{
    struct journey *journey = get_journey(state);

    begin_long_script(journey, GOES_ON "exit 3");
    move_task(journey);
    move_task(journey);
    assert_runs(journey, 3 << 8);
}

/* ---- a save alone ---- */

static void what_was_saved_stands_still_and_goes_on(void **state)
{
    struct journey *journey = get_journey(state);

    begin_long_script(journey, GOES_ON "exit 5");
    assert_true(save_task(journey));
    await(journey->fixture, KEEPER_NEWS_FROZEN, journey->key);
    keeper_client_thaw(journey->fixture->client, journey->key, 0);
    await(journey->fixture, KEEPER_NEWS_THAWED, journey->key);
    assert_runs(journey, 5 << 8);
}

/* It cannot be broken off without harm, so that is done when it is over. */
static void a_thaw_in_the_midst_of_it_comes_afterwards(void **state)
{
    struct journey *journey = get_journey(state);

    begin_long_script(journey, GOES_ON "exit 5");
    freeze_task(journey);
    ask_save(journey);
    keeper_client_thaw(journey->fixture->client, journey->key, 0);
    await(journey->fixture, KEEPER_NEWS_THAWED, journey->key);
    assert_int_equal(journey->fixture->counts[KEEPER_NEWS_SAVED], 1);
    assert_runs(journey, 5 << 8);
}

static void a_freeze_in_the_midst_of_it_keeps_it_frozen(void **state)
{
    struct journey *journey = get_journey(state);
    struct fixture *fixture = journey->fixture;

    begin_long_script(journey, GOES_ON);
    freeze_task(journey);
    ask_save(journey);
    keeper_client_thaw(fixture->client, journey->key, 0);
    keeper_client_freeze(fixture->client, journey->key);
    await(fixture, KEEPER_NEWS_SAVED, journey->key);
    await(fixture, KEEPER_NEWS_FROZEN, journey->key);
    assert_int_equal(fixture->counts[KEEPER_NEWS_THAWED], 0);
}

static void a_kill_in_the_midst_of_it_ends_it(void **state)
{
    struct journey *journey = get_journey(state);

    begin_long_script(journey, GOES_ON);
    freeze_task(journey);
    ask_save(journey);
    keeper_client_kill(journey->fixture->client, journey->key);
    await_end(journey, SIGKILL);
}

static void assert_not_saved(struct journey *journey, const char *reason)
{
    await(journey->fixture, KEEPER_NEWS_SAVE_FAILED, journey->key);
    assert_string_equal(journey->fixture->last.path, reason);
    assert_false(journey->fixture->last.news.is_lost);
}

static void what_runs_is_not_saved(void **state)
{
    struct journey *journey = get_journey(state);

    begin_long_script(journey, GOES_ON "exit 5");
    ask_save(journey);
    assert_not_saved(journey, "cannot save: it does not stand still");
    assert_runs(journey, 5 << 8);
}

static void what_is_not_contained_is_not_saved(void **state)
{
    struct journey *journey = get_journey(state);

    ask_shell(journey->fixture, journey->key, "sleep 1000");
    freeze_task(journey);
    ask_save(journey);
    assert_not_saved(journey, "cannot save: it does not run in a container");
}

static void what_no_group_holds_is_not_saved(void **state)
{
    struct journey *journey = get_journey(state);

    begin_long_script(journey, GOES_ON);
    freeze_task(journey);
    ask_save(journey);
    assert_not_saved(journey, "cannot save: this node has no control groups");
}

/* As CRIU itself would be when the kernel has no memory left. */
static void what_criu_died_over_is_lost(void **state)
{
    struct journey *journey = get_journey(state);
    _cleanup_free_ char *killed = file_join(journey->fixture->folder, "killed");
    struct keeper_checkpoint save = {.folder = journey->images, .criu = killed};

    assert_int_equal(file_replace(killed, "#!/bin/sh\nkill -9 $$\n", 21, 0755, false, NULL), 0);
    begin_long_script(journey, GOES_ON);
    freeze_task(journey);
    assert_int_equal(mkdir(journey->images, 0700), 0);
    keeper_client_save(journey->fixture->client, journey->key, &save);
    await(journey->fixture, KEEPER_NEWS_SAVE_FAILED, journey->key);
    assert_true(journey->fixture->last.news.is_lost);
    assert_string_equal(journey->fixture->last.path, "cannot save: CRIU was ended by signal 9");
    await_end(journey, SIGKILL);
}

static void without_criu_the_task_stays_as_it_was(void **state)
{
    struct journey *journey = get_journey(state);
    struct keeper_checkpoint save = {.folder = journey->images, .criu = "/missing/criu"};

    begin_long_script(journey, GOES_ON "exit 5");
    freeze_task(journey);
    assert_int_equal(mkdir(journey->images, 0700), 0);
    keeper_client_save(journey->fixture->client, journey->key, &save);
    assert_not_saved(journey, "cannot save: cannot start CRIU ('/missing/criu'): is it installed?");
    await(journey->fixture, KEEPER_NEWS_FROZEN, journey->key);
    keeper_client_thaw(journey->fixture->client, journey->key, 0);
    assert_runs(journey, 5 << 8);
}

/* ---- a restore alone ---- */

static void assert_not_restored(struct journey *journey, const char *reason)
{
    await(journey->fixture, KEEPER_NEWS_START_FAILED, journey->key);
    assert_int_equal(journey->fixture->last.news.failure.step, KEEPER_STEP_RESTORE);
    if (!strstr(journey->fixture->last.path, reason))
        fail_msg("%s", journey->fixture->last.path);
}

static void save_and_end(struct journey *journey)
{
    begin_long_script(journey, GOES_ON);
    assert_true(save_task(journey));
    end_task(journey);
}

static void without_images_nothing_begins(void **state)
{
    struct journey *journey = get_journey(state);

    assert_int_equal(mkdir(journey->images, 0700), 0);
    ask_restore(journey);
    assert_not_restored(journey, "it is not complete");
}

static void remove_image(struct journey *journey, const char *name)
{
    _cleanup_free_ char *path = file_join(journey->images, name);

    assert_int_equal(unlink(path), 0);
}

static void an_image_that_is_missing_is_told_of(void **state)
{
    struct journey *journey = get_journey(state);

    save_and_end(journey);
    remove_image(journey, "core-2.img");
    ask_restore(journey);
    assert_not_restored(journey, "cannot restore: CRIU says '");
    assert_int_equal(journey->fixture->counts[KEEPER_NEWS_STARTED], 1);
}

/* Its files did not come along: CRIU looks at each that is open. */
static void a_file_that_changed_meanwhile_is_told_of(void **state)
{
    struct journey *journey = get_journey(state);

    save_and_end(journey);
    run_command("truncate -s 77 '%s/out'", here(journey)->work);
    ask_restore(journey);
    assert_not_restored(journey, "cannot restore: a file that it has open is not as it was");
}

static void what_a_node_does_not_have_is_named(void **state)
{
    struct journey *journey = get_journey(state);

    save_and_end(journey);
    run_command("echo opt/missing/library >>'%s/%s'", journey->images, CHECKPOINT_MOUNTS);
    ask_restore(journey);
    assert_not_restored(journey, "it had '/opt/missing/library', which is not there on this node");
}

static void what_leads_out_of_the_task_is_refused(void **state)
{
    struct journey *journey = get_journey(state);

    save_and_end(journey);
    run_command("echo usr/../root >>'%s/%s'", journey->images, CHECKPOINT_MOUNTS);
    ask_restore(journey);
    assert_not_restored(journey, "it had '/usr/../root'");
}

static void a_kill_in_the_midst_of_a_restore_ends_it(void **state)
{
    struct journey *journey = get_journey(state);

    save_and_end(journey);
    ask_restore(journey);
    keeper_client_kill(journey->fixture->client, journey->key);
    await_end(journey, SIGKILL);
    keeper_client_forget(journey->fixture->client, journey->key);
}

/* Whoever sits at the computer does not wait for CRIU, which stands still as well. */
static void a_freeze_in_the_midst_of_a_restore_holds(void **state)
{
    struct journey *journey = get_journey(state);

    save_and_end(journey);
    ask_restore(journey);
    freeze_task(journey);
    keeper_client_thaw(journey->fixture->client, journey->key, 0);
    await(journey->fixture, KEEPER_NEWS_STARTED, journey->key);
    end_task(journey);
}

static void a_signal_in_the_midst_of_a_restore_is_the_tasks(void **state)
{
    struct journey *journey = get_journey(state);

    begin_long_script(journey, "trap 'exit 9' TERM; " GOES_ON);
    assert_true(save_task(journey));
    end_task(journey);
    ask_restore(journey);
    keeper_client_signal(journey->fixture->client, journey->key, SIGTERM);
    await(journey->fixture, KEEPER_NEWS_STARTED, journey->key);
    await_end(journey, 9 << 8);
}

static void what_ends_at_once_has_its_own_status(void **state)
{
    struct journey *journey = get_journey(state);

    begin_long_script(journey, GOES_ON "exit 11");
    assert_true(save_task(journey));
    end_task(journey);
    write_here(journey, "go");
    ask_restore(journey);
    await(journey->fixture, KEEPER_NEWS_STARTED, journey->key);
    await_end(journey, 11 << 8);
}

/* CRIU's own processes do not count, once it is over. */
static void it_is_held_to_its_limits_there(void **state)
{
    struct journey *journey = get_journey(state);
    struct keeper_spawn spawn = SPAWN_INIT;

    spawn.processes_max = 3;
    begin_program(journey, spawn,
                  (const char *[]){"/bin/sh", "-c", GOES_ON "sh -c 'exit 4'", NULL});
    await_file(journey, "begun");
    assert_true(save_task(journey));
    end_task(journey);
    ask_restore_with(journey, spawn);
    await(journey->fixture, KEEPER_NEWS_STARTED, journey->key);
    assert_runs(journey, 4 << 8);
}

/* ---- the probe ---- */

/* 0, or what the probe says against this CRIU. */
static int probe(struct journey *journey, const char *criu, struct error *err)
{
    _cleanup_free_ char *folder = file_join(journey->fixture->folder, "probe");
    int r;

    assert_int_equal(mkdir(folder, 0711), 0);
    r = checkpoint_probe(criu, &here(journey)->tree, folder, err);
    assert_int_equal(rmdir(folder), 0);
    return r;
}

static void a_criu_that_works_passes_the_probe(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    if (probe(get_journey(state), test_criu(), &err) < 0)
        fail_msg("%s", error_text(&err));
}

static void assert_probe_fails(void **state, const char *criu, const char *reason)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    assert_true(probe(get_journey(state), criu, &err) < 0);
    assert_string_equal(error_text(&err), reason);
}

static void without_criu_the_probe_says_so(void **state)
{
    assert_probe_fails(state, "/missing",
                       "cannot save: cannot start CRIU ('/missing'): is it installed?");
}

static void a_criu_that_saves_nothing_fails_the_probe(void **state)
{
    assert_probe_fails(state, "/bin/false", "cannot save: CRIU failed, and does not say why");
}

static void a_criu_that_only_says_yes_fails_the_probe(void **state)
{
    assert_probe_fails(state, "/bin/true", "it is not complete");
}

/* ---- the parts ---- */

/* What CRIU 4.2 wrote of such a task, as `xxd -p` shows it. */
static void the_image_of_the_ids_is_as_criu_writes_it(void **state)
{
    static const unsigned char real[] = {
        0x19, 0x43, 0x56, 0x54, 0x06, 0x49, 0x47, 0x55, 0x2c, 0x00, 0x00, 0x00, 0x0a, 0x08,
        0x08, 0x00, 0x10, 0xfe, 0xff, 0x03, 0x18, 0x01, 0x0a, 0x0a, 0x08, 0x80, 0xde, 0x03,
        0x10, 0x90, 0xde, 0x03, 0x18, 0x01, 0x12, 0x08, 0x08, 0x00, 0x10, 0xfe, 0xff, 0x03,
        0x18, 0x01, 0x12, 0x0a, 0x08, 0x80, 0xde, 0x03, 0x10, 0x90, 0xde, 0x03, 0x18, 0x01};
    _cleanup_buffer_ struct buffer image = BUFFER_INIT;

    (void)state;
    checkpoint_encode_ids(TASK_UID, TASK_UID, &image);
    assert_int_equal(image.length, sizeof(real));
    assert_memory_equal(image.data, real, sizeof(real));
}

static void what_the_task_has_of_its_node_is_listed(void **state)
{
    char text[] = "1 0 8:1 /root / ro - ext4 /dev/sda rw\n"
                  "2 1 8:1 /usr /usr ro shared:1 - ext4 /dev/sda rw\n"
                  "3 2 8:2 / /usr/local ro - ext4 /dev/sdb rw\n"
                  "4 1 0:1 / /dev rw - tmpfs tmpfs rw\n"
                  "5 4 0:2 /null /dev/null rw - devtmpfs dev rw\n"
                  "6 4 0:3 / /dev/shm rw - tmpfs tmpfs rw\n"
                  "7 4 0:4 / /dev/pts rw - devpts devpts rw\n"
                  "8 1 0:5 / /proc rw - proc proc rw\n"
                  "9 1 8:3 / /job rw - ext4 /dev/sdc rw\n"
                  "10 9 8:4 / /job rw - ext4 /dev/sdd rw\n"
                  "nonsense\n";
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;

    (void)state;
    assert_int_equal(checkpoint_list_mounts(text, &names, NULL), 0);
    assert_string_equal(buffer_text(&names), "usr\nusr/local\ndev/null\njob\n");
}

static void a_mount_with_a_strange_name_cannot_be_saved(void **state)
{
    char text[] = "1 0 8:1 / /my\\040disk rw - ext4 /dev/sda rw\n";
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(checkpoint_list_mounts(text, &names, &err), -ENOTSUP);
    assert_string_equal(error_text(&err), "cannot save: a mount has the name '/my\\040disk'");
}

static void each_name_has_its_place_on_the_node(void **state)
{
    static const char *const places[][2] = {{"usr", "/image/usr"},
                                            {"usr/local", "/local"},
                                            {"usr/local/lib", "/local/lib"},
                                            {"job", "/work"},
                                            {"tmp", "/temporary"},
                                            {"dev/null", "/dev/null"},
                                            {"dev/gpu0", "/dev/gpu0"},
                                            {"dev/sda", NULL},
                                            {"usrlocal", NULL},
                                            {"home", NULL},
                                            {"usr/../etc/shadow", NULL},
                                            {"", NULL}};
    const char *sources[] = {"/image/usr", "/local", NULL};
    const char *targets[] = {"usr", "/usr/local", NULL};
    const char *devices[] = {"gpu0", NULL};
    struct keeper_spawn spawn = {
        .folder = "/work",
        .container = {
            .sources = sources, .targets = targets, .devices = devices, .temporary = "/temporary"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        _cleanup_free_ char *source = checkpoint_find_source(&spawn, slice_from_text(places[i][0]));

        if (places[i][1])
            assert_string_equal(source, places[i][1]);
        else
            assert_null(source);
    }
}

static void assert_reason(const char *log, const char *reason)
{
    _cleanup_buffer_ struct buffer found = BUFFER_INIT;

    checkpoint_find_reason(log, &found);
    assert_string_equal(buffer_text(&found), reason);
}

static void a_log_is_put_in_words(void **state)
{
    (void)state;
    assert_reason("", "");
    assert_reason("Warn  (criu/a.c:1): Error is near\n", "");
    assert_reason("Error (criu/util.c:9): rlimit: Can't setup RLIMIT_NOFILE for self: No\n", "");
    assert_reason("(00.01) Error (criu/files.c:1): Unknown thing\nError (criu/b.c:2): Other\n",
                  "CRIU says 'Unknown thing'");
    assert_reason("Error (criu/a.c:1): Cause\n"
                  "    12: Error (criu/sk-inet.c:188): inet: Connected TCP socket, consider\n",
                  "it has open connections to the outside");
    assert_reason("Error (criu/a.c:1): can't dump \x1b[2J]\n", "CRIU says 'can't dump ?[2J]'");
    assert_reason("Error (", "");
}

static void a_long_line_of_a_log_is_cut(void **state)
{
    _cleanup_buffer_ struct buffer log = BUFFER_INIT, found = BUFFER_INIT;

    (void)state;
    buffer_append_text(&log, "Error (criu/a.c:1): ");
    for (int i = 0; i < 1000; i++)
        buffer_append_character(&log, 'x');
    checkpoint_find_reason(buffer_text(&log), &found);
    assert_int_equal(found.length, strlen("CRIU says ''") + 200);
}

static int begin_journey_in_sessions(void **state)
{
    return begin_journey_with(state, start_with_sessions);
}

static int begin_journey_with_freezer(void **state)
{
    return begin_journey_with(state, start_with_freezer);
}

#define TEST(test)                                                                                 \
    {                                                                                              \
#test, test, begin_journey, end_journey, NULL                                              \
    }

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_task_goes_on_elsewhere),
        {"a_task_goes_on_elsewhere_by_freezer", a_task_goes_on_elsewhere,
         begin_journey_with_freezer, end_journey, NULL},
        TEST(its_files_belong_to_its_user_there),
        TEST(a_signal_that_ends_it_there_is_told),
        TEST(it_freezes_and_dies_there),
        TEST(it_dies_with_its_keeper),
        TEST(it_moves_there_and_back),
        TEST(what_was_saved_stands_still_and_goes_on),
        TEST(a_thaw_in_the_midst_of_it_comes_afterwards),
        TEST(a_freeze_in_the_midst_of_it_keeps_it_frozen),
        TEST(a_kill_in_the_midst_of_it_ends_it),
        TEST(what_runs_is_not_saved),
        TEST(what_is_not_contained_is_not_saved),
        {"what_no_group_holds_is_not_saved", what_no_group_holds_is_not_saved,
         begin_journey_in_sessions, end_journey, NULL},
        TEST(what_criu_died_over_is_lost),
        TEST(without_criu_the_task_stays_as_it_was),
        TEST(without_images_nothing_begins),
        TEST(an_image_that_is_missing_is_told_of),
        TEST(a_file_that_changed_meanwhile_is_told_of),
        TEST(what_a_node_does_not_have_is_named),
        TEST(what_leads_out_of_the_task_is_refused),
        TEST(a_kill_in_the_midst_of_a_restore_ends_it),
        TEST(a_freeze_in_the_midst_of_a_restore_holds),
        TEST(a_signal_in_the_midst_of_a_restore_is_the_tasks),
        TEST(what_ends_at_once_has_its_own_status),
        TEST(it_is_held_to_its_limits_there),
        TEST(a_criu_that_works_passes_the_probe),
        TEST(without_criu_the_probe_says_so),
        TEST(a_criu_that_saves_nothing_fails_the_probe),
        TEST(a_criu_that_only_says_yes_fails_the_probe),
        cmocka_unit_test(the_image_of_the_ids_is_as_criu_writes_it),
        cmocka_unit_test(what_the_task_has_of_its_node_is_listed),
        cmocka_unit_test(a_mount_with_a_strange_name_cannot_be_saved),
        cmocka_unit_test(each_name_has_its_place_on_the_node),
        cmocka_unit_test(a_log_is_put_in_words),
        cmocka_unit_test(a_long_line_of_a_log_is_cut),
    };

    if (argc > 1 && strcmp(argv[1], KEEPER_COMMAND) == 0)
        return keeper_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
