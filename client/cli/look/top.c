/* `top`: who uses how much of what just now; queues and rings as they fill. */
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/look/live.h"
#include "cli/look/objects.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"

const struct cli_option cli_top_options[] = {
    {"limit", 'n', CLI_COUNT, CLI_AT(limit), "N", "end after N times", NULL, 0},
    {"every", 0, CLI_SECONDS, CLI_AT(every_ms), "SECONDS", "how often; else every 2", NULL, 0},
    {0},
};

#define TOP_QUEUES 8 /* the fullest of them are shown */
#define TOP_RINGS 8

/* What was known at a time. */
struct top_sample {
    mono_time at;
    struct cli_accounts accounts; /* in the hub's order, in which new ones come last */
    uint64_t sessions, messages, deliveries, commits, batches;
    uint64_t store_bytes, uptime_s;
};

/* Of one user, in a second. */
struct top_user {
    const struct cli_account *of;
    double messages, bytes, refused, lock_us;
};

struct top {
    earshot *link;
    bool is_own; /* only one's own account is told */
    char sort;   /* a key */
    struct top_sample last;
    bool has_last;
};

/* Asking. */

static void top_add_account(void *arg, const struct earshot_event *event) {
    struct top_sample *sample = arg;
    cli_accounts_add(&sample->accounts, event->account);
}

static void top_add_counter(void *arg, const struct earshot_event *event) {
    struct top_sample *sample = arg;
    const struct {
        const char *key;
        uint64_t *value;
    } rows[] = {{"sessions", &sample->sessions},     {"messages", &sample->messages},
                {"deliveries", &sample->deliveries}, {"commits", &sample->commits},
                {"batches_out", &sample->batches},   {"store_bytes", &sample->store_bytes},
                {"uptime_s", &sample->uptime_s}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(event->counter.key, rows[i].key) == 0)
            *rows[i].value = event->counter.value;
}

/* Who may not see all sees his own: whether he may is asked once, and the refusal is not told. */
static int top_find_right(struct top *top, const struct cli_options *options) {
    struct earshot_event event;
    uint32_t request = 0;
    int result = earshot_accounts(top->link, true, &request);
    while (result == EARSHOT_OK) {
        result = earshot_next(top->link, &event, -1);
        if (result == EARSHOT_OK && event.request == request &&
            (event.type == EARSHOT_EVENT_DONE || event.type == EARSHOT_EVENT_FAILED)) {
            top->is_own = event.type == EARSHOT_EVENT_FAILED;
            return CLI_DONE;
        }
    }
    return cli_fail_link(options, top->link, result);
}

static int top_ask(struct top *top, const struct cli_options *options, struct top_sample *sample) {
    uint32_t request = 0;
    *sample = (struct top_sample){0};
    int result = earshot_ask(top->link, EARSHOT_COUNTERS, NULL, &request);
    int code = cli_request_wait(top->link, options, result, request, top_add_counter, sample);
    if (code != CLI_DONE)
        return code;
    result = earshot_accounts(top->link, !top->is_own, &request);
    code = cli_request_wait(top->link, options, result, request, top_add_account, sample);
    sample->at = mono_now();
    return code;
}

/* Rates. The first time there is nothing to compare with: then it is that of the last minute. */

static double top_seconds(const struct top *top, const struct top_sample *sample) {
    double seconds = (double)(sample->at.ns - top->last.at.ns) / (double)NS_PER_S;
    return seconds > 0.001 ? seconds : 0.001;
}

static double top_rate(uint64_t now, uint64_t before, double seconds) {
    return now > before ? (double)(now - before) / seconds : 0;
}

static struct top_user top_user_of(const struct top *top, const struct top_sample *sample,
                                   size_t i) {
    static const struct earshot_use none;
    const struct earshot_account *account = &sample->accounts.all[i].account;
    bool has_before = top->has_last && i < top->last.accounts.n &&
                      top->last.accounts.all[i].account.uid == account->uid;
    const struct earshot_use *now = has_before ? &account->ever : &account->minute;
    const struct earshot_use *before = has_before ? &top->last.accounts.all[i].account.ever : &none;
    double seconds = has_before ? top_seconds(top, sample) : 60;
    return (struct top_user){.of = &sample->accounts.all[i],
                             .messages = top_rate(now->messages, before->messages, seconds),
                             .bytes = top_rate(now->bytes, before->bytes, seconds),
                             .refused = top_rate(now->refused, before->refused, seconds),
                             .lock_us = top_rate(now->lock_us, before->lock_us, seconds)};
}

