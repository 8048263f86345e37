/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of a policy: HTCondor's macros, its ready-made policies, and what the admin defines
 * behind them, put together once by the macro language of submit files (lang/macro.h).
 *
 * The definitions are one list, of which the last of a name counts; so $(START) within START is
 * what stood there before, as in HTCondor's files. All ready-made macros are there whichever policy
 * is chosen: an own START may use them.
 */
#include "core/policy_internal.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/spelling.h"
#include "lang/macro.h"
#include "lang/source.h"

#include <errno.h>

const char *const policy_expression_names[POLICY_EXPRESSION_COUNT] = {
    [POLICY_START] = "START",       [POLICY_RANK] = "RANK",
    [POLICY_IS_OWNER] = "IS_OWNER", [POLICY_WANT_SUSPEND] = "WANT_SUSPEND",
    [POLICY_SUSPEND] = "SUSPEND",   [POLICY_CONTINUE] = "CONTINUE",
    [POLICY_PREEMPT] = "PREEMPT",   [POLICY_WANT_VACATE] = "WANT_VACATE",
    [POLICY_KILL] = "KILL",         [POLICY_MACHINE_MAX_VACATE_TIME] = "MachineMaxVacateTime",
    [POLICY_CPU_BUSY] = "CpuBusy",
};

/* HTCondor's names and values; the page says where they come from. */
static const struct policy_definition standard[] = {
    {"MINUTE", "60"},
    {"HOUR", "(60 * $(MINUTE))"},
    {"VANILLA", "5"},
    {"StateTimer", "(time() - EnteredCurrentState)"},
    {"ActivityTimer", "(time() - EnteredCurrentActivity)"},
    {"ActivationTimer", "ifThenElse(JobStart =!= UNDEFINED, time() - JobStart, 0)"},
    {"NonCondorLoadAvg", "(LoadAvg - CondorLoadAvg)"},
    {"BackgroundLoad", "0.3"},
    {"HighLoad", "0.5"},
    {"StartIdleTime", "15 * $(MINUTE)"},
    {"ContinueIdleTime", "5 * $(MINUTE)"},
    {"MaxSuspendTime", "10 * $(MINUTE)"},
    {"MaxVacateTime", "10 * $(MINUTE)"},
    {"KeyboardBusy", "(KeyboardIdle < $(MINUTE))"},
    {"ConsoleBusy", "(ConsoleIdle < $(MINUTE))"},
    {"KeyboardNotBusy", "($(KeyboardBusy) == False)"},
    {"CpuIdle", "($(NonCondorLoadAvg) <= $(BackgroundLoad))"},
    {"CpuBusy", "($(NonCondorLoadAvg) >= $(HighLoad))"},
    {"CpuBusyTimer", "CpuBusyTime"},
    {"JustCPU", "($(CpuBusy) && $(KeyboardNotBusy))"},
    {"MachineBusy", "($(CpuBusy) || $(KeyboardBusy))"},
    {"IsVanilla", "(TARGET.JobUniverse == $(VANILLA))"},
    {"SmallJob", "(TARGET.ImageSize < 15 * 1024)"},
    {"MediumJob", "(TARGET.ImageSize >= 15 * 1024 && TARGET.ImageSize < 50 * 1024)"},
    {"BigJob", "(TARGET.ImageSize >= 50 * 1024)"},
    {"UWCS_START", "KeyboardIdle > $(StartIdleTime) && "
                   "($(CpuIdle) || (State != \"Unclaimed\" && State != \"Owner\"))"},
    {"UWCS_WANT_SUSPEND", "($(SmallJob) || $(KeyboardNotBusy) || $(IsVanilla)) && ($(SUSPEND))"},
    {"UWCS_SUSPEND", "$(KeyboardBusy) || ($(CpuBusyTimer) > 2 * $(MINUTE) && "
                     "$(ActivationTimer) > 90)"},
    {"UWCS_CONTINUE", "$(CpuIdle) && $(ActivityTimer) > 10 && "
                      "KeyboardIdle > $(ContinueIdleTime)"},
    {"UWCS_PREEMPT", "(Activity == \"Suspended\" && $(ActivityTimer) > $(MaxSuspendTime)) || "
                     "(SUSPEND && WANT_SUSPEND == False)"},
    {"UWCS_WANT_VACATE", "$(ActivationTimer) > 10 * $(MINUTE) || $(IsVanilla)"},
    {"UWCS_KILL", "False"},
    {"IS_OWNER", "START =?= False"},
    {"RANK", "0.0"},
    {"MachineMaxVacateTime", "$(MaxVacateTime)"},
};

static const struct policy_definition always_run[] = {
    {"START", "True"},    {"WANT_SUSPEND", "False"}, {"SUSPEND", "False"}, {"CONTINUE", "True"},
    {"PREEMPT", "False"}, {"WANT_VACATE", "True"},   {"KILL", "False"},
};

/* In HTCondor these are two lists of the same expressions. */
static const struct policy_definition desktop[] = {
    {"START", "$(UWCS_START)"},     {"WANT_SUSPEND", "$(UWCS_WANT_SUSPEND)"},
    {"SUSPEND", "$(UWCS_SUSPEND)"}, {"CONTINUE", "$(UWCS_CONTINUE)"},
    {"PREEMPT", "$(UWCS_PREEMPT)"}, {"WANT_VACATE", "$(UWCS_WANT_VACATE)"},
    {"KILL", "$(UWCS_KILL)"},
};

