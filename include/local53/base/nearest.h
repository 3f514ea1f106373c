/* nearest: the known word that a mistyped one most likely meant. */
#ifndef LOCAL53_BASE_NEAREST_H
#define LOCAL53_BASE_NEAREST_H

#include <stddef.h>

/* The nearest of count words to `word`, or NULL: the "did you mean" of an error. That is the first word
 * that begins with `word` and a dot ("ecr" finds "ecr.api"), else the one with the fewest edits (swapped
 * neighbours are one; case does not count), at most 2 or a third of its length and less than its length.
 * Words over 64 octets are near to nothing. */
const char *nearest_word(const char *word, const char *const *words, size_t count);

#endif
