/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See job_ad.h. The order is that of a person who reads it: which task, what runs, with what, where
 * it comes from and goes to, what it needs, what happens when something happens. Then the custom
 * attributes, which overrule all before them as in HTCondor, and at last the requirements, which
 * look at everything else.
 *
 * The defaults are HTCondor's texts. Its DiskUsage and ImageSize, which those refer to, are what
 * dusk gives to a task that asks for nothing, so that they come to the same.
 *
 * Each attribute comes with whether it may differ within its part (`varies`). That is what makes
 * matching cheap: tasks of which nothing varies that a node could look at are one kind of job, and
 * are compared with nodes once (server/matching.c). To say "varies" where nothing does costs time;
 * to say nothing where something does would start tasks on the wrong nodes.
 */
#include "job_ad_internal.h"

#include "expression.h"
#include "text.h"

#include "base/memory.h"

#include <inttypes.h>
#include <string.h>

/* Of this command other attributes come than its own. */
#define NICE_USER "NiceUser"
/* HTCondor's numbers. */
#define JOB_UNIVERSE_VANILLA     "5"
#define JOB_STATUS_IDLE          "1"
#define JOB_STATUS_HELD          "5"
#define JOB_LEASE_SECONDS        "2400"
#define DEFERRAL_WINDOW_DEFAULT  "0"
#define DEFERRAL_PREPARE_DEFAULT "300"

static const char memory_default[] =
    "ifthenelse(MemoryUsage =!= undefined,MemoryUsage,(ImageSize + 1023) / 1024)";

void job_ad_init(struct job_ad *ad)
{
    *ad = (struct job_ad){.memory = memory_allocate(sizeof(*ad->memory))};
}

void job_ad_deinit(struct job_ad *ad)
{
    if (!ad->memory)
        return;
    arena_deinit(&ad->memory->arena);
    buffer_deinit(&ad->memory->text);
    list_deinit(&ad->memory->words);
    free(ad->memory);
    free(ad->items);
    *ad = (struct job_ad){0};
}

/* A walk: there are some sixty names, and a map would have to be filled for every task. */
struct submit_attribute *job_ad_get(const struct job_ad *ad, const char *name)
{
    for (size_t i = 0; i < ad->count; i++)
        if (text_compare_ignoring_case(ad->items[i].name, name) == 0)
            return &ad->items[i];
    return NULL;
}

const char *job_ad_find(const struct job_ad *ad, const char *name)
{
    const struct submit_attribute *attribute = job_ad_get(ad, name);

    return attribute ? attribute->expression : NULL;
}

/* Of a name that is certain to be new: most of them, and looking would cost more than all else. */
static void job_add(struct job_writer *writer, const char *name, const char *expression,
                    bool varies)
{
    struct job_ad *ad = writer->ad;

    array_reserve(ad->items, ad->capacity, ad->count + 1);
    ad->items[ad->count++] =
        (struct submit_attribute){.name = name, .expression = expression, .varies = varies};
}

void job_set(struct job_writer *writer, const char *name, const char *expression, bool varies)
{
    struct submit_attribute *attribute = job_ad_get(writer->ad, name);

    if (!attribute) {
        job_add(writer, name, expression, varies);
        return;
    }
    /* One task has it from here, another from there: then it varies if either does. */
    if (expression)
        attribute->expression = expression;
    attribute->varies = attribute->varies || varies;
}

/* Takes over what stands in the memory's buffer, and leaves that empty for the next text. */
static const char *keep_made(struct job_writer *writer)
{
    struct job_ad_memory *memory = writer->ad->memory;
    const char *kept =
        arena_copy(&memory->arena, (struct slice){buffer_text(&memory->text), memory->text.length});

    buffer_clear(&memory->text);
    return kept;
}

void job_set_made(struct job_writer *writer, const char *name, bool varies)
{
    job_set(writer, name, keep_made(writer), varies);
}

/* These write texts that only this ad needs into the ad's own memory. */
static void add_string(struct job_writer *writer, const char *name, const char *value, bool varies)
{
    expression_append_string(&writer->ad->memory->text, slice_from_text(value));
    job_add(writer, name, keep_made(writer), varies);
}

static void add_number(struct job_writer *writer, const char *name, int64_t value, bool varies)
{
    buffer_appendf(&writer->ad->memory->text, "%" PRId64, value);
    job_add(writer, name, keep_made(writer), varies);
}

