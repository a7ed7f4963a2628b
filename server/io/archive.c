#include "io/archive.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

#define STEP_MESSAGES 64 /* read at once, going back: what is too much for a page was in vain */
#define STEPS_PER_PAGE 16
#define UNREAD_STEP_MESSAGES 20000 /* counted at once: some tens of milliseconds */

void archive_free(struct archive_page *page) {
    for (size_t i = 0; i < page->n; i++)
        free((char *)page->records[i].text.data);
    free(page->records);
    *page = (struct archive_page){0};
}

static int page_collect(void *arg, const struct record *record) {
    struct archive_page *page = arg;
    if (page->n == page->size) {
        size_t size = page->size ? 2 * page->size : 64;
        struct record *records = realloc(page->records, size * sizeof *records);
        if (!records)
            return -ENOMEM;
        page->records = records;
        page->size = size;
    }
    struct bytes reactions = record->reactions;
    char *text = malloc(record->text.n + reactions.n + 1);
    if (!text)
        return -ENOMEM;
    memcpy(text, record->text.data, record->text.n);
    if (reactions.n > 0)
        memcpy(text + record->text.n, reactions.data, reactions.n);
    struct record *copy = &page->records[page->n++];
    *copy = *record;
    copy->text.data = text;
    copy->reactions.data = text + record->text.n;
    page->n_bytes += record->text.n + reactions.n;
    return 0;
}

/* The same, until the page is full. */
static int collect_page(void *arg, const struct record *record) {
    struct archive_page *page = arg;
    return page->n_bytes >= PAGE_BYTES_MAX ? 1 : page_collect(arg, record);
}

static struct store_view view_of(const struct ask *ask, struct store_source *sources) {
    for (size_t i = 0; i < ask->n_rooms; i++)
        sources[i] = (struct store_source){ask->rooms[i].conv, ask->rooms[i].after};
    return (struct store_view){.handle = ask->handle,
                               .direct = ask->direct,
                               .direct_after = ask->direct_after,
                               .rooms = sources,
                               .n_rooms = ask->n_rooms};
}

static int read_feed(struct store_reader *reader, const struct ask *ask,
                     const struct store_view *view, struct archive_page *page) {
    int r = store_read(reader, view, ask->limit, &page->upto, collect_page, page);
    if (r > 0 && page->n_bytes >= PAGE_BYTES_MAX) { /* it was ended by us */
        page->upto = page->records[page->n - 1].seq;
        r = 0;
    }
    return r;
}

/* Puts what was read now before what was read already. */
static void page_rotate(struct archive_page *page, size_t n_before) {
    size_t n_new = page->n - n_before;
    struct record *all = calloc(page->n + 1, sizeof *all);
    if (!all) {
        page->out_of_memory = true;
        return;
    }
    memcpy(all, page->records + n_before, n_new * sizeof *all);
    memcpy(all + n_new, page->records, n_before * sizeof *all);
    memcpy(page->records, all, page->n * sizeof *all);
    free(all);
}

/* The newest n of history, or of what is to be found, before this one. */
static int read_step(struct store_reader *reader, const struct ask *ask,
                     const struct store_view *view, uint64_t before, unsigned n,
                     struct archive_page *page) {
    struct store_page wanted = {.conv = ask->conv, .before = before, .n_max = n};
    struct store_find find = {.id = ask->id,
                              .is_thread = ask->is_thread,
                              .conv = ask->conv,
                              .before = before,
                              .n_max = n};
    return ask->what == ASK_FIND ? store_find(reader, view, &find, page_collect, page)
                                 : store_history(reader, view, &wanted, page_collect, page);
}

/* The newest ones, step by step into the past, until the page is full. */
static int read_back(struct store_reader *reader, const struct ask *ask,
                     const struct store_view *view, struct archive_page *page) {
    uint64_t before = ask->before;
    int r = 0;
    for (int step = 0; r == 0 && step < STEPS_PER_PAGE && page->n < ask->limit; step++) {
        size_t n_before = page->n;
        unsigned n = ask->limit - (unsigned)page->n;
        if (n > STEP_MESSAGES)
            n = STEP_MESSAGES;
        r = read_step(reader, ask, view, before, n, page);
        if (r != 0 || page->n - n_before == 0)
            break;
        page_rotate(page, n_before);
        before = page->records[0].seq;
        if (page->n - n_before < n || page->n_bytes >= PAGE_BYTES_MAX)
            break;
    }
    return r;
}

