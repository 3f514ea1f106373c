/* Which messages an exchange takes for an answer, and what it does with those that are none or that
 * another server, another transport or a plainer query may better. */
#include "exchange_scene.h"

static void an_answer_comes_with_its_question_and_server(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    assert_true(scene_ask(scene, &end) != 0);
    scene_take(scene, 0, &query);
    assert_int_equal(upstream_active(scene->upstream), 1);
    scene_answer(&query, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    assert_int_equal(upstream_active(scene->upstream), 0);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_QUERIES, 0), 1);
    scene_expect_silence();
}

/* RFC 6891 section 6.2.5, RFC 9715: our size; RFC 6840 section 5.7: AD. */
static void a_query_says_1232_octets_and_copies_rd_cd_and_do(void **state)
{
    struct scene *scene = *state;
    struct scene_end end = {.calls = 0};
    struct fake_packet query;
    const struct question question = {.qname = &scene->qname,
                                      .qtype = TYPE_AAAA,
                                      .qclass = CLASS_IN,
                                      .checking_disabled = true,
                                      .dnssec_ok = true};
    scene->ids[0] = exchange_start(scene->upstream, &scene->pool, &question, scene_on_done, &end);
    scene_take(scene, 0, &query);
    assert_int_equal(bytes_get_u16(query.data + 2), FLAG_AD | FLAG_CD);
    size_t opt = scene_question_end(query.data);
    assert_int_equal(query.len, opt + 11);
    assert_int_equal(bytes_get_u16(query.data + opt + 1), TYPE_OPT);
    assert_int_equal(bytes_get_u16(query.data + opt + 3), 1232);
    assert_int_equal(bytes_get_u32(query.data + opt + 5), EDNS_FLAG_DO);
}

/* RFC 4343: names compare without case. */
static void the_question_may_come_back_in_another_case(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    query.data[MESSAGE_HEADER_OCTETS + 1] = 'W';
    scene_answer(&query, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
}

/* One answer spoiled at one octet. */
struct spoiled {
    size_t at;       /* offset */
    uint8_t flip;    /* bits that are turned over */
    const char *why; /* for the reader of a failure */
};

/* RFC 5452 section 9.1: id, QR, opcode and question must match; the wait goes on otherwise. */
static void an_answer_that_does_not_match_is_counted_and_the_wait_goes_on(void **state)
{
    static const struct spoiled cases[] = {
        {1, 0x01, "id"},    {2, 0x80, "QR"},     {2, 0x08, "opcode"}, {13, 0x02, "name"},
        {30, 0x1d, "type"}, {32, 0x02, "class"}, {5, 0x02, "qdcount"}};
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scene_end end;
        struct fake_packet query;
        uint8_t answer[SCENE_ANSWER_MAX];
        scene_ask(scene, &end);
        scene_take(scene, 0, &query);
        size_t len = scene_compose(query.data, SCENE_NOERROR, 1, answer);
        answer[cases[i].at] ^= cases[i].flip;
        scene_send(&query, answer, len);
        if (end.calls != 0)
            fail_msg("taken with another %s", cases[i].why);
        assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_MISMATCHES, 0), i + 1);
        scene_answer(&query, SCENE_NOERROR);
        scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
        scene_expect_silence();
    }
}

static void less_than_a_header_is_a_mismatch(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    scene_send(&query, query.data, 11);
    assert_int_equal(end.calls, 0);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_MISMATCHES, 0), 1);
    scene_answer(&query, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
}

/* RFC 5452 section 9.3. */
static void after_eight_wrong_answers_tcp_is_asked(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    struct fake_connect connect;
    uint8_t answer[SCENE_ANSWER_MAX];
    uint8_t asked[SCENE_ANSWER_MAX];
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    for (uint8_t i = 0; i < 8; i++) {
        assert_false(fake_tcp_take_connect(&connect));
        size_t len = scene_compose(query.data, SCENE_NOERROR, 1, answer);
        answer[0] = (uint8_t)(answer[0] + 1 + i);
        scene_send(&query, answer, len);
    }
    uint64_t connection = scene_tcp_accept(scene, 0);
    scene_tcp_take(connection, asked);
    /* Even the right one is not believed any more over UDP. */
    size_t len = scene_compose(query.data, SCENE_NOERROR, 1, answer);
    fake_upstream_answer(query.socket, answer, len);
    fake_net_run();
    assert_int_equal(end.calls, 0);
    scene_tcp_answer(connection, asked, SCENE_NOERROR, 1);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_MISMATCHES, 0), 8);
}

