/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submit_commands.h. The names are those of condor_submit(1) and of the job attributes that
 * HTCondor accepts in their place. A command has its spellings in the order in which they count:
 * where several are given, the first of them wins, as in HTCondor.
 *
 * Three kinds of commands: those that do what they should; those that may be given and change
 * nothing, because what they ask for is always so or means nothing here; and those that would
 * change what is computed, or where, and do not yet. Of the last kind the submitter hears, since
 * leaving them out is not harmless. Each says why, in words that stand in the warning and, the
 * same, in the manual page; a test holds the two against each other.
 */
#include "submit_commands.h"
#include "text.h"

#include "base/spelling.h"

#include <string.h>

/* The reasons, in the order of the alphabet. */
static const char always_checked_why[] = "files are always checked before a job is accepted";
static const char by_content_why[] = "the server keeps inputs, the program too, by their content";
static const char credentials_why[] =
    "dusk hands on no credentials; give files as inputs, and only to a pool that you trust";
static const char flat_names_why[] = "outputs come home under their last names";
static const char gpu_memory_why[] = "HTCondor has no such command; use gpus_minimum_memory";
static const char graceful_why[] = "a task that is removed has its grace, too";
static const char grid_why[] = "only the grid universe reads it, and that is refused";
static const char java_why[] = "only the java universe reads it, and that is refused";
static const char lease_why[] =
    "the pool's own lease holds, and is renewed as long as the server is there";
static const char network_why[] = "a task has the node's network";
static const char no_chirp_why[] = "a task cannot reach back to the submitter's files";
static const char no_claims_kept_why[] =
    "a node that is free is offered to whoever is next at once";
static const char no_entrypoint_why[] =
    "the program is always the executable, never the image's own";
static const char no_service_why[] = "nobody reaches a port of a contained task";
static const char no_target_why[] = "the working folder of a contained task is /job";
static const char full_network_why[] = "say network = full, or none, instead";
static const char own_images_why[] =
    "images come from this pool's server, each node fetches one once";
static const char no_cores_why[] = "nodes keep no core files";
static const char no_dagman_why[] = "it only tells HTCondor's DAGMan which job is whose";
static const char no_dataflow_why[] = "nobody compares the ages of inputs and outputs";
static const char no_disk_encryption_why[] = "scratch folders are not encrypted";
static const char no_duration_why[] = "a task runs as long as it takes";
static const char no_groups_why[] = "shares of the pool are counted by user";
static const char no_limits_why[] = "the pool knows no limits that jobs share";
static const char no_machine_attrs_why[] = "'dusk history' tells where a task ran";
static const char no_mail_why[] =
    "dusk sends no mail; 'dusk wait' and 'dusk watch' tell when a job is done";
static const char no_manifest_why[] = "there is no list of what a task left behind";
static const char no_mounts_why[] = "a task sees the node's own folders";
static const char no_noop_why[] = "every task runs its program";
static const char no_notes_why[] = "dusk's job log has its own texts";
static const char no_destination_why[] = "the server keeps the checkpoints of tasks";
static const char no_plugins_why[] =
    "dusk brings files itself, and has no plugins for other places";
static const char no_policy_why[] =
    "the server obeys no conditions of jobs yet: hold, release and remove them by hand";
static const char no_retry_memory_why[] =
    "a task that needs more memory is held, and says how much it had used";
static const char no_sets_why[] = "jobs are not gathered into sets";
static const char no_start_delay_why[] = "tasks start as fast as nodes are free";
static const char no_starter_why[] = "what a node logs goes to its own log";
static const char no_streams_why[] =
    "standard streams are whole files, which come and go with the task; 'dusk tail' shows "
    "what it has written so far";
static const char no_times_why[] = "tasks start as soon as a node is free";
static const char no_transfer_limit_why[] = "transfers have no limit but request_disk";
static const char no_xml_why[] = "the job log is text";
static const char own_folder_why[] = "a task's folder is its scratch folder";
static const char parallel_why[] = "only the parallel universe reads it, and that is refused";
static const char remote_calls_why[] =
    "only the standard universe has files at the submitter's, and that is refused";
static const char one_signal_why[] = "a task that must go hears the same signal, whyever it must";
static const char silent_gpus_why[] =
    "nodes do not tell what their GPUs can do, so any of them will do unless an admin has told";
static const char singularity_why[] = "HTCondor has no such command; use container_image";
static const char standard_only_why[] =
    "only the standard universe read it, which HTCondor itself has given up";
