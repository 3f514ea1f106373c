/* print: a probe's report as text. Owns nothing. Thread: main. Bounds: the plan's. Never fails; what
 * cannot be written is the caller's to notice (ferror). Foreign text is printable already. */
#include "print.h"

#include <stdarg.h>
#include <string.h>

#include "local53/cli/json_text.h"

/* Names of a certificate in the table, and in advice. */
#define NAMES_SHOWN 2
#define NAMES_ADVISED 4

/* --- counts and words --- */

static bool is_fine(const struct probe_row *row)
{
    return row->outcome == PROBE_FINE || row->outcome == PROBE_FINE_BELOW;
}

static bool has_address(const struct probe_row *row)
{
    return row->addr.sa.sa_family != AF_UNSPEC;
}

size_t probe_undone(const struct probe_plan *plan)
{
    size_t undone = 0;
    for (size_t i = 0; i < plan->count; i++)
        undone += plan->rows[i].outcome == PROBE_UNDONE;
    return undone;
}

size_t probe_failures(const struct probe_plan *plan)
{
    size_t fine = 0;
    for (size_t i = 0; i < plan->count; i++)
        fine += is_fine(&plan->rows[i]);
    return plan->count - fine - probe_undone(plan);
}

/* The result in a few words. */
static const char *result_text(const struct probe_row *row, char *out, size_t cap)
{
    switch (row->outcome) {
    case PROBE_UNDONE: snprintf(out, cap, "not done"); break;
    case PROBE_FINE: snprintf(out, cap, "ok %s", row->tls.version); break;
    case PROBE_FINE_BELOW: snprintf(out, cap, "ok %s, names below", row->tls.version); break;
    case PROBE_FAILED: snprintf(out, cap, "%s", tls_verdict_text(row->tls.verdict)); break;
    case PROBE_UNRESOLVED: snprintf(out, cap, "DNS: %s", row->problem); break;
    case PROBE_NO_ENDPOINT: snprintf(out, cap, "no endpoint"); break;
    }
    return out;
}

/* The same for programs. */
static const char *result_code(const struct probe_row *row)
{
    static const char *const failures[TLS_VERDICT_COUNT] = {
        [TLS_OK] = "ok",
        [TLS_REFUSED] = "refused",
        [TLS_UNREACHABLE] = "unreachable",
        [TLS_TIMED_OUT] = "timed_out",
        [TLS_RESET] = "closed",
        [TLS_NOT_TLS] = "not_tls",
        [TLS_WRONG_NAME] = "wrong_name",
        [TLS_EXPIRED] = "expired",
        [TLS_UNKNOWN_CA] = "unknown_ca",
        [TLS_OTHER] = "failed",
    };
    static const char *const outcomes[] = {
        [PROBE_UNDONE] = "undone",         [PROBE_FINE] = "ok",
        [PROBE_FINE_BELOW] = "ok_below",   [PROBE_FAILED] = "",
        [PROBE_UNRESOLVED] = "unresolved", [PROBE_NO_ENDPOINT] = "no_endpoint",
    };
    return row->outcome == PROBE_FAILED ? failures[row->tls.verdict] : outcomes[row->outcome];
}

static const char *names_text(const struct tls_result *tls, size_t most, char *out, size_t cap)
{
    size_t shown = tls->name_count < most ? tls->name_count : most;
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < shown && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s%s", i > 0 ? ", " : "", tls->names[i]);
    if (tls->name_total > shown && len < cap)
        snprintf(out + len, cap - len, ", +%zu", tls->name_total - shown);
    return out;
}

/* Who is asked for targets, "10.0.0.2:53, 10.0.0.3:53". */
static const char *servers_text(const struct pool *pool, char *out, size_t cap)
{
    char text[ADDR_TEXT_MAX];
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < pool->count && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s%s", i > 0 ? ", " : "",
                                addr_format(&pool->servers[i], text));
    return out;
}

/* --- advice --- */

