#include "irc/numeric.h"

#include <stddef.h>

const char *numeric_text(enum numeric numeric) {
    switch (numeric) {
#define NUMERIC_TEXT(NAME, number, text)                                                           \
    case NUMERIC_##NAME:                                                                           \
        return text;
        NUMERICS(NUMERIC_TEXT)
#undef NUMERIC_TEXT
    }
    return NULL;
}
