/* SPDX-License-Identifier: Apache-2.0 */
/* Messages survive the way there and back, and nothing malformed gets through. */
#include "wire.h"

#include "base/memory.h"
#include "base/test.h"

#include <errno.h>
#include <string.h>

/* Keeps the first message of a frame as text again: what was decoded is encoded once more. */
static int encode_again(void *userdata, struct wire_message *message)
{
    wire_batch_append(userdata, message);
    return 0;
}

#define REPORT "[{\"report\":{\"session\":1,\"sent_ms\":1,\"highest_epoch\":1,\"attempts\":[],"

static void assert_round_trip(const struct wire_message *message)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct wire_batch there = {0}, back = {0};

    wire_batch_append(&there, message);
    wire_batch_append(&there, message);
    assert_true(wire_batch_close(&there));
    assert_int_equal(wire_decode((struct slice){there.frame.data, there.frame.length}, encode_again,
                                 &back, &err),
                     0);
    assert_true(wire_batch_close(&back));
    assert_string_equal(there.frame.data, back.frame.data);
    wire_batch_deinit(&there);
    wire_batch_deinit(&back);
}

static void a_hello_survives(void **state)
{
    struct attribute attributes[] = {
        {.name = (char *)"Arch", .value = (char *)"\"X86_64\""},
        {.name = (char *)"Start", .value = (char *)"h\xc3\xa4 =?= \"\\\"\""}};
    struct wire_message message = {.kind = WIRE_HELLO,
                                   .hello = {.protocol = 1,
                                             .version = (char *)"0.1",
                                             .machine = 0xfedcba9876543210ULL,
                                             .capacity = {4, 1ULL << 40, 7},
                                             .facts = (char *)"{\"arch\":\"X86_64\"}"}};

    (void)state;
    assert_round_trip(&message);
    message.hello.capacity.gpus = 2;
    message.hello.attributes = (struct attributes){.items = attributes, .count = 2};
    assert_round_trip(&message);
}

static void changes_of_attributes_survive(void **state)
{
    struct attribute changes[] = {{.name = (char *)"Gone"},
                                  {.name = (char *)"LoadAvg", .value = (char *)"0.5"}};

    (void)state;
    assert_round_trip(&(struct wire_message){
        .kind = WIRE_REPORT, .report = {.session = 1, .changes = {.items = changes, .count = 2}}});
}

static void whose_the_computer_is_survives(void **state)
{
    struct wire_source sources[] = {{.name = (char *)"x11", .was_used = true, .used_ms_ago = 12},
                                    {.name = (char *)"evdev", .why_not = (char *)"cannot open"}};

    (void)state;
    assert_round_trip(&(struct wire_message){.kind = WIRE_REPORT,
                                             .report = {.session = 1,
                                                        .owner_present = true,
                                                        .lent_ms = 7200000,
                                                        .owner = {.reason = OWNER_REASON_USED,
                                                                  .has_end = true,
                                                                  .end_ms = 60000,
                                                                  .sources = sources,
                                                                  .source_count = 2}}});
    assert_round_trip(&(struct wire_message){
        .kind = WIRE_REPORT, .report = {.session = 1, .owner = {.reason = OWNER_REASON_HOURS}}});
}

static int keep_reason(void *userdata, struct wire_message *message)
{
    *(enum owner_reason *)userdata = message->report.owner.reason;
    return 0;
}

/* What a later version knows more than this one. */
static void an_unknown_reason_is_still_one(void **state)
{
    enum owner_reason reason = OWNER_REASON_NONE;

    (void)state;
    assert_int_equal(wire_decode(slice_from_text(REPORT "\"owner\":{\"reason\":\"full-moon\","
                                                        "\"sources\":[]}}}]"),
                                 keep_reason, &reason, NULL),
                     0);
    assert_int_equal(reason, OWNER_REASON_USED);
}

static void a_welcome_and_a_renewal_survive(void **state)
{
    (void)state;
    assert_round_trip(&(struct wire_message){
        .kind = WIRE_WELCOME,
        .welcome = {
            .session = INT64_MAX, .heartbeat_ms = 10000, .lease_ms = 30000, .woken = true}});
    assert_round_trip(
        &(struct wire_message){.kind = WIRE_RENEW, .renew = {.epoch = 3, .answers_ms = 9}});
}

