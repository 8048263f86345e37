/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/submit_fixture.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

/* The first task of a text; the caller deinitialises it, and the submit outlives it. */
static struct submit *first_task(const char *text, struct submit_task *task)
{
    struct submit *submit = fixture_parse(text, NULL);

    submit_task_init(task);
    fixture_expand(submit, 0, task);
    return submit;
}

static void a_task_that_says_nothing_gets_the_defaults(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("executable = run\nqueue", &task);
    assert_string_equal(task.executable, "run");
    assert_true(task.transfer_executable);
    assert_string_equal(task.arguments_text, "");
    assert_int_equal(task.arguments.count, 0);
    assert_int_equal(task.environment.count, 0);
    assert_null(task.input);
    assert_null(task.output);
    assert_null(task.error);
    assert_null(task.log);
    assert_null(task.initialdir);
    assert_int_equal(task.should_transfer_files, SUBMIT_TRANSFER_IF_NEEDED);
    assert_int_equal(task.when_to_transfer_output, SUBMIT_TRANSFER_ON_EXIT);
    assert_false(task.transfer_output_given);
    assert_int_equal(task.request_cpus, 1);
    assert_int_equal(task.request_memory_bytes, 128 * 1024 * 1024);
    assert_int_equal(task.request_disk_bytes, 16 * 1024 * 1024);
    assert_false(task.hold);
    assert_int_equal(task.priority, 0);
    assert_int_equal(task.expected_duration_ms, 0);
    assert_int_equal(task.max_retries, 0);
    assert_null(task.batch_name);
    assert_int_equal(task.attribute_count, 0);
    submit_task_deinit(&task);
}

static void every_command_reaches_its_task(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("Universe = Vanilla\n"
                        "EXECUTABLE = /bin/sh\n"
                        "transfer_executable = NO\n"
                        "arguments = \"-c 'echo hi'\"\n"
                        "environment = \"A=1 B='x y'\"\n"
                        "initialdir = run$(Process)\n"
                        "input = in.txt\noutput = out.txt\nerror = err.txt\nlog = the.log\n"
                        "should_transfer_files = yes\n"
                        "when_to_transfer_output = on_exit_or_evict\n"
                        "transfer_input_files = a, b/c ,, d e\n"
                        "transfer_output_files =\n"
                        "transfer_output_remaps = \"a = b; c=d/$(Process)\"\n"
                        "request_cpus = 4\nrequest_memory = 1.5G\nrequest_disk = 2048\n"
                        "expected_duration = 1.5h\n"
                        "hold = true\npriority = -5\nmax_retries = 3\nbatch_name = night run\n"
                        "+Project = \"x\"\nMY.Other = 1 + $(Process)\n+project = \"y\"\n"
                        "queue\n",
                        &task);
    assert_string_equal(task.executable, "/bin/sh");
    assert_false(task.transfer_executable);
    assert_string_equal(task.arguments_text, "\"-c 'echo hi'\"");
    ASSERT_LIST(task.arguments, "-c", "echo hi");
    ASSERT_LIST(task.environment, "A=1", "B=x y");
    assert_string_equal(task.initialdir, "run0");
    assert_string_equal(task.input, "in.txt");
    assert_string_equal(task.output, "out.txt");
    assert_string_equal(task.error, "err.txt");
    assert_string_equal(task.log, "the.log");
    assert_int_equal(task.should_transfer_files, SUBMIT_TRANSFER_YES);
    assert_int_equal(task.when_to_transfer_output, SUBMIT_TRANSFER_ON_EXIT_OR_EVICT);
    ASSERT_LIST(task.transfer_input, "a", "b/c", "d e");
    assert_true(task.transfer_output_given);
    assert_int_equal(task.transfer_output.count, 0);
    assert_int_equal(task.remap_count, 2);
    assert_string_equal(task.remaps[0].from, "a");
    assert_string_equal(task.remaps[0].to, "b");
    assert_string_equal(task.remaps[1].to, "d/0");
    assert_int_equal(task.request_cpus, 4);
    assert_int_equal(task.request_memory_bytes, 1536ULL * 1024 * 1024);
    assert_int_equal(task.request_disk_bytes, 2048 * 1024);
    assert_true(task.hold);
    assert_int_equal(task.priority, -5);
    assert_int_equal(task.expected_duration_ms, 5400000);
    assert_int_equal(task.max_retries, 3);
    assert_string_equal(task.batch_name, "night run");
    assert_int_equal(task.attribute_count, 2);
    assert_string_equal(task.attributes[0].name, "Project");
    assert_string_equal(task.attributes[0].expression, "\"y\"");
    assert_string_equal(task.attributes[1].name, "Other");
    assert_string_equal(task.attributes[1].expression, "1 + 0");
    submit_task_deinit(&task);
}

