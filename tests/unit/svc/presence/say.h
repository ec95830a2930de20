/* What tests of presence publish. */
#pragma once

#include "svc/presence/presentity.h"
#include "tap.h"

enum { SAY_MAX = 512 * 1024 };

/* A body from its text; NULL if it is refused. */
static inline struct pub_body *say_body(const char *text)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct pub_body *b = NULL;
	struct xml *e;
	if (xml_parse(&e, a, str_of(text)) < 0 || pub_body_new(&b, e) < 0)
		return NULL;
	return b;
}

static inline void say_put_state(struct buf *b, const char *type, uint32_t availability,
                                 const char *more)
{
	buf_printf(b,
	           "<state xmlns=\"urn:s\" xmlns:x=\"urn:x\" x:type=\"%s\"><availability>%u"
	           "</availability>%s</state>",
	           type, availability, more);
}

static inline struct pub_body *say_state(const char *type, uint32_t availability, const char *more)
{
	char text[1024];
	struct buf b = BUF_ON(text);
	say_put_state(&b, type, availability, more);
	buf_char(&b, 0);
	return say_body(text);
}

/* What came of a request. */
struct said {
	struct conflict conflicts[CONFLICTS_MAX];
	struct publish_result res;
};

/* Publishes these <publication> elements. */
static inline int say(struct presentity *p, struct said *ret, uint64_t endpoint, usec_t wall,
                      const char *items)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(SAY_MAX);
	struct publish rq;
	buf_lit(&b, "<publish xmlns=\"urn:p\"><publications>");
	buf_str(&b, str_of(items));
	buf_lit(&b, "</publications></publish>");
	int r = publish_read(&rq, a, buf_view(&b));
	struct publish_ask ask = { &rq, endpoint, wall };
	ret->res = (struct publish_result){ .conflicts = ret->conflicts };
	return r < 0 ? r : presentity_publish(p, &ask, &ret->res);
}

static inline struct publication *said(const struct presentity *p, const char *category,
                                       uint32_t container, uint32_t instance)
{
	struct pub_key k = { category_of(str_of(category)), str_of(category), container, instance };
	return pub_find(&p->pubs, &k);
}
