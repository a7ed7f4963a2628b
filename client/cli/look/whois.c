/*
 * `whois`: one of the handles that the hub knows, with what the kernel says of its programs, and
 * the rooms that one's own handle and this one are in. The hub has no list of these, so the members
 * of each room are asked for, up to a bound.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/near.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"
#include "cli/words.h"

#define WHOIS_ROOMS_MAX 1000    /* that are looked into, */
#define WHOIS_MEMBERS_MAX 50000 /* as long as there are so few members in all */

struct whois {
    const char *self, *handle;
    struct cli_user user; /* handle NULL: there is none */
    char **rooms;         /* of the hub, and then those in common */
    size_t n_rooms, n_members;
    bool is_cut;               /* not all were looked into */
    bool has_self, has_handle; /* of the room that is looked into */
};

static void whois_take_handle(void *arg, const struct earshot_event *event) {
    struct whois *whois = arg;
    if (!whois->user.handle && words_same_name(event->user.handle, whois->handle))
        whois->user = cli_user_of(event);
}

static void whois_take_room(void *arg, const struct earshot_event *event) {
    struct whois *whois = arg;
    if (event->room.members == 0)
        return;
    if (whois->n_rooms >= WHOIS_ROOMS_MAX ||
        whois->n_members + event->room.members > WHOIS_MEMBERS_MAX) {
        whois->is_cut = true;
        return;
    }
    whois->n_members += event->room.members;
    whois->rooms = cli_grow(whois->rooms, whois->n_rooms, sizeof *whois->rooms);
    whois->rooms[whois->n_rooms++] = cli_copy(event->room.name);
}

static void whois_take_member(void *arg, const struct earshot_event *event) {
    struct whois *whois = arg;
    whois->has_self |= words_same_name(event->user.handle, whois->self);
    whois->has_handle |= words_same_name(event->user.handle, whois->handle);
}

static int whois_ask(earshot *link, const struct cli_options *options, enum earshot_list list,
                     const char *of, request_line *line, struct whois *whois) {
    uint32_t request = 0;
    int result = earshot_ask(link, list, of, &request);
    return cli_request_wait(link, options, result, request, line, whois);
}

/* Of the rooms only those in common stay. One that has ended meanwhile is none of them. */
static int whois_keep_common(earshot *link, const struct cli_options *options,
                             struct whois *whois) {
    size_t n_all = whois->n_rooms;
    int code = CLI_DONE;
    whois->n_rooms = 0;
    for (size_t i = 0; i < n_all; i++) {
        char *room = whois->rooms[i];
        whois->has_self = whois->has_handle = false;
        if (code == CLI_DONE)
            code = whois_ask(link, options, EARSHOT_USERS, room, whois_take_member, whois);
        if (code == CLI_NO_NAME)
            code = CLI_DONE;
        if (code == CLI_DONE && whois->has_self && whois->has_handle)
            whois->rooms[whois->n_rooms++] = room;
        else
            free(room);
    }
    return code;
}

static int whois_print(const struct cli_options *options, struct whois *whois) {
    struct cli_user *user = &whois->user;
    for (size_t i = 0; i < user->n_sessions; i++)
        user->sessions[i].since_ms = process_began(user->sessions[i].pid).ms;
    if (options->json)
        json_whois(user, whois->rooms, whois->n_rooms);
    else
        text_whois(options, user, whois->rooms, whois->n_rooms);
    if (whois->is_cut)
        cli_remark(options, "of the rooms not all were looked into: there are too many");
    return cli_flush();
}

static int whois_run(earshot *link, const struct cli_options *options, struct whois *whois) {
    int code = whois_ask(link, options, EARSHOT_HANDLES, NULL, whois_take_handle, whois);
    if (code == CLI_DONE && !whois->user.handle) {
        code = cli_fail(options, FAIL_NO_USER,
                        "there is nobody called %s; `earshot who --all` "
                        "shows all",
                        whois->handle);
        near_tell(options, whois->handle);
        return code;
    }
    if (code == CLI_DONE)
        code = whois_ask(link, options, EARSHOT_ROOMS, NULL, whois_take_room, whois);
    if (code == CLI_DONE)
        code = whois_keep_common(link, options, whois);
    return code == CLI_DONE ? whois_print(options, whois) : code;
}

int cli_whois(const struct cli_options *options, int n_words, char **words) {
    struct whois whois = {.handle = words[0]};
    struct earshot_hub_info hub;
    earshot *link;
    (void)n_words;
    int code = words_check_name(options, words[0]);
    if (code == CLI_DONE && words[0][0] == '#')
        code = cli_fail(options, FAIL_BAD_NAME,
                        "%s is a room, not a handle; `earshot who '%s'` lists who is in it",
                        words[0], words[0]);
    if (code == CLI_DONE)
        code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    earshot_hub(link, &hub);
    whois.self = hub.handle;
    code = whois_run(link, options, &whois);
    for (size_t i = 0; i < whois.n_rooms; i++)
        free(whois.rooms[i]);
    free(whois.rooms);
    cli_user_free(&whois.user);
    earshot_close(link);
    return code;
}
