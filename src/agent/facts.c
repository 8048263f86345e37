/* SPDX-License-Identifier: Apache-2.0 */
/* See facts.h. */
#include "facts.h"

#include "base/memory.h"
#include "limits.h"

#include <jansson.h>
#include <string.h>

enum { MACHINE_DIGITS = 16 };

uint64_t facts_machine(const struct computer *computer)
{
    char digits[MACHINE_DIGITS + 1];

    memcpy(digits, computer->fingerprint, MACHINE_DIGITS);
    digits[MACHINE_DIGITS] = '\0';
    return strtoull(digits, NULL, 16);
}

/* Texts of the computer that are no UTF-8 are left out rather than the whole. */
static void put_text(json_t *facts, const char *name, const char *text)
{
    json_object_set_new(facts, name, json_string(text));
}

char *facts_write(const struct computer *computer)
{
    json_t *facts = json_object(), *speed = json_object();
    char *text;

    put_text(facts, "arch", computer->platform.arch);
    put_text(facts, "os", computer->platform.opsys);
    put_text(facts, "distribution", computer->platform.versioned);
    put_text(facts, "kernel", computer->kernel);
    put_text(facts, "hostname", computer->hostname);
    put_text(facts, "cpu_model", computer->processor.model);
    put_text(facts, "version", DUSK_VERSION);
    json_object_set_new(speed, "integer", json_integer((json_int_t)computer->speed.mips));
    json_object_set_new(speed, "floating", json_integer((json_int_t)computer->speed.kflops));
    json_object_set_new(speed, "memory", json_integer((json_int_t)computer->speed.memory_mb));
    json_object_set_new(facts, "speed", speed);
    text = json_dumps(facts, JSON_COMPACT);
    json_decref(facts);
    return text ? text : memory_copy_string("{}");
}

char *facts_add_limits(const char *facts, const struct keeper_means *means)
{
    json_t *object = json_loads(facts, 0, NULL), *limits = json_object();
    struct limits_words words = limits_describe(means);
    char *text;

    put_text(limits, "memory", words.memory);
    put_text(limits, "processes", words.processes);
    put_text(limits, "cpus", words.cpus);
    put_text(limits, "disk", words.disk);
    json_object_set_new(object, "limits", limits);
    text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text ? text : memory_copy_string(facts);
}
