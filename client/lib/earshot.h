/*
 * libearshot: talk on the local machine.
 *
 * A link joins a hub, sends and receives messages, and comes back by itself when the hub was
 * restarted: messages that the hub had not acknowledged are sent again, under the same id, so
 * none is lost and none is doubled.
 *
 * Two ways to wait. Either call earshot_next() with a timeout: it blocks in msgrcv(2) itself,
 * which is the fastest way. Or poll the descriptor from earshot_fd() in a loop of your own and
 * call earshot_next() with a timeout of 0 until it returns EARSHOT_AGAIN; then no call here ever
 * blocks. A link belongs to one thread at a time.
 *
 * Functions return 0, a negative errno when the program cannot go on, or an earshot_outcome,
 * which the caller handles; earshot_error() has the sentence that says what happened and what to
 * do, and earshot_fail_code() the hub's reason. All arguments are checked: what is wrong with one
 * is an EARSHOT_BAD_... outcome, and nothing has been done then.
 *
 * Binary compatibility. Programs make these structures and the library fills or reads them, so what
 * they were built with must be what the library has: EARSHOT_SOVERSION, which is the number in the
 * library's name, counts up with the next release after the size of a structure, the place or type
 * of a field, the number of an enumerator, the name of a function, or what one takes has changed.
 * New functions, and new enumerators behind the last one, change nothing: a program passes over
 * what it does not know. A program that sets fields by name, and the others to zero, only has to be
 * built again; fields that are new stand at the end of their structure, and zero there means what
 * was before.
 *
 * Strings that came from somebody else (text, handles, topics, ...) are valid UTF-8 and not safe
 * to print: see earshot_safe().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EARSHOT_SOVERSION 1
#define EARSHOT_ID_SIZE 37         /* a UUID as text, with the NUL */
#define EARSHOT_TEXT_MAX 65536     /* bytes of one message */
#define EARSHOT_TITLE_MAX 255      /* bytes of its title */
#define EARSHOT_PROTOCOL_VERSION 1 /* of this library */

typedef struct earshot earshot;

enum earshot_outcome {
    EARSHOT_OK = 0,
    EARSHOT_AGAIN,           /* nothing has come (within the timeout), or no room just now */
    EARSHOT_NO_HUB,          /* no hub lives in the directory */
    EARSHOT_NOT_PERMITTED,   /* no permission to talk to this hub */
    EARSHOT_NOT_TRUSTED,     /* directory or queue does not belong to whom it should */
    EARSHOT_OTHER_VERSION,   /* the hub speaks another protocol version */
    EARSHOT_OTHER_NAMESPACE, /* the hub is in another IPC namespace */
    EARSHOT_REFUSED,         /* the hub refused; see earshot_fail_code() */
    EARSHOT_BAD_NAME,        /* not a handle or room */
    EARSHOT_BAD_TEXT,        /* not UTF-8, or longer than is allowed there */
    EARSHOT_LIMIT,           /* a kernel limit is reached; the error names it */
    EARSHOT_BAD_ARGUMENT,    /* NULL, a flag or number that means nothing; the error says which */
};

enum earshot_kind { EARSHOT_TEXT, EARSHOT_ACTION, EARSHOT_NOTICE };
/* How urgent the sender says it is; zero says nothing. */
enum earshot_priority {
    EARSHOT_PRIORITY_MIN = -2,
    EARSHOT_PRIORITY_LOW,
    EARSHOT_PRIORITY_DEFAULT,
    EARSHOT_PRIORITY_HIGH,
    EARSHOT_PRIORITY_MAX,
};
enum earshot_state { EARSHOT_SENT, EARSHOT_STORED, EARSHOT_DELIVERED, EARSHOT_READ };
enum earshot_presence { EARSHOT_OFFLINE, EARSHOT_ONLINE, EARSHOT_AWAY };
enum earshot_mode { EARSHOT_PRIVATE, EARSHOT_GROUP, EARSHOT_OPEN };

/* earshot_options.flags */
enum {
    EARSHOT_LISTEN = 1,      /* receive direct messages, and count as being here */
    EARSHOT_ALL_ROOMS = 2,   /* receive the messages of all rooms that the handle is a member of */
    EARSHOT_NEWS = 4,        /* receive EARSHOT_EVENT_NEWS */
    EARSHOT_RECONNECT = 16,  /* come back by itself; else a lost hub ends the link */
    EARSHOT_AFTER = 8,       /* begin after the message `after`, see there */
    EARSHOT_UNTIL_READ = 32, /* a message counts as received only with earshot_mark_read(): else who
                                joins next under this handle gets it, too */
    EARSHOT_CHANNEL = 64, /* expect to be busy: take shared memory (some 140 KiB) for what is sent
                             and received at once, not only when the queues are full often */
    EARSHOT_PEEK = 128,   /* only look: the handle must be there, and has not come because of it */
};

struct earshot_options {
    const char *hub;    /* the rendezvous directory; NULL: as `earshot --help` describes */
    const char *handle; /* NULL: the login name */
    unsigned flags;
    int timeout_ms; /* for joining; negative: for ever, 0: five seconds */
    /*
     * EARSHOT_AFTER: messages after this one come first, then what is new. Without it a link that
     * listens first gets what nobody of its handle has received yet. Rooms that are joined before
     * the first earshot_next() or earshot_fd() begin there, too.
     */
    uint64_t after;
};

