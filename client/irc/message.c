#include "irc/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/text.h"
#include "base/uuid.h"
#include "irc/files.h"
#include "irc/news.h"
#include "irc/order.h"
#include "irc/past.h"
#include "proto/fail.h"

#define TARGETS_MAX 4
#define ACTION "\001ACTION "

/* Saying. */

struct message_line {
    struct conn *conn;
    const struct earshot_event *event;
    bool is_answer;
    const char *command, *target;
    char source[SOURCE_SIZE], stamp[32];
    struct say_tags tags;
    bool is_batched, said;
};

static void message_say_piece(struct message_line *line, const char *text, size_t n,
                              bool is_concat) {
    bool is_action = line->event->message.kind == EARSHOT_ACTION;
    struct say_tags tags = line->tags;
    void (*say)(struct conn *, const struct say_tags *, const char *, ...) =
        line->is_answer ? say_answer : say_news;
    tags.is_concat = line->is_batched && is_concat;
    if (line->is_batched)
        tags.at_ms = -1;
    if (line->is_batched || line->said)
        tags.id = NULL;
    say(line->conn, &tags, ":%s %s %s :%s%s%.*s%s", line->source, line->command, line->target,
        is_action ? ACTION : "", line->said ? "" : line->stamp, (int)n, text,
        is_action ? "\001" : "");
    line->said = true;
}

/* Line by line, and what is too long for a line of IRC in pieces; an empty line is one within a
 * batch only. */
static void message_say_lines(struct message_line *line, const char *text) {
    size_t room = LINE_BYTES_MAX - say_room(line->source, line->command, line->target) -
                  strlen(line->stamp) -
                  (line->event->message.kind == EARSHOT_ACTION ? sizeof ACTION : 0);
    for (bool more = true; more;) {
        size_t n = strcspn(text, "\n");
        bool is_concat = false;
        more = text[n] == '\n';
        for (size_t at = 0, piece; at < n || (n == 0 && at == 0 && line->is_batched); at += piece) {
            piece = text_cut((struct bytes){text + at, n - at}, room);
            message_say_piece(line, text + at, piece, is_concat);
            is_concat = true;
            if (piece == 0)
                break;
        }
        text += n + more;
    }
}

static bool message_is_long(const struct message_line *line, const char *text) {
    return strchr(text, '\n') ||
           strlen(text) + say_room(line->source, line->command, line->target) > LINE_BYTES_MAX;
}

/* Several lines are one message for who understands that. */
static void message_say_text(struct message_line *line, const char *text) {
    struct conn *conn = line->conn;
    char reference[16];
    line->is_batched = !line->tags.batch && (conn->caps & CAP_MULTILINE) &&
                       (conn->caps & CAP_BATCH) && message_is_long(line, text);
    if (!line->is_batched) {
        message_say_lines(line, text);
        return;
    }
    struct say_tags tags = line->tags;
    if (line->is_answer) {
        snprintf(reference, sizeof reference, "%u", conn->last_batch + 1);
        char what[NAME_BYTES_MAX + 32];
        snprintf(what, sizeof what, "draft/multiline %s", line->target);
        line->tags.batch = say_open_batch(conn, &tags, what);
        message_say_lines(line, text);
        say_close_batch(conn);
    } else {
        snprintf(reference, sizeof reference, "%u", ++conn->last_batch);
        say_news(conn, &tags, ":%s BATCH +%s draft/multiline %s", line->source, reference,
                 line->target);
        line->tags.batch = reference;
        message_say_lines(line, text);
        say_news(conn, &(struct say_tags){.at_ms = -1}, "BATCH -%s", reference);
    }
}

static void message_stamp(const struct conn *conn, const struct earshot_event *event,
                          char out[32]) {
    time_t seconds = (time_t)(event->message.at_ms / 1000);
    struct tm tm;
    bool is_past = event->message.late || event->type == EARSHOT_EVENT_PAST;
    *out = '\0';
    if (is_past && !(conn->caps & (CAP_SERVER_TIME | CAP_ECHO)))
        strftime(out, 32, "[%Y-%m-%d %H:%M] ", localtime_r(&seconds, &tm));
}