static int read_history(struct store_reader *reader, const struct ask *ask,
                        const struct store_view *view, struct archive_page *page) {
    if (!ask->after)
        return read_back(reader, ask, view, page);
    struct store_page wanted = {
        .conv = ask->conv, .before = ask->before, .after = ask->after, .n_max = ask->limit};
    int r = store_history(reader, view, &wanted, collect_page, page);
    return r > 0 && page->n_bytes >= PAGE_BYTES_MAX ? 0 : r;
}

static int read_search(struct store_reader *reader, const struct ask *ask,
                       const struct store_view *view, struct archive_page *page) {
    struct store_query query = {.words = bytes_of(ask->words),
                                .conv = ask->conv,
                                .from = ask->from,
                                .before = ask->before,
                                .n_max = ask->limit};
    int r = store_search(reader, view, &query, collect_page, page);
    return r > 0 && page->n_bytes >= PAGE_BYTES_MAX ? 0 : r;
}

static int read_pins(struct store_reader *reader, const struct ask *ask,
                     const struct store_view *view, struct archive_page *page) {
    struct store_pick *picks = calloc(ask->n_pins + 1, sizeof *picks);
    struct store_picking picking = {picks, ask->n_pins, ask->before, ask->limit};
    if (!picks)
        return -ENOMEM;
    for (size_t i = 0; i < ask->n_pins; i++)
        picks[i].seq = ask->pins[i].seq;
    int r = store_pick(reader, view, &picking, collect_page, page);
    for (size_t i = 0; i < ask->n_pins; i++)
        ask->pins[i].is_gone = picks[i].is_gone;
    free(picks);
    return r > 0 && page->n_bytes >= PAGE_BYTES_MAX ? 0 : r;
}

static int count_message(void *arg, const struct record *record) {
    return ask_count(arg, record);
}

/* One step: whoever has very much unread does not keep others waiting for all of it. */
static int read_unread(struct store_reader *reader, struct ask *ask, struct store_view *view) {
    view->n_rooms -= ask->n_marks;
    struct store_marked marked = {.conv = ask->conv,
                                  .marks = view->rooms + view->n_rooms,
                                  .n_marks = ask->n_marks,
                                  .n_max = UNREAD_PER_CONV_MAX,
                                  .n_step = UNREAD_STEP_MESSAGES};
    conv_number next = ask->is_begun ? ask->next_conv : STORE_UNREAD_BEGIN;
    int r = store_unread(reader, view, &marked, &next, count_message, ask);
    ask->next_conv = next;
    ask->is_begun = true;
    ask->goes_on = r == 0 && next != STORE_UNREAD_END;
    return r;
}

static int read_for(struct store_reader *reader, struct ask *ask, struct archive_page *page) {
    struct store_source *sources = calloc(ask->n_rooms + 1, sizeof *sources);
    if (!sources)
        return -ENOMEM;
    struct store_view view = view_of(ask, sources);
    int r = 0;
    switch (ask->what) {
    case ASK_FEED:
        r = read_feed(reader, ask, &view, page);
        break;
    case ASK_HISTORY:
        r = read_history(reader, ask, &view, page);
        break;
    case ASK_SEARCH:
        r = read_search(reader, ask, &view, page);
        break;
    case ASK_FIND:
        r = read_back(reader, ask, &view, page);
        break;
    case ASK_PINS:
        r = read_pins(reader, ask, &view, page);
        break;
    case ASK_UNREAD:
        r = read_unread(reader, ask, &view);
        break;
    }
    free(sources);
    return r;
}

/* What a search has found before its time was over is in order, and is an answer. */
static int answer_what_is_found(const struct ask *ask, struct archive_page *page, int r) {
    if (r == STORE_CUT && ask->what == ASK_SEARCH && page->n > 0)
        return 0;
    if (r == STORE_CUT)
        page->reason = ask->what == ASK_SEARCH
                           ? "the search took too long; narrow it down: name a conversation, or "
                             "more words, or longer ones"
                           : "it took too long; try again later";
    return r;
}

void archive_read(struct store_reader *reader, struct ask *ask, struct archive_page *page) {
    unsigned n_before = store_reader_passed_over(reader);
    *page = (struct archive_page){0};
    int r = read_for(reader, ask, page);
    if (r == 0 && page->out_of_memory)
        r = -ENOMEM;
    if (n_before == 0 && store_reader_passed_over(reader) > 0)
        log_error("the store: it has messages that are damaged; they are passed over");
    r = answer_what_is_found(ask, page, r);
    if (r == 0 || r == STORE_CUT)
        return;
    log_error("the store: %s", r > 0 ? store_reader_error(reader) : strerror(-r));
    page->reason = r > 0 ? store_reader_error(reader) : "the hub is out of memory; try again later";
}
