/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See image_tree.h. A node has its children in an array that is sorted when something is looked for
 * behind what was added. A file's content is counted: the first of its names, in the order of the
 * image, is written with it, and the others as links to that.
 */
#include "image_tree.h"

#include "base/memory.h"
#include "sys/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_SIZE = 256 * 1024, LINKS_MAX = 40, MADE_MODE = 0755 };

struct image_file {
    uint32_t names; /* how many nodes have it */
    uint32_t mode;
    uint64_t time;
    uint64_t size;
    char *path; /* owned; NULL: fd */
    int fd;
    uint64_t offset;
    char *written; /* owned; under which path, in this writing */
};

struct node {
    char *name; /* owned; the root's is "" */
    struct node *parent;
    struct image_file *file; /* of a file */
    char *target;            /* owned; of a link */
    uint32_t mode;           /* of a folder */
    uint64_t time;           /* of a folder or a link */
    struct node **children;  /* owned */
    size_t count, capacity;
    size_t sorted; /* the first so many are in order */
};

struct image_tree {
    struct node *root;
};

/* ---- nodes ---- */

static bool is_folder(const struct node *node)
{
    return !node->file && !node->target;
}

static void file_release(struct image_file *file)
{
    if (!file || --file->names > 0)
        return;
    free(file->path);
    free(file->written);
    free(file);
}

/* What a node is, but for its name and its place. */
static void node_clear(struct node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        node_clear(node->children[i]);
        free(node->children[i]->name);
        free(node->children[i]);
    }
    free(node->children);
    free(node->target);
    file_release(node->file);
    *node = (struct node){.name = node->name, .parent = node->parent, .mode = MADE_MODE};
}

static int compare_nodes(const void *one, const void *other)
{
    const struct node *left = *(struct node *const *)one, *right = *(struct node *const *)other;

    return image_tree_compare(left->name, right->name);
}

static void sort_children(struct node *node)
{
    if (node->sorted < node->count)
        qsort(node->children, node->count, sizeof(struct node *), compare_nodes);
    node->sorted = node->count;
}

static struct node *find_child(struct node *node, const char *name)
{
    struct node key = {.name = (char *)name}, *wanted = &key, **found;

    sort_children(node);
    found = node->count == 0 ? NULL
                             : bsearch(&wanted, node->children, node->count, sizeof(struct node *),
                                       compare_nodes);
    return found ? *found : NULL;
}

/* Archives are in order for the most part, and then nothing has to be sorted. */
static struct node *add_child(struct node *node, const char *name)
{
    struct node *child = memory_allocate(sizeof(*child));

    *child = (struct node){.name = memory_copy_string(name), .parent = node, .mode = MADE_MODE};
    array_reserve(node->children, node->capacity, node->count + 1);
    if (node->sorted == node->count &&
        (node->count == 0 || compare_nodes(&node->children[node->count - 1], &child) < 0))
        node->sorted++;
    node->children[node->count++] = child;
    return child;
}

static void remove_child(struct node *node, const struct node *child)
{
    size_t place = 0;

    while (node->children[place] != child)
        place++;
    node_clear(node->children[place]);
    free(node->children[place]->name);
    free(node->children[place]);
    memmove(&node->children[place], &node->children[place + 1],
            (node->count - place - 1) * sizeof(struct node *));
    node->count--;
    node->sorted = place < node->sorted ? node->sorted - 1 : node->sorted;
}

struct image_tree *image_tree_new(void)
{
    struct image_tree *tree = memory_allocate(sizeof(*tree));

    tree->root = memory_allocate(sizeof(*tree->root));
    tree->root->name = memory_copy_string("");
    return tree;
}

struct image_tree *image_tree_free(struct image_tree *tree)
{
    if (!tree)
        return NULL;
    node_clear(tree->root);
    free(tree->root->name);
    free(tree->root);
    free(tree);
    return NULL;
}

/* ---- paths ---- */

/* One walk through the tree, and how many links it may still follow. */
struct walk {
    struct image_tree *tree;
    bool makes; /* folders that are not there */
    int links_left;
};

