/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See job_ad.h: what HTCondor adds to a user's requirements. A node must be of the submitter's
 * architecture and operating system, have what is requested, and be able to get the files; each
 * only if the user's own expression does not ask for that attribute, because then he has said what
 * he wants there. The order of the clauses is HTCondor's.
 *
 * Requirements that are set as an attribute ("+Requirements") stand as they are.
 *
 * People compare what they see here with what condor_submit made of the same file, and scripts look
 * for pieces of it. So the text is HTCondor's own, also where another one would mean the same;
 * submit_corpus_test.c holds it against real ones. What is matched differs from it in one thing
 * (trusts_silent_nodes): HTCondor's nodes tell what their GPUs can do, and ours do not yet.
 */
#include "job_ad_internal.h"

#include "expression.h"
#include "text.h"

#include <string.h>

#define HAS_METHODS "TARGET.HasFileTransferPluginMethods"
/* Since when a node understands what the option before it asks for. */
#define VERSION_CLAUSE " && versioncmp(split(TARGET.CondorVersion)[1],\"8.9.7\") >= 0"

/* The requirements being made. */
struct clauses {
    struct job_writer *writer;
    struct slice given;    /* the user's own */
    struct buffer *answer; /* the memory's */
    bool varies;
};

/* Without the user's own requirements there is nothing that could be mentioned. */
static bool mentions(const struct clauses *clauses, const char *name)
{
    return expression_mentions(clauses->given, name);
}

/*
 * The value of an attribute that is there. Whether it is shapes the answer: so whatever is looked
 * at makes the requirements vary if it varies itself, also where it turns out to add no clause.
 */
static const char *look_up(struct clauses *clauses, const char *name)
{
    const struct submit_attribute *attribute = job_ad_get(clauses->writer->ad, name);

    if (!attribute)
        return NULL;
    clauses->varies = clauses->varies || attribute->varies;
    return attribute->expression;
}

/* Written out; an expression that may come to true is not known to be. */
static bool is_true(struct clauses *clauses, const char *name)
{
    const char *expression = look_up(clauses, name);

    return expression && slice_equals_ignoring_case(slice_from_text(expression), "true");
}

static void add_and(struct clauses *clauses)
{
    if (clauses->answer->length > 0)
        buffer_append_text(clauses->answer, " && ");
}

static void add_clause(struct clauses *clauses, const char *clause)
{
    add_and(clauses);
    buffer_append_text(clauses->answer, clause);
}

/* Each of them tells which operating system it has to be, or even more. */
static bool mentions_operating_system(const struct clauses *clauses)
{
    static const char *const names[] = {"OpSys",          "OpSysAndVer", "OpSysLongName",
                                        "OpSysShortName", "OpSysName",   "OpSysLegacy"};

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (mentions(clauses, names[i]))
            return true;
    return false;
}

/* An image brings its own operating system. */
static void add_platform(struct clauses *clauses)
{
    const struct job_writer *writer = clauses->writer;

    if (!mentions(clauses, "Arch")) {
        add_and(clauses);
        buffer_appendf(clauses->answer, "(TARGET.Arch == \"%s\")", writer->origin->arch);
    }
    if (writer->task->universe == SUBMIT_VANILLA && !mentions_operating_system(clauses)) {
        add_and(clauses);
        buffer_appendf(clauses->answer, "(TARGET.OpSys == \"%s\")",
                       writer->origin->operating_system);
    }
}

/* Networks with other names than these are the site's own. */
static void add_docker(struct clauses *clauses)
{
    static const char *const usual[] = {"\"host\"", "\"none\"", "\"nat\"", "\"\""};
    const char *network = look_up(clauses, "DockerNetworkType");

    add_clause(clauses, "TARGET.HasDocker");
    for (size_t i = 0; network && i < ARRAY_LENGTH(usual); i++)
        if (strcmp(network, usual[i]) == 0)
            return;
    if (network)
        add_clause(clauses, "StringListMember(My.DockerNetworkType,TARGET.DockerNetworks)");
}

