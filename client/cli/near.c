#include "cli/near.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/distance.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"
#include "ipc/rendezvous.h"

#define ASK_MS 2000     /* for the list of names, which is only a help */
#define NEAR_PART_MIN 3 /* bytes of a word that is looked for within names */

/* The name and its key; a word that is no name is its own key, and "" when it is too long. */
static bool near_key(struct name *name, struct name *key, const char *word) {
    size_t n = strlen(word);
    if (name_parse(name, bytes_of(word)) == NAME_OK) {
        name_key(key, name);
        return true;
    }
    *name = (struct name){.n = n > NAME_BYTES_MAX ? 0 : (uint8_t)n};
    memcpy(name->s, word, name->n);
    *key = *name;
    return false;
}

bool near_init(struct near *near, const char *word) {
    struct name name;
    *near = (struct near){0};
    return near_key(&name, &near->key, word);
}

/* Whether the word stands in the name, behind its beginning; of both without the sign of a room. */
static bool near_is_within(const struct name *wrong, const struct name *key) {
    size_t n_sign = name_is_room(wrong), n = wrong->n - n_sign;
    return n >= NEAR_PART_MIN && key->n > wrong->n &&
           memmem(key->s + n_sign + 1, key->n - n_sign - 1, wrong->s + n_sign, n);
}

/*
 * How far away it is; 0: too far. A name that the word is the beginning of is nearer than most, and
 * one that has it somewhere farther than all of these.
 */
static size_t near_distance(const struct name *wrong, const struct name *key) {
    size_t n_sign = name_is_room(wrong), far = distance(name_bytes(key), name_bytes(wrong));
    bool begins =
        wrong->n > 1 + n_sign && key->n > wrong->n && memcmp(key->s, wrong->s, wrong->n) == 0;
    if (begins)
        return NAME_BYTES_MAX + far;
    /* Short words may differ in one place, longer ones in two. */
    if (far <= (wrong->n - n_sign < 4 ? 1U : 2U))
        return far * NAME_BYTES_MAX;
    return near_is_within(wrong, key) ? 3 * NAME_BYTES_MAX + far : 0;
}

static void near_put(struct near *near, const struct name *name, size_t far) {
    unsigned at = near->n < NEAR_MAX ? near->n++ : NEAR_MAX;
    for (; at > 0 && near->distances[at - 1] > far; at--)
        if (at < NEAR_MAX) {
            near->names[at] = near->names[at - 1];
            near->distances[at] = near->distances[at - 1];
        }
    if (at < NEAR_MAX) {
        near->names[at] = *name;
        near->distances[at] = far;
    }
}

/* A room whose sign was left out. */
static bool near_lacks_sign(const struct name *wrong, const struct name *key) {
    return !name_is_room(wrong) && name_is_room(key) && key->n == wrong->n + 1 &&
           memcmp(key->s + 1, wrong->s, wrong->n) == 0;
}

void near_consider(struct near *near, const char *text) {
    struct name name, key;
    near_key(&name, &key, text);
    if (near->key.n == 0)
        return;
    if (near_lacks_sign(&near->key, &key))
        near_put(near, &name, 1);
    if (name_is_room(&key) != name_is_room(&near->key))
        return;
    size_t far = near_distance(&near->key, &key);
    near->is_there |= bytes_equal(name_bytes(&key), name_bytes(&near->key));
    if (far > 0)
        near_put(near, &name, far);
}

const char *near_best(const struct near *near) {
    return near->n > 0 ? near->names[0].s : NULL;
}

void near_text(const struct near *near, char text[NEAR_TEXT_SIZE]) {
    size_t n = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < near->n; i++)
        n += (size_t)snprintf(text + n, NEAR_TEXT_SIZE - n, "%s%s", i > 0 ? ", " : "",
                              near->names[i].s);
}

/* False: the answer is complete, or there will be none. */
static bool near_take_line(earshot *link, uint32_t request, mono_time until, request_line *line,
                           void *arg) {
    struct earshot_event event;
    int64_t left = mono_ms_until(mono_now(), until);
    int r = left > 0 ? earshot_next(link, &event, (int)left) : EARSHOT_AGAIN;
    if (r == -EINTR)
        return !cli_interrupted();
    if (r != EARSHOT_OK)
        return false;
    if (event.request != request)
        return true;
    line(arg, &event);
    return event.type != EARSHOT_EVENT_DONE && event.type != EARSHOT_EVENT_FAILED;
}