static void put(char out[PROBE_ADVICE_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(char out[PROBE_ADVICE_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out, PROBE_ADVICE_MAX, format, arguments);
    va_end(arguments);
}

static void advise_unresolved(const struct probe_report *report, const struct probe_row *row,
                              char out[PROBE_ADVICE_MAX])
{
    char servers[PROBE_ADVICE_MAX / 4];
    servers_text(report->resolver, servers, sizeof(servers));
    if (report->resolver->count == 0)
        put(out, "no server to ask for targets: aws.resolver (else the pool of \".\") gives none");
    else if (strcmp(row->problem, "NXDOMAIN") == 0)
        put(out,
            "%s says there is no such name: mistyped, or the endpoint was deleted; compare "
            "with aws ec2 describe-vpc-endpoints",
            servers);
    else if (strcmp(row->problem, "SERVFAIL") == 0 || strcmp(row->problem, "REFUSED") == 0)
        put(out,
            "%s does not answer this name: set aws.resolver to a VPC's own resolver "
            "(VPC address + 2, or 169.254.169.253), or try one with --resolver",
            servers);
    else if (strcmp(row->problem, "the name has no addresses") == 0)
        put(out,
            "%s knows the name without an address: is the endpoint in a subnet, and available?",
            servers);
    else
        put(out,
            "asked %s: can it be reached from here on port 53, UDP and TCP? aws.resolver "
            "says who is asked; --resolver tries another",
            servers);
}

static void advise_wrong_name(const struct probe_row *row, char out[PROBE_ADVICE_MAX])
{
    char names[NAMES_ADVISED * TLS_NAME_MAX / 2];
    names_text(&row->tls, NAMES_ADVISED, names, sizeof(names));
    if (row->tls.name_count == 0)
        put(out, "the certificate has no names at all: this is no endpoint of AWS");
    else
        put(out,
            "the certificate is for %s: the target belongs to another service or region; "
            "compare it with aws ec2 describe-vpc-endpoints",
            names);
}

/* The network's part: no connection. */
static void advise_network(const struct probe_report *report, const struct probe_row *row,
                           char out[PROBE_ADVICE_MAX])
{
    if (row->tls.verdict == TLS_UNREACHABLE)
        put(out,
            "no route to the address: the subnet's route table needs one to the endpoint's VPC "
            "(peering, transit gateway)");
    else if (row->tls.verdict == TLS_REFUSED)
        put(out,
            "nothing listens on port %u there: is this still the endpoint's address? A "
            "firewall may also refuse; the endpoint's security group must allow TCP %u from "
            "the nodes",
            report->port, report->port);
    else if (row->tls.verdict == TLS_TIMED_OUT)
        put(out,
            "no answer: the endpoint's security group must allow TCP %u from the nodes; to "
            "another VPC there must be a route both ways (peering, transit gateway)",
            report->port);
    else
        put(out, "%s", row->tls.text);
}

/* The part after it. */
static void advise_tls(const struct probe_row *row, char out[PROBE_ADVICE_MAX])
{
    const char *text = row->tls.text;
    switch (row->tls.verdict) {
    case TLS_WRONG_NAME: advise_wrong_name(row, out); break;
    case TLS_EXPIRED:
        put(out, "%s: is this machine's clock right? If it is, something other than AWS answers",
            text);
        break;
    case TLS_UNKNOWN_CA:
        put(out,
            "%s: a proxy that inspects TLS is on the way, or CA certificates are missing here "
            "(package ca-certificates, or --ca FILE)",
            text);
        break;
    case TLS_NOT_TLS: put(out, "%s: the address is another service's", text); break;
    case TLS_TIMED_OUT:
    case TLS_RESET:
        put(out,
            "%s: a firewall or proxy on the way lets the connection through and not what "
            "follows",
            text);
        break;
    default: put(out, "%s", text);
    }
}

const char *probe_advise(const struct probe_report *report, const struct probe_row *row,
                         char out[PROBE_ADVICE_MAX])
{
    out[0] = '\0';
    if (row->outcome == PROBE_UNRESOLVED)
        advise_unresolved(report, row, out);
    else if (row->outcome == PROBE_NO_ENDPOINT)
        put(out, "the name is not an endpoint's (%s): see local53 explain", row->problem);
    else if (row->outcome == PROBE_FAILED && row->tls.connected)
        advise_tls(row, out);
    else if (row->outcome == PROBE_FAILED)
        advise_network(report, row, out);
    return out;
}

/* --- the table --- */

enum column { ENDPOINT, NAME, ADDRESS, ZONE, CONNECT, RESULT, CERTIFICATE, COLUMNS };

#define CELL_MAX TEXT_NAME_MAX

struct line {
    char cells[COLUMNS][CELL_MAX];
};

static const struct line heads = {
    {"ENDPOINT", "NAME", "ADDRESS", "ZONE", "CONNECT", "TLS", "CERTIFICATE"}};

static void put_cell(struct line *line, enum column column, const char *text)
{
    snprintf(line->cells[column], CELL_MAX, "%s", text[0] != '\0' ? text : "-");
}

static void fill_line(struct line *line, const struct probe_row *row)
{
    char text[CELL_MAX];
    struct addr host = addr_with_port(row->addr, 0);
    put_cell(line, ENDPOINT, row->endpoint);
    put_cell(line, NAME, row->name);
    put_cell(line, ADDRESS, has_address(row) ? addr_format(&host, text) : "");
    put_cell(line, ZONE, row->zone);
    snprintf(text, sizeof(text), "%.1f ms", (double)row->tls.connect_us / 1000);
    put_cell(line, CONNECT, row->tls.connected ? text : "");
    put_cell(line, RESULT, result_text(row, text, sizeof(text)));
    put_cell(line, CERTIFICATE, names_text(&row->tls, NAMES_SHOWN, text, sizeof(text)));
}

static void widen(size_t widths[COLUMNS], const struct line *line)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        size_t len = strlen(line->cells[i]);
        widths[i] = len > widths[i] ? len : widths[i];
    }
}

