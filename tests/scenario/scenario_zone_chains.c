/* CNAMEs that leave a private zone for names that upstreams know, and chains of upstreams that enter one: the
 * client gets one answer of all parts, whoever had them, and never the public records of a zone's name. */
#include "zone_scene.h"

static const char RECORDS[] = "www A 10.1.0.1\nlink CNAME www\n"
                              "far 200 CNAME www.example.com.\nfar2 100 CNAME far\n"
                              "*.wild CNAME www.example.com.\nout 70 CNAME x.example.com.\n"
                              "mail CNAME mail.example.com.\nnet CNAME www.example.net.\n";
static const char KEYS[] = ", aliases: {api.corp.internal: vpce-0a.example.vpce.amazonaws.com}";
static const char REST[] = "endpoints:\n"
                           "  - {names: [iam.amazonaws.com], addresses: [10.40.1.15]}\n"
                           "forward:\n"
                           "  - {zone: ., servers: [10.0.0.2]}\n"
                           "  - {zone: example.net, servers: [10.0.0.3]}\n";
static const char NO_ZONE[] = "endpoints:\n"
                              "  - {names: [iam.amazonaws.com], addresses: [10.40.1.15]}\n"
                              "forward:\n"
                              "  - {zone: ., servers: [10.0.0.2]}\n";

/* Longest time an exchange takes. */
#define EXCHANGE_MS (EXCHANGE_BUDGET_MS + 500)

#define ADDRESS "www.example.com. 300 IN A 192.0.2.1\n"
#define WWW_QUERY "10.0.0.2 www.example.com. A rd"
#define FAR_LINK "far.corp.internal. 200 IN CNAME www.example.com.\n"
#define UPSTREAM_SOA "example.com. 90 IN SOA ns.example.com. host.example.com. 1 2 3 4 30\n"

static struct stage stage;
static struct zone_scene scene;
static struct zone_plan plan = {{&stage, 2, scene.yaml}, &scene, RECORDS, KEYS, REST};

/* A reply to an A question. */
static const char *reply_of(const char *rcode, const char *name, const char *records)
{
    return zone_scene_reply(&scene, rcode, name, "A", records);
}

static void expect_hit(size_t worker, const char *name, const char *records)
{
    char question[128];
    snprintf(question, sizeof(question), "%s A", name);
    EXPECT_ANSWER(&stage, worker, question, reply_of("NOERROR", name, records));
    EXPECT_NO_QUERY(&stage);
}

/* --- out of the zone --- */

static void a_cname_out_of_the_zone_is_asked_for_and_cached_under_its_own_name(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "Far.Corp.internal A");
    EXPECT_QUERY(&stage, WWW_QUERY);
    EXPECT_NO_REPLY(&stage);
    stage_answer(&stage, "NOERROR ad\n" ADDRESS "add ns.example.com. 5 IN A 192.0.2.9\n");
    EXPECT_REPLY(&stage, reply_of("NOERROR", "Far.Corp.internal",
                                  "Far.Corp.internal. 200 IN CNAME www.example.com.\n" ADDRESS));
    expect_hit(1, "far2.corp.internal",
               "far2.corp.internal. 100 IN CNAME far.corp.internal.\n" FAR_LINK ADDRESS);
    fake_net_advance(100000);
    expect_hit(0, "far.corp.internal", FAR_LINK "www.example.com. 200 IN A 192.0.2.1\n");
    assert_int_equal(stage_count(&stage, METRICS_ANSWERS, METRICS_SOURCE_ZONE), 3);
    assert_int_equal(stage_count(&stage, METRICS_CACHE_MISSES, 0), 1);
}

static void the_pool_of_the_target_is_asked(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "net.corp.internal A");
    EXPECT_QUERY(&stage, "10.0.0.3 www.example.net. A rd");
}

