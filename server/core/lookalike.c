#include "core/lookalike.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uspoof.h>
#include <utlist.h>

#define SKELETON_BYTES_MAX (8 * NAME_BYTES_MAX)

/*
 * What is asked of a name by itself: scripts that no language mixes, digits of two systems, marks
 * that cannot be seen.
 */
#define CHECKS                                                                                     \
    (USPOOF_RESTRICTION_LEVEL | USPOOF_INVISIBLE | USPOOF_MIXED_NUMBERS | USPOOF_HIDDEN_OVERLAY)

static USpoofChecker *the_checker;

/* Made for the first name that is not ASCII; most hubs never see one. NULL: the library cannot. */
static USpoofChecker *checker(void) {
    UErrorCode error = U_ZERO_ERROR;
    if (the_checker)
        return the_checker;
    the_checker = uspoof_open(&error);
    if (U_FAILURE(error)) {
        the_checker = NULL;
        return NULL;
    }
    uspoof_setChecks(the_checker, CHECKS, &error);
    uspoof_setRestrictionLevel(the_checker, USPOOF_HIGHLY_RESTRICTIVE);
    return the_checker;
}

void lookalike_deinit(void) {
    if (the_checker)
        uspoof_close(the_checker);
    the_checker = NULL;
}

static bool is_ascii(const struct name *name) {
    for (size_t i = 0; i < name->n; i++)
        if ((unsigned char)name->s[i] >= 0x80)
            return false;
    return true;
}

bool lookalike_is_plain(const struct name *name) {
    UErrorCode error = U_ZERO_ERROR;
    if (is_ascii(name))
        return true;
    const USpoofChecker *with = checker();
    return with && uspoof_checkUTF8(with, name->s, name->n, NULL, &error) == 0 && U_SUCCESS(error);
}

/* What the library makes of the characters that an ASCII key may have; a test compares them. */
static size_t ascii_skeleton(const struct name *key, char *skeleton) {
    size_t n = 0;
    for (size_t i = 0; i < key->n; i++) {
        char c = key->s[i];
        if (c == 'm')
            skeleton[n++] = 'r';
        skeleton[n++] = (char)(c == 'm' ? 'n' : c == '0' ? 'O' : c == '1' ? 'l' : c);
    }
    return n;
}

size_t lookalike_skeleton(const struct name *key, char *skeleton, size_t size) {
    UErrorCode error = U_ZERO_ERROR;
    if (is_ascii(key) && size >= (size_t)2 * key->n)
        return ascii_skeleton(key, skeleton);
    const USpoofChecker *with = checker();
    int32_t n =
        with ? uspoof_getSkeletonUTF8(with, 0, key->s, key->n, skeleton, (int32_t)size, &error) : 0;
    if (n > 0 && (size_t)n <= size && U_SUCCESS(error))
        return (size_t)n;
    size_t n_key = key->n < size ? key->n : size; /* it looks like itself only */
    memcpy(skeleton, key->s, n_key);
    return n_key;
}

static struct alike *alike_find(struct alike *table, const char *skeleton, size_t n) {
    struct alike *alike;
    HASH_FIND(hh, table, skeleton, n, alike);
    return alike;
}

static struct alike *alike_new(struct alike **table, const char *skeleton, size_t n) {
    struct alike *alike = calloc(1, sizeof *alike + n);
    if (!alike)
        return NULL;
    alike->n = n;
    memcpy(alike->skeleton, skeleton, n);
    HASH_ADD_KEYPTR(hh, *table, alike->skeleton, alike->n, alike);
    if (alike->hh.tbl)
        return alike;
    free(alike);
    return NULL;
}

void lookalike_add(struct alike **table, struct alike_entry *entry, const struct name *key) {
    char skeleton[SKELETON_BYTES_MAX];
    size_t n = lookalike_skeleton(key, skeleton, sizeof skeleton);
    struct alike *alike = alike_find(*table, skeleton, n);
    if (!alike)
        alike = alike_new(table, skeleton, n);
    entry->alike = alike;
    if (alike)
        DL_APPEND(alike->entries, entry);
}

void lookalike_remove(struct alike **table, struct alike_entry *entry) {
    struct alike *alike = entry->alike;
    if (!alike)
        return;
    DL_DELETE(alike->entries, entry);
    entry->alike = NULL;
    if (alike->entries)
        return;
    HASH_DELETE(hh, *table, alike);
    free(alike);
}

const struct alike_entry *lookalike_find(struct alike *table, const struct name *key,
                                         const struct user *user) {
    char skeleton[SKELETON_BYTES_MAX];
    size_t n = lookalike_skeleton(key, skeleton, sizeof skeleton);
    const struct alike *alike = alike_find(table, skeleton, n);
    const struct alike_entry *entry;
    if (!alike)
        return NULL;
    DL_FOREACH(alike->entries, entry) {
        if (!user || entry->user != user)
            return entry;
    }
    return NULL;
}
