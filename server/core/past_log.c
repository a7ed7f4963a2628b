/* The past of an ephemeral hub: what the log in memory holds. */

#include <stdlib.h>
#include <string.h>

#include "core/internal.h"

bool past_is_hidden(const struct log_entry *entry, uint32_t handle) {
    return ((entry->hidden & LOG_HIDDEN_FROM) && entry->record.from == handle) ||
           ((entry->hidden & LOG_HIDDEN_TO) && entry->record.to == handle);
}

static bool is_room_of(const struct ask *ask, conv_number conv) {
    for (size_t i = 0; i < ask->n_rooms; i++)
        if (ask->rooms[i].conv == conv)
            return true;
    return false;
}

static bool is_visible(const struct ask *ask, const struct log_entry *entry) {
    const struct record *record = &entry->record;
    if (ask->conv && record->conv != ask->conv)
        return false;
    if (conv_is_room(record->conv))
        return is_room_of(ask, record->conv);
    return ask->direct && conv_has(record->conv, ask->handle) &&
           !past_is_hidden(entry, ask->handle);
}

static int lower(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool begins_with(const char *at, struct bytes word) {
    for (size_t i = 0; i < word.n; i++)
        if (lower(at[i]) != lower(word.data[i]))
            return false;
    return true;
}

static bool contains(struct bytes text, struct bytes word) {
    for (size_t at = 0; at + word.n <= text.n; at++)
        if (begins_with(text.data + at, word))
            return true;
    return false;
}

/* All words, anywhere; capital letters of the Latin alphabet count as small ones. */
static bool has_words(struct bytes text, const char *words) {
    for (const char *at = words + strspn(words, " "); *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (!contains(text, (struct bytes){at, n}))
            return false;
        at += n;
    }
    return true;
}

/* Without any words: small files of others, without their content. */
static bool is_for_files(const struct ask *ask) {
    return ask->what == ASK_SEARCH && ask->words[strspn(ask->words, " ")] == '\0';
}

static bool is_found(const struct ask *ask, const struct record *record) {
    bool files = is_for_files(ask);
    if ((ask->from && record->from != ask->from) || files != (record->kind == KIND_FILE))
        return false;
    return files ? record->from != ask->handle : has_words(record->text, ask->words);
}

static bool is_asked_for(const struct ask *ask, const struct log_entry *entry) {
    const struct record *record = &entry->record;
    if (!is_visible(ask, entry) || record->seq <= ask->after ||
        (ask->before && record->seq >= ask->before))
        return false;
    return ask->what != ASK_SEARCH || is_found(ask, record);
}

/* The newest `limit`, in a ring; or, with `after`, the oldest. Returns how many there are. */
static size_t collect(const struct core *core, const struct ask *ask, struct record *ring) {
    struct log_place place = log_find(&core->log, ask->after);
    size_t n = 0;
    for (const struct log_entry *entry; (entry = log_next(&place));) {
        if (!is_asked_for(ask, entry))
            continue;
        ring[n++ % ask->limit] = entry->record;
        if (ask->after && n == ask->limit)
            break;
    }
    return n;
}

void past_from_log(struct core *core, const struct ask *ask) {
    struct record *ring = calloc(ask->limit, sizeof *ring), *page = NULL;
    run_close(core);
    if (ring)
        page = calloc(ask->limit, sizeof *page);
    if (!page) {
        free(ring);
        core_answered(core, ask, NULL, 0, "the hub is out of memory");
        return;
    }
    size_t n = collect(core, ask, ring);
    size_t n_page = n < ask->limit ? n : ask->limit;
    for (size_t i = 0; i < n_page; i++) {
        size_t from_end = ask->what == ASK_SEARCH ? i : n_page - 1 - i;
        page[i] = ring[(n - 1 - from_end) % ask->limit];
        if (is_for_files(ask))
            page[i].text.n = 0;
    }
    core_answered(core, ask, page, n_page, NULL);
    free(page);
    free(ring);
}

void past_hide_in_log(struct core *core, const struct handle *handle, conv_number conv) {
    struct log_place place = log_find(&core->log, 0);
    for (struct log_entry *entry; (entry = log_next(&place));) {
        if (entry->record.conv != conv)
            continue;
        if (entry->record.from == handle->number)
            entry->hidden |= LOG_HIDDEN_FROM;
        if (entry->record.to == handle->number)
            entry->hidden |= LOG_HIDDEN_TO;
    }
}
