/* fuzz_name: a name at any place of any message. Properties: what we read, ldns reads as the same
 * octets, ending at the same place; what we reject, ldns rejects too, or a compression pointer leads
 * forwards, to itself, or on for more than 127 jumps, which we do not follow (RFC 1035 section 4.1.4
 * speaks of prior occurrences); all readers agree; text form reads back as the same name. */
#include <ldns/ldns.h>
#include <stdint.h>

#include "local53/base/check.h"
#include "local53/dns/name.h"
#include "local53/dns/text.h"

#define MAX_JUMPS 127

/* True when following the name at pos meets a pointer that we do not follow. */
static bool pointer_is_refused(const uint8_t *message, size_t len, size_t pos)
{
    size_t run_start = pos;
    size_t jumps = 0;

    while (pos < len && message[pos] != 0) {
        if (message[pos] < 0x40) {
            pos += message[pos] + (size_t)1;
            continue;
        }
        if (message[pos] < 0xc0 || pos + 1 >= len)
            return false;
        pos = bytes_get_u16(message + pos) & 0x3fffU;
        if (pos >= run_start || ++jumps > MAX_JUMPS)
            return true;
        run_start = pos;
    }
    return false;
}

static void check_labels(const struct name *name)
{
    size_t at = 0;

    for (size_t i = 0; i < name->labels; i++) {
        CHECK(name->offset[i] == at);
        CHECK(name_label(name, i).len == name->wire[at]);
        at += name->wire[at] + (size_t)1;
    }
    CHECK(name->wire[at] == 0);
    CHECK(at + 1 == name->len);
}

static void check_text(const struct name *name)
{
    char text[TEXT_NAME_MAX];
    struct name again;

    CHECK(text_read_name(&again, text_write_name(name, text)) == ERR_OK);
    CHECK(name_equal(name, &again));
}

/* name_read, name_read_plain, name_from_wire and name_skip against the copy with case kept. */
static void check_readers(struct reader start, const uint8_t *wire, size_t len, size_t end)
{
    struct reader r = start;
    struct name name;
    struct name plain;

    CHECK(name_read(&name, &r) == ERR_OK);
    CHECK(r.pos == end);
    CHECK(name_equals_wire(&name, wire, len));
    check_labels(&name);
    r = start;
    CHECK(name_skip(&r) == ERR_OK);
    CHECK(r.pos == end);
    CHECK(name_from_wire(&plain, wire, len) == ERR_OK);
    CHECK(name_equal(&name, &plain));
    check_labels(&plain);
    r = start;
    if (name_read_plain(&plain, &r) == ERR_OK) {
        CHECK(r.pos == end);
        CHECK(name_equal(&name, &plain));
    } else {
        CHECK(end - start.pos != len || memcmp(start.data + start.pos, wire, len) != 0);
    }
    check_text(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t wire[NAME_MAX_OCTETS];
    struct reader start;
    struct reader r;
    struct name name;
    ldns_rdf *oracle = NULL;
    size_t len = 0;
    size_t end;
    bool is_oracle_name;

    if (size < 2)
        return 0;
    start = reader_init(data + 1, size - 1);
    reader_seek(&start, data[0] % start.len);
    end = start.pos;
    is_oracle_name = ldns_wire2dname(&oracle, start.data, start.len, &end) == LDNS_STATUS_OK;
    r = start;
    if (name_copy_wire(wire, &len, &r) == ERR_OK) {
        check_readers(start, wire, len, r.pos);
        CHECK(!is_oracle_name || ldns_rdf_size(oracle) == len);
        CHECK(!is_oracle_name || memcmp(ldns_rdf_data(oracle), wire, len) == 0);
        CHECK(!is_oracle_name || end == r.pos);
    } else {
        CHECK(r.failed);
        r = start;
        CHECK(name_read_plain(&name, &r) != ERR_OK && r.failed);
        CHECK(!is_oracle_name || pointer_is_refused(start.data, start.len, start.pos));
    }
    ldns_rdf_deep_free(oracle);
    return 0;
}
