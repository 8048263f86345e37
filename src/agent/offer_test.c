/* SPDX-License-Identifier: Apache-2.0 */
#include "offer.h"

#include "base/memory.h"
#include "base/test.h"

#include <errno.h>
#include <string.h>

static const struct computer computer = {
    .cpus = 4, .memory_bytes = 1000, .disk_free_bytes = 50, .gpus.count = 3};

/* What is lent of the part on that computer, or the error. */
static int64_t lent(enum offer_part part, const char *text)
{
    struct offer offer = OFFER_INIT;
    int r = offer_set(&offer, part, slice_from_text(text), NULL);
    struct resources capacity = offer_capacity(&offer, &computer);
    const int64_t amounts[OFFER_PART_COUNT] = {[OFFER_CPUS] = capacity.cpus,
                                               [OFFER_MEMORY] = (int64_t)capacity.memory,
                                               [OFFER_DISK] = (int64_t)capacity.disk,
                                               [OFFER_GPUS] = capacity.gpus};

    return r < 0 ? r : amounts[part];
}

/* "text / hint" of what is wrong with it; the caller's. */
static char *complaint(enum offer_part part, const char *text)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct offer offer = OFFER_INIT;
    struct buffer words = BUFFER_INIT;

    assert_int_equal(offer_set(&offer, part, slice_from_text(text), &err), -EINVAL);
    assert_int_equal(offer.parts[part].kind, OFFER_ALL);
    buffer_appendf(&words, "%s / %s", error_text(&err), err.hint);
    return buffer_take(&words);
}

static void all_is_lent_but_a_twentieth_of_the_memory_unless_somebody_says_less(void **state)
{
    struct resources capacity = offer_capacity(&OFFER_INIT, &computer);

    (void)state;
    assert_int_equal(capacity.cpus, 4);
    assert_int_equal(capacity.memory, 950);
    assert_int_equal(capacity.disk, 50);
    assert_int_equal(capacity.gpus, 3);
}

static void an_amount_counts_as_it_is(void **state)
{
    (void)state;
    assert_int_equal(lent(OFFER_CPUS, "3"), 3);
    assert_int_equal(lent(OFFER_CPUS, "65535"), 65535);
    assert_int_equal(lent(OFFER_MEMORY, " 8 GB "), 8LL << 30);
    assert_int_equal(lent(OFFER_MEMORY, "1000"), 1000);
    assert_int_equal(lent(OFFER_DISK, "1.5T"), 3LL << 39);
    assert_int_equal(lent(OFFER_GPUS, "0"), 0);
    assert_int_equal(lent(OFFER_GPUS, "256"), 256);
}

static void a_share_is_one_of_what_is_lent_without_it_rounded_down(void **state)
{
    (void)state;
    assert_int_equal(lent(OFFER_CPUS, "50 %"), 2);
    assert_int_equal(lent(OFFER_CPUS, "99%"), 3);
    assert_int_equal(lent(OFFER_CPUS, "1%"), 1);
    assert_int_equal(lent(OFFER_CPUS, "100%"), 4);
    assert_int_equal(lent(OFFER_MEMORY, "75%"), 712);
    assert_int_equal(lent(OFFER_MEMORY, "100 %"), 950);
    assert_int_equal(lent(OFFER_DISK, "\t25\t%\t"), 12);
    assert_int_equal(lent(OFFER_GPUS, "50%"), 1);
    assert_int_equal(lent(OFFER_GPUS, "33%"), 0);
    assert_int_equal(lent(OFFER_GPUS, "0 %"), 0);
}

static void a_share_of_very_much_is_exact(void **state)
{
    struct computer large = {.cpus = 1, .memory_bytes = 1, .disk_free_bytes = UINT64_MAX};
    struct offer offer = OFFER_INIT;

    (void)state;
    assert_int_equal(offer_set(&offer, OFFER_DISK, slice_from_text("100%"), NULL), 0);
    assert_true(offer_capacity(&offer, &large).disk == UINT64_MAX);
    assert_int_equal(offer_set(&offer, OFFER_DISK, slice_from_text("50%"), NULL), 0);
    assert_true(offer_capacity(&offer, &large).disk == UINT64_MAX / 2);
}

