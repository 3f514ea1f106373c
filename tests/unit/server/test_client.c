/* What is kept of a client while its question waits. */
#include "local53/server/client.h"

#include "server_test.h"

static void a_waiter_gives_back_the_request_a_reply_needs(void **state)
{
    uint8_t packet[512];
    struct request request;
    struct request again;
    struct waiter waiter;
    struct client client = {.transport = CLIENT_TCP, .connection = 77, .received_us = 5};
    (void)state;
    test_request(&request, packet, "Www.Example.COM", TYPE_AAAA);
    const struct name qname = request.qname;
    waiter_fill(&waiter, &client, &request);
    memset(packet, 0xff, sizeof(packet)); /* the packet's memory is another's by then */
    waiter_request(&again, &waiter, &qname);
    assert_int_equal(again.header.id, WIRE_ID);
    assert_int_equal(again.header.flags, FLAG_RD);
    assert_int_equal(again.qtype, TYPE_AAAA);
    assert_int_equal(again.qclass, CLASS_IN);
    assert_true(again.has_question);
    assert_true(again.edns.present);
    assert_int_equal(again.edns.udp_size, EDNS_UDP_SIZE);
    assert_true(name_equal(&again.qname, &qname));
    assert_int_equal(again.question_len, 17 + 4);
    assert_memory_equal(again.question, "\3Www\7Example\3COM\0\0\34\0\1", 21);
    assert_int_equal(waiter.client.connection, 77);
    assert_int_equal(waiter.client.received_us, 5);
}

/* RFC 1035 section 2.3.4: 255 octets, root label included. */
static void the_longest_name_fits_a_waiter(void **state)
{
    uint8_t packet[512];
    char longest[256];
    struct request request;
    struct waiter waiter;
    struct client client = {.transport = CLIENT_UDP};
    (void)state;
    for (size_t i = 0; i < 253; i++)
        longest[i] = i % 2 == 0 ? 'a' : '.';
    longest[253] = '\0';
    test_request(&request, packet, longest, TYPE_A);
    assert_int_equal(request.question_len, NAME_MAX_OCTETS + 4);
    waiter_fill(&waiter, &client, &request);
    assert_memory_equal(waiter.question, packet + MESSAGE_HEADER_OCTETS, NAME_MAX_OCTETS + 4);
}

/* An alias led to another name, and that was asked upstream. */
static void a_waiter_for_another_name_gives_back_its_own(void **state)
{
    uint8_t packet[512];
    struct request request;
    struct request again;
    struct waiter waiter;
    struct client client = {.transport = CLIENT_UDP};
    const struct name asked = test_name("www.example.com");
    (void)state;
    test_request(&request, packet, "Far.Corp.internal", TYPE_A);
    waiter_fill(&waiter, &client, &request);
    const struct name own = test_name("far.corp.internal");
    waiter_request(&again, &waiter, &asked);
    assert_true(name_equal(&again.qname, &own));
    assert_memory_equal(again.question, "\3Far\4Corp\10internal", 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_waiter_gives_back_the_request_a_reply_needs),
        cmocka_unit_test(the_longest_name_fits_a_waiter),
        cmocka_unit_test(a_waiter_for_another_name_gives_back_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
