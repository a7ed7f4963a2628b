/* What the files of the core use of each other. */
#pragma once

#include "base/base64.h"

#include "core/core.h"
#include "core/past/past.h"
#include "proto/answer.h"
#include "proto/mend.h"

/*
 * What goes into a session's outbox, besides messages, follows one of these rules:
 *
 *   an answer  to what it has sent: it arrives, or the session ends (and its client comes again,
 *              and asks again). It has a place as long as its user's account has memory, and
 *              beyond that if nothing else waits.
 *   a notice   of what others do has a small part of the outbox, and of the memory what others
 *              leave to its user. When that is full it is dropped, or whoever causes it is told
 *              that it did not arrive; nobody's session ends because of what others do. One that
 *              comes instead of something else (offer.c) is remembered until there is room.
 */
void session_answer(struct core *core, struct session *session, const struct frame *frame);

enum notice {
    NOTICE_MAY_BE_MISSED,
    NOTICE_FOR_IT, /* somebody speaks to this session, not to everybody: it gets a larger part */
};
/* `by` has caused it: another user's attention is charged to him. False: it has no place. */
bool session_notify(struct core *core, struct user *by, struct session *session, enum notice rule,
                    const struct frame *frame);
/* The two halves of it: the charge, at a time when it may not be told yet; */
void session_charge_notice(struct core *core, struct user *by, struct user *to);
/* and what was paid for. */
bool session_tell(struct core *core, struct session *session, enum notice rule,
                  const struct frame *frame);

/* So much of a user's memory only he himself uses up. */
#define OTHERS_LEAVE(account) ((account)->limits->max[ACCOUNT_MEMORY] / 4)

static inline bool session_leaves_memory(const struct session *session) {
    const struct account *account = &session->user->account;
    return account_left(account, ACCOUNT_MEMORY) > OTHERS_LEAVE(account);
}

/* Users (user.c). */
void user_free(struct core *core, struct user *user);
/*
 * Memory for what a user makes, which stays until he gives it up: it leaves the same part free, so
 * that he is answered. False: `reason` says why.
 */
bool user_charge(struct user *user, size_t n, char reason[256]);
/* The same, but it is asked for only, and charged with account_spend() when it is made. */
bool user_may_charge(struct user *user, size_t n, char reason[256]);
/*
 * Whether there is one only, the one that joins counted, too. It is refused nothing for lack of
 * memory that it needs to be there: what is restored may be beyond the limit, and only with it can
 * something be given up.
 */
static inline bool user_has_one_session(const struct user *user) {
    return user->account.used[ACCOUNT_SESSIONS] == 1;
}
void user_give_back(struct user *user, size_t n);

/* Whether a notice of n bytes has a place. */
bool session_takes_notice(struct core *core, const struct session *session, enum notice rule,
                          size_t n);
/* Whether an answer of n bytes has a place. */
bool session_takes_answer(const struct core *core, const struct session *session, size_t n);
/* Into its outbox; whether there is a place has been asked. False: memory is out. */
bool session_append(struct core *core, struct session *session, const struct encoded *encoded);
/* Its outbox has changed. */
void session_weigh(struct session *session);
/* Of those that take in nothing, the one for which most waits; NULL: there is none. */
struct session *user_largest_hoarder(const struct user *user);
/* As an answer. False: there is no memory, or not for this user. */
bool session_put(struct core *core, struct session *session, const struct frame *frame);
void session_done(struct core *core, struct session *session, uint32_t request);
void session_fail(struct core *core, struct session *session, uint32_t request, enum fail_code code,
                  const char *reason);

/*
 * Memory is out, and the session lacks an answer or some of its messages: it ends when the outboxes
 * are taken next. Its client comes again, and asks or says again what it has no answer for.
 */
void session_break(struct core *core, struct session *session);

/* Sessions (session.c). It has sent a frame: the handshake is over. */
void session_confirm(struct core *core, struct session *session);
/* It is to end soon: it is told why, nothing that it says counts, and it gets nothing more. */
void session_remove(struct core *core, struct session *session, const char *reason);
/* Frees a dead session whose outbox is not in flight. */
void session_free(struct core *core, struct session *session);
/* Handshakes that failed, and sessions that broke the protocol. */
void session_end_due(struct core *core);

/* ns 0: never. */
static inline mono_time mono_earlier(mono_time a, mono_time b) {
    return a.ns == 0 || (b.ns != 0 && b.ns < a.ns) ? b : a;
}

static inline bool core_is_due(const struct core *core, mono_time due) {
    return due.ns != 0 && due.ns <= core->now.ns;
}

static inline struct outbox_address session_address(const struct core *core,
                                                    const struct session *session) {
    return (struct outbox_address){.session = session->number,
                                   .mtype = session->pid,
                                   .batch = core->config.batch,
                                   .payer = &session->user->account};
}

/* A message goes into its outbox at once, or (false) the session falls behind with it. When all
 * have it, pace_judge(). */
bool session_deliver(struct core *core, struct session *session, const struct encoded *encoded,
                     uint64_t seq);

