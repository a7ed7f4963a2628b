/*
 * The core: who is here, who may do what, and where each message goes. Pure state and rules: it
 * makes no system call and is given the time, so it can be tested without queues and clocks.
 *
 * It is not thread-safe; the hub holds one lock around every call. What is to be sent lies in the
 * outboxes afterwards: core_take() hands it out, core_returned() hears how it went.
 *
 * Ownership: users (uids) own handles and sessions and live as long as the hub; a handle belongs
 * to its uid for ever; a room lives while it has members, a past or offers; a session is marked
 * dead at once and freed when nobody sends for it any more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#ifndef HASH_NONFATAL_OOM
#define HASH_NONFATAL_OOM 1 /* what could not be added has no hh.tbl */
#endif
#include <uthash.h>

#include "base/clock.h"
#include "base/siphash.h"
#include "base/uuid.h"
#include "core/account.h"
#include "core/calendar.h"
#include "core/claim.h"
#include "core/log.h"
#include "core/lookalike.h"
#include "core/outbox.h"
#include "core/persist.h"
#include "core/recent.h"
#include "core/room/group.h"
#include "core/room/laid.h"
#include "core/room/permission.h"
#include "proto/fail.h"
#include "proto/frame.h"
#include "proto/name.h"

#define SESSIONS_MAX 32768 /* a slot takes 16 bits of the session number */
/*
 * The kernel gives queues that are there at the same time different numbers in the last bits of
 * their ids: few share a place.
 */
#define MAILBOX_PLACES 1024
#define ROOMS_PER_HANDLE_MAX 256
#define ACK_DELAY_MS 4
#define DEFERRED_MAX 4 /* times in a row that a full mailbox is only tried again */
#define NEWS_DELAY_MS 150
#define POSITIONS_DELAY_MS                                                                         \
    1000 /* what was given to whom is stored with the next messages, or then */
#define UNCOMMITTED_MAX ((size_t)32 * 1024 * 1024)
#define HOARDERS_MAX 64 /* and more chunks are one class, see outgoing.c */
/* These pass in two halves, see session.c. */
#define CONFIRM_MS 10000  /* a session that never says READY is a handshake that failed */
#define CONDEMNED_MS 1000 /* until it is ended, a session that broke the protocol may read why */

struct lane; /* the hub's */
struct road; /* this, too: a channel as its threads see it */

/* What a session has agreed on with the hub about a channel, see channel.c. */
enum channel_state {
    CHANNEL_NONE,    /* nothing; */
    CHANNEL_OFFERED, /* the hub sends through it, or will; the client does not yet; */
    CHANNEL_USED,    /* both do; */
    CHANNEL_LEFT,    /* the hub does not any more, or will not; the client still does */
};

/* Of a session that has a channel: whether it is worth it. */
struct channel_traffic {
    struct session *session;
    mono_time since;
    unsigned n_moved; /* batches through it, both ways, since it was looked at last */
    struct channel_traffic *next, *prev;
};

/* What sessions wait for; see outgoing.c. */
enum session_list {
    LIST_NONE,
    LIST_TOUCHED,  /* to be sent to */
    LIST_DEFERRED, /* the same, when somebody leaves the hub the next time */
    LIST_STEPS,    /* to be fed, or to get more of a list */
    SESSION_LISTS
};

/* The sessions of a user that wait for the same. */
struct turn {
    struct session *sessions;
    struct user *next, *prev; /* who also has such sessions */
};

