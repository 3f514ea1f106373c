/* check: every distinct question once, one after the other, against what the answers must be. No
 * load. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/interrupt.h"
#include "command/options.h"
#include "local53/base/check.h"
#include "local53/base/clock.h"
#include "local53/base/hash.h"
#include "local53/base/rng.h"
#include "local53/dns/rr.h"
#include "local53/dns/text.h"
#include "measure/units.h"
#include "traffic/judge.h"
#include "traffic/lane.h"

#define TIMEOUT_NS (2 * NS_PER_S)
#define TRIES 2                /* a lost datagram is no wrong answer */
#define SILENT_MAX 5           /* so many questions without any answer at all: nobody is there */
#define ANSWER_TEXT_MAX 400    /* an answer told in a line */
#define QUESTION_TEXT_MAX 1100 /* as queryset_write says */

static int run(int argc, char **argv);

const struct command command_check = {
    .word = "check",
    .summary = "every distinct question against an expectations file, no load",
    .help =
        "Usage: dnsbench check --server ADDR[:PORT] --expect FILE [--queries FILE] [OPTIONS]\n"
        "Asks every distinct question once, one after the other, and tells each answer that is not "
        "as expected.\n"
        "Without --queries the questions are the names of the expectations themselves.\n\n"
        "  --expect FILE           a line each: NAME TYPE WHAT...; NAME exact, *.zone or *; TYPE "
        "or *; WHAT is\n"
        "                            addresses            exactly this set, in any order\n"
        "                            10.40.0.0/16 ...     each address within\n"
        "                            any | empty          some record, or NOERROR without one\n"
        "                            NXDOMAIN | SERVFAIL | REFUSED ...   that rcode\n"
        "                            name.                a CNAME, PTR, NS or MX with this target\n"
        "  --queries FILE          'NAME TYPE' lines, '-' for stdin\n"
        "  --timeout T             2s; asked twice before it counts as silent\n"
        "  --transport KIND        udp (default), tcp, dot, udp+tc; --tls-name NAME verifies DoT\n"
        "  --edns SIZE --do --cookie             OPT of 1232 unless told (0: none), DO, a client "
        "cookie\n"
        "  --quiet --allow-remote                only the last line; a public address is meant\n\n"
        "Example:\n"
        "  printf 'api.ecr.eu-west-1.amazonaws.com A 10.40.0.0/16\\n' >want.txt\n"
        "  dnsbench check --server 169.254.20.10 --expect want.txt\n\n"
        "Exit codes: 0 all as expected, 1 some were not answered, 2 usage, 4 nobody answers, 5 "
        "wrong answers\n",
    .run = run,
};

/* One check as a whole. */
struct check {
    const struct options *options;     /* borrowed */
    struct queryset *set;              /* owned; the questions */
    struct expectations *expectations; /* owned */
    const struct expectation **bound;  /* owned; one an item */
    struct lane *lane;                 /* owned; over it all are asked */
    struct lane *tcp;      /* owned; for truncated answers of udp+tc; NULL until needed */
    struct lane_batch out; /* owned; the question on its way */
    struct lane_batch in;  /* owned; its answer */
    struct rng rng;        /* for ids */
    _Atomic bool *stop;    /* Ctrl-C */
    uint64_t asked;        /* distinct questions */
    uint64_t good;         /* answered as expected */
    uint64_t wrong;        /* answered otherwise */
    uint64_t silent;       /* not answered */
    uint64_t free;         /* answered, and no line speaks of them */
    bool refused;          /* the host says nobody listens */
};

static int tell_fault(const char *file, const struct text_fault *fault)
{
    if (fault->line > 0)
        command_error(&command_check, "%s:%u: %s", file, fault->line, fault->reason);
    else
        command_error(&command_check, "%s: %s", file, fault->reason);
    return VERDICT_USAGE;
}

/* ---- Questions ---- */