/* RFC 7766 section 5; RFC 2181 section 9: what was cut is never used. */
static void a_cut_answer_is_asked_again_over_tcp_on_the_same_server(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    uint8_t asked[SCENE_ANSWER_MAX];
    scene->pool.count = 2;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    scene_answer(&query, SCENE_NOERROR | FLAG_TC);
    assert_int_equal(end.calls, 0);
    uint64_t connection = scene_tcp_accept(scene, 0);
    scene_tcp_take(connection, asked);
    assert_int_equal(fake_tcp_writes(connection), 1);
    assert_memory_equal(asked + 2, query.data + 2, query.len - 2);
    scene_tcp_answer(connection, asked, SCENE_NOERROR, 40);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    assert_int_equal(bytes_get_u16(end.message + 6), 40);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_TCP, 0), 1);
    scene_expect_silence();
}

static void an_answer_cut_over_tcp_is_a_failure_of_the_server(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    uint8_t asked[SCENE_ANSWER_MAX];
    scene->pool.count = 2;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    scene_answer(&query, SCENE_NOERROR | FLAG_TC);
    uint64_t first = scene_tcp_accept(scene, 0);
    scene_tcp_take(first, asked);
    scene_tcp_answer(first, asked, SCENE_NOERROR | FLAG_TC, 0);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_FAILURES, 0), 1);
    uint64_t second = scene_tcp_accept(scene, 1);
    scene_tcp_take(second, asked);
    scene_tcp_answer(second, asked, SCENE_NOERROR, 1);
    scene_expect_answer(scene, &end, 1, RCODE_NOERROR);
}

/* RFC 6891 section 7. */
static void formerr_to_edns_is_asked_again_without_and_remembered_ten_minutes(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    assert_true(scene_has_edns(query.data));
    scene_answer(&query, SCENE_NOERROR | RCODE_FORMERR);
    scene_take(scene, 0, &query);
    assert_false(scene_has_edns(query.data));
    assert_int_equal(query.len, scene_question_end(query.data));
    scene_answer(&query, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    fake_net_advance(599999);
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    assert_false(scene_has_edns(query.data));
    scene_answer(&query, SCENE_NOERROR);
    fake_net_advance(1);
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    assert_true(scene_has_edns(query.data));
}

/* RFC 8906 section 3.2: some answer with a header alone. */
static void a_bare_formerr_or_notimp_leads_to_a_query_without_edns(void **state)
{
    static const uint16_t rcodes[] = {RCODE_FORMERR, RCODE_NOTIMP};
    struct scene *scene = *state;
    for (size_t i = 0; i < 2; i++) {
        struct scene_end end;
        struct fake_packet query;
        uint8_t bare[MESSAGE_HEADER_OCTETS] = {0};
        scene->pool.servers[0] = scene->pool.servers[i + 1];
        scene_ask(scene, &end);
        scene_take(scene, 0, &query);
        memcpy(bare, query.data, 2);
        bytes_put_u16(bare + 2, FLAG_QR | rcodes[i]);
        scene_send(&query, bare, sizeof(bare));
        scene_take(scene, 0, &query);
        assert_false(scene_has_edns(query.data));
        scene_answer(&query, SCENE_NOERROR);
        scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    }
}

static void formerr_without_edns_too_is_the_server_s_answer_and_teaches_nothing(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    for (int i = 0; i < 2; i++) {
        scene_ask(scene, &end);
        scene_take(scene, 0, &query);
        assert_true(scene_has_edns(query.data));
        scene_answer(&query, SCENE_NOERROR | RCODE_FORMERR);
        scene_take(scene, 0, &query);
        scene_answer(&query, SCENE_NOERROR | RCODE_FORMERR);
        scene_expect_answer(scene, &end, 0, RCODE_FORMERR);
    }
}

/* RFC 6891 section 6.1.3: BADVERS is told by the OPT's upper bits. */
static void badvers_leads_to_a_query_without_edns(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    uint8_t answer[SCENE_ANSWER_MAX];
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    size_t len = scene_compose(query.data, SCENE_NOERROR, 0, answer);
    struct writer w = writer_init(answer, sizeof(answer));
    w.len = len;
    wire_opt(&w, 1232, 0x01000000, (struct bytes){NULL, 0});
    bytes_put_u16(answer + 10, 1);
    scene_send(&query, answer, w.len);
    scene_take(scene, 0, &query);
    assert_false(scene_has_edns(query.data));
    scene_answer(&query, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
}

static void silence_to_edns_is_not_taken_for_a_server_without_it(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene_ask(scene, &end);
    for (int i = 0; i < 3; i++) {
        scene_take(scene, 0, &query);
        assert_true(scene_has_edns(query.data));
        fake_net_advance(1500);
    }
    scene_expect_failure(&end, ERR_TIMEOUT, EDE_NO_REACHABLE_AUTHORITY);
}

static void servfail_and_refused_send_the_question_to_the_next_server(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene->pool.count = 3;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    scene_answer(&query, SCENE_NOERROR | RCODE_SERVFAIL);
    scene_take(scene, 1, &query);
    scene_answer(&query, SCENE_NOERROR | RCODE_REFUSED);
    scene_take(scene, 2, &query);
    assert_int_equal(end.calls, 0);
    scene_answer(&query, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 2, RCODE_NOERROR);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_FAILURES, 0), 1);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_FAILURES, 1), 1);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_FAILURES, 2), 0);
}

