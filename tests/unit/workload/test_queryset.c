/* queryset: messages of references, and the comparison of answers with them. ldns is the oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "local53/dns/message.h"
#include "local53/dns/name.h"
#include "workload/queryset.h"

static uint32_t add(struct queryset *set, const char *name)
{
    uint32_t item = UINT32_MAX;

    assert_int_equal(queryset_add_text(set, name, TYPE_A, &item), ERR_OK);
    return item;
}

static uint16_t add_suffix(struct queryset *set, const char *name)
{
    uint16_t number = 0;

    assert_int_equal(queryset_add_suffix(set, name, &number), ERR_OK);
    return number;
}

static struct queryset *plain_set(void)
{
    return queryset_new(&(struct query_form){.recursion_desired = true, .seed = 7});
}

/* The message as ldns reads it; the caller frees it. */
static ldns_pkt *read_back(const struct queryset *set, struct question_ref ref)
{
    uint8_t message[QUERY_MAX_OCTETS];
    size_t len = queryset_render(set, ref, message);
    ldns_pkt *packet = NULL;

    assert_int_equal(ldns_wire2pkt(&packet, message, len), LDNS_STATUS_OK);
    assert_int_equal(ldns_pkt_qdcount(packet), 1);
    assert_int_equal(ldns_pkt_size(packet), len);
    return packet;
}

/* ldns reads the reference's message as this name and type. */
static void assert_asks(const struct queryset *set, struct question_ref ref, const char *name)
{
    ldns_pkt *packet = read_back(set, ref);
    const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(packet), 0);
    char *text = ldns_rdf2str(ldns_rr_owner(question));

    assert_string_equal(text, name);
    assert_int_equal(ldns_rr_get_type(question), ref.type);
    assert_int_equal(ldns_rr_get_class(question), LDNS_RR_CLASS_IN);
    free(text);
    ldns_pkt_free(packet);
}

static void a_query_is_an_id_of_zero_a_question_and_nothing_else(void **state)
{
    static const uint8_t expected[] = "\0\0\1\0\0\1\0\0\0\0\0\0\3WwW\7example\0\0\34\0\1";
    struct queryset *set = plain_set();
    struct question_ref ref = queryset_ref(set, add(set, "WwW.example"));
    uint8_t message[QUERY_MAX_OCTETS];

    (void)state;
    ref.type = TYPE_AAAA;
    assert_int_equal(queryset_render(set, ref, message), sizeof(expected) - 1);
    assert_memory_equal(message, expected, sizeof(expected) - 1);
    queryset_free(set);
}

static void recursion_is_desired_only_when_told(void **state)
{
    struct queryset *set = queryset_new(&(struct query_form){0});
    uint8_t message[QUERY_MAX_OCTETS];

    (void)state;
    queryset_render(set, queryset_ref(set, add(set, "a")), message);
    assert_int_equal(message_flags(message), 0);
    queryset_free(set);
}

static void edns_size_do_and_cookie_stand_in_one_opt(void **state)
{
    struct queryset *set = queryset_new(
        &(struct query_form){.edns_size = 4096, .dnssec_ok = true, .cookie = true, .seed = 1});
    ldns_pkt *packet = read_back(set, queryset_ref(set, add(set, "a.example")));
    const ldns_rdf *options = ldns_pkt_edns_data(packet);

    (void)state;
    assert_true(ldns_pkt_edns(packet));
    assert_int_equal(ldns_pkt_edns_udp_size(packet), 4096);
    assert_true(ldns_pkt_edns_do(packet));
    assert_non_null(options);
    assert_int_equal(ldns_rdf_size(options), 12);
    assert_memory_equal(ldns_rdf_data(options), "\0\12\0\10", 4);
    ldns_pkt_free(packet);
    queryset_free(set);
}

static void an_opt_asked_for_without_a_size_says_1232(void **state)
{
    struct queryset *set = queryset_new(&(struct query_form){.dnssec_ok = true});
    ldns_pkt *packet = read_back(set, queryset_ref(set, add(set, "a.example")));

    (void)state;
    assert_int_equal(ldns_pkt_edns_udp_size(packet), 1232);
    assert_null(ldns_pkt_edns_data(packet));
    ldns_pkt_free(packet);
    queryset_free(set);
}

