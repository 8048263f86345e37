/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See submission.h. The job is sent without its files, by their hashes alone, and only what the
 * server then says to lack is uploaded: whoever submits a sweep again after a small change uploads
 * that change. Nothing is accepted before all contents are there, so the request may be repeated.
 */
#include "submission.h"

#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>

/* How often the server may find something missing; more than once is a content that was lost. */
enum { ROUNDS_MAX = 3 };

/* A folder has a mode and no content. NULL if a name is not UTF-8, which JSON cannot carry. */
static json_t *describe_inputs(const struct inputs *inputs)
{
    json_t *files = json_object();

    for (size_t i = 0; i < inputs->count; i++) {
        const struct input *input = &inputs->items[i];
        json_t *file = json_pack("{s:i}", "mode", (int)input->mode);

        if (input->sha256[0] != '\0') {
            json_object_set_new(file, "sha256", json_string(input->sha256));
            json_object_set_new(file, "size", json_integer((json_int_t)input->size));
        }

        if (json_object_set_new(files, input->name, file) < 0) {
            json_decref(files);
            return NULL;
        }
    }
    return files;
}

static int refuse_text(const struct origin *origin, struct error *err)
{
    error_set(err, -EILSEQ, "%s: the text or the name of a file in it is not UTF-8", origin->name);
    error_hint(err, "convert it, for example with: iconv -f latin1 -t utf8");
    return -EILSEQ;
}

static int describe(const struct submission *submission, json_t **ret_body, struct error *err)
{
    _cleanup_json_ json_t *body = json_object();
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;

    submit_freeze(submission->submit, &text);
    /* jansson takes no text that is not UTF-8. */
    if (json_object_set_new(body, "submit", json_stringn(buffer_text(&text), text.length)) < 0 ||
        json_object_set_new(body, "folder", json_string(submission->origin->folder)) < 0 ||
        json_object_set_new(body, "files", describe_inputs(submission->inputs)) < 0)
        return refuse_text(submission->origin, err);
    json_object_set_new(body, "deliver", json_boolean(submission->deliver));
    if (submission->images)
        json_object_set(body, "images", submission->images);
    *ret_body = take_pointer(body);
    return 0;
}

static int refuse_changed(const struct input *input, struct error *err)
{
    error_set(err, -ESTALE, "'%s' changed while it was submitted", input->path);
    error_hint(err, "submit again when nothing writes to it any more");
    return -ESTALE;
}

/* The hash says what is sent: the server refuses a file that has changed since it was read. */
static int upload(struct connection *connection, const struct input *input, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    _cleanup_fd_ int fd = open(input->path, O_RDONLY | O_CLOEXEC);
    int r;

    if (fd < 0)
        return error_set_errno(err, -errno, "cannot open '%s'", input->path);
    buffer_appendf(&path, "/v1/content/%s", input->sha256);
    r = connection_upload(connection, path.data, fd, input->size, err);
    if (r == -ENODATA || r == -EBUSY)
        return refuse_changed(input, err);
    return r < 0 ? error_prefix(err, r, "cannot upload '%s'", input->path) : 0;
}

/* Uploads what a conflict names; one that names nothing of ours is an error with its words. */
static int upload_missing(struct connection *connection, const struct inputs *inputs,
                          const json_t *conflict, struct error *err)
{
    const json_t *missing = json_object_get(conflict, "missing");
    struct string_map uploaded = STRING_MAP_INIT; /* a content may be missing under many names */
    int r = 0;

    if (json_array_size(missing) == 0)
        return error_set(err, -EBUSY, "%s",
                         json_member_text(conflict, "error", "the server refused the job"));
    for (size_t i = 0; r == 0 && i < json_array_size(missing); i++) {
        const char *sha256 = json_string_value(json_array_get(missing, i));
        const struct input *input = sha256 ? inputs_find_content(inputs, sha256) : NULL;
        uint64_t known;

        if (!input)
            r = error_set(err, -EBADMSG, "the server asks for content that is not of this job");
        else if (!string_map_get(&uploaded, sha256, &known))
            r = upload(connection, input, err);
        if (r == 0)
            string_map_put(&uploaded, sha256, i);
    }
    string_map_deinit(&uploaded);
    return r;
}

int submission_send(struct connection *connection, const struct submission *submission,
                    json_t **ret_reply, struct error *err)
{
    _cleanup_json_ json_t *body = NULL;
    int r;

    r = describe(submission, &body, err);
    for (int round = 0; r == 0 && round < ROUNDS_MAX; round++) {
        _cleanup_json_ json_t *reply = NULL;

        r = connection_call_or_conflict(connection, "POST", "/v1/jobs", body, &reply, err);
        if (r == 0) {
            *ret_reply = take_pointer(reply);
            return 0;
        }
        if (r > 0)
            r = upload_missing(connection, submission->inputs, reply, err);
    }
    if (r < 0)
        return r;
    return error_set(err, -EAGAIN, "the server lost content that was uploaded a moment ago");
}
