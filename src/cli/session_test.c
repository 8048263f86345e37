/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands against a server that answers from a list: what they print, complain and end with, as
 * transcripts in golden/. After a wanted change:
 *
 *     DUSK_REWRITE_GOLDEN=1 meson test -C build 'cli session'
 */
#define _GNU_SOURCE
#include "session.h"

#include "base/memory.h"
#include "base/test.h"
#include "fake_server.h"
#include "sys/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

static void assert_golden(const char *name, const struct buffer *text)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, golden = BUFFER_INIT;

    buffer_appendf(&path, "%s/%s.txt", GOLDEN_FOLDER, name);
    if (getenv("DUSK_REWRITE_GOLDEN"))
        assert_int_equal(file_replace(path.data, text->data, text->length, 0644, false, NULL), 0);
    assert_int_equal(file_read(path.data, 1 << 20, &golden, NULL), 0);
    assert_string_equal(buffer_text(text), buffer_text(&golden));
}

static void replace_all(struct buffer *text, const char *what, const char *with)
{
    struct buffer changed = BUFFER_INIT;
    const char *at = buffer_text(text), *found;

    if (*what == '\0')
        return;
    while ((found = strstr(at, what))) {
        buffer_append(&changed, at, (size_t)(found - at));
        buffer_append_text(&changed, with);
        at = found + strlen(what);
    }
    buffer_append_text(&changed, at);
    buffer_deinit(text);
    *text = changed;
}

/* The folder has another name each time, and each computer has one, too. */
static void assert_golden_anywhere(const char *name, struct buffer *text)
{
    _cleanup_buffer_ struct buffer host = BUFFER_INIT, arch = BUFFER_INIT;
    struct utsname computer;
    char *folder = get_current_dir_name();

    assert_int_equal(uname(&computer), 0);
    buffer_appendf(&host, "\"%s\"", computer.nodename);
    buffer_appendf(&arch, "\"%s\"", computer.machine);
    replace_all(text, folder, "HERE");
    replace_all(text, buffer_text(&host), "\"HOST\"");
    replace_all(text, buffer_text(&arch), "\"X86_64\"");
    free(folder);
    assert_golden(name, text);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    assert_int_equal(file_replace(path, text, strlen(text), mode, false, NULL), 0);
}

static void assert_file(const char *path, const char *expected)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
    assert_string_equal(buffer_text(&text), expected);
}

static void run_all(const struct fake_answer *answers, size_t count, const char *const *lines,
                    struct buffer *transcript)
{
    struct fake_server *server = fake_server_start(answers, count);

    for (; *lines; lines++)
        fake_server_run(*lines, NULL, transcript);
    fake_server_stop(server);
}

#define TASKS                                                                                      \
    "[{\"id\":\"17.0\",\"job\":17,\"task\":0,\"user\":\"marie\",\"state\":\"Running\","            \
    "\"node\":\"pc1\",\"attempts\":1,\"checkpoints\":3,\"exit_code\":null,\"exit_signal\":null,"   \
    "\"reason\":\"\","                                                                             \
    "\"submitted_at\":1000000000.5,\"started_at\":1000000001.0,\"ended_at\":1000000031.25},\n"     \
    "{\"id\":\"17.1\",\"job\":17,\"task\":1,\"user\":\"ma\\u001b[2Jrie\",\"state\":\"Held\","      \
    "\"node\":null,\"attempts\":2,\"checkpoints\":0,\"exit_code\":null,\"exit_signal\":null,"      \
    "\"reason\":\"cannot start: evil\\nname\",\"submitted_at\":1000000000.5,"                      \
    "\"started_at\":null,\"ended_at\":null}]\n"
#define JOBS                                                                                       \
    "[{\"job\":17,\"name\":\"sweep\",\"user\":\"marie\",\"submitted_at\":1000000000.5,"            \
    "\"tasks\":46,\"idle\":30,\"running\":8,\"suspended\":0,\"held\":1,\"completed\":7,"           \
    "\"removed\":0,\"reason\":\"\"}]"

