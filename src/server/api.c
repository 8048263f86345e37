/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of doc/specification/api.md: who asks, what for, and to which topic it goes. This
 * file knows paths and rights; the topics (api_jobs.c, api_tasks.c, api_nodes.c, api_images.c,
 * content.c, tokens.c) know the rest.
 */
#include "server.h"

#include "base/memory.h"
#include "base/number.h"
#include "sys/hash.h"
#include "sys/log.h"

#include <assert.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum { BODY_SIZE_MAX = 256 << 20, PATH_PARTS_MAX = 6, API_PROTOCOL = 1 };

struct api_call *api_call_of(struct request *request)
{
    return request_userdata(request);
}

void api_reply_json(struct request *request, unsigned int status, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_ENCODE_ANY);

    if (text)
        request_reply(request, status, "application/json", text, strlen(text));
    else
        request_reply(request, 500, "application/json", "{\"error\":\"no answer\"}", 21);
    free(text);
    json_decref(object);
}

/* Texts that came from outside may be no UTF-8, which JSON cannot hold. */
static json_t *json_text(const char *text)
{
    json_t *string = json_string(text);

    return string ? string : json_string("(not readable as UTF-8)");
}

void api_reply_error(struct request *request, unsigned int status, const char *hint,
                     const char *format, ...)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    json_t *object = json_object();
    va_list arguments;

    va_start(arguments, format);
    buffer_append_formatted(&text, format, arguments);
    va_end(arguments);
    json_object_set_new(object, "error", json_text(buffer_text(&text)));
    if (hint)
        json_object_set_new(object, "hint", json_text(hint));
    api_reply_json(request, status, object);
}

bool api_parameter(struct request *request, const char *name, uint32_t *ret)
{
    const char *text = request_parameter(request, name);
    uint64_t number;

    if (!text)
        return true;
    if (number_parse_u64(slice_from_text(text), &number) < 0 || number >= NONE) {
        api_reply_error(request, 400, NULL, "'%s' must be a number", name);
        return false;
    }
    *ret = (uint32_t)number;
    return true;
}

const char *api_unstarted_reason(const struct job_record *job, const struct pool_task_row *row)
{
    return row->reason == REASON_BY_USER && job->row.reason ? job->row.reason
                                                            : reason_text(row->reason);
}

void api_append_reason(struct buffer *text, const char *word, const char *detail)
{
    const char *clause = "";
    enum reason reason;

    if (word && reason_from_name(word, &reason))
        clause = reason_text(reason);
    buffer_append_text(text, clause);
    if (!detail || !detail[0])
        return;
    buffer_append_text(text, clause[0] ? ": " : "");
    buffer_append_text(text, detail);
}

/* Who asks. */

static bool is_admin(const struct server *server, const char *name)
{
    for (size_t i = 0; i < server->options.admin_count; i++)
        if (strcmp(server->options.admins[i], name) == 0)
            return true;
    return false;
}

static void identify(struct server *server, const struct peer *peer, struct api_user *user)
{
    const struct passwd *entry;

    *user = (struct api_user){.uid = STORE_NONE, .gid = STORE_NONE};
    switch (peer->kind) {
    case PEER_SOCKET:
        entry = getpwuid(peer->uid);
        user->known = true;
        user->uid = peer->uid;
        user->gid = entry ? entry->pw_gid : peer->uid;
        if (entry) {
            user->name = memory_copy_string(entry->pw_name);
        } else {
            struct buffer name = BUFFER_INIT;

            buffer_appendf(&name, "uid%u", peer->uid);
            user->name = buffer_take(&name);
        }
        user->admin = peer->uid == 0 || peer->uid == geteuid() || is_admin(server, user->name);
        break;
    case PEER_USER:
        user->known = true;
        user->name = memory_copy_string(peer->name);
        user->admin = is_admin(server, user->name);
        break;
    case PEER_NODE:
    case PEER_UNKNOWN:
        user->name = memory_copy_string("");
        break;
    }
}

