/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/interface.h"

#include "base/test.h"

#include <errno.h>

static int read_text(const char *text, struct interface *ret_interface)
{
    return interface_read(slice_from_text(text), ret_interface);
}

static void a_card_is_the_same_after_it_was_written_and_read(void **state)
{
    static const char *const texts[] = {"52:54:00:12:34:56 10.0.0.5/24",
                                        "ff:fe:00:00:00:01 255.255.255.255/30 +",
                                        "00:00:00:00:00:0a 1.2.3.4/1 -"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;
        struct interface interface;

        assert_int_equal(read_text(texts[i], &interface), 0);
        interface_write(&interface, &text);
        assert_string_equal(text.data, texts[i]);
    }
}

static void what_is_no_card_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "eth0",
                                        "52:54:00:12:34 10.0.0.5/24",
                                        "52:54:00:12:34:56",
                                        "52:54:00:12:34:56 10.0.0/24",
                                        "52:54:00:12:34:56 10.0.0.5",
                                        "52:54:00:12:34:56 10.0.0.5/0",
                                        "52:54:00:12:34:56 10.0.0.5/31",
                                        "52:54:00:12:34:56 10.0.0.256/24"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct interface interface;

        assert_int_equal(read_text(texts[i], &interface), -EINVAL);
    }
}

static void two_cards_of_a_segment_have_one_network(void **state)
{
    struct interface one, other, stranger;

    (void)state;
    assert_int_equal(read_text("52:54:00:12:34:56 10.0.3.5/22", &one), 0);
    assert_int_equal(read_text("52:54:00:12:34:57 10.0.0.9/22", &other), 0);
    assert_int_equal(read_text("52:54:00:12:34:58 10.0.4.9/22", &stranger), 0);
    assert_int_equal(interface_network(&one), interface_network(&other));
    assert_int_not_equal(interface_network(&one), interface_network(&stranger));
}

/* 240.0.0.0/4 is nobody's: nothing is sent. */
static void nothing_is_sent_into_a_segment_that_this_computer_is_not_in(void **state)
{
    _cleanup_error_ struct error err = ERROR_INIT;
    struct interface card;

    (void)state;
    assert_int_equal(read_text("52:54:00:12:34:56 250.1.2.3/29", &card), 0);
    assert_int_equal(interface_wake(&card, &err), -ENETUNREACH);
}

static void the_cards_of_this_computer_can_be_read_again(void **state)
{
    struct interface cards[INTERFACES_MAX], again;
    size_t count = interfaces_list(cards, INTERFACES_MAX);

    (void)state;
    assert_int_equal(interfaces_list(cards, 0), 0);
    for (size_t i = 0; i < count; i++) {
        _cleanup_buffer_ struct buffer text = BUFFER_INIT;

        interface_write(&cards[i], &text);
        assert_int_equal(read_text(text.data, &again), 0);
        assert_memory_equal(again.hardware, cards[i].hardware, HARDWARE_ADDRESS_SIZE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_is_the_same_after_it_was_written_and_read),
        cmocka_unit_test(what_is_no_card_is_refused),
        cmocka_unit_test(two_cards_of_a_segment_have_one_network),
        cmocka_unit_test(nothing_is_sent_into_a_segment_that_this_computer_is_not_in),
        cmocka_unit_test(the_cards_of_this_computer_can_be_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
