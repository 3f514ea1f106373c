/* bench_name: reading and comparing names of usual lengths. The baseline is copying the octets and
 * finding the labels, folding one octet at a time: the plainest right way. */
#include <stdio.h>

#include "harness.h"
#include "local53/dns/name.h"

/* One name in wire form, in the case a client may use. */
struct input {
    uint8_t wire[NAME_MAX_OCTETS]; /* uncompressed */
    size_t len;                    /* octets of wire */
    struct name name;              /* the same, read */
};

static void input_set(struct input *input, const char *dotted)
{
    struct writer w = writer_init(input->wire, sizeof(input->wire));

    while (*dotted != '\0') {
        size_t len = strcspn(dotted, ".");

        writer_u8(&w, (uint8_t)len);
        writer_put(&w, dotted, len);
        dotted += dotted[len] == '.' ? len + 1 : len;
    }
    writer_u8(&w, 0);
    input->len = w.len;
    name_from_wire(&input->name, input->wire, input->len);
}

static uint64_t read_by_octets(void *arg, uint64_t count)
{
    const struct input *input = arg;
    struct name name;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        size_t next = 0;

        name.labels = 0;
        for (size_t at = 0; at < input->len; at++) {
            if (at == next && input->wire[at] != 0) {
                name.offset[name.labels++] = (uint8_t)at;
                next = at + input->wire[at] + 1;
            }
            name.wire[at] = name_fold(input->wire[at]);
        }
        sum += bench_hide((uint64_t)(uintptr_t)&name) + name.labels;
    }
    return sum;
}

static uint64_t read_plain(void *arg, uint64_t count)
{
    const struct input *input = arg;
    struct name name;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct reader r = reader_init(input->wire, input->len);

        name_read_plain(&name, &r);
        sum += bench_hide((uint64_t)(uintptr_t)&name) + name.labels;
    }
    return sum;
}

static uint64_t read_any(void *arg, uint64_t count)
{
    const struct input *input = arg;
    struct name name;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct reader r = reader_init(input->wire, input->len);

        name_read(&name, &r);
        sum += bench_hide((uint64_t)(uintptr_t)&name) + name.labels;
    }
    return sum;
}

static uint64_t equals_wire(void *arg, uint64_t count)
{
    const struct input *input = arg;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *wire = (const uint8_t *)(uintptr_t)bench_hide((uintptr_t)input->wire);

        sum += name_equals_wire(&input->name, wire, input->len) ? 1 : 0;
    }
    return sum;
}

int main(void)
{
    static const char *const names[] = {
        "www.Example.com",
        "prod-layer-bucket.S3.eu-west-1.amazonaws.com",
        "vpce-0d1a2b3c4e5f60001-k3v9q1zx.api.ecr.eu-west-1.vpce.amazonaws.com",
    };

    bench_title("name: one name in wire form");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct input input;
        struct bench_result baseline;
        char row[64];

        input_set(&input, names[i]);
        snprintf(row, sizeof(row), "octet by octet, %zu octets", input.len);
        baseline = bench_run(row, read_by_octets, &input);
        snprintf(row, sizeof(row), "name_read_plain, %zu octets", input.len);
        bench_run_against(row, read_plain, &input, baseline);
        snprintf(row, sizeof(row), "name_read, %zu octets", input.len);
        bench_run_against(row, read_any, &input, baseline);
        snprintf(row, sizeof(row), "name_equals_wire, %zu octets", input.len);
        bench_run_against(row, equals_wire, &input, baseline);
    }
    return 0;
}