static void print_line(FILE *out, const size_t widths[COLUMNS], const struct line *line)
{
    for (size_t i = 0; i + 1 < COLUMNS; i++)
        fprintf(out, "%-*s  ", (int)widths[i], line->cells[i]);
    fprintf(out, "%s\n", line->cells[COLUMNS - 1]);
}

static void print_rows(FILE *out, const struct probe_report *report)
{
    const struct probe_plan *plan = report->plan;
    size_t widths[COLUMNS] = {0};
    struct line line;
    char advice[PROBE_ADVICE_MAX];
    char before[PROBE_ADVICE_MAX] = "";
    const char *endpoint = "";
    widen(widths, &heads);
    for (size_t i = 0; i < plan->count; i++) {
        fill_line(&line, &plan->rows[i]);
        widen(widths, &line);
    }
    print_line(out, widths, &heads);
    for (size_t i = 0; i < plan->count; i++) {
        const struct probe_row *row = &plan->rows[i];
        fill_line(&line, row);
        print_line(out, widths, &line);
        probe_advise(report, row, advice);
        if (advice[0] == '\0' ||
            (strcmp(endpoint, row->endpoint) == 0 && strcmp(before, advice) == 0))
            continue;
        fprintf(out, "    %s\n", advice);
        endpoint = row->endpoint;
        memcpy(before, advice, sizeof(before));
    }
}

