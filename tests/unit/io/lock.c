/* The hub's lock: exclusive, and nobody is passed over for long. */

#include "io/lock.h"

#include <criterion/criterion.h>

#include "base/clock.h"

#define THREADS 4
#define ROUNDS 20000

static struct lock lock;
static unsigned n_inside, n_done;

static void setup(void) {
    lock_init(&lock);
}

static void teardown(void) {
    lock_deinit(&lock);
}

TestSuite(lock, .init = setup, .fini = teardown, .timeout = 60);

static void *count(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        lock_take(&lock);
        cr_assert_eq(++n_inside, 1);
        n_done++;
        n_inside--;
        lock_give(&lock);
    }
    return NULL;
}

Test(lock, 01_one_at_a_time) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(n_done, THREADS * ROUNDS);
    cr_assert_not(lock_is_due(&lock, mono_add_ms(mono_now(), 1000)));
}

/* Two that leave it only to take it again, with much to do; and one that comes in between. */

static atomic_bool is_over;

static void spin_ms(int64_t ms) {
    mono_time until = mono_add_ms(mono_now(), ms);
    while (mono_now().ns < until.ns) {
    }
}

static void *hog(void *arg) {
    (void)arg;
    while (!atomic_load(&is_over)) {
        lock_take(&lock);
        spin_ms(1);
        lock_give(&lock);
    }
    return NULL;
}

Test(lock, 02_who_comes_back_at_once_does_not_keep_the_others_out) {
    pthread_t hogs[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&hogs[i], NULL, hog, NULL), 0);
    for (int i = 0; i < 100; i++) {
        lock_take(&lock);
        lock_give(&lock);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(hogs[i], NULL);
}

/* Waiting for a condition. */

static pthread_cond_t said = PTHREAD_COND_INITIALIZER;
static bool is_said;

static void *say(void *arg) {
    (void)arg;
    lock_take(&lock);
    is_said = true;
    pthread_cond_signal(&said);
    lock_give(&lock);
    return NULL;
}

Test(lock, 03_a_condition_is_waited_for_without_the_lock_and_found_with_it) {
    pthread_t thread;
    lock_take(&lock);
    cr_assert_eq(pthread_create(&thread, NULL, say, NULL), 0);
    while (!is_said)
        lock_wait(&lock, &said, NULL);
    cr_assert(lock_is_held(&lock));
    lock_give(&lock);
    pthread_join(thread, NULL);
}

Test(lock, 04_a_wait_ends_when_its_time_is_over) {
    struct timespec past = {0};
    lock_take(&lock);
    lock_wait(&lock, &said, &past);
    cr_assert(lock_is_held(&lock));
    lock_give(&lock);
    cr_assert_not(lock_is_held(&lock));
}

/* Handing over. */

static atomic_bool is_let_go;

static void *hold(void *arg) {
    (void)arg;
    lock_take(&lock);
    while (!atomic_load(&is_let_go)) {
    }
    lock_give(&lock);
    return NULL;
}

Test(lock, 05_who_has_waited_long_is_due_and_has_it_as_soon_as_it_is_left) {
    pthread_t thread;
    lock_take(&lock);
    cr_assert_not(lock_is_due(&lock, mono_add_ms(mono_now(), 1000)), "nobody waits");
    cr_assert_eq(pthread_create(&thread, NULL, hold, NULL), 0);
    while (!lock_is_due(&lock, mono_now())) {
    }
    lock_give(&lock);
    cr_assert(lock_is_held(&lock), "it was not free for a moment");
    cr_assert_null(lock.first);
    atomic_store(&is_let_go, true);
    pthread_join(thread, NULL);
    cr_assert_not(lock_is_held(&lock));
}