static void a_report_with_a_result_survives(void **state)
{
    struct wire_output outputs[] = {
        {.kind = WIRE_OUTPUT_STDOUT, .name = (char *)"stdout", .size = 12, .mode = 0644},
        {.kind = WIRE_OUTPUT_FOLDER, .name = (char *)"a \"quoted\"\nname", .mode = 0755}};
    struct wire_attempt attempts[] = {
        {.epoch = 5, .job = 17, .task = 3, .attempt = 2, .state = ATTEMPT_SUSPENDED},
        {.epoch = 6,
         .job = 17,
         .task = 4,
         .state = ATTEMPT_ENDED,
         .outcome = OUTCOME_EXITED,
         .reason = REASON_ENDED_BY_ITSELF,
         .result = {.exit_code = 3,
                    .cpu_us = 1,
                    .wall_us = 2,
                    .memory_peak = 3,
                    .outputs = outputs,
                    .output_count = 2}},
        {.epoch = 7,
         .state = ATTEMPT_ENDED,
         .outcome = OUTCOME_FAILED,
         .reason = REASON_CANNOT_START,
         .result = {.exit_code = -1, .exit_signal = 9, .detail = (char *)"gone"}}};

    (void)state;
    assert_round_trip(&(struct wire_message){.kind = WIRE_REPORT,
                                             .report = {.session = 1,
                                                        .sent_ms = 2,
                                                        .highest_epoch = 7,
                                                        .full = true,
                                                        .attempts = attempts,
                                                        .attempt_count = 3}});
}

static void a_start_survives(void **state)
{
    char *texts[] = {(char *)"-n", (char *)"", (char *)"\xc3\xa4\t\x01\x7f\\"};
    struct wire_file inputs[] = {
        {.name = (char *)"in", .sha256 = (char *)"ab", .size = 9, .mode = 0600}};
    struct wire_message message = {.kind = WIRE_START,
                                   .start = {.session = 4,
                                             .epoch = 9,
                                             .job = 1,
                                             .request = {.cpus = 1},
                                             .user = (char *)"anna",
                                             .program = (char *)"walk",
                                             .program_is_input = true,
                                             .arguments = {texts, 3},
                                             .environment = {texts, 1},
                                             .inputs = inputs,
                                             .input_count = 1,
                                             .keep_stdout = true}};

    (void)state;
    assert_round_trip(&message);
    message.start.outputs_given = true;
    message.start.outputs = (struct wire_strings){texts, 2};
    message.start.stdin_name = (char *)"in";
    message.start.gpus_given = true;
    assert_round_trip(&message);
    message.start.request.gpus = 3;
    assert_round_trip(&message);
    message.start.attributes =
        (struct attributes){.items = &(struct attribute){(char *)"Pages", (char *)"7"}, .count = 1};
    assert_round_trip(&message);
    message.start.image =
        (struct wire_image){.sha256 = (char *)"ab", .kind = IMAGE_EROFS, .size = 1ULL << 40};
    assert_round_trip(&message);
}

static void how_a_task_saves_itself_survives(void **state)
{
    char *texts[] = {(char *)"state", (char *)"out/"};
    struct wire_file inputs[] = {
        {.name = (char *)"in", .sha256 = (char *)"ab", .size = 9, .mode = 0600, .saved = true}};
    struct wire_message message = {.kind = WIRE_START,
                                   .start = {.session = 4,
                                             .epoch = 9,
                                             .user = (char *)"anna",
                                             .program = (char *)"walk",
                                             .inputs = inputs,
                                             .input_count = 1,
                                             .checkpoint = 3,
                                             .kill_signal = 10,
                                             .saving.to_leave = true}};

    (void)state;
    assert_round_trip(&message);
    message.start.saving = (struct wire_saving){.exit_signal = 15, .files_given = true};
    message.start.vacate_given = true;
    assert_round_trip(&message);
    message.start.saving =
        (struct wire_saving){.exit_code_given = true, .files_given = true, .files = {texts, 2}};
    message.start.vacate_ms = 4000;
    assert_round_trip(&message);
}

static void a_checkpoint_survives(void **state)
{
    struct wire_output files[] = {
        {.kind = WIRE_OUTPUT_FILE, .name = (char *)"state", .size = 4, .mode = 0600},
        {.kind = WIRE_OUTPUT_STDOUT, .name = (char *)"_dusk_stdout", .size = 0, .mode = 0644}};
    struct wire_attempt attempt = {
        .epoch = 9,
        .job = 1,
        .attempt = 1,
        .state = ATTEMPT_RUNNING,
        .reason = REASON_SAVED_ITSELF,
        .checkpoint = {.number = INT64_MAX, .files = files, .file_count = 2}};

    (void)state;
    assert_round_trip(&(struct wire_message){
        .kind = WIRE_REPORT, .report = {.session = 1, .attempts = &attempt, .attempt_count = 1}});
    assert_round_trip(&(struct wire_message){
        .kind = WIRE_WANT,
        .want = {.stream = 2, .kind = WIRE_WANT_SAVED, .epoch = 4, .checkpoint = 3, .output = 7}});
    assert_round_trip(&(struct wire_message){
        .kind = WIRE_SAVED,
        .saved = {.epoch = 4, .checkpoint = 3, .failure = REASON_DISK_FULL_ON_SERVER}});
}

