/* SPDX-License-Identifier: Apache-2.0 */
#include "limits.h"

#include "base/memory.h"
#include "base/test.h"
#include "collect.h"
#include "note.h"

#include <signal.h>
#include <string.h>

#define MEGABYTE ((uint64_t)1024 * 1024)

static void a_task_is_held_to_what_it_asked_for(void **state)
{
    struct wire_start start = {
        .request = {.cpus = 2, .memory = 300 * MEGABYTE, .disk = 50 * MEGABYTE}};

    (void)state;
    assert_int_equal(limits_memory(&start), 300 * MEGABYTE);
    assert_int_equal(limits_disk(&start), 50 * MEGABYTE);
    assert_int_equal(limits_processes(&start), 2048);
}

static void who_asks_for_nothing_gets_the_least_that_makes_sense(void **state)
{
    struct wire_start start = {.request = {.memory = 1}};

    (void)state;
    assert_int_equal(limits_memory(&start), 16 * MEGABYTE);
    assert_int_equal(limits_disk(&start), 16 * MEGABYTE);
    assert_int_equal(limits_processes(&start), 1024);
}

static void inputs_come_on_top_in_whole_blocks(void **state)
{
    struct wire_file inputs[] = {{.size = 1}, {.size = 4096}, {.size = 0}, {.size = 5000}};
    struct wire_start start = {
        .request = {.disk = 50 * MEGABYTE}, .inputs = inputs, .input_count = 4};

    (void)state;
    assert_int_equal(limits_input_size(&start), 5 * 4096);
    assert_int_equal(limits_disk(&start), 50 * MEGABYTE + 5 * 4096);
}

static void what_a_task_has_saved_is_its_own(void **state)
{
    struct wire_file inputs[] = {{.size = 4096}, {.size = 4096, .saved = true}};
    struct wire_start start = {
        .request = {.disk = 50 * MEGABYTE}, .inputs = inputs, .input_count = 2};

    (void)state;
    assert_int_equal(limits_disk(&start), 50 * MEGABYTE + 4096);
}

static void several_runs_in_one_attempt_add_up(void **state)
{
    struct attempt attempt = {0};
    struct keeper_result kept = {
        .wait_status = 85 << 8, .user_us = 3, .system_us = 4, .wall_us = 10};

    (void)state;
    kept.memory_peak_bytes = 9;
    collect_exit(&attempt, &kept);
    kept.memory_peak_bytes = 5;
    kept.wait_status = 0;
    collect_exit(&attempt, &kept);
    assert_int_equal(attempt.result.exit_code, 0);
    assert_int_equal(attempt.result.cpu_us, 14);
    assert_int_equal(attempt.result.wall_us, 20);
    assert_int_equal(attempt.result.memory_peak, 9);
}

static void how_a_program_ends_says_whether_it_has_saved_itself(void **state)
{
    struct wire_start by_none = {0};
    struct wire_start by_code = {.saving = {.exit_code_given = true, .exit_code = 85}};
    struct wire_start by_signal = {.saving.exit_signal = SIGTERM};
    int ended_well = 0, ended_with_85 = 85 << 8, died_of_it = SIGTERM, died = SIGKILL;

    (void)state;
    assert_false(attempt_exit_is_save(&by_none, ended_well));
    assert_false(attempt_exit_is_save(&by_none, died));
    assert_true(attempt_exit_is_save(&by_code, ended_with_85));
    assert_false(attempt_exit_is_save(&by_code, ended_well));
    assert_false(attempt_exit_is_save(&by_code, died_of_it));
    assert_true(attempt_exit_is_save(&by_signal, died_of_it));
    assert_false(attempt_exit_is_save(&by_signal, died));
    assert_false(attempt_exit_is_save(&by_signal, ended_with_85));
}

static void inputs_of_any_size_do_not_overflow(void **state)
{
    struct wire_file inputs[] = {{.size = UINT64_MAX}, {.size = UINT64_MAX}};
    struct wire_start start = {
        .request = {.disk = UINT64_MAX - 1}, .inputs = inputs, .input_count = 2};

    (void)state;
    assert_true(limits_input_size(&start) == UINT64_MAX / 2);
    assert_true(limits_disk(&start) == UINT64_MAX);
}

