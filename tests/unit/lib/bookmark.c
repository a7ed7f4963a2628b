#include "lib/bookmark.h"

#include <criterion/criterion.h>

static struct bookmark bookmark;
static uint64_t after;

static void begin_mail(uint64_t newest) {
    bookmark = (struct bookmark){.counts = true};
    bookmark_begin(&bookmark, newest);
}

/* The program gets this message and asks for the next one. */
static void receive(uint64_t seq) {
    cr_assert(bookmark_admit(&bookmark, seq, true));
    bookmark.in_hand = seq;
    bookmark_take(&bookmark);
}

Test(bookmark, 01_a_link_for_mail_begins_where_its_handle_stopped) {
    bookmark = (struct bookmark){.counts = true};
    cr_assert_not(bookmark_is_known(&bookmark, &after));
    bookmark_begin(&bookmark, 10);
    bookmark_end(&bookmark, 0);
    cr_assert_not(bookmark_is_known(&bookmark, &after), "nothing has come, so nothing changes");
}

Test(bookmark, 02_any_other_link_goes_on_where_it_began) {
    bookmark = (struct bookmark){0};
    cr_assert_not(bookmark_is_known(&bookmark, &after));
    bookmark_begin(&bookmark, 10);
    cr_assert(bookmark_is_known(&bookmark, &after));
    cr_assert_eq(after, 10);
}

Test(bookmark, 03_the_beginning_can_be_asked_for) {
    bookmark = (struct bookmark){.counts = true, .has_begin = true, .begin = 0};
    cr_assert(bookmark_is_known(&bookmark, &after));
    cr_assert_eq(after, 0);
    bookmark = (struct bookmark){.counts = true, .has_begin = true, .begin = 5};
    bookmark_begin(&bookmark, 10);
    cr_assert(bookmark_is_known(&bookmark, &after));
    cr_assert_eq(after, 5);
}

Test(bookmark, 04_after_a_reconnect_it_goes_on_behind_what_was_received) {
    begin_mail(10);
    receive(11);
    bookmark_end(&bookmark, 13); /* 12 and 13 are in the inbox */
    cr_assert(bookmark_is_known(&bookmark, &after));
    cr_assert_eq(after, 13);
    bookmark_begin(&bookmark, 20);
    bookmark_end(&bookmark, 0); /* the next session brought nothing */
    cr_assert(bookmark_is_known(&bookmark, &after));
    cr_assert_eq(after, 13);
}

Test(bookmark, 05_what_came_before_is_not_admitted_again) {
    begin_mail(10);
    receive(11);
    receive(13);
    cr_assert_not(bookmark_admit(&bookmark, 13, true));
    cr_assert_not(bookmark_admit(&bookmark, 12, true));
    cr_assert(bookmark_admit(&bookmark, 14, true));
}

Test(bookmark, 06_a_hub_without_the_old_log_counts_anew) {
    begin_mail(10);
    receive(500);
    bookmark_end(&bookmark, 500);
    bookmark_begin(&bookmark, 3);
    cr_assert_not(bookmark_is_known(&bookmark, &after), "all of the new log is new");
    cr_assert_eq(bookmark.resume, 0);
    cr_assert_eq(bookmark.taken, 0);
    cr_assert_not(bookmark_has_news(&bookmark));
    cr_assert(bookmark_admit(&bookmark, 501, false), "what the old hub sent is in the inbox still");
    bookmark.in_hand = 501;
    bookmark_take(&bookmark);
    cr_assert_not(bookmark_has_news(&bookmark), "and means nothing to this hub");
    bookmark_enter(&bookmark, bookmark.resume);
    receive(2);
    cr_assert(bookmark_has_news(&bookmark));
    cr_assert_eq(bookmark.taken, 2);
}

Test(bookmark, 07_a_message_is_taken_when_the_next_one_is_asked_for) {
    begin_mail(10);
    cr_assert(bookmark_admit(&bookmark, 11, true));
    bookmark.in_hand = 11;
    cr_assert_not(bookmark_has_news(&bookmark));
    bookmark_take(&bookmark);
    cr_assert(bookmark_has_news(&bookmark));
    cr_assert_eq(bookmark.taken, 11);
    bookmark_told(&bookmark);
    cr_assert_not(bookmark_has_news(&bookmark));
}

Test(bookmark, 08_another_hub_is_told_anew) {
    begin_mail(10);
    receive(11);
    bookmark_read(&bookmark, 11);
    bookmark_told(&bookmark);
    bookmark_end(&bookmark, 11);
    bookmark_begin(&bookmark, 20);
    cr_assert(bookmark_has_news(&bookmark), "the old one may have died before it stored this");
    cr_assert_eq(bookmark.taken, 11);
    cr_assert_eq(bookmark.read, 11);
}

Test(bookmark, 09_nothing_counts_behind_a_message_that_was_passed_over) {
    begin_mail(10);
    receive(11);
    cr_assert(bookmark_admit(&bookmark, 12, true));
    bookmark.in_hand = 12;
    bookmark.is_passed = true;
    bookmark_take(&bookmark);
    receive(13);
    bookmark_read(&bookmark, 13);
    cr_assert_eq(bookmark.taken, 11);
    cr_assert_eq(bookmark.read, 0);
}

Test(bookmark, 10_a_link_without_mail_has_nothing_to_tell) {
    bookmark = (struct bookmark){0};
    bookmark_begin(&bookmark, 10);
    receive(11);
    cr_assert_not(bookmark_has_news(&bookmark));
}

Test(bookmark, 11_until_it_is_read_nothing_counts_as_taken) {
    bookmark = (struct bookmark){.counts = true, .until_read = true};
    bookmark_begin(&bookmark, 10);
    receive(11);
    receive(12);
    cr_assert_not(bookmark_has_news(&bookmark));
    bookmark_read(&bookmark, 11);
    cr_assert(bookmark_has_news(&bookmark));
    cr_assert_eq(bookmark_next(&bookmark), 11);
}

Test(bookmark, 12_what_was_skipped_is_told_before_what_came_after_it) {
    bookmark = (struct bookmark){.counts = true, .until_read = true};
    bookmark_begin(&bookmark, 10);
    receive(11);
    bookmark_end(&bookmark, 11);
    bookmark_begin(&bookmark, 11);
    receive(12);
    bookmark_read(&bookmark, 12);
    cr_assert_eq(bookmark_next(&bookmark), 11, "this session began behind it");
    bookmark_told(&bookmark);
    cr_assert(bookmark_has_news(&bookmark));
    cr_assert_eq(bookmark_next(&bookmark), 12);
    bookmark_told(&bookmark);
    cr_assert_not(bookmark_has_news(&bookmark));
}

Test(bookmark, renamed_lets_older_mail_in) {
    struct bookmark mine = {.counts = true};
    bookmark_begin(&mine, 100);
    cr_assert(bookmark_admit(&mine, 90, true));
    mine.in_hand = 90;
    bookmark_take(&mine);
    cr_assert_not(bookmark_admit(&mine, 50, true));
    bookmark_renamed(&mine);
    uint64_t begin;
    cr_assert_not(bookmark_is_known(&mine, &begin));
    cr_assert_not(bookmark_has_news(&mine), "what the other handle took is not told of this one");
    cr_assert(bookmark_admit(&mine, 50, true));
}
