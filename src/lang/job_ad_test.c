/* SPDX-License-Identifier: Apache-2.0 */
/* What condor_submit 23.9 makes of each command; whole files stand in submit_corpus_test.c. */
#include "lang/job_ad.h"
#include "lang/submit_fixture.h"

#include <string.h>

static const struct job_origin origin = {.folder = "/w",
                                         .user = "ann",
                                         .arch = "X86_64",
                                         .operating_system = "LINUX",
                                         .file_system_domain = "here"};

/* The ad of the first task of a text. */
struct described {
    struct submit *submit;
    struct submit_task task;
    struct job_ad ad;
};

static void describe(struct described *described, uint64_t process)
{
    submit_task_init(&described->task);
    job_ad_init(&described->ad);
    fixture_expand(described->submit, process, &described->task);
    job_ad_fill(&described->ad, described->submit, &described->task, &origin);
}

static void describe_task(struct described *described, const char *text, uint64_t process)
{
    described->submit = fixture_parse(text, NULL);
    describe(described, process);
}

static void described_deinit(struct described *described)
{
    job_ad_deinit(&described->ad);
    submit_task_deinit(&described->task);
    submit_free(described->submit);
}

/* Checks attributes: name, expression (NULL: not there), name, ... up to a NULL name. */
static void assert_attributes(const char *lines, const char *const (*expected)[2], size_t count)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_(described_deinit) struct described described;

    buffer_appendf(&text, "executable = x\n%squeue\n", lines);
    describe_task(&described, buffer_text(&text), 0);
    for (size_t i = 0; i < count; i++) {
        const char *value = job_ad_find(&described.ad, expected[i][0]);

        if (!value || !expected[i][1])
            assert_ptr_equal(value, expected[i][1]);
        else
            assert_string_equal(value, expected[i][1]);
    }
}

#define ASSERT_ATTRIBUTES(lines, ...)                                                              \
    do {                                                                                           \
        static const char *const expected_[][2] = {__VA_ARGS__};                                   \
        assert_attributes((lines), expected_, ARRAY_LENGTH(expected_));                            \
    } while (0)

static void a_task_that_says_nothing_has_htcondors_defaults(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES(
        "", {"ClusterId", "17"}, {"ProcId", "0"}, {"JobUniverse", "5"}, {"Cmd", "\"/w/x\""},
        {"Arguments", "\"\""}, {"Args", NULL}, {"Environment", "\"\""}, {"Iwd", "\"/w\""},
        {"In", "\"/dev/null\""}, {"TransferIn", "false"}, {"StreamOut", NULL},
        {"ShouldTransferFiles", "\"IF_NEEDED\""}, {"WhenToTransferOutput", "\"ON_EXIT\""},
        {"FileSystemDomain", "\"here\""}, {"RequestCpus", "1"}, {"RequestDisk", "DiskUsage"},
        {"RequestMemory",
         "ifthenelse(MemoryUsage =!= undefined,MemoryUsage,(ImageSize + 1023) / 1024)"},
        {"Rank", "0.0"}, {"JobPrio", "0"}, {"JobStatus", "1"}, {"LeaveJobInQueue", "false"},
        {"UserLog", NULL}, {"OnExitRemove", NULL},
        {"Requirements",
         "(TARGET.Arch == \"X86_64\") && (TARGET.OpSys == \"LINUX\") && (TARGET.Disk >= "
         "RequestDisk) && (TARGET.Memory >= RequestMemory) && ((TARGET.FileSystemDomain == "
         "MY.FileSystemDomain) || (TARGET.HasFileTransfer))"});
}

static void arguments_are_kept_in_the_syntax_they_came_in(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES("arguments = a   \\\"b\\\" 'c'\n", {"Args", "\"a \\\"b\\\" 'c'\""},
                      {"Arguments", NULL});
    ASSERT_ATTRIBUTES("arguments = \"a 'b  c' '' 'it''s' \"\"d\"\"\"\n",
                      {"Arguments", "\"a b'  'c '' it''''s \\\"d\\\"\""}, {"Args", NULL});
    ASSERT_ATTRIBUTES("arguments2 = \"one two\"\n", {"Arguments", "\"one two\""});
    ASSERT_ATTRIBUTES("e =\narguments = $(e) $(e)\n", {"Args", "\"\""}, {"Arguments", NULL});
}

