/* The table of subcommands: dispatch, help, completion and suggestions come from it. */
#pragma once

#include "cli/options.h"

struct cli_command {
    const char *name;
    const char *words;                /* what follows the name, as help shows it: "TO [TEXT...]" */
    const char *summary;              /* one line */
    const char *details;              /* more lines for `help COMMAND`; NULL for none */
    const struct cli_option *options; /* its own; NULL for none */
    int min_words, max_words;         /* max_words -1: any number */
    int (*run)(const struct cli_options *options, int n_words, char **words);
};

extern const struct cli_command cli_commands[]; /* name NULL ends it */

const struct cli_command *cli_command_find(const char *name);

/* The whole program. Returns the exit code of the process. */
int cli_main(int argc, char **argv);

/*
 * A function for each subcommand, by the folder that it is in, and the options of those that have
 * some of their own. It returns an exit code (cli/outcome.h) or CLI_CLOSED.
 */

/* talk/ */
int cli_send(const struct cli_options *options, int n_words, char **words);
int cli_edit(const struct cli_options *options, int n_words, char **words);
int cli_delete(const struct cli_options *options, int n_words, char **words);
int cli_react(const struct cli_options *options, int n_words, char **words);
int cli_ask(const struct cli_options *options, int n_words, char **words);
int cli_listen(const struct cli_options *options, int n_words, char **words);
int cli_run(const struct cli_options *options, int n_words, char **words);
int cli_notify(const struct cli_options *options, int n_words, char **words);
int cli_wall(const struct cli_options *options, int n_words, char **words);
int cli_away(const struct cli_options *options, int n_words, char **words);
int cli_back(const struct cli_options *options, int n_words, char **words);
int cli_release(const struct cli_options *options, int n_words, char **words);
int cli_mute(const struct cli_options *options, int n_words, char **words);
int cli_unmute(const struct cli_options *options, int n_words, char **words);
int cli_ban(const struct cli_options *options, int n_words, char **words);
int cli_unban(const struct cli_options *options, int n_words, char **words);
int cli_op(const struct cli_options *options, int n_words, char **words);
int cli_deop(const struct cli_options *options, int n_words, char **words);
int cli_kick(const struct cli_options *options, int n_words, char **words);
int cli_limit(const struct cli_options *options, int n_words, char **words);
extern const struct cli_option cli_mute_options[];
extern const struct cli_option cli_kick_options[];
extern const struct cli_option cli_send_options[];
extern const struct cli_option cli_edit_options[];
extern const struct cli_option cli_delete_options[];
extern const struct cli_option cli_react_options[];
extern const struct cli_option cli_ask_options[];
extern const struct cli_option cli_listen_options[];
extern const struct cli_option cli_run_options[];
int cli_claim(const struct cli_options *options, int n_words, char **words);
extern const struct cli_option cli_claim_options[];
int cli_hook(const struct cli_options *options, int n_words, char **words);
int cli_when(const struct cli_options *options, int n_words, char **words);
extern const struct cli_option cli_when_options[];

/* files/ */
int cli_put(const struct cli_options *options, int n_words, char **words);
int cli_get(const struct cli_options *options, int n_words, char **words);
int cli_pipe(const struct cli_options *options, int n_words, char **words);
extern const struct cli_option cli_put_options[];
extern const struct cli_option cli_get_options[];
extern const struct cli_option cli_pipe_options[];

/* past/ */
int cli_history(const struct cli_options *options, int n_words, char **words);
int cli_thread(const struct cli_options *options, int n_words, char **words);
int cli_pin(const struct cli_options *options, int n_words, char **words);
int cli_unpin(const struct cli_options *options, int n_words, char **words);
int cli_pins(const struct cli_options *options, int n_words, char **words);
int cli_star(const struct cli_options *options, int n_words, char **words);
int cli_unstar(const struct cli_options *options, int n_words, char **words);
int cli_stars(const struct cli_options *options, int n_words, char **words);
int cli_search(const struct cli_options *options, int n_words, char **words);
int cli_forget(const struct cli_options *options, int n_words, char **words);
int cli_mentions(const struct cli_options *options, int n_words, char **words);
int cli_tail(const struct cli_options *options, int n_words, char **words);
extern const struct cli_option cli_history_options[];
extern const struct cli_option cli_thread_options[];
extern const struct cli_option cli_pin_options[];
extern const struct cli_option cli_search_options[];
extern const struct cli_option cli_mentions_options[];
extern const struct cli_option cli_tail_options[];

/* look/ */
int cli_who(const struct cli_options *options, int n_words, char **words);
int cli_whois(const struct cli_options *options, int n_words, char **words);
int cli_unread(const struct cli_options *options, int n_words, char **words);
int cli_rooms(const struct cli_options *options, int n_words, char **words);
int cli_claims(const struct cli_options *options, int n_words, char **words);
int cli_topic(const struct cli_options *options, int n_words, char **words);
int cli_users(const struct cli_options *options, int n_words, char **words);
int cli_room(const struct cli_options *options, int n_words, char **words);
int cli_invite(const struct cli_options *options, int n_words, char **words);
int cli_status(const struct cli_options *options, int n_words, char **words);
int cli_top(const struct cli_options *options, int n_words, char **words);
int cli_inspect(const struct cli_options *options, int n_words, char **words);
int cli_doctor(const struct cli_options *options, int n_words, char **words);
extern const struct cli_option cli_who_options[];
extern const struct cli_option cli_top_options[];
extern const struct cli_option cli_inspect_options[];
extern const struct cli_option cli_unread_options[];
extern const struct cli_option cli_room_options[];
extern const struct cli_option cli_doctor_options[];

/* here */
int cli_complete(const struct cli_options *options, int n_words, char **words);
int cli_help(const struct cli_options *options, int n_words, char **words);

/* client/chat */
int cli_chat(const struct cli_options *options, int n_words, char **words);

/* client/irc */
int cli_irc(const struct cli_options *options, int n_words, char **words);
extern const struct cli_option cli_irc_options[];

/* client/mcp */
int cli_mcp(const struct cli_options *options, int n_words, char **words);
