/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolling at a server in a child process, and at one that is not there. */
#define _GNU_SOURCE
#include "enrolment.h"

#include "base/memory.h"
#include "base/test.h"
#include "certificate.h"
#include "fixture.h"
#include "identity.h"
#include "sys/file.h"

#include <errno.h>
#include <string.h>

static struct fixture fixture;

/* A token of the authority that this PEM text is. */
static char *make_token(const char *pem)
{
    _cleanup_certificate_ struct certificate certificate = CERTIFICATE_INIT;
    struct buffer token = BUFFER_INIT;

    assert_int_equal(certificate_read(pem, &certificate, NULL), 0);
    buffer_appendf(&token, "dusk1.id.secret.%s", certificate.fingerprint);
    return buffer_take(&token);
}

static int enrol(const char *token, const char *name, uint16_t port, unsigned int *ret_status,
                 struct error *err)
{
    _cleanup_free_ char *folder = file_join(fixture.folder, name);
    _cleanup_free_ char *given = NULL;
    struct enrolment enrolment = {.host = "localhost",
                                  .port = port,
                                  .token = token,
                                  .kind = PEER_USER,
                                  .name = name,
                                  .machine = "",
                                  .identity_folder = folder};
    int r = enrolment_run(&enrolment, &given, ret_status, err);

    assert_int_equal(identity_exists(folder), r == 0);
    if (r == 0)
        assert_string_equal(given, name);
    return r;
}

static void a_token_becomes_an_identity(void **state)
{
    _cleanup_free_ char *token = make_token(authority_pem(fixture.authority));
    _cleanup_free_ char *folder = file_join(fixture.folder, "bob");
    _cleanup_error_ struct error err = ERROR_INIT;
    unsigned int status;

    (void)state;
    assert_int_equal(enrol(token, "bob", fixture.port, &status, &err), 0);
    assert_int_equal(status, 200);
    assert_int_equal(identity_check(folder, NULL), 0);
}

static void what_is_no_token_is_not_sent(void **state)
{
    static const char *const tokens[] = {"", "secret", "dusk1.id.secret", "dusk1.id.secret.0123"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(tokens); i++) {
        _cleanup_error_ struct error err = ERROR_INIT;
        unsigned int status = 200;

        assert_int_equal(enrol(tokens[i], "carol", fixture.port, &status, &err), -ENOKEY);
        assert_int_equal(status, ENROLMENT_NO_STATUS);
        assert_string_equal(error_text(&err), "that is no token");
    }
}

static void a_token_of_another_pool_is_not_sent(void **state)
{
    _cleanup_(authority_free_p) struct authority *other = NULL;
    _cleanup_free_ char *folder = file_join(fixture.folder, "other");
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_free_ char *token = NULL;
    unsigned int status;

    (void)state;
    assert_int_equal(authority_open(folder, &other, NULL), 0);
    token = make_token(authority_pem(other));
    assert_int_equal(enrol(token, "carol", fixture.port, &status, &err), -EKEYREJECTED);
    assert_non_null(strstr(error_text(&err), "not the one that made the token"));
}

static void a_refusal_has_the_servers_words_and_status(void **state)
{
    _cleanup_free_ char *token = make_token(authority_pem(fixture.authority));
    _cleanup_error_ struct error err = ERROR_INIT;
    unsigned int status;

    (void)state;
    assert_int_equal(enrol(token, "mallory", fixture.port, &status, &err), -EACCES);
    assert_int_equal(status, 403);
    assert_string_equal(error_text(&err), "this token was revoked");
    assert_string_equal(err.hint, "ask");
}

static void an_answer_without_a_certificate_is_none(void **state)
{
    _cleanup_free_ char *token = make_token(authority_pem(fixture.authority));
    _cleanup_error_ struct error err = ERROR_INIT;
    unsigned int status;

    (void)state;
    assert_int_equal(enrol(token, "eve", fixture.port, &status, &err), -EPROTO);
    assert_non_null(strstr(error_text(&err), "has no certificate"));
}

static void nobody_there_is_told_from_a_refusal(void **state)
{
    _cleanup_free_ char *token = make_token(authority_pem(fixture.authority));
    _cleanup_error_ struct error err = ERROR_INIT;
    unsigned int status = 200;

    (void)state;
    assert_int_equal(enrol(token, "carol", 1, &status, &err), -ENOTCONN);
    assert_int_equal(status, ENROLMENT_NO_STATUS);
    assert_non_null(strstr(error_text(&err), "no connection to 'localhost', port 1"));
}

static int set_up(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture_start_server(&fixture, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_stop_server(&fixture);
    fixture_deinit(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_becomes_an_identity),
        cmocka_unit_test(what_is_no_token_is_not_sent),
        cmocka_unit_test(a_token_of_another_pool_is_not_sent),
        cmocka_unit_test(a_refusal_has_the_servers_words_and_status),
        cmocka_unit_test(an_answer_without_a_certificate_is_none),
        cmocka_unit_test(nobody_there_is_told_from_a_refusal),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
