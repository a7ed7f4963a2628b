#include "unit/files/hand.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "files/remove.h"

struct hand hand;

static void note_skipped(void *context, const char *path, enum source_skip why, int error) {
    (void)context;
    (void)error;
    hand.n_skipped++;
    snprintf(hand.skipped, sizeof hand.skipped, "%d %s", (int)why, path);
}

static const char *in(const char *folder, const char *name) {
    static char paths[8][PATH_MAX];
    static unsigned n;
    char *path = paths[n++ % ARRAY_LEN(paths)];
    snprintf(path, sizeof paths[0], "%s/%s%s%s", hand.top, folder, name[0] ? "/" : "", name);
    return path;
}

const char *in_from(const char *name) {
    return in("from", name);
}

const char *in_to(const char *name) {
    return in("to", name);
}

const char *in_outside(const char *name) {
    return in("outside", name);
}

void hand_begin(void) {
    const char *temporary = getenv("TMPDIR");
    snprintf(hand.top, sizeof hand.top, "%s/hand.XXXXXX", temporary ? temporary : "/tmp");
    cr_assert(mkdtemp(hand.top));
    make_directory(in_from(""));
    make_directory(in_to(""));
    make_directory(in_outside(""));
    hand.to = open(in_to(""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert(hand.to >= 0);
    hand.capacity = sizeof hand.slot;
    hand.source_options = (struct source_options){.skipped = note_skipped};
    hand.options = (struct sink_options){.dir = hand.to, .from = 1234};
    umask(022);
}

void hand_end(void) {
    close(hand.to);
    int top = open(hand.top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_expect_eq(remove_below(top), 0);
    close(top);
    cr_expect_eq(rmdir(hand.top), 0);
}

/* --- files --- */

void make_file(const char *path, size_t n, unsigned seed) {
    unsigned char *content = malloc(n + 1);
    cr_assert(content);
    for (size_t i = 0; i < n; i++)
        content[i] = (unsigned char)((i * 2654435761U + seed) >> 11);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    cr_assert(fd >= 0, "%s", path);
    cr_assert_eq(write(fd, content, n), (ssize_t)n);
    close(fd);
    free(content);
}

void make_directory(const char *path) {
    cr_assert_eq(mkdir(path, 0755), 0, "%s", path);
}

void add_bytes(const char *path, off_t at, const void *data, size_t n) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    cr_assert(fd >= 0);
    cr_assert_eq(pwrite(fd, data, n, at), (ssize_t)n);
    close(fd);
}

struct stat status_of(const char *path) {
    struct stat status;
    cr_assert_eq(lstat(path, &status), 0, "%s is not there", path);
    return status;
}

bool is_there(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

static int is_entry(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int list(const char *path, struct dirent ***entries) {
    int n = scandir(path, entries, is_entry, alphasort);
    cr_assert(n >= 0);
    return n;
}

static void free_list(struct dirent **entries, int n) {
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
}

unsigned count_entries(const char *path) {
    struct dirent **entries;
    int n = list(path, &entries);
    free_list(entries, n);
    return (unsigned)n;
}

/* --- equality --- */

/* The same data at the same places, and holes between them. */
void expect_same_content(const char *a, const char *b) {
    static char left[HAND_SLOT], right[HAND_SLOT];
    int fa = open(a, O_RDONLY | O_CLOEXEC), fb = open(b, O_RDONLY | O_CLOEXEC);
    cr_assert(fa >= 0 && fb >= 0);
    for (off_t at = 0; (at = lseek(fa, at, SEEK_DATA)) >= 0;) {
        off_t end = lseek(fa, at, SEEK_HOLE);
        cr_assert_eq(lseek(fb, at, SEEK_DATA), at, "%s has a hole at %ld", b, (long)at);
        while (at < end) {
            size_t n = end - at < (off_t)sizeof left ? (size_t)(end - at) : sizeof left;
            cr_assert_eq(pread(fa, left, n, at), (ssize_t)n);
            cr_assert_eq(pread(fb, right, n, at), (ssize_t)n);
            cr_assert_eq(memcmp(left, right, n), 0, "%s differs before %ld", b,
                         (long)(at + (off_t)n));
            at += (off_t)n;
        }
        if (end < status_of(a).st_size)
            cr_expect_eq(lseek(fb, end - 1, SEEK_HOLE), end, "%s: no hole at %ld", b, (long)end);
    }
    close(fa);
    close(fb);
}

static void expect_equal_link(const char *a, const char *b) {
    char left[PATH_MAX] = "", right[PATH_MAX] = "";
    cr_assert_gt(readlink(a, left, sizeof left - 1), 0);
    cr_assert_gt(readlink(b, right, sizeof right - 1), 0);
    cr_expect_str_eq(left, right);
}

static void expect_equal_directory(const char *a, const char *b) {
    struct dirent **left, **right;
    int n = list(a, &left), n_right = list(b, &right);
    cr_assert_eq(n, n_right, "%s", b);
    for (int i = 0; i < n; i++) {
        char below_a[PATH_MAX], below_b[PATH_MAX];
        cr_expect_str_eq(left[i]->d_name, right[i]->d_name);
        cr_assert_lt(snprintf(below_a, PATH_MAX, "%s/%s", a, left[i]->d_name), PATH_MAX);
        cr_assert_lt(snprintf(below_b, PATH_MAX, "%s/%s", b, left[i]->d_name), PATH_MAX);
        expect_equal(below_a, below_b);
    }
    free_list(left, n);
    free_list(right, n_right);
}

void expect_equal(const char *a, const char *b) {
    struct stat left = status_of(a), right = status_of(b);
    cr_assert_eq(left.st_mode, right.st_mode, "%s: mode %o", b, right.st_mode);
    cr_expect_eq(left.st_mtim.tv_sec, right.st_mtim.tv_sec, "%s", b);
    cr_expect_eq(left.st_mtim.tv_nsec, right.st_mtim.tv_nsec, "%s", b);
    if (S_ISDIR(left.st_mode)) {
        expect_equal_directory(a, b);
        return;
    }
    cr_assert_eq(left.st_size, right.st_size, "%s", b);
    if (S_ISLNK(left.st_mode))
        expect_equal_link(a, b);
    else
        expect_same_content(a, b);
}

/* --- handing over --- */

bool move_items(struct source *source, struct sink *sink, size_t limit, struct handed *handed) {
    for (size_t i = 0; i < limit; i++) {
        struct item item;
        handed->source = source_next(source, hand.slot, hand.capacity, &item);
        if (handed->source != 0)
            return false;
        handed->sink = sink_put(sink, &item);
        if (handed->sink != 0)
            return false;
        if (item.kind == ITEM_END)
            return true;
    }
    return false;
}

void open_both(const char *name, struct source **source, struct sink **sink) {
    cr_assert_eq(source_open(source, in_from(name), &hand.source_options), 0);
    cr_assert_eq(sink_open(sink, source_offer(*source), &hand.options), 0);
}

void hand_over_partly(const char *name, size_t limit) {
    struct source *source;
    struct sink *sink;
    struct handed handed = {0};
    open_both(name, &source, &sink);
    cr_assert_not(move_items(source, sink, limit, &handed));
    cr_assert_eq(handed.source, 0);
    cr_assert_eq(handed.sink, 0);
    sink_free(sink);
    source_free(source);
}

static void note(struct handed *handed, const struct source *source, const struct sink *sink) {
    struct digest read = source_digest(source);
    handed->digest = sink_digest(sink);
    handed->totals = sink_totals(sink);
    struct item_totals sent = source_totals(source);
    cr_expect(digest_equal(read, handed->digest));
    cr_expect_arr_eq(&sent, &handed->totals, sizeof sent);
    cr_expect_null(sink_part_name(sink));
    snprintf(handed->name, sizeof handed->name, "%s", sink_name(sink));
}

struct handed hand_over(const char *name) {
    struct handed handed = {0};
    struct source *source;
    struct sink *sink = NULL;
    handed.opened = source_open(&source, in_from(name), &hand.source_options);
    if (handed.opened != 0)
        return handed;
    handed.opened = sink_open(&sink, source_offer(source), &hand.options);
    if (handed.opened == 0) {
        struct item_prefix prefix = sink_prefix(sink);
        int r = prefix.offset > 0 ? source_resume(source, &prefix) : 0;
        cr_assert(r == 0 || r == TRANSFER_DIFFERS);
        if (move_items(source, sink, SIZE_MAX, &handed))
            note(&handed, source, sink);
        handed.is_resumed = sink_is_resumed(sink);
        handed.is_renamed = sink_is_renamed(sink);
    }
    sink_free(sink);
    source_free(source);
    return handed;
}

void expect_handed(const char *name) {
    struct handed handed = hand_over(name);
    cr_assert_eq(handed.opened, 0, "%s", name);
    cr_assert_eq(handed.source, 0, "%s: %s", name,
                 transfer_outcome_text((enum transfer_outcome)handed.source));
    cr_assert_eq(handed.sink, 0, "%s: %s", name,
                 transfer_outcome_text((enum transfer_outcome)handed.sink));
    cr_expect_str_eq(handed.name, name);
    cr_expect_not(handed.is_renamed);
    expect_equal(in_from(name), in_to(name));
}

/* --- a sender who says what the test wants --- */

struct record_entry entry_of(enum entry_kind kind, const char *path, uint64_t size) {
    return (struct record_entry){.kind = kind,
                                 .mode = 0644,
                                 .size = size,
                                 .path = bytes_of(path),
                                 .target = bytes_of(kind == ENTRY_LINK ? "target" : "")};
}

static int put_record(struct sink *sink, const struct item_record *record) {
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t n = record_encode(record, bytes, sizeof bytes);
    cr_assert_gt(n, 0);
    enum item_kind kind = record->type == RECORD_END ? ITEM_END : ITEM_RECORD;
    return sink_put(sink, &(struct item){.kind = kind, .n = n, .data = bytes});
}

int put_entry(struct sink *sink, struct record_entry entry) {
    return put_record(sink, &(struct item_record){.type = RECORD_ENTRY, .entry = entry});
}

int put_entry_end(struct sink *sink, const void *content, size_t n) {
    struct digest_state *state = digest_new();
    digest_add(state, content, n);
    struct item_record record = {.type = RECORD_ENTRY_END,
                                 .entry_end = {.size = n, .digest = digest_value(state)}};
    digest_free(state);
    return put_record(sink, &record);
}

int put_void(struct sink *sink) {
    struct item_record record = {.type = RECORD_ENTRY_END, .entry_end = {.size = ENTRY_END_VOID}};
    return put_record(sink, &record);
}

int put_data(struct sink *sink, const void *data, size_t n) {
    return sink_put(sink, &(struct item){.kind = ITEM_DATA, .n = n, .data = data});
}

int put_hole(struct sink *sink, uint64_t n) {
    return sink_put(sink, &(struct item){.kind = ITEM_HOLE, .hole = n});
}

struct sink *open_sink(enum entry_kind kind, const char *name, uint64_t size) {
    struct item_offer offer = {.kind = kind, .name = name, .size = size, .mode = 0644};
    struct sink *sink;
    cr_assert_eq(sink_open(&sink, &offer, &hand.options), 0, "%s", name);
    return sink;
}