static void a_suffix_takes_the_place_of_the_root(void **state)
{
    struct queryset *set = plain_set();
    struct question_ref ref = queryset_ref(set, add(set, "svc-1.ns-2."));
    struct question_ref root = queryset_ref(set, add(set, "."));
    uint16_t first = add_suffix(set, "svc.cluster.local");
    uint16_t second = add_suffix(set, "cluster.Local.");

    (void)state;
    assert_asks(set, ref, "svc-1.ns-2.");
    ref.suffix = first;
    assert_asks(set, ref, "svc-1.ns-2.svc.cluster.local.");
    ref.suffix = second;
    assert_asks(set, ref, "svc-1.ns-2.cluster.Local.");
    assert_asks(set, root, ".");
    root.suffix = first;
    assert_asks(set, root, "svc.cluster.local.");
    queryset_free(set);
}

/* What stands in front of a name asked with a serial. */
static void label_of(const struct queryset *set, struct question_ref ref, char out[17])
{
    uint8_t message[QUERY_MAX_OCTETS];

    queryset_render(set, ref, message);
    assert_int_equal(message[MESSAGE_HEADER_OCTETS], 16);
    memcpy(out, message + MESSAGE_HEADER_OCTETS + 1, 16);
    out[16] = '\0';
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void serial_labels_are_hex_digits_and_never_the_same(void **state)
{
    enum { LABELS = 2000 };
    static char labels[LABELS][17];
    struct queryset *set = plain_set();
    struct question_ref ref = queryset_ref(set, add(set, "example.com"));

    (void)state;
    add(set, "example.com");
    for (uint32_t i = 0; i < LABELS; i++) {
        ref.item = i % 2;
        ref.serial = 1 + i / 2;
        label_of(set, ref, labels[i]);
        assert_int_equal(strspn(labels[i], "0123456789abcdef"), 16);
        assert_memory_not_equal(labels[i], labels[i] + 8, 8);
    }
    qsort(labels, LABELS, sizeof(labels[0]), compare_labels);
    for (size_t i = 1; i < LABELS; i++)
        assert_string_not_equal(labels[i - 1], labels[i]);
    queryset_free(set);
}

/* All sixteen digits appear at each place: the digits are those of the number, not some of them. */
static void serial_labels_use_every_digit_at_every_place(void **state)
{
    struct queryset *set = plain_set();
    struct question_ref ref = queryset_ref(set, add(set, "example.com"));
    uint32_t seen[16] = {0};

    (void)state;
    for (ref.serial = 1; ref.serial < 500; ref.serial++) {
        char label[17];

        label_of(set, ref, label);
        for (size_t i = 0; i < 16; i++)
            seen[i] |= 1U << (label[i] <= '9' ? label[i] - '0' : label[i] - 'a' + 10);
    }
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(seen[i], 0xffff);
    queryset_free(set);
}

static void the_seed_alone_decides_labels_and_cookie(void **state)
{
    struct query_form form = {.cookie = true, .seed = 42};
    struct queryset *sets[3];
    uint8_t messages[3][QUERY_MAX_OCTETS];
    size_t len[3];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        form.seed = i < 2 ? 42 : 43;
        sets[i] = queryset_new(&form);
        struct question_ref ref = queryset_ref(sets[i], add(sets[i], "example.com"));
        ref.serial = 5;
        len[i] = queryset_render(sets[i], ref, messages[i]);
    }
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(messages[0], messages[1], len[0]);
    assert_memory_not_equal(messages[0] + 13, messages[2] + 13, 16);
    assert_memory_not_equal(messages[0] + len[0] - 8, messages[2] + len[2] - 8, 8);
    for (size_t i = 0; i < 3; i++)
        queryset_free(sets[i]);
}

/* Every kind of reference: as it is, with suffix, with serial, with both. */
static void for_each_kind(void (*check)(const struct queryset *set, struct question_ref ref))
{
    struct queryset *set = plain_set();
    struct question_ref ref = queryset_ref(set, add(set, "Some-Service.Namespace"));
    uint16_t suffix = add_suffix(set, "svc.cluster.local");

    for (unsigned kind = 0; kind < 4; kind++) {
        ref.serial = (kind & 1) != 0 ? 77 : 0;
        ref.suffix = (kind & 2) != 0 ? suffix : 0;
        check(set, ref);
    }
    queryset_free(set);
}

