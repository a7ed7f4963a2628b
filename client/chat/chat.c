/*
 * The loop: keyboard, signals and hub, all by one poll(2), none of which can make it wait for
 * another. Nothing here blocks on the hub: libearshot's descriptor says when it has work.
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
#include "chat/command.h"
#include "chat/editor.h"
#include "chat/event.h"
#include "chat/files.h"
#include "chat/inquiry.h"
#include "chat/login.h"
#include "chat/mark.h"
#include "chat/news.h"
#include "chat/past.h"
#include "chat/plain.h"
#include "chat/revive.h"
#include "chat/talk.h"
#include "cli/outcome.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"

static void first_room(void *arg, const char *name) {
    struct chat *chat = arg;
    if (!*chat->target)
        snprintf(chat->target, sizeof chat->target, "%s", name);
}

const char *chat_next_room(struct chat *chat) {
    static char next[CHAT_NAME_SIZE];
    char target[CHAT_NAME_SIZE];
    memcpy(target, chat->target, sizeof target);
    *chat->target = '\0';
    roster_each(&chat->roster, ROSTER_JOINED, first_room, chat);
    memcpy(next, chat->target, sizeof next);
    memcpy(chat->target, target, sizeof target);
    return next;
}

void chat_set_target(struct chat *chat, const char *name) {
    if (name != chat->target)
        snprintf(chat->target, sizeof chat->target, "%s", name);
    editor_target_changed(chat);
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

void chat_fail_link(struct chat *chat, int result, const char *what) {
    struct outcome outcome = outcome_of(chat->link, result);
    chat_fail(chat, outcome.code, "%s: %s", what, outcome.text);
}

#define LEAVING_MS 30000 /* for the hub to take one more message, once we want to leave */

struct chat_loop {
    struct chat chat;
    struct plain plain;
    int signal_fd;
    mono_time give_up_at; /* when leaving */
    size_t n_left;        /* when leaving: what the hub had not answered, last time */
};

/* Signals. */

static int signals_block(bool has_editor) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGCHLD);
    if (has_editor) {
        sigaddset(&set, SIGWINCH);
        sigaddset(&set, SIGTSTP);
        sigaddset(&set, SIGCONT);
    }
    int r = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (r != 0)
        return -r;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd >= 0 ? fd : error_errno();
}

static void leave_at_once(struct chat *chat, int signal_number) {
    chat->leaving = chat->at_once = true;
    chat->exit_code = 128 + signal_number;
}

/* At a terminal the kernel clears the line on Ctrl-C by itself; there, it is no reason to leave. */
static void loop_interrupt(struct chat *chat) {
    if (chat->view.edits)
        editor_clear_line(chat);
    else if (chat->leaving || !chat->view.windowed)
        leave_at_once(chat, SIGINT);
}

static void signal_take(struct chat *chat, int signal_number) {
    switch (signal_number) {
    case SIGINT:
        loop_interrupt(chat);
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
        leave_at_once(chat, signal_number);
        break;
    }
}

