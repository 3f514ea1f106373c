/* edns: reads and writes the OPT pseudo record (RFC 6891) with extended errors (RFC 8914).
 * Owns: nothing.
 * Thread: any; no state.
 * Bounds: options are only walked; EDNS_EDE_MAX_TEXT octets of extra text are written.
 * Fails: ERR_TRUNCATED or ERR_MALFORMED and a failed reader; a failed writer. */
#include "local53/dns/edns.h"

#include "local53/base/hot.h"
#include "local53/dns/message.h"

/* CLASS, TTL and RDLENGTH of an OPT: size, upper rcode, version, flags, octets of options. */
#define FIXED_OCTETS 8

/* OPTION-CODE and OPTION-LENGTH in front of each option (RFC 6891 section 6.1.2). */
#define OPTION_HEAD_OCTETS 4

/* OPTION-CODE of an extended error, and the octets of its INFO-CODE (RFC 8914 section 2). */
#define OPTION_EDE 15
#define INFO_CODE_OCTETS 2

static bool options_are_whole(struct bytes options)
{
    while (options.len >= OPTION_HEAD_OCTETS) {
        size_t octets = OPTION_HEAD_OCTETS + (size_t)bytes_get_u16(options.data + 2);

        if (octets > options.len)
            return false;
        options.data += octets;
        options.len -= octets;
    }
    return options.len == 0;
}

/* Options are checked in version 0 only: another version may order its RDATA otherwise, and is
 * answered with BADVERS, not with FORMERR (RFC 6891 section 6.1.3). */
enum err edns_read(struct edns *out, struct reader *r)
{
    const uint8_t *fixed = reader_octets(r, FIXED_OCTETS);
    struct bytes options = {NULL, 0};

    if (fixed == NULL)
        return ERR_TRUNCATED;
    options.len = bytes_get_u16(fixed + 6);
    if (options.len > 0) {
        options.data = reader_octets(r, options.len);
        if (options.data == NULL)
            return ERR_TRUNCATED;
    }
    if (fixed[3] == 0 && !options_are_whole(options)) {
        r->failed = true;
        return ERR_MALFORMED;
    }
    out->present = true;
    out->udp_size = bytes_get_u16(fixed);
    out->rcode_high = fixed[2];
    out->version = fixed[3];
    out->dnssec_ok = (fixed[4] & (EDNS_FLAG_DO >> 8)) != 0;
    return ERR_OK;
}

size_t edns_octets(enum ede_code ede, const char *text)
{
    if (ede == EDE_NONE)
        return EDNS_OPT_OCTETS;
    return EDNS_OPT_OCTETS + OPTION_HEAD_OCTETS + INFO_CODE_OCTETS +
           (text == NULL ? 0 : strnlen(text, EDNS_EDE_MAX_TEXT));
}

/* The one option we write, of so many octets behind its head (RFC 8914 section 2). */
RARE static void write_ede(struct writer *w, enum ede_code ede, const char *text, size_t octets)
{
    writer_u16(w, OPTION_EDE);
    writer_u16(w, (uint16_t)octets);
    writer_u16(w, (uint16_t)ede);
    if (octets > INFO_CODE_OCTETS)
        writer_put(w, text, octets - INFO_CODE_OCTETS);
}

void edns_write(struct writer *w, uint16_t rcode, bool dnssec_ok, enum ede_code ede,
                const char *text)
{
    size_t options = edns_octets(ede, text) - EDNS_OPT_OCTETS;
    const uint8_t fixed[EDNS_OPT_OCTETS] = {0, /* the root */
                                            TYPE_OPT >> 8,
                                            TYPE_OPT & 0xff,
                                            EDNS_UDP_SIZE >> 8,
                                            EDNS_UDP_SIZE & 0xff,
                                            (uint8_t)(rcode >> 4),
                                            0, /* version */
                                            dnssec_ok ? EDNS_FLAG_DO >> 8 : 0,
                                            0,
                                            (uint8_t)(options >> 8),
                                            (uint8_t)options};

    writer_put(w, fixed, sizeof(fixed));
    if (ede != EDE_NONE)
        write_ede(w, ede, text, options - OPTION_HEAD_OCTETS);
}