static int take_names_of_expectations(struct check *check)
{
    struct bytes wire;
    uint16_t type;
    uint32_t item;

    for (size_t i = 0; i < expectations_count(check->expectations); i++) {
        if (expectations_question(check->expectations, i, &wire, &type))
            CHECK(queryset_add(check->set, wire, type, &item) == ERR_OK);
    }
    if (queryset_count(check->set) > 0)
        return VERDICT_PASS;
    return command_usage(&command_check, "%s has only wildcards: say what to ask with --queries",
                         check->options->expect);
}

static int load(struct check *check)
{
    const struct options *options = check->options;
    struct text_fault fault = {0};

    check->expectations = expectations_load(options->expect, &fault);
    if (check->expectations == NULL)
        return tell_fault(options->expect, &fault);
    check->set = queryset_new(&options->workload.form);
    if (options->workload.queries == NULL) {
        int code = take_names_of_expectations(check);

        if (code != VERDICT_PASS)
            return code;
    } else if (queryset_load(check->set, options->workload.queries, &fault) != ERR_OK) {
        return tell_fault(options->workload.queries, &fault);
    }
    check->bound = expectations_bind(check->expectations, check->set);
    return VERDICT_PASS;
}

/* A question's place in the file, found again through a hash of what is asked. */
struct seen {
    uint64_t hash;
    uint32_t item;
};

static int by_hash(const void *left, const void *right)
{
    const struct seen *a = left;
    const struct seen *b = right;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->item < b->item ? -1 : a->item > b->item;
}

static int by_item(const void *left, const void *right)
{
    const struct seen *a = left;
    const struct seen *b = right;

    return a->item < b->item ? -1 : a->item > b->item;
}

/* The first of each question, in the file's order; owned by the caller; *count of them. 64 bits
 * of keyed hash stand for a question. */
static struct seen *distinct(const struct queryset *set, size_t *count)
{
    struct hash_key key = {0x6c6f63616c3533, 0x646e7362656e6368};
    size_t total = queryset_count(set);
    struct seen *list = calloc(total, sizeof(*list));
    uint8_t message[QUERY_MAX_OCTETS];

    CHECK(list != NULL);
    for (size_t i = 0; i < total; i++) {
        size_t len = queryset_render(set, queryset_ref(set, (uint32_t)i), message);

        list[i] = (struct seen){hash_bytes(&key, 0, message, len), (uint32_t)i};
    }
    qsort(list, total, sizeof(*list), by_hash);
    *count = 0;
    for (size_t i = 0; i < total; i++) {
        if (i == 0 || list[i].hash != list[i - 1].hash)
            list[(*count)++] = list[i];
    }
    qsort(list, *count, sizeof(*list), by_item);
    return list;
}

/* ---- Asking ---- */

static enum err open_lane(const struct check *check, enum transport transport, struct lane **out)
{
    struct lane_config config = {.transport = transport,
                                 .server = check->options->server,
                                 .tls_name = check->options->tls_name,
                                 .connect_timeout_ns = check->options->timeout_ns};

    return lane_open(out, &config);
}

