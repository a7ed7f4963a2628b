#include "cli/look/rooms.h"

#include <stdlib.h>
#include <strings.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"

static void add_room(void *arg, const struct earshot_event *event) {
    struct cli_rooms *rooms = arg;
    rooms->all = cli_grow(rooms->all, rooms->n, sizeof *rooms->all);
    rooms->all[rooms->n++] = (struct cli_room){
        .name = cli_copy(event->room.name),
        .topic = cli_copy(event->room.topic),
        .members = event->room.members,
    };
}

static int by_name(const void *a, const void *b) {
    return strcasecmp(((const struct cli_room *)a)->name, ((const struct cli_room *)b)->name);
}

int cli_rooms_ask(earshot *link, const struct cli_options *options, struct cli_rooms *rooms) {
    uint32_t request = 0;
    int result = earshot_ask(link, EARSHOT_ROOMS, NULL, &request);
    int code = cli_request_wait(link, options, result, request, add_room, rooms);
    if (rooms->n > 1)
        qsort(rooms->all, rooms->n, sizeof *rooms->all, by_name);
    return code;
}

void cli_rooms_free(struct cli_rooms *rooms) {
    for (size_t i = 0; i < rooms->n; i++) {
        free(rooms->all[i].name);
        free(rooms->all[i].topic);
    }
    free(rooms->all);
    *rooms = (struct cli_rooms){0};
}

static int rooms_print(const struct cli_options *options, const struct cli_rooms *rooms) {
    if (options->json)
        for (size_t i = 0; i < rooms->n; i++)
            json_room(rooms->all[i].name, rooms->all[i].members, rooms->all[i].topic);
    else if (rooms->n > 0)
        text_rooms(options, rooms->all, rooms->n);
    else
        cli_remark(options, "there is no room; `/join #name` in `earshot chat` makes one");
    return cli_flush();
}

int cli_rooms(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    struct cli_rooms rooms = {0};
    earshot *link;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    code = cli_rooms_ask(link, options, &rooms);
    earshot_close(link);
    if (code == CLI_DONE)
        code = rooms_print(options, &rooms);
    cli_rooms_free(&rooms);
    return code;
}
