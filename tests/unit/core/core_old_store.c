/* What an older hub stored, and no frame may carry: it is passed over, what is around it comes. */

#include "unit/core/fake_store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static struct client *alice, *bob;

static void setup(void) {
    durable_begin_with_two(&alice, &bob);
}

TestSuite(core_old_store, .init = setup, .fini = durable_end);

/* What a hub before schema 7 stored: KIND_FILE, a valid text of 64 KiB that begins with 0x01. */
static void plant(void) {
    core_end(&core, bob->session);
    say(alice, "bob", "before");
    say(alice, "bob", "planted");
    say(alice, "bob", "behind");
    settle();
    hub_crash();
    for (size_t i = 0; i < fake.n_messages; i++)
        if (fake.messages[i].text.n == 7) {
            char *text = malloc(MESSAGE_TEXT_MAX);
            memset(text, 'x', MESSAGE_TEXT_MAX);
            text[0] = FILE_BODY_FORM;
            free((char *)fake.messages[i].text.data);
            fake.messages[i].text = (struct bytes){text, MESSAGE_TEXT_MAX};
            fake.messages[i].kind = KIND_FILE;
        }
}
static void expect_both(unsigned abilities) {
    plant();
    bob = join(BOB, "bob", abilities);
    settle();
    expect_late(bob, "before");
    expect_late(bob, "behind");
    expect_nothing(bob);
    give(bob, &(struct frame){.type = FRAME_HISTORY, .history = {.request = 3, .limit = 10}});
    settle();
    cr_assert(bytes_equal(expect(bob, FRAME_PAST)->past.body, bytes_of("before")));
    cr_assert(bytes_equal(expect(bob, FRAME_PAST)->past.body, bytes_of("behind")));
    cr_assert_eq(expect(bob, FRAME_DONE)->done.request, 3);
}

Test(core_old_store, 01_old) {
    expect_both(HERE);
}

Test(core_old_store, 02_new) {
    expect_both(HERE | ABILITY_FILES);
}
