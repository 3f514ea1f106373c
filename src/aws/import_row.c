/* import_row: reads one endpoint of DescribeVpcEndpoints.
 * Owns: nothing; the arena and the document are the caller's. Thread: any; no state.
 * Bounds: IMPORT_NAMES_MAX names, IMPORT_NOTES_MAX notes.
 * Fails: a value of another kind is a problem of the document; a name that is none gets a note. */
#include "import_row.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_text.h"
#include "local53/aws/partition.h"
#include "local53/base/check.h"

/* Longest piece of a text from the file that a note shows. */
#define SHOWN_MAX 80

/* The label that names an endpoint begins with it (AWS PrivateLink guide, "Interface endpoint DNS hostnames"). */
#define ENDPOINT_LABEL "vpce-"

/* Where most own names of endpoints end; SageMaker has "vpce.sagemaker.aws" beside it. */
#define COMMON_ZONE ".vpce.amazonaws."

/* ---- Names and notes ----------------------------------------------------------------------------- */

void import_names_add(struct import_names *names, const struct catalogue_name *name,
                      struct arena *arena)
{
    for (size_t i = 0; i < names->count; i++) {
        if (import_same_name(&names->items[i], name))
            return;
    }
    if (names->items == NULL)
        names->items = ARENA_NEW(arena, struct catalogue_name, IMPORT_NAMES_MAX);
    if (names->count < IMPORT_NAMES_MAX)
        names->items[names->count++] = *name;
}

bool import_names_cover(const struct import_names *names, const struct catalogue_name *name)
{
    for (size_t i = 0; i < names->count; i++) {
        const struct catalogue_name *item = &names->items[i];
        bool inside = item->below && name_is_at_or_below(&name->name, &item->name) &&
                      (name->below || name->name.labels > item->name.labels);

        if (inside || import_same_name(item, name))
            return true;
    }
    return false;
}

static const char *text_in(struct arena *arena, const char *format, va_list args)
{
    char *text = NULL;
    const char *copy;

    CHECK(vasprintf(&text, format, args) >= 0);
    copy = arena_copy_text(arena, text);
    free(text);
    return copy;
}

void import_row_note(struct import_row *row, struct arena *arena, const char *format, ...)
{
    va_list args;

    if (row->note_count == IMPORT_NOTES_MAX)
        return;
    va_start(args, format);
    row->notes[row->note_count++] = text_in(arena, format, args);
    va_end(args);
}

void import_row_refuse(struct import_row *row, enum import_fate fate, struct arena *arena,
                       const char *format, ...)
{
    va_list args;

    if (row->fate != IMPORT_TAKEN)
        return;
    row->fate = fate;
    va_start(args, format);
    row->why = text_in(arena, format, args);
    va_end(args);
}

/* ---- Members ------------------------------------------------------------------------------------- */

static const char *text_of(const struct json_at *of, const char *member)
{
    struct json_at at = json_member(of, member);
    const char *text = json_text(&at);

    return text != NULL ? text : "";
}

/* The value of the tag Name, which the console shows beside the id. */
static const char *title_of(const struct json_at *at)
{
    struct json_at tags = json_member(at, "Tags");
    size_t count = json_count(&tags);

    for (size_t i = 0; i < count; i++) {
        struct json_at tag = json_item(&tags, i);

        if (strcmp(text_of(&tag, "Key"), "Name") == 0)
            return text_of(&tag, "Value");
    }
    return "";
}

static void take_region(struct import_row *row, const char *region)
{
    if (row->region[0] == '\0' && strlen(region) < sizeof(row->region) &&
        partition_is_region(region))
        memcpy(row->region, region, strlen(region) + 1);
}

/* The region of a target is the label in front of "vpce". */
static void take_region_of_target(struct import_row *row)
{
    const struct name *name = &row->target.name;
    char text[LABEL_MAX_OCTETS + 1];

    for (size_t i = 1; row->has_target && i < name->labels; i++) {
        struct bytes label = name_label(name, i);

        memcpy(text, label.data, label.len);
        text[label.len] = '\0';
        take_region(row, text);
    }
}

/* ServiceRegion tells where the service is when the endpoint is in another region (AWS PrivateLink guide,
 * "Cross-region enabled AWS services"); older files do not have it. */
static void read_service(struct import_row *row, const struct json_at *at)
{
    char region[PARTITION_REGION_MAX];

    row->service_name = text_of(at, "ServiceName");
    row->service = catalogue_find_full(row->service_name, region);
    take_region(row, text_of(at, "ServiceRegion"));
    take_region(row, region);
}

