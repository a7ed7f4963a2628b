#include <stdlib.h>
#include <strings.h>

#include "cli/claims.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/text.h"

struct claims_list {
    struct cli_claim *all;
    size_t n;
};

static void claims_add(void *arg, const struct earshot_event *event) {
    struct claims_list *list = arg;
    list->all = cli_grow(list->all, list->n, sizeof *list->all);
    claims_fill(&list->all[list->n++], event);
}

static int claims_in_order(const void *a, const void *b) {
    const struct cli_claim *left = a, *right = b;
    int by_name = strcasecmp(left->name, right->name);
    return by_name != 0 ? by_name : (left->place > right->place) - (left->place < right->place);
}

static int claims_print(const struct cli_options *options, const struct claims_list *list) {
    if (options->json)
        for (size_t i = 0; i < list->n; i++)
            json_claim(&list->all[i], NULL);
    else if (list->n > 0)
        text_claims(options, list->all, list->n);
    else
        cli_remark(options, "nothing is claimed; `earshot claim NAME` does");
    return cli_flush();
}

int cli_claims(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    struct claims_list list = {0};
    earshot *link;
    uint32_t request = 0;
    int code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    int result = earshot_claims(link, &request);
    code = cli_request_wait(link, options, result, request, claims_add, &list);
    earshot_close(link);
    if (list.n > 1)
        qsort(list.all, list.n, sizeof *list.all, claims_in_order);
    if (code == CLI_DONE)
        code = claims_print(options, &list);
    for (size_t i = 0; i < list.n; i++)
        claims_free(&list.all[i]);
    free(list.all);
    return code;
}