static void message_remember(struct conn *conn, const struct earshot_event *event) {
    size_t i = conn->n_shown++ % SHOWN_MAX;
    memcpy(conn->shown[i].id, event->message.id, EARSHOT_ID_SIZE);
    conn->shown[i].uid = event->message.uid;
    snprintf(conn->shown[i].handle, sizeof conn->shown[i].handle, "%s", event->message.from);
}

uid_t message_author(const struct conn *conn, const char *id, const char **handle) {
    *handle = NULL;
    for (size_t i = 0; i < SHOWN_MAX && i < conn->n_shown; i++)
        if (strcmp(conn->shown[i].id, id) == 0) {
            *handle = conn->shown[i].handle;
            return conn->shown[i].uid;
        }
    return geteuid();
}

/* Where it is shown: in a room, in the conversation with its sender, or with whom it was sent to.
 */
static const char *message_target(const struct conn *conn, const struct earshot_event *event,
                                  bool is_own, char out[SPELL_SIZE]) {
    if (*event->message.conv == '#') {
        const struct irc_channel *channel = channel_find(conn, event->message.conv);
        return channel ? channel->name : event->message.conv;
    }
    return is_own ? spell_nick(out, event->message.to) : conn->nick;
}

static bool message_prepare(struct message_line *line, struct conn *conn,
                            const struct earshot_event *event, char nick[SPELL_SIZE]) {
    struct person *from = news_heard(conn, event->message.from, event->message.uid);
    if (!from)
        return false;
    line->conn = conn;
    line->event = event;
    line->command = event->message.kind == EARSHOT_NOTICE ? "NOTICE" : "PRIVMSG";
    line->target = message_target(conn, event, person_is_self(conn, from), nick);
    person_source(conn, from, line->source);
    line->tags = (struct say_tags){
        .id = event->message.id,
        .at_ms = event->message.at_ms,
        .reply = event->message.reply_to,
        .account = news_account(conn, from),
    };
    return true;
}

void message_say(struct conn *conn, const struct earshot_event *event, bool is_answer,
                 const char *batch) {
    struct message_line line = {.is_answer = is_answer};
    char nick[SPELL_SIZE];
    if (event->message.removed || !message_prepare(&line, conn, event, nick))
        return;
    line.tags.batch = batch;
    message_stamp(conn, event, line.stamp);
    message_remember(conn, event);
    if (!*event->message.title) {
        message_say_text(&line, event->message.text);
        return;
    }
    size_t size = strlen(event->message.title) + event->message.text_n + 2;
    char *text = malloc(size);
    if (!text)
        return;
    snprintf(text, size, "%s\n%s", event->message.title, event->message.text);
    message_say_text(&line, text);
    free(text);
}

/* From the hub. */

/* "you are invited to the open room #ops: /join #ops": what the hub writes to who is invited. */
static bool message_take_invitation(struct conn *conn, const struct earshot_event *event) {
    char source[SOURCE_SIZE], room[NAME_BYTES_MAX + 1];
    const struct person *from = news_heard(conn, event->message.from, event->message.uid);
    const char *text = event->message.text, *at = strstr(text, ": /join #");
    if (!from || !at || event->message.kind != EARSHOT_NOTICE || *event->message.conv == '#' ||
        strncmp(text, "you are invited to the ", 23) != 0)
        return false;
    at += strlen(": /join ");
    size_t n = strcspn(at, " ,");
    if (n > NAME_BYTES_MAX)
        return false;
    snprintf(room, sizeof room, "%.*s", (int)n, at);
    struct say_tags tags = {.id = event->message.id,
                            .at_ms = event->message.at_ms,
                            .account = news_account(conn, from)};
    say_news(conn, &tags, ":%s INVITE %s %s", person_source(conn, from, source), conn->nick, room);
    return true;
}

