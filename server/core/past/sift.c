/*
 * Without a store the past is the log in memory. It is read block by block: what may belong to the
 * answer is copied with the lock held, and looked through without it. A question that is not
 * answered by one block goes back to the queue, so that a search through all of the log keeps
 * nobody waiting; what the log lets go of meanwhile is missing in the answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fold.h"
#include "core/internal.h"
#include "core/past/past.h"

/* No text takes more than a block, and no block has more entries. Texts that were edited may stand
 * in other blocks, and be more than one block holds: then the slice ends before that. */
#define SLICE_RECORDS (LOG_BLOCK_BYTES / sizeof(struct log_entry))

int log_slice_init(struct log_slice *slice) {
    *slice = (struct log_slice){.records = calloc(SLICE_RECORDS, sizeof *slice->records),
                                .texts = malloc(LOG_BLOCK_BYTES),
                                .folded = malloc(FOLDED_MAX(MESSAGE_TEXT_MAX))};
    if (slice->records && slice->texts && slice->folded)
        return 0;
    log_slice_deinit(slice);
    return -ENOMEM;
}

void log_slice_deinit(struct log_slice *slice) {
    free(slice->records);
    free(slice->texts);
    free(slice->folded);
    *slice = (struct log_slice){0};
}

/* Copying, with the lock held. */

static bool is_of_room_of(const struct ask *ask, const struct record *record) {
    const struct ask_room *room = ask_room_of(ask, record->conv);
    return room && record->seq > room->after;
}

static bool is_visible(const struct core *core, const struct ask *ask,
                       const struct record *record) {
    if (ask->conv && record->conv != ask->conv)
        return false;
    if (conv_is_room(record->conv))
        return is_of_room_of(ask, record);
    return ask->direct && conv_has(record->conv, ask->handle) &&
           !forget_has(core, ask->handle, record);
}

/* A search without words finds the small files of others, without their content. */
static bool is_for_files(const struct ask *ask) {
    return ask->what == ASK_SEARCH && ask->words[strspn(ask->words, " ")] == '\0';
}

/* Whether it fits the question, whatever its words. */
static bool may_be_found(const struct ask *ask, const struct record *record) {
    bool files = is_for_files(ask);
    if (ask->what == ASK_FIND)
        return ask_finds(ask, record);
    if (ask->what == ASK_PINS)
        return !(record->flags & RECORD_REMOVED) && ask_pin_of(ask, record->seq);
    if (ask->what != ASK_SEARCH || mend_is(record->kind))
        return !mend_is(record->kind);
    if (record->flags & RECORD_REMOVED)
        return false;
    if ((ask->from && record->from != ask->from) || files != (record->kind == KIND_FILE))
        return false;
    return !files || record->from != ask->handle;
}

static void slice_add(struct log_slice *slice, const struct ask *ask, const struct record *record) {
    struct record *copy = &slice->records[slice->n++];
    *copy = *record;
    copy->text = (struct bytes){slice->texts + slice->n_bytes, 0};
    if (is_for_files(ask))
        return;
    memcpy(slice->texts + slice->n_bytes, record->text.data, record->text.n);
    copy->text.n = record->text.n;
    slice->n_bytes += record->text.n;
}

static bool is_forward(const struct ask *ask) {
    return ask->what == ASK_HISTORY && ask->after;
}

/* Whether it is in the answer, as far as that can be said without looking at the words. */
static bool slice_wants(const struct core *core, const struct ask *ask,
                        const struct record *record) {
    bool is_in_range = record->seq > ask->after && (!ask->before || record->seq < ask->before);
    return is_in_range && is_visible(core, ask, record) && may_be_found(ask, record);
}

/* Text of the block that has no place: it is left for the next slice. */
static size_t slice_excess(const struct core *core, const struct ask *ask,
                           const struct log_span *span) {
    size_t at = 0, n = 0;
    for (const struct log_entry *entry; (entry = log_span_next(span, &at));)
        n += slice_wants(core, ask, &entry->record) ? entry->record.text.n : 0;
    return n > LOG_BLOCK_BYTES ? n - LOG_BLOCK_BYTES : 0;
}

/* Backwards the first ones are left out, forwards the last ones. Moves the ask on. */
static void slice_fill(const struct core *core, struct ask *ask, const struct log_block *block,
                       struct log_slice *slice) {
    struct log_span span = {block->bytes, block->n};
    bool forward = is_forward(ask);
    size_t at = 0, excess = forward ? 0 : slice_excess(core, ask, &span);
    uint64_t from = block->first_seq, upto = block->last_seq;
    for (const struct log_entry *entry; (entry = log_span_next(&span, &at));) {
        const struct record *record = &entry->record;
        if (!slice_wants(core, ask, record))
            continue;
        if (excess > 0) {
            excess -= record->text.n < excess ? record->text.n : excess;
            from = record->seq + 1;
            continue;
        }
        if (record->text.n > LOG_BLOCK_BYTES - slice->n_bytes) {
            upto = record->seq - 1;
            break;
        }
        slice_add(slice, ask, record);
    }
    if (forward)
        ask->after = upto;
    else
        ask->before = from;
}

