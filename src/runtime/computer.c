/* SPDX-License-Identifier: Apache-2.0 */
/* See computer.h: facts from /proc, /sys and os-release, and a short own benchmark. */
#define _GNU_SOURCE
#include "computer.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/number.h"
#include "cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { SMALL_FILE_MAX = 1 << 20, SPEED_US = 25000 };

/* The value behind "KEY" and its separator in a file of lines, without quotes; "" if absent. */
static char *find_value(const char *path, const char *key, char separator)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    size_t length = strlen(key);
    char *rest = NULL;

    if (file_read(path, SMALL_FILE_MAX, &text, NULL) < 0)
        return memory_copy_string("");
    for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *value = strchr(line, separator);
        struct slice trimmed;

        if (!value || strncmp(line, key, length) != 0 ||
            strspn(line + length, " \t") != (size_t)(value - line) - length)
            continue;
        trimmed = slice_trim(slice_from_text(value + 1));
        if (trimmed.length >= 2 && trimmed.data[0] == '"') {
            trimmed.data++;
            trimmed.length -= 2;
        }
        return slice_copy(trimmed);
    }
    return memory_copy_string("");
}

/* A single number in a file, as cgroups have them; `otherwise` for "max" and for no file. */
static uint64_t read_number(const char *path, uint64_t otherwise)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    uint64_t number;

    if (file_read(path, SMALL_FILE_MAX, &text, NULL) < 0 ||
        number_parse_u64(slice_from_text(buffer_text(&text)), &number) < 0)
        return otherwise;
    return number;
}