static void other_spellings_count_only_if_the_first_is_missing(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("executable = x\nargs = $(env)\nenv = 5\narguments = a $(args)\n"
                        "environment = A=1\nqueue\n",
                        &task);
    assert_string_equal(task.arguments_text, "a 5");
    ASSERT_LIST(task.environment, "A=1");
    submit_task_deinit(&task);
}

static void names_with_separators_are_remapped_behind_a_backslash(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("executable = x\n"
                        "transfer_output_remaps = \"a\\=b = c\\;d ; e = f=g\\h; i\\\\ = j\"\n"
                        "queue\n",
                        &task);
    assert_int_equal(task.remap_count, 3);
    assert_string_equal(task.remaps[0].from, "a=b");
    assert_string_equal(task.remaps[0].to, "c;d");
    assert_string_equal(task.remaps[1].to, "f=g\\h");
    assert_string_equal(task.remaps[2].from, "i\\\\");
    submit_task_deinit(&task);
}

static void two_quotes_are_an_empty_list_of_outputs(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("executable = x\ntransfer_output_files = \"\"\nqueue\n", &task);
    assert_true(task.transfer_output_given);
    assert_int_equal(task.transfer_output.count, 0);
    submit_task_deinit(&task);
}

static void a_byte_order_mark_is_no_part_of_the_text(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("\xef\xbb\xbf"
                        "executable = x\nqueue\n",
                        &task);
    assert_string_equal(task.executable, "x");
    submit_task_deinit(&task);
}

static void memory_counts_in_megabytes_and_disk_in_kilobytes(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("executable = x\nrequest_memory = 2*1024\nrequest_disk = 3 * 10\nqueue\n",
                        &task);
    assert_int_equal(task.request_memory_bytes, 2048ULL * 1024 * 1024);
    assert_int_equal(task.request_disk_bytes, 30 * 1024);
    submit_task_deinit(&task);
}

static void getenv_takes_variables_from_the_submitter(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL, *named = NULL, *except = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("executable = x\ngetenv = true\nenvironment = A=1;HOME=/\nqueue\n", &task);
    ASSERT_LIST(task.environment, "HOME=/", "LANG=C $(Process) \"x\\", "A=1");
    submit_task_deinit(&task);
    named = first_task("executable = x\ngetenv = NONE, LANG\nqueue\n", &task);
    ASSERT_LIST(task.environment, "LANG=C $(Process) \"x\\");
    submit_task_deinit(&task);
    except = first_task("executable = x\ngetenv = *, !L*\nqueue\n", &task);
    ASSERT_LIST(task.environment, "HOME=/h/u");
    submit_task_deinit(&task);
}

static void lines_may_continue_and_end_in_any_way(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("# comment \\\r\n"
                        "\t executable\t=x\r\n"
                        "arguments = a \\  \r\n"
                        "   b\\\r\n"
                        "# between\r\n"
                        "\tc \\\r\n"
                        "\r\n"
                        "output = \\\r\n"
                        "\r\n"
                        "queue 2",
                        &task);
    ASSERT_LIST(task.arguments, "a", "bc");
    assert_null(task.output);
    assert_int_equal(submit_task_count(submit), 2);
    submit_task_deinit(&task);
}

