/* answers: requests of the control socket: the words, and those with little to tell. The others have files of
 * their own (answers_*.c). Main thread. */
#include "answers.h"

#include <stdbool.h>
#include <string.h>

#include "answers_private.h"
#include "local53/base/nearest.h"
#include "local53/cli/exit_code.h"
#include "local53/dns/text.h"

/* --- what several tell --- */

uint64_t answers_age_s(const struct supervisor *supervisor, size_t i)
{
    const struct addresses *addresses = &supervisor->publisher.current->addresses[i];
    uint64_t since_ms = addresses->confirmed_ms;
    if (supervisor->publisher.current->rules->endpoints[i].target_count == 0)
        return 0;
    if (since_ms == 0)
        since_ms = supervisor->started_ms;
    return (loop_now_ms(supervisor->loop) - since_ms) / 1000;
}

const char *answers_problem(const struct supervisor *supervisor, size_t i)
{
    return supervisor->publisher.next == NULL ? refresh_problem(supervisor->refresh, i) : NULL;
}

uint64_t answers_loops_down(const struct supervisor *supervisor, size_t slot)
{
    uint64_t down = metrics_get(supervisor->metrics, METRICS_UPSTREAM_DOWN, slot);
    for (size_t w = 0; w < supervisor->worker_count; w++)
        down += metrics_get(supervisor->workers[w]->metrics, METRICS_UPSTREAM_DOWN, slot);
    return down;
}

const char *answers_state_word(enum addresses_state state)
{
    static const char *const words[] = {[ADDRESSES_NONE] = "none",
                                        [ADDRESSES_LITERAL] = "literal",
                                        [ADDRESSES_FRESH] = "fresh",
                                        [ADDRESSES_LAST_GOOD] = "last-good"};
    return words[state];
}

const char *answers_pool_text(const struct ruleset *rules, size_t pool, char out[TEXT_NAME_MAX])
{
    if (pool >= rules->config->forward_count)
        return "AWS names";
    return text_write_name(&rules->pools[pool].config->zone, out);
}

/* --- dump --- */

struct dump {
    FILE *out;       /* where to */
    uint64_t now_ms; /* what is over by now is left out */
};

static void dump_entry(void *owner, const struct entry *entry)
{
    static const char *const kinds[] = {[ENTRY_POSITIVE] = "answer",
                                        [ENTRY_NODATA] = "nodata",
                                        [ENTRY_NXDOMAIN] = "nxdomain",
                                        [ENTRY_FAILURE] = "failure"};
    const struct dump *dump = owner;
    uint32_t left_s = entry_ttl_left(entry, dump->now_ms);
    char text[TEXT_NAME_MAX];
    char type[TEXT_TYPE_MAX];
    struct name name;
    if (left_s == 0)
        return;
    entry_name(&name, entry);
    fprintf(dump->out, "%s %s %s %s%s%us %u octets\n", text_write_name(&name, text),
            entry->type == CACHE_TYPE_NXDOMAIN ? "*" : text_write_type(entry->type, type),
            kinds[entry->kind], entry->dnssec_ok ? "do " : "",
            entry->checking_disabled ? "cd " : "", (unsigned)left_s, (unsigned)entry->wire_len);
}

static int dump(struct supervisor *supervisor, bool json, FILE *out)
{
    (void)json;
    struct dump dump = {.out = out, .now_ms = loop_now_ms(supervisor->loop)};
    cache_visit(supervisor->cache, dump_entry, &dump);
    return EXIT_FINE;
}

/* --- requests --- */

static int flush(struct supervisor *supervisor, const char *const *words, size_t count, FILE *out)
{
    bool below = count == 3 && strcmp(words[2], "--below") == 0;
    struct name name;
    if (count < 2 || (count > 2 && !below)) {
        fputs("flush needs one name: flush NAME [--below]\n", out);
        return EXIT_USAGE;
    }
    if (text_read_name(&name, words[1]) != ERR_OK) {
        fprintf(out, "'%s' is not a domain name\n", words[1]);
        return EXIT_USAGE;
    }
    fprintf(out, "%zu entries forgotten\n", cache_flush(supervisor->cache, &name, below));
    return EXIT_FINE;
}

/* One word when it is well, else why not. */
static int tell_health(bool well, const char *word, const char *why, FILE *out)
{
    fprintf(out, "%s\n", well ? word : why);
    return well ? EXIT_FINE : EXIT_FOUND;
}

static int ready(struct supervisor *supervisor, bool json, FILE *out)
{
    char why[SUPERVISOR_WHY_MAX];
    (void)json;
    return tell_health(supervisor_is_ready(supervisor, why), "ready", why, out);
}

static int alive(struct supervisor *supervisor, bool json, FILE *out)
{
    char why[SUPERVISOR_WHY_MAX];
    (void)json;
    return tell_health(supervisor_is_alive(supervisor, why), "alive", why, out);
}

static int reload(struct supervisor *supervisor, bool json, FILE *out)
{
    (void)json;
    if (supervisor->stopping) {
        fputs("stopping\n", out);
        return EXIT_FOUND;
    }
    bool taken = supervisor_reload(supervisor);
    fprintf(out, "%s\n", taken ? "reloaded" : supervisor->reload_problem);
    return taken ? EXIT_FINE : EXIT_USAGE;
}

/* A word that needs nothing more, or --json at most. */
struct plain_word {
    const char *word;
    bool has_json; /* takes --json */
    int (*answer)(struct supervisor *supervisor, bool json, FILE *out);
};

static const struct plain_word plain_words[] = {
    {"ready", false, ready},    {"alive", false, alive}, {"status", true, answers_status},
    {"reload", false, reload},  {"dump", false, dump},   {"leaks", true, answers_leaks},
    {"top", true, answers_top},
};

static int refuse_word(const char *word, FILE *out)
{
    static const char *const known[] = {CONTROL_WORDS};
    const char *nearest = nearest_word(word, known, sizeof(known) / sizeof(known[0]));
    fprintf(out, "unknown word '%s'%s%s%s\n", word, nearest != NULL ? "; did you mean '" : "",
            nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    return EXIT_USAGE;
}

static int answer_plain(struct supervisor *supervisor, const char *const *words, size_t count,
                        FILE *out)
{
    for (size_t i = 0; i < sizeof(plain_words) / sizeof(plain_words[0]); i++) {
        const struct plain_word *plain = &plain_words[i];
        if (strcmp(words[0], plain->word) != 0)
            continue;
        bool json = plain->has_json && count == 2 && strcmp(words[1], "--json") == 0;
        if (count == 1 || json)
            return plain->answer(supervisor, json, out);
        fprintf(out, "'%s' takes no '%s'\n", words[0], words[count - 1]);
        return EXIT_USAGE;
    }
    return refuse_word(words[0], out);
}

int answers_control(void *owner, const char *const *words, size_t count, FILE *out)
{
    struct supervisor *supervisor = owner;
    if (strcmp(words[0], "flush") == 0)
        return flush(supervisor, words, count, out);
    if (strcmp(words[0], "explain") == 0)
        return answers_explain(supervisor, words, count, out);
    return answer_plain(supervisor, words, count, out);
}
