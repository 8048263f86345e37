/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "settings.h"

#include "base/test.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct settings settings;
    struct error err;
    char file[32];
};

static int start(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.file = "/tmp/settings-test-XXXXXX"};
    close(mkstemp(fixture.file));
    unsetenv("DUSK_TOKEN");
    *state = &fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    settings_deinit(&fixture->settings);
    error_clear(&fixture->err);
    return unlink(fixture->file);
}

static int read_words(struct fixture *fixture, const char *const *words)
{
    char *argv[16] = {(char *)"agent"};
    int argc = 1;

    for (; *words; words++)
        argv[argc++] = (char *)*words;
    settings_deinit(&fixture->settings);
    error_clear(&fixture->err);
    return settings_read(argc, argv, &fixture->settings, &fixture->err);
}

#define READ(fixture, ...) read_words(fixture, (const char *const[]){__VA_ARGS__, NULL})

static void write_file(struct fixture *fixture, const char *text)
{
    assert_int_equal(file_replace(fixture->file, text, strlen(text), 0600, false, NULL), 0);
}

static void everything_has_a_default(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, "--name", "pc1"), 0);
    assert_string_equal(fixture->settings.host, "localhost");
    assert_int_equal(fixture->settings.port, 7433);
    assert_true(fixture->settings.state[0] == '/');
    assert_true(fixture->settings.cache_size == 10ULL << 30);
    assert_true(fixture->settings.image_cache == 20ULL << 30);
    assert_int_equal(fixture->settings.grace_ms, 10000);
    for (size_t i = 0; i < OFFER_PART_COUNT; i++)
        assert_int_equal(fixture->settings.offer.parts[i].kind, OFFER_ALL);
    assert_null(fixture->settings.token);
}

static void the_command_line_wins_over_the_file(void **state)
{
    struct fixture *fixture = *state;

    write_file(
        fixture,
        "[agent]\nname = pc9\ncpus = 3\ncache_size = 1M\nimage_cache = 3M\n[server]\nport = 1\n");
    assert_int_equal(READ(fixture, "--cpus", "5", "--config", fixture->file, "--cache-size=2M"), 0);
    assert_string_equal(fixture->settings.name, "pc9");
    assert_int_equal(fixture->settings.offer.parts[OFFER_CPUS].value, 5);
    assert_int_equal(fixture->settings.cache_size, 2 << 20);
    assert_int_equal(fixture->settings.image_cache, 3 << 20);
}

static void a_computer_sleeps_if_and_as_it_is_told(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, "--name", "pc1"), 0);
    assert_int_equal(fixture->settings.sleep_when_idle_ms, 0);
    assert_null(fixture->settings.sleep_command);
    assert_int_equal(READ(fixture, "--name", "pc1", "--sleep-when-idle", "30m", "--sleep-how",
                          "poweroff", "--sleep-command", "true"),
                     0);
    assert_int_equal(fixture->settings.sleep_when_idle_ms, 30 * 60000);
    assert_string_equal(fixture->settings.sleep_how, "poweroff");
    assert_string_equal(fixture->settings.sleep_command, "true");
    assert_int_equal(READ(fixture, "--sleep-how", "well"), -EINVAL);
    assert_non_null(strstr(fixture->err.text, "none of suspend, hibernate and poweroff"));
}

static void criu_is_a_name_or_a_path(void **state)
{
    struct fixture *fixture = *state;

    unsetenv("DUSK_CRIU");
    assert_int_equal(READ(fixture, "--name", "pc1"), 0);
    assert_string_equal(fixture->settings.criu, "criu");
    setenv("DUSK_CRIU", "/build/criu", 1);
    assert_int_equal(READ(fixture, "--name", "pc1"), 0);
    unsetenv("DUSK_CRIU");
    assert_string_equal(fixture->settings.criu, "/build/criu");
    assert_int_equal(READ(fixture, "--criu", "/opt/criu"), 0);
    assert_string_equal(fixture->settings.criu, "/opt/criu");
    assert_int_equal(READ(fixture, "--criu", ""), -EINVAL);
}

