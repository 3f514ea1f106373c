/* bench_compose: composing the answer of an endpoint name into a buffer: two and six addresses, NODATA,
 * against the bare frame of a reply (header, question, OPT). */
#include "harness.h"

#include <string.h>

#include "local53/base/check.h"
#include "local53/endpoint/compose.h"

struct input {
    struct request request;     /* "api.ecr.eu-west-1.amazonaws.com" with EDNS */
    struct addresses addresses; /* of the endpoint */
    uint8_t reply[1232];        /* where it is written */
};

static uint64_t frame(void *arg, uint64_t count)
{
    static const uint16_t counts[3] = {0, 0, 0};
    const struct reply_status status = {.rcode = RCODE_NOERROR, .ede = EDE_NONE};
    struct input *input = arg;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct writer w = writer_init(input->reply, sizeof(input->reply));

        reply_begin(&w, &input->request);
        reply_end(&w, &input->request, &status, counts);
        sum += bench_hide(w.len);
    }
    return sum;
}

static uint64_t compose(void *arg, uint64_t count)
{
    struct input *input = arg;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct writer w = writer_init(input->reply, sizeof(input->reply));
        struct compose how = {&input->addresses, 5, (uint32_t)i, 1000};

        compose_answer(&w, &input->request, &how);
        sum += bench_hide(w.len);
    }
    return sum;
}

static void read_request(struct request *request, uint16_t type)
{
    static const uint8_t name[] = "\3api\3ecr\11eu-west-1\11amazonaws\3com";
    static const uint8_t opt[] = "\0\0\x29\x04\xd0\0\0\0\0\0";
    static uint8_t packet[MESSAGE_UDP_MIN];
    struct writer w = writer_init(packet, sizeof(packet));
    enum dns_rcode rcode;

    writer_put(&w, "\x12\x34\x01\x00\0\1\0\0\0\0\0\1", MESSAGE_HEADER_OCTETS);
    writer_put(&w, name, sizeof(name));
    writer_u16(&w, type);
    writer_u16(&w, CLASS_IN);
    writer_put(&w, opt, sizeof(opt));
    CHECK(request_parse(request, &rcode, packet, w.len) == REQUEST_ANSWER);
    CHECK(request->qtype == type && request->edns.present);
}

int main(void)
{
    struct input input = {.addresses = {.state = ADDRESSES_FRESH, .expires_ms = 41000}};
    struct bench_result baseline;

    memset(input.addresses.v4, 10, sizeof(input.addresses.v4));
    read_request(&input.request, TYPE_A);
    bench_title("compose: one reply");
    baseline = bench_run("reply frame alone", frame, &input);
    input.addresses.v4_count = 2;
    bench_run_against("A, 2 addresses", compose, &input, baseline);
    input.addresses.v4_count = 6;
    bench_run_against("A, 6 addresses", compose, &input, baseline);
    read_request(&input.request, TYPE_AAAA);
    bench_run_against("AAAA, NODATA", compose, &input, baseline);
    return 0;
}
