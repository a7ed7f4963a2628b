#include "irc/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/uuid.h"
#include "irc/message.h"
#include "irc/news.h"
#include "proto/fail.h"

#define LIMIT_MAX 1000
#define LOOK_BACK 1000 /* messages of one page in which an id is looked for */
#define PAGES_MAX 20   /* of them */

/*
 * CHATHISTORY. The hub's pages go by the numbers of messages, and a client names messages by id or
 * time; so each of the two places of a command is found first. By time: the number is halved in on,
 * since times grow with numbers. By id: page by page, from the newest on.
 */
enum past_kind { PLACE_NONE, PLACE_ID, PLACE_TIME };

struct past_place {
    enum past_kind kind;
    char id[EARSHOT_ID_SIZE];
    int64_t at_ms;
    uint64_t seq, after_seq; /* found: messages before `after_seq` come before it; `seq` is its own,
                                or 0 */
    uint64_t low, high;      /* by time: it is in between */
};

struct past_work {
    enum { PAST_LATEST, PAST_BEFORE, PAST_AFTER, PAST_AROUND, PAST_BETWEEN } verb;
    char conv[NAME_BYTES_MAX + 1];
    struct past_place places[2];
    size_t n_places, at;
    unsigned limit, n_pages, n_said;
    bool found;
    uint64_t oldest; /* of the page */
    const char *batch;
    enum { STAGE_FIND, STAGE_SAY, STAGE_SAY_MORE } stage;
};

static void past_next(struct conn *conn);

static void past_fail(struct conn *conn, const char *code, const char *text) {
    char context[LINE_BYTES_MAX];
    const char *verb = command_param(conn, 0), *target = command_param(conn, 1);
    bool is_target = strcmp(code, "INVALID_TARGET") == 0;
    snprintf(context, sizeof context, "%s%s%s ", *verb ? verb : "*", is_target ? " " : "",
             is_target ? target : "");
    say_fail(conn, "CHATHISTORY", code, context, text);
}

static bool past_parse_time(const char *text, int64_t *at_ms) {
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    double fraction = rest && *rest == '.' ? strtod(rest, NULL) : 0;
    if (!rest)
        return false;
    *at_ms = (int64_t)timegm(&tm) * 1000 + (int64_t)(fraction * 1000 + 0.5);
    return true;
}

static bool past_parse_place(const char *text, bool may_be_none, struct past_place *place) {
    struct uuid uuid;
    *place = (struct past_place){.kind = PLACE_NONE};
    if (may_be_none && strcmp(text, "*") == 0)
        return true;
    if (strncmp(text, "msgid=", 6) == 0 && uuid_from_text(&uuid, text + 6)) {
        place->kind = PLACE_ID;
        uuid_format(&uuid, place->id);
        return true;
    }
    if (strncmp(text, "timestamp=", 10) != 0 || !past_parse_time(text + 10, &place->at_ms))
        return false;
    place->kind = PLACE_TIME;
    return true;
}

static int past_find_verb(const char *text) {
    static const char *const verbs[] = {"LATEST", "BEFORE", "AFTER", "AROUND", "BETWEEN"};
    for (int i = 0; i < (int)ARRAY_LEN(verbs); i++)
        if (strcasecmp(verbs[i], text) == 0)
            return i;
    return -1;
}

/* The handle or room; a room that one is not in has no past for this client. */
static bool past_find_conv(const struct conn *conn, const char *target,
                           char conv[NAME_BYTES_MAX + 1]) {
    char handle[SPELL_SIZE];
    struct name name;
    if (*target == '#') {
        const struct irc_channel *channel = channel_find(conn, target);
        snprintf(conv, NAME_BYTES_MAX + 1, "%s", channel ? channel->name : "");
        return channel != NULL;
    }
    if (!spell_handle(handle, target) || name_parse(&name, bytes_of(handle)) != NAME_OK)
        return false;
    snprintf(conv, NAME_BYTES_MAX + 1, "%s", name.s);
    return true;
}

static void past_say_end(struct conn *conn) {
    struct past_work *work = conn->state;
    if (work->batch)
        say_close_batch(conn);
    command_done(conn);
}

/* Finding a place. */

static int past_ask(struct conn *conn, uint64_t before, uint64_t after, unsigned limit) {
    struct past_work *work = conn->state;
    work->found = false;
    work->oldest = 0;
    return earshot_history(conn->link, work->conv, before, after, limit, &conn->request);
}

