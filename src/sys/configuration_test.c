/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "configuration.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/test.h"
#include "file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct target {
    struct buffer state, size, names, secret, members;
};

static char folder[] = "/tmp/configuration-test-XXXXXX";

static int take(struct buffer *into, const char *text, struct error *err)
{
    if (strcmp(text, "bad") == 0)
        return error_set(err, -EINVAL, "'bad' is no good value");
    buffer_clear(into);
    buffer_append_text(into, text);
    return 0;
}

static int set_state(void *target, const char *text, struct error *err)
{
    return take(&((struct target *)target)->state, text, err);
}

static int set_size(void *target, const char *text, struct error *err)
{
    return take(&((struct target *)target)->size, text, err);
}

static int set_name(void *target, const char *text, struct error *err)
{
    (void)err;
    buffer_appendf(&((struct target *)target)->names, "<%s>", text);
    return 0;
}

static int set_secret(void *target, const char *text, struct error *err)
{
    return take(&((struct target *)target)->secret, text, err);
}

static int set_member(void *target, const char *text, struct error *err)
{
    if (!strchr(text, '='))
        return error_set(err, -EINVAL, "'%s' is not NAME = VALUE", text);
    buffer_appendf(&((struct target *)target)->members, "<%s>", text);
    return 0;
}

static char *find_state(void)
{
    return memory_copy_string(folder);
}

static const struct configuration_key keys[] = {
    {.name = "state",
     .argument = "FOLDER",
     .summary = "where",
     .find_default = find_state,
     .set = set_state},
    {.name = "cache_size",
     .argument = "SIZE",
     .summary = "how large",
     .default_text = "10G",
     .variable = "TEST_CACHE_SIZE",
     .set = set_size},
    {.name = "name",
     .argument = "NAME",
     .summary = "more",
     .usual = "none",
     .is_list = true,
     .set = set_name},
    {.name = "token",
     .argument = "TOKEN",
     .summary = "to join",
     .is_secret = true,
     .set = set_secret},
    {.name = "member",
     .argument = "NAME=VALUE",
     .summary = "one more",
     .is_family = true,
     .set = set_member},
};

static const struct configuration configuration = {
    .program = "test",
    .introduction = "Tests.\n",
    .example = "dusk test",
    .file_name = "test.ini",
    .keys = keys,
    .key_count = ARRAY_LENGTH(keys),
};

struct fixture {
    struct target target;
    struct error err;
    struct buffer printed;
};

static int clear(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_free_ char *file = file_join(folder, "test.ini");

    buffer_deinit(&fixture->target.state);
    buffer_deinit(&fixture->target.size);
    buffer_deinit(&fixture->target.names);
    buffer_deinit(&fixture->target.secret);
    buffer_deinit(&fixture->target.members);
    buffer_deinit(&fixture->printed);
    error_clear(&fixture->err);
    *fixture = (struct fixture){0};
    (void)unlink(file);
    return 0;
}

static int start(void **state)
{
    static struct fixture fixture;

    *state = &fixture;
    unsetenv("TEST_CACHE_SIZE");
    return clear(state);
}

/* What is printed goes into a file, which is read afterwards. */
static int read_words(struct fixture *fixture, const char *const *words)
{
    _cleanup_free_ char *path = file_join(folder, "printed");
    char *argv[16] = {(char *)"test"};
    int argc = 1, r, out = dup(STDOUT_FILENO);

    for (; *words; words++)
        argv[argc++] = (char *)*words;
    fflush(stdout);
    assert_non_null(freopen(path, "w", stdout));
    r = configuration_read(&configuration, argc, argv, &fixture->target, &fixture->err);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);
    assert_int_equal(file_read(path, 1 << 20, &fixture->printed, NULL), 0);
    (void)unlink(path);
    return r;
}

#define READ(fixture, ...) read_words(fixture, (const char *const[]){__VA_ARGS__, NULL})

static void write_file(const char *text)
{
    _cleanup_free_ char *path = file_join(folder, "test.ini");

    assert_int_equal(file_replace(path, text, strlen(text), 0600, false, NULL), 0);
}

static void what_nobody_says_is_the_default(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, NULL), 0);
    assert_string_equal(fixture->target.state.data, folder);
    assert_string_equal(fixture->target.size.data, "10G");
    assert_int_equal(fixture->target.names.length, 0);
}

