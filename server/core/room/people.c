/*
 * Direct rooms: direct conversations of several. Such a room is that of its people, who are
 * handles, and always the same: whoever names all of them, in whatever order, finds it again, and
 * nobody else can come to it. A handle is meant by its number, which stays its user's: who gets the
 * name of one later is somebody else.
 *
 * Who makes it puts the others into it without asking them, as a direct message does. So he pays
 * for their places, and has only so many of these with each of them, until they answer: until they
 * say something there, or name the same people.
 *
 * Who has left is one of the people still. He hears and sees nothing, until he names them all
 * again; then he sees what is said from then on, for the others believed him gone.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/error.h"
#include "base/text.h"
#include "core/internal.h"
#include "core/room/people.h"
#include "core/room/room.h"

#define NO_MEMORY_FOR_IT "the hub is out of memory; try again later"
#define SEPARATORS ", "
#define PEOPLE_LEAST 3 /* two have a direct conversation anyway */

_Static_assert(PEOPLE_BYTES_MAX >= (PEOPLE_MAX - 1) * (NAME_BYTES_MAX + 1), "their names fit");

/* Sets of people. */

static bool people_has(const struct people *people, uint32_t number) {
    for (unsigned i = 0; i < people->n; i++)
        if (people->handles[i] == number)
            return true;
    return false;
}

static void people_add(struct people *people, uint32_t number) {
    unsigned at = people->n++;
    for (; at > 0 && people->handles[at - 1] > number; at--)
        people->handles[at] = people->handles[at - 1];
    people->handles[at] = number;
}

static bool people_are_same(const struct people *a, const struct people *b) {
    return a->n == b->n && memcmp(a->handles, b->handles, a->n * sizeof *a->handles) == 0;
}

/* Their room; one of them must be in it. NULL: there is none. */
static struct room *people_find_room(const struct core *core, const struct people *people) {
    for (unsigned i = 0; i < people->n; i++) {
        const struct handle *handle = handle_of_number(core, people->handles[i]);
        const struct membership *membership = handle ? handle->memberships : NULL;
        for (; membership; membership = membership->next_of_handle) {
            struct room *room = membership->room;
            if (room->people && !room->is_closed && people_are_same(room->people, people))
                return room;
        }
    }
    return NULL;
}

/* As they are stored. */

void people_text(const struct people *people, struct people_text *text) {
    size_t n = 0;
    text->s[0] = '\0';
    for (unsigned i = 0; people && i < people->n; i++)
        n += (size_t)snprintf(text->s + n, sizeof text->s - n, "%s%u", i > 0 ? " " : "",
                              people->handles[i]);
}

int people_restore(struct room *room, struct bytes text) {
    struct people people = {0};
    struct people_text copy = {{0}};
    if (text.n == 0 || text.n > PEOPLE_TEXT_MAX)
        return -EINVAL;
    memcpy(copy.s, text.data, text.n);
    for (const char *at = copy.s; *at; at += strspn(at, " ")) {
        char *end;
        unsigned long number = strtoul(at, &end, 10);
        if (end == at || number == 0 || number > UINT32_MAX || people.n == PEOPLE_MAX)
            return -EINVAL;
        people_add(&people, (uint32_t)number);
        at = end;
    }
    room->people = malloc(sizeof *room->people);
    if (!room->people)
        return -ENOMEM;
    *room->people = people;
    return 0;
}

/* Names. */

static int compare_names(const void *a, const void *b) {
    const struct name *left = *(const struct name *const *)a;
    const struct name *right = *(const struct name *const *)b;
    return strcmp(left->s, right->s);
}

/* The first n of them, a number for the others, and an end. False: that is too long. */
static bool people_write(struct name *name, const struct name *const *names, unsigned n_all,
                         unsigned n, const char *end) {
    char text[PEOPLE_BYTES_MAX + 64];
    size_t at = 0;
    for (unsigned i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i > 0 ? "," : "#", names[i]->s);
    if (n == 0)
        at += (size_t)snprintf(text + at, sizeof text - at, "#people");
    if (n < n_all)
        at += (size_t)snprintf(text + at, sizeof text - at, ",+%u", n_all - n);
    at += (size_t)snprintf(text + at, sizeof text - at, "%s", end);
    return at <= NAME_BYTES_MAX && name_parse(name, (struct bytes){text, at}) == NAME_OK;
}

