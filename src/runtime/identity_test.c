/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "base/test.h"
#include "identity.h"
#include "process_tree.h"
#include "sys/descriptor.h"
#include "sys/file.h"
#include "uid_lock.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/identity-test-XXXXXX";
static char other_folder[] = "/tmp/identity-test-XXXXXX";

static int make_folders(void **state)
{
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    memcpy(other_folder + strlen(other_folder) - 6, "XXXXXX", 6);
    return mkdtemp(folder) && mkdtemp(other_folder) ? 0 : -1;
}

static int remove_folders(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL) + file_remove_tree(other_folder, NULL);
}

static struct identities *open_in(const char *state_folder, uid_t first, uid_t last)
{
    struct identities *identities = NULL;

    assert_int_equal(identities_open(state_folder, first, last, &identities, NULL), 0);
    return identities;
}

static uid_t get(struct identities *identities, const char *user)
{
    struct identity identity;

    assert_int_equal(identities_get(identities, user, &identity, NULL), 0);
    assert_true(identity.becomes_user);
    assert_int_equal(identity.gid, identity.uid);
    return identity.uid;
}

static void only_an_agent_that_is_root_changes_the_user(void **state)
{
    _cleanup_(identities_free_p) struct identities *identities = NULL;
    struct identity identity;

    (void)state;
    identities = open_in(folder, 0, 0);
    assert_int_equal(identities_get(identities, "anna", &identity, NULL), 0);
    assert_int_equal(identity.becomes_user, geteuid() == 0);
    assert_int_equal(identity.uid == geteuid(), geteuid() != 0);
}

static void a_user_keeps_his_uid_over_restarts(void **state)
{
    struct identities *identities;
    uid_t anna;

    (void)state;
    identities = open_in(folder, 0, 0);
    anna = get(identities, "anna@lab");
    assert_in_range(anna, IDENTITY_UID_FIRST, IDENTITY_UID_LAST);
    assert_int_equal(get(identities, "anna@lab"), anna);
    identities_free(identities);
    identities = open_in(folder, 0, 0);
    assert_int_equal(get(identities, "anna@lab"), anna);
    identities_free(identities);
}

static void two_users_never_share_a_uid(void **state)
{
    _cleanup_(identities_free_p) struct identities *identities = NULL;
    struct identity identity;
    uid_t a, b, c;

    (void)state;
    identities = open_in(folder, 64990, 64992);
    a = get(identities, "anna");
    b = get(identities, "bernd");
    c = get(identities, "clara");
    assert_true(a != b && b != c && a != c);
    assert_int_equal(identities_get(identities, "dora", &identity, NULL), -EUSERS);
    assert_int_equal(get(identities, "anna"), a);
}

static void two_agents_of_one_computer_never_share_a_uid(void **state)
{
    _cleanup_(identities_free_p) struct identities *one = NULL, *two = NULL;
    struct identity identity;

    (void)state;
    if (access("/run", W_OK) < 0)
        return; /* nowhere for locks */
    one = open_in(folder, 64995, 64996);
    two = open_in(other_folder, 64995, 64996);
    assert_int_not_equal(get(one, "anna"), get(two, "anna"));
    assert_int_equal(identities_get(two, "bernd", &identity, NULL), -EUSERS);
}

static void a_uid_that_another_agent_took_meanwhile_is_given_up(void **state)
{
    _cleanup_(identities_free_p) struct identities *one = NULL, *two = NULL;
    uid_t before, after;

    (void)state;
    if (access("/run", W_OK) < 0)
        return; /* nowhere for locks */
    one = open_in(folder, 64997, 64997);
    before = get(one, "anna");
    one = identities_free(one);
    two = open_in(other_folder, 64997, 64997);
    assert_int_equal(get(two, "bernd"), before);
    one = open_in(folder, 64997, 64998);
    after = get(one, "anna");
    assert_int_equal(after, 64998);
    one = identities_free(one);
    two = identities_free(two);
    one = open_in(folder, 64997, 64998);
    assert_int_equal(get(one, "anna"), after);
}

