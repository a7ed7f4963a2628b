#include "ipc/queue.h"

#include <limits.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"

/* What one message may take besides its batch, and what two batches leave free in a queue. */
#define MESSAGE_MARGIN 128
#define QUEUE_MARGIN 32

/* Limits are multiples of this, less the tag. */
#define TAG_STEP 256

/*
 * What queue_reserve adds: room for a marker (an envelope and a frame without fields are 16
 * bytes). The limits of a tag with and without it must differ from those of every other tag.
 */
#define RESERVE_BYTES 48
_Static_assert(RESERVE_BYTES >= ENVELOPE_BYTES + FRAME_HEADER_BYTES, "a marker must fit");
_Static_assert(RESERVE_BYTES < QUEUE_TAG_MAILBOX, "the reserve must stay within msgmnb");
_Static_assert(QUEUE_TAG_LANE - RESERVE_BYTES != QUEUE_TAG_MAILBOX &&
                   QUEUE_TAG_LANE - RESERVE_BYTES > 0,
               "a lane with its reserve open must not look like a mailbox");

/* The type of queue_stamp's message; nobody listens to it. */
#define STAMP_MTYPE LONG_MAX

enum queue_call { CALL_GET, CALL_SEND, CALL_RECEIVE, CALL_CONTROL };

/*
 * The errno table: what each call can report that is not a bug of ours (msgget(2), msgop(2),
 * msgctl(2)). EINVAL means a removed queue, since every other argument is checked before.
 */
static const struct {
    enum queue_call call;
    int errno_value;
    enum queue_outcome outcome;
} ERRNO_TABLE[] = {
    {CALL_GET, EACCES, QUEUE_DENIED},      {CALL_GET, EEXIST, QUEUE_EXISTS},
    {CALL_GET, ENOENT, QUEUE_ABSENT},      {CALL_GET, ENOMEM, QUEUE_NO_MEMORY},
    {CALL_GET, ENOSPC, QUEUE_NO_SPACE},    {CALL_SEND, EACCES, QUEUE_DENIED},
    {CALL_SEND, EAGAIN, QUEUE_FULL},       {CALL_SEND, EIDRM, QUEUE_GONE},
    {CALL_SEND, EINTR, QUEUE_INTERRUPTED}, {CALL_SEND, EINVAL, QUEUE_GONE},
    {CALL_SEND, ENOMEM, QUEUE_NO_MEMORY},  {CALL_RECEIVE, EACCES, QUEUE_DENIED},
    {CALL_RECEIVE, EIDRM, QUEUE_GONE},     {CALL_RECEIVE, EINTR, QUEUE_INTERRUPTED},
    {CALL_RECEIVE, EINVAL, QUEUE_GONE},    {CALL_RECEIVE, ENOMSG, QUEUE_EMPTY},
    {CALL_CONTROL, EACCES, QUEUE_DENIED},  {CALL_CONTROL, EIDRM, QUEUE_GONE},
    {CALL_CONTROL, EINVAL, QUEUE_GONE},    {CALL_CONTROL, ENOMEM, QUEUE_NO_MEMORY},
    {CALL_CONTROL, EPERM, QUEUE_DENIED},
};

/* The outcome of the call that has just failed; -errno when the table does not know it. */
static int queue_call_outcome(enum queue_call call) {
    int error = error_errno();
    for (size_t i = 0; i < ARRAY_LEN(ERRNO_TABLE); i++)
        if (ERRNO_TABLE[i].call == call && ERRNO_TABLE[i].errno_value == -error)
            return (int)ERRNO_TABLE[i].outcome;
    return error;
}

const char *queue_outcome_text(enum queue_outcome outcome) {
    switch (outcome) {
    case QUEUE_OK:
        return "no error";
    case QUEUE_FULL:
        return "the queue is full";
    case QUEUE_EMPTY:
        return "the queue is empty";
    case QUEUE_GONE:
        return "the queue was removed";
    case QUEUE_ABSENT:
        return "there is no queue with this key";
    case QUEUE_EXISTS:
        return "there is a queue with this key already";
    case QUEUE_DENIED:
        return "no permission for this queue";
    case QUEUE_INTERRUPTED:
        return "interrupted by a signal";
    case QUEUE_NO_SPACE:
        return "a kernel limit on message queues is too low: raise kernel.msgmni for more queues, "
               "kernel.msgmax (at least 2688) and kernel.msgmnb (at least 5376) for their size";
    case QUEUE_NO_MEMORY:
        return "the kernel has no memory left";
    }
    return "unknown outcome";
}

