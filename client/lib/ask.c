/* The requests that a program can make: their arguments checked and made into frames. */
#include <string.h>

#include "base/text.h"
#include "lib/link.h"

static int check_room(struct earshot *link, const char *room, struct name *name) {
    enum name_outcome outcome = name_parse(name, bytes_of(room));
    if (outcome != NAME_OK)
        return link_fail(link, EARSHOT_BAD_NAME, FAIL_BAD_NAME, "the room \"%s\" %s", room,
                         name_problem(outcome));
    if (!name_is_room(name))
        return link_fail(link, EARSHOT_BAD_NAME, FAIL_BAD_NAME,
                         "\"%s\" is no room; a room begins with #: #%s", room, room);
    return 0;
}

static int check_text(struct earshot *link, const char *what, const char *text, size_t max) {
    size_t n = strlen(text);
    if (n > max)
        return link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT,
                         "the %s has %zu bytes; shorten it to %zu", what, n, max);
    if (!text_is_valid(bytes_of(text)))
        return link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT,
                         "the %s is not UTF-8; convert it first (iconv)", what);
    return 0;
}

int earshot_join(earshot *link, const char *room, bool session_only, uint32_t *request) {
    struct name name;
    int r = check_room(link, room, &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_JOIN,
                          .flags = session_only ? FRAME_SESSION_ONLY : 0,
                          .join = {.room = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_part(earshot *link, const char *room, uint32_t *request) {
    struct name name;
    int r = check_room(link, room, &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_LEAVE, .leave = {.room = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_topic(earshot *link, const char *room, const char *topic, uint32_t *request) {
    struct name name;
    int r = check_room(link, room, &name);
    if (r == 0)
        r = check_text(link, "topic", topic, TOPIC_BYTES_MAX);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_TOPIC,
                          .topic = {.room = name_bytes(&name), .topic = bytes_of(topic)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_away(earshot *link, const char *reason, uint32_t *request) {
    int r = reason ? check_text(link, "reason", reason, AWAY_BYTES_MAX) : 0;
    if (r != 0)
        return r;
    const char *text = reason ? reason : "";
    struct frame frame = {.type = FRAME_AWAY,
                          .away = {.away = reason != NULL, .reason = bytes_of(text)}};
    return request_ask(link, &frame, text, request);
}

int earshot_nick(earshot *link, const char *handle, uint32_t *request) {
    struct name name;
    int r = link_check_handle(link, handle, &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_NICK, .nick = {.handle = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_ask(earshot *link, enum earshot_list what, const char *of, uint32_t *request) {
    struct name name = {0};
    int r = of ? check_room(link, of, &name) : 0;
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_LIST,
                          .list = {.what = (uint8_t)what, .of = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

/* A handle or a room; NULL for all. */
static int check_conv(struct earshot *link, const char *conv, struct name *name) {
    *name = (struct name){0};
    if (!conv)
        return 0;
    enum name_outcome outcome = name_parse(name, bytes_of(conv));
    if (outcome == NAME_OK)
        return 0;
    return link_fail(link, EARSHOT_BAD_NAME, FAIL_BAD_NAME, "the conversation \"%s\" %s", conv,
                     name_problem(outcome));
}

static uint16_t page(unsigned limit) {
    if (limit == 0)
        return 1;
    return (uint16_t)(limit < EARSHOT_PAGE_MAX ? limit : EARSHOT_PAGE_MAX);
}

int earshot_history(earshot *link, const char *conv, uint64_t before, uint64_t after,
                    unsigned limit, uint32_t *request) {
    struct name name;
    int r = check_conv(link, conv, &name);
    if (r != 0)
        return r;
    struct frame frame = {
        .type = FRAME_HISTORY,
        .history = {
            .conv = name_bytes(&name), .before = before, .after = after, .limit = page(limit)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_search(earshot *link, const char *words, const char *conv, const char *from,
                   uint64_t before, unsigned limit, uint32_t *request) {
    struct name name, sender = {0};
    int r = check_text(link, "search", words, SEARCH_BYTES_MAX);
    if (r == 0 && !words[strspn(words, " \t\n")])
        r = link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT, "nothing to search for; give words");
    if (r == 0)
        r = check_conv(link, conv, &name);
    if (r == 0 && from)
        r = link_check_handle(link, from, &sender);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_SEARCH,
                          .search = {.conv = name_bytes(&name),
                                     .from = name_bytes(&sender),
                                     .before = before,
                                     .limit = page(limit),
                                     .words = bytes_of(words)}};
    return request_ask(link, &frame, "", request);
}

/* A search for blanks only: no word has to be found in them. */
int earshot_posts(earshot *link, const char *from, uint64_t before, unsigned limit,
                  uint32_t *request) {
    struct name sender = {0};
    int r = from ? link_check_handle(link, from, &sender) : 0;
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_SEARCH,
                          .search = {.from = name_bytes(&sender),
                                     .before = before,
                                     .limit = page(limit),
                                     .words = bytes_of(" ")}};
    return request_ask(link, &frame, "", request);
}

int earshot_wall(earshot *link, const char *text, uint32_t *request) {
    int r = check_text(link, "notice", text, EARSHOT_WALL_MAX);
    if (r == 0 && !*text)
        r = link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT, "the notice is empty; give a text");
    if (r != 0)
        return r;
    struct frame frame = {
        .type = FRAME_WALL,
        .wall = {.id = uuid_next(&link->ids), .body = bytes_of(text)}};
    return request_ask(link, &frame, "", request);
}

int earshot_forget(earshot *link, const char *handle, uint32_t *request) {
    struct name name;
    int r = link_check_handle(link, handle, &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_FORGET, .forget = {.conv = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}
