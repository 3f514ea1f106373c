/* judge: what an incoming message is, from its header alone and against the question asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "local53/dns/message.h"
#include "traffic/judge.h"
#include "wire.h"

/* What all tests are judged by: a line for an item, one for what is made up below it. */
static const char EXPECTATIONS[] = "www.example A 10.0.0.1\n"
                                   "www.example AAAA NXDOMAIN\n"
                                   "*.www.example A NXDOMAIN\n"
                                   "www.example.search.test A 10.0.0.2\n";

/* A judge with its set, and a response under construction. */
struct fixture {
    struct queryset *set;              /* www.example A is item 0, free.example A item 1 */
    struct expectations *expectations; /* owned */
    const struct expectation **bound;  /* owned */
    struct judge judge;                /* borrows the above */
    uint16_t suffix;                   /* search.test */
    uint8_t octets[1024];              /* the response */
    size_t len;                        /* of it */
};

static struct expectations *load(void)
{
    int fd = memfd_create("expectations", MFD_CLOEXEC);
    struct expectations *list;
    struct text_fault fault;
    char path[64];

    assert_true(fd >= 0);
    assert_int_equal(write(fd, EXPECTATIONS, sizeof(EXPECTATIONS) - 1), sizeof(EXPECTATIONS) - 1);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    list = expectations_load(path, &fault);
    close(fd);
    assert_non_null(list);
    return list;
}

static int setup(void **state)
{
    const struct query_form form = {.recursion_desired = true, .seed = 7};
    struct fixture *f = calloc(1, sizeof(*f));
    uint32_t item;

    assert_non_null(f);
    f->set = queryset_new(&form);
    assert_int_equal(queryset_add_text(f->set, "Www.example", TYPE_A, &item), ERR_OK);
    assert_int_equal(queryset_add_text(f->set, "free.example", TYPE_A, &item), ERR_OK);
    assert_int_equal(queryset_add_suffix(f->set, "search.test", &f->suffix), ERR_OK);
    f->expectations = load();
    f->bound = expectations_bind(f->expectations, f->set);
    f->judge = (struct judge){f->set, f->expectations, f->bound};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    free(f->bound);
    expectations_free(f->expectations);
    queryset_free(f->set);
    free(f);
    return 0;
}

/* A response to this question, without records. */
static void respond(struct fixture *f, struct question_ref asked, uint16_t flags)
{
    f->len = queryset_render(f->set, asked, f->octets);
    bytes_put_u16(f->octets, WIRE_ID);
    bytes_put_u16(f->octets + FLAGS_OFFSET, (uint16_t)(FLAG_QR | FLAG_RD | FLAG_RA | flags));
}

static void add_address(struct fixture *f, uint8_t last)
{
    struct writer w = writer_init(f->octets, sizeof(f->octets));

    w.len = f->len;
    wire_pointer(&w, MESSAGE_HEADER_OCTETS);
    wire_record(&w, TYPE_A, 60, (struct bytes){(const uint8_t[]){10, 0, 0, last}, 4});
    f->octets[ANCOUNT_OFFSET + 1]++;
    f->len = w.len;
}

/* The verdict, over memory of its own size, so that a read past its end is seen. */
static enum outcome judged(struct fixture *f, struct question_ref asked)
{
    uint8_t *copy = malloc(f->len);
    struct bytes message = {copy, f->len};
    struct answer_head head;
    enum outcome outcome;

    assert_non_null(copy);
    memcpy(copy, f->octets, f->len);
    assert_true(judge_head(&head, message));
    outcome = judge_answer(&f->judge, asked, &head, message);
    free(copy);
    return outcome;
}

static struct question_ref www(const struct fixture *f)
{
    return queryset_ref(f->set, 0);
}

/* ---- The header ---- */

static void a_header_gives_id_flags_and_answers(void **state)
{
    struct fixture *f = *state;
    struct answer_head head;

    respond(f, www(f), RCODE_NXDOMAIN | FLAG_TC);
    add_address(f, 1);
    assert_true(judge_head(&head, (struct bytes){f->octets, f->len}));
    assert_int_equal(head.id, WIRE_ID);
    assert_int_equal(head.flags, FLAG_QR | FLAG_RD | FLAG_RA | FLAG_TC | RCODE_NXDOMAIN);
    assert_int_equal(head.answers, 1);
}

