/* What a probe has to find out, from configurations and made-up answers of targets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/probe/plan.h"

#define ENDPOINTS_MAX 40
#define NOW_MS 1000

/* A configuration, what is known of its targets, and the plan made of them. */
struct trial {
    struct ruleset *rules;
    struct target *targets; /* one for each endpoint */
    struct probe_view views[ENDPOINTS_MAX];
    struct probe_plan plan;
};

static struct name name_of(const char *text)
{
    struct name name;
    assert_int_equal(text_read_name(&name, text), ERR_OK);
    return name;
}

static void load(struct trial *trial, const char *endpoints)
{
    struct report report = {.file = "f"};
    struct config *config = NULL;
    char *text = NULL;
    int len = asprintf(&text, "listen: 127.0.0.1:5353\naws: {region: eu-west-1}\nendpoints:\n%s",
                       endpoints);
    assert_true(len > 0);
    memset(trial, 0, sizeof(*trial));
    assert_int_equal(config_parse(&config, "f", text, (size_t)len, &report), ERR_OK);
    trial->rules = ruleset_new(config, 1, &report);
    assert_non_null(trial->rules);
    assert_true(trial->rules->endpoint_count <= ENDPOINTS_MAX);
    trial->targets = calloc(trial->rules->endpoint_count, sizeof(struct target));
    for (size_t i = 0; i < trial->rules->endpoint_count; i++) {
        const struct rule_endpoint *endpoint = &trial->rules->endpoints[i];
        target_init(&trial->targets[i], endpoint->targets, endpoint->target_count,
                    endpoint->config->addresses, endpoint->config->address_count);
        trial->views[i].target = &trial->targets[i];
    }
    report_deinit(&report);
    free(text);
}

/* The target's address in 10.0.0.0/24; 0: it has none. */
static void answer(struct trial *trial, size_t endpoint, size_t i, uint8_t last)
{
    const uint8_t octets[1][16] = {{10, 0, 0, last}};
    struct target_answer v4 = {
        .name = i, .family = 0, .octets = octets, .count = last != 0, .ttl_s = 60};
    struct target_answer v6 = {.name = i, .family = 1, .octets = octets, .count = 0, .ttl_s = 60};
    target_answer(&trial->targets[endpoint], &v4, NOW_MS);
    target_answer(&trial->targets[endpoint], &v6, NOW_MS);
}

static void plan(struct trial *trial, const struct name *names, size_t count)
{
    struct probe_wish wish = {.rules = trial->rules,
                              .views = trial->views,
                              .names = names,
                              .name_count = count,
                              .port = 443,
                              .now_ms = NOW_MS};
    probe_plan_init(&trial->plan, &wish);
}

static void end(struct trial *trial)
{
    probe_plan_deinit(&trial->plan);
    ruleset_free(trial->rules);
    free(trial->targets);
}

/* A row as "endpoint name address zone". */
static void assert_row(const struct trial *trial, size_t i, const char *expected)
{
    const struct probe_row *row = &trial->plan.rows[i];
    char text[2 * TEXT_NAME_MAX];
    char addr[ADDR_TEXT_MAX] = "-";
    assert_true(i < trial->plan.count);
    if (row->addr.sa.sa_family != AF_UNSPEC)
        addr_format(&row->addr, addr);
    snprintf(text, sizeof(text), "%s %s %s %s", row->endpoint, row->name, addr,
             row->zone[0] != '\0' ? row->zone : "-");
    assert_string_equal(text, expected);
}

/* --- rows --- */

static void each_name_is_paired_with_each_address(void **state)
{
    struct trial trial;
    (void)state;
    load(&trial, "- {names: [a.example, b.example], addresses: [10.0.0.1, \"fd00::1\"]}\n");
    plan(&trial, NULL, 0);
    assert_int_equal(trial.plan.count, 4);
    assert_row(&trial, 0, "a.example a.example 10.0.0.1:443 -");
    assert_row(&trial, 1, "a.example a.example [fd00::1]:443 -");
    assert_row(&trial, 2, "a.example b.example 10.0.0.1:443 -");
    assert_int_equal(trial.plan.connections, 4);
    assert_int_equal(trial.plan.endpoints, 1);
    end(&trial);
}

