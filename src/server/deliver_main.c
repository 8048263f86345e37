/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that writes for one user; see deliver_main.h. It has that user's rights and no
 * others, so what it may not write he may not write either.
 *
 * A file is copied beside its place and renamed, so that nobody ever sees half of one under its
 * name.
 */
#define _GNU_SOURCE
#include "server/deliver_main.h"

#include "base/memory.h"
#include "base/number.h"
#include "sys/contained.h"
#include "sys/descriptor.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int become(uint32_t uid, uint32_t gid)
{
    const struct passwd *user = getpwuid(uid);

    if (geteuid() != 0)
        return geteuid() == uid ? 0 : -EPERM;
    if (user ? initgroups(user->pw_name, gid) < 0 : setgroups(1, &gid) < 0)
        return -errno;
    if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -errno;
    return 0;
}

static int copy_beside(const char *from, const char *beside, mode_t mode, struct error *err)
{
    _cleanup_fd_ int source = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    _cleanup_fd_ int target = -1;
    int r;

    if (source < 0)
        return error_set_errno(err, -errno, "cannot read from the spool");
    target = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (target < 0)
        return error_set_errno(err, -errno, "cannot create");
    r = file_copy(source, target, err);
    if (r == 0 && fchmod(target, mode) < 0)
        r = error_set_errno(err, -errno, "cannot set the mode");
    return r;
}

/*
 * A server that was killed leaves this process behind in the middle of a copy, and the next one
 * fills the same spool anew: then nothing of it may come under its name any more.
 */
static int check_server(pid_t server, struct error *err)
{
    return getppid() == server ? 0 : error_set(err, -EPIPE, "the server is gone");
}

/* "/folder/.name.dusk-PID" for "/folder/name": hidden, in the same file system, and ours. */
static char *path_beside(const char *to)
{
    const char *slash = strrchr(to, '/');
    struct buffer path = BUFFER_INIT;

    buffer_append(&path, to, (size_t)(slash - to) + 1);
    buffer_appendf(&path, ".%.200s.dusk-%d", slash + 1, (int)getpid());
    return buffer_take(&path);
}

static int write_file(const char *from, const char *to, mode_t mode, pid_t server,
                      struct error *err)
{
    _cleanup_free_ char *beside = path_beside(to);
    struct stat status;
    int r;

