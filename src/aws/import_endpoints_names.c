/* import_endpoints_names: what an endpoint is called and where it is.
 * Owns: nothing; the arena and the documents are the caller's. Thread: any; no state.
 * Bounds: IMPORT_NAMES_MAX names, IMPORT_ADDRESSES_MAX addresses an endpoint; more are left out.
 * Fails: a value of another kind is a problem of its document. */
#include <string.h>
#include <strings.h>

#include "import_endpoints.h"
#include "import_text.h"
#include "local53/aws/public.h"
#include "local53/base/check.h"

/* Longest piece of a text from a file that a note shows, and of a list of names. */
#define SHOWN_MAX 80
#define LIST_MAX 400

/* ---- Names of the catalogue ---------------------------------------------------------------------- */

static void find_region(const struct import *import, struct import_row *row, struct arena *arena)
{
    if (row->region[0] != '\0' || import->from->region == NULL || row->service == NULL ||
        catalogue_is_global(row->service))
        return;
    snprintf(row->region, sizeof(row->region), "%s", import->from->region);
    import_row_note(row, arena, "The file does not tell its region: taken is that of the cluster.");
}

/* The names that `service: X` will stand for. A global service has those of its partition. */
static void expand_service(const struct import *import, struct import_row *row, struct arena *arena)
{
    struct catalogue_name names[CATALOGUE_NAMES_MAX];
    struct catalogue_request request = {
        .region = row->region[0] != '\0' ? row->region : import->from->region,
        .dualstack = row->is_dualstack ? CATALOGUE_SPELLINGS_ALL : CATALOGUE_SPELLINGS_KNOWN,
    };
    size_t count = 0;

    if (row->service == NULL ||
        catalogue_expand(row->service, &request, names, CATALOGUE_NAMES_MAX, &count) != ERR_OK)
        return;
    for (size_t i = 0; i < count; i++)
        import_names_add(&row->of_service, &names[i], arena);
}

/* ---- Names of --services ------------------------------------------------------------------------- */

static void add_private_name(struct import_names *names, const struct json_at *at,
                             struct arena *arena)
{
    const char *text = json_text(at);
    struct catalogue_name name = {.below = false};

    if (text != NULL && import_read_name(&name, text) && !name_has_vpce_label(&name.name))
        import_names_add(names, &name, arena);
}

/* PrivateDnsName is one of PrivateDnsNames (EC2 API, type ServiceDetail); old files have it alone. */
static void read_private_names(struct import_names *names, const struct json_at *service,
                               struct arena *arena)
{
    struct json_at list = json_member(service, "PrivateDnsNames");
    struct json_at one = json_member(service, "PrivateDnsName");
    size_t count = json_count(&list);

    for (size_t i = 0; i < count; i++) {
        struct json_at item = json_item(&list, i);
        struct json_at at = json_member(&item, "PrivateDnsName");

        add_private_name(names, &at, arena);
    }
    add_private_name(names, &one, arena);
}

/* A service stands there once for each of its types: S3 as Gateway and as Interface. */
static struct import_names names_told(const struct import *import, const struct import_row *row,
                                      struct arena *arena)
{
    const struct import_table *table = &import->service_table;
    const struct import_key *key = import_table_find(table, row->service_name);
    struct import_names names = {.count = 0};

    for (;
         key != NULL && key < import_table_end(table) && strcmp(key->text, row->service_name) == 0;
         key++) {
        struct json_at item = json_item(&table->list, key->item);

        read_private_names(&names, &item, arena);
    }
    return names;
}

/* ---- Which of them ------------------------------------------------------------------------------- */

/* Names of a that b has not, comma separated, cut where there is no more room; "" for none. */
static const char *names_beyond(const struct import_names *a, const struct import_names *b,
                                char out[LIST_MAX])
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < a->count; i++) {
        char text[TEXT_NAME_MAX];
        bool known = false;
        int len;

        for (size_t j = 0; j < b->count && !known; j++)
            known = import_same_name(&a->items[i], &b->items[j]);
        if (known)
            continue;
        text_write_name(&a->items[i].name, text);
        len = snprintf(out + used, LIST_MAX - used, "%s%s%s", used > 0 ? ", " : "",
                       a->items[i].below ? "*." : "", text);
        CHECK(len > 0);
        used += (size_t)len < LIST_MAX - used ? (size_t)len : LIST_MAX - used - 1;
    }
    return out;
}

/* What AWS tells of the service counts more than the catalogue; the same names are written as the service. */
static void weigh_names(struct import_row *row, const struct import_names *told,
                        struct arena *arena)
{
    char more[LIST_MAX];
    char less[LIST_MAX];

    if (told->count == 0)
        return;
    names_beyond(told, &row->of_service, more);
    names_beyond(&row->of_service, told, less);
    if (more[0] == '\0' && less[0] == '\0')
        return;
    if (row->of_service.count > 0)
        import_row_note(row, arena,
                        "The names are those of --services; the catalogue's %s differs%s%s%s%s",
                        row->service->service, more[0] != '\0' ? ", it lacks " : "", more,
                        less[0] != '\0' ? ", it also has " : "", less);
    row->of_service.count = 0;
    row->listed = *told;
}

