/* fuzz_judge_answer: any message as the answer to www.example.com; the first octet chooses what is expected
 * of it. Properties: an answer taken as good has the question asked, as ldns reads it; and where content is
 * expected, a second evaluation, with names as ldns reads them, comes to the same verdict, unless a name has
 * a pointer that we do not follow (fuzz_name lists these). */
#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "traffic/judge.h"

#define ASKED "www.example.com"
#define ADDRESSES_MAX 2

/* What a line of the file says, said again for the second evaluation. */
static const struct {
    const char *line;                     /* of the file; NULL: no file */
    uint16_t type;                        /* asked */
    int rcode;                            /* wanted */
    const char *addresses[ADDRESSES_MAX]; /* the set wanted */
    const char *target;                   /* one of the records leads here */
    int least;                            /* records of the type, or -1 */
    int most;                             /* records of the type, or -1 */
    bool in_net;                          /* each is in 10.0.0.0/8 */
} CASES[] = {
    {NULL, TYPE_A, -1, {NULL}, NULL, -1, -1, false},
    {ASKED " A 10.0.0.1", TYPE_A, 0, {"10.0.0.1"}, NULL, 1, -1, false},
    {ASKED " A 10.0.0.1 10.0.0.2", TYPE_A, 0, {"10.0.0.1", "10.0.0.2"}, NULL, 2, -1, false},
    {"* * 10.0.0.1 fd00::1", TYPE_AAAA, 0, {"fd00::1"}, NULL, 1, -1, false},
    {"*.com A 10.0.0.0/8", TYPE_A, 0, {NULL}, NULL, 1, -1, true},
    {ASKED " A any", TYPE_A, 0, {NULL}, NULL, 1, -1, false},
    {ASKED " A empty", TYPE_A, 0, {NULL}, NULL, 0, 0, false},
    {ASKED " A NXDOMAIN", TYPE_A, 3, {NULL}, NULL, -1, -1, false},
    {ASKED " A BADVERS", TYPE_A, 16, {NULL}, NULL, -1, -1, false},
    {ASKED " CNAME lb.example.com.", TYPE_CNAME, 0, {NULL}, "lb.example.com.", 1, -1, false},
    {ASKED " MX lb.example.com.", TYPE_MX, 0, {NULL}, "lb.example.com.", 1, -1, false},
};
#define CASES_COUNT (sizeof(CASES) / sizeof(CASES[0]))

/* The second evaluation. */
struct oracle {
    struct bytes message; /* borrowed */
    size_t which;         /* of CASES */
    ldns_rdf *owner;      /* owned; whose records answer the question */
    unsigned rcode;       /* with the OPT's bits */
    unsigned seen;        /* addresses of the set, a bit each */
    int records;          /* of the type */
    bool opt;             /* seen */
    bool foreign;         /* a record of the type has another owner or address */
    bool target;          /* found */
    bool malformed;       /* some part */
    bool unknown;         /* a name that ldns does not read */
};

/* A record read plainly. */
struct record {
    ldns_rdf *owner; /* owned */
    uint16_t type;   /* as written */
    uint16_t class;  /* as written */
    uint8_t upper;   /* first octet of the TTL */
    uint8_t version; /* second */
    size_t rdata;    /* offset */
    size_t len;      /* of RDATA */
    int section;     /* 0, 1, 2 */
};

/* True when following the name at pos, which is sound, meets a pointer to the message's first octet: ldns
 * refuses it; we read what is there. */
static bool leads_to_start(struct bytes message, size_t pos)
{
    while (message.data[pos] != 0) {
        if (message.data[pos] <= LABEL_MAX_OCTETS) {
            pos += message.data[pos] + (size_t)1;
            continue;
        }
        pos = bytes_get_u16(message.data + pos) & POINTER_MAX;
        if (pos == 0)
            return true;
    }
    return false;
}

/* A name as ldns reads it; NULL when it cannot be read, or one of the two does not follow its pointers. */
static ldns_rdf *read_name(struct oracle *oracle, size_t *pos)
{
    struct reader r = reader_init(oracle->message.data, oracle->message.len);
    size_t start = *pos;
    ldns_rdf *rdf = NULL;
    struct name ours;

    reader_seek(&r, start);
    if (r.failed || name_read(&ours, &r) != ERR_OK) {
        oracle->malformed = true;
        return NULL;
    }
    oracle->unknown = leads_to_start(oracle->message, start);
    if (!oracle->unknown)
        CHECK(ldns_wire2dname(&rdf, oracle->message.data, oracle->message.len, pos) ==
              LDNS_STATUS_OK);
    return rdf;
}

