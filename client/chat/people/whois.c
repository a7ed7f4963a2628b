#include "chat/people/whois.h"

#include <stdio.h>
#include <unistd.h>

#include "chat/people/login.h"
#include "cli/words.h"
#include "ipc/process.h"

#define WHOIS_PROGRAMS_MAX 8
#define WHOIS_DAY_MS (24 * 60 * 60 * 1000)
#define WHOIS_IDLE_SIZE 48

static void whois_since(pid_t pid, char text[48]) {
    char time_text[CONFIG_TIME_SIZE];
    wall_time began = process_began(pid);
    time_t at = (time_t)(began.ms / 1000);
    struct tm when;
    *text = '\0';
    if (began.ms == 0)
        return;
    localtime_r(&at, &when);
    config_time_text(&when, time_text);
    if (wall_now().ms - began.ms < WHOIS_DAY_MS)
        snprintf(text, 48, " since %.40s", time_text);
    else
        strftime(text, 48, " since %Y-%m-%d", &when);
}

static void whois_tell_program(struct chat *chat, pid_t pid) {
    char name[PROCESS_NAME_SIZE], tty[PROCESS_TTY_SIZE], since[48];
    process_name(pid, name);
    process_tty(pid, tty);
    whois_since(pid, since);
    view_note(&chat->view, VIEW_INFO, "  %s, pid %ld%s%s%s", *name ? name : "a program", (long)pid,
              *tty ? ", on " : "", tty, since);
}

/* ", idle 5 min"; "" for less than a minute. */
static void whois_idle_text(uint32_t seconds, char text[WHOIS_IDLE_SIZE]) {
    if (seconds < 60)
        *text = '\0';
    else if (seconds < 3600)
        snprintf(text, WHOIS_IDLE_SIZE, ", idle %u min", seconds / 60);
    else
        snprintf(text, WHOIS_IDLE_SIZE, ", idle %u h %u min", seconds / 3600, seconds / 60 % 60);
}

void whois_tell(struct chat *chat, const struct earshot_event *event) {
    static const char *const states[] = {
        [EARSHOT_OFFLINE] = "not here", [EARSHOT_ONLINE] = "here", [EARSHOT_AWAY] = "away"};
    char idle[WHOIS_IDLE_SIZE] = "";
    bool is_own = event->user.uid == geteuid();
    bool is_away = event->user.state == EARSHOT_AWAY && *event->user.away;
    if (event->user.state != EARSHOT_OFFLINE)
        whois_idle_text(event->user.idle_s, idle);
    view_note(&chat->view, VIEW_INFO, "%s: uid %ld%s, %s%s%s%s", event->user.handle,
              (long)event->user.uid,
              is_own ? " (your own)" : login_remark(chat, event->user.handle, event->user.uid),
              states[event->user.state], is_away ? ": " : "", is_away ? event->user.away : "",
              idle);
    for (size_t i = 0; i < event->user.n_pids && i < WHOIS_PROGRAMS_MAX; i++)
        whois_tell_program(chat, event->user.pids[i]);
}

static void whois_tty_text(const struct earshot_event *event, char text[PROCESS_TTY_SIZE + 8]) {
    *text = '\0';
    for (size_t i = 0; i < event->user.n_pids && !*text; i++) {
        char tty[PROCESS_TTY_SIZE];
        process_tty(event->user.pids[i], tty);
        if (*tty)
            snprintf(text, PROCESS_TTY_SIZE + 8, " on %s", tty);
    }
}

void whois_tell_short(struct chat *chat, const struct earshot_event *event) {
    char idle[WHOIS_IDLE_SIZE], tty[PROCESS_TTY_SIZE + 8];
    bool away = event->user.state == EARSHOT_AWAY;
    const char *reason = away ? event->user.away : "";
    whois_idle_text(event->user.idle_s, idle);
    whois_tty_text(event, tty);
    view_note(&chat->view, VIEW_INFO, "%s%s%s%s%s%s%s%s", event->user.handle,
              words_same_name(event->user.handle, chat->me) ? " (you)" : "",
              login_remark(chat, event->user.handle, event->user.uid), tty, idle,
              away ? ", away" : "", *reason ? ": " : "", reason);
}