static void the_command_line_may_set_and_append(void **state)
{
    static const char *const settings[] = {"n=4", "out=o"};
    static const char *const appended[] = {"arguments = $(arguments) more", "output = $(out)"};
    static const char *const queue[] = {"queue $(n)"};
    const struct submit_options both = {
        .settings = settings, .setting_count = 2, .appended = appended, .appended_count = 2};
    const struct submit_options alone = {
        .settings = settings, .setting_count = 1, .appended = queue, .appended_count = 1};
    _cleanup_submit_ struct submit *submit = NULL, *queued = NULL;
    _cleanup_free_ char *error = NULL;
    struct submit_task task;

    (void)state;
    submit = fixture_parse("executable = x\narguments = some\nqueue $(n)\nqueue", &both);
    assert_int_equal(submit_task_count(submit), 5);
    submit_task_init(&task);
    fixture_expand(submit, 4, &task);
    assert_string_equal(task.arguments_text, "some more");
    assert_string_equal(task.output, "o");
    submit_task_deinit(&task);
    queued = fixture_parse("executable = x\n", &alone);
    assert_int_equal(submit_task_count(queued), 4);
    error = fixture_error("executable = x\nqueue\n", &alone);
    assert_string_equal(error, "appended line:1:1: the submit file has a queue statement already\n"
                               "queue $(n)\n^");
}

static void wrong_values_are_errors_with_a_place(void **state)
{
    (void)state;
    ASSERT_ERROR("executable = x\nrequest_memory = a lot\nqueue\n",
                 "x.sub:2:20: request_memory: expected an operator or the end here\n"
                 "request_memory = a lot\n                   ^\n"
                 "hint: write a number with a unit, such as 512MB or 2GB, or an expression whose "
                 "value is a number");
    ASSERT_ERROR("executable = x\nrequest_disk = \"much\"\nqueue\n",
                 "x.sub:2:16: request_disk: '\"much\"' is not a size\n"
                 "request_disk = \"much\"\n               ^\n"
                 "hint: write a number with a unit, such as 512MB or 2GB, or an expression whose "
                 "value is a number");
    ASSERT_ERROR("executable = x\nrequest_cpus = $(Process)\nqueue 2\n",
                 "x.sub:2:16: request_cpus: '0' is not a number of cores (in task 0)\n"
                 "request_cpus = $(Process)\n               ^");
    ASSERT_ERROR("executable = x\nrequest_cpus = -1\nqueue\n",
                 "x.sub:2:16: request_cpus: '-1' is not a number of cores\n"
                 "request_cpus = -1\n               ^");
    ASSERT_ERROR("executable = x\nrequest_gpus = -1\nqueue\n",
                 "x.sub:2:16: request_gpus: '-1' is not a number of GPUs\n"
                 "request_gpus = -1\n               ^");
    ASSERT_ERROR("executable = x\nrequest_cpus = 1e300\nqueue\n",
                 "x.sub:2:16: request_cpus: '1e300' is not a number of cores\n"
                 "request_cpus = 1e300\n               ^");
    ASSERT_ERROR("executable = x\nrequest_cpus = $(2 - $(Process))\nqueue 3\n",
                 "x.sub:2:16: request_cpus: '0' is not a number of cores (in task 2)\n"
                 "request_cpus = $(2 - $(Process))\n               ^");
    ASSERT_ERROR("executable = x\nhold = maybe\nqueue\n",
                 "x.sub:2:8: hold: 'maybe' is neither true nor false\nhold = maybe\n       ^");
    ASSERT_ERROR("executable = x\nshould_transfer_files = perhaps\nqueue\n",
                 "x.sub:2:25: should_transfer_files: 'perhaps' is not known\n"
                 "should_transfer_files = perhaps\n                        ^\n"
                 "hint: use one of yes, no, if_needed, true, false, always, never, auto");
    ASSERT_ERROR("executable = x\ntransfer_output_remaps = \"a\"\nqueue\n",
                 "x.sub:2:26: transfer_output_remaps: 'a' is not of the form NAME = NEW_NAME\n"
                 "transfer_output_remaps = \"a\"\n                         ^");
    ASSERT_ERROR("executable = x\narguments = say \"hi\"\nqueue\n",
                 "x.sub:2:13: arguments: a double quote within the arguments; write \\\" for the "
                 "character, or put all of the arguments in double quotes\n"
                 "arguments = say \"hi\"\n            ^");
    ASSERT_ERROR("executable = x\nexpected_duration = 367d\nqueue\n",
                 "x.sub:2:21: expected_duration: '367d' is no time that a task takes\n"
                 "expected_duration = 367d\n                    ^\n"
                 "hint: write seconds, or 90m, 2h, 1.5d; a year is the most");
    ASSERT_ERROR("executable = x\n+expectedduration = 60\nqueue\n",
                 "x.sub:2:21: +expectedduration: this attribute follows from a command\n"
                 "+expectedduration = 60\n                    ^\n"
                 "hint: write: expected_duration = 2h");
    ASSERT_ERROR("executable = x\nexpected_duration = 0\nqueue\n",
                 "x.sub:2:21: expected_duration: '0' is no time that a task takes\n"
                 "expected_duration = 0\n                    ^\n"
                 "hint: write seconds, or 90m, 2h, 1.5d; a year is the most");
    ASSERT_ERROR("executable = x\nexpected_duration = long\nqueue\n",
                 "x.sub:2:21: expected_duration: 'long' is no time that a task takes\n"
                 "expected_duration = long\n                    ^\n"
                 "hint: write seconds, or 90m, 2h, 1.5d; a year is the most");
    ASSERT_ERROR("executable = x\npriority = high\nqueue\n",
                 "x.sub:2:12: priority: 'high' is not a whole number\npriority = high\n"
                 "           ^");
}

