/* bench_bytes: what the bounded reader and writer cost over plain loads and stores. */
#include "harness.h"

#include "local53/base/bytes.h"

/* A DNS header: what every message begins with. */
#define HEADER_LEN 12

static uint64_t load_plain(void *arg, uint64_t count)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *p = arg;

        for (size_t at = 0; at < HEADER_LEN; at += 2)
            sum += bench_hide(bytes_get_u16(p + at));
    }
    return sum;
}

static uint64_t read_bounded(void *arg, uint64_t count)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct reader r = reader_init(arg, HEADER_LEN);

        for (size_t at = 0; at < HEADER_LEN; at += 2)
            sum += bench_hide(reader_u16(&r));
        sum += r.failed;
    }
    return sum;
}

static uint64_t store_plain(void *arg, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *p = arg;

        for (size_t at = 0; at < HEADER_LEN; at += 2)
            bytes_put_u16(p + at, (uint16_t)bench_hide(i));
    }
    return *(uint8_t *)arg;
}

static uint64_t write_bounded(void *arg, uint64_t count)
{
    uint64_t failures = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct writer w = writer_init(arg, HEADER_LEN);

        for (size_t at = 0; at < HEADER_LEN; at += 2)
            writer_u16(&w, (uint16_t)bench_hide(i));
        failures += w.failed;
    }
    return failures;
}

int main(void)
{
    uint8_t header[HEADER_LEN] = {0};
    struct bench_result baseline;

    bench_title("bytes: a header of six numbers");
    baseline = bench_run("plain loads", load_plain, header);
    bench_run_against("reader_u16", read_bounded, header, baseline);
    baseline = bench_run("plain stores", store_plain, header);
    bench_run_against("writer_u16", write_bounded, header, baseline);
    return 0;
}