static void lists_are_tables_values_or_json(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET", "/v1/jobs", 200, JOBS},
        {"GET", "/v1/tasks", 200, TASKS},
        {"GET", "/v1/nodes", 200,
         "[{\"name\":\"pc1\",\"state\":\"Claimed\",\"activity\":\"Busy\",\"cpus\":4,"
         "\"cpus_claimed\":2,\"memory\":17179869184,\"arch\":\"x86_64\",\"os\":\"Debian 12\","
         "\"last_seen_at\":1000000010,\"speed\":{\"integer\":1234.5},\"tasks\":[\"17.0\"]}]"},
        {"GET", "/v1/pool", 200,
         "{\"nodes\":{\"Claimed\":1,\"Offline\":0},\"cpus\":4,\"cpus_claimed\":2,"
         "\"tasks\":{\"Idle\":30,\"Running\":8}}"},
    };
    static const char *const lines[] = {
        "q",
        "q 17 --user nobody",
        "q --jobs -af job tasks",
        "q --columns id,state,node,reason 17",
        "q -af:jh Owner RemoteHost HoldReason",
        "q --json",
        "q 17.1 --long",
        "q --columns id,stat",
        "status",
        "status -af Machine speed.integer",
        "status --total",
        NULL,
    };
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT;

    (void)state;
    run_all(answers, ARRAY_LENGTH(answers), lines, &transcript);
    assert_golden("lists", &transcript);
}

static void what_the_server_refuses_is_said_with_its_hint(void **state)
{
    static const struct fake_answer answers[] = {
        {"POST", "/v1/jobs/17/remove", 403,
         "{\"error\":\"job 17 is not yours\",\"hint\":\"ask its owner\"}"},
        {"POST", "/v1/jobs/18/hold", 200, "{\"changed\":3}"},
        {"POST", "/v1/jobs/19/release", 409, "{\"error\":\"job 19 is over\"}"},
        {"GET", "/v1/jobs/20/why", 500, "<html>"},
        {"GET", "/v1/jobs/21/why", 200, "not JSON"},
        {"GET", "/v1/jobs/22/why", 200, "{\"lines\":[\"1 of 1 tasks: Idle\",\"It waits.\"]}"},
        {"GET", "/v1/tasks", 200, "[{\"id\":\"17.0\"},{\"id"},
        {"GET", "/v1/jobs", 200, "[]"},
    };
    static const char *const lines[] = {
        "rm 17",        "hold 18 --reason because",
        "release 19.3", "rm 99",
        "why 20",       "why 21",
        "why 22",       "history -af id",
        "q 5",          "rm seventeen",
        "rm",           "wait",
        "token burn",   "node show",
        "watch 17.3",   "tail --lines 5 17",
        NULL,
    };
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT;

    (void)state;
    run_all(answers, ARRAY_LENGTH(answers), lines, &transcript);
    assert_golden("refusals", &transcript);
}

static void a_wait_ends_with_the_code_of_its_verdict(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET", "/v1/jobs/1/wait", 200, "{\"tasks\":2,\"running\":2,\"over\":false,\"version\":1}"},
        {"GET", "/v1/jobs/1/wait", 200,
         "{\"tasks\":2,\"completed\":2,\"over\":true,\"version\":3}"},
        {"GET", "/v1/jobs/2/wait", 200,
         "{\"tasks\":2,\"completed\":1,\"removed\":1,\"over\":true,\"version\":0}"},
        {"GET", "/v1/jobs/3/wait", 200,
         "{\"tasks\":2,\"completed\":1,\"held\":1,\"over\":false,\"version\":4}"},
        {"GET", "/v1/jobs/4/wait", 200, "{\"tasks\":2,\"idle\":2,\"over\":false,\"version\":1}"},
    };
    static const char *const lines[] = {
        "wait 1", "wait 1 2", "wait 3", "wait 4 --timeout 1ms", "wait 4 --timeout soon", NULL};
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT;

    (void)state;
    run_all(answers, ARRAY_LENGTH(answers), lines, &transcript);
    assert_golden("waits", &transcript);
}

#define SHA_OF_PROGRAM "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf"

