/* reach_judge: what answers and silence of servers mean. Pure. Thread: any. */
#include <inttypes.h>
#include <stdio.h>

#include "local53/dns/message.h"
#include "local53/dns/text.h"
#include "reach.h"

static bool is_refusal(const struct doctor_ask *ask)
{
    return ask->answered && (ask->rcode == RCODE_SERVFAIL || ask->rcode == RCODE_REFUSED);
}

static const char *why_silent(const struct doctor_ask *ask)
{
    return ask->err == ERR_TIMEOUT ? "no answer within 2 s" : err_text(ask->err);
}

static void tell_silent(struct findings *findings, const char *zone, const struct doctor_ask *ask,
                        bool both)
{
    const char *transport = ask->tcp ? "TCP" : "UDP";
    char server[ADDR_TEXT_MAX];
    addr_format(&ask->server, server);
    findings_add(findings, FINDING_PROBLEM, FINDING_UPSTREAM, "%s for zone \"%s\" over %s: %s",
                 server, zone,
                 both       ? "UDP and TCP"
                 : ask->tcp ? "TCP, while UDP works"
                            : "UDP, while TCP works",
                 why_silent(ask));
    if (ask->err == ERR_REFUSED)
        findings_remedy(findings, "nobody listens there: is the address right, and does the server "
                                  "run?");
    else if (ask->err == ERR_UNREACHABLE)
        findings_remedy(findings, "no route leads there from here: see 'ip route get' with this "
                                  "address, or write another server");
    else if (ask->err != ERR_TIMEOUT)
        findings_remedy(findings,
                        "something on the way, or the server itself, ends it: see its log; "
                        "long answers need TCP");
    else
        findings_remedy(findings,
                        "allow %s port %u to it in security groups, network ACLs and "
                        "NetworkPolicy; or write another server",
                        both ? "UDP and TCP" : transport, (unsigned)addr_port(&ask->server));
}

static void tell_refusal(struct findings *findings, const char *zone, const struct doctor_ask *ask)
{
    char server[ADDR_TEXT_MAX];
    findings_add(findings, FINDING_PROBLEM, FINDING_UPSTREAM, "%s answers %s for zone \"%s\"",
                 addr_format(&ask->server, server), text_rcode(ask->rcode), zone);
    findings_remedy(
        findings, ask->rcode == RCODE_REFUSED
                      ? "it does not serve this zone to this node: allow the node there, or write "
                        "another server under forward"
                      : "it cannot reach its own servers, or does not know the zone: ask its log");
}

void doctor_judge_server(struct findings *findings, const char *zone, const struct doctor_ask *udp,
                         const struct doctor_ask *tcp)
{
    char server[ADDR_TEXT_MAX];
    bool udp_fine = udp->answered;
    bool tcp_fine = tcp->answered;
    if (!udp_fine || !tcp_fine)
        tell_silent(findings, zone, udp_fine ? tcp : udp, !udp_fine && !tcp_fine);
    if (is_refusal(udp) || is_refusal(tcp))
        tell_refusal(findings, zone, is_refusal(udp) ? udp : tcp);
    else if (udp_fine && tcp_fine && udp->rcode == RCODE_NXDOMAIN)
        findings_add(findings, FINDING_NOTE, FINDING_UPSTREAM,
                     "%s answers, and says that zone \"%s\" does not exist",
                     addr_format(&udp->server, server), zone);
    else if (udp_fine && tcp_fine)
        findings_add(findings, FINDING_OK, FINDING_UPSTREAM,
                     "%s answers for zone \"%s\": UDP %" PRIu64 ".%" PRIu64 " ms, TCP %" PRIu64
                     ".%" PRIu64 " ms",
                     addr_format(&udp->server, server), zone, udp->took_us / 1000,
                     udp->took_us % 1000 / 100, tcp->took_us / 1000, tcp->took_us % 1000 / 100);
}

bool doctor_judge_target(struct findings *findings, const struct doctor_target *target,
                         const struct doctor_ask *v4, const struct doctor_ask *v6)
{
    char name[TEXT_NAME_MAX];
    char server[ADDR_TEXT_MAX];
    const struct doctor_ask *told = v4->answered ? v4 : v6;
    if ((v4->answered && v4->records > 0) || (v6->answered && v6->records > 0))
        return true;
    findings_add(findings, target->optional ? FINDING_NOTE : FINDING_PROBLEM, FINDING_ENDPOINT,
                 "endpoint %s: target %s has no address: %s says %s", target->endpoint,
                 text_write_name(&v4->name, name), addr_format(&v4->server, server),
                 !told->answered                ? why_silent(told)
                 : told->rcode == RCODE_NOERROR ? "that it has none"
                                                : text_rcode(told->rcode));
    findings_remedy(findings, "compare it with 'aws ec2 describe-vpc-endpoints' (DnsEntries); from "
                              "another VPC it must resolve in public, or write addresses:");
    return false;
}
