/* SPDX-License-Identifier: Apache-2.0 */
/* What a user says of his session's helper, and what the icon's menu writes beside it. */
#include "session_settings.h"

#include "base/buffer.h"
#include "base/test.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char home[] = "/tmp/dusk-session-XXXXXX";
static char path[128];

static int make_home(void **state)
{
    (void)state;
    snprintf(home, sizeof(home), "/tmp/dusk-session-XXXXXX");
    if (!mkdtemp(home))
        return -1;
    setenv("HOME", home, 1);
    unsetenv("XDG_CONFIG_HOME");
    snprintf(path, sizeof(path), "%s/.config/dusk/session.ini", home);
    return 0;
}

static int remove_home(void **state)
{
    (void)state;
    return file_remove_tree(home, NULL);
}

static void write_file(const char *text)
{
    char folder[128];

    snprintf(folder, sizeof(folder), "%s/.config/dusk", home);
    assert_int_equal(file_make_folders(folder, 0755, NULL), 0);
    assert_int_equal(file_replace(path, text, strlen(text), 0644, false, NULL), 0);
}

static void all_is_shown_if_nothing_is_said(void **state)
{
    struct session_settings settings = {false, false};
    _cleanup_error_ struct error err = ERROR_INIT;

    (void)state;
    assert_int_equal(session_settings_read(&settings, &err), 0);
    assert_null(err.text);
    assert_true(settings.tray && settings.notifications);
    unsetenv("HOME");
    assert_int_equal(session_settings_read(&settings, NULL), 0);
    assert_int_equal(session_settings_store_notifications(false, NULL), -ENOENT);
}

static void each_can_be_switched_off(void **state)
{
    struct session_settings settings;

    (void)state;
    write_file("[session]\ntray = no\n");
    assert_int_equal(session_settings_read(&settings, NULL), 0);
    assert_true(!settings.tray && settings.notifications);
    write_file("notifications = no\n");
    assert_int_equal(session_settings_read(&settings, NULL), 0);
    assert_true(settings.tray && !settings.notifications);
}

static void the_menu_keeps_what_else_is_in_the_file(void **state)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    struct session_settings settings;

    (void)state;
    assert_int_equal(session_settings_store_notifications(false, NULL), 0);
    assert_int_equal(session_settings_read(&settings, NULL), 0);
    assert_true(settings.tray && !settings.notifications);
    write_file("# mine\n[session]\nnotifications = no\ntray = yes\n");
    assert_int_equal(session_settings_store_notifications(true, NULL), 0);
    assert_int_equal(file_read(path, 1000, &text, NULL), 0);
    assert_string_equal(text.data, "# mine\n[session]\ntray = yes\nnotifications = yes\n");
}

static void mistakes_are_told(void **state)
{
    static const char *const texts[] = {"trey = no\n", "tray = maybe\n", "tray\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct session_settings settings;
        _cleanup_error_ struct error err = ERROR_INIT;

        write_file(texts[i]);
        assert_int_equal(session_settings_read(&settings, &err), -EINVAL);
        assert_non_null(strstr(error_text(&err), path));
        assert_true(settings.tray && settings.notifications);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)
    const struct CMUnitTest tests[] = {
        TEST(all_is_shown_if_nothing_is_said),
        TEST(each_can_be_switched_off),
        TEST(the_menu_keeps_what_else_is_in_the_file),
        TEST(mistakes_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