static void only_missing_content_is_uploaded(void **state)
{
    static const struct fake_answer answers[] = {
        {"POST", "/v1/jobs", 409, "{\"missing\":[\"" SHA_OF_PROGRAM "\",\"" SHA_OF_PROGRAM "\"]}"},
        {"POST", "/v1/jobs", 200, "{\"job\":17,\"tasks\":2,\"warnings\":[]}"},
        {"PUT", "/v1/content/" SHA_OF_PROGRAM, 200, "{}"},
    };
    struct fake_server *server = fake_server_start(answers, ARRAY_LENGTH(answers));
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT, requests = BUFFER_INIT;
    const char *upload;

    (void)state;
    write_file("program", "#!/bin/sh\n", 0755);
    write_file("data", "1 2 3\n", 0644);
    write_file("job.sub", "executable = program\ninput = data\nqueue 2\n", 0644);
    fake_server_run("submit --quiet job.sub", NULL, &transcript);
    fake_server_requests(&requests);
    fake_server_stop(server);
    assert_string_equal(transcript.data, "$ dusk submit --quiet job.sub\n17\n[0]\n");
    upload = strstr(requests.data, "PUT /v1/content/" SHA_OF_PROGRAM " #!/bin/sh\n");
    assert_non_null(upload);
    assert_null(strstr(upload + 1, "PUT"));
    assert_non_null(strstr(requests.data, "\"mode\":493"));
    assert_non_null(strstr(requests.data, "\"deliver\":true"));
}

static void a_submit_that_waits_asks_no_more_than_it_must(void **state)
{
    static const struct fake_answer answers[] = {
        {"POST", "/v1/jobs", 200, "{\"job\":17,\"tasks\":1,\"version\":2,\"warnings\":[]}"},
        {"GET", "/v1/jobs/17/wait", 200,
         "{\"tasks\":1,\"completed\":1,\"over\":true,\"version\":3}"},
    };
    struct fake_server *server = fake_server_start(answers, ARRAY_LENGTH(answers));
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT, requests = BUFFER_INIT;
    const char *wait;

    (void)state;
    write_file("true.sub", "executable = /bin/true\ntransfer_executable = false\nqueue\n", 0644);
    fake_server_run("submit --quiet --wait true.sub", NULL, &transcript);
    fake_server_requests(&requests);
    fake_server_stop(server);
    assert_string_equal(transcript.data, "$ dusk submit --quiet --wait true.sub\n17\n[0]\n");
    wait = strstr(requests.data, "GET ");
    assert_non_null(strstr(wait, "&seen=2 "));
    assert_null(strstr(wait + 1, "GET "));
}

static void what_is_wrong_here_is_found_before_anything_is_sent(void **state)
{
    static const struct fake_answer answers[] = {{"POST", "/v1/jobs", 500, "{}"}};
    struct fake_server *server = fake_server_start(answers, ARRAY_LENGTH(answers));
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT;
    struct stat status;

    (void)state;
    write_file("program", "#!/bin/sh\n", 0755);
    write_file("text", "x", 0644);
    write_file("missing.sub", "# a job\nexecutable = programm\nqueue\n", 0644);
    write_file("text.sub", "executable = text\nqueue\n", 0644);
    write_file("folder.sub", "executable = .\nqueue\n", 0644);
    write_file("input.sub", "executable = program\ntransfer_input_files = text, none\nqueue\n",
               0644);
    write_file("output.sub", "executable = program\noutput = out/x.$(Process)\nqueue 3\n", 0644);
    write_file("taken.sub", "executable = program\nerror = /\nqueue\n", 0644);
    write_file("macro.sub", "executable = program\narguments = $(nothing)\nqueue\n", 0644);
    fake_server_run("submit missing.sub", NULL, &transcript);
    fake_server_run("submit text.sub", NULL, &transcript);
    fake_server_run("submit folder.sub", NULL, &transcript);
    fake_server_run("submit input.sub", NULL, &transcript);
    fake_server_run("submit output.sub", NULL, &transcript);
    fake_server_run("submit taken.sub", NULL, &transcript);
    fake_server_run("submit macro.sub", NULL, &transcript);
    fake_server_run("submit none.sub", NULL, &transcript);
    fake_server_run("submit", NULL, &transcript);
    fake_server_run("submit macro.sub text.sub", NULL, &transcript);
    fake_server_run("submit -n --table macro.sub nothing=7", NULL, &transcript);
    fake_server_run("submit -n - -queue 2", "executable = program\n", &transcript);
    fake_server_run("run no-such-program-here", NULL, &transcript);
    fake_server_run("run ./text", NULL, &transcript);
    fake_server_run("q --socket nowhere", NULL, &transcript);
    assert_int_equal(stat("requests", &status), 0);
    assert_int_equal(status.st_size, 0);
    assert_golden_anywhere("mistakes", &transcript);
    fake_server_stop(server);
}

