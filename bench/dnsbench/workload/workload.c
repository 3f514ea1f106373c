/* workload: the options become a set of questions and a way to draw from it.
 * Owns: the set, the ranks, the cluster. Thread: made by one; then read by all, each with a
 * generator of its own.
 * Bounds: those of the set. Fails: with a reason for people; out of memory is fatal. */
#include "workload/workload.h"

#include <stdlib.h>

#include "local53/base/check.h"
#include "local53/base/hash.h"
#include "local53/base/hot.h"
#include "local53/dns/message.h"
#include "workload/cluster_private.h"
#include "workload/lookup.h"
#include "workload/profile_private.h"
#include "workload/queryset_private.h"
#include "workload/zipf.h"

#define NAMES_DEFAULT 10000
#define SERVICES_DEFAULT 200
#define ZIPF_DEFAULT 1.0

/* Messages that the hash is made of. */
#define HASHED_MESSAGES 65536

/* How the next question is found. */
enum order {
    ORDER_FILE,   /* one item after the other */
    ORDER_RANK,   /* by zipf */
    ORDER_FRESH,  /* never-seen names */
    ORDER_CLUSTER /* lookups */
};

struct workload {
    enum order order;
    uint64_t seed;                    /* of everything drawn */
    struct queryset *set;             /* owned */
    uint32_t count;                   /* items drawn from: FILE, RANK */
    struct zipf *ranks;               /* owned; RANK */
    uint32_t first_fresh;             /* FRESH: the zone's first copy */
    uint64_t fresh_drawn;             /* FRESH, CLUSTER: never-seen names of runs before */
    struct cluster *cluster;          /* owned; CLUSTER */
    uint32_t namespaces;              /* at least 1 */
    double queries_per_lookup;        /* 1 without lookups */
    char describe[WORKLOAD_TEXT_MAX]; /* for people */
};

/* ---- Making it ---- */

static bool refuse(struct text_fault *fault, const char *reason)
{
    *fault = (struct text_fault){0};
    snprintf(fault->reason, sizeof(fault->reason), "%s", reason);
    return false;
}

static double exponent_of(const struct workload_options *options)
{
    return options->zipf >= 0 ? options->zipf : ZIPF_DEFAULT;
}

static bool make_from_file(struct workload *workload, const struct workload_options *options,
                           struct text_fault *fault)
{
    char quoted[QUOTE_ROOM];
    const char *file = strcmp(options->queries, "-") == 0 ? "stdin" : options->queries;

    if (options->names != 0)
        return refuse(fault, "--names does not go with a query file, whose lines are the names");
    if (queryset_load(workload->set, options->queries, fault) != ERR_OK)
        return false;
    workload->count = (uint32_t)queryset_count(workload->set);
    queryset_quote(file, quoted);
    if (options->zipf < 0) {
        workload->order = ORDER_FILE;
        snprintf(workload->describe, sizeof(workload->describe), "%s: %u queries, in order", quoted,
                 workload->count);
        return true;
    }
    workload->order = ORDER_RANK;
    workload->ranks = zipf_new(workload->count, options->zipf);
    snprintf(workload->describe, sizeof(workload->describe),
             "%s: %u queries, drawn by zipf %g of their line", quoted, workload->count,
             options->zipf);
    return true;
}

static bool make_fresh(struct workload *workload, const struct workload_options *options,
                       const char *zone, struct text_fault *fault)
{
    char quoted[QUOTE_ROOM];

    if (options->names != 0 || options->zipf >= 0)
        return refuse(fault, "--names and --zipf do not go with never-seen names, asked once each");
    queryset_quote(zone, quoted);
    if (fresh_add(workload->set, zone, &workload->first_fresh) != ERR_OK) {
        *fault = (struct text_fault){0};
        snprintf(fault->reason, sizeof(fault->reason),
                 "'%s' is no domain name under which a label of 16 octets fits", quoted);
        return false;
    }
    workload->order = ORDER_FRESH;
    snprintf(workload->describe, sizeof(workload->describe), "never-seen names under %s", quoted);
    return true;
}

