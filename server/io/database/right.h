/*
 * Who may be called so. A login name belongs to its user, in every spelling, and uidNNN to uid NNN;
 * they get these names also from somebody else who was there first, perhaps before the account was
 * made. Any other name belongs to whoever used it first.
 *
 * That takes up to three questions to the user database: the login name of who asks; whose login
 * name the wanted one is; and, where it is to be taken from somebody, whether it is that one's
 * login name as well (two may differ by case only). Where the database cannot tell, nobody is given
 * a name, but in a private hub: who has a uid now may be another user than who had it before.
 */
#pragma once

#include "io/database/login.h"
#include "io/hub.h"

struct right {
    uid_t uid;
    struct name wanted;             /* n 0: the login name, or uidNNN */
    gid_t gid;                      /* of whom in_group tells */
    struct login_question question; /* the next one, after RIGHT_ASKS */

    struct name login; /* of uid; n 0: none */
    bool in_group;
    struct group_answer groups; /* those that he is in */
    uid_t take_from; /* whoever has it now has to give it up; LOGIN_NOBODY: nobody has to */

    int error; /* an errno: the last question could not be answered */
    bool knows_login, knows_holder, knows_rival;
    uid_t holder, rival;
    struct name rival_login;
};

enum right_outcome {
    RIGHT_GIVEN,   /* by what the database says; the core judges the rest */
    RIGHT_ASKS,    /* answer right->question with right_answer(), and go on */
    RIGHT_REFUSED, /* FAIL_LOGIN_RESERVED or FAIL_HANDLE_TAKEN; why: in `reason` */
};

/* Takes the hub's lock for an instant. */
enum right_outcome right_step(struct hub *hub, struct right *right, enum fail_code *code,
                              char reason[256]);
void right_answer(struct right *right, const struct login_answer *answer);

/* Whether the user database has this uid in the group of this name. As right_find_login(); what
 * cannot be told is no. An answer is some seconds old at most. */
bool right_is_in_group(struct hub *hub, uid_t uid, const struct name *group);

/*
 * To whom a message to this name goes, which is nobody's handle: to the account of this name, if
 * its user may join the hub. Without the lock; waits for the database.
 */
void right_find_login(struct hub *hub, uid_t asker, const struct name *name,
                      struct core_login *login);

#define DATABASE_MS 3000 /* for an answer, where nobody else waits meanwhile */

/* In which groups the uid is now, and (n > 0) which number the group has. */
void right_find_groups(struct hub *hub, uid_t uid, const struct name *group,
                       struct group_answer *groups, struct group_look *look);

/* All steps at once, without the lock. False: the name is not his, or the database is silent. */
bool right_wait(struct hub *hub, struct right *right, enum fail_code *code, char reason[256]);
