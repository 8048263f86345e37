/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit_commands.h. The names are those of condor_submit(1) and of the job attributes that
 * HTCondor accepts in their place. A command has its spellings in the order in which they count:
 * where several are given, the first of them wins, as in HTCondor.
 *
 * Three kinds of names: those that have an effect here; those that may be given and change nothing,
 * because what they ask for is always so or means nothing here; and those that would change what is
 * computed, or where. Of the last kind the submitter hears, since leaving them out is not harmless.
 */
#include "submit_commands.h"

#include "base/spelling.h"

#include <string.h>

static const struct command_name names[] = {
    {"executable", EFFECT_FULL, COMMAND_EXECUTABLE},
    {"Cmd", EFFECT_FULL, COMMAND_EXECUTABLE},
    {"transfer_executable", EFFECT_FULL, COMMAND_TRANSFER_EXECUTABLE},
    {"TransferExecutable", EFFECT_FULL, COMMAND_TRANSFER_EXECUTABLE},
    {"arguments", EFFECT_FULL, COMMAND_ARGUMENTS},
    {"Args", EFFECT_FULL, COMMAND_ARGUMENTS},
    {"environment", EFFECT_FULL, COMMAND_ENVIRONMENT},
    {"Env", EFFECT_FULL, COMMAND_ENVIRONMENT},
    {"getenv", EFFECT_FULL, COMMAND_GETENV},
    {"get_env", EFFECT_FULL, COMMAND_GETENV},
    {"initialdir", EFFECT_FULL, COMMAND_INITIALDIR},
    {"initial_dir", EFFECT_FULL, COMMAND_INITIALDIR},
    {"Iwd", EFFECT_FULL, COMMAND_INITIALDIR},
    {"job_iwd", EFFECT_FULL, COMMAND_INITIALDIR},
    {"input", EFFECT_FULL, COMMAND_INPUT},
    {"stdin", EFFECT_FULL, COMMAND_INPUT},
    {"In", EFFECT_FULL, COMMAND_INPUT},
    {"output", EFFECT_FULL, COMMAND_OUTPUT},
    {"stdout", EFFECT_FULL, COMMAND_OUTPUT},
    {"Out", EFFECT_FULL, COMMAND_OUTPUT},
    {"error", EFFECT_FULL, COMMAND_ERROR},
    {"stderr", EFFECT_FULL, COMMAND_ERROR},
    {"Err", EFFECT_FULL, COMMAND_ERROR},
    {"log", EFFECT_FULL, COMMAND_LOG},
    {"UserLog", EFFECT_FULL, COMMAND_LOG},
    {"should_transfer_files", EFFECT_FULL, COMMAND_SHOULD_TRANSFER_FILES},
    {"ShouldTransferFiles", EFFECT_FULL, COMMAND_SHOULD_TRANSFER_FILES},
    {"when_to_transfer_output", EFFECT_FULL, COMMAND_WHEN_TO_TRANSFER_OUTPUT},
    {"WhenToTransferOutput", EFFECT_FULL, COMMAND_WHEN_TO_TRANSFER_OUTPUT},
    {"transfer_input_files", EFFECT_FULL, COMMAND_TRANSFER_INPUT_FILES},
    {"TransferInputFiles", EFFECT_FULL, COMMAND_TRANSFER_INPUT_FILES},
    {"TransferInput", EFFECT_FULL, COMMAND_TRANSFER_INPUT_FILES},
    {"transfer_output_files", EFFECT_FULL, COMMAND_TRANSFER_OUTPUT_FILES},
    {"TransferOutputFiles", EFFECT_FULL, COMMAND_TRANSFER_OUTPUT_FILES},
    {"TransferOutput", EFFECT_FULL, COMMAND_TRANSFER_OUTPUT_FILES},
    {"transfer_output_remaps", EFFECT_FULL, COMMAND_TRANSFER_OUTPUT_REMAPS},
    {"TransferOutputRemaps", EFFECT_FULL, COMMAND_TRANSFER_OUTPUT_REMAPS},
    {"request_cpus", EFFECT_FULL, COMMAND_REQUEST_CPUS},
    {"RequestCpus", EFFECT_FULL, COMMAND_REQUEST_CPUS},
    {"request_cpu", EFFECT_FULL, COMMAND_REQUEST_CPUS},
    {"request_memory", EFFECT_FULL, COMMAND_REQUEST_MEMORY},
    {"RequestMemory", EFFECT_FULL, COMMAND_REQUEST_MEMORY},
    {"request_disk", EFFECT_FULL, COMMAND_REQUEST_DISK},
    {"RequestDisk", EFFECT_FULL, COMMAND_REQUEST_DISK},
    {"universe", EFFECT_FULL, COMMAND_UNIVERSE},
    {"JobUniverse", EFFECT_FULL, COMMAND_UNIVERSE},
    {"hold", EFFECT_FULL, COMMAND_HOLD},
    {"priority", EFFECT_FULL, COMMAND_PRIORITY},
    {"prio", EFFECT_FULL, COMMAND_PRIORITY},
    {"JobPrio", EFFECT_FULL, COMMAND_PRIORITY},
    {"max_retries", EFFECT_SHOWN, COMMAND_MAX_RETRIES},
    {"batch_name", EFFECT_FULL, COMMAND_BATCH_NAME},
    {"JobBatchName", EFFECT_FULL, COMMAND_BATCH_NAME},
    {"MY.JobBatchName", EFFECT_FULL, COMMAND_BATCH_NAME},
    {"allow_undefined", EFFECT_FULL, COMMAND_ALLOW_UNDEFINED},
};

