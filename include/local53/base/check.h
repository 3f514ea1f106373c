/* check: assertions about ourselves. What comes from outside is an error (err.h); what comes
 * from us is a CHECK. CHECK is always on and guards memory and ownership; ASSERT is compiled
 * into debug and sanitized builds only (it vanishes under NDEBUG). */
#ifndef LOCAL53_BASE_CHECK_H
#define LOCAL53_BASE_CHECK_H

/* Writes one line "file:line: check failed: text" to stderr and aborts. Never returns. */
_Noreturn void check_failed(const char *file, int line, const char *text);

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

#ifdef NDEBUG
#define ASSERT(condition) ((void)sizeof(condition))
#else
#define ASSERT(condition) CHECK(condition)
#endif

#endif
