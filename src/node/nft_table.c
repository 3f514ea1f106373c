/* nft_table: batches of nf_tables messages, and dumps of one table's parts.
 * Owns: nothing. Thread: main.
 * Bounds: a batch has a kilobyte for each message, three times what the longest takes.
 * Fails: with the kernel's errno; out of memory is fatal. */
#include "nft_table.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>

#include "local53/base/check.h"
#include "nft_rule.h"

#define MESSAGE_MAX 1024
/* Begin, the table three times, its chains, end. */
#define MESSAGES_BESIDE_RULES (5 + NFT_CHAINS)

/* ---- Batches --------------------------------------------------------------------------------------- */

/* Messages of one transaction, one behind another. */
struct batch {
    struct netlink *netlink; /* borrowed */
    char *octets;            /* owned */
    size_t size;             /* octets used */
    size_t limit;            /* octets there are */
};

static void batch_begin(struct batch *batch, struct netlink *netlink, size_t rules)
{
    *batch =
        (struct batch){.netlink = netlink, .limit = (rules + MESSAGES_BESIDE_RULES) * MESSAGE_MAX};
    batch->octets = calloc(1, batch->limit);
    CHECK(batch->octets != NULL);
    batch->size = nftnl_batch_begin(batch->octets, netlink_next(netlink))->nlmsg_len;
}

/* Head of the next message, to be filled and then given to batch_added. */
static struct nlmsghdr *batch_next(struct batch *batch, uint16_t type, uint16_t flags)
{
    CHECK(batch->size + MESSAGE_MAX <= batch->limit);
    return nftnl_nlmsg_build_hdr(batch->octets + batch->size, type, NFPROTO_INET, flags,
                                 netlink_next(batch->netlink));
}

static void batch_added(struct batch *batch, const struct nlmsghdr *message)
{
    CHECK(message->nlmsg_len <= MESSAGE_MAX);
    batch->size += NLMSG_ALIGN(message->nlmsg_len);
}

/* Sends all and frees the batch. */
static int batch_end(struct batch *batch)
{
    int error;

    CHECK(batch->size + MESSAGE_MAX <= batch->limit);
    batch->size +=
        nftnl_batch_end(batch->octets + batch->size, netlink_next(batch->netlink))->nlmsg_len;
    error = netlink_ask(batch->netlink, batch->octets, batch->size);
    free(batch->octets);
    return error;
}

static void add_table(struct batch *batch, uint16_t type, uint16_t flags,
                      const struct nft_table *table)
{
    struct nlmsghdr *message = batch_next(batch, type, flags);
    struct nftnl_table *nftnl = nftnl_table_alloc();

    CHECK(nftnl != NULL);
    nftnl_table_set_str(nftnl, NFTNL_TABLE_NAME, table->name);
    nftnl_table_set_u32(nftnl, NFTNL_TABLE_FLAGS, table->owned ? NFT_TABLE_F_OWNER : 0);
    nftnl_table_nlmsg_build_payload(message, nftnl);
    nftnl_table_free(nftnl);
    batch_added(batch, message);
}

static void add_chain(struct batch *batch, const struct nft_table *table, size_t number)
{
    struct nlmsghdr *message = batch_next(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK);
    struct nftnl_chain *chain = nft_chain_new(table->name, number);

    nftnl_chain_nlmsg_build_payload(message, chain);
    nftnl_chain_free(chain);
    batch_added(batch, message);
}

static void add_rule(struct batch *batch, struct nftnl_rule *rule)
{
    struct nlmsghdr *message = batch_next(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

    nftnl_rule_nlmsg_build_payload(message, rule);
    batch_added(batch, message);
}

/* Calls on_rule for each rule of the table, chain by chain, as the kernel tells them. */
static void each_rule(const struct nft_table *table,
                      void (*on_rule)(void *context, struct nftnl_rule *rule), void *context)
{
    for (size_t i = 0; i < NFT_CHAINS * table->count * NFT_RULES_AN_ADDRESS; i++) {
        size_t chain = i / (table->count * NFT_RULES_AN_ADDRESS);
        size_t number = i % NFT_RULES_AN_ADDRESS;
        const struct addr *address = &table->addresses[i / NFT_RULES_AN_ADDRESS % table->count];
        struct nftnl_rule *rule;

        if (nft_rule_chain(number) != chain)
            continue;
        rule = nft_rule_new(table->name, address, number);
        on_rule(context, rule);
        nftnl_rule_free(rule);
    }
}

static void on_rule_to_add(void *context, struct nftnl_rule *rule)
{
    add_rule(context, rule);
}

/* Chains and rules, behind the table itself. */
static int send_contents(struct batch *batch, const struct nft_table *table)
{
    for (size_t i = 0; i < NFT_CHAINS; i++)
        add_chain(batch, table, i);
    each_rule(table, on_rule_to_add, batch);
    return batch_end(batch);
}

int nft_table_put(struct netlink *netlink, const struct nft_table *table)
{
    struct batch batch;

    batch_begin(&batch, netlink, table->count * NFT_RULES_AN_ADDRESS);
    add_table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, table);
    return send_contents(&batch, table);
}

