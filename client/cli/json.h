/* All that is printed as JSON: one object per line, in UTF-8. */
#pragma once

#include <stdio.h>

#include "cli/file.h"
#include "cli/records.h"

/* On standard error: {"type":TYPE,"code":CODE,"text":TEXT}; no code when it is NULL. */
void json_report(const char *type, const char *code, const char *text);

/* A line of JSON, with escapes for whatever could do something to a terminal. */
void json_write_line(FILE *out, const char *text);

/* On standard output; the caller flushes (cli/output.h). */
void json_message(const struct earshot_event *event);
/* With who pinned it and when; by NULL: when it was starred. */
void json_pinned(const struct earshot_event *event, const char *by, int64_t at_ms);
/* EDITED, REMOVED and REACTION. */
void json_mend(const struct earshot_event *event);
/* One of one's own that was made or taken back. seq 0: it is not known. */
void json_reaction(const char *id, const char *emoji, const char *by, bool on, uint64_t seq);
/* Either, into another file than standard output: --jq is not for it. */
void json_message_to(FILE *out, const struct earshot_event *event);
void json_sent(const struct cli_sent *sent);
void json_user(const struct cli_user *user);
/* With "since", of the session that is here longest, and the rooms in common. */
void json_whois(const struct cli_user *user, char **rooms, size_t n_rooms);
/* Without a span, what was in the last day. */
void json_account(const struct cli_account *account);
/* The beginning of a picture of `top`; rates are those of a second. */
void json_top(uint64_t sessions, double messages, double deliveries);
void json_unread(const char *conv, uint32_t n, uint32_t n_mentions, uint64_t seq);
void json_unread_total(uint64_t n, uint64_t n_direct, uint64_t n_mentions);
void json_room(const struct cli_room *room);
/* holder: who has the name that this one waits for; NULL: it is not told. */
void json_claim(const struct cli_claim *claim, const struct cli_claim *holder);
void json_process(const struct cli_process *process, const char *text);
/* An answer to earshot_about(). */
void json_about_room(const struct earshot_event *event, const struct cli_laid *laid, size_t n_laid);
void json_completion(const char *word, const char *about);
void json_status(const struct cli_status *status);
/* A line of doctor; fix NULL: nothing is to be done. */
void json_check(const char *state, const char *name, const char *text, const char *fix);
void json_queue(const struct cli_queue *queue);
void json_segment(const struct cli_segment *segment);
void json_file(FILE *out, const struct cli_file *file);
/* A SKIPPED event: an entry of a directory that is not sent; `why` is a word. */
void json_skipped(const struct earshot_event *event, const char *why);
