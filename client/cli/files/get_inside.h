/* Between get.c, which takes offers, and get_file.c: what is said, and files that are messages. */
#pragma once

#include "cli/files/get.h"
#include "cli/files/progress.h"
#include "cli/files/received.h"
#include "proto/name.h"

/* Small files of the past: first all of them are listed, then those that wait come one by one. */
struct get_past {
    uint32_t request; /* 0: it is done */
    bool is_listing;
    uint64_t last;     /* of a page of the list, the oldest; 0: it was empty */
    size_t n_listed;   /* in all pages */
    uint64_t *waiting; /* their numbers, the newest first */
    size_t n_waiting;
};

struct get {
    const struct cli_options *options;
    const struct get_wish *wish;
    earshot *link;
    char self[256];
    struct name from; /* the key of --from; n 0: anybody */
    struct progress progress;
    int out;                       /* wish->dir NULL: where it goes */
    struct received_list received; /* files that were messages */
    struct get_past past;
    uint32_t listing;                   /* the request for what is offered now; 0: it is done */
    bool is_unanswered;                 /* the hub died before that */
    char (*taken)[EARSHOT_ID_SIZE];     /* ids of offers; "" for a message */
    unsigned long long n_taken, n_over; /* asked for, ended */
    unsigned long long n_failed;        /* of those that ended: another one is taken for it */
    bool has_no_place;                  /* nothing can be written: no other one is tried */
    bool is_kind_told;                  /* that there is something which cannot be taken so */
    int code;                           /* of the first that failed */
};

bool get_is_enough(const struct get *get);

/* One of those that were taken has ended, and failed. */
void get_note_failed(struct get *get);
bool get_is_from(const struct get *get, const char *handle);

/* How a transfer goes. Returns an exit code. */
int get_tell(struct get *get, const struct earshot_transfer *transfer, const char *via);

/* A result of the library that may be about the destination, as an exit code. */
int get_fail(struct get *get, int result);

/* Whether it is a small file that is wanted, and was not got yet. */
bool get_is_waiting(const struct get *get, const struct earshot_event *event);

/* get_past.c: the question, also again; a line of its answers; the end of one. Exit codes. */
int get_past_ask(struct get *get);
int get_past_take(struct get *get, const struct earshot_event *event);
int get_past_done(struct get *get);
int get_past_go_on(struct get *get); /* with the next, if one is still wanted */
void get_past_free(struct get *get);

/* A MESSAGE or PAST event: what is not for us stays for whoever joins next under this handle. */
int get_take_message(struct get *get, const struct earshot_event *event);
