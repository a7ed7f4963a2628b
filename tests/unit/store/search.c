#include "unit/store/shelf.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "proto/frame.h"

TestSuite(store_search, .init = shelf_begin, .fini = shelf_end);

#define AB conv_of_pair(ALICE, BOB)
#define R1 conv_of_room(1)
#define R2 conv_of_room(2)

static const struct store_source room_1[] = {{-1, 0}};
static struct store_view view;

static void show(void) {
    view = view_of(ALICE, room_1, 1);
}

static void find(const char *words, const char *texts) {
    search(&view, words);
    expect_seen(texts);
}

Test(store_search, 01_all_the_words_newest_first) {
    show();
    say(R1, BOB, "the disk is full");
    say(AB, BOB, "Full moon, empty disk");
    say(R1, CAROL, "nothing here");
    find("disk", "Full moon, empty disk|the disk is full");
    find("disk full", "Full moon, empty disk|the disk is full");
    find(" \tmoon\n disk  ", "Full moon, empty disk");
    find("disk nothing", "");
    find("absent", "");
    find("", "");
    find(" ", "");
}

Test(store_search, 02_whole_words_before_parts) {
    show();
    say(R1, BOB, "concatenate");
    find("cat", "concatenate");
    say(R1, BOB, "a Cat sat");
    find("cat", "a Cat sat");
    find("caten", "concatenate");
    find("CATEN", "concatenate");
    find("cat nate", "concatenate");
    find("ten", "concatenate");
    find("tena", "concatenate");
}

Test(store_search, 02_parts_for_a_star) {
    show();
    say(R1, BOB, "concatenate");
    say(R1, BOB, "a Cat sat");
    say(R1, BOB, "catさん");
    find("cat", "a Cat sat");
    find("cat*", "catさん|a Cat sat|concatenate");
    find("cat* sat", "a Cat sat");
    find("sa*", "a Cat sat");
    find("dog*", "");
    say(R1, BOB, "a star * alone");
    find("*", "a star * alone");
    find("star **", "a star * alone");
}

Test(store_search, 03_without_accents) {
    show();
    say(R1, BOB, "crème brûlée");
    find("creme", "crème brûlée");
    find("cre", "crème brûlée");
    find("BRUL crem", "crème brûlée");
    find("brûl", "crème brûlée");
    find("brulx", "");
    find("lee", "crème brûlée"); /* also in the middle of words */
    find("LÉE", "crème brûlée");
    find("eme br", "crème brûlée");
    say(R1, BOB, "brulot");
    find("brul", "brulot|crème brûlée");
    say(R1, BOB, "re\xcc\x81sume\xcc\x81"); /* the accents are characters of their own */
    find("resume", "re\xcc\x81sume\xcc\x81");
    find("ésum", "re\xcc\x81sume\xcc\x81");
}

/* In pages of two. */
static void expect_pages(const char *words, unsigned n_wanted) {
    struct store_query query = {.words = bytes_of(words), .n_max = 2};
    uint64_t newest = UINT64_MAX;
    unsigned n_all = 0;
    for (;;) {
        seen.n = 0;
        cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
        if (seen.n == 0)
            break;
        for (unsigned i = 0; i < seen.n; newest = seen.seqs[i++])
            cr_assert_lt(seen.seqs[i], newest);
        n_all += seen.n;
        query.before = newest;
    }
    cr_assert_eq(n_all, n_wanted, "%s: %u instead of %u", words, n_all, n_wanted);
}

Test(store_search, 13_page_by_page) {
    show();
    say(R1, BOB, "concatenate");
    for (int i = 0; i < 5; i++) {
        say(R1, BOB, "a cat");
        say(R1, BOB, "two cats");
        say(R1, BOB, "a dog");
    }
    expect_pages("cat", 5);  /* as whole words: no parts when they end */
    expect_pages("cate", 1); /* as parts */
    expect_pages("ats", 5);
    expect_pages("a", 10);
    expect_pages("og", 5); /* too short for the index of parts */
    expect_pages("absent", 0);
    struct store_query query = {.words = bytes_of("cat"), .n_max = 50, .before = UINT64_MAX};
    seen.n = 0;
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    cr_assert_eq(seen.n, 5);
}

/* What is found by parts goes on so, also when whole words have come meanwhile. */
Test(store_search, 14_new_messages_between_pages) {
    show();
    for (int i = 0; i < 3; i++)
        say(R1, BOB, "two cats");
    struct store_query query = {.words = bytes_of("cat"), .n_max = 2};
    seen.n = 0;
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    cr_assert_eq(seen.n, 2);
    say(R1, BOB, "a cat");
    query.before = seen.seqs[1];
    seen.n = 0;
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    expect_seen("two cats");
}