static void the_stronger_source_wins(void **state)
{
    struct fixture *fixture = *state;

    write_file("[other]\ncache_size = 1\n[test]\ncache_size = 2\n");
    assert_int_equal(READ(fixture, NULL), 0);
    assert_string_equal(fixture->target.size.data, "2");
    setenv("TEST_CACHE_SIZE", "3", 1);
    assert_int_equal(READ(fixture, NULL), 0);
    assert_string_equal(fixture->target.size.data, "3");
    assert_int_equal(READ(fixture, "--cache-size", "4"), 0);
    assert_string_equal(fixture->target.size.data, "4");
}

static void lists_gather_what_all_sources_say(void **state)
{
    struct fixture *fixture = *state;

    write_file("[test]\nname = a\nname = b\n");
    assert_int_equal(READ(fixture, "--name", "c", "--name=d", "--show-config"),
                     CONFIGURATION_WAS_PRINTED);
    assert_string_equal(fixture->target.names.data, "<a><b><c><d>");
    assert_non_null(strstr(fixture->printed.data, "name        a b c d"));
}

static void a_mistake_is_told_where_it_was_made(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, "--cache-size", "bad"), -EINVAL);
    assert_string_equal(error_text(&fixture->err), "--cache-size: 'bad' is no good value");
    setenv("TEST_CACHE_SIZE", "bad", 1);
    assert_int_equal(READ(fixture, NULL), -EINVAL);
    assert_string_equal(error_text(&fixture->err), "TEST_CACHE_SIZE: 'bad' is no good value");
    write_file("[test]\n\ncache_size = bad\n");
    assert_int_equal(READ(fixture, "--cache-size", "4"), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "line 3: cache_size: 'bad' is no"));
}

static void what_a_file_says_twice_is_a_mistake(void **state)
{
    struct fixture *fixture = *state;

    write_file("[test]\ncache_size = 4\nname = a\ncache_size = 5\n");
    assert_int_equal(READ(fixture, NULL), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "line 4: cache_size: it has a value alre"));
    write_file("[test]\ncache_size = 4\n  5\n");
    assert_int_equal(READ(fixture, NULL), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "line 3: cache_size: it has a value alre"));
    assert_non_null(strstr(fixture->err.hint, "begins with white space goes on"));
}

static void one_of_a_family_that_a_file_says_twice_is_one_too(void **state)
{
    struct fixture *fixture = *state;

    write_file("[test]\nmember.A = 1\nmember.B = 2\nmember.a = 3\n");
    assert_int_equal(READ(fixture, NULL), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "line 4: member.a: it has a value alre"));
}

static void the_first_mistake_is_told_whatever_follows_it(void **state)
{
    struct fixture *fixture = *state;

    write_file("[test]\ncache_size = bad\nname = a\n");
    assert_int_equal(READ(fixture, NULL), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "line 2: cache_size: 'bad' is no"));
    write_file("[test]\ncache_size = bad\nnmae = a\n");
    assert_int_equal(READ(fixture, NULL), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "line 2: cache_size: 'bad' is no"));
}

static void what_does_not_exist_gets_the_nearest_word(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, "--cach-size", "1"), -EINVAL);
    assert_string_equal(fixture->err.hint, "did you mean 'cache_size'?");
    write_file("[test]\nnmae = a\n");
    assert_int_equal(READ(fixture, NULL), -EINVAL);
    assert_string_equal(fixture->err.hint, "did you mean 'name'?");
    assert_true(READ(fixture, "--config", "/no/such/file") < 0);
    assert_int_equal(READ(fixture, "surplus"), -EINVAL);
    assert_int_equal(READ(fixture, "--name"), -EINVAL);
    assert_int_equal(READ(fixture, "--json"), -EINVAL);
}

