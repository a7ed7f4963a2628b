/* Between get.c, which takes offers, and get_file.c: what is said, and files that are messages. */
#pragma once

#include "cli/get.h"
#include "cli/progress.h"
#include "cli/received.h"
#include "proto/name.h"

struct get {
    const struct cli_options *options;
    const struct get_wish *wish;
    earshot *link;
    char self[256];
    struct name from; /* the key of --from; n 0: anybody */
    struct progress progress;
    int out;                            /* wish->dir NULL: where it goes */
    struct received_list received;      /* files that were messages */
    uint32_t past;                      /* the request for what was sent; 0: it is done */
    uint32_t listing;                   /* the request for what is offered now; 0: it is done */
    bool is_unanswered;                 /* the hub died before that */
    char (*taken)[EARSHOT_ID_SIZE];     /* the ids of what was taken */
    unsigned long long n_taken, n_over; /* asked for, ended */
    int code;                           /* of the first that failed */
};

bool get_is_enough(const struct get *get);
bool get_is_from(const struct get *get, const char *handle);

/* How a transfer goes. Returns an exit code. */
int get_tell(struct get *get, const struct earshot_transfer *transfer, const char *via);

/* A result of the library that may be about the destination, as an exit code. */
int get_fail(struct get *get, int result);

/* A MESSAGE or PAST event: what is not for us stays for whoever joins next under this handle. */
int get_take_message(struct get *get, const struct earshot_event *event);
