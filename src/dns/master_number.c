/* master_number: see the header.
 * Owns: nothing. Thread: any; no state. Bounds: the ranges of the RFCs. Fails: false, and the word is something else. */
#include "master_number.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "local53/dns/message.h"

#define TTL_MAX 0x7fffffffU

/* Seconds of a unit; 0: it is none. */
static uint64_t unit_s(char unit)
{
    switch (unit) {
    case 's':
    case 'S': return 1;
    case 'm':
    case 'M': return 60;
    case 'h':
    case 'H': return 3600;
    case 'd':
    case 'D': return 86400;
    case 'w':
    case 'W': return 604800;
    default: return 0;
    }
}

static bool is_digit(char octet)
{
    return octet >= '0' && octet <= '9';
}

bool master_read_ttl(const char *word, uint32_t *out)
{
    uint64_t total = 0;

    if (*word == '\0')
        return false;
    while (*word != '\0') {
        uint64_t number = 0;

        if (!is_digit(*word))
            return false;
        for (; is_digit(*word) && number <= TTL_MAX; word++)
            number = number * 10 + (uint64_t)(*word - '0');
        if (*word != '\0' && unit_s(*word) == 0)
            return false;
        total += *word == '\0' ? number : number * unit_s(*word++);
        if (total > TTL_MAX)
            return false;
    }
    *out = (uint32_t)total;
    return true;
}

bool master_read_class(const char *word, uint16_t *out)
{
    static const struct {
        const char *word;
        uint16_t class;
    } classes[] = {{"IN", CLASS_IN}, {"CH", 3}, {"HS", 4}};
    unsigned long number;
    char *end = NULL;

    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strcasecmp(word, classes[i].word) == 0) {
            *out = classes[i].class;
            return true;
        }
    }
    if (strncasecmp(word, "CLASS", 5) != 0 || !is_digit(word[5]))
        return false;
    number = strtoul(word + 5, &end, 10);
    *out = (uint16_t)number;
    return *end == '\0' && number <= UINT16_MAX;
}

bool master_is_data(uint16_t type)
{
    return type != 0 && type != TYPE_OPT && (type < 128 || type > 255);
}

char *master_unquote(char *word)
{
    char *to = word;

    for (const char *from = word; *from != '\0'; from++) {
        if (*from == '"')
            continue;
        if (*from == '\\' && from[1] != '\0')
            from++;
        *to++ = *from;
    }
    *to = '\0';
    return word;
}