/* To all sessions of a handle, or all whom a message to this target is for; not to `from`. Returns
 * to how many. */
size_t handle_deliver(struct core *core, const struct handle *handle, struct session *from,
                      const struct encoded *encoded, uint64_t seq);
size_t target_deliver(struct core *core, struct session *from, const struct target *target,
                      const struct encoded *encoded, uint64_t seq);

/*
 * Runs of messages to one room or handle. run_go_on() adds a message to the run that there is, if
 * it is of its kind; run_add() adds what was encoded just now, also to a new one, or returns false:
 * it is too long for a run; it stands where it was, and the run is closed.
 */
bool run_go_on(struct core *core, const struct session *sender, const struct target *target,
               const struct record *record);
bool run_add(struct core *core, struct session *sender, const struct target *target,
             const struct record *record, const struct encoded *encoded);
void run_close(struct core *core);

/* Puts the session on the list; takes it off again. */
void session_enlist(struct core *core, struct session *session, enum session_list list);
void session_unlist(struct core *core, struct session *session);
/* The first one of the user whose turn it is, off the list; NULL: none. */
struct session *session_take_listed(struct core *core, enum session_list list);
/* To be looked at by core_take(). */
void session_touch(struct core *core, struct session *session);

/* Work for a session whose outbox has room uses up what core_take() may do before it returns. */
static inline void core_spend_slice(struct core *core, unsigned n) {
    core->slice -= n < core->slice ? n : core->slice;
}

/* Look-ups (lookup.c). */
#define SESSION_SLOT_MASK UINT64_C(0xffff) /* of a session's number */
struct handle *handle_of_number(const struct core *core, uint32_t number);
struct room *room_of_number(const struct core *core, uint32_t number);
/* Numbers go round: after the greatest one comes the first that is free. 0: none is. */
uint32_t number_next(const struct core *core, uint32_t last, uint32_t max, unsigned n_used,
                     bool (*is_used)(const struct core *core, uint32_t number));

/* Of the sender and of the handle or room that a message went to. */
struct names {
    struct bytes from, to;
    struct name room; /* where `to` may stand */
};

/* As this user calls them. False: nobody knows its sender or target any more. */
bool names_of(const struct core *core, const struct user *user, const struct record *record,
              struct names *names);

/* NULL: it is not here. */
struct session *session_of_link(struct core *core, uid_t uid, uint64_t link);
struct handle *handle_find(struct core *core, const struct name *key);
struct room *room_find(const struct core *core, const struct name *key);
struct membership *membership_find(const struct handle *handle, const struct room *room);

/* A name for what was called `was`, and is `uid`'s: "was.1001". False: all such are in use. */
bool name_set_aside(struct core *core, const struct name *was, uid_t uid, struct name *name,
                    struct name *key);

enum fail_code target_find(struct core *core, struct session *session, struct bytes to,
                           struct target *target);
/* The sentence that the sender reads. */
void target_reason(struct bytes to, enum fail_code code, char reason[256]);

/* Frames (encode.c), into memory of the calling thread; valid until the next call. */
struct bytes encode(const struct frame *frame);

/* Room for what is made of a text for one session. */
#define ENCODE_SCRATCH                                                                             \
    (BASE64_CHARS(FILE_BODY_MAX) > MESSAGE_TEXT_MAX ? BASE64_CHARS(FILE_BODY_MAX)                  \
                                                    : MESSAGE_TEXT_MAX)

/* Room for the parts of the longest text. */
#define ENCODED_MAX (MESSAGE_TEXT_MAX + (size_t)64 * (BATCH_BYTES_MIN))

/* Of what is made anew for one session, such as base64, so many bytes take as long as a look. */
#define ENCODED_PER_LOOK 128

/*
 * Whether a frame may carry its body. Of what comes from a client that is known; but a store may be
 * damaged, or older than the rule that a file which is no text has at most FILE_BODY_MAX bytes.
 */
static inline bool record_is_sendable(const struct record *record) {
    return body_is_valid(record->kind, record->text);
}

/* Whether its line stands before the text of a reply: if both are no more than a text may be. */
static inline bool record_has_answer(const struct record *record) {
    return !uuid_is_nil(&record->thread) && record->kind != KIND_FILE &&
           record->text.n <= MESSAGE_TEXT_MAX - ANSWER_LINE_MAX;
}
/* The abilities of who can read a message as encode_message() writes it; */
static inline unsigned encoded_needs(const struct record *record) {
    return ABILITY_LINES | (body_is_binary(record->kind, record->text) ? ABILITY_FILES : 0u) |
           (record->kind & KIND_HEADED ? ABILITY_HEADS : 0u) |
           (mend_is(record->kind) ? mend_ability(record->kind) : 0u) |
           (record_has_answer(record) ? ABILITY_ANSWERS : 0u);
}
/* whether the session has them. Else it is fed, with encode_old_message(). */
static inline bool encoded_is_for(const struct session *session, const struct record *record) {
    return (encoded_needs(record) & ~session->abilities) == 0;
}

