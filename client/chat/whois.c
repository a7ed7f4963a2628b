#include "chat/whois.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "chat/login.h"
#include "ipc/process.h"

#define WHOIS_PROGRAMS_MAX 8
#define WHOIS_START_FIELD 20 /* of /proc/PID/stat, counted behind the program's name */

/* How long a process runs, in seconds: proc_pid_stat(5). 0: it cannot be told. */
static unsigned long long whois_age_s(pid_t pid) {
    char path[32], line[1024];
    unsigned long long start = 0;
    double up = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *in = fopen(path, "re");
    char *at = in && fgets(line, sizeof line, in) ? strrchr(line, ')') : NULL;
    for (int i = 0; at && i < WHOIS_START_FIELD; i++)
        at = strchr(at + 1, ' ');
    if (at)
        start = strtoull(at, NULL, 10) / (unsigned long long)sysconf(_SC_CLK_TCK);
    if (in)
        fclose(in);
    in = fopen("/proc/uptime", "re");
    if (!in || fscanf(in, "%lf", &up) != 1)
        up = 0;
    if (in)
        fclose(in);
    return at && up > (double)start ? (unsigned long long)up - start : 0;
}

static void whois_since(pid_t pid, char text[48]) {
    char time_text[CONFIG_TIME_SIZE];
    unsigned long long age = whois_age_s(pid);
    time_t at = time(NULL) - (time_t)age;
    struct tm when;
    *text = '\0';
    if (age == 0)
        return;
    localtime_r(&at, &when);
    config_time_text(&when, time_text);
    if (age < 86400)
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

void whois_tell(struct chat *chat, const struct earshot_event *event) {
    static const char *const states[] = {
        [EARSHOT_OFFLINE] = "not here", [EARSHOT_ONLINE] = "here", [EARSHOT_AWAY] = "away"};
    char idle[48] = "";
    bool is_away = event->user.state == EARSHOT_AWAY && *event->user.away;
    if (event->user.state != EARSHOT_OFFLINE && event->user.idle_s >= 60)
        snprintf(idle, sizeof idle, ", idle %u min", event->user.idle_s / 60);
    view_note(&chat->view, VIEW_INFO, "%s: uid %ld%s, %s%s%s%s", event->user.handle,
              (long)event->user.uid, login_remark(chat, event->user.handle, event->user.uid),
              states[event->user.state], is_away ? ": " : "", is_away ? event->user.away : "",
              idle);
    for (size_t i = 0; i < event->user.n_pids && i < WHOIS_PROGRAMS_MAX; i++)
        whois_tell_program(chat, event->user.pids[i]);
}
