/* SPDX-License-Identifier: Apache-2.0 */
/* The one binary: hands the command line to cli/, which knows all commands. */
int main(void)
{
    return 0;
}