/* The limits of this IPC namespace; the kernel never refuses to tell them. */
static int kernel_limits(struct msginfo *kernel) {
    return msgctl(0, IPC_INFO, (struct msqid_ds *)(void *)kernel) < 0 ? error_errno() : 0;
}

static size_t limit_for(const struct msginfo *kernel, enum queue_tag tag) {
    size_t msgmnb = (size_t)kernel->msgmnb;
    size_t rounded = msgmnb - msgmnb % TAG_STEP;
    return rounded > (size_t)tag ? rounded - (size_t)tag : 0;
}

static size_t limit_less(size_t n, size_t margin) {
    return n > margin ? n - margin : 0;
}

int queue_limits_read(struct queue_limits *limits) {
    struct msginfo kernel;
    int r = kernel_limits(&kernel);
    if (r < 0)
        return r;
    limits->msgmax = (size_t)kernel.msgmax;
    limits->msgmnb = (size_t)kernel.msgmnb;
    limits->msgmni = (size_t)kernel.msgmni;

    size_t by_message = limit_less(limits->msgmax, MESSAGE_MARGIN);
    size_t by_queue = limit_less(limit_for(&kernel, QUEUE_TAG_LANE) / 2, QUEUE_MARGIN);
    size_t batch = by_message < by_queue ? by_message : by_queue;
    limits->batch = batch < BATCH_BYTES_MAX ? batch : BATCH_BYTES_MAX;
    return limits->batch < BATCH_BYTES_MIN ? QUEUE_NO_SPACE : 0;
}

int queue_stamp(int msqid) {
    struct {
        long mtype;
        char data[1];
    } empty = {.mtype = STAMP_MTYPE};
    if (msgsnd(msqid, &empty, 0, IPC_NOWAIT) < 0)
        return queue_call_outcome(CALL_SEND);
    ssize_t n = msgrcv(msqid, &empty, 0, STAMP_MTYPE, IPC_NOWAIT | MSG_NOERROR);
    return n < 0 ? queue_call_outcome(CALL_RECEIVE) : 0;
}

int queue_create_private(int *msqid) {
    int id = msgget(IPC_PRIVATE, IPC_CREAT | QUEUE_MODE_NEW);
    if (id < 0)
        return queue_call_outcome(CALL_GET);
    int r = queue_stamp(id);
    if (r != 0) {
        msgctl(id, IPC_RMID, NULL);
        return r;
    }
    *msqid = id;
    return 0;
}

int queue_create(int *msqid, key_t key, mode_t mode) {
    assert(key != IPC_PRIVATE);
    int id = msgget(key, IPC_CREAT | IPC_EXCL | (int)(mode & 0777));
    if (id < 0)
        return queue_call_outcome(CALL_GET);
    *msqid = id;
    return 0;
}

int queue_find(int *msqid, key_t key) {
    assert(key != IPC_PRIVATE);
    int id = msgget(key, 0);
    if (id < 0)
        return queue_call_outcome(CALL_GET);
    *msqid = id;
    return 0;
}

static void info_from(struct queue_info *info, int msqid, const struct msqid_ds *ds) {
    *info = (struct queue_info){
        .msqid = msqid,
        .key = ds->msg_perm.__key,
        .uid = ds->msg_perm.uid,
        .cuid = ds->msg_perm.cuid,
        .gid = ds->msg_perm.gid,
        .cgid = ds->msg_perm.cgid,
        .mode = ds->msg_perm.mode & 0777,
        .n_bytes = ds->__msg_cbytes,
        .n_messages = ds->msg_qnum,
        .limit = ds->msg_qbytes,
        .last_sender = ds->msg_lspid,
        .last_receiver = ds->msg_lrpid,
        .sent_at = ds->msg_stime,
        .received_at = ds->msg_rtime,
        .changed_at = ds->msg_ctime,
    };
}

int queue_stat(int msqid, struct queue_info *info) {
    struct msqid_ds ds;
    if (msgctl(msqid, IPC_STAT, &ds) < 0)
        return queue_call_outcome(CALL_CONTROL);
    info_from(info, msqid, &ds);
    return 0;
}

/* The queue in the kernel's table at this index. GONE when the place is free. */
static int stat_index(int index, struct queue_info *info) {
    struct msqid_ds ds;
    int id = msgctl(index, MSG_STAT_ANY, &ds);
    if (id < 0)
        return queue_call_outcome(CALL_CONTROL);
    info_from(info, id, &ds);
    return 0;
}

