/*
 * The window's loop: keyboard, signals and hub by one poll(2), so that none waits for another.
 * Nothing here blocks on the hub: libearshot's descriptor says when it has work.
 */
#include "chat/chat.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/thread.h"
#include "chat/begin.h"
#include "chat/command.h"
#include "chat/event.h"
#include "chat/files.h"
#include "chat/format.h"
#include "chat/inquiry.h"
#include "chat/line/editor.h"
#include "chat/line/plain.h"
#include "chat/mark.h"
#include "chat/news.h"
#include "chat/past.h"
#include "chat/people/login.h"
#include "chat/revive.h"
#include "chat/talk.h"
#include "cli/outcome.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"

void chat_set_target(struct chat *chat, const char *name) {
    if (name != chat->target)
        snprintf(chat->target, sizeof chat->target, "%s", name);
    unread_know(chat, chat->target);
    unread_visit(chat, chat->target);
    if (chat->view.windowed)
        memory_set(&chat->memory, MEMORY_TARGET, "", *chat->target ? chat->target : NULL);
    editor_target_changed(chat);
}

void chat_configured(struct chat *chat) {
    const struct cli_config *config = cli_config();
    bool is_plain = chat->options->no_color || config->no_color;
    chat->bell = config->when;
    chat->view.colour = chat->has_editor && !is_plain;
}

void chat_fail(struct chat *chat, unsigned code, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    chat->n_failed++;
    if (n < 0)
        return;
    if (chat->view.windowed) {
        view_note(&chat->view, VIEW_ERROR, "%s", text);
    } else {
        int exit_code = cli_fail(chat->options, code, "%s", text);
        if (chat->exit_code == CLI_DONE)
            chat->exit_code = exit_code;
    }
    free(text);
}

char *chat_reason(const struct chat *chat, const char *reason) {
    return chat->view.windowed ? format_reason(reason) : strdup(reason);
}

void chat_fail_link(struct chat *chat, int result, const char *what) {
    struct outcome outcome = outcome_of(chat->link, result);
    CLEANUP_FREE char *reason = chat_reason(chat, outcome.text);
    chat_fail(chat, outcome.code, "%s: %s", what, reason ? reason : "");
}

#define CHAT_LEAVING_MS 30000 /* how long leaving waits for the hub to take one more message */

struct chat_loop {
    struct chat chat;
    struct plain plain;
    int signal_fd;
    mono_time give_up_at; /* when leaving */
    size_t n_unanswered;  /* when leaving: at the last look */
};

/* Signals. */

static int chat_open_signals(bool has_editor) {
    static const int plain[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, 0};
    static const int editing[] = {SIGINT,   SIGTERM, SIGHUP,  SIGQUIT, SIGCHLD,
                                  SIGWINCH, SIGTSTP, SIGCONT, 0};
    return signals_open(has_editor ? editing : plain);
}

static void chat_leave_at_once(struct chat *chat, int signal_number) {
    chat->leaving = chat->at_once = true;
    chat->exit_code = 128 + signal_number;
}

/*
 * Ctrl-C clears the line being typed: at a dumb terminal the kernel has done so already. Where
 * lines come from a program it leaves.
 */
static void chat_interrupt(struct chat *chat) {
    if (chat->view.edits)
        editor_clear_line(chat);
    else if (chat->leaving || !chat->view.windowed)
        chat_leave_at_once(chat, SIGINT);
}

static void chat_take_signal(struct chat *chat, int signal_number) {
    switch (signal_number) {
    case SIGINT:
        chat_interrupt(chat);
        break;
    case SIGCHLD:
        notify_reap(&chat->notify);
        revive_reap(chat);
        break;
    case SIGWINCH: /* has ended the wait; see loop_turn() */
        break;
    case SIGTSTP:
        if (chat->view.edits)
            editor_suspend();
        else
            raise(SIGSTOP);
        break;
    case SIGCONT:
        if (chat->view.edits)
            editor_resume();
        break;
    default:
        chat_leave_at_once(chat, signal_number);
        break;
    }
}