/* One Unix user. */
struct user {
    uid_t uid;
    struct name login; /* its login name, as its latest session told; n 0: none is known */
    struct account account;
    struct recent recent; /* ids of its latest messages */
    uint64_t n_work;      /* what was done for it, and nobody is charged for yet, see user.c */
    uint64_t delivery;    /* the last one that it had a part in */
    uint64_t pace_reading, pace_full; /* the last struct pace_look in which it was counted */
    struct user *next_worked;
    int64_t at_work;       /* in which stretch of time it was seen at work last, see user.c */
    uint64_t n_rejected;   /* frames that broke a rule */
    struct lane *lanes;    /* the hub's, not the core's; */
    unsigned n_successors; /* so is this: HELLOs that wait for the dead */
    struct session *links; /* its sessions by link */
    struct handle *handles;
    struct ask *asks;      /* its questions about the past that wait for a reader */
    struct session *feeds; /* its sessions that wait to be fed from the store */
    uint64_t news_round;   /* in which it has */
    unsigned n_news;       /* so many news that are told one by one */
    struct user *next_asking, *prev_asking;
    int64_t reading_ns; /* that somebody has read for these, and when that was, see past.c */
    mono_time read_at;
    struct user *next_feeding, *prev_feeding;
    struct dirty *dirties; /* what it has changed and is not stored */
    uint64_t unstored; /* bytes of ACCOUNT_STORING that the store was given, but could not take */
    struct user *next_dirty, *prev_dirty;
    struct admission *admissions; /* private rooms that he sees, in the order in which he did; */
    struct admission *admissions_by_name, *admissions_by_room;
    unsigned n_admissions;
    struct mail *mails;         /* to people who never joined */
    struct name nobody;         /* the last recipient's name that was no login name; n 0: none */
    mono_time nobody_until;     /* and so long that is believed */
    struct sanction *sanctions; /* what administrators have laid on it, see order.c */
    bool is_in_admin_group;     /* set by the hub for one frame, see core_needs_right() */
    gid_t *gids;                /* the groups that he is in, in order, */
    unsigned n_gids;            /* so many, */
    mono_time gids_at;          /* as was told then; ns 0: never; see room/group.h */
    struct turn turns[SESSION_LISTS];
    struct session *hoarders[HOARDERS_MAX]; /* those that do not read, by chunks that wait; */
    unsigned n_unsent;                      /* chunks that wait for its other sessions */
    UT_hash_handle hh;
};

struct handle {
    struct name name, key;
    uint32_t number; /* for ever, see record.h */
    struct alike_entry alike;
    struct user *user;
    struct name login;       /* of the user when it was used first; n 0: none, or not known yet */
    uint64_t direct, rooms;  /* up to these its direct and its rooms' messages were received */
    uint64_t read;           /* and shown to somebody up to this one */
    uint64_t seen;           /* nothing up to this one is unread, */
    struct read_mark *marks; /* nor what these say, see unread.c; */
    struct read_mark *gone_marks; /* dropped, but the store has them still */
    unsigned n_marks;             /* so many */
    uint64_t last_direct;        /* the newest direct message from or to it is not after this one */
    uint64_t lost_to, lost_from; /* the newest to and from it that an ephemeral log let go of */
    bool is_moved;               /* these positions are to be stored */
    struct dirty *dirty;         /* NULL: it is stored as it is */
    struct session *sessions;
    struct membership *memberships, *memberships_by_room;
    struct offer *offers; /* to it */
    unsigned n_joined;    /* of these; */
    unsigned n_listening;
    enum presence announced; /* what NEWS last told */
    bool in_news;            /* its presence may have changed since */
    uint8_t news_what;       /* enum news_what: what is about to be told */
    bool is_named;           /* its name was taken from it, and its sessions are to be told */
    char *was;               /* this, too: what it was called before it was taken; NULL: not */
    uint32_t renamed_to;     /* this, too; the number of a handle, 0: none */
    char *away;              /* NULL: not away */
    mono_time active;
    struct handle *next_moved, *prev_moved;
    struct handle *next_of_user, *prev_of_user;
    struct handle **news_list; /* see news.c; NULL: there are none of it */
    struct handle *next_news, *prev_news;
    uint64_t born;            /* all that was made later has a greater number; */
    struct listing *visitors; /* lists that have come to it, see list.c */
    bool is_unclaimed;        /* its user has never joined, and it was made for mail; see mail.c */
    struct mail *mails;       /* this, too: whose, */
    unsigned n_mails;         /* how many messages, */
    uint64_t n_mail_bytes;    /* and what they take */
    UT_hash_handle hh, hh_number;
};

/* Of a direct room: the numbers of their handles, ascending, those who have left among them. */
struct people {
    unsigned n;
    uint32_t handles[PEOPLE_MAX];
};

/*
 * A room without members is not shown; it stays as long as there are messages or offers in it. One
 * that has none has no creator any more; it is there until the store has it no more, either.
 */
