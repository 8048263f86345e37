/* SPDX-License-Identifier: Apache-2.0 */
/* See bus_library.h. */
#include "bus_library.h"

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

static bool find_all(void *handle, struct bus_library *library)
{
    bool found = true;

#define BUS_FUNCTION(name) found = found && find(handle, "sd_bus_" #name, &library->name)
    BUS_FUNCTIONS(BUS_FUNCTION);
#undef BUS_FUNCTION
    return found;
}

const struct bus_library *bus_library_load(struct error *err)
{
    static struct bus_library library;
    static bool is_loaded;
    void *handle = is_loaded ? NULL : dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);

    if (is_loaded || (handle && find_all(handle, &library))) {
        is_loaded = true;
        return &library;
    }
    error_set(err, -ENOENT, "cannot load libsystemd.so.0: %s", dlerror());
    error_hint(err, "install the package 'libsystemd0'");
    if (handle)
        dlclose(handle);
    return NULL;
}
