#include "fuzz/check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/macro.h"
#include "base/text.h"
#include "irc/line.h"
#include "irc/spell.h"
#include "proto/frame.h"
#include "proto/name.h"

static const uint8_t *input;
static size_t n_input;

_Noreturn static void broken(const char *promise, int line) {
    fprintf(stderr, "fuzz: broken at line %d: %s\ninput:", line, promise);
    for (size_t i = 0; i < n_input; i++)
        fprintf(stderr, " %02x", input[i]);
    fputc('\n', stderr);
    abort();
}

#define MUST(promise)                                                                              \
    do {                                                                                           \
        if (!(promise))                                                                            \
            broken(#promise, __LINE__);                                                            \
    } while (0)

/* A copy that ends where its memory ends, so that a sanitizer sees one byte too many. */
static uint8_t *exact_copy(const uint8_t *data, size_t n) {
    uint8_t *copy = malloc(n > 0 ? n : 1);
    MUST(copy);
    if (n > 0)
        memcpy(copy, data, n);
    return copy;
}

/* Frames. */

static void check_view(struct bytes view, const uint8_t *start, const uint8_t *end, bool utf8) {
    const uint8_t *data = (const uint8_t *)view.data;
    MUST(data >= start && data <= end && view.n <= (size_t)(end - data));
    MUST(!utf8 || text_is_valid(view));
}

#define VIEW_u8(view)
#define VIEW_u16(view)
#define VIEW_u32(view)
#define VIEW_u64(view)
#define VIEW_id(view)
#define VIEW_opt_id(view)
#define VIEW_name(view) check_view(view, start, end, true)
#define VIEW_label(view) check_view(view, start, end, true)
#define VIEW_text(view) check_view(view, start, end, true)
#define VIEW_rest(view) check_view(view, start, end, true)
#define VIEW_body(view) check_view(view, start, end, false)
#define VIEW_pids(view) check_view(view, start, end, false)
#define VIEW_signal(signal)                                                                        \
    if ((signal).what == SIGNAL_DECLINE || (signal).what == SIGNAL_CANCEL)                         \
    check_view((signal).reason, start, end, true)
#define VIEW_FIELD(type, name) VIEW_##type(frame->name);
#define VIEW_TYPE(number, NAME, type_name, from, cost)                                             \
    static void check_views_##type_name(const struct frame_##type_name *frame,                     \
                                        const uint8_t *start, const uint8_t *end) {                \
        (void)frame, (void)start, (void)end;                                                       \
        FRAME_##NAME##_FIELDS(VIEW_FIELD)                                                          \
    }
FRAME_TYPES(VIEW_TYPE)

static void check_views(const struct frame *frame, const uint8_t *start, const uint8_t *end) {
    switch (frame->type) {
#define VIEW_CASE(number, NAME, name, from, cost)                                                  \
    case FRAME_##NAME:                                                                             \
        check_views_##name(&frame->name, start, end);                                              \
        break;
        FRAME_TYPES(VIEW_CASE)
    default:
        broken("a type without a row was accepted", __LINE__);
    }
}

static bool signal_drops(const struct signal *signal) {
    return signal->what == SIGNAL_CANCEL ||
           (signal->what == SIGNAL_ACCEPT && signal->accept.n_have == 0);
}

static bool is_shortened(const struct frame *frame) {
    return (frame->type == FRAME_SIGNAL && signal_drops(&frame->signal.said)) ||
           (frame->type == FRAME_SIGNALLED && signal_drops(&frame->signalled.said));
}

/*
 * There is one encoding of every frame, so it comes out as it came in; but what an old hub leaves
 * in a CANCEL is passed over, and so are bytes that an ACCEPT says are there with a nil digest.
 */
static void check_encoding(const struct frame *frame, const uint8_t *start, size_t n) {
    static uint8_t again[UINT16_MAX];
    struct cursor_out out = cursor_out_of(again, sizeof again);
    MUST(frame_put(&out, frame));
    MUST(is_shortened(frame) || cursor_out_used(&out) == n);
    MUST(is_shortened(frame) || memcmp(again, start, n) == 0);
    n = cursor_out_used(&out);
    struct cursor_in in = cursor_in_of(again, n);
    struct frame decoded;
    MUST(frame_take(&in, &decoded, (enum frame_from)frame_row(frame->type)->from) == FRAME_OK);
    MUST(decoded.type == frame->type && decoded.flags == frame->flags);
    check_views(&decoded, again, again + n);
}