struct room {
    struct name name, key;
    struct alike_entry alike;
    uint32_t number;
    uint64_t last_seq;         /* of its newest message; 0: none */
    uint64_t lost;             /* the newest that an ephemeral log let go of */
    char *topic;               /* NULL: none */
    uint8_t form;              /* enum room_form */
    bool is_closed;            /* nobody may join or speak any more */
    bool announces;            /* only its operators speak */
    bool locks_topic;          /* only they set its topic */
    struct room_order *orders; /* by uid and what */
    bool shows_all;            /* private: whoever joins sees all of its past */
    uint64_t private_since; /* who was a member before this message saw all before it was private */
    struct handle *owner;   /* whose user it belongs to; NULL: its creator's */
    struct people *people;  /* direct: whose it is; NULL: it is none */
    struct admission *admissions; /* private: who may see it, in the order in which they were */
    unsigned n_admissions, n_admitted; /* of these, so many have joined */
    struct name group;                 /* of ROOM_GROUP: the Unix group, */
    gid_t gid;                         /* its number, or GROUP_NONE, */
    mono_time gid_at;                  /* as was told then; ns 0: never */
    struct room *next_of_groups, *prev_of_groups;
    struct user *creator;
    struct user *payer, *topic_payer; /* of its memory, and of its topic's */
    struct dirty *dirty;              /* NULL: it is stored as it is, if it is to be stored */
    struct session **listeners;
    unsigned *listener_places; /* of each, where the room stands in its listenings */
    unsigned n_listeners, listeners_size;
    uint64_t named_epoch; /* core->epoch when it was looked, */
    bool has_renamed;     /* whether one of these calls it otherwise than most do */
    struct membership *memberships;
    struct offer *offers; /* to it */
    unsigned n_members, n_joined, n_offers;
    struct room_news *news; /* to be told; NULL: none */
    bool is_lost;           /* in core->lost_rooms */
    struct room *next_lost, *prev_lost;
    uint64_t born;            /* as of a handle, */
    struct listing *visitors; /* this, too */
    UT_hash_handle hh, hh_number;
};

#define ROOM_ORDERS_MAX 128 /* in one room */

/* One handle in one room: by its own wish (joined) or because sessions of it listen there. */
struct membership {
    struct room *room;
    struct handle *handle;
    bool joined;
    bool is_told;   /* others were told of it, and are to be told of its end */
    uint64_t since; /* joined: messages after this one are for the handle */
    unsigned n_listeners;
    struct membership *next_of_handle, *prev_of_handle;
    struct membership *next_of_room, *prev_of_room;
    struct user *payer;       /* of its memory */
    uint64_t born;            /* as of a handle, */
    struct listing *visitors; /* this, too */
    UT_hash_handle hh;        /* of the handle, by room */
};

/* Where a listening session stands in room->listeners. */
struct listening {
    struct room *room;
    unsigned index;
    uint64_t after; /* messages after this one */
};

/* What one of them takes, here and there: where it stands has twice as many places, mostly. */
#define LISTENING_BYTES                                                                            \
    (2 * (sizeof(struct listening) + sizeof(struct session *) + sizeof(unsigned)) +                \
     4 * sizeof(uint16_t))

/* What is charged for one of these besides the structure: heap, hash tables, what looks alike. */
#define SESSION_BYTES (sizeof(struct session) + sizeof(struct seat) + 96)
#define ROOM_BYTES (sizeof(struct room) + 256)
#define HANDLE_BYTES (sizeof(struct handle) + 1024)
#define ADMISSION_BYTES (sizeof(struct admission) + 128)
#define MEMBERSHIP_BYTES (sizeof(struct membership) + 48)
#define TEXT_BYTES(n) ((n) + 32)

/* A message whose parts are still coming. */
struct assembly {
    struct uuid id, reply_to;
    uint8_t kind, flags;
    struct name to;
    uint32_t total, n;
    char text[];
};

/* What the hub holds for a session; handed back to it through core->ended. */
struct seat {
    int msqid; /* the mailbox; -1: it is not ours any more */
    int pidfd;
    struct lane *lane;
    struct road *road; /* NULL: it has no channel */
    uint64_t dies_at; /* not 0: the process is dead, and the session ends when the lane has received
                         so many batches */
    uint64_t death;   /* the number of its process's death, see lane->dead; 0: it lives, else */
    uint64_t session; /* the number of this */
    struct knock *successors; /* who is let in when the session has ended, see join.h */
    struct seat *next_dead, *prev_dead;
    struct seat *next;
};

/* How far a session has been told of the offers that there are, see offer.c. */
struct announcing {
    bool is_under_way;
    bool again;           /* there are new ones behind its back */
    bool has_passed_over; /* some */
    unsigned list;        /* 0: those to its handle, then those to the rooms that it listens in */
    unsigned n_lists;     /* as they were when it began */
    uint32_t view;        /* and these */
    struct offer *at;     /* the next one in this list; NULL: none is left */
    struct session *next_visitor, *prev_visitor; /* of all that are at this offer */
};

