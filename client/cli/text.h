/* All that is printed for people. Whatever came from somebody else is made safe here. */
#pragma once

#include "cli/records.h"

/*
 * The text of a message, with its title on a line above it, or "[high] " before it. The caller
 * frees it; NULL when memory is out. It need not be safe to print.
 */
char *text_headed(const char *title, enum earshot_priority priority, struct bytes text);

/* "45 s", "12 min", "3 h", "5 d"; returns the text. */
const char *text_duration(uint64_t s, char text[32]);

/* On standard output; the caller flushes (cli/output.h). */
void text_message(const struct cli_options *options, const struct earshot_event *event);
/* With who pinned it, and when; by NULL: when it was starred. */
void text_pinned(const struct cli_options *options, const struct earshot_event *event,
                 const char *by, int64_t at_ms);
/* EDITED and REMOVED. */
void text_mend(const struct cli_options *options, const struct earshot_event *event);
/* Its text alone. */
void text_bare(const struct earshot_event *event);
/* Somebody in some lines, with the rooms in common. */
void text_whois(const struct cli_options *options, const struct cli_user *user, char **rooms,
                size_t n_rooms);
void text_users(const struct cli_options *options, const struct cli_user *users, size_t n);
void text_rooms(const struct cli_options *options, const struct cli_room *rooms, size_t n);
void text_accounts(const struct cli_options *options, const struct cli_accounts *accounts);
void text_claims(const struct cli_options *options, const struct cli_claim *claims, size_t n);
void text_topic(const char *topic);
/* An answer to earshot_about(). */
void text_about_room(const struct earshot_event *event, const struct cli_laid *laid, size_t n_laid);
void text_status(const struct cli_status *status);
void text_queue(const struct cli_options *options, const struct cli_queue *queue);
void text_segment(const struct cli_options *options, const struct cli_segment *segment);
