#include "chat/editor.h"

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
#include "chat/complete.h"
#include "chat/paste.h"
#include "chat/talk.h"

#define HISTORY_LINES 1000
#define KEPT_BYTES 1000
#define END_OF_PASTES "\033[?2004l"
#define TRIES_TO_STOP 100

/* readline gives its callbacks no argument. */
static struct chat *window;
static char *kept; /* goes back into the line when the next one begins */
static bool prompt_is_stale;
static struct termios terminal_before;

/* Giving the terminal back. */

static void terminal_restore(void) {
    if (window)
        rl_deprep_terminal();
}

/*
 * readline would give the terminal back between lines; then a block that is pasted just there
 * would not be known as one.
 */
static void terminal_hold(void) {
}

/*
 * In the background the terminal is the shell's: whoever sets its modes or writes a prompt there
 * is deaf and mute afterwards, because `fg` tells a running job nothing. So the job stops itself,
 * as it would for reading, and `fg` continues it. A group without a shell above cannot be stopped.
 */
static void terminal_await(void) {
    for (int n = 0; n < TRIES_TO_STOP; n++) {
        pid_t foreground = tcgetpgrp(STDIN_FILENO);
        if (foreground < 0 || foreground == getpgrp())
            return;
        kill(0, SIGTTIN);
    }
}

static void restore_and_abort(int signal_number) {
    static const char end[] = END_OF_PASTES "\r\n";
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
    if (write(STDOUT_FILENO, end, sizeof end - 1) < 0)
        _exit(128 + signal_number);
    raise(signal_number); /* not handled any more */
}

static void guard_terminal(void) {
    static bool guarded;
    struct sigaction action = {.sa_handler = restore_and_abort, .sa_flags = (int)SA_RESETHAND};
    tcgetattr(STDIN_FILENO, &terminal_before);
    sigaction(SIGABRT, &action, NULL);
    if (!guarded)
        atexit(terminal_restore);
    guarded = true;
}

/* The prompt. */

static void prompt_text(const struct chat *chat, char *prompt, size_t size) {
    char *safe = text_safe(bytes_of(chat->target), TEXT_ONE_LINE);
    if (!safe || !*safe)
        snprintf(prompt, size, "> ");
    else
        snprintf(prompt, size, "[%s%s] ", safe[0] == '#' ? "" : "@", safe);
    free(safe);
}

static void prompt_set(struct chat *chat) {
    char prompt[4 * CHAT_NAME_SIZE];
    prompt_text(chat, prompt, sizeof prompt);
    rl_set_prompt(prompt);
}

static bool is_message_shown(void) {
    return rl_display_prompt != rl_prompt;
}

void editor_target_changed(struct chat *chat) {
    if (!chat->view.edits)
        return; /* the next line begins with it */
    prompt_is_stale = is_message_shown();
    if (prompt_is_stale)
        return; /* a search or question has the prompt's place */
    rl_clear_visible_line();
    prompt_set(chat);
    rl_on_new_line();
    rl_redisplay();
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

static void editor_remember(const char *line) {
    using_history();
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (*line && (!last || strcmp(last->line, line) != 0))
        add_history(line);
}

/* What was not sent goes back into the line, or, when that is too large to look at, in reach. */
static void editor_keep(const char *text) {
    if (strlen(text) <= KEPT_BYTES) {
        kept = strdup(text);
        talk_report_now(window, "; this line is not sent yet, try again later");
    } else {
        editor_remember(text);
        talk_report_now(window, "; this text is not sent yet, the Up key brings it back");
    }
}

/* The same, but it was said already why. */
static void put_back(const char *text) {
    if (strlen(text) <= KEPT_BYTES)
        kept = strdup(text);
    else
        editor_remember(text);
}

static void send_each(char *lines) {
    for (char *line = lines; line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        if (*line && command_text(window, line) == COMMAND_KEEP) {
            if (end)
                *end = '\n';
            editor_keep(line);
            return;
        }
        line = end ? end + 1 : NULL;
    }
}

static void take_line(const char *line) {
    int outcome = command_line(window, line);
    if (outcome == COMMAND_KEEP)
        editor_keep(line);
    else if (outcome == COMMAND_HELD)
        put_back(line);
}

static void on_line(char *line) {
    if (!line) {
        rl_clear_visible_line();
        window->leaving = true;
        return;
    }
    window->view.edits = false;
    editor_remember(line);
    if (paste_take_each())
        send_each(line);
    else
        take_line(line);
    view_flush(&window->view);
    window->view.edits = true;
    prompt_set(window);
    free(line);
}

/* Called by readline when a line begins. */
static int put_kept_back(void) {
    if (kept)
        rl_insert_text(kept);
    free(kept);
    kept = NULL;
    return 0;
}

/* Ctrl-L */
static int clear_screen(int count, int key) {
    view_end_lost(&window->view);
    return rl_clear_screen(count, key);
}

/* Alt-Enter: a line break within the message. */
static int break_line(int count, int key) {
    (void)key;
    while (count-- > 0)
        rl_insert_text("\n");
    return 0;
}

static void bind_keys(void) {
    Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        rl_bind_key_in_map('\r', editor_submit, maps[i]);
        rl_bind_key_in_map('\n', editor_submit, maps[i]);
        rl_bind_keyseq_in_map("\033\r", break_line, maps[i]);
        rl_bind_keyseq_in_map("\033\n", break_line, maps[i]);
        rl_bind_key_in_map(CTRL('L'), clear_screen, maps[i]);
    }
    paste_start(editor_submit);
}

