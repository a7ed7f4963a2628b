#include "chat/people/login.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1 /* without memory HASH_ADD leaves hh.tbl NULL */
#include <uthash.h>

#include "cli/records.h"
#include "cli/words.h"

#define LOGIN_KNOWN_MAX 4096 /* then those not needed for longest are forgotten */
#define LOGIN_TOLD_MAX 4096  /* the same, and are told of again */
#define LOGIN_ASKED_MAX                                                                            \
    64 /* that wait for an answer; beyond that none is asked for until the handle comes again */
#define LOGIN_WAIT_MS 20 /* that a line may wait for an answer */

struct login_known {
    uid_t uid;
    char login[LOGIN_SIZE];
    UT_hash_handle hh;
};

/* A handle of this uid whose login the user was told, or is to be told. */
struct login_told {
    UT_hash_handle hh;
    uid_t uid;
    bool is_owed; /* its login was not known then */
    const char *handle;
    char key[]; /* "1001 bob" */
};

/* A uid whose login is asked for. */
struct login_asked {
    uid_t uid;
    bool is_found;
    char login[LOGIN_SIZE];
};

/*
 * Shared by the window and the thread that asks; whichever ends last frees it. What stands below
 * `lock` is guarded by it.
 */
struct login_desk {
    int found_fd; /* an eventfd(2), set with each answer */
    pthread_mutex_t lock;
    pthread_cond_t asked_some, found_some;
    struct login_asked asked[LOGIN_ASKED_MAX]; /* those found are taken from the front */
    size_t n_asked;
    unsigned n_users;
    bool is_over; /* the window wants no more */
};

struct logins {
    struct login_known *known;
    struct login_told *told;
    struct login_desk *desk; /* NULL: nothing was asked yet */
    bool is_slow;            /* an answer was waited for and did not come: now none is */
};

/* The thread. */

static void login_desk_leave(struct login_desk *desk) {
    unsigned n_left = --desk->n_users;
    pthread_mutex_unlock(&desk->lock);
    if (n_left > 0)
        return;
    close(desk->found_fd);
    pthread_mutex_destroy(&desk->lock);
    pthread_cond_destroy(&desk->asked_some);
    pthread_cond_destroy(&desk->found_some);
    free(desk);
}

static struct login_asked *login_next_asked(struct login_desk *desk) {
    for (size_t i = 0; i < desk->n_asked; i++)
        if (!desk->asked[i].is_found)
            return &desk->asked[i];
    return NULL;
}

/* Answers are taken from the front meanwhile, so it is looked for again. */
static void login_note_found(struct login_desk *desk, uid_t uid, const char *login) {
    struct login_asked *asked = login_next_asked(desk);
    if (!asked || asked->uid != uid)
        return;
    memcpy(asked->login, login, sizeof asked->login);
    asked->is_found = true;
    pthread_cond_signal(&desk->found_some);
    eventfd_write(desk->found_fd, 1);
}

static void *login_desk_run(void *arg) {
    struct login_desk *desk = arg;
    pthread_mutex_lock(&desk->lock);
    while (!desk->is_over) {
        const struct login_asked *asked = login_next_asked(desk);
        if (!asked) {
            pthread_cond_wait(&desk->asked_some, &desk->lock);
            continue;
        }
        char login[LOGIN_SIZE];
        uid_t uid = asked->uid;
        pthread_mutex_unlock(&desk->lock);
        cli_login(uid, login);
        pthread_mutex_lock(&desk->lock);
        login_note_found(desk, uid, login);
    }
    login_desk_leave(desk);
    return NULL;
}

/* All signals go to the window's thread. */
static bool login_desk_start(struct login_desk *desk) {
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&thread, NULL, login_desk_run, desk);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r == 0)
        pthread_detach(thread); /* it may be at a directory that never answers */
    return r == 0;
}

