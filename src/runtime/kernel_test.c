/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/test.h"
#include "kernel.h"
#include "sys/missing_call.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_kernel_that_has_it_all_is_taken(void **state)
{
    (void)state;
    assert_int_equal(kernel_check(NULL), 0);
}

static void an_older_one_is_refused_and_the_reason_said(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0)
        _exit(missing_call(SYS_openat2) && kernel_check(&err) == -ENOSYS &&
                      strstr(error_text(&err), "this kernel (Linux ") &&
                      strstr(error_text(&err), ") refuses openat2(2): Function not implemented") &&
                      strstr(err.hint, "Linux 5.6")
                  ? EXIT_SUCCESS
                  : EXIT_FAILURE);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, EXIT_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_that_has_it_all_is_taken),
        cmocka_unit_test(an_older_one_is_refused_and_the_reason_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