/* A small file: there is one encoding of it, too. */
static void check_file(struct bytes body) {
    static uint8_t again[UINT16_MAX];
    const uint8_t *start = (const uint8_t *)body.data, *end = start + body.n;
    struct cursor_out out = cursor_out_of(again, sizeof again);
    struct file_body file;
    if (!file_body_take(&file, body))
        return;
    check_view(file.name, start, end, true);
    check_view(file.content, start, end, false);
    MUST(body_is_binary(KIND_FILE, body) && body.n <= FILE_BODY_MAX);
    MUST(!memchr(file.name.data, '/', file.name.n));
    file_body_put(&out, &file);
    MUST(cursor_out_used(&out) == body.n && memcmp(again, body.data, body.n) == 0);
}

static void check_message_body(uint8_t kind, struct bytes body) {
    MUST(body_is_binary(kind, body) || text_is_valid(body));
    check_file(body);
}

static void check_body(const struct frame *frame) {
    if (frame->type == FRAME_SEND)
        check_message_body(frame->send.kind, frame->send.body);
    else if (frame->type == FRAME_MESSAGE)
        check_message_body(frame->message.kind, frame->message.body);
    else if (frame->type == FRAME_PAST)
        check_message_body(frame->past.kind, frame->past.body);
    else if (frame->type == FRAME_PART)
        MUST((frame->flags & FRAME_BINARY) || text_is_valid(frame->part.body));
}

static void check_accepted(const struct frame *frame, const uint8_t *start, const uint8_t *end,
                           enum frame_from from) {
    const struct frame_row *row = frame_row(frame->type);
    MUST(row && (row->from & from));
    MUST((size_t)(end - start) >= row->min);
    check_views(frame, start, end);
    check_body(frame);
    check_encoding(frame, start, (size_t)(end - start));
}

/* Returns how many frames were accepted before the end or the first bad one. */
static size_t check_frames(const uint8_t *data, size_t n, enum frame_from from) {
    struct cursor_in in = cursor_in_of(data, n);
    struct envelope envelope;
    size_t n_frames = 0;
    if (!envelope_take(&in, &envelope)) {
        MUST(n < ENVELOPE_BYTES || data[0] != PROTO_VERSION || data[1] != 0);
        return 0;
    }
    while (cursor_in_left(&in) > 0) {
        const uint8_t *start = in.at;
        struct frame frame;
        enum frame_outcome outcome = frame_take(&in, &frame, from);
        MUST(frame_outcome_text(outcome)[0] != '\0');
        MUST(in.at >= start && in.at <= data + n);
        if (outcome != FRAME_OK)
            break;
        MUST(!in.bad);
        check_accepted(&frame, start, in.at, from);
        n_frames++;
    }
    return n_frames;
}

size_t check_batch(const uint8_t *data, size_t n) {
    static const enum frame_from senders[] = {FROM_STRANGER, FROM_CLIENT, FROM_HUB, FROM_SELF};
    input = data;
    n_input = n;
    size_t n_frames = 0;
    uint8_t *copy = exact_copy(data, n);
    check_file((struct bytes){(const char *)copy, n});
    for (size_t i = 0; i < ARRAY_LEN(senders); i++)
        n_frames += check_frames(copy, n, senders[i]);
    free(copy);
    return n_frames;
}

/* Text: against a decoder of its own, written from table 3-7 of the Unicode standard. */

struct table_3_7 {
    uint8_t first_from, first_to; /* of the first byte */
    uint8_t second_from, second_to;
    uint8_t n;
};