static void when_all_refuse_the_last_refusal_is_the_answer(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene->pool.count = 2;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    scene_answer(&query, SCENE_NOERROR | RCODE_SERVFAIL);
    scene_take(scene, 1, &query);
    scene_answer(&query, SCENE_NOERROR | RCODE_REFUSED);
    scene_expect_answer(scene, &end, 1, RCODE_REFUSED);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_FAILURES, 1), 1);
    scene_expect_silence();
}

static void a_refusal_is_the_answer_when_the_others_stay_silent(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene->pool.count = 2;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    scene_answer(&query, SCENE_NOERROR | RCODE_SERVFAIL);
    scene_take(scene, 1, &query);
    fake_net_advance(EXCHANGE_BUDGET_MS);
    scene_expect_answer(scene, &end, 0, RCODE_SERVFAIL);
    assert_int_equal(end.len, scene_question_end(query.data));
}

static void nxdomain_is_an_answer_and_goes_to_no_other_server(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene->pool.count = 2;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    scene_answer(&query, SCENE_NOERROR | RCODE_NXDOMAIN);
    scene_expect_answer(scene, &end, 0, RCODE_NXDOMAIN);
    scene_expect_silence();
}

static void a_malformed_answer_is_a_failure_and_the_next_server_is_asked(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    uint8_t answer[SCENE_ANSWER_MAX];
    scene->pool.count = 2;
    for (size_t i = 0; i < 2; i++) {
        if (i == 0)
            scene_ask(scene, &end);
        scene_take(scene, i, &query);
        size_t len = scene_compose(query.data, SCENE_NOERROR, 2, answer);
        scene_send(&query, answer, len - 3);
        assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_FAILURES, i), 1);
        assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_MISMATCHES, i), 0);
    }
    scene_expect_failure(&end, ERR_MALFORMED, EDE_NETWORK_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(an_answer_comes_with_its_question_and_server),
        SCENE_TEST(a_query_says_1232_octets_and_copies_rd_cd_and_do),
        SCENE_TEST(the_question_may_come_back_in_another_case),
        SCENE_TEST(an_answer_that_does_not_match_is_counted_and_the_wait_goes_on),
        SCENE_TEST(less_than_a_header_is_a_mismatch),
        SCENE_TEST(after_eight_wrong_answers_tcp_is_asked),
        SCENE_TEST(a_cut_answer_is_asked_again_over_tcp_on_the_same_server),
        SCENE_TEST(an_answer_cut_over_tcp_is_a_failure_of_the_server),
        SCENE_TEST(formerr_to_edns_is_asked_again_without_and_remembered_ten_minutes),
        SCENE_TEST(a_bare_formerr_or_notimp_leads_to_a_query_without_edns),
        SCENE_TEST(formerr_without_edns_too_is_the_server_s_answer_and_teaches_nothing),
        SCENE_TEST(badvers_leads_to_a_query_without_edns),
        SCENE_TEST(silence_to_edns_is_not_taken_for_a_server_without_it),
        SCENE_TEST(servfail_and_refused_send_the_question_to_the_next_server),
        SCENE_TEST(when_all_refuse_the_last_refusal_is_the_answer),
        SCENE_TEST(a_refusal_is_the_answer_when_the_others_stay_silent),
        SCENE_TEST(nxdomain_is_an_answer_and_goes_to_no_other_server),
        SCENE_TEST(a_malformed_answer_is_a_failure_and_the_next_server_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
