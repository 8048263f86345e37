/* SPDX-License-Identifier: Apache-2.0 */
/* See describing.h. A value that is too long to be one is left out, as if it were not known. */
#include "describing.h"

#include "base/memory.h"
#include "lang/classad.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

enum { SHOWN_MAX = 60 };
enum { MB_SHIFT = 20, KB_SHIFT = 10 };
enum { DAY_S = 86400, MINUTE_S = 60, DAYS = 7, FIRST_DAY = 4 }; /* 1970 began on a Thursday */

/* HTCondor's START policies count from 0.3 on, and its own machines keep the load of a minute. */
static const double load_step = 0.25, load_step_relative = 0.25;

static void add_number(struct attributes *attributes, const char *name, uint64_t number)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    buffer_appendf(&text, "%" PRIu64, number);
    (void)attributes_set(attributes, name, text.data, NULL);
}

/* 0 stands for what is not known. */
static void add_known_number(struct attributes *attributes, const char *name, uint64_t number)
{
    if (number > 0)
        add_number(attributes, name, number);
}

static void add_known_text(struct attributes *attributes, const char *name, const char *text)
{
    if (text && *text)
        (void)attributes_set_text(attributes, name, text, NULL);
}

static void add_real(struct attributes *attributes, const char *name, double number)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    buffer_appendf(&text, "%.2f", number);
    (void)attributes_set(attributes, name, text.data, NULL);
}

static void describe_system(const struct computer *computer, struct attributes *attributes)
{
    const struct platform *platform = &computer->platform;

    add_known_text(attributes, "Arch", platform->arch);
    add_known_text(attributes, "OpSys", platform->opsys);
    add_known_text(attributes, "OpSysLegacy", platform->opsys);
    add_known_text(attributes, "OpSysName", platform->name);
    add_known_text(attributes, "OpSysShortName", platform->name);
    add_known_text(attributes, "OpSysLongName", platform->long_name);
    add_known_text(attributes, "OpSysAndVer", platform->versioned);
    add_number(attributes, "OpSysMajorVer", platform->major);
    add_number(attributes, "OpSysVer", platform_version(platform));
    add_known_text(attributes, "UtsnameRelease", computer->kernel);
    add_known_text(attributes, "GlibcVersion", computer->glibc);
}

static void describe_processor(const struct processor *processor, struct attributes *attributes)
{
    /* Those that HTCondor tells. */
    static const char *const flags[] = {"avx",     "avx2",   "avx512_vnni", "avx512dq",
                                        "avx512f", "sse4_1", "sse4_2",      "ssse3"};

    add_known_text(attributes, "CpuModel", processor->model);
    add_known_number(attributes, "CpuFamily", processor->family);
    add_known_number(attributes, "CpuModelNumber", processor->model_number);
    add_known_number(attributes, "CpuCacheSize", processor->cache_kb);
    add_known_text(attributes, "Microarch", processor_level(processor));
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        _cleanup_buffer_ struct buffer name = BUFFER_INIT;

        buffer_appendf(&name, "has_%s", flags[i]);
        if (processor_has(processor, flags[i]))
            (void)attributes_set(attributes, name.data, "true", NULL);
    }
}

/* HTCondor has a number where it names none. */
static void describe_gpus(const struct gpu_list *gpus, struct attributes *attributes)
{
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;

    for (size_t i = 0; i < gpus->count; i++)
        buffer_appendf(&names, "%s%s", i > 0 ? ", " : "",
                       gpus->items[i].uuid ? gpus->items[i].uuid : gpus->items[i].name);
    if (gpus->count > 0)
        add_known_text(attributes, "DetectedGPUs", names.data);
    else
        add_number(attributes, "DetectedGPUs", 0);
}

/* Total is what is lent, Detected what is there; how much of it is free is the server's to know. */
static void describe_size(const struct described *node, struct attributes *attributes)
{
    const struct computer *computer = node->computer;

    add_number(attributes, "Cpus", node->capacity.cpus);
    add_number(attributes, "TotalCpus", node->capacity.cpus);
    add_number(attributes, "DetectedCpus", computer->cpus);
    add_number(attributes, "Memory", node->capacity.memory >> MB_SHIFT);
    add_number(attributes, "TotalMemory", node->capacity.memory >> MB_SHIFT);
    add_number(attributes, "DetectedMemory", computer->memory_bytes >> MB_SHIFT);
    add_number(attributes, "Disk", node->capacity.disk >> KB_SHIFT);
    add_number(attributes, "TotalDisk", node->capacity.disk >> KB_SHIFT);
    add_number(attributes, "VirtualMemory",
               (computer->memory_bytes + computer->swap_bytes) >> KB_SHIFT);
    add_number(attributes, "TotalVirtualMemory",
               (computer->memory_bytes + computer->swap_bytes) >> KB_SHIFT);
    add_number(attributes, "TotalSwap", computer->swap_bytes >> KB_SHIFT);
    add_number(attributes, "GPUs", node->capacity.gpus);
    add_number(attributes, "TotalGPUs", node->capacity.gpus);
    describe_gpus(&computer->gpus, attributes);
    add_known_number(attributes, "Mips", computer->speed.mips);
    add_known_number(attributes, "KFlops", computer->speed.kflops);
    add_known_number(attributes, "MemoryBandwidth", computer->speed.memory_mb);
}