static struct login_desk *login_desk_new(void) {
    struct login_desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return NULL;
    desk->found_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&desk->lock, NULL);
    pthread_cond_init(&desk->asked_some, NULL);
    pthread_cond_init(&desk->found_some, &monotonic);
    pthread_condattr_destroy(&monotonic);
    desk->n_users = 2;
    if (desk->found_fd >= 0 && login_desk_start(desk))
        return desk;
    pthread_mutex_lock(&desk->lock);
    desk->n_users = 1;
    login_desk_leave(desk);
    return NULL;
}

/* The window. */

static void login_forget_known(struct logins *logins, struct login_known *known) {
    HASH_DEL(logins->known, known);
    free(known);
}

static void login_forget_told(struct logins *logins, struct login_told *told) {
    HASH_DEL(logins->told, told);
    free(told);
}

void login_deinit(struct chat *chat) {
    struct logins *logins = chat->logins;
    if (!logins)
        return;
    while (logins->known)
        login_forget_known(logins, logins->known);
    while (logins->told)
        login_forget_told(logins, logins->told);
    if (logins->desk) {
        pthread_mutex_lock(&logins->desk->lock);
        logins->desk->is_over = true;
        pthread_cond_signal(&logins->desk->asked_some);
        login_desk_leave(logins->desk);
    }
    free(logins);
    chat->logins = NULL;
}

/* Adds it, to be forgotten last. Without memory it is freed. */
static void login_add_known(struct logins *logins, struct login_known *known) {
    HASH_ADD(hh, logins->known, uid, sizeof known->uid, known);
    if (!known->hh.tbl)
        free(known);
    else if (HASH_COUNT(logins->known) > LOGIN_KNOWN_MAX)
        login_forget_known(logins, logins->known);
}

static const struct login_known *login_find_known(const struct logins *logins, uid_t uid) {
    struct login_known *known;
    HASH_FIND(hh, logins->known, &uid, sizeof uid, known);
    return known;
}

static void login_know(struct logins *logins, uid_t uid, const char login[LOGIN_SIZE]) {
    struct login_known *known = login_find_known(logins, uid) ? NULL : calloc(1, sizeof *known);
    if (!known)
        return;
    known->uid = uid;
    memcpy(known->login, login, sizeof known->login);
    login_add_known(logins, known);
}

/* Takes the answers that have come. The desk is locked. */
static void login_take_found(struct logins *logins) {
    struct login_desk *desk = logins->desk;
    size_t n = 0;
    while (n < desk->n_asked && desk->asked[n].is_found) {
        login_know(logins, desk->asked[n].uid, desk->asked[n].login);
        n++;
    }
    desk->n_asked -= n;
    memmove(desk->asked, desk->asked + n, desk->n_asked * sizeof *desk->asked);
    if (n > 0)
        logins->is_slow = false;
}

static void login_put_asked(struct login_desk *desk, uid_t uid) {
    for (size_t i = 0; i < desk->n_asked; i++)
        if (desk->asked[i].uid == uid)
            return;
    if (desk->n_asked == LOGIN_ASKED_MAX)
        return;
    desk->asked[desk->n_asked++] = (struct login_asked){.uid = uid};
    pthread_cond_signal(&desk->asked_some);
}

/* Asks, and waits a moment for all that was asked. */
static void login_ask(struct logins *logins, uid_t uid) {
    struct timespec end;
    if (!logins->desk && !(logins->desk = login_desk_new()))
        return;
    struct login_desk *desk = logins->desk;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += LOGIN_WAIT_MS * NS_PER_MS;
    if (end.tv_nsec >= NS_PER_S) {
        end.tv_sec++;
        end.tv_nsec -= NS_PER_S;
    }
    pthread_mutex_lock(&desk->lock);
    login_take_found(logins);
    login_put_asked(desk, uid);
    while (!logins->is_slow && login_next_asked(desk))
        logins->is_slow = pthread_cond_timedwait(&desk->found_some, &desk->lock, &end) != 0;
    login_take_found(logins);
    pthread_mutex_unlock(&desk->lock);
}