/* RFC 5452 section 5: whoever leads to a question, it is asked once. */
static void clients_with_aliases_and_without_wait_for_one_question(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "far.corp.internal A id=1 from=1");
    stage_ask(&stage, 0, "WWW.example.com A id=2 from=2");
    stage_ask(&stage, 0, "a.wild.corp.internal A id=3 from=3 edns=1232");
    uint64_t tcp = stage_connect(&stage);
    stage_tcp_ask(&stage, tcp, "far.corp.internal A id=4");
    EXPECT_QUERY(&stage, WWW_QUERY);
    EXPECT_NO_QUERY(&stage);
    stage_answer(&stage, "NOERROR\n" ADDRESS);
    EXPECT_REPLY(&stage, reply_of("NOERROR", "far.corp.internal", FAR_LINK ADDRESS));
    assert_int_equal(stage.reply_id, 1);
    assert_string_equal(stage_reply(&stage, 2), reply_of("NOERROR", "WWW.example.com",
                                                         "WWW.example.com. 300 IN A 192.0.2.1\n"));
    assert_string_equal(stage_reply(&stage, 3),
                        reply_of("NOERROR", "a.wild.corp.internal",
                                 "a.wild.corp.internal. 300 IN CNAME www.example.com.\n" ADDRESS
                                 "edns 1232\n"));
    assert_string_equal(stage_tcp_reply(&stage, tcp),
                        reply_of("NOERROR", "far.corp.internal", FAR_LINK ADDRESS));
    assert_int_equal(stage.reply_id, 4);
    assert_int_equal(stage_count(&stage, METRICS_INFLIGHT_JOINED, 0), 3);
}

/* RFC 4035 section 3.2: they are other questions, and what they get is kept apart. */
static void do_and_cd_go_on_to_the_question_of_the_target(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "far.corp.internal A do cd");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd cd do");
    stage_answer(&stage, "NOERROR ad\n" ADDRESS);
    EXPECT_REPLY(&stage,
                 "NOERROR rd ra cd\n? far.corp.internal. IN A\n" FAR_LINK ADDRESS "edns 1232 do\n");
    stage_ask(&stage, 0, "far.corp.internal A");
    EXPECT_QUERY(&stage, WWW_QUERY);
}

/* RFC 6604 section 3, RFC 2308 section 2. */
static void what_upstream_denies_behind_an_alias_is_denied_with_its_soa(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "far.corp.internal A");
    EXPECT_QUERY(&stage, WWW_QUERY);
    stage_answer(&stage, "NXDOMAIN\nauth " UPSTREAM_SOA);
    const char *nxdomain =
        FAR_LINK "auth example.com. 30 IN SOA ns.example.com. host.example.com. 1 2 3 4 30\n";
    EXPECT_REPLY(&stage, reply_of("NXDOMAIN", "far.corp.internal", nxdomain));
    EXPECT_ANSWER(&stage, 1, "far.corp.internal A",
                  reply_of("NXDOMAIN", "far.corp.internal", nxdomain));
    EXPECT_NO_QUERY(&stage);
    stage_ask(&stage, 0, "mail.corp.internal A");
    EXPECT_QUERY(&stage, "10.0.0.2 mail.example.com. A rd");
    stage_answer(&stage, "NOERROR\nauth " UPSTREAM_SOA);
    stage_expect_start(stage_reply(&stage, 1),
                       "NOERROR rd ra\n? mail.corp.internal. IN A\n"
                       "mail.corp.internal. 300 IN CNAME mail.example.com.\nauth example.com. 30 ");
}

static void failures_behind_an_alias_are_servfail(void **state)
{
    static const char *const rcodes[] = {"SERVFAIL\n", "REFUSED\n"};
    static const char servfail[] = "SERVFAIL rd ra\n? far.corp.internal. IN A\nedns 1232 ede=";
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        stage_ask(&stage, 0, "far.corp.internal A edns=1232");
        while (stage_query(&stage)[0] != '\0')
            stage_answer(&stage, rcodes[i]);
        stage_expect_start(stage_reply(&stage, 1), servfail);
        stage_expect_start(stage_lookup(&stage, 0, "far.corp.internal A edns=1232"), servfail);
        EXPECT_NO_QUERY(&stage);
        fake_net_advance(10000);
    }
    stage_ask(&stage, 0, "far.corp.internal A edns=1232");
    fake_net_advance(EXCHANGE_MS);
    stage_expect_start(stage_reply(&stage, 1), servfail);
    assert_true(stage_drop_queries(&stage) > 0);
}

