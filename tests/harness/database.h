/* The hub's database, looked at from outside with SQLite itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PRAGMA integrity_check of state/earshot.db; else `why` has what it says. */
bool database_is_whole(const char *state, char *why, size_t size);

/* The number that a query gives; -1 and a note when it cannot be asked. */
int64_t database_number(const char *state, const char *query);

/* Makes state/earshot.db from a file of SQL; ends the test when it cannot. */
void database_make(const char *state, const char *sql_path);
