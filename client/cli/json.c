#include "cli/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macro.h"
#include "base/text.h"
#include "cli/filter.h"
#include "cli/json_object.h"
#include "proto/head.h"
#include "proto/name.h"

static const char *const kinds[] = {"text", "action", "notice"};
static const char *const roles[] = {"well-known", "lane", "mailbox"};

/* UTF-16, as JSON has it (RFC 8259, section 7). */
static void json_write_escaped(FILE *out, uint32_t c) {
    if (c > 0xFFFF)
        fprintf(out, "\\u%04x\\u%04x", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + (c & 0x3FF));
    else
        fprintf(out, "\\u%04x", c);
}

/* Whatever could do something to a terminal, or is never seen: JSON may escape any character. */
void json_write_line(FILE *out, const char *text) {
    struct bytes rest = bytes_of(text);
    size_t at, n;
    int32_t c;
    while ((n = text_find_hidden(rest, &at, &c)) > 0) {
        fwrite(rest.data, 1, at, out);
        json_write_escaped(out, (uint32_t)c);
        rest.data += at + n;
        rest.n -= at + n;
    }
    fwrite(rest.data, 1, rest.n, out);
    fputc('\n', out);
}

/* The object as text, which the caller frees; frees the object. NULL: out of memory. */
static char *json_dump(json_t *object) {
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

/* A reader expects one line for each object. */
static const char *json_or_error(const char *text) {
    return text ? text
                : "{\"type\":\"error\",\"code\":\"internal\",\"text\":\"out of memory: here a line "
                  "is "
                  "missing; try again\"}";
}

static void json_put_whole(FILE *out, json_t *object) {
    CLEANUP_FREE char *text = json_dump(object);
    json_write_line(out, json_or_error(text));
}

/* Data, which --jq is for. */
static void json_put(FILE *out, json_t *object) {
    CLEANUP_FREE char *text = json_dump(object);
    if (text && filter_is_open())
        filter_put(out, text);
    else
        json_write_line(out, json_or_error(text));
}

json_t *json_text(const char *text) {
    json_t *value = json_string(text);
    CLEANUP_FREE char *safe = value ? NULL : text_safe(bytes_of(text), TEXT_ONE_LINE);
    return safe ? json_string(safe) : value;
}

json_t *json_text_or_null(const char *text) {
    return *text ? json_text(text) : json_null();
}

static json_t *json_hex(uint32_t number) {
    return json_sprintf("0x%08x", number);
}

json_t *json_instant(int64_t ms, bool seconds) {
    char text[64];
    time_t s = ms / 1000;
    struct tm tm;
    if (!gmtime_r(&s, &tm))
        return json_null();
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!seconds)
        snprintf(text + n, sizeof text - n, ".%03d", (int)(ms % 1000));
    return json_sprintf("%sZ", text);
}

static json_t *json_instant_or_null(time_t s) {
    return s ? json_instant(s * 1000, true) : json_null();
}

void json_report(const char *type, const char *code, const char *text) {
    /* An error may quote an argument that is not UTF-8; JSON cannot. */
    char *safe = text_safe(bytes_of(text), TEXT_ONE_LINE);
    json_t *object = json_pack("{s:s}", "type", type);
    if (code)
        json_object_set_new(object, "code", json_string(code));
    json_object_set_new(object, "text", json_string(safe ? safe : "out of memory"));
    json_put_whole(stderr, object);
    free(safe);
}

/* As it is written where a handle or room is meant. */
static json_t *json_conv(const char *conv) {
    return conv_is_people(conv) ? json_sprintf("@%s", conv + 1) : json_text(conv);
}

/* Whose they are stands in one text, with a space between. */
static json_t *json_of_names(const char *names) {
    json_t *array = json_array();
    for (size_t n; *names; names += n + (names[n] == ' ')) {
        n = strcspn(names, " ");
        json_array_append_new(array, json_stringn(names, n));
    }
    return array;
}

static json_t *json_of_reactions(const struct earshot_event *event) {
    json_t *array = json_array();
    for (size_t i = 0; i < event->message.n_reactions; i++) {
        const struct earshot_reaction *reaction = &event->message.reactions[i];
        json_array_append_new(array, json_pack("{s:s,s:I,s:o}", "emoji", reaction->emoji, "n",
                                               (json_int_t)reaction->n, "by",
                                               json_of_names(reaction->by)));
    }
    return array;
}

