/* fuzz_bytes: the reader and the writer against a plain model.
 * The input is a program, two octets a step: what to do, and with which length or offset. Reader
 * steps read the program itself. Property: values, positions, contents and the sticky failure are
 * those of the model after each step; the sanitizer sees each octet touched outside. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/bytes.h"
#include "local53/base/check.h"

/* Room of the writer: small enough that programs fill it. */
#define WRITER_CAP 61

/* What the steps act on, twice: the module's and the model's. */
struct both {
    struct reader reader;        /* under test; over the program */
    struct writer writer;        /* under test; over WRITER_CAP octets of their own */
    size_t read_at;              /* model: octets read */
    bool read_failed;            /* model: a read went past the end */
    uint8_t written[WRITER_CAP]; /* model: what the writer holds */
    size_t write_at;             /* model: octets written */
    bool write_failed;           /* model: a write did not fit */
};

/* Octets the model's reader may use for a step of that length; sets the failure. */
static bool model_may_read(struct both *b, size_t len)
{
    b->read_failed = b->read_failed || b->read_at + len > b->reader.len;
    return !b->read_failed;
}

/* A number of len octets, computed octet by octet. */
static uint32_t model_read(struct both *b, size_t len)
{
    uint32_t value = 0;

    if (model_may_read(b, len))
        for (size_t i = 0; i < len; i++)
            value = value * 256 + b->reader.data[b->read_at++];
    return value;
}

static void model_write(struct both *b, const uint8_t *data, size_t len)
{
    b->write_failed = b->write_failed || b->write_at + len > WRITER_CAP;
    for (size_t i = 0; i < len && !b->write_failed; i++)
        b->written[b->write_at++] = data[i];
}

static void step_read(struct both *b, unsigned action, size_t len)
{
    struct bytes view;
    size_t before = b->read_at;

    switch (action) {
    case 0: CHECK(reader_u8(&b->reader) == model_read(b, 1)); break;
    case 1: CHECK(reader_u16(&b->reader) == model_read(b, 2)); break;
    case 2: CHECK(reader_u32(&b->reader) == model_read(b, 4)); break;
    case 3:
        view = reader_take(&b->reader, len);
        model_read(b, len);
        CHECK(view.len == b->read_at - before);
        CHECK(view.len == 0 || view.data == b->reader.data + before);
        break;
    case 4:
        reader_skip(&b->reader, len);
        model_read(b, len);
        break;
    default:
        reader_seek(&b->reader, len);
        b->read_failed = b->read_failed || len > b->reader.len;
        b->read_at = b->read_failed ? b->read_at : len;
        break;
    }
}

static void step_write(struct both *b, unsigned action, size_t len)
{
    uint8_t number[4] = {(uint8_t)len, (uint8_t)(len ^ 0xff), 0x35, (uint8_t)(len + 1)};

    switch (action) {
    case 0:
        writer_u8(&b->writer, number[0]);
        model_write(b, number, 1);
        break;
    case 1:
        writer_u16(&b->writer, bytes_get_u16(number));
        model_write(b, number, 2);
        break;
    case 2:
        writer_u32(&b->writer, bytes_get_u32(number));
        model_write(b, number, 4);
        break;
    case 3:
        len = len < b->reader.len ? len : b->reader.len;
        writer_put(&b->writer, b->reader.data, len);
        model_write(b, b->reader.data, len);
        break;
    default:
        if (!b->write_failed && len + 2 <= b->write_at) {
            writer_patch_u16(&b->writer, len, 0x3536);
            memcpy(b->written + len, "56", 2);
        }
        break;
    }
}

static void check_same(const struct both *b)
{
    CHECK(b->reader.failed == b->read_failed && b->reader.pos == b->read_at);
    CHECK(reader_left(&b->reader) == (b->read_failed ? 0 : b->reader.len - b->read_at));
    CHECK(b->writer.failed == b->write_failed && b->writer.len == b->write_at);
    CHECK(memcmp(b->writer.data, b->written, b->write_at) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct both b = {.reader = reader_init(data, size)};
    uint8_t *memory = malloc(WRITER_CAP);

    CHECK(memory != NULL);
    b.writer = writer_init(memory, WRITER_CAP);
    for (size_t i = 0; i + 1 < size; i += 2) {
        if (data[i] % 2 == 0)
            step_read(&b, data[i] / 2 % 6, data[i + 1]);
        else
            step_write(&b, data[i] / 2 % 5, data[i + 1]);
        check_same(&b);
    }
    free(memory);
    return 0;
}