enum earshot_event_type {
    EARSHOT_EVENT_MESSAGE, /* somebody wrote */
    EARSHOT_EVENT_PAST,    /* a message in answer to earshot_history() or earshot_search() */
    EARSHOT_EVENT_STATE,   /* a message of one's own: stored, delivered, read */
    EARSHOT_EVENT_REFUSED, /* a message of one's own was not taken */
    EARSHOT_EVENT_NEWS,    /* somebody came, went, joined, ... */
    EARSHOT_EVENT_USER,    /* a line of an answer to earshot_list() */
    EARSHOT_EVENT_ROOM,
    EARSHOT_EVENT_COUNTER,
    EARSHOT_EVENT_OBJECT,
    EARSHOT_EVENT_DONE,      /* the request is fulfilled, its answer complete */
    EARSHOT_EVENT_FAILED,    /* the request was refused */
    EARSHOT_EVENT_OFFER,     /* somebody has a file, a directory or a stream for us */
    EARSHOT_EVENT_WITHDRAWN, /* and has it no more, or another program of ours took it */
    EARSHOT_EVENT_TRANSFER,  /* a transfer has begun or ended */
    EARSHOT_EVENT_MISSED,    /* so many messages are not in the hub's log any more */
    EARSHOT_EVENT_LOST,      /* the hub is gone, or has ended the session; the link tries to come
                                back, and gives up when the latter goes on, or when an administrator
                                has done it: EARSHOT_REFUSED */
    EARSHOT_EVENT_BACK,      /* the link is joined again */
    EARSHOT_EVENT_WOKEN,     /* earshot_wake() was called */
    EARSHOT_EVENT_SKIPPED,   /* an entry of a directory of ours is not sent */
    EARSHOT_EVENT_SHUT_OUT,  /* after LOST: a hub is there, but does not let the link in; it goes on
                                trying. Told once for each outcome, not at each attempt */
    EARSHOT_EVENT_UNREAD,    /* a line of an answer to earshot_unread() */
    EARSHOT_EVENT_SEEN,      /* with EARSHOT_NEWS: another program of our handle has shown a
                                conversation, up to a message */
    EARSHOT_EVENT_ACCOUNT,   /* a line of an answer to earshot_accounts() */
    EARSHOT_EVENT_CLAIM,     /* how an earshot_claim() stands; a line of an answer to
                                earshot_claims() */
    EARSHOT_EVENT_EDITED,    /* a message has another text now: see `message` */
    EARSHOT_EVENT_REMOVED,   /* a message was removed */
    EARSHOT_EVENT_LAID,      /* a line of an answer to earshot_laid() */
    EARSHOT_EVENT_PINNED,   /* before a PAST in answer to earshot_pins() or earshot_stars(): who has
                               pinned or starred that message, and when */
    EARSHOT_EVENT_REACTION, /* somebody reacted to a message, or took that back: see `message` */
};

enum earshot_news_what {
    EARSHOT_NEWS_ONLINE,
    EARSHOT_NEWS_OFFLINE,
    EARSHOT_NEWS_AWAY, /* detail: the reason */
    EARSHOT_NEWS_BACK,
    EARSHOT_NEWS_JOINED,  /* room */
    EARSHOT_NEWS_LEFT,    /* room */
    EARSHOT_NEWS_TOPIC,   /* room; detail: the topic */
    EARSHOT_NEWS_RENAMED, /* who: a handle, or a room that one is in; detail: its new name */
    EARSHOT_NEWS_MANY,    /* too many changes to name each; detail: "12 came, 3 left" */
    EARSHOT_NEWS_ALIKE, /* the room that one has just joined looks like another; detail: that one */
    EARSHOT_NEWS_NAMED, /* the name of one's own handle, who, was taken from it; detail: what it is
                           called now, which the link goes on with */
    EARSHOT_NEWS_ORDER, /* an administrator, who, has acted upon one's own uid, or undone that;
                           detail: the sentence. Also without EARSHOT_NEWS */
    EARSHOT_NEWS_PINS, /* who has changed what is pinned in the room, or with the handle that stands
                          in its place; detail: the sentence, without its subject */
};

/* EARSHOT_HANDLES: every handle that the hub knows, here or not, as USER events. */
enum earshot_list {
    EARSHOT_USERS,
    EARSHOT_ROOMS,
    EARSHOT_COUNTERS,
    EARSHOT_OBJECTS,
    EARSHOT_HANDLES
};
enum earshot_claim_state {
    EARSHOT_CLAIM_HELD,
    EARSHOT_CLAIM_WAITING,
    EARSHOT_CLAIM_TAKEN, /* of one's own, which does not wait: FAILED follows */
};
/* Who sees a room: everybody; its members, who are invited; the members of a Unix group; several
 * people who talk directly. */
enum earshot_room_form {
    EARSHOT_ROOM_OPEN,
    EARSHOT_ROOM_PRIVATE,
    EARSHOT_ROOM_GROUP,
    EARSHOT_ROOM_DIRECT
};

/* What is laid on somebody in a room, or given to him there. */
enum earshot_laid { EARSHOT_LAID_MUTE, EARSHOT_LAID_BAN, EARSHOT_LAID_OPERATOR };
enum earshot_room_change {
    EARSHOT_MAKE_OPEN,    /* makes the room, if there is none, and joins it; */
    EARSHOT_MAKE_PRIVATE, /* the same, or makes an open one of one's own private for ever */
    EARSHOT_SET_OWNER,    /* to the handle of a member */
    EARSHOT_SET_NAME,
    EARSHOT_CLOSE,        /* nobody may join or speak any more */
    EARSHOT_SET_ANNOUNCE, /* "on": only its owner and operators speak; or "off" */
    EARSHOT_SET_PAST,     /* of a private room: "all": who joins sees everything that was said;
                             "invited": from the invitation on */
    EARSHOT_MAKE_GROUP    /* a room for the members of this Unix group, of which one joins none;
                             for members, root and the hub's owner */
};
enum earshot_role { EARSHOT_WELL_KNOWN, EARSHOT_LANE, EARSHOT_MAILBOX };

