/* The options of the commands that ask questions: what they read, what they say of a wrong one. */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command/options.h"
#include "measure/units.h"

#define WORDS_MAX 16

static char told[256]; /* by the last usage error */

int command_usage(const struct command *command, const char *format, ...)
{
    va_list arguments;

    (void)command;
    va_start(arguments, format);
    vsnprintf(told, sizeof(told), format, arguments);
    va_end(arguments);
    return VERDICT_USAGE;
}

static const struct command spoken = {.word = "run"};

/* Parses words separated by blanks; the copies live as long as the text. */
static int parse(struct options *out, enum option_command which, char *text)
{
    char *words[WORDS_MAX] = {text};
    int count = 0;

    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    optind = 0;
    return options_parse(out, &spoken, which, count, words);
}

#define PARSE(out, which, literal) parse((out), (which), (char[]){literal})

static void every_kind_of_value_reaches_its_place(void **state)
{
    struct options o;

    (void)state;
    assert_int_equal(
        PARSE(&o, OPTION_RUN, "run --server 127.0.0.1:5353 --rate 20k --duration 500ms"), 0);
    assert_int_equal(addr_port(&o.server), 5353);
    assert_true(o.rate == 20000);
    assert_int_equal(o.duration_ns, 500 * NS_PER_MS);
    assert_int_equal(
        PARSE(&o, OPTION_RUN, "run --cpus 1,4-6 --ports per-lookup --do --edns 512 --zipf 1.2"), 0);
    assert_int_equal(o.cpu_count, 4);
    assert_int_equal(o.cpus[3], 6);
    assert_int_equal(o.ports, PORTS_PER_LOOKUP);
    assert_true(o.workload.form.dnssec_ok);
    assert_int_equal(o.workload.form.edns_size, 512);
    assert_true(o.workload.zipf > 1.19 && o.workload.zipf < 1.21);
    assert_int_equal(
        PARSE(&o, OPTION_RUN, "run --source 127.9.0.0/16 --fail-if p99>2ms --fail-if loss>1%"), 0);
    assert_int_equal(o.source_bits, 16);
    assert_int_equal(o.fail_if_count, 2);
}

static void what_is_not_said_has_the_defaults_of_the_help(void **state)
{
    struct options o;

    (void)state;
    assert_int_equal(PARSE(&o, OPTION_RUN, "run --server ::1"), 0);
    assert_int_equal(addr_port(&o.server), 53);
    assert_int_equal(o.threads, 1);
    assert_int_equal(o.batch, 16);
    assert_int_equal(o.interval_ns, NS_PER_S);
    assert_int_equal(o.workload.form.edns_size, 1232);
    assert_int_equal(o.pacing.arrival, ARRIVAL_POISSON);
    assert_true(o.workload.zipf < 0);
    assert_int_equal(o.slo_count, 0);
    assert_int_equal(PARSE(&o, OPTION_SEARCH, "search --server ::1"), 0);
    assert_string_equal(o.slo_text, "p99<5ms,loss<0.1%");
    assert_int_equal(o.slo_count, 2);
    assert_int_equal(PARSE(&o, OPTION_RUN, "run --server ::1 --transport dot"), 0);
    assert_int_equal(addr_port(&o.server), 853);
}

static void values_out_of_range_are_refused(void **state)
{
    static const char *const wrong[] = {
        "--rate 0",
        "--rate fast",
        "--duration 10",
        "--duration 1ms",
        "--timeout 0",
        "--threads 0",
        "--threads 65",
        "--batch 65",
        "--edns 100",
        "--zipf -1",
        "--cpus 3-1",
        "--cpus a",
        "--source 1.2.3",
        "--source ::1/129",
        "--ports some",
        "--server host",
        "--server :53",
        "--fail-if p99",
        "--transport doh",
        "--schedule 10s",
        "--arrival burst",
        "--nonsense 1",
        "--slice 1s",
        "--window 5",
        "word",
        "--schedule 20h@1,5h@1",
    };
    struct options o;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[64];

        snprintf(text, sizeof(text), "run %s", wrong[i]);
        if (parse(&o, OPTION_RUN, text) != VERDICT_USAGE)
            fail_msg("accepted: %s", wrong[i]);
    }
}

static void options_that_would_do_nothing_are_refused(void **state)
{
    struct options o;

    (void)state;
    assert_int_equal(PARSE(&o, OPTION_RUN, "run --tls-name dns.example"), VERDICT_USAGE);
    assert_non_null(strstr(told, "--transport dot"));
    assert_int_equal(PARSE(&o, OPTION_RUN, "run --tls-name dns.example --transport dot"), 0);
    assert_int_equal(PARSE(&o, OPTION_RUN, "run --edns 0 --do"), VERDICT_USAGE);
    assert_int_equal(PARSE(&o, OPTION_RUN, "run --cookie --edns 0"), VERDICT_USAGE);
    assert_non_null(strstr(told, "--edns 0"));
    assert_int_equal(PARSE(&o, OPTION_RUN, "run --edns 0"), 0);
    assert_int_equal(PARSE(&o, OPTION_RUN, "run --server-pid 1"), 0);
    assert_int_equal(PARSE(&o, OPTION_RUN, "run --server-pid 2147483647"), VERDICT_USAGE);
    assert_non_null(strstr(told, "2147483647"));
    assert_int_equal(PARSE(&o, OPTION_COMPARE, "compare --b-pid 2147483647"), VERDICT_USAGE);
}

static void each_command_has_its_own_options(void **state)
{
    struct options o;

    (void)state;
    assert_int_equal(PARSE(&o, OPTION_COMPARE, "compare --a 127.0.0.1 --b 127.0.0.2:54 --slice 1s"),
                     0);
    assert_int_equal(addr_port(&o.b), 54);
    assert_int_equal(PARSE(&o, OPTION_COMPARE, "compare --server 127.0.0.1"), VERDICT_USAGE);
    assert_int_equal(PARSE(&o, OPTION_MAX, "max --window 64"), 0);
    assert_int_equal(PARSE(&o, OPTION_MAX, "max --rate 5"), VERDICT_USAGE);
    assert_int_equal(PARSE(&o, OPTION_CHECK, "check --clients 5"), VERDICT_USAGE);
    assert_null(options_name(OPTION_CHECK, 64));
}

static void a_wrong_option_is_told_by_its_own_name(void **state)
{
    static const struct {
        const char *words;
        const char *told;
    } cases[] = {
        {"run --rat 5 --durations 5s", "unknown option '--durations'; did you mean '--duration'?"},
        {"run --quiet -abc", "unknown option '-a'; all options are long ones"},
        {"run --quiet=1", "'--quiet' takes no value"},
        {"run --slice 1s", "'--slice' is an option of other commands, not of 'run'"},
        {"run --rate", "'--rate' needs a value"},
    };
    struct options o;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[64];

        snprintf(text, sizeof(text), "%s", cases[i].words);
        assert_int_equal(parse(&o, OPTION_RUN, text), VERDICT_USAGE);
        assert_string_equal(told, cases[i].told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_reaches_its_place),
        cmocka_unit_test(what_is_not_said_has_the_defaults_of_the_help),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(options_that_would_do_nothing_are_refused),
        cmocka_unit_test(each_command_has_its_own_options),
        cmocka_unit_test(a_wrong_option_is_told_by_its_own_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
