/* The program `earshot`: the command line is in cli/, the window of `earshot chat` above it. */
#include "base/standard.h"
#include "chat/chat.h"
#include "cli/commands.h"
#include "cli/report.h"

int cli_chat(const struct cli_options *options, int n_words, char **words) {
    return chat_run(options, words, n_words);
}

int main(int argc, char **argv) {
    if (standard_hold() < 0)
        return CLI_FAILED; /* and nowhere to say why */
    return cli_main(argc, argv);
}
