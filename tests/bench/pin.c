#include "bench/pin.h"

#include "base/error.h"

int pin_to_one(cpu_set_t *before) {
    cpu_set_t one;
    size_t cpu = 0;
    if (sched_getaffinity(0, sizeof *before, before) < 0)
        return error_errno();
    while (!CPU_ISSET(cpu, before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof one, &one) < 0 ? error_errno() : 0;
}

void pin_undo(const cpu_set_t *before) {
    sched_setaffinity(0, sizeof *before, before);
}