static struct node *walk_folder(struct walk *walk, struct node *from, const char *path);

/* The folder that a node is, or leads to; NULL if it does not. */
static struct node *step_into(struct walk *walk, struct node *node)
{
    if (node->target && walk->links_left-- > 0)
        return walk_folder(walk, node->target[0] == '/' ? walk->tree->root : node->parent,
                           node->target);
    /* What stands in the way of a folder that is needed goes, as if the folder had been named. */
    if (!is_folder(node) && walk->makes)
        node_clear(node);
    return is_folder(node) ? node : NULL;
}

/* Nothing is above the root: ".." stays there, as in a root that a process cannot leave. */
static struct node *walk_folder(struct walk *walk, struct node *from, const char *path)
{
    _cleanup_free_ char *copy = memory_copy_string(path);
    struct node *node = from, *child;
    char *save = NULL;

    for (char *name = strtok_r(copy, "/", &save); node && name; name = strtok_r(NULL, "/", &save)) {
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            node = node->parent ? node->parent : node;
            continue;
        }
        child = find_child(node, name);
        if (!child && walk->makes && strlen(name) <= IMAGE_TREE_NAME_MAX)
            child = add_child(node, name);
        node = child ? step_into(walk, child) : NULL;
    }
    return node;
}

/* Divides "./usr/lib/" into the folder's path and the last name; the caller's, in one piece. */
static char *split_path(const char *path, const char **ret_name)
{
    char *copy = memory_copy_string(path), *end = copy + strlen(copy), *slash;

    while (end > copy &&
           (end[-1] == '/' || (end[-1] == '.' && (end - 1 == copy || end[-2] == '/'))))
        *--end = '\0';
    slash = strrchr(copy, '/');
    if (!slash) {
        *ret_name = copy;
        return copy;
    }
    *slash = '\0';
    *ret_name = slash + 1;
    return copy;
}

static struct node *find_parent(struct image_tree *tree, const char *folder, const char *name,
                                bool makes)
{
    struct walk walk = {.tree = tree, .makes = makes, .links_left = LINKS_MAX};

    return walk_folder(&walk, tree->root, folder < name ? folder : "");
}

static struct node *find_node(struct image_tree *tree, const char *path)
{
    const char *name;
    _cleanup_free_ char *folder = split_path(path, &name);
    struct node *parent = find_parent(tree, folder, name, false);

    return parent && name[0] ? find_child(parent, name) : parent;
}

static size_t path_length(const struct node *node, size_t *ret_depth)
{
    size_t length = 0;

    for (*ret_depth = 0; node->parent; node = node->parent, ++*ret_depth)
        length += strlen(node->name) + 1;
    return length;
}

static int refuse_path(const char *path, struct error *err)
{
    error_set(err, -EINVAL, "an image cannot have '%.200s'", path);
    error_hint(err, "names have %d bytes at most, paths %d, and %d folders are in one another",
               IMAGE_TREE_NAME_MAX, IMAGE_TREE_PATH_MAX, IMAGE_TREE_DEPTH_MAX);
    return -EINVAL;
}

/* Makes the node of that path, or finds it, whatever it is. */
static int make_node(struct image_tree *tree, const char *path, struct node **ret_node,
                     struct error *err)
{
    const char *name;
    _cleanup_free_ char *folder = split_path(path, &name);
    struct node *parent = NULL, *node;
    size_t depth;

    /* Before its folders are made: whoever walks through these goes as deep as they are. */
    if (strlen(path) <= 2 * IMAGE_TREE_PATH_MAX)
        parent = find_parent(tree, folder, name, true);
    if (!parent || strcmp(name, "..") == 0 || strlen(name) > IMAGE_TREE_NAME_MAX)
        return refuse_path(path, err);
    if (name[0] == '\0') {
        *ret_node = parent;
        return 0;
    }
    node = find_child(parent, name);
    if (!node)
        node = add_child(parent, name);
    if (path_length(node, &depth) > IMAGE_TREE_PATH_MAX || depth > IMAGE_TREE_DEPTH_MAX)
        return refuse_path(path, err);
    *ret_node = node;
    return 0;
}

