/* list: an intrusive doubly linked ring. The head is a link of its own; a member embeds a
 * struct link and is found again with LIST_ITEM. Nothing is allocated or owned; a link is in at
 * most one list. A zeroed link is "in no list". */
#ifndef LOCAL53_BASE_LIST_H
#define LOCAL53_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev; /* borrowed neighbour; NULL when in no list */
    struct link *next; /* borrowed neighbour; NULL when in no list */
};

/* The item of type `type` whose member `member` is the link at ptr. */
#define LIST_ITEM(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Makes head an empty list. */
static inline void list_init(struct link *head)
{
    head->prev = head;
    head->next = head;
}

/* True when nothing is linked behind head. */
static inline bool list_is_empty(const struct link *head)
{
    return head->next == head;
}

/* True when the link is a member of some list. */
static inline bool list_is_linked(const struct link *item)
{
    return item->next != NULL;
}

/* Links item before `before`; with before = head it becomes the last. */
static inline void list_insert_before(struct link *before, struct link *item)
{
    item->prev = before->prev;
    item->next = before;
    before->prev->next = item;
    before->prev = item;
}

/* Appends item as the last of head. */
static inline void list_append(struct link *head, struct link *item)
{
    list_insert_before(head, item);
}

/* Takes item out of its list; nothing when it is in none. */
static inline void list_remove(struct link *item)
{
    if (!list_is_linked(item))
        return;
    item->prev->next = item->next;
    item->next->prev = item->prev;
    item->prev = NULL;
    item->next = NULL;
}

/* The first link of head, or NULL when the list is empty. */
static inline struct link *list_first(const struct link *head)
{
    return list_is_empty(head) ? NULL : head->next;
}

/* Takes out and gives the first link, or NULL. */
static inline struct link *list_take_first(struct link *head)
{
    struct link *first = list_first(head);
    if (first != NULL) {
        head->next = first->next; /* as list_remove does; told to static analysis */
        list_remove(first);
    }
    return first;
}

/* Walks the links of head; the current one may be removed inside the loop. item and after are names
 * that the loop declares. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a declared name cannot stand in parentheses */
#define LIST_EACH(item, after, head)                                                               \
    for (struct link *item = (head)->next, *after = item->next; item != (head);                    \
         item = after, after = item->next)
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
