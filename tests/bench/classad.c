/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classad COUNT: evaluates the requirements that HTCondor writes for an ordinary task so many times
 * against ads of nodes with sixty attributes each, and prints "evaluations per second". Beside it,
 * what one lookup of a name in such an ad takes.
 */
#include "lang/classad.h"
#include "sys/clock.h"

#include <stdio.h>
#include <stdlib.h>

static const char requirements[] =
    "(TARGET.Arch == \"X86_64\") && (TARGET.OpSys == \"LINUX\") && (TARGET.Disk >= RequestDisk) && "
    "(TARGET.Memory >= RequestMemory) && ((TARGET.FileSystemDomain == MY.FileSystemDomain) || "
    "(TARGET.HasFileTransfer))";

enum { NODE_COUNT = 64, OTHER_COUNT = 54 };

static struct classad *make_node(int number)
{
    struct classad *node = classad_new();
    char name[32];

    classad_set_string(node, "Arch", slice_from_text("X86_64"));
    classad_set_string(node, "OpSys", slice_from_text("LINUX"));
    classad_set_integer(node, "Disk", 100000 + number);
    classad_set_integer(node, "Memory", 1024 + number);
    classad_set_string(node, "FileSystemDomain", slice_from_text("pool"));
    classad_set_boolean(node, "HasFileTransfer", true);
    for (int i = 0; i < OTHER_COUNT; i++) {
        (void)snprintf(name, sizeof(name), "Attribute%d", i);
        classad_set_integer(node, name, i);
    }
    return node;
}

static struct classad *make_task(void)
{
    struct classad *task = classad_new();
    struct classad_failure failure;

    classad_set_integer(task, "RequestDisk", 1024);
    classad_set_integer(task, "RequestMemory", 1040);
    classad_set_string(task, "FileSystemDomain", slice_from_text("elsewhere"));
    if (classad_set(task, slice_from_text("Requirements"), slice_from_text(requirements),
                    CLASSAD_OLD, &failure) < 0)
        abort();
    return task;
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 3000000, matches = 0, start, spent_us;
    _cleanup_classad_evaluator_ struct classad_evaluator evaluator = CLASSAD_EVALUATOR_INIT;
    _cleanup_classad_ struct classad *task = make_task();
    struct classad *nodes[NODE_COUNT];
    const struct classad_node *expression = classad_get(task, "Requirements");

    for (int i = 0; i < NODE_COUNT; i++)
        nodes[i] = make_node(i);
    start = clock_boot_us();
    for (uint64_t i = 0; i < count; i++) {
        struct classad_value value =
            classad_evaluate(&evaluator, expression, task, nodes[i % NODE_COUNT]);

        matches += value.type == CLASSAD_BOOLEAN && value.boolean;
    }
    spent_us = clock_boot_us() - start;
    printf("%.0f evaluations/s, %.0f %% true\n", (double)count * 1e6 / (double)spent_us,
           100.0 * (double)matches / (double)count);
    for (int i = 0; i < NODE_COUNT; i++)
        classad_free(nodes[i]);
    return 0;
}
