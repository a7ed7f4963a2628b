/* Clients: they come, say valid things, and go, in any state and by any way. */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "semantic/semantic.h"

#define N_SLOTS 65536
#define ROOT 0
#define UID_FIRST 61001

struct client clients[N_CLIENTS_MAX];

static struct client *slots[N_SLOTS]; /* by the low bits of the session's number */
static uint64_t n_joins;

void clients_forget(void) {
    memset(clients, 0, sizeof clients);
    memset(slots, 0, sizeof slots);
}

struct client *client_of_number(uint64_t number) {
    struct client *client = slots[number % N_SLOTS];
    return client && client->is_here && client->number == number ? client : NULL;
}

/* Coming. */

static uint64_t some_link(void) {
    static const uint64_t extreme[] = {0, 1, UINT64_MAX, INT64_MAX};
    if (chance_one_in(10))
        return extreme[chance_below(ARRAY_LEN(extreme))];
    return chance_one_in(10) ? clients[chance_below(weather.n_clients)].link : chance_next();
}

static uint64_t some_after(void) {
    return chance_one_in(10) ? UINT64_MAX - chance_below(2) : chance_below(2) * core.seq;
}

static void client_note_handle(struct client *client) {
    int handle = book_index(name_bytes(&client->session->handle->name));
    MUST(handle >= 0 && handle < N_HANDLES);
    client->handle = handle;
    client->handles |= UINT64_C(1) << handle;
}

static void client_reset(struct client *client, unsigned user) {
    *client =
        (struct client){.uid = user == 0 ? ROOT : UID_FIRST + user,
                        .link = some_link(),
                        .pid = (pid_t)(5000 + n_joins % 30000),
                        .abilities = chance_one_in(3) ? chance_below(ABILITY_ALL + 1)
                                                      : ABILITY_ALL & ~(unsigned)ABILITY_AFTER,
                        .handle = -1,
                        .next_request = chance_one_in(4) ? UINT32_MAX - 5 : 0};
    client->is_silent = weather.silent_one_in > 0 && chance_one_in(weather.silent_one_in);
    client->seat = (struct seat){.msqid = (int)(n_joins % 100000), .pidfd = -1};
    n_joins++;
}

void client_join(struct client *client) {
    unsigned user = chance_below(N_UIDS);
    char text[16], reason[256] = "";
    unsigned handle = chance_below(weather.n_handles);
    client_reset(client, user);
    if (!chance_one_in(8))
        handle = (handle - handle % N_UIDS + client->uid % N_UIDS) % weather.n_handles;
    struct core_join wish = {.uid = client->uid,
                             .pid = client->pid,
                             .seat = &client->seat,
                             .abilities = client->abilities,
                             .link = client->link,
                             .after = some_after(),
                             .may_wall = chance_one_in(50),
                             .random = (n_joins << 17) | 1u << 16};
    snprintf(text, sizeof text, "h%u", handle);
    MUST(name_parse(&wish.handle, bytes_of(text)) == NAME_OK);
    core_evict_mailbox(&core, client->seat.msqid);
    enum fail_code code = core_join(&core, &wish, &client->session, reason);
    if (code != FAIL_NONE) {
        MUST(reason[0] != '\0');
        return;
    }
    client->is_here = true;
    client->number = client->session->number;
    slots[client->number % N_SLOTS] = client;
    client_note_handle(client);
    if (chance_one_in(4))
        core_tell_gate(&core, client->session, 4711);
    core_welcome(&core, client->session, 42);
}

/* Going. */

void clients_collect(void) {
    while (core.ended) {
        struct seat *seat = core.ended;
        struct client *client = (struct client *)((char *)seat - offsetof(struct client, seat));
        core.ended = seat->next;
        MUST(client->is_here);
        client->is_here = false;
    }
}

void client_end(struct client *client) {
    if (chance_one_in(4))
        core_evict_mailbox(&core, client->seat.msqid);
    else
        core_end(&core, client->session);
}

/* Talking. */

static const char *client_give(struct client *client, const struct frame *frame) {
    static uint8_t wire[BATCH_BYTES_MAX];
    struct frame decoded;
    struct cursor_out out = cursor_out_of(wire, core.config.batch - ENVELOPE_BYTES);
    MUST(frame_put(&out, frame));
    size_t n = cursor_out_used(&out);
    uint8_t *exact = memory_own(n); /* gone afterwards, as the hub's receive buffer is */
    memcpy(exact, wire, n);
    struct cursor_in in = cursor_in_of(exact, n);
    MUST(frame_take(&in, &decoded, FROM_CLIENT) == FRAME_OK);
    const char *rule = core_receive(&core, client->session, &decoded);
    memory_own_free(exact);
    return rule;
}

static void client_note_room(struct client *client, const struct frame *frame) {
    int room = -1;
    if (frame->type == FRAME_JOIN)
        room = book_index(frame->join.room) - N_HANDLES;
    if (frame->type == FRAME_CHANGE) /* whoever changes it comes into it */
        room = book_index(frame->change.room) - N_HANDLES;
    if (room >= 0 && room < N_ROOMS_MAX && client->session->held)
        client->early[room] = true;
}

/* As the hub does it: a frame from a session that is over is not looked at any more. */
static bool client_go_on(struct client *client) {
    if (!core_session(&core, client->number))
        return false;
    client_note_handle(client);
    return true;
}

void client_ready(struct client *client) {
    client->owes_ready = false;
    (void)client_give(client, &(struct frame){.type = FRAME_READY});
}

unsigned client_talk(struct client *client) {
    struct frame frame;
    unsigned n = 0, n_wanted = 1 + chance_below(chance_one_in(8) ? 60 : 8);
    struct user *sender = client->session->user;
    if (core_awaits_disk(&core, sender) || core_throttle_ns(&core, sender) > 0)
        return 0;
    for (unsigned i = 0; i < n_wanted; i++) {
        if (!frames_make(client, &frame))
            continue;
        n++;
        client_note_room(client, &frame);
        const char *rule = client_give(client, &frame);
        if (rule && core_session(&core, client->number))
            core_condemn(&core, client->session, rule);
        client->is_condemned |= rule != NULL;
        if (!client_go_on(client) || rule)
            break;
    }
    struct user *user = core_user(&core, client->uid);
    if (user)
        core_spend_time(&core, user, chance_below(20000));
    return n;
}

void client_check_answered(struct client *client) {
    if (client->is_condemned)
        return;
    for (unsigned i = 0; i < N_ASKED_MAX; i++)
        MUST(!client->asked[i].is_open);
    for (unsigned i = 0; i < N_SENT_MAX; i++)
        MUST(client->sent[i].state != SENT_OPEN || i >= client->n_sent);
    client->n_sent = 0;
    client->has_forgotten = client->out.on = false;
}
