/* Answers of the fault server, looked at by the test's own eyes: octets and ldns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "faults/responder.h"
#include "local53/dns/message.h"
#include "wire.h"

#define QUERY_ROOM 512

/* A query, its draw and what came of it. */
struct exchange {
    struct fault_plan plan;
    struct fault_draw draw;
    uint8_t query[QUERY_ROOM];
    size_t query_len;
    bool over_tcp;
    uint8_t answer[RESPONDER_MAX_OCTETS];
    struct response_told told;
};

static void ask(struct exchange *x, const char *name, uint16_t type, bool edns)
{
    struct writer w = writer_init(x->query, sizeof(x->query));

    wire_query(&w, name, type, edns);
    assert_false(w.failed);
    x->query_len = w.len;
    x->told = responder_answer(&x->plan, &x->draw, (struct bytes){x->query, w.len}, x->over_tcp,
                               x->answer);
}

static struct exchange exchange_of(enum fault fault)
{
    struct exchange x = {.draw = {.fault = fault}};

    fault_plan_init(&x.plan);
    return x;
}

/* The answer as ldns reads it; freed by the caller. */
static ldns_pkt *packet_of(const struct exchange *x)
{
    ldns_pkt *packet = NULL;

    assert_int_equal(ldns_wire2pkt(&packet, x->answer, x->told.len), LDNS_STATUS_OK);
    return packet;
}

/* The only record of the answer section is this one, as text; NULL: there is none. */
static void assert_answer(const struct exchange *x, const char *expected)
{
    ldns_pkt *packet = packet_of(x);

    assert_int_equal(ldns_pkt_ancount(packet), expected == NULL ? 0 : 1);
    if (expected != NULL) {
        char *text = ldns_rr2str(ldns_rr_list_rr(ldns_pkt_answer(packet), 0));

        assert_string_equal(text, expected);
        free(text);
    }
    ldns_pkt_free(packet);
}

/* The answer denies: this rcode, nothing in the answer section, an SOA of this owner. */
static void assert_denied(const char *name, uint16_t type, unsigned rcode, const char *owner)
{
    struct exchange x = exchange_of(FAULT_NONE);

    ask(&x, name, type, false);
    assert_int_equal(x.told.rcode, rcode);
    ldns_pkt *packet = packet_of(&x);
    assert_int_equal(ldns_pkt_get_rcode(packet), rcode);
    assert_int_equal(ldns_pkt_ancount(packet), 0);
    assert_int_equal(ldns_pkt_nscount(packet), 1);
    ldns_rr *soa = ldns_rr_list_rr(ldns_pkt_authority(packet), 0);
    assert_int_equal(ldns_rr_get_type(soa), LDNS_RR_TYPE_SOA);
    char *text = ldns_rdf2str(ldns_rr_owner(soa));
    assert_string_equal(text, owner);
    free(text);
    ldns_pkt_free(packet);
}

static void a_name_that_exists_has_an_address_of_each_family(void **state)
{
    struct exchange x = exchange_of(FAULT_NONE);
    (void)state;

    ask(&x, "www.Example.com", TYPE_A, false);
    assert_answer(&x, "www.Example.com.\t30\tIN\tA\t192.0.2.1\n");
    assert_int_equal(x.told.rcode, 0);
    assert_false(x.told.truncated);
    /* ID, RD and the question come back as they were asked. */
    assert_memory_equal(x.answer, x.query, 2);
    assert_int_equal(message_flags(x.answer), FLAG_QR | FLAG_RD | FLAG_RA);
    assert_memory_equal(x.answer + 12, x.query + 12, x.query_len - 12);
    ask(&x, "www.example.com", TYPE_AAAA, false);
    assert_answer(&x, "www.example.com.\t30\tIN\tAAAA\t2001:db8::1\n");
}

static void edns_is_answered_with_edns(void **state)
{
    struct exchange x = exchange_of(FAULT_NONE);
    (void)state;

    ask(&x, "a.example", TYPE_A, true);
    ldns_pkt *packet = packet_of(&x);
    assert_true(ldns_pkt_edns(packet));
    ldns_pkt_free(packet);
    ask(&x, "a.example", TYPE_A, false);
    packet = packet_of(&x);
    assert_false(ldns_pkt_edns(packet));
    ldns_pkt_free(packet);
}