bool api_may_change(struct server *server, struct request *request, uint32_t number)
{
    const struct job_record *job = records_find_job(&server->records, number);
    const struct api_user *user = &api_call_of(request)->user;
    json_t *over;
    bool mine;

    if (job) {
        mine = strcmp(job->row.user, user->name) == 0;
    } else {
        over = api_job_object(server, number);
        if (!over) {
            api_reply_error(request, 404, "'dusk q' and 'dusk history' show the jobs",
                            "there is no job %u", number);
            return false;
        }
        mine = strcmp(json_string_value(json_object_get(over, "user")), user->name) == 0;
        json_decref(over);
    }
    if (mine || user->admin)
        return true;
    api_reply_error(request, 403, "only its owner and the pool's admins may do that",
                    "job %u is not yours", number);
    return false;
}

static bool require_admin(struct request *request)
{
    if (api_call_of(request)->user.admin)
        return true;
    api_reply_error(request, 403, "admins are named in the server's configuration",
                    "only an admin of the pool may do that");
    return false;
}

/* What is asked for. */

/* A path split at its slashes; the parts lie in `copy`. */
struct path {
    char *copy;
    const char *parts[PATH_PARTS_MAX];
    size_t count;
};

static void path_split(struct path *path, const char *text)
{
    char *save = NULL;

    path->copy = memory_copy_string(text);
    path->count = 0;
    for (char *part = strtok_r(path->copy, "/", &save); part && path->count < PATH_PARTS_MAX;
         part = strtok_r(NULL, "/", &save))
        path->parts[path->count++] = part;
}

static bool part_is(const struct path *path, size_t i, const char *text)
{
    return i < path->count && strcmp(path->parts[i], text) == 0;
}

static bool parse_number(const char *text, uint32_t *ret)
{
    uint64_t number;

    if (!text || number_parse_u64(slice_from_text(text), &number) < 0 || number >= NONE)
        return false;
    *ret = (uint32_t)number;
    return true;
}

/* "17.3" */
static bool parse_task_id(const char *text, uint32_t *ret_job, uint32_t *ret_task)
{
    const char *dot = strchr(text, '.');
    _cleanup_free_ char *job = NULL;

    if (!dot)
        return false;
    job = memory_copy_bytes(text, (size_t)(dot - text));
    return parse_number(job, ret_job) && parse_number(dot + 1, ret_task);
}

static void no_such_path(struct request *request)
{
    api_reply_error(request, 404, "perhaps client and server are of different versions",
                    "there is no '%s %.200s' here", request_method(request), request_path(request));
}

static void get_job(struct server *server, struct request *request, uint32_t job, const char *topic)
{
    if (strcmp(topic, "wait") == 0)
        api_jobs_wait(server, request, job);
    else if (strcmp(topic, "why") == 0)
        api_jobs_why(server, request, job);
    else if (strcmp(topic, "outputs") == 0)
        api_jobs_outputs(server, request, job);
    else
        no_such_path(request);
}

static void get_task(struct server *server, struct request *request, const struct path *path)
{
    uint32_t job, task, index;

    if (!parse_task_id(path->parts[2], &job, &task)) {
        api_reply_error(request, 400, NULL, "'%.80s' is no task; write 17.3", path->parts[2]);
        return;
    }
    if (part_is(path, 3, "tail") && path->count == 4)
        api_task_tail(server, request, job, task);
    else if (part_is(path, 3, "outputs") && path->count == 5 &&
             parse_number(path->parts[4], &index))
        api_task_output(server, request, job, task, index);
    else
        no_such_path(request);
}

