/*
 * Mail to people who never joined. A message to a login name that is nobody's handle makes the
 * handle, which belongs to the uid of that login and waits for it, unclaimed: it is in no list. The
 * message is stored as any other, and is given to that uid when it joins.
 *
 * So somebody can be made to keep what he never asked for: therefore whoever sends it is charged,
 * until the other one joins, and what one may send to one, what waits for one, and what waits in
 * all is bounded. What is as old as messages are kept has been deleted, and is not counted any
 * more as soon as its sender needs the place.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "core/internal.h"

#define MAIL_PER_SENDER 64 /* messages of one user to one handle, */
#define MAIL_PER_SENDER_BYTES (UINT64_C(128) * 1024)
#define MAIL_PER_HANDLE 1024 /* of all users */
#define MAIL_PER_HANDLE_BYTES (UINT64_C(1024) * 1024)
#define MAIL_HANDLES_MAX 4096 /* unclaimed handles, */
#define MAIL_BYTES_MAX (UINT64_C(64) * 1024 * 1024)
#define MAIL_OVERHEAD 256 /* what a message takes besides its text, about */

#define NOBODY_MS 1000 /* that a name is no login name is believed so long */

/* Of the sender, until the handle is claimed: this, and the handle that is there because of it. */
#define MAIL_MEMORY (sizeof(struct mail) + HANDLE_BYTES)

static void mail_empty(struct core *core, struct mail *mail) {
    struct handle *to = mail->to;
    to->n_mails -= mail->n;
    to->n_mail_bytes -= mail->n_bytes;
    core->n_mail_bytes -= mail->n_bytes;
    account_give_back(&mail->sender->account, ACCOUNT_MAIL, mail->n_bytes);
    mail->n = 0;
    mail->n_bytes = 0;
}

static void mail_free(struct core *core, struct mail *mail) {
    struct user *sender = mail->sender;
    struct handle *to = mail->to;
    mail_empty(core, mail);
    DL_DELETE2(sender->mails, mail, prev_of_sender, next_of_sender);
    DL_DELETE2(to->mails, mail, prev_of_handle, next_of_handle);
    account_give_back(&sender->account, ACCOUNT_MAILED, 1);
    user_give_back(sender, MAIL_MEMORY);
    free(mail);
}

/*
 * Without a store a handle that nothing waits for any more ends, or the places for all of them
 * would be used up in time. With one it is there until the hub starts the next time, for the store
 * may have messages to it longer than this.
 */
static void mail_release(struct core *core, struct handle *handle) {
    if (!handle->is_unclaimed || core->config.durable || handle->mails || handle->sessions ||
        handle->offers || handle->memberships)
        return;
    run_close(core);
    core->epoch++;
    handle_free(core, handle);
}

void mail_drop_all(struct core *core, struct handle *handle) {
    while (handle->mails)
        mail_free(core, handle->mails);
    core->n_unclaimed -= handle->is_unclaimed;
    handle->is_unclaimed = false;
}

void mail_claim(struct core *core, struct handle *handle) {
    if (!handle->is_unclaimed)
        return;
    mail_drop_all(core, handle);
    (void)persist_handle(core, handle); /* else it is found out when it joins after a restart */
}

/* Messages of this age are not kept, or the log in memory has let go of them. */
static bool mail_is_gone(const struct core *core, const struct mail *mail) {
    int64_t keep_ms = (int64_t)core->config.keep_days * CALENDAR_DAY_MS;
    if (mail->to->lost_to >= mail->last_seq)
        return true;
    return keep_ms > 0 && core->wall.ms - mail->last_ms > keep_ms;
}

/* But what was sent to this one, to whom something is just being sent. */
static void mail_drop_gone(struct core *core, struct user *sender, const struct handle *but) {
    struct mail *mail, *next;
    DL_FOREACH_SAFE2(sender->mails, mail, next, next_of_sender) {
        struct handle *to = mail->to;
        if (to == but || !mail_is_gone(core, mail))
            continue;
        mail_free(core, mail);
        mail_release(core, to);
    }
}