static bool read_record(struct oracle *oracle, size_t *pos, struct record *out)
{
    const uint8_t *at;

    out->owner = read_name(oracle, pos);
    if (out->owner == NULL || oracle->message.len - *pos < 10)
        return false;
    at = oracle->message.data + *pos;
    out->type = bytes_get_u16(at);
    out->class = bytes_get_u16(at + 2);
    out->upper = at[4];
    out->version = at[5];
    out->len = bytes_get_u16(at + 8);
    out->rdata = *pos + 10;
    *pos = out->rdata + out->len;
    return *pos <= oracle->message.len;
}

static ldns_rdf *read_target(struct oracle *oracle, const struct record *record, size_t skip)
{
    size_t pos = record->rdata + skip;
    ldns_rdf *rdf = skip <= record->len ? read_name(oracle, &pos) : NULL;

    oracle->malformed = oracle->malformed || pos != record->rdata + record->len;
    return rdf;
}

static void take_address(struct oracle *oracle, const struct record *record)
{
    const uint8_t *octets = oracle->message.data + record->rdata;
    bool known = false;

    if (record->len != (record->type == TYPE_A ? 4 : 16)) {
        oracle->malformed = true;
        return;
    }
    for (unsigned i = 0; i < ADDRESSES_MAX && CASES[oracle->which].addresses[i] != NULL; i++) {
        uint8_t wanted[16];

        CHECK(inet_pton(record->type == TYPE_A ? AF_INET : AF_INET6,
                        CASES[oracle->which].addresses[i], wanted) == 1);
        if (memcmp(wanted, octets, record->len) != 0)
            continue;
        oracle->seen |= 1U << i;
        known = true;
    }
    if (CASES[oracle->which].addresses[0] != NULL)
        oracle->foreign = oracle->foreign || !known;
    if (CASES[oracle->which].in_net)
        oracle->foreign = oracle->foreign || octets[0] != 10;
}

static void take_target(struct oracle *oracle, const struct record *record)
{
    ldns_rdf *wanted = ldns_dname_new_frm_str(CASES[oracle->which].target);
    ldns_rdf *target = read_target(oracle, record, record->type == TYPE_MX ? 2 : 0);

    if (target != NULL && ldns_dname_compare(target, wanted) == 0)
        oracle->target = true;
    ldns_rdf_deep_free(target);
    ldns_rdf_deep_free(wanted);
}

static void take_answer(struct oracle *oracle, const struct record *record)
{
    uint16_t type = CASES[oracle->which].type;
    bool fits = ldns_dname_compare(record->owner, oracle->owner) == 0 && record->class == CLASS_IN;

    if (record->type == type && !fits) {
        oracle->foreign = true;
    } else if (record->type == type) {
        oracle->records++;
        if (type == TYPE_A || type == TYPE_AAAA)
            take_address(oracle, record);
        if (CASES[oracle->which].target != NULL)
            take_target(oracle, record);
    } else if (record->type == TYPE_CNAME && fits) {
        ldns_rdf *target = read_target(oracle, record, 0);

        ldns_rdf_deep_free(target != NULL ? oracle->owner : NULL);
        oracle->owner = target != NULL ? target : oracle->owner;
    }
}

static void take_opt(struct oracle *oracle, const struct record *record)
{
    const uint8_t *options = oracle->message.data + record->rdata;
    size_t at = 0;

    /* The root written out, not a pointer to one. */
    if (oracle->opt || record->section != 2 || ldns_rdf_size(record->owner) != 1 ||
        options[-11] != 0)
        oracle->malformed = true;
    while (record->version == 0 && at < record->len && !oracle->malformed) {
        if (record->len - at >= 4)
            at += 4 + (size_t)bytes_get_u16(options + at + 2);
        else
            at = SIZE_MAX;
        oracle->malformed = at > record->len;
    }
    oracle->opt = true;
    oracle->rcode |= (unsigned)record->upper << 4;
}

static void take_record(struct oracle *oracle, const struct record *record)
{
    if (record->type == TYPE_OPT)
        take_opt(oracle, record);
    else if (record->section == 0)
        take_answer(oracle, record);
}

static void take_records(struct oracle *oracle, size_t pos)
{
    for (int section = 0; section < 3; section++) {
        unsigned count = bytes_get_u16(oracle->message.data + ANCOUNT_OFFSET + 2 * section);

        for (; count > 0 && !oracle->malformed && !oracle->unknown; count--) {
            struct record record = {.section = section};

            if (read_record(oracle, &pos, &record))
                take_record(oracle, &record);
            else
                oracle->malformed = true;
            ldns_rdf_deep_free(record.owner);
        }
    }
}