static void the_environment_is_in_the_order_of_its_names(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES("environment = B=1;A=x y\n", {"Environment", "\"A=x' 'y B=1\""},
                      {"Env", NULL});
    ASSERT_ATTRIBUTES("env = B=1;A=2\n", {"Env", "\"A=2;B=1\""}, {"EnvDelim", "\";\""},
                      {"Environment", NULL});
    ASSERT_ATTRIBUTES("env = \"B=1 A=2\"\n", {"Environment", "\"A=2 B=1\""}, {"Env", NULL});
}

static void paths_count_from_where_htcondor_counts_them(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES("initialdir = sub//dir\nlog = a/b.log\noutput = o\n", {"Cmd", "\"/w/x\""},
                      {"Iwd", "\"/w/sub/dir\""}, {"UserLog", "\"/w/sub/dir/a/b.log\""},
                      {"Out", "\"o\""}, {"StreamOut", "false"}, {"TransferOut", NULL});
    ASSERT_ATTRIBUTES("transfer_executable = false\n", {"Cmd", "\"x\""},
                      {"TransferExecutable", "false"});
}

static void sizes_are_whole_megabytes_and_kilobytes(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES("request_memory = 1.5G\nrequest_disk = 20GB\n", {"RequestMemory", "1536"},
                      {"RequestDisk", "20971520"});
    ASSERT_ATTRIBUTES("request_memory = 1500K\nrequest_disk = 100\n", {"RequestMemory", "2"},
                      {"RequestDisk", "100"});
    ASSERT_ATTRIBUTES("request_memory = 2*1024\nrequest_disk = undefined\n",
                      {"RequestMemory", "2*1024"}, {"RequestDisk", NULL});
    ASSERT_ATTRIBUTES("request_memory = 1\nrequest_cpus = 2\nrequirements = Arch == \"arm\"\n",
                      {"Requirements",
                       "(Arch == \"arm\") && (TARGET.OpSys == \"LINUX\") && (TARGET.Disk >= "
                       "RequestDisk) && (TARGET.Cpus >= RequestCpus) && ((TARGET.FileSystemDomain "
                       "== MY.FileSystemDomain) || (TARGET.HasFileTransfer))"});
}

#define PLATFORM "(TARGET.Arch == \"X86_64\") && (TARGET.OpSys == \"LINUX\")"
#define MACHINE  " && (TARGET.Disk >= RequestDisk) && (TARGET.Memory >= RequestMemory)"
#define DOMAIN_OR(transfer)                                                                        \
    " && ((TARGET.FileSystemDomain == MY.FileSystemDomain) || (" transfer "))"

static void what_the_user_asks_about_is_not_asked_again(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES("requirements = TARGET.OpSysAndVer == \"Debian12\" && Cpus > 3\n"
                      "request_cpus = 2\n",
                      {"Requirements",
                       "(TARGET.OpSysAndVer == \"Debian12\" && Cpus > 3) && (TARGET.Arch == "
                       "\"X86_64\")" MACHINE DOMAIN_OR("TARGET.HasFileTransfer")});
    ASSERT_ATTRIBUTES("requirements = FileSystemDomain == \"a\"\n",
                      {"Requirements", "(FileSystemDomain == \"a\") && " PLATFORM MACHINE
                                       " && (TARGET.HasFileTransfer)"});
    ASSERT_ATTRIBUTES("requirements = HasFileTransfer\n",
                      {"Requirements", "(HasFileTransfer) && " PLATFORM MACHINE});
    ASSERT_ATTRIBUTES("requirements = a\n+Requirements = b\n", {"Requirements", "b"});
}

