/* nft_rule: "meta nfproto F meta l4proto P ip[6] saddr|daddr A th sport|dport N notrack" by libnftnl.
 * Owns: nothing. Thread: any.
 * Bounds: a rule has a fixed number of expressions.
 * Fails: out of memory is fatal. */
#include "nft_rule.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <libnftnl/expr.h>

#include "local53/base/check.h"

/* NF_IP_PRI_RAW and NF_IP6_PRI_RAW of the kernel. */
#define PRIORITY_RAW (-300)
#define EXPRESSION_TEXT_MAX 256

/* What of a packet is compared with the address and its port. */
struct side {
    size_t chain;         /* number of nft_chain_new */
    uint32_t octets_v4;   /* offset of the address in an IPv4 header (RFC 791 section 3.1) */
    uint32_t octets_v6;   /* offset of the address in an IPv6 header (RFC 8200 section 3) */
    uint32_t octets_port; /* offset of the port in a UDP or TCP header */
};

/* From others and from ourselves to the address, and from the address to anybody. */
static const struct side sides[] = {{0, 16, 24, 2}, {1, 16, 24, 2}, {1, 12, 8, 0}};
static const uint8_t transports[] = {IPPROTO_UDP, IPPROTO_TCP};
static const struct {
    const char *name;
    uint32_t hook;
} chains[NFT_CHAINS] = {{"prerouting", NF_INET_PRE_ROUTING}, {"output", NF_INET_LOCAL_OUT}};

struct nftnl_chain *nft_chain_new(const char *table, size_t number)
{
    struct nftnl_chain *chain = nftnl_chain_alloc();

    CHECK(chain != NULL && number < NFT_CHAINS);
    nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table);
    nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, chains[number].name);
    nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter");
    nftnl_chain_set_u32(chain, NFTNL_CHAIN_FAMILY, NFPROTO_INET);
    nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, chains[number].hook);
    nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, PRIORITY_RAW);
    nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
    return chain;
}

/* ---- Expressions ----------------------------------------------------------------------------------- */

static struct nftnl_expr *expression_new(const char *name)
{
    struct nftnl_expr *expression = nftnl_expr_alloc(name);

    CHECK(expression != NULL);
    return expression;
}

/* The packet's meta value goes to register 1. */
static void add_meta(struct nftnl_rule *rule, uint32_t key)
{
    struct nftnl_expr *expression = expression_new("meta");

    nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_META_DREG, NFT_REG_1);
    nftnl_rule_add_expr(rule, expression);
}

/* Octets of a header go to register 1. */
static void add_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset, size_t size)
{
    struct nftnl_expr *expression = expression_new("payload");

    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_LEN, (uint32_t)size);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
    nftnl_rule_add_expr(rule, expression);
}

/* The rule goes on when register 1 is so. */
static void add_equal(struct nftnl_rule *rule, const void *value, size_t size)
{
    struct nftnl_expr *expression = expression_new("cmp");

    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
    nftnl_expr_set(expression, NFTNL_EXPR_CMP_DATA, value, (uint32_t)size);
    nftnl_rule_add_expr(rule, expression);
}

static void add_address(struct nftnl_rule *rule, const struct addr *address,
                        const struct side *side)
{
    uint16_t port = htons(addr_port(address));
    size_t size;
    const uint8_t *octets = addr_octets(address, &size);

    add_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, size == 4 ? side->octets_v4 : side->octets_v6,
                size);
    add_equal(rule, octets, size);
    add_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, side->octets_port, sizeof(port));
    add_equal(rule, &port, sizeof(port));
}

/* ---- Rules ----------------------------------------------------------------------------------------- */

static const struct side *side_of(size_t number)
{
    CHECK(number < NFT_RULES_AN_ADDRESS);
    return &sides[number / (sizeof(transports) / sizeof(transports[0]))];
}

size_t nft_rule_chain(size_t number)
{
    return side_of(number)->chain;
}

struct nftnl_rule *nft_rule_new(const char *table, const struct addr *address, size_t number)
{
    const struct side *side = side_of(number);
    uint8_t family = address->sa.sa_family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
    uint8_t transport = transports[number % (sizeof(transports) / sizeof(transports[0]))];
    struct nftnl_rule *rule = nftnl_rule_alloc();

    CHECK(rule != NULL);
    nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table);
    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chains[side->chain].name);
    nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
    add_meta(rule, NFT_META_NFPROTO);
    add_equal(rule, &family, sizeof(family));
    add_meta(rule, NFT_META_L4PROTO);
    add_equal(rule, &transport, sizeof(transport));
    add_address(rule, address, side);
    nftnl_rule_add_expr(rule, expression_new("notrack"));
    return rule;
}

/* ---- As text --------------------------------------------------------------------------------------- */

void nft_chain_write(const struct nftnl_chain *chain, FILE *out)
{
    const char *type = nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);

    fprintf(out, "chain %s type %s hook %" PRIu32 " priority %" PRId32 " policy %" PRIu32 "\n",
            nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME), type == NULL ? "none" : type,
            nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM),
            nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO),
            nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY));
}

static void write_expression(const struct nftnl_expr *expression, FILE *out)
{
    char text[EXPRESSION_TEXT_MAX] = "";

    (void)nftnl_expr_snprintf(text, sizeof(text), expression, NFTNL_OUTPUT_DEFAULT, 0);
    fprintf(out, " [%s %s]", nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), text);
}

void nft_rule_write(const struct nftnl_rule *rule, FILE *out)
{
    struct nftnl_expr_iter *each = nftnl_expr_iter_create(rule);
    struct nftnl_expr *expression;

    CHECK(each != NULL);
    fprintf(out, "rule %s", nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
    while ((expression = nftnl_expr_iter_next(each)) != NULL)
        write_expression(expression, out);
    nftnl_expr_iter_destroy(each);
    fputc('\n', out);
}