static void expressions_that_are_none_are_errors_with_a_place(void **state)
{
    (void)state;
    ASSERT_ERROR("executable = x\nrequirements = (Memory > 10\nqueue\n",
                 "x.sub:2:28: requirements: expected ')' here\n"
                 "requirements = (Memory > 10\n                           ^");
    ASSERT_ERROR("executable = x\nrank = Mips +\nqueue\n",
                 "x.sub:2:14: rank: the expression breaks off here\nrank = Mips +\n             ^");
    ASSERT_ERROR("executable = x\n+Mine = a b\nqueue\n",
                 "x.sub:2:11: +Mine: expected an operator or the end here\n+Mine = a b\n"
                 "          ^");
    /* The second of three tasks is found when it is asked for, the last one at once. */
    ASSERT_ERROR("executable = x\non_exit_hold = $(c) 1\nqueue c in (2>, 3>, 4)\n",
                 "x.sub:2:16: on_exit_hold: expected an operator or the end here, in: 4 1 (in task "
                 "2)\non_exit_hold = $(c) 1\n               ^");
}

static void the_old_and_the_new_way_to_write_arguments_do_not_mix(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    ASSERT_ERROR("executable = x\narguments = a\narguments2 = \"b\"\nqueue\n",
                 "x.sub:3:14: arguments2: there is 'arguments', too; give one of them, or say "
                 "'allow_arguments_v1 = true' and this one counts\n"
                 "arguments2 = \"b\"\n             ^");
    ASSERT_ERROR("executable = x\nenvironment2 = A=1\nqueue\n",
                 "x.sub:2:16: environment2: write it in double quotes, or use 'environment'\n"
                 "environment2 = A=1\n               ^");
    submit = first_task("executable = x\narguments = a\narguments2 = \"b 'c d'\"\n"
                        "environment = A=1\nenvironment2 = \"A=2\"\n"
                        "allow_arguments_v1 = true\nallow_environment_v1 = true\nqueue\n",
                        &task);
    ASSERT_LIST(task.arguments, "b", "c d");
    ASSERT_LIST(task.environment, "A=2");
    submit_task_deinit(&task);
}

static void ways_to_transfer_that_contradict_each_other_are_errors(void **state)
{
    (void)state;
    ASSERT_ERROR("executable = x\nshould_transfer_files = no\ntransfer_input_files = a\nqueue\n",
                 "x.sub:3:24: transfer_input_files: should_transfer_files says that nothing is "
                 "transferred\ntransfer_input_files = a\n                       ^");
    ASSERT_ERROR(
        "executable = x\nshould_transfer_files = if_needed\n"
        "when_to_transfer_output = on_exit_or_evict\nqueue\n",
        "x.sub:3:27: when_to_transfer_output: 'on_exit_or_evict' does not go together with "
        "'should_transfer_files = if_needed'\n"
        "when_to_transfer_output = on_exit_or_evict\n                          ^\n"
        "hint: write 'should_transfer_files = yes', or 'on_exit' here");
    ASSERT_ERROR(
        "executable = x\nwhen_to_transfer_output = never\nqueue\n",
        "x.sub:2:27: when_to_transfer_output: should_transfer_files says that files may be "
        "transferred, so the outputs are\n"
        "when_to_transfer_output = never\n                          ^");
    ASSERT_ERROR("executable = x\ntransfer_output_remaps = a = b\nqueue\n",
                 "x.sub:2:26: transfer_output_remaps: this must stand in double quotes\n"
                 "transfer_output_remaps = a = b\n                         ^\n"
                 "hint: write: transfer_output_remaps = \"NAME = NEW_NAME; ...\"");
}

