/* Intrusive doubly linked list.  A node that is in no list points to itself (list_init). */
#pragma once

#include "base/base.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Adds node at the end of the list whose head is `head`. */
static inline void list_add(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Adds node at the front. */
static inline void list_push(struct list *head, struct list *node)
{
	list_add(head->next, node);
}

/* Takes node out of its list, if it is in one, and initialises it. */
static inline void list_del(struct list *node)
{
	node->next->prev = node->prev;
	node->prev->next = node->next;
	list_init(node);
}

#define list_entry(node, type, member) container_of(node, type, member)
/* The body may delete the current node. */
#define list_for(it, head)                                                        \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head); \
	     it = it##_next, it##_next = it->next)
