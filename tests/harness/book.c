#include "harness/book.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/check.h"

#define AT_ONCE 512 /* entries */

int book_open(const char *dir, const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int book = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (book < 0)
        check_die("%s: %s", path, strerror(errno));
    return book;
}

int book_look(const char *dir, const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

void book_write(int book, const struct book_entry *entry) {
    ssize_t n = write(book, entry, sizeof *entry);
    if (n != (ssize_t)sizeof *entry)
        check_die("a book took %zd bytes: %s", n, strerror(errno));
}

void book_read(int book, size_t n_last, book_visit *visit, void *arg) {
    struct book_entry entries[AT_ONCE];
    struct stat stat;
    if (fstat(book, &stat) < 0)
        check_die("a book: %s", strerror(errno));
    size_t n = (size_t)stat.st_size / sizeof entries[0];
    if ((size_t)stat.st_size % sizeof entries[0] != 0)
        check_die("a book has half an entry");
    size_t at = n > n_last ? n - n_last : 0;
    while (at < n) {
        size_t wanted = n - at < AT_ONCE ? n - at : AT_ONCE;
        ssize_t got =
            pread(book, entries, wanted * sizeof entries[0], (off_t)(at * sizeof entries[0]));
        if (got != (ssize_t)(wanted * sizeof entries[0]))
            check_die("a book cannot be read: %s", strerror(errno));
        for (size_t i = 0; i < wanted; i++)
            visit(arg, &entries[i]);
        at += wanted;
    }
}