json_t *json_of_message(const struct earshot_event *event) {
    json_t *object = json_pack(
        "{s:s,s:I,s:s,s:o,s:o,s:s,s:I,s:o,s:s,s:o,s:o}", "type", "message", "seq",
        (json_int_t)event->message.seq, "id", event->message.id, "at",
        json_instant(event->message.at_ms, false), "conv", json_conv(event->message.conv), "from",
        event->message.from, "uid", (json_int_t)event->message.uid, "to",
        json_conv(event->message.to), "kind", kinds[event->message.kind], "text",
        json_text(event->message.text), "reply_to", json_text_or_null(event->message.reply_to));
    if (*event->message.title)
        json_object_set_new(object, "title", json_text(event->message.title));
    if (event->message.priority != EARSHOT_PRIORITY_DEFAULT)
        json_object_set_new(object, "priority",
                            json_string(head_words[event->message.priority - HEAD_MIN]));
    if (event->message.edited)
        json_object_set_new(object, "edited", json_true());
    if (event->message.removed)
        json_object_set_new(object, "removed", json_true());
    if (*event->message.thread)
        json_object_set_new(object, "thread", json_string(event->message.thread));
    if (event->message.n > 0)
        json_object_set_new(object, "n", json_integer(event->message.n));
    if (event->message.n_reactions > 0)
        json_object_set_new(object, "reactions", json_of_reactions(event));
    return object;
}

static json_t *json_of_reaction(const struct earshot_event *event) {
    return json_pack("{s:s,s:s,s:I,s:o,s:s,s:s,s:b,s:o,s:I}", "type", "reaction", "id",
                     event->message.id, "seq", (json_int_t)event->message.seq, "at",
                     json_instant(event->message.at_ms, false), "emoji", event->message.text, "by",
                     event->message.from, "on", event->message.on, "conv",
                     json_conv(event->message.conv), "uid", (json_int_t)event->message.uid);
}

void json_reaction(const char *id, const char *emoji, const char *by, bool on, uint64_t seq) {
    json_put(stdout, json_pack("{s:s,s:s,s:s,s:s,s:b,s:o}", "type", "reaction", "id", id, "emoji",
                               emoji, "by", by, "on", on, "seq",
                               seq ? json_integer((json_int_t)seq) : json_null()));
}

static json_t *json_of_mend(const struct earshot_event *event) {
    bool is_removal = event->type == EARSHOT_EVENT_REMOVED;
    if (event->type == EARSHOT_EVENT_REACTION)
        return json_of_reaction(event);
    return json_pack("{s:s,s:s,s:I,s:o,s:s,s:o,s:I,s:o}", "type", is_removal ? "removed" : "edited",
                     "id", event->message.id, "seq", (json_int_t)event->message.seq, "at",
                     json_instant(event->message.at_ms, false), "by", event->message.from, "conv",
                     json_conv(event->message.conv), "uid", (json_int_t)event->message.uid,
                     is_removal ? "reason" : "text",
                     is_removal ? json_text_or_null(event->message.text)
                                : json_text(event->message.text));
}

void json_mend(const struct earshot_event *event) {
    json_put(stdout, json_of_mend(event));
}

void json_message_to(FILE *out, const struct earshot_event *event) {
    bool is_mend = event->type != EARSHOT_EVENT_MESSAGE && event->type != EARSHOT_EVENT_PAST;
    json_put_whole(out, is_mend ? json_of_mend(event) : json_of_message(event));
}

void json_message(const struct earshot_event *event) {
    json_put(stdout, json_of_message(event));
}

void json_pinned(const struct earshot_event *event, const char *by, int64_t at_ms) {
    json_t *object = json_of_message(event);
    json_t *at = json_instant(at_ms, false);
    json_object_set_new(object, by ? "pinned" : "starred",
                        by ? json_pack("{s:o,s:o}", "by", json_text_or_null(by), "at", at)
                           : json_pack("{s:o}", "at", at));
    json_put(stdout, object);
}

