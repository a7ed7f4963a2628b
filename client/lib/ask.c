/* The requests that a program can make: their arguments checked and made into frames. */
#include <string.h>

#include "lib/check.h"

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
        r = check_string(link, topic, TOPIC_BYTES_MAX, "the topic");
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_TOPIC,
                          .topic = {.room = name_bytes(&name), .topic = bytes_of(topic)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_away(earshot *link, const char *reason, uint32_t *request) {
    int r = check_string(link, reason ? reason : "", AWAY_BYTES_MAX, "the reason");
    if (r != 0)
        return r;
    const char *text = reason ? reason : "";
    struct frame frame = {.type = FRAME_AWAY,
                          .away = {.away = reason != NULL, .reason = bytes_of(text)}};
    return request_ask(link, &frame, text, request);
}

int earshot_nick(earshot *link, const char *handle, uint32_t *request) {
    struct name name;
    int r = check_handle(link, handle, "the handle", &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_NICK, .nick = {.handle = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_release(earshot *link, const char *conv, uint32_t *request) {
    struct name name;
    int r = check_conv(link, conv, "the handle or room", &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_RELEASE, .release = {.handle = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_ask(earshot *link, enum earshot_list what, const char *of, uint32_t *request) {
    struct name name = {0};
    int r = check_number(link, what, EARSHOT_HANDLES + 1, "the list");
    if (r == 0 && of)
        r = check_room(link, of, &name);
    if (r == 0 && of && what != EARSHOT_USERS)
        r = check_failed(link, "only EARSHOT_USERS can be asked for of a room");
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_LIST,
                          .list = {.what = (uint8_t)what, .of = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}

/* NULL for all. */
static int check_conv_or_all(struct earshot *link, const char *conv, struct name *name) {
    *name = (struct name){0};
    return conv ? check_conv(link, conv, "the conversation", name) : 0;
}

int earshot_history(earshot *link, const char *conv, uint64_t before, uint64_t after,
                    unsigned limit, uint32_t *request) {
    struct name name;
    int r = check_page(link, limit);
    if (r == 0)
        r = check_conv_or_all(link, conv, &name);
    if (r != 0)
        return r;
    struct frame frame = {
        .type = FRAME_HISTORY,
        .history = {
            .conv = name_bytes(&name), .before = before, .after = after, .limit = (uint16_t)limit}};
    return request_ask(link, &frame, name.s, request);
}

int earshot_search(earshot *link, const char *words, const char *conv, const char *from,
                   uint64_t before, unsigned limit, uint32_t *request) {
    struct name name, sender = {0};
    int r = check_string(link, words, SEARCH_BYTES_MAX, "the search");
    if (r == 0 && !words[strspn(words, " \t\n")])
        r = link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT, "nothing to search for; give words");
    if (r == 0)
        r = check_conv_or_all(link, conv, &name);
    if (r == 0 && from)
        r = check_handle(link, from, "the handle", &sender);
    if (r == 0)
        r = check_page(link, limit);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_SEARCH,
                          .search = {.conv = name_bytes(&name),
                                     .from = name_bytes(&sender),
                                     .before = before,
                                     .limit = (uint16_t)limit,
                                     .words = bytes_of(words)}};
    return request_ask(link, &frame, "", request);
}

/* A search for blanks only: no word has to be found in them. */
int earshot_posts(earshot *link, const char *from, uint64_t before, unsigned limit,
                  uint32_t *request) {
    struct name sender = {0};
    int r = check_page(link, limit);
    if (r == 0 && from)
        r = check_handle(link, from, "the handle", &sender);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_SEARCH,
                          .search = {.from = name_bytes(&sender),
                                     .before = before,
                                     .limit = (uint16_t)limit,
                                     .words = bytes_of(" ")}};
    return request_ask(link, &frame, "", request);
}

int earshot_wall(earshot *link, const char *text, uint32_t *request) {
    int r = check_string(link, text, EARSHOT_WALL_MAX, "the notice");
    if (r == 0 && !*text)
        r = link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT, "the notice is empty; give a text");
    if (r != 0)
        return r;
    struct frame frame = {
        .type = FRAME_WALL,
        .wall = {.id = uuid_next(&link->ids, wall_coarse()), .body = bytes_of(text)}};
    return request_ask(link, &frame, "", request);
}

int earshot_forget(earshot *link, const char *handle, uint32_t *request) {
    struct name name;
    int r = check_handle(link, handle, "the handle", &name);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_FORGET, .forget = {.conv = name_bytes(&name)}};
    return request_ask(link, &frame, name.s, request);
}
