/* SPDX-License-Identifier: Apache-2.0 */
#include "describing.h"

#include "base/test.h"
#include "lang/classad.h"

#include <errno.h>
#include <string.h>

static struct computer make_computer(void)
{
    return (struct computer){
        .cpus = 8,
        .memory_bytes = 16ULL << 30,
        .swap_bytes = 1ULL << 30,
        .kernel = (char *)"6.1.0",
        .glibc = (char *)"2.36",
        .hostname = (char *)"pc1.example",
        .platform = {.arch = (char *)"X86_64",
                     .opsys = (char *)"LINUX",
                     .name = (char *)"Ubuntu",
                     .long_name = (char *)"Ubuntu 22.04.3 LTS",
                     .versioned = (char *)"Ubuntu22",
                     .major = 22,
                     .minor = 4},
        .processor = {.model = (char *)"", .flags = (char *)"lm avx avx512f", .family = 6},
        .speed = {.mips = 20000, .kflops = 2000000},
    };
}

static void assert_value(const struct attributes *attributes, const char *name, const char *value)
{
    const char *there = attributes_get(attributes, name);

    if (!there || strcmp(there, value) != 0)
        fail_msg("%s is %s", name, there ? there : "absent");
}

static void a_node_is_described_in_the_words_of_htcondor(void **state)
{
    static const struct {
        const char *name, *value;
    } expected[] = {
        {"Arch", "\"X86_64\""},
        {"OpSys", "\"LINUX\""},
        {"OpSysAndVer", "\"Ubuntu22\""},
        {"OpSysMajorVer", "22"},
        {"OpSysVer", "2204"},
        {"OpSysLongName", "\"Ubuntu 22.04.3 LTS\""},
        {"Machine", "\"pc1.example\""},
        {"FileSystemDomain", "\"pc1.example\""},
        {"Name", "\"pc1\""},
        {"Cpus", "4"},
        {"DetectedCpus", "8"},
        {"Memory", "8192"},
        {"DetectedMemory", "16384"},
        {"Disk", "1024"},
        {"VirtualMemory", "17825792"},
        {"GPUs", "1"},
        {"TotalGPUs", "1"},
        {"DetectedGPUs", "\"GPU-1b, CUDA1\""},
        {"HasFileTransfer", "true"},
        {"HasSelfCheckpointTransfers", "true"},
        {"CondorVersion", "\"$CondorVersion: 23.9.0 dusk " DUSK_VERSION " $\""},
        {"Microarch", "\"x86_64-v1\""},
        {"has_avx", "true"},
        {"has_avx512f", "true"},
        {"CpuFamily", "6"},
        {"KFlops", "2000000"},
        {"Mips", "20000"},
        {"DaemonStartTime", "1700000000"},
    };
    static const char *const absent[] = {"has_avx2",     "CpuModel",  "CpuModelNumber",
                                         "KeyboardIdle", "HasDocker", "MemoryBandwidth"};
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;
    struct gpu gpus[] = {{.name = (char *)"CUDA0", .uuid = (char *)"GPU-1b"},
                         {.name = (char *)"CUDA1"}};
    struct computer computer = make_computer();

    (void)state;
    computer.gpus = (struct gpu_list){.items = gpus, .count = 2};
    describe_node(&(struct described){.computer = &computer,
                                      .capacity = {4, 8ULL << 30, 1 << 20, 1},
                                      .name = "pc1",
                                      .started_at = 1700000000.5},
                  &attributes);
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++)
        assert_value(&attributes, expected[i].name, expected[i].value);
    for (size_t i = 0; i < ARRAY_LENGTH(absent); i++)
        assert_null(attributes_get(&attributes, absent[i]));
}

static void the_clock_is_an_expression(void **state)
{
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;

    (void)state;
    describe_clock(-18000, &attributes);
    assert_value(&attributes, "ClockMin", "(time() + -18000) % 86400 / 60");
    assert_value(&attributes, "ClockDay", "((time() + -18000) / 86400 + 4) % 7");
}

static void a_load_that_is_not_known_is_not_told(void **state)
{
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;

    (void)state;
    describe_load(&(struct load){.all = 0.5, .tasks = -1}, &attributes);
    assert_value(&attributes, "LoadAvg", "0.50");
    assert_null(attributes_get(&attributes, "CondorLoadAvg"));
    describe_load(&(struct load){.all = -1, .tasks = 2}, &attributes);
    assert_value(&attributes, "TotalCondorLoadAvg", "2.00");
}

static void only_a_load_that_matters_is_worth_a_message(void **state)
{
    (void)state;
    assert_false(load_is_other(&(struct load){0.1, 0}, &(struct load){0.11, 0}));
    assert_false(load_is_other(&(struct load){0.1, 0}, &(struct load){0.3, 0.2}));
    assert_true(load_is_other(&(struct load){0.1, 0}, &(struct load){0.4, 0}));
    assert_false(load_is_other(&(struct load){8, 8}, &(struct load){9, 7}));
    assert_true(load_is_other(&(struct load){8, 8}, &(struct load){8, 5}));
    assert_true(load_is_other(&(struct load){-1, 0}, &(struct load){0, 0}));
    assert_false(load_is_other(&(struct load){-1, -1}, &(struct load){-1, -1}));
}

static int check(const char *name, const char *value, struct error *err)
{
    return describing_check(&(struct attribute){.name = (char *)name, .value = (char *)value}, err);
}

static void what_is_no_expression_is_told_before_it_is_published(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(check("A", "3 + (4", &err), -EINVAL);
    assert_non_null(strstr(error_text(&err), "the value of 'A' is no ClassAd expression: "));
    assert_string_equal(err.hint, "it was understood up to column 6 of '3 + (4'");
    assert_int_equal(check("A", "TARGET.B =?= \"C:\\dir\"", &err), 0);
}

static void what_is_described_are_expressions(void **state)
{
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;
    struct computer computer = make_computer();

    (void)state;
    computer.processor.model = (char *)"A \"model\" of C:\\ \\";
    describe_node(&(struct described){.computer = &computer, .name = "pc1"}, &attributes);
    describe_clock(-3600, &attributes);
    describe_load(&(struct load){1, 2}, &attributes);
    for (size_t i = 0; i < attributes.count; i++) {
        struct classad_expression *expression = NULL;
        struct classad_failure failure;

        if (classad_expression_parse(slice_from_text(attributes.items[i].value), CLASSAD_OLD,
                                     &expression, &failure) < 0)
            fail_msg("%s = %s: %s", attributes.items[i].name, attributes.items[i].value,
                     failure.message);
        classad_expression_free(expression);
    }
    assert_value(&attributes, "CpuModel", "\"A \\\"model\\\" of C:\\ ?\"");
}

static void what_the_pool_knows_itself_cannot_be_set(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(check("HasMatlab", "true", &err), 0);
    assert_int_equal(check("FileSystemDomain", "\"lab\"", &err), 0);
    assert_int_equal(check("CPUS", "3", &err), -EINVAL);
    assert_string_equal(err.hint, "what is lent is set by the key 'cpus'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_is_described_in_the_words_of_htcondor),
        cmocka_unit_test(the_clock_is_an_expression),
        cmocka_unit_test(a_load_that_is_not_known_is_not_told),
        cmocka_unit_test(only_a_load_that_matters_is_worth_a_message),
        cmocka_unit_test(what_is_no_expression_is_told_before_it_is_published),
        cmocka_unit_test(what_is_described_are_expressions),
        cmocka_unit_test(what_the_pool_knows_itself_cannot_be_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