/* A message as ORIGIN and LINE, or as a MESSAGE where it cannot be one; until the next one. */
void encode_message(const struct core *core, const struct record *record, const struct names *names,
                    uint8_t flags, struct encoded *encoded);
/* Only the LINE, behind an ORIGIN that is there. Returns its bytes; 0: it cannot be one, or not of
 * n bytes. */
size_t encode_line(const struct core *core, const struct record *record, uint8_t *at, size_t n);
/* The same as a MESSAGE that is plain text, for who does not know one of these; or as PAST in
 * answer to a request of who has these abilities. */
void encode_old_message(const struct core *core, const struct record *record,
                        const struct names *names, uint8_t flags, struct encoded *encoded);
void encode_past(const struct core *core, const struct record *record, const struct names *names,
                 uint32_t request, unsigned abilities, struct encoded *encoded);

/* The hub's time (user.c): a delivery is about to be made to each of many sessions; */
void work_begin_delivery(struct core *core);
/* it was made to one of this user's: the first one is the sender's, the others are his own. */
void work_note_delivery(struct core *core, struct user *user);
/* Something was done for this user, whoever has the lock. */
void work_note(struct core *core, struct user *user);

/* Who lags (feed.c). */
void feed_begin(struct core *core, struct session *session, uint64_t after);
void feed_ready(struct core *core, struct session *session);
void feed_taken(struct core *core, struct session *session, uint64_t seq, uint64_t read);
/* What it was to get from this message on was taken away from it again. */
void feed_fall_back(struct session *session, uint64_t seq);
/* Whether it is behind, and there is something to be looked at. */
static inline bool feed_is_due(const struct session *session) {
    return session->behind && !session->held && !session->is_asking;
}
/* Fills the outbox of a session that is behind, if it has room. */
void feed_step(struct core *core, struct session *session);

/* The past (past/). */
/* The session is to be fed from the store. */
void ask_feed(struct core *core, struct session *session);
/* The session ends. */
void ask_drop_of(struct core *core, struct session *session);
/* To the questions of its user that wait: it is not answered yet. */
void ask_put_back(struct core *core, struct ask *ask);
/* Of its rooms, which stand in the order of this comparison; NULL: that is none of them. */
const struct ask_room *ask_room_of(const struct ask *ask, conv_number conv);
int ask_compare_rooms(const void *a, const void *b);
/* HISTORY, FIND, SEARCH, FORGET. */
void past_find(struct core *core, struct session *session, const struct frame *frame);
void past_history(struct core *core, struct session *session, const struct frame *frame);
void past_search(struct core *core, struct session *session, const struct frame *frame);
void past_forget(struct core *core, struct session *session, const struct frame *frame);
void past_unread(struct core *core, struct session *session, const struct frame *frame);
/* One COUNT in answer to UNREAD of this handle. */
void past_put_count(struct core *core, struct session *session, uint32_t request, uint32_t handle,
                    const struct ask_count *count);

/* Forgetting (forget.c). */
/* Whether the handle has forgotten this message. */
bool forget_has(const struct core *core, uint32_t handle, const struct record *record);
/* So that forget_now() cannot fail; false: the why is in `reason`. */
bool forget_make_place(struct core *core, const struct handle *handle, conv_number conv,
                       char reason[256]);
/* It was made for nothing. */
void forget_drop_place(struct core *core, const struct handle *handle, conv_number conv);
void forget_now(struct core *core, const struct handle *handle, conv_number conv);
void forget_deinit(struct core *core);

/* Offers (offer.c). */
void offer_make(struct core *core, struct session *session, const struct frame *frame);
void offer_signal(struct core *core, struct session *session, const struct frame *frame);
void offer_withdraw(struct core *core, struct session *session, const struct frame *frame);
struct offer_key {
    struct uuid id;
    uint32_t uid;
};
/* For a list: how many there are for the session, which, and one of them, if it may take it. */
size_t offer_count(const struct session *session);
size_t offer_keys(const struct session *session, struct offer_key *keys);
void offer_tell(struct core *core, struct session *session, uint32_t request,
                const struct offer_key *key);
/* Those that the session made end; those that it had taken can be taken again, when it is no more.
 */
void offer_end_all(struct core *core, struct session *session);
/* Whether there is something that it could not be told yet, and that now, if its outbox has room.
 */
static inline bool offer_is_due(const struct session *session) {
    return session->offers_due || session->n_overs > 0;
}
void offer_step(struct core *core, struct session *session);
/* What waited for it is being sent: signals that do not wait any more do not count. */
void offer_note_sent(struct core *core, struct session *session);

/* Which offers a session knows of. A hash table: its end takes one step. */
bool known_has(const struct session *session, const struct offer *offer);
/* Place for one more, for which its user pays; false: memory is out, or his is. */
bool known_reserve(struct session *session);
void known_add(struct session *session, struct offer *offer);
void known_remove(struct session *session, const struct offer *offer);
void known_free(struct session *session);

