/* A line of IRC is taken apart as IRCv3 and RFC 1459 say, whatever stands in it. */
#include "irc/line.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static char buffer[2 * TAGS_BYTES_MAX];
static struct irc_line line;

static enum line_outcome parse(const char *text) {
    snprintf(buffer, sizeof buffer, "%s", text);
    return line_parse(&line, buffer, strlen(buffer));
}

Test(irc_line, 01_command_and_parameters) {
    cr_assert_eq(parse("privmsg #ops :hello there\r"), LINE_OK);
    cr_expect_str_eq(line.command, "PRIVMSG");
    cr_assert_eq(line.n_params, 2U);
    cr_expect_str_eq(line.params[0], "#ops");
    cr_expect_str_eq(line.params[1], "hello there");
    cr_expect_null(line.params[2]);
    cr_assert_eq(parse(":me!me@here  JOIN   #a  "), LINE_OK);
    cr_expect_str_eq(line.command, "JOIN");
    cr_assert_eq(line.n_params, 1U);
    cr_assert_eq(parse("TOPIC #a :"), LINE_OK);
    cr_assert_eq(line.n_params, 2U);
    cr_expect_str_eq(line.params[1], "");
    cr_assert_eq(parse("USER a b c d:e :f :g"), LINE_OK);
    cr_assert_eq(line.n_params, 5U);
    cr_expect_str_eq(line.params[3], "d:e");
    cr_expect_str_eq(line.params[4], "f :g");
}

Test(irc_line, 02_nothing_is_no_command) {
    cr_expect_eq(parse(""), LINE_EMPTY);
    cr_expect_eq(parse("\r\n"), LINE_EMPTY);
    cr_expect_eq(parse("   "), LINE_EMPTY);
    cr_expect_eq(parse(":source"), LINE_EMPTY);
    cr_expect_eq(parse("@tag=1"), LINE_EMPTY);
    cr_expect_eq(parse("@tag=1 :source "), LINE_EMPTY);
}

Test(irc_line, 03_fifteen_parameters) {
    cr_assert_eq(parse("X 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 :17"), LINE_OK);
    cr_assert_eq(line.n_params, (size_t)LINE_PARAMS_MAX);
    cr_expect_str_eq(line.params[14], "15 16 :17");
}

Test(irc_line, 04_tags) {
    cr_assert_eq(parse("@label=1;+draft/reply=a\\:b\\s\\\\c\\r\\n\\x\\;empty;=no;label=2 PING :x"),
                 LINE_OK);
    cr_expect_str_eq(line_tag_value(&line, "label"), "2", "the last one counts");
    cr_expect_str_eq(line_tag_value(&line, "+draft/reply"), "a;b \\c\r\nx");
    cr_expect_str_eq(line_tag_value(&line, "empty"), "");
    cr_expect_null(line_tag_value(&line, "no"));
    cr_expect_str_eq(line.params[0], "x");
}

Test(irc_line, 05_a_tag_comes_back_as_it_was) {
    char escaped[64], text[128];
    cr_expect_str_eq(line_escape_tag(escaped, sizeof escaped, "a;b \\c\r\n"),
                     "a\\:b\\s\\\\c\\r\\n");
    snprintf(text, sizeof text, "@t=%s PING", escaped);
    cr_assert_eq(parse(text), LINE_OK);
    cr_expect_str_eq(line_tag_value(&line, "t"), "a;b \\c\r\n");
    cr_expect_str_eq(line_escape_tag(escaped, 4, ";;;;"), "\\:", "cut between two");
}

Test(irc_line, 06_bounds) {
    char text[TAGS_BYTES_MAX + LINE_BYTES_MAX + 8], *at = text;
    memset(text, 'a', sizeof text);
    text[LINE_BYTES_MAX - 2] = '\0';
    cr_expect_eq(parse(text), LINE_OK);
    text[LINE_BYTES_MAX - 2] = 'a';
    text[LINE_BYTES_MAX - 1] = '\0';
    cr_expect_eq(parse(text), LINE_TOO_LONG);
    memset(text, 'a', sizeof text);
    *at = '@';
    snprintf(text + TAGS_BYTES_MAX - 1, 8, " PING");
    cr_expect_eq(parse(text), LINE_OK);
    memset(text, 'a', sizeof text);
    *at = '@';
    snprintf(text + TAGS_BYTES_MAX, 8, " PING");
    cr_expect_eq(parse(text), LINE_TOO_LONG);
}

Test(irc_line, 07_only_utf8) {
    cr_expect_eq(parse("PRIVMSG #a :caf\xc3\xa9"), LINE_OK);
    cr_expect_eq(parse("PRIVMSG #a :caf\xe9"), LINE_NOT_UTF8);
    cr_expect_eq(parse("@a=\xff PING :x"), LINE_NOT_UTF8);
    memcpy(buffer, "PING\0x", 6);
    cr_expect_eq(line_parse(&line, buffer, 6), LINE_NOT_UTF8);
}

Test(irc_line, 08_masks) {
    cr_expect(line_mask_matches("*", ""));
    cr_expect(line_mask_matches("b*B", "bob"));
    cr_expect(line_mask_matches("?o*", "bobby"));
    cr_expect(line_mask_matches("*a*a*b", "aaaaaaaaab"));
    cr_expect_not(line_mask_matches("*a*a*c", "aaaaaaaaab"));
    cr_expect_not(line_mask_matches("bob", "bobby"));
    cr_expect_not(line_mask_matches("", "bob"));
    cr_expect_not(line_mask_matches("bob?", "bob"));
}