/*
 * The index is the low bits of the id, 15 or (ipcmni_extend) 24 of them. The kernel masks them
 * out itself, with the mask that it made the id with, so the whole id is given. The same place
 * may hold another queue by now: the id that comes back tells.
 */
int queue_stat_any(int msqid, struct queue_info *info) {
    struct queue_info found;
    int r = stat_index(msqid, &found);
    if (r != 0)
        return r;
    if (found.msqid != msqid)
        return QUEUE_GONE;
    *info = found;
    return 0;
}

int queue_each(bool (*visit)(void *arg, const struct queue_info *info), void *arg) {
    struct msginfo kernel;
    int highest = msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&kernel);
    if (highest < 0)
        return error_errno();
    for (int i = 0; i <= highest; i++) {
        struct queue_info info;
        int r = stat_index(i, &info);
        if (r < 0)
            return r;
        if (r == 0 && !visit(arg, &info))
            break;
    }
    return 0;
}

static int set_all(int msqid, uid_t owner, gid_t gid, mode_t mode, size_t limit) {
    struct msqid_ds ds = {
        .msg_perm = {.uid = owner, .gid = gid, .mode = (unsigned short)(mode & 0777)},
        .msg_qbytes = limit,
    };
    return msgctl(msqid, IPC_SET, &ds) < 0 ? queue_call_outcome(CALL_CONTROL) : 0;
}

int queue_set(int msqid, uid_t owner, gid_t gid, mode_t mode, enum queue_tag tag) {
    struct msginfo kernel;
    int r = kernel_limits(&kernel);
    if (r < 0)
        return r;
    if (gid == (gid_t)-1) {
        struct queue_info info;
        r = queue_stat_any(msqid, &info);
        if (r != 0)
            return r;
        gid = info.gid;
    }
    return set_all(msqid, owner, gid, mode, limit_for(&kernel, tag));
}

static bool limit_carries(size_t limit, enum queue_tag tag) {
    size_t shut = (size_t)(TAG_STEP - tag);
    return limit % TAG_STEP == shut || limit % TAG_STEP == shut + RESERVE_BYTES;
}

enum queue_tag queue_tag_of(const struct queue_info *info) {
    static const enum queue_tag TAGS[] = {QUEUE_TAG_MAILBOX, QUEUE_TAG_LANE};
    for (size_t i = 0; i < ARRAY_LEN(TAGS); i++)
        if (limit_carries(info->limit, TAGS[i]))
            return TAGS[i];
    return QUEUE_TAG_NONE;
}

int queue_reserve(int msqid, bool open) {
    struct queue_info info;
    int r = queue_stat_any(msqid, &info);
    if (r != 0)
        return r;
    enum queue_tag tag = queue_tag_of(&info);
    if (tag == QUEUE_TAG_NONE)
        return QUEUE_DENIED;
    bool is_open = info.limit % TAG_STEP != (size_t)(TAG_STEP - tag);
    if (is_open == open)
        return 0;
    size_t limit = open ? info.limit + RESERVE_BYTES : info.limit - RESERVE_BYTES;
    return set_all(msqid, info.uid, info.gid, info.mode, limit);
}

int queue_send(int msqid, const struct queue_message *message, size_t n, bool wait) {
    assert(n <= sizeof message->data && message->mtype > 0);
    if (msgsnd(msqid, message, n, wait ? 0 : IPC_NOWAIT) < 0)
        return queue_call_outcome(CALL_SEND);
    return 0;
}

int queue_ring_bell(int msqid, long mtype, uint64_t session) {
    struct {
        long mtype;
        uint8_t data[ENVELOPE_BYTES];
    } bell = {.mtype = mtype};
    struct cursor_out out = cursor_out_of(bell.data, sizeof bell.data);
    envelope_put(&out, &(struct envelope){.version = PROTO_VERSION, .session = session});
    if (msgsnd(msqid, &bell, sizeof bell.data, IPC_NOWAIT) < 0)
        return queue_call_outcome(CALL_SEND);
    return 0;
}

int queue_receive(int msqid, struct queue_message *message, long mtype, size_t *n, bool wait) {
    int flags = MSG_NOERROR | (wait ? 0 : IPC_NOWAIT);
    ssize_t got = msgrcv(msqid, message, sizeof message->data, mtype, flags);
    if (got < 0)
        return queue_call_outcome(CALL_RECEIVE);
    *n = (size_t)got;
    return 0;
}

int queue_remove(int msqid) {
    return msgctl(msqid, IPC_RMID, NULL) < 0 ? queue_call_outcome(CALL_CONTROL) : 0;
}