/*
 * About accounting, mail, spooling and other things that dusk does otherwise or not at all. None of
 * them changes what is computed, so submit files that have them run here as they are.
 */
static const char *const accepted[] = {
    "accounting_group",
    "accounting_group_user",
    "allow_arguments_v1",
    "allow_environment_v1",
    "allow_startup_script",
    "append_files",
    "batch_extra_submit_args",
    "batch_id",
    "batch_project",
    "batch_queue",
    "batch_runtime",
    "buffer_block_size",
    "buffer_files",
    "buffer_size",
    "compress_files",
    "copy_to_spool",
    "dagman_log",
    "description",
    "dont_encrypt_input_files",
    "dont_encrypt_output_files",
    "email_attributes",
    "encrypt_execute_directory",
    "encrypt_input_files",
    "encrypt_output_files",
    "fetch_files",
    "file_remaps",
    "image_size",
    "job_ad_information_attrs",
    "job_description",
    "job_lease_duration",
    "job_machine_attrs",
    "job_machine_attrs_history_length",
    "keep_claim_idle",
    "load_profile",
    "local_files",
    "log_xml",
    "materialize_max_idle",
    "max_idle",
    "max_materialize",
    "max_transfer_input_mb",
    "max_transfer_output_mb",
    "next_job_start_delay",
    "nice_user",
    "notification",
    "notify_user",
    "preserve_relative_paths",
    "run_as_owner",
    "send_credential",
    "skip_filechecks",
    "starter_debug",
    "starter_log",
    "submit_event_notes",
    "submit_event_user_notes",
    "transfer_plugins",
    "ulog_execute_attrs",
    "want_graceful_removal",
    "want_io_proxy",
    "want_remote_io",
};