void message_take(struct conn *conn, const struct earshot_event *event) {
    if (!message_take_invitation(conn, event))
        message_say(conn, event, false, NULL);
    if (event->message.file)
        files_take_post(conn, event);
    if (!(conn->caps & CAP_READ_MARKER))
        earshot_mark_read(conn->link, event);
}

void message_take_mend(struct conn *conn, const struct earshot_event *event) {
    struct message_line line = {0};
    char nick[SPELL_SIZE];
    bool is_removal = event->type == EARSHOT_EVENT_REMOVED;
    if (!message_prepare(&line, conn, event, nick))
        return;
    const char *id = line.tags.id;
    line.tags.id = NULL;
    if (!is_removal) {
        line.tags.reply = id;
        line.command = "NOTICE";
        snprintf(line.stamp, sizeof line.stamp, "(edited) ");
        message_say_text(&line, event->message.text);
    } else if (conn->caps & CAP_REDACTION) {
        say_news(conn, &line.tags, ":%s REDACT %s %s%s%s", line.source, line.target, id,
                 *event->message.text ? " :" : "", event->message.text);
    }
}

/* To the hub. */

struct message_work {
    char id[EARSHOT_ID_SIZE]; /* of what is waited for */
    char handle[NAME_BYTES_MAX + 1];
    const char *targets, *text, *reply;
    size_t n_text;
    bool is_notice;
};

static void message_next(struct conn *conn);

static void message_say_refused(struct conn *conn, const struct earshot_event *event,
                                bool is_notice) {
    char nick[SPELL_SIZE];
    const char *to = event->failed.to;
    const char *target = *to == '#' ? to : spell_nick(nick, to);
    if (is_notice)
        return;
    if (event->failed.code == FAIL_NO_USER || event->failed.code == FAIL_BAD_NAME)
        say_numeric(conn, NUMERIC_NOSUCHNICK, "%s", target);
    else if (event->failed.code == FAIL_NO_ROOM)
        say_numeric(conn, NUMERIC_NOSUCHCHANNEL, "%s", target);
    else
        say_numeric(conn, NUMERIC_CANNOTSENDTOCHAN, "%s :%s", target, event->failed.reason);
}

static void message_take_refused(struct conn *conn, const struct earshot_event *event) {
    bool is_notice = false;
    for (size_t i = 0; i < SENT_MAX; i++)
        if (strcmp(conn->sent[i].id, event->failed.id) == 0)
            is_notice = conn->sent[i].is_notice;
    message_say_refused(conn, event, is_notice);
}

/* The hub gives a message to the other sessions of its sender's handle, not back to this one. */
static bool message_is_to_self(const struct conn *conn, const struct message_work *work) {
    const struct person *to = *work->handle == '#' ? NULL : person_find(conn, work->handle);
    return to && person_is_self(conn, to);
}

/* What the hub holds is what is echoed: with its time, and as everybody else gets it. */
static void message_take_echo(struct conn *conn, const struct earshot_event *event) {
    struct message_work *work = conn->state;
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_PAST && strcmp(event->message.id, work->id) == 0) {
        if (conn->caps & CAP_ECHO)
            message_say(conn, event, true, NULL);
        if (message_is_to_self(conn, work))
            message_say(conn, event, false, NULL);
    }
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED)
        message_next(conn);
}

static void message_take_state(struct conn *conn, const struct earshot_event *event) {
    struct message_work *work = conn->state;
    if (event->type == EARSHOT_EVENT_REFUSED && strcmp(event->failed.id, work->id) == 0) {
        message_say_refused(conn, event, work->is_notice);
        message_next(conn);
    } else if (event->type == EARSHOT_EVENT_REFUSED) {
        message_take_refused(conn, event);
    } else if (event->type == EARSHOT_EVENT_STATE && event->state.state == EARSHOT_STORED &&
               strcmp(event->state.id, work->id) == 0) {
        if (((conn->caps & CAP_ECHO) || message_is_to_self(conn, work)) && event->state.seq > 0 &&
            earshot_history(conn->link, work->handle, event->state.seq + 1, 0, 1, &conn->request) ==
                EARSHOT_OK)
            conn->take = message_take_echo;
        else
            message_next(conn);
    }
}

