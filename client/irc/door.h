/*
 * `earshot irc`: an IRC server for oneself. Its clients are programs of the same user, and each
 * connection is a session of its own at the hub: it sees what that session sees, and keeps what it
 * has been told of people and rooms in a view of its own.
 *
 * One thread serves all: nothing in here waits for a client, and for the hub only when a session
 * begins. A connection does one command after the other: one that must ask the hub puts a function
 * into `take`, which gets what comes in answer; what the client sends meanwhile waits in its
 * buffer. What is for a client that does not read waits at the hub.
 *
 * The hub tells who came and went with some delay. What one connection does is shown to the other
 * ones of this door at once, and what the hub tells of it later is no news then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/macro.h"
#include "cli/options.h"
#include "irc/line.h"
#include "irc/spell.h"
#include "lib/earshot.h"

#define CONN_MAX 256
#define IN_SIZE (TAGS_BYTES_MAX + 2 * LINE_BYTES_MAX)
#define OUT_HIGH 65536    /* bytes that wait for a client: what comes from the hub waits there */
#define OUT_MAX (8 << 20) /* of one answer; beyond that the client is cut off */
#define USER_SIZE 21      /* of a user name */
#define REALNAME_SIZE 151
#define LABEL_SIZE 65
#define MONITOR_MAX 100
#define WHOWAS_MAX 128
#define SENT_MAX 64
#define SHOWN_MAX 256
#define FILES_MAX 32

/* name, what follows = in CAP LS 302 or NULL */
/* clang-format off */
#define CAPS(R)                                                                                    \
    R(MESSAGE_TAGS, "message-tags", NULL)                                                          \
    R(SERVER_TIME, "server-time", NULL)                                                            \
    R(ECHO, "echo-message", NULL)                                                                  \
    R(LABELS, "labeled-response", NULL)                                                            \
    R(BATCH, "batch", NULL)                                                                        \
    R(STANDARD_REPLIES, "standard-replies", NULL)                                                  \
    R(MULTI_PREFIX, "multi-prefix", NULL)                                                          \
    R(HOST_IN_NAMES, "userhost-in-names", NULL)                                                    \
    R(AWAY_NOTIFY, "away-notify", NULL)                                                            \
    R(EXTENDED_JOIN, "extended-join", NULL)                                                        \
    R(ACCOUNT_TAG, "account-tag", NULL)                                                            \
    R(INVITE_NOTIFY, "invite-notify", NULL)                                                        \
    R(SETNAME, "setname", NULL)                                                                    \
    R(CAP_NOTIFY, "cap-notify", NULL)                                                              \
    R(EXTENDED_MONITOR, "extended-monitor", NULL)                                                  \
    R(SASL, "sasl", "EXTERNAL")                                                                    \
    R(HISTORY, "draft/chathistory", NULL)                                                          \
    R(READ_MARKER, "draft/read-marker", NULL)                                                      \
    R(MULTILINE, "draft/multiline", "max-bytes=40000,max-lines=500")                               \
    R(REDACTION, "draft/message-redaction", NULL)
/* clang-format on */

#define MULTILINE_BYTES_MAX 40000
#define MULTILINE_LINES_MAX 500

enum cap_bit {
#define CAP_BIT(NAME, name, value) CAP_BIT_##NAME,
    CAPS(CAP_BIT)
#undef CAP_BIT
        CAP_BIT_END
};
enum {
#define CAP_ENUM(NAME, name, value) CAP_##NAME = 1 << CAP_BIT_##NAME,
    CAPS(CAP_ENUM)
#undef CAP_ENUM
};

/* Somebody that the connection knows of. */
struct person {
    struct name key;
    char *handle;
    char nick[SPELL_SIZE];
    uid_t uid;
    enum earshot_presence state;
    char *away;        /* NULL: not away, or offline */
    uint32_t idle_s;   /* as of the last list */
    bool is_elsewhere; /* of one's own: sessions in other programs were seen */
    UT_hash_handle hh;
};

struct member {
    struct person *who;
    UT_hash_handle hh;
};

enum irc_rank { RANK_OF_HUB, RANK_OPERATOR, RANK_NONE };

struct irc_channel {
    struct name key;
    char *name, *topic; /* topic "": none */
    char *owner, *operators;
    char topic_by[SPELL_SIZE];
    wall_time topic_at; /* 0: not known */
    bool is_private, announces, locks_topic;
    enum irc_rank rank; /* of this connection: see order.h */
    bool has_voice;
    struct member *members; /* also who is offline */
    UT_hash_handle hh;
};