static void editor_install(void) {
    char prompt[4 * CHAT_NAME_SIZE];
    prompt_text(window, prompt, sizeof prompt);
    rl_callback_handler_install(prompt, on_line);
}

void editor_start(struct chat *chat) {
    terminal_await();
    guard_terminal();
    window = chat;
    rl_readline_name = "earshot";
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_startup_hook = put_kept_back;
    rl_deprep_term_function = terminal_hold;
    stifle_history(HISTORY_LINES);
    using_history();
    rl_initialize();
    complete_start(chat);
    bind_keys();
    view_flush(&chat->view);
    chat->view.edits = true;
    editor_install();
}

void editor_stop(struct chat *chat) {
    if (!window)
        return;
    paste_cancel();
    rl_clear_visible_line();
    rl_callback_handler_remove();
    rl_deprep_terminal();
    fflush(stdout);
    chat->view.edits = false;
    free(kept);
    kept = NULL;
    clear_history();
    window = NULL;
}

void editor_read(void) {
    rl_callback_read_char();
    if (prompt_is_stale && !window->leaving)
        editor_target_changed(window);
}

/* Signals. */

void editor_clear_line(struct chat *chat) {
    bool empty = rl_end == 0 && !is_message_shown();
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
 * Whether the terminal breaks wrapped lines anew when its width changes. Nearly all do; it cannot
 * be asked for, so those that do not are known by name.
 */
static bool does_reflow(void) {
    const char *term = getenv("TERM");
    if (!term || getenv("TMUX"))
        return true;
    return !getenv("XTERM_VERSION") && strncmp(term, "linux", 5) != 0 &&
           strncmp(term, "screen", 6) != 0;
}

static size_t columns_of(const char *text, size_t n) {
    CLEANUP_FREE char *safe = text_safe((struct bytes){text, n}, TEXT_ONE_LINE);
    return safe ? text_columns(safe) : 0;
}

/* The rows from that of the prompt to that of the cursor. */
static size_t rows_to_cursor(size_t width) {
    size_t rows = 0, columns = text_columns(rl_display_prompt);
    const char *at = rl_line_buffer, *cursor = rl_line_buffer + rl_point, *end;
    while ((end = memchr(at, '\n', (size_t)(cursor - at)))) {
        columns += columns_of(at, (size_t)(end - at));
        rows += 1 + (columns > 0 ? (columns - 1) / width : 0);
        columns = 0;
        at = end + 1;
    }
    return rows + (columns + columns_of(at, (size_t)(cursor - at))) / width;
}

/*
 * readline goes up as many rows as the line had before the change of the width; where the
 * terminal has broken it anew that leaves pieces of it behind.
 */
void editor_follow_size(void) {
    int rows, columns;
    struct winsize size;
    rl_get_screen_size(&rows, &columns);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 ||
        (size.ws_col == columns && size.ws_row == rows))
        return;
    if (!does_reflow()) {
        rl_resize_terminal();
        return;
    }
    rl_reset_screen_size();
    rl_get_screen_size(&rows, &columns);
    size_t up = columns > 0 ? rows_to_cursor((size_t)columns) : 0;
    if (up > 0)
        fprintf(stdout, "\033[%zuA", up);
    fputs("\r \033[J\r", stdout); /* from column 1: from the corner, tmux keeps what it erases */
    rl_on_new_line();
    rl_redisplay();
}

void editor_suspend(void) {
    view_end_lost(&window->view);
    rl_clear_visible_line();
    rl_deprep_terminal();
    fflush(stdout);
    raise(SIGSTOP);
}

void editor_resume(void) {
    terminal_await();
    rl_deprep_terminal(); /* the shell may have changed its modes, unknown to readline */
    rl_prep_terminal(1);
    fputs("\r\033[K", stdout); /* the shell may have left something, or nobody has */
    rl_on_new_line();
    rl_forced_update_display();
}
