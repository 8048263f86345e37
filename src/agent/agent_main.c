/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See agent_main.h. In this order: the settings, the kernel, the state folder (one agent only),
 * what kind of computer this is, an identity (joining the pool, if there is none yet), and then the
 * body.
 */
#define _GNU_SOURCE
#include "agent_main.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "body.h"
#include "facts.h"
#include "net/certificate.h"
#include "net/enrolment.h"
#include "net/identity.h"
#include "runtime/kernel.h"
#include "runtime/priority.h"
#include "session_main.h"
#include "settings.h"
#include "state.h"
#include "sys/clock.h"
#include "sys/complain.h"
#include "sys/configuration.h"
#include "sys/file.h"
#include "sys/log.h"
#include "wire/wire.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
    EXIT_LEFT = 0,
    EXIT_CANNOT = 1,
    EXIT_USAGE = 2,
    DELAY_FIRST_MS = 100,
    DELAY_MAX_MS = 5000,
    CERTIFICATE_SIZE_MAX = 64 * 1024,
    MACHINE_DIGITS = 16,
    ENROLMENT_PATIENCE_MS = 10000,
    STATUS_TOO_MANY = 429,
    STATUS_SERVER_ERROR = 500,
    TOLD_TO_END = 1
};

/* ---- joining ---- */

/* Signals that came while the agent joins are taken here, and by the loop later. */
static void signals_to_wait_for(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
}

