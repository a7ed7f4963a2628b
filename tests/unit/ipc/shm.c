#include "ipc/shm.h"

#include <sys/ipc.h>
#include <sys/shm.h>

#include "base/clock.h"
#include "base/macro.h"
#include "unit/ipc/child.h"

#define SIZE 10000

/* What a child tells the test; shared. */
struct told {
    int shmid, outcome;
    volatile int is_ready;
    unsigned char byte;
    uid_t creator;
    size_t n_attached;
};

static void *new_segment(int *shmid, uid_t owner) {
    void *memory = NULL;
    cr_assert_eq(shm_create(shmid, &memory, SIZE, owner), 0);
    return memory;
}

static struct shm_segment segment_of(int shmid) {
    struct shm_segment segment = {.shmid = -1};
    cr_expect_eq(shm_stat_any(shmid, &segment), 0);
    return segment;
}

static void wait_for(const volatile int *word) {
    mono_time deadline = mono_add_ms(mono_now(), 20000);
    while (!*word) {
        MUST(mono_ms_until(mono_now(), deadline) > 0);
        usleep(1000);
    }
}

/* As anybody may make one: its pages are not there, and may never be. */
Test(shm, huge_pages_are_not_attached) {
    int shmid = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600 | SHM_HUGETLB | SHM_NORESERVE);
    const struct shm_expectation expected = {.size = SIZE, .creator = geteuid()};
    void *memory;
    if (shmid < 0)
        cr_skip_test("no huge pages here");
    const void *at = shmat(shmid, NULL, 0);
    cr_assert_eq(shm_remove(shmid), 0);
    cr_expect_neq(shm_attach(shmid, &memory, &expected, NULL), 0);
    shm_detach(at);
}

Test(shm, segment_is_private_removed_and_attached) {
    int shmid = -1;
    unsigned char *memory = new_segment(&shmid, geteuid());
    struct shm_segment segment = segment_of(shmid);
    cr_expect_eq(segment.key, IPC_PRIVATE);
    cr_expect_eq(segment.mode, 0600);
    cr_expect(segment.is_removed);
    cr_expect_eq(segment.size, SIZE);
    cr_expect_eq(segment.n_attached, 1);
    cr_expect_eq(segment.cuid, geteuid());
    cr_expect_eq(segment.creator, getpid());
    cr_expect_eq(shm_touch(memory, SIZE), 0);
    for (size_t i = 0; i < SIZE; i++)
        cr_assert_eq(memory[i], 0);
    shm_detach(memory);
    cr_expect_eq(shm_stat_any(shmid, &segment), SHM_GONE);
    cr_expect_eq(shm_stat(shmid, &segment), SHM_GONE);
    shm_detach(NULL);
}

Test(shm, attached_again_by_id) {
    int shmid = -1;
    unsigned char *memory = new_segment(&shmid, geteuid());
    const struct shm_expectation expected = {.size = SIZE, .creator = geteuid()};
    struct shm_segment found;
    void *again = NULL;
    memory[7] = 42;
    cr_assert_eq(shm_attach(shmid, &again, &expected, &found), 0);
    cr_expect_eq(((unsigned char *)again)[7], 42);
    cr_expect_eq(found.n_attached, 2);
    const void *look = NULL;
    cr_assert_eq(shm_attach_to_look(shmid, &look, &found), 0);
    cr_expect_eq(((const unsigned char *)look)[7], 42);
    cr_expect_eq(found.n_attached, 3);
    shm_detach(look);
    shm_detach(memory);
    shm_detach(again);
    cr_expect_eq(shm_attach(shmid, &again, &expected, NULL), SHM_GONE);
    cr_expect_eq(shm_attach_to_look(shmid, &look, &found), SHM_GONE);
    cr_expect_eq(shm_attach(-1, &again, &expected, NULL), SHM_GONE);
}

static int try_attach(int shmid, size_t size, uid_t creator) {
    const struct shm_expectation expected = {.size = size, .creator = creator};
    void *memory = NULL;
    int r = shm_attach(shmid, &memory, &expected, NULL);
    shm_detach(memory);
    return r;
}