enum earshot_offer_kind { EARSHOT_FILE, EARSHOT_DIRECTORY, EARSHOT_STREAM };
#define EARSHOT_SIZE_UNKNOWN UINT64_MAX

enum earshot_transfer_state {
    EARSHOT_TRANSFER_RUNNING,
    EARSHOT_TRANSFER_DONE, /* whole and verified on both sides */
    EARSHOT_TRANSFER_FAILED,
    EARSHOT_TRANSFER_DECLINED, /* the recipient does not want it; error: why */
};

/* One transfer, to or from one other session. */
struct earshot_transfer {
    char id[EARSHOT_ID_SIZE]; /* of the offer */
    enum earshot_transfer_state state;
    bool outgoing;
    const char
        *peer; /* the other side's handle; of an offer to a room that fails as a whole, the room */
    const char *name;     /* as it was offered */
    uint64_t bytes, size; /* passed so far, and in all (or EARSHOT_SIZE_UNKNOWN) */
    bool resumed;         /* it went on behind what was there from an earlier attempt */
    const char *path;     /* incoming, DONE: its name in the directory; FAILED: of what is left of
                             it there, "" when nothing is */
    char xxh3[33];        /* DONE: the digest of its content, in hexadecimal */
    const char *error;    /* FAILED, DECLINED: the sentence; else "" */
    unsigned reason;      /* FAILED: enum earshot_transfer_reason */
    uint64_t skipped;     /* DONE: entries of the directory that the sender left out */
    uint64_t offered;     /* its size when it was offered: it may have changed until it was taken */
    bool grown;           /* DONE: a file in it was written to at its end while it was sent:
                             what came is what was there when that began */
};

/* Why a transfer failed, as far as a program may want to tell. */
enum earshot_transfer_reason {
    EARSHOT_REASON_CANCELLED = 1,
    EARSHOT_REASON_PEER_DIED,
    EARSHOT_REASON_READER_GONE, /* nobody reads the pipe on the other side */
    EARSHOT_REASON_OTHER,
    EARSHOT_REASON_DAMAGED, /* a small file that cannot be read: it never can be saved */
    EARSHOT_REASON_PLACE,   /* incoming: our disk or quota is full, or we may not write there;
                               another file would fare alike */
};

/* Why an entry of a directory is not sent. */
enum earshot_skip {
    EARSHOT_SKIP_SPECIAL,  /* a socket, a pipe, a device */
    EARSHOT_SKIP_DENIED,   /* it cannot be read; error: the system's */
    EARSHOT_SKIP_VANISHED, /* it was there a moment ago */
    EARSHOT_SKIP_TOO_DEEP, /* too many directories above it, or too long a name */
    EARSHOT_SKIP_CHANGED,  /* it was written to while it was read */
    EARSHOT_SKIP_REPLACED, /* somebody else may have put it there since it was offered */
    EARSHOT_SKIP_ENDLESS,  /* it has no size, and does not come to an end soon, as some of /proc */
};

/* What a user has done, and what that took of the hub. */
struct earshot_use {
    uint64_t messages, bytes; /* of their texts */
    uint64_t refused;         /* messages and requests */
    uint64_t lock_us;         /* of the hub's time, of which there is as much as time passes */
};

/* The account of one user. */
struct earshot_account {
    uid_t uid;
    const char *login; /* ""; the hub does not know it */
    uint32_t sessions;
    uint64_t memory;              /* bytes */
    uint32_t rate;                /* messages a second that it may send; 0: any number */
    uint64_t muted_ms, banned_ms; /* until then, since 1970, UTC; 0: it is not */
    const char *orders;           /* what is laid on it, until when, by whom and why; "": nothing */
    struct earshot_use ever;      /* since the hub began */
    struct earshot_use minute, hour, day; /* in the last one */
};
#define EARSHOT_FOR_EVER UINT64_MAX /* until it is undone */

/* The reactions of one emoji to a message. */
struct earshot_reaction {
    const char *emoji;
    unsigned n;
    const char *by; /* the handles of the first of those whose they are, with a space between */
};

/*
 * What has come. All strings are NUL-terminated and, like the structure itself, valid until the
 * next call for the same link.
 */
