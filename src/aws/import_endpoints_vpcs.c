/* import_endpoints_vpcs: whose endpoints a file has, and those of one VPC alone.
 * Owns: nothing; the list goes into the import's arena. Thread: any; no state.
 * Bounds: a VPC a row; SHOWN_VPCS of them in a text.
 * Fails: false for a VPC without an endpoint. */
#include <string.h>

#include "import_endpoints.h"
#include "import_text.h"
#include "local53/base/check.h"

/* VPCs that a text names; the others are a number. */
#define SHOWN_VPCS 6

/* Longest id that a text shows. */
#define SHOWN_MAX 40

static void count_row(struct import *import, const char *id)
{
    size_t i = 0;

    while (i < import->vpc_count && strcmp(import->vpcs[i].id, id) != 0)
        i++;
    if (i == import->vpc_count)
        import->vpcs[import->vpc_count++] = (struct import_vpc){.id = id};
    import->vpcs[i].rows++;
}

void import_count_vpcs(struct import *import)
{
    import->vpcs = ARENA_NEW(&import->arena, struct import_vpc, import->count + 1);
    import->vpc_count = 0;
    for (size_t i = 0; i < import->count; i++)
        count_row(import, import->rows[i].vpc);
}

void import_vpcs_text(const struct import *import, const char *except, char out[IMPORT_VPCS_MAX])
{
    size_t len = 0;
    size_t shown = 0;
    size_t others = 0;

    out[0] = '\0';
    for (size_t i = 0; i < import->vpc_count; i++) {
        const struct import_vpc *vpc = &import->vpcs[i];

        if (except != NULL && strcmp(vpc->id, except) == 0)
            continue;
        if (shown == SHOWN_VPCS) {
            others++;
            continue;
        }
        len += (size_t)snprintf(out + len, IMPORT_VPCS_MAX - len, "%s%zu in %.*s",
                                shown > 0 ? ", " : "", vpc->rows, SHOWN_MAX, vpc->id);
        shown++;
    }
    if (others > 0)
        len +=
            (size_t)snprintf(out + len, IMPORT_VPCS_MAX - len, ", and those of %zu more", others);
    CHECK(len < IMPORT_VPCS_MAX);
    import_make_printable(out);
}

bool import_pick_vpc(struct import *import)
{
    const char *vpc = import->from->vpc;
    size_t kept = 0;

    if (vpc == NULL || import->count == 0)
        return true;
    for (size_t i = 0; i < import->count; i++) {
        if (strcmp(import->rows[i].vpc, vpc) == 0)
            import->rows[kept++] = import->rows[i];
    }
    import->elsewhere = import->count - kept;
    import->count = kept;
    return kept > 0;
}
