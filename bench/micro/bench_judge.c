/* bench_judge: what judging an answer costs the load tester: its question alone, then its content against an
 * expectation, found in the table or by name. The baseline is comparing the question. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "local53/base/check.h"
#include "local53/dns/edns.h"
#include "local53/dns/message.h"
#include "local53/dns/rr.h"
#include "traffic/judge.h"

/* Octets of a response: one address and an OPT. */
#define RESPONSE_MAX 512

static const char EXPECTATIONS[] = "api.ecr.eu-west-1.amazonaws.com A 10.0.0.1\n"
                                   "*.api.ecr.eu-west-1.amazonaws.com A 10.0.0.0/8\n";

/* One answer that is judged again and again. */
struct input {
    struct judge judge;             /* with or without expectations */
    struct question_ref asked;      /* what it answers */
    uint8_t response[RESPONSE_MAX]; /* as received */
    size_t len;                     /* octets of it */
};

static void input_set(struct input *input, const struct judge *judge, struct question_ref asked)
{
    static const uint8_t address[] = {10, 0, 0, 1};
    struct writer w = writer_init(input->response, sizeof(input->response));

    input->judge = *judge;
    input->asked = asked;
    w.len = queryset_render(judge->set, asked, input->response);
    rr_write(&w, MESSAGE_HEADER_OCTETS, TYPE_A, 60, (struct bytes){address, sizeof(address)});
    edns_write(&w, 0, false, EDE_NONE, NULL);
    writer_patch_u16(&w, FLAGS_OFFSET, FLAG_QR | FLAG_RD | FLAG_RA);
    writer_patch_u16(&w, ANCOUNT_OFFSET, 1);
    writer_patch_u16(&w, ARCOUNT_OFFSET, 1);
    CHECK(!w.failed);
    input->len = w.len;
}

static uint64_t compare_question(void *arg, uint64_t count)
{
    const struct input *input = arg;
    struct bytes message = {input->response, input->len};
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        size_t end = 0;

        message.data = (const uint8_t *)(uintptr_t)bench_hide((uint64_t)(uintptr_t)message.data);
        sum += queryset_question_is(input->judge.set, input->asked, message, &end);
    }
    return sum;
}

static uint64_t judge(void *arg, uint64_t count)
{
    const struct input *input = arg;
    struct bytes message = {input->response, input->len};
    struct answer_head head;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        message.data = (const uint8_t *)(uintptr_t)bench_hide((uint64_t)(uintptr_t)message.data);
        CHECK(judge_head(&head, message));
        sum += judge_answer(&input->judge, input->asked, &head, message);
    }
    CHECK(sum == 0);
    return sum;
}

static struct expectations *load(void)
{
    int fd = memfd_create("expectations", MFD_CLOEXEC);
    struct expectations *list;
    struct text_fault fault;
    char path[64];

    CHECK(fd >= 0 && write(fd, EXPECTATIONS, sizeof(EXPECTATIONS) - 1) > 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    list = expectations_load(path, &fault);
    CHECK(list != NULL);
    close(fd);
    return list;
}

int main(void)
{
    const struct query_form form = {.recursion_desired = true};
    struct queryset *set = queryset_new(&form);
    struct expectations *list = load();
    struct judge judge_of = {.set = set};
    struct question_ref asked;
    struct bench_result baseline;
    struct input input;
    uint32_t item;

    CHECK(queryset_add_text(set, "api.ecr.eu-west-1.amazonaws.com", TYPE_A, &item) == ERR_OK);
    asked = queryset_ref(set, item);
    bench_title("judge: an answer of one address and an OPT, a name of 33 octets");
    input_set(&input, &judge_of, asked);
    baseline = bench_run("queryset_question_is", compare_question, &input);
    bench_run_against("without expectations", judge, &input, baseline);
    judge_of.expectations = list;
    judge_of.bound = expectations_bind(list, set);
    input_set(&input, &judge_of, asked);
    bench_run_against("an address, expectation bound", judge, &input, baseline);
    asked.serial = 1;
    input_set(&input, &judge_of, asked);
    bench_run_against("a prefix, found for a made-up label", judge, &input, baseline);
    free(judge_of.bound);
    expectations_free(list);
    queryset_free(set);
    return 0;
}
