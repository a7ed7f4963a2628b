/* Questions that follow each other without a gap do not keep the -wal file from beginning anew. */

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#include "unit/store/shelf.h"

#define TEXT_BYTES 8000
#define COMMITS 400 /* of this many messages: three times as much as the log may have */
#define MESSAGES 16
#define LOG_BYTES_MAX (40LL * 1024 * 1024)

TestSuite(log_length, .init = shelf_begin, .fini = shelf_end, .timeout = 120);

static atomic_bool is_over;

static int look_slowly(void *arg, const struct record *record) {
    (void)arg, (void)record;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return atomic_load(&is_over);
}

/* Two of these: there nearly always is a snapshot, and never one that is old. */
static void *read_on_and_on(void *arg) {
    struct store_reader *reader = arg;
    struct store_view view = view_of(1, NULL, 0);
    struct store_page newest = {.n_max = 20};
    while (!atomic_load(&is_over))
        if (store_history(reader, &view, &newest, look_slowly, NULL) < 0)
            return "a reader failed";
    return NULL;
}

static long long log_bytes(void) {
    struct stat info;
    return stat(shelf_path(STORE_FILE "-wal"), &info) == 0 ? (long long)info.st_size : 0;
}

/* As the hub's writer does. */
static long long write_much(void) {
    static char text[TEXT_BYTES + 1];
    long long most = 0;
    memset(text, 'x', TEXT_BYTES);
    for (int i = 0; i < COMMITS; i++) {
        cr_assert_eq(store_begin(shelf.store), 0);
        for (int j = 0; j < MESSAGES; j++)
            put(conv_of_pair(1, 2), 2, text);
        cr_assert_eq(store_commit(shelf.store), 0);
        if (store_log_is_long(shelf.store))
            store_copy_log(shelf.store);
        most = log_bytes() > most ? log_bytes() : most;
    }
    return most;
}

Test(log_length, 01_while_others_read_all_the_time) {
    struct store_reader *second;
    pthread_t threads[2];
    void *failed[2];
    say(conv_of_pair(1, 2), 2, "first");
    cr_assert_eq(store_reader_open(&second, shelf.store), 0);
    cr_assert_eq(pthread_create(&threads[0], NULL, read_on_and_on, shelf.reader), 0);
    cr_assert_eq(pthread_create(&threads[1], NULL, read_on_and_on, second), 0);
    long long most = write_much();
    atomic_store(&is_over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], &failed[i]);
    store_reader_close(second);
    cr_assert_null(failed[0]);
    cr_assert_null(failed[1]);
    cr_assert_lt(most, LOG_BYTES_MAX, "%lld bytes", most);
}