static const struct table_3_7 rows_3_7[] = {
    {0x01, 0x7f, 0x00, 0x00, 1}, /* U+0000 is valid there, but not for us */
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* The bytes of the sequence at `at`; 0 when it is none. */
static size_t sequence_at(const uint8_t *at, size_t left) {
    for (size_t i = 0; i < ARRAY_LEN(rows_3_7); i++) {
        const struct table_3_7 *row = &rows_3_7[i];
        if (at[0] < row->first_from || at[0] > row->first_to || left < row->n)
            continue;
        if (row->n > 1 && (at[1] < row->second_from || at[1] > row->second_to))
            continue;
        if ((row->n > 2 && (at[2] & 0xc0) != 0x80) || (row->n > 3 && (at[3] & 0xc0) != 0x80))
            continue;
        return row->n;
    }
    return 0;
}

static uint32_t code_point_of(const uint8_t *at, size_t n) {
    uint32_t code_point = n == 1 ? at[0] : (uint32_t)at[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        code_point = code_point << 6 | (at[i] & 0x3f);
    return code_point;
}

static bool reference_is_valid(const uint8_t *data, size_t n) {
    for (size_t at = 0, step; at < n; at += step) {
        step = sequence_at(data + at, n - at);
        if (step == 0)
            return false;
    }
    return true;
}

static void check_cut(struct bytes text, bool valid) {
    for (size_t limit = 0; limit <= text.n + 2; limit += 1 + limit / 8) {
        size_t cut = text_cut(text, limit);
        MUST(cut <= limit && cut <= text.n);
        MUST(limit < text.n ? limit - cut <= 3 : cut == text.n);
        if (!valid)
            continue;
        MUST(text_is_valid((struct bytes){text.data, cut}));
        MUST(text_is_valid((struct bytes){text.data + cut, text.n - cut}));
        size_t next =
            cut < text.n ? sequence_at((const uint8_t *)text.data + cut, text.n - cut) : 1;
        MUST(cut == text.n || cut + next > limit);
    }
}

/* What must never be printed raw. */
static const struct {
    uint32_t from, to;
} never_raw[] = {
    {0x00, 0x08},       {0x0b, 0x1f},        {0x7f, 0x9f},       {0xad, 0xad},
    {0x34f, 0x34f},     {0x61c, 0x61c},      {0x115f, 0x1160},   {0x17b4, 0x17b5},
    {0x180b, 0x180f},   {0x200b, 0x200b},    {0x200e, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f},   {0x3164, 0x3164},    {0xd800, 0xf8ff},   {0xfdd0, 0xfdef},
    {0xfe00, 0xfe0d},   {0xfeff, 0xfeff},    {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
    {0xfffe, 0xffff},   {0x1bca0, 0x1bca3},  {0x1d173, 0x1d17a}, {0x1fffe, 0x1ffff},
    {0xe0000, 0xe001f}, {0xe0080, 0x10ffff},
};

static bool is_never_raw(uint32_t code_point, enum text_lines lines) {
    if (code_point == '\n' || code_point == '\t')
        return lines == TEXT_ONE_LINE;
    for (size_t i = 0; i < ARRAY_LEN(never_raw); i++)
        if (code_point >= never_raw[i].from && code_point <= never_raw[i].to)
            return true;
    return false;
}

/* Joiners, selectors and tags: never first, never after ASCII (but a keycap), never two. */
static bool is_out_of_place(uint32_t before, uint32_t code_point, uint32_t after) {
    bool joiner = code_point == 0x200c || code_point == 0x200d;
    bool selector = code_point == 0xfe0e || code_point == 0xfe0f;
    bool tag = code_point >= 0xe0020 && code_point <= 0xe007f;
    if (tag)
        return before != 0x1f3f4 && (before < 0xe0020 || before > 0xe007e);
    if (selector && before < 0x80)
        return code_point != 0xfe0f || after != 0x20e3 || before == 0 ||
               !strchr("0123456789#*", (int)before);
    if (joiner || selector)
        return before < 0x80 || before == 0x200c || before == 0x200d || before == code_point;
    return false;
}

/* Combining marks sit on something that is seen, at most eight in a row. */
static size_t count_marks(size_t n_marks, uint32_t before, uint32_t code_point) {
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code_point);
    if (category != UTF8PROC_CATEGORY_MN && category != UTF8PROC_CATEGORY_MC &&
        category != UTF8PROC_CATEGORY_ME)
        return 0;
    MUST(before > ' ');
    MUST(n_marks < 8);
    return n_marks + 1;
}

static void check_printable(const char *safe, enum text_lines lines) {
    const uint8_t *at = (const uint8_t *)safe;
    const uint8_t *end = at + strlen(safe);
    uint32_t before = 0;
    size_t n_marks = 0;
    while (at < end) {
        size_t n = sequence_at(at, (size_t)(end - at));
        MUST(n > 0);
        size_t next_n = at + n < end ? sequence_at(at + n, (size_t)(end - at) - n) : 0;
        uint32_t after = next_n > 0 ? code_point_of(at + n, next_n) : 0;
        uint32_t code_point = code_point_of(at, n);
        MUST(!is_never_raw(code_point, lines));
        MUST(!is_out_of_place(before, code_point, after));
        n_marks = count_marks(n_marks, before, code_point);
        before = code_point;
        at += n;
    }
}

static void check_safe(struct bytes text, enum text_lines lines) {
    char *safe = text_safe(text, lines);
    MUST(safe);
    size_t n = strlen(safe);
    MUST(n <= 4 * text.n);
    MUST(text_is_valid(bytes_of(safe)));
    check_printable(safe, lines);
    MUST(text_columns(safe) <= 2 * n);
    char *again = text_safe(bytes_of(safe), lines);
    MUST(again && strcmp(again, safe) == 0);
    free(again);
    free(safe);
}

/* Names. */

static void swap_case(struct name *name) {
    for (size_t i = 0; i < name->n; i++)
        if ((name->s[i] >= 'a' && name->s[i] <= 'z') || (name->s[i] >= 'A' && name->s[i] <= 'Z'))
            name->s[i] ^= 0x20;
}

static bool same_name(const struct name *a, const struct name *b) {
    return a->n == b->n && memcmp(a->s, b->s, (size_t)a->n + 1) == 0;
}

static void check_key(const struct name *name) {
    struct name key;
    struct name again;
    name_key(&key, name);
    MUST(key.n > 0 && key.n <= NAME_BYTES_MAX && strlen(key.s) == key.n);
    MUST(text_is_valid(name_bytes(&key)));
    MUST(name_is_room(&key) == name_is_room(name));
    name_key(&again, &key);
    MUST(same_name(&again, &key));
    struct name swapped = *name;
    swap_case(&swapped);
    name_key(&again, &swapped);
    MUST(same_name(&again, &key));
}

static void check_name(struct bytes text) {
    struct name name;
    struct name again;
    enum name_outcome outcome = name_parse(&name, text);
    MUST(name_problem(outcome)[0] != '\0');
    if (outcome != NAME_OK) {
        MUST(name.n == 0 && name.s[0] == '\0');
        return;
    }
    MUST(name.n > 0 && name.n <= NAME_BYTES_MAX && strlen(name.s) == name.n);
    MUST(text_is_valid(name_bytes(&name)));
    char *safe = text_safe(name_bytes(&name), TEXT_ONE_LINE);
    MUST(safe && strcmp(safe, name.s) == 0);
    free(safe);
    MUST(name_parse(&again, name_bytes(&name)) == NAME_OK);
    MUST(same_name(&again, &name));
    check_key(&name);
}

void check_text(const uint8_t *data, size_t n) {
    input = data;
    n_input = n;
    uint8_t *copy = exact_copy(data, n);
    struct bytes text = {(const char *)copy, n};
    bool valid = text_is_valid(text);
    MUST(valid == reference_is_valid(copy, n));
    check_cut(text, valid);
    check_safe(text, TEXT_ONE_LINE);
    check_safe(text, TEXT_KEEP_LINES);
    check_name(text);
    free(copy);
}

/* Lines of IRC. */

static void check_irc_words(const struct irc_line *line, const char *begin, const char *end) {
    MUST(line->n_params <= LINE_PARAMS_MAX && line->n_tags <= LINE_TAGS_MAX);
    MUST(line->command >= begin && line->command < end && line->command[0] != '\0');
    MUST(!strpbrk(line->command, " "));
    for (size_t i = 0; i < line->n_params; i++) {
        MUST(line->params[i] > line->command && line->params[i] <= end);
        MUST(i + 1 == line->n_params || !strpbrk(line->params[i], " "));
    }
    MUST(!line->params[line->n_params]);
}

static void check_irc_tags(const struct irc_line *line) {
    char escaped[2 * TAGS_BYTES_MAX + 1];
    for (size_t i = 0; i < line->n_tags; i++) {
        const char *value = line->tags[i].value;
        MUST(line->tags[i].key[0] != '\0');
        MUST(line_tag_value(line, line->tags[i].key) == value);
        line_escape_tag(escaped, sizeof escaped, value);
        MUST(!strpbrk(escaped, "; \r\n"));
        MUST(strlen(escaped) <= 2 * strlen(value));
    }
}

static void check_irc_name(const char *text) {
    char handle[SPELL_SIZE], nick[SPELL_SIZE];
    struct name key;
    (void)spell_key(&key, text);
    if (!spell_handle(handle, text) || strlen(handle) > NAME_BYTES_MAX)
        return;
    MUST(strcmp(spell_nick(nick, handle), text) == 0);
}

void check_irc_line(const uint8_t *data, size_t n) {
    struct irc_line line;
    input = data;
    n_input = n;
    char *copy = malloc(n + 1);
    MUST(copy);
    memcpy(copy, data, n);
    copy[n] = '\0';
    enum line_outcome outcome = line_parse(&line, copy, n);
    if (outcome == LINE_OK) {
        check_irc_words(&line, copy, copy + n + 1);
        check_irc_tags(&line);
        for (size_t i = 0; i < line.n_params; i++) {
            check_irc_name(line.params[i]);
            MUST(line_mask_matches("*", line.params[i]));
            (void)line_mask_matches(line.params[i], line.command);
        }
    }
    free(copy);
}