Test(store_search, 03_syntax_is_only_text) {
    static const char *const words[] = {
        "AND",  "OR", "NOT",      "NEAR",      "a AND",    "NOT b",     "\"",
        "\"\"", "*",  "a*",       "^a",        "text:a",   "words : a", "NEAR(a b, 2)",
        "(a",   "a)", "{text}:a", "-text : a", "a + b",    "'",         "a' OR '1'='1",
        "%",    "_",  "\\",       "a\"b",      "\" OR \"", ";",         "--",
    };
    show();
    say(R1, BOB, "xyz 123 ~");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        find(words[i], "");
    say(R1, BOB, "this AND that");
    say(R1, BOB, "say \"quoted\" here");
    say(R1, BOB, "100%_sure");
    find("and", "this AND that");
    find("AND that", "this AND that");
    find("\"quoted\"", "say \"quoted\" here");
    find("y \"qu", "say \"quoted\" here");
    find("%_s", "100%_sure");
    find("%", "100%_sure");
    find("\"", "say \"quoted\" here");
}

Test(store_search, 04_accents_and_case_of_every_alphabet) {
    show();
    say(R1, BOB, "Un café à l'été");
    say(R1, BOB, "ПРИВЕТ мир");
    say(R1, BOB, "Straße über Ångström");
    find("cafe", "Un café à l'été");
    find("CAFÉ ete", "Un café à l'été");
    find("привет", "ПРИВЕТ мир");
    find("риве", "ПРИВЕТ мир");
    find("UBER", "Straße über Ångström");
    find("ångst", "Straße über Ångström");
}

Test(store_search, 05_scripts_without_spaces) {
    show();
    say(R1, BOB, "東京都に住んでいます");
    say(R1, BOB, "京都へ行く");
    say(R1, BOB, "ディスク full です");
    find("京都", "京都へ行く|東京都に住んでいます");
    find("東京都", "東京都に住んでいます");
    find("都", "京都へ行く|東京都に住んでいます");
    find("住んでい 東京", "東京都に住んでいます");
    find("ディスク ful", "ディスク full です");
    find("大阪", "");
    say(R1, BOB, "สวัสดีครับ");
    find("ดีครับ", "สวัสดีครับ");
}

Test(store_search, 06_short_words) {
    show();
    say(R1, BOB, "go to x");
    say(R1, BOB, "c++ 🎉");
    find("x", "go to x");
    find("t", "go to x");
    find("++", "c++ 🎉");
    find("c++", "c++ 🎉");
    find("🎉", "c++ 🎉");
    find("o x", "go to x");
}

Test(store_search, 07_only_what_the_view_shows) {
    show();
    say(R2, BOB, "secret");
    say(conv_of_pair(BOB, CAROL), BOB, "secret");
    say(R1, BOB, "xsecretx");
    find("secret", "xsecretx");
    uint64_t seq = say(AB, BOB, "secret");
    find("secret", "secret");
    forget(ALICE, AB, seq);
    find("secret", "xsecretx");
    view.direct = false;
    view.n_rooms = 0;
    find("secret", "");
    find("x", "");
}

Test(store_search, 08_filters) {
    show();
    say(R1, BOB, "one r bob");
    say(AB, BOB, "one ab bob");
    say(AB, ALICE, "one ab alice");
    struct store_query query = {.words = bytes_of("one"), .n_max = 50, .conv = AB};
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    expect_seen("one ab alice|one ab bob");
    query.from = BOB;
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    expect_seen("one ab bob");
    query.conv = 0;
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    expect_seen("one ab bob|one r bob");
    query.n_max = 1;
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    expect_seen("one ab bob");
    query.conv = R2;
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    expect_seen("");
    query = (struct store_query){.words = bytes_of("one"), .n_max = 50};
    seen.end_after = 2;
    seen.end_with = 9;
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 9);
    expect_seen("one ab alice|one ab bob");
}

Test(store_search, 09_little_is_found_among_much_of_others) {
    show();
    say(AB, BOB, "needle first");
    cr_assert_eq(store_begin(shelf.store), 0);
    for (int i = 0; i < 3000; i++) {
        put(R2, BOB, "needle of others");
        if (i % 500 == 0)
            put(R1, BOB, i % 1000 ? "needle in a room" : "hay in a room");
    }
    cr_assert_eq(store_commit(shelf.store), 0);
    say(AB, BOB, "needle last");
    find("needle", "needle last|needle in a room|needle in a room|needle in a room|needle first");
    find("eedl", "needle last|needle in a room|needle in a room|needle in a room|needle first");
    view.handle = DAVE;
    view.n_rooms = 0;
    find("needle", "");
}

