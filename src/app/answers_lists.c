/* answers_lists: the lists of questions: AWS names that no rule has, and the names asked most; as tables and
 * as JSON. Main thread; the lists are the loops'. Bounds: LEAKS_KNOWN_MAX and LEAKS_OTHER_MAX rows, TOP_MAX
 * rows. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "answers_private.h"
#include "local53/base/check.h"
#include "local53/cli/exit_code.h"
#include "local53/cli/json_text.h"
#include "local53/dns/text.h"
#include "local53/explain/explain.h"

/* Rows of `top`, and questions told apart while the loops' lists are added up. */
#define TOP_MAX 100
#define TOP_SUM_MAX (4 * WORKER_ASKED_MAX)

/* Names of one service that the text of `leaks` has; a client's buckets would hide all other services. */
#define LEAKS_OF_SERVICE_MAX 5

/* Room for "12345-67890". */
#define COUNT_TEXT_MAX 48

/* A question as it is told. */
struct row {
    const struct toplist_item *item; /* borrowed */
    char name[TEXT_NAME_MAX];        /* its name */
    char type[TEXT_TYPE_MAX];        /* its type */
    char count[COUNT_TEXT_MAX];      /* how often: one number, or two it is between */
};

static void make_row(struct row *row, const struct toplist_item *item)
{
    unsigned long long most = item->count;
    unsigned long long least = item->count - item->error;
    row->item = item;
    text_write_name(&item->name, row->name);
    text_write_type(item->type, row->type);
    if (least == most)
        snprintf(row->count, sizeof(row->count), "%llu", most);
    else
        snprintf(row->count, sizeof(row->count), "%llu-%llu", least, most);
}

/* The members every row has, the object left open. */
static void open_json_row(FILE *out, const struct row *row, bool first)
{
    fprintf(out, "%s{\"name\":", first ? "" : ",");
    json_text_write(out, row->name);
    fprintf(out, ",\"type\":\"%s\",\"count\":%llu,\"error\":%llu", row->type,
            (unsigned long long)row->item->count, (unsigned long long)row->item->error);
}

/* --- leaks --- */

/* The questions of one kind that the running rules still let through. */
static size_t still_leaking(struct supervisor *supervisor, enum services_kind kind,
                            struct toplist_item items[LEAKS_KNOWN_MAX])
{
    const struct ruleset *rules = supervisor->publisher.current->rules;
    size_t count =
        leaks_items(supervisor->leaks, kind, items, LEAKS_KNOWN_MAX, loop_now_ms(supervisor->loop));
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (leaks_are_of(leaks_services(supervisor->leaks), rules, &items[i].name))
            items[kept++] = items[i];
    return kept;
}

/* The service of each question; its row is NULL where there is none. */
static struct services_match *find_services(const struct services *services,
                                            const struct toplist_item *items, size_t count)
{
    struct services_match *matches = calloc(count + 1, sizeof(*matches));
    CHECK(matches != NULL);
    for (size_t i = 0; i < count; i++)
        if (services_find(services, &items[i].name, &matches[i]) != SERVICES_KNOWN)
            matches[i].row = NULL;
    return matches;
}

/* How many from..to are of the service that `of` is of; dual-stack names and others ask for different lines. */
static size_t count_alike(const struct services_match *matches, size_t from, size_t to, size_t of)
{
    const struct services_match *match = &matches[of];
    size_t count = 0;
    for (size_t i = from; i < to && match->row != NULL; i++)
        count += matches[i].row == match->row && matches[i].dualstack == match->dualstack &&
                 matches[i].fips == match->fips && strcmp(matches[i].region, match->region) == 0;
    return count;
}

static void leaks_row(const struct supervisor *supervisor, const struct toplist_item *item,
                      const char *service, FILE *out)
{
    const struct ruleset *rules = supervisor->publisher.current->rules;
    char pool[TEXT_NAME_MAX];
    struct row row;
    make_row(&row, item);
    const char *zone = answers_pool_text(rules, ruleset_find_pool(rules, &item->name), pool);
    fprintf(out, "%9s  %-5s  %-44s  %*s%s%s\n", row.count, row.type, row.name,
            service[0] != '\0' ? -9 : 0, zone, service[0] != '\0' ? "  " : "", service);
}

static void leaks_text(const struct supervisor *supervisor, const struct toplist_item *items,
                       size_t count, FILE *out)
{
    const struct services *services = leaks_services(supervisor->leaks);
    struct services_match *matches = find_services(services, items, count);
    char service[EXPLAIN_WORDS_MAX];
    for (size_t i = 0; i < count; i++) {
        size_t shown = count_alike(matches, 0, i, i);
        if (shown >= LEAKS_OF_SERVICE_MAX)
            continue;
        explain_service(services, &items[i].name, service);
        leaks_row(supervisor, &items[i], service, out);
        size_t more = count_alike(matches, i + 1, count, i);
        if (shown + 1 == LEAKS_OF_SERVICE_MAX && more > 0)
            fprintf(out, "           and %zu more for %s (all of them: --json)\n", more, service);
    }
    free(matches);
}

