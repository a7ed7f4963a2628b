/* `doctor`: checks the machine, the hub and what is left of dead ones, and says what to do. */
#include "cli/look/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"

#define SENTENCE_SIZE 1024

const struct cli_option cli_doctor_options[] = {
    {"fix", 0, CLI_FLAG, CLI_AT(fix), NULL,
     "remove what is yours and left by dead hubs and clients", NULL, 0},
    {0},
};

static const char *const states[] = {"ok", "warning", "problem"};

static void doctor_print_text(enum doctor_state state, const char *name, const char *text,
                              const char *fix) {
    CLEANUP_FREE char *safe = text_safe(bytes_of(text), TEXT_ONE_LINE);
    CLEANUP_FREE char *safe_fix = text_safe(bytes_of(fix ? fix : ""), TEXT_ONE_LINE);
    printf("%-8s %s: %s\n", states[state], name, safe ? safe : "");
    if (fix)
        printf("%-8s to do: %s\n", "", safe_fix ? safe_fix : "");
}

void doctor_say(struct doctor *doctor, enum doctor_state state, const char *name, const char *fix,
                const char *format, ...) {
    char text[SENTENCE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    doctor->n_problems += state == DOCTOR_PROBLEM;
    if (doctor->options->json)
        json_check(states[state], name, text, fix);
    else
        doctor_print_text(state, name, text, fix);
}

void doctor_say_sentence(struct doctor *doctor, enum doctor_state state, const char *name,
                         const char *sentence) {
    const char *cut = strstr(sentence, "; ");
    int n = cut ? (int)(cut - sentence) : (int)strlen(sentence);
    doctor_say(doctor, state, name,
               cut ? cut + 2 : "mend what is named here, or name another hub with --hub", "%.*s", n,
               sentence);
}

uid_t doctor_hub_uid(const struct doctor *doctor) {
    return doctor->found == RENDEZVOUS_OK ? doctor->record.uid : geteuid();
}

int cli_doctor(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    struct doctor doctor = {.options = options};
    if (rendezvous_locate(doctor.dir, &doctor.origin, options->hub) != 0)
        return cli_fail(options, OUTCOME_USAGE,
                        "the name of the hub's directory is too long; name another one with --hub");
    uid_t only_uid = doctor.origin == RENDEZVOUS_PRIVATE ? geteuid() : (uid_t)-1;
    doctor.found = rendezvous_find(doctor.dir, only_uid, &doctor.record);
    doctor_check_limits(&doctor);
    doctor_check_holders(&doctor);
    doctor_check_left(&doctor);
    doctor_check_directory(&doctor);
    doctor_check_hub(&doctor);
    doctor_check_start(&doctor);
    doctor_check_machine(&doctor);
    doctor_check_store(&doctor);
    doctor_check_logout(&doctor);
    doctor_check_versions(&doctor);
    int code = cli_flush();
    if (code != CLI_DONE || cli_interrupted())
        return code != CLI_DONE ? code : cli_interrupted();
    return doctor.n_problems == 0 ? CLI_DONE : CLI_FAILED;
}
