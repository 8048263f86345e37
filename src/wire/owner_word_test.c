/* SPDX-License-Identifier: Apache-2.0 */
/* An owner's words and the answers survive the way there and back; nothing malformed gets through.
 */
#include "owner_word.h"

#include "base/test.h"

#include <errno.h>
#include <string.h>

static int decode_word(const char *line, struct owner_word *ret_word, struct error *err)
{
    return owner_word_decode(slice_from_text(line), ret_word, err);
}

static void every_word_survives(void **state)
{
    static const struct owner_word words[] = {
        {.kind = OWNER_WORD_STATUS},
        {.kind = OWNER_WORD_FIGURES},
        {.kind = OWNER_WORD_RESUME},
        {.kind = OWNER_WORD_NEVER},
        {.kind = OWNER_WORD_PAUSE},
        {.kind = OWNER_WORD_PAUSE, .has_end = true, .until_at = 1764180000.123},
        {.kind = OWNER_WORD_MINE_ONLY},
        {.kind = OWNER_WORD_MINE_ONLY, .user = (char *)"erika"},
        {.kind = OWNER_WORD_SESSION},
        {.kind = OWNER_WORD_USED, .ago_ms = 1500},
        {.kind = OWNER_WORD_WATCHED},
        {.kind = OWNER_WORD_UNWATCHED, .why_not = (char *)"no extension"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        _cleanup_buffer_ struct buffer line = BUFFER_INIT;
        struct owner_word back = {0};

        owner_word_encode(&line, &words[i]);
        assert_int_equal(decode_word(line.data, &back, NULL), 0);
        assert_int_equal(back.kind, words[i].kind);
        assert_int_equal(back.has_end, words[i].has_end);
        assert_true(back.until_at == words[i].until_at);
        assert_int_equal(back.ago_ms, words[i].ago_ms);
        assert_string_equal(back.why_not ?: "", words[i].why_not ?: "");
        assert_string_equal(back.user ?: "", words[i].user ?: "");
        owner_word_deinit(&back);
    }
}

static void what_is_no_word_is_refused_and_changes_nothing(void **state)
{
    static const char *const lines[] = {
        "",
        "pause",
        "[]",
        "{\"word\":\"pause\"}",
        "{\"version\":2,\"word\":\"pause\"}",
        "{\"version\":1,\"word\":\"paws\"}",
        "{\"version\":1,\"word\":7}",
        "{\"version\":1,\"word\":\"pause\",\"word\":\"resume\"}",
        "{\"version\":1,\"word\":\"pause\",\"until_at\":-1}",
        "{\"version\":1,\"word\":\"pause\",\"until_at\":1e300}",
        "{\"version\":1,\"word\":\"pause\",\"until_at\":\"18:00\"}",
        "{\"version\":1,\"word\":\"never\",\"until_at\":5}",
        "{\"version\":1,\"word\":\"pause\"} x",
        "{\"version\":1,\"word\":\"used\"}",
        "{\"version\":1,\"word\":\"used\",\"ms_ago\":-1}",
        "{\"version\":1,\"word\":\"used\",\"ms_ago\":1.5}",
        "{\"version\":1,\"word\":\"mine-only\",\"user\":7}",
        "{\"version\":1,\"word\":\"unwatched\"}",
        "{\"version\":1,\"word\":\"unwatched\",\"why_not\":7}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        _cleanup_error_ struct error err = ERROR_INIT;
        struct owner_word word = {.kind = OWNER_WORD_KIND_COUNT};

        assert_int_equal(decode_word(lines[i], &word, &err), -EPROTO);
        assert_int_equal(word.kind, OWNER_WORD_KIND_COUNT);
        assert_true(strlen(error_text(&err)) > 0);
    }
}

static void the_owner_says_some_words_and_a_session_others(void **state)
{
    (void)state;
    assert_true(owner_word_lasts(OWNER_WORD_PAUSE));
    assert_false(owner_word_lasts(OWNER_WORD_STATUS));
    assert_false(owner_word_lasts(OWNER_WORD_FIGURES));
    assert_false(owner_word_lasts(OWNER_WORD_USED));
    assert_true(owner_word_is_of_session(OWNER_WORD_USED));
    assert_false(owner_word_is_of_session(OWNER_WORD_SESSION));
    assert_false(owner_word_is_of_session(OWNER_WORD_NEVER));
}

static void only_a_word_with_an_end_is_ever_over(void **state)
{
    struct owner_word word = {.kind = OWNER_WORD_PAUSE};

    (void)state;
    assert_false(owner_word_is_over(&word, 1e11));
    word.has_end = true;
    word.until_at = 1000;
    assert_false(owner_word_is_over(&word, 999.9));
    assert_true(owner_word_is_over(&word, 1000));
}

/* What was decoded and encoded again is what it was. */
static void assert_survives(const struct owner_answer *answer, const char *expected)
{
    _cleanup_buffer_ struct buffer there = BUFFER_INIT, back = BUFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    struct owner_answer decoded;

    owner_answer_encode(&there, answer);
    assert_string_equal(there.data, expected);
    assert_int_equal(owner_answer_decode((struct slice){there.data, there.length}, &decoded, &err),
                     0);
    owner_answer_encode(&back, &decoded);
    assert_string_equal(there.data, back.data);
    owner_answer_deinit(&decoded);
}

static void answers_survive(void **state)
{
    struct wire_source sources[] = {
        {.name = (char *)"x11", .was_used = true, .used_ms_ago = 7},
        {.name = (char *)"tty", .why_not = (char *)"\xff is no text"},
    };
    struct owner_task tasks[] = {
        {17, 3, ATTEMPT_SUSPENDED, (char *)"marie", 1000.25},
        {18, 0, ATTEMPT_PREPARING, NULL, 1001},
    };
    struct owner_answer answer = {.node = (char *)"pc1",
                                  .presence = OWNER_PRESENT,
                                  .reason = OWNER_REASON_PAUSED,
                                  .since_at = 1000.5,
                                  .server_problem = (char *)"gone",
                                  .sources = sources,
                                  .source_count = 2,
                                  .tasks = tasks,
                                  .task_count = 2};

    (void)state;
    assert_survives(&answer,
                    "{\"version\":1,\"node\":\"pc1\",\"owner\":\"present\",\"reason\":\"paused\","
                    "\"why\":\"its owner has paused it\",\"since_at\":1000.5,\"until_at\":null,"
                    "\"server_problem\":\"gone\",\"sources\":[{\"source\":\"x11\",\"works\":true,"
                    "\"why_not\":null,"
                    "\"last_activity_ms_ago\":7},{\"source\":\"tty\",\"works\":false,"
                    "\"why_not\":\"?\",\"last_activity_ms_ago\":null}],"
                    "\"tasks\":[{\"job\":17,\"task\":3,\"user\":\"marie\",\"state\":\"suspended\","
                    "\"since_at\":1000.25},{\"job\":18,\"task\":0,\"user\":null,"
                    "\"state\":\"preparing\",\"since_at\":1001.0}]}\n");
    answer = (struct owner_answer){
        .node = (char *)"pc1", .since_at = 1, .has_end = true, .until_at = 2.5, .nudge = 16};
    assert_survives(&answer,
                    "{\"version\":1,\"node\":\"pc1\",\"owner\":\"away\",\"reason\":\"none\","
                    "\"why\":\"nobody uses it\",\"since_at\":1.0,\"until_at\":2.5,"
                    "\"server_problem\":null,\"sources\":[],\"tasks\":[],\"nudge\":16}\n");
    answer =
        (struct owner_answer){.error = (char *)"no", .hint = (char *)"ask root", .refused = true};
    assert_survives(&answer, "{\"version\":1,\"error\":\"no\",\"hint\":\"ask root\","
                             "\"refused\":true}\n");
}

static void figures_survive(void **state)
{
    struct owner_figure list[] = {
        {.days = 7, .lent_s = 36000.5, .tasks = 12, .cpu_s = 7200, .energy_wh = 16},
        {.days = 7, .user = (char *)"marie", .tasks = 12, .cpu_s = 7200, .energy_wh = 16},
    };
    struct owner_answer answer = {
        .node = (char *)"pc1",
        .since_at = 1,
        .has_figures = true,
        .figures = {.since = (char *)"2026-11-03", .watts_per_core = 8, .items = list, .count = 2},
    };

    (void)state;
    assert_survives(&answer,
                    "{\"version\":1,\"node\":\"pc1\",\"owner\":\"away\",\"reason\":\"none\","
                    "\"why\":\"nobody uses it\",\"since_at\":1.0,\"until_at\":null,"
                    "\"server_problem\":null,\"sources\":[],\"tasks\":[],\"figures\":{"
                    "\"since\":\"2026-11-03\",\"energy\":\"estimated\",\"watts_per_core\":8.0,"
                    "\"list\":[{\"days\":7,\"user\":null,\"lent_s\":36000.5,\"tasks\":12,"
                    "\"cpu_s\":7200.0,\"energy_wh\":16.0},{\"days\":7,\"user\":\"marie\","
                    "\"lent_s\":null,\"tasks\":12,\"cpu_s\":7200.0,\"energy_wh\":16.0}]}}\n");
    answer.figures = (struct owner_figures){.watts_per_core = 0.5};
    assert_survives(&answer,
                    "{\"version\":1,\"node\":\"pc1\",\"owner\":\"away\",\"reason\":\"none\","
                    "\"why\":\"nobody uses it\",\"since_at\":1.0,\"until_at\":null,"
                    "\"server_problem\":null,\"sources\":[],\"tasks\":[],\"figures\":{"
                    "\"since\":null,\"energy\":\"estimated\",\"watts_per_core\":0.5,"
                    "\"list\":[]}}\n");
}

#define STATE                                                                                      \
    "{\"version\":1,\"node\":\"pc1\",\"owner\":\"away\",\"reason\":\"none\",\"since_at\":1,"

#define FIGURE STATE "\"sources\":[],\"tasks\":[],\"figures\":{\"watts_per_core\":8,\"list\":["

static void what_is_no_answer_is_refused(void **state)
{
    static const char *const lines[] = {
        "{\"version\":1}",
        "{\"version\":1,\"error\":7}",
        "{\"version\":1,\"error\":\"no\",\"hint\":[]}",
        "{\"version\":1,\"node\":\"a\\u0000b\"}",
        "{\"version\":1,\"node\":\"pc1\",\"owner\":\"gone\"}",
        "{\"version\":1,\"node\":\"pc1\",\"owner\":\"away\",\"since_at\":null}",
        STATE "\"tasks\":[]}",
        STATE "\"only_user\":7,\"sources\":[],\"tasks\":[]}",
        STATE "\"server_problem\":7,\"sources\":[],\"tasks\":[]}",
        STATE "\"sources\":[]}",
        STATE "\"sources\":[{}],\"tasks\":[]}",
        STATE "\"sources\":[{\"source\":\"x11\",\"last_activity_ms_ago\":-1}],\"tasks\":[]}",
        STATE "\"sources\":[],\"tasks\":[{\"job\":-1}]}",
        STATE "\"sources\":[],\"tasks\":[{\"job\":1,\"task\":4294967295}]}",
        STATE "\"sources\":[],\"tasks\":[{\"job\":1,\"task\":1,\"since_at\":1,\"state\":\"x\"}]}",
        STATE "\"sources\":[],\"tasks\":[],\"figures\":7}",
        STATE "\"sources\":[],\"tasks\":[],\"figures\":{\"since\":7}}",
        STATE "\"sources\":[],\"tasks\":[],\"figures\":{\"watts_per_core\":-1,\"list\":[]}}",
        STATE "\"sources\":[],\"tasks\":[],\"figures\":{\"watts_per_core\":8}}",
        FIGURE "{\"days\":-1}]}}",
        FIGURE "{\"days\":1,\"user\":7}]}}",
        FIGURE "{\"days\":1,\"tasks\":1,\"cpu_s\":1,\"energy_wh\":1}]}}",
        FIGURE "{\"days\":1,\"user\":\"m\",\"tasks\":1.5,\"cpu_s\":1,\"energy_wh\":1}]}}",
        FIGURE "{\"days\":1,\"user\":\"m\",\"tasks\":1,\"cpu_s\":-1,\"energy_wh\":1}]}}",
        FIGURE "{\"days\":1,\"user\":\"m\",\"tasks\":1,\"cpu_s\":1}]}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        struct owner_answer answer;

        assert_int_equal(owner_answer_decode(slice_from_text(lines[i]), &answer, NULL), -EPROTO);
    }
}

static void a_reason_of_a_later_version_is_one(void **state)
{
    struct owner_answer answer;

    (void)state;
    assert_int_equal(
        owner_answer_decode(
            slice_from_text("{\"version\":1,\"node\":\"pc1\",\"owner\":\"present\",\"reason\":"
                            "\"moonlight\",\"since_at\":1,\"sources\":[],\"tasks\":[]}"),
            &answer, NULL),
        0);
    assert_int_equal(answer.reason, OWNER_REASON_USED);
    owner_answer_deinit(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_survives),
        cmocka_unit_test(what_is_no_word_is_refused_and_changes_nothing),
        cmocka_unit_test(the_owner_says_some_words_and_a_session_others),
        cmocka_unit_test(only_a_word_with_an_end_is_ever_over),
        cmocka_unit_test(answers_survive),
        cmocka_unit_test(figures_survive),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(a_reason_of_a_later_version_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