static const char std_always_why[] =
    "a standard stream that has a file always comes from there or goes there";
static const char tdp_why[] = "no tool starts beside a task";
static const char tls_why[] = "every transfer is encrypted";
static const char unstarted_why[] = "a task that has not started costs the server nothing";
static const char vacate_why[] = "how long a task may stay is up to the node's owner";
static const char vm_why[] = "only the vm universe reads it, and that is refused";
static const char whole_files_why[] = "a task that starts anew writes its outputs anew, and one "
                                      "that goes on from a checkpoint goes on "
                                      "writing";
static const char windows_why[] = "it is for nodes that run Windows";

const struct command_about command_table[] = {
    /* What runs, and with what. */
    {"universe", "JobUniverse", EFFECT_DONE, FORM_NONE, NULL, COMMAND_UNIVERSE},
    {"executable", "Cmd", EFFECT_DONE, FORM_NONE, NULL, COMMAND_EXECUTABLE},
    {"transfer_executable", "TransferExecutable", EFFECT_DONE, FORM_NONE, NULL,
     COMMAND_TRANSFER_EXECUTABLE},
    {"arguments", "Args", EFFECT_DONE, FORM_NONE, NULL, COMMAND_ARGUMENTS},
    {"arguments2", NULL, EFFECT_DONE, FORM_NONE, NULL, COMMAND_ARGUMENTS2},
    {"allow_arguments_v1", NULL, EFFECT_DONE, FORM_NONE, NULL, COMMAND_ALLOW_ARGUMENTS_V1},
    {"environment", NULL, EFFECT_DONE, FORM_NONE, NULL, COMMAND_ENVIRONMENT, {"env"}},
    {"environment2", NULL, EFFECT_DONE, FORM_NONE, NULL, COMMAND_ENVIRONMENT2},
    {"allow_environment_v1", NULL, EFFECT_DONE, FORM_NONE, NULL, COMMAND_ALLOW_ENVIRONMENT_V1},
    {"getenv", NULL, EFFECT_DONE, FORM_NONE, NULL, COMMAND_GETENV, {"get_env"}},
    {"initialdir",
     "Iwd",
     EFFECT_DONE,
     FORM_NONE,
     NULL,
     COMMAND_INITIALDIR,
     {"initial_dir", "job_iwd"}},
    {"input", "In", EFFECT_DONE, FORM_NONE, NULL, COMMAND_INPUT, {"stdin"}},
    {"output", "Out", EFFECT_DONE, FORM_NONE, NULL, COMMAND_OUTPUT, {"stdout"}},
    {"error", "Err", EFFECT_DONE, FORM_NONE, NULL, COMMAND_ERROR, {"stderr"}},
    {"log", "UserLog", EFFECT_DONE, FORM_NONE, NULL, COMMAND_LOG},
    {"hold", NULL, EFFECT_DONE, FORM_NONE, NULL, COMMAND_HOLD},
    {"priority", "JobPrio", EFFECT_DONE, FORM_NONE, NULL, COMMAND_PRIORITY, {"prio"}},
    {"batch_name",
     "JobBatchName",
     EFFECT_DONE,
     FORM_NONE,
     NULL,
     COMMAND_BATCH_NAME,
     {"MY.JobBatchName"}},
    {"allow_undefined", NULL, EFFECT_DONE, FORM_NONE, NULL, COMMAND_ALLOW_UNDEFINED},
    /* Files. */
    {"should_transfer_files", "ShouldTransferFiles", EFFECT_DONE, FORM_NONE, NULL,
     COMMAND_SHOULD_TRANSFER_FILES},
    {"when_to_transfer_output", "WhenToTransferOutput", EFFECT_DONE, FORM_NONE, NULL,
     COMMAND_WHEN_TO_TRANSFER_OUTPUT},
    {"transfer_input_files",
     "TransferInput",
     EFFECT_DONE,
     FORM_NONE,
     NULL,
     COMMAND_TRANSFER_INPUT_FILES,
     {"TransferInputFiles"}},
    {"transfer_output_files",
     "TransferOutput",
     EFFECT_DONE,
     FORM_NONE,
     NULL,
     COMMAND_TRANSFER_OUTPUT_FILES,
     {"TransferOutputFiles"}},
    {"transfer_output_remaps", "TransferOutputRemaps", EFFECT_DONE, FORM_NONE, NULL,
     COMMAND_TRANSFER_OUTPUT_REMAPS},
    {"transfer_input", "TransferIn", EFFECT_LATER, FORM_BOOLEAN, std_always_why},
    {"transfer_output", "TransferOut", EFFECT_LATER, FORM_BOOLEAN, std_always_why},
    {"transfer_error", "TransferErr", EFFECT_LATER, FORM_BOOLEAN, std_always_why},
    {"stream_input", "StreamIn", EFFECT_LATER, FORM_BOOLEAN, no_streams_why},
    {"stream_output", "StreamOut", EFFECT_LATER, FORM_BOOLEAN, no_streams_why},
    {"stream_error", "StreamErr", EFFECT_LATER, FORM_BOOLEAN, no_streams_why},
    {"output_destination", "OutputDestination", EFFECT_LATER, FORM_STRING, no_plugins_why},
    {"transfer_plugins", "TransferPlugins", EFFECT_LATER, FORM_STRING, no_plugins_why},
    {"public_input_files", "PublicInputFiles", EFFECT_LATER, FORM_STRING, no_plugins_why},
    {"preserve_relative_paths", "PreserveRelativePaths", EFFECT_LATER, FORM_BOOLEAN,
     flat_names_why},
    {"max_transfer_input_mb", "MaxTransferInputMB", EFFECT_LATER, FORM_EXPRESSION,
     no_transfer_limit_why},
    {"max_transfer_output_mb", "MaxTransferOutputMB", EFFECT_LATER, FORM_EXPRESSION,
     no_transfer_limit_why},
    {"disk_usage", "DiskUsage", EFFECT_DONE, FORM_KILOBYTES, NULL},
    {"image_size", "ImageSize", EFFECT_DONE, FORM_KILOBYTES, NULL},
    {"encrypt_input_files", "EncryptInputFiles", EFFECT_NONE, FORM_STRING, tls_why},
    {"encrypt_output_files", "EncryptOutputFiles", EFFECT_NONE, FORM_STRING, tls_why},
    {"dont_encrypt_input_files", "DontEncryptInputFiles", EFFECT_NONE, FORM_STRING, tls_why},
    {"dont_encrypt_output_files", "DontEncryptOutputFiles", EFFECT_NONE, FORM_STRING, tls_why},
    {"encrypt_execute_directory", "EncryptExecuteDirectory", EFFECT_LATER, FORM_BOOLEAN,
     no_disk_encryption_why},
    {"mount_under_scratch", "MountUnderScratch", EFFECT_LATER, FORM_EXPRESSION, no_mounts_why},
    {"manifest",
     "JobManifestDesired",
     EFFECT_LATER,
     FORM_BOOLEAN,
     no_manifest_why,
     COMMAND_NONE,
     {"JobManifestDesired"}},
    {"manifest_dir", "JobManifestDir", EFFECT_LATER, FORM_STRING, no_manifest_why},
    {"skip_if_dataflow", "SkipIfDataflow", EFFECT_LATER, FORM_BOOLEAN, no_dataflow_why},
    {"erase_output_and_error_on_restart", "DontAppend", EFFECT_NONE, FORM_BOOLEAN, whole_files_why},
    {"skip_filechecks", NULL, EFFECT_NONE, FORM_NONE, always_checked_why},
    {"copy_to_spool", "CopyToSpool", EFFECT_NONE, FORM_NONE, by_content_why},
    {"append_files", "AppendFiles", EFFECT_NONE, FORM_STRING, remote_calls_why},
    {"buffer_files", "BufferFiles", EFFECT_NONE, FORM_EXPRESSION, remote_calls_why},
    {"buffer_size", "BufferSize", EFFECT_NONE, FORM_EXPRESSION, remote_calls_why},
    {"buffer_block_size", "BufferBlockSize", EFFECT_NONE, FORM_EXPRESSION, remote_calls_why},
    {"compress_files", "CompressFiles", EFFECT_NONE, FORM_STRING, remote_calls_why},
    {"fetch_files", "FetchFiles", EFFECT_NONE, FORM_STRING, remote_calls_why},
    {"local_files", "LocalFiles", EFFECT_NONE, FORM_STRING, remote_calls_why},
    {"file_remaps", "FileRemaps", EFFECT_NONE, FORM_EXPRESSION, remote_calls_why},
    {"want_io_proxy", "WantIOProxy", EFFECT_LATER, FORM_BOOLEAN, no_chirp_why},
    {"want_remote_io", "WantRemoteIO", EFFECT_NONE, FORM_BOOLEAN, remote_calls_why},
    /* What a task needs, and where it goes. */
    {"request_cpus",
     "RequestCpus",
     EFFECT_DONE,
     FORM_NONE,
     NULL,
     COMMAND_REQUEST_CPUS,
     {"request_cpu"}},
    {"request_memory", "RequestMemory", EFFECT_DONE, FORM_NONE, NULL, COMMAND_REQUEST_MEMORY},
    {"request_disk", "RequestDisk", EFFECT_DONE, FORM_NONE, NULL, COMMAND_REQUEST_DISK},
    {"request_gpus", "RequestGPUs", EFFECT_DONE, FORM_NONE, NULL, COMMAND_REQUEST_GPUS},
    {"expected_duration", "ExpectedDuration", EFFECT_DONE, FORM_NONE, NULL,
     COMMAND_EXPECTED_DURATION},
    {"runtime", "Runtime", EFFECT_DONE, FORM_NONE, NULL, COMMAND_RUNTIME},
    {"network", "Network", EFFECT_DONE, FORM_NONE, NULL, COMMAND_NETWORK},
    {"require_gpus", "RequireGPUs", EFFECT_LATER, FORM_EXPRESSION, silent_gpus_why},
    {"gpus_minimum_capability", "GPUsMinCapability", EFFECT_LATER, FORM_EXPRESSION,
     silent_gpus_why},
    {"gpus_maximum_capability", "GPUsMaxCapability", EFFECT_LATER, FORM_EXPRESSION,
     silent_gpus_why},
    {"gpus_minimum_memory", "GPUsMinMemory", EFFECT_LATER, FORM_MEGABYTES, silent_gpus_why},
    {"gpus_minimum_runtime", "GPUsMinRuntime", EFFECT_LATER, FORM_RUNTIME, silent_gpus_why},
    {"cuda_version", "CUDAVersion", EFFECT_LATER, FORM_CUDA, silent_gpus_why},
    {"request_gpu_memory",
     NULL,
     EFFECT_LATER,
     FORM_NONE,
     gpu_memory_why,
     COMMAND_NONE,
     {"request_gpus_memory"}},
    {"requirements", "Requirements", EFFECT_DONE, FORM_NONE, NULL, COMMAND_REQUIREMENTS},
    {"rank", "Rank", EFFECT_DONE, FORM_EXPRESSION, NULL, COMMAND_NONE, {"preferences"}},
    {"concurrency_limits", "ConcurrencyLimits", EFFECT_LATER, FORM_LIMITS, no_limits_why},
    {"concurrency_limits_expr", "ConcurrencyLimits", EFFECT_LATER, FORM_EXPRESSION, no_limits_why},
    {"retry_request_memory", NULL, EFFECT_LATER, FORM_NONE, no_retry_memory_why},
    {"retry_request_memory_increase", NULL, EFFECT_LATER, FORM_NONE, no_retry_memory_why},
    {"retry_request_memory_max", NULL, EFFECT_LATER, FORM_NONE, no_retry_memory_why},
    {"stack_size", "StackSize", EFFECT_NONE, FORM_EXPRESSION, standard_only_why},
    {"core_size", "CoreSize", EFFECT_LATER, FORM_INTEGER, no_cores_why, COMMAND_NONE, {"coresize"}},
    {"keep_claim_idle", "KeepClaimIdle", EFFECT_NONE, FORM_EXPRESSION, no_claims_kept_why},
    {"next_job_start_delay", "NextJobStartDelay", EFFECT_LATER, FORM_EXPRESSION,
     no_start_delay_why},
    /* What happens when something happens. */
    {"max_retries", "JobMaxRetries", EFFECT_LATER, FORM_NONE, no_policy_why, COMMAND_MAX_RETRIES},
    {"success_exit_code", "JobSuccessExitCode", EFFECT_LATER, FORM_NONE, no_policy_why,
     COMMAND_SUCCESS_EXIT_CODE},
    {"retry_until", NULL, EFFECT_LATER, FORM_NONE, no_policy_why, COMMAND_RETRY_UNTIL},
    {"on_exit_remove", "OnExitRemove", EFFECT_LATER, FORM_NONE, no_policy_why,
     COMMAND_ON_EXIT_REMOVE},
    {"on_exit_hold", "OnExitHold", EFFECT_LATER, FORM_EXPRESSION, no_policy_why},
    {"on_exit_hold_reason", "OnExitHoldReason", EFFECT_LATER, FORM_EXPRESSION, no_policy_why},
    {"on_exit_hold_subcode", "OnExitHoldSubCode", EFFECT_LATER, FORM_EXPRESSION, no_policy_why},
    {"periodic_hold", "PeriodicHold", EFFECT_LATER, FORM_EXPRESSION, no_policy_why},
    {"periodic_hold_reason", "PeriodicHoldReason", EFFECT_LATER, FORM_EXPRESSION, no_policy_why},
    {"periodic_hold_subcode", "PeriodicHoldSubCode", EFFECT_LATER, FORM_EXPRESSION, no_policy_why},
    {"periodic_release", "PeriodicRelease", EFFECT_LATER, FORM_EXPRESSION, no_policy_why},
    {"periodic_remove", "PeriodicRemove", EFFECT_LATER, FORM_EXPRESSION, no_policy_why},
    {"periodic_vacate", "PeriodicVacate", EFFECT_LATER, FORM_EXPRESSION, no_policy_why},
    {"leave_in_queue", "LeaveJobInQueue", EFFECT_LATER, FORM_EXPRESSION, no_policy_why},
    {"noop_job", "IsNoopJob", EFFECT_LATER, FORM_EXPRESSION, no_noop_why},
    {"noop_job_exit_code", "NoopJobExitCode", EFFECT_LATER, FORM_EXPRESSION, no_noop_why},
    {"noop_job_exit_signal", "NoopJobExitSignal", EFFECT_LATER, FORM_EXPRESSION, no_noop_why},
    {"allowed_job_duration", "AllowedJobDuration", EFFECT_LATER, FORM_EXPRESSION, no_duration_why},
    {"allowed_execute_duration", "AllowedExecuteDuration", EFFECT_LATER, FORM_EXPRESSION,
     no_duration_why},
    {"job_max_vacate_time", "JobMaxVacateTime", EFFECT_DONE, FORM_EXPRESSION, NULL},
    {"max_job_retirement_time", "MaxJobRetirementTime", EFFECT_LATER, FORM_EXPRESSION, vacate_why},
    {"kill_sig", "KillSig", EFFECT_DONE, FORM_SIGNAL, NULL},
    {"remove_kill_sig", "RemoveKillSig", EFFECT_LATER, FORM_SIGNAL, one_signal_why},
    {"hold_kill_sig", "HoldKillSig", EFFECT_LATER, FORM_SIGNAL, one_signal_why},
    {"kill_sig_timeout", "KillSigTimeout", EFFECT_DONE, FORM_INTEGER, NULL},
    {"want_graceful_removal", "WantGracefulRemoval", EFFECT_NONE, FORM_EXPRESSION, graceful_why},
    {"checkpoint_exit_code", "SuccessCheckpointExitCode", EFFECT_DONE, FORM_INTEGER, NULL},
    {"transfer_checkpoint_files", "TransferCheckpoint", EFFECT_DONE, FORM_STRING, NULL},
    {"checkpoint_destination", "CheckpointDestination", EFFECT_LATER, FORM_STRING,
     no_destination_why},
    {"job_lease_duration", "JobLeaseDuration", EFFECT_NONE, FORM_EXPRESSION, lease_why},
    /* When it may start. */
    {"cron_minute", "CronMinute", EFFECT_LATER, FORM_STRING, no_times_why},
    {"cron_hour", "CronHour", EFFECT_LATER, FORM_STRING, no_times_why},
    {"cron_day_of_month", "CronDayOfMonth", EFFECT_LATER, FORM_STRING, no_times_why},
    {"cron_month", "CronMonth", EFFECT_LATER, FORM_STRING, no_times_why},
    {"cron_day_of_week", "CronDayOfWeek", EFFECT_LATER, FORM_STRING, no_times_why},
    {"cron_window", "CronWindow", EFFECT_LATER, FORM_EXPRESSION, no_times_why},
    {"cron_prep_time", "CronPrepTime", EFFECT_LATER, FORM_EXPRESSION, no_times_why},
    {"deferral_time", "DeferralTime", EFFECT_LATER, FORM_EXPRESSION, no_times_why},
    {"deferral_window", "DeferralWindow", EFFECT_LATER, FORM_EXPRESSION, no_times_why},
    {"deferral_prep_time", "DeferralPrepTime", EFFECT_LATER, FORM_EXPRESSION, no_times_why},
    {"max_materialize", "JobMaterializeLimit", EFFECT_NONE, FORM_NONE, unstarted_why},
    {"max_idle",
     "JobMaterializeMaxIdle",
     EFFECT_NONE,
     FORM_NONE,
     unstarted_why,
     COMMAND_NONE,
     {"materialize_max_idle"}},
    /* Containers. */
    {"container_image", "ContainerImage", EFFECT_DONE, FORM_NONE, NULL, COMMAND_CONTAINER_IMAGE},
    {"docker_image", "DockerImage", EFFECT_DONE, FORM_NONE, NULL, COMMAND_DOCKER_IMAGE},
    {"container_target_dir", "ContainerTargetDir", EFFECT_LATER, FORM_NAME, no_target_why},
    {"transfer_container", "TransferContainer", EFFECT_NONE, FORM_BOOLEAN, own_images_why},
    {"container_service_names", "ContainerServiceNames", EFFECT_LATER, FORM_STRING, no_service_why},
    {"docker_network_type", "DockerNetworkType", EFFECT_LATER, FORM_STRING, full_network_why},
    {"docker_pull_policy", "DockerPullPolicy", EFFECT_NONE, FORM_STRING, own_images_why},
    {"docker_send_credentials", "DockerSendCredentials", EFFECT_NONE, FORM_BOOLEAN, own_images_why},
    {"docker_override_entrypoint", "DockerOverrideEntrypoint", EFFECT_LATER, FORM_BOOLEAN,
     no_entrypoint_why},
    {"singularity_image", "SingularityImage", EFFECT_LATER, FORM_NONE, singularity_why},
    /* Who is told what. */
    {"notification", "JobNotification", EFFECT_NONE, FORM_NOTIFICATION, no_mail_why},
    {"notify_user", "NotifyUser", EFFECT_NONE, FORM_STRING, no_mail_why},
    {"email_attributes", "EmailAttributes", EFFECT_NONE, FORM_LIST, no_mail_why},
    {"description",
     "JobDescription",
     EFFECT_DONE,
     FORM_STRING,
     NULL,
     COMMAND_NONE,
     {"job_description"}},
    {"submit_event_notes", "SubmitEventNotes", EFFECT_NONE, FORM_STRING, no_notes_why},
    {"submit_event_user_notes", "SubmitEventUserNotes", EFFECT_NONE, FORM_STRING, no_notes_why},
    {"ulog_execute_attrs", "ULogExecuteEventAttrs", EFFECT_NONE, FORM_STRING, no_notes_why},
    {"log_xml", "UserLogUseXML", EFFECT_LATER, FORM_BOOLEAN, no_xml_why},
    {"dagman_log", "DAGManNodesLog", EFFECT_NONE, FORM_STRING, no_dagman_why},
    {"dag_node_name", "DAGNodeName", EFFECT_NONE, FORM_STRING, no_dagman_why},
    {"dagman_job_id", "DAGManJobId", EFFECT_NONE, FORM_COUNT, no_dagman_why},
    {"job_ad_information_attrs", "JobAdInformationAttrs", EFFECT_NONE, FORM_STRING, no_notes_why},
    {"job_machine_attrs", "JobMachineAttrs", EFFECT_NONE, FORM_STRING, no_machine_attrs_why},
    {"job_machine_attrs_history_length", "JobMachineAttrsHistoryLength", EFFECT_NONE, FORM_INTEGER,
     no_machine_attrs_why},
    {"starter_debug", "JobStarterDebug", EFFECT_NONE, FORM_NAME, no_starter_why},
    {"starter_log", "JobStarterLog", EFFECT_NONE, FORM_NAME, no_starter_why},
    {"batch_id", "JobBatchId", EFFECT_NONE, FORM_NAME, no_dagman_why},
    {"jobset", "JobSetName", EFFECT_NONE, FORM_NAME, no_sets_why, COMMAND_NONE, {"JobSetName"}},
    {"last_match_list_length",
     "LastMatchListLength",
     EFFECT_NONE,
     FORM_INTEGER,
     no_notes_why,
     COMMAND_NONE,
     {"match_list_length"}},
    /* Whose it is. */
    {"accounting_group", "AcctGroup", EFFECT_LATER, FORM_STRING, no_groups_why},
    {"accounting_group_user", "AcctGroupUser", EFFECT_LATER, FORM_STRING, no_groups_why},
    {"nice_user", "NiceUser", EFFECT_LATER, FORM_BOOLEAN, no_groups_why},
    {"run_as_owner", "RunAsOwner", EFFECT_NONE, FORM_BOOLEAN, windows_why},
    {"load_profile", "LoadProfile", EFFECT_NONE, FORM_BOOLEAN, windows_why},
    {"send_credential", "SendCredential", EFFECT_NONE, FORM_NONE, credentials_why},
    {"use_x509userproxy", NULL, EFFECT_LATER, FORM_NONE, credentials_why},
    {"x509userproxy", "x509userproxy", EFFECT_LATER, FORM_STRING, credentials_why},
    {"delegate_job_gsi_credentials_lifetime", "DelegateJobGSICredentialsLifetime", EFFECT_LATER,
     FORM_INTEGER, credentials_why},
    {"use_scitokens",
     NULL,
     EFFECT_LATER,
     FORM_NONE,
     credentials_why,
     COMMAND_NONE,
     {"use_scitoken"}},
    {"scitokens_file", "ScitokensFile", EFFECT_LATER, FORM_STRING, credentials_why},
    {"use_oauth_services",
     "OAuthServicesNeeded",
     EFFECT_LATER,
     FORM_NONE,
     credentials_why,
     COMMAND_NONE,
     {"use_oauth_service"}},
    {"s3_access_key_id_file", NULL, EFFECT_LATER, FORM_NONE, credentials_why},
    {"s3_secret_access_key_file", NULL, EFFECT_LATER, FORM_NONE, credentials_why},
    {"gs_access_key_id_file", NULL, EFFECT_LATER, FORM_NONE, credentials_why},
    {"gs_secret_access_key_file", NULL, EFFECT_LATER, FORM_NONE, credentials_why},
    /* What only universes read that are refused (see read_universe()). */
    {"machine_count",
     "MachineCount",
     EFFECT_NONE,
     FORM_NONE,
     parallel_why,
     COMMAND_NONE,
     {"node_count", "NodeCount"}},
    {"WantParallelScheduling", "WantParallelScheduling", EFFECT_NONE, FORM_BOOLEAN, parallel_why},
    {"parallel_script_shadow", "ParallelScriptShadow", EFFECT_NONE, FORM_NONE, parallel_why},
    {"parallel_script_starter", "ParallelScriptStarter", EFFECT_NONE, FORM_NONE, parallel_why},
    {"jar_files", "JarFiles", EFFECT_NONE, FORM_NONE, java_why},
    {"java_vm_args",
     NULL,
     EFFECT_NONE,
     FORM_NONE,
     java_why,
     COMMAND_NONE,
     {"java_vm_arguments", "JavaVMArguments"}},
    {"java_vm_arguments2", NULL, EFFECT_NONE, FORM_NONE, java_why},
    {"vm_type", NULL, EFFECT_NONE, FORM_NONE, vm_why},
    {"vm_memory", NULL, EFFECT_NONE, FORM_NONE, vm_why},
    {"vm_vcpus", NULL, EFFECT_NONE, FORM_NONE, vm_why},
    {"vm_disk", NULL, EFFECT_NONE, FORM_NONE, vm_why},
    {"vm_checkpoint", NULL, EFFECT_NONE, FORM_NONE, vm_why},
    {"vm_networking", NULL, EFFECT_NONE, FORM_NONE, vm_why},
    {"vm_networking_type", NULL, EFFECT_NONE, FORM_NONE, vm_why},
    {"vm_vnc", NULL, EFFECT_NONE, FORM_NONE, vm_why},
    {"vm_macaddr", NULL, EFFECT_NONE, FORM_NONE, vm_why},
    {"vm_no_output_vm", NULL, EFFECT_NONE, FORM_NONE, vm_why},
    {"grid_resource", NULL, EFFECT_NONE, FORM_NONE, grid_why},
    {"batch_extra_submit_args", NULL, EFFECT_NONE, FORM_NONE, grid_why},
    {"batch_project", NULL, EFFECT_NONE, FORM_NONE, grid_why},
    {"batch_queue", NULL, EFFECT_NONE, FORM_NONE, grid_why},
    {"batch_runtime", NULL, EFFECT_NONE, FORM_NONE, grid_why},
    {"want_name_tag", NULL, EFFECT_NONE, FORM_NONE, grid_why},
    {"cloud_label_names", NULL, EFFECT_NONE, FORM_NONE, grid_why},
    {"allow_startup_script", "AllowStartupScript", EFFECT_NONE, FORM_NONE, standard_only_why},
    {"rendezvousdir", "Rendezvousdir", EFFECT_NONE, FORM_NONE, standard_only_why},
    /* What is of HTCondor alone. */
    {"remote_initialdir", "RemoteIwd", EFFECT_LATER, FORM_STRING, own_folder_why},
    {"tool_daemon_cmd", NULL, EFFECT_LATER, FORM_NONE, tdp_why},
    {"tool_daemon_input", NULL, EFFECT_LATER, FORM_NONE, tdp_why},
    {"tool_daemon_output", NULL, EFFECT_LATER, FORM_NONE, tdp_why},
    {"tool_daemon_error", NULL, EFFECT_LATER, FORM_NONE, tdp_why},
    {"tool_daemon_arguments",
     NULL,
     EFFECT_LATER,
     FORM_NONE,
     tdp_why,
     COMMAND_NONE,
     {"tool_daemon_args"}},
    {"tool_daemon_arguments2", NULL, EFFECT_LATER, FORM_NONE, tdp_why},
    {"suspend_job_at_exec", NULL, EFFECT_LATER, FORM_NONE, tdp_why},
    {"want_job_networking", "WantJobNetworking", EFFECT_NONE, FORM_BOOLEAN, network_why},
    {0},
};

