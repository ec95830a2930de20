#include <assert.h>
#include <errno.h>

#include "wire/c3p/c3p.h"
#include "wire/c3p/invite.h"

/* What was read can be written, and is then read the same, unless escapes made it too long. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again_c3p(const struct c3p_msg *m, struct buf *b)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf c = buf_of(b->max);
	struct c3p_msg back;
	c3p_put(b, m, true);
	if (b->full || b->len > XML_TEXT_MAX || m->command == C3P_UNKNOWN)
		return;
	int r = c3p_parse(&back, a, buf_view(b));
	assert(r == 0 || r == -E2BIG);
	if (r < 0)
		return;
	assert(back.kind == m->kind && back.command == m->command && back.code == m->code);
	c3p_put(&c, &back, true);
	assert(str_eq(buf_view(b), buf_view(&c)));
}

static void again_invite(const struct conf_invite *v, struct buf *b)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct conf_invite back;
	conf_invite_put(b, v);
	int r = conf_invite_parse(&back, a, buf_view(b));
	assert(r == 0 || r == -E2BIG);
	assert(r < 0 || (back.im == v->im && back.audio == v->audio));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(16 * XML_TEXT_MAX);
	struct c3p_msg m;
	struct conf_invite v;
	if (c3p_parse(&m, a, in) == 0)
		again_c3p(&m, &b);
	else if (conf_invite_parse(&v, a, in) == 0)
		again_invite(&v, &b);
	return 0;
}