struct earshot_event {
    enum earshot_event_type type;
    uint32_t request; /* USER ... FAILED: the number that the asking function gave */
    union {
        /*
         * EDITED, REMOVED: seq, at_ms and from are those of the edit or removal, which comes in the
         * order of the messages and is marked as read as they are; id and uid are those of the
         * message that is meant, for an id is its user's own; text is its new text, or the reason,
         * which may be empty. The library says nothing of messages that were removed before they
         * came, but that they were.
         *
         * REACTION: the same; text is the emoji.
         */
        struct {
            uint64_t seq;
            char id[EARSHOT_ID_SIZE];
            char reply_to[EARSHOT_ID_SIZE]; /* "" when it is no reply */
            int64_t at_ms;                  /* since 1970, UTC */
            enum earshot_kind kind;
            uid_t uid; /* of the sender, proved by the kernel */
            const char *from, *to;
            const char *conv; /* the room, or the other party */
            const char *text;
            size_t text_n;      /* bytes */
            bool mine;          /* sent by another session of one's own handle */
            bool wants_receipt; /* call earshot_mark_read() once a human or program has seen it */
            bool late;          /* it was sent while nobody of this handle was here, or read */
            uint64_t link;      /* of the sender's program, for receipts */
            const char *file;   /* a small file came instead of a text, for earshot_save(); then the
                                   text is "[file NAME, SIZE]" and it is no message that was read
                                   until it is saved. Else NULL */
            size_t file_n;      /* bytes, which are no text */
            const char *title;  /* one line, which is not in the text; "" for none */
            enum earshot_priority priority;
            bool edited;  /* PAST: the text is not the first one */
            bool removed; /* PAST: there is no text any more; it says who removed it instead */
            char thread[EARSHOT_ID_SIZE]; /* a reply: what its thread began with; "": none */
            unsigned n; /* and its number in the conversation, by which people name it; 0: none */
            bool on;    /* REACTION: it was made, and not taken back */
            const struct earshot_reaction *reactions; /* PAST: to it, by the emoji */
            size_t n_reactions;
        } message;
        struct {
            char id[EARSHOT_ID_SIZE];
            enum earshot_state state;
            uint64_t seq;   /* 0 when the hub did not tell */
            const char *by; /* DELIVERED, READ: who; else "" */
            const char *to;
            bool up_to; /* also every earlier one of this link that was not refused */
        } state;
        struct {
            char id[EARSHOT_ID_SIZE]; /* REFUSED; "" in FAILED */
            unsigned code;            /* see earshot_fail_name() */
            const char *to;           /* REFUSED: to whom it was sent */
            const char *reason;
        } failed;
        struct {
            enum earshot_news_what what;
            uid_t uid;
            const char *who, *room, *detail;
        } news;
        struct {
            const char *handle;
            uid_t uid;
            enum earshot_presence state;
            const char *away;
            uint32_t idle_s;
            const pid_t *pids; /* of the sessions that listen */
            size_t n_pids;
        } user;
        struct {
            const char *name, *topic; /* topic "" for none */
            uint32_t members;
            /* In answer to earshot_about(); else owner is NULL: */
            const char *owner, *operators, *group; /* operators: with a space between; or "" */
            uint32_t owner_uid;
            enum earshot_room_form form;
            bool announces, shows_all, closed, invited; /* invited: and not joined yet */
            bool locks_topic;                           /* only its owner and operators set it */
        } room;
        struct {
            const char *key;
            uint64_t value;
        } counter;
        struct {
            enum earshot_role role;
            int id; /* msqid */
            uid_t uid;
            pid_t pid;          /* MAILBOX: of the client; else of the hub */
            const char *handle; /* MAILBOX: of the client; else "" */
        } object;
        struct {
            char id[EARSHOT_ID_SIZE];
            const char *from, *to; /* to: our handle, or a room */
            uid_t uid;             /* of the sender, proved by the kernel */
            enum earshot_offer_kind kind;
            const char *name, *mime; /* the sender's word */
            uint64_t size;           /* bytes; EARSHOT_SIZE_UNKNOWN for a stream */
            uint32_t mode;
            int64_t mtime_ns; /* when it was changed last: see earshot_time() */
        } offer;
        struct {
            char id[EARSHOT_ID_SIZE]; /* of the offer */
            bool was_taken;           /* by another session of our handle */
        } withdrawn;
        struct earshot_transfer transfer;
        struct {
            char id[EARSHOT_ID_SIZE]; /* of the offer */
            const char *peer, *name;  /* to whom; the directory, as it was offered */
            const char *path;         /* below it; any bytes. "": `more` that are not named */
            enum earshot_skip why;
            int error; /* DENIED: the system's; 0: not known */
            uint64_t more;
        } skipped;
        uint64_t missed;
        struct {
            const char *conv;          /* a handle or #room */
            uint32_t unread, mentions; /* messages; those of them that name our handle */
            uint64_t seq;              /* UNREAD: of the newest of them; SEEN: up to which one */
        } unread;
        const struct earshot_account *account;
        struct {
            const char *room, *handle; /* handle: "" when only the uid is known */
            enum earshot_laid what;
            uid_t uid;
            int64_t until_ms; /* since 1970, UTC; 0: until it is undone */
            const char *by;   /* a handle, */
            uid_t by_uid;
            const char *reason; /* "" for none */
        } laid;
        struct {
            uint64_t seq;   /* of the message that comes next, */
            const char *by; /* who pinned it: a handle, or "" when it is nobody's any more, */
            uid_t by_uid;
            int64_t at_ms; /* and when, since 1970, UTC */
        } pinned;
        struct {
            const char *name;
            enum earshot_claim_state state;
            unsigned place;     /* in the queue, from 1 on; 0: it is held */
            const char *handle; /* in a list: whose claim it is. Of one's own: who has the name; ""
                                   when the hub has just started, and who had it may come back */
            uid_t uid;          /* of the same, proved by the kernel, */
            pid_t pid;          /* this as well */
            int64_t since_ms;   /* it is held, or waits, since 1970, UTC */
            const char *note;   /* "" for none */
        } claim;
        struct {
            const char *reason; /* LOST: the hub has ended the session for a frame that broke the
                                   protocol: the sentence; else "". SHUT_OUT: why */
        } lost;
    };
};

/* What is known about the hub that one is joined to. */
struct earshot_hub_info {
    const char *dir, *name, *handle; /* handle: one's own, as the hub spells it */
    pid_t pid;
    uid_t uid;
    enum earshot_mode mode;
    int msqid; /* of the well-known queue */
    int32_t key;
    uint64_t seq;        /* of the newest message when the link was joined */
    uint32_t keep_days;  /* how long, and how many bytes of them, the hub keeps messages; 0: */
    uint64_t keep_bytes; /* without bound */
    char instance[EARSHOT_ID_SIZE];
};

