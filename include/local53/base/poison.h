/* poison: under the address sanitizer, memory that was given back cannot be touched although it is still
 * mapped; in other builds nothing happens. For allocators of our own. */
#ifndef LOCAL53_BASE_POISON_H
#define LOCAL53_BASE_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define POISON_WORKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_WORKS 1
#endif
#endif
#ifdef POISON_WORKS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

/* From now on size octets at start are nobody's. */
#define POISON(start, size) ASAN_POISON_MEMORY_REGION(start, size)

/* From now on they are somebody's. */
#define UNPOISON(start, size) ASAN_UNPOISON_MEMORY_REGION(start, size)

#endif