static void no_gpus_are_a_number_of_gpus(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "[agent]\ngpus = 2\n");
    assert_int_equal(READ(fixture, "--name=a", "--config", fixture->file), 0);
    assert_int_equal(fixture->settings.offer.parts[OFFER_GPUS].value, 2);
    assert_int_equal(READ(fixture, "--name=a", "--gpus=0", "--config", fixture->file), 0);
    assert_int_equal(fixture->settings.offer.parts[OFFER_GPUS].kind, OFFER_AMOUNT);
    assert_int_equal(fixture->settings.offer.parts[OFFER_GPUS].value, 0);
}

static uint64_t share_of(const struct fixture *fixture, enum offer_part part)
{
    const struct offer_amount *amount = &fixture->settings.offer.parts[part];

    return amount->kind == OFFER_SHARE ? amount->value : 0;
}

static void an_offer_is_one_line_or_a_key_for_each_part(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "[agent]\ncpus = 50 %\noffer = memory 75%, gpus 0\n");
    assert_int_equal(READ(fixture, "--name=a", "--config", fixture->file), 0);
    assert_int_equal(share_of(fixture, OFFER_CPUS), 50);
    assert_int_equal(share_of(fixture, OFFER_MEMORY), 75);
    assert_int_equal(
        READ(fixture, "--name=a", "--config", fixture->file, "--set", "offer=disk 10 %"), 0);
    assert_int_equal(share_of(fixture, OFFER_DISK), 10);
    assert_int_equal(fixture->settings.offer.parts[OFFER_MEMORY].kind, OFFER_ALL);
    assert_int_equal(READ(fixture, "--name=a", "--offer", "gpus 50%", "--set", "offer=cpus 5%"), 0);
    assert_int_equal(share_of(fixture, OFFER_CPUS), 5);
    assert_int_equal(share_of(fixture, OFFER_GPUS), 0);
}

static void an_offer_that_cannot_be_is_refused(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "[agent]\noffer = cpus 50 %, memory 101 %\n");
    assert_int_equal(READ(fixture, "--name=a", "--config", fixture->file), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err),
                           "line 2: offer: memory: '101 %' is no share from 1 % to 100 %"));
    /* What goes on in the next line comes as one more of the same name. */
    write_file(fixture, "[agent]\noffer = cpus 50 %,\n  memory 50 %\n");
    assert_int_equal(READ(fixture, "--name=a", "--config", fixture->file), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "line 2: offer: there is a comma too many"));
    assert_int_equal(READ(fixture, "--name=a", "--set", "offer=cpus"), -EINVAL);
    assert_string_equal(error_text(&fixture->err),
                        "--offer: cpus: '' is no number from 1 to 65535");
    write_file(fixture, "[agent]\noffer = cpus 50 %\n");
    assert_int_equal(READ(fixture, "--name=a", "--config", fixture->file, "--cpus=1"), -EINVAL);
    assert_string_equal(error_text(&fixture->err), "'offer' and 'cpus' both say how much is lent");
}

static void a_token_comes_three_ways(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, " dusk1.a.b.c\n");
    assert_int_equal(READ(fixture, "--name=a", "--token-file", fixture->file), 0);
    assert_string_equal(fixture->settings.token, "dusk1.a.b.c");
    setenv("DUSK_TOKEN", "dusk1.d", 1);
    assert_int_equal(READ(fixture, "--name=a"), 0);
    assert_string_equal(fixture->settings.token, "dusk1.d");
    assert_int_equal(READ(fixture, "--name=a", "--token", "dusk1.e"), 0);
    assert_string_equal(fixture->settings.token, "dusk1.e");
}

static void attributes_are_expressions_of_any_name(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "[agent]\nattribute.HasMatlab = true\nattribute.Licences = 3 + 4\n"
                        "attribute_script = /etc/dusk/attributes\n");
    assert_int_equal(READ(fixture, "--name=a", "--config", fixture->file, "--attribute",
                          "licences=2", "--attribute-script-interval", "90"),
                     0);
    assert_int_equal(fixture->settings.attributes.count, 2);
    assert_string_equal(attributes_get(&fixture->settings.attributes, "HasMatlab"), "true");
    assert_string_equal(attributes_get(&fixture->settings.attributes, "Licences"), "2");
    assert_string_equal(fixture->settings.attribute_script, "/etc/dusk/attributes");
    assert_int_equal(fixture->settings.attribute_script_interval_ms, 90000);
}