void json_sent(const struct cli_sent *sent) {
    json_t *seq = sent->seq ? json_integer((json_int_t)sent->seq) : json_null();
    json_put(stdout, json_pack("{s:s,s:s,s:o,s:s}", "type", "sent", "id", sent->id, "seq", seq,
                               "state", cli_state_words[sent->state]));
}

static json_t *json_session(const struct cli_session *s) {
    json_t *session = json_pack("{s:i,s:o,s:o}", "pid", (int)s->pid, "tty",
                                json_text_or_null(s->tty), "program", json_text(s->program));
    if (s->since_ms > 0)
        json_object_set_new(session, "since", json_instant(s->since_ms, true));
    return session;
}

json_t *json_of_user(const struct cli_user *user) {
    json_t *sessions = json_array();
    for (size_t i = 0; i < user->n_sessions; i++)
        json_array_append_new(sessions, json_session(&user->sessions[i]));
    json_t *away = user->state == EARSHOT_AWAY ? json_text(user->away) : json_null();
    return json_pack("{s:s,s:s,s:I,s:o,s:s,s:o,s:I,s:o}", "type", "user", "handle", user->handle,
                     "uid", (json_int_t)user->uid, "login", json_text(user->login), "state",
                     cli_presence_words[user->state], "away", away, "idle_s",
                     (json_int_t)user->idle_s, "sessions", sessions);
}

void json_user(const struct cli_user *user) {
    json_put(stdout, json_of_user(user));
}

void json_whois(const struct cli_user *user, char **rooms, size_t n_rooms) {
    json_t *object = json_of_user(user), *names = json_array();
    int64_t since_ms = cli_user_since(user);
    for (size_t i = 0; i < n_rooms; i++)
        json_array_append_new(names, json_text(rooms[i]));
    json_object_set_new(object, "since", json_instant_or_null((time_t)(since_ms / 1000)));
    json_object_set_new(object, "rooms", names);
    json_put(stdout, object);
}

static const char *const json_forms[] = {"open", "private", "group", "direct"};

void json_room(const struct cli_room *room) {
    json_t *object =
        json_pack("{s:s,s:o,s:I,s:o}", "type", "room", "name", json_conv(room->name), "members",
                  (json_int_t)room->members, "topic", json_text_or_null(room->topic));
    if (room->group) {
        json_object_set_new(object, "form", json_string(json_forms[room->form]));
        json_object_set_new(object, "group", json_text_or_null(room->group));
    }
    json_put(stdout, object);
}

static json_t *json_use(const struct earshot_use *use) {
    return json_pack("{s:I,s:I,s:I,s:I}", "messages", (json_int_t)use->messages, "bytes",
                     (json_int_t)use->bytes, "lock_ms", (json_int_t)(use->lock_us / 1000),
                     "refused", (json_int_t)use->refused);
}

/* null: it does not hold; "for-ever". */
static json_t *json_until(uint64_t ms) {
    if (ms == 0)
        return json_null();
    return ms == EARSHOT_FOR_EVER ? json_string("for-ever") : json_instant((int64_t)ms, false);
}

void json_account(const struct cli_account *of) {
    const struct earshot_account *account = &of->account;
    json_t *object =
        json_pack("{s:s,s:I,s:o,s:I,s:I}", "type", "account", "uid", (json_int_t)account->uid,
                  "login", json_text(of->login), "sessions", (json_int_t)account->sessions,
                  "memory", (json_int_t)account->memory);
    json_t *day = json_use(&account->day);
    json_object_update(object, day);
    json_decref(day);
    json_object_set_new(object, "minute", json_use(&account->minute));
    json_object_set_new(object, "hour", json_use(&account->hour));
    json_object_set_new(object, "day", json_use(&account->day));
    json_object_set_new(object, "ever", json_use(&account->ever));
    json_object_set_new(object, "rate", account->rate ? json_integer(account->rate) : json_null());
    json_object_set_new(object, "muted", json_until(account->muted_ms));
    json_object_set_new(object, "banned", json_until(account->banned_ms));
    json_object_set_new(object, "orders", json_text_or_null(of->orders));
    json_put(stdout, object);
}