static void add_image(struct clauses *clauses)
{
    switch (clauses->writer->task->universe) {
    case SUBMIT_VANILLA:
        return;
    case SUBMIT_DOCKER:
        add_docker(clauses);
        return;
    case SUBMIT_CONTAINER:
        add_clause(clauses, "TARGET.HasContainer");
        if (is_true(clauses, "WantDockerImage"))
            add_clause(clauses, "TARGET.HasDockerURL");
        else if (is_true(clauses, "WantSIF"))
            add_clause(clauses, "TARGET.HasSIF");
        else
            add_clause(clauses, "TARGET.HasSandboxImage");
    }
}

/* More than `least`, or not known without an evaluation. */
static bool asks_for_more(struct clauses *clauses, const char *name, double least)
{
    const char *expression = look_up(clauses, name);

    if (!expression)
        return false;
    return expression_classify(slice_from_text(expression)) != EXPRESSION_NUMBER ||
           expression_number(slice_from_text(expression)) > least;
}

/*
 * What every node has: disk, memory, cores. HTCondor does not treat the three alike: what is asked
 * of memory is required whatever the user's own expression says of it, as is a request for disk.
 */
static void add_machine(struct clauses *clauses)
{
    if (!look_up(clauses, "RequestDisk")) {
        if (!mentions(clauses, "Disk"))
            add_clause(clauses, "(TARGET.Disk >= DiskUsage)");
    } else if (mentions(clauses, "Disk") || asks_for_more(clauses, "RequestDisk", 0)) {
        add_clause(clauses, "(TARGET.Disk >= RequestDisk)");
    }
    /* One megabyte and one core are what every node has. */
    if (asks_for_more(clauses, "RequestMemory", 1))
        add_clause(clauses, "(TARGET.Memory >= RequestMemory)");
    if (!mentions(clauses, "Cpus") && asks_for_more(clauses, "RequestCpus", 1))
        add_clause(clauses, "(TARGET.Cpus >= RequestCpus)");
}

/*
 * Resources may have conditions of their own: "RequireGPUs" goes with "RequestGPUs". A node that
 * does not tell what its resources can do is no worse for it than without the condition.
 */
static void add_counted(struct clauses *clauses, const char *request, const char *resource)
{
    bool trusts = clauses->writer->origin->trusts_silent_nodes;
    _cleanup_buffer_ struct buffer require = BUFFER_INIT;
    bool has_condition;

    buffer_appendf(&require, "Require%s", resource);
    has_condition = look_up(clauses, buffer_text(&require)) != NULL;
    if (!has_condition || trusts) {
        add_and(clauses);
        buffer_appendf(clauses->answer, "(TARGET.%s >= %s)", resource, request);
    }
    if (!has_condition)
        return;
    add_and(clauses);
    buffer_append_character(clauses->answer, '(');
    if (trusts)
        buffer_appendf(clauses->answer, "TARGET.Available%s =?= undefined || ", resource);
    buffer_appendf(clauses->answer, "countMatches(MY.%s,TARGET.Available%s) >= %s)",
                   buffer_text(&require), resource, request);
}

/* A word is a pattern for the node's attribute; nothing, or a yes, asks for nothing. */
static void add_resource(struct clauses *clauses, const char *request)
{
    const char *resource = request + strlen("Request");
    const char *expression = look_up(clauses, request);

    if (!expression || mentions(clauses, resource))
        return;
    switch (expression_classify(slice_from_text(expression))) {
    case EXPRESSION_BOOLEAN:
        return;
    case EXPRESSION_STRING:
        if (strcmp(expression, "\"\"") == 0)
            return;
        add_and(clauses);
        buffer_appendf(clauses->answer, "regexp(%s,TARGET.%s)", request, resource);
        return;
    case EXPRESSION_NUMBER:
        if (expression_number(slice_from_text(expression)) <= 0)
            return;
        add_counted(clauses, request, resource);
        return;
    case EXPRESSION_UNDEFINED:
    case EXPRESSION_OTHER:
        add_counted(clauses, request, resource);
    }
}

