#include "chat/line/editor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "base/text.h"
#include "chat/command.h"
#include "chat/line/complete.h"
#include "chat/line/compose.h"
#include "chat/line/paste.h"
#include "chat/line/recall.h"
#include "chat/talk.h"
#include "proto/name.h"

#define EDITOR_KEPT_BYTES 1000
#define EDITOR_END_OF_PASTES "\033[?2004l"
#define EDITOR_FOCUS_ON "\033[?1004h" /* the terminal tells when it gets the focus, or loses it */
#define EDITOR_FOCUS_OFF "\033[?1004l"
#define EDITOR_ESCAPE_MS 100 /* how long the rest of a key's sequence may take */
#define EDITOR_TRIES_TO_STOP 100

/* readline's callbacks have no argument that could be this. */
static struct chat *window;
static char *kept; /* what was not sent: it is put into the next line */
static bool prompt_is_stale;
static struct termios terminal_before;

/* What was typed and readline has not taken yet. */
static struct {
    char bytes[3];
    size_t at, n;
    bool has_ended;
} typed;

/* Giving the terminal back. */

static void editor_prep_terminal(void) {
    rl_prep_terminal(1);
    fputs(EDITOR_FOCUS_ON, stdout);
}

static void editor_deprep_terminal(void) {
    fputs(EDITOR_FOCUS_OFF, stdout);
    rl_deprep_terminal();
    fflush(stdout);
}

static void editor_restore_terminal(void) {
    if (window)
        editor_deprep_terminal();
}

/*
 * In the place of the function by which readline gives the terminal back after each line: a block
 * that is pasted just then would come without the marks of a paste.
 */
static void editor_hold_terminal(void) {
}

/*
 * While this job is in the background the terminal is the shell's, and must not be set up: `fg`
 * tells a job that runs nothing, so it would never be set up again. So the job stops itself, by the
 * signal that reading would bring, and `fg` continues it. A process group without a shell cannot be
 * stopped: after some tries it goes on.
 */
static void editor_await_terminal(void) {
    for (int n = 0; n < EDITOR_TRIES_TO_STOP; n++) {
        pid_t foreground = tcgetpgrp(STDIN_FILENO);
        if (foreground < 0 || foreground == getpgrp())
            return;
        kill(0, SIGTTIN);
    }
}

static void editor_restore_and_abort(int signal_number) {
    static const char end[] = EDITOR_FOCUS_OFF EDITOR_END_OF_PASTES "\r\n";
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
    if (write(STDOUT_FILENO, end, sizeof end - 1) < 0)
        _exit(128 + signal_number);
    raise(signal_number); /* by SA_RESETHAND this ends the process */
}

static void editor_guard_terminal(void) {
    static bool guarded;
    struct sigaction action = {.sa_handler = editor_restore_and_abort,
                               .sa_flags = (int)SA_RESETHAND};
    tcgetattr(STDIN_FILENO, &terminal_before);
    sigaction(SIGABRT, &action, NULL);
    if (!guarded)
        atexit(editor_restore_terminal);
    guarded = true;
}

/* The prompt. */

void editor_prompt_text(const struct chat *chat, char prompt[EDITOR_PROMPT_SIZE]) {
    char news[UNREAD_PROMPT_SIZE];
    unread_prompt(chat, news);
    CLEANUP_FREE char *safe = text_safe(bytes_of(chat->target), TEXT_ONE_LINE);
    CLEANUP_FREE char *safe_news = text_safe(bytes_of(news), TEXT_ONE_LINE);
    if (!safe || !*safe)
        snprintf(prompt, EDITOR_PROMPT_SIZE, "> ");
    else
        snprintf(prompt, EDITOR_PROMPT_SIZE, "[%s%s%s] ", conv_sign(safe), conv_rest(safe),
                 safe_news ? safe_news : "");
}

static void editor_set_prompt(struct chat *chat) {
    char prompt[EDITOR_PROMPT_SIZE];
    editor_prompt_text(chat, prompt);
    rl_set_prompt(prompt);
}