static void resources_are_asked_for_by_name(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES("request_GPUS = 2\nrequest_Zeta = 3\nrequest_alpha = \"x.*\"\n"
                      "request_none = 0\nrequest_flag = true\nshould_transfer_files = no\n",
                      {"RequestGPUs", "2"}, {"RequestZeta", "3"}, {"Requestalpha", "\"x.*\""},
                      {"Requestflag", "true"}, {"WhenToTransferOutput", NULL},
                      {"Requirements",
                       PLATFORM MACHINE " && regexp(Requestalpha,TARGET.alpha) && (TARGET.GPUs >= "
                                        "RequestGPUs) && (TARGET.Zeta >= RequestZeta) && "
                                        "(TARGET.FileSystemDomain == MY.FileSystemDomain)"});
    ASSERT_ATTRIBUTES("request_gpus = undefined\n", {"RequestGPUs", NULL});
    ASSERT_ATTRIBUTES("request_gpus = 0\n", {"RequestGPUs", "0"},
                      {"Requirements", PLATFORM MACHINE DOMAIN_OR("TARGET.HasFileTransfer")});
    /* An attribute of a node cannot begin with a digit. */
    ASSERT_ATTRIBUTES("request_6memory = 1\n+Request6disk = 1\n", {"Request6memory", NULL},
                      {"Request6disk", "1"},
                      {"Requirements", PLATFORM MACHINE DOMAIN_OR("TARGET.HasFileTransfer")});
    ASSERT_ATTRIBUTES("request_gpus = 1\nrequire_gpus = A || B\ngpus_minimum_memory = 4G\n"
                      "gpus_minimum_capability = 7.5\ngpus_minimum_runtime = 12.1\n",
                      {"GPUsMinMemory", "4096"}, {"GPUsMinRuntime", "12010"},
                      {"RequireGPUs",
                       "(A || B) && Capability >= GPUsMinCapability && GlobalMemoryMb >= "
                       "GPUsMinMemory && MaxSupportedVersion >= GPUsMinRuntime"},
                      {"Requirements",
                       PLATFORM MACHINE " && (countMatches(MY.RequireGPUs,TARGET.AvailableGPUs) >= "
                                        "RequestGPUs)" DOMAIN_OR("TARGET.HasFileTransfer")});
}

/* Dusk's agents tell how many GPUs a node has, and not what these can do. */
static void what_is_matched_trusts_nodes_that_do_not_tell_of_their_gpus(void **state)
{
    static const char text[] =
        "executable = x\nrequest_gpus = 1\nrequire_gpus = Capability > 8\ncuda_version = 12\n"
        "requirements = Arch == OpSys && HasFileTransfer\nqueue\n";
    struct job_origin trusting = origin;
    _cleanup_(described_deinit) struct described described;

    (void)state;
    trusting.trusts_silent_nodes = true;
    describe_task(&described, text, 0);
    assert_string_equal(job_ad_find(&described.ad, "Requirements"),
                        "(Arch == OpSys && HasFileTransfer)" MACHINE
                        " && (countMatches(MY.RequireGPUs,TARGET.AvailableGPUs) >= RequestGPUs)"
                        " && CUDAVersion <= TARGET.CUDAMaxSupportedVersion");
    job_ad_fill(&described.ad, described.submit, &described.task, &trusting);
    assert_string_equal(job_ad_find(&described.ad, "Requirements"),
                        "(Arch == OpSys && HasFileTransfer)" MACHINE
                        " && (TARGET.GPUs >= RequestGPUs) && (TARGET.AvailableGPUs =?= undefined ||"
                        " countMatches(MY.RequireGPUs,TARGET.AvailableGPUs) >= RequestGPUs)"
                        " && (TARGET.CUDAMaxSupportedVersion =?= undefined || CUDAVersion <= "
                        "TARGET.CUDAMaxSupportedVersion)");
}

static void each_way_to_fetch_is_asked_for(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES(
        "transfer_input_files = a, https://h/b, osdf:///c, HTTPS://h/d\n"
        "transfer_output_remaps = \"e = s3://f/g; h = i\"\n",
        {"TransferInput", "\"a,https://h/b,osdf:///c,HTTPS://h/d\""},
        {"WantTransferPluginMethods", "\"https,osdf,s3\""},
        {"Requirements", PLATFORM MACHINE DOMAIN_OR(
                             "TARGET.HasFileTransfer && "
                             "stringListIMember(\"https\",TARGET.HasFileTransferPluginMethods) && "
                             "stringListIMember(\"osdf\",TARGET.HasFileTransferPluginMethods) && "
                             "stringListIMember(\"s3\",TARGET.HasFileTransferPluginMethods)")});
}

static void tries_are_one_condition(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES("max_retries = 3\n", {"JobMaxRetries", "3"}, {"OnExitHold", "false"},
                      {"OnExitRemove", "NumJobCompletions > JobMaxRetries || ExitCode =?= 0"});
    ASSERT_ATTRIBUTES("success_exit_code = 4\nretry_until = 7\non_exit_remove = a ? b : c\n",
                      {"JobMaxRetries", "2"}, {"JobSuccessExitCode", "4"},
                      {"OnExitRemove",
                       "NumJobCompletions > JobMaxRetries || ExitCode =?= JobSuccessExitCode || "
                       "ExitCode =?= 7 || (a ? b : c)"});
    ASSERT_ATTRIBUTES("on_exit_remove = ExitCode == 0\n", {"OnExitRemove", "ExitCode == 0"},
                      {"JobMaxRetries", NULL}, {"OnExitHold", NULL});
}