/*
 * What not every task has. Who classifies the tasks of a part looks at one of them and at what may
 * differ: so a task that lacks what another may have says that, with an expression that is NULL.
 */
static void add_optional(struct job_writer *writer, const char *name, const char *expression,
                         bool varies)
{
    if (expression || varies)
        job_add(writer, name, expression, varies);
}

static void add_optional_string(struct job_writer *writer, const char *name, const char *value,
                                bool varies)
{
    if (value)
        add_string(writer, name, value, varies);
    else
        add_optional(writer, name, NULL, varies);
}

/* Those that this task lacks and another one of its part may have. */
static void add_absent(struct job_writer *writer, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!job_ad_get(writer->ad, names[i]))
            job_add(writer, names[i], NULL, true);
}

/* A path with each '/' once, as HTCondor writes it. */
static char *join_path(struct job_writer *writer, const char *folder, const char *name)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    char *kept, *to;

    if (name[0] != '/')
        buffer_appendf(&path, "%s/", folder);
    buffer_append_text(&path, name);
    kept = arena_copy(&writer->ad->memory->arena, (struct slice){path.data, path.length});
    to = kept;
    for (const char *from = kept; *from; from++)
        if (*from != '/' || from[1] != '/')
            *to++ = *from;
    *to = '\0';
    return kept;
}

/* Whether the value of a command may be another one in another task of the part. */
static bool varies(const struct job_writer *writer, enum command command)
{
    return writer->part->varies[command];
}

/* One argument of the new syntax, in single quotes where it has to be. */
static void append_argument(struct buffer *text, const char *argument)
{
    if (text->length > 0)
        buffer_append_character(text, ' ');
    if (*argument == '\0')
        buffer_append_text(text, "''");
    for (; *argument; argument++) {
        if (*argument != '\'' && !strchr(" \t\r\n", *argument)) {
            buffer_append_character(text, *argument);
            continue;
        }
        /* HTCondor quotes what needs it and no more, and joins groups that meet. */
        if (text->length > 0 && text->data[text->length - 1] == '\'')
            text->data[--text->length] = '\0';
        else
            buffer_append_character(text, '\'');
        if (*argument == '\'')
            buffer_append_character(text, '\'');
        buffer_append_character(text, *argument);
        buffer_append_character(text, '\'');
    }
}

/* HTCondor has an attribute for each syntax, and nodes that know only the old one read that. */
static void add_arguments(struct job_writer *writer)
{
    const struct submit_task *task = writer->task;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    bool vary = varies(writer, COMMAND_ARGUMENTS) || varies(writer, COMMAND_ARGUMENTS2);

    for (size_t i = 0; i < task->arguments.count; i++)
        if (task->arguments_are_old)
            buffer_appendf(&text, "%s%s", i > 0 ? " " : "", task->arguments.items[i]);
        else
            append_argument(&text, task->arguments.items[i]);
    add_string(writer, task->arguments_are_old ? "Args" : "Arguments", buffer_text(&text), vary);
}

/* In the order of their names, whatever the submit file says. */
static void add_environment(struct job_writer *writer)
{
    const struct submit_task *task = writer->task;
    struct list *words = &writer->ad->memory->words;
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    bool vary = varies(writer, COMMAND_ENVIRONMENT) || varies(writer, COMMAND_ENVIRONMENT2);

    list_clear(words);
    for (size_t i = 0; i < task->environment.count; i++)
        list_add(words, task->environment.items[i]);
    list_sort(words);
    for (size_t i = 0; i < words->count; i++)
        if (task->environment_is_old)
            buffer_appendf(&text, "%s%s", i > 0 ? ";" : "", words->items[i]);
        else
            append_argument(&text, words->items[i]);
    if (!task->environment_is_old) {
        add_string(writer, "Environment", buffer_text(&text), vary);
        return;
    }
    add_string(writer, "Env", buffer_text(&text), vary);
    job_add(writer, "EnvDelim", "\";\"", false);
}

/* What paths of the task count from, the program's excepted. */
static const char *task_folder(struct job_writer *writer)
{
    const char *folder = writer->task->initialdir;

    return folder ? join_path(writer, writer->origin->folder, folder) : writer->origin->folder;
}