/* Its agent was killed, its tasks go on. */
static void a_uid_that_a_keeper_still_uses_is_given_to_its_own_agent_alone(void **state)
{
    _cleanup_(identities_free_p) struct identities *one = NULL, *two = NULL;
    _cleanup_buffer_ struct buffer owner = BUFFER_INIT;
    _cleanup_fd_ int keeper = -1;
    struct identity identity;

    (void)state;
    if (access("/run", W_OK) < 0)
        return; /* nowhere for locks */
    one = open_in(folder, 64994, 64994);
    assert_int_equal(get(one, "anna"), 64994);
    assert_int_equal(process_tree_make_marker(folder, &owner), 0);
    assert_int_equal(uid_lock(64994, UID_HOLDER_KEEPER, buffer_text(&owner), &keeper), 0);
    one = identities_free(one);
    two = open_in(other_folder, 64994, 64994);
    assert_int_equal(identities_get(two, "bernd", &identity, NULL), -EUSERS);
    one = open_in(folder, 64994, 64994);
    assert_int_equal(get(one, "anna"), 64994);
    one = identities_free(one);
    keeper = descriptor_close(keeper);
    assert_int_equal(get(two, "bernd"), 64994);
}

static void uids_that_passwd_knows_are_left_alone(void **state)
{
    _cleanup_(identities_free_p) struct identities *identities = NULL;
    const struct passwd *nobody = getpwnam("nobody");
    struct identity identity;

    (void)state;
    assert_non_null(nobody);
    identities = open_in(folder, nobody->pw_uid, nobody->pw_uid);
    assert_int_equal(identities_get(identities, "anna", &identity, NULL), -EUSERS);
}

static void root_is_never_given_away(void **state)
{
    _cleanup_(identities_free_p) struct identities *identities = NULL;
    _cleanup_free_ char *path = file_join(folder, "uids");

    (void)state;
    assert_int_equal(file_replace(path, "0 anna\n", 7, 0600, false, NULL), 0);
    assert_int_equal(identities_open(folder, 0, 0, &identities, NULL), -EBADMSG);
}

static void names_that_could_break_the_file_are_refused(void **state)
{
    _cleanup_(identities_free_p) struct identities *identities = open_in(folder, 0, 0);
    static const char *const names[] = {"", "a\nb", "a\x7f", "\t"};
    struct identity identity;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        assert_int_equal(identities_get(identities, names[i], &identity, NULL), -EINVAL);
}

/* As systemd's DynamicUser, or whoever added an account while the agent was away. */
static void a_uid_that_became_somebodys_is_given_up(void **state)
{
    static const char line[] = "1 anna\n";
    _cleanup_(identities_free_p) struct identities *identities = NULL;
    _cleanup_free_ char *path = file_join(folder, "uids");

    (void)state;
    if (!getpwuid(1))
        TEST_SKIP("nobody has the uid 1");
    assert_int_equal(file_replace(path, line, strlen(line), 0600, false, NULL), 0);
    identities = open_in(folder, 0, 0);
    assert_int_not_equal(get(identities, "anna"), 1);
    assert_int_equal(get(identities, "anna"), get(identities, "anna"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folders, remove_folders)

#define TESTS_FOR_ALL                                                                              \
    TEST(only_an_agent_that_is_root_changes_the_user),                                             \
        TEST(names_that_could_break_the_file_are_refused)

int main(void)
{
    const struct CMUnitTest tests[] = {TESTS_FOR_ALL};
    const struct CMUnitTest tests_as_root[] = {
        TESTS_FOR_ALL,
        TEST(a_user_keeps_his_uid_over_restarts),
        TEST(two_users_never_share_a_uid),
        TEST(two_agents_of_one_computer_never_share_a_uid),
        TEST(a_uid_that_another_agent_took_meanwhile_is_given_up),
        TEST(a_uid_that_a_keeper_still_uses_is_given_to_its_own_agent_alone),
        TEST(uids_that_passwd_knows_are_left_alone),
        TEST(a_uid_that_became_somebodys_is_given_up),
        TEST(root_is_never_given_away),
    };

    if (geteuid() == 0)
        return cmocka_run_group_tests(tests_as_root, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
