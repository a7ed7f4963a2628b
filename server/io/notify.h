/*
 * Telling the service manager how far the hub is: the datagram protocol of sd_notify(3), without
 * its library. A service of Type=notify counts as started when READY=1 has come.
 */
#pragma once

/*
 * Opens the socket that $NOTIFY_SOCKET names (a path, or @name in the abstract namespace) and
 * takes the variable out of the environment. Without it, notify_send() does nothing. Only for a hub
 * in the foreground: one that a client started in the background is not the service that was meant.
 */
void notify_init(void);

/* "READY=1", "STOPPING=1". Nothing depends on whether anybody hears it. */
void notify_send(const char *state);

void notify_deinit(void);
