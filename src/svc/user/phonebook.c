#include "svc/user/phonebook.h"

#include <errno.h>
#include <stdlib.h>

#include "svc/directory/fold.h"
#include "svc/directory/index.h"

struct phonebook {
	struct userdb *db;
	struct index *index;
	struct words words; /* of one person or search */
	struct buf order;
};

static void put(struct phonebook *p, const struct userdb_person *up)
{
	const struct acct_person *a = &up->person;
	if (up->disabled || up->hidden) {
		index_drop(p->index, a->id);
		return;
	}
	p->order.len = 0;
	fold_put(&p->order, a->display_name.len > 0 ? a->display_name : a->uri);
	words_of_person(&p->words, a);
	index_put(p->index, a->id, &p->words, buf_view(&p->order));
}

static void load(void *arg, const struct userdb_person *up)
{
	put(arg, up);
}

struct phonebook *phonebook_new(struct userdb *db)
{
	struct phonebook *p = xnew(struct phonebook);
	p->db = db;
	p->index = index_new();
	words_init(&p->words);
	p->order = buf_of(USER_TEXT_MAX);
	if (userdb_people(db, load, p) < 0)
		phonebook_free(&p);
	else
		index_settle(p->index);
	return p;
}

void phonebook_free(struct phonebook **pp)
{
	struct phonebook *p = take(pp);
	if (!p)
		return;
	index_free(&p->index);
	words_done(&p->words);
	buf_free(&p->order);
	free(p);
}

/* If it cannot be read nobody shall be found by what does not hold any more. */
void phonebook_changed(struct phonebook *p, uint64_t account)
{
	struct userdb_person up;
	if (userdb_person(p->db, account, &up) == 0)
		put(p, &up);
	else
		index_drop(p->index, account);
	index_settle(p->index);
}

size_t phonebook_count(const struct phonebook *p)
{
	return index_count(p->index);
}

int phonebook_search(struct phonebook *p, const struct acct_query *q, bool *ret_more,
                     phonebook_fn *fn, void *arg)
{
	uint64_t ids[ACCT_FOUND_MAX];
	struct userdb_person up;
	bool more;
	int found = 0;
	words_of_query(&p->words, q);
	size_t n = index_search(p->index, &p->words, ids, q->max, &more);
	for (size_t i = 0; i < n; i++) {
		int r = userdb_person(p->db, ids[i], &up);
		if (r < 0 && r != -ENOENT)
			return r;
		/* What is written is told a moment later: the store is right. */
		if (r == -ENOENT || up.disabled || up.hidden)
			continue;
		fn(arg, &up.person);
		found++;
	}
	*ret_more = more;
	return found;
}