/* The next one that is to be looked through; NULL: there is none. */
static const struct log_block *next_block(const struct core *core, const struct ask *ask) {
    const struct log_block *block;
    if (is_forward(ask)) {
        for (block = core->log.head; block && block->last_seq <= ask->after;)
            block = block->next;
        return block && (!ask->before || block->first_seq < ask->before) ? block : NULL;
    }
    for (block = core->log.tail; block && ask->before && block->first_seq >= ask->before;)
        block = block->prev;
    if (block && ask->what == ASK_PINS &&
        (ask->n_pins == 0 || block->last_seq < ask->pins[ask->n_pins - 1].seq))
        return NULL;
    return block && ask->what == ASK_UNREAD && block->last_seq <= ask->direct_after ? NULL : block;
}

void core_read_log(const struct core *core, struct ask *ask, struct log_slice *slice) {
    if (!ask->is_begun)
        qsort(ask->rooms, ask->n_rooms, sizeof *ask->rooms, ask_compare_rooms);
    ask->is_begun = true;
    slice->n = slice->n_bytes = 0;
    const struct log_block *block = next_block(core, ask);
    slice->is_last = !block;
    if (!block)
        return;
    slice_fill(core, ask, block, slice);
}

/* Looking through it, without the lock. */

/* All words, anywhere, as they are folded. A star behind a word says that parts of words are meant,
 * as they are here. */
static bool has_words(struct bytes text, struct bytes words, char *folded) {
    size_t n_text = text_fold(folded, text);
    const char *end = words.data + words.n;
    for (const char *at = words.data; at < end;) {
        const char *space = memchr(at, ' ', (size_t)(end - at));
        size_t n = (size_t)((space ? space : end) - at), n_word = n;
        while (n_word > 1 && at[n_word - 1] == '*')
            n_word--;
        if (!memmem(folded, n_text, at, n_word))
            return false;
        at += n + 1;
    }
    return true;
}

static bool is_full(const struct ask *ask) {
    return ask->page.n >= ask->limit || ask->page.n_bytes >= PAGE_BYTES_MAX;
}

static void page_add(struct ask_page *page, const struct record *record) {
    if (page->n == page->size) {
        size_t size = page->size ? 2 * page->size : 16;
        struct record *records = realloc(page->records, size * sizeof *records);
        page->is_broken = !records;
        if (!records)
            return;
        page->records = records;
        page->size = size;
    }
    char *text = malloc(record->text.n + 1);
    page->is_broken = !text;
    if (!text)
        return;
    memcpy(text, record->text.data, record->text.n);
    page->records[page->n] = *record;
    page->records[page->n++].text.data = text;
    page->n_bytes += record->text.n + PAGE_RECORD_BYTES;
}

static bool slice_count(struct ask *ask, const struct log_slice *slice) {
    for (size_t i = 0; i < slice->n && !ask->page.is_broken; i++)
        ask->page.is_broken = ask_count(ask, &slice->records[i]) < 0;
    return slice->is_last || ask->page.is_broken;
}

bool ask_sift(struct ask *ask, const struct log_slice *slice) {
    char folded[FOLDED_MAX(SEARCH_BYTES_MAX)];
    struct bytes words = {folded, 0};
    struct ask_page *page = &ask->page;
    if (ask->what == ASK_UNREAD)
        return slice_count(ask, slice);
    if (ask->words)
        words.n = text_fold(folded, bytes_of(ask->words));
    for (size_t i = 0; i < slice->n && !is_full(ask) && !page->is_broken; i++) {
        const struct record *record = &slice->records[is_forward(ask) ? i : slice->n - 1 - i];
        if (!ask->words || has_words(record->text, words, slice->folded))
            page_add(page, record);
    }
    return slice->is_last || is_full(ask) || page->is_broken;
}

/* A page of history that was looked for from its end on is shown from its beginning on. */
static void turn_round(struct ask_page *page) {
    for (size_t i = 0; i < page->n / 2; i++) {
        struct record swap = page->records[i];
        page->records[i] = page->records[page->n - 1 - i];
        page->records[page->n - 1 - i] = swap;
    }
}

void core_sifted(struct core *core, struct ask *ask, bool is_complete) {
    if (!is_complete && core_ask_is_wanted(core, ask)) {
        ask_put_back(core, ask);
        return;
    }
    if (ask->what == ASK_UNREAD) {
        core_counted(core, ask,
                     ask->page.is_broken ? "the hub is out of memory; try again later" : NULL);
        ask_free(ask);
        return;
    }
    if (ask->what == ASK_FIND || (ask->what == ASK_HISTORY && !is_forward(ask)))
        turn_round(&ask->page);
    core_answered(core, ask, ask->page.records, ask->page.n,
                  ask->page.is_broken ? "the hub is out of memory; try again later" : NULL);
    ask_free(ask);
}
