/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See identity.h. STATE/uids has a line "UID USER" per user that was ever given one, in the order
 * of giving; it is read once and replaced as a whole when a user is new. Should another agent have
 * taken a user's uid while this one was away, or an account have been made with it, the user gets a
 * new line, and the last line counts.
 */
#define _GNU_SOURCE
#include "identity.h"

#include "base/buffer.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/number.h"
#include "process_tree.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "uid_lock.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum { UIDS_SIZE_MAX = 16 << 20, USER_LENGTH_MAX = 255 };

struct identities {
    char *path;          /* owned; STATE/uids */
    char *state_folder;  /* owned */
    struct buffer owner; /* the state folder's name in the locks */
    uid_t first, last;
    bool is_root;
    struct string_map uids; /* user -> uid */
    struct map users;       /* uids that somebody has */
    struct map locked;      /* uids that this agent holds, or that cannot be locked here */
    struct buffer text;     /* the file as it is on the disk */
    int *locks;             /* owned */
    size_t lock_count, lock_capacity;
};

static void remember(struct identities *identities, uid_t uid, const char *user)
{
    string_map_put(&identities->uids, user, uid);
    map_put(&identities->users, uid, 1);
}

static int read_line(struct identities *identities, char *line, struct error *err)
{
    char *space = strchr(line, ' ');
    uint64_t uid = 0;

    if (line[0] == '\0')
        return 0;
    if (space)
        *space = '\0';
    if (!space || number_parse_u64(slice_from_text(line), &uid) < 0 || uid == 0 ||
        uid >= UINT32_MAX)
        return error_set(err, -EBADMSG, "'%s' has a line that is not 'UID USER'", identities->path);
    remember(identities, (uid_t)uid, space + 1);
    return 0;
}

static int read_uids(struct identities *identities, struct error *err)
{
    _cleanup_free_ char *copy = NULL;
    char *rest = NULL;
    int r;

    if (access(identities->path, F_OK) < 0 && errno == ENOENT)
        return 0;
    r = file_read(identities->path, UIDS_SIZE_MAX, &identities->text, err);
    copy = memory_copy_string(buffer_text(&identities->text));
    for (char *line = strtok_r(copy, "\n", &rest); r == 0 && line;
         line = strtok_r(NULL, "\n", &rest))
        r = read_line(identities, line, err);
    return r;
}

int identities_open(const char *state_folder, uid_t first, uid_t last,
                    struct identities **ret_identities, struct error *err)
{
    _cleanup_(identities_free_p) struct identities *identities =
        memory_allocate(sizeof(*identities));
    int r;

    identities->path = file_join(state_folder, "uids");
    identities->state_folder = memory_copy_string(state_folder);
    identities->first = first ? first : IDENTITY_UID_FIRST;
    identities->last = last ? last : IDENTITY_UID_LAST;
    identities->is_root = geteuid() == 0;
    if (identities->is_root) {
        r = process_tree_make_marker(state_folder, &identities->owner);
        if (r < 0)
            return error_set_errno(err, r, "cannot use the folder '%s'", state_folder);
        r = read_uids(identities, err);
        if (r < 0)
            return r;
    }
    *ret_identities = take_pointer(identities);
    return 0;
}

struct identities *identities_free(struct identities *identities)
{
    if (!identities)
        return NULL;
    for (size_t i = 0; i < identities->lock_count; i++)
        descriptor_close(identities->locks[i]);
    free(identities->locks);
    string_map_deinit(&identities->uids);
    map_deinit(&identities->users);
    map_deinit(&identities->locked);
    buffer_deinit(&identities->text);
    buffer_deinit(&identities->owner);
    free(identities->path);
    free(identities->state_folder);
    free(identities);
    return NULL;
}

/*
 * Whether the uid is ours alone on this computer: the lock is held as long as this agent lives.
 * Where there can be no locks (a read-only /run) luck must do.
 */
static bool lock_uid(struct identities *identities, uid_t uid)
{
    int fd = -1;

    if (uid_lock(uid, UID_HOLDER_AGENT, buffer_text(&identities->owner), &fd) == -EBUSY)
        return false;
    map_put(&identities->locked, uid, 1);
    if (fd >= 0) {
        array_reserve(identities->locks, identities->lock_capacity, identities->lock_count + 1);
        identities->locks[identities->lock_count++] = fd;
    }
    return true;
}

/* FNV-1a over folder and user: where the search for a free uid starts. */
static uint32_t place_of(const struct identities *identities, const char *user)
{
    const char *texts[] = {identities->state_folder, user};
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
        for (const char *p = texts[i]; *p; p++)
            hash = (hash ^ (unsigned char)*p) * 16777619U;
    return hash;
}

/* Whether the computer knows this number as a user or a group: it is not ours to give then. */
static bool is_somebodys(uid_t uid)
{
    return getpwuid(uid) || getgrgid(uid);
}

static int choose_uid(struct identities *identities, const char *user, uid_t *ret_uid,
                      struct error *err)
{
    uint32_t count = identities->last - identities->first + 1;
    uint32_t start = place_of(identities, user) % count;

    for (uint32_t i = 0; i < count; i++) {
        uid_t uid = identities->first + (start + i) % count;
        uint64_t taken;

        if (uid == 0 || map_get(&identities->users, uid, &taken) || is_somebodys(uid) ||
            !lock_uid(identities, uid))
            continue;
        *ret_uid = uid;
        return 0;
    }
    return error_set(err, -EUSERS, "no user id between %u and %u is free for '%s'",
                     (unsigned)identities->first, (unsigned)identities->last, user);
}

static int save_user(struct identities *identities, uid_t uid, const char *user, struct error *err)
{
    size_t before = identities->text.length;
    int r;

    buffer_appendf(&identities->text, "%u %s\n", (unsigned)uid, user);
    r = file_replace(identities->path, identities->text.data, identities->text.length, 0600, true,
                     err);
    if (r < 0)
        identities->text.length = before;
    return r;
}

static bool user_is_good(const char *user)
{
    size_t length = strlen(user);

    if (length == 0 || length > USER_LENGTH_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)user[i] < ' ' || user[i] == 0x7f)
            return false;
    return true;
}

/*
 * The uid that the user has from before, if no other agent took it while none of ours lived, and
 * nobody else either: an account may have been made with it, and systemd gives numbers of this
 * range to services (DynamicUser=). That is looked up once per agent, because it may ask a server.
 */
static bool recall_uid(struct identities *identities, const char *user, uid_t *ret_uid)
{
    uint64_t known, is_locked;

    if (!string_map_get(&identities->uids, user, &known))
        return false;
    if (!map_get(&identities->locked, known, &is_locked) &&
        (is_somebodys((uid_t)known) || !lock_uid(identities, (uid_t)known)))
        return false;
    *ret_uid = (uid_t)known;
    return true;
}

int identities_get(struct identities *identities, const char *user, struct identity *ret_identity,
                   struct error *err)
{
    uid_t uid = 0;
    int r;

    if (!user_is_good(user))
        return error_set(err, -EINVAL, "a task without a proper user name");
    if (!identities->is_root) {
        *ret_identity =
            (struct identity){.becomes_user = false, .uid = geteuid(), .gid = getegid()};
        return 0;
    }
    if (!recall_uid(identities, user, &uid)) {
        r = choose_uid(identities, user, &uid, err);
        if (r == 0)
            r = save_user(identities, uid, user, err);
        if (r < 0)
            return r;
        remember(identities, uid, user);
    }
    *ret_identity = (struct identity){.becomes_user = true, .uid = uid, .gid = uid};
    return 0;
}
