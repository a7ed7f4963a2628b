/*
 * A small file as the text of a message (KIND_FILE): base64 of a record that is written and read
 * with the cursors of base/cursor.h, and ends with the content.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "files/digest.h"

/*
 * Measured (`make picture`): below 8 KiB a message is there two to five times sooner, since it
 * needs no answer and no segment; at 16 KiB the two ways take equally long; from 64 KiB on shared
 * memory is several times faster. At 32 KiB a message takes about a millisecond longer. That is
 * paid for what only a message can do: wait for somebody who is away.
 */
#define PARCEL_CONTENT_MAX 32768
#define PARCEL_NAME_SIZE 1024
#define PARCEL_RECORD_MAX (PARCEL_CONTENT_MAX + PARCEL_NAME_SIZE + 64)
#define PARCEL_BODY_MAX ((PARCEL_RECORD_MAX + 2) / 3 * 4)
#define PARCEL_TEXT_SIZE (PARCEL_NAME_SIZE + 64)

struct parcel {
    char name[PARCEL_NAME_SIZE];
    uint32_t mode;
    int64_t mtime_ns;
    uint64_t link; /* of the sender's program: where the receipt goes */
    struct digest digest;
    size_t n;
    uint8_t content[PARCEL_CONTENT_MAX];
};

/* Returns the length of what was written to `body`, which has PARCEL_BODY_MAX bytes. */
size_t parcel_encode(const struct parcel *parcel, char *body);

/* False: it is none, or its content is not what the digest says. */
bool parcel_decode(struct parcel *parcel, struct bytes body);

/* "[file NAME, SIZE]" */
void parcel_describe(struct bytes body, char text[PARCEL_TEXT_SIZE]);

/*
 * Writes it into the directory, where it gets the name `name`, or (dir NULL) to fd. Returns 0, an
 * enum transfer_outcome, then with the system's error if there is one, or -errno: the directory
 * cannot be opened.
 */
int parcel_save(const struct parcel *parcel, uid_t from, const char *dir, int fd,
                char name[PARCEL_NAME_SIZE], int *error);