static void less_than_a_header_is_no_response(void **state)
{
    struct fixture *f = *state;
    struct answer_head head;

    respond(f, www(f), 0);
    assert_true(judge_head(&head, (struct bytes){f->octets, 12}));
    assert_false(judge_head(&head, (struct bytes){f->octets, 11}));
    assert_false(judge_head(&head, (struct bytes){NULL, 0}));
}

static void a_query_is_no_response(void **state)
{
    struct fixture *f = *state;
    struct answer_head head;

    respond(f, www(f), 0);
    f->octets[2] &= 0x7f;
    assert_false(judge_head(&head, (struct bytes){f->octets, f->len}));
}

static void a_response_to_another_opcode_is_none_to_a_query(void **state)
{
    struct fixture *f = *state;
    struct answer_head head;

    for (unsigned opcode = 1; opcode < 16; opcode++) {
        respond(f, www(f), (uint16_t)(opcode << FLAG_OPCODE_SHIFT));
        assert_false(judge_head(&head, (struct bytes){f->octets, f->len}));
    }
}

/* ---- The question ---- */

static void without_expectations_the_question_is_all_that_counts(void **state)
{
    struct fixture *f = *state;

    f->judge.expectations = NULL;
    f->judge.bound = NULL;
    respond(f, www(f), RCODE_SERVFAIL);
    assert_int_equal(judged(f, www(f)), OUTCOME_OK);
    add_address(f, 9);
    f->len -= 3;
    assert_int_equal(judged(f, www(f)), OUTCOME_OK);
}

static void another_question_than_asked_is_a_mismatch(void **state)
{
    struct fixture *f = *state;
    struct question_ref other_type = www(f);

    respond(f, www(f), 0);
    add_address(f, 1);
    other_type.type = TYPE_AAAA;
    assert_int_equal(judged(f, queryset_ref(f->set, 1)), OUTCOME_MISMATCH);
    assert_int_equal(judged(f, other_type), OUTCOME_MISMATCH);
    assert_int_equal(judged(f, www(f)), OUTCOME_OK);
}

/* The case of the question is part of what protects it (RFC 5452 section 9.1; "0x20"). */
static void a_question_in_other_letters_is_a_mismatch(void **state)
{
    struct fixture *f = *state;

    respond(f, www(f), 0);
    add_address(f, 1);
    f->octets[MESSAGE_HEADER_OCTETS + 1] ^= 0x20;
    assert_int_equal(judged(f, www(f)), OUTCOME_MISMATCH);
}

static void none_or_two_questions_are_a_mismatch(void **state)
{
    struct fixture *f = *state;

    respond(f, www(f), RCODE_SERVFAIL);
    f->octets[QDCOUNT_OFFSET + 1] = 0;
    assert_int_equal(judged(f, www(f)), OUTCOME_MISMATCH);
    f->octets[QDCOUNT_OFFSET + 1] = 2;
    assert_int_equal(judged(f, www(f)), OUTCOME_MISMATCH);
    f->octets[QDCOUNT_OFFSET] = 1;
    f->octets[QDCOUNT_OFFSET + 1] = 1;
    assert_int_equal(judged(f, www(f)), OUTCOME_MISMATCH);
}

static void a_server_that_cannot_read_the_question_may_answer_without_it(void **state)
{
    static const uint16_t rcodes[] = {RCODE_FORMERR, RCODE_NOTIMP};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        f->judge.expectations = f->expectations;
        respond(f, www(f), rcodes[i]);
        f->octets[QDCOUNT_OFFSET + 1] = 0;
        f->len = MESSAGE_HEADER_OCTETS;
        assert_int_equal(judged(f, www(f)), OUTCOME_WRONG);
        f->judge.expectations = NULL;
        assert_int_equal(judged(f, www(f)), OUTCOME_OK);
        f->octets[ANCOUNT_OFFSET + 1] = 1;
        assert_int_equal(judged(f, www(f)), OUTCOME_MISMATCH);
    }
}

static void a_question_cut_short_is_a_mismatch(void **state)
{
    struct fixture *f = *state;

    respond(f, www(f), 0);
    for (size_t whole = f->len--; f->len >= MESSAGE_HEADER_OCTETS; f->len--) {
        assert_true(f->len < whole);
        assert_int_equal(judged(f, www(f)), OUTCOME_MISMATCH);
    }
}