void message_take_outcome(struct conn *conn, const struct earshot_event *event) {
    if (conn->take == message_take_state)
        message_take_state(conn, event);
    else if (conn->take == past_take_outcome)
        past_take_outcome(conn, event);
    else if (event->type == EARSHOT_EVENT_REFUSED)
        message_take_refused(conn, event);
}

/* The handle or room of a target. False: it is said that there is none. */
static bool message_find_target(struct conn *conn, const char *target, bool is_notice,
                                char handle[NAME_BYTES_MAX + 1]) {
    char spelled[SPELL_SIZE];
    struct name name;
    const char *text = target;
    if (*target != '#')
        text = spell_handle(spelled, target) ? spelled : "";
    if (name_parse(&name, bytes_of(text)) == NAME_OK) {
        snprintf(handle, NAME_BYTES_MAX + 1, "%s", name.s);
        return true;
    }
    if (!is_notice)
        say_numeric(conn, *target == '#' ? NUMERIC_NOSUCHCHANNEL : NUMERIC_NOSUCHNICK, "%s",
                    target);
    return false;
}

static void message_fill(const struct message_work *work, struct earshot_message *message,
                         bool waits) {
    size_t n_action = sizeof ACTION - 1;
    *message = (struct earshot_message){
        .to = work->handle,
        .text = work->text,
        .text_n = work->n_text,
        .kind = work->is_notice ? EARSHOT_NOTICE : EARSHOT_TEXT,
        .reply_to = work->reply,
        .flags = waits ? EARSHOT_WANT_SEQ | EARSHOT_ACK_NOW : 0,
    };
    if (strncmp(work->text, ACTION, n_action) != 0 || work->is_notice)
        return;
    message->kind = EARSHOT_ACTION;
    message->text += n_action;
    message->text_n -= n_action;
    if (message->text_n > 0 && message->text[message->text_n - 1] == '\001')
        message->text_n--;
}

static void message_note_sent(struct conn *conn, const char *id, bool is_notice) {
    size_t i = conn->n_sent++ % SENT_MAX;
    memcpy(conn->sent[i].id, id, EARSHOT_ID_SIZE);
    conn->sent[i].is_notice = is_notice;
}

static void message_say_away(struct conn *conn, const struct message_work *work) {
    const struct person *person = *work->handle == '#' ? NULL : person_find(conn, work->handle);
    if (person && person->away && !work->is_notice)
        say_numeric(conn, NUMERIC_AWAY, "%s :%s", person->nick, person->away);
}

/* Whether the command waits now: for the hub, or for room. */
static bool message_send(struct conn *conn, struct message_work *work) {
    struct earshot_message message;
    bool waits = *conn->label || (conn->caps & CAP_ECHO) || message_is_to_self(conn, work);
    message_fill(work, &message, waits);
    int result = earshot_send(conn->link, &message, work->id);
    if (result == EARSHOT_AGAIN || result == -EINTR) {
        conn->again = true;
        conn->at--;
        return true;
    }
    if (result != EARSHOT_OK) {
        if (!work->is_notice)
            say_numeric(conn, NUMERIC_CANNOTSENDTOCHAN, "%s :%s", work->handle,
                        result < 0 ? strerror(-result) : earshot_error(conn->link));
        return false;
    }
    message_say_away(conn, work);
    if (waits)
        conn->take = message_take_state;
    else
        message_note_sent(conn, work->id, work->is_notice);
    return waits;
}

/* What would not reach others within a line is not sent at all: its end would be lost to them. */
static bool message_is_too_long(struct conn *conn, const struct message_work *work,
                                const char *target) {
    char source[SOURCE_SIZE];
    if (memchr(work->text, '\n', work->n_text) || conn->multiline.text == work->text ||
        say_room(conn_source(conn, source), work->is_notice ? "NOTICE" : "PRIVMSG", target) +
                work->n_text <=
            LINE_BYTES_MAX)
        return false;
    say_plain(conn, NUMERIC_INPUTTOOLONG);
    return true;
}

