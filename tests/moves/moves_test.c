/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moves_test MOVED-PROGRAM NAME: moves one of the programs (program.h) ten times between two
 * places, and asks it after each whether all is right; or, of `outside`, sees that it is not moved.
 */
#define _GNU_SOURCE
#include "runtime/checkpoint_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { MOVES = 10, FILE_NAME_SIZE = 32 };

static const char *program, *name;

/* It comes along with its task, as any input does. */
static void begin_moved_program(struct journey *journey, bool has_network)
{
    struct keeper_spawn spawn = SPAWN_INIT;

    run_command("cp '%s' '%s/program'", program, here(journey)->work);
    spawn.container.has_network = has_network;
    begin_program(journey, spawn, (const char *[]){"./program", name, NULL});
}

/* Its own words, if it found that something is wrong. */
static void assert_healthy(struct journey *journey)
{
    _cleanup_free_ char *complaint = read_here(journey, "err");

    if (complaint[0] != '\0')
        fail_msg("after %u moves: %s", (unsigned)(journey->key - TASK), complaint);
}

static void ask(struct journey *journey, unsigned move)
{
    char question[FILE_NAME_SIZE], answer[FILE_NAME_SIZE];
    uint64_t end = clock_boot_ms() + PATIENCE_MS;

    snprintf(question, sizeof(question), "move-%u", move);
    snprintf(answer, sizeof(answer), "moved-%u", move);
    write_here(journey, question);
    while (clock_boot_ms() < end) {
        _cleanup_free_ char *text = read_here(journey, answer);

        assert_healthy(journey);
        if (strchr(text, '\n'))
            return;
        wait_a_moment();
    }
    fail_msg("after %u moves it does not answer", move);
}

static void end_program(struct journey *journey)
{
    write_here(journey, "go");
    await(journey->fixture, KEEPER_NEWS_EXITED, journey->key);
    assert_healthy(journey);
    assert_int_equal(journey->fixture->last.news.result.wait_status, 0);
}

static void it_is_right_after_each_of_ten_moves(void **state)
{
    struct journey *journey = get_journey(state);

    begin_moved_program(journey, false);
    for (unsigned move = 0; move < MOVES; move++) {
        ask(journey, move);
        move_task(journey);
    }
    ask(journey, MOVES);
    end_program(journey);
}

/* ---- what is not moved ---- */

static int listen_outside(struct journey *journey)
{
    _cleanup_free_ char *path = file_join(here(journey)->work, "port");
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char port[FILE_NAME_SIZE];

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(port, sizeof(port), "%d\n", ntohs(address.sin_port));
    assert_int_equal(file_replace(path, port, strlen(port), 0644, false, NULL), 0);
    return fd;
}

static void its_connection_holds_it_and_it_goes_on(void **state)
{
    struct journey *journey = get_journey(state);
    _cleanup_fd_ int listener = listen_outside(journey);

    begin_moved_program(journey, true);
    ask(journey, 0);
    assert_false(save_task(journey));
    assert_string_equal(journey->fixture->last.path,
                        "cannot save: it has open connections to the outside");
    assert_false(journey->fixture->last.news.is_lost);
    keeper_client_thaw(journey->fixture->client, journey->key, 0);
    await(journey->fixture, KEEPER_NEWS_THAWED, journey->key);
    ask(journey, 1);
    end_program(journey);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[] = {
        {NULL, it_is_right_after_each_of_ten_moves, begin_journey, end_journey, NULL},
    };

    if (argc > 1 && strcmp(argv[1], KEEPER_COMMAND) == 0)
        return keeper_main(argc, argv);
    if (argc != 3)
        return EXIT_FAILURE;
    program = argv[1];
    name = tests[0].name = argv[2];
    if (strcmp(name, "outside") == 0)
        tests[0].test_func = its_connection_holds_it_and_it_goes_on;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
