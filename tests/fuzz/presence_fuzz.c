#include <assert.h>
#include <errno.h>

#include "svc/presence/document.h"

/* What clients ask of presence, applied to a user; what is taken can be written and read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str write_all(struct buf *b, const struct presentity *p)
{
	*b = buf_of(XML_TEXT_MAX);
	doc_put_self(b, p, &SELF_REPLICA);
	assert(!b->full);
	return buf_view(b);
}

/* A replica has what its home has, and shows the same. */
static void check_replica(const struct presentity *p)
{
	struct presentity replica;
	struct buf one, two;
	presentity_init(&replica, 1, p->aor);
	replica.replica = true;
	int r = presentity_read(&replica, write_all(&one, p));
	assert(r == 0);
	bool same = str_eq(write_all(&two, &replica), buf_view(&one));
	assert(same);
	for (unsigned i = 0; i < N_CONTAINERS; i++) {
		one.len = two.len = 0;
		doc_put_view(&one, p, container_id(i), CATEGORY_ALL, 0);
		doc_put_view(&two, &replica, container_id(i), CATEGORY_ALL, 0);
		assert(str_eq(buf_view(&one), buf_view(&two)));
	}
	buf_free(&one);
	buf_free(&two);
	presentity_done(&replica);
}

static void publish(struct presentity *p, struct arena *a, struct str in)
{
	struct publish rq;
	struct publish_result res = {
		.conflicts = arena_alloc(a, CONFLICTS_MAX * sizeof(struct conflict)),
	};
	if (publish_read(&rq, a, in) < 0)
		return;
	assert(rq.n > 0 && rq.n <= PUBLISH_MAX);
	/* The client knows the versions. */
	for (size_t i = 0; i < rq.n; i++) {
		const struct publication *q = pub_find(&p->pubs, &rq.items[i].key);
		rq.items[i].version = q ? q->version : 0;
	}
	struct publish_ask ask = { &rq, 7, 1767323045 * USEC_PER_SEC };
	int r = presentity_publish(p, &ask, &res);
	assert(r != -EEXIST && (r == 0 || !presentity_is_dirty(p)));
}

static void change(struct presentity *p, struct arena *a, struct str in)
{
	struct set_members m;
	struct set_subscribers s;
	if (set_members_read(&m, a, in) == 0) {
		for (size_t i = 0; i < m.n; i++)
			m.items[i].version = p->containers.version[m.items[i].at];
		(void)!presentity_set_members(p, &m);
		assert(p->containers.n_members <= CONTAINER_MEMBERS_MAX);
	}
	if (set_subscribers_read(&s, a, in) == 0)
		for (size_t i = 0; i < s.n; i++)
			(void)presentity_set_subscriber(p, &s.items[i], s.items[i].user);
}

static void ask(struct arena *a, struct str in)
{
	struct batch b;
	unsigned parts;
	if (batch_read(&b, a, in) == 0)
		assert(b.n <= BATCH_MAX);
	if (roaming_read(&parts, a, in) == 0)
		assert(parts < 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	auto_(arena_free) struct arena *a = arena_new();
	struct presentity p;
	presentity_init(&p, 1, STR("alice@example.test"));
	presentity_signed_in(&p, true, true, 1);
	p.dirty = (struct presence_dirty){ 0 };
	publish(&p, a, in);
	change(&p, a, in);
	ask(a, in);
	check_replica(&p);
	presentity_done(&p);
	return 0;
}