static void print_sum(FILE *out, const struct probe_report *report)
{
    const struct probe_plan *plan = report->plan;
    size_t failures = probe_failures(plan);
    size_t undone = probe_undone(plan);
    double seconds = (double)report->took_ms / 1000;
    if (undone > 0)
        fprintf(out, "\ninterrupted after %.1f s: %zu of %zu not done, %zu failed\n", seconds,
                undone, plan->count, failures);
    else if (failures > 0)
        fprintf(out, "\n%zu of %zu failed (%.1f s)\n", failures, plan->count, seconds);
    else
        fprintf(out, "\nall %zu fine (%.1f s)\n", plan->count, seconds);
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

void probe_print_table(FILE *out, const struct probe_report *report)
{
    const struct probe_plan *plan = report->plan;
    char servers[POOL_SERVERS_MAX * ADDR_TEXT_MAX];
    servers_text(report->resolver, servers, sizeof(servers));
    fprintf(out, "%zu endpoint%s, %zu connection%s to port %u; targets asked of %s\n",
            plan->endpoints, plural(plan->endpoints), plan->connections, plural(plan->connections),
            report->port, servers[0] != '\0' ? servers : "nobody");
    if (plan->left_out > 0)
        fprintf(out,
                "left out: %zu more names and addresses, beyond %d; give NAMEs to probe these\n",
                plan->left_out, PROBE_ROWS_MAX);
    fputc('\n', out);
    print_rows(out, report);
    print_sum(out, report);
}

/* --- JSON --- */

static void json_list_item(FILE *out, size_t i, const char *text)
{
    fputs(i > 0 ? ", " : "", out);
    json_text_write(out, text);
}

static void json_tls(FILE *out, const struct tls_result *tls)
{
    json_text_member(out, "tls", tls->version);
    if (tls->connected)
        fprintf(out, ", \"connect_ms\": %.3f", (double)tls->connect_us / 1000);
    else
        fputs(", \"connect_ms\": null", out);
    if (tls->handshake_us > 0)
        fprintf(out, ", \"handshake_ms\": %.3f", (double)tls->handshake_us / 1000);
    else
        fputs(", \"handshake_ms\": null", out);
    fputs(", \"certificate_names\": [", out);
    for (size_t i = 0; i < tls->name_count; i++)
        json_list_item(out, i, tls->names[i]);
    fprintf(out, "], \"certificate_name_count\": %zu", tls->name_total);
}

static void json_row(FILE *out, const struct probe_report *report, const struct probe_row *row)
{
    struct addr host = addr_with_port(row->addr, 0);
    char text[ADDR_TEXT_MAX];
    char advice[PROBE_ADVICE_MAX];
    char problem[CELL_MAX];
    json_text_member(out, "endpoint", strcmp(row->endpoint, "-") == 0 ? "" : row->endpoint);
    fputs(", ", out);
    json_text_member(out, "name", row->name);
    fputs(", ", out);
    json_text_member(out, "address", has_address(row) ? addr_format(&host, text) : "");
    fputs(", ", out);
    json_text_member(out, "zone", row->zone);
    fprintf(out, ", \"ok\": %s, ", is_fine(row) ? "true" : "false");
    json_text_member(out, "result", result_code(row));
    fputs(", ", out);
    json_tls(out, &row->tls);
    fputs(", ", out);
    json_text_member(out, "problem",
                     is_fine(row) ? "" : result_text(row, problem, sizeof(problem)));
    fputs(", ", out);
    json_text_member(out, "advice", probe_advise(report, row, advice));
}

void probe_print_json(FILE *out, const struct probe_report *report)
{
    const struct probe_plan *plan = report->plan;
    char text[ADDR_TEXT_MAX];
    fputs("{", out);
    json_text_member(out, "file", report->file);
    fprintf(out, ", \"port\": %u, \"resolvers\": [", report->port);
    for (size_t i = 0; i < report->resolver->count; i++)
        json_list_item(out, i, addr_format(&report->resolver->servers[i], text));
    fprintf(out,
            "], \"endpoints\": %zu, \"connections\": %zu, \"left_out\": %zu, \"failed\": %zu, "
            "\"undone\": %zu, \"interrupted\": %s, \"took_ms\": %llu,\n \"rows\": [",
            plan->endpoints, plan->connections, plan->left_out, probe_failures(plan),
            probe_undone(plan), report->interrupted ? "true" : "false",
            (unsigned long long)report->took_ms);
    for (size_t i = 0; i < plan->count; i++) {
        fputs(i > 0 ? ",\n  {" : "\n  {", out);
        json_row(out, report, &plan->rows[i]);
        fputs("}", out);
    }
    fputs("\n ]}\n", out);
}