bool people_name(const struct core *core, const struct people *people, unsigned i,
                 struct name *name) {
    const struct name *names[PEOPLE_MAX];
    unsigned n = 0, n_shown;
    char end[16] = "";
    for (unsigned j = 0; j < people->n; j++) {
        const struct handle *handle = handle_of_number(core, people->handles[j]);
        if (handle)
            names[n++] = &handle->name;
    }
    if (n < 2)
        return false;
    qsort(names, n, sizeof *names, compare_names);
    if (i > 1)
        snprintf(end, sizeof end, "%c%u", NAME_OWNER_SIGN, i);
    for (n_shown = n; n_shown > 0 && !people_write(name, names, n, n_shown, end);)
        n_shown--;
    return n_shown > 0 || people_write(name, names, n, 0, end);
}

void people_renamed(struct core *core, struct handle *handle) {
    const struct membership *membership, *next;
    bool was = core->persist.in_request;
    core->persist.in_request = false; /* nobody waits for these rows */
    DL_FOREACH_SAFE2(handle->memberships, membership, next, next_of_handle) {
        struct room *room = membership->room;
        struct name name, key;
        if (!room->people || !people_name(core, room->people, 1, &name))
            continue;
        name_key(&key, &name);
        (void)room_rename(core, handle->user, room, &name, &key);
    }
    core->persist.in_request = was;
}

/* The next word, and what is behind it. */
static struct bytes people_cut(struct bytes *text, const char *separators) {
    size_t begin = 0, end;
    while (begin < text->n && strchr(separators, text->data[begin]))
        begin++;
    for (end = begin; end < text->n && !strchr(separators, text->data[end]);)
        end++;
    struct bytes word = {text->data + begin, end - begin};
    *text = (struct bytes){text->data + end, text->n - end};
    return word;
}

/* The handles that a room's name is made of. False: they are not all of them, or somebody is
 * nobody. */
static bool people_of_name(const struct core *core, const struct name *key, struct people *people) {
    struct bytes rest = {key->s + 1, key->n - 1u};
    while (rest.n > 0) {
        struct bytes word = people_cut(&rest, SEPARATORS);
        struct name name = {.n = (uint8_t)word.n};
        memcpy(name.s, word.data, word.n);
        const struct handle *handle = handle_find((struct core *)core, &name);
        if (!handle || people->n == PEOPLE_MAX)
            return false;
        if (!people_has(people, handle->number))
            people_add(people, handle->number);
    }
    return true;
}

/* Whether it is theirs and, if he did not name himself, the user's. */
static bool people_are_for(const struct core *core, const struct people *people,
                           const struct people *named, const struct user *user) {
    unsigned n_found = 0;
    for (unsigned i = 0; i < people->n; i++) {
        const struct handle *handle = handle_of_number(core, people->handles[i]);
        if (people_has(named, people->handles[i]))
            n_found++;
        else if (people->n != named->n + 1 || !handle || handle->user != user)
            return false;
    }
    return n_found == named->n;
}

struct room *people_find_for(const struct core *core, const struct user *user,
                             const struct name *key) {
    const struct admission *admission;
    struct people named = {0};
    if (!people_of_name(core, key, &named))
        return NULL;
    DL_FOREACH2(user->admissions, admission, next_of_user) {
        const struct room *room = admission->room;
        if (room->people && people_are_for(core, room->people, &named, user) &&
            admission_find(user, room))
            return admission->room;
    }
    return NULL;
}

/* Gathering. */

struct gathering {
    struct people people;
    struct handle *handles[PEOPLE_MAX]; /* the asker's own is not among them; */
    unsigned n;
    const struct core_login *logins[PEOPLE_MAX]; /* of these, who have never been here */
    unsigned n_logins;
};

static const struct core_login *login_named(const struct core_login *logins, unsigned n,
                                            const struct name *name) {
    for (unsigned i = 0; i < n; i++)
        if (name_is_same(&logins[i].name, name))
            return &logins[i];
    return NULL;
}

bool core_awaits_person(struct core *core, struct session *session, const struct frame *frame,
                        const struct core_login *known, unsigned n, struct name *name) {
    struct bytes rest = frame->gather.people;
    struct name key;
    if (session->condemned || n >= PEOPLE_MAX || (n > 0 && known[n - 1].what != LOGIN_FOUND))
        return false;
    while (rest.n > 0) {
        struct bytes word = people_cut(&rest, SEPARATORS);
        if (word.n == 0 || name_parse(name, word) != NAME_OK || name_is_room(name))
            continue;
        name_key(&key, name);
        if (handle_find(core, &key) || login_named(known, n, name))
            continue;
        account_spend(&session->user->account, ACCOUNT_LOOKUPS, 1);
        return true;
    }
    return false;
}

static enum fail_code refuse_person(struct bytes word, enum fail_code code, char reason[256]) {
    int n = (int)text_cut(word, NAME_BYTES_MAX);
    if (code == FAIL_BUSY)
        snprintf(reason, 256,
                 "the user database of this machine does not tell now whether %.*s is a login "
                 "name; try again later",
                 n, word.data);
    else
        target_reason(word, code, reason);
    return code;
}

