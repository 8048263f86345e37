/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libFuzzer where that is not linked: runs the target once over each file of the
 * folders that are its arguments, and says so in TAP. What a fuzzer has found once is thereby
 * tested for ever.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    uint8_t *data;
    size_t size;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (!file)
        return -1;
    fseek(file, 0, SEEK_END);
    size = (size_t)ftell(file);
    rewind(file);
    /* Exactly as large as the content, so that AddressSanitizer sees a step behind it. */
    data = malloc(size);
    if (!data || fread(data, 1, size, file) != size) {
        free(data);
        fclose(file);
        return size == 0 ? LLVMFuzzerTestOneInput((const uint8_t *)"", 0) : -1;
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    int number = 0;

    for (int i = 1; i < argc; i++) {
        struct dirent **entries;
        int count = scandir(argv[i], &entries, is_file, alphasort);

        for (int j = 0; j < count; j++) {
            int r = replay_file(argv[i], entries[j]->d_name);

            printf("%sok %d - %s\n", r < 0 ? "not " : "", ++number, entries[j]->d_name);
            fflush(stdout);
            free(entries[j]);
        }
        if (count >= 0)
            free(entries);
    }
    printf("1..%d\n", number);
    return number > 0 ? 0 : 1;
}
