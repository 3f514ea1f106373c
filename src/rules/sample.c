/* sample: a made-up label stands for all that a wildcard takes.
 * Owns: nothing. Thread: any; no state. Bounds: a name's length. Fails: false for names without room. */
#include "sample.h"

#include <string.h>

bool sample_name(struct name *out, const struct name *name, bool below)
{
    uint8_t wire[sizeof(SAMPLE_LABEL) + NAME_MAX_OCTETS];
    size_t len = sizeof(SAMPLE_LABEL) + name->len;

    if (!below) {
        *out = *name;
        return true;
    }
    wire[0] = sizeof(SAMPLE_LABEL) - 1;
    memcpy(wire + 1, SAMPLE_LABEL, sizeof(SAMPLE_LABEL) - 1);
    memcpy(wire + sizeof(SAMPLE_LABEL), name->wire, name->len);
    return len <= NAME_MAX_OCTETS && name_from_wire(out, wire, len) == ERR_OK;
}
