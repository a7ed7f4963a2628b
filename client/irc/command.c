#include "irc/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* clang-format off */
const struct irc_command irc_commands[] = {
    {"CAP", irc_cap, 1, true, "CAP LS|LIST|REQ|END: what the client understands"},
    {"AUTHENTICATE", irc_authenticate, 1, true, "AUTHENTICATE EXTERNAL: the kernel says who you are"},
    {"PASS", irc_pass, 1, true, "PASS: no password is asked for"},
    {"NICK", irc_nick, 0, true, "NICK <handle>: how you are called"},
    {"USER", irc_user, 4, true, "USER <name> 0 * :<real name>"},
    {"PING", irc_ping, 1, true, "PING <token>: answered when the hub has"},
    {"PONG", irc_pong, 0, true, "PONG <token>"},
    {"QUIT", irc_quit, 0, true, "QUIT [:<reason>]: leave; your rooms stay yours"},
    {"OPER", irc_oper, 2, false, "OPER <name> <anything>: for the hub's owner and root"},
    {"KILL", irc_kill, 1, false, "KILL <nick> [:<reason>]: for operators"},
    {"SETNAME", irc_setname, 1, false, "SETNAME :<real name>"},
    {"JOIN", irc_join, 1, false, "JOIN <room>[,<room>...]: enter rooms, or make them"},
    {"PART", irc_part, 1, false, "PART <room>[,<room>...] [:<reason>]"},
    {"TOPIC", irc_topic, 1, false, "TOPIC <room> [:<topic>]"},
    {"NAMES", irc_names, 0, false, "NAMES [<room>]: who is in it"},
    {"LIST", irc_list, 0, false, "LIST [<room>|<mask>|>N|<N]: which rooms there are"},
    {"INVITE", irc_invite, 0, false, "INVITE <nick> <room>"},
    {"KICK", irc_kick, 2, false, "KICK <room> <nick> [:<reason>]"},
    {"MODE", irc_mode, 1, false, "MODE <room> [+i|+-m|+-t|+-o <nick>|+-b <mask>]: private; who speaks; who sets the topic"},
    {"PRIVMSG", irc_privmsg, 0, false, "PRIVMSG <nick or room>[,...] :<text>"},
    {"NOTICE", irc_notice, 0, false, "NOTICE <nick or room>[,...] :<text>"},
    {"TAGMSG", irc_tagmsg, 0, false, "TAGMSG <nick or room>: not passed on"},
    {"BATCH", irc_batch, 1, false, "BATCH +<ref> draft/multiline <target>: a message of many lines"},
    {"WHO", irc_who, 0, false, "WHO <nick, room or mask>"},
    {"WHOIS", irc_whois, 0, false, "WHOIS <nick>"},
    {"WHOWAS", irc_whowas, 0, false, "WHOWAS <nick> [<count>]"},
    {"ISON", irc_ison, 1, false, "ISON <nick>..."},
    {"USERHOST", irc_userhost, 1, false, "USERHOST <nick>..."},
    {"MONITOR", irc_monitor, 1, false, "MONITOR +|- <nick>[,...], C, L, S"},
    {"AWAY", irc_away, 0, false, "AWAY [:<reason>]"},
    {"CHATHISTORY", irc_chathistory, 0, false, "CHATHISTORY LATEST|BEFORE|AFTER|AROUND|BETWEEN <target> ..."},
    {"MARKREAD", irc_markread, 1, false, "MARKREAD <target> [timestamp=...]"},
    {"REDACT", irc_redact, 2, false, "REDACT <target> <msgid> [:<reason>]"},
    {"MOTD", irc_motd, 0, false, "MOTD: about this hub"},
    {"LUSERS", irc_lusers, 0, false, "LUSERS: how many are here"},
    {"VERSION", irc_version, 0, false, "VERSION"},
    {"TIME", irc_time, 0, false, "TIME"},
    {"ADMIN", irc_admin, 0, false, "ADMIN: who keeps order"},
    {"INFO", irc_info, 0, false, "INFO"},
    {"LINKS", irc_links, 0, false, "LINKS"},
    {"HELP", irc_help, 0, false, "HELP [<command>]"},
    {"HELPOP", irc_help, 0, false, "HELPOP [<command>]"},
    {0},
};
/* clang-format on */

const struct irc_command *irc_command_find(const char *name) {
    for (const struct irc_command *command = irc_commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

const char *command_param(const struct conn *conn, size_t i) {
    return i < conn->line.n_params ? conn->line.params[i] : "";
}

bool command_word(const char *list, size_t i, char *out, size_t size) {
    size_t n = strcspn(list, ",");
    for (; i > 0; i--) {
        if (!list[n])
            return false;
        list += n + 1;
        n = strcspn(list, ",");
    }
    if (n > size - 1)
        n = size - 1;
    memcpy(out, list, n);
    out[n] = '\0';
    return true;
}

void command_done(struct conn *conn) {
    conn->take = NULL;
    conn->again = false;
    conn->at = 0;
    free(conn->state);
    conn->state = NULL;
    say_end(conn);
    free(conn->text);
    conn->text = NULL;
    conn->line = (struct irc_line){0};
}

void command_await(struct conn *conn, int result, conn_take *take) {
    if (result == EARSHOT_OK) {
        conn->take = take;
        return;
    }
    const char *text = result < 0 ? strerror(-result) : earshot_error(conn->link);
    say_fail(conn, conn->line.command ? conn->line.command : "*", "CANNOT_COMPLETE", "", text);
    command_done(conn);
}

static void command_dispatch(struct conn *conn) {
    const struct irc_command *command = irc_command_find(conn->line.command);
    if (!conn->is_registered && (!command || !command->early))
        say_plain(conn, NUMERIC_NOTREGISTERED);
    else if (!command)
        say_numeric(conn, NUMERIC_UNKNOWNCOMMAND, "%s", conn->line.command);
    else if (conn->line.n_params < command->n_params)
        say_numeric(conn, NUMERIC_NEEDMOREPARAMS, "%s", command->name);
    else
        command->run(conn);
    if (!conn->take && !conn->again)
        command_done(conn);
}

static void command_take_label(struct conn *conn) {
    const char *label = line_tag_value(&conn->line, "label");
    *conn->label = '\0';
    if (label && strlen(label) < LABEL_SIZE && (conn->caps & CAP_LABELS) &&
        (conn->caps & CAP_BATCH))
        memcpy(conn->label, label, strlen(label) + 1);
}

/* The word itself may be what is not UTF-8. */
static const char *command_name_for_fail(const struct conn *conn) {
    const char *name = conn->line.command;
    return name && text_is_valid(bytes_of(name)) ? name : "*";
}

void command_run(struct conn *conn, char *text, size_t n) {
    conn->text = malloc(n + 1);
    if (!conn->text)
        return;
    memcpy(conn->text, text, n);
    conn->text[n] = '\0';
    enum line_outcome outcome = line_parse(&conn->line, conn->text, n);
    command_take_label(conn);
    if (conn->link)
        conn->spoke = mono_now();
    if (outcome == LINE_OK) {
        command_dispatch(conn);
        return;
    }
    if (outcome == LINE_TOO_LONG)
        say_plain(conn, NUMERIC_INPUTTOOLONG);
    if (outcome == LINE_NOT_UTF8)
        say_fail(conn, command_name_for_fail(conn), "INVALID_UTF8", "", "Only UTF-8 is passed on");
    command_done(conn);
}

void command_again(struct conn *conn) {
    conn->again = false;
    command_dispatch(conn);
}
