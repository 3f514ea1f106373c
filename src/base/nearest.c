/* nearest: the "did you mean" of an error. Pure; owns nothing. */
#include "local53/base/nearest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "local53/base/check.h"

/* Longest word that nearness is looked at for, in octets. */
#define NEAREST_WORD_MAX 64

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter + ('a' - 'A')) : letter;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Two neighbours of a stand in b the other way round. */
static bool is_swapped(const char *a, const char *b)
{
    return lower(a[0]) == lower(b[1]) && lower(a[1]) == lower(b[0]);
}

/* Edits from a to b: one octet put in, taken out or changed, or two neighbours swapped ("optimal string
 * alignment"). Rows i-2, i-1 and i of its table are kept. Both at most NEAREST_WORD_MAX long. */
static size_t count_edits(const char *a, const char *b)
{
    size_t rows[3][NEAREST_WORD_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);

    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);

            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (same ? 0 : 1));
            bool swapped = i > 1 && j > 1 && is_swapped(a + i - 2, b + j - 2);
            row[j] = least(row[j], swapped ? rows[(i - 2) % 3][j - 2] + 1 : SIZE_MAX);
        }
    }
    return rows[a_len % 3][b_len];
}

static const char *first_with_prefix(const char *word, const char *const *words, size_t count)
{
    size_t len = strlen(word);

    for (size_t i = 0; len > 0 && i < count; i++) {
        if (strncmp(words[i], word, len) == 0 && words[i][len] == '.')
            return words[i];
    }
    return NULL;
}

const char *nearest_word(const char *word, const char *const *words, size_t count)
{
    size_t len = strlen(word);
    size_t limit = len / 3 > 2 ? len / 3 : 2;
    const char *nearest = first_with_prefix(word, words, count);

    if (nearest != NULL || len > NEAREST_WORD_MAX)
        return nearest;
    limit = len > 0 ? least(limit, len - 1) : 0;
    for (size_t i = 0; i < count; i++) {
        size_t edits =
            strlen(words[i]) <= NEAREST_WORD_MAX ? count_edits(word, words[i]) : SIZE_MAX;

        if (edits <= limit && (nearest == NULL || edits < limit)) {
            nearest = words[i];
            limit = edits;
        }
    }
    return nearest;
}
