/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See keeper_failure.h. execve(2) says ENOENT both when the program is missing and when its
 * interpreter is, and ENOEXEC for a script without "#!" as for another machine's binary; so the
 * start of the file is looked at.
 */
#define _GNU_SOURCE
#include "keeper_failure.h"

#include "sys/descriptor.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_SIZE = 4096 };

/* Reads the start of a regular file and ends it with a NUL; empty if it cannot be read. */
static size_t read_head(const char *path, char head[HEAD_SIZE])
{
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;
    ssize_t n = 0;

    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        n = read(fd, head, HEAD_SIZE - 1);
    if (n < 0)
        n = 0;
    head[n] = '\0';
    return (size_t)n;
}

static bool is_elf(const char *head, size_t length)
{
    return length >= sizeof(Elf32_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0;
}

/* The name in the program header PT_INTERP of a 64-bit ELF file, or NULL. */
static const char *find_elf_interpreter(const char *head, size_t length)
{
    Elf64_Ehdr elf;

    if (length < sizeof(elf) || head[EI_CLASS] != ELFCLASS64)
        return NULL;
    memcpy(&elf, head, sizeof(elf));
    for (unsigned i = 0; i < elf.e_phnum; i++) {
        uint64_t at = elf.e_phoff + (uint64_t)i * sizeof(Elf64_Phdr);
        Elf64_Phdr segment;

        if (elf.e_phoff > length || at + sizeof(segment) > length)
            return NULL;
        memcpy(&segment, head + at, sizeof(segment));
        if (segment.p_type == PT_INTERP)
            return segment.p_offset < length ? head + segment.p_offset : NULL;
    }
    return NULL;
}

/* What the kernel would start for the program; empty if nothing is named. */
static struct slice find_interpreter(const char *head, size_t length)
{
    const char *name;

    if (is_elf(head, length))
        name = find_elf_interpreter(head, length);
    else if (length >= 2 && head[0] == '#' && head[1] == '!')
        name = head + 2 + strspn(head + 2, " \t");
    else
        name = NULL;
    return (struct slice){.data = name, .length = name ? strcspn(name, " \t\n") : 0};
}

static unsigned elf_machine(const char *head)
{
    unsigned first = (unsigned char)head[18], second = (unsigned char)head[19];

    return head[EI_DATA] == ELFDATA2MSB ? first << 8 | second : second << 8 | first;
}

#if defined(__x86_64__)
enum { MACHINE_HERE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE_HERE = EM_AARCH64 };
#else
enum { MACHINE_HERE = EM_NONE };
#endif

static void set_culprit(char culprit[KEEPER_CULPRIT_SIZE], struct slice text)
{
    size_t length =
        text.length < KEEPER_CULPRIT_SIZE ? text.length : (size_t)KEEPER_CULPRIT_SIZE - 1;

    memcpy(culprit, text.data, length);
    culprit[length] = '\0';
}

static const char *name_machine(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {
        {EM_386, "i386"},    {EM_X86_64, "x86_64"},   {EM_ARM, "arm"},
        {EM_PPC64, "ppc64"}, {EM_AARCH64, "aarch64"}, {EM_RISCV, "riscv"},
        {EM_S390, "s390"},   {EM_MIPS, "mips"},       {EM_LOONGARCH, "loongarch"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (names[i].machine == machine)
            return names[i].name;
    return "a machine unknown here";
}

enum keeper_step keeper_failure_explain(const char *program, int error,
                                        char ret_culprit[KEEPER_CULPRIT_SIZE])
{
    struct slice interpreter = {0};
    char head[HEAD_SIZE];
    size_t length = read_head(program, head);

    if (error == ENOEXEC && is_elf(head, length) && elf_machine(head) != MACHINE_HERE) {
        set_culprit(ret_culprit, slice_from_text(name_machine(elf_machine(head))));
        return KEEPER_STEP_ARCHITECTURE;
    }
    if ((error == ENOENT || error == EACCES) && access(program, X_OK) == 0)
        interpreter = find_interpreter(head, length);
    if (interpreter.length > 0) {
        set_culprit(ret_culprit, interpreter);
        if (access(ret_culprit, X_OK) < 0)
            return KEEPER_STEP_INTERPRETER;
    }
    set_culprit(ret_culprit, slice_from_text(program));
    return KEEPER_STEP_PROGRAM;
}

/* ---- in words ---- */

static int describe_program(const struct keeper_failure *failure, struct error *err)
{
    int r = error_set_errno(err, -failure->error, "cannot run '%s'", failure->path);

    if (failure->error == ENOENT)
        error_hint(err, "check the path: it must exist on the node, or be transferred there");
    else if (failure->error == EACCES)
        error_hint(err, "it must be a file with permission to execute: chmod +x");
    else if (failure->error == ENOEXEC)
        error_hint(err, "a script must begin with a line such as '#!/bin/sh', "
                        "a program must be complete and built for Linux");
    else if (failure->error == ETIMEDOUT)
        error_hint(err, "does it lie on a file server that does not answer?");
    else if (failure->error == E2BIG)
        error_hint(err, "arguments and environment are too long; put them into an input file");
    return r;
}

static int describe_interpreter(const struct keeper_failure *failure, struct error *err)
{
    size_t length = strlen(failure->path);

    if (length > 0 && failure->path[length - 1] == '\r') {
        error_set(err, -failure->error,
                  "cannot run the script: its first line ends in a carriage return");
        error_hint(err, "it was written on Windows; convert it with dos2unix");
        return -failure->error;
    }
    error_set_errno(err, -failure->error, "cannot run the program: it needs '%s'", failure->path);
    error_hint(err, "install that on the node, or name another in the first line of the script");
    return -failure->error;
}

static int describe_stream(const struct keeper_failure *failure, const char *what,
                           struct error *err)
{
    int r = error_set_errno(err, -failure->error, "cannot %s '%s'", what, failure->path);

    if (failure->error == ENXIO)
        error_hint(err, "it must be a plain file; a pipe or a device will not do");
    return r;
}

int keeper_failure_describe(const struct keeper_failure *failure, struct error *err)
{
    int code = -failure->error;

    switch (failure->step) {
    case KEEPER_STEP_FORK:
        return error_set_errno(err, code, "cannot make a process");
    case KEEPER_STEP_LIMITS:
        return error_set_errno(err, code, "cannot set the limits of the task");
    case KEEPER_STEP_CREDENTIALS:
        return error_set_errno(err, code, "cannot become the task's user");
    case KEEPER_STEP_FOLDER:
        return error_set_errno(err, code, "cannot enter the working folder '%s'", failure->path);
    case KEEPER_STEP_INPUT:
        return describe_stream(failure, "open the input", err);
    case KEEPER_STEP_OUTPUT:
        return describe_stream(failure, "create the output", err);
    case KEEPER_STEP_ERROR:
        return describe_stream(failure, "create the error output", err);
    case KEEPER_STEP_PROGRAM:
        return describe_program(failure, err);
    case KEEPER_STEP_INTERPRETER:
        return describe_interpreter(failure, err);
    case KEEPER_STEP_ARCHITECTURE:
        error_set_errno(err, code, "cannot run the program: it was built for %s", failure->path);
        error_hint(err, "ask for such nodes with requirements = (Arch == ...), or build it for "
                        "this one");
        return code;
    case KEEPER_STEP_CONTAINER:
        return error_set_errno(err, code, "cannot make the task's container: '%s'", failure->path);
    case KEEPER_STEP_KEY:
        return error_set(err, code, "the keeper has a task of that key already");
    case KEEPER_STEP_RESTORE:
        return error_set(err, code, "cannot go on from the checkpoint: %s", failure->path);
    }
    return error_set(err, code, "cannot start the task");
}
