#include "cli/files/put_room.h"

#include <stdlib.h>
#include <string.h>

#include "cli/records.h"
#include "cli/report.h"
#include "cli/request.h"

struct asking {
    struct put_room here, away;
    const char *self;
};

static void add(void *arg, const struct earshot_event *event) {
    struct asking *asking = arg;
    struct put_room *room = event->user.state == EARSHOT_OFFLINE ? &asking->away : &asking->here;
    if (strcmp(event->user.handle, asking->self) == 0)
        return;
    room->names = cli_grow(room->names, room->n, sizeof *room->names);
    room->names[room->n++] = cli_copy(event->user.handle);
}

int put_room_ask(struct put_room *room, const struct cli_options *options, earshot *link,
                 const char *name, const char *self) {
    struct asking asking = {.self = self};
    uint32_t request = 0;
    int result = earshot_ask(link, EARSHOT_USERS, name, &request);
    int code = cli_request_wait(link, options, result, request, add, &asking);
    if (code == CLI_DONE && asking.here.n + asking.away.n == 0)
        code = cli_fail(options, CLI_NO_NAME, "no-user", "nobody else is in %s", name);
    if (code == CLI_DONE && asking.here.n == 0)
        cli_remark(options, "nobody of %s is here; waiting for all of its members", name);
    *room = asking.here.n > 0 ? asking.here : asking.away;
    put_room_free(asking.here.n > 0 ? &asking.away : &asking.here);
    return code;
}

void put_room_free(struct put_room *room) {
    for (size_t i = 0; i < room->n; i++)
        free(room->names[i]);
    free(room->names);
    *room = (struct put_room){0};
}

void put_room_drop(struct put_room *room, const char *handle) {
    for (size_t i = 0; i < room->n; i++) {
        if (strcmp(room->names[i], handle) != 0)
            continue;
        free(room->names[i]);
        room->names[i] = room->names[--room->n];
        return;
    }
}

bool put_room_is_done(const struct put_room *room) {
    return room->n == 0;
}
