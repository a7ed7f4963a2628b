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
static USpoofChecker *spoof_checker(void) {
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

bool lookalike_is_ascii(const struct name *name) {
    for (size_t i = 0; i < name->n; i++)
        if ((unsigned char)name->s[i] >= 0x80)
            return false;
    return true;
}

bool lookalike_is_plain(const struct name *name) {
    UErrorCode error = U_ZERO_ERROR;
    if (lookalike_is_ascii(name))
        return true;
    const USpoofChecker *with = spoof_checker();
    return with && uspoof_checkUTF8(with, name->s, name->n, NULL, &error) == 0 && U_SUCCESS(error);
}

/* What the library makes of the characters that an ASCII name may have; a test compares them. */
static size_t ascii_skeleton(const struct name *name, char *skeleton) {
    size_t n = 0;
    for (size_t i = 0; i < name->n; i++) {
        char c = name->s[i];
        if (c == 'm')
            skeleton[n++] = 'r';
        skeleton[n++] = (char)(c == 'm' ? 'n' : c == '0' ? 'O' : c == '1' || c == 'I' ? 'l' : c);
    }
    return n;
}

/* As it is spelled: a capital i looks like an l. */
static size_t spelled_skeleton(const struct name *name, char *skeleton, size_t size) {
    UErrorCode error = U_ZERO_ERROR;
    if (lookalike_is_ascii(name) && size >= (size_t)2 * name->n)
        return ascii_skeleton(name, skeleton);
    const USpoofChecker *with = spoof_checker();
    int32_t n =
        with ? uspoof_getSkeletonUTF8(with, 0, name->s, name->n, skeleton, (int32_t)size, &error)
             : 0;
    if (n > 0 && (size_t)n <= size && U_SUCCESS(error))
        return (size_t)n;
    size_t n_name = name->n < size ? name->n : size; /* it looks like itself only */
    memcpy(skeleton, name->s, n_name);
    return n_name;
}

size_t lookalike_skeleton(const struct name *name, char *skeleton, size_t size) {
    size_t n = spelled_skeleton(name, skeleton, size);
    for (size_t i = 0; i < n; i++)
        if (skeleton[i] >= 'A' && skeleton[i] <= 'Z')
            skeleton[i] = (char)(skeleton[i] - 'A' + 'a');
    return n;
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

void lookalike_add(struct alike **table, struct alike_entry *entry) {
    char skeleton[SKELETON_BYTES_MAX];
    size_t n = lookalike_skeleton(entry->name, skeleton, sizeof skeleton);
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

const struct alike_entry *lookalike_find(struct alike *table, const struct name *name,
                                         const struct user *user) {
    char skeleton[SKELETON_BYTES_MAX];
    size_t n = lookalike_skeleton(name, skeleton, sizeof skeleton);
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

const struct alike_entry *lookalike_other(const struct alike_entry *entry) {
    const struct alike *alike = entry->alike;
    if (!alike)
        return NULL;
    return alike->entries != entry ? alike->entries : entry->next;
}
