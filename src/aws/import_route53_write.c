/* import_route53_write: the configuration and the master file.
 * Owns: nothing beyond a call. Thread: any; no state.
 * Bounds: NAMES_MAX names an endpoint, as the configuration limits them; more make another one.
 * Fails: never; what could fail was checked before. */
#include <stdlib.h>
#include <string.h>

#include "import_route53.h"
#include "import_text.h"
#include "local53/base/check.h"
#include "local53/dns/message.h"

/* Names of an endpoint, as the configuration limits them. */
#define NAMES_MAX 1000

/* ---- YAML ---------------------------------------------------------------------------------------- */

/* A name as the configuration writes it: "*" in front is no label there. */
static const char *yaml_name(const struct name *name, char *out)
{
    struct catalogue_name written = {.below = r53_is_wildcard(name)};

    name_parent(&written.name, name, written.below ? 1 : 0);
    return import_write_name(&written, out);
}

/* Text of the command line as a scalar; plain when nobody could read it as something else. */
static void write_scalar(FILE *out, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";

    if (strspn(text, plain) == strlen(text) && strchr(text, '.') != NULL && text[0] != '-') {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            fprintf(out, "\\x%02x", (unsigned)*text);
        else
            fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    }
    fputc('"', out);
}

/* True when the notes have that one among them. */
static bool has_note(const struct r53_notes *notes, const char *text)
{
    for (const struct r53_note *note = notes->first; note != NULL; note = note->next) {
        if (strcmp(note->text, text) == 0)
            return true;
    }
    return false;
}

/* The notes of a name, each once though A and AAAA have it. */
static void write_notes(FILE *out, unsigned indent, const struct r53_alias *alias)
{
    char owner[TEXT_NAME_MAX];

    r53_write_name(&alias->rrset->sets[0].owner, owner);
    for (const struct r53_note *note = alias->rrset->notes.first; note != NULL; note = note->next)
        import_comment(out, indent, "%s: %s", owner, note->text);
    if (alias->other == NULL)
        return;
    for (const struct r53_note *note = alias->other->notes.first; note != NULL; note = note->next) {
        if (!has_note(&alias->rrset->notes, note->text))
            import_comment(out, indent, "%s: %s", owner, note->text);
    }
}

/* One name, or a list of several. */
static void write_targets(FILE *out, const struct r53_rrset *rrset)
{
    char name[IMPORT_NAME_MAX];

    if (rrset->target_count > 1)
        fputc('[', out);
    for (size_t i = 0; i < rrset->target_count; i++)
        fprintf(out, "%s%s", i > 0 ? ", " : "", yaml_name(rrset->target[i], name));
    fputs(rrset->target_count > 1 ? "]\n" : "\n", out);
}

/* ---- Endpoints ----------------------------------------------------------------------------------- */

/* Names below the wildcards of an endpoint that another one has. More than a configuration takes are left to the
 * rules, by which the narrower name wins in any case. */
static void write_excepts(const struct r53 *r, FILE *out, size_t leader)
{
    char name[IMPORT_NAME_MAX];
    size_t count = 0;

    for (size_t i = 0; i < r->alias_count && count < NAMES_MAX; i++) {
        if (r->aliases[i].taken_from != leader)
            continue;
        if (count++ == 0)
            fputs("    except:\n", out);
        fprintf(out, "      - %s\n", yaml_name(&r->aliases[i].rrset->sets[0].owner, name));
    }
}