/* Nobody has the handle; the hub may know whose login name it is. */
static enum fail_code gather_login(const struct core *core, struct gathering *gathering,
                                   struct bytes word, const struct name *name, char reason[256]) {
    const struct core_login *login = login_named(core->people_logins, core->n_people_logins, name);
    bool is_untold = core->n_people_logins > 0 &&
                     core->people_logins[core->n_people_logins - 1].what == LOGIN_UNTOLD;
    if (!login || login->what != LOGIN_FOUND)
        return refuse_person(word, is_untold ? FAIL_BUSY : FAIL_NO_USER, reason);
    for (unsigned i = 0; i < gathering->n_logins; i++)
        if (gathering->logins[i] == login)
            return FAIL_NONE;
    gathering->logins[gathering->n_logins++] = login;
    return FAIL_NONE;
}

static enum fail_code gather_word(struct core *core, const struct session *session,
                                  struct gathering *gathering, struct bytes word,
                                  char reason[256]) {
    struct name name, key;
    if (name_parse(&name, word) != NAME_OK || name_is_room(&name))
        return refuse_person(word, FAIL_BAD_NAME, reason);
    name_key(&key, &name);
    struct handle *handle = handle_find(core, &key);
    if (handle == session->handle)
        return FAIL_NONE;
    if (1 + gathering->n + gathering->n_logins == PEOPLE_MAX) {
        snprintf(reason, 256,
                 "a direct conversation has at most %d people; make a room (/room #NAME private) "
                 "for more",
                 PEOPLE_MAX);
        return FAIL_LIMIT;
    }
    if (!handle)
        return gather_login(core, gathering, word, &name, reason);
    if (!handle_is_of_user(handle, handle->user)) /* of somebody who had that uid before */
        return refuse_person(word, FAIL_NO_USER, reason);
    if (!people_has(&gathering->people, handle->number)) {
        people_add(&gathering->people, handle->number);
        gathering->handles[gathering->n++] = handle;
    }
    return FAIL_NONE;
}

static enum fail_code gather_all(struct core *core, const struct session *session,
                                 struct gathering *gathering, struct bytes text, char reason[256]) {
    enum fail_code code = FAIL_NONE;
    while (code == FAIL_NONE && text.n > 0) {
        struct bytes word = people_cut(&text, SEPARATORS);
        if (word.n > 0)
            code = gather_word(core, session, gathering, word, reason);
    }
    if (code != FAIL_NONE)
        return code;
    people_add(&gathering->people, session->handle->number);
    if (gathering->people.n + gathering->n_logins >= PEOPLE_LEAST)
        return FAIL_NONE;
    snprintf(reason, 256,
             "a direct conversation of several needs two others at least; to one "
             "person, write to that handle alone");
    return FAIL_BAD_NAME;
}

/* Whether the asker may put them into one more; else the why. */
static enum fail_code may_put_in(struct core *core, struct session *session,
                                 const struct gathering *gathering, char reason[256]) {
    struct user *user = session->user;
    struct account *account = &user->account;
    unsigned n = gathering->n + gathering->n_logins;
    for (unsigned i = 0; i < gathering->n; i++) {
        struct handle *handle = gathering->handles[i];
        if (handle->user != user &&
            invitations_between(user, handle->user) >= INVITATIONS_PER_PAIR_MAX) {
            snprintf(reason, 256,
                     "%.64s has %d conversations and invitations of yours to answer first",
                     handle->name.s, INVITATIONS_PER_PAIR_MAX);
            return FAIL_LIMIT;
        }
        if (handle->is_unclaimed && !mail_may_send(core, user, handle, 0, reason))
            return FAIL_LIMIT;
    }
    if (account_left(account, ACCOUNT_INVITATIONS) < n) {
        account_refuse(account, ACCOUNT_INVITATIONS, reason);
        return FAIL_LIMIT;
    }
    if (!room_may_join(session, false, reason) ||
        !user_may_charge(user, ROOM_BYTES + (n + 1) * (ADMISSION_BYTES + MEMBERSHIP_BYTES), reason))
        return FAIL_LIMIT;
    return FAIL_NONE;
}

/* Who has never been here gets a handle, which waits for him. */
static enum fail_code gather_absent(struct core *core, struct session *session,
                                    struct gathering *gathering, char reason[256]) {
    for (unsigned i = 0; i < gathering->n_logins; i++) {
        struct handle *handle = NULL;
        core->mail_login = *gathering->logins[i];
        if (!mail_may_send(core, session->user, NULL, 0, reason))
            return FAIL_LIMIT;
        enum fail_code code = handle_make_unclaimed(core, session->user, &handle, reason);
        if (code != FAIL_NONE)
            return code;
        mail_note_put_in(core, session->user, handle);
        people_add(&gathering->people, handle->number);
        gathering->handles[gathering->n++] = handle;
    }
    return FAIL_NONE;
}