static void names_of_a_cluster_exist_only_as_its_services(void **state)
{
    struct exchange x = exchange_of(FAULT_NONE);
    (void)state;

    ask(&x, "svc-12.NS-3.svc.cluster.local", TYPE_A, false);
    assert_answer(&x, "svc-12.NS-3.svc.cluster.local.\t30\tIN\tA\t192.0.2.1\n");
    assert_denied("svc-x.ns-3.svc.cluster.local", TYPE_A, 3, "cluster.local.");
    assert_denied("svc-.ns-3.svc.cluster.local", TYPE_A, 3, "cluster.local.");
    assert_denied("a.svc-1.ns-3.svc.cluster.local", TYPE_AAAA, 3, "cluster.local.");
    assert_denied("svc-1.other.svc.cluster.local", TYPE_A, 3, "cluster.local.");
    assert_denied("www.example.com.cluster.local", TYPE_A, 3, "cluster.local.");
    assert_denied("svc-1.ns-2.svc.cluster.local.ns-1.svc.cluster.local", TYPE_A, 3,
                  "cluster.local.");
}

static void names_between_those_that_exist_have_no_records(void **state)
{
    (void)state;
    assert_denied("ns-2.svc.cluster.local", TYPE_A, 0, "cluster.local.");
    assert_denied("svc.cluster.local", TYPE_A, 0, "cluster.local.");
    assert_denied("cluster.local", TYPE_AAAA, 0, "cluster.local.");
}

static void what_only_a_search_list_asks_for_does_not_exist(void **state)
{
    (void)state;
    assert_denied("sts.eu-central-1.compute.internal", TYPE_A, 3, "compute.internal.");
    assert_denied("compute.internal", TYPE_A, 3, "compute.internal.");
    assert_denied("n1.nx.dnsbench.example", TYPE_A, 3, "nx.dnsbench.example.");
    assert_denied("NX.dnsbench.example", TYPE_AAAA, 3, "NX.dnsbench.example.");
}

static void ends_of_names_are_compared_by_labels(void **state)
{
    struct exchange x = exchange_of(FAULT_NONE);
    (void)state;

    ask(&x, "a.mycluster.local", TYPE_A, false);
    assert_answer(&x, "a.mycluster.local.\t30\tIN\tA\t192.0.2.1\n");
    ask(&x, "dnsbench.example", TYPE_A, false);
    assert_answer(&x, "dnsbench.example.\t30\tIN\tA\t192.0.2.1\n");
    ask(&x, "", TYPE_A, false);
    assert_answer(&x, ".\t30\tIN\tA\t192.0.2.1\n");
}

static void without_a_cluster_every_name_exists(void **state)
{
    struct exchange x = exchange_of(FAULT_NONE);
    (void)state;

    x.plan.cluster = false;
    ask(&x, "x.nx.dnsbench.example", TYPE_A, false);
    assert_answer(&x, "x.nx.dnsbench.example.\t30\tIN\tA\t192.0.2.1\n");
}

static void other_types_and_a_family_without_addresses_have_no_data(void **state)
{
    struct exchange x = exchange_of(FAULT_NONE);
    (void)state;

    assert_denied("a.example", TYPE_TXT, 0, "a.example.");
    assert_int_equal(addr_parse(&x.plan.addresses[0], "198.51.100.7", 0), ERR_OK);
    x.plan.address_count = 1;
    ask(&x, "a.example", TYPE_A, false);
    assert_answer(&x, "a.example.\t30\tIN\tA\t198.51.100.7\n");
    ask(&x, "a.example", TYPE_AAAA, false);
    assert_answer(&x, NULL);
    assert_int_equal(x.told.rcode, 0);
}