/* Profiles hit and nx: n0.ZONE, n1.ZONE, ... */
static bool make_names(struct workload *workload, const struct workload_options *options,
                       const struct profile *profile, struct text_fault *fault)
{
    char name[PROFILE_NAME_ROOM + 16];
    char quoted[QUOTE_ROOM];
    uint32_t item;

    workload->order = ORDER_RANK;
    workload->count = options->names != 0 ? options->names : NAMES_DEFAULT;
    if (workload->count > QUERYSET_ITEMS_MAX)
        return refuse(fault, "--names is at most 4000000");
    for (uint32_t i = 0; i < workload->count; i++) {
        snprintf(name, sizeof(name), "n%u.%s", i, profile->zone);
        if (queryset_add_text(workload->set, name, TYPE_A, &item) != ERR_OK)
            return refuse(fault, "zone= is so long that names below it pass 255 octets");
    }
    workload->ranks = zipf_new(workload->count, exponent_of(options));
    snprintf(workload->describe, sizeof(workload->describe), "%s: %u names under %s, zipf %g",
             profile->id == PROFILE_HIT ? "hit" : "nx", workload->count,
             queryset_quote(profile->zone, quoted), exponent_of(options));
    return true;
}

/* --names says how many services there are in all namespaces together. */
static bool count_services(struct profile *profile, uint32_t names, struct text_fault *fault)
{
    if (names == 0) {
        profile->services = profile->services != 0 ? profile->services : SERVICES_DEFAULT;
        return true;
    }
    if (profile->services != 0)
        return refuse(fault, "--names and services= both say how many services there are");
    if (names > CLUSTER_SERVICES_MAX)
        return refuse(fault, "--names is at most 1000000 with profile k8s-aws");
    profile->services = (names + profile->namespaces - 1) / profile->namespaces;
    return true;
}

static bool make_cluster(struct workload *workload, const struct workload_options *options,
                         struct profile *profile, struct text_fault *fault)
{
    if (!count_services(profile, options->names, fault))
        return false;
    workload->order = ORDER_CLUSTER;
    workload->namespaces = profile->namespaces;
    workload->cluster = cluster_new(workload->set, profile, exponent_of(options), fault);
    if (workload->cluster == NULL)
        return false;
    workload->queries_per_lookup = cluster_queries_per_lookup(workload->cluster);
    snprintf(workload->describe, sizeof(workload->describe),
             "k8s-aws: A+AAAA lookups, ndots:%u, %u namespaces of %u services, %s, zipf %g",
             profile->ndots, profile->namespaces, profile->services, profile->region,
             exponent_of(options));
    return true;
}

static bool make_profile(struct workload *workload, const struct workload_options *options,
                         struct text_fault *fault)
{
    struct profile profile;

    if (!profile_parse(&profile, options->profile != NULL ? options->profile : "k8s-aws", fault))
        return false;
    switch (profile.id) {
    case PROFILE_K8S_AWS: return make_cluster(workload, options, &profile, fault);
    case PROFILE_MISS: return make_fresh(workload, options, profile.zone, fault);
    default: return make_names(workload, options, &profile, fault);
    }
}

static bool make(struct workload *workload, const struct workload_options *options,
                 struct text_fault *fault)
{
    int sources =
        (options->queries != NULL) + (options->profile != NULL) + (options->random_label != NULL);

    if (sources > 1)
        return refuse(fault, "give one of --queries, --profile and --random-label");
    if (options->zipf > WORKLOAD_ZIPF_MAX)
        return refuse(fault, "--zipf is a number from 0 to 5");
    if (options->queries != NULL)
        return make_from_file(workload, options, fault);
    if (options->random_label != NULL)
        return make_fresh(workload, options, options->random_label, fault);
    return make_profile(workload, options, fault);
}

struct workload *workload_new(const struct workload_options *options, struct text_fault *fault)
{
    struct workload *workload = calloc(1, sizeof(*workload));
    struct query_form form = options->form;

    CHECK(workload != NULL);
    *fault = (struct text_fault){0};
    form.seed = options->seed;
    workload->seed = options->seed;
    workload->set = queryset_new(&form);
    workload->namespaces = 1;
    workload->queries_per_lookup = 1;
    if (make(workload, options, fault))
        return workload;
    workload_free(workload);
    return NULL;
}

void workload_free(struct workload *workload)
{
    if (workload == NULL)
        return;
    cluster_free(workload->cluster);
    zipf_free(workload->ranks);
    queryset_free(workload->set);
    free(workload);
}