/* Waits for something to read until the deadline; false when it has passed. */
static bool wait_readable(const struct lane *lane, uint64_t deadline_ns)
{
    uint64_t now = clock_monotonic_ns();
    struct pollfd wait = {.fd = lane_descriptor(lane), .events = POLLIN};

    if (lane_wants_write(lane))
        wait.events |= POLLOUT;
    if (now >= deadline_ns)
        return false;
    return poll(&wait, 1, (int)((deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS)) >= 0;
}

/* Asks over a lane once; the answer's octets stand in check->in. False: none came in time. */
static bool ask_once(struct check *check, struct lane *lane, struct question_ref ref,
                     struct bytes *answer)
{
    uint64_t deadline = clock_monotonic_ns() + check->options->timeout_ns;
    uint16_t id = rng_u16(&check->rng);
    struct lane_errors errors;
    int number = 0;

    check->out.messages[0].len = queryset_render(check->set, ref, check->out.messages[0].data);
    bytes_put_u16(check->out.messages[0].data, id);
    check->out.count = 1;
    lane_send(lane, &check->out, &number);
    while (!atomic_load(check->stop)) {
        lane_flush(lane);
        lane_receive(lane, &check->in);
        for (size_t i = 0; i < check->in.count; i++) {
            struct bytes message = {check->in.messages[i].data, check->in.messages[i].len};

            *answer = message;
            if (message.len >= 12 && bytes_get_u16(message.data) == id)
                return true;
        }
        lane_take_errors(lane, &errors);
        check->refused = errors.refused > 0 || errors.closed;
        if (errors.closed)
            (void)lane_reopen(lane);
        if (check->refused || !wait_readable(lane, deadline))
            return false;
    }
    return false;
}

static bool ask(struct check *check, struct lane *lane, struct question_ref ref,
                struct bytes *answer)
{
    for (unsigned i = 0; i < TRIES && !atomic_load(check->stop); i++) {
        if (ask_once(check, lane, ref, answer))
            return true;
    }
    return false;
}

/* A truncated answer is asked for again over TCP where that was wished. */
static bool ask_whole(struct check *check, struct question_ref ref, struct bytes *answer)
{
    struct answer_head head;

    if (!ask(check, check->lane, ref, answer))
        return false;
    if (check->options->transport != TRANSPORT_UDP_TC || !judge_head(&head, *answer) ||
        (head.flags & FLAG_TC) == 0)
        return true;
    if (check->tcp == NULL && open_lane(check, TRANSPORT_TCP, &check->tcp) != ERR_OK)
        return false;
    return ask(check, check->tcp, ref, answer);
}

/* ---- Telling ---- */

/* "NOERROR 10.1.2.3 10.1.2.4", or how many records of which types. */
static void write_answer(struct bytes message, char out[ANSWER_TEXT_MAX])
{
    struct rr_walk walk;
    struct rr rr;
    size_t used;

    if (message.len < MESSAGE_HEADER_OCTETS) {
        snprintf(out, ANSWER_TEXT_MAX, "no DNS message");
        return;
    }
    used = (size_t)snprintf(out, ANSWER_TEXT_MAX, "%s", text_rcode(message_rcode(message.data)));
    rr_walk_init(&walk, message.data, message.len);
    while (rr_next(&walk, &rr) && rr.section == SECTION_ANSWER && used + 64 < ANSWER_TEXT_MAX) {
        char text[64];

        if (rr.type == TYPE_A && rr.rdata_len == 4)
            inet_ntop(AF_INET, message.data + rr.rdata_offset, text, sizeof(text));
        else if (rr.type == TYPE_AAAA && rr.rdata_len == 16)
            inet_ntop(AF_INET6, message.data + rr.rdata_offset, text, sizeof(text));
        else
            text_write_type(rr.type, text);
        used += (size_t)snprintf(out + used, ANSWER_TEXT_MAX - used, " %s", text);
    }
}

/* An error may come without its question, also where no expectation speaks of it. */
static void tell_wrong(const struct check *check, struct question_ref ref, struct bytes answer)
{
    char question[QUESTION_TEXT_MAX];
    char got[ANSWER_TEXT_MAX];
    const struct expectation *expectation = check->bound[ref.item];

    queryset_write(check->set, ref, question);
    write_answer(answer, got);
    if (expectation == NULL)
        printf("WRONG   %s: %s without the question\n", question, got);
    else
        printf("WRONG   %s: %s, expected %s (%s:%u)\n", question, got,
               expectation_text(expectation), check->options->expect,
               expectation_line(expectation));
}

static void take_wrong(struct check *check, struct question_ref ref, enum outcome outcome,
                       struct bytes answer)
{
    char question[QUESTION_TEXT_MAX];

    check->wrong++;
    if (check->options->quiet)
        return;
    if (outcome == OUTCOME_MISMATCH)
        printf("WRONG   %s: the answer is to another question\n",
               queryset_write(check->set, ref, question));
    else
        tell_wrong(check, ref, answer);
}

static void take_silence(struct check *check, struct question_ref ref)
{
    char question[QUESTION_TEXT_MAX];

    check->silent++;
    if (!check->options->quiet)
        printf("SILENT  %s: %s\n", queryset_write(check->set, ref, question),
               check->refused ? "nobody listens there" : "no answer");
}

static void check_one(struct check *check, struct question_ref ref)
{
    struct judge judge = {check->set, check->expectations, check->bound};
    enum outcome outcome = OUTCOME_MISMATCH;
    struct answer_head head;
    struct bytes answer;

    bool answered = ask_whole(check, ref, &answer);
    if (!answered && atomic_load(check->stop))
        return; /* cut short: that is no silence */
    check->asked++;
    if (!answered) {
        take_silence(check, ref);
        return;
    }
    if (judge_head(&head, answer))
        outcome = judge_answer(&judge, ref, &head, answer);
    if (outcome != OUTCOME_OK)
        take_wrong(check, ref, outcome, answer);
    else if (check->bound[ref.item] != NULL)
        check->good++;
    else
        check->free++;
}

static bool nobody_answers(const struct check *check)
{
    return check->silent == check->asked && (check->refused || check->silent >= SILENT_MAX);
}

static int conclude(const struct check *check, size_t count)
{
    uint64_t answered = check->asked - check->silent;

    printf("%llu of %zu questions asked: %llu as expected, %llu wrong, %llu silent",
           (unsigned long long)check->asked, count, (unsigned long long)check->good,
           (unsigned long long)check->wrong, (unsigned long long)check->silent);
    if (check->free > 0)
        printf(", %llu that no expectation speaks of", (unsigned long long)check->free);
    printf("\n");
    if (check->wrong > 0)
        return VERDICT_WRONG;
    if (answered == 0 && check->asked > 0)
        return VERDICT_UNREACHABLE;
    return check->silent > 0 || check->asked < count ? VERDICT_FAILED : VERDICT_PASS;
}

static int check_all(struct check *check)
{
    size_t count;
    struct seen *list = distinct(check->set, &count);

    for (size_t i = 0; i < count && !atomic_load(check->stop); i++) {
        check_one(check, queryset_ref(check->set, list[i].item));
        if (nobody_answers(check))
            break;
    }
    free(list);
    return conclude(check, count);
}

static int begin(struct check *check)
{
    enum err err = open_lane(check, check->options->transport, &check->lane);
    char server[ADDR_TEXT_MAX];

    if (err != ERR_OK) {
        command_error(&command_check, "%s over %s: %s",
                      addr_format(&check->options->server, server),
                      transport_name(check->options->transport), err_text(err));
        return VERDICT_UNREACHABLE;
    }
    lane_batch_init(&check->out, 1, QUERY_MAX_OCTETS);
    lane_batch_init(&check->in, 8, LANE_MESSAGE_OCTETS);
    rng_init(&check->rng);
    check->stop = interrupt_catch();
    return VERDICT_PASS;
}

static void check_deinit(struct check *check)
{
    lane_close(check->lane);
    lane_close(check->tcp);
    lane_batch_deinit(&check->out);
    lane_batch_deinit(&check->in);
    free(check->bound);
    expectations_free(check->expectations);
    queryset_free(check->set);
}

static int check_words(const struct options *options)
{
    if (options->expect == NULL)
        return command_usage(&command_check, "what the answers must be is missing: --expect FILE");
    return options_check_server(options, &command_check, &options->server, "server");
}

static int run(int argc, char **argv)
{
    struct options options;
    struct check check = {.options = &options};
    int code = options_parse(&options, &command_check, OPTION_CHECK, argc, argv);

    if (code == VERDICT_PASS)
        code = check_words(&options);
    if (code != VERDICT_PASS)
        return code;
    if (options.timeout_ns == 0)
        options.timeout_ns = TIMEOUT_NS;
    code = load(&check);
    if (code == VERDICT_PASS)
        code = begin(&check);
    if (code == VERDICT_PASS)
        code = check_all(&check);
    check_deinit(&check);
    return code;
}
