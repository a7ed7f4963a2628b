/* Why something is refused: one table for the wire, exit codes (sysexits.h), --json and people. */
#pragma once

/* Number on the wire, constant, exit code, name in --json; what it means, and what to do. */
/* clang-format off */
#define FAIL_CODES(R)                                                                              \
    R(1, INTERNAL, 1, "internal", "the hub is at fault; its log says why")                         \
    R(2, NO_USER, 67, "no-user", "nobody has this handle; `earshot who --all` shows all")          \
    R(3, NO_ROOM, 67, "no-room", "there is no such room; `earshot rooms` lists them")              \
    R(4, NOT_STORED, 75, "not-stored", "it went to who is here, and is not stored; try again")     \
    R(5, BUSY, 75, "busy", "too much waits; try again")                                            \
    R(6, HANDLE_TAKEN, 77, "handle-taken", "the handle belongs to another user; choose another")   \
    R(7, LOGIN_RESERVED, 77, "login-reserved", "this is another user's login; choose another")     \
    R(8, NOT_PERMITTED, 77, "not-permitted", "you may not do that; ask the hub's owner")           \
    R(9, BAD_NAME, 64, "bad-name", "this is no valid name; earshot(7) says which are")             \
    R(10, BAD_TEXT, 65, "bad-text", "the text is not UTF-8, or longer than is allowed; change it") \
    R(11, LIMIT, 75, "limit", "a limit is reached; earshot(7) lists them")                         \
    R(12, VERSION, 69, "version", "the hub has another version; upgrade the older side")           \
    R(13, BAD_HANDSHAKE, 77, "bad-handshake", "the mailbox did not prove who is there; try again") \
    R(14, NOT_MEMBER, 77, "not-member", "you are not in this room; join it first")                 \
    /* from here on: found by the client */                                                        \
    R(15, NO_HUB, 69, "no-hub", "there is no hub; start one with earshotd")                        \
    R(16, OTHER_NAMESPACE, 69, "other-namespace", "the hub is in another IPC namespace; go there") \
    R(17, NOT_TRUSTED, 77, "not-trusted", "directory or queue of the wrong owner; tell the hub's") \
    R(18, TIMED_OUT, 75, "timed-out", "there was no answer in time; try again, or allow more")     \
    R(19, LOST, 69, "hub-lost", "the hub went away meanwhile; try again")                          \
    R(20, STORE, 1, "store-failed", "the hub's log cannot be read; `earshot doctor` says why")     \
    R(21, BAD_FRAME, 1, "bad-frame", "a frame broke the protocol, which ends the session")         \
    R(22, BAD_ARGUMENT, 64, "bad-argument", "libearshot was called with what makes no sense")      \
    /* the hub's again */                                                                          \
    R(23, TAKEN, 75, "taken", "somebody else has it; wait for it, or try again")
/* clang-format on */

enum fail_code {
    FAIL_NONE = 0,
#define FAIL_ENUM(number, NAME, exit_code, json, text) FAIL_##NAME = number,
    FAIL_CODES(FAIL_ENUM)
#undef FAIL_ENUM
        FAIL_END
};

/* "no-user"; "unknown" for a number that is not in the table. */
const char *fail_name(unsigned code);

/* 67; 1 for a number that is not in the table. */
int fail_exit_code(unsigned code);

/* A sentence without an object; "it failed" for a number that is not in the table. */
const char *fail_text(unsigned code);