static void other_commands_are_attributes_of_their_form(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES(
        "rank = Mips\nconcurrency_limits = B:2, a\nkill_sig = 10\nnotification = Error\n"
        "description = say \"hi\"\nemail_attributes = a, b c\nstream_output = yes\noutput = o\n"
        "job_max_vacate_time = 5 * 60\nmax_transfer_input_mb = 7\nbatch_name = \"night\"\n"
        "accounting_group = g\nexpected_duration = 1500ms\n",
        {"ExpectedDuration", "2"}, {"Rank", "Mips"}, {"ConcurrencyLimits", "\"a,b:2\""},
        {"KillSig", "\"SIGUSR1\""}, {"JobNotification", "3"},
        {"JobDescription", "\"say \\\"hi\\\"\""}, {"EmailAttributes", "\"a,b,c\""},
        {"StreamOut", "true"}, {"JobMaxVacateTime", "5 * 60"}, {"MaxTransferInputMB", "7"},
        {"JobBatchName", "\"night\""}, {"AcctGroup", "\"g\""}, {"AcctGroupUser", "\"ann\""},
        {"AccountingGroup", "\"g.ann\""});
    ASSERT_ATTRIBUTES(
        "priority = 2 * 5 - 1\nstream_error = 1 > 2\nerror = e\ncore_size = 2 * 512\n",
        {"JobPrio", "9"}, {"StreamErr", "false"}, {"CoreSize", "1024"});
    ASSERT_ATTRIBUTES("hold = true\npreferences = Memory\nerase_output_and_error_on_restart = no\n",
                      {"JobStatus", "5"}, {"HoldReasonCode", "15"}, {"Rank", "Memory"},
                      {"DontAppend", "false"});
}

static void custom_attributes_overrule_all_but_the_numbers(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES("+Rank = 5\nMY.Mine = {1, \"a\"}\n+Empty =\n+ProcId = 9\n", {"Rank", "5"},
                      {"Mine", "{1, \"a\"}"}, {"Empty", "undefined"}, {"ProcId", "0"});
}

static void images_are_described(void **state)
{
    (void)state;
    ASSERT_ATTRIBUTES("container_image = img/debian.sif\n", {"WantContainer", "true"},
                      {"WantSIF", "true"}, {"ContainerImage", "\"debian.sif\""},
                      {"ContainerImageSource", "\"cedar\""},
                      {"TransferInput", "\"img/debian.sif\""});
    ASSERT_ATTRIBUTES("container_image = docker://a/b\n", {"WantDockerImage", "true"},
                      {"ContainerImage", "\"docker://a/b\""},
                      {"ContainerImageSource", "\"docker\""}, {"TransferInput", NULL});
    ASSERT_ATTRIBUTES("container_image = /cvmfs/x/\ntransfer_container = false\n",
                      {"WantSandboxImage", "true"}, {"ContainerImage", "\"/cvmfs/x/\""},
                      {"ContainerImageSource", "\"local\""});
    ASSERT_ATTRIBUTES(
        "universe = docker\ndocker_image = a\ndocker_network_type = lab\n", {"WantDocker", "true"},
        {"DockerImage", "\"a\""},
        {"Requirements",
         "(TARGET.Arch == \"X86_64\") && TARGET.HasDocker && "
         "StringListMember(My.DockerNetworkType,TARGET.DockerNetworks)" MACHINE DOMAIN_OR(
             "TARGET.HasFileTransfer")});
}