static void images_and_their_universes_go_together(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("container_image = debian.sif\nqueue\n", &task);
    assert_int_equal(task.universe, SUBMIT_CONTAINER);
    assert_string_equal(task.executable, "");
    assert_false(task.transfer_executable);
    submit_task_deinit(&task);
    ASSERT_ERROR("universe = docker\nexecutable = x\nqueue\n",
                 "x.sub:1:12: universe: this universe needs an image; add a line 'docker_image = "
                 "IMAGE'\nuniverse = docker\n           ^");
    ASSERT_ERROR("universe = docker\ncontainer_image = a.sif\nqueue\n",
                 "x.sub:2:19: container_image: the docker universe has docker_image instead; or "
                 "write 'universe = container'\ncontainer_image = a.sif\n                  ^");
    ASSERT_ERROR("container_image = a.sif\ndocker_image = b\nqueue\n",
                 "x.sub:1:19: container_image: there is docker_image, too; a task runs in one "
                 "image\ncontainer_image = a.sif\n                  ^");
}

static void what_is_asked_for_may_be_an_expression(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("executable = x\nrequest_cpus = 2 + 2\n"
                        "request_memory = max({RequestCpus * 512, 100})\n"
                        "request_disk = ifthenelse(DiskUsage > 100, DiskUsage * 2, Unknown)\n"
                        "queue\n",
                        &task);
    assert_int_equal(task.request_cpus, 4);
    assert_int_equal(task.request_memory_bytes, 2048ULL * 1024 * 1024);
    assert_int_equal(task.request_disk_bytes, 2 * SUBMIT_DISK_DEFAULT);
    assert_string_equal(task.request_cpus_expression, "2 + 2");
    assert_int_equal(task.request_gpus, 0);
    assert_null(task.request_gpus_expression);
    submit_task_deinit(&task);
    submit_free(take_pointer(submit));
    submit = first_task("executable = x\nrequest_cpus = 2\nrequest_gpus = RequestCpus * 2\n"
                        "request_memory = 512 * RequestGPUs\nqueue\n",
                        &task);
    assert_int_equal(task.request_gpus, 4);
    assert_string_equal(task.request_gpus_expression, "RequestCpus * 2");
    assert_int_equal(task.request_memory_bytes, 2048ULL * 1024 * 1024);
    submit_task_deinit(&task);
    submit_free(take_pointer(submit));
    submit = first_task("executable = x\n+RequestGPUs = 2\n+requestcpus = RequestGPUs\n"
                        "MY.RequestMemory = 300\n+RequestDisk = 7\nrequest_cpus = 4\nqueue\n",
                        &task);
    assert_int_equal(task.request_gpus, 2);
    assert_int_equal(task.request_cpus, 2);
    assert_int_equal(task.request_memory_bytes, 300ULL << 20);
    assert_int_equal(task.request_disk_bytes, 7ULL << 10);
    submit_task_deinit(&task);
    submit_free(take_pointer(submit));
    submit = first_task("executable = x\nrequest_gpus = undefined\nqueue\n", &task);
    assert_int_equal(task.request_gpus, 0);
    submit_task_deinit(&task);
    submit_free(take_pointer(submit));
    submit = first_task("executable = x\nimage_size = 300M\ndisk_usage = 50000\nqueue\n", &task);
    assert_int_equal(task.request_memory_bytes, 300ULL * 1024 * 1024);
    assert_int_equal(task.request_disk_bytes, 50000ULL * 1024);
    submit_task_deinit(&task);
    submit_free(take_pointer(submit));
    /* What only a run can tell leaves the default. */
    submit = first_task("executable = x\nrequest_memory = MemoryUsage * 2\nqueue\n", &task);
    assert_int_equal(task.request_memory_bytes, SUBMIT_MEMORY_DEFAULT);
    assert_string_equal(task.request_memory_expression, "MemoryUsage * 2");
    submit_task_deinit(&task);
}

