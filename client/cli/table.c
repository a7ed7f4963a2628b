#include "cli/table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/records.h"

void table_add(struct table *table, const char *text) {
    char *safe = text_safe(bytes_of(text), TEXT_ONE_LINE);
    table->cells = cli_grow(table->cells, table->n_cells, sizeof *table->cells);
    table->cells[table->n_cells++] = safe ? safe : cli_copy("");
}

void table_add_number(struct table *table, unsigned long long number) {
    char text[32];
    snprintf(text, sizeof text, "%llu", number);
    table_add(table, text);
}

static void table_measure(const struct table *table, size_t widths[TABLE_COLUMNS_MAX]) {
    for (size_t i = 0; i < table->n_cells; i++) {
        size_t n = text_columns(table->cells[i]), column = i % table->n_columns;
        if (n > widths[column])
            widths[column] = n;
    }
}

static void print_row(char **cells, size_t n, const size_t *widths) {
    while (n > 1 && !*cells[n - 1])
        n--;
    for (size_t i = 0; i + 1 < n; i++) {
        size_t used = text_columns(cells[i]);
        printf("%s%*s", cells[i], (int)(widths[i] - used + 2), "");
    }
    fputs(cells[n - 1], stdout);
}

void table_print(struct table *table, const char *head, const char *end) {
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    assert(table->n_columns > 0 && table->n_columns <= TABLE_COLUMNS_MAX);
    assert(table->n_cells % table->n_columns == 0);
    table_measure(table, widths);
    for (size_t i = 0; i < table->n_cells; i += table->n_columns) {
        if (i == 0)
            fputs(head, stdout);
        print_row(table->cells + i, table->n_columns, widths);
        puts(i == 0 ? end : "");
    }
    for (size_t i = 0; i < table->n_cells; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct table){0};
}