static void assert_own_question(const struct queryset *set, struct question_ref ref)
{
    uint8_t message[QUERY_MAX_OCTETS];
    size_t len = queryset_render(set, ref, message);
    size_t end = 0;

    assert_true(queryset_question_is(set, ref, (struct bytes){message, len}, &end));
    assert_int_equal(end, len);
    assert_true(queryset_question_is(set, ref, (struct bytes){message, sizeof(message)}, &end));
    assert_int_equal(end, len);
}

static void the_question_asked_is_recognised_and_its_end_told(void **state)
{
    (void)state;
    for_each_kind(assert_own_question);
}

static void assert_any_change_is_seen(const struct queryset *set, struct question_ref ref)
{
    uint8_t message[QUERY_MAX_OCTETS];
    size_t len = queryset_render(set, ref, message);
    size_t end;

    for (size_t i = MESSAGE_HEADER_OCTETS; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            message[i] ^= (uint8_t)(1U << bit);
            assert_false(queryset_question_is(set, ref, (struct bytes){message, len}, &end));
            message[i] ^= (uint8_t)(1U << bit);
        }
    }
}

static void a_question_with_any_bit_changed_is_another(void **state)
{
    (void)state;
    for_each_kind(assert_any_change_is_seen);
}

/* The copy has the exact size, so that the address sanitizer sees a read past its end. */
static void assert_cuts_are_seen(const struct queryset *set, struct question_ref ref)
{
    uint8_t message[QUERY_MAX_OCTETS];
    size_t whole = queryset_render(set, ref, message);
    size_t end;

    for (size_t len = MESSAGE_HEADER_OCTETS; len < whole; len++) {
        uint8_t *cut = malloc(len);

        assert_non_null(cut);
        memcpy(cut, message, len);
        assert_false(queryset_question_is(set, ref, (struct bytes){cut, len}, &end));
        free(cut);
    }
}

static void a_question_cut_short_is_not_the_one_asked(void **state)
{
    (void)state;
    for_each_kind(assert_cuts_are_seen);
}

static void only_names_up_to_255_octets_fit(void **state)
{
    struct queryset *set = plain_set();
    char label[64] = {0};
    char name[256];
    struct question_ref ref;
    uint8_t message[QUERY_MAX_OCTETS];
    uint32_t item;

    (void)state;
    memset(label, 'x', 63);
    snprintf(name, sizeof(name), "%s.%s.%s.%.44s", label, label, label, label);
    assert_int_equal(queryset_add_text(set, name, TYPE_A, &item), ERR_OK);
    ref = queryset_ref(set, item);
    assert_int_equal(queryset_name(set, item).len, 238);
    ref.serial = 1;
    assert_true(queryset_fits(set, ref));
    assert_int_equal(queryset_render(set, ref, message), 12 + 255 + 4);
    assert_own_question(set, ref);
    ref.suffix = add_suffix(set, "y");
    assert_false(queryset_fits(set, ref));
    ref.serial = 0;
    assert_true(queryset_fits(set, ref));
    queryset_free(set);
}

static void what_is_no_name_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {
        {"", ERR_INVALID},        {".a", ERR_INVALID},     {"a..b", ERR_INVALID},
        {"a b", ERR_INVALID},     {"a\tb", ERR_INVALID},   {"..", ERR_INVALID},
        {"a\\2x.b", ERR_INVALID}, {"a\\256", ERR_INVALID}, {"\x7f.b", ERR_INVALID},
    };
    struct queryset *set = plain_set();
    char label[65] = {0};
    char name[4 * 64 + 1] = {0};
    uint32_t item;
    uint16_t number;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(queryset_add_text(set, cases[i].text, TYPE_A, &item), cases[i].err);
        assert_int_equal(queryset_add_suffix(set, cases[i].text, &number), cases[i].err);
    }
    memset(label, 'x', 64);
    assert_int_equal(queryset_add_text(set, label, TYPE_A, &item), ERR_INVALID);
    for (size_t i = 0; i < 4; i++)
        snprintf(name + 64 * i, 65, "%.63s.", label);
    assert_int_equal(queryset_add_text(set, name, TYPE_A, &item), ERR_TOO_LONG);
    memcpy(name + 3 * 64 + 61, ".", 2);
    assert_int_equal(queryset_add_text(set, name, TYPE_A, &item), ERR_OK);
    assert_int_equal(queryset_name(set, item).len, 255);
    memcpy(name + 3 * 64 + 61, "x.", 3);
    assert_int_equal(queryset_add_text(set, name, TYPE_A, &item), ERR_TOO_LONG);
    assert_int_equal(queryset_count(set), 1);
    queryset_free(set);
}

