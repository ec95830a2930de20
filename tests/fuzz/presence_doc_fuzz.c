#include <assert.h>

#include "svc/presence/document.h"

/* Documents of other homes and of the store: what is read is written so that it reads the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str write_all(struct buf *b, const struct presentity *p)
{
	*b = buf_of(XML_TEXT_MAX);
	doc_put_self(b, p, &SELF_REPLICA);
	assert(!b->full);
	return buf_view(b);
}

static void check(const struct presentity *p)
{
	struct presentity again;
	struct buf one, two;
	presentity_init(&again, 1, p->aor);
	int r = presentity_read(&again, write_all(&one, p));
	assert(r == 0);
	assert(str_eq(write_all(&two, &again), buf_view(&one)));
	buf_free(&one);
	buf_free(&two);
	presentity_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	struct presentity p;
	presentity_init(&p, 1, STR("alice@example.test"));
	int r = presentity_read(&p, in);
	assert(r == 0 || !presentity_is_dirty(&p));
	/* One that nobody can publish may be more than we write. */
	if (r == 0 && pub_check(&p.pubs) == 0)
		check(&p);
	presentity_done(&p);
	return 0;
}