static void what_is_no_amount_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        " ",
        "%",
        "%%",
        "50 % %",
        "% 50",
        "-1",
        "-1 %",
        "0.5 %",
        "33.3%",
        "101%",
        "1e1%",
        "nan",
        "nan %",
        "inf",
        "inf%",
        "0x10",
        "50 %, 2",
        "2,5",
        "50 per",
        "50%x",
        "all",
        "1 2",
        "5 0 %",
        "18446744073709551616",
        "18446744073709551616 %",
        "18446744073709551666%",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
        for (enum offer_part part = 0; part < OFFER_PART_COUNT; part++)
            if (lent(part, wrong[i]) != -EINVAL)
                fail_msg("'%s' is taken as amount %d", wrong[i], (int)part);
    assert_int_equal(lent(OFFER_CPUS, "65536"), -EINVAL);
    assert_int_equal(lent(OFFER_CPUS, "2.5"), -EINVAL);
    assert_int_equal(lent(OFFER_GPUS, "257"), -EINVAL);
    assert_int_equal(lent(OFFER_GPUS, "CUDA0"), -EINVAL);
    assert_int_equal(lent(OFFER_MEMORY, "8192P"), -EINVAL);
    assert_int_equal(lent(OFFER_DISK, "1e300"), -EINVAL);
}

/* Whoever writes that wants to lend nothing, and must not lend everything. */
static void none_of_it_is_refused_but_of_gpus(void **state)
{
    static const char *const none[] = {"0", "0%", "00 %"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(none); i++) {
        assert_int_equal(lent(OFFER_CPUS, none[i]), -EINVAL);
        assert_int_equal(lent(OFFER_MEMORY, none[i]), -EINVAL);
        assert_int_equal(lent(OFFER_DISK, none[i]), -EINVAL);
        assert_int_equal(lent(OFFER_GPUS, none[i]), 0);
    }
}

