#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/report.h"

int cli_flush(void) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return CLI_DONE;
    if (errno == EPIPE)
        return CLI_CLOSED;
    return cli_fail(NULL, CLI_FAILED, "output",
                    "cannot write to standard output: %s; check where it goes",
                    strerror(errno ? errno : EIO));
}
