/*
 * A small file as a message (KIND_FILE). What it is made of, and its bounds, is struct file_body in
 * proto/frame.h; all that points into the body is valid as long as that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/base64.h"
#include "files/digest.h"
#include "proto/frame.h"

/*
 * Measured (`make picture`): below 8 KiB a message is there two to five times sooner, since it
 * needs no answer and no segment; at 16 KiB the two ways take equally long; from 64 KiB on shared
 * memory is several times faster. At 32 KiB a message takes about a millisecond longer. That is
 * paid for what only a message can do: wait for somebody who is away.
 */
#define PARCEL_CONTENT_MAX FILE_CONTENT_MAX
#define PARCEL_NAME_SIZE (FILE_NAME_MAX + 1)
#define PARCEL_TEXT_SIZE (PARCEL_NAME_SIZE + 64)
#define PARCEL_BODY_MAX BASE64_CHARS(FILE_BODY_MAX) /* in either form */

/* Seals it: form and digest are set. Returns the length of what was written to `body`, which has
 * PARCEL_BODY_MAX bytes; as_text: base64, for an old hub. */
size_t parcel_pack(struct file_body *file, bool as_text, char *body);

/* False: it is none, or its content is not what the digest says. */
bool parcel_open(struct file_body *file, struct bytes body);

/* A body in either form becomes one that is no text, in its place. What is neither stays. */
void parcel_normalize(char *body, size_t *n);

/* "[file NAME, SIZE]" */
void parcel_describe(struct bytes body, char text[PARCEL_TEXT_SIZE]);

/*
 * Writes it into the directory, where it gets the name `name`, or (dir NULL) to fd. Returns 0, an
 * enum transfer_outcome, then with the system's error if there is one, or -errno: the directory
 * cannot be opened.
 */
int parcel_save(const struct file_body *file, uid_t from, const char *dir, int fd,
                char name[PARCEL_NAME_SIZE], int *error);
