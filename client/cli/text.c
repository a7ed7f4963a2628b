#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/text.h"
#include "cli/config.h"
#include "cli/table.h"

#define INDENT "      " /* as wide as "HH:MM " */

static bool has_color(const struct cli_options *options) {
    static int terminal = -1;
    const char *term = getenv("TERM");
    if (terminal < 0)
        terminal = isatty(STDOUT_FILENO) && !(term && strcmp(term, "dumb") == 0);
    return terminal && !options->no_color;
}

static void print_safe(struct bytes text, enum text_lines lines) {
    char *safe = text_safe(text, lines);
    for (const char *at = safe ? safe : ""; *at;) {
        size_t n = strcspn(at, "\n");
        fwrite(at, 1, n, stdout);
        at += n;
        if (*at++ != '\n')
            break;
        fputs("\n" INDENT, stdout);
    }
    free(safe);
}

static void print_name(const char *name) {
    print_safe(bytes_of(name), TEXT_ONE_LINE);
}

/* The time; with the date before it when that is not today. */
static void print_clock(int64_t ms, bool color) {
    time_t s = ms / 1000, now = time(NULL);
    struct tm tm = {0}, today = {0};
    char text[CONFIG_TIME_SIZE], date[16] = "";
    localtime_r(&s, &tm);
    localtime_r(&now, &today);
    config_time_text(&tm, text);
    if (tm.tm_yday != today.tm_yday || tm.tm_year != today.tm_year)
        strftime(date, sizeof date, "%Y-%m-%d ", &tm);
    printf(color ? "\033[2m%s%s\033[0m " : "%s%s ", date, text);
}

static void print_sender(const char *from, enum earshot_kind kind, bool color) {
    static const char *const around[][2] = {[EARSHOT_TEXT] = {"<", "> "},
                                            [EARSHOT_ACTION] = {"* ", " "},
                                            [EARSHOT_NOTICE] = {"-", "- "}};
    printf("%s%s", color ? "\033[1m" : "", around[kind][0]);
    print_name(from);
    printf("%s%s", around[kind][1], color ? "\033[0m" : "");
}

void text_message(const struct cli_options *options, const struct earshot_event *event) {
    bool color = has_color(options), room = event->message.conv[0] == '#';
    print_clock(event->message.at_ms, color);
    if (room || event->message.mine) {
        fputs(color ? "\033[36m" : "", stdout);
        fputs(room ? "" : "@", stdout);
        print_name(event->message.conv);
        fputs(color ? "\033[0m " : " ", stdout);
    }
    print_sender(event->message.from, event->message.kind, color);
    print_safe((struct bytes){event->message.text, event->message.text_n}, TEXT_KEEP_LINES);
    putchar('\n');
}

static void add_head(struct table *table, const char *const *titles, size_t n) {
    table->n_columns = n;
    for (size_t i = 0; i < n; i++)
        table_add(table, titles[i]);
}

static void print_table(const struct cli_options *options, struct table *table) {
    bool color = has_color(options);
    table_print(table, color ? "\033[1m" : "", color ? "\033[0m" : "");
}

/* "45 s", "12 min", "3 h", "5 d" */
static const char *text_duration(uint64_t s, char text[32]) {
    static const struct {
        uint64_t seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(units) && s < units[i].seconds)
        i++;
    snprintf(text, 32, "%llu %s", (unsigned long long)(s / units[i].seconds), units[i].unit);
    return text;
}

/* "pts/3 earshot, pts/5 bot" */
static void add_sessions(struct table *table, const struct cli_user *user) {
    char text[512] = "";
    size_t n = 0;
    for (size_t i = 0; i < user->n_sessions && n < sizeof text; i++) {
        const struct cli_session *s = &user->sessions[i];
        int r = snprintf(text + n, sizeof text - n, "%s%s%s%s (%d)", i ? ", " : "", s->tty,
                         *s->tty ? " " : "", *s->program ? s->program : "?", (int)s->pid);
        n += (size_t)r;
    }
    table_add(table, text);
}

void text_users(const struct cli_options *options, const struct cli_user *users, size_t n) {
    static const char *const titles[] = {"HANDLE", "LOGIN", "STATE", "IDLE", "WHERE", "AWAY"};
    struct table table = {0};
    char idle[32];
    add_head(&table, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        table_add(&table, users[i].handle);
        table_add(&table, users[i].login);
        table_add(&table, cli_presence_words[users[i].state]);
        table_add(&table, text_duration(users[i].idle_s, idle));
        add_sessions(&table, &users[i]);
        table_add(&table, users[i].state == EARSHOT_AWAY ? users[i].away : "");
    }
    print_table(options, &table);
}

void text_rooms(const struct cli_options *options, const struct cli_room *rooms, size_t n) {
    static const char *const titles[] = {"ROOM", "MEMBERS", "TOPIC"};
    struct table table = {0};
    add_head(&table, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        table_add(&table, rooms[i].name);
        table_add_number(&table, rooms[i].members);
        table_add(&table, rooms[i].topic);
    }
    print_table(options, &table);
}

void text_topic(const char *topic) {
    print_name(topic);
    putchar('\n');
}

