/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands, held against its manual page in both directions: each command is explained
 * there with all its names, in the table's order and with the table's reason, and nothing else is.
 */
#include "lang/submit_commands.h"
#include "lang/submit_fixture.h"

#include <stdio.h>
#include <string.h>

static void read_page(struct buffer *page)
{
    FILE *file = fopen(MANUAL_FOLDER "/dusk-submit-commands.5.scd", "r");
    char block[4096];
    size_t length;

    assert_non_null(file);
    while ((length = fread(block, 1, sizeof(block), file)) > 0)
        buffer_append(page, block, length);
    fclose(file);
}

/* The paragraphs of a section, which begin with "*NAME", one by one: NULL at its end. */
static const char *next_entry(const char *at)
{
    do {
        at = strstr(at, "\n\n");
        at = at ? at + 2 : NULL;
    } while (at && *at != '*' && *at != '#');
    return at && *at == '*' ? at : NULL;
}

static void append_effect(struct buffer *text, enum command_effect effect, const char *reason)
{
    switch (effect) {
    case EFFECT_DONE:
        buffer_append_text(text, "Done.");
        return;
    case EFFECT_NONE:
        buffer_appendf(text, "Accepted, without effect here: %s.", reason);
        return;
    case EFFECT_LATER:
        buffer_appendf(text, "Accepted with a warning, not there yet: %s.", reason);
        return;
    }
}

static void assert_begins(const char *entry, const struct buffer *expected)
{
    if (!entry)
        fail_msg("the page does not have: %s", buffer_text(expected));
    if (strncmp(entry, buffer_text(expected), expected->length) != 0)
        fail_msg("the page has: %.*s\nand should have: %s", (int)strcspn(entry, "\n"), entry,
                 buffer_text(expected));
}

static void the_manual_page_has_every_command_and_no_other(void **state)
{
    _cleanup_buffer_ struct buffer page = BUFFER_INIT;
    const char *at;

    (void)state;
    read_page(&page);
    at = strstr(buffer_text(&page), "# COMMANDS");
    for (size_t i = 0; command_table[i].name; i++) {
        const struct command_about *about = &command_table[i];
        _cleanup_buffer_ struct buffer expected = BUFFER_INIT;
        const char *spelling;

        at = next_entry(at);
        buffer_appendf(&expected, "*%s*", about->name);
        for (size_t j = 1; (spelling = command_spelling(about, j)); j++)
            buffer_appendf(&expected, ", %s", spelling);
        buffer_append_text(&expected, "\n\t");
        append_effect(&expected, about->effect, about->reason);
        assert_begins(at, &expected);
    }
    at = next_entry(at);
    if (at)
        fail_msg("there is no such command: %.*s", (int)strcspn(at, "\n"), at);
}

static void the_manual_page_has_every_family_and_no_other(void **state)
{
    _cleanup_buffer_ struct buffer page = BUFFER_INIT;
    const char *at;

    (void)state;
    read_page(&page);
    at = strstr(buffer_text(&page), "# FAMILIES");
    for (size_t i = 0; command_families[i].prefix; i++) {
        _cleanup_buffer_ struct buffer expected = BUFFER_INIT;

        at = next_entry(at);
        buffer_appendf(&expected, "*%s*_NAME_\n\t", command_families[i].prefix);
        append_effect(&expected, command_families[i].effect, command_families[i].reason);
        assert_begins(at, &expected);
    }
    assert_null(next_entry(at));
}

/* What the page says of a universe is what becomes of a file that has it. */
static void check_universe(struct slice name, bool is_refused)
{
    _cleanup_buffer_ struct buffer text = BUFFER_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    const char *image = "";

    if (slice_equals(name, "container"))
        image = "container_image = a.sif\n";
    else if (slice_equals(name, "docker"))
        image = "docker_image = a\n";
    buffer_appendf(&text, "universe = %.*s\nexecutable = x\n%squeue\n", (int)name.length, name.data,
                   image);
    if ((submit_parse((struct slice){text.data, text.length}, "x.sub", NULL, &submit, NULL, NULL) <
         0) != is_refused)
        fail_msg("the page is wrong about the universe '%.*s'", (int)name.length, name.data);
}