static bool person_put_in(struct core *core, struct session *session, struct room *room,
                          struct handle *handle) {
    struct user *user = handle->user, *payer = session->user;
    struct admission *admission = admission_find(user, room);
    if (!admission) {
        admission = admission_new(core, room, handle, payer, 0);
        if (!admission || (user == payer ? admission_join(core, admission, NULL)
                                         : admission_put_in(core, admission, NULL)) != 0)
            return false;
    }
    struct membership *membership = room_put_in(core, room, handle, payer);
    if (handle->is_unclaimed)
        mail_note_put_in(core, payer, handle);
    return membership && persist_needs(core, session, &(struct target){.handle = handle}) &&
           persist_admission(core, payer, admission, true) &&
           persist_member_first(core, payer, membership);
}

/* All of it is stored at once, so that it is enough to wait for the room. */
static bool people_put_in(struct core *core, struct session *session, struct room *room,
                          const struct gathering *gathering) {
    bool was = core->persist.in_request;
    core->persist.in_request = false;
    bool is_done = person_put_in(core, session, room, session->handle);
    for (unsigned i = 0; is_done && i < gathering->n; i++)
        is_done = person_put_in(core, session, room, gathering->handles[i]);
    core->persist.in_request = was;
    return is_done && persist_room_first(core, session->user, room);
}

static enum fail_code people_make(struct core *core, struct session *session,
                                  struct gathering *gathering, struct room **room,
                                  char reason[256]) {
    struct name name;
    enum fail_code code = may_put_in(core, session, gathering, reason);
    if (code == FAIL_NONE)
        code = gather_absent(core, session, gathering, reason);
    if (code != FAIL_NONE)
        return code;
    if (!people_name(core, &gathering->people, 1, &name)) {
        snprintf(reason, 256, NO_MEMORY_FOR_IT);
        return FAIL_LIMIT;
    }
    code = room_make(core, session, &name, ROOM_DIRECT, room, reason);
    if (code != FAIL_NONE)
        return code;
    (*room)->people = malloc(sizeof *(*room)->people);
    if ((*room)->people) {
        *(*room)->people = gathering->people;
        if (people_put_in(core, session, *room, gathering))
            return FAIL_NONE;
    }
    snprintf(reason, 256, NO_MEMORY_FOR_IT);
    room_close(core, session->user, *room);
    return FAIL_LIMIT;
}

/* It is there; who has left it comes back to it. */
static enum fail_code people_come_back(struct core *core, struct session *session,
                                       struct room *room, char reason[256]) {
    struct user *user = session->user;
    struct admission *admission = admission_find(user, room);
    struct membership *membership = membership_find(session->handle, room);
    if (admission)
        admission_answer(core, admission);
    if (membership && membership->joined) {
        persist_await_member(core, membership);
        return FAIL_NONE;
    }
    if (!room_may_join(session, false, reason) || !user_may_charge(user, ADMISSION_BYTES, reason))
        return FAIL_LIMIT;
    bool is_new = !admission;
    if (is_new)
        admission = admission_new(core, room, session->handle, user, core->seq);
    bool is_done = admission && (!is_new || admission_join(core, admission, NULL) == 0);
    if (is_done && (membership = room_put_in(core, room, session->handle, user)))
        is_done = persist_admission(core, user, admission, is_new) &&
                  persist_member_first(core, user, membership);
    if (is_done && membership) {
        news_joined(core, session->handle, room);
        return FAIL_NONE;
    }
    if (admission && is_new)
        admission_free(core, admission);
    snprintf(reason, 256, NO_MEMORY_FOR_IT);
    return FAIL_LIMIT;
}

void people_receive_gather(struct core *core, struct session *session, const struct frame *frame) {
    uint32_t request = frame->gather.request;
    struct gathering gathering = {0};
    struct room *room = NULL;
    char reason[256];
    enum fail_code code = FAIL_LIMIT;
    if (persist_may_change(core, session->user, reason))
        code = gather_all(core, session, &gathering, frame->gather.people, reason);
    if (code == FAIL_NONE && gathering.n_logins == 0)
        room = people_find_room(core, &gathering.people);
    if (code == FAIL_NONE)
        code = room ? people_come_back(core, session, room, reason)
                    : people_make(core, session, &gathering, &room, reason);
    if (code == FAIL_NONE)
        room_put_about(core, session, request, room);
    persist_finish(core, session, request, code, reason);
}

void people_note_said(struct core *core, const struct session *session, const struct room *room) {
    struct admission *admission = admission_find(session->user, room);
    if (admission)
        admission_answer(core, admission);
}
