#include "chat/view.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <readline/readline.h>

#include "base/macro.h"
#include "base/text.h"
#include "cli/config.h"
#include "cli/output.h"
#include "cli/report.h"

#define VIEW_COLUMNS 80     /* where a terminal does not tell */
#define VIEW_COLUMNS_MIN 24 /* less is not wrapped for; nor for an indent that leaves less */
#define VIEW_INDENT_NARROW 4
#define VIEW_MARK_COLUMNS 12 /* "  delivered" and one to spare */

static const struct {
    const char *mark, *colour;
} view_styles[] = {
    [VIEW_INFO] = {"-- ", "\033[36m"},
    [VIEW_NEWS] = {"", "\033[2m"},
    [VIEW_ERROR] = {"!! ", "\033[31m"},
};

int view_init(struct view *view, bool windowed, const struct cli_options *options, bool colour) {
    *view = (struct view){.options = options, .windowed = windowed, .colour = colour};
    time_t now = time(NULL);
    localtime_r(&now, &view->day);
    view->burst = open_memstream(&view->buffer, &view->n_buffer);
    return view->burst ? 0 : -ENOMEM;
}

void view_deinit(struct view *view) {
    if (!view->burst)
        return;
    view_flush(view);
    fclose(view->burst);
    free(view->buffer);
    free(view->news);
    *view = (struct view){0};
}

static void view_write_note(struct view *view, enum view_style style, const char *text) {
    view_end_lost(view);
    if (!view->windowed)
        cli_remark(view->options, "%s", text);
    else if (view->colour)
        fprintf(view->burst, "%s%s%s\033[0m\n", view_styles[style].colour, view_styles[style].mark,
                text);
    else
        fprintf(view->burst, "%s%s\n", view_styles[style].mark, text);
}

void view_note(struct view *view, enum view_style style, const char *format, ...) {
    if (view->options->quiet && style != VIEW_ERROR)
        return;
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        return;
    char *safe = text_safe((struct bytes){text, (size_t)n}, TEXT_ONE_LINE);
    if (safe)
        view_write_note(view, style, safe);
    free(safe);
    free(text);
}

/* True: the last line was news, and tells this, too. */
static bool view_add_news(struct view *view, const char *text) {
    CLEANUP_FREE char *whole = NULL;
    if (!view->news || !view->edits_screen)
        return false;
    if (asprintf(&whole, "%s; %s", view->news, text) < 0) {
        whole = NULL;
        return false;
    }
    if (cli_width() != view->news_width || text_columns(whole) >= (size_t)view->news_width)
        return false;
    fprintf(view->burst, "\033[A\r%s%s%s\033[K\n",
            view->colour ? view_styles[VIEW_NEWS].colour : "", whole,
            view->colour ? "\033[0m" : "");
    free(view->news);
    view->news = whole;
    whole = NULL;
    return true;
}

void view_news(struct view *view, const char *text) {
    CLEANUP_FREE char *safe = text_safe(bytes_of(text), TEXT_ONE_LINE);
    if (!safe || view->options->quiet || view_add_news(view, safe))
        return;
    view_write_note(view, VIEW_NEWS, safe);
    view->news_width = cli_width();
    if (text_columns(safe) < (size_t)view->news_width)
        view->news = strdup(safe);
}

/* How many bytes of the text are one line of so many columns; all, or up to a blank. */
static size_t view_line_bytes(const char *text, size_t columns) {
    size_t n = 0, fits = 0;
    while (text[n]) {
        size_t word = n + strspn(text + n, " ");
        word += strcspn(text + word, " ");
        CLEANUP_FREE char *line = strndup(text, word);
        if (!line || (fits > 0 && text_columns(line) > columns))
            break;
        fits = n = word;
    }
    return fits;
}

void view_note_wrapped(struct view *view, size_t indent, const char *text) {
    int width = cli_width();
    size_t columns = width > 0 ? (size_t)width : VIEW_COLUMNS;
    columns = columns > VIEW_COLUMNS_MIN ? columns - 4 : VIEW_COLUMNS_MIN - 4; /* behind a mark */
    if (columns < indent + VIEW_COLUMNS_MIN)
        indent = indent > 0 ? VIEW_INDENT_NARROW : 0;
    size_t n = view_line_bytes(text, columns);
    view_note(view, VIEW_INFO, "%.*s", (int)n, text);
    for (text += n; *(text += strspn(text, " ")); text += n) {
        n = view_line_bytes(text, columns - indent);
        view_note(view, VIEW_INFO, "%*s%.*s", (int)indent, "", (int)n, text);
    }
}

