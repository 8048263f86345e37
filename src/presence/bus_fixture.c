/* SPDX-License-Identifier: Apache-2.0 */
/* See bus_fixture.h. */
#include "bus_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char configuration[] =
    "<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>\n"
    "<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\n"
    "<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n";

static pid_t daemon_pid;
static char address[256];

void bus_fixture_begin(const struct fixture *fixture, const char *variable)
{
    const char *socket = fixture_path(fixture, "bus");
    const char *path = fixture_path(fixture, "bus.conf");
    char text[1024], option[256], ready;
    int pipe_fds[2];

    snprintf(text, sizeof(text), configuration, socket);
    unlink(path);
    fixture_write(fixture, "bus.conf", text);
    snprintf(option, sizeof(option), "--config-file=%s", path);
    snprintf(address, sizeof(address), "unix:path=%s", socket);
    setenv(variable, address, 1);
    assert_int_equal(pipe(pipe_fds), 0);
    daemon_pid = fork();
    if (daemon_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(pipe_fds[1], STDOUT_FILENO);
        close(pipe_fds[1]);
        execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", "--print-address=1", option,
               NULL);
        _exit(127);
    }
    close(pipe_fds[1]);
    /* It says its address once it listens there. */
    assert_int_equal(read(pipe_fds[0], &ready, 1), 1);
    close(pipe_fds[0]);
}

void bus_fixture_end(void)
{
    if (daemon_pid > 0) {
        kill(daemon_pid, SIGKILL);
        waitpid(daemon_pid, NULL, 0);
    }
    daemon_pid = 0;
}

sd_bus *bus_fixture_connect(void)
{
    sd_bus *bus = NULL;

    assert_true(sd_bus_new(&bus) >= 0);
    assert_true(sd_bus_set_address(bus, address) >= 0);
    assert_true(sd_bus_set_bus_client(bus, true) >= 0);
    assert_true(sd_bus_start(bus) >= 0);
    return bus;
}