static int past_find_by_time(struct conn *conn, struct past_place *place) {
    return past_ask(conn, 0, place->low + (place->high - place->low) / 2, 1);
}

/* A message of a page in which a place is looked for. */
static void past_look(struct past_work *work, const struct earshot_event *event) {
    struct past_place *place = &work->places[work->at];
    uint64_t middle = place->low + (place->high - place->low) / 2;
    if (!work->oldest)
        work->oldest = event->message.seq;
    if (place->kind == PLACE_ID && strcmp(event->message.id, place->id) == 0) {
        place->seq = event->message.seq;
        place->after_seq = event->message.seq;
        work->found = true;
    }
    if (place->kind == PLACE_TIME && event->message.at_ms >= place->at_ms) {
        place->high = middle;
        place->after_seq = event->message.seq;
        place->seq = event->message.at_ms == place->at_ms ? event->message.seq : 0;
        work->found = true;
    }
}

/* Whether the place is found. */
static bool past_looked(struct conn *conn, struct past_work *work) {
    struct past_place *place = &work->places[work->at];
    int result;
    if (place->kind == PLACE_TIME) {
        uint64_t middle = place->low + (place->high - place->low) / 2;
        if (!work->found)
            place->low = middle + 1;
        if (place->low >= place->high)
            return true;
        result = past_find_by_time(conn, place);
    } else {
        if (work->found || !work->oldest || ++work->n_pages >= PAGES_MAX)
            return true;
        result = past_ask(conn, work->oldest, 0, LOOK_BACK);
    }
    return result != EARSHOT_OK;
}

/* Saying it. */

static void past_say(struct conn *conn, const struct earshot_event *event) {
    struct past_work *work = conn->state;
    const struct past_place *end = &work->places[1];
    bool is_ours = work->places[0].seq != event->message.seq || work->verb == PAST_AROUND;
    if (work->verb == PAST_BETWEEN && end->after_seq && event->message.seq >= end->after_seq)
        return;
    if (!is_ours || work->n_said >= work->limit)
        return;
    work->n_said++;
    message_say(conn, event, true, work->batch);
}

/* The page that was asked for, by the places. LATEST with a place: the newest ones behind it. */
static int past_ask_page(struct conn *conn, struct past_work *work) {
    const struct past_place *place = &work->places[0];
    uint64_t behind = place->seq ? place->seq : place->after_seq ? place->after_seq - 1 : 0;
    switch (work->verb) {
    case PAST_LATEST:
        return past_ask(conn, 0, 0, work->limit);
    case PAST_BEFORE:
        return past_ask(conn, place->after_seq, 0, work->limit);
    case PAST_AROUND:
        return past_ask(conn, place->after_seq, 0, work->limit / 2 ? work->limit / 2 : 1);
    default:
        return past_ask(conn, 0, behind ? behind : 1, work->limit + 1);
    }
}

static void past_take(struct conn *conn, const struct earshot_event *event) {
    struct past_work *work = conn->state;
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_PAST && work->stage == STAGE_FIND)
        past_look(work, event);
    else if (event->type == EARSHOT_EVENT_PAST)
        past_say(conn, event);
    if (event->type == EARSHOT_EVENT_FAILED) {
        past_fail(conn, "MESSAGE_ERROR", event->failed.reason);
        past_say_end(conn);
    } else if (event->type == EARSHOT_EVENT_DONE) {
        if (work->stage == STAGE_FIND && !past_looked(conn, work))
            return;
        if (work->stage == STAGE_FIND)
            work->at++;
        past_next(conn);
    }
}

static void past_begin_place(struct conn *conn, struct past_work *work) {
    struct past_place *place = &work->places[work->at];
    struct earshot_hub_info hub;
    earshot_hub(conn->link, &hub);
    place->low = 0;
    place->high = hub.seq + (1 << 20); /* whatever has come since the link was joined */
    work->n_pages = 0;
    command_await(conn,
                  place->kind == PLACE_TIME ? past_find_by_time(conn, place)
                                            : past_ask(conn, 0, 0, LOOK_BACK),
                  past_take);
}

static bool past_is_reversed(const struct past_work *work) {
    return work->verb == PAST_BETWEEN && work->places[0].after_seq && work->places[1].after_seq &&
           work->places[0].after_seq > work->places[1].after_seq;
}

