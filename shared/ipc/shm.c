#include "ipc/shm.h"

#include <stdatomic.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"

enum shm_call { CALL_GET, CALL_ATTACH, CALL_CONTROL };

/*
 * The errno table: what each call can report that is not a bug of ours (shmget(2), shmop(2),
 * shmctl(2)). shmat's EINVAL means a removed segment, since every other argument is checked
 * before; shmget's ENOSPC has two meanings, which limit_reached tells apart.
 */
static const struct {
    enum shm_call call;
    int errno_value;
    enum shm_outcome outcome;
} ERRNO_TABLE[] = {
    {CALL_GET, EACCES, SHM_DENIED},      {CALL_GET, EINVAL, SHM_TOO_LARGE},
    {CALL_GET, ENFILE, SHM_NO_FILES},    {CALL_GET, ENOMEM, SHM_NO_MEMORY},
    {CALL_GET, ENOSPC, SHM_NO_PAGES},    {CALL_ATTACH, EACCES, SHM_DENIED},
    {CALL_ATTACH, EIDRM, SHM_GONE},      {CALL_ATTACH, EINVAL, SHM_GONE},
    {CALL_ATTACH, ENFILE, SHM_NO_FILES}, {CALL_ATTACH, ENOMEM, SHM_NO_MEMORY},
    {CALL_CONTROL, EACCES, SHM_DENIED},  {CALL_CONTROL, EIDRM, SHM_GONE},
    {CALL_CONTROL, EINVAL, SHM_GONE},    {CALL_CONTROL, ENOMEM, SHM_NO_MEMORY},
    {CALL_CONTROL, EPERM, SHM_DENIED},
};

/* The outcome of the call that has just failed; -errno when the table does not know it. */
static int shm_call_outcome(enum shm_call call) {
    int error = error_errno();
    for (size_t i = 0; i < ARRAY_LEN(ERRNO_TABLE); i++)
        if (ERRNO_TABLE[i].call == call && ERRNO_TABLE[i].errno_value == -error)
            return (int)ERRNO_TABLE[i].outcome;
    return error;
}

const char *shm_outcome_text(enum shm_outcome outcome) {
    switch (outcome) {
    case SHM_OK:
        return "no error";
    case SHM_TOO_LARGE:
        return "shared memory segments may not be that large: raise kernel.shmmax";
    case SHM_NO_ID:
        return "there are too many shared memory segments: raise kernel.shmmni";
    case SHM_NO_PAGES:
        return "the shared memory segments take too many pages together: raise kernel.shmall";
    case SHM_NO_FILES:
        return "the machine has too many open files: raise fs.file-max";
    case SHM_NO_MEMORY:
        return "there is no memory left";
    case SHM_GONE:
        return "the shared memory segment is gone";
    case SHM_DENIED:
        return "no permission for this shared memory segment";
    case SHM_UNEXPECTED:
        return "the shared memory segment is not what was promised";
    }
    return "unknown outcome";
}

int shm_limits_read(struct shm_limits *limits) {
    struct shminfo kernel;
    struct shm_info used;
    if (shmctl(0, IPC_INFO, (struct shmid_ds *)(void *)&kernel) < 0 ||
        shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&used) < 0)
        return error_errno();
    *limits = (struct shm_limits){
        .shmmax = kernel.shmmax,
        .shmall = kernel.shmall,
        .shmmni = kernel.shmmni,
        .n_segments = (size_t)used.used_ids,
        .n_pages = used.shm_tot,
    };
    return 0;
}

/* Which of the two limits that ENOSPC stands for. */
static int limit_reached(void) {
    struct shm_limits limits;
    int r = shm_limits_read(&limits);
    if (r < 0)
        return r;
    return limits.n_segments >= limits.shmmni ? SHM_NO_ID : SHM_NO_PAGES;
}

/*
 * The kernel gives an address to another segment only after it was detached. ThreadSanitizer, which
 * does not know these calls, is told so by this: what one thread did to the old segment comes
 * before what another does to the new one.
 */
static atomic_uint n_detached;

static int shm_attach_at(int shmid, int flags, void **memory) {
    void *at = shmat(shmid, NULL, flags);
    if (at == (void *)-1) // NOLINT(performance-no-int-to-ptr): so says shmat(2)
        return shm_call_outcome(CALL_ATTACH);
    (void)atomic_load_explicit(&n_detached, memory_order_acquire);
    *memory = at;
    return 0;
}

void shm_detach(const void *memory) {
    if (memory) {
        atomic_fetch_add_explicit(&n_detached, 1, memory_order_release);
        int r = shmdt(memory);
        assert(r == 0);
    }
}

static int set_owner(int shmid, uid_t owner) {
    struct shmid_ds ds = {.shm_perm = {.uid = owner, .gid = getegid(), .mode = 0600}};
    return shmctl(shmid, IPC_SET, &ds) < 0 ? shm_call_outcome(CALL_CONTROL) : 0;
}

/*
 * A child that only runs another program for a while must not keep the segment alive. And as no
 * size of ours is a multiple of a huge page, this fails for segments of these (SHM_HUGETLB), of
 * which a page may be not to be had when it is touched: SIGBUS.
 */
static int keep_from_children(void *memory, size_t size) {
    return madvise(memory, size, MADV_DONTFORK) < 0 ? error_errno() : 0;
}

