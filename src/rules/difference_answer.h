/* difference_answer: what a name gets under a ruleset, compared and put into words. */
#ifndef LOCAL53_RULES_DIFFERENCE_ANSWER_H
#define LOCAL53_RULES_DIFFERENCE_ANSWER_H

#include <stdbool.h>

#include "local53/base/arena.h"
#include "local53/rules/difference.h"
#include "local53/rules/ruleset.h"

/* A decision and where it was taken. */
struct difference_side {
    const struct ruleset *ruleset; /* borrowed */
    struct decision decision;      /* of ruleset */
};

/* True when both give the same answers. */
bool difference_same(const struct difference_side *a, const struct difference_side *b);

/* The side in words; values and label live in the arena or in the ruleset. */
struct difference_answer difference_words(const struct difference_side *side, struct arena *arena);

#endif