/* Sorting. */

static double top_by(const struct top_user *user, char sort) {
    switch (sort) {
    case 'm':
        return user->messages;
    case 'b':
        return user->bytes;
    case 'r':
        return user->refused;
    case 's':
        return user->of->account.sessions;
    case 'k':
        return (double)user->of->account.memory;
    default:
        return user->lock_us;
    }
}

static int top_compare(const void *a, const void *b, void *sort) {
    const struct top_user *x = a, *y = b;
    char key = *(const char *)sort;
    double left = top_by(x, key), right = top_by(y, key);
    if (key == 'u')
        return strcmp(x->of->login, y->of->login);
    if (left != right)
        return left > right ? -1 : 1;
    return (x->of->account.uid > y->of->account.uid) - (x->of->account.uid < y->of->account.uid);
}

/* Showing. */

static void top_put_head(FILE *out, const struct top *top, const struct top_sample *sample) {
    struct earshot_hub_info hub;
    earshot_hub(top->link, &hub);
    CLEANUP_FREE char *name = text_safe(bytes_of(hub.name), TEXT_ONE_LINE);
    double seconds = top_seconds(top, sample);
    const struct top_sample *last = top->has_last ? &top->last : sample;
    fprintf(out, "hub %s, pid %d, %s, up %llu s, %llu sessions, store %llu bytes\n",
            name ? name : "", (int)hub.pid, objects_state(hub.pid),
            (unsigned long long)sample->uptime_s, (unsigned long long)sample->sessions,
            (unsigned long long)sample->store_bytes);
    fprintf(out, "%.0f messages/s in, %.0f deliveries/s out, %.0f batches/s, %.1f commits/s\n",
            top_rate(sample->messages, last->messages, seconds),
            top_rate(sample->deliveries, last->deliveries, seconds),
            top_rate(sample->batches, last->batches, seconds),
            top_rate(sample->commits, last->commits, seconds));
}

static void top_put_users(FILE *out, const struct top_user *users, size_t n) {
    fprintf(out, "\n%-16s %7s %5s %9s %11s %7s %9s %9s  %s\n", "USER", "UID", "SESS", "MSG/S",
            "BYTES/S", "TIME%", "REFUSED/S", "MEMORY", "ORDERS");
    for (size_t i = 0; i < n; i++) {
        const struct earshot_account *account = &users[i].of->account;
        CLEANUP_FREE char *login = text_safe(bytes_of(users[i].of->login), TEXT_ONE_LINE);
        CLEANUP_FREE char *orders = text_safe(bytes_of(users[i].of->orders), TEXT_ONE_LINE);
        fprintf(out, "%-16s %7u %5u %9.1f %11.0f %7.2f %9.1f %9llu  %s\n", login ? login : "",
                account->uid, account->sessions, users[i].messages, users[i].bytes,
                users[i].lock_us / 10000, users[i].refused, (unsigned long long)account->memory,
                orders ? orders : "");
    }
}

static int queues_by_fill(const void *a, const void *b) {
    const struct queue_info *x = &((const struct cli_queue *)a)->info;
    const struct queue_info *y = &((const struct cli_queue *)b)->info;
    if (x->n_bytes != y->n_bytes)
        return x->n_bytes > y->n_bytes ? -1 : 1;
    return (x->msqid > y->msqid) - (x->msqid < y->msqid);
}

