/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk owner against an agent that answers from a list, as a transcript in golden/. After a wanted
 * change:
 *
 *     DUSK_REWRITE_GOLDEN=1 meson test -C build 'cli owner'
 */
#define _GNU_SOURCE
#include "base/test.h"
#include "fake_server.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define STATE(owner, reason, until)                                                                \
    "{\"version\":1,\"node\":\"pc1\",\"owner\":\"" owner "\",\"reason\":\"" reason                 \
    "\",\"why\":\"\",\"since_at\":1000000000.5,\"until_at\":" until ","
/* What is shown of all, and of a user. */
#define ALL(days, lent, tasks, cpu)                                                                \
    "{\"days\":" days ",\"user\":null,\"lent_s\":" lent ",\"tasks\":" tasks ",\"cpu_s\":" cpu      \
    ",\"energy_wh\":123.4}"
#define OF(user, days, tasks, cpu)                                                                 \
    "{\"days\":" days ",\"user\":\"" user "\",\"lent_s\":null,\"tasks\":" tasks ",\"cpu_s\":" cpu  \
    ",\"energy_wh\":1234.5}"
#define NOTHING "\"sources\":[],\"tasks\":[]}\n"

/* One line of each visitor goes to the file `words`, and the next answer to him. */
static _noreturn_ void serve(int listening, const char *const *answers)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (; *answers; answers++) {
        _cleanup_fd_ int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        FILE *words = fopen("words", "a");
        char line[512];
        ssize_t length = read(fd, line, sizeof(line));

        if (!words || length <= 0)
            _exit(1);
        (void)fwrite(line, 1, (size_t)length, words);
        (void)fclose(words);
        (void)file_write_all(fd, *answers, strlen(*answers));
    }
    _exit(0);
}

static pid_t start_agent(const char *const *answers)
{
    _cleanup_fd_ int listening = descriptor_listen_unix("agent", SOCK_STREAM, 0600, NULL);
    pid_t pid;

    assert_true(listening >= 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        serve(listening, answers);
    return pid;
}

static void assert_golden(const char *name, const struct buffer *text)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, golden = BUFFER_INIT;

    buffer_appendf(&path, "%s/%s.txt", GOLDEN_FOLDER, name);
    if (getenv("DUSK_REWRITE_GOLDEN"))
        assert_int_equal(file_replace(path.data, text->data, text->length, 0644, false, NULL), 0);
    assert_int_equal(file_read(path.data, 1 << 20, &golden, NULL), 0);
    assert_string_equal(buffer_text(text), buffer_text(&golden));
}

/* What the agent says, one after the other. */
static const char *const answers[] = {
    STATE("away", "none", "null") NOTHING,
    STATE("present", "used",
          "1000000060.5") "\"sources\":["
                          "{\"source\":\"x11\",\"works\":true,\"why_not\":null,\"last_activity_"
                          "ms_ago\":null},"
                          "{\"source\":\"tty\",\"works\":false,\"why_not\":\"the folder is "
                          "g\\u001bone\","
                          "\"last_activity_ms_ago\":null}],\"tasks\":["
                          "{\"job\":17,\"task\":3,\"user\":\"marie\",\"state\":\"suspended\","
                          "\"since_at\":1000000000.5},{\"job\":18,\"task\":0,\"user\":null,"
                          "\"state\":\"ended\",\"since_at\":1000000000.5}]}\n",
    STATE("away", "none",
          "null") "\"sources\":[],\"tasks\":[],\"figures\":{\"since\":"
                  "\"2001-09-0\\u001b\",\"energy\":\"estimated\","
                  "\"watts_per_core\":7.5,\"list\":[" ALL("1", "30000.5", "1", "0.25") "," ALL(
                      "7", "200000", "12", "100000") "," OF("marie", "7", "11",
                                                            "99999") "," OF("o\\u001btto", "7", "1",
                                                                            "1") "]}}\n",
    STATE("away", "none", "null") "\"sources\":[],\"tasks\":[],\"figures\":{\"since\":null,"
                                  "\"watts_per_core\":8,\"list\":[]}}\n",
    STATE("away", "none", "null") NOTHING,
    STATE("near", "closing", "null") "\"server_problem\":\"no\\u001bbody\"," NOTHING,
    STATE("present", "never", "null") NOTHING,
    STATE("present", "paused", "null") NOTHING,
    STATE("present", "paused", "1000007200") NOTHING,
    STATE("away", "none", "null") NOTHING,
    "{\"version\":1,\"error\":\"only the owner may say that\",\"hint\":\"ask him\","
    "\"refused\":true}\n",
    "{\"version\":1,\"error\":\"the disk is full\",\"refused\":false}\n",
    "{\"version\":2}\n",
    "{\"version\":1",
    NULL,
};

static void what_an_owner_says_and_hears(void **state)
{
    static const char *const lines[] = {
        "owner --json",
        "owner",
        "owner figures",
        "owner figures",
        "owner figures",
        "owner status",
        "owner never",
        "owner pause",
        "owner pause 2h",
        "owner resume",
        "owner resume",
        "owner pause",
        "owner status",
        "owner status",
        "owner status --socket nobody",
        "owner pause soon",
        "owner pause until noon",
        "owner never ever",
        "owner leave",
        "owner mine only",
        NULL,
    };
    static const char *const said[] = {"status", "status", "figures", "figures", "figures",
                                       "status", "never",  "pause",   "pause",   "resume",
                                       "resume", "pause",  "status",  "status"};
    struct fake_server *server = fake_server_start(NULL, 0);
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT, words = BUFFER_INIT;
    pid_t agent = start_agent(answers);
    const char *at;

    (void)state;
    setenv("DUSK_AGENT_SOCKET", "agent", 1);
    for (size_t i = 0; lines[i]; i++)
        fake_server_run(lines[i], NULL, &transcript);
    assert_golden("owner", &transcript);
    assert_int_equal(waitpid(agent, NULL, 0), agent);
    assert_int_equal(file_read("words", 1 << 20, &words, NULL), 0);
    at = words.data;
    for (size_t i = 0; i < ARRAY_LENGTH(said); i++, at = strchr(at, '\n') + 1)
        assert_true(strncmp(strstr(at, "\"word\":\"") + 8, said[i], strlen(said[i])) == 0);
    assert_non_null(strstr(words.data, "\"word\":\"pause\",\"until_at\":"));
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_owner_says_and_hears),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
