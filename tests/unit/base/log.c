#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* What `log_write` wrote to standard error since log_begin(). */
static char logged[8192];
static int log_fds[2];
static int saved_stderr;

static void log_begin(void) {
    cr_assert_eq(pipe(log_fds), 0);
    saved_stderr = dup(STDERR_FILENO);
    cr_assert_geq(dup2(log_fds[1], STDERR_FILENO), 0);
    close(log_fds[1]);
}

static size_t log_end(void) {
    dup2(saved_stderr, STDERR_FILENO); /* the last write end: reading ends */
    close(saved_stderr);
    size_t n = 0;
    ssize_t got;
    while ((got = read(log_fds[0], logged + n, sizeof logged - 1 - n)) > 0)
        n += (size_t)got;
    close(log_fds[0]);
    logged[n] = '\0';
    return n;
}

Test(log, 01_levels_have_names) {
    cr_assert_eq(log_level_from_name("error"), LOG_LEVEL_ERROR);
    cr_assert_eq(log_level_from_name("warning"), LOG_LEVEL_WARNING);
    cr_assert_eq(log_level_from_name("info"), LOG_LEVEL_INFO);
    cr_assert_eq(log_level_from_name("debug"), LOG_LEVEL_DEBUG);
    cr_assert_eq(log_level_from_name(""), -1);
    cr_assert_eq(log_level_from_name("Error"), -1);
    cr_assert_eq(log_level_from_name("errors"), -1);
}

Test(log, 02_a_line_is_time_level_and_text) {
    log_begin();
    log_warning("uid %d is %s", 1000, "slow");
    log_end();
    cr_assert_eq(logged[10], 'T');
    cr_assert_eq(logged[19], '.');
    cr_assert_str_eq(logged + 23, "Z warning uid 1000 is slow\n");
}

Test(log, 03_the_level_decides) {
    log_begin();
    log_debug("not by default");
    log_set_level(LOG_LEVEL_ERROR);
    log_warning("not now");
    log_error("always");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("at last");
    log_end();
    cr_assert_null(strstr(logged, "not "));
    cr_assert_not_null(strstr(logged, "error always\n"));
    cr_assert_not_null(strstr(logged, "debug at last\n"));
}

Test(log, 04_a_long_line_is_cut_between_characters) {
    for (size_t shift = 0; shift < 4; shift++) {
        char text[4096];
        memset(text, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof text; i += 4)
            memcpy(text + i, "\U0001f600", 4);
        text[shift + 4088] = '\0';
        log_begin();
        log_error("%s", text);
        size_t n = log_end();
        cr_assert_lt(n, 2100);
        cr_assert_gt(n, 1900);
        cr_assert_eq(logged[n - 1], '\n');
        cr_assert(text_is_valid((struct bytes){logged, n}));
    }
}

Test(log, 05_errno_survives) {
    log_begin();
    errno = ENOTTY;
    log_error("x");
    int after = errno;
    log_end();
    cr_assert_eq(after, ENOTTY);
}

Test(log, 20_a_start_is_told_and_kept) {
    int fds[2];
    char kept[8192] = "";
    cr_assert_eq(pipe(fds), 0);
    log_begin();
    log_keep();
    log_info("on the way");
    log_move(fds[1]);
    log_info("there");
    close(fds[1]);
    log_end();
    cr_assert_gt(read(fds[0], kept, sizeof kept - 1), 0);
    cr_assert(strstr(logged, "on the way") && !strstr(logged, "there"), "told: %s", logged);
    char *first = strstr(kept, "on the way"), *second = strstr(kept, "there");
    cr_assert(first && second && first < second, "kept: %s", kept);
}

Test(log, 21_what_is_kept_is_bounded) {
    static char kept[64 * 1024];
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    log_keep();
    for (int i = 0; i < 1000; i++)
        log_error("one of many lines at the start, which are told all the same: %d", i);
    log_move(fds[1]);
    ssize_t n = read(fds[0], kept, sizeof kept - 1);
    cr_assert(n > 8 * 1024 && n <= 16 * 1024, "%zd bytes", n);
    cr_assert_eq(kept[n - 1], '\n', "whole lines");
    close(fds[0]);
    close(fds[1]);
}

Test(log, 30_lines_that_are_queued_come_in_order_and_all) {
    log_begin();
    log_info("before");
    cr_assert_eq(log_start(), 0);
    for (int i = 0; i < 10; i++)
        log_info("line %d", i);
    log_stop();
    log_info("after");
    log_end();
    const char *at = strstr(logged, "before");
    for (int i = 0; i < 10; i++) {
        char line[16];
        snprintf(line, sizeof line, "line %d\n", i);
        cr_assert_not_null(at = strstr(at, line), "%s", line);
    }
    cr_assert_not_null(strstr(at, "after"));
}

static size_t read_all(int fd, char *data, size_t size) {
    size_t n = 0;
    ssize_t got;
    while ((got = read(fd, data + n, size - 1 - n)) > 0)
        n += (size_t)got;
    data[n] = '\0';
    return n;
}

/* The writer hangs, and whoever logs does not; what is missing is counted where it is missing. */
Test(log, 31_nobody_waits_for_who_does_not_read, .timeout = 60) {
    enum { N_LINES = 10000 };
    static char all[2 << 20];
    log_begin();
    cr_assert_eq(log_start(), 0);
    for (int i = 0; i < N_LINES; i++)
        log_error("a line of some length, of which there are many more than fit: %d.", i);
    size_t n = 0;
    while (!strstr(all, "were left out")) {
        ssize_t got = read(log_fds[0], all + n, sizeof all - 1 - n);
        cr_assert_gt(got, 0);
        n += (size_t)got;
        all[n] = '\0';
    }
    log_error("the last one");
    log_stop();
    dup2(saved_stderr, STDERR_FILENO);
    n += read_all(log_fds[0], all + n, sizeof all - n);
    long next = 0;
    for (char *line = all, *end; (end = strchr(line, '\n')); line = end + 1) {
        const char *number = memmem(line, (size_t)(end - line), "fit: ", 5);
        const char *left_out = memmem(line, (size_t)(end - line), "warning ", 8);
        if (number)
            cr_assert_eq(strtol(number + 5, NULL, 10), next++);
        else if (left_out)
            next += strtol(left_out + 8, NULL, 10);
    }
    cr_assert_eq(next, N_LINES, "%ld are there or counted", next);
    cr_assert_not_null(strstr(all, "the last one"));
    close(log_fds[0]);
    close(saved_stderr);
}