static void what_is_too_long_behind_an_alias_is_truncated_over_udp_alone(void **state)
{
    char answer[8192] = "NOERROR\n";
    (void)state;
    for (int i = 0; i < 60; i++)
        snprintf(answer + strlen(answer), sizeof(answer) - strlen(answer),
                 "www.example.com. 300 IN A 192.0.2.%d\n", i);
    stage_ask(&stage, 0, "far.corp.internal A");
    EXPECT_QUERY(&stage, WWW_QUERY);
    stage_answer(&stage, answer);
    EXPECT_REPLY(&stage, reply_of("NOERROR tc", "far.corp.internal", ""));
    uint64_t tcp = stage_connect(&stage);
    stage_tcp_ask(&stage, tcp, "far.corp.internal A");
    stage_expect_start(stage_tcp_reply(&stage, tcp), "NOERROR rd ra\n");
    assert_non_null(strstr(stage.text, "\nwww.example.com. 300 IN A 192.0.2.59\n"));
}

/* The answer's own chain is passed with it, in its order. */
static void an_answer_with_a_chain_of_its_own_stands_whole_behind_the_alias(void **state)
{
    static const char chain[] = "www.example.com. 50 IN CNAME Edge.example.net.\n"
                                "Edge.example.net. 20 IN A 192.0.2.7\n";
    char answer[256];
    char records[256];
    (void)state;
    snprintf(answer, sizeof(answer), "NOERROR\n%s", chain);
    snprintf(records, sizeof(records), FAR_LINK "%s", chain);
    stage_ask(&stage, 0, "far.corp.internal A");
    EXPECT_QUERY(&stage, WWW_QUERY);
    stage_answer(&stage, answer);
    EXPECT_REPLY(&stage, reply_of("NOERROR", "far.corp.internal", records));
    expect_hit(1, "far.corp.internal", records);
}

static void an_answer_that_enters_an_endpoint_or_the_zone_is_cut_behind_the_alias_too(void **state)
{
    static const char to_iam[] = "www.example.com. 50 IN CNAME iam.amazonaws.com.\n";
    (void)state;
    stage_ask(&stage, 0, "far.corp.internal A");
    EXPECT_QUERY(&stage, WWW_QUERY);
    stage_answer(&stage, "NOERROR\nwww.example.com. 50 IN CNAME iam.amazonaws.com.\n"
                         "iam.amazonaws.com. 50 IN A 192.0.2.1\n");
    char records[256];
    snprintf(records, sizeof(records), FAR_LINK "%siam.amazonaws.com. 60 IN A 10.40.1.15\n",
             to_iam);
    EXPECT_REPLY(&stage, reply_of("NOERROR", "far.corp.internal", records));
    stage_ask(&stage, 0, "mail.corp.internal A");
    EXPECT_QUERY(&stage, "10.0.0.2 mail.example.com. A rd");
    stage_answer(&stage, "NXDOMAIN\nmail.example.com. 50 IN CNAME link.corp.internal.\n");
    EXPECT_REPLY(&stage, reply_of("NOERROR", "mail.corp.internal",
                                  "mail.corp.internal. 300 IN CNAME mail.example.com.\n"
                                  "mail.example.com. 50 IN CNAME link.corp.internal.\n"
                                  "link.corp.internal. 300 IN CNAME www.corp.internal.\n"
                                  "www.corp.internal. 300 IN A 10.1.0.1\n"));
}

