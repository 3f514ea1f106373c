/* template: copies what stands there and puts in what the words in braces stand for.
 * Owns: nothing. Thread: any; no state. Bounds: TEMPLATE_MAX octets. Fails: an error code. */
#include "template.h"

#include <stdbool.h>
#include <string.h>

#include "local53/aws/partition.h"

static bool is_word(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

/* What the word that a template goes on with stands for; NULL when it is none of ours, or not given. */
static const char *value_of(const char *word, size_t len, const char *region)
{
    const struct partition *partition;

    if (is_word(word, len, "{region}"))
        return region;
    partition = partition_of_region(region != NULL ? region : "");
    if (is_word(word, len, "{suffix}"))
        return partition->suffix;
    return is_word(word, len, "{dualstack}") ? partition->dualstack_suffix : NULL;
}

/* Octets up to and with the brace that ends a word, or up to the next word. */
static size_t portion_of(const char *at, size_t left)
{
    bool in_braces = *at == '{';
    const char *end = memchr(at, in_braces ? '}' : '{', left);

    if (end == NULL)
        return left;
    return (size_t)(end - at) + in_braces;
}

enum err template_fill(char out[TEMPLATE_MAX], const char *template, size_t len, const char *region)
{
    size_t used = 0;

    for (size_t at = 0, portion; at < len; at += portion) {
        const char *value = template + at;
        size_t value_len;

        portion = value_len = portion_of(value, len - at);
        if (*value == '{') {
            value = value_of(value, portion, region);
            value_len = value != NULL ? strlen(value) : 0;
        }
        if (value == NULL)
            return ERR_INVALID;
        if (used + value_len >= TEMPLATE_MAX)
            return ERR_TOO_LONG;
        memcpy(out + used, value, value_len);
        used += value_len;
    }
    out[used] = '\0';
    return ERR_OK;
}
