#include "cli/talk/run_text.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define RUN_GATHER_MS 200 /* what comes together goes together */
#define RUN_CALM_MS 1000
#define NOTE_BYTES 64 /* room for the note on what was left out */

#define ESC '\033'
#define BEL '\a'

/* struct run_line.escape */
enum {
    OUTSIDE,
    ESCAPE,     /* after ESC */
    CONTROL,    /* after ESC [: until a byte from @ on */
    STRING,     /* after ESC ], P, X, ^ or _: until BEL or ESC \ */
    STRING_ESC, /* ESC within a string */
};

/* Batches. */

void run_batch_init(struct run_batch *batch, bool (*send)(void *arg, struct bytes text), void *arg,
                    mono_time now) {
    *batch = (struct run_batch){.send = send, .arg = arg};
    batch->sent_at = mono_add_ms(now, -RUN_CALM_MS);
    batch->credit = mono_add_ms(now, -(int64_t)RUN_BURST * RUN_CALM_MS);
}

static bool run_batch_is_empty(const struct run_batch *batch) {
    return batch->n == 0 && batch->n_left_out == 0;
}

static bool run_batch_send(struct run_batch *batch, mono_time now) {
    size_t n = batch->n;
    if (batch->n_left_out > 0)
        n += (size_t)snprintf(batch->text + n, NOTE_BYTES, "[... %zu bytes left out ...]\n",
                              batch->n_left_out);
    if (n > 0 && !batch->send(batch->arg, (struct bytes){batch->text, n}))
        return false;
    batch->n = batch->n_left_out = 0;
    batch->sent_at = now;
    return true;
}

/* A full batch goes at once while there is credit for it: a second of time for each. */
static bool run_batch_send_full(struct run_batch *batch, mono_time now) {
    mono_time oldest = mono_add_ms(now, -(int64_t)RUN_BURST * RUN_CALM_MS);
    mono_time credit = batch->credit.ns > oldest.ns ? batch->credit : oldest;
    credit = mono_add_ms(credit, RUN_CALM_MS);
    if (credit.ns > now.ns || !run_batch_send(batch, now))
        return false;
    batch->credit = credit;
    return true;
}

static void run_batch_begin(struct run_batch *batch, mono_time now) {
    mono_time gathered = mono_add_ms(now, RUN_GATHER_MS);
    mono_time calm = mono_add_ms(batch->sent_at, RUN_CALM_MS);
    batch->due = gathered.ns > calm.ns ? gathered : calm;
}

static void run_batch_append(struct run_batch *batch, struct bytes text, mono_time now) {
    bool fits = batch->n_left_out == 0 && batch->n + text.n + NOTE_BYTES <= sizeof batch->text;
    if (!fits && (batch->n_left_out > 0 || !run_batch_send_full(batch, now))) {
        batch->n_left_out += text.n;
        return;
    }
    if (run_batch_is_empty(batch))
        run_batch_begin(batch, now);
    memcpy(batch->text + batch->n, text.data, text.n);
    batch->n += text.n;
}

void run_batch_tick(struct run_batch *batch, mono_time now, bool all) {
    if (!run_batch_is_empty(batch) && (all || mono_ms_until(now, batch->due) <= 0) &&
        !run_batch_send(batch, now))
        batch->due = mono_add_ms(now, RUN_CALM_MS);
}

int run_batch_timeout_ms(const struct run_batch *batch, mono_time now) {
    if (run_batch_is_empty(batch))
        return -1;
    int64_t ms = mono_ms_until(now, batch->due);
    return ms > 0 ? (int)ms : 0;
}

/* Lines. */

/* Ends the line: what is not UTF-8 in it is shown as what it is. */
static void run_line_end(struct run_batch *batch, struct run_line *line, mono_time now) {
    char text[TEXT_REPAIRED_MAX(RUN_LINE_BYTES) + 1];
    size_t n_changed, n = text_repair(text, (struct bytes){line->text, line->n}, &n_changed);
    text[n++] = '\n';
    run_batch_append(batch, (struct bytes){text, n}, now);
    line->n = 0;
    line->returned = false;
}

/* One character back, of as many bytes as it has. */
static void run_line_take_back(struct run_line *line) {
    while (line->n > 0 && ((unsigned char)line->text[--line->n] & 0xC0) == 0x80)
        continue;
}

/* Whether the byte belongs to an escape sequence. */
static bool run_line_is_escape(struct run_line *line, unsigned char c) {
    switch (line->escape) {
    case OUTSIDE:
        line->escape = c == ESC ? ESCAPE : OUTSIDE;
        return c == ESC;
    case ESCAPE:
        if (c == '[')
            line->escape = CONTROL;
        else if (strchr("]PX^_", c) && c)
            line->escape = STRING;
        else if (c < 0x20 || c > 0x2F) /* those in between go on */
            line->escape = OUTSIDE;
        return true;
    case CONTROL:
        if (c >= '@' && c <= '~')
            line->escape = OUTSIDE;
        return true;
    case STRING:
        line->escape = c == ESC ? STRING_ESC : c == BEL ? OUTSIDE : STRING;
        return true;
    default:
        line->escape = c == '\\' ? OUTSIDE : STRING;
        return true;
    }
}

static void run_line_put(struct run_batch *batch, struct run_line *line, char c, mono_time now) {
    if (line->returned)
        line->n = 0;
    line->returned = false;
    if (line->n == sizeof line->text)
        run_line_end(batch, line, now);
    line->text[line->n++] = c;
}

static void run_line_add(struct run_batch *batch, struct run_line *line, char c, mono_time now) {
    if (run_line_is_escape(line, (unsigned char)c))
        return;
    if (c == '\n')
        run_line_end(batch, line, now);
    else if (c == '\r')
        line->returned = true;
    else if (c == '\b')
        run_line_take_back(line);
    else if (c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7F))
        run_line_put(batch, line, c, now);
}

void run_batch_add(struct run_batch *batch, struct run_line *line, struct bytes output,
                   mono_time now) {
    for (size_t i = 0; i < output.n; i++)
        run_line_add(batch, line, output.data[i], now);
}

void run_batch_end(struct run_batch *batch, struct run_line *line, mono_time now) {
    if (line->n > 0)
        run_line_end(batch, line, now);
}

void run_duration_text(int64_t ms, char text[48]) {
    long long s = ms / 1000;
    if (s < 60)
        snprintf(text, 48, "%lld.%lld s", s, (long long)(ms % 1000 / 100));
    else if (s < 3600)
        snprintf(text, 48, "%lld min %lld s", s / 60, s % 60);
    else
        snprintf(text, 48, "%lld h %lld min", s / 3600, s / 60 % 60);
}