/* What an administrator has laid on a user. */
enum sanction_what { SANCTION_MUTE, SANCTION_BAN, SANCTION_RATE, SANCTION_END };

struct sanction {
    uint8_t what;     /* enum sanction_what */
    int64_t until_ms; /* of the wall clock; 0: until it is undone */
    uint32_t rate;    /* RATE: messages in a second */
    uid_t by;
    struct name by_name; /* the handle, as it was */
    char why[ORDER_REASON_MAX + 1];
    struct sanction *next;
};

/* What one user has sent to a handle whose user has never joined, see mail.c. */
struct mail {
    struct user *sender;
    struct handle *to;
    unsigned n;
    uint64_t n_bytes;
    uint64_t last_seq; /* of the newest of it, */
    int64_t last_ms;   /* and when that was written */
    struct mail *next_of_sender, *prev_of_sender;
    struct mail *next_of_handle, *prev_of_handle;
};

/* Up to where a handle has read a conversation. */
struct read_mark_key {
    conv_number conv;
    uint64_t handle; /* its number */
};

struct read_mark {
    struct read_mark_key key;
    struct handle *owner;
    uint64_t seq;                  /* 0: it was dropped, and is to be removed from the store */
    bool is_moved;                 /* that is to be stored */
    bool is_stored;                /* the store has one for this conversation */
    struct read_mark *next, *prev; /* of the handle, in the order in which they moved */
    struct read_mark *next_moved, *prev_moved;
    UT_hash_handle hh;
};

/* A handle, or a room. */
struct target {
    struct handle *handle; /* or */
    struct room *room;
};

/* How a session is held to the pace of others, and others to its own; see pace.c. */
struct pace {
    struct session *by;                    /* it is held by this recipient; NULL: it is not held */
    struct session *held;                  /* it holds these senders */
    struct session *next, *prev;           /* who is held by the same */
    struct session *next_held, *prev_held; /* of core->held_senders */
    mono_time since;                       /* held; or looked at while it is */
    mono_time took_at;                     /* when its mailbox took something in last */
    uint8_t n_turns;                       /* through which it is held; of this one, */
    bool is_half_over;                     /* half is over, */
    bool is_taking;                        /* and the recipient has taken something in it */
    bool is_stalled;
};

/* What a delivery has met. */
struct pace_look {
    struct session *full; /* of those that have much waiting, who is through first; NULL: none */
    unsigned n_full, n_reading;
    unsigned n_users_full, n_users_reading;
    uint64_t round; /* another one for each delivery */
};