static void signals_read(struct chat_loop *loop) {
    struct signalfd_siginfo info;
    while (read(loop->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        signal_take(&loop->chat, (int)info.ssi_signo);
}

/* Beginning. */

/* How long what is said stays. */
static void tell_keeping(struct chat *chat, const struct earshot_hub_info *hub) {
    char size[32];
    unsigned long long mib = hub->keep_bytes >> 20;
    if (mib >= 1024)
        snprintf(size, sizeof size, "%llu GiB", mib >> 10);
    else
        snprintf(size, sizeof size, "%llu MiB", mib);
    if (hub->keep_days > 0 && mib > 0)
        view_note(&chat->view, VIEW_INFO, "messages are kept for %u days, and up to %s",
                  hub->keep_days, size);
    else if (hub->keep_days > 0)
        view_note(&chat->view, VIEW_INFO, "messages are kept for %u days", hub->keep_days);
    else if (hub->keep_bytes > 0)
        view_note(&chat->view, VIEW_INFO, "messages are kept up to %s", size);
    else
        view_note(&chat->view, VIEW_INFO, "messages are kept without end");
}

static void chat_greet(struct chat *chat) {
    struct earshot_hub_info hub;
    earshot_hub(chat->link, &hub);
    snprintf(chat->me, sizeof chat->me, "%s", hub.handle);
    if (!chat->view.windowed)
        return;
    const struct passwd *owner = getpwuid(hub.uid);
    view_note(&chat->view, VIEW_INFO, "you are %s at the %s hub of %s%s%s in %s", chat->me,
              cli_mode_words[hub.mode], owner ? owner->pw_name : "an unknown user",
              *hub.name ? ", " : "", hub.name, hub.dir);
    tell_keeping(chat, &hub);
}

static void ignore_configured(struct chat *chat) {
    const struct config_list *ignored = &cli_config()->ignored;
    for (size_t i = 0; i < ignored->n; i++)
        roster_ignore(&chat->roster, ignored->words[i], true);
}

static void join_rooms(struct chat *chat, char **rooms, int n_rooms) {
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
}

static bool is_windowed(const struct cli_options *options) {
    return !options->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static bool is_dumb(void) {
    const char *term = getenv("TERM");
    return !term || !*term || strcmp(term, "dumb") == 0;
}

/*
 * Text is UTF-8 whatever the locale says. readline goes by the environment, at the beginning of
 * each line anew, so there the locale is changed, too.
 */
static void locale_start(void) {
    setlocale(LC_ALL, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0 || !setlocale(LC_CTYPE, "C.UTF-8"))
        return;
    const char *all = getenv("LC_ALL");
    setenv(all && *all ? "LC_ALL" : "LC_CTYPE", "C.UTF-8", 1);
}

static int loop_start(struct chat_loop *loop) {
    struct chat *chat = &loop->chat;
    locale_start();
    bool windowed = is_windowed(chat->options);
    chat->has_editor = windowed && !is_dumb();
    int r = view_init(&chat->view, windowed, chat->options,
                      chat->has_editor && !chat->options->no_color);
    if (r < 0)
        return r;
    loop->signal_fd = signals_block(chat->has_editor);
    if (loop->signal_fd < 0)
        return loop->signal_fd;
    chat->link_fd = earshot_fd(chat->link);
    return chat->link_fd < 0 ? chat->link_fd : 0;
}

static void loop_deinit(struct chat_loop *loop) {
    struct chat *chat = &loop->chat;
    notify_deinit(&chat->notify);
    past_deinit(chat);
    mark_deinit(chat);
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

static size_t n_unanswered(const struct chat *chat) {
    return earshot_n_unacknowledged(chat->link) + inquiry_n(chat);
}

/* Whether the loop goes on when the user wants to leave: as long as the hub takes what was said. */
static bool is_leaving_slowly(struct chat_loop *loop) {
    size_t n = n_unanswered(&loop->chat);
    int limit = loop->chat.options->timeout_ms;
    if (n != loop->n_left)
        loop->give_up_at = mono_add_ms(mono_now(), limit >= 0 ? limit : LEAVING_MS);
    loop->n_left = n;
    return n > 0 && mono_ms_until(mono_now(), loop->give_up_at) > 0;
}

static bool goes_on(struct chat_loop *loop) {
    struct chat *chat = &loop->chat;
    if (chat->link_result != 0 || chat->at_once)
        return false;
    if (!chat->leaving)
        return true;
    editor_stop(chat);
    return is_leaving_slowly(loop);
}

static int loop_earlier(int a, int b) {
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

static int timeout_ms(const struct chat_loop *loop) {
    int ms = loop_earlier(talk_timeout_ms(&loop->chat), news_timeout_ms(&loop->chat));
    ms = loop_earlier(ms, mark_timeout_ms(&loop->chat));
    ms = loop_earlier(ms, revive_timeout_ms(&loop->chat));
    if (loop->chat.leaving)
        ms = loop_earlier(ms, (int)mono_ms_until(mono_now(), loop->give_up_at));
    return ms;
}

static void keyboard_read(struct chat_loop *loop) {
    if (loop->chat.view.edits)
        editor_read();
    else
        plain_read(&loop->chat, &loop->plain);
}

static bool wants_input(const struct chat_loop *loop) {
    return !loop->chat.leaving && (loop->chat.view.edits || plain_wants_input(&loop->plain));
}

/* One turn. Returns 0, or -errno. */
static int loop_turn(struct chat_loop *loop) {
    struct chat *chat = &loop->chat;
    struct pollfd fds[] = {
        {.fd = loop->signal_fd, .events = POLLIN},
        {.fd = chat->link_fd, .events = POLLIN},
        {.fd = wants_input(loop) ? STDIN_FILENO : -1, .events = POLLIN},
        {.fd = login_fd(chat), .events = POLLIN},
    };
    if (poll(fds, ARRAY_LEN(fds), timeout_ms(loop)) < 0)
        return errno == EINTR ? 0 : error_errno();
    if (chat->view.edits)
        editor_follow_size();
    if (fds[0].revents)
        signals_read(loop);
    if (fds[1].revents)
        event_take_all(chat);
    if (fds[2].revents && !chat->leaving)
        keyboard_read(loop);
    if (fds[3].revents)
        login_tell_found(chat);
    if (!chat->has_editor)
        plain_run(chat, &loop->plain);
    talk_report(chat);
    revive_tick(chat);
    mark_show_due(chat);
    news_flush_due(chat);
    if (!view_flush(&chat->view)) {
        chat->at_once = true;
        chat->exit_code = CLI_CLOSED;
    }
    return 0;
}

static void tell_of_unaccepted(struct chat *chat) {
    size_t n = earshot_n_unacknowledged(chat->link);
    if (n == 0 || chat->exit_code == CLI_CLOSED)
        return;
    int code = cli_fail(chat->options, FAIL_TIMED_OUT,
                        "%zu message%s not accepted by the hub and given up", n,
                        n == 1 ? " was" : "s were");
    if (chat->exit_code == CLI_DONE)
        chat->exit_code = code;
}

static int loop_run(struct chat_loop *loop) {
    struct chat *chat = &loop->chat;
    int r = 0;
    if (chat->has_editor)
        editor_start(chat);
    while (r == 0 && goes_on(loop))
        r = loop_turn(loop);
    editor_stop(chat);
    view_flush(&chat->view);
    if (r < 0)
        return cli_fail(chat->options, FAIL_INTERNAL, "cannot go on: %s", strerror(-r));
    if (chat->link_result != 0)
        return cli_fail_link(chat->options, chat->link, chat->link_result);
    tell_of_unaccepted(chat);
    return chat->exit_code;
}

/* The `#` may be left out. */
static int rooms_check(const struct cli_options *options, char **rooms, int n_rooms) {
    int code = CLI_DONE;
    for (int i = 0; code == CLI_DONE && i < n_rooms; i++)
        code = words_check_name(options, rooms[i]);
    return code;
}

int chat_run(const struct cli_options *options, char **rooms, int n_rooms) {
    const struct cli_config *config = cli_config();
    struct chat_loop loop = {.chat = {.options = options, .bell = config->when}, .signal_fd = -1};
    unsigned flags = EARSHOT_LISTEN | EARSHOT_ALL_ROOMS | EARSHOT_NEWS | EARSHOT_RECONNECT;
    int code = rooms_check(options, rooms, n_rooms);
    if (code == CLI_DONE)
        code = cli_open(&loop.chat.link, options, flags);
    if (code != CLI_DONE)
        return code;
    int r = loop_start(&loop);
    if (r < 0) {
        code = cli_fail(options, FAIL_INTERNAL, "cannot start: %s", strerror(-r));
    } else {
        chat_greet(&loop.chat);
        ignore_configured(&loop.chat);
        if (n_rooms > 0)
            join_rooms(&loop.chat, rooms, n_rooms);
        else
            join_rooms(&loop.chat, config->rooms.words, (int)config->rooms.n);
        code = loop_run(&loop);
    }
    loop_deinit(&loop);
    return code;
}