static void settings_are_shown_with_who_said_them(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_buffer_ struct buffer expected = BUFFER_INIT;

    write_file("[test]\ntoken = swordfish\n");
    assert_int_equal(READ(fixture, "--cache-size", "4", "--show-config"),
                     CONFIGURATION_WAS_PRINTED);
    buffer_appendf(&expected,
                   "state       %-*s  default\n"
                   "cache_size  %-*s  --cache-size\n"
                   "name        %-*s  default\n"
                   "token       %-*s  %s/test.ini\n",
                   (int)strlen(folder), folder, (int)strlen(folder), "4", (int)strlen(folder),
                   "none", (int)strlen(folder), "(secret)", folder);
    assert_string_equal(fixture->printed.data, expected.data);
    buffer_clear(&expected);
    buffer_appendf(&expected,
                   "[{\"key\":\"state\",\"value\":\"%s\",\"origin\":\"default\"},\n"
                   "{\"key\":\"cache_size\",\"value\":\"10G\",\"origin\":\"default\"},\n"
                   "{\"key\":\"name\",\"value\":null,\"origin\":\"default\"},\n"
                   "{\"key\":\"token\",\"value\":\"(secret)\",\"origin\":\"%s/test.ini\"}]\n",
                   folder, folder);
    buffer_clear(&fixture->printed);
    assert_int_equal(READ(fixture, "--show-config", "--json"), CONFIGURATION_WAS_PRINTED);
    assert_string_equal(fixture->printed.data, expected.data);
}

static void members_of_a_family_are_settings_of_their_own(void **state)
{
    struct fixture *fixture = *state;
    _cleanup_buffer_ struct buffer expected = BUFFER_INIT;

    write_file("[test]\nmember.A = 1\nmember.B = x == y ||\n    z\n");
    assert_int_equal(READ(fixture, "--member", "b=3", "--member", "C = 4", "--show-config"),
                     CONFIGURATION_WAS_PRINTED);
    assert_string_equal(fixture->target.members.data,
                        "<A = 1><B = x == y ||><B = x == y || z><b=3><C = 4>");
    buffer_appendf(&expected, "member.A    %-*s  %s/test.ini\n", (int)strlen(folder), "1", folder);
    buffer_appendf(&expected, "member.B    %-*s  --member\n", (int)strlen(folder), "3");
    buffer_appendf(&expected, "member.C    %-*s  --member\n", (int)strlen(folder), "4");
    assert_non_null(strstr(fixture->printed.data, expected.data));
}

static void a_member_is_checked_where_it_stands(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, "--member", "A"), -EINVAL);
    assert_string_equal(error_text(&fixture->err), "--member: 'A' is not NAME = VALUE");
    write_file("[test]\nmembre.A = 1\n");
    assert_int_equal(READ(fixture, NULL), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "line 2: there is no key 'membre.A'"));
}

static void set_takes_any_key_by_its_name_in_the_file(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(
        READ(fixture, "--cache-size", "1", "--set", "cache_size=4", "--set", "member.A=1"), 0);
    assert_string_equal(fixture->target.size.data, "4");
    assert_string_equal(fixture->target.members.data, "<A=1>");
    assert_int_equal(READ(fixture, "--set", "cache_size = bad"), -EINVAL);
    assert_string_equal(error_text(&fixture->err), "--cache-size: 'bad' is no good value");
    assert_int_equal(READ(fixture, "--set", "cache_size"), -EINVAL);
    assert_string_equal(error_text(&fixture->err), "'--set' wants KEY=VALUE, and not 'cache_size'");
    assert_int_equal(READ(fixture, "--set", "cach_size=1"), -EINVAL);
    assert_string_equal(fixture->err.hint, "did you mean 'cache_size'?");
}

static void help_is_all_that_is_printed(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, "--cache-size", "bad", "--help"), CONFIGURATION_WAS_PRINTED);
    assert_non_null(strstr(fixture->printed.data, "      --cache-size SIZE     how large (10G)\n"));
    assert_non_null(strstr(fixture->printed.data, "      --name NAME           more (none)\n"));
    assert_int_equal(fixture->target.size.length, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_nobody_says_is_the_default),
        TEST(the_stronger_source_wins),
        TEST(lists_gather_what_all_sources_say),
        TEST(a_mistake_is_told_where_it_was_made),
        TEST(what_a_file_says_twice_is_a_mistake),
        TEST(one_of_a_family_that_a_file_says_twice_is_one_too),
        TEST(the_first_mistake_is_told_whatever_follows_it),
        TEST(what_does_not_exist_gets_the_nearest_word),
        TEST(settings_are_shown_with_who_said_them),
        TEST(members_of_a_family_are_settings_of_their_own),
        TEST(a_member_is_checked_where_it_stands),
        TEST(set_takes_any_key_by_its_name_in_the_file),
        TEST(help_is_all_that_is_printed),
    };
    int failed;

    if (!mkdtemp(folder))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return file_remove_tree(folder, NULL) < 0 ? 1 : failed;
}
