#include <stdio.h>

#include "presload.h"

/* Half of a list are those whose lists one is on: neighbours on both sides. */
enum { MUTUAL_PERCENT = 50 };

static uint32_t scatter(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352du;
	x ^= x >> 15;
	x *= 0x846ca68bu;
	return x ^ x >> 16;
}

static bool has(const struct person *p, uint32_t contact)
{
	for (uint32_t i = 0; i < p->n_contacts; i++)
		if (p->contacts[i] == contact)
			return true;
	return false;
}

static void add(struct person *p, uint32_t self, uint32_t contact)
{
	if (contact != self && p->n_contacts < CONTACTS_MAX && !has(p, contact))
		p->contacts[p->n_contacts++] = contact;
}

/* Lists of half to one and a half times the mean.  The other half of a list are people whom others
 * know: up to nine times as often as the mean. */
static void fill(struct presload *l, uint32_t self, uint32_t n)
{
	struct person *p = &l->person[self];
	uint32_t each = l->o.contacts * MUTUAL_PERCENT / 200, seed = scatter(self + 1);
	uint32_t more = each > 0 ? seed % (l->o.contacts + 1) : 0;
	for (uint32_t d = 1; d <= each && d < n / 2; d++) {
		add(p, self, (self + d) % n);
		add(p, self, (self + n - d) % n);
	}
	for (uint32_t i = 0; i < more; i++) {
		double x = (double)(scatter(seed + i) & 0xffff) / 0x10000;
		add(p, self, (uint32_t)((8 * x * x + x) / 9 * n));
	}
}

/* Everybody watches the first alone (--contacts 0), or each her list; the loners nobody. */
static void make_contacts(struct presload *l)
{
	uint32_t n = l->n_people - l->n_loners;
	for (uint32_t i = 0; i < l->n_people; i++) {
		l->person[i].contacts = xalloc(CONTACTS_MAX, sizeof(uint32_t));
		if (l->o.contacts == 0)
			add(&l->person[i], i, 0);
		else
			fill(l, i, n);
	}
}

void people_make(struct presload *l)
{
	bool star = l->o.contacts == 0;
	l->n_endpoints = l->o.users;
	l->n_people = star ? l->n_endpoints : l->n_endpoints - l->n_endpoints / 3;
	l->n_loners = star ? 0 : l->o.loners;
	if (l->n_loners >= l->n_people)
		die("more loners than people");
	l->person = xalloc(l->n_people, sizeof(*l->person));
	l->endpoint = xalloc(l->n_endpoints, sizeof(*l->endpoint));
	for (uint32_t i = 0; i < l->n_endpoints; i++) {
		struct endpoint *e = &l->endpoint[i];
		struct person *p = &l->person[star ? i : i / 3 * 2 + i % 3 / 2];
		e->number = i;
		e->who = p;
		e->conn.user = e;
		if (l->o.lync)
			e->lync = xalloc(1, sizeof(*e->lync));
		if (p->n_endpoints++ == 0)
			p->first = i;
	}
	for (uint32_t i = 0; i < l->n_people; i++)
		l->person[i].number = l->o.first + i;
	make_contacts(l);
}

void people_print(const struct presload *l)
{
	for (uint32_t i = 0; i < l->n_people; i++) {
		const struct person *p = &l->person[i];
		printf("%u", p->number);
		for (uint32_t k = 0; k < p->n_contacts; k++)
			printf(" %u", l->person[p->contacts[k]].number);
		printf("\n");
	}
}