/* ---- filling ---- */

static uint64_t bound_time(int64_t time)
{
    return time < 0                               ? 0
           : (uint64_t)time > IMAGE_TREE_TIME_MAX ? IMAGE_TREE_TIME_MAX
                                                  : (uint64_t)time;
}

int image_tree_add_folder(struct image_tree *tree, const char *path, mode_t mode, int64_t time,
                          struct error *err)
{
    struct node *node;
    int r = make_node(tree, path, &node, err);

    if (r < 0)
        return r;
    if (!is_folder(node))
        node_clear(node);
    node->mode = mode & IMAGE_TREE_MODES;
    node->time = bound_time(time);
    return 0;
}

/* Something other than a folder in its place; the root stays what it is. */
static int replace_node(struct image_tree *tree, const char *path, struct node **ret_node,
                        struct error *err)
{
    int r = make_node(tree, path, ret_node, err);

    if (r < 0)
        return r;
    if (!(*ret_node)->parent)
        return refuse_path(path, err);
    node_clear(*ret_node);
    return 0;
}

int image_tree_add_link(struct image_tree *tree, const char *path, const char *target, int64_t time,
                        struct error *err)
{
    struct node *node;
    int r;

    if (target[0] == '\0' || strlen(target) > IMAGE_TREE_PATH_MAX)
        return error_set(err, -EINVAL, "the link '%.200s' leads nowhere", path);
    r = replace_node(tree, path, &node, err);
    if (r < 0)
        return r;
    node->target = memory_copy_string(target);
    node->time = bound_time(time);
    return 0;
}

int image_tree_add_name(struct image_tree *tree, const char *path, struct image_file *file,
                        struct error *err)
{
    struct node *node;
    int r;

    /* It may be the only name that the file has so far. */
    file->names++;
    r = replace_node(tree, path, &node, err);
    if (r < 0)
        file_release(file);
    else
        node->file = file;
    return r;
}

int image_tree_add_file(struct image_tree *tree, const char *path, mode_t mode, int64_t time,
                        uint64_t size, const struct image_origin *origin,
                        struct image_file **ret_file, struct error *err)
{
    struct image_file *file;
    int r;

    if (size > IMAGE_TREE_SIZE_MAX) {
        error_set(err, -EFBIG, "'%.200s' is larger than 8 GiB, which an image of files cannot have",
                  path);
        error_hint(err, "make a file system of it, with mksquashfs or mkfs.erofs, and add that");
        return -EFBIG;
    }
    file = memory_allocate(sizeof(*file));
    *file = (struct image_file){.mode = mode & IMAGE_TREE_MODES,
                                .time = bound_time(time),
                                .size = size,
                                .path = origin->path ? memory_copy_string(origin->path) : NULL,
                                .fd = origin->fd,
                                .offset = origin->offset};
    r = image_tree_add_name(tree, path, file, err);
    if (r == 0 && ret_file)
        *ret_file = file;
    return r;
}

struct image_file *image_tree_find_file(struct image_tree *tree, const char *path)
{
    struct node *node = find_node(tree, path);

    return node ? node->file : NULL;
}

struct image_origin image_file_origin(const struct image_file *file, uint64_t *ret_size)
{
    *ret_size = file->size;
    return (struct image_origin){.path = file->path, .fd = file->fd, .offset = file->offset};
}

void image_tree_remove(struct image_tree *tree, const char *path)
{
    struct node *node = find_node(tree, path);

    if (node && node->parent)
        remove_child(node->parent, node);
}

void image_tree_remove_content(struct image_tree *tree, const char *path)
{
    struct node *node = find_node(tree, path);

    while (node && node->count > 0)
        remove_child(node, node->children[node->count - 1]);
}

/* ---- writing ---- */

struct writing {
    image_sink *sink;
    void *userdata;
    struct buffer path;  /* of the node that is written */
    struct buffer piece; /* kept between entries */
};