/*
 * Joins a hub; EARSHOT_AGAIN when it did not answer in time. On any result but EARSHOT_OK *link is
 * still set (unless memory is out) so that earshot_error() can be asked; close it then.
 */
int earshot_open(earshot **link, const struct earshot_options *options);

/* Leaves, frees everything; safe on NULL. Unacknowledged messages are given up. */
void earshot_close(earshot *link);

void earshot_hub(const earshot *link, struct earshot_hub_info *info);

/* The sentence about the last outcome that was not EARSHOT_OK, nor an EARSHOT_AGAIN which says only
 * that nothing has come, or no more; never NULL. */
const char *earshot_error(const earshot *link);

/* The hub's reason behind EARSHOT_REFUSED or EARSHOT_EVENT_FAILED, and its name: "no-user". */
unsigned earshot_fail_code(const earshot *link);
const char *earshot_fail_name(unsigned code);
int earshot_fail_exit_code(unsigned code);

/* earshot_message.flags */
enum {
    EARSHOT_CORK = 1,         /* more follows at once: send when a batch is full, or on flush */
    EARSHOT_WANT_SEQ = 2,     /* a STATE event of its own, with the sequence number */
    EARSHOT_WANT_RECEIPT = 4, /* STATE events when it is delivered and read */
    EARSHOT_ACK_NOW = 8,      /* the caller waits for the STATE event */
    EARSHOT_MAKE_ROOM = 16,   /* to a room: makes it when there is none */
};

struct earshot_message {
    const char *to; /* a handle or #room */
    const char *text;
    size_t text_n;
    enum earshot_kind kind;
    const char *id;       /* NULL: a new one; a repeated id is harmless */
    const char *reply_to; /* NULL: none */
    unsigned flags;
    /* Both count among the bytes of the text: who has an older library sees them as its first line.
     */
    enum earshot_priority priority;
    const char *title; /* one line of at most EARSHOT_TITLE_MAX bytes; NULL or "": none */
    /* With has_author: who wrote reply_to. Then, if that is there, this is said in its thread. */
    uid_t author;
    bool has_author;
};

/*
 * Sends a message and keeps it until the hub acknowledges it. Sends at once when the lane has
 * room; for a while after it had none, gathers what follows until a batch is full or a millisecond
 * is over: then it goes, whatever the program does next. Blocks while the window of unacknowledged
 * messages is full; with earshot_fd() in use it returns EARSHOT_AGAIN instead, and the descriptor
 * becomes readable when there is room: so long some may wait here until it is served. It also
 * returns EARSHOT_AGAIN when so much has come meanwhile that events must be taken first, and -EINTR
 * when a signal came while the window was full: either way the message was not taken, and is to be
 * sent again. A message that was taken before the signal came is EARSHOT_OK. The id is stored in
 * `id` unless that is NULL.
 */
int earshot_send(earshot *link, const struct earshot_message *message, char id[EARSHOT_ID_SIZE]);

/*
 * Another text, with title and priority, for a message of one's own; and its removal. Both are
 * messages themselves: kept until they are acknowledged, answered by STATE or REFUSED under the id
 * that is stored in `id`, given out in order. The hub lets an author do so for a while (see
 * earshotd(8)), root and its owner remove any message, and a room's owner those in it; what was
 * said goes from its log for good. Of `message` the text (the reason of a removal, of at most
 * EARSHOT_REMOVAL_MAX bytes, or none), id and flags count; and `to`, if it is not NULL: then it
 * must have been said there. `author` is the uid of who wrote it. EARSHOT_OTHER_VERSION: the hub is
 * older.
 */
#define EARSHOT_REMOVAL_MAX 512
int earshot_edit(earshot *link, const char *target, const struct earshot_message *message,
                 char id[EARSHOT_ID_SIZE]);
int earshot_remove(earshot *link, const char *target, uid_t author,
                   const struct earshot_message *message, char id[EARSHOT_ID_SIZE]);

/*
 * Reacts to a message, or takes that back, as earshot_edit() edits one. `author` is the uid of who
 * wrote it, the text of `message` an emoji, or the name of one between colons. A user has each
 * emoji once on a message: what is there already, or is not, is done, and told nobody. Whoever may
 * read the message and say something in its conversation may react to it.
 */
int earshot_react(earshot *link, const char *target, uid_t author, bool on,
                  const struct earshot_message *message, char id[EARSHOT_ID_SIZE]);

/* The emoji of a name between colons, such as ":tada:"; the text itself, if it is one emoji; else
 * NULL. And the names that there are, without colons; NULL behind the last one. */
const char *earshot_emoji(const char *text);
const char *earshot_emoji_name(size_t i);

/*
 * Hands over what was corked. Blocks until the lane took it; with earshot_fd() it never blocks and
 * returns EARSHOT_AGAIN while the lane has not taken it.
 */
int earshot_flush(earshot *link);

/* How many messages wait for the hub's acknowledgement, and whether the lane is full just now. */
size_t earshot_n_unacknowledged(const earshot *link);
bool earshot_is_waiting(const earshot *link);

/* The program on this side has shown the message of this event, and all before it. */
int earshot_mark_read(earshot *link, const struct earshot_event *event);

/*
 * The same of one conversation, up to the message `seq`: until then nothing is unread there, in all
 * programs of the handle. earshot_mark_read() says it of the event's conversation. Nothing is said
 * to a hub that does not count what is unread.
 */