/* The hub lets all nicks of a user speak where one may. */
static bool message_is_silenced(struct conn *conn, const struct message_work *work) {
    const struct irc_channel *channel = channel_find(conn, work->handle);
    if (!channel || !channel->announces || channel->has_voice ||
        !order_is_of_another_nick(conn, channel))
        return false;
    if (!work->is_notice)
        say_numeric(conn, NUMERIC_CANNOTSENDTOCHAN, "%s :Only its operators speak here",
                    channel->name);
    return true;
}

static void message_next(struct conn *conn) {
    struct message_work *work = conn->state;
    char target[LINE_BYTES_MAX];
    while (command_word(work->targets, conn->at, target, sizeof target)) {
        if (conn->at++ >= TARGETS_MAX) {
            say_numeric(conn, NUMERIC_TOOMANYTARGETS, "%s", target);
            break;
        }
        if (strcasecmp(target, FILES_NICK) == 0) {
            files_command(conn, work->text, message_next);
            if (conn->take)
                return;
            continue;
        }
        if (!message_find_target(conn, target, work->is_notice, work->handle) ||
            message_is_too_long(conn, work, target) || message_is_silenced(conn, work))
            continue;
        if (message_send(conn, work))
            return;
    }
    command_done(conn);
}

/* The message that a tag names, if it is one of the hub's. */
static const char *message_reply_to(const struct irc_line *line) {
    const char *id = line_tag_value(line, "+draft/reply");
    struct uuid uuid;
    if (!id)
        id = line_tag_value(line, "+reply");
    return id && uuid_from_text(&uuid, id) && !uuid_is_nil(&uuid) ? id : NULL;
}

static void message_begin(struct conn *conn, const char *targets, const char *text, size_t n,
                          const char *reply, bool is_notice) {
    struct message_work *work = conn->state ? conn->state : calloc(1, sizeof *work);
    if (!work)
        return;
    conn->state = work;
    work->targets = targets;
    work->text = text;
    work->n_text = n;
    work->reply = reply;
    work->is_notice = is_notice;
    message_next(conn);
}

static void multiline_add(struct conn *conn, bool is_notice);

static void message_command(struct conn *conn, bool is_notice) {
    const char *targets = command_param(conn, 0), *text = command_param(conn, 1);
    if (line_tag_value(&conn->line, "batch") && (conn->caps & CAP_MULTILINE))
        multiline_add(conn, is_notice);
    else if (!*targets && !is_notice)
        say_numeric(conn, NUMERIC_NORECIPIENT, ":No recipient given (%s)", conn->line.command);
    else if (!*text && !is_notice)
        say_plain(conn, NUMERIC_NOTEXTTOSEND);
    else if (*targets && *text)
        message_begin(conn, targets, text, strlen(text), message_reply_to(&conn->line), is_notice);
}

void irc_privmsg(struct conn *conn) {
    message_command(conn, false);
}

void irc_notice(struct conn *conn) {
    message_command(conn, true);
}

/* Tags alone are nothing that the hub could keep or pass on: see CLIENTTAGDENY. */
void irc_tagmsg(struct conn *conn) {
    if (!*command_param(conn, 0))
        say_numeric(conn, NUMERIC_NORECIPIENT, ":No recipient given (TAGMSG)");
}

/* Multiline: lines are gathered until the batch ends, and are one message then. */

static void multiline_drop(struct conn *conn) {
    conn->multiline.is_open = false;
    conn->multiline.n = conn->multiline.n_lines = 0;
}

static void multiline_fail(struct conn *conn, const char *code, const char *context,
                           const char *text) {
    multiline_drop(conn);
    say_fail(conn, "BATCH", code, context, text);
}

