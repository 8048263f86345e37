/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See exit_code.h. Scripts branch on these numbers: they never change their meaning, and the text
 * below, which `dusk help exit-codes` prints, changes together with them.
 */
#include "exit_code.h"

enum exit_code exit_code_of(int failure)
{
    if (failure == FAILURE_HELP_SHOWN)
        return EXIT_CODE_OK;
    if (failure == FAILURE_USAGE)
        return EXIT_CODE_USAGE;
    if (failure == FAILURE_NO_SERVER)
        return EXIT_CODE_NO_SERVER;
    if (failure == FAILURE_NOT_FOUND)
        return EXIT_CODE_NOT_FOUND;
    if (failure == FAILURE_NOT_ALLOWED)
        return EXIT_CODE_NOT_ALLOWED;
    if (failure == FAILURE_TIMEOUT)
        return EXIT_CODE_TIMEOUT;
    return EXIT_CODE_FAILED;
}

const char exit_code_help[] =
    "Every command of dusk ends with one of these codes:\n"
    "\n"
    "    0  done; for 'wait' and 'submit --wait': all tasks are Completed,\n"
    "       whatever exit codes the tasks themselves had\n"
    "    1  failed; for 'wait' and 'submit --wait': a task was Removed, or all\n"
    "       that are left are Held and go on only when somebody acts\n"
    "    2  the command line is wrong\n"
    "    3  no server was reached\n"
    "    4  there is no such job, task, node or token\n"
    "    5  not allowed\n"
    "  124  the time given with --timeout is over\n"
    "\n"
    "'dusk run' ends as its program does: with its exit code, or with 128 and\n"
    "the number of the signal that ended it. 126: the program is not executable;\n"
    "127: there is none. What goes wrong beside it has the codes above.\n";
