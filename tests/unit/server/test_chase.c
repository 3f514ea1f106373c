/* From name to name: where a chain stops, what is asked for, and what is copied behind it. */
#include "local53/server/chase.h"

#include "local53/dns/rr.h"
#include "server_test.h"

#define ZONE                                                                                       \
    "$TTL 300\nwww A 10.1.0.1\nfar CNAME www.example.org.\nlink CNAME www\n"                       \
    "loop CNAME loop\nlo CNAME localhost.\n"

#define NOW_MS 10000
#define STORED_MS 6000

struct fixture {
    struct metrics_names *names;
    struct snapshot *snapshot;
    uint8_t packet[512];
    struct request request;
    uint8_t reply[1024];
    struct writer w;
    const struct entry *stored; /* what is found for every name, or NULL */
    struct name sought;         /* the last name looked for */
    unsigned finds;             /* how often */
};

static _Alignas(8) uint8_t scratch[ENTRY_SCRATCH];

static int set_up(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    fixture.names = metrics_names_new();
    fixture.snapshot = test_zone_snapshot(ZONE, "", fixture.names);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    snapshot_release(fixture->snapshot);
    metrics_names_free(fixture->names);
    return 0;
}

static const struct entry *find(void *owner, const struct name *name)
{
    struct fixture *fixture = owner;
    fixture->sought = *name;
    fixture->finds++;
    return fixture->stored;
}

static enum chase_end run(struct fixture *fixture, struct chase *chase, const char *name,
                          size_t room)
{
    fixture->w = writer_init(fixture->reply, room);
    fixture->finds = 0;
    test_request(&fixture->request, fixture->packet, name, TYPE_A);
    *chase = (struct chase){.answer = {.w = &fixture->w,
                                       .request = &fixture->request,
                                       .snapshot = fixture->snapshot,
                                       .now_ms = NOW_MS},
                            .find = find,
                            .owner = fixture};
    return chase_run(chase);
}

/* An answer for `name`, stored earlier: an address, or a CNAME to target that is cut there. */
static const struct entry *store(const char *name, const char *target)
{
    static const uint16_t counts[4] = {1, 1, 0, 0};
    uint8_t message[512];
    uint8_t rdata[64] = {192, 0, 2, 1};
    struct name qname = test_name(name);
    struct writer w = writer_init(message, sizeof(message));
    struct writer at = writer_init(rdata, sizeof(rdata));
    at.len = 4;
    if (target != NULL) {
        at.len = 0;
        wire_name(&at, target);
    }
    wire_header(&w, FLAG_QR, counts);
    wire_question(&w, name, TYPE_A);
    wire_name(&w, name);
    wire_record(&w, target != NULL ? TYPE_CNAME : TYPE_A, 60, (struct bytes){rdata, at.len});
    struct entry_source source = {.message = message,
                                  .len = w.len,
                                  .qname = &qname,
                                  .qtype = TYPE_A,
                                  .qclass = CLASS_IN,
                                  .max_ttl_s = 3600,
                                  .now_ms = STORED_MS,
                                  .decision = {.cut = target != NULL},
                                  .epoch = 1};
    struct entry *entry = (struct entry *)(void *)scratch;
    assert_int_equal(entry_build(entry, sizeof(scratch), &source), ERR_OK);
    return entry;
}

static uint16_t answers_in(const struct fixture *fixture)
{
    return bytes_get_u16(fixture->reply + ANCOUNT_OFFSET);
}

static void a_forwarded_name_that_is_not_stored_is_to_be_asked(void **state)
{
    struct fixture *fixture = *state;
    struct chase chase;
    struct name target = test_name("www.example.org");
    fixture->stored = NULL;
    assert_int_equal(run(fixture, &chase, "far.corp.example", 1024), CHASE_ASK);
    assert_true(name_equal(&fixture->sought, &target));
    assert_int_equal(fixture->finds, 1);
}

static void a_stored_answer_stands_behind_the_alias_as_old_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct chase chase;
    struct rr_walk walk;
    struct rr rr;
    fixture->stored = store("www.example.org", NULL);
    assert_int_equal(run(fixture, &chase, "far.corp.example", 1024), CHASE_ANSWERED);
    assert_true(chase.is_zone);
    assert_int_equal(answers_in(fixture), 2);
    rr_walk_init(&walk, fixture->reply, fixture->w.len);
    assert_true(rr_next(&walk, &rr) && rr.type == TYPE_CNAME && rr.ttl == 300);
    uint16_t target = rr.rdata_offset;
    assert_true(rr_next(&walk, &rr) && rr.type == TYPE_A);
    assert_int_equal(rr.ttl, 60 - (NOW_MS - STORED_MS) / 1000);
    assert_int_equal(bytes_get_u16(fixture->reply + rr.owner_offset), POINTER_BITS | target);
}

