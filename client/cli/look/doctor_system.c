#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/child.h"
#include "cli/look/doctor.h"
#include "cli/records.h"
#include "cli/start.h"

#define SYSTEM_UID_MAX 999 /* logind spares system users: systemd's SYSTEM_UID_MAX */
#define VERSION_SIZE 128

/* --- logout ---------------------------------------------------------------------------------- */

static int logind_take(void *arg, const char *section, const char *key, const char *value) {
    if (strcmp(section, "Login") == 0 && strcmp(key, "RemoveIPC") == 0)
        *(bool *)arg = strcasecmp(value, "no") != 0 && strcasecmp(value, "false") != 0 &&
                       strcasecmp(value, "off") != 0 && strcmp(value, "0") != 0;
    return 1;
}

/*
 * logind.conf(5): the file of the highest place, then the drop-ins of all places in the order of
 * their names, the later ones win.
 */
static const char *const places[] = {"/usr/lib/systemd", "/run/systemd", "/etc/systemd"};

static int by_name(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    return strcmp(strrchr(x, '/'), strrchr(y, '/'));
}

/* RemoveIPC is yes unless a file says otherwise. */
static bool removes_ipc(void) {
    bool removes = true;
    char path[128];
    glob_t names = {0};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        snprintf(path, sizeof path, "%s/logind.conf", places[i]);
        (void)ini_parse(path, logind_take, &removes);
        snprintf(path, sizeof path, "%s/logind.conf.d/*.conf", places[i]);
        (void)glob(path, i > 0 ? GLOB_APPEND : 0, NULL, &names);
    }
    if (names.gl_pathc > 1)
        qsort(names.gl_pathv, names.gl_pathc, sizeof *names.gl_pathv, by_name);
    for (size_t i = 0; i < names.gl_pathc; i++)
        (void)ini_parse(names.gl_pathv[i], logind_take, &removes);
    globfree(&names);
    return removes;
}

/* Who lingers is never logged out, as far as logind is concerned. */
static bool login_lingers(const char *login) {
    char path[128];
    snprintf(path, sizeof path, "/var/lib/systemd/linger/%s", login);
    return access(path, F_OK) == 0;
}

void doctor_check_logout(struct doctor *doctor) {
    char login[LOGIN_SIZE], fix[256];
    uid_t uid = doctor_hub_uid(doctor);
    cli_login(uid, login);
    if (access("/run/systemd/system", F_OK) != 0)
        doctor_say(doctor, DOCTOR_OK, "logout", NULL,
                   "no systemd runs here that would remove queues at logout");
    else if (uid <= SYSTEM_UID_MAX)
        doctor_say(doctor, DOCTOR_OK, "logout", NULL,
                   "%s is a system user, whose queues stay after logout", login);
    else if (login_lingers(login) || !removes_ipc())
        doctor_say(doctor, DOCTOR_OK, "logout", NULL, "the queues of %s stay after logout", login);
    else {
        snprintf(fix, sizeof fix,
                 "loginctl enable-linger %s, or RemoveIPC=no in /etc/systemd/logind.conf, or use a "
                 "system hub",
                 login);
        doctor_say(doctor, DOCTOR_WARNING, "logout", fix,
                   "the queues of %s, and so the hub's, are removed when %s logs out everywhere "
                   "(RemoveIPC=yes in logind.conf)",
                   login, login);
    }
}

/* --- versions -------------------------------------------------------------------------------- */

static int read_all(int fd, char *text, size_t size) {
    size_t used = 0;
    ssize_t n;
    while ((n = read(fd, text + used, size - 1 - used)) > 0 || (n < 0 && errno == EINTR))
        used += n > 0 ? (size_t)n : 0;
    text[used] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return used > 0 ? 0 : -ENODATA;
}

/* What `earshotd --version` prints: "earshotd 1.2". Returns 0 or -errno. */
static int ask_version(const char *program, char version[VERSION_SIZE]) {
    char path[PATH_MAX], option[] = "--version";
    char *argv[] = {path, option, NULL};
    int ends[2];
    pid_t pid;
    snprintf(path, sizeof path, "%s", program);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int r = child_start(&pid, argv, &(struct child_files){-1, ends[1], -1}, false);
    close(ends[1]);
    if (r == 0) {
        r = read_all(ends[0], version, VERSION_SIZE);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    return r;
}

/* Whether the program of a process has been replaced on the disk; no when it may not be seen. */
static bool is_replaced(pid_t pid) {
    static const char mark[] = " (deleted)";
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t n = readlink(link, path, sizeof path);
    size_t n_mark = sizeof mark - 1;
    return n > (ssize_t)n_mark && memcmp(path + n - n_mark, mark, n_mark) == 0;
}

void doctor_check_versions(struct doctor *doctor) {
    char path[PATH_MAX], version[VERSION_SIZE];
    int r = ask_version(cli_hub_program(path), version);
    if (r != 0)
        doctor_say(doctor, DOCTOR_WARNING, "versions", "install the hub, too",
                   "this is earshot %s; no earshotd is beside it or in PATH", EARSHOT_VERSION);
    else if (strcmp(version, "earshotd " EARSHOT_VERSION) != 0)
        doctor_say(doctor, DOCTOR_WARNING, "versions", "install the same release of both",
                   "this is earshot %s, and the hub installed is %s", EARSHOT_VERSION, version);
    else
        doctor_say(doctor, DOCTOR_OK, "versions", NULL,
                   "earshot and earshotd %s, protocol version %d", EARSHOT_VERSION,
                   EARSHOT_PROTOCOL_VERSION);
    if (doctor->found == RENDEZVOUS_OK && is_replaced(doctor->record.pid))
        doctor_say(doctor, DOCTOR_WARNING, "running-version",
                   "start the hub again: earshotd --stop, with its --dir",
                   "the hub runs, but its program was replaced since it started");
}