/* ---- The content ---- */

static void other_content_than_expected_is_wrong(void **state)
{
    struct fixture *f = *state;

    respond(f, www(f), 0);
    assert_int_equal(judged(f, www(f)), OUTCOME_WRONG);
    add_address(f, 2);
    assert_int_equal(judged(f, www(f)), OUTCOME_WRONG);
    respond(f, www(f), 0);
    add_address(f, 1);
    assert_int_equal(judged(f, www(f)), OUTCOME_OK);
}

static void malformed_sections_are_wrong_where_content_is_expected(void **state)
{
    struct fixture *f = *state;

    respond(f, www(f), 0);
    add_address(f, 1);
    f->octets[NSCOUNT_OFFSET + 1] = 1;
    assert_int_equal(judged(f, www(f)), OUTCOME_WRONG);
}

static void a_name_without_expectation_may_hold_anything(void **state)
{
    struct fixture *f = *state;
    struct question_ref asked = queryset_ref(f->set, 1);

    respond(f, asked, RCODE_REFUSED);
    assert_int_equal(judged(f, asked), OUTCOME_OK);
}

static void a_truncated_answer_is_judged_by_its_question_alone(void **state)
{
    struct fixture *f = *state;

    respond(f, www(f), FLAG_TC);
    assert_int_equal(judged(f, www(f)), OUTCOME_OK);
    assert_int_equal(judged(f, queryset_ref(f->set, 1)), OUTCOME_MISMATCH);
}

static void an_item_asked_with_another_type_has_that_types_expectation(void **state)
{
    struct fixture *f = *state;
    struct question_ref asked = www(f);

    asked.type = TYPE_AAAA;
    respond(f, asked, RCODE_NXDOMAIN);
    assert_int_equal(judged(f, asked), OUTCOME_OK);
    respond(f, asked, 0);
    assert_int_equal(judged(f, asked), OUTCOME_WRONG);
}

static void a_label_made_up_has_the_expectation_of_its_own_name(void **state)
{
    struct fixture *f = *state;
    struct question_ref asked = www(f);

    asked.serial = 5;
    respond(f, asked, RCODE_NXDOMAIN);
    assert_int_equal(judged(f, asked), OUTCOME_OK);
    respond(f, asked, 0);
    add_address(f, 1);
    assert_int_equal(judged(f, asked), OUTCOME_WRONG);
}

static void a_search_suffix_has_the_expectation_of_the_whole_name(void **state)
{
    struct fixture *f = *state;
    struct question_ref asked = www(f);

    asked.suffix = f->suffix;
    respond(f, asked, 0);
    add_address(f, 2);
    assert_int_equal(judged(f, asked), OUTCOME_OK);
    respond(f, asked, 0);
    add_address(f, 1);
    assert_int_equal(judged(f, asked), OUTCOME_WRONG);
}

static void without_a_table_every_expectation_is_looked_up(void **state)
{
    struct fixture *f = *state;

    f->judge.bound = NULL;
    respond(f, www(f), 0);
    assert_int_equal(judged(f, www(f)), OUTCOME_WRONG);
    add_address(f, 1);
    assert_int_equal(judged(f, www(f)), OUTCOME_OK);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_header_gives_id_flags_and_answers),
        TEST(less_than_a_header_is_no_response),
        TEST(a_query_is_no_response),
        TEST(a_response_to_another_opcode_is_none_to_a_query),
        TEST(a_server_that_cannot_read_the_question_may_answer_without_it),
        TEST(without_expectations_the_question_is_all_that_counts),
        TEST(another_question_than_asked_is_a_mismatch),
        TEST(a_question_in_other_letters_is_a_mismatch),
        TEST(none_or_two_questions_are_a_mismatch),
        TEST(a_question_cut_short_is_a_mismatch),
        TEST(other_content_than_expected_is_wrong),
        TEST(malformed_sections_are_wrong_where_content_is_expected),
        TEST(a_name_without_expectation_may_hold_anything),
        TEST(a_truncated_answer_is_judged_by_its_question_alone),
        TEST(an_item_asked_with_another_type_has_that_types_expectation),
        TEST(a_label_made_up_has_the_expectation_of_its_own_name),
        TEST(a_search_suffix_has_the_expectation_of_the_whole_name),
        TEST(without_a_table_every_expectation_is_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