/* Of all senders: some of them will never come again. */
static void mail_drop_all_gone(struct core *core, const struct handle *but) {
    for (struct user *user = core->users; user; user = user->hh.next)
        mail_drop_gone(core, user, but);
}

static struct mail *mail_find(const struct user *sender, const struct handle *to) {
    struct mail *mail;
    DL_SEARCH_SCALAR2(sender->mails, mail, to, to, next_of_sender);
    return mail;
}

static struct mail *mail_new(struct user *sender, struct handle *to) {
    struct mail *mail = calloc(1, sizeof *mail);
    if (!mail)
        return NULL;
    mail->sender = sender;
    mail->to = to;
    DL_APPEND2(sender->mails, mail, prev_of_sender, next_of_sender);
    DL_APPEND2(to->mails, mail, prev_of_handle, next_of_handle);
    account_spend(&sender->account, ACCOUNT_MAILED, 1);
    account_spend(&sender->account, ACCOUNT_MEMORY, MAIL_MEMORY);
    return mail;
}

/* In all. */
static bool mail_is_over(const struct core *core, const struct handle *to, uint64_t n) {
    return core->n_mail_bytes + n > MAIL_BYTES_MAX ||
           (!to && core->n_unclaimed >= MAIL_HANDLES_MAX);
}

/* What one recipient may have, and all of them. */
static bool mail_fits(const struct core *core, const struct mail *mail, const struct handle *to,
                      uint64_t n, char reason[256]) {
    const char *who = to ? to->name.s : core->mail_login.name.s;
    bool is_mine =
        mail && (mail->n >= MAIL_PER_SENDER || mail->n_bytes + n > MAIL_PER_SENDER_BYTES);
    bool is_full =
        to && (to->n_mails >= MAIL_PER_HANDLE || to->n_mail_bytes + n > MAIL_PER_HANDLE_BYTES);
    bool is_over = mail_is_over(core, to, n);
    const char *what = is_mine   ? "you have as much waiting for them as you may"
                       : is_full ? "as much waits for them already as may"
                                 : "the hub keeps no more mail for such people";
    snprintf(reason, 256, "%s has never joined this hub, and %s; try again when they have", who,
             what);
    return !is_mine && !is_full && !is_over;
}

bool mail_may_send(struct core *core, struct user *sender, struct handle *to, size_t n_text,
                   char reason[256]) {
    struct account *account = &sender->account;
    uint64_t n = n_text + MAIL_OVERHEAD;
    struct mail *mail = to ? mail_find(sender, to) : NULL;
    if (mail && mail_is_gone(core, mail))
        mail_empty(core, mail);
    if (account_left(account, ACCOUNT_MAIL) < n || account_left(account, ACCOUNT_MAILED) == 0)
        mail_drop_gone(core, sender, to);
    if (mail_is_over(core, to, n))
        mail_drop_all_gone(core, to);
    if (!mail_fits(core, mail, to, n, reason))
        return false;
    if (account_left(account, ACCOUNT_MAIL) < n) {
        account_refuse(account, ACCOUNT_MAIL, reason);
        return false;
    }
    if (!mail && account_left(account, ACCOUNT_MAILED) == 0) {
        account_refuse(account, ACCOUNT_MAILED, reason);
        return false;
    }
    return mail || user_may_charge(sender, MAIL_MEMORY, reason);
}

static void mail_count(struct core *core, struct mail *mail, unsigned n, uint64_t n_bytes) {
    mail->n += n;
    mail->n_bytes += n_bytes;
    mail->to->n_mails += n;
    mail->to->n_mail_bytes += n_bytes;
    core->n_mail_bytes += n_bytes;
    account_spend(&mail->sender->account, ACCOUNT_MAIL, n_bytes);
}

