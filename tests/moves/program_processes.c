/* SPDX-License-Identifier: Apache-2.0 */
/* See program.h: children, what they say through pipes and how they end, and signals. */
#define _GNU_SOURCE
#include "program.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 4, STATUS = 20 };

/* ---- children that answer, and others that end ---- */

static struct child {
    int ask, answer;
    pid_t pid;
} children[CHILDREN];
static uint32_t asked;

_Noreturn static void be_child(int ask, int answer, uint32_t number)
{
    uint32_t question;

    while (read(ask, &question, sizeof(question)) == sizeof(question)) {
        question += number;
        if (write(answer, &question, sizeof(question)) != sizeof(question))
            break;
    }
    _exit(EXIT_FAILURE);
}

static void begin_children(void)
{
    for (unsigned i = 0; i < CHILDREN; i++) {
        int ask[2], answer[2];

        require(pipe(ask) == 0 && pipe(answer) == 0, "pipe");
        children[i] = (struct child){.ask = ask[1], .answer = answer[0], .pid = fork()};
        if (children[i].pid == 0)
            be_child(ask[0], answer[1], i);
        require(children[i].pid > 0, "fork");
    }
}

static void check_children(void)
{
    pid_t brief;
    int status;

    asked++;
    for (unsigned i = 0; i < CHILDREN; i++)
        require(write(children[i].ask, &asked, sizeof(asked)) == sizeof(asked), "ask");
    for (uint32_t i = 0; i < CHILDREN; i++) {
        uint32_t got;

        require(read(children[i].answer, &got, sizeof(got)) == sizeof(got), "answer");
        require(got == asked + i, "its answer");
    }
    brief = fork();
    if (brief == 0)
        _exit(STATUS);
    require(brief > 0 && waitpid(brief, &status, 0) == brief, "wait");
    require(WIFEXITED(status) && WEXITSTATUS(status) == STATUS, "status");
}

/* ---- one that ended before and was not waited for ---- */

static pid_t ended;

static void begin_zombie(void)
{
    siginfo_t info;

    ended = fork();
    if (ended == 0)
        _exit(STATUS);
    require(waitid(P_PID, (id_t)ended, &info, WEXITED | WNOWAIT) == 0, "wait");
}

static void check_zombie(void)
{
    siginfo_t info = {0};

    require(waitid(P_PID, (id_t)ended, &info, WEXITED | WNOHANG | WNOWAIT) == 0, "wait");
    require(info.si_pid == ended && info.si_status == STATUS, "status");
}

/* ---- signals and events as files ---- */

static int signals, events;

static void begin_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    require(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "block");
    signals = signalfd(-1, &set, 0);
    events = eventfd(0, 0);
    require(signals >= 0 && events >= 0, "files");
    /* One is always under way. */
    require(kill(getpid(), SIGUSR1) == 0 && eventfd_write(events, 7) == 0, "send");
}

static void check_signals(void)
{
    struct signalfd_siginfo info;
    eventfd_t value;

    require(read(signals, &info, sizeof(info)) == sizeof(info), "signal");
    require(info.ssi_signo == SIGUSR1 && info.ssi_pid == (uint32_t)getpid(), "which");
    require(eventfd_read(events, &value) == 0 && value == 7, "event");
    require(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 9}) == 0, "queue");
    require(read(signals, &info, sizeof(info)) == sizeof(info), "signal with value");
    require((int)info.ssi_signo == SIGRTMIN && info.ssi_int == 9, "value");
    require(kill(getpid(), SIGUSR1) == 0 && eventfd_write(events, 7) == 0, "send");
}

const struct program process_programs[] = {
    {"children", begin_children, check_children},
    {"zombie", begin_zombie, check_zombie},
    {"signals", begin_signals, check_signals},
    {NULL, NULL, NULL},
};