Test(store_search, 10_everything_that_was_committed_before_is_found) {
    char text[32];
    show();
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "word%dx", i);
        say(R1, BOB, text);
        find(text, text);
        snprintf(text, sizeof text, "ord%dx", i);
        search(&view, text);
        cr_assert_eq(seen.n, 1);
    }
    shelf_reopen();
    find("word7x", "word7x");
}

Test(store_search, 11_the_words_of_what_is_forgotten_are_gone_from_the_file) {
    char content[1 << 16];
    bool found = false;
    show();
    say(AB, BOB, "zyxwvutsrq");
    for (int i = 0; i < 5; i++)
        say(AB, BOB, "something else");
    index_all();
    forget(ALICE, AB, 1);
    forget(BOB, AB, 1);
    index_all();
    shelf_close();
    FILE *file = fopen(shelf_path("earshot.db"), "r");
    for (size_t n; (n = fread(content, 1, sizeof content, file)) > 0;)
        found |= memmem(content, n, "zyxwv", 5) != NULL;
    fclose(file);
    cr_assert_not(found);
    shelf_open();
    find("something", "something else|something else|something else|something else|"
                      "something else");
}

/* Small files. */

static void post(conv_number conv, uint32_t from, const char *text) {
    struct record record = record_of(++shelf.seq, conv, from, text);
    record.kind = KIND_FILE;
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_message(shelf.store, &record, NULL), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
}

static const char no_text[] = "\1\0\xff no text \xc3";

static int is_as_it_was(void *arg, const struct record *record) {
    cr_assert(bytes_equal(record->text, (struct bytes){no_text, sizeof no_text}));
    *(unsigned *)arg += 1;
    return 0;
}

Test(store_search, 18_a_file_need_not_be_text) {
    struct record record = record_of(++shelf.seq, AB, BOB, "");
    struct store_page page = {.conv = AB, .n_max = 10};
    unsigned n = 0;
    show();
    record.kind = KIND_FILE;
    record.text = (struct bytes){no_text, sizeof no_text};
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_message(shelf.store, &record, NULL), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    index_all();
    cr_assert_eq(store_history(shelf.reader, &view, &page, is_as_it_was, &n), 0);
    cr_assert_eq(n, 1);
}

/* They are found without their content, so by their numbers. */
static void find_files(struct store_query query, const char *seqs) {
    char found[256] = "";
    size_t n = 0;
    query.words = bytes_of(" ");
    query.n_max = query.n_max ? query.n_max : 50;
    seen = (struct seen){0};
    int r = store_search(shelf.reader, &view, &query, see, NULL);
    cr_assert_eq(r, 0, "%d: %s", r, store_reader_error(shelf.reader));
    for (unsigned i = 0; i < seen.n; i++) {
        cr_assert_str_empty(seen.texts[i]);
        n += (size_t)snprintf(found + n, sizeof found - n, "%s%d", i > 0 ? " " : "",
                              (int)seen.seqs[i]);
    }
    cr_assert_str_eq(found, seqs);
}

Test(store_search, 15_small_files_of_others) {
    show();
    post(AB, BOB, "one");
    say(AB, BOB, "a word");
    post(R1, CAROL, "three");
    post(AB, ALICE, "mine");
    post(R2, BOB, "of another room");
    post(conv_of_pair(BOB, CAROL), BOB, "of others");
    post(AB, BOB, "seven");
    find_files((struct store_query){0}, "7 3 1");
    find_files((struct store_query){.n_max = 1}, "7");
    find_files((struct store_query){.before = 3}, "1");
    find_files((struct store_query){.before = 1}, "");
    find_files((struct store_query){.from = BOB}, "7 1");
    find_files((struct store_query){.conv = R1}, "3");
    forget(ALICE, AB, 1);
    find_files((struct store_query){0}, "7 3");
    find("seven", "");
    shelf_reopen();
    find_files((struct store_query){0}, "7 3");
}

/* A thread that searches while another one writes. */

static void *search_for_long(void *arg) {
    struct store_reader *reader = NULL;
    struct store_query query = {.words = bytes_of("common"), .n_max = 5};
    int *result = arg;
    *result = store_reader_open(&reader, shelf.store);
    for (int i = 0; i < 100 && *result == 0; i++) {
        struct store_stats before;
        unsigned n = 0;
        store_stats(shelf.store, &before);
        seen.n = 0;
        *result = store_search(reader, &view, &query, see, NULL);
        n = seen.n;
        if (*result == 0 && before.n_messages >= 10 && n != 5)
            *result = 77;
    }
    store_reader_close(reader);
    return NULL;
}

