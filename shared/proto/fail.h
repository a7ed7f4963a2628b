/* Why the hub refuses: one table for the wire, for exit codes (sysexits.h) and for --json. */
#pragma once

/* Number on the wire, constant, exit code, name in --json. */
/* clang-format off */
#define FAIL_CODES(R)                                                                              \
    R(1, INTERNAL, 1, "internal")                   /* the hub is at fault; its log says why */    \
    R(2, NO_USER, 67, "no-user")                    /* nobody has this handle */                   \
    R(3, NO_ROOM, 67, "no-room")                    /* there is no such room */                    \
    R(4, NOT_STORED, 75, "not-stored")              /* delivered to who is here, but not stored */  \
    R(5, BUSY, 75, "busy")                          /* too much waits; try again */                \
    R(6, HANDLE_TAKEN, 77, "handle-taken")          /* it belongs to another uid */                \
    R(7, LOGIN_RESERVED, 77, "login-reserved")      /* it is somebody else's login name */         \
    R(8, NOT_PERMITTED, 77, "not-permitted")                                                       \
    R(9, BAD_NAME, 64, "bad-name")                                                                 \
    R(10, BAD_TEXT, 65, "bad-text")                 /* not UTF-8, or longer than allowed */        \
    R(11, LIMIT, 75, "limit")                       /* a quota or a kernel limit was reached */    \
    R(12, VERSION, 69, "version")                   /* another protocol version */                 \
    R(13, BAD_HANDSHAKE, 77, "bad-handshake")       /* the mailbox did not prove who is there */   \
    R(14, NOT_MEMBER, 67, "not-member")             /* of a room that one is not in */             \
    R(15, NO_HUB, 69, "no-hub")                     /* from here on: found by the client */        \
    R(16, OTHER_NAMESPACE, 69, "other-namespace")   /* the hub is in another IPC namespace */      \
    R(17, NOT_TRUSTED, 77, "not-trusted")           /* directory or queue of the wrong owner */    \
    R(18, TIMED_OUT, 75, "timed-out")                                                              \
    R(19, LOST, 69, "hub-lost")                     /* the hub went away meanwhile */              \
    R(20, STORE, 1, "store-failed")                 /* the log cannot be read; the hub says why */ \
    R(21, BAD_FRAME, 1, "bad-frame")                /* a frame broke the protocol: the session ends */ \
    R(22, BAD_ARGUMENT, 64, "bad-argument")         /* by a program to libearshot */
/* clang-format on */

enum fail_code {
    FAIL_NONE = 0,
#define FAIL_ENUM(number, NAME, exit_code, json) FAIL_##NAME = number,
    FAIL_CODES(FAIL_ENUM)
#undef FAIL_ENUM
        FAIL_END
};

/* "no-user"; "unknown" for a number that is not in the table. */
const char *fail_name(unsigned code);

/* 67; 1 for a number that is not in the table. */
int fail_exit_code(unsigned code);
