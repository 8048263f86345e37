/* SPDX-License-Identifier: Apache-2.0 */
/* The authority, identities and what is said about certificates. */
#include "authority.h"

#include "base/memory.h"
#include "base/test.h"
#include "certificate.h"
#include "identity.h"
#include "sys/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DAY_S = 86400 };

struct folders {
    char *top, *pool, *other, *agent;
    struct authority *authority;
};

static int set_up(void **state)
{
    struct folders *folders = memory_allocate(sizeof(*folders));
    char top[] = "/tmp/dusk-authority-XXXXXX";

    assert_non_null(mkdtemp(top));
    folders->top = memory_copy_string(top);
    folders->pool = file_join(top, "pool");
    folders->other = file_join(top, "other");
    folders->agent = file_join(top, "agent");
    assert_int_equal(authority_open(folders->pool, &folders->authority, NULL), 0);
    *state = folders;
    return 0;
}

static int tear_down(void **state)
{
    struct folders *folders = *state;

    authority_free(folders->authority);
    file_remove_tree(folders->top, NULL);
    free(folders->top);
    free(folders->pool);
    free(folders->other);
    free(folders->agent);
    free(folders);
    return 0;
}

static char *read_text(const char *folder, const char *name)
{
    _cleanup_free_ char *path = file_join(folder, name);
    struct buffer content = BUFFER_INIT;

    assert_int_equal(file_read(path, 1 << 20, &content, NULL), 0);
    return buffer_take(&content);
}

static void remove_file(const char *folder, const char *name)
{
    _cleanup_free_ char *path = file_join(folder, name);

    assert_int_equal(unlink(path), 0);
}