static void write_endpoint(const struct r53 *r, FILE *out, const struct r53_alias *const *members,
                           size_t count)
{
    char name[IMPORT_NAME_MAX];

    for (size_t i = 0; i < count; i++)
        write_notes(out, 2, members[i]);
    fputs(count > 1 ? "  - names:\n" : "  - names: ", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s%s\n", count > 1 ? "      - " : "[",
                yaml_name(&members[i]->rrset->sets[0].owner, name), count > 1 ? "" : "]");
    fputs("    target: ", out);
    write_targets(out, members[0]->rrset);
    write_excepts(r, out, members[0]->leader);
}

static void write_endpoints(struct r53 *r, FILE *out)
{
    const struct r53_alias **members = ARENA_NEW(&r->arena, const struct r53_alias *, NAMES_MAX);
    size_t count = 0;
    bool any = false;

    for (size_t i = 0; i < r->alias_count; i++) {
        const struct r53_alias *alias = &r->aliases[i];

        if (!alias->endpoint)
            continue;
        if (!any)
            fputs("\nendpoints:\n", out);
        any = true;
        if (count == NAMES_MAX || (count > 0 && members[0]->leader != alias->leader)) {
            write_endpoint(r, out, members, count);
            count = 0;
        }
        members[count++] = alias;
    }
    if (count > 0)
        write_endpoint(r, out, members, count);
}

/* ---- The zone ------------------------------------------------------------------------------------ */

static void write_zone_aliases(const struct r53 *r, FILE *out)
{
    char name[IMPORT_NAME_MAX];
    bool any = false;

    for (size_t i = 0; i < r->alias_count; i++) {
        const struct r53_alias *alias = &r->aliases[i];

        if (alias->endpoint)
            continue;
        if (!any)
            fputs("    aliases:\n", out);
        any = true;
        write_notes(out, 6, alias);
        fprintf(out, "      %s: ", yaml_name(&alias->rrset->sets[0].owner, name));
        write_targets(out, alias->rrset);
    }
}

static void write_zone(const struct r53 *r, FILE *out)
{
    char name[IMPORT_NAME_MAX];

    fprintf(out, "\nzones:\n  - name: %s\n", yaml_name(&r->zone, name));
    if (r->from->file != NULL) {
        fputs("    file: ", out);
        write_scalar(out, r->from->file);
        fputc('\n', out);
    }
    fputs("    fallthrough: false\n", out);
    write_zone_aliases(r, out);
}

static void write_left_out(const struct r53 *r, FILE *out)
{
    char owner[TEXT_NAME_MAX];
    char type[TEXT_TYPE_MAX];

    for (size_t i = 0; i < r->rrset_count; i++) {
        const struct r53_rrset *rrset = &r->rrsets[i];

        for (const struct r53_note *note = rrset->notes.first; rrset->left_out && note != NULL;
             note = note->next)
            import_comment(out, 0, "%s %s: %s", r53_write_name(&rrset->sets[0].owner, owner),
                           text_write_type(rrset->sets[0].type, type), note->text);
    }
}

void r53_write_yaml(struct r53 *r, FILE *out)
{
    char zone[TEXT_NAME_MAX];

    r53_write_name(&r->zone, zone);
    import_comment(out, 0, "The private zone %s of Route 53, from %s.", zone,
                   strcmp(r->from->records.name, "-") == 0 ? "stdin" : r->from->records.name);
    import_comment(out, 0, "Look it over, then: local53 check -c FILE; local53 probe -c FILE");
    if (!r->has_zone)
        import_comment(out, 0,
                       "Route 53 said of all other names in it that they do not exist; they are "
                       "forwarded now.");
    write_left_out(r, out);
    fputc('\n', out);
    import_write_listen(out);
    write_endpoints(r, out);
    if (r->has_zone)
        write_zone(r, out);
}

/* ---- Master file --------------------------------------------------------------------------------- */

/* The SOA first, then as in the file. */
static int compare_for_file(const void *left, const void *right)
{
    const struct r53_set *a = (*(const struct r53_rrset *const *)left)->sets;
    const struct r53_set *b = (*(const struct r53_rrset *const *)right)->sets;

    if ((a->type == TYPE_SOA) != (b->type == TYPE_SOA))
        return a->type == TYPE_SOA ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static void write_rrset(FILE *out, const struct r53_rrset *rrset)
{
    char owner[TEXT_NAME_MAX];
    char type[TEXT_TYPE_MAX];

    r53_write_name(&rrset->sets[0].owner, owner);
    text_write_type(rrset->sets[0].type, type);
    for (const struct r53_note *note = rrset->notes.first; note != NULL; note = note->next)
        fprintf(out, "; %s\n", note->text);
    for (size_t i = 0; i < rrset->value_count; i++)
        fprintf(out, "%s. %u IN %s %s\n", owner, rrset->ttl_s, type, rrset->values[i]);
}

void r53_write_master(struct r53 *r, FILE *out)
{
    const struct r53_rrset **order =
        ARENA_NEW(&r->arena, const struct r53_rrset *, r->rrset_count + 1);
    char zone[TEXT_NAME_MAX];
    size_t count = 0;

    for (size_t i = 0; i < r->rrset_count; i++) {
        if (r53_is_record(&r->rrsets[i]))
            order[count++] = &r->rrsets[i];
    }
    qsort(order, count, sizeof(const struct r53_rrset *), compare_for_file);
    fprintf(out, "; The private zone %s of Route 53. All names are absolute.\n$ORIGIN .\n",
            r53_write_name(&r->zone, zone));
    for (size_t i = 0; i < count; i++)
        write_rrset(out, order[i]);
}
