#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/look/rooms.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"
#include "cli/words.h"
#include "proto/frame.h"

static int topic_print(const struct cli_options *options, const struct cli_room *room) {
    if (options->json)
        json_room(room->name, room->members, room->topic);
    else if (*room->topic)
        text_topic(room->topic);
    else
        cli_remark(options, "%s has no topic", room->name);
    return cli_flush();
}

static int topic_show(earshot *link, const struct cli_options *options, const char *room) {
    struct cli_rooms rooms = {0};
    size_t i = 0;
    int code = cli_rooms_ask(link, options, &rooms);
    while (i < rooms.n && !words_same_name(rooms.all[i].name, room))
        i++;
    if (code == CLI_DONE && i < rooms.n)
        code = topic_print(options, &rooms.all[i]);
    else if (code == CLI_DONE)
        code = cli_fail(options, CLI_NO_NAME, "no-room",
                        "there is no room %s; `earshot rooms` lists them", room);
    cli_rooms_free(&rooms);
    return code;
}

static int topic_set(earshot *link, const struct cli_options *options, const char *room,
                     const char *topic) {
    uint32_t request = 0;
    int result = earshot_topic(link, room, topic, &request);
    return cli_request_wait(link, options, result, request, NULL, NULL);
}

static int topic_run(const struct cli_options *options, const char *room, const char *topic) {
    earshot *link;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    code = topic ? topic_set(link, options, room, topic) : topic_show(link, options, room);
    earshot_close(link);
    return code;
}

int cli_topic(const struct cli_options *options, int n_words, char **words) {
    char *topic = n_words > 1 ? words_join(n_words - 1, words + 1) : NULL;
    int code = words_check_room(options, words[0]);
    if (code == CLI_DONE && topic)
        code = words_check_text(options, bytes_of(topic), TOPIC_BYTES_MAX, "the topic");
    if (code == CLI_DONE)
        code = topic_run(options, words[0], topic);
    free(topic);
    return code;
}
