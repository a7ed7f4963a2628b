#include "core/body.h"

#include <stdlib.h>
#include <string.h>

void encoded_share(struct encoded *encoded, size_t n_recipients) {
    size_t n_origin = encoded->n_origin, n = encoded->n;
    if (n_recipients < BODY_RECIPIENTS_MIN)
        return;
    struct body *body = malloc(sizeof *body + n_origin + n);
    if (!body)
        return;
    *body = (struct body){.n_holders = 1, .n_origin = n_origin, .n = n};
    if (n_origin > 0)
        memcpy(body->bytes, encoded->origin, n_origin);
    memcpy(body->bytes + n_origin, encoded->frames, n);
    encoded->body = body;
    encoded->origin = body_origin(body);
    encoded->frames = body_frames(body);
}

static void body_release(struct body *body) {
    if (--body->n_holders == 0)
        free(body);
}

void encoded_shared(struct encoded *encoded) {
    if (encoded->body)
        body_release(encoded->body);
    *encoded = (struct encoded){0};
}

static size_t body_share_bytes(const struct body_share *share) {
    return sizeof *share + sizeof *share->body + share->body->n_origin + share->body->n;
}

struct body_share *body_share_take(struct body *body, struct account *payer) {
    struct body_share *share = payer->latest_share;
    if (share && share->body == body) {
        share->n_uses++;
        return share;
    }
    share = malloc(sizeof *share);
    if (!share)
        return NULL;
    *share = (struct body_share){.body = body, .payer = payer, .n_uses = 1};
    body->n_holders++;
    payer->latest_share = share;
    account_spend(payer, ACCOUNT_MEMORY, body_share_bytes(share));
    return share;
}

void body_share_release(struct body_share *share) {
    if (--share->n_uses > 0)
        return;
    account_give_back(share->payer, ACCOUNT_MEMORY, body_share_bytes(share));
    if (share->payer->latest_share == share)
        share->payer->latest_share = NULL;
    body_release(share->body);
    free(share);
}