/* A program that is not brought along is named as it is. */
static void add_program(struct job_writer *writer)
{
    const struct submit_task *task = writer->task;
    const char *program = task->executable;
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;

    if (task->transfer_executable && program[0] != '/')
        buffer_appendf(&path, "%s/", writer->origin->folder);
    buffer_append_text(&path, program);
    add_string(writer, "Cmd", buffer_text(&path), varies(writer, COMMAND_EXECUTABLE));
    add_optional(writer, "TransferExecutable", task->transfer_executable ? NULL : "false",
                 varies(writer, COMMAND_TRANSFER_EXECUTABLE));
    add_arguments(writer);
    add_environment(writer);
}

/* A standard stream; one without a file comes from nowhere, or goes there. */
static void add_stream(struct job_writer *writer, const char *name, const char *path,
                       enum command command, const char *transfer, const char *stream)
{
    bool is_file = path && strcmp(path, "/dev/null") != 0;

    add_string(writer, name, path ? path : "/dev/null", varies(writer, command));
    add_optional(writer, stream, is_file ? "false" : NULL, varies(writer, command));
    add_optional(writer, transfer, is_file ? NULL : "false", varies(writer, command));
}

/* The streams as they were written, because they are brought to Iwd; only the log is opened here.
 */
static void add_files(struct job_writer *writer)
{
    const struct submit_task *task = writer->task;
    const char *folder = task_folder(writer);
    const char *log = task->log ? join_path(writer, folder, task->log) : NULL;

    add_string(writer, "Iwd", folder, varies(writer, COMMAND_INITIALDIR));
    add_stream(writer, "In", task->input, COMMAND_INPUT, "TransferIn", "StreamIn");
    add_stream(writer, "Out", task->output, COMMAND_OUTPUT, "TransferOut", "StreamOut");
    add_stream(writer, "Err", task->error, COMMAND_ERROR, "TransferErr", "StreamErr");
    add_optional_string(writer, "UserLog", log,
                        varies(writer, COMMAND_LOG) || (log && varies(writer, COMMAND_INITIALDIR)));
}

/* Behind what is there. */
static void append_list(struct buffer *text, const struct submit_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        buffer_appendf(text, "%s%s", text->length > 0 ? "," : "", list->items[i]);
}

/* Any of the three commands decides whether there is an image, and which. */
static bool image_varies(const struct job_writer *writer)
{
    return varies(writer, COMMAND_UNIVERSE) || varies(writer, COMMAND_CONTAINER_IMAGE) ||
           varies(writer, COMMAND_DOCKER_IMAGE);
}

/* What a command that is an attribute by itself says, or NULL. */
static const struct submit_attribute *find_command(const struct submit_task *task, const char *name)
{
    for (size_t i = 0; i < task->command_count; i++)
        if (strcmp(task->commands[i].name, name) == 0)
            return &task->commands[i];
    return NULL;
}

/* Commands that are attributes come as expressions: this one is written out, or it counts as
 * another. */
static bool command_is(const struct submit_task *task, const char *name, const char *value)
{
    const struct submit_attribute *command = find_command(task, name);

    return command && command->expression && strcmp(command->expression, value) == 0;
}

/*
 * An image that is a file comes along like any input, and bears its last name on the node. Where it
 * comes from is told, too.
 */
static void add_image_source(struct job_writer *writer, const char *image, struct buffer *inputs)
{
    bool vary = image_varies(writer);
    const char *name = image, *colon = strchr(image, ':');
    struct slice path = slice_from_text(image);

    if (path.length > 0 && path.data[path.length - 1] == '/')
        path.length--;
    for (size_t i = 0; i < path.length; i++)
        name = path.data[i] == '/' ? &path.data[i + 1] : name;
    path.length -= (size_t)(name - path.data);
    path.data = name;
    /* Then the nodes have it. */
    if (command_is(writer->task, "TransferContainer", "false")) {
        add_string(writer, "ContainerImage", image, vary);
        job_add(writer, "ContainerImageSource", "\"local\"", vary);
    } else if (text_begins(slice_from_text(image), "docker://") ||
               text_begins(slice_from_text(image), "oras://")) {
        add_string(writer, "ContainerImage", image, vary);
        job_add(writer, "ContainerImageSource", *image == 'd' ? "\"docker\"" : "\"oras\"", vary);
    } else {
        buffer_appendf(inputs, "%s%s", inputs->length > 0 ? "," : "", image);
        expression_append_string(&writer->ad->memory->text, path);
        job_add(writer, "ContainerImage", keep_made(writer), vary);
        expression_append_string(&writer->ad->memory->text,
                                 colon ? (struct slice){image, (size_t)(colon - image)}
                                       : slice_from_text("cedar"));
        job_add(writer, "ContainerImageSource", keep_made(writer), vary);
    }
}

