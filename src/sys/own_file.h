/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user's own settings: where the XDG Base Directory Specification has them, and one of them
 * changed by a program without touching what he wrote around it.
 */
#pragma once

#include "base/error.h"

/*
 * "$variable/rest" if the variable is an absolute path, else "$HOME/home_folder/rest"; NULL without
 * a home, or if `home_folder` is NULL. The caller's.
 */
char *own_file_path(const char *variable, const char *home_folder, const char *rest);
/*
 * Writes "key = value" into the INI file in place of what sets the key there, behind the lines that
 * do not; all others stay, comments too. Makes the file and its folder if they are not there.
 */
int own_file_store(const char *path, const char *key, const char *value, struct error *err);
