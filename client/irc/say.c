#include "irc/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define SAY_LINE_SIZE 2048 /* a line before it is cut */
#define SAY_TAGS_SIZE 1024

void say_time(char out[SAY_TIME_SIZE], int64_t at_ms) {
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;
    char day[24];
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
    snprintf(out, SAY_TIME_SIZE, "%s.%03dZ", day, (int)(at_ms % 1000));
}

size_t say_room(const char *source, const char *command, const char *target) {
    return strlen(source) + strlen(command) + strlen(target) +
           7; /* ":", three blanks, ":", CR LF */
}

/* Bytes. */

/* A client that has let so much gather is cut off: what it asked for is more than it reads. */
static void say_bytes(struct conn *conn, const char *data, size_t n) {
    if (conn->is_dead)
        return;
    if (conn->n_out + n > OUT_MAX) {
        conn->is_dead = true;
        return;
    }
    if (conn->n_out + n > conn->out_size) {
        size_t size = conn->out_size ? conn->out_size : 4096;
        while (size < conn->n_out + n)
            size *= 2;
        char *out = realloc(conn->out, size);
        if (!out) {
            conn->is_dead = true;
            return;
        }
        conn->out = out;
        conn->out_size = size;
    }
    memcpy(conn->out + conn->n_out, data, n);
    conn->n_out += n;
}

static void say_line(struct conn *conn, const char *tags, const char *extra, const char *body) {
    const char *between = *tags && *extra ? ";" : "";
    if (*tags || *extra) {
        say_bytes(conn, "@", 1);
        say_bytes(conn, extra, strlen(extra));
        say_bytes(conn, between, strlen(between));
        say_bytes(conn, tags, strlen(tags));
        say_bytes(conn, " ", 1);
    }
    say_bytes(conn, body, text_cut(bytes_of(body), LINE_BYTES_MAX - 2));
    say_bytes(conn, "\r\n", 2);
}

/* Tags. */

struct tag_list {
    char text[SAY_TAGS_SIZE];
    size_t n;
};

static void tag_add(struct tag_list *list, const char *key, const char *value) {
    char escaped[256];
    if (!value || list->n + strlen(key) + sizeof escaped > sizeof list->text)
        return;
    int n = snprintf(list->text + list->n, sizeof list->text - list->n, "%s%s%s%s",
                     list->n > 0 ? ";" : "", key, *value ? "=" : "",
                     line_escape_tag(escaped, sizeof escaped, value));
    list->n += n > 0 ? (size_t)n : 0;
}

static const char *tag_unless_empty(const char *value) {
    return value && *value ? value : NULL;
}

/* Within a multiline batch a line has no time and id of its own: these stand at its beginning. */
static void tag_all(struct tag_list *list, const struct conn *conn, const struct say_tags *tags) {
    char time[SAY_TIME_SIZE];
    bool is_inside = tags && tags->at_ms < 0;
    if (tags && (conn->caps & CAP_BATCH))
        tag_add(list, "batch", tag_unless_empty(tags->batch));
    if (tags && tags->is_concat)
        tag_add(list, "draft/multiline-concat", "");
    if ((conn->caps & CAP_SERVER_TIME) && !is_inside) {
        say_time(time, tags && tags->at_ms ? tags->at_ms : wall_now().ms);
        tag_add(list, "time", time);
    }
    if (!tags)
        return;
    if (conn->caps & CAP_MESSAGE_TAGS) {
        tag_add(list, "msgid", tag_unless_empty(tags->id));
        tag_add(list, "+draft/reply", tag_unless_empty(tags->reply));
    }
    if (conn->caps & CAP_ACCOUNT_TAG)
        tag_add(list, "account", tag_unless_empty(tags->account));
}

/* Answers. */

static bool say_is_labelled(const struct conn *conn) {
    return *conn->label != '\0';
}

static void answer_add(struct conn *conn, const char *tags, const char *body) {
    struct answer_line *line = calloc(1, sizeof *line);
    if (line) {
        line->tags = strdup(tags);
        line->body = strdup(body);
        line->is_batched = *conn->open_batch && strncmp(body, "BATCH ", 6) != 0;
    }
    if (!line || !line->tags || !line->body) {
        conn->is_dead = true; /* memory is out */
        if (line) {
            free(line->tags);
            free(line->body);
        }
        free(line);
        return;
    }
    if (!conn->answers)
        conn->answers_end = &conn->answers;
    *conn->answers_end = line;
    conn->answers_end = &line->next;
}

/* What others wrote (texts, topics, reasons) must not begin another line. */
static void say_keep_one_line(char *body) {
    for (; *body; body++)
        if (*body == '\r' || *body == '\n')
            *body = ' ';
}

