/*
 * What commands print: the answers of the hub, completed with what the kernel and the user
 * database know. text.c and json.c print them.
 */
#pragma once

#include "cli/options.h"
#include "ipc/process.h"
#include "ipc/queue.h"
#include "ipc/ring.h"
#include "ipc/shm.h"

#define LOGIN_SIZE 64

/* Words of enum earshot_state (NULL ends them), enum earshot_presence and the modes of a hub. */
extern const char *const cli_state_words[], *const cli_presence_words[], *const cli_mode_words[];

struct cli_session {
    pid_t pid;
    char tty[PROCESS_TTY_SIZE];
    char program[PROCESS_NAME_SIZE];
    int64_t since_ms; /* when the process began; 0: not known, or not asked for */
};

struct cli_user {
    char *handle, *away;
    uid_t uid;
    char login[LOGIN_SIZE];
    enum earshot_presence state;
    uint32_t idle_s;
    struct cli_session *sessions;
    size_t n_sessions;
};

struct cli_room {
    char *name, *topic;
    char *group; /* whose room it is, or ""; NULL: the hub is an older one and tells no form */
    enum earshot_room_form form;
    uint32_t members;
};

/* A queue of the hub: what the hub says it is for, and what the kernel says about it. */
struct cli_queue {
    enum earshot_role role;
    uid_t uid;
    pid_t pid; /* of the client or hub that it belongs to */
    char *handle;
    struct queue_info info;
};

#define SEGMENT_PIDS_MAX 16

/* The shared memory segment of a transfer. */
struct cli_segment {
    struct shm_segment info;
    pid_t pids[SEGMENT_PIDS_MAX]; /* that are attached, as far as we may see it */
    size_t n_pids;
    bool has_view;   /* we may look into its ring */
    bool is_gate;    /* not of a transfer, but of the hub; */
    bool is_channel; /* nor this one, of a busy session */
    struct ring_view view;
};

/* The account of one user, with its strings. */
struct cli_account {
    struct earshot_account account; /* but for its strings */
    char login[LOGIN_SIZE];
    char *orders;
};

/* What is laid on somebody in a room. */
struct cli_laid {
    enum earshot_laid what;
    char *handle, *by, *reason; /* "" for none */
    uid_t uid, by_uid;
    int64_t until_ms; /* 0: until it is undone */
};

struct cli_accounts {
    struct cli_account *all;
    size_t n;
};

void cli_accounts_add(struct cli_accounts *accounts, const struct earshot_account *account);
/* Who takes most of the hub's time in the last minute first, then who says most. */
void cli_accounts_sort(struct cli_accounts *accounts);
void cli_accounts_free(struct cli_accounts *accounts);

struct cli_counter {
    char *key;
    uint64_t value;
};

struct cli_status {
    struct earshot_hub_info hub;
    struct queue_info queue; /* the well-known one */
    uint64_t uptime_s, sessions;
    uint64_t store_messages, store_bytes; /* bytes 0: the hub stores nothing */
    struct cli_counter *counters;
    size_t n_counters;
};

/* A claim, as `earshot claims` tells of it. */
struct cli_claim {
    char *name, *handle, *note;
    bool is_held;
    unsigned place; /* in the queue; 0: it is held */
    uid_t uid;
    pid_t pid;
    char program[PROCESS_NAME_SIZE];
    int64_t since_ms;
};

/* A process that was watched until its end. */
struct cli_process {
    pid_t pid;
    char program[PROCESS_NAME_SIZE], login[LOGIN_SIZE];
    uid_t uid;
    bool has_uid;           /* it can be told */
    wall_time began, ended; /* began: ms 0 when it cannot be told */
};

/* A message that was sent, as `send --json` tells of it. */
struct cli_sent {
    char id[EARSHOT_ID_SIZE];
    uint64_t seq; /* 0 when not known */
    enum earshot_state state;
};

/* The login name of a uid; the number when there is none. May wait long; any thread may call it. */
void cli_login(uid_t uid, char login[LOGIN_SIZE]);

_Noreturn void cli_out_of_memory(void);

/* A USER event, with what the user database and /proc say. To be freed by cli_user_free(). */
struct cli_user cli_user_of(const struct earshot_event *event);
void cli_user_free(struct cli_user *user);

/* When the first of the sessions began, as far as that is known; ms, or 0. */
int64_t cli_user_since(const struct cli_user *user);

/* Room for one more in an array of n. These three end the program when memory is out. */
void *cli_grow(void *array, size_t n, size_t size);
void *cli_allocate(size_t size);
char *cli_copy(const char *string);
