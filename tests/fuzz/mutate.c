/*
 * A mutation round that can be repeated: the same seed makes the same inputs on every machine.
 * Starts from one valid encoding of every frame type, of every size, and from batches of several;
 * each round makes one batch and one text from them and gives them to the checks.
 *
 *   mutate ROUNDS [SEED]
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <utf8proc.h>

#include "base/macro.h"
#include "fuzz/check.h"
#include "harness/sample.h"
#include "proto/frame.h"

#define INPUT_MAX (2 * BATCH_BYTES_MAX)
#define N_BATCHES 16
#define N_SEEDS_MAX (SAMPLE_SIZE_END * (FRAME_TYPE_END + SIGNAL_END + 1) + N_BATCHES)

struct input {
    uint8_t data[INPUT_MAX];
    size_t n;
};

static struct input seeds[N_SEEDS_MAX];
static size_t n_seeds;

/* splitmix64, by Sebastiano Vigna, in the public domain. */
static uint64_t random_state;

static uint64_t random_next(void) {
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t random_below(size_t n) {
    return n > 0 ? (size_t)(random_next() % n) : 0;
}

/* Seeds. */

static void seed_begin(struct cursor_out *out) {
    *out = cursor_out_of(seeds[n_seeds].data, BATCH_BYTES_MAX);
    envelope_put(out, &(struct envelope){PROTO_VERSION, 0, 1});
}

static void seed_end(const struct cursor_out *out, uint16_t n_frames) {
    envelope_set_n_frames(seeds[n_seeds].data, n_frames);
    seeds[n_seeds++].n = cursor_out_used(out);
}

static bool put_sample(struct cursor_out *out, unsigned type, enum sample_size size) {
    struct frame frame = sample_frame(type, size);
    return frame_put(out, &frame);
}

static void make_single_seeds(void) {
    for (unsigned type = 1; type < FRAME_TYPE_END; type++) {
        for (enum sample_size size = SAMPLE_LEAST; size < SAMPLE_SIZE_END; size++) {
            struct cursor_out out;
            seed_begin(&out);
            if (put_sample(&out, type, size))
                seed_end(&out, 1);
        }
    }
}

/* The other kinds of signal. */
static void make_signal_seeds(void) {
    for (enum signal_what what = 0; what < SIGNAL_END; what++) {
        for (enum sample_size size = SAMPLE_LEAST; size < SAMPLE_SIZE_END; size++) {
            struct frame frame = sample_frame(FRAME_SIGNAL, size);
            struct cursor_out out;
            frame.signal.said = sample_said_kind(what, size);
            seed_begin(&out);
            if (frame_put(&out, &frame))
                seed_end(&out, 1);
        }
    }
}

/* A message that is a small file. */
static void make_file_seeds(void) {
    for (enum sample_size size = SAMPLE_LEAST; size < SAMPLE_SIZE_END; size++) {
        char body[SAMPLE_TEXT_MOST];
        struct frame frame = sample_frame(FRAME_SEND, size);
        struct file_body file = {.form = FILE_BODY_FORM,
                                 .name = sample_text(size, 1, FILE_NAME_MAX),
                                 .content = sample_text(size, 0, 2000)};
        struct cursor_out out = cursor_out_of(body, sizeof body);
        file_body_put(&out, &file);
        frame.send.kind = KIND_FILE;
        frame.send.body = (struct bytes){body, cursor_out_used(&out)};
        frame.send.total = (uint32_t)frame.send.body.n;
        seed_begin(&out);
        if (frame_put(&out, &frame))
            seed_end(&out, 1);
    }
}

/* Batches as a client or the hub might send them: many frames, all from one kind of sender. */
static void make_batch_seeds(void) {
    for (size_t batch = 0; batch < N_BATCHES; batch++) {
        enum frame_from from = batch % 2 ? FROM_HUB : FROM_CLIENT;
        struct cursor_out out;
        uint16_t n_frames = 0;
        seed_begin(&out);
        for (size_t tries = 0; tries < 40; tries++) {
            unsigned type = 1 + (unsigned)random_below(FRAME_TYPE_END - 1);
            enum sample_size size = tries % 8 ? SAMPLE_USUAL : SAMPLE_LEAST;
            if (frame_row(type)->from & from && put_sample(&out, type, size))
                n_frames++;
        }
        seed_end(&out, n_frames);
    }
}

/* Mutations: each changes the input in place and keeps n within INPUT_MAX. */

static void flip_bit(struct input *in) {
    if (in->n > 0)
        in->data[random_below(in->n)] ^= (uint8_t)(1u << random_below(8));
}

static void set_byte(struct input *in) {
    static const uint8_t telling[] = {0,    1,    2,    0x0a, 0x1b, 0x7f,
                                      0x80, 0x9b, 0xc0, 0xed, 0xf4, 0xff};
    if (in->n > 0)
        in->data[random_below(in->n)] = telling[random_below(ARRAY_LEN(telling))];
}

/* The start of one frame of the batch, found by its lengths; in->n when there is none. */
static size_t find_frame(const struct input *in) {
    size_t at = ENVELOPE_BYTES;
    size_t steps = random_below(8);
    while (steps-- > 0 && at + FRAME_HEADER_BYTES <= in->n) {
        uint16_t length;
        memcpy(&length, in->data + at, sizeof length);
        if (length < FRAME_HEADER_BYTES || at + length + FRAME_HEADER_BYTES > in->n)
            break;
        at += length;
    }
    return at + FRAME_HEADER_BYTES <= in->n ? at : in->n;
}

static void lie_about_frame_length(struct input *in) {
    static const uint16_t lies[] = {0, 3, 4, 5, 255, 256, BATCH_BYTES_MAX, UINT16_MAX};
    size_t at = find_frame(in);
    if (at == in->n)
        return;
    uint16_t length;
    memcpy(&length, in->data + at, sizeof length);
    if (random_below(2))
        length = (uint16_t)(length + random_below(9) - 4);
    else
        length = lies[random_below(ARRAY_LEN(lies))];
    memcpy(in->data + at, &length, sizeof length);
}

static void change_type(struct input *in) {
    size_t at = find_frame(in);
    if (at < in->n)
        in->data[at + 2] = (uint8_t)random_below(FRAME_TYPE_END + 2);
}

static void change_flags(struct input *in) {
    size_t at = find_frame(in);
    if (at < in->n)
        in->data[at + 3] = (uint8_t)random_below(16);
}

/* A number somewhere within the fields: among them are the inner lengths. */
static void lie_about_number(struct input *in) {
    size_t width = (size_t)1 << random_below(3);
    uint64_t value = random_below(2) ? random_next() : random_below(300);
    if (in->n >= width)
        memcpy(in->data + random_below(in->n - width + 1), &value, width);
}

static void truncate_input(struct input *in) {
    in->n = random_below(in->n + 1);
}

static void remove_bytes(struct input *in) {
    size_t at = random_below(in->n);
    size_t n = random_below(in->n - at < 32 ? in->n - at + 1 : 32);
    memmove(in->data + at, in->data + at + n, in->n - at - n);
    in->n -= n;
}

static void insert_at(struct input *in, size_t at, const uint8_t *data, size_t n) {
    if (n > INPUT_MAX - in->n)
        n = INPUT_MAX - in->n;
    memmove(in->data + at + n, in->data + at, in->n - at);
    memcpy(in->data + at, data, n);
    in->n += n;
}

static void insert_bytes(struct input *in) {
    uint8_t bytes[16];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random_next();
    insert_at(in, random_below(in->n + 1), bytes, 1 + random_below(sizeof bytes));
}

/* A piece of another seed, put in anywhere. */
static void splice(struct input *in) {
    const struct input *other = &seeds[random_below(n_seeds)];
    size_t from = random_below(other->n);
    size_t n = 1 + random_below(other->n - from);
    insert_at(in, random_below(in->n + 1), other->data + from, n);
}

/* The frames of another seed, put behind these: a longer batch that is still valid. */
static void append_frames(struct input *in) {
    const struct input *other = &seeds[random_below(n_seeds)];
    insert_at(in, in->n, other->data + ENVELOPE_BYTES, other->n - ENVELOPE_BYTES);
}

static void (*const mutations[])(struct input *) = {
    flip_bit,     set_byte,         lie_about_frame_length, change_type,
    change_flags, lie_about_number, truncate_input,         remove_bytes,
    insert_bytes, splice,           append_frames,          flip_bit,
};

static void mutate(struct input *in) {
    for (size_t n = 1 + random_below(4); n > 0; n--)
        mutations[random_below(ARRAY_LEN(mutations))](in);
}

/* Texts: of characters that matter to the text functions, of any characters, of any bytes. */

static const utf8proc_int32_t telling_characters[] = {
    'a',     'Z',     '0',     '#',     '*',     '_',     '.',     '-',     ' ',     '\n',
    '\t',    0x1b,    0x7f,    0x9b,    0xad,    0xdf,    0x130,   0x131,   0x301,   0x308,
    0x323,   0x345,   0x34f,   0x390,   0x3b1,   0x3c2,   0x410,   0x5d0,   0x600,   0x61c,
    0x628,   0x645,   0x915,   0x93f,   0x94d,   0xe33,   0x1100,  0x1160,  0x1161,  0x11a8,
    0x1e9e,  0x1fb3,  0x200b,  0x200c,  0x200d,  0x202e,  0x2028,  0x20e3,  0x2126,  0x2764,
    0x3099,  0x30ab,  0x3164,  0x4e00,  0xac00,  0xe000,  0xfb01,  0xfdfa,  0xfe0e,  0xfe0f,
    0xfeff,  0xff21,  0xff76,  0xff9e,  0x10400, 0x1f1e9, 0x1f3f4, 0x1f3fb, 0x1f468, 0x1f600,
    0xe0067, 0xe0062, 0xe007f, 0xe0100,
};

static utf8proc_int32_t random_character(void) {
    if (random_below(4) > 0)
        return telling_characters[random_below(ARRAY_LEN(telling_characters))];
    utf8proc_int32_t c = (utf8proc_int32_t)random_below(random_below(2) ? 0x110000 : 0x3000);
    return c >= 0xd800 && c < 0xe000 ? 'x' : c;
}

/* Plain text but for one byte: what is read eight bytes at a time must see it. */
static void make_plain(struct input *in) {
    in->n = 1 + random_below(64);
    for (size_t i = 0; i < in->n; i++)
        in->data[i] = (uint8_t)('a' + random_below(26));
    set_byte(in);
}

static void make_text(struct input *in) {
    size_t n_characters = random_below(random_below(8) ? 40 : 400);
    bool raw = random_below(8) == 0;
    in->n = 0;
    while (n_characters-- > 0) {
        if (raw)
            in->data[in->n++] = (uint8_t)random_next();
        else
            in->n += (size_t)utf8proc_encode_char(random_character(), in->data + in->n);
    }
    if (random_below(4) == 0)
        flip_bit(in);
    if (random_below(4) == 0)
        truncate_input(in);
}

/* Names are made of one alphabet, so that they are accepted more often. */
static void make_name(struct input *in) {
    static const utf8proc_int32_t firsts[] = {'a',   0xc0,   0x370,  0x400,
                                              0x900, 0x1e00, 0x1f00, 0xac00};
    utf8proc_int32_t first = firsts[random_below(ARRAY_LEN(firsts))];
    size_t n_characters = 1 + random_below(34);
    in->n = 0;
    if (random_below(4) == 0)
        in->data[in->n++] = '#';
    while (n_characters-- > 0) {
        utf8proc_int32_t c = first + (utf8proc_int32_t)random_below(first == 'a' ? 26 : 128);
        if (random_below(6) == 0)
            c = 0x300 + (utf8proc_int32_t)random_below(0x70);
        in->n += (size_t)utf8proc_encode_char(c, in->data + in->n);
    }
}

/* A line as a client might send it, or nearly so. */
static void make_irc_line(struct input *in) {
    static const char *const words[] = {
        "@label=1;+draft/reply=x\\:y\\s",
        "@",
        "=",
        ";",
        "\\",
        " ",
        ":",
        "PRIVMSG",
        "JOIN",
        "#ops",
        ",",
        "alice",
        "`7^a|b",
        "\r",
        "*",
        "?",
        "\xf0\x9f\x98\x80",
        "CAP LS 302",
        "batch=12345678901234567890",
        "a.b",
        "\n",
        "+o",
    };
    size_t n_words = random_below(random_below(16) ? 24 : 400);
    in->n = 0;
    while (n_words-- > 0) {
        const char *word = words[random_below(ARRAY_LEN(words))];
        memcpy(in->data + in->n, word, strlen(word));
        in->n += strlen(word);
    }
    if (random_below(4) == 0)
        mutate(in);
}

static size_t run_round(void) {
    static struct input in;
    size_t n_accepted;
    const struct input *seed = &seeds[random_below(n_seeds)];
    memcpy(in.data, seed->data, seed->n);
    in.n = seed->n;
    mutate(&in);
    n_accepted = check_batch(in.data, in.n);

    static void (*const makers[])(struct input *) = {make_text, make_name, make_plain};
    makers[random_below(ARRAY_LEN(makers))](&in);
    check_text(in.data, in.n);
    make_irc_line(&in);
    check_irc_line(in.data, in.n);
    return n_accepted;
}

static bool parse_number(const char *text, uint64_t *number) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

int main(int argc, char **argv) {
    uint64_t n_rounds;
    uint64_t seed = 1;
    if (argc < 2 || argc > 3 || !parse_number(argv[1], &n_rounds) ||
        (argc == 3 && !parse_number(argv[2], &seed))) {
        fprintf(stderr, "usage: mutate ROUNDS [SEED]\n");
        return EX_USAGE;
    }
    random_state = seed;
    make_single_seeds();
    make_signal_seeds();
    make_file_seeds();
    make_batch_seeds();
    size_t n_accepted = 0;
    for (size_t i = 0; i < n_seeds; i++)
        n_accepted += check_batch(seeds[i].data, seeds[i].n);
    for (uint64_t round = 0; round < n_rounds; round++)
        n_accepted += run_round();
    printf("fuzz: %llu rounds, seed %llu, %zu frames accepted\n", (unsigned long long)n_rounds,
           (unsigned long long)seed, n_accepted);
    return 0;
}