static void what_a_submit_would_do_is_shown_in_three_forms(void **state)
{
    struct fake_server *server = fake_server_start(NULL, 0);
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT;

    (void)state;
    write_file("sweep.sub",
               "executable = simulate\n"
               "arguments = --seed $(Process) $(model)\n"
               "environment = B=2;A=$(Process)\n"
               "output = out/$(model).txt\nlog = sweep.log\n"
               "request_memory = $(memory)\nrequest_cpus = 2\nrequest_gpus = 1\n"
               "requirements = HasAvx2&&Machine!=\"old\"\nrank = Mips*2\n"
               "max_retries = 3\n+Project = \"a \\\"b\\\"\"\n"
               "+Weight = $(Process)+0.5\n+Certain = TRUE\n"
               "queue model, memory from (\n"
               "small 512MB\n"
               "large 2*1024\n"
               ")\n",
               0644);
    write_file("image.sub",
               "container_image = docker://debian:12\nqueue\nuniverse = docker\n"
               "docker_image = debian\ncontainer_image =\narguments = \"'a b'\"\nqueue\n",
               0644);
    write_file("wrong.sub", "executable = x\n+A = $(e)\nqueue e in (1, 2>, 3)\n", 0644);
    fake_server_run("submit -n sweep.sub", NULL, &transcript);
    fake_server_run("submit -n --json sweep.sub", NULL, &transcript);
    fake_server_run("submit -n --table sweep.sub", NULL, &transcript);
    fake_server_run("submit -n image.sub", NULL, &transcript);
    fake_server_run("submit -n wrong.sub", NULL, &transcript);
    assert_golden_anywhere("dry-runs", &transcript);
    fake_server_stop(server);
}

static void fetched_files_are_complete_or_not_there(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET", "/v1/jobs/17/outputs", 200,
         "[{\"task\":\"17.0\",\"index\":0,\"name\":\"a/b\",\"size\":3,\"mode\":416,"
         "\"path\":\"./a/b\",\"kind\":\"file\"},"
         "{\"task\":\"17.0\",\"index\":1,\"name\":\"sub\",\"size\":0,\"mode\":365,"
         "\"path\":\"./sub\",\"kind\":\"folder\"},"
         "{\"task\":\"17.0\",\"index\":2,\"name\":\"sub/x\",\"size\":3,\"mode\":420,"
         "\"path\":\"./sub/x\",\"kind\":\"file\"}]"},
        {"GET", "/v1/tasks/17.0/outputs/0", 200, "one"},
        {"GET", "/v1/tasks/17.0/outputs/2", 200, "two"},
        {"POST", "/v1/jobs/17/fetched", 200, "{}"},
    };
    struct fake_server *server = fake_server_start(answers, ARRAY_LENGTH(answers));
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT, requests = BUFFER_INIT;
    struct stat status;

    (void)state;
    fake_server_run("fetch 17", NULL, &transcript);
    assert_string_equal(transcript.data, "$ dusk fetch 17\n17: 2 files, 6B\n[0]\n");
    assert_file("a/b", "one");
    assert_file("sub/x", "two");
    assert_int_equal(stat("a/b", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(stat("sub", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0555);
    fake_server_requests(&requests);
    assert_non_null(strstr(requests.data, "POST /v1/jobs/17/fetched"));
    assert_int_equal(chmod("sub", 0755), 0);
    fake_server_stop(server);
}

static void a_name_that_leaves_its_folder_is_refused(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET", "/v1/jobs/1/outputs", 200,
         "[{\"task\":\"1.0\",\"index\":0,\"name\":\"../evil\",\"size\":3,\"mode\":420,"
         "\"path\":\"./../evil\",\"kind\":\"file\"}]"},
        {"GET", "/v1/jobs/2/outputs", 200,
         "[{\"task\":\"2.0\",\"index\":0,\"name\":\"link/evil\",\"size\":3,\"mode\":420,"
         "\"path\":\"./link/evil\",\"kind\":\"file\"}]"},
        {"GET", "/v1/tasks/1.0/outputs/0", 200, "bad"},
        {"GET", "/v1/tasks/2.0/outputs/0", 200, "bad"},
    };
    struct fake_server *server = fake_server_start(answers, ARRAY_LENGTH(answers));
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT, requests = BUFFER_INIT;

    (void)state;
    assert_int_equal(mkdir("elsewhere", 0755), 0);
    assert_int_equal(symlink("elsewhere", "link"), 0);
    fake_server_run("fetch 1", NULL, &transcript);
    fake_server_run("fetch 2", NULL, &transcript);
    assert_golden("escapes", &transcript);
    assert_int_equal(access("../evil", F_OK), -1);
    assert_int_equal(access("elsewhere/evil", F_OK), -1);
    fake_server_requests(&requests);
    assert_null(strstr(requests.data, "fetched"));
    fake_server_stop(server);
}