static void a_wildcard_is_tried_by_a_sample(void **state)
{
    struct trial trial;
    (void)state;
    load(&trial, "- {names: [\"*.x.example\"], addresses: [10.0.0.1]}\n");
    plan(&trial, NULL, 0);
    assert_row(&trial, 0, "*.x.example local53-probe.x.example 10.0.0.1:443 -");
    end(&trial);
}

static void a_name_whose_wildcard_is_taken_too_says_so(void **state)
{
    struct trial trial;
    (void)state;
    load(&trial, "- {names: [x.example, \"*.x.example\"], addresses: [10.0.0.1]}\n");
    plan(&trial, NULL, 0);
    assert_true(trial.plan.rows[0].takes_below);
    assert_false(trial.plan.rows[1].takes_below);
    end(&trial);
}

static void a_zonal_target_tells_the_zone_of_its_address(void **state)
{
    struct trial trial;
    (void)state;
    load(&trial, "- names: [a.example]\n"
                 "  target: [vpce-1-a.sts.eu-west-1.vpce.amazonaws.com,"
                 " vpce-1-a-eu-west-1c.sts.eu-west-1.vpce.amazonaws.com]\n");
    answer(&trial, 0, 0, 1);
    answer(&trial, 0, 1, 2);
    plan(&trial, NULL, 0);
    assert_int_equal(trial.plan.count, 2);
    assert_row(&trial, 0, "a.example a.example 10.0.0.1:443 -");
    assert_row(&trial, 1, "a.example a.example 10.0.0.2:443 eu-west-1c");
    end(&trial);
}

static void the_first_row_of_an_address_goes_ahead(void **state)
{
    struct trial trial;
    (void)state;
    load(&trial, "- {names: [a.example], addresses: [10.0.0.1, 10.0.0.2]}\n"
                 "- {names: [b.example], addresses: [10.0.0.2]}\n");
    plan(&trial, NULL, 0);
    assert_int_equal(trial.plan.rows[0].scout, 0);
    assert_int_equal(trial.plan.rows[1].scout, 1);
    assert_int_equal(trial.plan.rows[2].scout, 1);
    end(&trial);
}

static void a_target_without_an_address_has_a_row_of_its_own(void **state)
{
    struct trial trial;
    (void)state;
    load(&trial, "- names: [a.example]\n"
                 "  target: [vpce-1-a.x.example, vpce-2-b.x.example, vpce-3-c.x.example,"
                 " vpce-4-d.x.example]\n");
    answer(&trial, 0, 0, 1);
    answer(&trial, 0, 1, 0);
    trial.views[0].problems[2] = "SERVFAIL";
    plan(&trial, NULL, 0);
    assert_int_equal(trial.plan.count, 4);
    assert_row(&trial, 0, "a.example vpce-2-b.x.example - -");
    assert_string_equal(trial.plan.rows[0].problem, "the name has no addresses");
    assert_string_equal(trial.plan.rows[1].problem, "SERVFAIL");
    assert_string_equal(trial.plan.rows[2].problem, "no answer in time");
    assert_int_equal(trial.plan.rows[2].outcome, PROBE_UNRESOLVED);
    assert_row(&trial, 3, "a.example a.example 10.0.0.1:443 -");
    assert_int_equal(trial.plan.rows[3].scout, 3);
    assert_int_equal(trial.plan.connections, 1);
    end(&trial);
}

static void a_target_that_is_pending_has_no_rows_yet(void **state)
{
    struct trial trial;
    (void)state;
    load(&trial, "- {names: [a.example], target: vpce-1-a.x.example, addresses: [10.0.0.1]}\n"
                 "- {names: [b.example], addresses: [10.0.0.2]}\n");
    trial.views[0].pending = true;
    plan(&trial, NULL, 0);
    assert_int_equal(trial.plan.count, 1);
    assert_row(&trial, 0, "b.example b.example 10.0.0.2:443 -");
    assert_int_equal(trial.plan.endpoints, 1);
    end(&trial);
}

