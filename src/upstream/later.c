/* later: a list of items and one alarm. Owns the alarm only; one loop's thread. Bounds: each item is
 * embedded in its owner and at most once in the list. Cannot fail. */
#include "later.h"

static void on_alarm(void *owner)
{
    later_run(owner);
}

void later_init(struct later *later, struct loop *loop)
{
    list_init(&later->items);
    later->alarm = alarm_new(loop, on_alarm, later);
}

void later_add(struct later *later, struct later_item *item, void (*run)(struct later_item *))
{
    if (list_is_linked(&item->link))
        return;
    item->run = run;
    if (list_is_empty(&later->items))
        alarm_set(later->alarm, 0);
    list_append(&later->items, &item->link);
}

void later_cancel(struct later_item *item)
{
    list_remove(&item->link);
}

void later_run(struct later *later)
{
    struct link now;
    struct link *link;
    list_init(&now);
    while ((link = list_take_first(&later->items)) != NULL)
        list_append(&now, link);
    while ((link = list_take_first(&now)) != NULL) {
        struct later_item *item = LIST_ITEM(link, struct later_item, link);
        item->run(item);
    }
}

void later_deinit(struct later *later)
{
    while (!list_is_empty(&later->items))
        later_run(later);
    alarm_free(later->alarm);
    later->alarm = NULL;
}