/* A query ends with the rules it began with; the answer is kept for those of now. */
static void a_reload_while_waiting_changes_nothing_for_who_waits(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "far.corp.internal A");
    EXPECT_QUERY(&stage, WWW_QUERY);
    struct fake_packet first = stage.asked;
    zone_scene_write(&scene, "far 10 CNAME www.example.com.\n");
    stage_reload(&stage, zone_scene_yaml(&scene, "", REST));
    stage_ask(&stage, 0, "far.corp.internal A from=2");
    EXPECT_QUERY(&stage, WWW_QUERY);
    stage.asked = first;
    stage_answer(&stage, "NOERROR\n" ADDRESS);
    EXPECT_REPLY(&stage, reply_of("NOERROR", "far.corp.internal", FAR_LINK ADDRESS));
    assert_string_equal(stage_reply(&stage, 2), "");
    expect_hit(1, "far.corp.internal", "far.corp.internal. 10 IN CNAME www.example.com.\n" ADDRESS);
}

static void a_full_table_sheds_an_alias_like_any_question(void **state)
{
    char rest[512];
    (void)state;
    snprintf(rest, sizeof(rest), "%slimits: {inflight: 16}\n", REST);
    stage_close(&stage);
    stage_open(&stage, 1, zone_scene_yaml(&scene, KEYS, rest));
    for (unsigned i = 0; i < 16; i++) {
        snprintf(scene.text, sizeof(scene.text), "w%u.example.com A from=2", i);
        stage_ask(&stage, 0, scene.text);
    }
    stage_ask(&stage, 0, "far.corp.internal A");
    EXPECT_NO_REPLY(&stage);
    uint64_t tcp = stage_connect(&stage);
    stage_tcp_ask(&stage, tcp, "far.corp.internal A");
    assert_string_equal(stage_tcp_reply(&stage, tcp),
                        reply_of("SERVFAIL", "far.corp.internal", ""));
    assert_int_equal(stage_count(&stage, METRICS_DROPPED, METRICS_DROP_INFLIGHT_FULL), 2);
    assert_int_equal(stage_drop_queries(&stage), 16);
}

/* --- into the zone --- */

static void a_chain_from_upstream_into_the_zone_gets_what_the_zone_says(void **state)
{
    static const char *const rcodes[] = {"NOERROR ad", "NXDOMAIN", "SERVFAIL"};
    char question[64];
    char answer[256];
    char records[256];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        snprintf(question, sizeof(question), "in%zu.example.com", i);
        snprintf(answer, sizeof(answer), "%s\n%s. 50 IN CNAME www.corp.internal.\n%s", rcodes[i],
                 question, i == 0 ? "www.corp.internal. 50 IN A 192.0.2.66\n" : "");
        snprintf(records, sizeof(records),
                 "%s. 50 IN CNAME www.corp.internal.\nwww.corp.internal. 300 IN A 10.1.0.1\n",
                 question);
        stage_ask(&stage, 0, strcat(strcpy(scene.text, question), " A"));
        assert_string_not_equal(stage_query(&stage), "");
        stage_answer(&stage, answer);
        EXPECT_REPLY(&stage, reply_of("NOERROR", question, records));
        expect_hit(1, question, records);
    }
    assert_int_equal(stage_count(&stage, METRICS_ANSWERS, METRICS_SOURCE_CHAIN), 6);
}

static void a_chain_into_a_name_or_type_the_zone_has_not_is_denied_by_the_zone(void **state)
{
    (void)state;
    assert_string_equal(stage_resolve(&stage, "a.example.com A",
                                      "NOERROR\na.example.com. 50 IN CNAME nope.corp.internal.\n"
                                      "nope.corp.internal. 50 IN A 192.0.2.66\n"),
                        reply_of("NXDOMAIN", "a.example.com",
                                 "a.example.com. 50 IN CNAME nope.corp.internal.\nauth " CORP_SOA));
    assert_string_equal(
        stage_resolve(&stage, "b.example.com TXT",
                      "NOERROR\nb.example.com. 50 IN CNAME www.corp.internal.\n"),
        zone_scene_reply(&scene, "NOERROR", "b.example.com", "TXT",
                         "b.example.com. 50 IN CNAME www.corp.internal.\nauth " CORP_SOA));
}

