/* talk: what stage says and hears, between text and DNS messages. Records are read and written by
 * ldns, so that the program's own reader and writer are not their own judge. */
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/bytes.h"
#include "local53/base/check.h"
#include "stage.h"
#include "wire.h"

#define CLIENT_PORT 40000
#define EDE_OPTION 15 /* RFC 8914 section 2 */

/* --- text that grows --- */

struct text {
    char *at;    /* borrowed; the stage's text */
    size_t used; /* characters, without the terminator */
};

static void text_add(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text->at + text->used, STAGE_TEXT_MAX - text->used, format, arguments);
    va_end(arguments);
    CHECK(len >= 0 && text->used + (size_t)len < STAGE_TEXT_MAX);
    text->used += (size_t)len;
}

static struct text text_begin(struct stage *stage)
{
    stage->text[0] = '\0';
    return (struct text){stage->text, 0};
}

/* --- questions --- */

/* What the words of a question say. */
struct asking {
    char name[256];
    uint16_t type;
    uint16_t class;
    uint16_t id;
    uint16_t flags;
    unsigned client;
    unsigned edns_size; /* 0: no EDNS */
    bool dnssec_ok;
};

static void take_word(struct asking *asking, const char *word)
{
    if (strncmp(word, "id=", 3) == 0)
        asking->id = (uint16_t)strtoul(word + 3, NULL, 10);
    else if (strncmp(word, "from=", 5) == 0)
        asking->client = (unsigned)strtoul(word + 5, NULL, 10);
    else if (strncmp(word, "edns=", 5) == 0)
        asking->edns_size = (unsigned)strtoul(word + 5, NULL, 10);
    else if (strcmp(word, "CH") == 0)
        asking->class = CLASS_CH;
    else if (strcmp(word, "ANY") == 0)
        asking->class = CLASS_ANY;
    else if (strcmp(word, "-rd") == 0)
        asking->flags &= (uint16_t)~FLAG_RD;
    else if (strcmp(word, "ad") == 0)
        asking->flags |= FLAG_AD;
    else if (strcmp(word, "cd") == 0)
        asking->flags |= FLAG_CD;
    else if (strcmp(word, "do") == 0)
        asking->dnssec_ok = true;
    else
        fail_msg("no such word in a question: %s", word);
}

static struct asking parse_question(const char *question)
{
    char text[512];
    char *rest = text;
    struct asking asking = {.class = CLASS_IN, .id = WIRE_ID, .flags = FLAG_RD, .client = 1};
    CHECK(snprintf(text, sizeof(text), "%s", question) < (int)sizeof(text));
    const char *name = strtok_r(rest, " ", &rest);
    const char *type = strtok_r(rest, " ", &rest);
    CHECK(name != NULL && type != NULL);
    snprintf(asking.name, sizeof(asking.name), "%s", strcmp(name, ".") == 0 ? "" : name);
    asking.type = (uint16_t)ldns_get_rr_type_by_name(type);
    CHECK(asking.type != 0);
    for (const char *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
        take_word(&asking, word);
    if (asking.dnssec_ok && asking.edns_size == 0)
        asking.edns_size = EDNS_UDP_SIZE;
    return asking;
}

static size_t write_question(uint8_t *out, size_t cap, const struct asking *asking)
{
    struct writer w = writer_init(out, cap);
    const uint16_t counts[4] = {1, 0, 0, asking->edns_size > 0 ? 1 : 0};
    wire_header(&w, asking->flags, counts);
    wire_name(&w, asking->name);
    writer_u16(&w, asking->type);
    writer_u16(&w, asking->class);
    if (asking->edns_size > 0)
        wire_opt(&w, (uint16_t)asking->edns_size, asking->dnssec_ok ? EDNS_FLAG_DO : 0,
                 (struct bytes){NULL, 0});
    CHECK(!w.failed);
    bytes_put_u16(out, asking->id);
    return w.len;
}

static struct addr client_addr(unsigned client)
{
    struct addr addr;
    CHECK(addr_parse(&addr, "10.0.9.9", 0) == ERR_OK);
    return addr_with_port(addr, (uint16_t)(CLIENT_PORT + client));
}

void stage_send(struct stage *stage, size_t worker, const char *question)
{
    uint8_t packet[512];
    struct asking asking = parse_question(question);
    size_t len = write_question(packet, sizeof(packet), &asking);
    struct addr from = client_addr(asking.client);
    struct udp_server *server = fake_udp_server(&stage->listen, worker);
    CHECK(server != NULL);
    fake_udp_deliver(server, &from, packet, len);
}

void stage_ask(struct stage *stage, size_t worker, const char *question)
{
    stage_send(stage, worker, question);
    fake_net_run();
}

/* --- messages as text --- */

static const char *rcode_word(unsigned rcode)
{
    ldns_lookup_table *row = ldns_lookup_by_id(ldns_rcodes, (int)rcode);
    return row == NULL ? "?" : row->name;
}

static void tell_head(struct text *text, const ldns_pkt *pkt)
{
    unsigned rcode = (unsigned)ldns_pkt_get_rcode(pkt) | (unsigned)ldns_pkt_edns_extended_rcode(pkt)
                                                             << 4;
    text_add(text, "%s%s%s%s%s%s%s\n", rcode == RCODE_BADVERS ? "BADVERS" : rcode_word(rcode),
             ldns_pkt_aa(pkt) ? " aa" : "", ldns_pkt_tc(pkt) ? " tc" : "",
             ldns_pkt_rd(pkt) ? " rd" : "", ldns_pkt_ra(pkt) ? " ra" : "",
             ldns_pkt_ad(pkt) ? " ad" : "", ldns_pkt_cd(pkt) ? " cd" : "");
}

/* Records, one a line, blanks for tabs. */
static void tell_records(struct text *text, const ldns_rr_list *list, const char *prefix)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        char *line = ldns_rr2str(ldns_rr_list_rr(list, i));
        CHECK(line != NULL);
        for (char *c = line; *c != '\0'; c++)
            *c = (char)(*c == '\t' ? ' ' : *c);
        text_add(text, "%s%s", prefix, line);
        free(line);
    }
}