Test(shm, other_than_promised_is_unexpected) {
    int shmid = -1;
    void *memory = new_segment(&shmid, geteuid());
    cr_expect_eq(try_attach(shmid, SIZE, geteuid()), 0);
    cr_expect_eq(try_attach(shmid, SIZE + 1, geteuid()), SHM_UNEXPECTED);
    cr_expect_eq(try_attach(shmid, SIZE - 1, geteuid()), SHM_UNEXPECTED);
    cr_expect_eq(try_attach(shmid, SIZE, geteuid() + 1), SHM_UNEXPECTED);
    cr_expect_eq(segment_of(shmid).n_attached, 1, "a refused segment is not kept");
    shm_detach(memory);
}

Test(shm, readable_by_others_or_not_removed_is_unexpected) {
    int open_id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0666);
    int kept_id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
    void *open_memory = shmat(open_id, NULL, 0);
    shmctl(open_id, IPC_RMID, NULL);
    cr_expect_eq(try_attach(open_id, SIZE, geteuid()), SHM_UNEXPECTED);
    cr_expect_eq(try_attach(kept_id, SIZE, geteuid()), SHM_UNEXPECTED);
    cr_expect_eq(shm_remove(kept_id), 0);
    cr_expect_eq(shm_remove(kept_id), SHM_GONE);
    shmdt(open_memory);
}

Test(shm, children_do_not_inherit_it) {
    int shmid = -1;
    void *memory = new_segment(&shmid, geteuid());
    int pipe_fds[2];
    char byte;
    cr_assert_eq(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(pipe_fds[1]);
        MUST(read(pipe_fds[0], &byte, 1) == 0);
        _exit(0);
    }
    cr_expect_eq(segment_of(shmid).n_attached, 1);
    shm_detach(memory);
    struct shm_segment segment;
    cr_expect_eq(shm_stat_any(shmid, &segment), SHM_GONE, "though a child lives");
    close(pipe_fds[1]);
    cr_expect_eq(child_end(pid), 0);
    close(pipe_fds[0]);
}

static void create_and_wait(void *arg) {
    struct told *told = arg;
    void *memory = NULL;
    MUST(shm_create(&told->shmid, &memory, SIZE, told->creator) == 0);
    memset(memory, 7, SIZE);
    told->is_ready = 1;
    for (;;)
        pause();
}

Test(shm, ends_with_a_killed_creator) {
    struct told *told = share(sizeof *told);
    told->creator = geteuid();
    pid_t pid = child_start(AS_OURSELVES, create_and_wait, told);
    wait_for(&told->is_ready);
    cr_expect_eq(segment_of(told->shmid).creator, pid);
    child_kill(pid);
    struct shm_segment segment;
    cr_expect_eq(shm_stat_any(told->shmid, &segment), SHM_GONE);
}

static void attach_and_read(void *arg) {
    struct told *told = arg;
    const struct shm_expectation expected = {.size = SIZE, .creator = USER_A};
    struct shm_segment found;
    void *memory = NULL;
    told->outcome = shm_attach(told->shmid, &memory, &expected, &found);
    if (told->outcome != 0)
        return;
    told->byte = ((unsigned char *)memory)[SIZE - 1];
    told->n_attached = found.n_attached;
    shm_detach(memory);
}

Test(shm, only_creator_and_owner_can_attach) {
    NEEDS_ROOT("segments of two other users");
    struct told *told = share(sizeof *told);
    told->creator = USER_B; /* whom it is for */
    pid_t pid = child_start(USER_A, create_and_wait, told);
    wait_for(&told->is_ready);

    cr_expect_eq(child_run(USER_B, attach_and_read, told), 0);
    cr_expect_eq(told->outcome, 0);
    cr_expect_eq(told->byte, 7);
    cr_expect_eq(told->n_attached, 2);
    cr_expect_eq(child_run(USER_SWEEP, attach_and_read, told), 0);
    cr_expect_eq(told->outcome, SHM_DENIED, "a third user");
    attach_and_read(told);
    cr_expect_eq(told->outcome, SHM_UNEXPECTED, "root may, but it was not made for it");

    child_kill(pid);
    cr_expect_eq(child_run(USER_B, attach_and_read, told), 0);
    cr_expect_eq(told->outcome, SHM_GONE);
    cr_expect_eq(child_run(USER_SWEEP, attach_and_read, told), 0);
    cr_expect_eq(told->outcome, SHM_GONE);
}

