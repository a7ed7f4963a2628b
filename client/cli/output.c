#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/filter.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/text.h"

void cli_print_message(const struct cli_options *options, const struct earshot_event *event) {
    bool is_mend = event->type == EARSHOT_EVENT_EDITED || event->type == EARSHOT_EVENT_REMOVED ||
                   event->type == EARSHOT_EVENT_REACTION;
    if (options->json)
        (is_mend ? json_mend : json_message)(event);
    else
        (is_mend ? text_mend : text_message)(options, event);
}

int cli_flush(void) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return filter_verdict();
    if (errno == EPIPE)
        return CLI_CLOSED;
    return cli_fail(NULL, OUTCOME_OUTPUT,
                    "cannot write to standard output: %s; check where it goes",
                    strerror(errno ? errno : EIO));
}

int cli_width(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int cli_height(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}
