#include "lib/place.h"

#include <criterion/criterion.h>

static struct place place;
static uint64_t after;

static void begin_mail(uint64_t newest) {
    place = (struct place){.counts = true};
    place_begin(&place, newest);
}

/* The program gets this message and asks for the next one. */
static void receive(uint64_t seq) {
    cr_assert(place_admit(&place, seq, true));
    place.in_hand = seq;
    place_take(&place);
}

Test(place, 01_a_link_for_mail_begins_where_its_handle_stopped) {
    place = (struct place){.counts = true};
    cr_assert_not(place_is_known(&place, &after));
    place_begin(&place, 10);
    place_end(&place, 0);
    cr_assert_not(place_is_known(&place, &after), "nothing has come, so nothing changes");
}

Test(place, 02_any_other_link_goes_on_where_it_began) {
    place = (struct place){0};
    cr_assert_not(place_is_known(&place, &after));
    place_begin(&place, 10);
    cr_assert(place_is_known(&place, &after));
    cr_assert_eq(after, 10);
}

Test(place, 03_the_beginning_can_be_asked_for) {
    place = (struct place){.counts = true, .has_begin = true, .begin = 0};
    cr_assert(place_is_known(&place, &after));
    cr_assert_eq(after, 0);
    place = (struct place){.counts = true, .has_begin = true, .begin = 5};
    place_begin(&place, 10);
    cr_assert(place_is_known(&place, &after));
    cr_assert_eq(after, 5);
}

Test(place, 04_after_a_reconnect_it_goes_on_behind_what_was_received) {
    begin_mail(10);
    receive(11);
    place_end(&place, 13); /* 12 and 13 are in the inbox */
    cr_assert(place_is_known(&place, &after));
    cr_assert_eq(after, 13);
    place_begin(&place, 20);
    place_end(&place, 0); /* the next session brought nothing */
    cr_assert(place_is_known(&place, &after));
    cr_assert_eq(after, 13);
}

Test(place, 05_what_came_before_is_not_admitted_again) {
    begin_mail(10);
    receive(11);
    receive(13);
    cr_assert_not(place_admit(&place, 13, true));
    cr_assert_not(place_admit(&place, 12, true));
    cr_assert(place_admit(&place, 14, true));
}

Test(place, 06_a_hub_without_the_old_log_counts_anew) {
    begin_mail(10);
    receive(500);
    place_end(&place, 500);
    place_begin(&place, 3);
    cr_assert_not(place_is_known(&place, &after), "all of the new log is new");
    cr_assert_eq(place.resume, 0);
    cr_assert_eq(place.taken, 0);
    cr_assert_not(place_has_news(&place));
    cr_assert(place_admit(&place, 501, false), "what the old hub sent is in the inbox still");
    place.in_hand = 501;
    place_take(&place);
    cr_assert_not(place_has_news(&place), "and means nothing to this hub");
    place_enter(&place, place.resume);
    receive(2);
    cr_assert(place_has_news(&place));
    cr_assert_eq(place.taken, 2);
}

Test(place, 07_a_message_is_taken_when_the_next_one_is_asked_for) {
    begin_mail(10);
    cr_assert(place_admit(&place, 11, true));
    place.in_hand = 11;
    cr_assert_not(place_has_news(&place));
    place_take(&place);
    cr_assert(place_has_news(&place));
    cr_assert_eq(place.taken, 11);
    place_told(&place);
    cr_assert_not(place_has_news(&place));
}

Test(place, 08_another_hub_is_told_anew) {
    begin_mail(10);
    receive(11);
    place_read(&place, 11);
    place_told(&place);
    place_end(&place, 11);
    place_begin(&place, 20);
    cr_assert(place_has_news(&place), "the old one may have died before it stored this");
    cr_assert_eq(place.taken, 11);
    cr_assert_eq(place.read, 11);
}

Test(place, 09_nothing_counts_behind_a_message_that_was_passed_over) {
    begin_mail(10);
    receive(11);
    cr_assert(place_admit(&place, 12, true));
    place.in_hand = 12;
    place.is_passed = true;
    place_take(&place);
    receive(13);
    place_read(&place, 13);
    cr_assert_eq(place.taken, 11);
    cr_assert_eq(place.read, 0);
}

Test(place, 10_a_link_without_mail_has_nothing_to_tell) {
    place = (struct place){0};
    place_begin(&place, 10);
    receive(11);
    cr_assert_not(place_has_news(&place));
}

Test(place, renamed_lets_older_mail_in) {
    struct place mine = {.counts = true};
    place_begin(&mine, 100);
    cr_assert(place_admit(&mine, 90, true));
    mine.in_hand = 90;
    place_take(&mine);
    cr_assert_not(place_admit(&mine, 50, true));
    place_renamed(&mine);
    uint64_t begin;
    cr_assert_not(place_is_known(&mine, &begin));
    cr_assert_not(place_has_news(&mine), "what the other handle took is not told of this one");
    cr_assert(place_admit(&mine, 50, true));
}