/* ---- What it is ---- */

const struct queryset *workload_set(const struct workload *workload)
{
    return workload->set;
}

bool workload_has_lookups(const struct workload *workload)
{
    return workload->order == ORDER_CLUSTER;
}

size_t workload_kinds(const struct workload *workload, const struct workload_kind **kinds)
{
    *kinds = NULL;
    return workload_has_lookups(workload) ? cluster_kinds(kinds) : 0;
}

const char *workload_describe(const struct workload *workload)
{
    return workload->describe;
}

double workload_queries_per_lookup(const struct workload *workload)
{
    return workload->queries_per_lookup;
}

uint32_t workload_namespaces(const struct workload *workload)
{
    return workload->namespaces;
}

static uint64_t hash_message(const struct workload *workload, struct question_ref ref,
                             uint64_t state)
{
    uint8_t message[QUERY_MAX_OCTETS];

    return hash_fnv(state, message, queryset_render(workload->set, ref, message));
}

/* Adds what a generator gives next: a message, or the first two of a lookup. */
static uint64_t hash_next(struct generator *generator, uint64_t state)
{
    const struct workload *workload = generator->workload;
    struct lookup lookup;

    if (!workload_has_lookups(workload))
        return hash_message(workload, generator_next(generator), state);
    generator_next_lookup(generator, (uint32_t)(generator->position % workload->namespaces),
                          &lookup);
    state = hash_message(workload, lookup_question(&lookup, 0), state);
    return hash_message(workload, lookup_question(&lookup, 1), state);
}

void workload_advance(struct workload *workload, uint64_t draws)
{
    workload->fresh_drawn = (workload->fresh_drawn + draws) % WORKLOAD_FRESH_MAX;
}

uint64_t workload_hash(const struct workload *workload, uint32_t threads)
{
    struct generator *generators = calloc(threads, sizeof(*generators));
    uint32_t turns = workload_has_lookups(workload) ? HASHED_MESSAGES / 2 : HASHED_MESSAGES;
    uint64_t state = HASH_FNV_START;

    CHECK(generators != NULL);
    for (uint32_t i = 0; i < threads; i++) {
        generator_init(&generators[i], workload, i, threads);
        generators[i].first_fresh = 0;
    }
    for (uint32_t i = 0; i < turns; i++)
        state = hash_next(&generators[i % threads], state);
    free(generators);
    return state;
}

/* ---- Drawing ---- */

/* Each thread's numbers begin somewhere else in one long sequence: where, the seed's own sequence
 * says. */
static void seed_thread(struct rng *rng, uint64_t seed, uint32_t thread)
{
    uint64_t start = 0;

    rng_init_seeded(rng, seed);
    for (uint32_t i = 0; i <= thread; i++)
        start = rng_u64(rng);
    rng_init_seeded(rng, start);
}

void generator_init(struct generator *generator, const struct workload *workload, uint32_t thread,
                    uint32_t threads)
{
    CHECK(thread < threads);
    *generator = (struct generator){.workload = workload,
                                    .thread = thread,
                                    .threads = threads,
                                    .first_fresh = workload->fresh_drawn};
    seed_thread(&generator->rng, workload->seed, thread);
}

/* The number of the next draw among those of all threads. */
static uint64_t next_number(struct generator *generator)
{
    return generator->position++ * generator->threads + generator->thread;
}

HOT struct question_ref generator_next(struct generator *generator)
{
    const struct workload *workload = generator->workload;
    uint64_t number = next_number(generator);

    switch (workload->order) {
    case ORDER_FILE: return queryset_ref(workload->set, (uint32_t)(number % workload->count));
    case ORDER_RANK:
        return queryset_ref(workload->set, zipf_draw(workload->ranks, &generator->rng));
    case ORDER_FRESH:
        return fresh_ref(workload->set, workload->first_fresh, generator->first_fresh + number);
    default: break;
    }
    check_failed(__FILE__, __LINE__, "a workload of lookups has no single questions");
}

void generator_next_lookup(struct generator *generator, uint32_t namespace_index,
                           struct lookup *out)
{
    CHECK(workload_has_lookups(generator->workload));
    cluster_draw(generator->workload->cluster, &generator->rng, namespace_index,
                 generator->first_fresh + next_number(generator), out);
}
