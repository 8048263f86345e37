/* SPDX-License-Identifier: Apache-2.0 */
/* See computer.h: facts from /proc, /sys and os-release. */
#define _GNU_SOURCE
#include "computer.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/number.h"
#include "cgroup.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { SMALL_FILE_MAX = 1 << 20 };

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

static uint64_t measure_swap(void)
{
    struct sysinfo info;

    return sysinfo(&info) == 0 ? (uint64_t)info.totalswap * info.mem_unit : 0;
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

/* What cannot be read is empty, and so is what is found in it. */
static char *read_text(const char *path)
{
    struct buffer text = BUFFER_INIT;

    (void)file_read(path, SMALL_FILE_MAX, &text, NULL);
    return buffer_take(&text);
}

static void describe_software(struct computer *computer)
{
    _cleanup_free_ char *cpuinfo = read_text("/proc/cpuinfo");

    platform_read(&computer->platform);
    processor_read(cpuinfo, &computer->processor);
    computer->glibc = memory_copy_string(gnu_get_libc_version());
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

/*
 * STATE/speed is "2: MIPS KFLOPS MEMORY CPU MODEL", so that a new processor is measured anew; 2 is
 * the way of measuring.
 */
static bool read_speed(const char *path, const char *model, struct speed *ret_speed)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct speed speed;
    int end = 0;

    if (file_read(path, SMALL_FILE_MAX, &text, NULL) < 0 ||
        sscanf(buffer_text(&text), "2: %" SCNu64 " %" SCNu64 " %" SCNu64 " %n", &speed.mips,
               &speed.kflops, &speed.memory_mb, &end) != 3 ||
        !slice_equals(slice_trim(slice_from_text(text.data + end)), model))
        return false;
    *ret_speed = speed;
    return true;
}

static void find_speed(const char *state_folder, struct computer *computer)
{
    _cleanup_free_ char *path = file_join(state_folder, "speed");
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct speed *speed = &computer->speed;

    if (read_speed(path, computer->processor.model, speed))
        return;
    *speed = speed_measure();
    buffer_appendf(&text, "2: %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", speed->mips, speed->kflops,
                   speed->memory_mb, computer->processor.model);
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
    computer.kernel = memory_copy_string(names.release);
    computer.hostname = memory_copy_string(names.nodename);
    computer.swap_bytes = measure_swap();
    gpu_list_find(&computer.gpus, "");
    describe_software(&computer);
    find_speed(state_folder, &computer);
    *ret_computer = computer;
    return 0;
}

void computer_deinit(struct computer *computer)
{
    free(computer->glibc);
    platform_deinit(&computer->platform);
    processor_deinit(&computer->processor);
    gpu_list_deinit(&computer->gpus);
    free(computer->kernel);
    free(computer->hostname);
    *computer = COMPUTER_INIT;
}