/* HTCondor has no universe of that kind: such a job is a vanilla one that wants more. */
static void add_image(struct job_writer *writer, struct buffer *inputs)
{
    const struct submit_task *task = writer->task;
    const char *image = task->container_image;
    bool vary = image_varies(writer);
    size_t length = image ? strlen(image) : 0;
    const char *kind = "WantSandboxImage";

    if (task->universe == SUBMIT_VANILLA)
        return;
    job_add(writer, task->universe == SUBMIT_DOCKER ? "WantDocker" : "WantContainer", "true", vary);
    if (task->docker_image)
        add_string(writer, "DockerImage", task->docker_image, vary);
    if (task->universe == SUBMIT_DOCKER)
        return;
    if (!image || text_begins(slice_from_text(image), "docker:"))
        kind = "WantDockerImage";
    else if (length >= 4 && strcmp(image + length - 4, ".sif") == 0)
        kind = "WantSIF";
    job_add(writer, kind, "true", vary);
    if (image)
        add_image_source(writer, image, inputs);
}

/* The domain is told only where a node that shares files might do. */
static void add_transfer(struct job_writer *writer)
{
    static const char *const of_images[] = {
        "WantContainer",    "WantDocker",  "WantDockerImage", "WantSIF",
        "WantSandboxImage", "DockerImage", "ContainerImage",  "ContainerImageSource"};
    static const char *const should[] = {"\"IF_NEEDED\"", "\"YES\"", "\"NO\""};
    static const char *const when[] = {"\"ON_EXIT\"", "\"ON_EXIT_OR_EVICT\"", "\"ON_SUCCESS\"",
                                       NULL};
    const struct submit_task *task = writer->task;
    bool should_varies = varies(writer, COMMAND_SHOULD_TRANSFER_FILES) ||
                         varies(writer, COMMAND_WHEN_TO_TRANSFER_OUTPUT);
    _cleanup_buffer_ struct buffer inputs = BUFFER_INIT, outputs = BUFFER_INIT;

    append_list(&inputs, &task->transfer_input);
    append_list(&outputs, &task->transfer_output);
    add_image(writer, &inputs);
    if (image_varies(writer))
        add_absent(writer, of_images, ARRAY_LENGTH(of_images));
    job_add(writer, "ShouldTransferFiles", should[task->should_transfer_files], should_varies);
    add_optional(writer, "WhenToTransferOutput", when[task->when_to_transfer_output],
                 should_varies);
    if (task->should_transfer_files != SUBMIT_TRANSFER_YES && writer->origin->file_system_domain)
        add_string(writer, "FileSystemDomain", writer->origin->file_system_domain, should_varies);
    add_optional_string(writer, "TransferInput", inputs.length > 0 ? inputs.data : NULL,
                        varies(writer, COMMAND_TRANSFER_INPUT_FILES) || image_varies(writer));
    add_optional_string(writer, "TransferOutput",
                        task->transfer_output_given ? buffer_text(&outputs) : NULL,
                        varies(writer, COMMAND_TRANSFER_OUTPUT_FILES));
    add_optional_string(writer, "TransferOutputRemaps",
                        task->remaps_text && *task->remaps_text ? task->remaps_text : NULL,
                        varies(writer, COMMAND_TRANSFER_OUTPUT_REMAPS));
}

/* A size in whole units; or what was written, unless that is the word for nothing. */
static void add_request(struct job_writer *writer, const char *name, enum command command,
                        const char *expression, uint64_t amount, uint64_t unit)
{
    bool given = writer->part->definitions[command] != MACRO_NONE;

    if (expression && expression_classify(slice_from_text(expression)) == EXPRESSION_UNDEFINED)
        job_add(writer, name, NULL, varies(writer, command));
    else if (expression)
        job_add(writer, name, expression, varies(writer, command));
    else if (given || command == COMMAND_REQUEST_CPUS)
        add_number(writer, name, (int64_t)(amount / unit + (amount % unit ? 1 : 0)),
                   varies(writer, command));
    else
        job_add(writer, name, command == COMMAND_REQUEST_DISK ? "DiskUsage" : memory_default,
                varies(writer, command));
}