int earshot_mark_seen(earshot *link, const char *conv, uint64_t seq);

/*
 * Without EARSHOT_UNTIL_READ a message counts as received when the program makes its next call to
 * earshot_next() or earshot_close(). One that it has no use for it can pass over, before that call:
 * then neither this message nor anything after it counts, and who joins next under this handle gets
 * it all.
 */
void earshot_pass_over(earshot *link, const struct earshot_event *event);

/*
 * Requests. Each stores its number in *request; DONE or FAILED answer it, after the lines of a
 * list. A request that a lost hub did not answer is FAILED with the reason "hub-lost". After a
 * reconnect the link joins its rooms again and is away again by itself; what the hub then refuses
 * is FAILED with the request 0. DONE of what is to outlive the hub says that it is stored; FAILED
 * with "not-stored" that it holds for now, and that the hub will try to store it again.
 */
int earshot_join(earshot *link, const char *room, bool session_only, uint32_t *request);
int earshot_part(earshot *link, const char *room, uint32_t *request);
int earshot_topic(earshot *link, const char *room, const char *topic, uint32_t *request);
int earshot_away(earshot *link, const char *reason, uint32_t *request); /* NULL: back */
int earshot_nick(earshot *link, const char *handle, uint32_t *request);
/*
 * For root, the hub's owner and the members of its --admin-group: to act upon a uid. What outlives
 * the hub is told to who is concerned, and stands in each refusal.
 */
enum earshot_order_what {
    EARSHOT_MUTE, /* it may read, but says nothing; for `value` ms, 0: until that is undone */
    EARSHOT_UNMUTE,
    EARSHOT_BAN, /* its sessions end, and it gets no other, under whatever handle; for so long, too
                  */
    EARSHOT_UNBAN,
    EARSHOT_KICK, /* its sessions end */
    EARSHOT_RATE, /* it is read so that it sends `value` messages in a second; 0: any number */
};

/* In a room, behind those up to EARSHOT_KICK, which puts out of it. */
enum {
    EARSHOT_MAKE_OPERATOR = EARSHOT_RATE + 1, /* the user of a handle that is in the room */
    EARSHOT_NO_OPERATOR,
    EARSHOT_LOCK_TOPIC, /* only the owner and operators set it; this concerns nobody */
    EARSHOT_UNLOCK_TOPIC,
    EARSHOT_ROOM_ORDERS
};

struct earshot_order {
    enum earshot_order_what what;
    const char *handle; /* whose user; or NULL, and */
    uid_t uid;
    uint64_t value;
    const char *reason; /* at most EARSHOT_REASON_MAX bytes; NULL: none */
};
#define EARSHOT_REASON_MAX 200
#define EARSHOT_RATE_MAX 1000000

/* EARSHOT_OTHER_VERSION: the hub is older, and knows no order; so with the next one. */
int earshot_order(earshot *link, const struct earshot_order *order, uint32_t *request);
/*
 * The same in a room, for its owner and operators and for administrators; what: any of both lists
 * but EARSHOT_RATE. It is told there, and to who is concerned.
 */
int earshot_govern(earshot *link, const char *room, unsigned what,
                   const struct earshot_order *order, uint32_t *request);
/* Who is an operator there, muted or banned: an EARSHOT_EVENT_LAID for each. */
int earshot_laid(earshot *link, const char *room, uint32_t *request);
/* An EARSHOT_EVENT_ACCOUNT for one's own uid or, for those who may do the above, for every one. */
int earshot_accounts(earshot *link, bool all, uint32_t *request);
/*
 * For the same: the name is free again, and the handle or room, with its mail,
 * members and past, goes on under another one. A hub from before this function ends the session.
 */
int earshot_release(earshot *link, const char *conv, uint32_t *request);
/* of: for EARSHOT_USERS the room whose members are asked for, or NULL for everybody here. */
int earshot_ask(earshot *link, enum earshot_list what, const char *of, uint32_t *request);

/*
 * What a room is: an EARSHOT_EVENT_ROOM with all of it. Makes or changes it; argument: NULL or as
 * the change says. Invites a handle, also while it is away: it is told by a message. A private room
 * of somebody else is answered as one that is not there. EARSHOT_OTHER_VERSION: the hub is older.
 */
int earshot_about(earshot *link, const char *room, uint32_t *request);
int earshot_change_room(earshot *link, const char *room, enum earshot_room_change what,
                        const char *argument, uint32_t *request);
int earshot_invite(earshot *link, const char *room, const char *handle, uint32_t *request);
/*
 * The direct conversation of these handles, with commas or blanks between, and of one's own; it is
 * made if there is none. In answer an EARSHOT_EVENT_ROOM tells what it is called:
 * "#alice,bob,carol", as it is in all events. Nobody else can see it, nor come to it; one leaves it
 * with earshot_part(). EARSHOT_OTHER_VERSION: the hub is older.
 */
int earshot_gather(earshot *link, const char *people, uint32_t *request);

#define EARSHOT_PAGE_MAX 1000 /* messages in one answer; a limit is 1 to this */

/*
 * Asks for messages of the past, which come as EARSHOT_EVENT_PAST, oldest first: of one
 * conversation (a handle or #room) or, NULL, of everything that this handle may see. after 0: the
 * newest `limit` before `before` (0: of all); else the oldest `limit` after `after`.
 */
int earshot_history(earshot *link, const char *conv, uint64_t before, uint64_t after,
                    unsigned limit, uint32_t *request);

