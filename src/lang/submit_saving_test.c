/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/submit_saving.h"

#include "lang/submit_fixture.h"

#include <stdlib.h>
#include <string.h>

/* What the first task of this text says; the caller deinitialises it. */
static struct submit_saving saving_of(const char *commands)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_saving saving = SUBMIT_SAVING_INIT;
    struct submit_task task;

    buffer_appendf(&text, "executable = x\n%s\nqueue\n", commands);
    submit = fixture_parse(buffer_text(&text), NULL);
    submit_task_init(&task);
    fixture_expand(submit, 0, &task);
    submit_saving_read(&task, &saving);
    submit_task_deinit(&task);
    return saving;
}

static void who_says_nothing_does_not_save_itself(void **state)
{
    _cleanup_submit_saving_ struct submit_saving saving = saving_of("");

    (void)state;
    assert_int_equal(saving.exit_code, -1);
    assert_int_equal(saving.exit_signal, 0);
    assert_false(saving.saves_to_leave);
    assert_false(saving.files_given);
    assert_int_equal(saving.kill_signal, 0);
    assert_false(saving.vacate_given);
}

static void a_code_and_its_files_make_a_checkpoint(void **state)
{
    _cleanup_submit_saving_ struct submit_saving saving =
        saving_of("checkpoint_exit_code = 80 + 5\n"
                  "transfer_checkpoint_files = state, my results/\n"
                  "when_to_transfer_output = ON_EXIT_OR_EVICT\n");

    (void)state;
    assert_int_equal(saving.exit_code, 85);
    assert_int_equal(saving.exit_signal, 0);
    assert_true(saving.saves_to_leave);
    assert_true(saving.files_given);
    assert_int_equal(saving.files.count, 2);
    assert_string_equal(saving.files.items[0], "state");
    assert_string_equal(saving.files.items[1], "my results/");
}

static void a_program_may_die_of_a_signal_instead(void **state)
{
    _cleanup_submit_saving_ struct submit_saving named =
        saving_of("checkpoint_exit_code = 85\n+SuccessCheckpointExitBySignal = true\n"
                  "+SuccessCheckpointExitSignal = \"SIGTERM\"\n");
    _cleanup_submit_saving_ struct submit_saving counted =
        saving_of("+SuccessCheckpointExitBySignal = True\n+SuccessCheckpointExitSignal = 10\n");
    _cleanup_submit_saving_ struct submit_saving wrong =
        saving_of("+SuccessCheckpointExitBySignal = True\n+SuccessCheckpointExitSignal = \"X\"\n");

    (void)state;
    assert_int_equal(named.exit_code, -1);
    assert_int_equal(named.exit_signal, 15);
    assert_int_equal(counted.exit_signal, 10);
    assert_int_equal(wrong.exit_signal, 0);
}

static void what_is_no_exit_code_is_none(void **state)
{
    _cleanup_submit_saving_ struct submit_saving large = saving_of("checkpoint_exit_code = 256\n");
    _cleanup_submit_saving_ struct submit_saving other =
        saving_of("+SuccessCheckpointExitCode = TARGET.Cpus\n+SuccessCheckpointExitBySignal = 0\n"
                  "+TransferCheckpoint = 7\n");

    (void)state;
    assert_int_equal(large.exit_code, -1);
    assert_int_equal(other.exit_code, -1);
    assert_false(other.files_given);
}

static void what_stands_there_as_an_attribute_counts(void **state)
{
    _cleanup_submit_saving_ struct submit_saving saving =
        saving_of("checkpoint_exit_code = 85\n+SuccessCheckpointExitCode = 77\n");

    (void)state;
    assert_int_equal(saving.exit_code, 77);
}

static void a_task_may_want_a_signal_and_less_time(void **state)
{
    _cleanup_submit_saving_ struct submit_saving saving =
        saving_of("kill_sig = SIGUSR1\njob_max_vacate_time = 5 * 60\nkill_sig_timeout = 40\n");
    _cleanup_submit_saving_ struct submit_saving open =
        saving_of("job_max_vacate_time = TARGET.Cpus\n");

    (void)state;
    assert_int_equal(saving.kill_signal, 10);
    assert_true(saving.vacate_given);
    assert_int_equal(saving.vacate_ms, 40000);
    assert_false(open.vacate_given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_says_nothing_does_not_save_itself),
        cmocka_unit_test(a_code_and_its_files_make_a_checkpoint),
        cmocka_unit_test(a_program_may_die_of_a_signal_instead),
        cmocka_unit_test(what_is_no_exit_code_is_none),
        cmocka_unit_test(what_stands_there_as_an_attribute_counts),
        cmocka_unit_test(a_task_may_want_a_signal_and_less_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