static void attributes_that_cannot_be_are_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, "--name=a", "--attribute", "A"), -EINVAL);
    assert_int_equal(READ(fixture, "--name=a", "--attribute", "# A = 1"), -EINVAL);
    assert_int_equal(READ(fixture, "--name=a", "--attribute", "A=1\nB=2"), -EINVAL);
    assert_int_equal(READ(fixture, "--name=a", "--attribute-script", "here"), -EINVAL);
    assert_int_equal(READ(fixture, "--name=a", "--attribute-script-interval", "0"), -EINVAL);
    write_file(fixture, "[agent]\n\nattribute.Memory = 1\n");
    assert_int_equal(READ(fixture, "--name=a", "--config", fixture->file), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "line 3: attribute.Memory: the attribute"));
    assert_non_null(strstr(fixture->err.hint, "the key 'memory'"));
}

static void pressure_is_a_share_of_the_time(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, "--name", "pc1"), 0);
    assert_int_equal(fixture->settings.max_pressure, 40);
    assert_false(fixture->settings.needs_pressure);
    assert_int_equal(READ(fixture, "--name", "pc1", "--max-pressure", "20 %"), 0);
    assert_int_equal(fixture->settings.max_pressure, 20);
    assert_true(fixture->settings.needs_pressure);
    assert_int_equal(READ(fixture, "--name", "pc1", "--set", "max_pressure=12.5%"), 0);
    assert_int_equal(fixture->settings.max_pressure * 10, 125);
    assert_int_equal(READ(fixture, "--name", "pc1", "--max-pressure", "0"), 0);
    assert_int_equal(fixture->settings.max_pressure, 0);
    assert_false(fixture->settings.needs_pressure);
    assert_int_equal(READ(fixture, "--max-pressure", "101%"), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "'101%' is no share of the time"));
    assert_int_equal(READ(fixture, "--max-pressure", "-1"), -EINVAL);
    assert_int_equal(READ(fixture, "--max-pressure", "%"), -EINVAL);
    assert_int_equal(READ(fixture, "--max-pressure", "20 %%"), -EINVAL);
    assert_int_equal(READ(fixture, "--max-pressure", "nan"), -EINVAL);
}

static void a_limit_of_heat_or_fans_is_a_number(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, "--name", "pc1"), 0);
    assert_int_equal(fixture->settings.max_fan, 0);
    assert_int_equal(READ(fixture, "--name", "pc1", "--max-fan", "3000", "--temperature-max", "70"),
                     0);
    assert_int_equal(fixture->settings.max_fan, 3000);
    assert_int_equal(fixture->settings.temperature_max, 70);
    assert_int_equal(READ(fixture, "--max-fan", "30001"), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err),
                           "'30001' is no number of turns in a minute from 0 to 30000"));
    assert_int_equal(READ(fixture, "--temperature-max", "151"), -EINVAL);
    assert_non_null(
        strstr(error_text(&fixture->err), "'151' is no number of degrees from 0 to 150"));
}

static void a_policy_is_one_of_htcondors_with_definitions_behind_it(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, "--name", "pc1"), 0);
    assert_null(fixture->settings.policy);
    assert_int_equal(fixture->settings.idle_after_ms, 900000);
    assert_int_equal(READ(fixture, "--name", "pc1", "--policy", "none"), 0);
    assert_null(fixture->settings.policy);
    write_file(fixture, "[agent]\npolicy = Desktop\ncondor.StartIdleTime = 2 *\n  $(MINUTE)\n"
                        "condor.START = ($(START)) &&\n  Rack == 7 &&\n  ClockMin < 60\n");
    assert_int_equal(
        READ(fixture, "--name", "pc1", "--config", fixture->file, "--condor", "BackgroundLoad=1"),
        0);
    assert_string_equal(policy_expression(fixture->settings.policy, "START"),
                        "(KeyboardIdle > 2 * 60 && (((LoadAvg - CondorLoadAvg) <= 1) || "
                        "(State != \"Unclaimed\" && State != \"Owner\"))) && Rack == 7 && "
                        "ClockMin < 60");
    assert_int_equal(READ(fixture, "--name", "pc1", "--set", "condor.SUSPEND=true", "--condor",
                          "SUSPEND=$(SUSPEND) && false"),
                     0);
    assert_string_equal(policy_expression(fixture->settings.policy, "SUSPEND"), "true && false");
}