/* Returns TOLD_TO_END if a signal came first. */
static int wait_before_next_try(uint64_t delay_ms)
{
    uint64_t spread_ms = delay_ms / 3;
    uint64_t wait_ms = delay_ms - spread_ms + clock_boot_us() % (2 * spread_ms + 1);
    struct timespec patience = {.tv_sec = (time_t)(wait_ms / 1000),
                                .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    sigset_t signals;

    signals_to_wait_for(&signals);
    return sigtimedwait(&signals, NULL, &patience) > 0 ? TOLD_TO_END : 0;
}

/* Whether it may go better the next time: nobody answered, or a server that cannot just now. */
static bool is_worth_another_try(int r, unsigned int status)
{
    return r == -ENOTCONN ||
           (r < 0 && (status == STATUS_TOO_MANY || status >= STATUS_SERVER_ERROR));
}

/* Until it worked, was refused for good, or somebody ends it. */
static int enrol(const struct enrolment *enrolment, struct error *err)
{
    _cleanup_free_ char *name = NULL;
    uint64_t delay_ms = DELAY_FIRST_MS;
    bool complained = false;
    unsigned int status;
    int r;

    while (is_worth_another_try(r = enrolment_run(enrolment, &name, &status, err), status)) {
        if (!complained)
            log_warning("cannot join yet: %s; trying again", error_text(err));
        complained = true;
        error_clear(err);
        if (wait_before_next_try(delay_ms) == TOLD_TO_END)
            return TOLD_TO_END;
        delay_ms = delay_ms * 2 < DELAY_MAX_MS ? delay_ms * 2 : DELAY_MAX_MS;
    }
    if (r == 0)
        log_notice("joined the pool of '%s' as '%s'", enrolment->host, name);
    if (r == -ENOKEY)
        error_hint(err, "an admin of the pool makes one with 'dusk token create'");
    return r;
}

static int join(const struct settings *settings, const struct state *state,
                const struct computer *computer, struct error *err)
{
    struct enrolment enrolment = {
        .host = settings->host,
        .port = settings->port,
        .token = settings->token,
        .kind = PEER_NODE,
        .name = settings->name,
        .identity_folder = state->identity,
        .protocol = WIRE_PROTOCOL,
        .timeout_ms = ENROLMENT_PATIENCE_MS,
    };
    _cleanup_free_ char *machine = memory_copy_bytes(computer->fingerprint, MACHINE_DIGITS);
    int r;

    if (!identity_exists(state->identity) && !settings->token) {
        error_set(err, -ENOKEY, "this computer is not in a pool yet, and has no token to join one");
        error_hint(err, "put what 'dusk token create' prints on the server into DUSK_TOKEN");
        return -ENOKEY;
    }
    enrolment.machine = machine;
    if (!identity_exists(state->identity))
        r = enrol(&enrolment, err);
    else
        r = identity_check(state->identity, err);
    if (r < 0 && !err->hint)
        error_hint(err, "to join anew, remove '%s' and give a new token", state->identity);
    return r;
}

/* The pool knows the node by the name in its certificate, whatever the settings say today. */
static int take_name(struct settings *settings, const struct state *state, struct error *err)
{
    _cleanup_identity_paths_ struct identity_paths paths;
    _cleanup_certificate_ struct certificate certificate = CERTIFICATE_INIT;
    _cleanup_buffer_ struct buffer pem = BUFFER_INIT;
    int r;

    identity_paths_init(&paths, state->identity);
    r = file_read(paths.certificate, CERTIFICATE_SIZE_MAX, &pem, err);
    if (r == 0)
        r = certificate_read(buffer_text(&pem), &certificate, err);
    if (r < 0)
        return r;
    if (strcmp(certificate.name, settings->name) != 0)
        log_notice("the pool knows this node as '%s'", certificate.name);
    free(settings->name);
    settings->name = memory_copy_string(certificate.name);
    return 0;
}

/* ---- the whole ---- */

/* Attempts hold descriptors; how many there are is the server's decision. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* An admin may mean it, and most of those who say it have forgotten a '%' or an 'M'. */
static void warn_of_more(const struct resources *lent, const struct computer *computer)
{
    const unsigned long long mb = 1024 * 1024;

    if (lent->cpus > computer->cpus)
        log_warning("%u processors are lent, and there are %u: is a '%%' missing in 'cpus'?",
                    lent->cpus, computer->cpus);
    if (lent->memory > computer->memory_bytes)
        log_warning("%llu MB of memory are lent, and there are %llu: is 'memory' meant like that?",
                    lent->memory / mb, computer->memory_bytes / mb);
    if (lent->memory < mb || lent->disk < mb)
        log_warning("less than 1 MB of memory or disk is lent: no task can run here; say a size "
                    "with its unit, as in 8G");
}

/* The identity comes before the keeper and everything else: without one nothing may run here. */
static int run(struct settings *settings, struct state *state, struct error *err)
{
    _cleanup_(computer_deinit) struct computer computer = COMPUTER_INIT;
    _cleanup_attributes_ struct attributes attributes = ATTRIBUTES_INIT;
    _cleanup_(containing_deinit) struct containing containing = {0};
    _cleanup_free_ char *facts = NULL;
    struct body_options options = {
        .settings = settings, .state = state, .containing = &containing, .attributes = &attributes};
    int r = kernel_check(err);

    if (r == 0)
        r = state_open(settings->state, state, err);
    if (r == 0)
        r = computer_detect(settings->state, &computer, err);
    if (r == 0)
        r = computer_measure_disk(state->scratch, &computer.disk_free_bytes, err);
    if (r == 0)
        r = join(settings, state, &computer, err);
    if (r == TOLD_TO_END)
        return EXIT_LEFT;
    if (r == 0)
        r = take_name(settings, state, err);
    if (r == 0)
        r = containing_open(&containing, settings, state->folder, err);
    if (r < 0)
        return r;
    facts = facts_write(&computer);
    options.facts = facts;
    options.machine = facts_machine(&computer);
    options.capacity = offer_capacity(&settings->offer, &computer);
    warn_of_more(&options.capacity, &computer);
    describe_node(&(struct described){.computer = &computer,
                                      .capacity = options.capacity,
                                      .name = settings->name,
                                      .is_contained = containing.is_on,
                                      .has_network = !containing.is_on || containing.lends_network,
                                      .started_at = clock_wall_seconds()},
                  &attributes);
    /* Those that were detected are described now; from here on the lent ones are there as well. */
    gpu_list_extend(&computer.gpus, options.capacity.gpus);
    options.gpus = &computer.gpus;
    return body_run(&options, err);
}

static int give_up(struct error *err, int exit_code)
{
    error_prefix(err, -ECANCELED, "cannot run the agent");
    complain(err);
    return exit_code;
}

/* The helper of a desktop session has settings of its own, and nothing to do with this agent's. */
static bool is_session(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--session") == 0)
            return true;
    return false;
}

int agent_main(int argc, char **argv)
{
    _cleanup_settings_ struct settings settings = SETTINGS_INIT;
    _cleanup_(state_deinit) struct state state = {.lock = -1, .epoch_file = -1};
    _cleanup_error_ struct error err = ERROR_INIT;
    sigset_t signals;
    int r;

    if (is_session(argc, argv))
        return session_main(argc, argv);
    r = settings_read(argc, argv, &settings, &err);
    if (r == CONFIGURATION_WAS_PRINTED)
        return EXIT_LEFT;
    if (r < 0)
        return give_up(&err, EXIT_USAGE);
    signal(SIGPIPE, SIG_IGN);
    signals_to_wait_for(&signals);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    raise_descriptor_limit();
    priority_go_first();
    /* As a service is; one in somebody's shell shares its session with what else he does there. */
    if (getsid(0) == getpid())
        priority_raise_session();
    r = run(&settings, &state, &err);
    return r < 0 ? give_up(&err, EXIT_CANNOT) : r;
}