static void a_chain_into_an_alias_has_its_addresses(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "a.example.com A edns=1232",
                                      "NOERROR\na.example.com. 50 IN CNAME api.corp.internal.\n");
    assert_string_equal(reply, "SERVFAIL rd ra\n? a.example.com. IN A\nedns 1232 ede=14\n");
    stage_set_addresses(&stage, 1, "10.50.0.1", 0);
    expect_hit(0, "a.example.com",
               "a.example.com. 50 IN CNAME api.corp.internal.\n"
               "api.corp.internal. 50 IN A 10.50.0.1\n");
}

/* In and out again: two questions, one after the other, for each kind of client. */
static void a_chain_through_the_zone_asks_for_what_stands_behind_it(void **state)
{
    static const char whole[] = "a.example.com. 50 IN CNAME out.corp.internal.\n"
                                "out.corp.internal. 70 IN CNAME x.example.com.\n"
                                "x.example.com. 40 IN A 192.0.2.5\n";
    (void)state;
    uint64_t tcp = stage_connect(&stage);
    stage_tcp_ask(&stage, tcp, "a.example.com A");
    stage_ask(&stage, 0, "a.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 a.example.com. A rd");
    stage_answer(&stage, "NOERROR\na.example.com. 50 IN CNAME out.corp.internal.\n"
                         "out.corp.internal. 50 IN A 192.0.2.66\n");
    EXPECT_QUERY(&stage, "10.0.0.2 x.example.com. A rd");
    EXPECT_NO_QUERY(&stage);
    EXPECT_NO_REPLY(&stage);
    stage_answer(&stage, "NOERROR\nx.example.com. 40 IN A 192.0.2.5\n");
    EXPECT_REPLY(&stage, reply_of("NOERROR", "a.example.com", whole));
    assert_string_equal(stage_tcp_reply(&stage, tcp), reply_of("NOERROR", "a.example.com", whole));
    expect_hit(1, "a.example.com", whole);
}

/* What the chain leads to is asked for by the rules it began with, although others are current by then. */
static void a_reload_between_two_questions_of_a_chain_changes_nothing_for_who_waits(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "a.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 a.example.com. A rd");
    zone_scene_write(&scene, "out 10 CNAME y.example.com.\n");
    stage_reload(&stage, zone_scene_yaml(&scene, "", REST));
    stage_answer(&stage, "NOERROR\na.example.com. 50 IN CNAME out.corp.internal.\n");
    EXPECT_QUERY(&stage, "10.0.0.2 x.example.com. A rd");
    stage_answer(&stage, "NOERROR\nx.example.com. 40 IN A 192.0.2.5\n");
    EXPECT_REPLY(&stage, reply_of("NOERROR", "a.example.com",
                                  "a.example.com. 50 IN CNAME out.corp.internal.\n"
                                  "out.corp.internal. 70 IN CNAME x.example.com.\n"
                                  "x.example.com. 40 IN A 192.0.2.5\n"));
    EXPECT_NO_QUERY(&stage);
}

static void what_upstream_says_of_our_names_beside_its_answer_is_left_out(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "a.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 a.example.com. A rd");
    stage_answer(&stage, "NOERROR\nwww.corp.internal. 300 IN A 203.0.113.9\n"
                         "a.example.com. 300 IN A 192.0.2.7\n"
                         "no.corp.internal. 300 IN A 203.0.113.9\n"
                         "auth example.com. 300 IN NS ns.corp.internal.\n"
                         "add ns.corp.internal. 300 IN A 203.0.113.9\n"
                         "add iam.amazonaws.com. 300 IN A 203.0.113.9\n");
    EXPECT_REPLY(&stage, reply_of("NOERROR", "a.example.com",
                                  "a.example.com. 300 IN A 192.0.2.7\n"
                                  "auth example.com. 300 IN NS ns.corp.internal.\n"));
    expect_hit(1, "a.example.com",
               "a.example.com. 300 IN A 192.0.2.7\n"
               "auth example.com. 300 IN NS ns.corp.internal.\n");
}