Test(store_search, 12_searching_while_messages_come) {
    pthread_t thread;
    int result = -1;
    bool more;
    show();
    cr_assert_eq(pthread_create(&thread, NULL, search_for_long, &result), 0);
    for (int i = 0; i < 300; i++) {
        cr_assert_eq(store_begin(shelf.store), 0);
        put(R1, BOB, "common");
        put(R2, BOB, "common");
        cr_assert_eq(store_commit(shelf.store), 0);
        if (i % 10 == 0)
            cr_assert_eq(store_index(shelf.store, 7, &more), 0);
    }
    pthread_join(thread, NULL);
    cr_assert_eq(result, 0, "%d", result);
}

/* Without a word in the index. */
Test(store_search, 16_the_index_is_not_waited_for) {
    show();
    say(AB, BOB, "the first Café is indexed");
    index_all();
    say(AB, BOB, "a second café, not yet");
    say(R2, BOB, "a café of others");
    say(R1, CAROL, "cafés are not the same word");
    post(AB, BOB, "a café in a small file");
    say(R1, ALICE, "the third: a CAFE");
    find("cafe", "the third: a CAFE|a second café, not yet|the first Café is indexed");
    find("first cafe", "the first Café is indexed");
    find("a second", "a second café, not yet");
    find("afés", "cafés are not the same word");
    find("second-café", "a second café, not yet");
    expect_pages("cafe", 3);
    struct store_query query = {.words = bytes_of("cafe"), .n_max = 9, .from = ALICE};
    seen = (struct seen){0};
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    expect_seen("the third: a CAFE");
    query = (struct store_query){.words = bytes_of("café"), .n_max = 9, .before = 3};
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    expect_seen("a second café, not yet|the first Café is indexed");
    index_all();
    find("cafe", "the third: a CAFE|a second café, not yet|the first Café is indexed");
}

static void say_many(unsigned n, const char *text) {
    cr_assert_eq(store_begin(shelf.store), 0);
    for (unsigned i = 0; i < n; i++)
        put(R1, BOB, text);
    cr_assert_eq(store_commit(shelf.store), 0);
}

/* A bound for what one question may cost; the index will have the rest. */
Test(store_search, 17_as_much_as_is_looked_through) {
    show();
    say(R1, BOB, "needle old");
    say_many(SEARCH_FRESH_MAX, "hay");
    find("needle", "");
    say(R1, BOB, "needle new");
    find("needle", "needle new");
    index_all();
    find("needle", "needle new|needle old");
}

struct scissors {
    unsigned n_asked, at;
};

static bool cut_at(void *arg) {
    struct scissors *scissors = arg;
    return ++scissors->n_asked >= scissors->at;
}

/* At every point where it can be ended. */
Test(store_search, 18_it_can_be_ended_in_the_middle) {
    static const char *const words[] = {"needle", "eedl", "l", "nothing of it", " "};
    unsigned n_cuts = 0;
    show();
    say_many(1500, "a needle in hay");
    index_all();
    say_many(1500, "another needle");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (unsigned at = 1; at < 2000; at += 1 + at / 4) {
            struct scissors scissors = {0, at};
            struct store_query query = {.words = bytes_of(words[i]), .n_max = 2000};
            seen = (struct seen){0};
            store_reader_set_cut(shelf.reader, cut_at, &scissors);
            int r = store_search(shelf.reader, &view, &query, see, NULL);
            store_reader_set_cut(shelf.reader, NULL, NULL);
            cr_assert(r == STORE_CUT || (r == 0 && scissors.n_asked < at), "%d: %s", r,
                      store_reader_error(shelf.reader));
            for (unsigned j = 1; j < seen.n; j++)
                cr_assert_lt(seen.seqs[j], seen.seqs[j - 1]);
            n_cuts += r == STORE_CUT;
        }
    cr_assert_gt(n_cuts, 50);
    find("absent", "");
    struct store_query query = {.words = bytes_of("needle"), .n_max = 5};
    seen = (struct seen){0};
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    cr_assert_eq(seen.n, 5);
}

Test(store_search, 19_a_hub_that_stops_waits_for_no_answer_and_no_index) {
    bool more = true;
    show();
    say_many(3000, "a needle in hay");
    store_hurry(shelf.store);
    struct store_query query = {.words = bytes_of("needle"), .n_max = 2000};
    seen = (struct seen){0};
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), STORE_CUT);
    cr_assert_eq(store_index(shelf.store, 3000, &more), STORE_CUT);
    cr_assert_not(more);
    say(R1, BOB, "what waits is stored");
    shelf_reopen();
    cr_assert_eq(shelf.info.last_seq, 3001);
    find("waits", "what waits is stored");
}