static void leaks_json(struct supervisor *supervisor, const struct toplist_item *items,
                       size_t count, FILE *out)
{
    const struct ruleset *rules = supervisor->publisher.current->rules;
    struct services_match match;
    char pool[TEXT_NAME_MAX];
    struct row row;
    for (size_t i = 0; i < count; i++) {
        make_row(&row, &items[i]);
        open_json_row(out, &row, i == 0);
        fputs(",\"pool\":", out);
        json_text_write(out,
                        answers_pool_text(rules, ruleset_find_pool(rules, &items[i].name), pool));
        if (services_find(leaks_services(supervisor->leaks), &items[i].name, &match) ==
            SERVICES_KNOWN)
            fprintf(out, ",\"service\":\"%s\",\"region\":\"%s\",\"dualstack\":%s,\"fips\":%s",
                    match.row->service, match.region, match.dualstack ? "true" : "false",
                    match.fips ? "true" : "false");
        fputc('}', out);
    }
}

static void tell_leaks_text(struct supervisor *supervisor, struct toplist_item *items, FILE *out)
{
    size_t count = still_leaking(supervisor, SERVICES_KNOWN, items);
    fprintf(out,
            count > 0 ? "AWS names without a rule that upstreams were asked for, and the endpoint "
                        "that would take each\n(counts are halved each hour):\n"
                        "    count  type   %-44s  %-9s  endpoint\n"
                      : "no leaks: upstreams were asked for no AWS name that an endpoint would "
                        "take\n",
            "name", "forward");
    leaks_text(supervisor, items, count, out);
    count = still_leaking(supervisor, SERVICES_OTHER, items);
    if (count > 0)
        fputs("\nother AWS names, which no endpoint service has (cluster APIs, load balancers, "
              "databases ...):\n",
              out);
    leaks_text(supervisor, items, count, out);
}

static void tell_leaks_json(struct supervisor *supervisor, struct toplist_item *items, FILE *out)
{
    size_t count = still_leaking(supervisor, SERVICES_KNOWN, items);
    fprintf(out, "{\"halved_every_seconds\":%d,\"leaks\":[", LEAKS_HALVE_MS / 1000);
    leaks_json(supervisor, items, count, out);
    count = still_leaking(supervisor, SERVICES_OTHER, items);
    fputs("],\"other\":[", out);
    leaks_json(supervisor, items, count, out);
    fputs("]}\n", out);
}

int answers_leaks(struct supervisor *supervisor, bool json, FILE *out)
{
    struct toplist_item *items = calloc(LEAKS_KNOWN_MAX, sizeof(*items));
    CHECK(items != NULL);
    (json ? tell_leaks_json : tell_leaks_text)(supervisor, items, out);
    free(items);
    return EXIT_FINE;
}

/* --- top --- */

/* The loops' lists in one; gives how many questions it copied to items. */
static size_t top_items(const struct supervisor *supervisor, struct toplist_item items[TOP_MAX])
{
    struct toplist_setup setup = {.capacity = TOP_SUM_MAX,
                                  .secret = *cache_secret(supervisor->cache)};
    struct toplist *sum = toplist_new(&setup);
    for (size_t i = 0; i < supervisor->worker_count; i++)
        worker_merge_asked(supervisor->workers[i], sum);
    size_t count = toplist_items(sum, items, TOP_MAX);
    toplist_free(sum);
    return count;
}

/* Who answers a name under the running rules. */
static void write_rule(const struct ruleset *rules, const struct name *name,
                       char out[EXPLAIN_WORDS_MAX])
{
    struct decision decision;
    ruleset_decide(rules, name, &decision);
    ruleset_describe(rules, name, &decision, out, EXPLAIN_WORDS_MAX);
}

static void tell_top_text(const struct ruleset *rules, const struct toplist_item *items,
                          size_t count, FILE *out)
{
    char rule[EXPLAIN_WORDS_MAX];
    struct row row;
    fprintf(out,
            "names asked most over UDP: a sample of 1 query in %d, up to %d s old; counts are "
            "halved every\n%d minutes, so that the last minutes weigh most%s\n",
            WORKER_SAMPLE, WORKER_POKE_MS / 1000, WORKER_ASKED_HALVE_MS / 60000,
            count == 0 ? "; nothing was sampled yet" : "");
    if (count > 0)
        fprintf(out, "  sampled    about  type   %-44s  rule\n", "name");
    for (size_t i = 0; i < count; i++) {
        make_row(&row, &items[i]);
        write_rule(rules, &items[i].name, rule);
        fprintf(out, "%9s  %7llu  %-5s  %-44s  %s\n", row.count,
                (unsigned long long)items[i].count * WORKER_SAMPLE, row.type, row.name, rule);
    }
}

static void tell_top_json(const struct ruleset *rules, const struct toplist_item *items,
                          size_t count, FILE *out)
{
    char rule[EXPLAIN_WORDS_MAX];
    struct row row;
    fprintf(out, "{\"sample\":%d,\"halved_every_seconds\":%d,\"top\":[", WORKER_SAMPLE,
            WORKER_ASKED_HALVE_MS / 1000);
    for (size_t i = 0; i < count; i++) {
        make_row(&row, &items[i]);
        open_json_row(out, &row, i == 0);
        write_rule(rules, &items[i].name, rule);
        fputs(",\"rule\":", out);
        json_text_write(out, rule);
        fputc('}', out);
    }
    fputs("]}\n", out);
}

int answers_top(struct supervisor *supervisor, bool json, FILE *out)
{
    struct toplist_item *items = calloc(TOP_MAX, sizeof(*items));
    CHECK(items != NULL);
    size_t count = top_items(supervisor, items);
    (json ? tell_top_json : tell_top_text)(supervisor->publisher.current->rules, items, count, out);
    free(items);
    return EXIT_FINE;
}