void json_top(uint64_t sessions, double messages, double deliveries) {
    wall_time now = wall_now();
    json_put(stdout, json_pack("{s:s,s:o,s:I,s:f,s:f}", "type", "top", "at",
                               json_instant(now.ms, false), "sessions", (json_int_t)sessions,
                               "messages_s", messages, "deliveries_s", deliveries));
}

/* Names with blanks between them. */
static json_t *json_names(const char *names) {
    json_t *array = json_array();
    for (names += strspn(names, " "); *names; names += strspn(names, " ")) {
        size_t n = strcspn(names, " ");
        json_array_append_new(array, json_stringn(names, n));
        names += n;
    }
    return array;
}

/* Of one kind. */
static json_t *json_laid(const struct cli_laid *laid, size_t n_laid, enum earshot_laid what) {
    json_t *array = json_array();
    for (size_t i = 0; i < n_laid; i++) {
        const struct cli_laid *of = &laid[i];
        if (of->what == what)
            json_array_append_new(
                array, json_pack("{s:o,s:I,s:o,s:o,s:I,s:o}", "handle",
                                 json_text_or_null(of->handle), "uid", (json_int_t)of->uid, "until",
                                 of->until_ms ? json_instant(of->until_ms, false) : json_null(),
                                 "by", json_text(of->by), "by_uid", (json_int_t)of->by_uid,
                                 "reason", json_text_or_null(of->reason)));
    }
    return array;
}

void json_about_room(const struct earshot_event *event, const struct cli_laid *laid,
                     size_t n_laid) {
    json_t *object = json_pack(
        "{s:s,s:o,s:s,s:o,s:o,s:o,s:I,s:o,s:b}", "type", "room", "name",
        json_conv(event->room.name), "form", json_forms[event->room.form], "owner",
        json_text(event->room.owner), "operators", json_names(event->room.operators), "group",
        json_text_or_null(event->room.group), "members", (json_int_t)event->room.members, "topic",
        json_text_or_null(event->room.topic), "announce", (int)event->room.announces);
    json_object_set_new(object, "owner_uid", json_integer((json_int_t)event->room.owner_uid));
    json_object_set_new(object, "past", json_string(event->room.shows_all ? "all" : "invited"));
    if (event->room.form != EARSHOT_ROOM_PRIVATE)
        json_object_set_new(object, "past", json_string("all"));
    json_object_set_new(object, "topic_locked", json_boolean(event->room.locks_topic));
    json_object_set_new(object, "muted", json_laid(laid, n_laid, EARSHOT_LAID_MUTE));
    json_object_set_new(object, "banned", json_laid(laid, n_laid, EARSHOT_LAID_BAN));
    if (event->room.invited)
        json_object_set_new(object, "invited", json_true());
    json_put(stdout, object);
}

void json_unread(const char *conv, uint32_t n, uint32_t n_mentions, uint64_t seq) {
    json_put(stdout,
             json_pack("{s:s,s:o,s:I,s:I,s:I}", "type", "unread", "conv", json_conv(conv), "unread",
                       (json_int_t)n, "mentions", (json_int_t)n_mentions, "seq", (json_int_t)seq));
}

void json_unread_total(uint64_t n, uint64_t n_direct, uint64_t n_mentions) {
    json_put(stdout, json_pack("{s:s,s:I,s:I,s:I}", "type", "unread-total", "unread", (json_int_t)n,
                               "direct", (json_int_t)n_direct, "mentions", (json_int_t)n_mentions));
}

json_t *json_of_claim(const struct cli_claim *claim) {
    return json_pack("{s:o,s:I,s:i,s:o,s:o,s:o}", "handle", json_text(claim->handle), "uid",
                     (json_int_t)claim->uid, "pid", (int)claim->pid, "program",
                     json_text(claim->program), "since", json_instant(claim->since_ms, false),
                     "note", json_text_or_null(claim->note));
}

void json_claim(const struct cli_claim *claim, const struct cli_claim *holder) {
    json_t *object = json_pack("{s:s,s:o,s:s}", "type", "claim", "name", json_text(claim->name),
                               "state", claim->is_held ? "held" : "waiting");
    json_t *who = json_of_claim(claim);
    json_object_update(object, who);
    json_decref(who);
    json_object_set_new(object, "place", json_integer(claim->place));
    if (holder && holder->handle && *holder->handle)
        json_object_set_new(object, "held_by", json_of_claim(holder));
    json_put(stdout, object);
}

