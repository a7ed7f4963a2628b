#include "base/size.h"

#include <stdio.h>

#include "base/macro.h"

void size_text(uint64_t bytes, char text[SIZE_TEXT]) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes < 1024) {
        snprintf(text, SIZE_TEXT, "%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
        return;
    }
    for (; size >= 1000 && unit + 1 < ARRAY_LEN(units); unit++)
        size /= 1024;
    snprintf(text, SIZE_TEXT, size < 10 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}
