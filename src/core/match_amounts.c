/* SPDX-License-Identifier: Apache-2.0 */
/* See match_amounts.h. */
#include "core/match_amounts.h"

#include "base/buffer.h"
#include "base/memory.h"

/* Whether the brain sees to it already: a node has as much as is requested. */
static bool compares_amounts(struct slice condition)
{
    static const char *const texts[] = {"TARGET.Memory >= RequestMemory",
                                        "TARGET.Disk >= RequestDisk", "TARGET.Cpus >= RequestCpus",
                                        "TARGET.GPUs >= RequestGPUs"};

    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
        if (slice_equals_ignoring_case(condition, texts[i]))
            return true;
    return false;
}

/* Requirements under way without those conditions. */
struct rest_of_conditions {
    struct buffer text;
    size_t kept;
    size_t left_out;
};

static void keep_condition(void *user_data, const struct classad_node *condition)
{
    struct rest_of_conditions *rest = user_data;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    classad_node_print(condition, CLASSAD_NEW, &text);
    if (compares_amounts((struct slice){buffer_text(&text), text.length}))
        rest->left_out++;
    else
        buffer_appendf(&rest->text, "%s(%s)", rest->kept++ > 0 ? " && " : "", buffer_text(&text));
}

void match_leave_amounts_out(struct classad *ad)
{
    const struct classad_node *node = classad_get(ad, "Requirements");
    struct rest_of_conditions rest = {0};
    struct classad_failure failure;

    if (node)
        classad_node_walk_conditions(node, keep_condition, &rest);
    if (rest.kept == 0)
        classad_remove(ad, "Requirements");
    else if (rest.left_out > 0)
        (void)classad_set(ad, slice_from_text("Requirements"),
                          (struct slice){buffer_text(&rest.text), rest.text.length}, CLASSAD_NEW,
                          &failure);
    buffer_deinit(&rest.text);
}

bool match_is_request(const char *name)
{
    static const char *const names[] = {"RequestCpus", "RequestMemory", "RequestDisk",
                                        "RequestGPUs"};

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (slice_equals_ignoring_case(slice_from_text(name), names[i]))
            return true;
    return false;
}
