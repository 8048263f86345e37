/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What anybody on the computer may say to its agent, and what an agent may answer, as any bytes:
 * nothing may crash, hang or leak, and what was understood is written so that it reads back to the
 * same.
 */
#include "wire/owner_word.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_word(struct slice line)
{
    _cleanup_buffer_ struct buffer once = BUFFER_INIT, twice = BUFFER_INIT;
    struct owner_word word;

    if (owner_word_decode(line, &word, NULL) < 0)
        return;
    owner_word_encode(&once, &word);
    owner_word_deinit(&word);
    if (owner_word_decode((struct slice){once.data, once.length}, &word, NULL) < 0)
        abort();
    owner_word_encode(&twice, &word);
    owner_word_deinit(&word);
    if (strcmp(once.data, twice.data) != 0)
        abort();
}

static void try_answer(struct slice line)
{
    _cleanup_buffer_ struct buffer once = BUFFER_INIT, twice = BUFFER_INIT;
    struct owner_answer answer;

    if (owner_answer_decode(line, &answer, NULL) < 0)
        return;
    owner_answer_encode(&once, &answer);
    owner_answer_deinit(&answer);
    if (owner_answer_decode((struct slice){once.data, once.length}, &answer, NULL) < 0)
        abort();
    owner_answer_encode(&twice, &answer);
    owner_answer_deinit(&answer);
    if (strcmp(once.data, twice.data) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice line = {(const char *)data, size};

    try_word(line);
    try_answer(line);
    return 0;
}