struct session {
    uint64_t number; /* a secret between the hub and the client */
    uint64_t link;   /* chosen by the client, the same after it came back; not secret */
    int mailbox;     /* its msqid */
    pid_t pid;
    unsigned abilities;
    uint16_t slot;
    bool confirmed, dead;
    bool is_half_over;  /* of the time until it ends by itself */
    bool may_wall;      /* may write to everybody who is here */
    bool condemned;     /* it broke the protocol: nothing that it says counts, and it ends soon */
    bool skips_parts;   /* of a message whose beginning was refused */
    bool offers_due;    /* there are offers that it does not know of yet */
    bool lacks_objects; /* there was no memory for more of them, see core_answer_object() */
    uint8_t channel;    /* enum channel_state */
    struct user *user;
    struct handle *handle;
    struct seat *seat; /* the hub's: mailbox, and the lane that its frames must come from */
    mono_time since;   /* it began, or was condemned; or half of the time after that was over */
    uint64_t joined_seq, direct_after, rooms_after; /* see feed.c */
    uint64_t feed_next;
    bool held;                /* it has not said READY yet */
    bool behind;              /* it gets nothing at once, but from the log from feed_next on */
    bool is_asking;           /* the store is, or will be, reading for it */
    bool awaits_feed;         /* of these, nobody has taken its question yet */
    uint32_t view;            /* which conversations it hears: another number after each change */
    struct offer *offers;     /* that it has made */
    struct offer_over *overs; /* those that it knows of and that are over, which it is to be told */
    unsigned n_overs, overs_size;
    struct offer **known;   /* offers that it knows of and that are not over; */
    unsigned n_told;        /* so many */
    unsigned known_size;    /* places in the table */
    mono_time offers_again; /* those whose senders have no memory are tried then; ns 0: none */
    struct announcing announcing;
    struct caller *callers;   /* who has sent signals that may still wait, see offer.c */
    uint64_t last_seq;        /* of its own latest message */
    struct listing *listings; /* requests for lists that are not answered, in order */
    struct claim *claims;     /* its own */
    struct object *objects;   /* see core_answer_object() */
    unsigned n_objects, objects_size;
    struct channel_traffic *traffic; /* NULL: it has no channel */
    struct outbox outbox;
    unsigned n_weighed; /* chunks in it, as its user was told last, */
    bool is_hoarder;    /* and whether it was stuck */
    bool ack_due;
    bool broken;  /* it lacks something for want of memory: it ends, and comes again */
    uint8_t list; /* enum session_list */
    struct session *next_hoarder, *prev_hoarder;
    uint64_t ack_seq;
    struct uuid ack_id;
    struct pace *pace;       /* NULL: it was never held, nor has it held others */
    uint32_t burst_began_ms; /* and so many bytes it has sent since then, as far as they count */
    uint32_t n_burst;
    struct assembly *assembly;
    struct listening *listenings;
    unsigned n_listenings, listenings_size, index_size;
    uint8_t n_deferred; /* times in a row */
    uint8_t n_listings;
    uint8_t n_asks;            /* questions about the past that are not answered */
    uint16_t *index;           /* of the listenings, by room; NULL: these are few */
    struct target last_target; /* the one found last, */
    uint64_t last_epoch;       /* and core->epoch as it was */
    struct session *next_of_handle, *prev_of_handle;
    struct session *next_listed, *prev_listed;
    struct session *next_ack, *prev_ack;
    struct session *next_news, *prev_news;     /* of all that want NEWS */
    struct session *next_ending, *prev_ending; /* of core->unconfirmed or core->condemned */
    struct session *next_feed, *prev_feed;     /* of its user, see past.c */
    struct session *next_of_mailbox;           /* of those with the same place in core->mailboxes */
    UT_hash_handle hh_link;
};

/*
 * Messages of one sender to one room or handle that are not in the outboxes yet, see outgoing.c.
 * Their frames are the first n bytes of core->frames.
 */
struct run {
    struct session *sender; /* NULL: there is none */
    struct target target;
    uint64_t epoch;                /* core->epoch as it was: the names in their ORIGIN hold */
    uint64_t seq;                  /* of the first message */
    uint64_t high_seq, high_at_ms; /* what their ORIGIN says of these */
    size_t n;
    uint16_t n_messages;
    unsigned needs;  /* see struct encoded */
    size_t n_origin; /* bytes of their ORIGIN */
    uint8_t origin[ORIGIN_BYTES_MAX];
};

/* A handle that is a user's by right, because it is his login name, is taken from who has it. */
struct core_right {
    bool takes;
    uid_t from; /* takes: from this uid; it stays with anybody else */
};

/* Whose login name a recipient is who is nobody's handle. */
enum login_what {
    LOGIN_NOT_ASKED,
    LOGIN_NOBODYS, /* it is none */
    LOGIN_FOUND,
    LOGIN_UNTOLD, /* the user database does not tell */
};

struct core_login {
    enum login_what what;
    uid_t uid;
    struct name name;  /* as it is spelled there */
    struct name login; /* of the uid, which may have several such names */
};

/* What a message is about that mends or answers it, as the store has it. */
struct core_target {
    struct record record; /* without the text; seq 0: nothing is there. Whose reactions are is the
                             hub's to free */
    conv_number conv;     /* 0, or a conversation, */
    uint16_t last_n;      /* and the number of its latest reply; 0: it has none */
};

/* What is to be told about others, see news.c. Of two lists one is gathered, the other one told. */
struct news {
    struct room_news *rooms[2];
    struct handle *handles[2];
    uint64_t round; /* its last bit says which is gathered */
    bool is_telling, told_many;
    struct handle *unsettled; /* from here on it is not settled what is to be told */
    unsigned n_came, n_left;
    struct room *room; /* whose listeners are being told, up to `at`; NULL: none */
    unsigned at;
    struct session *next; /* of all that want NEWS, who is told next; NULL: nobody */
    unsigned needs;       /* abilities, for some of the frames */
    size_t n;             /* bytes of frames */
    uint8_t frames[BATCH_BYTES_MAX];
};