/*
 * Asks for the message with this id (or several: an id is its user's own) or, is_thread, for the
 * thread that began with it: the newest `limit` before `before` (0: of all), oldest first, as
 * EARSHOT_EVENT_PAST, of one conversation or (NULL) of all that the handle is in.
 * EARSHOT_OTHER_VERSION: the hub is older.
 */
int earshot_find(earshot *link, const char *conv, const char *id, bool is_thread, uint64_t before,
                 unsigned limit, uint32_t *request);

/*
 * Pins a message where it was said, for all who are there: in a room who may set its topic does so,
 * at most EARSHOT_PINS_MAX at a time; or stars it, for one's own handle alone, at most
 * EARSHOT_STARS_MAX. `author` is the uid of who wrote it. What is done already is DONE, too.
 * EARSHOT_OTHER_VERSION: the hub is older; so with the next two.
 */
#define EARSHOT_PINS_MAX 50
#define EARSHOT_STARS_MAX 1000
enum earshot_pin_what { EARSHOT_PIN, EARSHOT_UNPIN, EARSHOT_STAR, EARSHOT_UNSTAR };
int earshot_pin(earshot *link, const char *id, uid_t author, enum earshot_pin_what what,
                uint32_t *request);
/*
 * What is pinned in a conversation; what one's own handle has starred, in one or (NULL) in all. For
 * each an EARSHOT_EVENT_PINNED and an EARSHOT_EVENT_PAST, the newest message first: at most
 * `limit`, before `before` (0: of all). A page can be shorter: to go on, give the number of the
 * last one, until nothing comes any more. Messages that one may not read any more do not come.
 */
int earshot_pins(earshot *link, const char *conv, uint64_t before, unsigned limit,
                 uint32_t *request);
int earshot_stars(earshot *link, const char *conv, uint64_t before, unsigned limit,
                  uint32_t *request);

/*
 * Asks what is unread: an EARSHOT_EVENT_UNREAD for each conversation that has any, or (not NULL)
 * for this one. EARSHOT_OTHER_VERSION: the hub is older, and does not count.
 */
int earshot_unread(earshot *link, const char *conv, uint32_t *request);

/*
 * Messages with all of these words, newest first; conv and from may be NULL. They are whole words;
 * parts of words when there are none, or at once where a star stands behind a word. A page can be
 * shorter than the limit: to go on, give the number of the last message found as `before` (else 0),
 * until nothing comes any more.
 */
int earshot_search(earshot *link, const char *words, const char *conv, const char *from,
                   uint64_t before, unsigned limit, uint32_t *request);

/*
 * Claims: a name belongs to one link at a time, until that gives it up, closes, or its process
 * dies; the others wait for it in order. It keeps nobody from anything but the name. A name is of
 * words as handles are, with a blank between each two. CLAIM events with this request tell how it
 * stands: HELD; or WAITING, again whenever the place in the queue is another; or, without
 * EARSHOT_CLAIM_WAIT, TAKEN and FAILED ("taken"). FAILED ends it, also when somebody else was given
 * it by a hub that has been started again: a link with EARSHOT_RECONNECT claims it again by itself,
 * and the hub gives it to nobody else for five seconds. One link has EARSHOT_CLAIMS_MAX at most.
 * EARSHOT_OTHER_VERSION: the hub is older, and has no claims.
 */
#define EARSHOT_CLAIMS_MAX 64
#define EARSHOT_NOTE_MAX 255
enum { EARSHOT_CLAIM_WAIT = 1 };
int earshot_claim(earshot *link, const char *name, const char *note, unsigned flags,
                  uint32_t *request);
/* Gives it up, or waits no more. DONE follows, also when this link had no such claim. */
int earshot_unclaim(earshot *link, const char *name, uint32_t *request);
/* All claims of everybody: of each name who has it, then who waits, in order. */
int earshot_claims(earshot *link, uint32_t *request);

/* This handle sees nothing any more of what was said with `handle` until now. */
int earshot_forget(earshot *link, const char *handle, uint32_t *request);

/* A notice to everybody who is here; at most EARSHOT_WALL_MAX bytes. */
#define EARSHOT_WALL_MAX 4096
int earshot_wall(earshot *link, const char *text, uint32_t *request);

/*
 * Files. What is offered is opened once and stays open until it is taken or cancelled: a descriptor
 * for each offer. So what is handed over is what was offered, with the content it has when it is
 * taken, whatever happens to its path. The bytes go from process to process through shared memory,
 * in threads of the two links, and the hub need not live for that.
 */

/* What is offered: a path, or (path NULL) a stream from fd under this name. */
struct earshot_source {
    const char *path;
    int fd; /* stays the caller's; it is read by another thread until the transfer is over */
    const char *name;
};

/*
 * Offers it to a handle, of which one session takes it, or to a room, of which everybody may. DONE
 * or FAILED answer the request; the id is that of the offer. A link with EARSHOT_RECONNECT makes
 * the offer again to a hub that comes back, also when the first had not answered yet: the answer
 * is then that of the new one. A link of which earshot_fd() was asked does not wait for the writer
 * of a pipe: EARSHOT_REFUSED. What is left out of a directory is told by SKIPPED events, which the
 * next calls of earshot_next() give; what is found only later, as it is taken. Of many offers
 * EARSHOT_STANDING_MAX stand at the hub at a time; the others are open, and their requests are
 * answered when it is their turn. A negative result may be about the file (-ENOENT, -EACCES ...).
 */
#define EARSHOT_STANDING_MAX 32
int earshot_offer(earshot *link, const char *to, const struct earshot_source *source,
                  char id[EARSHOT_ID_SIZE], uint32_t *request);