/* What a line carries in tags, for those who have asked for them. */
struct say_tags {
    const char *id;    /* msgid; NULL or "": none */
    int64_t at_ms;     /* 0: now */
    const char *reply; /* msgid that it answers; NULL or "": none */
    const char *account;
    const char *batch; /* the batch that it is in */
    bool is_concat;    /* of a multiline batch: goes on with the line before */
};

struct conn;
typedef void conn_take(struct conn *conn, const struct earshot_event *event);

struct irc_watch {
    struct conn *conn; /* NULL: a listener */
    bool is_link;
    int fd;
    uint32_t events; /* that epoll waits for; 0: it is not in there */
};

struct answer_line {
    char *tags, *body;
    bool is_batched; /* within a batch of the answer itself */
    struct answer_line *next;
};

/* What may be taken with a message to *earshot. */
struct file_offer {
    unsigned number;
    char id[EARSHOT_ID_SIZE], name[256];
    uint64_t seq; /* of a small file, which came as a message in `conv`; 0: it is an offer */
    char conv[NAME_BYTES_MAX + 1];
};

struct todo {
    struct todo *next;
    char room[NAME_BYTES_MAX + 1];
};

struct conn {
    struct irc_door *door;
    struct conn *prev, *next;
    struct irc_watch client, hub;
    earshot *link;
    bool is_dead;    /* to be freed by the loop */
    bool is_closing; /* when all is written */
    bool is_lost;    /* the hub is */

    char in[IN_SIZE];
    size_t n_in;
    bool skips;  /* the rest of a line that is too long */
    bool at_end; /* of what the client sends */
    char *out;
    size_t n_out, out_size;

    /* Registration. */
    unsigned caps;
    bool has_caps_302, negotiates, is_registered, is_welcomed, is_oper, is_external, authenticates,
        is_invisible;
    char nick[SPELL_SIZE], user[USER_SIZE], realname[REALNAME_SIZE];
    char *away; /* said by this connection; NULL: back */
    mono_time spoke;
    wall_time since;

    /* The command that is being done. */
    struct irc_line line;
    conn_take *take;  /* gets the answers of the hub; NULL: the command is done */
    uint32_t request; /* the last one of the command */
    size_t at;        /* which of several targets is next */
    bool again;       /* there was no room for a message: the command is tried again */
    char *text;       /* a copy of the line, which `line` points into */
    char label[LABEL_SIZE];
    struct answer_line *answers, **answers_end;
    char open_batch[16]; /* of the answer; "" for none */
    unsigned last_batch;
    void *state; /* of its own, from malloc() */

    /* Multiline: what is being gathered. */
    struct {
        char reference[64], target[NAME_BYTES_MAX + 1], reply[EARSHOT_ID_SIZE], label[LABEL_SIZE];
        char *text;
        size_t n, n_lines;
        bool is_notice, is_open;
    } multiline;

    /* What was sent without waiting for the hub, so that a refusal can be told as it should be. */
    struct {
        char id[EARSHOT_ID_SIZE];
        bool is_notice;
    } sent[SENT_MAX];
    size_t n_sent; /* ever */

    /* Messages that the client has been shown: whose they are. */
    struct {
        char id[EARSHOT_ID_SIZE], handle[NAME_BYTES_MAX + 1];
        uid_t uid;
    } shown[SHOWN_MAX];
    size_t n_shown; /* ever */

    struct file_offer files[FILES_MAX];
    size_t n_files;       /* ever */
    unsigned file_wanted; /* its number */
    void (*file_next)(struct conn *conn);

    char lost_room[NAME_BYTES_MAX + 1]; /* which it is not in any more; "": none */
    struct todo *todo;                  /* rooms that the handle has come to elsewhere */
    struct person *people;
    struct irc_channel *channels;
    struct name monitored[MONITOR_MAX];
    size_t n_monitored;
};

/* Whoever has left this door. */
struct whowas {
    struct name key;
    char nick[SPELL_SIZE], user[USER_SIZE + 1], host[32], realname[REALNAME_SIZE];
};

struct irc_door {
    const struct cli_options *options;
    char name[64]; /* of the server */
    int epoll;
    struct irc_watch listeners[2];
    size_t n_listeners;
    struct conn *conns;
    size_t n_conns;
    unsigned n_users_max; /* that were here at a time, as far as a client was told */
    wall_time since;
    struct whowas whowas[WHOWAS_MAX];
    size_t n_whowas; /* ever */
    bool ends_idle;  /* when nobody has been there for a while */
    mono_time idle_since;
};
