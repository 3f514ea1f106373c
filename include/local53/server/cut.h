/* cut: where the CNAME chain of an upstream's answer enters the name of an endpoint or of a private zone.
 * There it is cut: what upstream says behind that name is not what clients are to get. Pure. */
#ifndef LOCAL53_SERVER_CUT_H
#define LOCAL53_SERVER_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/cache/entry.h"
#include "local53/rules/ruleset.h"

/* True for the names of endpoints and private zones, of which upstreams have nothing to say; rules: the struct ruleset
 * (entry_source's is_ours). */
bool cut_is_ours(const void *rules, const struct name *name);

/* Sets *cut to the number of chain links that are kept, the last of which enters a rule; 0 when none does.
 * False when the answer can neither be cut nor be passed on: the chain is longer than ENTRY_CHAIN_MAX and enters a
 * rule beyond, or it enters one in another class than IN, in which rules have nothing. */
bool cut_of_answer(uint8_t *cut, const struct ruleset *rules, const struct entry_chain *chain,
                   const struct entry_source *source);

/* The same number for a stored entry; its chain beyond an earlier cut is not known any more, which a
 * different number tells. */
uint8_t cut_of_entry(const struct ruleset *rules, const struct entry *entry);

/* True when these rules would have stored an entry that was decided under others as it is: same pool, same
 * cut, no lower cap, no record whose owner is ours now. A failure's chain is not known, so newer rules may stand in
 * front of what failed: it is void under them. name: the entry's own. */
bool cut_is_as_stored(const struct ruleset *rules, const struct entry *entry,
                      const struct name *name);

#endif