static void a_complaint_says_what_would_be_right(void **state)
{
    static const struct {
        enum offer_part part;
        const char *text, *complaint;
    } cases[] = {
        {OFFER_CPUS, "0",
         "'0' is no number from 1 to 65535 / "
         "a share of what there is may be said as well, as in 50 %"},
        {OFFER_GPUS, " many ",
         "'many' is no number from 0 to 256 / "
         "a share of what there is may be said as well, as in 50 %"},
        {OFFER_MEMORY, "lots",
         "'lots' is no size such as 500M, 8G or 1.5T / "
         "a share of what there is may be said as well, as in 50 %"},
        {OFFER_DISK, "101 %",
         "'101 %' is no share from 1 % to 100 % / "
         "say a whole number before the '%', as in 50 %"},
        {OFFER_GPUS, "50 % %",
         "'50 % %' is no share from 0 % to 100 % / "
         "say a whole number before the '%', as in 50 %"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        _cleanup_free_ char *said = complaint(cases[i].part, cases[i].text);

        assert_string_equal(said, cases[i].complaint);
    }
}

/* ---- the line ---- */

/* The parts as they were read, for comparing: "cpus 50%, memory 8192"; the caller's. */
static char *write_offer(const struct offer *offer)
{
    static const char *const names[OFFER_PART_COUNT] = {"cpus", "memory", "disk", "gpus"};
    struct buffer words = BUFFER_INIT;

    for (size_t i = 0; i < OFFER_PART_COUNT; i++)
        if (offer->parts[i].kind != OFFER_ALL)
            buffer_appendf(&words, "%s%s %llu%s", words.length > 0 ? ", " : "", names[i],
                           (unsigned long long)offer->parts[i].value,
                           offer->parts[i].kind == OFFER_SHARE ? "%" : "");
    return buffer_take(&words);
}

static void assert_read(const char *text, const char *expected)
{
    struct offer offer = OFFER_INIT;
    _cleanup_free_ char *words = NULL;

    assert_int_equal(offer_read(&offer, text, NULL), 0);
    words = write_offer(&offer);
    assert_string_equal(words, expected);
}

static void a_line_names_any_parts_in_any_order(void **state)
{
    (void)state;
    assert_read("cpus 50 %, memory 8 KB, disk 100 KB, gpus 1",
                "cpus 50%, memory 8192, disk 102400, gpus 1");
    assert_read("gpus 0,disk 10%\t,  cpus\t2", "cpus 2, disk 10%, gpus 0");
    assert_read(" memory 75% ", "memory 75%");
}

static void a_line_stands_in_place_of_the_one_before(void **state)
{
    struct offer offer = OFFER_INIT;
    _cleanup_free_ char *words = NULL;

    (void)state;
    assert_int_equal(offer_read(&offer, "cpus 1, gpus 1", NULL), 0);
    assert_int_equal(offer_read(&offer, "cpus 2", NULL), 0);
    assert_int_equal(offer_read(&offer, "gpus 2, disk 0", NULL), -EINVAL);
    words = write_offer(&offer);
    assert_string_equal(words, "cpus 2");
}

static void a_line_with_a_mistake_is_refused(void **state)
{
    static const char *const wrong[][2] = {
        {"", "there is a comma too many, or nothing at all"},
        {" \t", "there is a comma too many, or nothing at all"},
        {",", "there is a comma too many, or nothing at all"},
        {"cpus 1,", "there is a comma too many, or nothing at all"},
        {", cpus 1", "there is a comma too many, or nothing at all"},
        {"cpus 1, , gpus 1", "there is a comma too many, or nothing at all"},
        {"cpus 1, memory 5%, cpus 1", "'cpus' is there twice"},
        {"gpus 0, gpus 0", "'gpus' is there twice"},
        {"cpus", "cpus: '' is no number from 1 to 65535"},
        {"cpus 1 memory 8G", "cpus: '1 memory 8G' is no number from 1 to 65535"},
        {"cpus = 2", "cpus: '= 2' is no number from 1 to 65535"},
        {"cpus 50 % %", "cpus: '50 % %' is no share from 1 % to 100 %"},
        {"memory 0 %", "memory: '0 %' is no share from 1 % to 100 %"},
        {"gpus 1, disk nan", "disk: 'nan' is no size such as 500M, 8G or 1.5T"},
        {"memory 1,5 GB", "'5' is none of cpus, memory, disk and gpus"},
        {"cpus50%", "'cpus50%' is none of cpus, memory, disk and gpus"},
        {"50 % cpus", "'50' is none of cpus, memory, disk and gpus"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        _cleanup_error_ struct error err = ERROR_INIT;
        struct offer offer = OFFER_INIT;

        assert_int_equal(offer_read(&offer, wrong[i][0], &err), -EINVAL);
        assert_string_equal(error_text(&err), wrong[i][1]);
        assert_non_null(err.hint);
    }
}

static void a_word_that_is_nearly_right_is_understood_in_the_hint(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct offer offer = OFFER_INIT;

    (void)state;
    assert_int_equal(offer_read(&offer, "Memroy 8G", &err), -EINVAL);
    assert_string_equal(err.hint, "did you mean 'memory'?");
    assert_int_equal(offer_read(&offer, "processors 2", &err), -EINVAL);
    assert_string_equal(err.hint, "say what and how much of it, as in 'cpus 50 %, memory 8 GB'");
}

static void a_line_joins_the_keys_that_it_does_not_name(void **state)
{
    struct offer offer = OFFER_INIT, line = OFFER_INIT;
    _cleanup_error_ struct error err = ERROR_INIT;
    _cleanup_free_ char *words = NULL;

    (void)state;
    assert_int_equal(offer_set(&offer, OFFER_GPUS, slice_from_text("0"), NULL), 0);
    assert_int_equal(offer_read(&line, "memory 5%, disk 3", NULL), 0);
    assert_int_equal(offer_join(&offer, &line, &err), 0);
    words = write_offer(&offer);
    assert_string_equal(words, "memory 5%, disk 3, gpus 0");
    assert_int_equal(offer_read(&line, "cpus 2, gpus 1", NULL), 0);
    assert_int_equal(offer_join(&offer, &line, &err), -EINVAL);
    assert_string_equal(error_text(&err), "'offer' and 'gpus' both say how much is lent");
    assert_string_equal(err.hint, "take out either the key 'gpus', or 'gpus' from 'offer'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_lent_but_a_twentieth_of_the_memory_unless_somebody_says_less),
        cmocka_unit_test(an_amount_counts_as_it_is),
        cmocka_unit_test(a_share_is_one_of_what_is_lent_without_it_rounded_down),
        cmocka_unit_test(a_share_of_very_much_is_exact),
        cmocka_unit_test(what_is_no_amount_is_refused),
        cmocka_unit_test(none_of_it_is_refused_but_of_gpus),
        cmocka_unit_test(a_complaint_says_what_would_be_right),
        cmocka_unit_test(a_line_names_any_parts_in_any_order),
        cmocka_unit_test(a_line_stands_in_place_of_the_one_before),
        cmocka_unit_test(a_line_with_a_mistake_is_refused),
        cmocka_unit_test(a_word_that_is_nearly_right_is_understood_in_the_hint),
        cmocka_unit_test(a_line_joins_the_keys_that_it_does_not_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