/* ---- DNS entries --------------------------------------------------------------------------------- */

/* True when the name's first label is the endpoint's own: its id, a hash, and in zonal names the zone. */
static bool is_of_endpoint(const struct import_row *row, const struct name *name)
{
    struct bytes label = name_label(name, 0);
    const char *id = strncasecmp(row->id, ENDPOINT_LABEL, strlen(ENDPOINT_LABEL)) == 0
                         ? row->id
                         : ENDPOINT_LABEL;
    size_t len = strlen(id);

    if (label.len < len || strncasecmp((const char *)label.data, id, len) != 0)
        return false;
    return label.len == len || id[len - 1] == '-' || label.data[len] == '-';
}

static bool is_in_common_zone(const struct catalogue_name *name)
{
    char text[TEXT_NAME_MAX];

    return strstr(text_write_name(&name->name, text), COMMON_ZONE) != NULL;
}

/* The order of DnsEntries says nothing. The regional name has the shortest first label, since zonal ones have their
 * zone appended. SageMaker's endpoints have two: the one in the service's own zone goes first, then the octets decide. */
static bool is_better_target(const struct catalogue_name *a, const struct catalogue_name *b)
{
    size_t a_len = name_label(&a->name, 0).len;
    size_t b_len = name_label(&b->name, 0).len;
    bool a_common = is_in_common_zone(a);
    bool b_common = is_in_common_zone(b);

    if (a_len != b_len)
        return a_len < b_len;
    if (a_common != b_common)
        return b_common;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len;
    return memcmp(a->name.wire, b->name.wire, a->name.len) < 0;
}

static void read_entry(struct import_row *row, const struct json_at *entry, struct arena *arena)
{
    struct json_at at = json_member(entry, "DnsName");
    const char *text = json_text(&at);
    struct catalogue_name name = {.below = false};

    if (text == NULL)
        return;
    if (!import_read_name(&name, text)) {
        import_row_note(row, arena, "%s is no host name: %.*s", at.path, SHOWN_MAX, text);
        return;
    }
    if (is_of_endpoint(row, &name.name)) {
        if (!row->has_target || is_better_target(&name, &row->target))
            row->target = name;
        row->has_target = true;
    } else if (!name_has_vpce_label(&name.name)) {
        import_names_add(&row->entries, &name, arena);
    }
}

static bool is_zonal(const struct import_row *row)
{
    struct bytes label = name_label(&row->target.name, 0);
    char text[LABEL_MAX_OCTETS + 1];

    memcpy(text, label.data, label.len);
    text[label.len] = '\0';
    return row->region[0] != '\0' && strstr(text, row->region) != NULL;
}

static void read_entries(struct import_row *row, const struct json_at *at, struct arena *arena)
{
    struct json_at entries = json_member(at, "DnsEntries");
    size_t count = json_count(&entries);

    for (size_t i = 0; i < count; i++) {
        struct json_at entry = json_item(&entries, i);

        read_entry(row, &entry, arena);
    }
}

void import_row_read(struct import_row *row, const struct json_at *at, struct arena *arena)
{
    struct json_at options = json_member(at, "DnsOptions");
    struct json_at private_dns = json_member(at, "PrivateDnsEnabled");
    struct json_at inbound_only = json_member(&options, "PrivateDnsOnlyForInboundResolverEndpoint");

    *row = (struct import_row){.id = text_of(at, "VpcEndpointId"), .vpc = text_of(at, "VpcId")};
    if (row->id[0] == '\0')
        row->id = arena_copy_text(arena, at->path);
    if (row->vpc[0] == '\0')
        row->vpc = "a VPC";
    row->title = title_of(at);
    row->type = text_of(at, "VpcEndpointType");
    row->state = text_of(at, "State");
    row->is_dualstack = strcasecmp(text_of(at, "IpAddressType"), "dualstack") == 0;
    row->record_type = text_of(&options, "DnsRecordIpType");
    row->private_dns = json_bool(&private_dns, false) && !json_bool(&inbound_only, false);
    row->interfaces = json_member(at, "NetworkInterfaceIds");
    read_service(row, at);
    read_entries(row, at, arena);
    take_region_of_target(row);
    if (row->has_target && is_zonal(row))
        import_row_note(row, arena, "Only a zonal name is told: its addresses are of one zone.");
}