/*
 * It is removed before it is given away, so that the moment in which kill -9 would leave it
 * behind is as short as can be: two system calls (ring_sweep looks after the rest).
 */
int shm_create(int *shmid, void **memory, size_t size, uid_t owner) {
    assert(size > 0);
    int id = shmget(IPC_PRIVATE, size, IPC_CREAT | IPC_EXCL | 0600);
    if (id < 0) {
        int r = shm_call_outcome(CALL_GET);
        return r == SHM_NO_PAGES ? limit_reached() : r;
    }
    void *at = NULL;
    int attached = shm_attach_at(id, 0, &at);
    int r = shmctl(id, IPC_RMID, NULL) < 0 ? shm_call_outcome(CALL_CONTROL) : 0;
    if (attached != 0)
        return attached;
    if (r == 0)
        r = set_owner(id, owner);
    if (r == 0)
        r = keep_from_children(at, size);
    if (r != 0) {
        shm_detach(at);
        return r;
    }
    *shmid = id;
    *memory = at;
    return 0;
}

/* Before Linux 5.14: page by page; where there is no memory for one, that is SIGBUS. */
static void touch_each_page(unsigned char *memory, size_t n) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < n; i += page)
        ((volatile unsigned char *)memory)[i] = 0;
}

int shm_touch(void *memory, size_t n) {
    if (madvise(memory, n, MADV_POPULATE_WRITE) == 0)
        return 0;
    int error = error_errno();
    if (error == -ENOMEM || error == -EFAULT || error == -EHWPOISON)
        return SHM_NO_MEMORY;
    if (error != -EINVAL)
        return error;
    touch_each_page(memory, n);
    return 0;
}

/* Before Linux 5.14, and when it fails, each page comes when it is read. */
void shm_map(void *memory, size_t n) {
    (void)madvise(memory, n, MADV_POPULATE_READ);
}

static void segment_from(struct shm_segment *segment, int shmid, const struct shmid_ds *ds) {
    *segment = (struct shm_segment){
        .shmid = shmid,
        .key = ds->shm_perm.__key,
        .uid = ds->shm_perm.uid,
        .cuid = ds->shm_perm.cuid,
        .mode = ds->shm_perm.mode & 0777,
        .is_removed = (ds->shm_perm.mode & SHM_DEST) != 0,
        .size = ds->shm_segsz,
        .n_attached = ds->shm_nattch,
        .creator = ds->shm_cpid,
        .last = ds->shm_lpid,
        .attached_at = ds->shm_atime,
        .detached_at = ds->shm_dtime,
        .changed_at = ds->shm_ctime,
    };
}

int shm_stat(int shmid, struct shm_segment *segment) {
    struct shmid_ds ds;
    if (shmctl(shmid, IPC_STAT, &ds) < 0)
        return shm_call_outcome(CALL_CONTROL);
    segment_from(segment, shmid, &ds);
    return 0;
}

/* The segment in the kernel's table at this index. GONE when the place is free. */
static int stat_index(int index, struct shm_segment *segment) {
    struct shmid_ds ds;
    int id = shmctl(index, SHM_STAT_ANY, &ds);
    if (id < 0)
        return shm_call_outcome(CALL_CONTROL);
    segment_from(segment, id, &ds);
    return 0;
}

/* The index is the low bits of the id; the id that comes back tells whose place it is now. */
int shm_stat_any(int shmid, struct shm_segment *segment) {
    int r = stat_index(shmid, segment);
    return r == 0 && segment->shmid != shmid ? SHM_GONE : r;
}

int shm_each(bool (*visit)(void *arg, const struct shm_segment *segment), void *arg) {
    struct shm_info used;
    int highest = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&used);
    if (highest < 0)
        return error_errno();
    for (int i = 0; i <= highest; i++) {
        struct shm_segment segment;
        int r = stat_index(i, &segment);
        if (r < 0)
            return r;
        if (r == 0 && !visit(arg, &segment))
            break;
    }
    return 0;
}

int shm_remove(int shmid) {
    return shmctl(shmid, IPC_RMID, NULL) < 0 ? shm_call_outcome(CALL_CONTROL) : 0;
}

static bool is_expected(const struct shm_segment *found, const struct shm_expectation *expected) {
    return found->size == expected->size && found->cuid == expected->creator &&
           found->mode == 0600 && found->is_removed &&
           (found->uid == geteuid() || found->cuid == geteuid());
}

int shm_attach(int shmid, void **memory, const struct shm_expectation *expected,
               struct shm_segment *found) {
    struct shm_segment segment;
    void *at = NULL;
    int r = shmid < 0 ? SHM_GONE : shm_attach_at(shmid, 0, &at);
    if (r != 0)
        return r;
    r = shm_stat(shmid, &segment);
    if (r == 0 && !is_expected(&segment, expected))
        r = SHM_UNEXPECTED;
    if (r == 0)
        r = keep_from_children(at, segment.size);
    if (r != 0) {
        shm_detach(at);
        return r;
    }
    *memory = at;
    if (found)
        *found = segment;
    return 0;
}

int shm_attach_to_look(int shmid, const void **memory, struct shm_segment *found) {
    void *at = NULL;
    int r = shmid < 0 ? SHM_GONE : shm_attach_at(shmid, SHM_RDONLY, &at);
    if (r != 0)
        return r;
    r = shm_stat(shmid, found);
    if (r != 0) {
        shm_detach(at);
        return r;
    }
    *memory = at;
    return 0;
}