static void wants_ends_and_orders_survive(void **state)
{
    (void)state;
    assert_round_trip(&(struct wire_message){
        .kind = WIRE_WANT,
        .want = {.stream = 1, .kind = WIRE_WANT_CONTENT, .sha256 = (char *)"00"}});
    assert_round_trip(&(struct wire_message){
        .kind = WIRE_WANT,
        .want = {.stream = 2, .kind = WIRE_WANT_OUTPUT, .epoch = 4, .output = 7}});
    assert_round_trip(&(struct wire_message){
        .kind = WIRE_WANT,
        .want = {.stream = 3, .kind = WIRE_WANT_TAIL, .tail_of_stderr = true, .offset = 10}});
    assert_round_trip(&(struct wire_message){
        .kind = WIRE_END,
        .end = {.stream = 3, .failure = REASON_DISK_FULL_ON_NODE, .detail = (char *)"full"}});
    assert_round_trip(&(struct wire_message){.kind = WIRE_STOP, .epoch = 12});
    assert_round_trip(&(struct wire_message){.kind = WIRE_FORGET, .epoch = 13});
    assert_round_trip(&(struct wire_message){.kind = WIRE_CANCEL, .stream = 14});
    assert_round_trip(&(struct wire_message){.kind = WIRE_WAKE, .card = (char *)"52:54:00"});
}

static void what_is_no_utf8_becomes_a_replacement_character(void **state)
{
    struct wire_batch batch = {0};

    (void)state;
    wire_batch_append(
        &batch, &(struct wire_message){.kind = WIRE_END, .end = {.detail = (char *)"a\xff\xc3(b"}});
    assert_non_null(strstr(batch.frame.data, "a\\ufffd\\ufffd(b"));
    wire_batch_deinit(&batch);
}

static int count(void *userdata, struct wire_message *message)
{
    (void)message;
    (*(int *)userdata)++;
    return 0;
}

#define ATTEMPT                                                                                    \
    "[{\"report\":{\"session\":1,\"sent_ms\":1,\"highest_epoch\":1,\"attempts\":[{\"epoch\":1,"    \
    "\"job\":1,\"task\":0,\"attempt\":1,\"reason\":\"none\",\"state\":\"running\","

#define HELLO                                                                                      \
    "[{\"hello\":{\"protocol\":1,\"version\":\"x\",\"machine\":\"0000000000000001\",\"cpus\":1,"   \
    "\"memory\":1,\"disk\":1,\"facts\":{},"

