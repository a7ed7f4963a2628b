/* What the parts of files.h share: the list of the files that concern this window. */
#pragma once

#include "chat/files.h"

enum file_phase {
    FILE_WAITS = 1, /* for /get or /decline */
    FILE_TAKEN = 2, /* by us, until its transfer has ended */
    FILE_OURS = 4,  /* an offer of ours, until nobody can take it any more */
    FILE_SENT = 8,  /* a small file of ours that nobody has saved yet */
};

struct file_item {
    char id[EARSHOT_ID_SIZE];
    enum file_phase phase;
    char *peer, *name;             /* peer: from whom, or to whom */
    uint64_t size;                 /* EARSHOT_SIZE_UNKNOWN of a stream */
    unsigned number;               /* in /files; 0: it is not shown there */
    struct earshot_event *message; /* it came as a message; its strings are copies */
    uint32_t request;              /* the offer was made by this one, and is not answered yet */
    bool is_untold; /* the user has not been told: it was in the hub's list, or is on its way there
                     */
    bool is_meant;  /* by the command that is under way */
    struct file_item *prev, *next;
};

struct file_item *file_add(struct chat *chat, enum file_phase phase, const char *id,
                           const char *peer, const char *name, uint64_t size);
void file_free(struct chat *chat, struct file_item *item);

/* An offer, or something of ours; NULL when there is none. What came as a message has no such id.
 */
struct file_item *file_find(struct chat *chat, const char *id);

/* Gives everything that /files shows its number, after forgetting what has ended meanwhile. */
void file_number_all(struct chat *chat);

/* Takes it, at most so many bytes (0: all of it). It may be gone from the list then. */
void file_take(struct chat *chat, struct file_item *item, uint64_t n_bytes_max);

/* So that it is not got once more out of the history. */
void file_note_received(const struct chat *chat, const struct file_item *item);

/* The line of a transfer that begins or ends. */
void file_tell_transfer(struct chat *chat, const struct earshot_transfer *transfer);

/* Without the blanks at its end. */
void file_cut_blanks(char *text);
