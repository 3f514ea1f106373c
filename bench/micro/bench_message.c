/* bench_message: parsing a client's query and framing its reply. The baseline is reading the name of
 * the question alone. */
#include "harness.h"
#include "local53/dns/reply.h"

/* Octets of a query: header, the name below, type and class, and an OPT with a cookie. */
#define QUERY_MAX 128

/* "api.ecr-fips.eu-west-1.AmazonAWS.com": 38 octets in wire. */
static const uint8_t QNAME[] = "\3api\10ecr-fips\11eu-west-1\11AmazonAWS\3com";

/* A query and what was parsed from it. */
struct input {
    uint8_t packet[QUERY_MAX]; /* as received */
    size_t len;                /* octets of packet */
    struct request request;    /* parsed from packet */
};

static void input_set(struct input *input, bool edns, bool cookie)
{
    struct writer w = writer_init(input->packet, sizeof(input->packet));
    enum dns_rcode rcode;

    writer_u32(&w, 0x12340120);
    writer_u32(&w, 0x00010000);
    writer_u32(&w, edns ? 1 : 0);
    writer_put(&w, QNAME, sizeof(QNAME));
    writer_u32(&w, 0x00010001);
    if (edns)
        edns_write(&w, 0, false, EDE_NONE, NULL);
    if (cookie) {
        writer_patch_u16(&w, w.len - 2, 12);
        writer_u32(&w, 0x000a0008);
        writer_put(&w, "clientck", 8);
    }
    input->len = w.len;
    request_parse(&input->request, &rcode, input->packet, input->len);
}

static uint64_t read_name(void *arg, uint64_t count)
{
    const struct input *input = arg;
    struct name name;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct reader r = reader_init(input->packet, input->len);

        r.pos = MESSAGE_HEADER_OCTETS;
        name_read_plain(&name, &r);
        sum += bench_hide((uint64_t)(uintptr_t)&name) + name.labels;
    }
    return sum;
}

static uint64_t parse(void *arg, uint64_t count)
{
    struct input *input = arg;
    enum dns_rcode rcode;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        sum += request_parse(&input->request, &rcode, input->packet, input->len);
        sum += bench_hide((uint64_t)(uintptr_t)&input->request);
    }
    return sum;
}

static uint64_t reply(void *arg, uint64_t count)
{
    const struct input *input = arg;
    const struct reply_status status = {RCODE_REFUSED, EDE_NONE, NULL};
    uint8_t octets[QUERY_MAX];
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct writer w = writer_init(octets, sizeof(octets));

        reply_write_error(&w, &input->request, &status);
        sum += bench_hide((uint64_t)(uintptr_t)octets) + w.len;
    }
    return sum;
}

int main(void)
{
    struct input plain;
    struct input edns;
    struct input cookie;
    struct bench_result baseline;

    input_set(&plain, false, false);
    input_set(&edns, true, false);
    input_set(&cookie, true, true);
    bench_title("message: a question of 38 octets");
    baseline = bench_run("name_read_plain", read_name, &plain);
    bench_run_against("request_parse, no OPT", parse, &plain, baseline);
    bench_run_against("request_parse, OPT", parse, &edns, baseline);
    bench_run_against("request_parse, OPT with a cookie", parse, &cookie, baseline);
    bench_run_against("reply_write_error, no OPT", reply, &plain, baseline);
    bench_run_against("reply_write_error, OPT", reply, &edns, baseline);
    return 0;
}