static void malformed_frames_are_refused_with_the_place(void **state)
{
    static const struct {
        const char *frame;
        const char *words;
    } cases[] = {
        {"", "not JSON"},
        {"{}", "not an array"},
        {"[17]", "no known kind"},
        {"[{\"dance\":{}}]", "no known kind"},
        {"[{\"stop\":{}}]", "in 'stop': 'epoch'"},
        {"[{\"stop\":{\"epoch\":-1}}]", "in 'stop': 'epoch'"},
        {"[{\"stop\":{\"epoch\":\"1\"}}]", "in 'stop': 'epoch'"},
        {"[{\"stop\":17}]", "in 'stop': 'epoch'"},
        {"[{\"want\":{\"stream\":1,\"of\":\"everything\"}}]", "in 'want': 'of'"},
        {"[{\"want\":{\"stream\":1,\"of\":\"content\",\"sha256\":\"a\\u0000b\"}}]", "not JSON"},
        {"[{\"hello\":{\"protocol\":1,\"version\":\"x\",\"machine\":\"12\"}}]", "'machine'"},
        {"[{\"report\":{\"session\":1,\"sent_ms\":1,\"highest_epoch\":1,\"attempts\":[{\"epoch\":1,"
         "\"job\":4294967295,\"task\":0,\"attempt\":1,\"reason\":\"none\",\"state\":\"running\"}]}}"
         "]",
         "'job'"},
        {"[{\"report\":{\"session\":1,\"sent_ms\":1,\"highest_epoch\":1,\"attempts\":[{\"epoch\":1,"
         "\"job\":1,\"task\":0,\"attempt\":1,\"reason\":\"none\",\"state\":\"ended\","
         "\"outcome\":\"none\"}]}}]",
         "'outcome'"},
        {ATTEMPT "\"checkpoint\":{\"number\":0,\"kind\":\"files\",\"files\":[]}}]}}]", "'number'"},
        {ATTEMPT "\"checkpoint\":{\"number\":1,\"kind\":\"x\",\"files\":[]}}]}}]", "'kind'"},
        {ATTEMPT "\"checkpoint\":{\"number\":1,\"kind\":\"files\"}}]}}]", "'files'"},
        {"[{\"want\":{\"stream\":1,\"of\":\"saved\",\"epoch\":1,\"output\":1}}]", "'checkpoint'"},
        {"[{\"saved\":{\"epoch\":1,\"checkpoint\":1}}]", "'failure'"},
        {"[{\"stop\":{\"epoch\":1}},{\"stop\":{\"epoch\":1,\"epoch\":2}}]", "not JSON"},
        {HELLO "\"attributes\":[]}}]", "'attributes' is missing or not"},
        {HELLO "\"attributes\":{\"Arch\":17}}}]", "'attributes' is missing or not"},
        {HELLO "\"attributes\":{\"Arch\":null}}}]", "'attributes' is missing or not"},
        {HELLO "\"attributes\":{\"Arch\":\"\"}}}]",
         "in 'hello': 'attributes': the value of 'Arch'"},
        {HELLO "\"attributes\":{\"a b\":\"1\"}}}]", "'a b' is no name"},
        {HELLO "\"attributes\":{\"A\":\"1\",\"A\":\"2\"}}}]", "not JSON"},
        {REPORT "\"owner\":{}}}]", "'sources'"},
        {REPORT "\"owner\":{\"sources\":[{}]}}}]", "'name'"},
        {REPORT "\"owner\":{\"sources\":[],\"end_ms\":-1}}}]", "'end_ms'"},
        {REPORT "\"attributes\":{\"A\":\"a\\nb\"}}}]", "the value of 'A'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        _cleanup_error_ struct error err = ERROR_INIT;
        int messages = 0;

        assert_int_equal(wire_decode(slice_from_text(cases[i].frame), count, &messages, &err),
                         -EPROTO);
        if (!strstr(error_text(&err), cases[i].words))
            fail_msg("'%s' says: %s", cases[i].frame, error_text(&err));
        assert_int_equal(messages, 0);
    }
}

static int give_up(void *userdata, struct wire_message *message)
{
    (void)userdata;
    (void)message;
    return -ECANCELED;
}

static void a_callback_that_fails_ends_the_walk(void **state)
{
    (void)state;
    assert_int_equal(
        wire_decode(slice_from_text("[{\"stop\":{\"epoch\":1}}]"), give_up, NULL, NULL),
        -ECANCELED);
}

static void a_batch_without_messages_is_no_frame(void **state)
{
    struct wire_batch batch = {0};

    (void)state;
    assert_false(wire_batch_close(&batch));
    wire_batch_append(&batch, &(struct wire_message){.kind = WIRE_STOP, .epoch = 1});
    wire_batch_clear(&batch);
    assert_false(wire_batch_close(&batch));
    wire_batch_deinit(&batch);
}

static void a_piece_carries_its_number(void **state)
{
    _cleanup_buffer_ struct buffer frame = BUFFER_INIT;
    struct slice bytes;
    uint64_t stream;

    (void)state;
    wire_piece_begin(&frame, 0x0102030405060708ULL);
    assert_false(wire_piece_read(frame.data, 7, &stream, &bytes));
    buffer_append_text(&frame, "data");
    assert_true(wire_piece_read(frame.data, frame.length, &stream, &bytes));
    assert_true(stream == 0x0102030405060708ULL);
    assert_true(slice_equals(bytes, "data"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_survives),
        cmocka_unit_test(changes_of_attributes_survive),
        cmocka_unit_test(whose_the_computer_is_survives),
        cmocka_unit_test(an_unknown_reason_is_still_one),
        cmocka_unit_test(a_welcome_and_a_renewal_survive),
        cmocka_unit_test(a_report_with_a_result_survives),
        cmocka_unit_test(a_start_survives),
        cmocka_unit_test(how_a_task_saves_itself_survives),
        cmocka_unit_test(a_checkpoint_survives),
        cmocka_unit_test(wants_ends_and_orders_survive),
        cmocka_unit_test(what_is_no_utf8_becomes_a_replacement_character),
        cmocka_unit_test(malformed_frames_are_refused_with_the_place),
        cmocka_unit_test(a_callback_that_fails_ends_the_walk),
        cmocka_unit_test(a_batch_without_messages_is_no_frame),
        cmocka_unit_test(a_piece_carries_its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
