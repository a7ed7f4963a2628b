#include "cli/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/size.h"
#include "base/text.h"
#include "cli/config.h"
#include "proto/head.h"
#include "proto/name.h"

#define INDENT "      " /* as wide as "HH:MM " */

static bool text_has_color(const struct cli_options *options) {
    static int terminal = -1;
    const char *term = getenv("TERM");
    if (terminal < 0)
        terminal = isatty(STDOUT_FILENO) && !(term && strcmp(term, "dumb") == 0);
    return terminal && !options->no_color;
}

static void text_print_safe(struct bytes text, enum text_lines lines) {
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

static void text_print_name(const char *name) {
    text_print_safe(bytes_of(name), TEXT_ONE_LINE);
}

/* A handle or a room, with the sign that stands before it. */
static void text_print_conv(const char *conv) {
    fputs(conv_sign(conv), stdout);
    text_print_name(conv_rest(conv));
}

/* The time; with the date before it when that is not today. */
static void text_print_clock(int64_t ms, bool color) {
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

static void text_print_sender(const char *from, enum earshot_kind kind, bool color) {
    static const char *const around[][2] = {[EARSHOT_TEXT] = {"<", "> "},
                                            [EARSHOT_ACTION] = {"* ", " "},
                                            [EARSHOT_NOTICE] = {"-", "- "}};
    printf("%s%s", color ? "\033[1m" : "", around[kind][0]);
    text_print_name(from);
    printf("%s%s", around[kind][1], color ? "\033[0m" : "");
}

char *text_headed(const char *title, enum earshot_priority priority, struct bytes text) {
    bool is_urgent = priority != EARSHOT_PRIORITY_DEFAULT;
    char *whole = NULL;
    if (asprintf(&whole, "%s%s%s%s%s%.*s", is_urgent ? "[" : "",
                 is_urgent ? head_words[priority - HEAD_MIN] : "", is_urgent ? "] " : "", title,
                 *title ? "\n" : "", (int)text.n, text.data) < 0)
        return NULL;
    return whole;
}

static void text_print_place(const struct earshot_event *event, bool color) {
    bool room = event->message.conv[0] == '#';
    text_print_clock(event->message.at_ms, color);
    if (room || event->message.mine) {
        fputs(color ? "\033[36m" : "", stdout);
        text_print_conv(event->message.conv);
        fputs(color ? "\033[0m " : " ", stdout);
    }
}

static void text_reaction(const struct earshot_event *event, bool color) {
    fputs(color ? "\033[2m-- " : "-- ", stdout);
    text_print_name(event->message.from);
    fputs(event->message.on ? " " : " took back ", stdout);
    text_print_safe(bytes_of(event->message.text), TEXT_ONE_LINE);
    puts(color ? "\033[0m" : "");
}

void text_mend(const struct cli_options *options, const struct earshot_event *event) {
    bool is_removal = event->type == EARSHOT_EVENT_REMOVED;
    text_print_place(event, text_has_color(options));
    if (event->type == EARSHOT_EVENT_REACTION) {
        text_reaction(event, text_has_color(options));
        return;
    }
    fputs("-- ", stdout);
    text_print_name(event->message.from);
    fputs(is_removal ? " removed a message" : " edited", stdout);
    fputs(*event->message.text ? ": " : "", stdout);
    text_print_safe(bytes_of(event->message.text), TEXT_KEEP_LINES);
    putchar('\n');
}

/* Behind the text: "  [👍 2, 🎉 1]". */
static void text_reactions(const struct earshot_event *event, bool color) {
    for (size_t i = 0; i < event->message.n_reactions; i++) {
        const struct earshot_reaction *reaction = &event->message.reactions[i];
        fputs(i > 0 ? ", " : color ? "  \033[2m[" : "  [", stdout);
        text_print_safe(bytes_of(reaction->emoji), TEXT_ONE_LINE);
        printf(" %u", reaction->n);
    }
    if (event->message.n_reactions > 0)
        fputs(color ? "]\033[0m" : "]", stdout);
}

/* Without the end of the line. */
static void text_print_message(const struct cli_options *options,
                               const struct earshot_event *event) {
    bool color = text_has_color(options);
    text_print_place(event, color);
    text_print_sender(event->message.from, event->message.kind, color);
    CLEANUP_FREE char *text =
        text_headed(event->message.title, event->message.priority,
                    (struct bytes){event->message.text, event->message.text_n});
    text_print_safe(bytes_of(text ? text : ""), TEXT_KEEP_LINES);
    fputs(event->message.edited ? " (edited)" : "", stdout);
    text_reactions(event, color);
}

void text_message(const struct cli_options *options, const struct earshot_event *event) {
    text_print_message(options, event);
    putchar('\n');
}

void text_pinned(const struct cli_options *options, const struct earshot_event *event,
                 const char *by, int64_t at_ms) {
    char at[32] = "";
    time_t s = at_ms / 1000;
    struct tm tm;
    if (localtime_r(&s, &tm))
        strftime(at, sizeof at, "%Y-%m-%d %H:%M", &tm);
    text_print_message(options, event);
    fputs(by ? " (pinned" : " (starred", stdout);
    fputs(by && *by ? " by " : "", stdout);
    text_print_name(by ? by : "");
    printf(", %s)\n", at);
}

void text_bare(const struct earshot_event *event) {
    struct bytes text = {event->message.text, event->message.text_n};
    CLEANUP_FREE char *safe = text_safe(text, TEXT_KEEP_LINES);
    puts(safe ? safe : "");
}

/* Cells are padded to the widest of their column; the last one of a row is not. */
#define COLUMNS_MAX 12

struct columns {
    size_t n_columns, n_cells;
    char **cells; /* row by row; owned */
};

/* A copy of the text, made safe to print. */
static void columns_add(struct columns *columns, const char *text) {
    char *safe = text_safe(bytes_of(text), TEXT_ONE_LINE);
    columns->cells = cli_grow(columns->cells, columns->n_cells, sizeof *columns->cells);
    columns->cells[columns->n_cells++] = safe ? safe : cli_copy("");
}

static void columns_add_number(struct columns *columns, unsigned long long number) {
    char text[32];
    snprintf(text, sizeof text, "%llu", number);
    columns_add(columns, text);
}

static void columns_measure(const struct columns *columns, size_t widths[COLUMNS_MAX]) {
    for (size_t i = 0; i < columns->n_cells; i++) {
        size_t n = text_columns(columns->cells[i]), column = i % columns->n_columns;
        if (n > widths[column])
            widths[column] = n;
    }
}

static void columns_print_row(char **cells, size_t n, const size_t *widths) {
    while (n > 1 && !*cells[n - 1])
        n--;
    for (size_t i = 0; i + 1 < n; i++) {
        size_t used = text_columns(cells[i]);
        printf("%s%*s", cells[i], (int)(widths[i] - used + 2), "");
    }
    fputs(cells[n - 1], stdout);
}

/* Prints all rows, the first one bold, and frees the cells. */
static void columns_print(const struct cli_options *options, struct columns *columns) {
    bool color = text_has_color(options);
    size_t widths[COLUMNS_MAX] = {0};
    assert(columns->n_columns > 0 && columns->n_columns <= COLUMNS_MAX);
    assert(columns->n_cells % columns->n_columns == 0);
    columns_measure(columns, widths);
    for (size_t i = 0; i < columns->n_cells; i += columns->n_columns) {
        fputs(i == 0 && color ? "\033[1m" : "", stdout);
        columns_print_row(columns->cells + i, columns->n_columns, widths);
        puts(i == 0 && color ? "\033[0m" : "");
    }
    for (size_t i = 0; i < columns->n_cells; i++)
        free(columns->cells[i]);
    free(columns->cells);
    *columns = (struct columns){0};
}

static void columns_add_head(struct columns *columns, const char *const *titles, size_t n) {
    columns->n_columns = n;
    for (size_t i = 0; i < n; i++)
        columns_add(columns, titles[i]);
}

const char *text_duration(uint64_t s, char text[32]) {
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
static void text_add_sessions(struct columns *columns, const struct cli_user *user) {
    char text[512] = "";
    size_t n = 0;
    for (size_t i = 0; i < user->n_sessions && n < sizeof text; i++) {
        const struct cli_session *s = &user->sessions[i];
        int r = snprintf(text + n, sizeof text - n, "%s%s%s%s (%d)", i ? ", " : "", s->tty,
                         *s->tty ? " " : "", *s->program ? s->program : "?", (int)s->pid);
        n += (size_t)r;
    }
    columns_add(columns, text);
}

void text_users(const struct cli_options *options, const struct cli_user *users, size_t n) {
    static const char *const titles[] = {"HANDLE", "LOGIN", "STATE", "IDLE", "WHERE", "AWAY"};
    struct columns columns = {0};
    char idle[32];
    columns_add_head(&columns, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        columns_add(&columns, users[i].handle);
        columns_add(&columns, users[i].login);
        columns_add(&columns, cli_presence_words[users[i].state]);
        columns_add(&columns, text_duration(users[i].idle_s, idle));
        text_add_sessions(&columns, &users[i]);
        columns_add(&columns, users[i].state == EARSHOT_AWAY ? users[i].away : "");
    }
    columns_print(options, &columns);
}

static void text_print_session(const struct cli_session *session) {
    time_t since = (time_t)(session->since_ms / 1000);
    struct tm tm = {0};
    char when[32] = "";
    if (since > 0 && localtime_r(&since, &tm))
        strftime(when, sizeof when, ", since %Y-%m-%d %H:%M", &tm);
    fputs("  ", stdout);
    text_print_name(*session->program ? session->program : "a program");
    printf(", pid %d%s%s%s\n", (int)session->pid, *session->tty ? ", on " : "", session->tty, when);
}

void text_whois(const struct cli_options *options, const struct cli_user *user, char **rooms,
                size_t n_rooms) {
    bool color = text_has_color(options);
    char idle[32];
    fputs(color ? "\033[1m" : "", stdout);
    text_print_name(user->handle);
    printf("%s: uid %u, login ", color ? "\033[0m" : "", (unsigned)user->uid);
    text_print_name(user->login);
    printf(", %s", cli_presence_words[user->state]);
    if (user->state == EARSHOT_AWAY && *user->away) {
        fputs(": ", stdout);
        text_print_name(user->away);
    }
    if (user->state != EARSHOT_OFFLINE)
        printf(", idle %s", text_duration(user->idle_s, idle));
    putchar('\n');
    for (size_t i = 0; i < n_rooms; i++) {
        fputs(i == 0 ? "  with you in " : ", ", stdout);
        text_print_name(rooms[i]);
    }
    if (n_rooms > 0)
        putchar('\n');
    for (size_t i = 0; i < user->n_sessions; i++)
        text_print_session(&user->sessions[i]);
}

static void columns_add_room(struct columns *columns, const char *name) {
    CLEANUP_FREE char *shown = NULL;
    if (asprintf(&shown, "%s%s", conv_sign(name), conv_rest(name)) >= 0)
        columns_add(columns, shown);
}

void text_rooms(const struct cli_options *options, const struct cli_room *rooms, size_t n) {
    static const char *const titles[] = {"ROOM", "MEMBERS", "TOPIC"};
    struct columns columns = {0};
    columns_add_head(&columns, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        columns_add_room(&columns, rooms[i].name);
        columns_add_number(&columns, rooms[i].members);
        columns_add(&columns, rooms[i].topic);
    }
    columns_print(options, &columns);
}

/* "12k": at most five columns. */
static void columns_add_short(struct columns *columns, uint64_t number) {
    static const char units[] = " kMGTPE";
    char text[32];
    size_t unit = 0;
    while (number > 9999 && unit + 2 < sizeof units) {
        number /= 1000;
        unit++;
    }
    snprintf(text, sizeof text, "%llu%.*s", (unsigned long long)number, unit > 0, &units[unit]);
    columns_add(columns, text);
}

void text_accounts(const struct cli_options *options, const struct cli_accounts *accounts) {
    static const char *const titles[] = {"USER",        "UID",         "SESSIONS", "MEMORY",
                                         "LOCK MS/MIN", "MSG/MIN",     "/HOUR",    "/DAY",
                                         "BYTES/DAY",   "REFUSED/DAY", "ORDERS"};
    struct columns columns = {0};
    columns_add_head(&columns, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < accounts->n; i++) {
        const struct earshot_account *account = &accounts->all[i].account;
        columns_add(&columns, accounts->all[i].login);
        columns_add_number(&columns, account->uid);
        columns_add_number(&columns, account->sessions);
        columns_add_short(&columns, account->memory);
        columns_add_short(&columns, account->minute.lock_us / 1000);
        columns_add_short(&columns, account->minute.messages);
        columns_add_short(&columns, account->hour.messages);
        columns_add_short(&columns, account->day.messages);
        columns_add_short(&columns, account->day.bytes);
        columns_add_short(&columns, account->day.refused);
        columns_add(&columns, accounts->all[i].orders);
    }
    columns_print(options, &columns);
}

void text_claims(const struct cli_options *options, const struct cli_claim *claims, size_t n) {
    static const char *const titles[] = {"NAME", "STATE",   "HANDLE", "USER",
                                         "PID",  "PROGRAM", "FOR",    "NOTE"};
    struct columns columns = {0};
    char state[32], login[LOGIN_SIZE], since[32];
    int64_t now = wall_now().ms;
    columns_add_head(&columns, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        int64_t ms = now - claims[i].since_ms;
        snprintf(state, sizeof state, claims[i].is_held ? "held" : "waiting %u", claims[i].place);
        cli_login(claims[i].uid, login);
        columns_add(&columns, claims[i].name);
        columns_add(&columns, state);
        columns_add(&columns, claims[i].handle);
        columns_add(&columns, login);
        columns_add_number(&columns, (unsigned long long)claims[i].pid);
        columns_add(&columns, *claims[i].program ? claims[i].program : "?");
        columns_add(&columns, text_duration(ms > 0 ? (uint64_t)ms / 1000 : 0, since));
        columns_add(&columns, claims[i].note);
    }
    columns_print(options, &columns);
}

void text_topic(const char *topic) {
    text_print_name(topic);
    putchar('\n');
}

static void text_print_until(int64_t until_ms) {
    char text[64];
    time_t s = (time_t)(until_ms / 1000);
    struct tm tm;
    if (until_ms && localtime_r(&s, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm))
        printf(" until %s", text);
}

static void text_print_laid(const struct cli_laid *laid) {
    printf("%s: ", laid->what == EARSHOT_LAID_MUTE ? "muted" : "banned");
    if (*laid->handle) {
        text_print_name(laid->handle);
        printf(" (uid %u)", (unsigned)laid->uid);
    } else {
        printf("uid %u", (unsigned)laid->uid);
    }
    text_print_until(laid->until_ms);
    printf(", by ");
    text_print_name(laid->by);
    if (*laid->reason) {
        CLEANUP_FREE char *safe = text_safe(bytes_of(laid->reason), TEXT_ONE_LINE);
        printf(": %s", safe ? safe : "");
    }
    putchar('\n');
}

static void text_print_operators(const char *operators) {
    CLEANUP_FREE char *copy = cli_copy(operators);
    char *rest = copy, *name;
    bool is_first = true;
    while ((name = strsep(&rest, " "))) {
        printf("%s", is_first ? "; operators " : ", ");
        text_print_name(name);
        is_first = false;
    }
}

void text_about_room(const struct earshot_event *event, const struct cli_laid *laid,
                     size_t n_laid) {
    static const char *const forms[] = {"open", "private", "of the group", "direct"};
    text_print_conv(event->room.name);
    printf(": %s", forms[event->room.form]);
    if (event->room.form == EARSHOT_ROOM_GROUP) {
        putchar(' ');
        text_print_name(event->room.group);
    }
    printf(", %u member%s, owner ", event->room.members, event->room.members == 1 ? "" : "s");
    text_print_name(event->room.owner);
    if (*event->room.operators)
        text_print_operators(event->room.operators);
    if (event->room.locks_topic)
        printf("; they set its topic");
    if (event->room.announces)
        printf("; only its owner and operators speak");
    if (event->room.form == EARSHOT_ROOM_PRIVATE)
        printf("; who joins sees %s", event->room.shows_all ? "everything that was said"
                                                            : "what was said since the invitation");
    if (event->room.invited)
        printf("; you are invited");
    putchar('\n');
    if (*event->room.topic)
        text_topic(event->room.topic);
    for (size_t i = 0; i < n_laid; i++)
        if (laid[i].what != EARSHOT_LAID_OPERATOR)
            text_print_laid(&laid[i]);
}

static void text_print_store(const struct cli_status *status) {
    char bytes[SIZE_TEXT], keep[SIZE_TEXT];
    if (status->store_bytes == 0) {
        puts("store     none: history is kept in memory, and not for long");
        return;
    }
    size_text(status->store_bytes, bytes);
    size_text(status->hub.keep_bytes, keep);
    printf("store     %llu messages, %s; kept ", (unsigned long long)status->store_messages, bytes);
    if (status->hub.keep_days > 0)
        printf("for %u days", status->hub.keep_days);
    else
        printf("for ever");
    if (status->hub.keep_bytes > 0)
        printf(", up to %s", keep);
    putchar('\n');
}

#define STATUS_INDENT 10 /* columns of a title */
#define STATUS_COLUMNS 78

/* Words with commas between them, in lines behind a title. */
struct status_list {
    const char *title;
    size_t n_columns; /* of the line so far */
};

static void status_list_add(struct status_list *list, const char *word) {
    size_t n = text_columns(word);
    if (list->n_columns == 0) {
        printf("%-*s", STATUS_INDENT, list->title);
        list->n_columns = STATUS_INDENT;
    } else if (list->n_columns + 2 + n > STATUS_COLUMNS) {
        printf(",\n%*s", STATUS_INDENT, "");
        list->n_columns = STATUS_INDENT;
    } else {
        printf(", ");
        list->n_columns += 2;
    }
    text_print_name(word);
    list->n_columns += n;
}

static void status_list_end(const struct status_list *list) {
    if (list->n_columns > 0)
        putchar('\n');
}

static uint64_t status_limit(const struct cli_status *status, const char *name) {
    for (size_t i = 0; i < status->n_counters; i++) {
        const char *key = status->counters[i].key;
        if (strncmp(key, "limit_", 6) == 0 && strcmp(key + 6, name) == 0)
            return status->counters[i].value;
    }
    return 0;
}

/* What the store's line says is said. */
static bool status_is_counter(const char *key) {
    return strncmp(key, "limit_", 6) != 0 && strncmp(key, "account_", 8) != 0 &&
           strncmp(key, "keep_", 5) != 0;
}

static void status_print_counters(const struct cli_status *status) {
    struct status_list list = {.title = "counters"};
    char word[256];
    for (size_t i = 0; i < status->n_counters; i++) {
        const struct cli_counter *counter = &status->counters[i];
        if (!status_is_counter(counter->key))
            continue;
        snprintf(word, sizeof word, "%s %llu", counter->key, (unsigned long long)counter->value);
        status_list_add(&list, word);
    }
    status_list_end(&list);
}

/* What the user has used up of what a user may; earshot(7) tells what that is. */
static void status_print_account(const struct cli_status *status) {
    struct status_list list = {.title = "account"};
    char word[256];
    for (size_t i = 0; i < status->n_counters; i++) {
        const struct cli_counter *counter = &status->counters[i];
        if (strncmp(counter->key, "account_", 8) != 0 || counter->value == 0)
            continue;
        snprintf(word, sizeof word, "%s %llu of %llu", counter->key + 8,
                 (unsigned long long)counter->value,
                 (unsigned long long)status_limit(status, counter->key + 8));
        status_list_add(&list, word);
    }
    status_list_end(&list);
}

void text_status(const struct cli_status *status) {
    char login[LOGIN_SIZE], up[32];
    cli_login(status->hub.uid, login);
    printf("hub       ");
    text_print_name(status->hub.name);
    printf(" in ");
    text_print_name(status->hub.dir);
    printf(" (%s)\nprocess   pid %d, user %s\nuptime    %s\nsessions  %llu\n",
           cli_mode_words[status->hub.mode], (int)status->hub.pid, login,
           text_duration(status->uptime_s, up), (unsigned long long)status->sessions);
    printf("queue     key 0x%08x, id %d: %zu of %zu bytes, %zu messages\n",
           (unsigned)status->queue.key, status->queue.msqid, status->queue.n_bytes,
           status->queue.limit, status->queue.n_messages);
    text_print_store(status);
    status_print_counters(status);
    status_print_account(status);
}

static void text_print_role(const struct cli_queue *queue) {
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
        text_print_name(queue->handle);
        printf(", user %s, process %d (%s)", login, (int)queue->pid, *program ? program : "gone");
        break;
    }
}

/* "sent by process 501 (earshot), today or another day at ..."; the hub may be hidden from us. */
static void text_print_last(const char *verb, pid_t pid, time_t at) {
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
    bool color = text_has_color(options);
    char creator[LOGIN_SIZE], owner[LOGIN_SIZE];
    cli_login(info->cuid, creator);
    cli_login(info->uid, owner);
    fputs(color ? "\033[1m" : "", stdout);
    text_print_role(queue);
    puts(color ? "\033[0m" : "");
    printf("  id %d, key 0x%08x%s\n", info->msqid, (unsigned)info->key,
           info->key == 0 ? " (private)" : "");
    printf("  created by %s, owned by %s, mode %04o\n", creator, owner, (unsigned)info->mode);
    printf("  holds %zu of %zu bytes in %zu %s\n", info->n_bytes, info->limit, info->n_messages,
           info->n_messages == 1 ? "message" : "messages");
    text_print_last("sent to", info->last_sender, info->sent_at);
    text_print_last("received from", info->last_receiver, info->received_at);
}

static void text_print_process(pid_t pid) {
    char program[PROCESS_NAME_SIZE];
    process_name(pid, program);
    printf("%d", (int)pid);
    if (*program) {
        fputs(" (", stdout);
        text_print_name(program);
        putchar(')');
    }
}

static void text_print_ring(const struct ring_view *view) {
    printf("  ring of %u slots of %u bytes, %u of them full%s\n", view->layout.n_slots,
           view->layout.slot_bytes, view->fill,
           view->producer_waits   ? ", the sender waits"
           : view->consumer_waits ? ", the recipient waits"
                                  : "");
}

void text_segment(const struct cli_options *options, const struct cli_segment *segment) {
    const struct shm_segment *info = &segment->info;
    bool color = text_has_color(options);
    char creator[LOGIN_SIZE], owner[LOGIN_SIZE];
    cli_login(info->cuid, creator);
    cli_login(info->uid, owner);
    const char *what = segment->is_gate      ? "segment with the gate of a lane"
                       : segment->is_channel ? "segment with the channel of a busy session"
                                             : "segment of a transfer";
    printf("%s%s%s\n", color ? "\033[1m" : "", what, color ? "\033[0m" : "");
    printf("  id %d, %zu bytes%s\n", info->shmid, info->size,
           info->is_removed ? ", gone with the last who is attached" : "");
    printf("  created by %s, owned by %s, mode %04o\n", creator, owner, (unsigned)info->mode);
    printf("  attached by %zu", info->n_attached);
    for (size_t i = 0; i < segment->n_pids; i++) {
        fputs(i == 0 ? ": process " : ", ", stdout);
        text_print_process(segment->pids[i]);
    }
    putchar('\n');
    if (segment->has_view)
        text_print_ring(&segment->view);
}