static void past_begin_saying(struct conn *conn, struct past_work *work) {
    char what[NAME_BYTES_MAX + 32];
    work->stage = STAGE_SAY;
    if (past_is_reversed(work)) {
        struct past_place first = work->places[0];
        work->places[0] = work->places[1];
        work->places[1] = first;
    }
    snprintf(what, sizeof what, "chathistory %s", command_param(conn, 1));
    work->batch = say_open_batch(conn, &(struct say_tags){.at_ms = -1}, what);
    command_await(conn, past_ask_page(conn, work), past_take);
}

static void past_next(struct conn *conn) {
    struct past_work *work = conn->state;
    while (work->stage == STAGE_FIND && work->at < work->n_places &&
           work->places[work->at].kind == PLACE_NONE)
        work->at++;
    if (work->stage == STAGE_FIND && work->at < work->n_places) {
        past_begin_place(conn, work);
    } else if (work->stage == STAGE_FIND) {
        past_begin_saying(conn, work);
    } else if (work->stage == STAGE_SAY && work->verb == PAST_AROUND &&
               work->places[0].after_seq > 0 && work->n_said < work->limit) {
        work->stage = STAGE_SAY_MORE;
        command_await(conn,
                      past_ask(conn, 0, work->places[0].after_seq - 1, work->limit - work->n_said),
                      past_take);
    } else {
        past_say_end(conn);
    }
}

void irc_chathistory(struct conn *conn) {
    struct past_work *work = calloc(1, sizeof *work);
    int verb = past_find_verb(command_param(conn, 0));
    size_t n_places = verb == PAST_BETWEEN ? 2 : 1;
    int limit = line_number(command_param(conn, 2 + n_places));
    conn->state = work;
    if (!work)
        return;
    if (verb < 0 || conn->line.n_params < 3 + n_places || limit < 1) {
        past_fail(conn, "INVALID_PARAMS", "Insufficient or invalid parameters");
        return;
    }
    work->verb = (unsigned)verb;
    work->limit = limit > LIMIT_MAX ? LIMIT_MAX : (unsigned)limit;
    work->n_places = n_places;
    for (size_t i = 0; i < n_places; i++)
        if (!past_parse_place(command_param(conn, 2 + i), verb == PAST_LATEST, &work->places[i])) {
            past_fail(conn, "INVALID_PARAMS", "This is neither msgid= nor timestamp=");
            return;
        }
    if (past_find_conv(conn, command_param(conn, 1), work->conv))
        past_next(conn);
    else
        past_fail(conn, "INVALID_TARGET", "Messages could not be retrieved");
}

/* MARKREAD. The hub counts by the numbers of messages: what has been said is read by then. */

struct markread_work {
    char conv[NAME_BYTES_MAX + 1];
    int64_t at_ms;
    uint64_t seq;
    unsigned n_unread, n_past;
};

static void markread_say(struct conn *conn, int64_t at_ms) {
    char time[SAY_TIME_SIZE];
    say_time(time, at_ms);
    say_answer(conn, NULL, ":%s MARKREAD %s %s%s", conn->door->name, command_param(conn, 0),
               at_ms ? "timestamp=" : "*", at_ms ? time : "");
}

static void markread_take(struct conn *conn, const struct earshot_event *event) {
    struct markread_work *work = conn->state;
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_PAST && event->message.at_ms <= work->at_ms)
        work->seq = event->message.seq;
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED) {
        if (work->seq)
            earshot_mark_seen(conn->link, work->conv, work->seq);
        markread_say(conn, work->at_ms);
        command_done(conn);
    }
}

/* Without a time: that of the newest message that is not unread, which stands before those. */
static void markread_take_last(struct conn *conn, const struct earshot_event *event) {
    struct markread_work *work = conn->state;
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_PAST && work->n_past++ == 0)
        work->at_ms = event->message.at_ms;
    if (event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED) {
        markread_say(conn, work->n_past > work->n_unread ? work->at_ms : 0);
        command_done(conn);
    }
}

static void markread_take_unread(struct conn *conn, const struct earshot_event *event) {
    struct markread_work *work = conn->state;
    if (event->request != conn->request)
        return;
    if (event->type == EARSHOT_EVENT_UNREAD)
        work->n_unread = event->unread.unread;
    if (event->type == EARSHOT_EVENT_FAILED || work->n_unread >= LIMIT_MAX) {
        markread_say(conn, 0);
        command_done(conn);
    } else if (event->type == EARSHOT_EVENT_DONE) {
        command_await(
            conn, earshot_history(conn->link, work->conv, 0, 0, work->n_unread + 1, &conn->request),
            markread_take_last);
    }
}

