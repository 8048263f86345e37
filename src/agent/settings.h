/* SPDX-License-Identifier: Apache-2.0 */
/* What a person may set of an agent: on its command line, in DUSK_TOKEN, in a file's [agent]. */
#pragma once

#include "base/error.h"
#include "core/policy.h"
#include "lang/calendar.h"
#include "offer.h"
#include "wire/attributes.h"

#include <stdbool.h>
#include <stdint.h>

/* How tasks are run: SETTINGS_RUNTIME_ANY is contained where that is possible, else bare. */
enum settings_runtime {
    SETTINGS_RUNTIME_ANY,
    SETTINGS_RUNTIME_PROCESS,
    SETTINGS_RUNTIME_CONTAINER
};

struct settings {
    char *state; /* owned, as all texts here; absolute */
    char *host;  /* of the server */
    uint16_t port;
    char *name;
    char *token;             /* NULL: none was given */
    struct offer offer;      /* of the keys that name one part each and of `offer`, together */
    struct offer offer_line; /* of `offer` alone */
    uint64_t cache_size;     /* of inputs that are kept for the next task, bytes */
    uint64_t image_cache;    /* of images likewise */
    struct attributes attributes;
    char *attribute_script; /* absolute; NULL: none */
    uint64_t attribute_script_interval_ms;
    char *presence; /* the sources that watch, as presence_options has them */
    uint64_t idle_after_ms;
    uint64_t resume_after_ms;
    uint64_t notice_before_start_ms;       /* 0: none is given */
    uint32_t nudge;                        /* pixels */
    bool give_way;                         /* tasks do, to whatever else runs here */
    bool on_battery;                       /* lent on its battery as well */
    uint32_t temperature_max;              /* °C; 0: what each sensor says */
    uint32_t max_fan;                      /* turns in a minute; 0: any */
    double max_load;                       /* cores; 0: any */
    double max_pressure;                   /* percent of the time; 0: any */
    bool needs_pressure;                   /* it was given, and so must be known */
    char *do_not_disturb;                  /* names of programs; NULL: none */
    char *policy_name;                     /* of a ready-made one; NULL: none */
    struct policy_definition *definitions; /* owned, with their texts: what stands behind it */
    size_t definition_count;
    size_t definition_capacity;
    struct policy *policy; /* owned; what these make; NULL: the times above count */
    const char *plain_key; /* a key that was given and that no policy goes with; or NULL */
    struct calendar calendar;
    uint64_t stop_starting_before_ms; /* the hours of the calendar */
    char *owner_socket;               /* absolute; NULL: none */
    double watts_per_core;            /* of a busy one, to estimate energy */
    char *owners;                     /* names of users with commas between; NULL: none */
    uint64_t sleep_when_idle_ms;      /* 0: never */
    char *sleep_how;                  /* a verb of systemctl; NULL: suspend */
    char *sleep_command;              /* in its place; NULL: none */
    enum settings_runtime runtime;
    bool lends_network;     /* to contained tasks that ask for it */
    char **container_paths; /* what contained tasks find besides, NULL at the end; NULL: nothing */
    char *criu;             /* a path, or a name that is looked for in PATH */
    uint64_t grace_ms;
    uint64_t suspend_for_ms;
    uint64_t give_back_memory_within_ms;
    uint64_t
        keep_lapsed_ms; /* counted from the end of a lease; by the keeper if it hears no agent */
};

#define SETTINGS_INIT ((struct settings){0})

void settings_deinit(struct settings *settings);
#define _cleanup_settings_ _cleanup_(settings_deinit)

/* 0, or CONFIGURATION_WAS_PRINTED or an error as configuration_read() has them. */
int settings_read(int argc, char **argv, struct settings *settings, struct error *err);
/* "yes" or "true", "no" or "false"; the error says that it is none of them. */
int settings_parse_yes_or_no(const char *text, bool *ret_yes, struct error *err);