/* HTCondor evaluates them when the job is whole. */
static void requests_may_ask_for_all_attributes_wherever_these_stand(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = first_task("executable = x\nrequest_memory = RequestCpus * 2000\n"
                        "request_cpus = 2\n+RequestCpus = MY.Half * 2\n+Half = 3\n"
                        "request_gpus = MY.NumG\n+NumG = 2\n"
                        "request_disk = ImageSize * 2\nimage_size = 300M\nqueue\n",
                        &task);
    assert_int_equal(task.request_cpus, 6);
    assert_int_equal(task.request_memory_bytes, 12000ULL << 20);
    assert_int_equal(task.request_gpus, 2);
    assert_int_equal(task.request_disk_bytes, 600ULL << 20);
    submit_task_deinit(&task);
    submit_free(take_pointer(submit));
    submit = first_task("executable = x\n+InitialMemory = 20000\nrequest_memory = "
                        "ifThenElse(isUndefined(MemoryUsage), MY.InitialMemory, 2*MemoryUsage)\n"
                        "request_cpus = ProcId + 1\nqueue\n",
                        &task);
    assert_int_equal(task.request_memory_bytes, 20000ULL << 20);
    assert_int_equal(task.request_cpus, 1);
    submit_task_deinit(&task);
    submit_free(take_pointer(submit));
    /* What an attribute says of a request counts, and no longer what the command does. */
    submit = first_task("executable = x\nrequest_memory = Nothing\n+RequestMemory = 300\n"
                        "request_gpus = Nothing\n+RequestGPUs = 1\nqueue\n",
                        &task);
    assert_int_equal(task.request_memory_bytes, 300ULL << 20);
    assert_int_equal(task.request_gpus, 1);
    submit_task_deinit(&task);
    ASSERT_ERROR("executable = x\nrequest_memory = 100 + MY.A\n+A = RequestMemory\nqueue\n",
                 "x.sub:2:18: request_memory: '100 + MY.A' is not a size\n"
                 "request_memory = 100 + MY.A\n                 ^\n"
                 "hint: write a number with a unit, such as 512MB or 2GB, or an expression whose "
                 "value is a number");
    ASSERT_ERROR("executable = x\nrequest_gpus = MY.Many\n+Few = 2\nqueue\n",
                 "x.sub:2:16: request_gpus: 'MY.Many' is not a number of GPUs\n"
                 "request_gpus = MY.Many\n               ^");
}

static bool memory_varies(const char *lines)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;

    buffer_appendf(&text, "executable = x\n%s\nqueue 3\n", lines);
    submit = fixture_parse(buffer_text(&text), NULL);
    return submit_varies(submit, 0, "request_memory");
}

/* Whoever divides a job into ranges of equal requests asks for it. */
static void a_request_varies_with_the_attributes_that_it_asks_for(void **state)
{
    (void)state;
    assert_true(memory_varies("request_memory = MY.A + 1\n+A = $(Process)"));
    assert_true(memory_varies("request_memory = MY.A + 1\n+A = B\n+B = c * 2\n+C = $(Process)"));
    assert_true(memory_varies("request_memory = RequestCpus * 100\nrequest_cpus = $(Process) + 1"));
    assert_true(memory_varies("request_memory = 100 + ProcId"));
    assert_true(memory_varies("request_memory = JobMaxVacateTime + 1\n"
                              "job_max_vacate_time = $(Process)"));
    assert_true(memory_varies("+RequestMemory = MY.A + 1\n+A = $(Process)"));
    assert_true(memory_varies("request_memory = eval(\"A\") + 1\n+A = $(Process)"));
    assert_false(memory_varies("request_memory = MY.A + TARGET.B\n+A = 2\n+B = $(Process)"));
    assert_false(memory_varies("request_memory = MY.A + 1\n+A = C\n+C = 2\n+B = $(Process)"));
}

static void universes_that_are_not_here_are_refused_with_what_to_use(void **state)
{
    static const char *const refused[] = {"parallel", "vm",   "local",    "scheduler",
                                          "java",     "grid", "standard", "12"};

    (void)state;
    ASSERT_ERROR("universe = grid\nexecutable = x\nqueue\n",
                 "x.sub:1:12: universe: there is no 'grid' universe here: dusk hands no jobs to "
                 "other systems; leave the line and grid_resource out and they run in this pool\n"
                 "universe = grid\n           ^");
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;
        _cleanup_free_ char *message = NULL;

        buffer_appendf(&text, "universe = %s\nexecutable = x\nqueue\n", refused[i]);
        message = fixture_error(buffer_text(&text), NULL);
        assert_non_null(strstr(message, "universe here: "));
    }
    ASSERT_ERROR("universe = vanila\nexecutable = x\nqueue\n",
                 "x.sub:1:12: universe: there is no universe 'vanila'\n"
                 "universe = vanila\n           ^\n"
                 "hint: leave the line out: programs run in the 'vanilla' universe");
}