/* What stands in DnsEntries is answered by the endpoint, whatever the lists say. */
static void add_entries(struct import_row *row, struct arena *arena)
{
    bool told_otherwise = row->of_service.count + row->listed.count > 0;
    struct import_names extra = {.count = 0};
    struct import_names none = {.count = 0};
    char list[LIST_MAX];

    for (size_t i = 0; i < row->entries.count; i++) {
        const struct catalogue_name *name = &row->entries.items[i];

        if (import_names_cover(&row->of_service, name) || import_names_cover(&row->listed, name))
            continue;
        import_names_add(&extra, name, arena);
        import_names_add(&row->listed, name, arena);
    }
    if (told_otherwise && extra.count > 0)
        import_row_note(row, arena, "Also in its DnsEntries: %s",
                        names_beyond(&extra, &none, list));
}

/* Wildcards of the service that take what a reader may not expect: an endpoint without private DNS left them public. */
static void note_publics(struct import_row *row, struct arena *arena)
{
    size_t count;
    const struct public_row *rows = public_rows(&count);

    for (size_t i = 0; i < count; i++) {
        struct catalogue_name name;
        char text[IMPORT_NAME_MAX];

        if (public_expand(&rows[i], row->region, &name) == ERR_OK &&
            (import_names_cover(&row->of_service, &name) ||
             import_names_cover(&row->listed, &name)))
            import_row_note(row, arena, "It takes %s, %s.", import_write_name(&name, text),
                            rows[i].reason);
    }
}

void import_find_names(const struct import *import, struct import_row *row, struct arena *arena)
{
    struct import_names told = names_told(import, row, arena);

    find_region(import, row, arena);
    expand_service(import, row, arena);
    weigh_names(row, &told, arena);
    add_entries(row, arena);
    note_publics(row, arena);
}

/* ---- Addresses ----------------------------------------------------------------------------------- */

/* Neither a port nor a scope: the form has to fit the family. */
static bool is_bare_address(struct addr *out, const char *text)
{
    static const char v6_characters[] = "0123456789abcdefABCDEF:.";
    bool v6 = strspn(text, v6_characters) == strlen(text) && strchr(text, ':') != NULL;

    return addr_parse(out, text, 0) == ERR_OK && addr_port(out) == 0 &&
           (out->sa.sa_family == AF_INET6) == v6 && !addr_is_any(out);
}

static void add_address(struct import_row *row, const struct json_at *at, const char *zone,
                        struct arena *arena)
{
    const char *text = json_text(at);
    struct addr addr;

    if (text == NULL)
        return;
    if (!is_bare_address(&addr, text)) {
        json_refuse(at, "found \"%.*s\", expected an address", SHOWN_MAX, text);
        return;
    }
    for (size_t i = 0; i < row->address_count; i++) {
        if (addr_equal(&row->addresses[i].addr, &addr))
            return;
    }
    if (row->addresses == NULL)
        row->addresses = ARENA_NEW(arena, struct import_address, IMPORT_ADDRESSES_MAX);
    if (row->address_count < IMPORT_ADDRESSES_MAX)
        row->addresses[row->address_count++] = (struct import_address){addr, zone};
}

/* The addresses that the endpoint's own names have: DnsRecordIpType says of which families. */
static void read_interface(struct import_row *row, const struct json_at *interface,
                           struct arena *arena)
{
    struct json_at zone_at = json_member(interface, "AvailabilityZone");
    struct json_at v4 = json_member(interface, "PrivateIpAddress");
    struct json_at v6 = json_member(interface, "Ipv6Addresses");
    const char *zone = json_text(&zone_at);
    size_t count = json_count(&v6);

    if (strcasecmp(row->record_type, "ipv6") != 0)
        add_address(row, &v4, zone != NULL ? zone : "", arena);
    for (size_t i = 0; i < count && strcasecmp(row->record_type, "ipv4") != 0; i++) {
        struct json_at item = json_item(&v6, i);
        struct json_at at = json_member(&item, "Ipv6Address");

        add_address(row, &at, zone != NULL ? zone : "", arena);
    }
}

void import_find_addresses(const struct import *import, struct import_row *row, struct arena *arena)
{
    const struct import_table *table = &import->interface_table;
    size_t count = json_count(&row->interfaces);
    size_t found = 0;

    for (size_t i = 0; import->interfaces != NULL && i < count; i++) {
        struct json_at at = json_item(&row->interfaces, i);
        const char *id = json_text(&at);
        const struct import_key *key = id != NULL ? import_table_find(table, id) : NULL;

        if (key != NULL) {
            struct json_at item = json_item(&table->list, key->item);

            read_interface(row, &item, arena);
            found++;
        }
    }
    if (import->interfaces != NULL && found < count)
        import_row_note(row, arena, "%zu of its %zu network interfaces are not in --interfaces",
                        count - found, count);
}
