#include "chat/line/paste.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#define PASTE_LINES_UNASKED 3
#define PASTE_BEGIN "\033[200~"
#define PASTE_END "\033[201~"
#define PASTE_MIB_MAX 64
#define PASTE_MAX (PASTE_MIB_MAX * 1024 * 1024) /* bytes; what is beyond is dropped, and told */

static struct {
    int (*submit)(int count, int key);
    void (*send_file)(const char *text);
    char *text; /* the pasted lines; NULL when nothing is asked */
    bool each;
    bool is_cut;
    Keymap before, answers;
} paste;

static size_t paste_count_lines(const char *text) {
    size_t n = *text ? 1 : 0;
    for (const char *c = text; *c; c++)
        n += *c == '\n' && c[1];
    return n;
}

/* Reads up to the end mark, with line ends as line feeds. The caller frees it; NULL: no memory. */
static char *paste_read(void) {
    char *text = NULL;
    size_t n_text = 0, matched = 0, n = 0;
    FILE *out = open_memstream(&text, &n_text);
    int c, last = 0;
    if (!out)
        return NULL;
    while (matched < strlen(PASTE_END) && (c = rl_read_key()) > 0) {
        matched = c == PASTE_END[matched] ? matched + 1 : c == PASTE_END[0];
        if (n++ < PASTE_MAX && !(c == '\n' && last == '\r'))
            fputc(c == '\r' ? '\n' : c, out);
        last = c;
    }
    fclose(out);
    paste.is_cut = n > PASTE_MAX;
    if (matched == strlen(PASTE_END) && n_text >= matched)
        text[n_text - matched] = '\0';
    return text;
}

static void paste_trim_end(char *text) {
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
}

static bool paste_is_after_command(void) {
    return rl_line_buffer[0] == '/' && rl_line_buffer[1] != '/';
}

static void paste_ask(void) {
    char cut[32] = "";
    if (paste.is_cut)
        snprintf(cut, sizeof cut, ", cut after %d MiB", PASTE_MIB_MAX);
    rl_message("%zu lines pasted%s. Send: [o]ne message%s, [n]o? ", paste_count_lines(paste.text),
               cut, paste_is_after_command() ? "" : ", [l]ine by line, a [f]ile");
}

static void paste_end_question(void) {
    free(paste.text);
    paste.text = NULL;
    rl_set_keymap(paste.before);
    rl_restore_prompt();
    rl_clear_message();
}

void paste_cancel(void) {
    paste.each = false;
    if (paste.text)
        paste_end_question();
}

bool paste_take_each(void) {
    bool each = paste.each;
    paste.each = false;
    return each;
}

static int paste_submit(bool each) {
    if (!each && rl_end == 0 && paste.text[0] == '/')
        rl_insert_text("/"); /* what was pasted is text, not a command */
    rl_insert_text(paste.text);
    paste_end_question();
    paste.each = each;
    return paste.submit(1, '\r');
}

/* What was typed stays in the line. */
static int paste_submit_file(void) {
    char *text = paste.text;
    paste.text = NULL;
    paste_end_question();
    paste.send_file(text);
    free(text);
    return 0;
}

static int paste_answer(int count, int key) {
    (void)count;
    if (key == 'o' || key == 'O')
        return paste_submit(false);
    if ((key == 'l' || key == 'L') && !paste_is_after_command())
        return paste_submit(true);
    if ((key == 'f' || key == 'F') && !paste_is_after_command())
        return paste_submit_file();
    if (key == 'n' || key == 'N' || key == '\a')
        paste_end_question();
    else
        rl_ding();
    return 0;
}

/* A second block cannot be an answer; it belongs to the first one. */
static int paste_append(int count, int key) {
    bool was_cut = paste.is_cut;
    char *text = paste_read(), *whole = NULL;
    (void)count;
    (void)key;
    if (text)
        paste_trim_end(text);
    paste.is_cut = paste.is_cut || was_cut;
    if (text && asprintf(&whole, "%s\n%s", paste.text, text) >= 0) {
        free(paste.text);
        paste.text = whole;
    }
    free(text);
    paste_ask();
    return 0;
}

static int paste_take(int count, int key) {
    char *text = paste_read();
    (void)count;
    (void)key;
    if (!text)
        return 0;
    paste_trim_end(text);
    if (paste_count_lines(text) <= PASTE_LINES_UNASKED) {
        rl_insert_text(text);
        free(text);
        return 0;
    }
    paste.text = text;
    paste.before = rl_get_keymap();
    rl_set_keymap(paste.answers);
    rl_save_prompt();
    paste_ask();
    return 0;
}

static Keymap paste_new_answers(void) {
    Keymap map = rl_make_bare_keymap();
    for (int key = 0; map && key < KEYMAP_SIZE - 1; key++)
        rl_bind_key_in_map(key, paste_answer, map);
    if (map)
        rl_bind_keyseq_in_map(PASTE_BEGIN, paste_append, map);
    return map;
}

void paste_start(int (*submit)(int count, int key), void (*send_file)(const char *text)) {
    paste.submit = submit;
    paste.send_file = send_file;
    if (!paste.answers)
        paste.answers = paste_new_answers();
    if (!paste.answers)
        return;
    rl_bind_keyseq_in_map(PASTE_BEGIN, paste_take, emacs_standard_keymap);
    rl_bind_keyseq_in_map(PASTE_BEGIN, paste_take, vi_insertion_keymap);
}