static void the_server_sees_the_same_attributes(void **state)
{
    static const char text[] = "Executable = x\nenv = A=1;B=$ENV(HOME)\nREQUEST_Licences = 2\n"
                               "Preferences = Mips\n+MixedCase = $(Process)\n"
                               "image_size = 7M\nqueue 3\n";
    struct submit_options options = {.world = &fixture_world};
    _cleanup_submit_ struct submit *submit = fixture_parse(text, &options);
    _cleanup_(described_deinit) struct described here, there;
    _cleanup_buffer_ struct buffer frozen = BUFFER_INIT;

    (void)state;
    submit_freeze(submit, &frozen);
    here.submit = fixture_parse(text, &options);
    there.submit = fixture_parse(buffer_text(&frozen), NULL);
    describe(&here, 2);
    describe(&there, 2);
    assert_int_equal(here.ad.count, there.ad.count);
    for (size_t i = 0; i < here.ad.count; i++) {
        assert_string_equal(here.ad.items[i].name, there.ad.items[i].name);
        assert_string_equal(here.ad.items[i].expression, there.ad.items[i].expression);
        assert_int_equal(here.ad.items[i].varies, there.ad.items[i].varies);
    }
    assert_non_null(job_ad_find(&there.ad, "Env"));
    assert_string_equal(job_ad_find(&there.ad, "RequestLicences"), "2");
}

/* The names of the attributes that may differ between tasks, in the ad's order. */
static void assert_varying(const char *lines, const char *expected)
{
    _cleanup_buffer_ struct buffer names = BUFFER_INIT;
    _cleanup_(described_deinit) struct described described;

    describe_task(&described, lines, 1);
    for (size_t i = 0; i < described.ad.count; i++)
        if (described.ad.items[i].varies)
            buffer_appendf(&names, "%s%s", names.length > 0 ? " " : "", described.ad.items[i].name);
    assert_string_equal(buffer_text(&names), expected);
}

static void what_may_differ_between_tasks_is_said(void **state)
{
    (void)state;
    assert_varying("executable = x\narguments = $(Process)\nqueue 3\n", "ProcId Args");
    assert_varying("executable = x\nrequest_cpus = $(Process) + 1\n+Mine = $(Process)\n"
                   "rank = $(Step)\nqueue 3\n",
                   "ProcId RequestCpus Rank Mine Requirements");
    assert_varying("executable = x\nrequest_gpus = $(g)\nqueue g in (1, 2)\n",
                   "ProcId RequestGPUs Requirements");
    assert_varying("executable = x\nqueue\nqueue\n", "");
    assert_varying("executable = x\nmax_retries = $(n)\nqueue n in (0, 2)\n",
                   "ProcId JobMaxRetries OnExitRemove OnExitHold JobSuccessExitCode");
    /* Task 1 has neither of them, and says that others may. */
    assert_varying(
        "executable = x\nbatch_name = $(b)\nlog = $(b)\nqueue n, b from (\na night\nb\n)\n",
        "ProcId JobBatchName UserLog");
    /* Files are fetched in the same way whatever their names are; addresses are not. */
    assert_varying("executable = x\nname = $(n).$(Process)\n"
                   "transfer_input_files = in/$(name), b\nqueue n in (a, b)\n",
                   "ProcId TransferInput");
    assert_varying("executable = x\ntransfer_input_files = $(n)\nqueue n in (a, s3://b)\n",
                   "ProcId TransferInput WantTransferPluginMethods Requirements");
    assert_varying("executable = x\ns = s3\ntransfer_input_files = $(s):$(n)\n"
                   "queue n in (a, //b)\n",
                   "ProcId TransferInput WantTransferPluginMethods Requirements");
    assert_varying("executable = x\nimage_size = $(n)\nqueue n in (1M, 2M)\n",
                   "ProcId RequestMemory ImageSize Requirements");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_that_says_nothing_has_htcondors_defaults),
        cmocka_unit_test(arguments_are_kept_in_the_syntax_they_came_in),
        cmocka_unit_test(the_environment_is_in_the_order_of_its_names),
        cmocka_unit_test(paths_count_from_where_htcondor_counts_them),
        cmocka_unit_test(sizes_are_whole_megabytes_and_kilobytes),
        cmocka_unit_test(what_the_user_asks_about_is_not_asked_again),
        cmocka_unit_test(resources_are_asked_for_by_name),
        cmocka_unit_test(what_is_matched_trusts_nodes_that_do_not_tell_of_their_gpus),
        cmocka_unit_test(each_way_to_fetch_is_asked_for),
        cmocka_unit_test(tries_are_one_condition),
        cmocka_unit_test(other_commands_are_attributes_of_their_form),
        cmocka_unit_test(custom_attributes_overrule_all_but_the_numbers),
        cmocka_unit_test(images_are_described),
        cmocka_unit_test(the_server_sees_the_same_attributes),
        cmocka_unit_test(what_may_differ_between_tasks_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
