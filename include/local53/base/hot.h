/* hot: tells the compiler how the path of every packet stands to the rest. Only the form of the machine code
 * depends on it, never what it does. */
#ifndef LOCAL53_BASE_HOT_H
#define LOCAL53_BASE_HOT_H

/* A step of the hot path: compiled in one piece with all it calls. */
#define HOT __attribute__((flatten))

/* Seldom needed on the hot path: kept out of those pieces, for they would save registers and make room for
 * it each time. */
#define RARE __attribute__((noinline))

#endif