/* Whether the attribute asks for a resource that has no clause yet. */
static bool is_resource(const char *name)
{
    static const char *const known[] = {"RequestCpus", "RequestDisk", "RequestMemory"};

    if (!text_begins(slice_from_text(name), "Request") ||
        !command_resource_is_valid(name + strlen("Request")))
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
        if (slice_equals_ignoring_case(slice_from_text(name), known[i]))
            return false;
    return true;
}

/*
 * In the order of their names, which is HTCondor's: each time the least of those behind the last
 * one. There are two or three; to sort them would need a list for every task.
 */
static void add_resources(struct clauses *clauses)
{
    const struct job_ad *ad = clauses->writer->ad;
    const char *last = "";

    for (;;) {
        const char *next = NULL;

        for (size_t i = 0; i < ad->count; i++)
            if (is_resource(ad->items[i].name) &&
                text_compare_ignoring_case(ad->items[i].name, last) > 0 &&
                (!next || text_compare_ignoring_case(ad->items[i].name, next) < 0))
                next = ad->items[i].name;
        if (!next)
            return;
        add_resource(clauses, next);
        last = next;
    }
}

static bool is_scheme_character(char c)
{
    return text_is_letter(c) || text_is_digit(c) || c == '+' || c == '-' || c == '.';
}

/* The scheme of a URL, or nothing: letters, digits and "+-." before "://". */
static struct slice url_scheme(struct slice text)
{
    struct slice scheme = {text.data, 0};

    while (scheme.length < text.length && is_scheme_character(text.data[scheme.length]))
        scheme.length++;
    if (!text_begins(text_behind(text, scheme.length), "://"))
        return (struct slice){0};
    /* Of "chtc+https" the last part is the method. */
    for (size_t i = scheme.length; i > 0; i--)
        if (strchr("+-.", scheme.data[i - 1]))
            return text_behind(scheme, i);
    return scheme;
}

/* Each method once, whoever needs it. */
static void note_scheme(struct clauses *clauses, struct slice path)
{
    struct job_ad_memory *memory = clauses->writer->ad->memory;
    struct slice scheme = url_scheme(slice_trim(path));

    for (size_t i = 0; i < memory->words.count; i++)
        if (slice_equals_ignoring_case(scheme, memory->words.items[i]))
            return;
    if (scheme.length > 0)
        list_add(&memory->words, arena_copy(&memory->arena, scheme));
}

/* The items of an attribute that is a string; of "a = b", what stands behind the '='. */
static void note_schemes(struct clauses *clauses, const char *name, char separator)
{
    const char *expression = look_up(clauses, name);
    _cleanup_buffer_ struct buffer value = BUFFER_INIT;
    struct slice rest;

    if (!expression)
        return;
    expression_unquote(slice_from_text(expression), &value);
    rest = (struct slice){buffer_text(&value), value.length};
    while (rest.length > 0) {
        struct slice item = text_take(&rest, separator);

        if (separator == ';')
            (void)text_take(&item, '=');
        note_scheme(clauses, item);
    }
}

/* An image is among the inputs, and may come from anywhere. */
static bool image_may_differ(const struct clauses *clauses)
{
    const struct submit_attribute *image = job_ad_get(clauses->writer->ad, "ContainerImage");

    return image && image->varies;
}

/*
 * Each way to fetch or deliver that a URL names has to be one of the node's. The names of inputs
 * vary in most sweeps while the ways do not: if no input can be an address, the requirements stay
 * the same for all tasks, and the sweep is one kind of job.
 */
