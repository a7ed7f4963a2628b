/* Login names: passwd(5) and whatever else nsswitch.conf(5) names. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "proto/name.h"

/* The handle of a uid that did not ask for one: its login name, or uid1001. */
void login_default_handle(uid_t uid, struct name *handle);

/* Whether this handle is the login name of somebody else than uid. */
bool login_is_reserved(const struct name *handle, uid_t uid);

/* Whether the user of this uid is in the group; (gid_t)-1: nobody is. */
bool login_is_in_group(uid_t uid, gid_t gid);
