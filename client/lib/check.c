#include "lib/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int check_failed(struct earshot *link, const char *format, ...) {
    va_list args;
    if (!link)
        return EARSHOT_BAD_ARGUMENT;
    va_start(args, format);
    vsnprintf(link->error, sizeof link->error, format, args);
    va_end(args);
    link->fail_code = FAIL_BAD_ARGUMENT;
    return EARSHOT_BAD_ARGUMENT;
}

int check_pointer(struct earshot *link, const void *pointer, const char *what) {
    return link && pointer ? 0 : check_failed(link, "%s is NULL; give one", what);
}

int check_flags(struct earshot *link, unsigned flags, unsigned known, const char *what) {
    if ((flags & ~known) == 0)
        return 0;
    return check_failed(link, "%s have bits that mean nothing: 0x%x; those that do are 0x%x", what,
                        flags & ~known, known);
}

int check_number(struct earshot *link, unsigned number, unsigned end, const char *what) {
    if (number < end)
        return 0;
    return check_failed(link, "%s cannot be %u; it is one of 0 to %u", what, number, end - 1);
}

static int parse_name(struct earshot *link, const char *text, const char *what, struct name *name) {
    *name = (struct name){0};
    int r = check_pointer(link, text, what);
    if (r != 0)
        return r;
    enum name_outcome outcome = name_parse(name, bytes_of(text));
    if (outcome == NAME_OK)
        return 0;
    return link_fail(link, EARSHOT_BAD_NAME, FAIL_BAD_NAME, "%s \"%s\" %s", what, text,
                     name_problem(outcome));
}

int check_conv(struct earshot *link, const char *text, const char *what, struct name *name) {
    return parse_name(link, text, what, name);
}

int check_claim(struct earshot *link, const char *text, struct name *name) {
    *name = (struct name){0};
    int r = check_pointer(link, text, "the name");
    if (r != 0)
        return r;
    enum name_outcome outcome = name_parse_claim(name, bytes_of(text));
    if (outcome == NAME_OK)
        return 0;
    return link_fail(link, EARSHOT_BAD_NAME, FAIL_BAD_NAME, "the name \"%s\" %s", text,
                     name_problem(outcome));
}

int check_room(struct earshot *link, const char *text, struct name *name) {
    int r = parse_name(link, text, "the room", name);
    if (r != 0 || name_is_room(name))
        return r;
    return link_fail(link, EARSHOT_BAD_NAME, FAIL_BAD_NAME,
                     "\"%s\" is no room; a room begins with #: #%s", text, text);
}

int check_handle(struct earshot *link, const char *text, const char *what, struct name *name) {
    int r = parse_name(link, text, what, name);
    if (r != 0 || !name_is_room(name))
        return r;
    return link_fail(link, EARSHOT_BAD_NAME, FAIL_BAD_NAME,
                     "\"%s\" is a room; a handle has no # before it", text);
}

int check_text(struct earshot *link, const char *text, size_t n, size_t max, const char *what) {
    if (n == 0 && link)
        return 0;
    int r = check_pointer(link, text, what);
    if (r != 0)
        return r;
    if (n > max)
        return link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT,
                         "%s has %zu bytes; shorten it to %zu", what, n, max);
    if (!text_is_valid((struct bytes){text, n}))
        return link_fail(link, EARSHOT_BAD_TEXT, FAIL_BAD_TEXT,
                         "%s is not UTF-8 text, or has a NUL in it; convert it first (iconv)",
                         what);
    return 0;
}

int check_string(struct earshot *link, const char *text, size_t max, const char *what) {
    int r = check_pointer(link, text, what);
    return r != 0 ? r : check_text(link, text, strlen(text), max, what);
}

int check_id(struct earshot *link, const char *text, const char *what, struct uuid *id) {
    int r = check_pointer(link, text, what);
    if (r != 0)
        return r;
    if (uuid_from_text(id, text) && !uuid_is_nil(id))
        return 0;
    return link_fail(link, EARSHOT_BAD_NAME, FAIL_BAD_NAME,
                     "%s cannot be \"%s\"; an id is a UUID, as uuidgen prints it", what, text);
}

int check_page(struct earshot *link, unsigned limit) {
    if (limit >= 1 && limit <= EARSHOT_PAGE_MAX)
        return 0;
    return check_failed(link, "a page cannot have %u messages; ask for 1 to %d", limit,
                        EARSHOT_PAGE_MAX);
}

int check_target(struct earshot *link, const struct earshot_target *target) {
    int r = check_pointer(link, target, "the target");
    if (r == 0 && !target->dir && target->fd < 0)
        r = check_failed(link, "the target is neither a directory nor a descriptor; give one");
    return r;
}

int check_message(struct earshot *link, const struct earshot_event *event, bool with_file) {
    int r = check_pointer(link, event, "the event");
    if (r != 0)
        return r;
    if (!event_is_message(event) && event->type != EARSHOT_EVENT_PAST)
        return check_failed(link, "this event is no message");
    if (with_file && !event->message.file)
        return check_failed(link, "there is no file in this message");
    return 0;
}