/* What outlives the hub (persist.c). */
void persist_init(struct core *core);
void persist_deinit(struct core *core);
/* What the log need not keep any more. */
void persist_trim(struct core *core);
void persist_position(struct core *core, struct handle *handle);
void persist_tick(struct core *core);
/* Whether this user may have more that waits to be stored, and change more that is to be stored;
 * else `reason` says why not. What is only to be removed may be changed always. */
bool persist_may_wait(const struct core *core, struct user *user, char reason[256]);
bool persist_may_change(const struct core *core, struct user *user, char reason[256]);
/* This user is to have something stored: when he is not the only one, all may have less waiting. */
/* So many bytes wait for the disk. */
void persist_charge(struct core *core, struct user *user, size_t n);
void persist_note_storing(struct core *core, const struct user *user);
/* Whether the next message can have a number that no other one will ever have. */
bool persist_may_number(const struct core *core);
/* What storing it costs, about, as ACCOUNT_STORING counts it. */
size_t persist_cost(const struct log_entry *entry);
/* Into the log; NULL when memory is out. */
struct log_entry *persist_message(struct core *core, const struct session *session,
                                  const struct record *record, unsigned ack_flags);
/* Sent again; it is acknowledged when all up to `after` is stored. False when memory is out. */
bool persist_repeat(struct core *core, const struct session *session, const struct uuid *id,
                    uint64_t seq, uint64_t after, unsigned flags);

/* What has changed and is not stored (change.c). False: memory is out. */
bool persist_handle(struct core *core, const struct handle *handle);
/* The same, and another user pays. */
bool persist_handle_by(struct core *core, struct user *user, const struct handle *handle);
/* user: who changed it. */
bool persist_room(struct core *core, struct user *user, struct room *room);
/* The same, and before any other change that is made later, such as another room of its name. */
bool persist_room_first(struct core *core, struct user *user, struct room *room);
/* It was kept, and is not any more (room_is_kept()). */
bool persist_no_room(struct core *core, struct user *user, uint32_t number);
/* Who sees a private room: it is new, or has changed; it is about to end. */
bool persist_admission(struct core *core, struct user *user, const struct admission *admission,
                       bool is_new);
bool persist_no_admission(struct core *core, const struct admission *admission);
/* The same before anything else, and `by` pays. */
bool persist_member_first(struct core *core, struct user *by, const struct membership *membership);
/* It has become joined, or is not any more. */
bool persist_member(struct core *core, const struct membership *membership);
bool persist_forget(struct core *core, const struct handle *handle, conv_number conv);
/* It was laid on this user, or lifted. */
bool persist_sanction(struct core *core, struct user *by, const struct user *user,
                      enum sanction_what what);
/* The same in a room. */
bool persist_room_order(struct core *core, struct user *by, const struct room *room,
                        const struct room_order_key *key);
/* Before a message: what its record names is stored with it, or is already. */
bool persist_needs(struct core *core, const struct session *session, const struct target *target);
/*
 * A request begins. What is changed until persist_answer() is what DONE says to be stored; that
 * it is so already may not be stored yet, either.
 */
void persist_begin(struct core *core);
void persist_end(struct core *core);
void persist_await_handle(struct core *core, const struct handle *handle);
void persist_await_member(struct core *core, const struct membership *membership);
/* DONE, or FAIL, when all of that was committed; at once, if nothing was changed. */
void persist_answer(struct core *core, struct session *session, uint32_t request);
/* That, or (code) FAIL at once. */
void persist_finish(struct core *core, struct session *session, uint32_t request,
                    enum fail_code code, const char *reason);
/* The same as persist_answer() for all messages after that one. */
void persist_answer_after(struct core *core, struct session *session, uint32_t request,
                          uint64_t before);
/* Commits (commit.c): the hub ends, and what is not stored will not be: its senders' accounts are
 * given it back. */
void persist_give_up(struct core *core);
/* What changes.c does of a commit. False: memory is out, and what its messages need is not there.
 */
bool changes_take(struct core *core, struct changes *rows, uint64_t upto);
void changes_committed(struct core *core, struct changes *rows, const char *trouble);
void changes_answer_walls(struct core *core, const char *reason);
void changes_deinit(struct changes *rows);
void changes_give_up(struct core *core);
/* Objects that are not stored as they are. */
size_t changes_waiting(const struct core *core);

/* Handles: registration, presence (handle.c). */
/* Whether it may be given to a session that listens in all rooms of the handle; else `reason`. */
bool handle_may_attach(struct core *core, struct user *user, unsigned abilities,
                       const struct name *name, char reason[256]);
enum fail_code handle_claim(struct core *core, struct user *user, const struct name *name,
                            const struct core_right *right, struct handle **handle,
                            char reason[256]);
/* One that is there, for a session that only looks. */
enum fail_code handle_look_up(struct core *core, struct user *user, const struct name *name,
                              struct handle **handle, char reason[256]);
/* after: with ABILITY_AFTER, where the session begins. */
void handle_attach(struct core *core, struct handle *handle, struct session *session,
                   uint64_t after);