    /* What is no file, such as a terminal or a pipe of the user's own, is written to as it is. */
    if (stat(to, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        _cleanup_fd_ int source = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        _cleanup_fd_ int target = open(to, O_WRONLY | O_CLOEXEC | O_NONBLOCK);

        if (source < 0 || target < 0)
            return error_set_errno(err, -errno, "cannot open '%s'", to);
        return file_copy(source, target, err);
    }
    r = copy_beside(from, beside, mode, err);
    if (r == 0)
        r = check_server(server, err);
    if (r == 0 && rename(beside, to) < 0)
        r = error_set_errno(err, -errno, "cannot rename");
    if (r < 0) {
        unlink(beside);
        return error_prefix(err, r, "cannot write '%s'", to);
    }
    return 0;
}

static int write_folder(const char *to, mode_t mode, struct error *err)
{
    struct stat status;

    if (mkdir(to, 0700) < 0 && errno != EEXIST)
        return error_set_errno(err, -errno, "cannot make the folder '%s'", to);
    if (stat(to, &status) < 0 || !S_ISDIR(status.st_mode))
        return error_set(err, -ENOTDIR, "'%s' is there already and no folder", to);
    /* Files come into it next; a folder that the owner may not write to is closed by nobody here.
     */
    if (chmod(to, mode | 0700) < 0 && errno != EPERM)
        return error_set_errno(err, -errno, "cannot set the mode of '%s'", to);
    return 0;
}

/* Of which a node has said the name: it cannot lead out of the folder, through no link either. */
static int write_contained(const json_t *item, const char *within, const char *from, const char *to,
                           mode_t mode, pid_t server, struct error *err)
{
    _cleanup_contained_file_ struct contained_file file = CONTAINED_FILE_INIT;
    _cleanup_fd_ int folder = open(within, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_fd_ int source = -1;
    const char *name = to + strlen(within);
    int r;

    if (folder < 0)
        return error_set_errno(err, -errno, "cannot enter the folder '%s'", within);
    name += strspn(name, "/");
    /* Files come into it next. */
    if (json_is_true(json_object_get(item, "folder")))
        return contained_make_folder(folder, name, mode | 0700, err);
    source = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (source < 0)
        return error_set_errno(err, -errno, "cannot read from the spool");
    r = contained_file_begin(&file, folder, name, err);
    if (r == 0)
        r = file_copy(source, file.fd, err);
    if (r == 0)
        r = check_server(server, err);
    if (r == 0)
        r = contained_file_commit(&file, mode, false, err);
    return r < 0 ? error_prefix(err, r, "cannot write '%s'", to) : 0;
}

static int deliver_item(const json_t *item, pid_t server, struct error *err)
{
    const char *from = json_string_value(json_object_get(item, "from"));
    const char *to = json_string_value(json_object_get(item, "to"));
    const char *within = json_string_value(json_object_get(item, "within"));
    mode_t mode = (mode_t)json_integer_value(json_object_get(item, "mode")) & 0777;

    if (!from || !to || to[0] != '/')
        return error_set(err, -EINVAL, "a delivery without a place");
    if (within && strncmp(to, within, strlen(within)) != 0)
        return error_set(err, -EINVAL, "a delivery beside its folder");
    if (within)
        return write_contained(item, within, from, to, mode, server, err);
    if (json_is_true(json_object_get(item, "folder")))
        return write_folder(to, mode, err);
    return write_file(from, to, mode, server, err);
}

static int append_item(const json_t *item, struct error *err)
{
    const char *to = json_string_value(json_object_get(item, "to"));
    const char *text = json_string_value(json_object_get(item, "text"));
    _cleanup_fd_ int fd = -1;
    int r;

    if (!to || !text)
        return error_set(err, -EINVAL, "a line without a log");
    fd = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
    r = fd < 0 ? -errno : file_write_all(fd, text, strlen(text));
    return r < 0 ? error_set_errno(err, r, "cannot write to the log '%s'", to) : 0;
}

static int deliver(const json_t *request, pid_t server, struct error *err)
{
    size_t index;
    json_t *item;
    int r = 0;

    json_array_foreach(json_object_get(request, "files"), index, item)
    {
        if (r == 0)
            r = deliver_item(item, server, err);
    }
    json_array_foreach(json_object_get(request, "append"), index, item)
    {
        if (r == 0)
            r = append_item(item, err);
    }
    return r;
}

static int answer(const char *line, pid_t server)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    json_t *request = json_loads(line, 0, NULL);
    json_t *reply;
    int r = request ? deliver(request, server, &err) : error_set(&err, -EINVAL, "no JSON");

    reply = json_pack("{s:O?,s:i,s:s%}", "number", json_object_get(request, "number"), "code", r,
                      "detail", error_text(&err), strlen(error_text(&err)));
    if (!reply)
        reply = json_pack("{s:O?,s:i,s:s}", "number", json_object_get(request, "number"), "code", r,
                          "detail", "an output could not be written");
    json_dumpf(reply, stdout, JSON_COMPACT);
    fputc('\n', stdout);
    json_decref(reply);
    json_decref(request);
    return fflush(stdout) == 0 ? 0 : -EPIPE;
}

int deliver_main(int argc, char **argv)
{
    _cleanup_free_ char *line = NULL;
    pid_t server = getppid();
    uint64_t uid, gid;
    size_t size = 0;
    int r;

    if (argc != 3 || number_parse_u64(slice_from_text(argv[1]), &uid) < 0 ||
        number_parse_u64(slice_from_text(argv[2]), &gid) < 0 || uid >= UINT32_MAX ||
        gid >= UINT32_MAX) {
        fputs("dusk: 'deliver' is started by the server and by nobody else\n", stderr);
        return 2;
    }
    r = become((uint32_t)uid, (uint32_t)gid);
    if (r < 0) {
        fprintf(stderr, "dusk: cannot become uid %u to write its outputs: %s\n", (unsigned)uid,
                strerror(-r));
        return 1;
    }
    umask(022);
    while (getline(&line, &size, stdin) > 0)
        if (answer(line, server) < 0)
            return 1;
    return 0;
}