json_t *json_of_process(const struct cli_process *process) {
    bool is_known = process->began.ms > 0;
    return json_pack("{s:s,s:i,s:o,s:o,s:o,s:o,s:o,s:o}", "type", "process", "pid",
                     (int)process->pid, "program", json_text_or_null(process->program), "uid",
                     process->has_uid ? json_integer((json_int_t)process->uid) : json_null(),
                     "login", json_text_or_null(process->login), "began",
                     is_known ? json_instant(process->began.ms, false) : json_null(), "ended",
                     json_instant(process->ended.ms, false), "ran_ms",
                     is_known ? json_integer((json_int_t)(process->ended.ms - process->began.ms))
                              : json_null());
}

void json_process(const struct cli_process *process, const char *text) {
    json_t *object = json_of_process(process);
    json_object_set_new(object, "text", json_text(text));
    json_put(stdout, object);
}

void json_completion(const char *word, const char *about) {
    json_put(stdout, json_pack("{s:s,s:o,s:o}", "type", "completion", "word", json_text(word),
                               "about", json_text_or_null(about)));
}

static json_t *json_safe_text(const char *text) {
    CLEANUP_FREE char *safe = text_safe(bytes_of(text), TEXT_ONE_LINE);
    return json_string(safe ? safe : "out of memory");
}

void json_check(const char *state, const char *name, const char *text, const char *fix) {
    json_put(stdout, json_pack("{s:s,s:s,s:s,s:o,s:o}", "type", "check", "name", name, "state",
                               state, "text", json_safe_text(text), "fix",
                               fix ? json_safe_text(fix) : json_null()));
}

void json_status(const struct cli_status *status) {
    json_t *queue = json_pack("{s:o,s:i,s:I,s:I}", "key", json_hex((uint32_t)status->queue.key),
                              "id", status->queue.msqid, "bytes", (json_int_t)status->queue.n_bytes,
                              "messages", (json_int_t)status->queue.n_messages);
    json_t *store =
        status->store_bytes == 0
            ? json_null()
            : json_pack("{s:I,s:I,s:I,s:I}", "messages", (json_int_t)status->store_messages,
                        "bytes", (json_int_t)status->store_bytes, "keep_days",
                        (json_int_t)status->hub.keep_days, "keep_bytes",
                        (json_int_t)status->hub.keep_bytes);
    json_t *counters = json_object();
    for (size_t i = 0; i < status->n_counters; i++)
        json_object_set_new(counters, status->counters[i].key,
                            json_integer((json_int_t)status->counters[i].value));
    json_put(stdout,
             json_pack("{s:s,s:i,s:I,s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:s}", "type", "status", "pid",
                       (int)status->hub.pid, "uid", (json_int_t)status->hub.uid, "mode",
                       cli_mode_words[status->hub.mode], "uptime_s", (json_int_t)status->uptime_s,
                       "sessions", (json_int_t)status->sessions, "queue", queue, "counters",
                       counters, "store", store, "name", json_text(status->hub.name), "dir",
                       json_text(status->hub.dir), "instance", status->hub.instance));
}

/* Who touched a queue last; the program is null when the process is gone. */
static json_t *json_process_or_null(pid_t pid) {
    char program[PROCESS_NAME_SIZE];
    if (pid == 0)
        return json_null();
    process_name(pid, program);
    return json_pack("{s:i,s:o}", "pid", (int)pid, "program", json_text_or_null(program));
}

