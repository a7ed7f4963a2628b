/* /bell, /alias and /set: how this window behaves. */
#include <string.h>

#include "chat/command.h"
#include "cli/config.h"
#include "cli/report.h"

int setting_bell(struct chat *chat, char *arguments) {
    static const char *const meanings[] = {
        [CONFIG_WHEN_OFF] = "never",
        [CONFIG_WHEN_DM] = "for direct messages",
        [CONFIG_WHEN_ALL] = "for direct messages and mentions of you",
        [CONFIG_WHEN_EVERY] = "for every message",
    };
    command_cut_word(arguments);
    bool known = !*arguments;
    for (int i = 0; config_when_words[i]; i++) {
        if (strcmp(arguments, config_when_words[i]) == 0) {
            chat->bell = (enum config_when)i;
            known = true;
        }
    }
    if (!known)
        return command_usage(chat, "bell");
    view_note(&chat->view, VIEW_INFO, "the bell rings %s", meanings[chat->bell]);
    return COMMAND_DONE;
}

static void setting_tell_alias(void *arg, const char *word, const char *meaning) {
    struct chat *chat = arg;
    view_note(&chat->view, VIEW_INFO, "/%s is /%s", word, meaning);
}

/* A command of its own cannot be had: the word of a command means that command. */
int setting_alias(struct chat *chat, char *arguments) {
    char *meaning = command_cut_word(arguments);
    const char *word = *arguments == '/' ? arguments + 1 : arguments;
    meaning += *meaning == '/';
    if (!*word) {
        memory_each(&chat->memory, MEMORY_ALIAS, setting_tell_alias, chat);
        view_note(&chat->view, VIEW_INFO, "/alias WORD COMMAND makes one, /alias WORD removes it");
        return COMMAND_DONE;
    }
    for (const struct command *row = command_table; row->name; row++) {
        if (strcmp(row->name, word) != 0)
            continue;
        chat_fail(chat, OUTCOME_USAGE, "/%s is a command; call it otherwise", word);
        return COMMAND_DONE;
    }
    if (strpbrk(meaning, "\n\t"))
        return command_usage(chat, "alias");
    bool was = memory_get(&chat->memory, MEMORY_ALIAS, word) != NULL;
    memory_set(&chat->memory, MEMORY_ALIAS, word, *meaning ? meaning : NULL);
    if (*meaning)
        setting_tell_alias(chat, word, meaning);
    else
        view_note(&chat->view, VIEW_INFO, was ? "/%s is no alias any more" : "/%s was no alias",
                  word);
    return COMMAND_DONE;
}

static void setting_tell(void *arg, const char *name, const char *value) {
    struct chat *chat = arg;
    view_note(&chat->view, VIEW_INFO, "%s = %s", name, value);
}

/* "KEY VALUE" or "KEY = VALUE"; for this window. */
int setting_set(struct chat *chat, char *arguments) {
    char *value = command_cut_word(arguments), why[256];
    if (value[0] == '=')
        value += 1 + strspn(value + 1, COMMAND_BLANKS);
    if (!*arguments) {
        config_each(setting_tell, chat);
        view_note(&chat->view, VIEW_INFO,
                  "/set KEY VALUE changes one in this window, ~/.config/earshot/config for good");
        return COMMAND_DONE;
    }
    if (*value && !config_change(arguments, value, why)) {
        chat_fail(chat, OUTCOME_CONFIGURATION, "%s", why);
        return COMMAND_DONE;
    }
    if (*value)
        chat_configured(chat);
    if (!config_show(arguments, setting_tell, chat))
        chat_fail(chat, OUTCOME_USAGE, "there is no %s to be set; /set lists what there is",
                  arguments);
    return COMMAND_DONE;
}