static bool multiline_append(struct conn *conn, const char *text, bool is_concat) {
    size_t n = strlen(text), n_more = n + !is_concat;
    if (!conn->multiline.text)
        conn->multiline.text = malloc(MULTILINE_BYTES_MAX + 1);
    if (!conn->multiline.text || conn->multiline.n + n_more > MULTILINE_BYTES_MAX)
        return false;
    if (conn->multiline.n_lines > 0 && !is_concat)
        conn->multiline.text[conn->multiline.n++] = '\n';
    memcpy(conn->multiline.text + conn->multiline.n, text, n + 1);
    conn->multiline.n += n;
    conn->multiline.n_lines++;
    return true;
}

static void multiline_add(struct conn *conn, bool is_notice) {
    const char *reference = line_tag_value(&conn->line, "batch"), *text = command_param(conn, 1);
    bool is_concat = line_tag_value(&conn->line, "draft/multiline-concat") != NULL;
    char context[80];
    if (!conn->multiline.is_open || strcmp(reference, conn->multiline.reference) != 0 ||
        (is_concat && !*text)) {
        multiline_fail(conn, "MULTILINE_INVALID", "", "Invalid multiline batch");
    } else if (strcmp(command_param(conn, 0), conn->multiline.target) != 0) {
        multiline_fail(conn, "MULTILINE_INVALID_TARGET", "", "The target is another one");
    } else if (conn->multiline.n_lines >= MULTILINE_LINES_MAX) {
        snprintf(context, sizeof context, "%d ", MULTILINE_LINES_MAX);
        multiline_fail(conn, "MULTILINE_MAX_LINES", context, "Too many lines");
    } else if (!multiline_append(conn, text, is_concat)) {
        snprintf(context, sizeof context, "%d ", MULTILINE_BYTES_MAX);
        multiline_fail(conn, "MULTILINE_MAX_BYTES", context, "Too many bytes");
    } else {
        conn->multiline.is_notice = is_notice;
    }
}

static void multiline_open(struct conn *conn, const char *reference) {
    const char *target = command_param(conn, 2), *reply = message_reply_to(&conn->line);
    multiline_drop(conn);
    if (strcmp(command_param(conn, 1), "draft/multiline") != 0 || !*target ||
        strlen(reference) >= sizeof conn->multiline.reference ||
        strlen(target) >= sizeof conn->multiline.target) {
        say_fail(conn, "BATCH", "MULTILINE_INVALID", "", "Invalid batch");
        return;
    }
    snprintf(conn->multiline.reference, sizeof conn->multiline.reference, "%s", reference);
    snprintf(conn->multiline.target, sizeof conn->multiline.target, "%s", target);
    snprintf(conn->multiline.reply, sizeof conn->multiline.reply, "%s", reply ? reply : "");
    memcpy(conn->multiline.label, conn->label, LABEL_SIZE);
    *conn->label = '\0'; /* the answer comes when it is whole */
    conn->multiline.is_open = true;
}

void irc_batch(struct conn *conn) {
    const char *reference = conn->line.params[0];
    bool is_end = *reference == '-';
    if (!(conn->caps & CAP_MULTILINE))
        say_numeric(conn, NUMERIC_UNKNOWNCOMMAND, "BATCH");
    else if (*reference == '+')
        multiline_open(conn, reference + 1);
    else if (!is_end || !conn->multiline.is_open ||
             strcmp(reference + 1, conn->multiline.reference) != 0)
        multiline_fail(conn, "MULTILINE_INVALID", "", "Invalid multiline batch");
    else if (conn->multiline.n == 0)
        multiline_fail(conn, "MULTILINE_INVALID", "", "A message of blank lines only");
    else {
        if (!conn->state) /* else it is done once more */
            memcpy(conn->label, conn->multiline.label, LABEL_SIZE);
        message_begin(conn, conn->multiline.target, conn->multiline.text, conn->multiline.n,
                      *conn->multiline.reply ? conn->multiline.reply : NULL,
                      conn->multiline.is_notice);
        conn->multiline.is_open = conn->again;
    }
}