const struct command_family command_families[] = {
    {"request_", EFFECT_DONE, NULL},         {"arc_", EFFECT_NONE, grid_why},
    {"aws_", EFFECT_LATER, credentials_why}, {"boinc_", EFFECT_NONE, grid_why},
    {"cream_", EFFECT_NONE, grid_why},       {"deltacloud_", EFFECT_NONE, grid_why},
    {"globus_", EFFECT_NONE, grid_why},      {"keystore_", EFFECT_NONE, grid_why},
    {"MyProxy", EFFECT_NONE, grid_why},      {"nordugrid_", EFFECT_NONE, grid_why},
    {"unicore_", EFFECT_NONE, grid_why},     {"vm_", EFFECT_NONE, vm_why},
    {"azure_", EFFECT_NONE, grid_why},       {"cloud_label_", EFFECT_NONE, grid_why},
    {"ec2_", EFFECT_NONE, grid_why},         {"gce_", EFFECT_NONE, grid_why},
    {"kvm_", EFFECT_NONE, vm_why},           {"vmware_", EFFECT_NONE, vm_why},
    {"xen_", EFFECT_NONE, vm_why},           {"JOBSET.", EFFECT_NONE, no_sets_why},
    {"remote_", EFFECT_NONE, grid_why},      {0},
};