/* The one request that HTCondor leaves out where nothing is asked for. */
static void add_request_gpus(struct job_writer *writer)
{
    const char *expression = writer->task->request_gpus_expression;

    if (expression && expression_classify(slice_from_text(expression)) == EXPRESSION_UNDEFINED)
        expression = NULL;
    if (expression || varies(writer, COMMAND_REQUEST_GPUS))
        job_add(writer, "RequestGPUs", expression, varies(writer, COMMAND_REQUEST_GPUS));
}

/* In seconds, as HTCondor counts all times; a begun one is one. */
static void add_expected_duration(struct job_writer *writer)
{
    uint64_t duration_ms = writer->task->expected_duration_ms;
    bool vary = varies(writer, COMMAND_EXPECTED_DURATION);

    if (duration_ms > 0)
        add_number(writer, "ExpectedDuration", (int64_t)((duration_ms + 999) / 1000), vary);
    else if (vary)
        job_add(writer, "ExpectedDuration", NULL, true);
}

/* In our own words for it; what does not say is run as the node runs tasks. */
static void add_surroundings(struct job_writer *writer)
{
    const struct submit_task *task = writer->task;
    bool runtimes_vary = varies(writer, COMMAND_RUNTIME);
    bool networks_vary = varies(writer, COMMAND_NETWORK);

    if (task->runtime)
        add_string(writer, "Runtime", task->runtime, runtimes_vary);
    else if (runtimes_vary)
        job_add(writer, "Runtime", NULL, true);
    if (task->network)
        add_string(writer, "Network", task->network, networks_vary);
    else if (networks_vary)
        job_add(writer, "Network", NULL, true);
}

/*
 * The sizes are overruled by image_size and disk_usage, if these are given: those are attributes
 * by themselves, and are set behind these (add_commands).
 */
static void add_requests(struct job_writer *writer)
{
    const struct submit_task *task = writer->task;

    add_request(writer, "RequestCpus", COMMAND_REQUEST_CPUS, task->request_cpus_expression,
                task->request_cpus, 1);
    add_request(writer, "RequestMemory", COMMAND_REQUEST_MEMORY, task->request_memory_expression,
                task->request_memory_bytes, 1024 * 1024);
    add_request(writer, "RequestDisk", COMMAND_REQUEST_DISK, task->request_disk_expression,
                task->request_disk_bytes, 1024);
    add_request_gpus(writer);
    add_expected_duration(writer);
    add_surroundings(writer);
    add_number(writer, "ImageSize", SUBMIT_MEMORY_DEFAULT / 1024, false);
    add_number(writer, "DiskUsage", SUBMIT_DISK_DEFAULT / 1024, false);
    job_add(writer, "Rank", "0.0", false);
}

/* An operand of ||, in parentheses if it binds weaker. */
static void append_alternative(struct buffer *text, const char *expression)
{
    bool weaker = expression_binds_weaker_than_or(slice_from_text(expression));

    buffer_appendf(text, weaker ? " || (%s)" : " || %s", expression);
}

/* When tries are counted, the task is done when it succeeds or there were enough of them. */
static void append_tries(struct job_writer *writer, struct buffer *text)
{
    const struct submit_task *task = writer->task;
    const char *until = task->retry_until;

    buffer_append_text(text, "NumJobCompletions > JobMaxRetries || ExitCode =?= ");
    buffer_append_text(text, task->success_exit_code_given ? "JobSuccessExitCode" : "0");
    if (until && expression_classify(slice_from_text(until)) == EXPRESSION_NUMBER)
        buffer_appendf(text, " || ExitCode =?= %s", until);
    else if (until)
        append_alternative(text, until);
    if (task->on_exit_remove)
        append_alternative(text, task->on_exit_remove);
}