struct core_counters {
    uint64_t messages, deliveries, refused, missed, rejected, joins, batches_in, batches_out;
    uint64_t channel_batches; /* of both, those that went through channels */
    uint64_t commits;         /* of the store, that succeeded */
};

/* What the store has under an id. */
enum stored {
    STORED_NOTHING,
    STORED_SAME,  /* this very message */
    STORED_OTHER, /* another one, see record_is_same() */
};

struct core_config {
    size_t batch; /* bytes per batch */
    uid_t uid;    /* of the hub */
    enum hub_mode mode;
    unsigned sessions_per_user; /* 0: as many as the table says */
    char name[128];
    struct uuid instance; /* which every client knows */
    uint64_t secret;      /* which none does: the seed of hashes over what they choose */
    bool durable;         /* there is a store */
    size_t log_bytes_max; /* of the log in memory; a store may need more for a moment */
    unsigned keep_days;   /* for WELCOME and status; 0: without bound */
    uint64_t keep_bytes;
    int64_t mend_ms;                      /* so long its author may edit or remove a message */
    size_t channel_bytes;                 /* of a channel's segment; 0: there are none */
    int64_t channel_quiet_ms;             /* then a session goes back to its queues */
    uint8_t claim_key[SIPHASH_KEY_BYTES]; /* of what proves claims to the next hub, and */
    uint32_t generation;                  /* how many hubs have had it before; */
    bool has_heirlooms;                   /* one of them, so that its claims may come back */
    uint32_t numbers_max; /* of handles and rooms; 0: as many as there are, see record.h */
    /* Where the message with uid and id of this record is stored. NULL: there is no store. */
    enum stored (*find_stored)(void *arg, const struct record *like, uint64_t *seq);
    void *find_arg;
};

struct core {
    struct core_config config;
    struct user *users;
    struct handle *handles;
    struct room *rooms;
    struct session **slots; /* SESSIONS_MAX pointers */
    uint32_t n_slots;       /* slots that were ever used; */
    uint16_t *free_slots;   /* those of them that are free now */
    uint32_t n_free_slots;
    struct session *mailboxes[MAILBOX_PLACES]; /* living sessions, by the last bits of its id */
    unsigned n_sessions;
    uint64_t seq;
    struct log log;
    struct persist persist;
    struct forgotten *forgotten, *forgotten_first; /* see forget.c */
    struct reactions *reactions, *reactions_first; /* see past/react.c */
    size_t n_reactions, reactions_bytes;
    struct read_mark *marks;
    struct user *asking, *feeding; /* those with questions for a reader, in turn */
    struct offer *offers;
    struct handle *handles_by_number;
    struct alike *alike_handles, *alike_rooms;
    struct room *rooms_by_number;
    struct room *lost_rooms;         /* whose past an ephemeral log has let go of */
    struct room *group_rooms;        /* those of Unix groups; */
    unsigned n_group_rooms;          /* so many */
    bool wants_groups;               /* a round of questions is due now; the hub takes it back */
    struct group_look group_look;    /* of the group of the CHANGE under way; set by the hub */
    uint32_t last_handle, last_room; /* the numbers that were given last */
    uint64_t n_born;                 /* handles, rooms and memberships, ever */
    uint64_t epoch;                  /* changes when a room ends: then last_target may dangle */
    struct chunk_pool pool;
    uint8_t *frames; /* of a run, of the message under way, and base64; see encode.c */
    struct run run;
    struct session *acks, *news_sessions;
    struct session *held_senders; /* in the order in which they are looked at, see pace.c */
    struct pace_look pace_look;   /* of the delivery under way */
    struct session *unconfirmed, *condemned; /* in the order in which they end */
    struct seat *ended; /* of sessions that have ended; the hub takes them from here */
    struct news news;
    unsigned n_news_sessions;
    struct user *turns[SESSION_LISTS]; /* who has sessions that wait, in turn */
    unsigned slice;                    /* what is left of a turn of these */
    mono_time started, acks_due, news_due, ending_due, positions_due; /* ns 0: nothing is due */
    mono_time steps_due, walls_due, channels_due;
    struct channel_traffic *channels; /* of all that have one */
    unsigned n_channels;
    bool channel_is_there; /* the segment of the CHANNEL under way; set by the hub */
    struct claim_book claims;
    struct numbering *numberings; /* of the replies in each conversation, see answer.c */
    struct pin *pins;             /* what is pinned and starred, see past/pin.c, */
    struct pin_list *pin_lists;   /* where, or by whom */
    struct wall *walls;           /* messages to all that not all have yet, see route.c */
    mono_time now;                /* of the call under way */
    wall_time wall;
    struct calendar calendar;     /* whether that can be believed */
    const char *broken_rule;      /* by the frame under way */
    struct core_right nick_right; /* to the handle of the NICK under way; set by the hub */
    struct core_login mail_login; /* to whom the message under way goes; set by the hub */
    const struct core_login *people_logins; /* who is meant by the GATHER under way; this, too */
    unsigned n_people_logins;
    struct core_target target; /* what that is about, from the store */
    unsigned n_unclaimed;      /* handles; */
    uint64_t n_mail_bytes;     /* and what waits for them */
    bool wants_flush;          /* memory is short: what is in the outboxes is to be sent soon */
    struct account_limits limits;
    uint64_t n_own_work, delivery; /* see user.c */
    struct user *worked;
    int64_t stretch;              /* of time, and how many users */
    unsigned n_at_work, n_before; /* are at work in it, and were in the one before; see user.c */
    struct core_counters counters;
    char act[640]; /* what an administrator has done just now, for the log; the hub empties it */
};

