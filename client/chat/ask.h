/* Requests to the hub, and what is done with their answers. */
#pragma once

#include "chat/state.h"

enum ask_kind {
    ASK_JOIN,      /* about: the room */
    ASK_REJOIN,    /* about: the room, entered again under another handle */
    ASK_PART,      /* about: the room */
    ASK_TOPIC_SET, /* about: the room */
    ASK_TOPIC,     /* about: the room; asks for it */
    ASK_AWAY,
    ASK_BACK,
    ASK_NICK, /* about: the new handle */
    ASK_WHO,  /* about: the room, or "" for everybody */
    ASK_ROOMS,
    ASK_STATUS,
    ASK_HERE,       /* who is here, for the greeting */
    ASK_HERE_AGAIN, /* who is here, silently */
    ASK_JOINED,     /* about: the room just joined; asks for its topic, then who is in it */
    ASK_MEMBERS,
    ASK_OPENED,  /* about: the conversation; its last lines */
    ASK_HISTORY, /* about: the conversation */
    ASK_SEARCH,
    ASK_OFFER,  /* about: to whom */
    ASK_OFFERS, /* what was offered to us while no window was open */
    ASK_NEAR,   /* names like the wrong one */
    ASK_KINDS
};

/*
 * Notes that request `number` was made; `result` is what the asking function returned (anything
 * but EARSHOT_OK is reported here).
 */
void ask_made(struct chat *chat, int result, uint32_t number, enum ask_kind kind,
              const char *about);

/* Asks for a list; see earshot_ask(). */
void ask_list(struct chat *chat, enum earshot_list what, const char *of, enum ask_kind kind,
              const char *about);

/* Nobody has this name: asks who there is, and tells which names are near. */
void ask_near(struct chat *chat, const char *word);

/* USER, ROOM, COUNTER, OBJECT, PAST, DONE and FAILED events. */
void ask_event(struct chat *chat, const struct earshot_event *event);

void ask_deinit(struct chat *chat);

/* How many are not answered yet. */
size_t ask_n(const struct chat *chat);
