/* SPDX-License-Identifier: Apache-2.0 */
/* Where the agent of this computer listens for its owner. */
#pragma once

/*
 * `given`, else DUSK_AGENT_SOCKET, else the first that is there of those of the user's own agent
 * and of root's; if none is, the last. The caller frees it.
 */
char *agent_socket_find(const char *given);