int core_init(struct core *core, const struct core_config *config, mono_time now);
void core_deinit(struct core *core);

/* Every entry from outside begins with this. */
static inline void core_set_time(struct core *core, mono_time now, wall_time wall) {
    core->now = now;
    core->wall = wall;
    calendar_observe(&core->calendar, now, wall);
}

/* The user of a uid, made if need be; NULL when memory is out. */
struct user *core_user(struct core *core, uid_t uid);

/* What a HELLO that passed the kernel's checks asks for. */
struct core_join {
    uid_t uid;
    pid_t pid;
    struct seat *seat; /* stays the caller's when joining fails */
    unsigned abilities;
    struct name handle;
    struct name login;       /* the login name of this uid; n 0: it has none */
    struct core_right right; /* to the handle */
    uint64_t random;         /* for the session number */
    uint64_t link, after;
    bool may_wall;                     /* besides root and the hub's owner */
    const struct group_answer *groups; /* NULL: nothing is told of them */
};

/* Begins a session; core_welcome() must follow, after core_tell_gate() if its lane has a gate.
 * Returns a fail_code (FAIL_NONE: done), the why in `reason`. */
enum fail_code core_join(struct core *core, const struct core_join *join, struct session **session,
                         char reason[256]);
void core_welcome(struct core *core, struct session *session, int lane_msqid);

/* Before WELCOME, or at any time later. */
void core_tell_gate(struct core *core, struct session *session, int shmid);

/* The living session with this number; NULL when there is none. */
struct session *core_session(struct core *core, uint64_t number);

/*
 * Ends a session. It is freed here, or in core_returned() when its outbox is in flight.
 */
void core_end(struct core *core, struct session *session);

/*
 * A valid frame from this session's lane. Returns NULL, or what rule it broke: then the session is
 * condemned. It may have ended, and be freed: look for its number again.
 */
const char *core_receive(struct core *core, struct session *session, const struct frame *frame);

/*
 * What it sent breaks the protocol, so what comes behind it may mean anything. It is told which
 * rule it broke (FAIL_BAD_FRAME to request 0), nothing that it says counts any more, so that no
 * acknowledgement covers what was not dealt with; and after CONDEMNED_MS it ends.
 */
void core_condemn(struct core *core, struct session *session, const char *rule);

/*
 * Whether a frame ends a message to a name that is nobody's handle. Then the hub looks up whose
 * login name that is, sets core->mail_login, and hands the frame in. The look-up is charged.
 */
bool core_awaits_login(struct core *core, struct session *session, const struct frame *frame,
                       struct name *name);

/*
 * The same of a GATHER, whose names the hub looks up one after the other, until there is none that
 * is neither a handle nor among the n it knows already. Then it sets core->people_logins to these.
 */
bool core_awaits_person(struct core *core, struct session *session, const struct frame *frame,
                        const struct core_login *known, unsigned n, struct name *name);

/*
 * The same of a NICK, for which the hub sets core->nick_right: whether it hangs on the user
 * database who may have that handle. Else the user has it already, or is refused it anyway.
 */
bool core_awaits_right(struct core *core, struct session *session, const struct frame *frame);
/* Whether the user database has to be asked if this user may do this: for what administrators may,
 * and a WALL. The look-up is charged. */
