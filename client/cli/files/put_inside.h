/* Between put.c, which follows the course of things, and put_offer.c: single offers. */
#pragma once

#include "cli/files/progress.h"
#include "cli/files/put_room.h"

enum offer_phase { OFFER_UNMADE, OFFER_ASKED, OFFER_OPEN, OFFER_CLOSED };

struct offer {
    const char *to, *path;
    enum offer_phase phase;
    uint32_t request;
    char id[EARSHOT_ID_SIZE];
    struct earshot_transfer post; /* a small file, sent as a message */
    char *post_name;              /* NULL: it is no post */
    struct put_room room;         /* of a room: who has not taken it yet */
    unsigned n_running;
};

struct put {
    const struct cli_options *options;
    const char *stream_name;
    earshot *link;
    char self[256];
    struct progress progress;
    struct offer *offers;
    size_t n_offers, first_open, n_open; /* every offer before first_open is closed */
    bool are_made;                       /* none is OFFER_UNMADE */
    bool in_background;                  /* and somebody waits until the offers stand */
    int code;                            /* of the first that failed */
};

bool offer_is_room(const struct offer *offer);
bool offer_is_stream(const struct offer *offer);

/* The exit code of the whole is that of the first failure. */
void put_note_failure(struct put *put, int code);

/* It is taken, or never will be. */
void put_close(struct put *put, struct offer *offer);

/* Each offer has a file open: as many as may be. */
void put_raise_limit(void);

/* Offers it, or sends it as a message. False: it stays unmade, events must be taken first. */
bool put_make(struct put *put, struct offer *offer);

/* That it stands, and how it goes. Return an exit code. */
int put_tell_offered(struct put *put, const struct offer *offer);
int put_tell(struct put *put, const struct earshot_transfer *transfer, const char *via);

/* What is left out of a directory. What could not be read is a failure of the whole. */
int put_tell_skipped(struct put *put, const struct earshot_event *event);
