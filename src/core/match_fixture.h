/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the matchmaker, beside those of the pool: nodes of a class, and who starts
 * there. */
#pragma once

#include "core/match.h"
#include "core/pool_fixture.h"

/* The class of a node with these attributes, when all of it is compared. */
uint32_t fixture_node_class(struct matchmaker *matchmaker, const char *lines);
/* A large node of that class. */
void fixture_join_class(struct pool_fixture *fixture, uint32_t node, uint32_t class);
/* Submits a task of that class; where it is started, or NONE. */
uint32_t fixture_start(struct pool_fixture *fixture, uint32_t job, uint32_t job_class);
