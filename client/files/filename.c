#include "files/filename.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/text.h"

#define EXTENSION_MAX 16 /* what is longer after a dot is no extension */

/* Where the extension begins, its dot included; the length of the name when it has none. */
static size_t filename_extension_at(struct bytes name) {
    const char *dot = memrchr(name.data, '.', name.n);
    if (!dot || dot == name.data || name.n - (size_t)(dot - name.data) > EXTENSION_MAX)
        return name.n;
    size_t at = (size_t)(dot - name.data);
    static const char tar[] = ".tar";
    size_t n_tar = sizeof tar - 1;
    if (at > n_tar && memcmp(dot - n_tar, tar, n_tar) == 0)
        at -= n_tar;
    return at;
}

/* The beginning of the name, cut to fit, with `tail` and then the extension behind it. */
static void filename_join(struct filename *out, struct bytes name, size_t extension,
                          const char *tail) {
    struct bytes ending = {name.data + extension, name.n - extension};
    size_t room = FILENAME_BYTES_MAX - ending.n - strlen(tail);
    size_t n = text_cut((struct bytes){name.data, extension}, room);
    int length = snprintf(out->s, sizeof out->s, "%.*s%s%.*s", (int)n, name.data, tail,
                          (int)ending.n, ending.data);
    assert(length > 0 && length <= FILENAME_BYTES_MAX);
}

int filename_clean(struct filename *out, struct bytes name) {
    CLEANUP_FREE char *safe = text_safe(name, TEXT_ONE_LINE);
    if (!safe)
        return -ENOMEM;
    for (char *slash = safe; (slash = strchr(slash, '/'));)
        *slash = '_';
    if (*safe == '.' || *safe == '-')
        *safe = '_';
    struct bytes whole = *safe ? bytes_of(safe) : bytes_of("_");
    filename_join(out, whole, filename_extension_at(whole), "");
    return 0;
}

void filename_choice(struct filename *out, const struct filename *clean, unsigned n,
                     bool is_directory) {
    char tail[16] = "";
    if (n > 1) {
        int length = snprintf(tail, sizeof tail, " (%u)", n);
        assert(length > 0 && (size_t)length < sizeof tail);
    }
    struct bytes name = bytes_of(clean->s);
    filename_join(out, name, is_directory ? name.n : filename_extension_at(name), tail);
}

void filename_part(struct filename *out, const struct filename *choice) {
    struct bytes name = bytes_of(choice->s);
    filename_join(out, name, name.n, FILENAME_PART);
}
