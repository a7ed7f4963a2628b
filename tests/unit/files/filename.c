#include "files/filename.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/text.h"

static const char *clean_bytes(const char *data, size_t n) {
    static struct filename name;
    cr_assert_eq(filename_clean(&name, (struct bytes){data, n}), 0);
    return name.s;
}

static const char *clean(const char *name) {
    return clean_bytes(name, strlen(name));
}

Test(filename, 01_a_good_name_stays) {
    const char *const names[] = {
        "a", "report (final).pdf", "naïve.txt", "日本語", "a.b.c", "x-y_z", "~tilde", "a..b"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        cr_expect_str_eq(clean(names[i]), names[i]);
}

Test(filename, 02_what_is_not_fit_is_replaced) {
    cr_expect_str_eq(clean(""), "_");
    cr_expect_str_eq(clean("."), "_");
    cr_expect_str_eq(clean(".."), "_.");
    cr_expect_str_eq(clean("/"), "_");
    cr_expect_str_eq(clean("/etc/passwd"), "_etc_passwd");
    cr_expect_str_eq(clean("../../etc/passwd"), "_._.._etc_passwd");
    cr_expect_str_eq(clean(".bashrc"), "_bashrc");
    cr_expect_str_eq(clean("-rf"), "_rf");
    cr_expect_str_eq(clean("a\nb\x1b[31m"), "a^Jb^[[31m");
    cr_expect_str_eq(clean("a\xff"), "a<FF>");
    cr_expect_str_eq(clean("exe\u202efdp.txt"), "exe<U+202E>fdp.txt");
    cr_expect_str_eq(clean_bytes("a\0b", 3), "a^@b");
}

/* Everything that could lead out of a directory, or be taken for an option or a hidden file. */
Test(filename, 03_any_bytes_make_a_harmless_name) {
    unsigned seed = 1;
    for (unsigned round = 0; round < 20000; round++) {
        char bytes[400];
        size_t n = round % sizeof bytes;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1103515245U + 12345U;
            bytes[i] = "./-\\ \n\xff\xc3\xa9"
                       "a\0~"[(seed >> 16) % 12];
        }
        const char *name = clean_bytes(bytes, n);
        cr_assert(name[0] && name[0] != '.' && name[0] != '-');
        cr_assert_null(strchr(name, '/'));
        cr_assert_leq(strlen(name), FILENAME_BYTES_MAX);
        cr_assert(text_is_valid(bytes_of(name)));
        char again[FILENAME_BYTES_MAX + 1];
        snprintf(again, sizeof again, "%s", name);
        cr_assert_str_eq(clean(again), again);
    }
}

static void expect_choice(const char *name, unsigned n, bool is_directory, const char *wanted) {
    struct filename first, choice;
    cr_assert_eq(filename_clean(&first, bytes_of(name)), 0);
    filename_choice(&choice, &first, n, is_directory);
    cr_expect_str_eq(choice.s, wanted);
}

Test(filename, 04_choices_keep_the_extension) {
    expect_choice("a.txt", 1, false, "a.txt");
    expect_choice("a.txt", 2, false, "a (2).txt");
    expect_choice("a.tar.gz", 12, false, "a (12).tar.gz");
    expect_choice(".tar.gz", 2, false, "_tar (2).gz");
    expect_choice("none", 3, false, "none (3)");
    expect_choice("conf.d", 2, true, "conf.d (2)");
    expect_choice("Mr. Somebody's long title", 2, false, "Mr. Somebody's long title (2)");
}

Test(filename, 05_long_names_are_cut) {
    char name[1024];
    memset(name, 'x', sizeof name);
    memcpy(name + 300, ".jpeg", 6);
    struct filename first, choice, part;
    cr_assert_eq(filename_clean(&first, bytes_of(name)), 0);
    cr_expect_eq(strlen(first.s), FILENAME_BYTES_MAX);
    cr_expect_str_eq(first.s + FILENAME_BYTES_MAX - 6, "x.jpeg");
    filename_choice(&choice, &first, 9999, false);
    filename_part(&part, &choice);
    cr_expect_leq(strlen(choice.s), FILENAME_BYTES_MAX);
    cr_expect_leq(strlen(part.s), FILENAME_BYTES_MAX);
    cr_expect_not_null(strstr(part.s, " (9999)"), "the parts of two choices differ");
    cr_expect_str_eq(part.s + strlen(part.s) - 5, ".part");
}

Test(filename, 06_no_character_is_cut_in_two) {
    char name[600] = "";
    for (size_t i = 0; i + 3 < sizeof name; i += 3)
        memcpy(name + i, "\u20ac", 4);
    for (unsigned n = 1; n < 200; n += 9) {
        struct filename first, choice, part;
        cr_assert_eq(filename_clean(&first, bytes_of(name)), 0);
        filename_choice(&choice, &first, n, false);
        filename_part(&part, &choice);
        cr_assert(text_is_valid(bytes_of(first.s)));
        cr_assert(text_is_valid(bytes_of(choice.s)));
        cr_assert(text_is_valid(bytes_of(part.s)));
    }
}