static unsigned count_cpus(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    return (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

static uint64_t measure_memory(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Lowers the figures to what one control group allows: "max" or a number, "QUOTA PERIOD". */
static void apply_group(const char *group, struct computer *computer)
{
    _cleanup_free_ char *memory_path = file_join(group, "memory.max");
    _cleanup_free_ char *cpu_path = file_join(group, "cpu.max");
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    uint64_t memory = read_number(memory_path, UINT64_MAX), quota, period;

    if (memory < computer->memory_bytes)
        computer->memory_bytes = memory;
    if (file_read(cpu_path, SMALL_FILE_MAX, &text, NULL) < 0 ||
        sscanf(buffer_text(&text), "%" SCNu64 " %" SCNu64, &quota, &period) != 2 || period == 0)
        return;
    if (quota / period < computer->cpus)
        computer->cpus = quota / period > 0 ? (unsigned)(quota / period) : 1;
}

/* A group is held by the limits of all groups above it as well. */
static void apply_groups(struct computer *computer)
{
    _cleanup_free_ char *mount = NULL, *group = cgroup_find_own(&mount);
    char *slash;

    if (!group)
        return;
    for (size_t top = strlen(mount); strlen(group) > top; *slash = '\0') {
        apply_group(group, computer);
        slash = strrchr(group, '/');
        if (!slash)
            return;
    }
}

static char *describe_architecture(const char *machine)
{
    /* HTCondor's name for it; the others are as uname has them. */
    return memory_copy_string(strcmp(machine, "x86_64") == 0 ? "X86_64" : machine);
}

/* "debian" and "12" make "Debian12". */
static char *describe_distribution(void)
{
    _cleanup_free_ char *id = find_value("/etc/os-release", "ID", '=');
    _cleanup_free_ char *version = find_value("/etc/os-release", "VERSION_ID", '=');
    struct buffer name = BUFFER_INIT;

    if (id[0] == '\0')
        return memory_copy_string("Unknown");
    if (id[0] >= 'a' && id[0] <= 'z')
        id[0] = (char)(id[0] - 'a' + 'A');
    version[strcspn(version, ".")] = '\0';
    buffer_appendf(&name, "%s%s", id, version);
    return buffer_take(&name);
}

/* Cards that come and go with a cable or a dock say nothing of the computer. */
static bool is_built_in(const char *card)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    _cleanup_free_ char *device = NULL;

    buffer_appendf(&path, "/sys/class/net/%s/device", card);
    device = realpath(path.data, NULL);
    return card[0] != '.' && device && !strstr(device, "/usb");
}

/* The lowest address of a card that is built in; "" if there is none. */
static char *lowest_network_address(void)
{
    char *lowest = memory_copy_string("");
    DIR *cards = opendir("/sys/class/net");
    const struct dirent *card;

    while (cards && (card = readdir(cards))) {
        _cleanup_buffer_ struct buffer path = BUFFER_INIT, address = BUFFER_INIT;

        if (!is_built_in(card->d_name))
            continue;
        buffer_appendf(&path, "/sys/class/net/%s/address", card->d_name);
        if (file_read(path.data, SMALL_FILE_MAX, &address, NULL) < 0 || address.length == 0)
            continue;
        if (lowest[0] == '\0' || strcmp(address.data, lowest) < 0) {
            free(lowest);
            lowest = buffer_take(&address);
        }
    }
    if (cards)
        closedir(cards);
    return lowest;
}

/*
 * What the firmware calls this computer, which only root may read, or else an address: disks are
 * cloned with their machine-id.
 */
static void append_hardware(struct buffer *text)
{
    _cleanup_free_ char *address = NULL;

    if (file_read("/sys/class/dmi/id/product_uuid", SMALL_FILE_MAX, text, NULL) == 0)
        return;
    address = lowest_network_address();
    buffer_append_text(text, address);
}

/* The file systems whose number is made of what is written on the disk, or else nothing. */
static void append_file_system(const char *folder, struct buffer *text)
{
    struct statfs status;

    if (statfs(folder, &status) == 0 &&
        (status.f_type == EXT4_SUPER_MAGIC || status.f_type == BTRFS_SUPER_MAGIC))
        buffer_appendf(text, "%x-%x", (unsigned)status.f_fsid.__val[0],
                       (unsigned)status.f_fsid.__val[1]);
}

/* The device's number has no part in it: it is another when disks are found in another order. */
static int make_fingerprint(const char *state_folder, char ret_text[HASH_TEXT_SIZE],
                            struct error *err)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct stat status;

    if (stat(state_folder, &status) < 0)
        return error_set_errno(err, -errno, "cannot look at '%s'", state_folder);
    (void)file_read("/etc/machine-id", SMALL_FILE_MAX, &text, NULL);
    buffer_append_character(&text, '|');
    append_hardware(&text);
    buffer_append_character(&text, '|');
    append_file_system(state_folder, &text);
    buffer_appendf(&text, "|%ju", (uintmax_t)status.st_ino);
    hash_bytes(text.data, text.length, ret_text);
    return 0;
}

/* Each of these does a known amount of work until its time is over, and says how much a second. */

static uint64_t per_second(uint64_t work, uint64_t begun_us)
{
    uint64_t passed_us = clock_boot_us() - begun_us;

    return work * 1000000 / (passed_us ? passed_us : 1);
}

/* Xorshift steps (Marsaglia 2003): shifts and xors, each waiting for the one before. */
static uint64_t measure_integer(void)
{
    uint64_t begun_us = clock_boot_us(), x = 88172645463325252ULL, steps = 0;
    volatile uint64_t sink;

    while (clock_boot_us() - begun_us < SPEED_US)
        for (int i = 0; i < 10000; i++, steps++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
    sink = x;
    (void)sink;
    return per_second(steps, begun_us) / 1000000;
}

/* The inner loop of LINPACK (Dongarra 1979): y += a * x, two operations an element. */
static uint64_t measure_floating(void)
{
    enum { LENGTH = 1000 };
    static double x[LENGTH], y[LENGTH];
    uint64_t begun_us = clock_boot_us(), operations = 0;
    volatile double sink;

    for (int i = 0; i < LENGTH; i++)
        x[i] = 1.0 / (i + 1);
    while (clock_boot_us() - begun_us < SPEED_US)
        for (int k = 0; k < 20; k++, operations += 2 * LENGTH)
            for (int i = 0; i < LENGTH; i++)
                y[i] += 1e-9 * x[i];
    sink = y[LENGTH / 2];
    (void)sink;
    return per_second(operations, begun_us) / 1000;
}

static uint64_t measure_copying(void)
{
    enum { SIZE = 8 << 20 };
    _cleanup_free_ char *from = memory_allocate(SIZE);
    _cleanup_free_ char *to = memory_allocate(SIZE);
    uint64_t begun_us, bytes = 0;

    memset(from, 1, SIZE);
    memset(to, 2, SIZE);
    begun_us = clock_boot_us();
    while (clock_boot_us() - begun_us < SPEED_US) {
        memcpy(to, from, SIZE);
        /* So that no compiler concludes that nobody reads it. */
        from[bytes % SIZE] = to[SIZE - 1];
        bytes += SIZE;
    }
    return per_second(bytes, begun_us) >> 20;
}

/* STATE/speed is "INTEGER FLOATING MEMORY CPU MODEL", so that a new processor is measured anew. */
static bool read_speed(const char *path, const char *model, struct computer_speed *ret_speed)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct computer_speed speed;
    int end = 0;

    if (file_read(path, SMALL_FILE_MAX, &text, NULL) < 0 ||
        sscanf(buffer_text(&text), "%" SCNu64 " %" SCNu64 " %" SCNu64 " %n", &speed.integer,
               &speed.floating, &speed.memory_mb, &end) != 3 ||
        !slice_equals(slice_trim(slice_from_text(text.data + end)), model))
        return false;
    *ret_speed = speed;
    return true;
}

static void find_speed(const char *state_folder, struct computer *computer)
{
    _cleanup_free_ char *path = file_join(state_folder, "speed");
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct computer_speed *speed = &computer->speed;

    if (read_speed(path, computer->cpu_model, speed))
        return;
    speed->integer = measure_integer();
    speed->floating = measure_floating();
    speed->memory_mb = measure_copying();
    buffer_appendf(&text, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", speed->integer,
                   speed->floating, speed->memory_mb, computer->cpu_model);
    /* Measured again next time if it cannot be kept. */
    (void)file_replace(path, text.data, text.length, 0644, false, NULL);
}

int computer_measure_disk(const char *folder, uint64_t *ret_bytes, struct error *err)
{
    struct statvfs status;

    if (statvfs(folder, &status) < 0)
        return error_set_errno(err, -errno, "cannot measure the disk of '%s'", folder);
    *ret_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return 0;
}

int computer_detect(const char *state_folder, struct computer *ret_computer, struct error *err)
{
    struct computer computer = {.cpus = count_cpus(), .memory_bytes = measure_memory()};
    struct utsname names;
    int r;

    apply_groups(&computer);
    r = computer_measure_disk(state_folder, &computer.disk_free_bytes, err);
    if (r == 0)
        r = make_fingerprint(state_folder, computer.fingerprint, err);
    if (r < 0)
        return r;
    if (uname(&names) < 0)
        return error_set_errno(err, -errno, "cannot ask for the kernel's name");
    computer.architecture = describe_architecture(names.machine);
    computer.system = memory_copy_string("LINUX");
    computer.distribution = describe_distribution();
    computer.kernel = memory_copy_string(names.release);
    computer.hostname = memory_copy_string(names.nodename);
    computer.cpu_model = find_value("/proc/cpuinfo", "model name", ':');
    find_speed(state_folder, &computer);
    *ret_computer = computer;
    return 0;
}

void computer_deinit(struct computer *computer)
{
    free(computer->architecture);
    free(computer->system);
    free(computer->distribution);
    free(computer->kernel);
    free(computer->hostname);
    free(computer->cpu_model);
    *computer = COMPUTER_INIT;
}
