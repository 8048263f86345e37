/* SPDX-License-Identifier: Apache-2.0 */
/* A text that a peer calls a certificate: what is read of it is whole, whatever it was. */
#include "base/memory.h"
#include "net/certificate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *pem = memory_copy_bytes(data, size);
    _cleanup_certificate_ struct certificate certificate = CERTIFICATE_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    if (certificate_read(pem, &certificate, &err) == 0 &&
        (!certificate.name || !certificate.serial ||
         strlen(certificate.fingerprint) != FINGERPRINT_TEXT_SIZE - 1))
        abort();
    error_clear(&err);
    /* Signed by itself, or by nobody: both are looked at, and neither is followed anywhere. */
    (void)certificate_check(pem, pem, 1000000000, &err);
    return 0;
}