static void a_run_is_like_the_program_itself(void **state)
{
    static const struct fake_answer answers[] = {
        {"POST", "/v1/jobs", 200, "{\"job\":5,\"tasks\":1,\"warnings\":[]}"},
        {"GET", "/v1/tasks/5.0/tail", 409, "{\"error\":\"5.0 is not running\"}"},
        {"GET", "/v1/jobs/5/wait", 200,
         "{\"tasks\":1,\"completed\":1,\"over\":true,\"version\":2}"},
        {"GET", "/v1/tasks", 200,
         "[{\"id\":\"5.0\",\"state\":\"Completed\",\"exit_code\":3,\"exit_signal\":null}]"},
        {"GET", "/v1/jobs/5/outputs", 200,
         "[{\"task\":\"5.0\",\"index\":0,\"name\":\"made\",\"size\":4,\"mode\":420,"
         "\"path\":\"./made\",\"kind\":\"file\"},"
         "{\"task\":\"5.0\",\"index\":1,\"name\":\"\",\"size\":6,\"mode\":420,"
         "\"path\":\"./.dusk-run-stdout\",\"kind\":\"file\"},"
         "{\"task\":\"5.0\",\"index\":2,\"name\":\"\",\"size\":6,\"mode\":420,"
         "\"path\":\"./.dusk-run-stderr\",\"kind\":\"file\"}]"},
        {"GET", "/v1/tasks/5.0/outputs/0", 200, "file"},
        {"GET", "/v1/tasks/5.0/outputs/1", 200, "hello\n"},
        {"GET", "/v1/tasks/5.0/outputs/2", 200, "error\n"},
        {"POST", "/v1/jobs/5/fetched", 200, "{}"},
    };
    struct fake_server *server = fake_server_start(answers, ARRAY_LENGTH(answers));
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT, requests = BUFFER_INIT;

    (void)state;
    fake_server_run("run cat -n", NULL, &transcript);
    assert_string_equal(transcript.data, "$ dusk run cat -n\nhello\nerror\n[3]\n");
    assert_file("made", "file");
    assert_int_equal(access(".dusk-run-stdout", F_OK), -1);
    fake_server_requests(&requests);
    assert_non_null(strstr(requests.data, "\"deliver\":false"));
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_tables_values_or_json),
        cmocka_unit_test(what_the_server_refuses_is_said_with_its_hint),
        cmocka_unit_test(a_wait_ends_with_the_code_of_its_verdict),
        cmocka_unit_test(only_missing_content_is_uploaded),
        cmocka_unit_test(a_submit_that_waits_asks_no_more_than_it_must),
        cmocka_unit_test(what_is_wrong_here_is_found_before_anything_is_sent),
        cmocka_unit_test(what_a_submit_would_do_is_shown_in_three_forms),
        cmocka_unit_test(fetched_files_are_complete_or_not_there),
        cmocka_unit_test(a_name_that_leaves_its_folder_is_refused),
        cmocka_unit_test(a_run_is_like_the_program_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
