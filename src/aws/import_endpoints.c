/* import_endpoints: a configuration from what `aws ec2 describe-vpc-endpoints` prints.
 * Owns: documents and arena, during the call. Thread: any; no state.
 * Bounds: IMPORT_ROWS_MAX rows.
 * Fails: the first problem of a file, told with its place; nothing is written then. */
#include "import_endpoints.h"

#include <string.h>

#include "local53/aws/partition.h"

static const char *shown_name(const struct import_file *file)
{
    return strcmp(file->name, "-") == 0 ? "stdin" : file->name;
}

static enum err open_file(struct json_doc **doc, const struct import_file *file,
                          struct import_problem *problem)
{
    return file->text != NULL ? json_open(doc, file, problem) : ERR_OK;
}

static enum err open_files(struct import *import, struct import_problem *problem)
{
    const struct import_endpoints *from = import->from;
    enum err err = ERR_OK;

    if (from->region != NULL &&
        (!partition_is_region(from->region) || strlen(from->region) >= PARTITION_REGION_MAX)) {
        snprintf(problem->text, sizeof(problem->text),
                 "\"%.40s\" is not a region; write one like eu-west-1", from->region);
        return ERR_INVALID;
    }
    err = json_open(&import->endpoints, &from->endpoints, problem);
    if (err == ERR_OK)
        err = open_file(&import->services, &from->services, problem);
    if (err == ERR_OK)
        err = open_file(&import->interfaces, &from->interfaces, problem);
    return err;
}

static void read_rows(struct import *import)
{
    struct json_at whole = json_whole(import->endpoints);
    struct json_at list = json_member(&whole, "VpcEndpoints");
    struct json_at token = json_member(&whole, "NextToken");

    import->is_part = json_text(&token) != NULL;
    import->count = json_count(&list);
    if (list.value == NULL)
        json_refuse(&list, "found nothing, expected the list of aws ec2 describe-vpc-endpoints");
    else if (import->count > IMPORT_ROWS_MAX)
        json_refuse(&list, "found %zu endpoints, expected at most %d", import->count,
                    IMPORT_ROWS_MAX);
    if (json_failed(import->endpoints))
        import->count = 0;
    import->rows = ARENA_NEW(&import->arena, struct import_row, import->count + 1);
    for (size_t i = 0; i < import->count; i++) {
        struct json_at item = json_item(&list, i);

        import_row_read(&import->rows[i], &item, &import->arena);
    }
}

static bool has_failed(const struct import *import)
{
    return json_failed(import->endpoints) ||
           (import->services != NULL && json_failed(import->services)) ||
           (import->interfaces != NULL && json_failed(import->interfaces));
}

static void read_files(struct import *import)
{
    read_rows(import);
    if (import->services != NULL)
        import_table_read(&import->service_table, import->services, "ServiceDetails", "ServiceName",
                          &import->arena);
    if (import->interfaces != NULL)
        import_table_read(&import->interface_table, import->interfaces, "NetworkInterfaces",
                          "NetworkInterfaceId", &import->arena);
}

static enum err refuse_vpc(const struct import *import, struct import_problem *problem)
{
    char vpcs[IMPORT_VPCS_MAX];

    import_vpcs_text(import, NULL, vpcs);
    snprintf(problem->text, sizeof(problem->text), "%.80s: no endpoint is in %.40s; there are %s",
             shown_name(&import->from->endpoints), import->from->vpc, vpcs);
    return ERR_INVALID;
}

static void tell_taken(const struct import *import, struct import_problem *problem)
{
    size_t left_out = import->count - import->taken + import->elsewhere;
    char vpcs[IMPORT_VPCS_MAX] = "";
    char told[64] = "";

    if (left_out > 0)
        snprintf(told, sizeof(told), ", %zu left out (see the comments)", left_out);
    if (import->is_contested)
        import_vpcs_text(import, NULL, vpcs);
    snprintf(problem->text, sizeof(problem->text), "%zu endpoint%s%s%s%s%s", import->taken,
             import->taken > 1 ? "s" : "", told,
             import->is_part ? "; NextToken: the file does not have all endpoints" : "",
             import->is_contested ? "; several VPCs have the same names, --vpc takes those of one: "
                                  : "",
             vpcs);
}

/* Says how many were taken, or why none was. */
static enum err sum_up(const struct import *import, struct import_problem *problem)
{
    const char *name = shown_name(&import->from->endpoints);

    if (import->taken > 0)
        tell_taken(import, problem);
    else if (import->count == 0)
        snprintf(problem->text, sizeof(problem->text), "%s: VpcEndpoints: the list is empty", name);
    else
        snprintf(problem->text, sizeof(problem->text),
                 "%s: no endpoint to be taken among %zu; the first: %.80s: %.200s", name,
                 import->count, import->rows[0].id, import->rows[0].why);
    return import->taken > 0 ? ERR_OK : ERR_NOT_FOUND;
}

static enum err import_files(FILE *out, struct import *import, struct import_problem *problem)
{
    enum err err = open_files(import, problem);

    if (err != ERR_OK)
        return err;
    read_files(import);
    if (has_failed(import))
        return ERR_INVALID;
    import_count_vpcs(import);
    if (!import_pick_vpc(import))
        return refuse_vpc(import, problem);
    import_judge(import);
    if (has_failed(import))
        return ERR_INVALID;
    err = sum_up(import, problem);
    if (err == ERR_OK)
        import_write(out, import);
    return err;
}

enum err import_vpc_endpoints(FILE *out, const struct import_endpoints *from,
                              struct import_problem *problem)
{
    struct import import = {.from = from};
    enum err err = import_files(out, &import, problem);

    json_close(import.endpoints);
    json_close(import.services);
    json_close(import.interfaces);
    arena_deinit(&import.arena);
    return err;
}
