#include "cli/look/live.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/report.h"

#define LIVE_COLUMNS 80
#define LIVE_ROWS 24
/* The other screen, without a cursor (xterm's control sequences, which all terminals know today).
 */
#define SCREEN_BEGIN "\033[?1049h\033[?25l"
#define SCREEN_END "\033[?25h\033[?1049l"

static struct termios live_before;

static bool screen_begin(void) {
    struct termios raw;
    if (tcgetattr(STDIN_FILENO, &live_before) < 0)
        return false;
    raw = live_before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* it would leave the terminal as it is now */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
        return false;
    fputs(SCREEN_BEGIN, stdout);
    return true;
}

static void screen_end(void) {
    fputs(SCREEN_END, stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &live_before);
}

/* As many lines as fit, each cut to the width; what was there before is overwritten. */
static void screen_put(const char *text) {
    int columns = cli_width(), rows = cli_height();
    size_t width = columns > 0 ? (size_t)columns : LIVE_COLUMNS;
    fputs("\033[H", stdout);
    for (int n = rows > 0 ? rows : LIVE_ROWS; *text && n > 0; n--) {
        size_t length = strcspn(text, "\n");
        struct bytes line = {text, length};
        size_t shown = length > width ? text_cut(line, width) : length;
        printf("%.*s\033[K%s", (int)shown, text, n > 1 ? "\r\n" : "");
        text += length + (text[length] == '\n');
    }
    fputs("\033[J", stdout);
}

static int live_draw(struct live *live) {
    char *text = NULL;
    size_t n = 0;
    if (!live->is_screen)
        return live->draw(live, stdout);
    FILE *out = open_memstream(&text, &n);
    if (!out)
        cli_out_of_memory();
    int code = live->draw(live, out);
    if (fclose(out) != 0)
        cli_out_of_memory();
    if (code == CLI_DONE)
        screen_put(text);
    free(text);
    return code;
}

/* Until it is time again, or a key was pressed. False: it ends. */
static bool live_wait(struct live *live, mono_time until) {
    struct pollfd input = {.fd = live->is_screen ? STDIN_FILENO : -1, .events = POLLIN};
    char key;
    live->key = 0;
    while (!cli_interrupted() && !cli_limit_passed()) {
        int r = poll(&input, 1, mono_poll_ms(until));
        if (r == 0)
            return true;
        if (r < 0 && errno != EINTR)
            return false;
        if (r < 0)
            continue;
        if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q')
            return false;
        live->key = (unsigned char)key;
        return true;
    }
    return false;
}

static int live_go_on(struct live *live) {
    int ms = live->options->every_ms > 0 ? live->options->every_ms : LIVE_MS;
    for (;;) {
        mono_time next = mono_add_ms(mono_now(), ms);
        int code = live_draw(live);
        if (code == CLI_DONE)
            code = cli_flush();
        bool is_last = live->n_left > 0 && --live->n_left == 0;
        if (code != CLI_DONE || is_last || !live_wait(live, next))
            return code;
    }
}

int live_run(struct live *live) {
    live->n_left = live->options->limit;
    live->is_screen = !live->options->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    live->is_screen = live->is_screen && screen_begin();
    int code = live_go_on(live);
    if (live->is_screen)
        screen_end();
    int signal = cli_interrupted();
    return code == CLI_DONE && signal ? signal : code;
}
