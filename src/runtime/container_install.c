/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dusk-init as it lies in this binary (container_main.c), written where it is to be found. It is
 * replaced as a whole, so nobody executes half of it; who runs an older one goes on with that.
 */
#define _GNU_SOURCE
#include "container.h"

#include "base/buffer.h"
#include "container_install_version.h"
#include "sys/file.h"

#include <string.h>

enum { FOLDER_MODE = 0755, PROGRAM_MODE = 0755 };

#define AS_TEXT_(word) #word
#define AS_TEXT(word)  AS_TEXT_(word)

/* The program itself, put here by the assembler (meson.build says where it lies). */
__asm__(".section .rodata\n"
        ".global container_init_program, container_init_program_end\n"
        "container_init_program:\n"
        ".incbin \"" CONTAINER_INIT_FILE "\"\n"
        "container_init_program_end:\n"
        ".previous\n");
extern const char container_init_program[], container_init_program_end[];

const char *container_init_version(void)
{
    return AS_TEXT(CONTAINER_INIT_HASH);
}

/* What processes 1 of an agent before us execute stays the file that it is. */
static bool is_there(const char *path, size_t length)
{
    _cleanup_buffer_ struct buffer content = BUFFER_INIT;

    return file_read(path, length, &content, NULL) == 0 && content.length == length &&
           memcmp(content.data, container_init_program, length) == 0;
}

int container_install_init(const char *folder, struct error *err)
{
    size_t length = (size_t)(container_init_program_end - container_init_program);
    _cleanup_free_ char *path = file_join(folder, CONTAINER_INIT + 1);
    _cleanup_free_ char *parent = file_join(folder, ".dusk");
    int r = file_make_folders(parent, FOLDER_MODE, err);

    if (r < 0 || is_there(path, length))
        return r;
    return file_replace(path, container_init_program, length, PROGRAM_MODE, false, err);
}