static void wire_that_is_no_name_is_refused(void **state)
{
    static const char *const wrong[] = {"", "\3abc", "\3ab", "\0\0", "\100", "\300\14"};
    static const size_t len[] = {0, 4, 3, 2, 1, 2};
    struct queryset *set = plain_set();
    uint8_t longest[256] = {0};
    uint32_t item;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct bytes wire = {(const uint8_t *)wrong[i], len[i]};
        assert_int_equal(queryset_add(set, wire, TYPE_A, &item), ERR_INVALID);
    }
    for (size_t i = 0; i < 254; i += 2)
        longest[i] = 1;
    assert_int_equal(queryset_add(set, (struct bytes){longest, 255}, TYPE_A, &item), ERR_OK);
    assert_int_equal(queryset_add(set, (struct bytes){longest, 256}, TYPE_A, &item), ERR_TOO_LONG);
    queryset_free(set);
}

static void suffixes_end_at_their_limit(void **state)
{
    struct queryset *set = plain_set();
    uint16_t number;

    (void)state;
    for (size_t i = 0; i < QUERYSET_SUFFIXES_MAX; i++)
        assert_int_equal(add_suffix(set, "a"), i + 1);
    assert_int_equal(queryset_add_suffix(set, "a", &number), ERR_NO_SPACE);
    queryset_free(set);
}

static void many_names_stay_what_they_were(void **state)
{
    struct queryset *set = plain_set();
    char name[64];

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(name, sizeof(name), "n%u.example", i);
        assert_int_equal(add(set, name), i);
    }
    assert_int_equal(queryset_count(set), 20000);
    for (uint32_t i = 0; i < 20000; i += 1999) {
        snprintf(name, sizeof(name), "n%u.example.", i);
        assert_asks(set, queryset_ref(set, i), name);
    }
    assert_in_range(queryset_octets(set), 20000 * (8 + 16), 20000 * 100);
    queryset_free(set);
}

static void a_reference_is_written_with_case_and_escapes(void **state)
{
    struct queryset *set = plain_set();
    struct question_ref ref = queryset_ref(set, add(set, "A\\.b\\007.Example"));
    char out[1100];

    (void)state;
    assert_string_equal(queryset_write(set, ref, out), "A\\.b\\007.Example A");
    ref.suffix = add_suffix(set, "local");
    ref.type = TYPE_HTTPS;
    assert_string_equal(queryset_write(set, ref, out), "A\\.b\\007.Example.local HTTPS");
    queryset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_an_id_of_zero_a_question_and_nothing_else),
        cmocka_unit_test(recursion_is_desired_only_when_told),
        cmocka_unit_test(edns_size_do_and_cookie_stand_in_one_opt),
        cmocka_unit_test(an_opt_asked_for_without_a_size_says_1232),
        cmocka_unit_test(a_suffix_takes_the_place_of_the_root),
        cmocka_unit_test(serial_labels_are_hex_digits_and_never_the_same),
        cmocka_unit_test(serial_labels_use_every_digit_at_every_place),
        cmocka_unit_test(the_seed_alone_decides_labels_and_cookie),
        cmocka_unit_test(the_question_asked_is_recognised_and_its_end_told),
        cmocka_unit_test(a_question_with_any_bit_changed_is_another),
        cmocka_unit_test(a_question_cut_short_is_not_the_one_asked),
        cmocka_unit_test(only_names_up_to_255_octets_fit),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(wire_that_is_no_name_is_refused),
        cmocka_unit_test(suffixes_end_at_their_limit),
        cmocka_unit_test(many_names_stay_what_they_were),
        cmocka_unit_test(a_reference_is_written_with_case_and_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