static void a_later_plan_takes_over_what_became_of_rows(void **state)
{
    struct trial trial;
    struct probe_plan before;
    (void)state;
    load(&trial, "- {names: [a.example], target: vpce-1-a.x.example}\n"
                 "- {names: [b.example, c.example, d.example], addresses: [10.0.0.2]}\n");
    trial.views[0].pending = true;
    plan(&trial, NULL, 0);
    before = trial.plan;
    before.rows[0].started = true;
    before.rows[0].outcome = PROBE_FAILED;
    before.rows[0].tls.verdict = TLS_REFUSED;
    before.rows[1].started = true;
    answer(&trial, 0, 0, 2);
    trial.views[0].pending = false;
    plan(&trial, NULL, 0);
    probe_plan_adopt(&trial.plan, &before);
    assert_row(&trial, 0, "a.example a.example 10.0.0.2:443 -");
    assert_false(trial.plan.rows[0].started);
    assert_ptr_equal(probe_plan_find(&trial.plan, &before.rows[0]), &trial.plan.rows[1]);
    assert_int_equal(trial.plan.rows[1].outcome, PROBE_FAILED);
    assert_int_equal(trial.plan.rows[1].tls.verdict, TLS_REFUSED);
    assert_true(trial.plan.rows[2].started);
    assert_int_equal(trial.plan.rows[2].outcome, PROBE_UNDONE);
    assert_false(trial.plan.rows[3].started);
    probe_plan_deinit(&before);
    end(&trial);
}

/* --- names asked for --- */

static void names_asked_for_are_probed_alone(void **state)
{
    struct trial trial;
    (void)state;
    struct name names[] = {name_of("my.x.example"), name_of("*.x.example"), name_of("b.example"),
                           name_of("kernel.org"), name_of("my.x.example")};
    load(&trial, "- {names: [a.example, \"*.x.example\"], addresses: [10.0.0.1]}\n"
                 "- {names: [b.example], addresses: [10.0.0.2]}\n"
                 "- {names: [c.example], target: vpce-1-a.x.test.example}\n");
    plan(&trial, names, sizeof(names) / sizeof(names[0]));
    assert_int_equal(trial.plan.count, 4);
    assert_row(&trial, 0, "a.example my.x.example 10.0.0.1:443 -");
    assert_row(&trial, 1, "a.example local53-probe.x.example 10.0.0.1:443 -");
    assert_row(&trial, 2, "b.example b.example 10.0.0.2:443 -");
    assert_row(&trial, 3, "- kernel.org - -");
    assert_int_equal(trial.plan.rows[3].outcome, PROBE_NO_ENDPOINT);
    assert_int_equal(trial.plan.endpoints, 2);
    end(&trial);
}

static void an_alias_of_a_zone_is_probed_when_it_is_named(void **state)
{
    struct trial trial;
    (void)state;
    struct name names[] = {name_of("www.corp.example"), name_of("mail.corp.example")};
    load(&trial,
         "- {names: [a.example], addresses: [10.0.0.1]}\n"
         "zones:\n- {name: corp.example, aliases: {www.corp.example: vpce-1-a.x.example}}\n");
    answer(&trial, 1, 0, 7);
    plan(&trial, names, 2);
    assert_int_equal(trial.plan.count, 2);
    assert_row(&trial, 0, "www.corp.example www.corp.example 10.0.0.7:443 -");
    assert_row(&trial, 1, "- mail.corp.example - -");
    probe_plan_deinit(&trial.plan);
    plan(&trial, NULL, 0);
    assert_int_equal(trial.plan.count, 1);
    assert_row(&trial, 0, "a.example a.example 10.0.0.1:443 -");
    end(&trial);
}

/* --- bounds --- */

static void beyond_the_bound_every_endpoint_keeps_its_first_names(void **state)
{
    struct trial trial;
    char text[20000] = "";
    size_t len = 0;
    (void)state;
    for (int e = 0; e < 30; e++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "- {names: [");
        for (int i = 0; i < 12; i++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%sn%d.e%d.example",
                                    i > 0 ? ", " : "", i, e);
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "], addresses: [10.0.%d.1, 10.0.%d.2, 10.0.%d.3]}\n", e, e, e);
    }
    load(&trial, text);
    plan(&trial, NULL, 0);
    assert_int_equal(trial.plan.count, 30 * 3 * 11);
    assert_int_equal(trial.plan.left_out, 30 * 3);
    assert_int_equal(trial.plan.endpoints, 30);
    end(&trial);
}

