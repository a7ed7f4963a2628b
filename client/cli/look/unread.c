/*
 * `unread`: for a prompt, a login script or the message of the day. So it is quick, is no session
 * that others see, and says nothing when there is no hub, or none that answers at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/words.h"
#include "proto/name.h"

#define UNREAD_MS 100 /* for all of it; a prompt waits so long at most */

const struct cli_option cli_unread_options[] = {
    {"total", 't', CLI_FLAG, CLI_AT(total), NULL, "one line for all conversations", NULL, 0},
    {"prompt", 0, CLI_FLAG, CLI_AT(prompt), NULL, "one short line, as the window has it", NULL, 0},
    {0},
};

struct unread_count {
    char *conv;
    uint32_t n, n_mentions;
    uint64_t seq;
};

struct unread_list {
    struct unread_count *all;
    size_t n;
};

static void unread_add(struct unread_list *list, const struct earshot_event *event) {
    list->all = cli_grow(list->all, list->n, sizeof *list->all);
    list->all[list->n++] = (struct unread_count){
        .conv = cli_copy(event->unread.conv),
        .n = event->unread.unread,
        .n_mentions = event->unread.mentions,
        .seq = event->unread.seq,
    };
}

/* People first. */
static int unread_in_order(const void *a, const void *b) {
    const char *left = ((const struct unread_count *)a)->conv;
    const char *right = ((const struct unread_count *)b)->conv;
    bool is_room = !conv_is_direct(left), other_is_room = !conv_is_direct(right);
    return is_room != other_is_room ? is_room - other_is_room : strcasecmp(left, right);
}

/* In order, and each once, however often it was named. */
static void unread_sort(struct unread_list *list) {
    size_t n = 0;
    if (list->n > 1)
        qsort(list->all, list->n, sizeof *list->all, unread_in_order);
    for (size_t i = 0; i < list->n; i++) {
        if (n > 0 && unread_in_order(&list->all[n - 1], &list->all[i]) == 0)
            free(list->all[i].conv);
        else
            list->all[n++] = list->all[i];
    }
    list->n = n;
}

static bool unread_is_nowhere(unsigned code) {
    return code == FAIL_NO_USER || code == FAIL_NO_ROOM;
}

/* EARSHOT_OK: the answer is whole. */
static int unread_take_answer(earshot *link, uint32_t request, mono_time until,
                              struct unread_list *list) {
    struct earshot_event event;
    for (;;) {
        int64_t left = mono_ms_until(mono_now(), until);
        int r = left > 0 ? earshot_next(link, &event, (int)left) : EARSHOT_AGAIN;
        if (r == -EINTR && !cli_interrupted())
            continue;
        if (r != EARSHOT_OK)
            return r;
        if (event.request != request)
            continue;
        if (event.type == EARSHOT_EVENT_UNREAD)
            unread_add(list, &event);
        else if (event.type == EARSHOT_EVENT_FAILED)
            return unread_is_nowhere(event.failed.code) ? EARSHOT_OK : EARSHOT_AGAIN;
        else if (event.type == EARSHOT_EVENT_DONE)
            return EARSHOT_OK;
    }
}

/* Each conversation, or (n_convs 0) all at once. A name that is nobody's has nothing. */
static int unread_ask(earshot *link, int n_convs, char **convs, mono_time until,
                      struct unread_list *list) {
    int r = EARSHOT_OK, n = n_convs > 0 ? n_convs : 1;
    for (int i = 0; r == EARSHOT_OK && i < n; i++) {
        uint32_t request = 0;
        r = earshot_unread(link, n_convs > 0 ? convs[i] : NULL, &request);
        if (r == EARSHOT_OK)
            r = unread_take_answer(link, request, until, list);
    }
    return r;
}