/* The prefix alone is no member. */
static bool is_of_family(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);

    return strlen(name) > length &&
           slice_equals_ignoring_case((struct slice){name, length}, prefix);
}

const char *command_spelling(const struct command_about *about, size_t index)
{
    if (index == 0)
        return about->name;
    if (about->attribute) {
        if (index == 1)
            return about->attribute;
        index--;
    }
    return index <= COMMAND_SPELLING_COUNT_MAX ? about->others[index - 1] : NULL;
}

static bool has_spelling(const struct command_about *about, const char *name)
{
    const char *spelling;

    for (size_t i = 0; (spelling = command_spelling(about, i)); i++)
        if (slice_equals_ignoring_case(slice_from_text(name), spelling))
            return true;
    return false;
}

/* Walked through: a text has few names, and each is looked up a few times at most. */
const struct command_about *command_find(const char *name)
{
    for (size_t i = 0; command_table[i].name; i++)
        if (has_spelling(&command_table[i], name))
            return &command_table[i];
    return NULL;
}

const struct command_family *command_find_family(const char *name)
{
    for (size_t i = 0; command_families[i].prefix; i++)
        if (is_of_family(name, command_families[i].prefix))
            return &command_families[i];
    return NULL;
}

bool command_resource_is_valid(const char *resource)
{
    for (const char *c = resource; *c; c++)
        if (!text_is_letter(*c) && !(c > resource && text_is_of_name(*c)))
            return false;
    return resource[0] && resource[1];
}

const char *command_resource(const char *name)
{
    static const char prefix[] = "request_";
    const char *resource = name + strlen(prefix);

    return is_of_family(name, prefix) && command_resource_is_valid(resource) && !command_find(name)
               ? resource
               : NULL;
}

/* Also those without effect: a slip in one of them is still a slip. */
const char *command_nearest(const char *name)
{
    const char *candidates[ARRAY_LENGTH(command_table) * (2 + COMMAND_SPELLING_COUNT_MAX)];
    const char *spelling;
    size_t count = 0;

    for (size_t i = 0; command_table[i].name; i++)
        for (size_t j = 0; (spelling = command_spelling(&command_table[i], j)); j++)
            candidates[count++] = spelling;
    return spelling_nearest(name, candidates, count);
}