static void set_kernel(const char *name, unsigned long value) {
    char path[64], text[32];
    snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
    snprintf(text, sizeof text, "%lu", value);
    write_text(path, text);
}

static void reach_the_limits(void *arg) {
    (void)arg;
    int shmid;
    void *first = NULL, *second = NULL;
    struct shm_limits limits;
    child_unshare(CLONE_NEWIPC);
    set_kernel("shmmax", SIZE);
    MUST(shm_limits_read(&limits) == 0 && limits.shmmax == SIZE && limits.n_segments == 0);
    MUST(shm_create(&shmid, &first, SIZE + 1, geteuid()) == SHM_TOO_LARGE);
    MUST(shm_create(&shmid, &first, SIZE, geteuid()) == 0);
    MUST(shm_limits_read(&limits) == 0 && limits.n_segments == 1 && limits.n_pages >= 1);
    set_kernel("shmall", limits.n_pages);
    MUST(shm_create(&shmid, &second, SIZE, geteuid()) == SHM_NO_PAGES);
    set_kernel("shmall", limits.shmall);
    set_kernel("shmmni", 1);
    MUST(shm_create(&shmid, &second, SIZE, geteuid()) == SHM_NO_ID);
    shm_detach(first);
    MUST(shm_create(&shmid, &second, SIZE, geteuid()) == 0);
    shm_detach(second);
}

Test(shm, limits_are_told_apart) {
    NEEDS_ROOT("an IPC namespace with limits of its own");
    int status = child_run(AS_OURSELVES, reach_the_limits, NULL);
    SKIP_IF_CANNOT(status);
    cr_expect_eq(status, 0);
    cr_expect_not_null(strstr(shm_outcome_text(SHM_TOO_LARGE), "kernel.shmmax"));
    cr_expect_not_null(strstr(shm_outcome_text(SHM_NO_PAGES), "kernel.shmall"));
    cr_expect_not_null(strstr(shm_outcome_text(SHM_NO_ID), "kernel.shmmni"));
}

struct attached_search {
    int shmid;
    pid_t pids[2];
    unsigned n_found, n_visited;
};

static bool look_for_segment(void *arg, const struct shm_segment *segment) {
    struct attached_search *search = arg;
    search->n_visited++;
    search->n_found += segment->shmid == search->shmid;
    return search->n_found == 0;
}

static bool look_for_process(void *arg, pid_t pid) {
    struct attached_search *search = arg;
    search->n_visited++;
    search->n_found += pid == search->pids[0] || pid == search->pids[1];
    return true;
}

static void attach_and_wait(void *arg) {
    struct told *told = arg;
    const struct shm_expectation expected = {.size = SIZE, .creator = told->creator};
    void *memory = NULL;
    MUST(shm_attach(told->shmid, &memory, &expected, NULL) == 0);
    told->is_ready = 1;
    for (;;)
        pause();
}

Test(shm, segments_and_their_processes_are_listed) {
    struct told *told = share(sizeof *told);
    void *memory = new_segment(&told->shmid, geteuid());
    told->creator = geteuid();
    pid_t pid = child_start(AS_OURSELVES, attach_and_wait, told);
    wait_for(&told->is_ready);
    struct attached_search search = {.shmid = told->shmid, .pids = {getpid(), pid}};
    cr_expect_eq(shm_each(look_for_segment, &search), 0);
    cr_expect_eq(search.n_found, 1);
    search.n_found = search.n_visited = 0;
    cr_expect_eq(shm_each_attached(told->shmid, look_for_process, &search), 0);
    cr_expect_eq(search.n_found, 2);
    cr_expect_eq(search.n_visited, 2, "nobody else has it");
    child_kill(pid);
    shm_detach(memory);
}

Test(shm, outcomes_have_texts) {
    for (int i = SHM_OK; i <= SHM_UNEXPECTED; i++)
        cr_expect_str_neq(shm_outcome_text((enum shm_outcome)i), "unknown outcome");
    cr_expect_str_eq(shm_outcome_text((enum shm_outcome)99), "unknown outcome");
}
