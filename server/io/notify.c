#include "io/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

static int notify_fd = -1;

/* unix(7): an abstract name begins with a NUL and is as long as the address says. */
static bool address_of(const char *name, struct sockaddr_un *address, socklen_t *size) {
    size_t n = strlen(name);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((name[0] != '/' && name[0] != '@') || n >= sizeof address->sun_path)
        return false;
    memcpy(address->sun_path, name, n);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
    return true;
}

void notify_init(void) {
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t size;
    if (!name)
        return;
    if (!address_of(name, &address, &size)) {
        log_warning("NOTIFY_SOCKET is neither a path nor @name; the service manager hears nothing");
        return;
    }
    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notify_fd < 0 || connect(notify_fd, (struct sockaddr *)&address, size) < 0) {
        log_warning("cannot reach the service manager: %s", strerror(errno));
        notify_deinit();
    }
    unsetenv("NOTIFY_SOCKET");
}

void notify_send(const char *state) {
    if (notify_fd >= 0 && send(notify_fd, state, strlen(state), MSG_NOSIGNAL) < 0)
        log_warning("cannot tell the service manager %s: %s", state, strerror(errno));
}

void notify_deinit(void) {
    if (notify_fd >= 0)
        close(notify_fd);
    notify_fd = -1;
}
