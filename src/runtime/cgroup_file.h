/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a control group: small texts such as "populated 1\nfrozen 0\n", whose size the
 * kernel bounds, so that they are read into fixed buffers. All return 0 or a negative errno.
 */
#pragma once

#include <stdint.h>

enum { CGROUP_FILE_SIZE = 4096 }; /* of the largest of them */

/* `folder` is the group's, also opened with O_PATH. */
int cgroup_file_write(int folder, const char *name, const char *text);
int cgroup_file_read(int folder, const char *name, char text[CGROUP_FILE_SIZE]);
/* From the beginning, however often it was read before. */
int cgroup_file_read_open(int fd, char text[CGROUP_FILE_SIZE]);
/* The number behind `name` in lines of "name number"; -ENOENT if there is no such line. */
int cgroup_file_find_number(const char *text, const char *name, uint64_t *ret_value);
/*
 * Calls back with each process of the group, not of groups below it. What is forked while the list
 * is read may be missing.
 */
int cgroup_file_each_process(int folder, void (*each)(void *context, int pid), void *context);

/*
 * Removes a group, with those that its task made below it where it was allowed to. They must be
 * empty; one that is not, or is missing, is left as it is.
 */
void cgroup_file_remove_group(int above, const char *name);