static void view_day_separator(struct view *view, const struct tm *at) {
    if (at->tm_yday == view->day.tm_yday && at->tm_year == view->day.tm_year)
        return;
    view->day = *at;
    char text[64];
    if (strftime(text, sizeof text, "%A, %e %B %Y", at) > 0)
        view_note(view, VIEW_INFO, "%s", text);
}

/* The columns of the last of some lines, without what colours them. */
static size_t view_last_columns(const char *lines) {
    const char *last = strrchr(lines, '\n');
    CLEANUP_FREE char *text = strdup(last ? last + 1 : lines);
    char *to = text;
    for (const char *from = text; from && *from; from++) {
        if (*from == '\033')
            from += strcspn(from, "m");
        else
            *to++ = *from;
    }
    if (text)
        *to = '\0';
    return text ? text_columns(text) : 0;
}

void view_talk(struct view *view, const struct tm *at, const char *lines) {
    if (at)
        view_day_separator(view, at);
    fprintf(view->burst, "%s\n", lines);
    view->last_columns = view_last_columns(lines);
    view_end_lost(view);
}

size_t view_rows(size_t besides, size_t min) {
    struct winsize size;
    size_t rows = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
    return rows > besides + min ? rows - besides : min;
}

bool view_end_here(struct view *view) {
    view->end_width = cli_width();
    bool fits = view->last_columns + VIEW_MARK_COLUMNS < (size_t)view->end_width;
    view->end_columns = fits ? view->last_columns : 0;
    return fits;
}

bool view_end_mark(struct view *view, const char *word) {
    if (view->end_columns == 0 || cli_width() != view->end_width)
        return false;
    fprintf(view->burst, "\033[A\033[%zuG  %s%s%s\033[K\n", view->end_columns + 1,
            view->colour ? "\033[2m" : "", word, view->colour ? "\033[0m" : "");
    return true;
}

bool view_end_add(struct view *view, const char *word) {
    if (!view_end_mark(view, word))
        return false;
    view->end_columns += 2 + strlen(word);
    return true;
}

void view_end_lost(struct view *view) {
    view->end_columns = 0;
    free(view->news);
    view->news = NULL;
}

void view_notify(struct view *view, unsigned how, const char *from, const char *text) {
    CLEANUP_FREE char *title = text_safe(bytes_of(from), TEXT_ONE_LINE);
    CLEANUP_FREE char *body = text_safe(bytes_of(text), TEXT_ONE_LINE);
    if (!view->windowed || !title || !body)
        return;
    if (how & CONFIG_OSC_9)
        fprintf(view->burst, "\033]9;%s: %s\033\\", title, body);
    if (how & CONFIG_OSC_777)
        fprintf(view->burst, "\033]777;notify;%s;%s\033\\", title, body);
    if (how & CONFIG_OSC_99)
        fprintf(view->burst, "\033]99;i=1:d=0;%s\033\\\033]99;i=1:p=body;%s\033\\", title, body);
}

void view_clear(struct view *view) {
    view_end_lost(view);
    if (view->windowed)
        fputs("\033[H\033[2J", view->burst);
}

void view_ring(struct view *view) {
    view->bell = view->windowed;
}

static void view_write_burst(struct view *view) {
    fwrite(view->buffer, 1, view->n_buffer, stdout);
    if (view->bell)
        fputc('\a', stdout);
}

bool view_flush(struct view *view) {
    fflush(view->burst);
    if (view->windowed && view->n_buffer == 0 && !view->bell)
        return true;
    if (view->edits) {
        rl_clear_visible_line();
        view_write_burst(view);
        rl_on_new_line();
        rl_redisplay();
    } else {
        if (view->has_prompt && view->n_buffer > 0)
            fputc('\n', stdout);
        view->has_prompt &= view->n_buffer == 0;
        view_write_burst(view);
    }
    view->bell = false;
    rewind(view->burst);
    return fflush(stdout) == 0;
}
