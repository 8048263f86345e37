/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See checkpoint.h: the one image of CRIU's that is not as another node needs it.
 *
 * An image is a magic number of all, one of its kind, and for each entry its size and a message of
 * Protocol Buffers. That of a user namespace (CRIU's images/userns.proto) has two lists of extents,
 * for users (field 1) and groups (field 2), each a message of three numbers: first within, first
 * outside, how many. It is small and wholly known here, so it is written anew, not changed.
 */
#include "checkpoint.h"

#include "container.h"

enum {
    MAGIC_OF_ALL = 0x54564319, /* CRIU's criu/include/magic.h */
    MAGIC_OF_IDS = 0x55474906,
    FIELD_USERS = 1,
    FIELD_GROUPS = 2,
    TYPE_NUMBER = 0, /* the types of the encoding; a field's tag is its number and type */
    TYPE_MESSAGE = 2,
    TYPE_BITS = 3,
};

static void put_u32(struct buffer *image, uint32_t value)
{
    for (int shift = 0; shift < 32; shift += 8)
        buffer_append_character(image, (char)(uint8_t)(value >> shift));
}

/* Seven bits at a time, the lowest first; the eighth says that more follow. */
static void put_varint(struct buffer *message, uint32_t value)
{
    for (; value > 0x7f; value >>= 7)
        buffer_append_character(message, (char)(uint8_t)(value | 0x80));
    buffer_append_character(message, (char)(uint8_t)value);
}

static void put_extent(struct buffer *message, unsigned field, uint32_t within, uint32_t outside)
{
    const uint32_t numbers[] = {within, outside, 1};
    _cleanup_buffer_ struct buffer extent = BUFFER_INIT;

    for (unsigned i = 0; i < ARRAY_LENGTH(numbers); i++) {
        put_varint(&extent, (i + 1) << TYPE_BITS | TYPE_NUMBER);
        put_varint(&extent, numbers[i]);
    }
    put_varint(message, field << TYPE_BITS | TYPE_MESSAGE);
    put_varint(message, (uint32_t)extent.length);
    buffer_append(message, extent.data, extent.length);
}

void checkpoint_encode_ids(uint32_t uid, uint32_t gid, struct buffer *image)
{
    _cleanup_buffer_ struct buffer message = BUFFER_INIT;

    put_extent(&message, FIELD_USERS, 0, CONTAINER_ROOT_UID);
    put_extent(&message, FIELD_USERS, CONTAINER_UID, uid);
    put_extent(&message, FIELD_GROUPS, 0, CONTAINER_ROOT_UID);
    put_extent(&message, FIELD_GROUPS, CONTAINER_UID, gid);
    put_u32(image, MAGIC_OF_ALL);
    put_u32(image, MAGIC_OF_IDS);
    put_u32(image, (uint32_t)message.length);
    buffer_append(image, message.data, message.length);
}