/* Without one of the three commands a task has one try, and on_exit_remove stands for itself. */
static void add_tries(struct job_writer *writer)
{
    /* HTCondor's, where only an exit code or a condition was given. */
    enum { TRIES_DEFAULT = 2 };
    static const char *const tries[] = {"JobMaxRetries", "JobSuccessExitCode", "OnExitHold"};
    const struct submit_task *task = writer->task;
    bool vary = varies(writer, COMMAND_MAX_RETRIES) || varies(writer, COMMAND_SUCCESS_EXIT_CODE) ||
                varies(writer, COMMAND_RETRY_UNTIL) || varies(writer, COMMAND_ON_EXIT_REMOVE);

    if (!task->max_retries_given && !task->success_exit_code_given && !task->retry_until) {
        add_optional(writer, "OnExitRemove", task->on_exit_remove, vary);
        if (vary)
            add_absent(writer, tries, ARRAY_LENGTH(tries));
        return;
    }
    add_number(writer, "JobMaxRetries",
               task->max_retries_given ? (int64_t)task->max_retries : TRIES_DEFAULT, vary);
    if (task->success_exit_code_given)
        add_number(writer, "JobSuccessExitCode", task->success_exit_code, vary);
    append_tries(writer, &writer->ad->memory->text);
    job_add(writer, "OnExitRemove", keep_made(writer), vary);
    job_add(writer, "OnExitHold", "false", vary);
    if (vary)
        add_absent(writer, tries, ARRAY_LENGTH(tries));
}

/* "nice_user = true" is a group of its own, whose jobs anybody may drive away at once. */
static void add_niceness(struct job_writer *writer)
{
    const struct submit_attribute *nice = find_command(writer->task, NICE_USER);

    if (!command_is(writer->task, NICE_USER, "true"))
        return;
    if (!job_ad_find(writer->ad, "AcctGroup"))
        job_set(writer, "AcctGroup", "\"nice-user\"", nice->varies);
    if (!job_ad_find(writer->ad, "MaxJobRetirementTime"))
        job_set(writer, "MaxJobRetirementTime", "0", nice->varies);
}

/*
 * The group names the user who pays, and that is the submitter if nobody else is. HTCondor keeps
 * the two apart and joined with a dot; its tools read either.
 */
static void add_accounting(struct job_writer *writer)
{
    const char *group = job_ad_find(writer->ad, "AcctGroup");
    const char *user = job_ad_find(writer->ad, "AcctGroupUser");
    struct buffer *text = &writer->ad->memory->text;
    _cleanup_buffer_ struct buffer whole = BUFFER_INIT;
    bool vary;

    if (!group && !user)
        return;
    vary = (group && job_ad_get(writer->ad, "AcctGroup")->varies) ||
           (user && job_ad_get(writer->ad, "AcctGroupUser")->varies);
    if (!user && writer->origin->user) {
        expression_append_string(text, slice_from_text(writer->origin->user));
        user = keep_made(writer);
        job_add(writer, "AcctGroupUser", user, vary);
    }
    if (group)
        expression_unquote(slice_from_text(group), &whole);
    if (group && user)
        buffer_append_character(&whole, '.');
    if (user)
        expression_unquote(slice_from_text(user), &whole);
    add_string(writer, "AccountingGroup", buffer_text(&whole), vary);
}

/* The state in which a task enters the queue. */
static void add_state(struct job_writer *writer)
{
    const struct submit_task *task = writer->task;
    bool vary = varies(writer, COMMAND_HOLD);

    job_add(writer, "JobStatus", task->hold ? JOB_STATUS_HELD : JOB_STATUS_IDLE, vary);
    add_optional(writer, "HoldReason",
                 task->hold ? "\"submitted on hold at user's request\"" : NULL, vary);
    add_optional(writer, "HoldReasonCode", task->hold ? "15" : NULL, vary);
    add_number(writer, "JobPrio", task->priority, varies(writer, COMMAND_PRIORITY));
    add_optional_string(writer, "JobBatchName", task->batch_name,
                        varies(writer, COMMAND_BATCH_NAME));
}

