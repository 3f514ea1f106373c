/* What is told of rules that take names from each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "configured.h"

static void assert_silent(const char *yaml)
{
    assert_warned(yaml, "");
}

/* ---- Rules below rules ------------------------------------------------------------------------------ */

static void name_below_another_endpoints_wildcard_is_told_once(void **state)
{
    (void)state;
    assert_warned("endpoints:\n"
                  "- {names: \"*.a.example\", addresses: 10.0.0.1}\n"
                  "- {names: [x.a.example, y.a.example, \"*.z.a.example\"], addresses: 10.0.0.2}\n",
                  "f:4:12: warning: endpoints[1].names: x.a.example is taken from *.a.example of "
                  "endpoints[0] (line 3); if that is meant, write it under endpoints[0].except\n");
}

static void an_except_with_a_star_leaves_the_name_itself(void **state)
{
    (void)state;
    assert_warned("endpoints:\n"
                  "- {names: \"*.a.example\", except: \"*.x.a.example\", addresses: 10.0.0.1}\n"
                  "- {names: [y.x.a.example, x.a.example], addresses: 10.0.0.2}\n",
                  "f:4:27: warning: endpoints[1].names: x.a.example is taken from *.a.example of "
                  "endpoints[0] (line 3); if that is meant, write it under endpoints[0].except\n");
}

static void a_service_below_a_wildcard_is_told_as_one(void **state)
{
    (void)state;
    assert_warned(
        "endpoints:\n"
        "- {names: \"*.example\", service: sqs, region: eu-west-1, addresses: 10.0.0.1}\n"
        "- {names: \"*.eu-west-1.amazonaws.com\", addresses: 10.0.0.2,\n"
        "   except: [oidc.eks.eu-west-1.amazonaws.com, \"*.elb.eu-west-1.amazonaws.com\",\n"
        "            \"*.execute-api.eu-west-1.amazonaws.com\",\n"
        "            \"*.dualstack.eu-west-1.amazonaws.com\"]}\n",
        "f:3:33: warning: endpoints[0].service: sqs.eu-west-1.amazonaws.com is taken from "
        "*.eu-west-1.amazonaws.com of endpoints[1] (line 4); if that is meant, write it "
        "under endpoints[1].except\n");
}

static void name_that_the_wildcard_leaves_out_is_meant(void **state)
{
    (void)state;
    assert_silent(
        "endpoints:\n"
        "- {names: \"*.a.example\", except: [x.a.example, \"*.y.a.example\"],\n"
        "   addresses: 10.0.0.1}\n"
        "- {names: [x.a.example, b.y.a.example, \"*.y.a.example\"], addresses: 10.0.0.2}\n");
    assert_silent(
        "endpoints:\n"
        "- {names: [\"*.a.example\", x.a.example, \"*.y.a.example\"], addresses: 10.0.0.1}\n"
        "- {names: a.example, addresses: 10.0.0.2}\n");
}

static void except_that_counts_for_another_endpoint_is_told(void **state)
{
    (void)state;
    assert_warned(
        "endpoints:\n"
        "- {names: \"*.example\", except: [\"*.a.example\", x.a.example],\n"
        "   addresses: 10.0.0.1}\n"
        "- {names: \"*.a.example\", addresses: 10.0.0.2}\n",
        "f:3:48: warning: endpoints[0].except: x.a.example is taken out of *.a.example of "
        "endpoints[1] too; if that is meant, write it under endpoints[1].except as "
        "well\n");
    assert_silent("endpoints:\n"
                  "- {names: \"*.example\", except: [\"*.a.example\", x.a.example],\n"
                  "   addresses: 10.0.0.1}\n"
                  "- {names: \"*.a.example\", except: x.a.example, addresses: 10.0.0.2}\n");
}

/* ---- All of it -------------------------------------------------------------------------------------- */

static void a_configuration_with_errors_gets_no_advice(void **state)
{
    (void)state;
    assert_refused("endpoints:\n"
                   "- {names: s3.eu-west-1.amazonaws.com, addresses: 10.0.0.1}\n"
                   "- {names: x.local, addresses: 10.0.0.1}\n",
                   "f:4:11: error: endpoints[1].names: x.local is a special name (local, RFC 6762 "
                   "section 22.1), which no endpoint can have\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_below_another_endpoints_wildcard_is_told_once),
        cmocka_unit_test(an_except_with_a_star_leaves_the_name_itself),
        cmocka_unit_test(a_service_below_a_wildcard_is_told_as_one),
        cmocka_unit_test(name_that_the_wildcard_leaves_out_is_meant),
        cmocka_unit_test(except_that_counts_for_another_endpoint_is_told),
        cmocka_unit_test(a_configuration_with_errors_gets_no_advice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