static void a_pending_target_keeps_room_for_its_rows(void **state)
{
    struct trial trial;
    char text[20000] = "";
    size_t len = 0;
    (void)state;
    for (int e = 0; e < 20; e++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "- {names: [");
        for (int i = 0; i < 12; i++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%sn%d.e%d.example",
                                    i > 0 ? ", " : "", i, e);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "], %s}\n",
                                e == 0 ? "addresses: [10.0.0.1]" : "target: vpce-1-a.x.example");
    }
    load(&trial, text);
    for (size_t e = 1; e < 20; e++)
        trial.views[e].pending = true;
    plan(&trial, NULL, 0);
    assert_int_equal(trial.plan.count,
                     8); /* 8 + 19 * 8 * 6 are within the bound, of 9 they are not */
    end(&trial);
}

/* --- zones and samples --- */

static void assert_zone(const char *target, const char *expected)
{
    char zone[PROBE_ZONE_MAX];
    struct name name = name_of(target);
    assert_string_equal(probe_zone_of(&name, zone), expected);
}

static void a_zone_is_read_from_zonal_names_alone(void **state)
{
    (void)state;
    assert_zone(
        "vpce-099deb00b40f00e22-lj2wisx3-us-east-2c.monitoring.us-east-2.vpce.amazonaws.com",
        "us-east-2c");
    assert_zone("vpce-0a-b1-us-west-2-lax-1a.ec2.us-west-2.vpce.amazonaws.com", "us-west-2-lax-1a");
    assert_zone("vpce-0a-b1-cn-north-1a.ec2.cn-north-1.vpce.amazonaws.com.cn", "cn-north-1a");
    assert_zone("vpce-099deb00b40f00e22-lj2wisx3.monitoring.us-east-2.vpce.amazonaws.com", "");
    assert_zone("vpce-0a-us-east-2.monitoring.us-east-2.vpce.amazonaws.com", "");
    assert_zone("vpce-0a-b1-us-east-2a.private.example", "");
    assert_zone("ingress-eu-west-1a.eu-west-1.example", "");
}

static void assert_sample(const char *parent, const char *expected)
{
    char text[TEXT_NAME_MAX];
    struct name sample;
    struct name name = name_of(parent);
    assert_true(probe_sample(&sample, &name));
    assert_string_equal(text_write_name(&sample, text), expected);
}

static void a_sample_fits_its_service(void **state)
{
    (void)state;
    assert_sample("s3.eu-west-1.amazonaws.com", "local53-probe.s3.eu-west-1.amazonaws.com");
    assert_sample("dkr.ecr.eu-west-1.amazonaws.com",
                  "123456789012.dkr.ecr.eu-west-1.amazonaws.com");
    assert_sample("dkr-ecr.eu-west-1.on.aws", "123456789012.dkr-ecr.eu-west-1.on.aws");
    assert_sample("s3-control.eu-west-1.amazonaws.com",
                  "123456789012.s3-control.eu-west-1.amazonaws.com");
    assert_sample("execute-api.eu-west-1.amazonaws.com",
                  "local53-probe.execute-api.eu-west-1.amazonaws.com");
}

static void below_a_name_that_is_too_long_there_is_no_sample(void **state)
{
    char text[TEXT_NAME_MAX] = "";
    struct name sample;
    (void)state;
    for (size_t i = 0; i < 122; i++)
        snprintf(text + 2 * i, 3, "a.");
    struct name name = name_of(text);
    assert_false(probe_sample(&sample, &name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_is_paired_with_each_address),
        cmocka_unit_test(a_wildcard_is_tried_by_a_sample),
        cmocka_unit_test(a_name_whose_wildcard_is_taken_too_says_so),
        cmocka_unit_test(a_zonal_target_tells_the_zone_of_its_address),
        cmocka_unit_test(the_first_row_of_an_address_goes_ahead),
        cmocka_unit_test(a_target_without_an_address_has_a_row_of_its_own),
        cmocka_unit_test(a_target_that_is_pending_has_no_rows_yet),
        cmocka_unit_test(a_later_plan_takes_over_what_became_of_rows),
        cmocka_unit_test(names_asked_for_are_probed_alone),
        cmocka_unit_test(an_alias_of_a_zone_is_probed_when_it_is_named),
        cmocka_unit_test(beyond_the_bound_every_endpoint_keeps_its_first_names),
        cmocka_unit_test(a_pending_target_keeps_room_for_its_rows),
        cmocka_unit_test(a_zone_is_read_from_zonal_names_alone),
        cmocka_unit_test(a_sample_fits_its_service),
        cmocka_unit_test(below_a_name_that_is_too_long_there_is_no_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