/* What HTCondor would obey and dusk does not yet; each is a warning. */
static const char *const expected[] = {
    "allowed_execute_duration",
    "allowed_job_duration",
    "arguments2",
    "checkpoint_exit_code",
    "concurrency_limits",
    "concurrency_limits_expr",
    "container_image",
    "container_service_names",
    "container_target_dir",
    "core_size",
    "coresize",
    "cron_day_of_month",
    "cron_day_of_week",
    "cron_hour",
    "cron_minute",
    "cron_month",
    "cron_prep_time",
    "cron_window",
    "cuda_version",
    "deferral_prep_time",
    "deferral_time",
    "deferral_window",
    "delegate_job_gsi_credentials_lifetime",
    "docker_image",
    "docker_network_type",
    "docker_override_entrypoint",
    "docker_pull_policy",
    "environment2",
    "erase_output_and_error_on_restart",
    "gpus_maximum_capability",
    "gpus_minimum_capability",
    "gpus_minimum_memory",
    "gpus_minimum_runtime",
    "grid_resource",
    "hold_kill_sig",
    "jar_files",
    "java_vm_args",
    "job_max_vacate_time",
    "kill_sig",
    "kill_sig_timeout",
    "leave_in_queue",
    "machine_count",
    "manifest",
    "manifest_dir",
    "max_job_retirement_time",
    "mount_under_scratch",
    "noop_job",
    "noop_job_exit_code",
    "noop_job_exit_signal",
    "on_exit_hold",
    "on_exit_hold_reason",
    "on_exit_hold_subcode",
    "on_exit_remove",
    "output_destination",
    "periodic_hold",
    "periodic_hold_reason",
    "periodic_hold_subcode",
    "periodic_release",
    "periodic_remove",
    "periodic_vacate",
    "preferences",
    "public_input_files",
    "rank",
    "remote_initialdir",
    "remove_kill_sig",
    "rendezvousdir",
    "request_gpus",
    "require_gpus",
    "requirements",
    "retry_request_memory",
    "retry_request_memory_increase",
    "retry_request_memory_max",
    "retry_until",
    "scitokens_file",
    "singularity_image",
    "stack_size",
    "stream_error",
    "stream_input",
    "stream_output",
    "success_exit_code",
    "tool_daemon_args",
    "tool_daemon_arguments",
    "tool_daemon_cmd",
    "tool_daemon_error",
    "tool_daemon_input",
    "tool_daemon_output",
    "transfer_checkpoint_files",
    "transfer_container",
    "transfer_error",
    "transfer_input",
    "transfer_output",
    "use_oauth_services",
    "use_scitokens",
    "use_x509userproxy",
    "vm_checkpoint",
    "vm_disk",
    "vm_memory",
    "vm_networking",
    "vm_networking_type",
    "vm_no_output_vm",
    "vm_type",
    "want_job_networking",
    "x509userproxy",
};

/* Families whose members HTCondor does not list one by one: sites give resources their names. */
static const char *const expected_prefixes[] = {
    "request_", "arc_", "aws_", "azure_", "ec2_", "gce_", "vmware_", "xen_",
};

/* HTCondor's names are the same in either case. */
static bool is_in(const char *name, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equals_ignoring_case(slice_from_text(name), words[i]))
            return true;
    return false;
}

/* The prefix alone is no member. */
static bool has_expected_prefix(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(expected_prefixes); i++) {
        size_t length = strlen(expected_prefixes[i]);

        if (strlen(name) > length &&
            slice_equals_ignoring_case((struct slice){name, length}, expected_prefixes[i]))
            return true;
    }
    return false;
}

/* Walked through: a text has few names, and each is looked up once per queue statement at most. */
const struct command_name *command_find(const char *name)
{
    static const struct command_name no_effect = {"", EFFECT_NONE, COMMAND_COUNT};
    static const struct command_name later = {"", EFFECT_LATER, COMMAND_COUNT};

    /* What has an effect comes first: request_cpus is also of the family that has none yet. */
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (slice_equals_ignoring_case(slice_from_text(name), names[i].name))
            return &names[i];
    if (is_in(name, accepted, ARRAY_LENGTH(accepted)))
        return &no_effect;
    if (is_in(name, expected, ARRAY_LENGTH(expected)) || has_expected_prefix(name))
        return &later;
    return NULL;
}

/* The table's order is the order in which they count. */
const char *command_spelling(enum command command, size_t index)
{
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (names[i].command == command && index-- == 0)
            return names[i].name;
    return NULL;
}

/* Also those without effect: a slip in one of them is still a slip. */
const char *command_nearest(const char *name)
{
    const char *candidates[ARRAY_LENGTH(names) + ARRAY_LENGTH(accepted) + ARRAY_LENGTH(expected)];
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        candidates[count++] = names[i].name;
    for (size_t i = 0; i < ARRAY_LENGTH(accepted); i++)
        candidates[count++] = accepted[i];
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++)
        candidates[count++] = expected[i];
    return spelling_nearest(name, candidates, count);
}
