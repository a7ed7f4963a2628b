/* `room` and `invite`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"
#include "cli/words.h"
#include "proto/frame.h"

#define FORM_OPEN 1 /* what --open sets; --private sets the next one */

static const char *const announce_words[] = {"off", "on", NULL};
static const char *const past_words[] = {"invited", "all", NULL};

const struct cli_option cli_room_options[] = {
    {"private", 0, CLI_SET, CLI_AT(form), NULL, "only its members know of it; they are invited",
     NULL, FORM_OPEN + 1},
    {"open", 0, CLI_SET, CLI_AT(form), NULL, "everybody may join it, and reads its past", NULL,
     FORM_OPEN},
    {"group", 0, CLI_STRING, CLI_AT(group), "GROUP",
     "the members of this Unix group see and join it", NULL, 0},
    {"topic", 0, CLI_STRING, CLI_AT(topic), "TEXT", "set its topic", NULL, 0},
    {"announce", 0, CLI_CHOICE, CLI_AT(announce), "on|off", "whether only its owner speaks there",
     announce_words, 0},
    {"lock-topic", 0, CLI_CHOICE, CLI_AT(lock), "on|off",
     "whether only its owner and operators set its topic", announce_words, 0},
    {"past", 0, CLI_CHOICE, CLI_AT(past), "all|invited",
     "private: what who joins sees of what was said", past_words, 0},
    {"owner", 0, CLI_STRING, CLI_AT(owner), "HANDLE", "pass it on to this member", NULL, 0},
    {"rename", 0, CLI_STRING, CLI_AT(rename), "NAME", "give it another name", NULL, 0},
    {"close", 0, CLI_FLAG, CLI_AT(close), NULL, "end it: nobody may join or speak any more", NULL,
     0},
    {0},
};

struct room_dialog {
    const struct cli_options *options;
    earshot *link;
    const char *name; /* of the room, as it is called now */
    bool is_there;
    struct cli_laid *laid;
    size_t n_laid;
};

static int room_change(struct room_dialog *dialog, enum earshot_room_change what,
                       const char *argument) {
    uint32_t request = 0;
    int result = earshot_change_room(dialog->link, dialog->name, what, argument, &request);
    return cli_request_wait(dialog->link, dialog->options, result, request, NULL, NULL);
}

static int room_set_topic(struct room_dialog *dialog, const char *topic) {
    uint32_t request = 0;
    int result = earshot_topic(dialog->link, dialog->name, topic, &request);
    return cli_request_wait(dialog->link, dialog->options, result, request, NULL, NULL);
}

static int room_lock_topic(struct room_dialog *dialog, bool is_locked) {
    uint32_t request = 0;
    int result =
        earshot_govern(dialog->link, dialog->name,
                       is_locked ? (unsigned)EARSHOT_LOCK_TOPIC : (unsigned)EARSHOT_UNLOCK_TOPIC,
                       &(struct earshot_order){0}, &request);
    return cli_request_wait(dialog->link, dialog->options, result, request, NULL, NULL);
}

static void room_look(void *arg, const struct earshot_event *event) {
    struct room_dialog *dialog = arg;
    dialog->is_there |= words_same_name(event->room.name, dialog->name);
}

/* A topic, say, for a room that is not there makes it. */
static int room_make_if_none(struct room_dialog *dialog) {
    uint32_t request = 0;
    int result = earshot_ask(dialog->link, EARSHOT_ROOMS, NULL, &request);
    int code = cli_request_wait(dialog->link, dialog->options, result, request, room_look, dialog);
    if (code != CLI_DONE || dialog->is_there)
        return code;
    return room_change(dialog, EARSHOT_MAKE_OPEN, NULL);
}

static int room_give_form(struct room_dialog *dialog) {
    const struct cli_options *options = dialog->options;
    if (options->group)
        return room_change(dialog, EARSHOT_MAKE_GROUP, options->group);
    if (options->form)
        return room_change(
            dialog, options->form == FORM_OPEN ? EARSHOT_MAKE_OPEN : EARSHOT_MAKE_PRIVATE, NULL);
    return options->topic || options->announce >= 0 || options->lock >= 0
               ? room_make_if_none(dialog)
               : CLI_DONE;
}

