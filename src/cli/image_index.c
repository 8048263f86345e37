/* SPDX-License-Identifier: Apache-2.0 */
/* See image_index.h. */
#include "image_index.h"

#include "base/memory.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

void image_index_deinit(struct image_index *index)
{
    free(index->digests);
    *index = IMAGE_INDEX_INIT;
}

const char *image_index_architecture(const char *machine)
{
    static const char *const names[][2] = {{"x86_64", "amd64"},
                                           {"aarch64", "arm64"},
                                           {"i686", "386"},
                                           {"armv7l", "arm"},
                                           {"ppc64le", "ppc64le"}};

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(names[i][0], machine) == 0)
            return names[i][1];
    return machine;
}

/* Adds "sha256:…" of a descriptor; it becomes the name of a file, so it is looked at closely. */
static int add_digest(struct image_index *index, const json_t *descriptor, struct error *err)
{
    static const char algorithm[] = "sha256:";
    const char *digest = json_string_value(json_object_get(descriptor, "digest"));
    const char *digits = digest ? digest + strlen(algorithm) : NULL;

    if (!digest || strncmp(digest, algorithm, strlen(algorithm)) != 0 ||
        strlen(digits) != IMAGE_DIGEST_SIZE - 1 ||
        strspn(digits, "0123456789abcdef") != IMAGE_DIGEST_SIZE - 1)
        return error_set(err, -EBADMSG, "a part of it is not named by its SHA-256");
    memcpy(index->digests[index->count++], digits, IMAGE_DIGEST_SIZE);
    return 0;
}

static int add_all(struct image_index *index, const json_t *descriptors, struct error *err)
{
    int r = 0;

    if (json_array_size(descriptors) > IMAGE_LAYERS_MAX)
        return error_set(err, -EBADMSG, "it has more than %d layers", IMAGE_LAYERS_MAX);
    index->digests = memory_resize(NULL, json_array_size(descriptors) + 1, IMAGE_DIGEST_SIZE);
    for (size_t i = 0; r == 0 && i < json_array_size(descriptors); i++)
        r = add_digest(index, json_array_get(descriptors, i), err);
    return r;
}

/* Some builders add manifests of what they did, for no computer: "unknown". */
static bool is_for(const json_t *descriptor, const char *architecture)
{
    const json_t *platform = json_object_get(descriptor, "platform");
    const char *named = json_string_value(json_object_get(platform, "architecture"));

    return named && strcmp(named, architecture) == 0;
}

static int choose_manifest(struct image_index *index, const json_t *manifests,
                           const char *architecture, struct error *err)
{
    const json_t *chosen = json_array_size(manifests) == 1 ? json_array_get(manifests, 0) : NULL;
    size_t fitting = 0;

    for (size_t i = 0; i < json_array_size(manifests); i++) {
        if (!is_for(json_array_get(manifests, i), architecture))
            continue;
        fitting++;
        chosen = json_array_get(manifests, i);
    }
    if (!chosen || fitting > 1) {
        error_set(err, -ENOENT, "it holds %zu images, and %s for this computer (%s)",
                  json_array_size(manifests), fitting > 1 ? "several" : "none", architecture);
        error_hint(err, "make a layout with one image, as 'skopeo copy' does");
        return -ENOENT;
    }
    index->digests = memory_resize(NULL, 1, IMAGE_DIGEST_SIZE);
    return add_digest(index, chosen, err);
}

int image_index_read(struct slice text, const char *architecture, struct image_index *index,
                     struct error *err)
{
    json_error_t why;
    json_t *object = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, &why);
    const json_t *layers = json_object_get(object, "layers");
    const json_t *manifests = json_object_get(object, "manifests");
    int r;

    if (!object)
        r = error_set(err, -EBADMSG, "its description is not JSON: %s", why.text);
    else if (json_is_array(layers))
        r = add_all(index, layers, err);
    else if (json_is_array(manifests))
        r = choose_manifest(index, manifests, architecture, err);
    else
        r = error_set(err, -EBADMSG, "its description names neither manifests nor layers");
    index->is_manifest = json_is_array(layers);
    json_decref(object);
    return r;
}
