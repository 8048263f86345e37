/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk image against a server that answers from a list, as a transcript in golden/. After a wanted
 * change:
 *
 *     DUSK_REWRITE_GOLDEN=1 meson test -C build 'cli image'
 */
#define _GNU_SOURCE
#include "session.h"

#include "base/memory.h"
#include "base/test.h"
#include "fake_server.h"
#include "sys/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of the tree with one file that this test makes. */
#define IMAGE "0d71c3e28c0c4b52472e375ebca10a4c9653214e1eb98a75bf55559c55facbb7"
#define CHUNK "6967da2f285fb485aecb89dc6b6f52583728b32408b5c11880779ec88eb59ce4"

#define LISTED                                                                                     \
    "{\"names\":[\"debian12\",\"debian12:v2\"],\"sha256\":\"" IMAGE "\",\"kind\":\"tree\","        \
    "\"size\":2048,\"user\":\"marie\",\"added_at\":1000000000.5,\"complete\":true}"

static void assert_golden(const char *name, const struct buffer *text)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT, golden = BUFFER_INIT;

    buffer_appendf(&path, "%s/%s.txt", GOLDEN_FOLDER, name);
    if (getenv("DUSK_REWRITE_GOLDEN"))
        assert_int_equal(file_replace(path.data, text->data, text->length, 0644, false, NULL), 0);
    assert_int_equal(file_read(path.data, 1 << 20, &golden, NULL), 0);
    assert_string_equal(buffer_text(text), buffer_text(&golden));
}

/* The same bytes wherever it is made. */
static void make_source(void)
{
    struct timespec times[] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};

    assert_int_equal(mkdir("source", 0755), 0);
    assert_int_equal(file_replace("source/motd", "hello\n", 6, 0644, false, NULL), 0);
    assert_int_equal(utimensat(AT_FDCWD, "source/motd", times, 0), 0);
    assert_int_equal(mkfifo("source/fifo", 0600), 0);
}

static void images_are_listed_shown_and_removed(void **state)
{
    static const struct fake_answer answers[] = {
        {"GET", "/v1/images", 200,
         "[" LISTED ",{\"names\":[],\"sha256\":\"" CHUNK "\",\"kind\":\"erofs\","
         "\"size\":5000000,\"user\":\"jan\",\"added_at\":1000000001.5,\"complete\":false}]"},
        {"GET", "/v1/images/debian12", 200, LISTED},
        {"DELETE", "/v1/images/debian12", 200, "{\"sha256\":\"" IMAGE "\"}"},
        {"DELETE", "/v1/images/jans", 403,
         "{\"error\":\"the image name 'jans' is jan's\",\"hint\":\"only he and the pool's admins "
         "may do that; choose another name\"}"},
        {"GET", "/v1/images/nix", 404,
         "{\"error\":\"there is no image 'nix' here\",\"hint\":\"'dusk image list' shows them\"}"},
    };
    static const char *const lines[] = {
        "image",
        "image list --json",
        "image list -af names kind",
        "image show debian12",
        "image show debian12 --json",
        "image show nix",
        "image rm debian12",
        "image rm jans",
        "image rm",
        "image remove debian12",
        "image add debian12",
        "image add a/b source",
        NULL,
    };
    struct fake_server *server = fake_server_start(answers, ARRAY_LENGTH(answers));
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT;

    (void)state;
    for (size_t i = 0; lines[i]; i++)
        fake_server_run(lines[i], NULL, &transcript);
    fake_server_stop(server);
    assert_golden("images", &transcript);
}

static void only_missing_chunks_are_sent(void **state)
{
    static const struct fake_answer answers[] = {
        {"POST", "/v1/images", 200, "{\"missing\":[\"" CHUNK "\"]}"},
        {"POST", "/v1/images", 200, "{\"missing\":[]}"},
        {"PUT", "/v1/content/" CHUNK, 200, "{}"},
    };
    static const char uploaded[] = "\nPUT /v1/content/" CHUNK " motd";
    struct fake_server *server = fake_server_start(answers, ARRAY_LENGTH(answers));
    _cleanup_buffer_ struct buffer transcript = BUFFER_INIT, requests = BUFFER_INIT;

    (void)state;
    make_source();
    fake_server_run("image add debian12 source", NULL, &transcript);
    fake_server_run("image add --quiet debian12 source", NULL, &transcript);
    fake_server_requests(&requests);
    fake_server_stop(server);
    assert_non_null(memmem(requests.data, requests.length, uploaded, strlen(uploaded)));
    assert_golden("image-add", &transcript);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_listed_shown_and_removed),
        cmocka_unit_test(only_missing_chunks_are_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
