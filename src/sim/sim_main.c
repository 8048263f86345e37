/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"
#include <stdlib.h>
#include <string.h>
int sim_main(int argc, char **argv)
{
    uint64_t a = strtoull(argv[1], 0, 10), b = argc > 2 ? strtoull(argv[2], 0, 10) : a;
    for (uint64_t s = a; s <= b; s++) {
        struct sim_options o = sim_options_usual(s);
        if (argc > 3)
            o.trace = stdout;
        struct sim_result r = sim_run(&o);
        if (a == b || s % 100 == 0)
            printf("seed %lu digest %lx results %lu computed %lu started %lu crashes %lu/%lu msgs "
                   "%lu steps %lu virt %lus\n",
                   s, r.digest, r.results, r.computed, r.started, r.server_crashes, r.agent_crashes,
                   r.messages, r.steps, r.virtual_ms / 1000);
    }
    return 0;
}