static void get(struct server *server, struct request *request, const struct path *path)
{
    uint32_t job;

    if (part_is(path, 1, "pool") && path->count == 2)
        api_pool(server, request);
    else if (part_is(path, 1, "stats") && path->count == 2)
        api_stats(server, request);
    else if (part_is(path, 1, "jobs") && path->count == 2)
        api_jobs_list(server, request);
    else if (part_is(path, 1, "jobs") && path->count == 4 && parse_number(path->parts[2], &job))
        get_job(server, request, job, path->parts[3]);
    else if (part_is(path, 1, "tasks") && path->count == 2)
        api_tasks_list(server, request);
    else if (part_is(path, 1, "tasks") && path->count >= 4)
        get_task(server, request, path);
    else if (part_is(path, 1, "nodes") && path->count <= 3)
        api_nodes_list(server, request, path->count == 3 ? path->parts[2] : NULL);
    else if (part_is(path, 1, "images") && path->count == 2)
        api_images_list(server, request);
    else if (part_is(path, 1, "images") && path->count == 3)
        api_images_show(server, request, path->parts[2]);
    else if (part_is(path, 1, "tokens") && path->count == 2) {
        if (require_admin(request))
            tokens_list(server, request);
    } else
        no_such_path(request);
}

/* What has to be stored is refused while nothing can be. */
static bool refuse_change(struct server *server, struct request *request)
{
    if (strcmp(request_method(request), "GET") == 0)
        return false;
    room_look(server);
    if (server->room.still)
        room_refuse(request);
    return server->room.still;
}

static void post(struct server *server, struct request *request, const struct path *path,
                 const json_t *body)
{
    uint32_t job;

    if (part_is(path, 1, "jobs") && path->count == 2)
        api_jobs_submit(server, request, body);
    else if (part_is(path, 1, "jobs") && path->count == 4 && parse_number(path->parts[2], &job)) {
        if (!api_may_change(server, request, job))
            return;
        if (part_is(path, 3, "fetched"))
            api_jobs_fetched(server, request, job, body);
        else
            api_jobs_choose(server, request, job, path->parts[3], body);
    } else if (part_is(path, 1, "nodes") && path->count == 4 &&
               (part_is(path, 3, "drain") || part_is(path, 3, "undrain"))) {
        if (require_admin(request))
            api_nodes_drain(server, request, path->parts[2], path->parts[3], body);
    } else if (part_is(path, 1, "nodes") && path->count == 4 && part_is(path, 3, "wake")) {
        if (require_admin(request))
            api_nodes_wake(server, request, path->parts[2]);
    } else if (part_is(path, 1, "content") && part_is(path, 2, "missing"))
        api_content_missing(server, request, body);
    else if (part_is(path, 1, "images") && path->count == 2)
        api_images_add(server, request, body);
    else if (part_is(path, 1, "tokens") && path->count == 2) {
        if (require_admin(request))
            tokens_create(server, request, body);
    } else
        no_such_path(request);
}

static void delete_(struct server *server, struct request *request, const struct path *path)
{
    /* Everybody has names of his own; the rest is the admins'. */
    if (part_is(path, 1, "images") && path->count == 3) {
        api_images_remove(server, request, path->parts[2]);
        return;
    }
    if (!require_admin(request))
        return;
    if (part_is(path, 1, "nodes") && path->count == 3)
        api_nodes_forget(server, request, path->parts[2]);
    else if (part_is(path, 1, "tokens") && path->count == 3)
        tokens_revoke(server, request, path->parts[2]);
    else
        no_such_path(request);
}

/* What anybody may ask. Returns whether it was that. */
static bool answer_open(struct server *server, struct request *request, const json_t *body)
{
    const char *path = request_path(request), *method = request_method(request);

    if (strcmp(path, "/v1/version") == 0 && strcmp(method, "GET") == 0)
        api_reply_json(request, 200,
                       json_pack("{s:s,s:i}", "version", DUSK_VERSION, "protocol", API_PROTOCOL));
    else if (strcmp(path, "/v1/authority") == 0 && strcmp(method, "GET") == 0)
        request_reply(request, 200, "application/x-pem-file", authority_pem(server->authority),
                      strlen(authority_pem(server->authority)));
    else if (strcmp(path, "/v1/enrol") == 0 && strcmp(method, "POST") == 0)
        tokens_enrol(server, request, body);
    else if (strcmp(path, "/metrics") == 0 && request_peer(request)->kind == PEER_SOCKET)
        api_metrics(server, request);
    else
        return false;
    return true;
}

