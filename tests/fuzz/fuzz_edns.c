/* fuzz_edns: the rest of an OPT record behind owner and type. Properties: ldns reads the same fields;
 * options of version 0 are whole for us when they are for ldns; what we write reads back, in as many
 * octets as was said. */
#include <ldns/ldns.h>
#include <stdint.h>

#include "local53/base/check.h"
#include "local53/dns/edns.h"
#include "local53/dns/message.h"

/* Octets of the input that are used: an OPT is short. */
#define INPUT_MAX 512

/* CLASS, TTL and RDLENGTH. */
#define FIXED_OCTETS 8

/* A response that is nothing but a header and this OPT, for ldns. NULL when ldns rejects it. */
static ldns_pkt *oracle_read(const uint8_t *data, size_t size)
{
    uint8_t message[MESSAGE_HEADER_OCTETS + 3 + INPUT_MAX] = {[11] = 1, [14] = TYPE_OPT};
    ldns_pkt *packet = NULL;

    memcpy(message + MESSAGE_HEADER_OCTETS + 3, data, size);
    if (ldns_wire2pkt(&packet, message, MESSAGE_HEADER_OCTETS + 3 + size) != LDNS_STATUS_OK)
        return NULL;
    return packet;
}

/* Options by the straight road: each head and each body must be there. */
static bool options_are_whole(const uint8_t *data, size_t size)
{
    struct reader r = reader_init(data, size);

    while (reader_left(&r) > 0) {
        reader_skip(&r, 2);
        reader_skip(&r, reader_u16(&r));
    }
    return !r.failed;
}

static void check_fields(const struct edns *edns, const uint8_t *data, size_t size)
{
    ldns_pkt *packet = oracle_read(data, size);

    CHECK(edns->present);
    CHECK(packet != NULL);
    CHECK(ldns_pkt_edns_udp_size(packet) == edns->udp_size);
    CHECK(ldns_pkt_edns_extended_rcode(packet) == edns->rcode_high);
    CHECK(ldns_pkt_edns_version(packet) == edns->version);
    CHECK(ldns_pkt_edns_do(packet) == edns->dnssec_ok);
    ldns_pkt_free(packet);
}

static void check_rejected(enum err err, const uint8_t *data, size_t size)
{
    size_t options = size < FIXED_OCTETS ? 0 : bytes_get_u16(data + 6);

    if (err == ERR_TRUNCATED) {
        CHECK(size < FIXED_OCTETS || size - FIXED_OCTETS < options);
        return;
    }
    CHECK(err == ERR_MALFORMED);
    CHECK(data[3] == 0 && !options_are_whole(data + FIXED_OCTETS, options));
}

/* The input as the text of an extended error, with any rcode. */
static void check_written(const uint8_t *data, size_t size)
{
    uint8_t octets[256] = {0};
    char text[INPUT_MAX + 1] = {0};
    struct writer w = writer_init(octets, sizeof(octets));
    struct edns edns = {0};
    struct reader r;
    uint16_t rcode = (uint16_t)(size == 0 ? 0 : data[0] << 4);

    memcpy(text, data, size);
    edns_write(&w, rcode, rcode % 32 == 0, EDE_NETWORK_ERROR, text);
    CHECK(!w.failed && w.len == edns_octets(EDE_NETWORK_ERROR, text));
    r = reader_init(octets, w.len);
    reader_skip(&r, 3);
    CHECK(edns_read(&edns, &r) == ERR_OK && reader_left(&r) == 0);
    CHECK(edns.udp_size == EDNS_UDP_SIZE && edns.version == 0);
    CHECK(edns.rcode_high == rcode >> 4 && edns.dnssec_ok == (rcode % 32 == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nothing[1];
    struct edns edns = {0};
    struct reader r;
    enum err err;

    data = size == 0 ? nothing : data;
    size = size > INPUT_MAX ? INPUT_MAX : size;
    r = reader_init(data, size);
    err = edns_read(&edns, &r);
    CHECK(r.failed == (err != ERR_OK));
    if (err != ERR_OK) {
        CHECK(!edns.present);
        check_rejected(err, data, size);
    } else {
        CHECK(r.pos == FIXED_OCTETS + (size_t)bytes_get_u16(data + 6));
        CHECK(edns.version != 0 || options_are_whole(data + FIXED_OCTETS, r.pos - FIXED_OCTETS));
        check_fields(&edns, data, r.pos);
    }
    check_written(data, size);
    return 0;
}
