#include "cli/request.h"

#include <errno.h>

#include "cli/interrupt.h"
#include "cli/report.h"

#define REQUEST_MS 30000

int cli_request_open(earshot **link, const struct cli_options *options) {
    cli_limit_start(options->timeout_ms >= 0 ? options->timeout_ms : REQUEST_MS);
    return cli_open(link, options, 0);
}

int cli_take_next(earshot *link, const struct cli_options *options, int ms, event_taker *take,
                  void *arg) {
    struct earshot_event event;
    int result = earshot_next(link, &event, ms);
    if (result == EARSHOT_OK)
        return take(arg, &event);
    return result == EARSHOT_AGAIN || result == -EINTR ? CLI_DONE
                                                       : cli_fail_link(options, link, result);
}

static int request_next(earshot *link, const struct cli_options *options,
                        struct earshot_event *event) {
    int result;
    do {
        if (cli_interrupted() || cli_limit_passed())
            return cli_fail_link(options, link, -EINTR);
        result = earshot_next(link, event, -1);
    } while (result == -EINTR || result == EARSHOT_AGAIN);
    return result == EARSHOT_OK ? CLI_DONE : cli_fail_link(options, link, result);
}

static bool request_is_line(const struct earshot_event *event) {
    return event->type == EARSHOT_EVENT_USER || event->type == EARSHOT_EVENT_ROOM ||
           event->type == EARSHOT_EVENT_LAID || event->type == EARSHOT_EVENT_COUNTER ||
           event->type == EARSHOT_EVENT_OBJECT || event->type == EARSHOT_EVENT_PAST ||
           event->type == EARSHOT_EVENT_UNREAD || event->type == EARSHOT_EVENT_ACCOUNT ||
           event->type == EARSHOT_EVENT_CLAIM || event->type == EARSHOT_EVENT_PINNED;
}

int cli_request_wait(earshot *link, const struct cli_options *options, int result, uint32_t request,
                     request_line *line, void *arg) {
    struct earshot_event event;
    if (result != EARSHOT_OK)
        return cli_fail_link(options, link, result);
    for (;;) {
        int code = request_next(link, options, &event);
        if (code != CLI_DONE)
            return code;
        if (event.type == EARSHOT_EVENT_DONE && event.request == request)
            return CLI_DONE;
        if (event.type == EARSHOT_EVENT_FAILED && event.request == request)
            return cli_fail_event(options, &event);
        if (line && request_is_line(&event) && event.request == request)
            line(arg, &event);
    }
}

int cli_request_make(const struct cli_options *options,
                     int (*make)(earshot *link, const char *word, uint32_t *request),
                     const char *word) {
    earshot *link;
    uint32_t request = 0;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = make(link, word, &request);
    code = cli_request_wait(link, options, result, request, NULL, NULL);
    earshot_close(link);
    return code;
}

int cli_request_list(const struct cli_options *options, enum earshot_list list, const char *room,
                     request_line *line, void *arg) {
    earshot *link;
    uint32_t request = 0;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_ask(link, list, room, &request);
    code = cli_request_wait(link, options, result, request, line, arg);
    earshot_close(link);
    return code;
}

struct author_search {
    uint32_t request;
    uid_t author;
    unsigned n;
    bool is_over;
};

static int author_take(void *arg, const struct earshot_event *event) {
    struct author_search *search = arg;
    if (event->request != search->request)
        return CLI_DONE;
    if (event->type == EARSHOT_EVENT_PAST && search->n++ == 0)
        search->author = event->message.uid;
    search->is_over |= event->type == EARSHOT_EVENT_DONE || event->type == EARSHOT_EVENT_FAILED;
    return CLI_DONE;
}

bool cli_request_author(earshot *link, const struct cli_options *options, const char *conv,
                        const char *id, uid_t *author) {
    struct author_search search = {0};
    int code = earshot_find(link, conv, id, false, 0, 2, &search.request) == EARSHOT_OK
                   ? CLI_DONE
                   : CLI_FAILED;
    while (code == CLI_DONE && !search.is_over && !cli_interrupted() && !cli_limit_passed())
        code = cli_take_next(link, options, -1, author_take, &search);
    *author = search.author;
    return search.is_over && search.n == 1;
}
