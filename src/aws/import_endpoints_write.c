/* import_endpoints_write: writes the configuration of an import: endpoints by service and region, then what is
 * offered as a comment, then what is left out.
 * Owns: nothing that stays. Thread: any; no state. Bounds: the import's.
 * Fails: never here; the caller looks at its stream. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_endpoints.h"
#include "import_text.h"
#include "local53/aws/partition.h"
#include "local53/base/check.h"

/* Columns that items of the list are indented by. */
#define INDENT 2

/* Names that stand in one line, in brackets. */
#define INLINE_NAMES 1

/* ---- Order --------------------------------------------------------------------------------------- */

static const char *service_of(const struct import_row *row)
{
    return row->service != NULL ? row->service->service : row->service_name;
}

/* Services of the catalogue by name, then all others. */
static int compare_rows(const void *left, const void *right)
{
    const struct import_row *a = *(const struct import_row *const *)left;
    const struct import_row *b = *(const struct import_row *const *)right;
    int order = (a->service == NULL) - (b->service == NULL);

    if (order == 0)
        order = strcmp(service_of(a), service_of(b));
    if (order == 0)
        order = strcmp(a->region, b->region);
    if (order == 0)
        order = strcmp(a->id, b->id);
    return order != 0 ? order : (a > b) - (a < b);
}

/* ---- One endpoint -------------------------------------------------------------------------------- */

/* What is offered stands behind a comment mark. */
static const char *mark_of(const struct import_row *row)
{
    return row->fate == IMPORT_TAKEN ? "" : "# ";
}

static void write_names(FILE *out, const struct import_names *names, const char *mark)
{
    char text[IMPORT_NAME_MAX];

    if (names->count <= INLINE_NAMES) {
        fprintf(out, "names: [%s]\n", import_write_name(&names->items[0], text));
        return;
    }
    fprintf(out, "names:\n");
    for (size_t i = 0; i < names->count; i++)
        fprintf(out, "%*s%s    - %s\n", INDENT, "", mark,
                import_write_name(&names->items[i], text));
}

/* The name that a target most likely stands for: behind its first label stands what AWS calls the service in names,
 * and the region (AWS PrivateLink guide, "Interface endpoint DNS hostnames"). NULL when it is no such target. */
static const char *guess_name(const struct import_row *row, char out[TEXT_NAME_MAX])
{
    struct name parent;
    char text[TEXT_NAME_MAX];
    char *common;

    if (!row->has_target || row->target.name.labels < 2)
        return NULL;
    name_parent(&parent, &row->target.name, 1);
    text_write_name(&parent, text);
    common = strstr(text, ".vpce.");
    if (common == NULL || strncmp(text, "vpce-", strlen("vpce-")) == 0)
        return NULL;
    *common = '\0';
    snprintf(out, TEXT_NAME_MAX, "%.500s%.500s", text, common + strlen(".vpce"));
    return out;
}

/* Of a global service the region matters only where it is of another partition than the cluster's. */
static bool needs_region(const struct import *import, const struct import_row *row)
{
    const char *own = import->from->region != NULL ? import->from->region : "";

    if (row->region[0] == '\0')
        return false;
    return !catalogue_is_global(row->service) ||
           partition_of_region(row->region) != partition_of_region(own);
}

static void write_service(FILE *out, const struct import *import, const struct import_row *row)
{
    const char *mark = mark_of(row);

    fprintf(out, "service: %s\n", row->service->service);
    if (needs_region(import, row))
        fprintf(out, "%*s%s  region: %s\n", INDENT, "", mark, row->region);
    if (row->is_dualstack && row->service->dualstack[0] != '\0')
        fprintf(out, "%*s%s  dualstack: true\n", INDENT, "", mark);
    if (row->listed.count > 0)
        fprintf(out, "%*s%s  ", INDENT, "", mark);
}

/* The first key of the item, and what belongs to it. */
static void write_what(FILE *out, const struct import *import, const struct import_row *row)
{
    char guess[TEXT_NAME_MAX];

    fprintf(out, "%*s%s- ", INDENT, "", mark_of(row));
    if (row->of_service.count > 0)
        write_service(out, import, row);
    if (row->listed.count > 0)
        write_names(out, &row->listed, mark_of(row));
    else if (row->of_service.count == 0 && guess_name(row, guess) != NULL)
        fprintf(out, "names: [%s] # a guess, from the target\n", guess);
    else if (row->of_service.count == 0)
        fprintf(out, "names: [NAME]\n");
}

static void write_addresses(FILE *out, const struct import_row *row, const char *mark)
{
    char text[ADDR_TEXT_MAX];

    if (row->address_count == 0)
        return;
    fprintf(out, "%*s%s  addresses:\n", INDENT, "", mark);
    for (size_t i = 0; i < row->address_count; i++) {
        const struct import_address *address = &row->addresses[i];

        fprintf(out, "%*s%s    - \"%s\"", INDENT, "", mark, addr_format(&address->addr, text));
        if (address->zone[0] != '\0')
            import_comment(out, 1, "%s", address->zone);
        else
            fputc('\n', out);
    }
}