/* Nodes share no files until an admin says so; then they share a domain's name. */
void describe_node(const struct described *node, struct attributes *attributes)
{
    static const char *const abilities[] = {"HasFileTransfer", "HasReconnect",
                                            "HasSelfCheckpointTransfers", "PartitionableSlot"};
    static const char *const images[] = {"HasContainer", "HasSandboxImage", "HasDocker"};
    const char *host = node->computer->hostname;

    (void)attributes_set_text(attributes, "MyType", "Machine", NULL);
    (void)attributes_set_text(attributes, "SlotType", "Partitionable", NULL);
    add_known_text(attributes, "Name", node->name);
    add_known_text(attributes, "Machine", host);
    add_known_text(attributes, "FileSystemDomain", host);
    add_known_text(attributes, "UidDomain", host);
    add_known_text(attributes, "DuskVersion", DUSK_VERSION);
    /* What the submit language is that of; requirements look at it. */
    add_known_text(attributes, "CondorVersion", "$CondorVersion: 23.9.0 dusk " DUSK_VERSION " $");
    add_known_number(attributes, "DaemonStartTime", (uint64_t)node->started_at);
    for (size_t i = 0; i < ARRAY_LENGTH(abilities); i++)
        (void)attributes_set(attributes, abilities[i], "true", NULL);
    add_known_text(attributes, "Runtime", node->is_contained ? "container" : "process");
    /* HTCondor's names for those that run images, which are trees of files here. */
    for (size_t i = 0; node->is_contained && i < ARRAY_LENGTH(images); i++)
        (void)attributes_set(attributes, images[i], "true", NULL);
    add_known_text(attributes, "Network", node->has_network ? "full" : "none");
    describe_system(node->computer, attributes);
    describe_processor(&node->computer->processor, attributes);
    describe_size(node, attributes);
}

void describe_clock(int32_t utc_offset_seconds, struct attributes *attributes)
{
    _cleanup_buffer_ struct buffer minute = BUFFER_INIT, day = BUFFER_INIT;

    buffer_appendf(&minute, "(time() + %d) %% %d / %d", utc_offset_seconds, DAY_S, MINUTE_S);
    buffer_appendf(&day, "((time() + %d) / %d + %d) %% %d", utc_offset_seconds, DAY_S, FIRST_DAY,
                   DAYS);
    (void)attributes_set(attributes, "ClockMin", minute.data, NULL);
    (void)attributes_set(attributes, "ClockDay", day.data, NULL);
}

/* ---- the load ---- */

/* HTCondor tells the keyboards of terminals from that of the console; sources are both. */
void describe_idle(uint64_t seconds, struct attributes *attributes)
{
    add_number(attributes, "KeyboardIdle", seconds);
    add_number(attributes, "ConsoleIdle", seconds);
}

void describe_load(const struct load *load, struct attributes *attributes)
{
    if (load->all >= 0) {
        add_real(attributes, "LoadAvg", load->all);
        add_real(attributes, "TotalLoadAvg", load->all);
    }
    if (load->tasks >= 0) {
        add_real(attributes, "CondorLoadAvg", load->tasks);
        add_real(attributes, "TotalCondorLoadAvg", load->tasks);
    }
}

static bool is_other(double told, double now)
{
    double step = fmax(load_step, told * load_step_relative);

    return (told < 0) != (now < 0) || (now >= 0 && fabs(now - told) >= step);
}

bool load_is_other(const struct load *told, const struct load *now)
{
    return is_other(told->all, now->all) || is_other(told->tasks, now->tasks);
}

/* ---- what others may not set ---- */

static int check_name(const char *name, struct error *err)
{
    static const struct {
        const char *name, *hint;
    } owned[] = {
        {"Cpus", "what is lent is set by the key 'cpus'"},
        {"Memory", "what is lent is set by the key 'memory'"},
        {"Disk", "what is lent is set by the key 'disk'"},
        {"GPUs", "what is lent is set by the key 'gpus'"},
        {"Name", "a node's name is set by the key 'name'"},
        {"State", "the server knows it"},
        {"Activity", "the server knows it"},
        {"LastHeardFrom", "the server knows it"},
        {"AttributeScriptError", "the agent says there how the script went"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(owned); i++)
        if (slice_equals_ignoring_case(slice_from_text(name), owned[i].name)) {
            error_set(err, -EINVAL, "the attribute '%s' cannot be set", owned[i].name);
            error_hint(err, "%s", owned[i].hint);
            return -EINVAL;
        }
    return 0;
}

int describing_check(const struct attribute *attribute, struct error *err)
{
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    struct classad_failure failure = {0};
    int r = check_name(attribute->name, err);

    if (r < 0)
        return r;
    r = classad_expression_parse(slice_from_text(attribute->value), CLASSAD_OLD, &expression,
                                 &failure);
    if (r < 0) {
        error_set(err, -EINVAL, "the value of '%s' is no ClassAd expression: %s", attribute->name,
                  failure.message);
        error_hint(err, "it was understood up to column %td of '%.*s'",
                   failure.at - attribute->value, SHOWN_MAX, attribute->value);
    }
    return r < 0 ? -EINVAL : 0;
}
