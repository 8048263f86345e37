/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See address.h. An address is only taken apart here: whether the name exists is for the resolver
 * to say. Brackets are asked for around IPv6 addresses with a port, as in a URI (RFC 3986, 3.2.2),
 * because ::1:7433 is a whole address by itself.
 */
#include "address.h"

#include "memory.h"
#include "number.h"

#include <errno.h>
#include <string.h>

static int refuse(const char *text, struct error *err)
{
    error_set(err, -EINVAL, "'%s' is no address of a computer", text);
    error_hint(err, "write HOST or HOST:PORT, and an IPv6 address with a port as [::1]:7433");
    return -EINVAL;
}

int address_split(const char *text, uint16_t default_port, char **ret_host, uint16_t *ret_port,
                  struct error *err)
{
    const char *colon = strchr(text, ':');
    const char *host = text, *host_end = text + strlen(text), *port_text = NULL;
    uint64_t port = default_port;

    if (text[0] == '[') {
        host = text + 1;
        host_end = strchr(text, ']');
        if (!host_end || (host_end[1] != '\0' && host_end[1] != ':'))
            return refuse(text, err);
        port_text = host_end[1] == ':' ? host_end + 2 : NULL;
    } else if (colon && !strchr(colon + 1, ':')) {
        /* With more than one colon it is an IPv6 address, all of it. */
        host_end = colon;
        port_text = colon + 1;
    }
    if (host_end == host)
        return refuse(text, err);
    if (port_text &&
        (number_parse_u64(slice_from_text(port_text), &port) < 0 || port == 0 || port > UINT16_MAX))
        return refuse(text, err);
    *ret_host = memory_copy_bytes(host, (size_t)(host_end - host));
    *ret_port = (uint16_t)port;
    return 0;
}