static void what_a_policy_does_not_go_with_is_refused(void **state)
{
    static const char *const plain[][2] = {{"--idle-after", "5m"},
                                           {"--resume-after", "5m"},
                                           {"--suspend-for", "5m"},
                                           {"--max-pressure", "20 %"},
                                           {"--max-load", "1"}};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LENGTH(plain); i++)
        assert_int_equal(
            READ(fixture, "--name", "pc1", "--policy", "DESKTOP", plain[i][0], plain[i][1]),
            -EINVAL);
    assert_string_equal(error_text(&fixture->err),
                        "'max_load' does not go with a policy in HTCondor's words");
    assert_non_null(strstr(fixture->err.hint, "take out either 'max_load', or 'policy'"));
    assert_int_equal(READ(fixture, "--name", "pc1", "--policy", "LAPTOP"), -EINVAL);
    assert_int_equal(READ(fixture, "--name", "pc1", "--condor", "START"), -EINVAL);
    assert_int_equal(READ(fixture, "--name", "pc1", "--condor", "START=a b"), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "the policy: START, at character 3"));
}

static void mistakes_are_named(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(READ(fixture, "--cpu-s", "1"), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "--cpu-s"));
    assert_int_equal(READ(fixture, "--cpus", "0"), -EINVAL);
    assert_int_equal(READ(fixture, "--gpus", "257"), -EINVAL);
    assert_int_equal(READ(fixture, "--gpus", "CUDA0"), -EINVAL);
    assert_int_equal(READ(fixture, "--name", "a b"), -EINVAL);
    assert_int_equal(READ(fixture, "--memory", "lots"), -EINVAL);
    assert_int_equal(READ(fixture, "--memory", "0"), -EINVAL);
    assert_int_equal(READ(fixture, "--disk", "0G"), -EINVAL);
    assert_int_equal(READ(fixture, "--server", "host:99999"), -EINVAL);
    assert_int_equal(READ(fixture, "surplus"), -EINVAL);
    assert_int_equal(READ(fixture, "--presence", "camera"), -EINVAL);
    assert_non_null(strstr(fixture->err.hint, "'none'"));
    assert_int_equal(READ(fixture, "--nudge", "-1"), -EINVAL);
    assert_int_equal(READ(fixture, "--watts-per-core", "-1"), -EINVAL);
    assert_int_equal(READ(fixture, "--watts-per-core", "1001"), -EINVAL);
    assert_int_equal(READ(fixture, "--on-battery", "perhaps"), -EINVAL);
    assert_int_equal(READ(fixture, "--max-load", "-1"), -EINVAL);
    assert_int_equal(READ(fixture, "--temperature-max", "300"), -EINVAL);
}

static void mistakes_in_the_file_are_named_with_their_line(void **state)
{
    struct fixture *fixture = *state;

    write_file(fixture, "[agent]\n\ncpuss = 3\n");
    assert_int_equal(READ(fixture, "--config", fixture->file), -EINVAL);
    assert_non_null(strstr(error_text(&fixture->err), "line 3"));
    assert_non_null(strstr(fixture->err.hint, "'cpus'"));
    assert_true(READ(fixture, "--config", "/no/such/file") < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_has_a_default),
        TEST(the_command_line_wins_over_the_file),
        TEST(a_computer_sleeps_if_and_as_it_is_told),
        TEST(criu_is_a_name_or_a_path),
        TEST(no_gpus_are_a_number_of_gpus),
        TEST(an_offer_is_one_line_or_a_key_for_each_part),
        TEST(an_offer_that_cannot_be_is_refused),
        TEST(a_token_comes_three_ways),
        TEST(attributes_are_expressions_of_any_name),
        TEST(attributes_that_cannot_be_are_refused),
        TEST(pressure_is_a_share_of_the_time),
        TEST(a_limit_of_heat_or_fans_is_a_number),
        TEST(a_policy_is_one_of_htcondors_with_definitions_behind_it),
        TEST(what_a_policy_does_not_go_with_is_refused),
        TEST(mistakes_are_named),
        TEST(mistakes_in_the_file_are_named_with_their_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
