/* network: addresses of the node, AWS's own, and who translates service addresses. Pure. Thread: any. */
#include <string.h>

#include "checks.h"
#include "local53/node/reserved.h"

#define IPVS_LINK "kube-ipvs0"
#define CILIUM_LINK "cilium_host"
#define OWN_LINK "local53"
#define NODELOCAL_LINK "nodelocaldns"

static bool has_link(const struct doctor_links *links, const char *name)
{
    for (size_t i = 0; i < links->count; i++) {
        if (strcmp(links->items[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The link an address is on, NULL when on none; a link of somebody else before others, since that is the news. */
static const char *link_of(const struct doctor_links *links, const struct addr *addr)
{
    const char *found = NULL;
    for (size_t i = 0; i < links->count; i++) {
        const struct doctor_link *link = &links->items[i];
        if (link->addr.sa.sa_family == AF_UNSPEC || !addr_same_host(&link->addr, addr))
            continue;
        if (found == NULL || strcmp(link->name, IPVS_LINK) == 0)
            found = link->name;
    }
    return found;
}

/* --- addresses --- */

static void tell_absent(struct findings *findings, const struct doctor_wish *wish, const char *text)
{
    bool v6 = wish->addr.sa.sa_family == AF_INET6;
    if (wish->usual || wish->put) {
        findings_add(findings, FINDING_OK, FINDING_ADDRESS, "%s is not on this node yet%s", text,
                     wish->put ? ": local53 puts it there" : "");
        return;
    }
    findings_add(findings, FINDING_PROBLEM, FINDING_ADDRESS,
                 "%s is not an address of this node: it cannot be listened on", text);
    findings_remedy(findings,
                    "put it there: ip address add %s/%d dev lo%s; or write one under %s that "
                    "'ip address' shows",
                    text, v6 ? 128 : 32,
                    wish->may_put ? "; or let local53 do it, by node.intercept: owner" : "",
                    wish->dns ? "listen" : "metrics");
}

/* Where local53 puts addresses of its own, or takes those that stand there. */
static bool is_own_link(const char *link)
{
    return strcmp(link, OWN_LINK) == 0 || strcmp(link, "lo") == 0;
}

static void tell_present(struct findings *findings, const struct doctor_wish *wish,
                         const char *text, const char *link)
{
    if (strcmp(link, IPVS_LINK) == 0) {
        findings_add(findings, FINDING_PROBLEM, FINDING_ADDRESS,
                     "%s is on " IPVS_LINK ": kube-proxy in IPVS mode takes its packets before any "
                     "listener sees them",
                     text);
        findings_remedy(findings,
                        "take it out of the configuration; listen on " DOCTOR_USUAL_ADDRESS
                        " and give that to pods (kubelet --cluster-dns)");
    } else if (strcmp(link, NODELOCAL_LINK) == 0) {
        findings_add(findings, wish->put ? FINDING_PROBLEM : FINDING_NOTE, FINDING_ADDRESS,
                     "%s is on " NODELOCAL_LINK ", the link of NodeLocal DNSCache", text);
        findings_remedy(findings, "it takes the address away when it ends: remove its DaemonSet, "
                                  "then look again");
    } else if (wish->put && !is_own_link(link)) {
        findings_add(findings, FINDING_PROBLEM, FINDING_ADDRESS,
                     "%s is on %s, a link of somebody else: local53 does not take it", text, link);
        findings_remedy(findings, "take it off there (ip address del), or write another one");
    } else {
        findings_add(findings, FINDING_OK, FINDING_ADDRESS, "%s is on this node, on %s", text,
                     link);
    }
}

void doctor_check_address(struct findings *findings, const struct doctor_wish *wish,
                          const struct doctor_links *links)
{
    struct addr bare = addr_with_port(wish->addr, 0);
    char text[ADDR_TEXT_MAX];
    const char *link = link_of(links, &bare);
    if (addr_is_any(&bare) || (link == NULL && addr_is_loopback(&bare)))
        return;
    addr_format(&bare, text);
    if (link == NULL)
        tell_absent(findings, wish, text);
    else
        tell_present(findings, wish, text, link);
}

/* --- AWS's own addresses --- */

void doctor_check_clash(struct findings *findings, const struct doctor_wish *wish)
{
    char text[ADDR_TEXT_MAX];
    struct addr bare = addr_with_port(wish->addr, 0);
    const char *whose = reserved_for(&bare);
    if (whose == NULL)
        return;
    findings_add(findings, FINDING_PROBLEM, FINDING_CLASH,
                 "%s is %s on every instance of AWS: nothing on this node could reach it",
                 addr_format(&bare, text), whose);
    findings_remedy(findings, "write another link-local address, " DOCTOR_USUAL_ADDRESS
                              " for example, and take this one off the node if it is there");
}

/* --- service addresses --- */

static void tell_ipvs(struct findings *findings)
{
    findings_add(
        findings, FINDING_NOTE, FINDING_KUBE_PROXY,
        "kube-proxy is in IPVS mode: service addresses are local, and cannot be taken over");
    findings_remedy(findings, "listen on the link-local address alone and give it to pods by "
                              "kubelet's --cluster-dns, with a second nameserver");
}

static void tell_cilium(struct findings *findings)
{
    findings_add(findings, FINDING_NOTE, FINDING_KUBE_PROXY,
                 "Cilium is on this node: where it replaces kube-proxy, packets to the cluster DNS "
                 "service never reach an address of the host");
    findings_remedy(findings, "run local53 as an ordinary pod behind a CiliumLocalRedirectPolicy; "
                              "it then needs no capability but NET_BIND_SERVICE");
}

void doctor_check_kube_proxy(struct findings *findings, const struct doctor_links *links,
                             const char *mode)
{
    bool ipvs = has_link(links, IPVS_LINK) || strcmp(mode, "ipvs") == 0;
    bool cilium = has_link(links, CILIUM_LINK);
    if (ipvs)
        tell_ipvs(findings);
    if (cilium)
        tell_cilium(findings);
    if (ipvs || cilium)
        return;
    if (mode[0] != '\0')
        findings_add(findings, FINDING_OK, FINDING_KUBE_PROXY,
                     "kube-proxy says that it is in %s mode: the service address can be taken over",
                     mode);
    else
        findings_add(findings, FINDING_OK, FINDING_KUBE_PROXY,
                     "no sign of IPVS or Cilium; kube-proxy does not tell its mode on "
                     "127.0.0.1:10249");
}