static void print_store(const struct cli_status *status) {
    if (status->store_bytes == 0) {
        puts("store     none: history is kept in memory, and not for long");
        return;
    }
    printf("store     %llu messages, %llu bytes; kept ", (unsigned long long)status->store_messages,
           (unsigned long long)status->store_bytes);
    if (status->hub.keep_days > 0)
        printf("for %u days", status->hub.keep_days);
    else
        printf("for ever");
    if (status->hub.keep_bytes > 0)
        printf(", up to %llu bytes", (unsigned long long)status->hub.keep_bytes);
    putchar('\n');
}

void text_status(const struct cli_status *status) {
    char login[LOGIN_SIZE], up[32];
    cli_login(status->hub.uid, login);
    printf("hub       ");
    print_name(status->hub.name);
    printf(" in ");
    print_name(status->hub.dir);
    printf(" (%s)\nprocess   pid %d, user %s\nuptime    %s\nsessions  %llu\n",
           cli_mode_words[status->hub.mode], (int)status->hub.pid, login,
           text_duration(status->uptime_s, up), (unsigned long long)status->sessions);
    printf("queue     key 0x%08x, id %d: %zu of %zu bytes, %zu messages\n",
           (unsigned)status->queue.key, status->queue.msqid, status->queue.n_bytes,
           status->queue.limit, status->queue.n_messages);
    print_store(status);
    for (size_t i = 0; i < status->n_counters; i++) {
        printf("%s", i ? "          " : "counters  ");
        print_name(status->counters[i].key);
        printf(" %llu\n", (unsigned long long)status->counters[i].value);
    }
}

static void print_role(const struct cli_queue *queue) {
    char login[LOGIN_SIZE], program[PROCESS_NAME_SIZE];
    cli_login(queue->uid, login);
    process_name(queue->pid, program);
    switch (queue->role) {
    case EARSHOT_WELL_KNOWN:
        printf("well-known queue of the hub, process %d (%s)", (int)queue->pid,
               *program ? program : "gone");
        break;
    case EARSHOT_LANE:
        printf("lane of user %s to the hub", login);
        break;
    case EARSHOT_MAILBOX:
        printf("mailbox of ");
        print_name(queue->handle);
        printf(", user %s, process %d (%s)", login, (int)queue->pid, *program ? program : "gone");
        break;
    }
}

/* "sent by process 501 (earshot), today or another day at ..."; the hub may be hidden from us. */
static void print_last(const char *verb, pid_t pid, time_t at) {
    char program[PROCESS_NAME_SIZE], when[64];
    struct tm tm = {0};
    if (at == 0) {
        printf("  never %s\n", verb);
        return;
    }
    process_name(pid, program);
    localtime_r(&at, &tm);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
    printf("  last %s %s by process %d (%s)\n", verb, when, (int)pid, *program ? program : "gone");
}

void text_queue(const struct cli_options *options, const struct cli_queue *queue) {
    const struct queue_info *info = &queue->info;
    bool color = has_color(options);
    char creator[LOGIN_SIZE], owner[LOGIN_SIZE];
    cli_login(info->cuid, creator);
    cli_login(info->uid, owner);
    fputs(color ? "\033[1m" : "", stdout);
    print_role(queue);
    puts(color ? "\033[0m" : "");
    printf("  id %d, key 0x%08x%s\n", info->msqid, (unsigned)info->key,
           info->key == 0 ? " (private)" : "");
    printf("  created by %s, owned by %s, mode %04o\n", creator, owner, (unsigned)info->mode);
    printf("  holds %zu of %zu bytes in %zu %s\n", info->n_bytes, info->limit, info->n_messages,
           info->n_messages == 1 ? "message" : "messages");
    print_last("sent to", info->last_sender, info->sent_at);
    print_last("received from", info->last_receiver, info->received_at);
}

static void print_process(pid_t pid) {
    char program[PROCESS_NAME_SIZE];
    process_name(pid, program);
    printf("%d", (int)pid);
    if (*program) {
        fputs(" (", stdout);
        print_name(program);
        putchar(')');
    }
}

static void print_ring(const struct ring_view *view) {
    printf("  ring of %u slots of %u bytes, %u of them full%s\n", view->layout.n_slots,
           view->layout.slot_bytes, view->fill,
           view->producer_waits   ? ", the sender waits"
           : view->consumer_waits ? ", the recipient waits"
                                  : "");
}

void text_segment(const struct cli_options *options, const struct cli_segment *segment) {
    const struct shm_segment *info = &segment->info;
    bool color = has_color(options);
    char creator[LOGIN_SIZE], owner[LOGIN_SIZE];
    cli_login(info->cuid, creator);
    cli_login(info->uid, owner);
    printf("%s%s%s\n", color ? "\033[1m" : "",
           segment->is_gate ? "segment with the gate of a lane" : "segment of a transfer",
           color ? "\033[0m" : "");
    printf("  id %d, %zu bytes%s\n", info->shmid, info->size,
           info->is_removed ? ", gone with the last who is attached" : "");
    printf("  created by %s, owned by %s, mode %04o\n", creator, owner, (unsigned)info->mode);
    printf("  attached by %zu", info->n_attached);
    for (size_t i = 0; i < segment->n_pids; i++) {
        fputs(i == 0 ? ": process " : ", ", stdout);
        print_process(segment->pids[i]);
    }
    putchar('\n');
    if (segment->has_view)
        print_ring(&segment->view);
}