/* By a link of its own. False: there is no whole answer. */
static bool near_ask_list(const struct cli_options *options, enum earshot_list list,
                          request_line *line, void *arg) {
    struct earshot_options wanted = {
        .hub = options->hub, .handle = options->name, .timeout_ms = ASK_MS};
    mono_time until = mono_add_ms(mono_now(), ASK_MS);
    uint32_t request = 0;
    earshot *link;
    bool is_asked = earshot_open(&link, &wanted) == EARSHOT_OK &&
                    earshot_ask(link, list, NULL, &request) == EARSHOT_OK;
    while (is_asked && near_take_line(link, request, until, line, arg))
        ;
    earshot_close(link);
    return is_asked && mono_ms_until(mono_now(), until) > 0;
}

static void near_take_name(void *arg, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_USER)
        near_consider(arg, event->user.handle);
    else if (event->type == EARSHOT_EVENT_ROOM)
        near_consider(arg, event->room.name);
}

static bool near_ask(struct near *near, const struct cli_options *options) {
    if (!name_is_room(&near->key) && !near_ask_list(options, EARSHOT_HANDLES, near_take_name, near))
        return false;
    return near_ask_list(options, EARSHOT_ROOMS, near_take_name, near);
}

/* Somebody who is looked for among those who are here. */
struct near_presence {
    const char *handle;
    enum earshot_presence is;
};

static void near_take_presence(void *arg, const struct earshot_event *event) {
    struct near_presence *presence = arg;
    if (event->type == EARSHOT_EVENT_USER && words_same_name(event->user.handle, presence->handle))
        presence->is = event->user.state;
}

const char *near_presence_text(const struct cli_options *options, const char *handle) {
    static const char *const texts[] = {[EARSHOT_OFFLINE] = ", who is not here now,",
                                        [EARSHOT_ONLINE] = ", who is here,",
                                        [EARSHOT_AWAY] = ", who is away,"};
    struct near_presence presence = {.handle = handle, .is = EARSHOT_OFFLINE};
    bool is_asked = handle[0] != '#' && cli_has_reader(options) &&
                    near_ask_list(options, EARSHOT_USERS, near_take_presence, &presence);
    return is_asked ? texts[presence.is] : "";
}

void near_tell(const struct cli_options *options, const char *word) {
    struct near near;
    char text[NEAR_TEXT_SIZE];
    if (!cli_has_reader(options) || !near_init(&near, word))
        return;
    near_ask(&near, options);
    near_text(&near, text);
    if (*text)
        cli_remark(options, "near: %s", text);
}

void near_tell_new(const struct cli_options *options, const char *word) {
    struct near near;
    char text[NEAR_TEXT_SIZE];
    if (word[0] != '#' || !cli_has_reader(options) || !near_init(&near, word) ||
        !near_ask(&near, options) || near.is_there)
        return;
    near_text(&near, text);
    cli_remark(options, "nobody is in %s yet: who joins it finds this there%s%s", word,
               *text ? "; near: " : "", text);
}

/*
 * Somebody with a login was looked for at a hub where only its user can be: what was meant is
 * another hub, which the environment, as of cron, does not name.
 */
static void near_tell_private(const struct cli_options *options, const char *word) {
    char dir[PATH_MAX];
    enum rendezvous_origin origin;
    // cppcheck-suppress getpwnamCalled; no other thread asks for a user
    const struct passwd *login = word[0] == '#' ? NULL : getpwnam(word);
    if (login && login->pw_uid != geteuid() && rendezvous_locate(dir, &origin, options->hub) == 0 &&
        origin == RENDEZVOUS_PRIVATE)
        cli_remark(
            options,
            "this is your private hub, in %s, which %s cannot join; --hub DIR or EARSHOT_HUB "
            "names another",
            dir, word);
}

int near_fail_refused(const struct cli_options *options, const struct earshot_event *event) {
    int code = cli_fail_event(options, event);
    if (code == CLI_NO_NAME) {
        near_tell_private(options, event->failed.to);
        near_tell(options, event->failed.to);
    }
    return code;
}