static const struct {
    const char *name;
    const struct policy_definition *definitions;
    size_t count;
} ready_made[] = {
    {"DESKTOP", desktop, ARRAY_LENGTH(desktop)},
    {"UWCS_DESKTOP", desktop, ARRAY_LENGTH(desktop)},
    {POLICY_DEFAULT, always_run, ARRAY_LENGTH(always_run)},
    {"ALWAYS_RUN_JOBS", always_run, ARRAY_LENGTH(always_run)},
};

/* The number of the ready-made policy, or how many there are. */
static size_t find_ready_made(const char *name)
{
    size_t at = 0;

    while (at < ARRAY_LENGTH(ready_made) &&
           !slice_equals_ignoring_case(slice_from_text(name), ready_made[at].name))
        at++;
    return at;
}

int policy_check_name(const char *name, struct error *err)
{
    if (find_ready_made(name) < ARRAY_LENGTH(ready_made))
        return 0;
    error_set(err, -EINVAL, "there is no policy '%s'", name);
    error_hint(err, "there are DESKTOP, UWCS_DESKTOP and " POLICY_DEFAULT);
    return -EINVAL;
}

/* ---- putting together ---- */

struct compiler {
    struct sources sources;
    struct arena arena;
    struct macros macros;
};

static void compiler_init(struct compiler *compiler)
{
    *compiler = (struct compiler){.sources = SOURCES_INIT, .arena = ARENA_INIT};
    macros_init(&compiler->macros, &compiler->sources, &compiler->arena);
}

static void compiler_deinit(struct compiler *compiler)
{
    macros_deinit(&compiler->macros);
    sources_deinit(&compiler->sources);
    arena_deinit(&compiler->arena);
}

/* A place in it reads as NAME:1:COLUMN. */
static int define(struct compiler *compiler, const struct policy_definition *definition,
                  struct error *err)
{
    struct slice name = slice_from_text(definition->name), value;

    if (!macro_name_is_valid(name))
        return error_set(err, -EINVAL, "'%s' is no name of an expression or a macro",
                         definition->name);
    value = sources_add(&compiler->sources, definition->name, slice_from_text(definition->value));
    return macros_define(&compiler->macros, macros_symbol(&compiler->macros, name), value, value,
                         err);
}

static int define_all(struct compiler *compiler, const struct policy_definition *definitions,
                      size_t count, struct error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        r = define(compiler, &definitions[i], err);
    return r;
}

static bool is_expression(const char *name)
{
    for (size_t i = 0; i < POLICY_EXPRESSION_COUNT; i++)
        if (slice_equals_ignoring_case(slice_from_text(name), policy_expression_names[i]))
            return true;
    return false;
}

/*
 * The language would take a mistyped name for a macro that nobody uses, and the computer would be
 * lent by another policy than the one that was meant.
 */
static int refuse_unused(const struct compiler *compiler,
                         const struct policy_definition *definitions, size_t count,
                         struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = definitions[i].name, *nearest;
        uint32_t symbol = macros_find_symbol(&compiler->macros, name);

        if (is_expression(name) || compiler->macros.symbols[symbol].is_referenced)
            continue;
        error_set(err, -EINVAL, "nothing uses '%s'", name);
        nearest = spelling_nearest(name, policy_expression_names, POLICY_EXPRESSION_COUNT);
        if (nearest)
            error_hint(err, "did you mean '%s'?", nearest);
        else
            error_hint(err, "the expressions are START, RANK, SUSPEND, CONTINUE, PREEMPT, KILL, "
                            "WANT_SUSPEND, WANT_VACATE, IS_OWNER and MachineMaxVacateTime");
        return -EINVAL;
    }
    return 0;
}

/* What is not understood has its place in the text without macros, which is shown. */
static int check(const char *name, const char *text, struct error *err)
{
    struct classad_failure failure;
    _cleanup_classad_expression_ struct classad_expression *expression = NULL;
    int r = classad_expression_parse(slice_from_text(text), CLASSAD_OLD, &expression, &failure);

    if (r < 0)
        return error_set(err, r, "%s, at character %d of '%s': %s", name,
                         (int)(failure.at - text) + 1, text, failure.message);
    return 0;
}

static int expand(struct compiler *compiler, const char *name, char **ret_text, struct error *err)
{
    const struct macros *known = &compiler->macros;
    struct macro_scope scope = {.horizon = (uint32_t)known->definition_count};
    struct expansion expansion = {
        .macros = known, .scope = &scope, .steps_left = MACRO_STEP_COUNT_MAX};
    uint32_t symbol = macros_find_symbol(known, name);
    uint32_t definition = macros_find_definition(known, symbol, scope.horizon);
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    int r = macros_expand(&expansion, &known->definitions[definition].template, &text, err);

    if (r == 0)
        r = check(name, buffer_text(&text), err);
    if (r == 0)
        *ret_text = memory_copy_string(buffer_text(&text));
    return r;
}

int policy_compile(struct policy *policy, const char *name,
                   const struct policy_definition *definitions, size_t count, struct error *err)
{
    _cleanup_(compiler_deinit) struct compiler compiler;
    size_t chosen = find_ready_made(name);
    int r = policy_check_name(name, err);

    compiler_init(&compiler);
    if (r == 0)
        r = define_all(&compiler, standard, ARRAY_LENGTH(standard), err);
    if (r == 0)
        r = define_all(&compiler, ready_made[chosen].definitions, ready_made[chosen].count, err);
    if (r == 0)
        r = define_all(&compiler, definitions, count, err);
    if (r == 0)
        r = refuse_unused(&compiler, definitions, count, err);
    for (size_t i = 0; r == 0 && i < POLICY_EXPRESSION_COUNT; i++)
        r = expand(&compiler, policy_expression_names[i], &policy->texts[i], err);
    return r;
}