void mail_note_sent(struct core *core, struct user *sender, struct handle *to,
                    const struct record *record) {
    struct mail *mail = mail_find(sender, to);
    if (!mail && !(mail = mail_new(sender, to)))
        return; /* memory is out: it is counted after a restart */
    mail->last_seq = record->seq;
    mail->last_ms = record->at_ms;
    mail_count(core, mail, 1, record->text.n + MAIL_OVERHEAD);
}

void mail_note_put_in(struct core *core, struct user *sender, struct handle *to) {
    struct mail *mail = mail_find(sender, to);
    if (!mail && !(mail = mail_new(sender, to)))
        return;
    mail->last_seq = core->seq + 1;
    mail->last_ms = core->wall.ms;
    mail_count(core, mail, 1, MAIL_OVERHEAD);
}

/* Whose name it is. */

static bool is_known_nobody(const struct core *core, const struct user *user,
                            const struct name *key) {
    return core->now.ns < user->nobody_until.ns &&
           bytes_equal(name_bytes(&user->nobody), name_bytes(key));
}

/* The recipient of the message that the frame ends; n 0: it ends none. */
static struct bytes mail_recipient(const struct session *session, const struct frame *frame) {
    const struct assembly *assembly = session->assembly;
    bool is_whole = !(frame->flags & FRAME_MORE_PARTS);
    if (is_whole && frame->type == FRAME_SEND && !assembly)
        return frame->send.to;
    if (is_whole && frame->type == FRAME_PART && assembly)
        return name_bytes(&assembly->to);
    return (struct bytes){0};
}

bool core_awaits_login(struct core *core, struct session *session, const struct frame *frame,
                       struct name *name) {
    struct target target;
    struct name key;
    struct bytes to = mail_recipient(session, frame);
    if (to.n == 0 || to.data[0] == '#' || session->condemned ||
        target_find(core, session, to, &target) != FAIL_NO_USER || name_parse(name, to) != NAME_OK)
        return false;
    name_key(&key, name);
    if (is_known_nobody(core, session->user, &key))
        return false;
    account_spend(&session->user->account, ACCOUNT_LOOKUPS, 1);
    return true;
}

static void mail_note_nobody(struct core *core, struct user *sender, struct bytes to) {
    struct name name;
    if (name_parse(&name, to) != NAME_OK)
        return;
    name_key(&sender->nobody, &name);
    sender->nobody_until = mono_add_ms(core->now, NOBODY_MS);
}

enum fail_code mail_look(struct core *core, struct user *sender, struct bytes to,
                         char reason[256]) {
    if (core->mail_login.what == LOGIN_FOUND)
        return FAIL_NONE;
    if (core->mail_login.what == LOGIN_UNTOLD) {
        snprintf(
            reason, 256,
            "the user database of this machine does not tell now whether %.*s is a login name; "
            "try again later",
            (int)to.n, to.data);
        return FAIL_BUSY;
    }
    if (core->mail_login.what == LOGIN_NOBODYS)
        mail_note_nobody(core, sender, to);
    target_reason(to, FAIL_NO_USER, reason);
    return FAIL_NO_USER;
}

/* Restoring. */

void core_restore_unclaimed(struct core *core, uint32_t number) {
    struct handle *handle = handle_of_number(core, number);
    if (!handle || handle->is_unclaimed)
        return;
    handle->is_unclaimed = true;
    core->n_unclaimed++;
}

int core_restore_mail(struct core *core, uint32_t number, uid_t uid, unsigned n, uint64_t n_bytes,
                      uint64_t last_seq, int64_t last_ms) {
    struct handle *to = handle_of_number(core, number);
    struct user *sender = core_user(core, uid);
    if (!to || !to->is_unclaimed)
        return 0;
    struct mail *mail = sender ? mail_new(sender, to) : NULL;
    if (!mail)
        return -ENOMEM;
    mail->last_seq = last_seq;
    mail->last_ms = last_ms;
    mail_count(core, mail, n, n_bytes + n * (uint64_t)MAIL_OVERHEAD);
    return 0;
}
