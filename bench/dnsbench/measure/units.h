/* units: durations, rates, shares and counts as people write and read them. Pure. */
#ifndef DNSBENCH_MEASURE_UNITS_H
#define DNSBENCH_MEASURE_UNITS_H

#include <stdint.h>

#include "local53/base/err.h"

#define UNITS_TEXT_MAX 32 /* room for any text written here, terminator included */

#define NS_PER_US 1000ULL
#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL

/* Longest duration read: 100 hours, in nanoseconds. */
#define UNITS_DURATION_MAX_NS (360000ULL * NS_PER_S)

/* Reads "10s", "1.5s", "500ms", "20us", "300ns", "2m", "1h" or "0" into nanoseconds. ERR_INVALID
 * for a missing or unknown unit, a sign, trailing text; ERR_TOO_LONG above the longest. */
enum err units_parse_duration(uint64_t *ns, const char *text);

/* Reads events a second: "20000", "20k", "1.5M", each with or without "/s". Above 0, at most 100M;
 * ERR_INVALID otherwise. */
enum err units_parse_rate(double *per_second, const char *text);

/* Reads a share as "0.1%" or "0.001" into 0..1. ERR_INVALID otherwise. */
enum err units_parse_share(double *share, const char *text);

/* Reads a whole number, 0..max, decimal digits only. ERR_INVALID otherwise. */
enum err units_parse_count(uint64_t *count, const char *text, uint64_t max);

/* Three significant digits and a unit: "412 ns", "1.23 ms", "12.0 s"; whole seconds from 1000 on.
 * out has UNITS_TEXT_MAX octets; gives out. */
const char *units_write_duration(uint64_t ns, char *out);

/* Digits in groups of three, "1,234,567". As units_write_duration. */
const char *units_write_count(uint64_t count, char *out);

/* Three significant digits: "20.0k/s", "1.23M/s", "950/s", "1.50/s"; "0/s". As
 * units_write_duration. */
const char *units_write_rate(double per_second, char *out);

/* "0.10 %"; a share above 0 that would read as 0.00 % is written "<0.01 %", one below 1 that would
 * read as 100.00 % ">99.99 %". As units_write_duration. */
const char *units_write_share(double share, char *out);

#endif