static bool editor_shows_message(void) {
    return rl_display_prompt != rl_prompt;
}

void editor_target_changed(struct chat *chat) {
    if (!chat->view.edits)
        return; /* the next line begins with it */
    prompt_is_stale = editor_shows_message();
    if (prompt_is_stale)
        return; /* a search or question has the prompt's place */
    rl_clear_visible_line();
    editor_set_prompt(chat);
    rl_on_new_line();
    rl_redisplay();
}

void editor_unread_changed(struct chat *chat) {
    char prompt[EDITOR_PROMPT_SIZE];
    chat->unread.changed = false;
    if (!chat->view.edits)
        return;
    editor_prompt_text(chat, prompt);
    if (strcmp(prompt, rl_prompt) != 0)
        editor_target_changed(chat);
}

/* Lines. */

/* The return key. The line vanishes: what it says is shown above, as everybody sees it. */
static int editor_submit(int count, int key) {
    (void)count;
    (void)key;
    rl_clear_visible_line();
    rl_done = 1;
    return 0;
}

/*
 * What was not sent goes back into the line. What is too long to be looked at there does not, but
 * the Up key brings it back; then it returns false.
 */
static bool editor_keep(const char *text) {
    bool is_short = strlen(text) <= EDITOR_KEPT_BYTES;
    if (is_short)
        kept = strdup(text);
    else
        recall_add(text);
    return is_short;
}

/* The same because too much waits for the hub. */
static void editor_keep_for_later(const char *text) {
    talk_report_now(window, editor_keep(text)
                                ? "; this line is not sent yet, try again later"
                                : "; this text is not sent yet, the Up key brings it back");
}

static void editor_send_each(char *lines) {
    for (char *line = lines; line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        if (*line && command_text(window, line) == COMMAND_KEEP) {
            if (end)
                *end = '\n';
            editor_keep_for_later(line);
            return;
        }
        line = end ? end + 1 : NULL;
    }
}

static void editor_take_line(const char *line) {
    int outcome = command_line(window, line);
    if (outcome == COMMAND_KEEP)
        editor_keep_for_later(line);
    else if (outcome == COMMAND_HELD)
        editor_keep(line);
    else if (window->typed)
        editor_keep(window->typed);
    free(window->typed);
    window->typed = NULL;
}

static void editor_on_line(char *line) {
    if (!line) {
        rl_clear_visible_line();
        window->leaving = true;
        return;
    }
    window->view.edits = false;
    recall_add(line);
    if (paste_take_each())
        editor_send_each(line);
    else
        editor_take_line(line);
    view_flush(&window->view);
    window->view.edits = true;
    editor_set_prompt(window);
    free(line);
}

/* Called by readline when a line begins. */
static int editor_insert_kept(void) {
    if (kept)
        rl_insert_text(kept);
    free(kept);
    kept = NULL;
    return 0;
}

/* Ctrl-L */
static int editor_clear_screen(int count, int key) {
    view_end_lost(&window->view);
    return rl_clear_screen(count, key);
}

/* Alt-Enter: a line break within the message. */
static int editor_break_line(int count, int key) {
    (void)key;
    while (count-- > 0)
        rl_insert_text("\n");
    return 0;
}

/* Reading. */

static bool editor_has_input(int ms) {
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&fd, 1, ms) > 0;
}

/* One byte more; waits for it. The terminal's end is none. */
static void editor_read_byte(void) {
    ssize_t n;
    do
        n = read(STDIN_FILENO, typed.bytes + typed.n, 1);
    while (n < 0 && (errno == EINTR || (errno == EAGAIN && editor_has_input(-1))));
    typed.n += n == 1;
    typed.has_ended = n != 1;
}

/*
 * The next key, or the beginning of one. What the terminal says of its focus is none: readline
 * would take it for one, and end a search or a question for it.
 */