static void say_formatted(struct conn *conn, bool is_answer, const struct say_tags *tags,
                          const char *format, va_list args) {
    char body[SAY_LINE_SIZE];
    struct tag_list list = {.n = 0};
    vsnprintf(body, sizeof body, format, args);
    say_keep_one_line(body);
    tag_all(&list, conn, tags);
    if (is_answer && say_is_labelled(conn))
        answer_add(conn, list.text, body);
    else
        say_line(conn, list.text, "", body);
}

void say_answer(struct conn *conn, const struct say_tags *tags, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_formatted(conn, true, tags, format, args);
    va_end(args);
}

void say_news(struct conn *conn, const struct say_tags *tags, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_formatted(conn, false, tags, format, args);
    va_end(args);
}

static void say_params(struct conn *conn, enum numeric numeric, const char *params) {
    const char *text = numeric_text(numeric);
    say_answer(conn, NULL, ":%s %03d %s%s%s%s%s", conn->door->name, (int)numeric,
               *conn->nick ? conn->nick : "*", *params ? " " : "", params, text ? " :" : "",
               text ? text : "");
}

void say_plain(struct conn *conn, enum numeric numeric) {
    say_params(conn, numeric, "");
}

void say_numeric(struct conn *conn, enum numeric numeric, const char *format, ...) {
    char params[SAY_LINE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(params, sizeof params, format, args);
    va_end(args);
    say_params(conn, numeric, params);
}

void say_fail(struct conn *conn, const char *command, const char *code, const char *context,
              const char *text) {
    say_answer(conn, NULL, ":%s FAIL %s %s %s:%s", conn->door->name, command, code, context, text);
}

void say_notice(struct conn *conn, const char *format, ...) {
    char text[SAY_LINE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say_news(conn, NULL, ":%s NOTICE %s :%s", conn->door->name, *conn->nick ? conn->nick : "*",
             text);
}

/* Batches. */

const char *say_open_batch(struct conn *conn, const struct say_tags *tags, const char *what) {
    if (!(conn->caps & CAP_BATCH))
        return NULL;
    snprintf(conn->open_batch, sizeof conn->open_batch, "%u", ++conn->last_batch);
    say_answer(conn, tags, "BATCH +%s %s", conn->open_batch, what);
    return conn->open_batch;
}

void say_close_batch(struct conn *conn) {
    if (*conn->open_batch)
        say_answer(conn, &(struct say_tags){.at_ms = -1}, "BATCH -%s", conn->open_batch);
    *conn->open_batch = '\0';
}

/* One batch is the whole answer: it carries the label itself. */
static bool answer_is_one_batch(const struct conn *conn) {
    const struct answer_line *line = conn->answers;
    if (!line || !line->next || strncmp(line->body, "BATCH +", 7) != 0)
        return false;
    for (line = line->next; line->next; line = line->next)
        if (!line->is_batched)
            return false;
    return strncmp(line->body, "BATCH -", 7) == 0;
}

static void answer_say_all(struct conn *conn, const char *first, const char *other) {
    for (const struct answer_line *line = conn->answers; line; line = line->next)
        say_line(conn, line->tags,
                 line == conn->answers ? first
                 : line->is_batched    ? ""
                                       : other,
                 line->body);
}

static void answer_say_batch(struct conn *conn, const char *label) {
    char reference[32], body[64 + sizeof conn->door->name];
    unsigned number = ++conn->last_batch;
    snprintf(body, sizeof body, ":%s BATCH +%u labeled-response", conn->door->name, number);
    snprintf(reference, sizeof reference, "batch=%u", number);
    say_line(conn, "", label, body);
    answer_say_all(conn, reference, reference);
    snprintf(body, sizeof body, ":%s BATCH -%u", conn->door->name, number);
    say_line(conn, "", "", body);
}

void say_end(struct conn *conn) {
    char escaped[2 * LABEL_SIZE], label[2 * LABEL_SIZE + 8], body[80];
    if (!say_is_labelled(conn))
        return;
    snprintf(label, sizeof label, "label=%s",
             line_escape_tag(escaped, sizeof escaped, conn->label));
    *conn->label = '\0';
    if (!conn->answers) {
        snprintf(body, sizeof body, ":%s ACK", conn->door->name);
        say_line(conn, "", label, body);
    } else if (!conn->answers->next || answer_is_one_batch(conn)) {
        answer_say_all(conn, label, "");
    } else {
        answer_say_batch(conn, label);
    }
    say_drop(conn);
}

void say_drop(struct conn *conn) {
    while (conn->answers) {
        struct answer_line *line = conn->answers;
        conn->answers = line->next;
        free(line->tags);
        free(line->body);
        free(line);
    }
    conn->answers_end = NULL;
}
