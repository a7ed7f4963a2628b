/*
 * The commands. A handler answers with say.h, and either is done when it returns or has put a
 * function into conn->take, for the hub to be heard first; that one ends with command_done().
 */
#pragma once

#include "irc/say.h"
#include "irc/view.h"

typedef void command_handler(struct conn *conn);

struct irc_command {
    const char *name;
    command_handler *run;
    size_t n_params; /* at least */
    bool early;      /* also before registration */
    const char *help;
};

extern const struct irc_command irc_commands[];
const struct irc_command *irc_command_find(const char *name);

/* Does the line `text` of n bytes. */
void command_run(struct conn *conn, char *text, size_t n);

/* Does it once more: there was no room for a message. */
void command_again(struct conn *conn);

/* The command is done: its labelled answers are said. */
void command_done(struct conn *conn);

/* Waits for the hub if a call of the library was taken; else says why not, as `command` did fail,
 * and ends the command. */
void command_await(struct conn *conn, int result, conn_take *take);

/* Copies the word `i` of a list with commas, cut to fit. False: there are not so many. */
bool command_word(const char *list, size_t i, char *out, size_t size);

/* The parameter, or "". */
const char *command_param(const struct conn *conn, size_t i);

/* session.c */
void irc_cap(struct conn *conn);
void irc_authenticate(struct conn *conn);
void irc_pass(struct conn *conn);
void irc_nick(struct conn *conn);
void irc_user(struct conn *conn);
void irc_ping(struct conn *conn);
void irc_pong(struct conn *conn);
void irc_quit(struct conn *conn);
void irc_oper(struct conn *conn);
void irc_kill(struct conn *conn);
void irc_setname(struct conn *conn);

/* channel.c */
void irc_join(struct conn *conn);
void irc_part(struct conn *conn);
void irc_topic(struct conn *conn);
void irc_names(struct conn *conn);
void irc_list(struct conn *conn);
void irc_invite(struct conn *conn);

/* order.c */
void irc_kick(struct conn *conn);
void irc_mode(struct conn *conn);

/* message.c */
void irc_privmsg(struct conn *conn);
void irc_notice(struct conn *conn);
void irc_tagmsg(struct conn *conn);
void irc_batch(struct conn *conn);

/* who.c */
void irc_who(struct conn *conn);
void irc_whois(struct conn *conn);
void irc_whowas(struct conn *conn);
void irc_ison(struct conn *conn);
void irc_userhost(struct conn *conn);
void irc_monitor(struct conn *conn);
void irc_away(struct conn *conn);

/* past.c */
void irc_chathistory(struct conn *conn);
void irc_markread(struct conn *conn);
void irc_redact(struct conn *conn);

/* server.c */
void irc_motd(struct conn *conn);
void irc_lusers(struct conn *conn);
void irc_version(struct conn *conn);
void irc_time(struct conn *conn);
void irc_admin(struct conn *conn);
void irc_info(struct conn *conn);
void irc_links(struct conn *conn);
void irc_help(struct conn *conn);