static void what_is_missing_is_an_error_with_a_hint(void **state)
{
    (void)state;
    ASSERT_ERROR("arguments = 1\nqueue\n",
                 "x.sub:2:6: no executable was given before this queue statement\nqueue\n     ^\n"
                 "hint: add a line 'executable = PROGRAM' above it");
    ASSERT_ERROR("executable = $(x:)\nqueue\n",
                 "x.sub:1:14: executable: the program's name is empty\nexecutable = $(x:)\n"
                 "             ^");
    ASSERT_ERROR("executable = x\n",
                 "x.sub: there is no queue statement\n"
                 "hint: end the file with a line 'queue', or 'queue 10' for ten tasks");
    ASSERT_ERROR("executable = x\nqueue 0\n",
                 "x.sub: there are no tasks: each queue statement is for none\n"
                 "hint: check the numbers and lists behind 'queue'");
}

static void lines_that_are_none_are_errors(void **state)
{
    (void)state;
    ASSERT_ERROR("execuable x\n",
                 "x.sub:1:1: this line is neither 'name = value' nor a queue statement\n"
                 "execuable x\n^\nhint: did you mean 'executable ='?");
    ASSERT_ERROR("quue 5\n",
                 "x.sub:1:1: this line is neither 'name = value' nor a queue statement\nquue 5\n^\n"
                 "hint: did you mean 'queue'?");
    ASSERT_ERROR("my name = 5\n",
                 "x.sub:1:1: 'my name' is not a name of a command or macro\nmy name = 5\n^");
    ASSERT_ERROR("+1 = 5\n", "x.sub:1:1: '+1' is not an attribute's name\n+1 = 5\n^");
    ASSERT_ERROR("a = \x1b[31m\tb$(\n",
                 "x.sub:1:13: this parenthesis is never closed\na = ?[31m\tb$(\n         \t  ^");
}

static void warnings_name_the_nearest_command(void **state)
{
    _cleanup_submit_warnings_ struct submit_warnings warnings = SUBMIT_WARNINGS_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    struct slice text = slice_from_text("executable = x\noutptu = a\nmacro = 1\nlonely = 2\n"
                                        "arguments = $(macro)\nnotification = never\n"
                                        "requirements = true\nProcess = 5\n+Mine = 1\n"
                                        "max_retries = 2\n"
                                        "when_to_transfer_output = On_Success\nqueue\n");

    (void)state;
    assert_int_equal(submit_parse(text, "x.sub", NULL, &submit, &warnings, NULL), 0);
    assert_int_equal(warnings.count, 5);
    assert_string_equal(warnings.texts[0], "x.sub:2:1: there is no command 'outptu'; did you mean "
                                           "'output'?\noutptu = a\n^");
    assert_string_equal(warnings.texts[1], "x.sub:4:1: there is no command 'lonely', and no "
                                           "$(lonely)\nlonely = 2\n^");
    assert_string_equal(warnings.texts[2], "x.sub:8:1: 'Process' is set for each task; this line "
                                           "has no effect\nProcess = 5\n^");
    assert_string_equal(warnings.texts[3],
                        "x.sub:10:1: 'max_retries' has no effect yet: the server obeys no "
                        "conditions of jobs yet: hold, release and remove them by hand\n"
                        "max_retries = 2\n^");
    assert_string_equal(warnings.texts[4], "x.sub:11:27: 'on_success' is not there yet: outputs "
                                           "come when the task has ended\n"
                                           "when_to_transfer_output = On_Success\n"
                                           "                          ^");
}