static void answer(struct server *server, struct request *request, const json_t *body)
{
    const char *method = request_method(request);
    struct path path;

    if (refuse_change(server, request) || answer_open(server, request, body))
        return;
    if (!api_call_of(request)->user.known) {
        api_reply_error(request, 401, "run: dusk login --server HOST:PORT --token TOKEN",
                        "the server does not know you");
        return;
    }
    path_split(&path, request_path(request));
    if (!part_is(&path, 0, "v1"))
        no_such_path(request);
    else if (strcmp(method, "GET") == 0)
        get(server, request, &path);
    else if (strcmp(method, "POST") == 0)
        post(server, request, &path, body);
    else if (strcmp(method, "DELETE") == 0)
        delete_(server, request, &path);
    else
        no_such_path(request);
    free(path.copy);
}

/* The listener's handlers. */

static bool is_upload(const struct request *request)
{
    static const char prefix[] = "/v1/content/";
    const char *path = request_path(request);

    return strcmp(request_method(request), "PUT") == 0 &&
           strncmp(path, prefix, strlen(prefix)) == 0 && hash_text_is_valid(path + strlen(prefix));
}

static struct body_plan on_request_begin(void *userdata, struct request *request)
{
    struct server *server = userdata;
    struct api_call *call = memory_allocate(sizeof(*call));

    call->server = server;
    identify(server, request_peer(request), &call->user);
    request_set_userdata(request, call);
    if (request_protocol(request) > API_PROTOCOL) {
        api_reply_error(request, 426, "install the server's version of dusk here",
                        "this client speaks a newer protocol than the server");
        return (struct body_plan){0};
    }
    if (is_upload(request) && call->user.known)
        return api_content_begin(server, request);
    /* A stranger's body is his token and his certificate request, and no more. */
    return (struct body_plan){.size_max = call->user.known ? BODY_SIZE_MAX : 64 * 1024};
}

static void on_request_body(void *userdata, struct request *request, struct slice piece)
{
    (void)userdata;
    api_content_body(request, piece);
}

static void on_request(void *userdata, struct request *request)
{
    struct slice text = request_body(request);
    struct server *server = userdata;
    json_error_t error;
    json_t *body;

    if (api_call_of(request)->upload) {
        api_content_finish(request);
        return;
    }
    body = text.length > 0 ? json_loadb(text.data, text.length, 0, &error) : json_object();
    if (!json_is_object(body))
        api_reply_error(request, 400, NULL, "the request's body is no JSON object");
    else
        answer(server, request, body);
    json_decref(body);
}

static void on_request_end(void *userdata, struct request *request, bool complete)
{
    struct api_call *call = api_call_of(request);
    struct server *server = userdata;

    (void)complete;
    if (!call)
        return;
    batch_forget_request(server, request);
    api_content_abandon(call);
    if (call->waiter)
        api_drop_waiter(call->waiter);
    if (call->tail)
        streams_cancel(call->tail);
    buffer_deinit(&call->tail_bytes);
    free(call->user.name);
    free(call);
}

/* A forgotten node, or one that enrolled again, is not welcome with its old certificate. */
static bool accepts(void *userdata, const struct peer *peer)
{
    struct server *server = userdata;
    const struct node_record *node;

    if (peer->kind != PEER_NODE)
        return true;
    node = records_find_node(&server->records, peer->name);
    return node && !node->forgotten && strcmp(node->serial, peer->serial) == 0;
}

const struct listener_handlers api_handlers = {
    .accepts = accepts,
    .on_request_begin = on_request_begin,
    .on_request_body = on_request_body,
    .on_request = on_request,
    .on_request_end = on_request_end,
};
