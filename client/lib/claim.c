/*
 * Claims: what the link has claimed, and what the hub has said of it last, under a seal that only
 * the next hub in the same place can read: there the link shows it again.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/check.h"

struct own_claim {
    struct name name;
    uint32_t number; /* of the request, as long as it stands */
    bool waits;
    uint8_t shown; /* what the seal is of: FRAME_CLAIM_HAD or _WAITED; 0: there is none */
    uint64_t since_ms, grant, ticket, seal;
    struct own_claim *prev, *next;
    char note[];
};

static struct own_claim *own_claim_of_number(const struct earshot *link, uint32_t number) {
    struct own_claim *claim;
    DL_FOREACH(link->claims, claim) {
        if (claim->number == number)
            return claim;
    }
    return NULL;
}

static struct own_claim *own_claim_of_name(const struct earshot *link, const struct name *name) {
    struct own_claim *claim;
    DL_FOREACH(link->claims, claim) {
        if (name_is_same(&claim->name, name))
            return claim;
    }
    return NULL;
}

static void own_claim_free(struct earshot *link, struct own_claim *claim) {
    DL_DELETE(link->claims, claim);
    link->n_claims--;
    free(claim);
}

void claim_deinit(struct earshot *link) {
    while (link->claims)
        own_claim_free(link, link->claims);
}

/* Who had it and finds it taken has lost it, and does not wait for it. */
static struct frame own_claim_frame(const struct own_claim *claim) {
    bool waits = claim->waits && claim->shown != FRAME_CLAIM_HAD;
    return (struct frame){.type = FRAME_CLAIM,
                          .flags = claim->shown | (waits ? FRAME_CLAIM_WAITS : 0),
                          .claim = {.request = claim->number,
                                    .name = name_bytes(&claim->name),
                                    .note = bytes_of(claim->note),
                                    .since_ms = claim->since_ms,
                                    .grant = claim->grant,
                                    .ticket = claim->ticket,
                                    .seal = claim->seal}};
}

/* In the middle of a queue the program may not have been told of all that the last hub said. */
void claim_restore(struct earshot *link) {
    struct own_claim *claim, *next;
    DL_FOREACH_SAFE(link->claims, claim, next) {
        struct frame frame = own_claim_frame(claim);
        if (link->hub_takes_claims && control_append(&link->control, 0, &frame))
            continue;
        request_note_failed(link, claim->number, FAIL_LOST,
                            "the hub is another one now, which did not take the claim again");
        own_claim_free(link, claim);
    }
}

bool claim_failed(struct earshot *link, uint32_t number) {
    struct own_claim *claim = own_claim_of_number(link, number);
    if (claim)
        own_claim_free(link, claim);
    return claim != NULL;
}

static void own_claim_note(struct own_claim *claim, const struct frame_claimed *told) {
    bool is_held = told->state == CLAIM_HELD;
    if (told->state == CLAIM_TAKEN || told->seal == 0)
        return;
    claim->shown = is_held ? FRAME_CLAIM_HAD : FRAME_CLAIM_WAITED;
    claim->since_ms = is_held ? told->since_ms : 0;
    claim->grant = told->grant;
    claim->ticket = told->ticket;
    claim->seal = told->seal;
}

int claim_told(struct earshot *link, const struct frame *frame, struct earshot_event *event) {
    const struct frame_claimed *told = &frame->claimed;
    struct own_claim *claim = own_claim_of_number(link, told->request);
    if (!claim && !request_is_asked(link, told->request))
        return 0;
    if (claim)
        own_claim_note(claim, told);
    int r = event_from_claimed(&link->store, event, told);
    return r < 0 ? r : 1;
}

/* What a program asks for. */

static int claim_check_hub(struct earshot *link) {
    if (link->phase == LINK_ENDED)
        return link->ended;
    if (link->phase != LINK_JOINED || link->hub_takes_claims)
        return 0;
    return link_fail(link, EARSHOT_OTHER_VERSION, FAIL_VERSION,
                     "the hub in %s is older, and has no claims; start it again", link->dir);
}

static int claim_check(struct earshot *link, const struct name *name) {
    if (own_claim_of_name(link, name))
        return check_failed(link, "the link has claimed \"%s\" already", name->s);
    if (link->n_claims < EARSHOT_CLAIMS_MAX)
        return 0;
    return link_fail(link, EARSHOT_LIMIT, FAIL_LIMIT,
                     "the link has %u claims, as many as it can show again to another hub; give "
                     "some up, or use another link",
                     link->n_claims);
}

/* While there is no hub, it is claimed from the next one. */
static int claim_submit(struct earshot *link, struct own_claim *claim) {
    struct frame frame = own_claim_frame(claim);
    if (link->phase != LINK_JOINED)
        return 0;
    if (!outgoing_control(link, &frame))
        return link_fail(link, EARSHOT_AGAIN, FAIL_BUSY,
                         "too many requests wait for the hub in %s; try again later", link->dir);
    int r = outgoing_send(link, OUTGOING_LATER, true);
    return r < 0 ? r : 0;
}

int earshot_claim(earshot *link, const char *name, const char *note, unsigned flags,
                  uint32_t *request) {
    struct name parsed;
    const char *text = note ? note : "";
    int r = check_pointer(link, request, "the request");
    if (r == 0)
        r = check_claim(link, name, &parsed);
    if (r == 0)
        r = check_string(link, text, EARSHOT_NOTE_MAX, "the note");
    if (r == 0)
        r = check_flags(link, flags, EARSHOT_CLAIM_WAIT, "the claim's flags");
    if (r == 0)
        r = claim_check_hub(link);
    if (r == 0)
        r = claim_check(link, &parsed);
    if (r != 0)
        return r;
    size_t n = strlen(text) + 1;
    struct own_claim *claim = calloc(1, sizeof *claim + n);
    if (!claim)
        return -ENOMEM;
    claim->name = parsed;
    claim->number = *request = request_number(link);
    claim->waits = flags & EARSHOT_CLAIM_WAIT;
    memcpy(claim->note, text, n);
    DL_APPEND(link->claims, claim);
    link->n_claims++;
    r = claim_submit(link, claim);
    if (r != 0)
        own_claim_free(link, claim);
    return r;
}

int earshot_unclaim(earshot *link, const char *name, uint32_t *request) {
    struct name parsed;
    int r = check_claim(link, name, &parsed);
    if (r == 0)
        r = claim_check_hub(link);
    if (r != 0)
        return r;
    struct own_claim *claim = own_claim_of_name(link, &parsed);
    struct frame frame = {.type = FRAME_UNCLAIM, .unclaim = {.name = name_bytes(&parsed)}};
    r = request_ask(link, &frame, parsed.s, request);
    if (r == 0 && claim)
        own_claim_free(link, claim);
    return r;
}

int earshot_claims(earshot *link, uint32_t *request) {
    int r = check_pointer(link, request, "the request");
    if (r == 0)
        r = claim_check_hub(link);
    if (r != 0)
        return r;
    struct frame frame = {.type = FRAME_LIST, .list = {.what = LIST_CLAIMS}};
    return request_ask(link, &frame, "", request);
}