static void tell_edns(struct text *text, const ldns_pkt *pkt)
{
    const ldns_rdf *options = ldns_pkt_edns_data(pkt);
    if (!ldns_pkt_edns(pkt))
        return;
    text_add(text, "edns %u%s", ldns_pkt_edns_udp_size(pkt), ldns_pkt_edns_do(pkt) ? " do" : "");
    if (options != NULL && ldns_rdf_size(options) >= 6 &&
        bytes_get_u16(ldns_rdf_data(options)) == EDE_OPTION)
        text_add(text, " ede=%u", bytes_get_u16(ldns_rdf_data(options) + 4));
    text_add(text, "\n");
}

static const char *tell_reply(struct stage *stage, const uint8_t *data, size_t len)
{
    struct text text = text_begin(stage);
    ldns_pkt *pkt = NULL;
    assert_int_equal(ldns_wire2pkt(&pkt, data, len), LDNS_STATUS_OK);
    assert_true(ldns_pkt_qr(pkt));
    stage->reply_id = ldns_pkt_id(pkt);
    stage->reply_len = len;
    tell_head(&text, pkt);
    tell_records(&text, ldns_pkt_question(pkt), "? ");
    tell_records(&text, ldns_pkt_answer(pkt), "");
    tell_records(&text, ldns_pkt_authority(pkt), "auth ");
    tell_records(&text, ldns_pkt_additional(pkt), "add ");
    tell_edns(&text, pkt);
    ldns_pkt_free(pkt);
    return stage->text;
}

const char *stage_reply(struct stage *stage, unsigned client)
{
    struct fake_packet packet;
    struct addr to = client_addr(client);
    if (!fake_udp_take_reply(&to, &packet))
        return "";
    assert_true(addr_equal(&packet.from, &stage->listen));
    return tell_reply(stage, packet.data, packet.len);
}

const char *stage_lookup(struct stage *stage, size_t worker, const char *question)
{
    struct asking asking = parse_question(question);
    stage_ask(stage, worker, question);
    const char *reply = stage_reply(stage, asking.client);
    if (reply[0] != '\0')
        assert_int_equal(stage->reply_id, asking.id);
    return reply;
}

const char *stage_resolve(struct stage *stage, const char *question, const char *answer)
{
    stage_ask(stage, 0, question);
    assert_string_not_equal(stage_query(stage), "");
    stage_answer(stage, answer);
    return stage_reply(stage, 1);
}

void stage_expect_start(const char *text, const char *start)
{
    if (strncmp(text, start, strlen(start)) != 0)
        assert_string_equal(text, start);
}

/* --- TCP --- */

uint64_t stage_connect(struct stage *stage)
{
    struct addr from = client_addr(0);
    uint64_t id = fake_tcp_connect(&stage->listen, &from);
    fake_net_run();
    return id;
}

size_t stage_frame(uint8_t *out, size_t cap, const char *question)
{
    struct asking asking = parse_question(question);
    CHECK(cap > 2);
    size_t len = write_question(out + 2, cap - 2, &asking);
    bytes_put_u16(out, (uint16_t)len);
    return len + 2;
}

void stage_tcp_ask(struct stage *stage, uint64_t connection, const char *question)
{
    uint8_t frame[512];
    (void)stage;
    fake_tcp_send(connection, frame, stage_frame(frame, sizeof(frame), question));
    fake_net_run();
}

