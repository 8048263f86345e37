/* SPDX-License-Identifier: Apache-2.0 */
/* See archive_library.h. */
#include "archive_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

static bool find(void *handle, const char *name, void *function)
{
    void *found = dlsym(handle, name);

    /* POSIX has it that a function's address fits there. */
    *(void **)function = found;
    return found != NULL;
}

static bool find_all(void *handle, struct archive_library *library)
{
    bool found = true;

#define ARCHIVE_FUNCTION(name) found = found && find(handle, "archive_" #name, &library->name)
    ARCHIVE_FUNCTIONS(ARCHIVE_FUNCTION);
#undef ARCHIVE_FUNCTION
    return found;
}

const struct archive_library *archive_library_load(struct error *err)
{
    static struct archive_library library;
    static bool is_loaded;
    void *handle = is_loaded ? NULL : dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL);

    if (is_loaded || (handle && find_all(handle, &library))) {
        is_loaded = true;
        return &library;
    }
    error_set(err, -ENOENT, "cannot load libarchive.so.13: %s", dlerror());
    error_hint(err, "install the package 'libarchive13'");
    if (handle)
        dlclose(handle);
    return NULL;
}
