/* SPDX-License-Identifier: Apache-2.0 */
/* See process_table.h. */
#define _GNU_SOURCE
#include "process_table.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/number.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    STAT_SIZE = 1024,
    FLAG_FORK_NO_EXEC = 0x40, /* include/linux/sched.h, the same since Linux 2.6 */
    ROLLUP_SIZE = 4096,       /* some twenty lines */
    STATUS_SIZE_MAX = 64 * 1024,
    ENVIRONMENT_SIZE_MAX = 4 * 1024 * 1024,
    CHILDREN_SIZE_MAX = 1024 * 1024,
};

/* Files of /proc are made at the moment of the first read, so one read sees one moment. */
static ssize_t read_start(const char *path, char *text, size_t size)
{
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

    if (n >= 0)
        text[n] = '\0';
    return n;
}

/*
 * The name in the second field may hold anything, so the rest is read from its last ')' on. A child
 * that was waited for is in nobody's file any more, so its time is counted once.
 */
static bool read_process(pid_t pid, struct process *process)
{
    char path[32], text[STAT_SIZE];
    unsigned long long user, system, user_waited, system_waited;
    long ticks = sysconf(_SC_CLK_TCK);
    const char *rest;
    int parent;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (read_start(path, text, sizeof(text)) <= 0)
        return false;
    rest = strrchr(text, ')');
    *process = (struct process){.pid = pid};
    if (!rest ||
        sscanf(rest + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu",
               &process->state, &parent, &user, &system, &user_waited, &system_waited) != 6)
        return false;
    process->parent = parent;
    process->user_us = (user + user_waited) * 1000000 / (unsigned long long)ticks;
    process->system_us = (system + system_waited) * 1000000 / (unsigned long long)ticks;
    return true;
}

/*
 * A process may begin, end or get another parent while the folder is read. So the table is good for
 * sending signals again and again, and for sums; that nothing is left it cannot say.
 */
int process_table_read(struct process_table *table)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;

    if (!directory)
        return -errno;
    table->count = 0;
    while ((entry = readdir(directory))) {
        uint64_t pid;

        if (number_parse_u64(slice_from_text(entry->d_name), &pid) < 0)
            continue;
        array_reserve(table->items, table->capacity, table->count + 1);
        if (read_process((pid_t)pid, &table->items[table->count]))
            table->count++;
    }
    closedir(directory);
    return 0;
}

void process_table_deinit(struct process_table *table)
{
    free(table->items);
    *table = PROCESS_TABLE_INIT;
}

/* /proc lists processes by number, so the table can be searched by halves. */
const struct process *process_table_find(const struct process_table *table, pid_t pid)
{
    size_t low = 0, high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (table->items[middle].pid < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < table->count && table->items[low].pid == pid ? &table->items[low] : NULL;
}

/* Children mostly have higher numbers than their parents, so one or two rounds do. */
void process_table_mark_descendants(struct process_table *table)
{
    bool found;

    do {
        found = false;
        for (size_t i = 0; i < table->count; i++) {
            struct process *process = &table->items[i];
            const struct process *parent =
                process->marked ? NULL : process_table_find(table, process->parent);

            if (parent && parent->marked)
                process->marked = found = true;
        }
    } while (found);
}

/*
 * The area of the process's own memory in which execve() put its environment: it can write there
 * what it likes, and that of one that is ending is empty, its memory being gone already.
 */
char *process_read_variable(pid_t pid, const char *name)
{
    _cleanup_buffer_ struct buffer environment = BUFFER_INIT;
    size_t length = strlen(name);
    char path[32];

    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    if (file_read(path, ENVIRONMENT_SIZE_MAX, &environment, NULL) < 0)
        return NULL;
    for (size_t at = 0; at < environment.length; at += strlen(environment.data + at) + 1) {
        const char *variable = environment.data + at;

        if (strncmp(variable, name, length) == 0 && variable[length] == '=')
            return memory_copy_string(variable + length + 1);
    }
    return NULL;
}

/* ShdPnd is the set of the whole process, in which kill(2) puts a signal; SigPnd a thread's own. */
bool process_has_pending(pid_t pid, int signal)
{
    static const char field[] = "\nShdPnd:";
    _cleanup_buffer_ struct buffer status = BUFFER_INIT;
    char path[32];
    const char *at;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if (file_read(path, STATUS_SIZE_MAX, &status, NULL) < 0)
        return false;
    at = strstr(buffer_text(&status), field);
    return at && strtoull(at + strlen(field), NULL, 16) >> (signal - 1) & 1;
}

bool process_never_executed(pid_t pid)
{
    char path[32], text[STAT_SIZE];
    const char *rest;
    unsigned flags;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (read_start(path, text, sizeof(text)) <= 0)
        return false;
    rest = strrchr(text, ')');
    return rest && sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
           flags & FLAG_FORK_NO_EXEC;
}

struct process_memory process_measure_memory(pid_t pid)
{
    unsigned long long page = (unsigned long long)sysconf(_SC_PAGESIZE), resident, shared;
    char path[32], text[STAT_SIZE];

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    if (read_start(path, text, sizeof(text)) <= 0 ||
        sscanf(text, "%*u %llu %llu", &resident, &shared) != 2 || shared > resident)
        return (struct process_memory){0};
    return (struct process_memory){.resident = resident * page, .own = (resident - shared) * page};
}

/* The number of kilobytes behind "\nName:" in smaps_rollup; 0 if it is not there. */
static uint64_t find_kilobytes(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* The fields are there since Linux 5.1 (proc(5)); who may not trace the process may not read them.
 */
uint64_t process_measure_part(pid_t pid)
{
    char path[32], text[ROLLUP_SIZE];

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    if (read_start(path, text, sizeof(text)) <= 0 || !strstr(text, "\nPss_Anon:"))
        return process_measure_memory(pid).own;
    return (find_kilobytes(text, "\nPss_Anon:") + find_kilobytes(text, "\nPss_Shmem:")) * 1024;
}

static bool is_among(pid_t pid, const pid_t *pids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/*
 * The children of this thread, and the keeper has no other. proc(5) promises the whole list only if
 * nobody ends meanwhile; as a zombie a child stays in it, and all are reaped here alone.
 */
bool process_has_other_children(const pid_t *pids, size_t count)
{
    _cleanup_buffer_ struct buffer children = BUFFER_INIT;
    char path[64];
    const char *text;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    if (file_read(path, CHILDREN_SIZE_MAX, &children, NULL) < 0)
        return true;
    text = buffer_text(&children);
    for (int pid, length; sscanf(text, "%d%n", &pid, &length) == 1; text += length)
        if (!is_among(pid, pids, count))
            return true;
    return false;
}

void process_kill_other_children(const pid_t *pids, size_t count)
{
    struct process_table table = PROCESS_TABLE_INIT;

    process_table_read(&table);
    for (size_t i = 0; i < table.count; i++)
        if (table.items[i].parent == getpid() && !is_among(table.items[i].pid, pids, count))
            kill(table.items[i].pid, SIGKILL);
    process_table_deinit(&table);
}