void handle_free(struct core *core, struct handle *handle);
/* Of the account in core->mail_login, for what `by` sends. */
enum fail_code handle_make_unclaimed(struct core *core, struct user *by, struct handle **handle,
                                     char reason[256]);
/* Its name was taken from it, and it has another one for good: its sessions are told. */
void handle_tell_name(struct core *core, struct handle *handle);
void handle_detach(struct core *core, struct session *session);
/* Whether it is this user's; one who had his uid before is somebody else. */
bool handle_is_of_user(const struct handle *handle, const struct user *user);
static inline enum presence handle_presence(const struct handle *handle) {
    if (handle->n_listening == 0)
        return PRESENCE_OFFLINE;
    return handle->away ? PRESENCE_AWAY : PRESENCE_ONLINE;
}
/* AWAY, NICK, RELEASE. */
void handle_receive_away(struct core *core, struct session *session, const struct frame *frame);
void handle_receive_nick(struct core *core, struct session *session, const struct frame *frame);
void handle_receive_release(struct core *core, struct session *session, const struct frame *frame);

/* Order (order.c). Root and the hub's owner, upon whom nobody can act. */
static inline bool user_is_above(const struct core *core, const struct user *user) {
    return user->uid == 0 || user->uid == core->config.uid;
}
/* They and the members of the hub's --admin-group, but not those of its --wall-group. */
static inline bool session_is_administrator(const struct core *core,
                                            const struct session *session) {
    return user_is_above(core, session->user) || session->user->is_in_admin_group;
}
/* NULL: it is not laid on the user (who may be NULL). */
struct sanction *sanction_find(const struct user *user, enum sanction_what what);
/* Whether it holds now; then `reason` says until when, by whom and why. One that is over is
 * dropped. */
bool sanction_holds(struct core *core, struct user *user, enum sanction_what what,
                    char reason[256]);
void sanction_free_all(struct user *user);
/* ORDER. */
void order_receive(struct core *core, struct session *session, const struct frame *frame);
/* Whether a muted user may not do this; then it was told so. */
bool order_refuses(struct core *core, struct session *session, const struct frame *frame);
/* "until 2026-12-01 10:00:00 UTC", "until that is undone"; a sentence that snprintf() wanted to be
 * `wanted` long, cut between two characters. */
void order_put_until(int64_t until_ms, char text[48]);
void order_cut(char *text, size_t size, int wanted);
#define ORDER_UNTIL_MS_MAX (INT64_C(253402300799) * 1000) /* the end of the year 9999 */
/* For the log: this session's user has done so. */
void order_note_act(struct core *core, const struct session *session, const char *did,
                    const char *whom, const char *why);
/* For LIST_ACCOUNTS. */
void order_tell_account(struct core *core, struct session *session, uint32_t request,
                        struct user *user);

/* Rooms (room/). */
static inline bool room_has_past(const struct room *room) {
    return room->last_seq > room->lost;
}
/* Somebody is in it, or something was said there: it can be written to. */
static inline bool room_is_alive(const struct room *room) {
    return room->n_members > 0 || room_has_past(room) || room->n_admitted > 0 ||
           (room->form == ROOM_GROUP && !room->is_closed);
}
/* It outlives the hub. */
static inline bool room_is_kept(const struct room *room) {
    return room->n_joined > 0 || room_has_past(room) || room->n_admitted > 0 ||
           (room->form == ROOM_GROUP && !room->is_closed);
}
/* It is this user's; a right, whatever handle he has. */
static inline bool room_is_owned_by(const struct room *room, const struct user *user) {
    return room->owner ? handle_is_of_user(room->owner, user) : room->creator == user;
}
/* The room for a message to it, which nobody has to be in; with no message in the end settle it.
 * One that is made is the session's user's. */
enum fail_code room_find_or_make(struct core *core, struct session *session,
                                 const struct name *name, struct room **room, char reason[256]);
/* The same, of a form, and there is none of that name for him. */
enum fail_code room_make(struct core *core, struct session *session, const struct name *name,
                         enum room_form form, struct room **room, char reason[256]);
/* A handle is in the room, and its sessions listen, because `payer` wants it, who pays. NULL:
 * memory is out. */
struct membership *room_put_in(struct core *core, struct room *room, struct handle *handle,
                               struct user *payer);
/* Whether the handle may be in one more; else `reason` says why not. */
bool room_may_join(const struct session *session, bool session_only, char reason[256]);
/* Joins for good, or only listens; FAIL_NONE, or the why is in `reason`. */
enum fail_code room_join(struct core *core, struct session *session, const struct name *name,
                         bool session_only, char reason[256]);
/* Whether the session may say something there; else `reason` says why not. */
bool room_may_speak(const struct core *core, const struct session *session, const struct room *room,
                    char reason[256]);
