/* What the window has asked the hub for, and what it does with the answers. */
#pragma once

#include "chat/chat.h"

#define INQUIRY_SEARCH_LINES 20 /* that /search asks for */

enum inquiry_kind {
    INQUIRY_JOIN,      /* about: the room */
    INQUIRY_REJOIN,    /* about: the room, entered again under another handle */
    INQUIRY_PART,      /* about: the room */
    INQUIRY_TOPIC_SET, /* about: the room */
    INQUIRY_TOPIC,     /* about: the room; asks for it */
    INQUIRY_AWAY,
    INQUIRY_BACK,
    INQUIRY_NICK, /* about: the new handle */
    INQUIRY_WHO,  /* about: the room, or "" for everybody */
    INQUIRY_ROOMS,
    INQUIRY_STATUS,
    INQUIRY_HERE,       /* who is here, for the greeting */
    INQUIRY_HERE_AGAIN, /* who is here, silently */
    INQUIRY_JOINED,     /* about: the room just joined; asks for its topic, then who is in it */
    INQUIRY_MEMBERS,
    INQUIRY_OPENED,  /* about: the conversation; its last lines */
    INQUIRY_HISTORY, /* about: the conversation */
    INQUIRY_OLDER,   /* about: the conversation; whether anything is before such a page */
    INQUIRY_SEARCH,
    INQUIRY_OFFER,         /* about: to whom */
    INQUIRY_OFFERS,        /* what was offered to us while no window was open */
    INQUIRY_NEAR,          /* about: a name that nobody has; asks which are like it */
    INQUIRY_BEGIN_ROOMS,   /* see begin.h */
    INQUIRY_BEGIN_MEMBERS, /* about: the room */
    INQUIRY_QUERIED,       /* about: a handle that plain lines go to, if there is one */
    INQUIRY_NEWEST,        /* see past.h */
    INQUIRY_WHOIS,         /* about: the handle */
    INQUIRY_MENTIONS,
    INQUIRY_UNREAD, /* about: the conversation, or "" for all */
    INQUIRY_ABOUT,  /* about: the room; asks what it is */
    INQUIRY_CHANGE, /* about: the room */
    INQUIRY_INVITE, /* about: the handle */
    INQUIRY_THREAD, /* about: the conversation */
    INQUIRY_NUMBER, /* of a reply of one's own; about: the same */
    INQUIRY_CLAIMS,
    INQUIRY_PIN, /* about: the conversation; so the next three */
    INQUIRY_UNPIN,
    INQUIRY_STAR,
    INQUIRY_UNSTAR,
    INQUIRY_PINS,   /* about: the conversation */
    INQUIRY_STARS,  /* about: the conversation, or "" for all */
    INQUIRY_GATHER, /* about: the people; then what their conversation is called */
    INQUIRY_KINDS
};

/*
 * Request `number` was made, and its answer is to be shown; `result` is what the asking function
 * returned: anything but EARSHOT_OK is reported here. The inquiry is there until its answer is
 * complete; NULL: there is none.
 */
struct inquiry *inquiry_made(struct chat *chat, int result, uint32_t number, enum inquiry_kind kind,
                             const char *about);

/* How much is unread in this conversation, or (NULL) in all, if the hub counts that. */
void inquiry_unread(struct chat *chat, const char *conv);

/* Asks for a list with earshot_ask(), and the same. */
struct inquiry *inquiry_list(struct chat *chat, enum earshot_list what, const char *of,
                             enum inquiry_kind kind, const char *about);

/* For the direct conversation "#alice,bob", by which the hub finds it, too. If it `goes`, plain
 * lines go there, also those that are typed before the answer has come. False: that was refused. */
bool inquiry_gather(struct chat *chat, const char *conv, bool goes);

/* Asks for the messages that name the user, and shows them. */
void inquiry_mentions(struct chat *chat);

/* It is for a page of /history, of `n` messages before this one; NULL is none. */
void inquiry_page(struct inquiry *inquiry, uint64_t before, unsigned n);

/*
 * Plain lines go to a handle that the window does not know: asks whether there is one. If not, they
 * go to `back` again; has_text: something was sent there, and its refusal says why.
 */
void inquiry_queried(struct chat *chat, const char *handle, const char *back, bool has_text);

/* Nobody has this name: asks who there is, and tells which names are near. */
void inquiry_near(struct chat *chat, const char *word);

/* USER, ROOM, COUNTER, OBJECT, PAST, PINNED, CLAIM, DONE and FAILED events. */
void inquiry_event(struct chat *chat, const struct earshot_event *event);

void inquiry_deinit(struct chat *chat);

/* How many are not answered yet. */
size_t inquiry_n(const struct chat *chat);
