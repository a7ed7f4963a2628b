/* uthash for programs: without memory they end, as in cli_allocate(), and say so. */
#pragma once

#include "cli/records.h"

#define uthash_fatal(what) cli_out_of_memory()
#include <uthash.h>
