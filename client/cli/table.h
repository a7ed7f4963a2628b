/* Columns for people: cells are padded to the widest of their column, the last one is not. */
#pragma once

#include <stddef.h>

#define TABLE_COLUMNS_MAX 8

struct table {
    size_t n_columns, n_cells;
    char **cells; /* row by row; owned */
};

/* Adds a cell: a copy of `text`, made safe to print. */
void table_add(struct table *table, const char *text);
void table_add_number(struct table *table, unsigned long long number);

/* Prints all rows to standard output and frees the cells. `head` is put around the first row. */
void table_print(struct table *table, const char *head, const char *end);