static void writing_deinit(struct writing *writing)
{
    buffer_deinit(&writing->path);
    buffer_deinit(&writing->piece);
}

static int write_zeros(struct writing *writing, uint64_t count, struct error *err)
{
    static const char zeros[IMAGE_TREE_END_SIZE];

    return count > 0 ? writing->sink(writing->userdata, zeros, count, err) : 0;
}

static int write_head(struct writing *writing, const struct image_entry *entry, struct error *err)
{
    buffer_clear(&writing->piece);
    image_entry_append(&writing->piece, entry);
    return writing->sink(writing->userdata, writing->piece.data, writing->piece.length, err);
}

/* Exactly so many bytes, or the image would be another one than its head says. */
static int write_content(struct writing *writing, const struct image_file *file, int fd,
                         struct error *err)
{
    uint64_t left = file->size, offset = file->offset;

    while (left > 0) {
        size_t wanted = left < PIECE_SIZE ? left : PIECE_SIZE;
        ssize_t n;
        int r;

        buffer_clear(&writing->piece);
        buffer_reserve(&writing->piece, wanted);
        n = pread(fd, writing->piece.data, wanted, (off_t)offset);
        if (n < 0)
            return error_set_errno(err, -errno, "cannot read '%s'", writing->path.data);
        if (n == 0)
            return error_set(err, -ESTALE, "'%s' became smaller while it was read",
                             writing->path.data);
        r = writing->sink(writing->userdata, writing->piece.data, (size_t)n, err);
        if (r < 0)
            return r;
        left -= (uint64_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static int write_file(struct writing *writing, struct image_file *file, struct error *err)
{
    struct image_entry entry = {
        .path = writing->path.data, .mode = file->mode, .time = file->time, .size = file->size};
    _cleanup_fd_ int own = -1;
    int r;

    if (file->written) {
        entry = (struct image_entry){
            .kind = IMAGE_ENTRY_SAME, .path = writing->path.data, .target = file->written};
        return write_head(writing, &entry, err);
    }
    if (file->path && file->size > 0) {
        own = open(file->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (own < 0)
            return error_set_errno(err, -errno, "cannot open '%s'", file->path);
    }
    r = write_head(writing, &entry, err);
    if (r == 0)
        r = write_content(writing, file, file->path ? own : file->fd, err);
    if (r == 0)
        r = write_zeros(writing, image_entry_padding(&entry), err);
    if (file->names > 1)
        file->written = memory_copy_string(writing->path.data);
    return r;
}

static int write_node(struct writing *writing, const struct node *node, struct error *err)
{
    struct image_entry entry = {.kind = node->target ? IMAGE_ENTRY_LINK : IMAGE_ENTRY_FOLDER,
                                .path = writing->path.data,
                                .target = node->target,
                                .mode = node->target ? 0777 : node->mode,
                                .time = node->time};

    return node->file ? write_file(writing, node->file, err) : write_head(writing, &entry, err);
}

/* No deeper than folders may be in one another. */
static int write_children(struct writing *writing, struct node *node, struct error *err)
{
    size_t length = writing->path.length;
    int r = 0;

    sort_children(node);
    for (size_t i = 0; r == 0 && i < node->count; i++) {
        buffer_appendf(&writing->path, "%s%s", length > 0 ? "/" : "", node->children[i]->name);
        r = write_node(writing, node->children[i], err);
        if (r == 0)
            r = write_children(writing, node->children[i], err);
        writing->path.length = length;
        writing->path.data[length] = '\0';
    }
    return r;
}

static void forget_written(struct node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        struct node *child = node->children[i];

        forget_written(child);
        if (child->file)
            free(take_pointer(child->file->written));
    }
}

int image_tree_write(struct image_tree *tree, image_sink *sink, void *userdata, struct error *err)
{
    _cleanup_(writing_deinit) struct writing writing = {.sink = sink, .userdata = userdata};
    int r;

    forget_written(tree->root);
    r = write_children(&writing, tree->root, err);
    return r == 0 ? write_zeros(&writing, IMAGE_TREE_END_SIZE, err) : r;
}