/* Name and size of an open offer of one's own; EARSHOT_AGAIN when there is no such offer. */
int earshot_own_offer(earshot *link, const char *id, struct earshot_transfer *offer);

/* Asks for what is offered to this handle and its rooms: OFFER events, then DONE. */
int earshot_list_offers(earshot *link, uint32_t *request);

/*
 * The time of an offer. Its number is nanoseconds since 1970 only from 1823 to 2116; beyond, as far
 * as 14,600 years before and after, it counts on in steps of 100 ns. Every number is a time;
 * tv_nsec is never negative.
 */
void earshot_time(int64_t mtime_ns, struct timespec *time);

/* Where it is to be written: a directory, or (dir NULL) everything to fd. */
struct earshot_target {
    const char *dir;
    int fd;
    uint64_t n_bytes_max; /* no more, whatever was offered. 0: what was offered and 64 MiB or as
                             much again, for it may have grown; of a stream any */
};

/*
 * Takes an offer that an OFFER event told of. A negative result is about the destination. What is
 * there already of a large file is read in another thread; if it cannot go there, a TRANSFER event
 * says FAILED and the offer still stands. A WITHDRAWN event may come instead of the transfer: then
 * its sender has left, or another session of this handle has it.
 */
int earshot_accept(earshot *link, const char *id, const struct earshot_target *target);
int earshot_decline(earshot *link, const char *id, const char *reason);

/* Withdraws an offer of one's own, and ends all transfers of this id. */
int earshot_cancel(earshot *link, const char *id);

/*
 * Sends a regular file of at most EARSHOT_POST_MAX bytes as a message, which the hub keeps for who
 * is away. STATE events tell how far it is: READ when somebody has saved it. EARSHOT_LIMIT: it is
 * no such file, offer it instead. A negative result is about the file. `file` tells its id, name,
 * size and digest.
 */
#define EARSHOT_POST_MAX 32768
int earshot_post(earshot *link, const char *to, const char *path, struct earshot_transfer *file);

/*
 * Hands something over in the way that suits it, and opens it once: a small file is posted, and
 * *request is 0; all else is offered, and *request is answered as that of earshot_offer(). `file`
 * tells its id, name and size, in strings that are valid until the next event. Outcomes are those
 * of earshot_post() and earshot_offer(), except EARSHOT_LIMIT for what is not small.
 */
int earshot_put(earshot *link, const char *to, const struct earshot_source *source,
                struct earshot_transfer *file, uint32_t *request);

/* Name and size of the file that came with a MESSAGE or PAST event. EARSHOT_REFUSED: as below. */
int earshot_event_file(earshot *link, const struct earshot_event *event,
                       struct earshot_transfer *file);

/*
 * Writes the file that came with a MESSAGE or PAST event, and tells its sender. EARSHOT_REFUSED:
 * it could not be written, file->error says why; with the reason DAMAGED it never can be. A
 * negative result is about the directory.
 */
int earshot_save(earshot *link, const struct earshot_event *event,
                 const struct earshot_target *target, struct earshot_transfer *file);

/*
 * Lists such files that others sent to this handle and its rooms, saved or not; from NULL: of
 * anybody. They come as EARSHOT_EVENT_PAST, newest first, page by page as of earshot_search(), and
 * without their content: with that, earshot_history() gives them (before: the number + 1, limit 1).
 */
int earshot_list_posts(earshot *link, const char *from, uint64_t before, unsigned limit,
                       uint32_t *request);

/*
 * Tells the sender of such a file, if that program is still here, that nobody wants it: it gets a
 * TRANSFER event with this id, DECLINED, without name and size. The message stays what it is. Also
 * for one that is damaged.
 */
int earshot_refuse(earshot *link, const struct earshot_event *event);

/* How far the n-th running transfer is; EARSHOT_AGAIN when there are not so many. */
int earshot_progress(earshot *link, unsigned n, struct earshot_transfer *transfer);

/*
 * The next event: within timeout_ms (negative: for ever, 0: what is there). Outcomes:
 * EARSHOT_AGAIN; EARSHOT_NO_HUB when the hub is lost and the link does not reconnect;
 * -EINTR when a signal came.
 */
int earshot_next(earshot *link, struct earshot_event *event, int timeout_ms);

/* A descriptor that polls readable when earshot_next() has work. Owned by the link. */
int earshot_fd(earshot *link);

/*
 * For a program with earshot_fd() that cannot take events for a while, and is not to be away for
 * that when the hub is restarted: does what is due, and hands nothing out. Until the next call of
 * earshot_next() the descriptor is then readable only when there is more of that to do. Returns
 * what earshot_next() returns when the link has ended.
 */
int earshot_tend(earshot *link);

/* Whether there is a hub just now; false from the loss of one until the link is back. */
bool earshot_is_joined(const earshot *link);

/* Makes earshot_next() return EARSHOT_EVENT_WOKEN; may be called from another thread. */
void earshot_wake(earshot *link);

/*
 * A copy that is safe to print: controls, escapes, bidi and invisible characters made visible.
 * keep_lines keeps line feeds and tabs. The caller frees it; NULL when memory is out.
 */
char *earshot_safe(const char *text, size_t n, bool keep_lines);

/*
 * Whether n bytes of UTF-8 name this handle, as a word, whatever its case: so the hub counts
 * mentions. False also when memory is out, or an argument is NULL.
 */
bool earshot_mentions(const char *text, size_t n, const char *handle);

/* What four of these were called before. */
#define earshot_offered earshot_own_offer
#define earshot_offers earshot_list_offers
#define earshot_posted earshot_event_file
#define earshot_posts earshot_list_posts

#ifdef __cplusplus
}
#endif
