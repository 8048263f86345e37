/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dusk deliver UID GID`, started by the server and by nobody else: becomes that user, with his
 * groups, and writes what standard input says until it ends. Each line is {"number", "files":
 * [{"from", "to", "mode", "folder"}], "append": [{"to", "text"}]}; the answer is {"number", "code",
 * "detail"}, where code is 0 or a negative errno.
 */
#pragma once

int deliver_main(int argc, char **argv);