/* As they are stored, and told. */
static inline uint8_t room_rules(const struct room *room) {
    return (uint8_t)((room->is_closed ? ROOM_CLOSED : 0) | (room->announces ? ROOM_ANNOUNCES : 0) |
                     (room->shows_all ? ROOM_SHOWS_ALL : 0) |
                     (room->locks_topic ? ROOM_LOCKS_TOPIC : 0));
}
/* The session gets what is said there; the handle leaves for good. 0 or -ENOMEM. */
int membership_listen(struct core *core, struct session *session, struct membership *membership);
int membership_part(struct core *core, struct membership *membership);
/* Whether it listens in all rooms that its handle has joined. */
bool session_listens_to_all(const struct session *session);
/* Whether who is a member may read there now: not where the user database has not told for long
 * that he is in the group. */
bool membership_holds(const struct membership *membership);

#define ROOM_NOT_THERE "there is no such room; `earshot rooms` lists them"
/* How many that wait were made by one of them to the other, and how many of them there may be. */
unsigned invitations_between(const struct user *from, const struct user *to);
#define INVITATIONS_PER_PAIR_MAX 8
/* CHANGE, INVITE, and LIST_ROOM of LIST. */
void room_receive_change(struct core *core, struct session *session, const struct frame *frame);
void room_receive_invite(struct core *core, struct session *session, const struct frame *frame);
void room_put_about(struct core *core, struct session *session, uint32_t request,
                    const struct room *room);
void room_tell_about(struct core *core, struct session *session, uint32_t request,
                     struct bytes text);

/*
 * That a user sees a private room: he was invited, and has joined it perhaps. It is his, whatever
 * handle he has.
 */
struct admission {
    struct room *room;
    struct handle *handle; /* who was invited, or has joined first */
    struct user *payer;    /* of its memory: the inviter until he has answered */
    bool has_joined;
    bool is_unanswered; /* invited, or put into a direct room: he has not said that he is there */
    uint64_t after;     /* of the past, he sees what comes after this message */
    struct name name, key; /* joined: what the room is called for him */
    struct admission *next_of_room, *prev_of_room;
    struct admission *next_of_user, *prev_of_user;
    UT_hash_handle hh;         /* joined: of the user, by name */
    UT_hash_handle hh_by_room; /* of the user */
};

/* Private rooms (admission.c). The room that this user calls so; NULL: for him there is none. */
struct room *room_find_for(const struct core *core, const struct user *user,
                           const struct name *key);
/* One that he is invited to; NULL: there is none. */
struct room *room_find_invitation(const struct user *user, const struct name *key);
/* What he calls it; `name` is memory for that. */
struct bytes room_name_for(const struct user *user, const struct room *room, struct name *name);
/* Whether he calls it otherwise than most do. */
bool room_is_renamed_for(const struct user *user, const struct room *room);
/* Whether one of its listeners does. */
bool room_has_renamed(const struct core *core, struct room *room);
/* What was said there after this message the user may read. */
uint64_t room_past_after(const struct user *user, const struct room *room);
/* NULL: he knows nothing of it. */
struct admission *admission_find(const struct user *user, const struct room *room);
bool admission_has_joined(const struct user *user, const struct room *room);
/* An invitation; the room must be private, and the handle's user not know of it. NULL: memory is
 * out. The payer must have been asked (user_may_charge(), ACCOUNT_INVITATIONS). */
struct admission *admission_new(struct core *core, struct room *room, struct handle *handle,
                                struct user *payer, uint64_t after);
/* It is accepted; the user himself pays from now on. The room is called `name` (NULL: as is free).
 * Returns 0 or -ENOMEM. */
int admission_join(struct core *core, struct admission *admission, const struct name *name);
void admission_rename(struct core *core, struct admission *admission);
/* The user sees the room no more; the last who does so ends it, so it may be freed. */
void admission_end(struct core *core, struct admission *admission);
void admission_free(struct core *core, struct admission *admission);
/* Direct rooms: the same, and he is in it without having been asked; the payer pays until
 * admission_answer(). Returns 0 or -ENOMEM. */
int admission_put_in(struct core *core, struct admission *admission, const struct name *name);
void admission_answer(struct core *core, struct admission *admission);
/* All members of a private room see it. Returns 0 or -ENOMEM. */
int admission_restore_members(struct core *core, struct room *room);

/* Frees it, if there is nothing in it any more. */
void room_settle(struct core *core, struct room *room);
void room_settle_lost(struct core *core);
/* JOIN, LEAVE, TOPIC. */
void room_receive_join(struct core *core, struct session *session, const struct frame *frame);
void room_receive_leave(struct core *core, struct session *session, const struct frame *frame);
/* The name is free, and the room goes on under another one. */
enum fail_code room_release(struct core *core, struct session *session, const struct name *name,
                            char reason[256]);
/* Whether a session may begin that listens in all rooms of the handle; else `reason` says why. */
bool room_may_attach(struct user *user, const struct handle *handle, unsigned abilities,
                     char reason[256]);
void room_attach_all(struct core *core, struct session *session);
void room_detach_all(struct core *core, struct session *session);
void room_free_all(struct core *core);