static void editor_read_key(void) {
    static const char focus[] = "\033[";
    typed.at = typed.n = 0;
    editor_read_byte();
    for (size_t i = 0; i < 2 && typed.n == i + 1 && typed.bytes[i] == focus[i]; i++)
        if (editor_has_input(0))
            editor_read_byte();
    char last = '\0';
    if (typed.n == 3)
        last = typed.bytes[2];
    if (typed.n > 0 && last != 'O')
        attention_look(window);
    if (last == 'O')
        attention_leave(window);
    if (last == 'O' || last == 'I')
        typed.n = 0;
}

/* In the place of readline's function that reads a byte. */
static int editor_next_byte(FILE *stream) {
    (void)stream;
    while (typed.at == typed.n && !typed.has_ended)
        editor_read_key();
    return typed.at < typed.n ? (unsigned char)typed.bytes[typed.at++] : EOF;
}

/* Whether a byte is there, or comes while the rest of a sequence may still come. */
static int editor_has_byte(void) {
    return typed.at < typed.n || editor_has_input(EDITOR_ESCAPE_MS);
}

/* What was there may be gone: with Ctrl-C the kernel drops what was not read yet. */
void editor_read(void) {
    if (!editor_has_input(0))
        return;
    if (typed.at == typed.n)
        editor_read_key();
    while (window && !window->leaving && (typed.at < typed.n || typed.has_ended))
        rl_callback_read_char();
    if (window && !window->leaving && prompt_is_stale)
        editor_target_changed(window);
}

/* Ctrl-X Ctrl-E: the line in an editor. It is not sent before the user says so. */
static int editor_compose(int count, int key) {
    (void)count;
    (void)key;
    rl_clear_visible_line();
    editor_deprep_terminal();
    CLEANUP_FREE char *text = compose_edit(window, rl_line_buffer);
    editor_prep_terminal();
    view_end_lost(&window->view);
    if (text) {
        rl_begin_undo_group();
        rl_delete_text(0, rl_end);
        rl_point = 0;
        rl_insert_text(text);
        rl_end_undo_group();
    }
    rl_on_new_line();
    rl_forced_update_display();
    return 0;
}

/* What has nowhere to go is not lost: the Up key brings it back. */
static void editor_send_paste(const char *text) {
    if (*window->target) {
        compose_put(window, text);
        return;
    }
    command_text(window, text);
    recall_add(text);
}

/* Alt-A: to where something is new. */
static int editor_go_next(int count, int key) {
    (void)count;
    (void)key;
    if (!command_next(window))
        rl_ding();
    return 0;
}

/* Alt-1 to Alt-9: to the conversation of this number. */
static int editor_go_to(int count, int key) {
    (void)count;
    const char *conv = unread_at(window, (size_t)((key & 0x7f) - '0'));
    if (conv)
        command_go(window, conv);
    else
        rl_ding();
    return 0;
}

static void editor_bind_going(void) {
    char sequence[] = "\0331";
    rl_bind_keyseq_in_map("\033a", editor_go_next, emacs_standard_keymap);
    for (sequence[1] = '1'; sequence[1] <= '9'; sequence[1]++)
        rl_bind_keyseq_in_map(sequence, editor_go_to, emacs_standard_keymap);
}

static void editor_bind_keys(void) {
    Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        rl_bind_key_in_map('\r', editor_submit, maps[i]);
        rl_bind_key_in_map('\n', editor_submit, maps[i]);
        rl_bind_keyseq_in_map("\033\r", editor_break_line, maps[i]);
        rl_bind_keyseq_in_map("\033\n", editor_break_line, maps[i]);
        rl_bind_key_in_map(CTRL('L'), editor_clear_screen, maps[i]);
        rl_bind_keyseq_in_map("\030\005", editor_compose, maps[i]);
    }
    editor_bind_going();
    paste_start(editor_submit, editor_send_paste);
}

static void editor_install(void) {
    char prompt[EDITOR_PROMPT_SIZE];
    editor_prompt_text(window, prompt);
    rl_callback_handler_install(prompt, editor_on_line);
}

