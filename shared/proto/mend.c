#include "proto/mend.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "proto/frame.h"

bool mend_is(uint8_t kind) {
    uint8_t plain = kind & (uint8_t)~KIND_HEADED;
    return plain == KIND_EDIT || kind == KIND_REMOVE || kind == KIND_REACT;
}

unsigned mend_ability(uint8_t kind) {
    return kind == KIND_REACT ? ABILITY_REACTS : ABILITY_MENDS;
}

bool mend_removal_take(struct mend_removal *removal, struct bytes body) {
    uint64_t uid = 0;
    size_t n = 0;
    for (; n < body.n && n + 1 < MEND_HEAD_MAX && body.data[n] >= '0' && body.data[n] <= '9'; n++)
        uid = uid * 10 + (unsigned)(body.data[n] - '0');
    if (n == 0 || n == body.n || body.data[n] != '\n' || uid > UINT32_MAX)
        return false;
    *removal = (struct mend_removal){(uint32_t)uid, {body.data + n + 1, body.n - n - 1}};
    return true;
}

size_t mend_removal_put(char body[MEND_REMOVE_MAX], const struct mend_removal *removal) {
    char line[MEND_HEAD_MAX + 1];
    int n = snprintf(line, sizeof line, "%u\n", removal->uid);
    assert(n > 0 && removal->reason.n <= MEND_REASON_MAX);
    memcpy(body, line, (size_t)n);
    if (removal->reason.n > 0)
        memcpy(body + n, removal->reason.data, removal->reason.n);
    return (size_t)n + removal->reason.n;
}