/* Who has never been here, and to whom nobody has written, has nothing unread. */
static int unread_read(const struct cli_options *options, int n_convs, char **convs,
                       struct unread_list *list) {
    int ms = options->timeout_ms >= 0 ? options->timeout_ms : UNREAD_MS;
    mono_time until = mono_add_ms(mono_now(), ms);
    struct earshot_options wanted = {.hub = options->hub,
                                     .handle = options->name,
                                     .flags = EARSHOT_PEEK,
                                     .timeout_ms = ms > 0 ? ms : 1};
    earshot *link;
    int r = earshot_open(&link, &wanted);
    bool is_nobody = r == EARSHOT_REFUSED && earshot_fail_code(link) == FAIL_NO_USER;
    if (r == EARSHOT_OK)
        r = unread_ask(link, n_convs, convs, until, list);
    int code =
        r == EARSHOT_OK || is_nobody ? CLI_DONE : outcome_exit_code(outcome_of(link, r).code);
    earshot_close(link);
    return code;
}

struct unread_total {
    uint64_t n, n_direct, n_mentions;
};

static struct unread_total unread_sum(const struct unread_list *list) {
    struct unread_total total = {0};
    for (size_t i = 0; i < list->n; i++) {
        bool is_room = !conv_is_direct(list->all[i].conv);
        total.n += list->all[i].n;
        total.n_direct += is_room ? 0 : list->all[i].n;
        total.n_mentions += is_room ? list->all[i].n_mentions : 0;
    }
    return total;
}

static void unread_print_total(const struct cli_options *options,
                               const struct unread_total *total) {
    if (options->json) {
        json_unread_total(total->n, total->n_direct, total->n_mentions);
        return;
    }
    if (total->n == 0)
        return;
    printf("%llu unread", (unsigned long long)total->n);
    if (total->n_direct > 0)
        printf(", %llu direct", (unsigned long long)total->n_direct);
    if (total->n_mentions > 0)
        printf(", %llu for you", (unsigned long long)total->n_mentions);
    putchar('\n');
}

static void unread_print_prompt(const struct unread_list *list) {
    for (size_t i = 0; i < list->n; i++) {
        const struct unread_count *count = &list->all[i];
        CLEANUP_FREE char *conv = text_safe(bytes_of(conv_rest(count->conv)), TEXT_ONE_LINE);
        bool is_room = !conv_is_direct(count->conv);
        printf("%s%s%s %u%s", i > 0 ? " " : "", is_room ? "" : "@", conv ? conv : "", count->n,
               is_room && count->n_mentions > 0 ? "!" : "");
    }
    if (list->n > 0)
        putchar('\n');
}

static void unread_print_one(const struct cli_options *options, const struct unread_count *count) {
    CLEANUP_FREE char *conv = text_safe(bytes_of(conv_rest(count->conv)), TEXT_ONE_LINE);
    bool is_room = !conv_is_direct(count->conv);
    if (options->json)
        json_unread(count->conv, count->n, count->n_mentions, count->seq);
    else if (is_room && count->n_mentions > 0)
        printf("%s: %u unread, %u for you\n", conv ? conv : "", count->n, count->n_mentions);
    else
        printf("%s%s: %u unread\n", is_room ? "" : "@", conv ? conv : "", count->n);
}

static int unread_print(const struct cli_options *options, struct unread_list *list) {
    unread_sort(list);
    struct unread_total total = unread_sum(list);
    if (options->total)
        unread_print_total(options, &total);
    else if (options->prompt && !options->json)
        unread_print_prompt(list);
    else
        for (size_t i = 0; i < list->n; i++)
            unread_print_one(options, &list->all[i]);
    return cli_flush();
}

int cli_unread(const struct cli_options *options, int n_words, char **words) {
    struct unread_list list = {0};
    int code = CLI_DONE;
    for (int i = 0; code == CLI_DONE && i < n_words; i++) {
        words_take_conv(words[i]);
        code = words_check_name(options, words[i]);
    }
    if (code != CLI_DONE)
        return code;
    code = unread_read(options, n_words, words, &list);
    if (code == CLI_DONE)
        code = unread_print(options, &list);
    for (size_t i = 0; i < list.n; i++)
        free(list.all[i].conv);
    free(list.all);
    return code;
}
