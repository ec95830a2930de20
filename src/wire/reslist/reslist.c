#include "wire/reslist/reslist.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/sip/uri.h"
#include "wire/xml/xml.h"

/* An entry while equal ones are looked for. */
struct keyed {
	struct str key;
	unsigned at; /* its place in the document */
};

struct reader {
	struct arena *arena;
	struct reslist_entry *v;
	unsigned n, n_refs;
};

static int read_entry(struct reader *r, const struct xml *e)
{
	struct reslist_entry entry = { str_trim(xml_attr(e, "uri")),
		                       xml_child_text(e, "display-name") };
	if (entry.uri.len == 0)
		return -EBADMSG;
	if (r->n == RESLIST_ENTRIES_MAX || entry.uri.len > SIP_URI_MAX ||
	    entry.name.len > RESLIST_NAME_MAX)
		return -E2BIG;
	r->v[r->n++] = entry;
	return 0;
}

/* The depth is that of the document: XML_DEPTH_MAX. */
static int read_list(struct reader *r, const struct xml *list)
{
	int err = 0;
	for (const struct xml *e = list->child; e && err == 0; e = e->next) {
		if (xml_is(e, "entry"))
			err = read_entry(r, e);
		else if (xml_is(e, "list"))
			err = read_list(r, e);
		else if (xml_is(e, "entry-ref") || xml_is(e, "external"))
			r->n_refs++;
	}
	return err;
}

static struct str key_of(struct arena *a, struct str uri)
{
	char text[SIP_URI_MAX + 16];
	struct buf b = BUF_ON(text);
	struct sip_uri u;
	if (sip_uri_parse(&u, uri) < 0 ||
	    (u.scheme != SIP_SCHEME_SIP && u.scheme != SIP_SCHEME_SIPS))
		return uri;
	return sip_uri_aor(&u, &b) < 0 || b.full ? uri : arena_str(a, buf_view(&b));
}

static int by_key(const void *x, const void *y)
{
	const struct keyed *a = x, *b = y;
	int order = str_cmp(a->key, b->key);
	return order != 0 ? order : (a->at > b->at) - (a->at < b->at);
}

/* Sorted, not compared each with each: the time must not grow with the square of what a peer
 * sends. */
static void drop_equal(struct reader *r)
{
	struct keyed *k = arena_alloc(r->arena, r->n * sizeof(*k));
	unsigned n = 0;
	for (unsigned i = 0; i < r->n; i++)
		k[i] = (struct keyed){ key_of(r->arena, r->v[i].uri), i };
	qsort(k, r->n, sizeof(*k), by_key);
	for (unsigned i = 1; i < r->n; i++)
		if (str_eq(k[i - 1].key, k[i].key))
			r->v[k[i].at].uri.len = 0;
	for (unsigned i = 0; i < r->n; i++)
		if (r->v[i].uri.len > 0)
			r->v[n++] = r->v[i];
	r->n = n;
}

int reslist_parse(struct reslist *ret, struct arena *a, struct str in)
{
	struct reader r = { .arena = a };
	struct xml *root;
	if (in.len > RESLIST_BYTES_MAX)
		return -E2BIG;
	int err = xml_parse(&root, a, in);
	if (err < 0)
		return err;
	if (!xml_is(root, "resource-lists"))
		return -EBADMSG;
	r.v = arena_alloc(a, RESLIST_ENTRIES_MAX * sizeof(*r.v));
	err = read_list(&r, root);
	if (err < 0)
		return err;
	if (r.n > 1)
		drop_equal(&r);
	*ret = (struct reslist){ .v = r.v, .n = r.n, .n_refs = r.n_refs };
	return 0;
}
