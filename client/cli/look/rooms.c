/* `rooms` and `topic`. */
#include <stdlib.h>
#include <strings.h>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"
#include "cli/words.h"
#include "proto/frame.h"

struct room_list {
    struct cli_room *all;
    size_t n;
};

static void rooms_add(void *arg, const struct earshot_event *event) {
    struct room_list *rooms = arg;
    rooms->all = cli_grow(rooms->all, rooms->n, sizeof *rooms->all);
    rooms->all[rooms->n++] = (struct cli_room){
        .name = cli_copy(event->room.name),
        .topic = cli_copy(event->room.topic),
        .group = event->room.owner ? cli_copy(event->room.group) : NULL,
        .form = event->room.form,
        .members = event->room.members,
    };
}

static int rooms_by_name(const void *a, const void *b) {
    return strcasecmp(((const struct cli_room *)a)->name, ((const struct cli_room *)b)->name);
}

static int rooms_ask(const struct cli_options *options, struct room_list *rooms) {
    int code = cli_request_list(options, EARSHOT_ROOMS, NULL, rooms_add, rooms);
    if (rooms->n > 1)
        qsort(rooms->all, rooms->n, sizeof *rooms->all, rooms_by_name);
    return code;
}

static void rooms_free(struct room_list *rooms) {
    for (size_t i = 0; i < rooms->n; i++) {
        free(rooms->all[i].name);
        free(rooms->all[i].topic);
        free(rooms->all[i].group);
    }
    free(rooms->all);
    *rooms = (struct room_list){0};
}

static int rooms_print(const struct cli_options *options, const struct room_list *rooms) {
    if (options->json)
        for (size_t i = 0; i < rooms->n; i++)
            json_room(&rooms->all[i]);
    else if (rooms->n > 0)
        text_rooms(options, rooms->all, rooms->n);
    else
        cli_remark(options, "there is no room; `/join #name` in `earshot chat` makes one");
    return cli_flush();
}

int cli_rooms(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    struct room_list rooms = {0};
    int code = rooms_ask(options, &rooms);
    if (code == CLI_DONE)
        code = rooms_print(options, &rooms);
    rooms_free(&rooms);
    return code;
}

static int topic_print(const struct cli_options *options, const struct cli_room *room) {
    if (options->json)
        json_room(room);
    else if (*room->topic)
        text_topic(room->topic);
    else
        cli_remark(options, "%s has no topic", room->name);
    return cli_flush();
}

static int topic_show(const struct cli_options *options, const char *room) {
    struct room_list rooms = {0};
    size_t i = 0;
    int code = rooms_ask(options, &rooms);
    while (i < rooms.n && !words_same_name(rooms.all[i].name, room))
        i++;
    if (code == CLI_DONE && i < rooms.n)
        code = topic_print(options, &rooms.all[i]);
    else if (code == CLI_DONE)
        code = cli_fail(options, FAIL_NO_ROOM, "there is no room %s; `earshot rooms` lists them",
                        room);
    rooms_free(&rooms);
    return code;
}

static int topic_set(const struct cli_options *options, const char *room, const char *topic) {
    earshot *link;
    uint32_t request = 0;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_topic(link, room, topic, &request);
    code = cli_request_wait(link, options, result, request, NULL, NULL);
    earshot_close(link);
    return code;
}

int cli_topic(const struct cli_options *options, int n_words, char **words) {
    CLEANUP_FREE char *topic = n_words > 1 ? words_join(n_words - 1, words + 1) : NULL;
    words_take_conv(words[0]);
    int code = words_check_room(options, words[0]);
    if (code == CLI_DONE && topic)
        code = words_check_text(options, bytes_of(topic), TOPIC_BYTES_MAX, "the topic");
    if (code != CLI_DONE)
        return code;
    return topic ? topic_set(options, words[0], topic) : topic_show(options, words[0]);
}