static struct logins *login_init(struct chat *chat) {
    if (!chat->logins)
        chat->logins = calloc(1, sizeof *chat->logins);
    return chat->logins;
}

/* What is looked up is forgotten last from now on. */
static const char *login_look(struct logins *logins, uid_t uid) {
    struct login_known *known;
    HASH_FIND(hh, logins->known, &uid, sizeof uid, known);
    if (!known)
        return NULL;
    HASH_DEL(logins->known, known);
    memset(&known->hh, 0, sizeof known->hh);
    login_add_known(logins, known);
    const struct login_known *found = login_find_known(logins, uid);
    return found ? found->login : NULL;
}

/* NULL: it is not known, or not yet. */
static const char *login_of(struct logins *logins, uid_t uid) {
    const char *login = login_look(logins, uid);
    if (login)
        return login;
    login_ask(logins, uid);
    return login_look(logins, uid);
}

/* " (login carol)", or " (uid 1001)" where that is all there is; "" where it is the handle. */
static const char *login_text(const char *login, const char *handle, uid_t uid) {
    static char text[LOGIN_SIZE + 16];
    if (login && words_same_name(login, handle))
        return "";
    if (login && strspn(login, "0123456789") != strlen(login))
        snprintf(text, sizeof text, " (login %s)", login);
    else
        snprintf(text, sizeof text, " (uid %u)", (unsigned)uid);
    return text;
}

const char *login_remark(struct chat *chat, const char *handle, uid_t uid) {
    struct logins *logins = uid == geteuid() ? NULL : login_init(chat);
    return logins ? login_text(login_of(logins, uid), handle, uid) : "";
}

static struct login_told *login_find_told(struct logins *logins, const char *handle, uid_t uid) {
    char key[CHAT_NAME_SIZE + 16];
    struct login_told *told;
    snprintf(key, sizeof key, "%u %s", (unsigned)uid, handle);
    HASH_FIND_STR(logins->told, key, told);
    return told;
}

static void login_note_told(struct logins *logins, const char *handle, uid_t uid, bool is_owed) {
    size_t n = strlen(handle) + 16;
    struct login_told *told = calloc(1, sizeof *told + n);
    if (!told)
        return;
    told->uid = uid;
    told->is_owed = is_owed;
    snprintf(told->key, n, "%u %s", (unsigned)uid, handle);
    told->handle = strchr(told->key, ' ') + 1;
    HASH_ADD_STR(logins->told, key, told);
    if (!told->hh.tbl)
        free(told);
    else if (HASH_COUNT(logins->told) > LOGIN_TOLD_MAX)
        login_forget_told(logins, logins->told);
}

const char *login_first(struct chat *chat, const char *handle, uid_t uid) {
    struct logins *logins = uid == geteuid() || !chat->view.windowed ? NULL : login_init(chat);
    if (!logins || login_find_told(logins, handle, uid))
        return "";
    const char *login = login_of(logins, uid);
    const char *text = login ? login_text(login, handle, uid) : "";
    if (!login || *text)
        login_note_told(logins, handle, uid, !login);
    return text;
}

int login_fd(const struct chat *chat) {
    return chat->logins && chat->logins->desk ? chat->logins->desk->found_fd : -1;
}

/* What is not found by now is asked for again. */
void login_tell_found(struct chat *chat) {
    struct logins *logins = chat->logins;
    struct login_told *told, *next;
    eventfd_t n;
    eventfd_read(logins->desk->found_fd, &n);
    pthread_mutex_lock(&logins->desk->lock);
    login_take_found(logins);
    pthread_mutex_unlock(&logins->desk->lock);
    HASH_ITER(hh, logins->told, told, next) {
        const char *login = told->is_owed ? login_look(logins, told->uid) : NULL;
        if (!login)
            continue;
        const char *text = login_text(login, told->handle, told->uid);
        told->is_owed = false;
        if (*text)
            view_note(&chat->view, VIEW_NEWS, "%s is %s%s", told->handle, told->handle, text);
    }
}