void json_queue(const struct cli_queue *queue) {
    const struct queue_info *info = &queue->info;
    char mode[16];
    snprintf(mode, sizeof mode, "%04o", (unsigned)info->mode);
    json_t *object =
        json_pack("{s:s,s:s,s:I,s:o,s:o}", "type", "queue", "role", roles[queue->role], "uid",
                  (json_int_t)queue->uid, "handle", json_text_or_null(queue->handle), "process",
                  json_process_or_null(queue->pid));
    json_t *kernel = json_pack(
        "{s:o,s:i,s:I,s:I,s:s,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "key",
        json_hex((uint32_t)info->key), "id", info->msqid, "creator", (json_int_t)info->cuid,
        "owner", (json_int_t)info->uid, "mode", mode, "bytes", (json_int_t)info->n_bytes, "limit",
        (json_int_t)info->limit, "messages", (json_int_t)info->n_messages, "last_sender",
        json_process_or_null(info->last_sender), "last_receiver",
        json_process_or_null(info->last_receiver), "sent_at", json_instant_or_null(info->sent_at),
        "received_at", json_instant_or_null(info->received_at), "changed_at",
        json_instant_or_null(info->changed_at));
    json_object_update(object, kernel);
    json_decref(kernel);
    json_put(stdout, object);
}

static json_t *json_size_or_null(uint64_t size) {
    return size == EARSHOT_SIZE_UNKNOWN ? json_null() : json_integer((json_int_t)size);
}

void json_file(FILE *out, const struct cli_file *file) {
    json_t *object = json_pack(
        "{s:s,s:s,s:s,s:o,s:o,s:I,s:s,s:o,s:o,s:o,s:s,s:o}", "type", "file", "id", file->id,
        "state", file_state_names[file->state], "name", json_text_or_null(file->name), "size",
        json_size_or_null(file->size), "bytes", (json_int_t)file->bytes, "from", file->from, "to",
        json_conv(file->to), "path", json_text_or_null(file->path), "xxh3",
        json_text_or_null(file->xxh3), "via", file->via, "error", json_text_or_null(file->error));
    if (file->resumed)
        json_object_set_new(object, "resumed", json_true());
    if (file->has_changed)
        json_object_set_new(object, "offered", json_integer((json_int_t)file->offered));
    if (file->has_grown)
        json_object_set_new(object, "grown", json_true());
    if (file->left_out > 0)
        json_object_set_new(object, "left_out", json_integer((json_int_t)file->left_out));
    if (file->rate > 0)
        json_object_set_new(object, "rate", json_integer((json_int_t)file->rate));
    json_put(out, object);
}

void json_skipped(const struct earshot_event *event, const char *why) {
    json_t *object =
        json_pack("{s:s,s:s,s:o,s:o,s:s,s:s}", "type", "skipped", "id", event->skipped.id, "name",
                  json_text_or_null(event->skipped.name), "path",
                  json_text_or_null(event->skipped.path), "to", event->skipped.peer, "why", why);
    if (event->skipped.more > 0)
        json_object_set_new(object, "more", json_integer((json_int_t)event->skipped.more));
    json_put(stdout, object);
}

static json_t *json_ring_or_null(const struct cli_segment *segment) {
    const struct ring_view *view = &segment->view;
    if (!segment->has_view)
        return json_null();
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:b,s:b}", "slots", (json_int_t)view->layout.n_slots,
                     "slot_bytes", (json_int_t)view->layout.slot_bytes, "fill",
                     (json_int_t)view->fill, "produced", (json_int_t)view->n_produced, "consumed",
                     (json_int_t)view->n_consumed, "producer_waits", (int)view->producer_waits,
                     "consumer_waits", (int)view->consumer_waits);
}

void json_segment(const struct cli_segment *segment) {
    const struct shm_segment *info = &segment->info;
    char mode[16];
    snprintf(mode, sizeof mode, "%04o", (unsigned)info->mode);
    json_t *processes = json_array();
    for (size_t i = 0; i < segment->n_pids; i++)
        json_array_append_new(processes, json_process_or_null(segment->pids[i]));
    json_put(stdout,
             json_pack("{s:s,s:i,s:I,s:I,s:I,s:s,s:b,s:I,s:o,s:o,s:o,s:o,s:o}", "type", "segment",
                       "id", info->shmid, "size", (json_int_t)info->size, "creator",
                       (json_int_t)info->cuid, "owner", (json_int_t)info->uid, "mode", mode,
                       "removed", (int)info->is_removed, "attached", (json_int_t)info->n_attached,
                       "created_by", json_process_or_null(info->creator), "attached_by", processes,
                       "attached_at", json_instant_or_null(info->attached_at), "detached_at",
                       json_instant_or_null(info->detached_at), "ring",
                       json_ring_or_null(segment)));
}
