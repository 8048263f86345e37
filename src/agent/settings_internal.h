/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the settings share: a function for each key, which reads its value. */
#pragma once

#include "settings.h"

enum { SETTINGS_NAME_LENGTH_MAX = 64 }; /* of a node */

void settings_free_paths(char **paths);

/*
 * As struct configuration_key wants them: `target` is the struct settings. Each returns 0, or a
 * negative errno with an error that says only what is wrong with the value.
 */
int settings_set_state(void *target, const char *text, struct error *err);
int settings_set_server(void *target, const char *text, struct error *err);
int settings_set_name(void *target, const char *text, struct error *err);
int settings_set_token(void *target, const char *text, struct error *err);
int settings_set_token_file(void *target, const char *text, struct error *err);
int settings_set_cpus(void *target, const char *text, struct error *err);
int settings_set_memory(void *target, const char *text, struct error *err);
int settings_set_disk(void *target, const char *text, struct error *err);
int settings_set_gpus(void *target, const char *text, struct error *err);
int settings_set_offer(void *target, const char *text, struct error *err);
int settings_set_image_cache(void *target, const char *text, struct error *err);
int settings_set_cache_size(void *target, const char *text, struct error *err);
int settings_set_runtime(void *target, const char *text, struct error *err);
int settings_set_network(void *target, const char *text, struct error *err);
int settings_set_container_paths(void *target, const char *text, struct error *err);
int settings_set_grace(void *target, const char *text, struct error *err);
int settings_set_suspend_for(void *target, const char *text, struct error *err);
int settings_set_give_back_memory_within(void *target, const char *text, struct error *err);
int settings_set_keep_lapsed(void *target, const char *text, struct error *err);
int settings_set_attribute(void *target, const char *text, struct error *err);
int settings_set_attribute_script(void *target, const char *text, struct error *err);
int settings_set_attribute_script_interval(void *target, const char *text, struct error *err);
int settings_set_presence(void *target, const char *text, struct error *err);
int settings_set_idle_after(void *target, const char *text, struct error *err);
int settings_set_resume_after(void *target, const char *text, struct error *err);
int settings_set_notice_before_start(void *target, const char *text, struct error *err);
int settings_set_nudge(void *target, const char *text, struct error *err);
int settings_set_give_way(void *target, const char *text, struct error *err);
int settings_set_on_battery(void *target, const char *text, struct error *err);
int settings_set_temperature_max(void *target, const char *text, struct error *err);
int settings_set_max_fan(void *target, const char *text, struct error *err);
int settings_set_max_load(void *target, const char *text, struct error *err);
int settings_set_max_pressure(void *target, const char *text, struct error *err);
int settings_set_watts_per_core(void *target, const char *text, struct error *err);
int settings_set_do_not_disturb(void *target, const char *text, struct error *err);
int settings_set_policy(void *target, const char *text, struct error *err);
int settings_set_condor(void *target, const char *text, struct error *err);
int settings_set_working_hours(void *target, const char *text, struct error *err);
int settings_set_holidays(void *target, const char *text, struct error *err);
int settings_set_stop_starting_before(void *target, const char *text, struct error *err);
int settings_set_owner_socket(void *target, const char *text, struct error *err);
int settings_set_owners(void *target, const char *text, struct error *err);
int settings_set_sleep_when_idle(void *target, const char *text, struct error *err);
int settings_set_sleep_how(void *target, const char *text, struct error *err);
int settings_set_criu(void *target, const char *text, struct error *err);
int settings_set_sleep_command(void *target, const char *text, struct error *err);
int settings_set_log(void *target, const char *text, struct error *err);