static void faults_change_what_they_say_and_nothing_else(void **state)
{
    struct exchange x = exchange_of(FAULT_WRONG_ADDRESS);
    (void)state;

    ask(&x, "a.example", TYPE_A, false);
    assert_answer(&x, "a.example.\t30\tIN\tA\t192.0.2.66\n");
    ask(&x, "a.example", TYPE_AAAA, false);
    assert_answer(&x, "a.example.\t30\tIN\tAAAA\t2001:db8::66\n");
    x.draw.fault = FAULT_EMPTY;
    ask(&x, "a.nx.dnsbench.example", TYPE_A, false);
    assert_answer(&x, NULL);
    assert_int_equal(x.told.rcode, 0);
    x.draw = (struct fault_draw){.fault = FAULT_RCODE, .rcode = 2};
    ask(&x, "a.example", TYPE_A, false);
    assert_answer(&x, NULL);
    assert_int_equal(x.told.rcode, 2);
    assert_int_equal(x.told.fault, FAULT_RCODE);
    assert_memory_equal(x.answer, x.query, 2);
    assert_memory_equal(x.answer + 12, x.query + 12, x.query_len - 12);
}

static void a_wrong_question_is_another_name_of_the_same_length(void **state)
{
    struct exchange x = exchange_of(FAULT_WRONG_QUESTION);
    (void)state;

    ask(&x, "Xyz.example", TYPE_A, false);
    assert_answer(&x, "yyz.example.\t30\tIN\tA\t192.0.2.1\n");
    assert_memory_equal(x.answer, x.query, 2);
    ask(&x, "abc.example", TYPE_A, false);
    assert_answer(&x, "xbc.example.\t30\tIN\tA\t192.0.2.1\n");
    assert_int_equal(x.told.fault, FAULT_WRONG_QUESTION);
}

static void a_wrong_id_is_the_next_one(void **state)
{
    struct exchange x = exchange_of(FAULT_WRONG_ID);
    (void)state;

    ask(&x, "a.example", TYPE_A, false);
    assert_int_equal(bytes_get_u16(x.answer), WIRE_ID + 1);
    assert_memory_equal(x.answer + 12, x.query + 12, x.query_len - 12);
    assert_int_equal(x.told.fault, FAULT_WRONG_ID);
}

static void a_truncated_answer_is_whole_over_tcp(void **state)
{
    struct exchange x = exchange_of(FAULT_TRUNCATED);
    (void)state;

    ask(&x, "a.example", TYPE_A, false);
    assert_answer(&x, NULL);
    assert_true(x.told.truncated);
    assert_int_equal(x.told.fault, FAULT_TRUNCATED);
    assert_int_equal(x.told.len, x.query_len);
    x.over_tcp = true;
    ask(&x, "a.example", TYPE_A, false);
    assert_answer(&x, "a.example.\t30\tIN\tA\t192.0.2.1\n");
    assert_false(x.told.truncated);
    assert_int_equal(x.told.fault, FAULT_NONE);
}

static void a_fault_that_cannot_befall_a_query_is_not_told(void **state)
{
    struct exchange x = exchange_of(FAULT_WRONG_ADDRESS);
    (void)state;

    ask(&x, "a.example", TYPE_TXT, false);
    assert_int_equal(x.told.fault, FAULT_NONE);
    x.draw.fault = FAULT_WRONG_QUESTION;
    ask(&x, "", TYPE_A, false);
    assert_int_equal(x.told.fault, FAULT_NONE);
}

static void an_answer_longer_than_the_client_takes_has_tc(void **state)
{
    struct exchange x = exchange_of(FAULT_NONE);
    (void)state;

    x.plan.address_count = FAULTS_ADDRESSES_MAX;
    for (size_t i = 0; i < FAULTS_ADDRESSES_MAX; i++)
        assert_int_equal(addr_parse(&x.plan.addresses[i], "2001:db8::7", 0), ERR_OK);
    const char *name = "a-label-of-some-length-that-makes-it-longer.and-another-one.example";
    ask(&x, name, TYPE_AAAA, false);
    assert_true(x.told.truncated);
    ask(&x, name, TYPE_AAAA, true);
    assert_false(x.told.truncated);
    assert_true(x.told.len > 512);
    x.over_tcp = true;
    ask(&x, name, TYPE_AAAA, false);
    assert_false(x.told.truncated);
}