static void an_authority_is_made_once_and_then_loaded(void **state)
{
    struct folders *folders = *state;
    _cleanup_(authority_free_p) struct authority *again = NULL;
    _cleanup_certificate_ struct certificate certificate = CERTIFICATE_INIT;
    _cleanup_free_ char *key = file_join(folders->pool, "authority-key.pem");
    struct stat status;

    assert_int_equal(authority_open(folders->pool, &again, NULL), 0);
    assert_string_equal(authority_pem(again), authority_pem(folders->authority));
    assert_int_equal(certificate_read(authority_pem(again), &certificate, NULL), 0);
    assert_string_equal(certificate.fingerprint, authority_fingerprint(again));
    assert_int_equal(strlen(certificate.fingerprint), 64);
    assert_int_equal(certificate.kind, PEER_UNKNOWN);
    assert_int_equal(stat(key, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_certificate_without_its_key_is_an_error(void **state)
{
    struct folders *folders = *state;
    _cleanup_free_ char *before = read_text(folders->pool, "authority.pem");
    _cleanup_free_ char *after = NULL;
    _cleanup_error_ struct error err = ERROR_INIT;
    struct authority *again = NULL;

    remove_file(folders->pool, "authority-key.pem");
    assert_int_equal(authority_open(folders->pool, &again, &err), -ENOENT);
    assert_non_null(strstr(error_text(&err), "lost its key"));
    assert_non_null(err.hint);
    after = read_text(folders->pool, "authority.pem");
    assert_string_equal(before, after);
}

static void a_key_without_certificate_is_completed_and_what_it_signed_stays_good(void **state)
{
    struct folders *folders = *state;
    _cleanup_(authority_free_p) struct authority *again = NULL;
    _cleanup_free_ char *request = NULL;
    _cleanup_free_ char *pem = NULL;
    _cleanup_free_ char *serial = NULL;

    assert_int_equal(identity_make_request(folders->agent, "pc7", &request, NULL), 0);
    assert_int_equal(
        authority_sign(folders->authority, request, PEER_NODE, "pc7", DAY_S, &pem, &serial, NULL),
        0);
    remove_file(folders->pool, "authority.pem");
    assert_int_equal(authority_open(folders->pool, &again, NULL), 0);
    assert_int_equal(certificate_check(pem, authority_pem(again), 0, NULL), 0);
    assert_int_equal(certificate_check(pem, authority_pem(folders->authority), 0, NULL), 0);
}

static void a_foreign_key_is_noticed(void **state)
{
    struct folders *folders = *state;
    _cleanup_(authority_free_p) struct authority *other = NULL;
    _cleanup_free_ char *key = NULL;
    _cleanup_free_ char *path = file_join(folders->pool, "authority-key.pem");
    struct authority *again = NULL;

    assert_int_equal(authority_open(folders->other, &other, NULL), 0);
    key = read_text(folders->other, "authority-key.pem");
    assert_int_equal(file_replace(path, key, strlen(key), 0600, false, NULL), 0);
    assert_int_equal(authority_open(folders->pool, &again, NULL), -EKEYREJECTED);
}

static void the_server_certificate_is_renewed_only_when_it_must(void **state)
{
    static const char *const names[] = {"pool.example.org", "192.0.2.7", "2001:db8::7"};
    struct folders *folders = *state;
    _cleanup_free_ char *first = NULL;
    _cleanup_free_ char *second = NULL;
    _cleanup_free_ char *third = NULL;
    _cleanup_free_ char *fourth = NULL;

    assert_int_equal(authority_renew_server(folders->authority, NULL, 0, NULL), 0);
    first = read_text(folders->pool, "server.pem");
    assert_int_equal(authority_renew_server(folders->authority, NULL, 0, NULL), 0);
    second = read_text(folders->pool, "server.pem");
    assert_string_equal(first, second);
    assert_int_equal(authority_renew_server(folders->authority, names, 3, NULL), 0);
    third = read_text(folders->pool, "server.pem");
    assert_string_not_equal(second, third);
    assert_int_equal(certificate_check(third, authority_pem(folders->authority), 0, NULL), 0);
    remove_file(folders->pool, "server-key.pem");
    assert_int_equal(authority_renew_server(folders->authority, names, 3, NULL), 0);
    fourth = read_text(folders->pool, "server.pem");
    assert_string_not_equal(third, fourth);
}

static void a_name_that_is_no_host_is_refused(void **state)
{
    static const char *const bad[] = {"", "a b", "x,DNS:y", "1.2.3.4.5/6", "\xc3\xa4.org"};
    struct folders *folders = *state;

    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        assert_int_equal(authority_renew_server(folders->authority, &bad[i], 1, NULL), -EINVAL);
}

static void a_request_becomes_a_certificate_with_the_callers_name(void **state)
{
    struct folders *folders = *state;
    _cleanup_certificate_ struct certificate certificate = CERTIFICATE_INIT;
    _cleanup_free_ char *request = NULL;
    _cleanup_free_ char *pem = NULL;
    _cleanup_free_ char *serial = NULL;

    assert_int_equal(identity_make_request(folders->agent, "i want to be root", &request, NULL), 0);
    assert_int_equal(
        authority_sign(folders->authority, request, PEER_USER, "ada", DAY_S, &pem, &serial, NULL),
        0);
    assert_int_equal(certificate_read(pem, &certificate, NULL), 0);
    assert_int_equal(certificate.kind, PEER_USER);
    assert_string_equal(certificate.name, "ada");
    assert_string_equal(certificate.serial, serial);
    assert_true(strlen(serial) >= 30);
    assert_true(certificate.valid_from <= (int64_t)time(NULL));
    assert_true(certificate.valid_until > (int64_t)time(NULL));
}

static void what_is_no_request_or_no_name_is_refused(void **state)
{
    struct folders *folders = *state;
    _cleanup_free_ char *request = NULL;
    char long_name[66];
    char *pem = NULL, *serial = NULL;
    const char *const names[] = {"", "a\nb", long_name};
    const char *const requests[] = {"", "nonsense", authority_pem(folders->authority)};

    memset(long_name, 'n', 65);
    long_name[65] = '\0';
    assert_int_equal(identity_make_request(folders->agent, "pc7", &request, NULL), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        assert_int_equal(authority_sign(folders->authority, request, PEER_NODE, names[i], DAY_S,
                                        &pem, &serial, NULL),
                         -EINVAL);
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++)
        assert_int_equal(authority_sign(folders->authority, requests[i], PEER_NODE, "pc7", DAY_S,
                                        &pem, &serial, NULL),
                         -EINVAL);
    assert_null(pem);
    assert_null(serial);
}

static void expired_early_and_foreign_certificates_are_told_apart(void **state)
{
    struct folders *folders = *state;
    _cleanup_(authority_free_p) struct authority *other = NULL;
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_free_ char *request = NULL;
    _cleanup_free_ char *pem = NULL;
    _cleanup_free_ char *serial = NULL;
    const char *ours = authority_pem(folders->authority);
    int64_t now = (int64_t)time(NULL);

    assert_int_equal(authority_open(folders->other, &other, NULL), 0);
    assert_int_equal(identity_make_request(folders->agent, "pc7", &request, NULL), 0);
    assert_int_equal(
        authority_sign(folders->authority, request, PEER_NODE, "pc7", DAY_S, &pem, &serial, NULL),
        0);
    assert_int_equal(certificate_check(pem, ours, 0, &err), 0);
    assert_int_equal(certificate_check(pem, ours, now + 2 * DAY_S, &err), -EKEYEXPIRED);
    assert_non_null(strstr(error_text(&err), "expired on"));
    assert_int_equal(certificate_check(pem, ours, now - 3 * DAY_S, &err), -EKEYEXPIRED);
    assert_non_null(strstr(error_text(&err), "not valid before"));
    assert_int_equal(certificate_check(pem, authority_pem(other), 0, &err), -EKEYREJECTED);
    assert_int_equal(certificate_check("x", ours, 0, &err), -EINVAL);
}

static void an_identity_takes_only_what_fits(void **state)
{
    struct folders *folders = *state;
    _cleanup_(authority_free_p) struct authority *other = NULL;
    _cleanup_free_ char *request = NULL;
    _cleanup_free_ char *pem = NULL;
    _cleanup_free_ char *serial = NULL;

    assert_int_equal(authority_open(folders->other, &other, NULL), 0);
    assert_int_equal(identity_check(folders->agent, NULL), -ENOENT);
    assert_int_equal(identity_make_request(folders->agent, "pc7", &request, NULL), 0);
    assert_int_equal(
        authority_sign(folders->authority, request, PEER_NODE, "pc7", DAY_S, &pem, &serial, NULL),
        0);
    assert_int_equal(identity_store(folders->agent, authority_pem(folders->authority),
                                    authority_pem(folders->authority), NULL),
                     -EKEYREJECTED);
    assert_int_equal(identity_store(folders->agent, pem, authority_pem(other), NULL),
                     -EKEYREJECTED);
    assert_false(identity_exists(folders->agent));
    assert_int_equal(identity_store(folders->agent, pem, authority_pem(folders->authority), NULL),
                     0);
    assert_true(identity_exists(folders->agent));
    assert_int_equal(identity_check(folders->agent, NULL), 0);
}

static void a_second_request_uses_the_same_key(void **state)
{
    struct folders *folders = *state;
    _cleanup_free_ char *request = NULL;
    _cleanup_free_ char *key = NULL;
    _cleanup_free_ char *again = NULL;
    _cleanup_free_ char *same_key = NULL;

    assert_int_equal(identity_make_request(folders->agent, "pc7", &request, NULL), 0);
    key = read_text(folders->agent, "key.pem");
    assert_int_equal(identity_make_request(folders->agent, "pc7", &again, NULL), 0);
    same_key = read_text(folders->agent, "key.pem");
    assert_string_equal(key, same_key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_authority_is_made_once_and_then_loaded),
        TEST(a_certificate_without_its_key_is_an_error),
        TEST(a_key_without_certificate_is_completed_and_what_it_signed_stays_good),
        TEST(a_foreign_key_is_noticed),
        TEST(the_server_certificate_is_renewed_only_when_it_must),
        TEST(a_name_that_is_no_host_is_refused),
        TEST(a_request_becomes_a_certificate_with_the_callers_name),
        TEST(what_is_no_request_or_no_name_is_refused),
        TEST(expired_early_and_foreign_certificates_are_told_apart),
        TEST(an_identity_takes_only_what_fits),
        TEST(a_second_request_uses_the_same_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