static void an_agent_that_was_restarted_holds_it_to_the_same(void **state)
{
    _cleanup_buffer_ struct buffer note = BUFFER_INIT;
    _cleanup_(wire_start_deinit) struct wire_start found = {0};
    _cleanup_free_ char *gpus = NULL;
    struct wire_file inputs[] = {
        {.name = (char *)"a", .sha256 = (char *)"", .size = 0},
        {.name = (char *)"b", .sha256 = (char *)"00", .size = 100000},
    };
    struct wire_start start = {.epoch = 7,
                               .user = (char *)"anna",
                               .program = (char *)"walk",
                               .request = {.cpus = 1, .disk = 20 * MEGABYTE},
                               .inputs = inputs,
                               .input_count = 2};

    (void)state;
    assert_int_equal(note_write(&start, NULL, &note, NULL), 0);
    assert_int_equal(
        note_read((struct slice){.data = note.data, .length = note.length}, &found, &gpus, NULL),
        0);
    assert_int_equal(limits_disk(&found), limits_disk(&start));
}

static void assert_said(const struct attempt *attempt, const char *words)
{
    if (!strstr(attempt->result.detail, words))
        fail_msg("'%s' is not in '%s'", words, attempt->result.detail);
}

static void whoever_was_over_memory_learns_what_to_ask_for(void **state)
{
    struct attempt attempt = {.start.request.memory = 128 * MEGABYTE};
    struct keeper_result kept = {
        .wait_status = SIGKILL, .memory_peak_bytes = 128 * MEGABYTE, .over_memory = true};

    (void)state;
    collect_exit(&attempt, &kept);
    assert_int_equal(collect_outputs(&attempt), REASON_OVER_MEMORY);
    assert_said(&attempt, "asked for 128 MB of memory and used 128 MB");
    assert_said(&attempt, "request_memory = 256M");
    wire_result_deinit(&attempt.result);
}

static void whoever_was_over_disk_learns_what_to_ask_for(void **state)
{
    struct wire_file input = {.size = 10 * MEGABYTE};
    struct attempt attempt = {.start.request.disk = 20 * MEGABYTE,
                              .start.inputs = &input,
                              .start.input_count = 1,
                              .disk_bytes = 90 * MEGABYTE};

    (void)state;
    assert_int_equal(collect_outputs(&attempt), REASON_OVER_DISK);
    assert_said(&attempt, "asked for 20 MB of disk and used 80 MB");
    assert_said(&attempt, "request_disk = 128M");
    wire_result_deinit(&attempt.result);
}

static void whoever_wanted_too_many_processes_learns_how_many_there_may_be(void **state)
{
    struct attempt attempt = {.start.request.cpus = 2};
    struct keeper_result kept = {.wait_status = SIGKILL, .refused_processes = 7};

    (void)state;
    collect_exit(&attempt, &kept);
    assert_int_equal(collect_outputs(&attempt), REASON_OVER_PROCESSES);
    assert_said(&attempt, "may have 2048 processes and threads at once, and wanted 7 more");
    assert_said(&attempt, "request_cpus = 3");
    wire_result_deinit(&attempt.result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_is_held_to_what_it_asked_for),
        cmocka_unit_test(who_asks_for_nothing_gets_the_least_that_makes_sense),
        cmocka_unit_test(inputs_come_on_top_in_whole_blocks),
        cmocka_unit_test(what_a_task_has_saved_is_its_own),
        cmocka_unit_test(several_runs_in_one_attempt_add_up),
        cmocka_unit_test(how_a_program_ends_says_whether_it_has_saved_itself),
        cmocka_unit_test(inputs_of_any_size_do_not_overflow),
        cmocka_unit_test(an_agent_that_was_restarted_holds_it_to_the_same),
        cmocka_unit_test(whoever_was_over_memory_learns_what_to_ask_for),
        cmocka_unit_test(whoever_wanted_too_many_processes_learns_how_many_there_may_be),
        cmocka_unit_test(whoever_was_over_disk_learns_what_to_ask_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
