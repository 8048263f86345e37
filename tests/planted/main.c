/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator alone, for programs in which a bug is planted. */
#include "sim/sim_main.h"

int main(int argc, char **argv)
{
    return sim_main(argc, argv);
}