void editor_start(struct chat *chat) {
    editor_await_terminal();
    editor_guard_terminal();
    window = chat;
    rl_readline_name = "earshot";
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_startup_hook = editor_insert_kept;
    rl_deprep_term_function = editor_hold_terminal;
    rl_getc_function = editor_next_byte;
    rl_input_available_hook = editor_has_byte;
    recall_start();
    rl_initialize();
    complete_start(chat);
    editor_bind_keys();
    view_flush(&chat->view);
    chat->view.edits = true;
    editor_install();
    fputs(EDITOR_FOCUS_ON, stdout);
    fflush(stdout);
}

void editor_stop(struct chat *chat) {
    if (!window)
        return;
    paste_cancel();
    rl_clear_visible_line();
    rl_callback_handler_remove();
    editor_deprep_terminal();
    chat->view.edits = false;
    free(kept);
    kept = NULL;
    recall_stop();
    window = NULL;
}

/* Signals. */

void editor_clear_line(struct chat *chat) {
    bool empty = rl_end == 0 && !editor_shows_message();
    paste_cancel();
    rl_free_line_state(); /* may show the line once more */
    rl_callback_sigcleanup();
    rl_clear_visible_line();
    rl_callback_handler_remove();
    if (empty) {
        chat->view.edits = false;
        view_note(&chat->view, VIEW_INFO, "/quit or Ctrl-D leaves");
        view_flush(&chat->view);
        chat->view.edits = true;
    }
    editor_install();
}

/*
 * Whether the terminal wraps lines anew when its width changes. Nearly all do; a terminal cannot be
 * asked, so those that do not are known by name.
 */
static bool editor_terminal_reflows(void) {
    const char *term = getenv("TERM");
    if (!term || getenv("TMUX"))
        return true;
    return !getenv("XTERM_VERSION") && strncmp(term, "linux", 5) != 0 &&
           strncmp(term, "screen", 6) != 0;
}

static size_t editor_columns(const char *text, size_t n) {
    CLEANUP_FREE char *safe = text_safe((struct bytes){text, n}, TEXT_ONE_LINE);
    return safe ? text_columns(safe) : 0;
}

/* The rows from that of the prompt to that of the cursor. */
static size_t editor_rows_to_cursor(size_t width) {
    size_t rows = 0, columns = text_columns(rl_display_prompt);
    const char *at = rl_line_buffer, *cursor = rl_line_buffer + rl_point, *end;
    while ((end = memchr(at, '\n', (size_t)(cursor - at)))) {
        columns += editor_columns(at, (size_t)(end - at));
        rows += 1 + (columns > 0 ? (columns - 1) / width : 0);
        columns = 0;
        at = end + 1;
    }
    return rows + (columns + editor_columns(at, (size_t)(cursor - at))) / width;
}

/*
 * After a change of the width readline would go up by the rows that the line had before; where the
 * terminal has wrapped it anew these are others, and pieces of it would stay. So its rows are
 * counted and wiped here.
 */
void editor_follow_size(void) {
    int rows, columns;
    struct winsize size;
    rl_get_screen_size(&rows, &columns);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 ||
        (size.ws_col == columns && size.ws_row == rows))
        return;
    if (!editor_terminal_reflows()) {
        rl_resize_terminal();
        return;
    }
    rl_reset_screen_size();
    rl_get_screen_size(&rows, &columns);
    size_t up = columns > 0 ? editor_rows_to_cursor((size_t)columns) : 0;
    if (up > 0)
        fprintf(stdout, "\033[%zuA", up);
    fputs("\r \033[J\r", stdout); /* from column 1: from the corner, tmux keeps what it erases */
    rl_on_new_line();
    rl_redisplay();
}

void editor_suspend(void) {
    view_end_lost(&window->view);
    rl_clear_visible_line();
    editor_deprep_terminal();
    raise(SIGSTOP);
}

void editor_resume(void) {
    editor_await_terminal();
    rl_deprep_terminal(); /* the shell may have changed its modes, unknown to readline */
    editor_prep_terminal();
    fputs("\r\033[K", stdout); /* the shell may have left its prompt there */
    rl_on_new_line();
    rl_forced_update_display();
}
