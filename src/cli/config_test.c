/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/test.h"
#include "exit_code.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A home of its own, so that nothing of this computer counts. */
static int make_home(void **state)
{
    char *home = memory_copy_string("/tmp/dusk-config-XXXXXX");

    assert_non_null(mkdtemp(home));
    assert_int_equal(setenv("HOME", home, 1), 0);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("DUSK_SOCKET");
    unsetenv("DUSK_SERVER");
    unsetenv("DUSK_IDENTITY");
    unsetenv("DUSK_TIMEOUT");
    *state = home;
    return 0;
}

static int remove_home(void **state)
{
    int r = file_remove_tree(*state, NULL);

    free(*state);
    return r;
}

static void write_config(const char *text)
{
    _cleanup_free_ char *path = config_file_path();
    _cleanup_free_ char *folder = memory_copy_bytes(path, (size_t)(strrchr(path, '/') - path));

    assert_int_equal(file_make_folders(folder, 0700, NULL), 0);
    assert_int_equal(file_replace(path, text, strlen(text), 0600, false, NULL), 0);
}

static void assert_setting(const char *server, const char *socket, enum setting_key key,
                           const char *value, const char *origin)
{
    _cleanup_config_ struct config config = CONFIG_INIT;

    assert_int_equal(config_read(server, socket, &config, NULL), 0);
    assert_string_equal(config.settings[key].value, value);
    assert_string_equal(config.settings[key].origin, origin);
    assert_int_equal(config.use_server, key == SETTING_SERVER);
}

static void the_command_line_wins_over_variables_and_these_over_the_file(void **state)
{
    _cleanup_free_ char *path = config_file_path();

    (void)state;
    write_config("server = file:1\n");
    assert_setting(NULL, NULL, SETTING_SERVER, "file:1", path);
    setenv("DUSK_SERVER", "variable:1", 1);
    assert_setting(NULL, NULL, SETTING_SERVER, "variable:1", "DUSK_SERVER");
    assert_setting("line:1", NULL, SETTING_SERVER, "line:1", "--server");
}

static void a_socket_wins_over_a_server_unless_that_is_asked_for(void **state)
{
    (void)state;
    write_config("server = file:1\n");
    setenv("DUSK_SOCKET", "/s", 1);
    assert_setting(NULL, NULL, SETTING_SOCKET, "/s", "DUSK_SOCKET");
    assert_setting("line:1", NULL, SETTING_SERVER, "line:1", "--server");
    setenv("DUSK_SERVER", "variable:1", 1);
    assert_setting(NULL, NULL, SETTING_SERVER, "variable:1", "DUSK_SERVER");
    assert_setting(NULL, "/line", SETTING_SOCKET, "/line", "--socket");
}

static void an_empty_variable_counts_as_unset(void **state)
{
    (void)state;
    write_config("socket = /file\n");
    setenv("DUSK_SOCKET", "", 1);
    setenv("DUSK_SERVER", "", 1);
    {
        _cleanup_config_ struct config config = CONFIG_INIT;

        assert_int_equal(config_read(NULL, NULL, &config, NULL), 0);
        assert_string_equal(config_value(&config, SETTING_SOCKET), "/file");
        assert_false(config.use_server);
    }
}

static void both_on_the_command_line_are_wrong_usage(void **state)
{
    _cleanup_config_ struct config config = CONFIG_INIT;

    (void)state;
    assert_int_equal(config_read("a", "/b", &config, NULL), FAILURE_USAGE);
}

static void an_unknown_key_of_the_file_names_the_nearest(void **state)
{
    _cleanup_config_ struct config config = CONFIG_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    write_config("sever = x\n");
    assert_int_equal(config_read(NULL, NULL, &config, &err), -EINVAL);
    assert_string_equal(err.hint, "did you mean 'server'?");
}

static void a_timeout_must_be_a_duration(void **state)
{
    _cleanup_config_ struct config config = CONFIG_INIT;

    (void)state;
    setenv("DUSK_TIMEOUT", "soon", 1);
    assert_int_equal(config_read(NULL, NULL, &config, NULL), -EINVAL);
    setenv("DUSK_TIMEOUT", "1.5s", 1);
    assert_int_equal(config_read(NULL, NULL, &config, NULL), 0);
    assert_int_equal(config_timeout_ms(&config), 1500);
}

static void a_login_keeps_the_other_lines_of_the_file(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_free_ char *path = config_file_path();

    (void)state;
    write_config("# mine\ntimeout = 5s\n server=old\n");
    assert_int_equal(config_store_server("new:7433", NULL), 0);
    assert_int_equal(file_read(path, 1000, &text, NULL), 0);
    assert_string_equal(text.data, "# mine\ntimeout = 5s\nserver = new:7433\n");
}

int main(void)
{
#define HOME_TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)
    const struct CMUnitTest tests[] = {
        HOME_TEST(the_command_line_wins_over_variables_and_these_over_the_file),
        HOME_TEST(a_socket_wins_over_a_server_unless_that_is_asked_for),
        HOME_TEST(an_empty_variable_counts_as_unset),
        HOME_TEST(both_on_the_command_line_are_wrong_usage),
        HOME_TEST(an_unknown_key_of_the_file_names_the_nearest),
        HOME_TEST(a_timeout_must_be_a_duration),
        HOME_TEST(a_login_keeps_the_other_lines_of_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