const char *stage_tcp_reply(struct stage *stage, uint64_t connection)
{
    static uint8_t message[MESSAGE_MAX_OCTETS];
    uint8_t head[2];
    if (fake_tcp_take(connection, head, sizeof(head)) == 0)
        return "";
    size_t len = bytes_get_u16(head);
    assert_int_equal(fake_tcp_take(connection, message, len), len);
    return tell_reply(stage, message, len);
}

/* --- upstream servers --- */

/* The query without a trailing port 53, which all of them have. */
static void tell_query(struct text *text, const struct fake_packet *packet, const ldns_pkt *pkt)
{
    char address[ADDR_TEXT_MAX];
    struct addr server = addr_with_port(packet->to, 0);
    const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(pkt), 0);
    char *name = ldns_rdf2str(ldns_rr_owner(question));
    char *type = ldns_rr_type2str(ldns_rr_get_type(question));
    text_add(text, "%s %s %s%s%s%s", addr_format(&server, address), name, type,
             ldns_pkt_rd(pkt) ? " rd" : "", ldns_pkt_cd(pkt) ? " cd" : "",
             ldns_pkt_edns_do(pkt) ? " do" : "");
    free(name);
    free(type);
}

const char *stage_query(struct stage *stage)
{
    struct text text = text_begin(stage);
    ldns_pkt *pkt = NULL;
    if (!fake_upstream_take(NULL, &stage->asked))
        return stage->text;
    assert_int_equal(ldns_wire2pkt(&pkt, stage->asked.data, stage->asked.len), LDNS_STATUS_OK);
    assert_int_equal(ldns_pkt_qdcount(pkt), 1);
    tell_query(&text, &stage->asked, pkt);
    ldns_pkt_free(pkt);
    return stage->text;
}

size_t stage_drop_queries(struct stage *stage)
{
    size_t count = 0;
    while (fake_upstream_take(NULL, &stage->asked))
        count++;
    return count;
}

/* "NOERROR aa ad": what the header says. */
static void put_head(ldns_pkt *pkt, char *line)
{
    char *rest = line;
    const char *rcode = strtok_r(rest, " ", &rest);
    ldns_lookup_table *row = ldns_lookup_by_name(ldns_rcodes, rcode);
    CHECK(row != NULL);
    ldns_pkt_set_rcode(pkt, (uint8_t)row->id);
    for (const char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        if (strcmp(word, "aa") == 0)
            ldns_pkt_set_aa(pkt, true);
        else if (strcmp(word, "ad") == 0)
            ldns_pkt_set_ad(pkt, true);
        else if (strcmp(word, "tc") == 0)
            ldns_pkt_set_tc(pkt, true);
        else
            fail_msg("no such word in an answer: %s", word);
    }
}

static void put_record(ldns_pkt *pkt, const char *line)
{
    ldns_pkt_section section = LDNS_SECTION_ANSWER;
    ldns_rr *rr = NULL;
    if (strncmp(line, "auth ", 5) == 0)
        section = LDNS_SECTION_AUTHORITY;
    else if (strncmp(line, "add ", 4) == 0)
        section = LDNS_SECTION_ADDITIONAL;
    line += section == LDNS_SECTION_AUTHORITY ? 5 : section == LDNS_SECTION_ADDITIONAL ? 4 : 0;
    if (ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL) != LDNS_STATUS_OK)
        fail_msg("not a record: %s", line);
    CHECK(ldns_pkt_push_rr(pkt, section, rr));
}

/* An answer to the last query taken, in its frame. */
static ldns_pkt *build_answer(const struct stage *stage, const char *answer)
{
    char text[STAGE_TEXT_MAX];
    char *rest = text;
    ldns_pkt *pkt = NULL;
    CHECK(ldns_wire2pkt(&pkt, stage->asked.data, stage->asked.len) == LDNS_STATUS_OK);
    CHECK(snprintf(text, sizeof(text), "%s", answer) < (int)sizeof(text));
    ldns_pkt_set_qr(pkt, true);
    ldns_pkt_set_ra(pkt, true);
    ldns_pkt_set_ad(pkt, false);
    put_head(pkt, strtok_r(rest, "\n", &rest));
    for (const char *line; (line = strtok_r(rest, "\n", &rest)) != NULL;)
        put_record(pkt, line);
    return pkt;
}

void stage_answer(struct stage *stage, const char *answer)
{
    ldns_pkt *pkt = build_answer(stage, answer);
    uint8_t *wire = NULL;
    size_t len = 0;
    CHECK(ldns_pkt2wire(&wire, pkt, &len) == LDNS_STATUS_OK);
    CHECK(fake_upstream_answer(stage->asked.socket, wire, len));
    free(wire);
    ldns_pkt_free(pkt);
    fake_net_run();
}
