/*
 * A bot: whoever writes "load?" in its room or to it alone gets the load of the machine.
 *
 *   cc load-bot.c $(pkg-config --cflags --libs earshot) -o load-bot
 *   ./load-bot '#ops'
 */
#include <earshot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Answers where the question was asked, as a reply to it. */
static int bot_answer(earshot *link, const struct earshot_event *event) {
    double load[3];
    char text[80] = "nobody knows";
    if (getloadavg(load, 3) == 3)
        snprintf(text, sizeof text, "%.2f %.2f %.2f", load[0], load[1], load[2]);
    struct earshot_message message = {
        .to = event->message.conv,
        .text = text,
        .text_n = strlen(text),
        .kind = EARSHOT_NOTICE, /* other bots do not answer a notice */
        .reply_to = event->message.id,
    };
    return earshot_send(link, &message, NULL);
}

static int bot_run(earshot *link) {
    struct earshot_event event;
    int r = EARSHOT_OK;
    while (r == EARSHOT_OK && (r = earshot_next(link, &event, -1)) == EARSHOT_OK) {
        if (event.type != EARSHOT_EVENT_MESSAGE || event.message.mine)
            continue;
        earshot_mark_read(link, &event);
        if (event.message.kind == EARSHOT_TEXT && strcmp(event.message.text, "load?") == 0)
            r = bot_answer(link, &event);
    }
    return r;
}

int main(int argc, char **argv) {
    struct earshot_options options = {.handle = "load-bot",
                                      .flags = EARSHOT_LISTEN | EARSHOT_RECONNECT};
    earshot *link;
    uint32_t request;
    int r = earshot_open(&link, &options);
    for (int i = 1; r == EARSHOT_OK && i < argc; i++)
        r = earshot_join(link, argv[i], true, &request);
    if (r == EARSHOT_OK)
        r = bot_run(link);
    fprintf(stderr, "load-bot: %s\n", r < 0 ? strerror(-r) : earshot_error(link));
    earshot_close(link);
    return 1;
}