static void top_put_objects(FILE *out, const struct objects *objects) {
    static const char *const names[] = {"door", "lane", "mailbox"};
    size_t n = objects->n_queues < TOP_QUEUES ? objects->n_queues : TOP_QUEUES;
    if (objects->n_queues > 1)
        qsort(objects->queues, objects->n_queues, sizeof *objects->queues, queues_by_fill);
    fprintf(out, "\n%-8s %8s %-16s %15s %9s  %s\n", "QUEUE", "ID", "OF", "BYTES", "MESSAGES",
            "LAST SENDER");
    for (size_t i = 0; i < n; i++) {
        const struct cli_queue *queue = &objects->queues[i];
        char login[LOGIN_SIZE], bytes[48];
        cli_login(queue->uid, login);
        bool is_mailbox = queue->role == EARSHOT_MAILBOX;
        CLEANUP_FREE char *of =
            text_safe(bytes_of(is_mailbox ? queue->handle : login), TEXT_ONE_LINE);
        snprintf(bytes, sizeof bytes, "%zu/%zu", queue->info.n_bytes, queue->info.limit);
        fprintf(out, "%-8s %8d %-16s %15s %9zu  %d, %s\n", names[queue->role], queue->info.msqid,
                of ? of : "", bytes, queue->info.n_messages, (int)queue->info.last_sender,
                objects_state(queue->info.last_sender));
    }
    if (objects->n_queues > n)
        fprintf(out, "... and %zu more\n", objects->n_queues - n);
    for (size_t i = 0, shown = 0; i < objects->n_segments && shown < TOP_RINGS; i++) {
        const struct cli_segment *segment = &objects->segments[i];
        if (!segment->has_view)
            continue;
        shown++;
        fprintf(out, "%-8s %8d %-16d %10u/%-4u slots%s\n", "ring", segment->info.shmid,
                (int)segment->info.creator, segment->view.fill, segment->view.layout.n_slots,
                segment->view.producer_waits   ? "  its sender waits"
                : segment->view.consumer_waits ? "  its recipient waits"
                                               : "");
    }
}

static void top_put_json(const struct top *top, const struct top_sample *sample,
                         const struct top_user *users, size_t n, const struct objects *objects) {
    const struct top_sample *last = top->has_last ? &top->last : sample;
    double seconds = top_seconds(top, sample);
    json_top(sample->sessions, top_rate(sample->messages, last->messages, seconds),
             top_rate(sample->deliveries, last->deliveries, seconds));
    for (size_t i = 0; i < n; i++)
        json_account(users[i].of);
    for (size_t i = 0; i < objects->n_queues; i++)
        json_queue(&objects->queues[i]);
    for (size_t i = 0; i < objects->n_segments; i++)
        json_segment(&objects->segments[i]);
}

static void top_put(struct live *live, FILE *out, const struct top_sample *sample,
                    struct objects *objects) {
    struct top *top = live->arg;
    size_t n = sample->accounts.n;
    struct top_user *users = cli_allocate((n + 1) * sizeof *users);
    for (size_t i = 0; i < n; i++)
        users[i] = top_user_of(top, sample, i);
    qsort_r(users, n, sizeof *users, top_compare, &top->sort);
    if (live->options->json) {
        top_put_json(top, sample, users, n, objects);
    } else {
        top_put_head(out, top, sample);
        top_put_users(out, users, n);
        top_put_objects(out, objects);
        fputs(live->is_screen ? "\nq ends; by t time, m messages, b bytes, r refused, k memory, "
                                "s sessions, u user\n"
                              : "\n",
              out);
    }
    free(users);
}

static int top_draw(struct live *live, FILE *out) {
    struct top *top = live->arg;
    struct top_sample sample;
    struct objects objects = {0};
    if (live->key && strchr("tmbrksu", live->key))
        top->sort = (char)live->key;
    int code = top_ask(top, live->options, &sample);
    if (code == CLI_DONE)
        code = objects_ask(&objects, top->link, live->options);
    if (code == CLI_DONE)
        top_put(live, out, &sample, &objects);
    objects_free(&objects);
    cli_accounts_free(&top->last.accounts);
    top->last = sample;
    top->has_last = true;
    return code;
}

int cli_top(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    struct top top = {.sort = 't'};
    struct live live = {.options = options, .draw = top_draw, .arg = &top};
    int code = cli_request_open(&top.link, options);
    if (code != CLI_DONE)
        return code;
    if (options->timeout_ms < 0)
        cli_limit_stop();
    code = top_find_right(&top, options);
    if (code == CLI_DONE)
        code = live_run(&live);
    cli_accounts_free(&top.last.accounts);
    earshot_close(top.link);
    return code;
}