static void an_answer_beside_which_a_name_becomes_ours_is_asked_for_again(void **state)
{
    static const char answer[] = "NOERROR\na.example.com. 300 IN A 192.0.2.7\n"
                                 "add www.corp.internal. 300 IN A 203.0.113.9\n";
    (void)state;
    stage_reload(&stage, NO_ZONE);
    stage_ask(&stage, 0, "a.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 a.example.com. A rd");
    stage_answer(&stage, answer);
    EXPECT_REPLY(&stage, reply_of("NOERROR", "a.example.com", strchr(answer, '\n') + 1));
    stage_reload(&stage, zone_scene_yaml(&scene, KEYS, REST));
    stage_ask(&stage, 0, "a.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 a.example.com. A rd");
    stage_answer(&stage, answer);
    EXPECT_REPLY(&stage,
                 reply_of("NOERROR", "a.example.com", "a.example.com. 300 IN A 192.0.2.7\n"));
}

/* Its second question is asked after the word to stop, but the client's came before. */
static void an_ordered_stop_waits_for_the_whole_chain(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "a.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 a.example.com. A rd");
    struct fake_packet first = stage.asked;
    worker_stop(stage.workers[0]);
    fake_net_advance(50);
    stage_ask(&stage, 0, "new.example.com A from=2");
    EXPECT_QUERY(&stage, "10.0.0.2 new.example.com. A rd");
    stage.asked = first;
    stage_answer(&stage, "NOERROR\na.example.com. 50 IN CNAME out.corp.internal.\n");
    EXPECT_QUERY(&stage, "10.0.0.2 x.example.com. A rd");
    fake_net_advance(50);
    stage_answer(&stage, "NOERROR\nx.example.com. 40 IN A 192.0.2.5\n");
    EXPECT_REPLY(&stage, reply_of("NOERROR", "a.example.com",
                                  "a.example.com. 50 IN CNAME out.corp.internal.\n"
                                  "out.corp.internal. 70 IN CNAME x.example.com.\n"
                                  "x.example.com. 40 IN A 192.0.2.5\n"));
    fake_net_advance(20);
    assert_string_equal(stage_reply(&stage, 2), "");
    assert_null(fake_udp_server(&stage.listen, 1)); /* the worker has ended */
    (void)stage_drop_queries(&stage);
}

/* Answers that may not be kept are asked for again each time the chain begins anew. */
static void a_chain_through_answers_of_no_time_ends_in_servfail(void **state)
{
    unsigned queries = 0;
    (void)state;
    stage_ask(&stage, 0, "a.example.com A edns=1232");
    for (const char *query; (query = stage_query(&stage))[0] != '\0'; queries++) {
        bool is_first = strstr(query, " a.example.com.") != NULL;
        stage_answer(&stage, is_first ? "NOERROR\na.example.com. 0 IN CNAME out.corp.internal.\n"
                                      : "NOERROR\nx.example.com. 0 IN A 192.0.2.5\n");
    }
    assert_int_equal(queries, CLIENT_ANSWERS_MAX);
    EXPECT_REPLY(&stage, "SERVFAIL rd ra\n? a.example.com. IN A\nedns 1232 ede=0\n");
}

static void a_chain_that_the_zone_leads_back_to_its_beginning_is_servfail(void **state)
{
    (void)state;
    const char *reply = stage_resolve(&stage, "x.example.com A edns=1232",
                                      "NOERROR\nx.example.com. 50 IN CNAME out.corp.internal.\n");
    assert_string_equal(reply, "SERVFAIL rd ra\n? x.example.com. IN A\nedns 1232 ede=0\n");
    EXPECT_NO_QUERY(&stage);
}

static void a_cached_chain_follows_a_reload_of_the_zone_it_enters(void **state)
{
    static const char link[] = "a.example.com. 50 IN CNAME www.corp.internal.\n";
    char records[256];
    (void)state;
    (void)stage_resolve(&stage, "a.example.com A",
                        "NOERROR\na.example.com. 50 IN CNAME www.corp.internal.\n");
    zone_scene_write(&scene, "www A 10.9.0.9\n");
    stage_reload(&stage, zone_scene_yaml(&scene, "", REST));
    snprintf(records, sizeof(records), "%swww.corp.internal. 300 IN A 10.9.0.9\n", link);
    expect_hit(0, "a.example.com", records);
    zone_scene_write(&scene, "");
    stage_reload(&stage, zone_scene_yaml(&scene, "", REST));
    snprintf(records, sizeof(records), "%sauth " CORP_SOA, link);
    EXPECT_ANSWER(&stage, 1, "a.example.com A", reply_of("NXDOMAIN", "a.example.com", records));
    EXPECT_NO_QUERY(&stage);
    assert_int_equal(stage_count(&stage, METRICS_CACHE_VOIDED, 0), 0);
}

