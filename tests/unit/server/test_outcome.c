/* What the end of an exchange is worth: under the rules it was asked under, and under later ones. */
#include "local53/server/outcome.h"

#include "server_test.h"

#define FORWARDED "listen: [127.0.0.1:5353]\nforward:\n  - {zone: ., servers: [10.0.0.53]}\n"
#define RULED FORWARDED "endpoints:\n  - {names: [www.example], addresses: [10.0.0.1]}\n"
#define CUT FORWARDED "endpoints:\n  - {names: [end.example], addresses: [10.0.0.1]}\n"
#define MOVED FORWARDED "  - {zone: example, servers: [10.0.0.54]}\n"

#define CACHE_OCTETS ((size_t)1 << 20)
#define NOW_MS 1000

static const struct hash_key SECRET = {1, 2};

/* A question for www.example A that has just ended. */
struct fixture {
    struct metrics_names *names;
    struct snapshot *snapshot; /* under which it was asked */
    struct cache *cache;
    struct cache_reader *reader;
    struct pending pending;
    uint8_t message[512];
    struct exchange_result result;
    struct outcome outcome;
};

static _Alignas(8) uint8_t scratch[ENTRY_SCRATCH];

/* A CNAME of www.example to end.example, which has an address. */
static void write_answer(struct fixture *fixture)
{
    static const uint16_t counts[4] = {1, 2, 0, 0};
    static const uint8_t address[4] = {192, 0, 2, 1};
    struct writer w = writer_init(fixture->message, sizeof(fixture->message));
    uint8_t rdata[32];
    struct writer target = writer_init(rdata, sizeof(rdata));
    wire_header(&w, FLAG_QR, counts);
    wire_question(&w, "www.example", TYPE_A);
    wire_name(&target, "end.example");
    wire_name(&w, "www.example");
    wire_record(&w, TYPE_CNAME, 60, (struct bytes){rdata, target.len});
    wire_name(&w, "end.example");
    wire_record(&w, TYPE_A, 60, (struct bytes){address, sizeof(address)});
    fixture->result =
        (struct exchange_result){.err = ERR_OK, .message = fixture->message, .len = w.len};
}

static int set_up(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    fixture.names = metrics_names_new();
    fixture.snapshot = snapshot_new(test_rules(FORWARDED, 1), fixture.names);
    fixture.cache = cache_new(CACHE_OCTETS, &SECRET);
    fixture.reader = cache_reader_new(fixture.cache);
    fixture.pending.snapshot = fixture.snapshot;
    fixture.pending.qname = test_name("www.example");
    fixture.pending.key =
        (struct cache_key){.name = &fixture.pending.qname, .type = TYPE_A, .class = CLASS_IN};
    cache_key_hash(&fixture.pending.key, &SECRET);
    write_answer(&fixture);
    fixture.outcome = (struct outcome){.pending = &fixture.pending,
                                       .result = &fixture.result,
                                       .cache = fixture.cache,
                                       .scratch = (struct entry *)(void *)scratch,
                                       .now_ms = NOW_MS};
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    cache_reader_free(fixture->reader);
    cache_free(fixture->cache);
    snapshot_release(fixture->snapshot);
    metrics_names_free(fixture->names);
    return 0;
}

/* Stores what the answer is worth under a later configuration; true when that is found, with its cut. */
static bool is_stored(struct fixture *fixture, const char *yaml, uint8_t *cut)
{
    struct ruleset *rules = test_rules(yaml, 2);
    outcome_store_under(&fixture->outcome, rules);
    ruleset_free(rules);
    cache_enter(fixture->reader);
    const struct entry *entry =
        cache_find(fixture->reader, &fixture->pending.key, NULL, NOW_MS + 1);
    *cut = entry != NULL ? entry->decision.cut : 0;
    cache_leave(fixture->reader);
    return entry != NULL;
}

static void an_answer_is_an_entry_of_the_pool_that_was_asked(void **state)
{
    struct fixture *fixture = *state;
    const struct ruleset *rules = fixture->snapshot->rules;
    const struct entry *entry = outcome_entry(&fixture->outcome, rules, 0);
    assert_int_equal(entry->kind, ENTRY_POSITIVE);
    assert_int_equal(entry->decision.pool, rules->pools[0].fingerprint);
    assert_int_equal(entry->decision.cut, 0);
    assert_int_equal(entry->epoch, 1);
    assert_int_equal(entry->stored_ms, NOW_MS);
}

static void what_cannot_be_read_is_a_failure_with_its_reason(void **state)
{
    struct fixture *fixture = *state;
    fixture->result.len -= 3;
    const struct entry *entry = outcome_entry(&fixture->outcome, fixture->snapshot->rules, 0);
    assert_int_equal(entry->kind, ENTRY_FAILURE);
    assert_int_equal(entry->ede, EDE_INVALID_DATA);
    fixture->result = (struct exchange_result){.err = ERR_TIMEOUT, .ede = EDE_NETWORK_ERROR};
    entry = outcome_entry(&fixture->outcome, fixture->snapshot->rules, 0);
    assert_int_equal(entry->kind, ENTRY_FAILURE);
    assert_int_equal(entry->ede, EDE_NETWORK_ERROR);
}

static void failures_in_a_row_are_kept_longer(void **state)
{
    static const uint32_t seconds[] = {1, 2, 4, 5};
    struct fixture *fixture = *state;
    fixture->result = (struct exchange_result){.err = ERR_TIMEOUT, .ede = EDE_NETWORK_ERROR};
    for (size_t i = 0; i < 4; i++) {
        const struct entry *entry = outcome_entry(&fixture->outcome, fixture->snapshot->rules, 0);
        assert_int_equal(entry->ttl_s, seconds[i]);
        assert_true(cache_insert(fixture->cache, entry));
    }
}

static void an_answer_of_the_same_pool_is_stored_under_later_rules(void **state)
{
    uint8_t cut;
    assert_true(is_stored(*state, FORWARDED, &cut));
    assert_int_equal(cut, 0);
}

static void later_rules_cut_where_they_are_entered(void **state)
{
    uint8_t cut;
    assert_true(is_stored(*state, CUT, &cut));
    assert_int_equal(cut, 1);
}

static void a_name_that_has_a_rule_or_another_pool_by_then_is_not_stored(void **state)
{
    uint8_t cut;
    assert_false(is_stored(*state, RULED, &cut));
    assert_false(is_stored(*state, MOVED, &cut));
}

#define OUTCOME_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTCOME_TEST(an_answer_is_an_entry_of_the_pool_that_was_asked),
        OUTCOME_TEST(what_cannot_be_read_is_a_failure_with_its_reason),
        OUTCOME_TEST(failures_in_a_row_are_kept_longer),
        OUTCOME_TEST(an_answer_of_the_same_pool_is_stored_under_later_rules),
        OUTCOME_TEST(later_rules_cut_where_they_are_entered),
        OUTCOME_TEST(a_name_that_has_a_rule_or_another_pool_by_then_is_not_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
