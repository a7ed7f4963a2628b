/*
 * Who stands behind a handle, when it is not the login that it says: " (login carol)". One's own
 * are known. Logins are looked up once.
 */
#pragma once

#include "chat/state.h"

void login_deinit(struct chat *chat);

/* The remark behind the handle, or "". Valid until the next call. */
const char *login_remark(struct chat *chat, const char *handle, uid_t uid);

/* The same the first time that this window tells of the handle, and then "". */
const char *login_first(struct chat *chat, const char *handle, uid_t uid);