static void the_manual_page_tells_the_truth_about_universes(void **state)
{
    _cleanup_buffer_ struct buffer page = BUFFER_INIT;
    const char *at;
    size_t count = 0;

    (void)state;
    read_page(&page);
    at = strstr(buffer_text(&page), "# UNIVERSES");
    while ((at = next_entry(at))) {
        const char *text = strchr(at, '\n') + 1;

        /* "*local*, *scheduler*" */
        for (const char *name = at; name < text; name += strcspn(name, "*"), count++) {
            struct slice word = {name + 1, strcspn(name + 1, "*")};

            check_universe(word, strncmp(text, "\tRefused: ", 10) == 0);
            name += word.length + 2;
        }
    }
    assert_true(count >= 12);
}

static void what_has_no_effect_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; command_table[i].name; i++)
        assert_int_equal(command_table[i].reason != NULL, command_table[i].effect != EFFECT_DONE);
    for (size_t i = 0; command_families[i].prefix; i++)
        assert_int_equal(command_families[i].reason != NULL,
                         command_families[i].effect != EFFECT_DONE);
}

static void a_command_is_found_by_all_its_names(void **state)
{
    (void)state;
    for (size_t i = 0; command_table[i].name; i++)
        assert_ptr_equal(command_find(command_table[i].name), &command_table[i]);
    assert_string_equal(command_find("STDIN")->name, "input");
    assert_string_equal(command_find("TransferInputFiles")->name, "transfer_input_files");
    assert_string_equal(command_find("periodicHold")->name, "periodic_hold");
    assert_null(command_find("nothing"));
    assert_string_equal(command_find_family("Xen_kernel")->prefix, "xen_");
    assert_null(command_find_family("xen_"));
}

static void resources_have_any_name_but_those_of_commands(void **state)
{
    (void)state;
    assert_string_equal(command_resource("Request_licences"), "licences");
    assert_null(command_resource("request_memory"));
    assert_null(command_resource("request_x"));
    assert_null(command_resource("request_6memory"));
    assert_null(command_resource("request_a.b"));
    assert_null(command_resource("request__x"));
    assert_null(command_resource("request_"));
    assert_null(command_resource("requestx"));
}

/* Twenty years of submit files: what is no mistake there is none here. */
static void old_habits_are_no_mistakes(void **state)
{
    static const char text[] = "# of 2004\r\n"
                               "UNIVERSE\t=\tVanilla\r\n"
                               "Executable   = my program\r\n"
                               "Arguments=-a\t-b  \"\r\n"
                               "LOG = log file.txt\r\n"
                               "Getenv = True\r\n"
                               "copy_to_spool = false\r\n"
                               "Notification = Never\r\n"
                               "globus_rsl = (count=1)\r\n"
                               "buffer_size = 1024\r\n"
                               "image_size = 20 Meg\r\n"
                               "vm_cdrom_files = a.iso\r\n"
                               "Rank = Memory >= 64\r\n"
                               "QUEUE\t2\r\n";
    static const struct submit_options options = {.world = &fixture_world};
    _cleanup_submit_warnings_ struct submit_warnings warnings = SUBMIT_WARNINGS_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_submit_ struct submit *submit = NULL;
    _cleanup_buffer_ struct buffer mended = BUFFER_INIT;

    (void)state;
    /* Two of them were mistakes at all times. */
    assert_true(submit_parse(slice_from_text(text), "x.sub", &options, &submit, NULL, &err) < 0);
    assert_non_null(strstr(error_text(&err), "x.sub:4:"));
    for (const char *c = text; *c; c++)
        if (*c != '"')
            buffer_append_character(&mended, *c);
    memcpy(strstr(mended.data, "20 Meg"), "20M   ", 6);
    assert_int_equal(submit_parse((struct slice){mended.data, mended.length}, "x.sub", &options,
                                  &submit, &warnings, NULL),
                     0);
    assert_int_equal(warnings.count, 0);
    assert_int_equal(submit_task_count(submit), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_page_has_every_command_and_no_other),
        cmocka_unit_test(the_manual_page_has_every_family_and_no_other),
        cmocka_unit_test(the_manual_page_tells_the_truth_about_universes),
        cmocka_unit_test(what_has_no_effect_says_why),
        cmocka_unit_test(a_command_is_found_by_all_its_names),
        cmocka_unit_test(resources_have_any_name_but_those_of_commands),
        cmocka_unit_test(old_habits_are_no_mistakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