static bool oracle_is_met(const struct oracle *oracle)
{
    unsigned wanted = 0;

    if (oracle->malformed || (int)oracle->rcode != CASES[oracle->which].rcode)
        return false;
    if (CASES[oracle->which].least < 0)
        return true;
    for (unsigned i = 0; i < ADDRESSES_MAX; i++)
        wanted |= CASES[oracle->which].addresses[i] != NULL ? 1U << i : 0;
    return !oracle->foreign && oracle->seen == wanted &&
           oracle->records >= CASES[oracle->which].least &&
           (CASES[oracle->which].most < 0 || oracle->records <= CASES[oracle->which].most) &&
           (CASES[oracle->which].target == NULL || oracle->target);
}

/* Offset behind the question, which ldns must read as the one asked. */
static size_t check_question(struct bytes message, uint16_t type)
{
    ldns_rdf *asked = ldns_dname_new_frm_str(ASKED);
    ldns_rr *rr = NULL;
    size_t pos = MESSAGE_HEADER_OCTETS;

    CHECK(bytes_get_u16(message.data + QDCOUNT_OFFSET) == 1);
    CHECK(ldns_wire2rr(&rr, message.data, message.len, &pos, LDNS_SECTION_QUESTION) ==
          LDNS_STATUS_OK);
    CHECK(ldns_dname_compare(ldns_rr_owner(rr), asked) == 0);
    CHECK(ldns_rr_get_type(rr) == (ldns_rr_type)type && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN);
    ldns_rr_free(rr);
    ldns_rdf_deep_free(asked);
    return pos;
}

static void check_verdict(struct bytes message, size_t which, enum outcome outcome)
{
    struct oracle oracle = {.message = message, .which = which};
    size_t end;

    CHECK(outcome == OUTCOME_OK || outcome == OUTCOME_WRONG || outcome == OUTCOME_MISMATCH);
    if (outcome == OUTCOME_MISMATCH)
        return;
    if (bytes_get_u16(message.data + QDCOUNT_OFFSET) == 0) {
        unsigned rcode = message_rcode(message.data);

        CHECK(rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP);
        CHECK((outcome == OUTCOME_OK) == (CASES[which].line == NULL));
        return;
    }
    end = check_question(message, CASES[which].type);
    if (CASES[which].line == NULL || (message_flags(message.data) & FLAG_TC) != 0) {
        CHECK(outcome == OUTCOME_OK);
        return;
    }
    oracle.rcode = message_rcode(message.data);
    oracle.owner = ldns_dname_new_frm_str(ASKED);
    take_records(&oracle, end);
    CHECK(oracle.unknown || (outcome == OUTCOME_OK) == oracle_is_met(&oracle));
    ldns_rdf_deep_free(oracle.owner);
}

static struct expectations *load(const char *line)
{
    int fd = memfd_create("expectations", MFD_CLOEXEC);
    struct expectations *list;
    struct text_fault fault;
    char path[64];

    CHECK(fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    list = expectations_load(path, &fault);
    CHECK(list != NULL);
    close(fd);
    return list;
}

static void judge_one(struct bytes message, size_t which, bool bind)
{
    const struct query_form form = {0};
    struct judge judge = {.set = NULL};
    struct queryset *set = queryset_new(&form);
    struct expectations *list = CASES[which].line != NULL ? load(CASES[which].line) : NULL;
    struct answer_head head;
    uint32_t item;

    CHECK(queryset_add_text(set, ASKED, CASES[which].type, &item) == ERR_OK);
    judge.set = set;
    judge.expectations = list;
    judge.bound = list != NULL && bind ? expectations_bind(list, set) : NULL;
    if (judge_head(&head, message))
        check_verdict(message, which,
                      judge_answer(&judge, queryset_ref(set, item), &head, message));
    free(judge.bound);
    expectations_free(list);
    queryset_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *message;

    if (size < 2 || size > MESSAGE_MAX_OCTETS)
        return 0;
    /* Memory of its own size, so that a read past its end is seen. */
    message = malloc(size - 1);
    CHECK(message != NULL);
    memcpy(message, data + 1, size - 1);
    judge_one((struct bytes){message, size - 1}, (data[0] & 0x7f) % CASES_COUNT,
              (data[0] & 0x80) != 0);
    free(message);
    return 0;
}