static void a_stored_answer_that_is_cut_goes_on_in_the_zone(void **state)
{
    struct fixture *fixture = *state;
    struct chase chase;
    fixture->stored = store("www.example.org", "link.corp.example");
    assert_int_equal(run(fixture, &chase, "far.corp.example", 1024), CHASE_ANSWERED);
    assert_int_equal(answers_in(fixture), 4);
    assert_int_equal(chase.links, 3);
    assert_int_equal(run(fixture, &chase, "www.example.org", 1024), CHASE_ANSWERED);
    assert_int_equal(answers_in(fixture), 3);
    assert_false(chase.is_zone);
}

static void a_loop_fails_once_it_has_too_many_links(void **state)
{
    struct fixture *fixture = *state;
    struct chase chase;
    fixture->stored = NULL;
    assert_int_equal(run(fixture, &chase, "loop.corp.example", 1024), CHASE_FAILED);
    assert_int_equal(chase.links, CHASE_LINKS_MAX + 1);
    assert_int_equal(chase.ede, EDE_OTHER);
    fixture->stored = store("www.example.org", "far.corp.example");
    assert_int_equal(run(fixture, &chase, "far.corp.example", 1024), CHASE_FAILED);
    assert_true(fixture->finds <= CHASE_LINKS_MAX);
}

static void a_failure_behind_an_alias_tells_its_reason(void **state)
{
    static const struct {
        enum ede_code stored;
        uint64_t stored_ms;
        enum ede_code told;
    } rows[] = {{EDE_NETWORK_ERROR, NOW_MS, EDE_NETWORK_ERROR},
                {EDE_NONE, NOW_MS, EDE_OTHER},
                {EDE_NETWORK_ERROR, STORED_MS, EDE_CACHED_ERROR}};
    struct fixture *fixture = *state;
    struct entry *entry = (struct entry *)(void *)scratch;
    struct name qname = test_name("www.example.org");
    struct chase chase;
    fixture->stored = entry;
    for (size_t i = 0; i < 3; i++) {
        struct entry_source source = {.qname = &qname,
                                      .qtype = TYPE_A,
                                      .qclass = CLASS_IN,
                                      .now_ms = rows[i].stored_ms,
                                      .epoch = 1};
        entry_build_failure(entry, sizeof(scratch), &source, rows[i].stored, 1);
        assert_int_equal(run(fixture, &chase, "far.corp.example", 1024), CHASE_FAILED);
        assert_int_equal(chase.ede, rows[i].told);
        assert_non_null(chase.ede_text);
    }
}

static void a_special_name_ends_the_chain_with_its_own_answer(void **state)
{
    struct fixture *fixture = *state;
    struct chase chase;
    assert_int_equal(run(fixture, &chase, "lo.corp.example", 1024), CHASE_ANSWERED);
    assert_int_equal(answers_in(fixture), 2);
    assert_int_equal(fixture->finds, 0);
    assert_memory_equal(fixture->reply + fixture->w.len - EDNS_OPT_OCTETS - 4, "\177\0\0\1", 4);
}

static void a_reply_without_room_is_left_to_be_truncated(void **state)
{
    struct fixture *fixture = *state;
    struct chase chase;
    fixture->stored = store("www.example.org", "link.corp.example");
    assert_int_equal(run(fixture, &chase, "far.corp.example", 1024), CHASE_ANSWERED);
    for (size_t room = fixture->w.len - 1; room > 0; room--) {
        assert_int_equal(run(fixture, &chase, "far.corp.example", room), CHASE_ANSWERED);
        assert_true(fixture->w.failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forwarded_name_that_is_not_stored_is_to_be_asked),
        cmocka_unit_test(a_stored_answer_stands_behind_the_alias_as_old_as_it_is),
        cmocka_unit_test(a_stored_answer_that_is_cut_goes_on_in_the_zone),
        cmocka_unit_test(a_loop_fails_once_it_has_too_many_links),
        cmocka_unit_test(a_failure_behind_an_alias_tells_its_reason),
        cmocka_unit_test(a_special_name_ends_the_chain_with_its_own_answer),
        cmocka_unit_test(a_reply_without_room_is_left_to_be_truncated),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
