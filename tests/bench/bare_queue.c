#include <errno.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "base/error.h"
#include "bench/bare.h"

int bare_queues_new(struct bench *bench, int *ids, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        ids[i] = msgget(IPC_PRIVATE, 0600);
        if (ids[i] >= 0)
            continue;
        int number = errno;
        bare_queues_remove(ids, i);
        return bench_fail(bench, "msgget: %s", strerror(number));
    }
    return 0;
}

void bare_queues_remove(const int *ids, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        msgctl(ids[i], IPC_RMID, NULL);
}

int bare_queue_open(int id) {
    struct msqid_ds ds;
    if (msgctl(id, IPC_STAT, &ds) < 0)
        return error_errno();
    ds.msg_perm.mode = 0666;
    return msgctl(id, IPC_SET, &ds) < 0 ? error_errno() : 0;
}

bool bare_send(int id, const struct bare_batch *batch, size_t n) {
    int r;
    do
        r = msgsnd(id, batch, n, 0);
    while (r < 0 && errno == EINTR);
    return r == 0;
}

bool bare_try_send(int id, const struct bare_batch *batch, size_t n) {
    return msgsnd(id, batch, n, IPC_NOWAIT) == 0;
}

bool bare_receive(int id, struct bare_batch *batch, size_t *n) {
    ssize_t r;
    do
        r = msgrcv(id, batch, sizeof batch->data, 0, 0);
    while (r < 0 && errno == EINTR);
    *n = r > 0 ? (size_t)r : 0;
    return r >= 0;
}

bool bare_try_receive(int id, struct bare_batch *batch, size_t *n) {
    ssize_t r = msgrcv(id, batch, sizeof batch->data, 0, IPC_NOWAIT);
    *n = r > 0 ? (size_t)r : 0;
    return r >= 0;
}

bool bare_append(struct bare_batch *batch, size_t *n, uint16_t to, const char *text,
                 size_t text_n) {
    struct bare_frame frame = {(uint16_t)text_n, to};
    if (sizeof batch->data - *n < sizeof frame + text_n)
        return false;
    memcpy(batch->data + *n, &frame, sizeof frame);
    memcpy(batch->data + *n + sizeof frame, text, text_n);
    *n += sizeof frame + text_n;
    return true;
}

const char *bare_next(const struct bare_batch *batch, size_t *at, struct bare_frame *frame) {
    memcpy(frame, batch->data + *at, sizeof *frame);
    const char *text = (const char *)batch->data + *at + sizeof *frame;
    *at += sizeof *frame + frame->n;
    return text;
}