static int room_change_all(struct room_dialog *dialog) {
    const struct cli_options *options = dialog->options;
    int code = room_give_form(dialog);
    if (code == CLI_DONE && options->topic)
        code = room_set_topic(dialog, options->topic);
    if (code == CLI_DONE && options->announce >= 0)
        code = room_change(dialog, EARSHOT_SET_ANNOUNCE, announce_words[options->announce]);
    if (code == CLI_DONE && options->lock >= 0)
        code = room_lock_topic(dialog, options->lock == 1);
    if (code == CLI_DONE && options->past >= 0)
        code = room_change(dialog, EARSHOT_SET_PAST, past_words[options->past]);
    if (code == CLI_DONE && options->rename)
        code = room_change(dialog, EARSHOT_SET_NAME, options->rename);
    if (code == CLI_DONE && options->rename)
        dialog->name = options->rename;
    if (code == CLI_DONE && options->owner)
        code = room_change(dialog, EARSHOT_SET_OWNER, options->owner);
    if (code == CLI_DONE && options->close)
        code = room_change(dialog, EARSHOT_CLOSE, NULL);
    return code;
}

static void room_print(void *arg, const struct earshot_event *event) {
    const struct room_dialog *dialog = arg;
    if (dialog->options->json)
        json_about_room(event, dialog->laid, dialog->n_laid);
    else
        text_about_room(event, dialog->laid, dialog->n_laid);
}

static void room_note_laid(void *arg, const struct earshot_event *event) {
    struct room_dialog *dialog = arg;
    dialog->laid = cli_grow(dialog->laid, dialog->n_laid, sizeof *dialog->laid);
    dialog->laid[dialog->n_laid++] = (struct cli_laid){.what = event->laid.what,
                                                       .handle = cli_copy(event->laid.handle),
                                                       .uid = event->laid.uid,
                                                       .until_ms = event->laid.until_ms,
                                                       .by = cli_copy(event->laid.by),
                                                       .by_uid = event->laid.by_uid,
                                                       .reason = cli_copy(event->laid.reason)};
}

static int room_ask_laid(struct room_dialog *dialog) {
    uint32_t request = 0;
    int result = earshot_laid(dialog->link, dialog->name, &request);
    return cli_request_wait(dialog->link, dialog->options, result, request, room_note_laid, dialog);
}

static void room_free_laid(struct room_dialog *dialog) {
    for (size_t i = 0; i < dialog->n_laid; i++) {
        free(dialog->laid[i].handle);
        free(dialog->laid[i].by);
        free(dialog->laid[i].reason);
    }
    free(dialog->laid);
}

static int room_show(struct room_dialog *dialog) {
    uint32_t request = 0;
    int code = room_ask_laid(dialog);
    if (code == CLI_DONE) {
        int result = earshot_about(dialog->link, dialog->name, &request);
        code = cli_request_wait(dialog->link, dialog->options, result, request, room_print, dialog);
    }
    room_free_laid(dialog);
    return code;
}

static int room_check_words(const struct cli_options *options, const char *room) {
    int code = words_check_room(options, room);
    if (code == CLI_DONE && options->rename)
        code = words_check_room(options, options->rename);
    if (code == CLI_DONE && options->owner)
        code = words_check_name(options, options->owner);
    if (code == CLI_DONE && options->group)
        code = words_check_name(options, options->group);
    if (code == CLI_DONE && options->group && options->form)
        code = cli_fail(options, OUTCOME_USAGE, "--group goes with neither --open nor --private");
    if (code == CLI_DONE && options->topic)
        code = words_check_text(options, bytes_of(options->topic), TOPIC_BYTES_MAX, "the topic");
    return code;
}

int cli_room(const struct cli_options *options, int n_words, char **words) {
    (void)n_words;
    words_take_conv(words[0]);
    struct room_dialog dialog = {.options = options, .name = words[0]};
    int code = room_check_words(options, words[0]);
    if (code == CLI_DONE)
        code = cli_request_open(&dialog.link, options);
    if (code != CLI_DONE)
        return code;
    code = room_change_all(&dialog);
    if (code == CLI_DONE && options->close)
        cli_remark(options, "%s is closed", dialog.name);
    else if (code == CLI_DONE)
        code = room_show(&dialog);
    earshot_close(dialog.link);
    return code == CLI_DONE ? cli_flush() : code;
}

int cli_invite(const struct cli_options *options, int n_words, char **words) {
    earshot *link;
    words_take_conv(words[0]);
    int code = words_check_room(options, words[0]);
    for (int i = 1; code == CLI_DONE && i < n_words; i++)
        code = words_check_name(options, words[i]);
    if (code == CLI_DONE)
        code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    for (int i = 1; code == CLI_DONE && i < n_words; i++) {
        uint32_t request = 0;
        int result = earshot_invite(link, words[0], words[i], &request);
        code = cli_request_wait(link, options, result, request, NULL, NULL);
    }
    earshot_close(link);
    return code;
}
