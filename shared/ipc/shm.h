/*
 * System V shared memory: the only callers of shmget, shmat, shmctl and shmdt.
 * See sysvipc(7), shmget(2), shmop(2), shmctl(2).
 *
 * A segment here is made for one other user and removed before anybody is told of it. Linux keeps
 * a removed segment, and lets its creator and owner attach it by id, while somebody is attached;
 * so it ends with the last process that uses it, however that process ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/*
 * A segment has no name, so it could be any program's. Ours are told by their size, so many bytes
 * more than a number of pages.
 */
#define SHM_MARK_BYTES 397

/* The kernel's limits on segments, as in /proc/sys/kernel, and what is in use. */
struct shm_limits {
    size_t shmmax; /* bytes of one segment */
    size_t shmall; /* pages of all segments in this IPC namespace */
    size_t shmmni; /* segments in this IPC namespace */
    size_t n_segments, n_pages;
};

/*
 * The outcomes of all calls here; every errno of the four system calls that is not a bug of ours
 * is one of them (the table stands in shm.c).
 */
enum shm_outcome {
    SHM_OK = 0,
    SHM_TOO_LARGE,  /* more than shmmax bytes, EINVAL */
    SHM_NO_ID,      /* shmmni segments exist, ENOSPC */
    SHM_NO_PAGES,   /* shmall pages are in use, ENOSPC */
    SHM_NO_FILES,   /* the machine's limit on open files, ENFILE */
    SHM_NO_MEMORY,  /* ENOMEM, or the pages could not be had */
    SHM_GONE,       /* removed, and nobody is attached any more: EIDRM, EINVAL */
    SHM_DENIED,     /* EACCES, EPERM */
    SHM_UNEXPECTED, /* it is there, but not what was promised */
};

/* "the segment is gone", ...; for a limit it names the setting to raise. */
const char *shm_outcome_text(enum shm_outcome outcome);

/* What the kernel knows about one segment (struct shmid_ds). */
struct shm_segment {
    int shmid;
    key_t key;
    uid_t uid, cuid; /* owner, creator */
    mode_t mode;     /* permission bits */
    bool is_removed; /* it ends with the last process that is attached */
    size_t size;     /* bytes, as the creator asked for */
    size_t n_attached;
    pid_t creator, last;                         /* who created it; who attached or detached last */
    time_t attached_at, detached_at, changed_at; /* seconds since 1970, 0 for never */
};

/* 0 or -errno. */
int shm_limits_read(struct shm_limits *limits);

/*
 * Creates a segment (IPC_PRIVATE, 0600) of this size, attaches it, makes `owner` its owner and
 * removes it. The memory is all zeros and not there yet: see shm_touch. Children that are forked
 * later do not inherit it. shm_detach ends it.
 * Outcomes: TOO_LARGE, NO_ID, NO_PAGES, NO_FILES, NO_MEMORY, DENIED.
 */
int shm_create(int *shmid, void **memory, size_t size, uid_t owner);

/*
 * Makes the pages of the first n bytes be there, charged to us. Outcome: NO_MEMORY.
 */
int shm_touch(void *memory, size_t n);

/* So that reading n bytes from here, where pages are already, does not stop at each page. */
void shm_map(void *memory, size_t n);

/* What a segment must be before it is used. */
struct shm_expectation {
    size_t size;
    uid_t creator; /* the uid that is known to be the sender's */
};

/*
 * Attaches a segment that somebody has made for us, and checks the one that is attached, which
 * cannot be exchanged any more: size, creator, mode 0600, removed already, and that its creator
 * or owner is our effective uid. `found` may be NULL.
 * Outcomes: GONE, DENIED, NO_MEMORY, UNEXPECTED.
 */
int shm_attach(int shmid, void **memory, const struct shm_expectation *expected,
               struct shm_segment *found);

/* Attaches it for reading, unchecked: for those who only look. Outcomes as shm_attach. */
int shm_attach_to_look(int shmid, const void **memory, struct shm_segment *found);

/* Safe on NULL. */
void shm_detach(const void *memory);

/* IPC_STAT: needs read permission. Outcomes: GONE, DENIED. */
int shm_stat(int shmid, struct shm_segment *segment);

/* SHM_STAT_ANY by id: needs no permission (Linux 4.17). Outcome: GONE. */
int shm_stat_any(int shmid, struct shm_segment *segment);

/* Calls visit for every segment of the IPC namespace until it returns false. 0 or -errno. */
int shm_each(bool (*visit)(void *arg, const struct shm_segment *segment), void *arg);

/* Removes it as soon as nobody is attached. Outcomes: GONE, DENIED. */
int shm_remove(int shmid);

/*
 * Calls visit for every process that has the segment attached, as far as /proc lets us look into
 * them (proc(5): our own, and for root all), until it returns false. 0 or -errno.
 */
int shm_each_attached(int shmid, bool (*visit)(void *arg, pid_t pid), void *arg);
