/* SPDX-License-Identifier: Apache-2.0 */
#include "core/match_fixture.h"

uint32_t fixture_node_class(struct matchmaker *matchmaker, const char *lines)
{
    uint32_t class = NONE;

    assert_int_equal(matchmaker_classify_node(matchmaker, slice_from_text(lines), &class), 0);
    assert_false(matchmaker_go_on(matchmaker, UINT64_MAX));
    return class;
}

void fixture_join_class(struct pool_fixture *fixture, uint32_t node, uint32_t class)
{
    fixture_join(fixture, node, 8);
    fixture_step(fixture, (struct pool_event){.kind = POOL_NODE_CHANGED,
                                              .changed = {.node = node, .node_class = class}});
}

uint32_t fixture_start(struct pool_fixture *fixture, uint32_t job, uint32_t job_class)
{
    struct pool_part part = {.count = 1, .request = {1, 1, 1}, .job_class = job_class};

    fixture_submit_parts(fixture, job, 0, false, &part, 1);
    if (fixture_count(fixture, POOL_SEND_START) == 0)
        return NONE;
    return fixture_find(fixture, POOL_SEND_START)->send.node;
}
