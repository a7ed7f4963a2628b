/*
 * The login name of a handle's user, where it is not the handle itself: " (login carol)"; never for
 * the user's own handles. The user database may be on another machine that does not answer, so a
 * thread asks it: the window waits a moment for the answer, and tells it later when it comes later.
 * What is asked for and remembered is bounded, because others choose their handles.
 */
#pragma once

#include "chat/chat.h"

void login_deinit(struct chat *chat);

/*
 * The remark behind the handle, or ""; with the uid while the login is not known. Valid until the
 * next call.
 */
const char *login_remark(struct chat *chat, const char *handle, uid_t uid);

/*
 * The same the first time that this window tells of the handle, and "" from then on. A login that
 * is not known yet is told by login_tell_found().
 */
const char *login_first(struct chat *chat, const char *handle, uid_t uid);

/* Readable when there is something to be told; -1: nothing was asked yet. */
int login_fd(const struct chat *chat);

/* Tells of the handles whose logins have been found since. */
void login_tell_found(struct chat *chat);