static void text_beyond_a_limit_is_refused(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_free_ char *large = memory_allocate(SUBMIT_TEXT_SIZE_MAX + 2);
    struct submit *submit = NULL;

    (void)state;
    memset(large, '#', SUBMIT_TEXT_SIZE_MAX + 1);
    assert_int_equal(submit_parse((struct slice){large, SUBMIT_TEXT_SIZE_MAX + 1}, "x.sub", NULL,
                                  &submit, NULL, &err),
                     -E2BIG);
    assert_string_equal(error_text(&err), "x.sub is larger than 64 MiB");
    assert_int_equal(submit_parse((struct slice){large, SUBMIT_LINE_LENGTH_MAX + 1}, "x.sub", NULL,
                                  &submit, NULL, &err),
                     -EINVAL);
    large[0] = 'a';
    assert_int_equal(submit_parse((struct slice){large, SUBMIT_LINE_LENGTH_MAX + 1}, "x.sub", NULL,
                                  &submit, NULL, &err),
                     -E2BIG);
    assert_int_equal(submit_parse((struct slice){"a = \0", 5}, "x.sub", NULL, &submit, NULL, &err),
                     -EINVAL);
    assert_string_equal(error_text(&err),
                        "x.sub:1:5: this is not text: it holds a NUL byte\na = ?\n    ^");
}

static void a_second_expansion_allocates_nothing(void **state)
{
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = fixture_parse("executable = x\narguments = $(Process) $(1000 + $(Process))\n"
                           "environment = A=$(Process);B=$(Step)\noutput = o.$(Cluster)\n"
                           "transfer_input_files = a, b\n+Mine = $(Process)\n"
                           "rank = $(Step)\ndescription = \"$(Process)\"\n"
                           "concurrency_limits = b$(Process), a\nkill_sig = 9\n"
                           "request_cpus = $(1 + $(Process) % 4)\npriority = 3\nqueue 100\n",
                           NULL);
    submit_task_init(&task);
    fixture_expand(submit, 99, &task);
    memory_forbid(true);
    for (uint64_t i = 0; i < 100; i++)
        submit_expand(submit, 17, i, &task, NULL);
    memory_forbid(false);
    assert_string_equal(task.arguments_text, "99 1099");
    submit_task_deinit(&task);
}

static void a_task_that_fails_may_be_used_again(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    struct submit_task task;

    (void)state;
    submit = fixture_parse("executable = x\nrequest_cpus = $(n)\nqueue n in (1, 0, 3)\n", NULL);
    submit_task_init(&task);
    assert_int_equal(submit_expand(submit, 17, 1, &task, &err), -EINVAL);
    assert_string_equal(error_text(&err),
                        "x.sub:2:16: request_cpus: '0' is not a number of cores (in task 1)\n"
                        "request_cpus = $(n)\n               ^");
    assert_null(task.executable);
    fixture_expand(submit, 2, &task);
    assert_int_equal(task.request_cpus, 3);
    submit_task_deinit(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_that_says_nothing_gets_the_defaults),
        cmocka_unit_test(every_command_reaches_its_task),
        cmocka_unit_test(other_spellings_count_only_if_the_first_is_missing),
        cmocka_unit_test(names_with_separators_are_remapped_behind_a_backslash),
        cmocka_unit_test(two_quotes_are_an_empty_list_of_outputs),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_the_text),
        cmocka_unit_test(memory_counts_in_megabytes_and_disk_in_kilobytes),
        cmocka_unit_test(getenv_takes_variables_from_the_submitter),
        cmocka_unit_test(lines_may_continue_and_end_in_any_way),
        cmocka_unit_test(the_command_line_may_set_and_append),
        cmocka_unit_test(wrong_values_are_errors_with_a_place),
        cmocka_unit_test(expressions_that_are_none_are_errors_with_a_place),
        cmocka_unit_test(the_old_and_the_new_way_to_write_arguments_do_not_mix),
        cmocka_unit_test(ways_to_transfer_that_contradict_each_other_are_errors),
        cmocka_unit_test(images_and_their_universes_go_together),
        cmocka_unit_test(what_is_asked_for_may_be_an_expression),
        cmocka_unit_test(requests_may_ask_for_all_attributes_wherever_these_stand),
        cmocka_unit_test(a_request_varies_with_the_attributes_that_it_asks_for),
        cmocka_unit_test(universes_that_are_not_here_are_refused_with_what_to_use),
        cmocka_unit_test(what_is_missing_is_an_error_with_a_hint),
        cmocka_unit_test(lines_that_are_none_are_errors),
        cmocka_unit_test(warnings_name_the_nearest_command),
        cmocka_unit_test(text_beyond_a_limit_is_refused),
        cmocka_unit_test(a_second_expansion_allocates_nothing),
        cmocka_unit_test(a_task_that_fails_may_be_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