static void add_methods(struct clauses *clauses)
{
    struct list *methods = &clauses->writer->ad->memory->words;
    bool before = clauses->varies, vary;
    _cleanup_buffer_ struct buffer all = BUFFER_INIT;

    /* Of these three alone the methods depend. */
    clauses->varies = false;
    list_clear(methods);
    note_schemes(clauses, "TransferInput", ',');
    if (clauses->writer->part->inputs_are_files)
        clauses->varies = image_may_differ(clauses);
    note_schemes(clauses, "OutputDestination", '\0');
    note_schemes(clauses, "TransferOutputRemaps", ';');
    vary = clauses->varies;
    clauses->varies = before || vary;
    list_sort(methods);
    for (size_t i = 0; i < methods->count; i++) {
        buffer_appendf(&all, "%s%s", i > 0 ? "," : "", methods->items[i]);
        if (!mentions(clauses, "HasFileTransferPluginMethods"))
            buffer_appendf(clauses->answer, " && stringListIMember(\"%s\"," HAS_METHODS ")",
                           methods->items[i]);
    }
    if (methods->count > 0) {
        _cleanup_buffer_ struct buffer wanted = BUFFER_INIT;

        expression_append_string(&wanted, (struct slice){buffer_text(&all), all.length});
        job_set(clauses->writer, "WantTransferPluginMethods",
                arena_copy(&clauses->writer->ad->memory->arena,
                           (struct slice){wanted.data, wanted.length}),
                vary);
    } else if (vary) {
        job_set(clauses->writer, "WantTransferPluginMethods", NULL, true);
    }
}

/* All four are looked up, because each of them may be what varies. */
static bool wants_file_encryption(struct clauses *clauses)
{
    static const char *const names[] = {"EncryptInputFiles", "EncryptOutputFiles",
                                        "DontEncryptInputFiles", "DontEncryptOutputFiles"};
    bool wants = false;

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        wants = look_up(clauses, names[i]) || wants;
    return wants && !mentions(clauses, "HasPerFileEncryption");
}

/* The order within the parentheses is HTCondor's, too. */
static void add_transfer_able(struct clauses *clauses)
{
    const char *plugins = look_up(clauses, "TransferPlugins");

    buffer_append_text(clauses->answer,
                       plugins ? "TARGET.HasJobTransferPlugins" : "TARGET.HasFileTransfer");
    if (wants_file_encryption(clauses))
        buffer_append_text(clauses->answer, " && TARGET.HasPerFileEncryption");
    if (look_up(clauses, "TransferCheckpoint") || is_true(clauses, "PreserveRelativePaths") ||
        clauses->writer->task->when_to_transfer_output == SUBMIT_TRANSFER_ON_SUCCESS)
        buffer_append_text(clauses->answer, VERSION_CLAUSE);
    add_methods(clauses);
}

/* Either the node sees the same files, or they can be brought there, whatever is allowed. */
static void add_transfer(struct clauses *clauses)
{
    static const char same_domain[] = "(TARGET.FileSystemDomain == MY.FileSystemDomain)";
    enum submit_transfer should = clauses->writer->task->should_transfer_files;
    bool either = should == SUBMIT_TRANSFER_IF_NEEDED && !mentions(clauses, "FileSystemDomain");

    (void)look_up(clauses, "ShouldTransferFiles");
    if (should == SUBMIT_TRANSFER_NO) {
        if (!mentions(clauses, "FileSystemDomain"))
            add_clause(clauses, same_domain);
        return;
    }
    if (mentions(clauses, "HasFileTransfer") || mentions(clauses, "HasJobTransferPlugins"))
        return;
    add_and(clauses);
    if (either)
        buffer_appendf(clauses->answer, "(%s || ", same_domain);
    buffer_append_character(clauses->answer, '(');
    add_transfer_able(clauses);
    buffer_append_text(clauses->answer, either ? "))" : ")");
}

/* dusk's own: a node runs all tasks alike, and lends its network to all or to none. */
static void add_surroundings(struct clauses *clauses)
{
    if (look_up(clauses, "Runtime") && !mentions(clauses, "Runtime"))
        add_clause(clauses, "(TARGET.Runtime == MY.Runtime)");
    if (look_up(clauses, "Network") && !mentions(clauses, "Network"))
        add_clause(clauses, "(MY.Network == \"none\" || TARGET.Network == MY.Network)");
}

/* Our scratch folders are not encrypted, so such a task waits for a node that says it can. */
static void add_special(struct clauses *clauses)
{
    if (is_true(clauses, "EncryptExecuteDirectory") &&
        !mentions(clauses, "EncryptExecuteDirectory"))
        add_clause(clauses, "TARGET.HasEncryptExecuteDirectory");
}

