/* import_table: sorted keys of a list's items.
 * Owns: nothing; the arena and the document are the caller's. Thread: any; no state.
 * Bounds: the document's. Fails: another shape is a problem of the document. */
#include "import_table.h"

#include <stdlib.h>
#include <string.h>

static int compare_keys(const void *left, const void *right)
{
    const struct import_key *a = left;
    const struct import_key *b = right;
    int order = strcmp(a->text, b->text);

    return order != 0 ? order : (a->item > b->item) - (a->item < b->item);
}

void import_table_read(struct import_table *table, struct json_doc *doc, const char *member,
                       const char *key, struct arena *arena)
{
    struct json_at whole = json_whole(doc);
    size_t count;

    *table = (struct import_table){.list = json_member(&whole, member)};
    count = json_count(&table->list);
    if (table->list.value == NULL)
        json_refuse(&table->list, "found nothing, expected a list");
    table->keys = ARENA_NEW(arena, struct import_key, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct json_at item = json_item(&table->list, i);
        struct json_at at = json_member(&item, key);
        const char *text = json_text(&at);

        if (text != NULL)
            table->keys[table->count++] = (struct import_key){text, i};
    }
    qsort(table->keys, table->count, sizeof(table->keys[0]), compare_keys);
}

const struct import_key *import_table_end(const struct import_table *table)
{
    return table->keys + table->count;
}

const struct import_key *import_table_find(const struct import_table *table, const char *text)
{
    size_t low = 0;
    size_t high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(table->keys[middle].text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < table->count && strcmp(table->keys[low].text, text) == 0 ? &table->keys[low]
                                                                          : NULL;
}