/* What a start at a certain time needs beside the time itself. */
static void add_deferral(struct job_writer *writer)
{
    static const char *const times[] = {"CronMinute", "CronHour",      "CronDayOfMonth",
                                        "CronMonth",  "CronDayOfWeek", "DeferralTime"};
    static const char *const names[][3] = {
        {"DeferralWindow", "CronWindow", DEFERRAL_WINDOW_DEFAULT},
        {"DeferralPrepTime", "CronPrepTime", DEFERRAL_PREPARE_DEFAULT}};
    bool deferred = false;

    for (size_t i = 0; i < ARRAY_LENGTH(times); i++)
        deferred = deferred || job_ad_find(writer->ad, times[i]);
    for (size_t i = 0; deferred && i < ARRAY_LENGTH(names); i++) {
        const struct submit_attribute *cron = job_ad_get(writer->ad, names[i][1]);

        /* The cron_ one overrules the other. */
        if (cron)
            job_set(writer, names[i][0], cron->expression, cron->varies);
        else if (!job_ad_get(writer->ad, names[i][0]))
            job_add(writer, names[i][0], names[i][2], false);
    }
    if (deferred && !job_ad_get(writer->ad, "ScheddInterval"))
        job_add(writer, "ScheddInterval", "300", false);
}

/*
 * What the commands said each by itself, and what follows from that. Behind all that has a reader
 * of its own, because some overrule it: rank the default Rank, image_size the default ImageSize.
 */
static void add_commands(struct job_writer *writer)
{
    const struct submit_task *task = writer->task;
    const struct submit_attribute *checkpoint;

    for (size_t i = 0; i < task->command_count; i++)
        if (strcmp(task->commands[i].name, NICE_USER) != 0)
            job_set(writer, task->commands[i].name, task->commands[i].expression,
                    task->commands[i].varies);
    checkpoint = job_ad_get(writer->ad, "SuccessCheckpointExitCode");
    if (checkpoint)
        job_add(writer, "WantFTOnCheckpoint", checkpoint->expression ? "true" : NULL,
                checkpoint->varies);
    if (job_ad_find(writer->ad, "JobStarterLog") && !job_ad_find(writer->ad, "JobStarterDebug"))
        job_set(writer, "JobStarterDebug", "true", false);
    add_niceness(writer);
    add_accounting(writer);
    add_deferral(writer);
}

/* What HTCondor says even if nobody asked; an attribute that one task lacks gets it there. */
static void add_defaults(struct job_writer *writer)
{
    static const char *const defaults[][2] = {
        {"JobNotification", "0"},
        {"JobLeaseDuration", JOB_LEASE_SECONDS},
        {"LeaveJobInQueue", "false"},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(defaults); i++)
        if (!job_ad_find(writer->ad, defaults[i][0]))
            job_set(writer, defaults[i][0], defaults[i][1], false);
}

/* Which job and task it is nobody can say but the server. */
static void add_custom(struct job_writer *writer)
{
    const struct submit_task *task = writer->task;

    for (size_t i = 0; i < task->attribute_count; i++) {
        struct slice name = slice_from_text(task->attributes[i].name);

        if (!slice_equals_ignoring_case(name, "ClusterId") &&
            !slice_equals_ignoring_case(name, "ProcId"))
            job_set(writer, task->attributes[i].name, task->attributes[i].expression,
                    task->attributes[i].varies);
    }
}

/*
 * The order matters where one looks at another: commands come behind the values that they overrule,
 * custom attributes behind commands, and the requirements see all of them.
 */
void job_ad_fill(struct job_ad *ad, const struct submit *submit, const struct submit_task *task,
                 const struct job_origin *origin)
{
    const struct part *part = &submit->parts[task->part];
    struct job_writer writer = {.ad = ad, .part = part, .task = task, .origin = origin};

    /* The memory of the last task is used again: this runs once for every task that differs. */
    arena_clear(&ad->memory->arena);
    buffer_clear(&ad->memory->text);
    ad->count = 0;
    job_add(&writer, "MyType", "\"Job\"", false);
    add_number(&writer, "ClusterId", (int64_t)task->cluster, false);
    add_number(&writer, "ProcId", (int64_t)task->process, part->range.count > 1);
    job_add(&writer, "JobUniverse", JOB_UNIVERSE_VANILLA, false);
    add_state(&writer);
    add_program(&writer);
    add_files(&writer);
    add_transfer(&writer);
    add_requests(&writer);
    add_tries(&writer);
    add_commands(&writer);
    add_defaults(&writer);
    add_custom(&writer);
    job_set_requirements(&writer);
}