/* The first message makes sure that there is a table to delete. */
int nft_table_replace(struct netlink *netlink, const struct nft_table *table)
{
    struct batch batch;

    batch_begin(&batch, netlink, table->count * NFT_RULES_AN_ADDRESS);
    add_table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
    add_table(&batch, NFT_MSG_DELTABLE, 0, table);
    add_table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, table);
    return send_contents(&batch, table);
}

int nft_table_delete(struct netlink *netlink, const char *name)
{
    struct nft_table table = {.name = name};
    struct batch batch;

    batch_begin(&batch, netlink, 0);
    add_table(&batch, NFT_MSG_DELTABLE, NLM_F_ACK, &table);
    return batch_end(&batch);
}

/* ---- As text --------------------------------------------------------------------------------------- */

static FILE *open_text(char **text, size_t *size)
{
    FILE *out = open_memstream(text, size);

    CHECK(out != NULL);
    return out;
}

static void write_table(FILE *out, uint32_t flags)
{
    fprintf(out, "table flags %u\n", flags);
}

static void on_rule_to_write(void *context, struct nftnl_rule *rule)
{
    nft_rule_write(rule, context);
}

char *nft_table_expected(const struct nft_table *table)
{
    char *text;
    size_t size;
    FILE *out = open_text(&text, &size);

    write_table(out, table->owned ? NFT_TABLE_F_OWNER : 0);
    for (size_t i = 0; i < NFT_CHAINS; i++) {
        struct nftnl_chain *chain = nft_chain_new(table->name, i);

        nft_chain_write(chain, out);
        nftnl_chain_free(chain);
    }
    each_rule(table, on_rule_to_write, out);
    CHECK(fclose(out) == 0);
    return text;
}

/* ---- Reading back ---------------------------------------------------------------------------------- */

/* One dump: what is looked for, and where it goes. */
struct reading {
    const char *name; /* borrowed: the table whose parts are written; others are passed by */
    FILE *out;        /* borrowed */
    void (*on_table)(void *context, const char *name, bool owned); /* for nft_table_each */
    void *context;                                                 /* of on_table */
};

/* Rules are asked for by their table: some nodes have tens of thousands of others'. Tables and chains are few. */
static int dump(struct netlink *netlink, uint16_t type, mnl_cb_t on_message,
                struct reading *reading)
{
    _Alignas(struct nlmsghdr) char octets[MESSAGE_MAX] = {0};
    struct nlmsghdr *request =
        nftnl_nlmsg_build_hdr(octets, type, NFPROTO_INET, NLM_F_DUMP, netlink_next(netlink));

    if (type == NFT_MSG_GETRULE)
        mnl_attr_put_strz(request, NFTA_RULE_TABLE, reading->name);
    return netlink_dump(netlink, request, on_message, reading);
}

static int on_table_message(const struct nlmsghdr *message, void *context)
{
    const struct reading *reading = context;
    struct nftnl_table *table = nftnl_table_alloc();

    CHECK(table != NULL);
    if (nftnl_table_nlmsg_parse(message, table) == 0) {
        const char *name = nftnl_table_get_str(table, NFTNL_TABLE_NAME);
        uint32_t flags = nftnl_table_get_u32(table, NFTNL_TABLE_FLAGS);

        if (reading->on_table != NULL)
            reading->on_table(reading->context, name, (flags & NFT_TABLE_F_OWNER) != 0);
        else if (strcmp(name, reading->name) == 0)
            write_table(reading->out, flags);
    }
    nftnl_table_free(table);
    return MNL_CB_OK;
}

static int on_chain_message(const struct nlmsghdr *message, void *context)
{
    const struct reading *reading = context;
    struct nftnl_chain *chain = nftnl_chain_alloc();

    CHECK(chain != NULL);
    if (nftnl_chain_nlmsg_parse(message, chain) == 0 &&
        strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE), reading->name) == 0)
        nft_chain_write(chain, reading->out);
    nftnl_chain_free(chain);
    return MNL_CB_OK;
}

static int on_rule_message(const struct nlmsghdr *message, void *context)
{
    const struct reading *reading = context;
    struct nftnl_rule *rule = nftnl_rule_alloc();

    CHECK(rule != NULL);
    if (nftnl_rule_nlmsg_parse(message, rule) == 0 &&
        strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE), reading->name) == 0)
        nft_rule_write(rule, reading->out);
    nftnl_rule_free(rule);
    return MNL_CB_OK;
}

int nft_table_read(struct netlink *netlink, const char *name, char **text)
{
    size_t size;
    struct reading reading = {.name = name, .out = open_text(text, &size)};
    int error = dump(netlink, NFT_MSG_GETTABLE, on_table_message, &reading);

    if (error == 0)
        error = dump(netlink, NFT_MSG_GETCHAIN, on_chain_message, &reading);
    if (error == 0)
        error = dump(netlink, NFT_MSG_GETRULE, on_rule_message, &reading);
    CHECK(fclose(reading.out) == 0);
    if (error != 0) {
        free(*text);
        *text = NULL;
    }
    return error;
}

int nft_table_each(struct netlink *netlink, void (*on_table)(void *, const char *name, bool owned),
                   void *context)
{
    struct reading reading = {.on_table = on_table, .context = context};

    return dump(netlink, NFT_MSG_GETTABLE, on_table_message, &reading);
}
