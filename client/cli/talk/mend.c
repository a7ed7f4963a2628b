/* `edit`, `delete` and `react`: what has been said is changed, taken back, or reacted to. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/uuid.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/near.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"

const struct cli_option cli_edit_options[] = {
    {"title", 0, CLI_STRING, CLI_AT(title), "TITLE", "a line above the text", NULL, 0},
    {0},
};

const struct cli_option cli_delete_options[] = {
    {"reason", 0, CLI_STRING, CLI_AT(reason), "TEXT", "why, which everybody there is told", NULL,
     0},
    {"from", 0, CLI_STRING, CLI_AT(from), "HANDLE",
     "for who puts things in order: it is a message of HANDLE", NULL, 0},
    {0},
};

const struct cli_option cli_react_options[] = {
    {"off", 0, CLI_FLAG, CLI_AT(off), NULL, "take this reaction back", NULL, 0},
    {"in", 0, CLI_STRING, CLI_AT(in), "CONV",
     "look for the message in this conversation only: a handle or #room", NULL, 0},
    {0},
};

struct mending {
    const struct cli_options *options;
    earshot *link;
    struct cli_sent sent;
    uid_t author;
    bool has_author, is_done;
    int code; /* of the refusal */
};

static int mend_take(void *arg, const struct earshot_event *event) {
    struct mending *mending = arg;
    switch (event->type) {
    case EARSHOT_EVENT_STATE:
        if (event->state.seq && strcmp(event->state.id, mending->sent.id) == 0)
            mending->sent.seq = event->state.seq;
        mending->sent.state = EARSHOT_STORED;
        mending->is_done |= earshot_n_unacknowledged(mending->link) == 0;
        return CLI_DONE;
    case EARSHOT_EVENT_REFUSED:
        mending->code = near_fail_refused(mending->options, event);
        mending->is_done = true;
        return CLI_DONE;
    case EARSHOT_EVENT_LOST:
    case EARSHOT_EVENT_SHUT_OUT:
    case EARSHOT_EVENT_BACK:
        cli_tell_hub(mending->options, event, "waiting for it to come back");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}

static int mend_await(struct mending *mending) {
    int code = CLI_DONE;
    while (code == CLI_DONE && !mending->is_done) {
        if (cli_interrupted())
            return cli_interrupted();
        if (cli_limit_passed())
            return cli_fail(mending->options, FAIL_TIMED_OUT,
                            "the hub did not answer within %g s; try again", cli_limit_seconds());
        code = cli_take_next(mending->link, mending->options, -1, mend_take, mending);
    }
    return code != CLI_DONE ? code : mending->code;
}

static int mend_wait(struct mending *mending) {
    int code = mend_await(mending);
    if (code != CLI_DONE)
        return code;
    if (mending->options->json)
        json_sent(&mending->sent);
    return cli_flush();
}

static int mend_finish(struct mending *mending, int result) {
    if (result != EARSHOT_OK)
        return cli_fail_link(mending->options, mending->link, result);
    return mend_wait(mending);
}

static struct earshot_message mend_message(const struct cli_options *options, const char *text) {
    return (struct earshot_message){
        .text = text,
        .text_n = strlen(text),
        .title = options->title,
        .flags = EARSHOT_ACK_NOW | (options->json ? EARSHOT_WANT_SEQ : 0),
    };
}

static int mend_open(struct mending *mending) {
    int code = cli_request_open(&mending->link, mending->options);
    mending->sent.state = EARSHOT_SENT;
    return code;
}

int cli_edit(const struct cli_options *options, int n_words, char **words) {
    CLEANUP_FREE char *text = words_join(n_words - 1, words + 1);
    struct mending mending = {.options = options};
    int code = words_check_id(options, words[0]);
    if (code == CLI_DONE)
        code = words_check_text(options, bytes_of(text), EARSHOT_TEXT_MAX, "the message");
    if (code == CLI_DONE && !*text)
        code = cli_fail(options, FAIL_BAD_TEXT,
                        "the message is empty; give a TEXT, or use `earshot delete`");
    if (code == CLI_DONE)
        code = mend_open(&mending);
    if (code == CLI_DONE) {
        struct earshot_message message = mend_message(options, text);
        code =
            mend_finish(&mending, earshot_edit(mending.link, words[0], &message, mending.sent.id));
    }
    earshot_close(mending.link);
    return code;
}

static void mend_note_author(void *arg, const struct earshot_event *event) {
    struct mending *mending = arg;
    if (!words_same_name(event->user.handle, mending->options->from))
        return;
    mending->author = event->user.uid;
    mending->has_author = true;
}

/* Whose message it is: one's own, or that of who was named. */
static int mend_find_author(struct mending *mending) {
    const struct cli_options *options = mending->options;
    uint32_t request = 0;
    mending->author = geteuid();
    if (!options->from)
        return CLI_DONE;
    int result = earshot_ask(mending->link, EARSHOT_HANDLES, NULL, &request);
    int code = cli_request_wait(mending->link, options, result, request, mend_note_author, mending);
    if (code == CLI_DONE && !mending->has_author)
        code =
            cli_fail(options, FAIL_NO_USER,
                     "%s is nobody's handle; `earshot who --all` shows all of them", options->from);
    return code;
}

int cli_delete(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    struct mending mending = {.options = options};
    const char *reason = options->reason ? options->reason : "";
    int code = words_check_id(options, words[0]);
    if (code == CLI_DONE && options->from)
        code = words_check_name(options, options->from);
    if (code == CLI_DONE)
        code = words_check_text(options, bytes_of(reason), EARSHOT_REMOVAL_MAX, "the reason");
    if (code == CLI_DONE)
        code = mend_open(&mending);
    if (code == CLI_DONE)
        code = mend_find_author(&mending);
    if (code == CLI_DONE) {
        struct earshot_message message = mend_message(options, reason);
        code = mend_finish(&mending, earshot_remove(mending.link, words[0], mending.author,
                                                    &message, mending.sent.id));
    }
    earshot_close(mending.link);
    return code;
}

static void react_tell(const struct mending *mending, const char *id, const char *emoji) {
    struct earshot_hub_info hub;
    earshot_hub(mending->link, &hub);
    json_reaction(id, emoji, hub.handle, !mending->options->off, mending->sent.seq);
}

struct react_rooms {
    char **names;
    size_t n;
};

static void react_note_room(void *arg, const struct earshot_event *event) {
    struct react_rooms *rooms = arg;
    char **names = reallocarray(rooms->names, rooms->n + 1, sizeof *names);
    if (!names)
        return;
    rooms->names = names;
    names[rooms->n] = strdup(event->room.name);
    rooms->n += names[rooms->n] != NULL;
}

/* It may have been said in a room that one is not in. */
static int react_look_in_rooms(struct mending *mending, const char *id) {
    struct react_rooms rooms = {0};
    uint32_t request = 0;
    int result = earshot_ask(mending->link, EARSHOT_ROOMS, NULL, &request);
    int code =
        cli_request_wait(mending->link, mending->options, result, request, react_note_room, &rooms);
    for (size_t i = 0; i < rooms.n; i++) {
        if (code == CLI_DONE && !mending->has_author && !cli_interrupted())
            mending->has_author = cli_request_author(mending->link, mending->options,
                                                     rooms.names[i], id, &mending->author);
        free(rooms.names[i]);
    }
    free(rooms.names);
    return code;
}

/* An id is its user's own: whose message it is has to be said. */
static int react_find_author(struct mending *mending, const char *id) {
    const struct cli_options *options = mending->options;
    int code = CLI_DONE;
    mending->has_author =
        cli_request_author(mending->link, options, options->in, id, &mending->author);
    if (!mending->has_author && !options->in)
        code = react_look_in_rooms(mending, id);
    if (code != CLI_DONE || mending->has_author)
        return code;
    if (cli_interrupted())
        return cli_interrupted();
    return cli_fail(
        options, FAIL_NOT_PERMITTED,
        "there is no message %s%s%s that you can see; `earshot history --json` shows ids", id,
        options->in ? " in " : "", options->in ? options->in : "");
}

int cli_react(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    struct mending mending = {.options = options};
    const char *emoji = earshot_emoji(words[1]);
    int code = words_check_id(options, words[0]);
    if (code == CLI_DONE && options->in)
        code = words_check_name(options, options->in);
    if (code == CLI_DONE && !emoji)
        code = cli_fail(options, FAIL_BAD_TEXT,
                        "%s is no emoji; give one, or its name such as :+1:, :heart: or :tada:. "
                        "`earshot send --reply-to %s TO TEXT` answers with words",
                        words[1], words[0]);
    if (code == CLI_DONE)
        code = mend_open(&mending);
    if (code == CLI_DONE)
        code = react_find_author(&mending, words[0]);
    if (code == CLI_DONE && emoji) {
        struct earshot_message message = mend_message(options, emoji);
        int result = earshot_react(mending.link, words[0], mending.author, !options->off, &message,
                                   mending.sent.id);
        code = result == EARSHOT_OK ? mend_await(&mending)
                                    : cli_fail_link(options, mending.link, result);
    }
    if (code == CLI_DONE && options->json)
        react_tell(&mending, words[0], emoji);
    earshot_close(mending.link);
    return code == CLI_DONE ? cli_flush() : code;
}