/* Which rooms a session listens in (room/listening.c); NULL: not in this one. */
struct listening *listening_find(const struct session *session, const struct room *room);
struct listening *listening_of(const struct session *session, uint32_t room);
/* Returns 0 or -ENOMEM. */
int listening_add(struct session *session, struct room *room, uint64_t after);
void listening_remove(struct core *core, struct session *session, struct listening *listening);
void listening_deinit(struct session *session);

/* Messages (route.c). */
static inline size_t assembly_bytes(const struct assembly *assembly) {
    return sizeof *assembly + assembly->total;
}

void route_send(struct core *core, struct session *session, const struct frame *frame);
/* A message of the hub's, in the session's name; persist_answer_after() answers when it is stored.
 * Whether it may be sent was asked. False: memory is out. */
bool route_notice(struct core *core, struct session *session, struct handle *handle,
                  const struct uuid *id, struct bytes text);
void route_wall(struct core *core, struct session *session, const struct frame *frame);
/* Goes on with the messages to all that not all have yet. */
void route_walls_tick(struct core *core);
void route_walls_not_stored(struct core *core, uint64_t upto, const char *reason);
void route_drop_walls(struct core *core);
void route_part(struct core *core, struct session *session, const struct frame *frame);
void route_receipt(struct core *core, struct session *session, const struct frame *frame);
/* The session may end. */
void route_refuse(struct core *core, struct session *session, const struct uuid *id,
                  enum fail_code code, const char *reason);
/* The store could not take it (reason NULL: because another message of its user has the id);
 * session NULL: its sender is gone. */
void route_not_stored(struct core *core, struct session *session, const struct record *record,
                      const char *reason);
/* The very same message was stored already, under this number. */
void route_stored_before(struct core *core, const struct record *record, uint64_t seq);
#define ROUTE_ID_USED                                                                              \
    "another message of yours was sent under this id before; send this one under an id of its own"

/* The message of this user under this id, if it was not refused; NULL: it is not in the log. */
struct log_entry *route_find_in_log(const struct core *core, struct user *user,
                                    const struct uuid *id);

/* Mending (mend.c): what is asked for, */
struct mend {
    uint8_t kind;
    const struct uuid *reply_to;
    struct bytes to, text;
};
/* and where the message is that it is about. */
struct mend_place {
    conv_number conv;
    struct target target;
    uint64_t seq;        /* its number */
    struct handle *also; /* of a pair that the mender is not of: the other one of the two */
    bool is_vain;        /* a reaction that is there, or is not: this message has done it */
    uint64_t vain_seq;
};
/* FAIL_NONE, or `reason` says why not. */
enum fail_code mend_judge(struct core *core, struct session *session, const struct mend *mend,
                          struct mend_place *place, char reason[256]);
/* It is stored, or (an ephemeral hub) in the log: what it is about is changed in the log. */
void mend_stored(struct core *core, const struct log_entry *by);

/* Replies (answer.c). */
/* Whether something of what this answers is to be looked for, see core_awaits_target(). */
bool answer_awaits(const struct core *core, const struct mend *mend, struct record *like);
/* Whose message is answered, if the sender says so; else reply_to alone says which. */
struct answer_author {
    bool is_told;
    uint32_t uid;
};
/* Which thread the reply is in, if what it answers is there and was said in its conversation. */
void answer_find_thread(struct core *core, const struct answer_author *author,
                        struct record *reply);
/* It is taken: its number, which is the next one in its conversation; none, where what the store
 * has there is not known. */
void answer_number(struct core *core, struct user *user, struct record *reply);
/* The conversation ends. */
void answer_forget(struct core *core, conv_number conv);
void answer_deinit(struct core *core);

/* What is unread (unread.c). READ, from a session. */
void unread_receive_read(struct core *core, struct session *session, const struct frame *frame);
/* Up to where this conversation of the handle is read. */
uint64_t unread_mark_of(const struct core *core, const struct handle *handle, conv_number conv);
/* Nothing up to there is unread any more; the marks before it are dropped. */
void unread_settle(struct core *core, struct handle *handle, uint64_t seq);
/* The mark has moved, and is to be stored; it is taken for that; its handle ends. */
void persist_mark(struct core *core, struct read_mark *mark);
void persist_no_mark(struct core *core, struct read_mark *mark);
void unread_taken(struct core *core, struct read_mark *mark);
/* The mark of this handle there could not be stored; seq 0: its row could not be removed. */
void unread_not_stored(struct core *core, uint32_t number, conv_number conv, uint64_t seq);
void unread_drop_all(struct core *core, struct handle *handle);

/* Mail to people who never joined (mail.c). */
/* FAIL_NONE: the name is a login name, and the hub has told whose; else `reason` says why not. */
enum fail_code mail_look(struct core *core, struct user *sender, struct bytes to, char reason[256]);
/* Whether this user may send so much text to an unclaimed handle, or (NULL) to one that is to be
 * made; else `reason` says why not. */
bool mail_may_send(struct core *core, struct user *sender, struct handle *to, size_t n,
                   char reason[256]);
