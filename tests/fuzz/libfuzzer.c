/* The entry for libFuzzer: clang -fsanitize=fuzzer,address,undefined. */
#include "fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_batch(data, size);
    check_text(data, size);
    check_irc_line(data, size);
    return 0;
}