/* 63 + 63 + 63 + 61 octets in four labels: 255 in wire form. */
static void the_longest_answer_fits_the_room_told(void **state)
{
    struct exchange x = exchange_of(FAULT_NONE);
    char name[4 * 64];
    (void)state;

    memset(name, 'a', sizeof(name));
    name[63] = name[127] = name[191] = '.';
    name[253] = '\0';
    x.over_tcp = true;
    assert_true(responder_longest(&x.plan) < RESPONDER_MAX_OCTETS);
    ask(&x, name, TYPE_TXT, true);
    assert_in_range(x.told.len, 300, responder_longest(&x.plan));
    x.plan.address_count = FAULTS_ADDRESSES_MAX;
    for (size_t i = 0; i < FAULTS_ADDRESSES_MAX; i++)
        assert_int_equal(addr_parse(&x.plan.addresses[i], "::1", 0), ERR_OK);
    ask(&x, name, TYPE_AAAA, true);
    assert_int_equal(x.told.len, responder_longest(&x.plan));
    assert_true(responder_longest(&x.plan) <= RESPONDER_MAX_OCTETS);
}

static void queries_that_cannot_be_read_are_refused_without_a_fault(void **state)
{
    struct exchange x = exchange_of(FAULT_WRONG_ID);
    struct bytes cut;
    (void)state;

    ask(&x, "a.example", TYPE_A, false);
    cut = (struct bytes){x.query, x.query_len - 1};
    x.told = responder_answer(&x.plan, &x.draw, cut, false, x.answer);
    assert_int_equal(x.told.rcode, RCODE_FORMERR);
    assert_int_equal(x.told.fault, FAULT_NONE);
    assert_int_equal(bytes_get_u16(x.answer), WIRE_ID);
    x.query[x.query_len - 1] = CLASS_CH;
    x.told =
        responder_answer(&x.plan, &x.draw, (struct bytes){x.query, x.query_len}, false, x.answer);
    assert_int_equal(x.told.rcode, RCODE_REFUSED);
}

static void what_is_no_query_gets_nothing(void **state)
{
    struct exchange x = exchange_of(FAULT_NONE);
    (void)state;

    ask(&x, "a.example", TYPE_A, false);
    assert_true(responder_is_query((struct bytes){x.query, MESSAGE_HEADER_OCTETS}));
    assert_false(responder_is_query((struct bytes){x.query, MESSAGE_HEADER_OCTETS - 1}));
    assert_false(responder_is_query((struct bytes){x.answer, x.told.len}));
    x.told = responder_answer(&x.plan, &x.draw, (struct bytes){x.query, 11}, false, x.answer);
    assert_int_equal(x.told.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_exists_has_an_address_of_each_family),
        cmocka_unit_test(edns_is_answered_with_edns),
        cmocka_unit_test(names_of_a_cluster_exist_only_as_its_services),
        cmocka_unit_test(names_between_those_that_exist_have_no_records),
        cmocka_unit_test(what_only_a_search_list_asks_for_does_not_exist),
        cmocka_unit_test(ends_of_names_are_compared_by_labels),
        cmocka_unit_test(without_a_cluster_every_name_exists),
        cmocka_unit_test(other_types_and_a_family_without_addresses_have_no_data),
        cmocka_unit_test(faults_change_what_they_say_and_nothing_else),
        cmocka_unit_test(a_wrong_question_is_another_name_of_the_same_length),
        cmocka_unit_test(a_wrong_id_is_the_next_one),
        cmocka_unit_test(a_truncated_answer_is_whole_over_tcp),
        cmocka_unit_test(a_fault_that_cannot_befall_a_query_is_not_told),
        cmocka_unit_test(an_answer_longer_than_the_client_takes_has_tc),
        cmocka_unit_test(the_longest_answer_fits_the_room_told),
        cmocka_unit_test(queries_that_cannot_be_read_are_refused_without_a_fault),
        cmocka_unit_test(what_is_no_query_gets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
