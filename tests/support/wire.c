/* wire: builds DNS messages for tests. Owns nothing; bounds: the caller's writer, labels of 255
 * octets (so that too long ones can be written); fails: the writer's sticky flag. */
#include "wire.h"

#define FLAG_RECURSION_DESIRED 0x0100
#define TYPE_NUMBER_OPT 41
#define CLASS_NUMBER_IN 1
#define POINTER 0xc000
#define UDP_SIZE 1232

void wire_header(struct writer *w, uint16_t flags, const uint16_t counts[4])
{
    writer_u16(w, WIRE_ID);
    writer_u16(w, flags);
    for (int i = 0; i < 4; i++)
        writer_u16(w, counts[i]);
}

void wire_name(struct writer *w, const char *dotted)
{
    while (*dotted != '\0') {
        size_t len = strcspn(dotted, ".");

        writer_u8(w, (uint8_t)len);
        writer_put(w, dotted, len);
        dotted += len;
        dotted += *dotted == '.' ? 1 : 0;
    }
    writer_u8(w, 0);
}

void wire_pointer(struct writer *w, uint16_t target)
{
    writer_u16(w, (uint16_t)(POINTER | target));
}

void wire_question(struct writer *w, const char *dotted, uint16_t type)
{
    wire_name(w, dotted);
    writer_u16(w, type);
    writer_u16(w, CLASS_NUMBER_IN);
}

void wire_record(struct writer *w, uint16_t type, uint32_t ttl, struct bytes rdata)
{
    writer_u16(w, type);
    writer_u16(w, CLASS_NUMBER_IN);
    writer_u32(w, ttl);
    writer_u16(w, (uint16_t)rdata.len);
    writer_put(w, rdata.data, rdata.len);
}

void wire_opt(struct writer *w, uint16_t udp_size, uint32_t ttl, struct bytes options)
{
    writer_u8(w, 0);
    writer_u16(w, TYPE_NUMBER_OPT);
    writer_u16(w, udp_size);
    writer_u32(w, ttl);
    writer_u16(w, (uint16_t)options.len);
    writer_put(w, options.data, options.len);
}

void wire_query(struct writer *w, const char *dotted, uint16_t type, bool edns)
{
    wire_header(w, FLAG_RECURSION_DESIRED, (const uint16_t[4]){1, 0, 0, edns ? 1 : 0});
    wire_question(w, dotted, type);
    if (edns)
        wire_opt(w, UDP_SIZE, 0, (struct bytes){NULL, 0});
}