bool core_needs_right(struct core *core, struct session *session, const struct frame *frame);

/*
 * Whether a frame ends a message that mends or answers another one, of which something is not in
 * memory. Then the hub sets core->target, and hands the frame in: it looks in the store for the
 * message with uid and id of `like`, unless the id is nil; and, for an answer, for the number of
 * the latest reply in its conversation, or (the id is nil) in that of `like`.
 */
bool core_awaits_target(const struct core *core, const struct session *session,
                        const struct frame *frame, struct record *like);

/* Answers a request by the hub itself, who had a reason to refuse it. */
void core_refuse(struct core *core, struct session *session, uint32_t request, enum fail_code code,
                 const char *reason);

/*
 * A fresh mailbox has the id of an older session's: so that one's was removed and the kernel gave
 * its number away. The older session ends, and nobody touches the mailbox in its name. Must come
 * before core_join() for it.
 */
void core_evict_mailbox(struct core *core, int msqid);

/*
 * Who has the handle with this key, as seen by the uid with this login name (n 0: it has none). A
 * handle belongs to a uid and the login name that it had then: if the uid was given to somebody
 * else, it is set aside, and *owner is the uid itself.
 */
enum handle_holder { HANDLE_IS_FREE, HANDLE_IS_OWN, HANDLE_IS_OTHERS };
enum handle_holder core_handle_holder(struct core *core, const struct name *key, uid_t uid,
                                      const struct name *login, uid_t *owner);

/* Objects for LIST_OBJECTS that only the hub knows: it tells them before that request. */
void core_answer_object(struct core *core, struct session *session, uint32_t request,
                        enum object_role role, int id, uid_t uid, pid_t pid);

/* Whether CHANNEL from this session could be granted: then the hub attaches the segment before. */
bool core_channel_may_begin(const struct core *core, const struct session *session);
/* Whether the client sends through its channel. */
static inline bool core_channel_is_read(const struct session *session) {
    return session->channel == CHANNEL_USED || session->channel == CHANNEL_LEFT;
}
/* So many batches have come through it. */
void core_channel_moved(struct core *core, struct session *session, unsigned n);
/* There is room in the channel, which may have been full. */
void core_channel_has_room(struct core *core, struct session *session);

/* Does what is due (acks, news, handshakes that failed). */
void core_tick(struct core *core);

/* When core_tick() is next due; ns 0: never. */
mono_time core_due(const struct core *core);

/* Tells every session that the hub stops. */
void core_say_bye(struct core *core);

/* One mailbox with what goes there next. */
struct delivery {
    struct session *session;
    int msqid;
    struct road *road;    /* NULL: by the mailbox */
    struct chunk *chunks; /* the hub advances it past those that were sent and releases them */
    struct chunk *sent;
    bool close_reserve;
    bool full;           /* set by the hub: it was full, and is told when there is room */
    bool deferred;       /* set by the hub: it was full; it is tried again before long */
    bool may_defer;      /* a few times in a row, then MORE has to say when there is room */
    bool reserve_opened; /* set by the hub */
    bool gone;           /* set by the hub: the mailbox was removed, or the ring is broken */
};

/* Delivers the messages to a room that were gathered last. */
void core_close_run(struct core *core);
/* How many the messages to a room are for that were gathered last, and can be joined by more. */
unsigned core_n_waiting_for_run(const struct core *core);

/* Takes what is to be sent, for at most `max` mailboxes. Returns for how many. */
size_t core_take(struct core *core, struct delivery *deliveries, size_t max);

/*
 * Those whose mailbox was full, but may have room by now, are looked at again. The hub calls it
 * before it takes what is to be sent.
 */
void core_retry_deferred(struct core *core);

/* The hub has tried. A session whose mailbox is gone is ended. */
void core_returned(struct core *core, struct delivery *deliveries, size_t n);

/*
 * The hub has worked so long, under its lock, on what this user has sent (NULL: on nobody's). Who
 * has had a part of that for his own sake is charged for it.
 */
void core_spend_time(struct core *core, struct user *user, int64_t ns);
/* The queue that a user's next frames come from is read after so many nanoseconds, 0: at once. */
int64_t core_throttle_ns(struct core *core, struct user *user);
/*
 * Or when the disk has taken some of what waits for it: after the next commit, or, if that does not
 * come, after some turns.
 */
#define CORE_DISK_TURN_MS 25
bool core_awaits_disk(const struct core *core, const struct user *user);
