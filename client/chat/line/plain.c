#include "chat/line/plain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat/command.h"
#include "chat/line/editor.h"
#include "cli/report.h"

#define PLAIN_READ_BYTES 65536
#define PLAIN_LINE_MAX (2 * EARSHOT_TEXT_MAX) /* longer ones are refused when they end */

void plain_deinit(struct plain *plain) {
    free(plain->buffer);
    *plain = (struct plain){0};
}

static char *plain_line_end(const struct plain *plain) {
    return plain->n > 0 ? memchr(plain->buffer, '\n', plain->n) : NULL;
}

bool plain_wants_input(const struct plain *plain) {
    return !plain->ended && !plain_line_end(plain);
}

static bool plain_make_room(struct plain *plain) {
    if (plain->size - plain->n > PLAIN_READ_BYTES)
        return true;
    size_t size = plain->n + 2 * PLAIN_READ_BYTES;
    char *buffer = realloc(plain->buffer, size);
    if (!buffer)
        return false;
    plain->buffer = buffer;
    plain->size = size;
    return true;
}

void plain_read(struct chat *chat, struct plain *plain) {
    if (plain->n > PLAIN_LINE_MAX) { /* it will be refused: only its length is needed */
        plain->n_lost += plain->n - PLAIN_LINE_MAX;
        plain->n = PLAIN_LINE_MAX;
    }
    if (!plain_make_room(plain)) {
        chat_fail(chat, FAIL_INTERNAL, "out of memory");
        chat->at_once = true;
        return;
    }
    ssize_t n = read(STDIN_FILENO, plain->buffer + plain->n, PLAIN_READ_BYTES);
    if (n > 0) { /* a whole line: the terminal has shown its end */
        plain->n += (size_t)n;
        chat->view.has_prompt = false;
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        plain->ended = true;
        plain->buffer[plain->n++] = '\n'; /* the last line may lack it */
    }
}

void plain_prompt(struct chat *chat) {
    char prompt[EDITOR_PROMPT_SIZE];
    if (!chat->view.windowed || chat->view.has_prompt || chat->leaving)
        return;
    editor_prompt_text(chat, prompt);
    fputs(prompt, stdout);
    fflush(stdout);
    chat->view.has_prompt = true;
}

/* False when the line has to wait for the hub. */
static bool plain_run_line(struct chat *chat, char *line, size_t n) {
    line[n] = '\0';
    if (strlen(line) < n) {
        chat_fail(chat, FAIL_BAD_TEXT, "a line with a NUL byte was not sent");
        return true;
    }
    bool dos = n > 0 && line[n - 1] == '\r';
    if (dos)
        line[n - 1] = '\0';
    if (command_line(chat, line) != COMMAND_KEEP)
        return true;
    line[n] = '\n';
    if (dos)
        line[n - 1] = '\r';
    return false;
}

static void plain_refuse_long_line(struct chat *chat, size_t n) {
    chat_fail(chat, FAIL_BAD_TEXT,
              "not sent: the line has %zu bytes; one message may have %d: send it in several, or "
              "as a file with /put",
              n, EARSHOT_TEXT_MAX);
}

void plain_run(struct chat *chat, struct plain *plain) {
    char *end, *at = plain->buffer;
    size_t left = plain->n;
    while (!chat->leaving && left > 0 && (end = memchr(at, '\n', left))) {
        size_t n = (size_t)(end - at);
        if (plain->n_lost > 0)
            plain_refuse_long_line(chat, n + plain->n_lost);
        else if (!plain_run_line(chat, at, n))
            break;
        plain->n_lost = 0;
        at += n + 1;
        left -= n + 1;
    }
    if (at != plain->buffer)
        memmove(plain->buffer, at, left);
    plain->n = left;
    if (plain->ended && left == 0)
        chat->leaving = true;
}