static void chat_read_signals(struct chat_loop *loop) {
    struct signalfd_siginfo info;
    while (read(loop->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        chat_take_signal(&loop->chat, (int)info.ssi_signo);
}

/* Beginning. */

void chat_keeping_text(const struct earshot_hub_info *hub, char text[CHAT_KEEPING_SIZE]) {
    char days[32] = "", size[32] = "";
    unsigned long long mib = hub->keep_bytes >> 20;
    if (hub->keep_days > 0)
        snprintf(days, sizeof days, "for %u day%s", hub->keep_days, hub->keep_days == 1 ? "" : "s");
    if (hub->keep_bytes > 0)
        snprintf(size, sizeof size, "up to %llu %s", mib >= 1024 ? mib >> 10 : mib,
                 mib >= 1024 ? "GiB" : "MiB");
    snprintf(text, CHAT_KEEPING_SIZE, "%s%s%s", days, *days && *size ? ", and " : "", size);
}

static void chat_tell_keeping(struct chat *chat, const struct earshot_hub_info *hub) {
    char keeping[CHAT_KEEPING_SIZE];
    chat_keeping_text(hub, keeping);
    view_note(&chat->view, VIEW_INFO, "messages are kept %s", *keeping ? keeping : "without end");
}

static void chat_greet(struct chat *chat) {
    struct earshot_hub_info hub;
    earshot_hub(chat->link, &hub);
    snprintf(chat->me, sizeof chat->me, "%s", hub.handle);
    if (!chat->view.windowed)
        return;
    const struct passwd *owner = getpwuid(hub.uid);
    view_note(&chat->view, VIEW_INFO, "you are %s at the %s hub%s%s%s of %s, in %s", chat->me,
              cli_mode_words[hub.mode], *hub.name ? " \"" : "", hub.name, *hub.name ? "\"" : "",
              owner ? owner->pw_name : "an unknown user", hub.dir);
    chat_tell_keeping(chat, &hub);
}

static void chat_ignore_configured(struct chat *chat) {
    const struct config_list *ignored = &cli_config()->ignored;
    for (size_t i = 0; i < ignored->n; i++)
        roster_ignore(&chat->roster, ignored->words[i], true);
}

static void chat_join_rooms(struct chat *chat, char **rooms, int n_rooms) {
    for (int i = 0; i < n_rooms; i++) {
        CLEANUP_FREE char *line = NULL;
        if (asprintf(&line, "/join %s", rooms[i]) < 0) {
            line = NULL;
            return;
        }
        command_line(chat, line);
    }
    if (chat->view.windowed)
        inquiry_list(chat, EARSHOT_USERS, NULL, n_rooms > 0 ? INQUIRY_HERE_AGAIN : INQUIRY_HERE,
                     "");
    if (chat->view.windowed)
        files_ask(chat);
    if (chat->view.windowed)
        begin_start(chat, n_rooms == 0);
}

static bool chat_is_windowed(const struct cli_options *options) {
    return !options->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static bool chat_is_dumb_terminal(void) {
    const char *term = getenv("TERM");
    return !term || !*term || strcmp(term, "dumb") == 0;
}

/*
 * Text is UTF-8 whatever the locale says. readline goes by the environment, at the beginning of
 * each line anew, so there the locale is changed, too.
 */
static void chat_start_locale(void) {
    setlocale(LC_ALL, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0 || !setlocale(LC_CTYPE, "C.UTF-8"))
        return;
    const char *all = getenv("LC_ALL");
    setenv(all && *all ? "LC_ALL" : "LC_CTYPE", "C.UTF-8", 1);
}

static int chat_loop_start(struct chat_loop *loop) {
    struct chat *chat = &loop->chat;
    chat_start_locale();
    bool windowed = chat_is_windowed(chat->options);
    chat->has_editor = windowed && !chat_is_dumb_terminal();
    int r = view_init(&chat->view, windowed, chat->options,
                      chat->has_editor && !chat->options->no_color);
    if (r < 0)
        return r;
    chat->view.edits_screen = chat->has_editor;
    loop->signal_fd = chat_open_signals(chat->has_editor);
    if (loop->signal_fd < 0)
        return loop->signal_fd;
    chat->link_fd = earshot_fd(chat->link);
    return chat->link_fd < 0 ? chat->link_fd : 0;
}

static void chat_loop_deinit(struct chat_loop *loop) {
    struct chat *chat = &loop->chat;
    notify_deinit(&chat->notify);
    past_deinit(chat);
    mark_deinit(chat);
    attention_deinit(&chat->attention);
    unread_deinit(&chat->unread);
    memory_deinit(&chat->memory);
    begin_deinit(chat);
    free(chat->halt.arguments);
    scrollback_deinit(&chat->scrollback);
    files_deinit(chat);
    news_deinit(chat);
    login_deinit(chat);
    inquiry_deinit(chat);
    talk_deinit(&chat->talk);
    roster_deinit(&chat->roster);
    view_deinit(&chat->view);
    plain_deinit(&loop->plain);
    earshot_close(chat->link);
    if (loop->signal_fd >= 0)
        close(loop->signal_fd);
}

/* The loop. */

static size_t chat_n_unanswered(const struct chat *chat) {
    return earshot_n_unacknowledged(chat->link) + inquiry_n(chat);
}

/* The user wants to leave: whether to wait on, as long as the hub goes on taking what was said. */
static bool chat_waits_for_hub(struct chat_loop *loop) {
    size_t n = chat_n_unanswered(&loop->chat);
    int limit = loop->chat.options->timeout_ms;
    if (n != loop->n_unanswered)
        loop->give_up_at = mono_add_ms(mono_now(), limit >= 0 ? limit : CHAT_LEAVING_MS);
    loop->n_unanswered = n;
    return n > 0 && mono_ms_until(mono_now(), loop->give_up_at) > 0;
}

static bool chat_goes_on(struct chat_loop *loop) {
    struct chat *chat = &loop->chat;
    if (chat->link_result != 0 || chat->at_once)
        return false;
    if (!chat->leaving)
        return true;
    editor_stop(chat);
    return chat_waits_for_hub(loop);
}

static int chat_earlier(int a, int b) {
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

static int chat_timeout_ms(const struct chat_loop *loop) {
    int ms = chat_earlier(talk_timeout_ms(&loop->chat), news_timeout_ms(&loop->chat));
    ms = chat_earlier(ms, mark_timeout_ms(&loop->chat));
    ms = chat_earlier(ms, past_timeout_ms(&loop->chat));
    ms = chat_earlier(ms, revive_timeout_ms(&loop->chat));
    if (loop->chat.leaving)
        ms = chat_earlier(ms, mono_poll_ms(loop->give_up_at));
    return ms;
}

static void chat_read_keyboard(struct chat_loop *loop) {
    if (loop->chat.view.edits) {
        editor_read();
    } else {
        attention_look(&loop->chat);
        plain_read(&loop->chat, &loop->plain);
    }
}

static bool chat_wants_input(const struct chat_loop *loop) {
    return !loop->chat.leaving && (loop->chat.view.edits || plain_wants_input(&loop->plain));
}

/* One turn. Returns 0, or -errno. */
static int chat_loop_turn(struct chat_loop *loop) {
    struct chat *chat = &loop->chat;
    struct pollfd fds[] = {
        {.fd = loop->signal_fd, .events = POLLIN},
        {.fd = chat->link_fd, .events = POLLIN},
        {.fd = chat_wants_input(loop) ? STDIN_FILENO : -1, .events = POLLIN},
        {.fd = login_fd(chat), .events = POLLIN},
    };
    uint64_t told = chat->attention.told;
    if (poll(fds, ARRAY_LEN(fds), chat->has_events ? 0 : chat_timeout_ms(loop)) < 0)
        return errno == EINTR ? 0 : error_errno();
    if (chat->view.edits)
        editor_follow_size();
    if (fds[0].revents)
        chat_read_signals(loop);
    if (fds[2].revents && !chat->leaving)
        chat_read_keyboard(loop);
    if (fds[1].revents || chat->has_events ||
        chat->attention.told != told) /* by a key: the link is to tell the hub */
        event_take_all(chat);
    if (fds[3].revents)
        login_tell_found(chat);
    if (!chat->has_editor)
        plain_run(chat, &loop->plain);
    talk_report(chat);
    revive_tick(chat);
    mark_show_due(chat);
    past_show_due(chat);
    news_flush_due(chat);
    if (chat->unread.changed)
        editor_unread_changed(chat);
    if (!view_flush(&chat->view)) {
        chat->at_once = true;
        chat->exit_code = CLI_CLOSED;
    }
    attention_flushed(chat);
    if (!chat->has_editor)
        plain_prompt(chat);
    return 0;
}

static void chat_tell_unaccepted(struct chat *chat) {
    size_t n = earshot_n_unacknowledged(chat->link);
    if (n == 0 || chat->exit_code == CLI_CLOSED)
        return;
    int code = cli_fail(chat->options, FAIL_TIMED_OUT,
                        "%zu message%s not accepted by the hub and given up; send %s again", n,
                        n == 1 ? " was" : "s were", n == 1 ? "it" : "them");
    if (chat->exit_code == CLI_DONE)
        chat->exit_code = code;
}

static int chat_loop_run(struct chat_loop *loop) {
    struct chat *chat = &loop->chat;
    int r = 0;
    if (chat->has_editor)
        editor_start(chat);
    while (r == 0 && chat_goes_on(loop))
        r = chat_loop_turn(loop);
    editor_stop(chat);
    view_flush(&chat->view);
    if (chat->view.has_prompt)
        fputc('\n', stdout);
    if (r < 0)
        return cli_fail(chat->options, FAIL_INTERNAL, "cannot go on: %s", strerror(-r));
    if (chat->link_result != 0)
        return cli_fail_link(chat->options, chat->link, chat->link_result);
    files_tell_ended(chat);
    chat_tell_unaccepted(chat);
    return chat->exit_code;
}

/* The `#` may be left out. */
static int chat_check_rooms(const struct cli_options *options, char **rooms, int n_rooms) {
    int code = CLI_DONE;
    for (int i = 0; code == CLI_DONE && i < n_rooms; i++)
        code = words_check_name(options, rooms[i]);
    return code;
}

int chat_run(const struct cli_options *options, char **rooms, int n_rooms) {
    const struct cli_config *config = cli_config();
    struct chat_loop loop = {.chat = {.options = options, .bell = config->when}, .signal_fd = -1};
    unsigned flags = EARSHOT_LISTEN | EARSHOT_ALL_ROOMS | EARSHOT_NEWS | EARSHOT_RECONNECT;
    flags |= chat_is_windowed(options) ? EARSHOT_UNTIL_READ : 0;
    loop.chat.attention.looked_at = mono_now();
    int code = chat_check_rooms(options, rooms, n_rooms);
    if (code == CLI_DONE)
        code = cli_open(&loop.chat.link, options, flags);
    if (code != CLI_DONE)
        return code;
    int r = chat_loop_start(&loop);
    if (r < 0) {
        code = cli_fail(options, FAIL_INTERNAL, "cannot start: %s", strerror(-r));
    } else {
        chat_greet(&loop.chat);
        past_ask_newest(&loop.chat);
        unread_begin_anew(&loop.chat);
        chat_ignore_configured(&loop.chat);
        if (loop.chat.view.windowed)
            memory_start(&loop.chat);
        if (n_rooms > 0)
            chat_join_rooms(&loop.chat, rooms, n_rooms);
        else
            chat_join_rooms(&loop.chat, config->rooms.words, (int)config->rooms.n);
        code = chat_loop_run(&loop);
    }
    chat_loop_deinit(&loop);
    return code;
}
