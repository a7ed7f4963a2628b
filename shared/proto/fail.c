#include "proto/fail.h"

#include "base/macro.h"

static const struct {
    const char *name, *text;
    int exit_code;
} table[FAIL_END] = {
#define FAIL_ROW(number, NAME, exit_code, json, text) [number] = {json, text, exit_code},
    FAIL_CODES(FAIL_ROW)};

const char *fail_name(unsigned code) {
    return code < ARRAY_LEN(table) && table[code].name ? table[code].name : "unknown";
}

int fail_exit_code(unsigned code) {
    return code < ARRAY_LEN(table) && table[code].name ? table[code].exit_code : 1;
}

const char *fail_text(unsigned code) {
    return code < ARRAY_LEN(table) && table[code].text ? table[code].text : "it failed";
}