void irc_markread(struct conn *conn) {
    struct markread_work *work = calloc(1, sizeof *work);
    const char *time = command_param(conn, 1);
    conn->state = work;
    if (!work)
        return;
    if (!past_find_conv(conn, command_param(conn, 0), work->conv) ||
        (*time &&
         (strncmp(time, "timestamp=", 10) != 0 || !past_parse_time(time + 10, &work->at_ms)))) {
        char context[LINE_BYTES_MAX];
        snprintf(context, sizeof context, "%s ", command_param(conn, 0));
        say_fail(conn, "MARKREAD", "INVALID_PARAMS", context, "Invalid parameters");
    } else if (*time) {
        command_await(conn, earshot_history(conn->link, work->conv, 0, 0, 100, &conn->request),
                      markread_take);
    } else {
        command_await(conn, earshot_unread(conn->link, work->conv, &conn->request),
                      markread_take_unread);
    }
}

/* REDACT. */

static void redact_fail(struct conn *conn, const char *code, const char *text) {
    char context[LINE_BYTES_MAX];
    bool has_id = strcmp(code, "INVALID_TARGET") != 0;
    snprintf(context, sizeof context, "%s%s%s ", command_param(conn, 0), has_id ? " " : "",
             has_id ? command_param(conn, 1) : "");
    say_fail(conn, "REDACT", code, context, text);
}

void past_take_outcome(struct conn *conn, const struct earshot_event *event) {
    const char *id = conn->state, *reason = command_param(conn, 2);
    char source[SOURCE_SIZE];
    if (event->type == EARSHOT_EVENT_REFUSED && strcmp(event->failed.id, id) == 0) {
        bool is_forbidden = event->failed.code == FAIL_NOT_PERMITTED;
        redact_fail(conn, is_forbidden ? "REDACT_FORBIDDEN" : "UNKNOWN_MSGID",
                    event->failed.reason);
        command_done(conn);
    } else if (event->type == EARSHOT_EVENT_STATE && strcmp(event->state.id, id) == 0) {
        if (conn->caps & CAP_REDACTION)
            say_answer(conn, NULL, ":%s REDACT %s %s%s%s", conn_source(conn, source),
                       command_param(conn, 0), command_param(conn, 1), *reason ? " :" : "", reason);
        command_done(conn);
    }
}

/* At the hub all handles of a user are his; here a client removes what its own nick has said, or
 * what its @ is for. */
static bool redact_is_allowed(const struct conn *conn, const char *conv, const char *id) {
    const char *handle;
    const struct irc_channel *channel = channel_find(conn, conv);
    const struct person *self = person_of_nick(conn, conn->nick), *author;
    message_author(conn, id, &handle);
    author = handle ? person_find(conn, handle) : NULL;
    return !author || !self || author == self ||
           (channel && channel_has_operator(conn, channel, self));
}

void irc_redact(struct conn *conn) {
    char conv[NAME_BYTES_MAX + 1], *id = calloc(1, EARSHOT_ID_SIZE);
    const char *target = command_param(conn, 1), *reason = command_param(conn, 2);
    struct uuid uuid;
    conn->state = id;
    if (!id)
        return;
    if (!past_find_conv(conn, command_param(conn, 0), conv)) {
        redact_fail(conn, "INVALID_TARGET", "You are not there");
    } else if (!uuid_from_text(&uuid, target) || uuid_is_nil(&uuid)) {
        redact_fail(conn, "UNKNOWN_MSGID", "There is no such message");
    } else if (!redact_is_allowed(conn, conv, target)) {
        redact_fail(conn, "REDACT_FORBIDDEN", "It is not yours, and you are no operator there");
    } else {
        const char *handle;
        struct earshot_message message = {.to = conv,
                                          .text = reason,
                                          .text_n = strlen(reason),
                                          .flags = EARSHOT_WANT_SEQ | EARSHOT_ACK_NOW};
        int result =
            earshot_remove(conn->link, target, message_author(conn, target, &handle), &message, id);
        command_await(conn, result, past_take_outcome);
    }
}