/* He was put into a direct room, which counts as something sent. */
void mail_note_put_in(struct core *core, struct user *sender, struct handle *to);
/* It was sent. */
void mail_note_sent(struct core *core, struct user *sender, struct handle *to,
                    const struct record *record);
/* Its user has joined: it is a handle like any other. */
void mail_claim(struct core *core, struct handle *handle);
/* Nobody is charged for it any more. */
void mail_drop_all(struct core *core, struct handle *handle);

/* Acknowledgements (ack.c). */
void ack_stored(struct core *core, struct session *session, const struct uuid *id, uint64_t seq,
                unsigned flags);
bool ack_is_due(const struct session *session);
void ack_put_due(struct core *core, struct session *session);
void ack_cancel(struct core *core, struct session *session);
void ack_tick(struct core *core);
/* They are not given from now on; they are again, and what was noted meanwhile goes at once. */
void ack_hold(struct core *core, struct session *session);
void ack_resume(struct core *core, struct session *session);

/* Pace (pace.c). */
static inline bool session_is_held(const struct session *session) {
    return session->pace && session->pace->by;
}
/* So many bytes of text were sent. */
void pace_note_sent(struct core *core, struct session *sender, size_t n);
/* This one has got a message, or has fallen behind with it; after all of them pace_judge(). */
void pace_note_recipient(struct core *core, struct session *recipient);
void pace_judge(struct core *core, struct session *sender);
/* Its mailbox has taken something in. */
void pace_note_taken(struct core *core, struct session *recipient);
/* It may have read all: then nobody is held by it any more. */
void pace_settle(struct core *core, struct session *recipient);
/* The session ends; the hub does. */
void pace_end(struct core *core, struct session *session);
void pace_end_all(struct core *core);
mono_time pace_due(const struct core *core);
void pace_tick(struct core *core);

/* News (news.c). */
void news_presence(struct core *core, struct handle *handle);
void news_joined(struct core *core, const struct handle *who, struct room *room);
void news_left(struct core *core, const struct handle *who, struct room *room);
void news_topic(struct core *core, const struct handle *who, struct room *room);
/* What was done there for order. False: too much is to be told already; asked before it is done. */
bool news_takes_order(const struct room *room);
void news_order(struct core *core, const struct handle *who, struct room *room,
                const char *sentence);
void news_renamed(struct core *core, struct handle *from, struct handle *to);
/* The room was called so until now. */
void news_room_renamed(struct core *core, struct user *by, struct room *room,
                       const struct name *was);
/* The handle was called so until now: it was taken from its user. */
void news_taken(struct core *core, struct handle *handle, const struct name *was);
void news_forget_room(struct core *core, struct room *room);
void news_forget_handle(struct core *core, struct handle *handle);
/* Before it is taken off the list of those that want NEWS. */
void news_forget_session(struct core *core, const struct session *session);
/* Before a listener leaves: returns where the last one is to go, and what was there to `index`. */
unsigned news_listener_leaves(struct core *core, const struct room *room, unsigned index);
void news_tick(struct core *core);
void news_deinit(struct core *core);

/* Claims (claim.c). */
#define CLAIM_RETURN_MS 5000 /* of a former hub; a link tries at least every two seconds */
#define CLAIM_TELL_MS 100    /* places in the queue are told at most so often */
void claim_init(struct core *core);
/* CLAIM, UNCLAIM. */
void claim_receive(struct core *core, struct session *session, const struct frame *frame);
void claim_receive_end(struct core *core, struct session *session, const struct frame *frame);
/* The session ends: the names that it has are the next ones'. */
void claim_drop_all(struct core *core, struct session *session);
mono_time claim_due(const struct core *core);
void claim_tick(struct core *core);
/* For a list: the first one, and the one behind it. */
struct claim *claim_first(const struct core *core);
struct claim *claim_next(const struct claim *claim);
/* Whether it has the name, or had it under a former hub and nobody has come who had it later. */
bool claim_is_held(const struct claim *claim);
/* For a list: a claim that waits is the `place`-th; 0: it does not. */
struct frame claim_frame(const struct claim *claim, uint32_t request, unsigned place);

/* Lists (list.c). */
void list_answer(struct core *core, struct session *session, const struct frame *frame);
/* The answer to UNREAD: counts, as many as ask->n_counts, which it takes over. */
void list_counts(struct core *core, struct session *session, const struct ask *ask,
                 struct ask_count *counts);
/* Goes on with the lists of a session whose outbox has room. */
void listing_step(struct core *core, struct session *session);
void listing_drop_all(struct session *session);
/* It is about to end: lists that have come to it go on with the next one. */
void listing_leave_handle(struct handle *handle);
void listing_leave_room(struct room *room);
void listing_leave_member(struct membership *member);
void listing_leave_claim(struct claim *claim);

/* Channels (channel.c). */
/* It has none any more. */
void channel_end(struct core *core, struct session *session);
/* Those who are quiet are sent back to their queues. */
void channel_tick(struct core *core);
void channel_receive(struct core *core, struct session *session, const struct frame *frame);
void channel_receive_switch(struct core *core, struct session *session, const struct frame *frame);
