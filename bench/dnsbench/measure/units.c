/* units: texts of numbers, read digit by digit, so that neither locale nor "1e3", "0x10" or "inf"
 * matter. Owns: nothing; texts go to the caller's memory. Thread: any; no state.
 * Bounds: UNITS_TEXT_MAX octets a text.
 * Fails: ERR_INVALID and ERR_TOO_LONG, the result untouched. */
#include "measure/units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define RATE_MAX 100e6

/* Digits after the point beyond which no unit here has a meaning. */
#define FRACTION_MAX 15

/* What a suffix multiplies its number by. */
struct unit {
    const char *suffix; /* static storage */
    double factor;      /* in what is given out */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads "12" or "12.5" and gives what follows it, or NULL when there is no such number. A number
 * too large for a double becomes infinite, which every limit refuses. */
static const char *read_number(double *number, const char *text)
{
    double digits = 0;
    double scale = 1;
    if (!is_digit(*text))
        return NULL;
    for (; is_digit(*text); text++)
        digits = digits * 10 + (*text - '0');
    if (*text == '.') {
        const char *fraction = ++text;
        for (; is_digit(*text); text++) {
            digits = digits * 10 + (*text - '0');
            scale *= 10;
        }
        if (text == fraction || text - fraction > FRACTION_MAX)
            return NULL;
    }
    *number = digits / scale;
    return text;
}

/* The unit with exactly this suffix, or NULL. */
static const struct unit *find_unit(const char *suffix, const struct unit *units, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(suffix, units[i].suffix) == 0)
            return &units[i];
    }
    return NULL;
}

enum err units_parse_duration(uint64_t *ns, const char *text)
{
    static const struct unit units[] = {{"ns", 1},  {"us", 1e3}, {"ms", 1e6},
                                        {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    double number = 0;
    const char *suffix = read_number(&number, text);
    if (suffix == NULL)
        return ERR_INVALID;
    const struct unit *unit = find_unit(suffix, units, sizeof(units) / sizeof(units[0]));
    if (unit == NULL && (*suffix != '\0' || number > 0))
        return ERR_INVALID;
    double value = unit == NULL ? 0 : number * unit->factor;
    if (value > (double)UNITS_DURATION_MAX_NS)
        return ERR_TOO_LONG;
    *ns = (uint64_t)(value + 0.5);
    return ERR_OK;
}

enum err units_parse_rate(double *per_second, const char *text)
{
    static const struct unit units[] = {{"", 1},      {"/s", 1},  {"k", 1e3},
                                        {"k/s", 1e3}, {"M", 1e6}, {"M/s", 1e6}};
    double number = 0;
    const char *suffix = read_number(&number, text);
    if (suffix == NULL)
        return ERR_INVALID;
    const struct unit *unit = find_unit(suffix, units, sizeof(units) / sizeof(units[0]));
    if (unit == NULL || number <= 0 || number * unit->factor > RATE_MAX)
        return ERR_INVALID;
    *per_second = number * unit->factor;
    return ERR_OK;
}

enum err units_parse_share(double *share, const char *text)
{
    double number = 0;
    const char *suffix = read_number(&number, text);
    if (suffix == NULL || (*suffix != '\0' && strcmp(suffix, "%") != 0))
        return ERR_INVALID;
    if (*suffix == '%')
        number /= 100;
    if (number > 1)
        return ERR_INVALID;
    *share = number;
    return ERR_OK;
}

enum err units_parse_count(uint64_t *count, const char *text, uint64_t max)
{
    uint64_t value = 0;
    if (*text == '\0')
        return ERR_INVALID;
    for (; is_digit(*text); text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return ERR_INVALID;
        value = value * 10 + digit;
    }
    if (*text != '\0' || value > max)
        return ERR_INVALID;
    *count = value;
    return ERR_OK;
}

/* Writes a number above 0 in the first unit in which it reads below 1000 (the last one takes all),
 * with three significant digits. */
static const char *write_scaled(double number, const struct unit *units, size_t count, char *out)
{
    size_t i = 0;
    while (i + 1 < count && number / units[i].factor >= 999.5)
        i++;
    double scaled = number / units[i].factor;
    int decimals = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
    (void)snprintf(out, UNITS_TEXT_MAX, "%.*f%s", decimals, scaled, units[i].suffix);
    return out;
}

const char *units_write_duration(uint64_t ns, char *out)
{
    static const struct unit units[] = {{" us", 1e3}, {" ms", 1e6}, {" s", 1e9}};
    if (ns < NS_PER_US) {
        (void)snprintf(out, UNITS_TEXT_MAX, "%u ns", (unsigned)ns);
        return out;
    }
    return write_scaled((double)ns, units, sizeof(units) / sizeof(units[0]), out);
}

const char *units_write_count(uint64_t count, char *out)
{
    char digits[UNITS_TEXT_MAX];
    size_t len = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
    char *to = out;
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

const char *units_write_rate(double per_second, char *out)
{
    static const struct unit units[] = {{"/s", 1}, {"k/s", 1e3}, {"M/s", 1e6}};
    if (per_second <= 0) {
        (void)snprintf(out, UNITS_TEXT_MAX, "0/s");
        return out;
    }
    return write_scaled(per_second, units, sizeof(units) / sizeof(units[0]), out);
}

const char *units_write_share(double share, char *out)
{
    double percent = share * 100;
    if (percent > 0 && percent < 0.005)
        (void)snprintf(out, UNITS_TEXT_MAX, "<0.01 %%");
    else if (percent < 100 && percent >= 99.995)
        (void)snprintf(out, UNITS_TEXT_MAX, ">99.99 %%");
    else
        (void)snprintf(out, UNITS_TEXT_MAX, "%.2f %%", percent);
    return out;
}
