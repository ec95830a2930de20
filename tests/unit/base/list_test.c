#include "base/list.h"

#include "tap.h"

struct item {
	int v;
	struct list link;
};

/* The values in order as one decimal number. */
static int number(struct list *head)
{
	int n = 0;
	list_for(it, head) n = n * 10 + list_entry(it, struct item, link)->v;
	return n;
}

static void add_goes_last_and_push_first(void)
{
	struct list head;
	struct item a = { .v = 1 }, b = { .v = 2 }, c = { .v = 3 };
	list_init(&head);
	OK(list_empty(&head));
	list_add(&head, &a.link);
	list_add(&head, &b.link);
	list_push(&head, &c.link);
	EQ(number(&head), 312);
	OK(!list_empty(&head));
}

static void deleting_twice_is_harmless(void)
{
	struct list head;
	struct item a = { .v = 1 }, b = { .v = 2 };
	list_init(&head);
	list_add(&head, &a.link);
	list_add(&head, &b.link);
	list_del(&a.link);
	list_del(&a.link);
	EQ(number(&head), 2);
	OK(list_empty(&a.link));
}

static void a_walk_may_delete_its_node(void)
{
	struct list head;
	struct item item[4];
	list_init(&head);
	for (int i = 0; i < 4; i++) {
		item[i].v = i + 1;
		list_add(&head, &item[i].link);
	}
	list_for(it, &head) if (list_entry(it, struct item, link)->v % 2 == 0) list_del(it);
	EQ(number(&head), 13);
	list_for(it, &head) list_del(it);
	OK(list_empty(&head));
}

int main(void)
{
	RUN(add_goes_last_and_push_first);
	RUN(deleting_twice_is_harmless);
	RUN(a_walk_may_delete_its_node);
	return tap_done();
}