static void write_notes(FILE *out, const struct import_row *row)
{
    const char *title = row->title;

    import_comment(out, INDENT, "%.80s%s%.80s in %.80s", title, title[0] != '\0' ? ": " : "",
                   row->id, row->vpc);
    if (row->of_service.count == 0 || row->fate == IMPORT_LEFT_OUT)
        import_comment(out, INDENT, "%.200s", row->service_name);
    if (row->fate != IMPORT_TAKEN)
        import_comment(out, INDENT, "%s: %s",
                       row->fate == IMPORT_OFFERED ? "Not taken" : "Left out", row->why);
    if (row->fate == IMPORT_LEFT_OUT)
        return;
    for (size_t i = 0; i < row->note_count; i++)
        import_comment(out, INDENT, "%s", row->notes[i]);
    if (row->private_dns)
        import_comment(out, INDENT, "Private DNS is on: in %.80s these names resolve without this.",
                       row->vpc);
}

static void write_row(FILE *out, const struct import *import, const struct import_row *row)
{
    const char *mark = mark_of(row);
    char text[IMPORT_NAME_MAX];

    fputc('\n', out);
    write_notes(out, row);
    if (row->fate == IMPORT_LEFT_OUT)
        return;
    write_what(out, import, row);
    if (row->has_target)
        fprintf(out, "%*s%s  target: %s\n", INDENT, "", mark,
                import_write_name(&row->target, text));
    write_addresses(out, row, mark);
    if (row->optional)
        fprintf(out, "%*s%s  optional: true\n", INDENT, "", mark);
}

/* Who is asked unless a configuration says otherwise. */
#define SERVERS "\"resolv.conf:/etc/resolv.conf\""

/* ---- The file ------------------------------------------------------------------------------------ */

/* The usable gateway to S3 of the cluster's region, when no endpoint of S3 is taken there; else NULL. */
static const struct import_row *gateway_alone(const struct import *import)
{
    const struct import_row *gateway = NULL;

    for (size_t i = 0; import->from->region != NULL && i < import->count; i++) {
        const struct import_row *row = &import->rows[i];

        if (row->service == NULL || strcmp(row->service->service, "s3") != 0 ||
            strcmp(row->region, import->from->region) != 0)
            continue;
        if (row->fate == IMPORT_TAKEN)
            return NULL;
        if (import_is_gateway_in_use(row))
            gateway = row;
    }
    return gateway;
}

/* A forward zone changes no answer; it says to check, and to who reads the file, that S3 was not forgotten. */
static void write_gateway(FILE *out, const struct import *import)
{
    const struct import_row *gateway = gateway_alone(import);

    if (gateway == NULL)
        return;
    import_comment(out, 0,
                   "S3 of %s, from where image layers come, is left to gateway endpoint %.80s: "
                   "forwarded as all names without a rule are.",
                   gateway->region, gateway->id);
    fprintf(out,
            "forward:\n  - {zone: \".\", servers: [%s]}\n  - {zone: s3.%s.%s, servers: [%s]}\n\n",
            SERVERS, gateway->region, partition_of_region(gateway->region)->suffix, SERVERS);
}

/* Which VPCs there were, where it matters: one was asked for, or several have the same names. */
static void write_vpcs(FILE *out, const struct import *import)
{
    char vpcs[IMPORT_VPCS_MAX];

    import_vpcs_text(import, import->from->vpc, vpcs);
    if (import->elsewhere > 0)
        import_comment(out, 0, "Left out by --vpc %.80s: %s.", import->from->vpc, vpcs);
    if (import->is_contested)
        import_comment(out, 0,
                       "Endpoints of several VPCs have the same names, and the first of the file "
                       "was taken; --vpc takes those of one: %s.",
                       vpcs);
}

static void write_head(FILE *out, const struct import *import)
{
    const struct import_endpoints *from = import->from;
    const char *name = strcmp(from->endpoints.name, "-") == 0 ? "stdin" : from->endpoints.name;

    import_comment(out, 0, "VPC endpoints of %s (aws ec2 describe-vpc-endpoints): %zu of %zu.",
                   name, import->taken, import->count + import->elsewhere);
    write_vpcs(out, import);
    if (import->is_part)
        import_comment(out, 0,
                       "The file has a NextToken: there are more endpoints, let aws print all of "
                       "them.");
    import_comment(out, 0, "Look it over, then: local53 check -c FILE; local53 probe -c FILE");
    fprintf(out, "\n");
    import_write_listen(out);
    fprintf(out, "\n");
    if (from->region != NULL)
        fprintf(out, "aws:\n  region: %s\n\n", from->region);
    write_gateway(out, import);
    fprintf(out, "endpoints:\n");
}

static void write_fate(FILE *out, const struct import *import, enum import_fate fate)
{
    const struct import_row **rows = calloc(import->count + 1, sizeof(struct import_row *));
    size_t count = 0;

    CHECK(rows != NULL);
    for (size_t i = 0; i < import->count; i++) {
        if (import->rows[i].fate == fate)
            rows[count++] = &import->rows[i];
    }
    qsort(rows, count, sizeof(rows[0]), compare_rows);
    for (size_t i = 0; i < count; i++)
        write_row(out, import, rows[i]);
    free(rows);
}

void import_write(FILE *out, const struct import *import)
{
    write_head(out, import);
    write_fate(out, import, IMPORT_TAKEN);
    write_fate(out, import, IMPORT_OFFERED);
    write_fate(out, import, IMPORT_LEFT_OUT);
}
