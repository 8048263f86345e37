/* SPDX-License-Identifier: Apache-2.0 */
/* See container_tree.h. */
#define _GNU_SOURCE
#include "container_tree.h"

#include "base/memory.h"
#include "container.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0755 };

/* What is mounted or made by itself; no tree has a say in these. */
static const char *const own[] = {"proc", "dev", "tmp", "job", ".dusk", "sys"};

void container_tree_deinit(struct container_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->sources[i]);
        free(tree->targets[i]);
    }
    free(tree->root);
    free(tree->sources);
    free(tree->targets);
    *tree = CONTAINER_TREE_INIT;
}

/* With NULL: none, and room for the end of the lists. */
static void add_mount(struct container_tree *tree, const char *source, const char *target)
{
    size_t capacity = tree->capacity;

    array_reserve(tree->sources, capacity, tree->count + 2);
    array_reserve(tree->targets, tree->capacity, tree->count + 2);
    tree->sources[tree->count] = source ? memory_copy_string(source) : NULL;
    tree->targets[tree->count] = target ? memory_copy_string(target) : NULL;
    tree->count += source != NULL;
    tree->sources[tree->count] = tree->targets[tree->count] = NULL;
}

/* An empty file or folder for the mount, with the folders above it. */
static int make_mount_point(const char *path, bool is_folder, struct error *err)
{
    _cleanup_free_ char *parent = memory_copy_string(path);
    int r;

    if (is_folder)
        return file_make_folders(path, FOLDER_MODE, err);
    *strrchr(parent, '/') = '\0';
    r = file_make_folders(parent, FOLDER_MODE, err);
    if (r == 0 && access(path, F_OK) < 0)
        r = file_replace(path, "", 0, FOLDER_MODE, false, err);
    return r;
}

/* One that is right stays: tasks that an agent before us began are in this folder, and use it. */
static int copy_link(const char *source, const char *path, struct error *err)
{
    char link[PATH_MAX], there[PATH_MAX];
    ssize_t length = readlink(source, link, sizeof(link) - 1);

    if (length < 0)
        return error_set_errno(err, -errno, "cannot read the link '%s'", source);
    link[length] = '\0';
    if (readlink(path, there, sizeof(there)) == length && memcmp(link, there, (size_t)length) == 0)
        return 0;
    if (unlink(path) < 0 && errno != ENOENT && errno != EISDIR)
        return error_set_errno(err, -errno, "cannot replace '%s'", path);
    if (symlink(link, path) < 0 && errno != EEXIST)
        return error_set_errno(err, -errno, "cannot make the link '%s'", path);
    return 0;
}

/* Lays `source` under the name `target`; what is neither link, folder nor file is left out. */
static int add_entry(struct container_tree *tree, const char *source, const char *target,
                     struct error *err)
{
    _cleanup_free_ char *path = file_join(tree->root, target);
    struct stat status;
    int r;

    if (lstat(source, &status) < 0)
        return errno == ENOENT ? 0 : error_set_errno(err, -errno, "cannot look at '%s'", source);
    if (S_ISLNK(status.st_mode))
        return copy_link(source, path, err);
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))
        return 0;
    r = make_mount_point(path, S_ISDIR(status.st_mode), err);
    if (r == 0)
        add_mount(tree, source, target);
    return r;
}

static int begin(const char *folder, struct container_tree *tree, struct error *err)
{
    int r = file_make_folders(folder, FOLDER_MODE, err);

    *tree = CONTAINER_TREE_INIT;
    tree->root = memory_copy_string(folder);
    add_mount(tree, NULL, NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(own) && r == 0; i++) {
        _cleanup_free_ char *path = file_join(folder, own[i]);

        r = file_make_folders(path, FOLDER_MODE, err);
    }
    return r < 0 ? r : container_install_init(folder, err);
}

/* Name servers are often found through a link out of /etc, into what a service keeps in /run. */
static int add_resolver(struct container_tree *tree, struct error *err)
{
    _cleanup_free_ char *real = realpath("/etc/resolv.conf", NULL);

    if (!real || strncmp(real, "/run/", strlen("/run/")) != 0)
        return 0;
    *strrchr(real, '/') = '\0';
    return strcmp(real, "/run") == 0 ? 0 : add_entry(tree, real, real + 1, err);
}

int container_tree_of_node(const char *folder, const char *const *paths,
                           struct container_tree *ret_tree, struct error *err)
{
    static const char *const usual[] = {"/usr",   "/bin",    "/sbin", "/lib", "/lib32",
                                        "/lib64", "/libx32", "/etc",  "/opt"};
    struct container_tree tree;
    int r = begin(folder, &tree, err);

    for (size_t i = 0; i < ARRAY_LENGTH(usual) && r == 0; i++)
        r = add_entry(&tree, usual[i], usual[i] + 1, err);
    for (; *paths && r == 0; paths++)
        r = add_entry(&tree, *paths, *paths + 1, err);
    if (r == 0)
        r = add_resolver(&tree, err);
    if (r == 0)
        *ret_tree = tree;
    else
        container_tree_deinit(&tree);
    return r;
}

static bool is_own(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(own); i++)
        if (strcmp(own[i], name) == 0)
            return true;
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int add_image(struct container_tree *tree, const char *image, struct error *err)
{
    struct dirent **names;
    int count = scandir(image, &names, NULL, alphasort), r = 0;

    if (count < 0)
        return error_set_errno(err, -errno, "cannot read the image '%s'", image);
    for (int i = 0; i < count; i++) {
        _cleanup_free_ char *source = file_join(image, names[i]->d_name);

        if (r == 0 && !is_own(names[i]->d_name))
            r = add_entry(tree, source, names[i]->d_name, err);
        free(names[i]);
    }
    free(names);
    return r;
}

int container_tree_of_image(const char *folder, const char *image, struct container_tree *ret_tree,
                            struct error *err)
{
    struct container_tree tree;
    int r = begin(folder, &tree, err);

    if (r == 0)
        r = add_image(&tree, image, err);
    if (r == 0)
        *ret_tree = tree;
    else
        container_tree_deinit(&tree);
    return r;
}
