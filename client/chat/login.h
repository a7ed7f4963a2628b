/*
 * Who stands behind a handle, when it is not the login that it says: " (login carol)". One's own
 * are known. Who is asked may be a directory on another machine that does not answer, so a thread
 * asks: the window waits a moment for it, and else tells when it knows. Both are bounded: others
 * choose their names.
 */
#pragma once

#include "chat/chat.h"

void login_deinit(struct chat *chat);

/* The remark behind the handle, or ""; the uid as long as the login is not known. Valid until the
 * next call. */
const char *login_remark(struct chat *chat, const char *handle, uid_t uid);

/* The same the first time that this window tells of the handle, and then "". What is not known yet
 * is told by login_tell_found(). */
const char *login_first(struct chat *chat, const char *handle, uid_t uid);

/* Readable when there is something to be told; -1: nothing was asked yet. */
int login_fd(const struct chat *chat);

/* Tells of the handles whose logins have been found since. */
void login_tell_found(struct chat *chat);
