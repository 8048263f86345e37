/* SPDX-License-Identifier: Apache-2.0 */
/* dusk image: the images that containers start from, on the server for all who may submit. */
#include "session.h"

#include "base/memory.h"
#include "exit_code.h"
#include "format.h"
#include "image_sending.h"
#include "listing.h"
#include "net/client.h"
#include "sys/complain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct option_word option_words[] = {
    {"quiet", 'q', OPTION_FLAG, NULL, "add: print the image's hash alone"},
    OPTIONS_OF_LISTING,
};

static void image_path(struct buffer *path, const char *name)
{
    buffer_append_text(path, "/v1/images/");
    client_append_encoded(path, name);
}

/* The server would say the same, but only once all of the image was read. */
static int check_name(const struct session *session, const char *name, struct error *err)
{
    if (image_name_is_valid(name))
        return 0;
    options_refuse(session->command, err, "'%s' is no name for an image", name);
    error_hint(err, "write letters, digits, '.', '_' and '-', and perhaps a version: debian12:v2");
    return FAILURE_USAGE;
}

static int add_image(struct connection *connection, const char *name, const char *path, bool quiet,
                     struct error *err)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct image_sent sent;
    int r = image_send(connection, path, name, &sent, err);

    if (r < 0)
        return error_prefix(err, r, "cannot add the image '%s'", name);
    if (sent.left_out > 0) {
        buffer_appendf(&text,
                       "what '%s' has of devices, sockets and pipes (%" PRIu64 ") is left out: a "
                       "container has its own",
                       path, sent.left_out);
        complain_warning(text.data);
    }
    if (quiet) {
        printf("%s\n", sent.sha256);
        return 0;
    }
    buffer_clear(&text);
    format_size(&text, sent.size);
    printf("%s is the image %s (%s, %s)\n", name, sent.sha256, image_kind_name(sent.kind),
           text.data);
    return 0;
}

static int show_image(struct connection *connection, struct listing *listing, const char *name,
                      struct error *err)
{
    _cleanup_(listing_printer_free_p) struct listing_printer *printer = NULL;
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    _cleanup_json_ json_t *image = NULL;
    int r;

    image_path(&path, name);
    if (listing->json)
        return listing_pass_through(connection, path.data, err);
    listing->complete = listing->complete || !listing->columns;
    r = listing_printer_new(listing, &columns_of_images, &printer, err);
    if (r == 0)
        r = connection_call(connection, "GET", path.data, NULL, &image, err);
    if (r < 0)
        return r;
    (void)listing_print(printer, image, err);
    listing_end(printer);
    return 0;
}

static int remove_image(struct connection *connection, const char *name, struct error *err)
{
    _cleanup_buffer_ struct buffer path = BUFFER_INIT;
    int r;

    image_path(&path, name);
    r = connection_call(connection, "DELETE", path.data, NULL, NULL, err);
    if (r == 0)
        printf("%s is no image any more; jobs that were submitted with it keep it\n", name);
    return r;
}

/* Before a server is looked for: a mistyped word is wrong without one. */
static int check_verb(struct session *session, struct error *err)
{
    const char *verb = session->operand_count > 0 ? session->operands[0] : "list";
    int r;

    if (strcmp(verb, "list") == 0)
        return session_need_operands(session, 0, 1, "", err);
    if (strcmp(verb, "show") == 0)
        return session_need_operands(session, 2, 2, "the name or the hash of an image", err);
    if (strcmp(verb, "rm") == 0)
        return session_need_operands(session, 2, 2, "the name of an image", err);
    if (strcmp(verb, "add") != 0)
        return options_refuse(session->command, err, "'dusk image' cannot '%s'", verb);
    r = session_need_operands(session, 3, 3, "a name and the path of an image", err);
    return r == 0 ? check_name(session, session->operands[1], err) : r;
}

static int run_image(struct session *session, struct error *err)
{
    struct listing listing = {0};
    struct connection *connection;
    const char *verb, *value;
    bool quiet = false;
    int key, r;

    while ((key = session_next_option(session, &value, err)) > 0)
        if (!listing_take_option(&listing, key, value))
            quiet = true;
    if (key < 0)
        return key;
    r = check_verb(session, err);
    if (r == 0)
        r = session_connect(session, &connection, err);
    if (r < 0)
        return r;
    verb = session->operand_count > 0 ? session->operands[0] : "list";
    if (strcmp(verb, "list") == 0)
        return listing_show(&listing, &columns_of_images, connection, "/v1/images", err);
    if (strcmp(verb, "show") == 0)
        return show_image(connection, &listing, session->operands[1], err);
    if (strcmp(verb, "rm") == 0)
        return remove_image(connection, session->operands[1], err);
    return add_image(connection, session->operands[1], session->operands[2], quiet, err);
}

const struct command command_image = {
    .name = "image",
    .summary = "adds, lists, shows and removes images for containers",
    .synopsis = "[list] | add NAME PATH | show NAME|HASH | rm NAME",
    .description =
        "An image is the file system that a container starts from; submit files name it\n"
        "with container_image. 'add' sends one to the server: a folder, a tar archive\n"
        "(plain, or compressed by gzip, bzip2, xz or zstd), an OCI image layout in a folder\n"
        "or an archive, or a file with a squashfs, ext4 or erofs file system. What the\n"
        "server has already is not sent, so an upload that broke off goes on where it was.\n"
        "A name that is there already moves to the new image, if it is yours; jobs that\n"
        "were submitted before keep the old one.\n"
        "\n"
        "In an image made of files all belongs to root, only root may write, nothing is\n"
        "setuid, and there are no devices. An image is known by the hash of its content;\n"
        "nodes fetch it once, and check every byte.\n"
        "\n"
        "Columns: names, sha256, kind, size, user, added_at, complete.\n",
    .examples = "  mmdebstrap --variant=minbase bookworm debian12.tar\n"
                "  dusk image add debian12 debian12.tar\n"
                "  dusk image add debian12:v2 debian12.squashfs\n"
                "  dusk image list\n"
                "  dusk image rm debian12:v2\n",
    .options = option_words,
    .option_count = ARRAY_LENGTH(option_words),
    .run = run_image,
};