/* An answer that was whole has the public records of a name which is private now. */
static void a_zone_that_comes_with_a_reload_cuts_what_was_cached(void **state)
{
    static const char whole[] = "a.example.com. 50 IN CNAME www.corp.internal.\n"
                                "www.corp.internal. 50 IN A 192.0.2.66\n";
    char answer[256];
    (void)state;
    stage_reload(&stage, NO_ZONE);
    snprintf(answer, sizeof(answer), "NOERROR\n%s", whole);
    assert_string_equal(stage_resolve(&stage, "a.example.com A", answer),
                        reply_of("NOERROR", "a.example.com", whole));
    stage_reload(&stage, zone_scene_yaml(&scene, KEYS, REST));
    assert_string_equal(stage_resolve(&stage, "a.example.com A", answer),
                        reply_of("NOERROR", "a.example.com",
                                 "a.example.com. 50 IN CNAME www.corp.internal.\n"
                                 "www.corp.internal. 300 IN A 10.1.0.1\n"));
    assert_int_equal(stage_count(&stage, METRICS_CACHE_VOIDED, 0), 1);
    stage_reload(&stage, NO_ZONE);
    assert_string_equal(stage_resolve(&stage, "a.example.com A", answer),
                        reply_of("NOERROR", "a.example.com", whole));
}

/* --- the group --- */

#define SCENARIO(test) ZONE_TEST(test, &plan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_cname_out_of_the_zone_is_asked_for_and_cached_under_its_own_name),
        SCENARIO(the_pool_of_the_target_is_asked),
        SCENARIO(clients_with_aliases_and_without_wait_for_one_question),
        SCENARIO(do_and_cd_go_on_to_the_question_of_the_target),
        SCENARIO(what_upstream_denies_behind_an_alias_is_denied_with_its_soa),
        SCENARIO(failures_behind_an_alias_are_servfail),
        SCENARIO(what_is_too_long_behind_an_alias_is_truncated_over_udp_alone),
        SCENARIO(an_answer_with_a_chain_of_its_own_stands_whole_behind_the_alias),
        SCENARIO(an_answer_that_enters_an_endpoint_or_the_zone_is_cut_behind_the_alias_too),
        SCENARIO(a_reload_while_waiting_changes_nothing_for_who_waits),
        SCENARIO(a_full_table_sheds_an_alias_like_any_question),
        SCENARIO(a_chain_from_upstream_into_the_zone_gets_what_the_zone_says),
        SCENARIO(a_chain_into_a_name_or_type_the_zone_has_not_is_denied_by_the_zone),
        SCENARIO(a_chain_into_an_alias_has_its_addresses),
        SCENARIO(a_chain_through_the_zone_asks_for_what_stands_behind_it),
        SCENARIO(a_reload_between_two_questions_of_a_chain_changes_nothing_for_who_waits),
        SCENARIO(what_upstream_says_of_our_names_beside_its_answer_is_left_out),
        SCENARIO(an_answer_beside_which_a_name_becomes_ours_is_asked_for_again),
        SCENARIO(an_ordered_stop_waits_for_the_whole_chain),
        SCENARIO(a_chain_through_answers_of_no_time_ends_in_servfail),
        SCENARIO(a_chain_that_the_zone_leads_back_to_its_beginning_is_servfail),
        SCENARIO(a_cached_chain_follows_a_reload_of_the_zone_it_enters),
        SCENARIO(a_zone_that_comes_with_a_reload_cuts_what_was_cached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
