/* SPDX-License-Identifier: Apache-2.0 */
/* The tables, and the way from every older version of them to this one. */
#pragma once

#include "base/error.h"

#include <sqlite3.h>

/*
 * Makes the tables of an empty database or brings older ones up to date, each step in one
 * transaction. Returns -EPROTO if a newer dusk made them, -EBADMSG if it is no database of dusk's.
 */
int schema_prepare(sqlite3 *database, struct error *err);