/* A node that can wait with a task, and a time that has not passed. */
static void add_start_time(struct clauses *clauses)
{
    static const char *const times[] = {"CronMinute", "CronHour",      "CronDayOfMonth",
                                        "CronMonth",  "CronDayOfWeek", "DeferralTime"};
    bool waits = false;

    for (size_t i = 0; i < ARRAY_LENGTH(times); i++)
        waits = look_up(clauses, times[i]) || waits;
    if (!waits)
        return;
    add_clause(clauses, "TARGET.HasJobDeferral");
    add_clause(clauses, "(((time() + ScheddInterval) >= (DeferralTime - DeferralPrepTime)) && "
                        "(time() < (DeferralTime + DeferralWindow)))");
}

/*
 * The conditions on GPUs that have commands of their own, unless require_gpus has them. They are
 * put into RequireGPUs, which is looked at for each GPU of a node, and not into the requirements.
 */
static void set_gpu_conditions(struct job_writer *writer)
{
    static const struct {
        const char *attribute, *property, *clause;
    } conditions[] = {
        {"GPUsMinCapability", "Capability", "Capability >= GPUsMinCapability"},
        {"GPUsMaxCapability", "Capability", "Capability <= GPUsMaxCapability"},
        {"GPUsMinMemory", "GlobalMemoryMb", "GlobalMemoryMb >= GPUsMinMemory"},
        {"GPUsMinRuntime", "MaxSupportedVersion", "MaxSupportedVersion >= GPUsMinRuntime"},
    };
    struct clauses clauses = {
        .writer = writer, .given = slice_from_text(""), .answer = &writer->ad->memory->text};
    const char *given = look_up(&clauses, "RequireGPUs");
    bool any = false;

    if (!look_up(&clauses, "RequestGPUs"))
        return;
    if (given) {
        clauses.given = slice_from_text(given);
        buffer_appendf(clauses.answer,
                       expression_binds_weaker_than_and(clauses.given) ? "(%s)" : "%s", given);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(conditions); i++) {
        if (!look_up(&clauses, conditions[i].attribute) ||
            mentions(&clauses, conditions[i].property))
            continue;
        add_clause(&clauses, conditions[i].clause);
        any = true;
    }
    if (any)
        job_set_made(writer, "RequireGPUs", clauses.varies);
    buffer_clear(clauses.answer);
}

/* One after the other, in HTCondor's order; the last two belong to no group of it. */
static void add_all(struct clauses *clauses)
{
    add_platform(clauses);
    add_image(clauses);
    add_machine(clauses);
    add_resources(clauses);
    add_special(clauses);
    add_surroundings(clauses);
    add_transfer(clauses);
    add_start_time(clauses);
    if (is_true(clauses, "WantFTOnCheckpoint") && !mentions(clauses, "HasSelfCheckpointTransfers"))
        add_clause(clauses, "TARGET.HasSelfCheckpointTransfers");
    if (!look_up(clauses, "CUDAVersion"))
        return;
    add_clause(clauses, clauses->writer->origin->trusts_silent_nodes
                            ? "(TARGET.CUDAMaxSupportedVersion =?= undefined || CUDAVersion <= "
                              "TARGET.CUDAMaxSupportedVersion)"
                            : "CUDAVersion <= TARGET.CUDAMaxSupportedVersion");
}

void job_set_requirements(struct job_writer *writer)
{
    const char *given = writer->task->requirements;
    struct clauses clauses = {
        .writer = writer,
        .given = slice_from_text(given ? given : ""),
        .answer = &writer->ad->memory->text,
        .varies =
            writer->part->varies[COMMAND_REQUIREMENTS] || writer->part->varies[COMMAND_UNIVERSE],
    };

    /* Before the look at "+Requirements": it is an attribute that those may refer to. */
    set_gpu_conditions(writer);
    if (job_ad_get(writer->ad, "Requirements"))
        return;
    /* In parentheses, because what follows binds stronger than its own "||". */
    if (given)
        buffer_appendf(clauses.answer, "(%s)", given);
    add_all(&clauses);
    job_set_made(writer, "Requirements", clauses.varies);
}
