/* A datagram as STUN: what is read lies in it, no getter leaves it, and what is composed of its
 * values in either dialect is read back with the same values. */
#include <errno.h>
#include <stdlib.h>

#include "wire/stun/binding.h"
#include "wire/stun/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str key = STR_INIT("a key");

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void inside(const struct stun_msg *m, struct str s)
{
	check(s.len == 0 || (s.p >= m->raw.p && s.p + s.len <= m->raw.p + m->raw.len));
}

static void answer_binding(const uint8_t *data, size_t size)
{
	const uint8_t *id;
	char out[128];
	struct addr peer;
	struct buf b = BUF_ON(out);
	if (stun_binding_parse((struct bytes){ data, size }, &id) < 0)
		return;
	check(id >= data && id + STUN_ID_LEN <= data + size);
	check(addr_parse(&peer, STR("2001:db8::1"), 1234) == 0);
	stun_binding_answer(&b, id, &peer);
	check(!b.full && b.len == 20 + 24);
}

static void get_all(const struct stun_msg *m, uint16_t type)
{
	struct str s, text;
	uint32_t v32;
	uint64_t v64;
	struct addr a;
	check(stun_attr(m, type, &s) && stun_attr_text(m, type, &text));
	inside(m, s);
	check(text.p == s.p && text.len <= s.len);
	check(stun_attr_u32(m, type, &v32) == (s.len == 4));
	check(stun_attr_u64(m, type, &v64) == (s.len == 8));
	check(!stun_attr_addr(m, type, &a) || s.len == 8 || s.len == 20);
	check(stun_attr_addr(m, type, &a) == stun_attr_plain_addr(m, type, &a));
}

/* One after the other they are all those of the type. */
static void get_repeated(const struct stun_msg *m, uint16_t type)
{
	struct str s;
	struct addr a;
	unsigned at = 0, at_addr = 0, n = 0, want = 0;
	for (unsigned i = 0; i < m->n_attrs; i++)
		want += m->attrs[i].type == type;
	for (; stun_next(m, type, &at, &s); n++) {
		inside(m, s);
		int r = stun_next_addr(m, type, &at_addr, &a);
		check(r == 1 || r == -EBADMSG);
	}
	check(n == want && stun_next_addr(m, type, &at_addr, &a) == 0);
}

static void get_others(const struct stun_msg *m)
{
	static const uint16_t known[] = { STUN_USERNAME, STUN_MESSAGE_INTEGRITY };
	uint16_t unknown[4];
	unsigned code;
	struct str reason;
	if (stun_attr_error(m, &code, &reason)) {
		check(code >= 300 && code <= 699);
		inside(m, reason);
	}
	check(stun_unknown(m, known, ARRAY_SIZE(known), unknown, ARRAY_SIZE(unknown)) <= 4);
	check(!stun_is_signed(m, STUN_LYNC, key) || !stun_is_signed(m, STUN_STANDARD, key));
	(void)stun_has_fingerprint(m);
}

/* Addresses and errors are written anew, the rest as it is. */
static void put_again(struct stun_out *o, const struct stun_msg *m, const struct stun_attr *at)
{
	struct addr a;
	struct str reason;
	unsigned code;
	if (at->type == STUN_MESSAGE_INTEGRITY || at->type == STUN_FINGERPRINT)
		return;
	if (at->type == STUN_XOR_MAPPED_ADDRESS && stun_attr_addr(m, at->type, &a))
		stun_put_xor_addr(o, at->type, &a);
	else if (at->type == STUN_MAPPED_ADDRESS && stun_attr_plain_addr(m, at->type, &a))
		stun_put_plain_addr(o, at->type, &a);
	else if (at->type == STUN_ERROR_CODE && stun_attr_error(m, &code, &reason))
		stun_put_error(o, code, reason);
	else
		stun_put(o, at->type, str_sub(m->raw, at->at, at->len));
}

static void same(const struct stun_msg *m, const struct stun_msg *back, uint16_t type)
{
	struct str a, b;
	struct addr x, y;
	if (type == STUN_MESSAGE_INTEGRITY || type == STUN_FINGERPRINT)
		return;
	check(stun_attr_text(m, type, &a) && stun_attr_text(back, type, &b));
	if (type == STUN_XOR_MAPPED_ADDRESS && stun_attr_addr(m, type, &x))
		check(stun_attr_addr(back, type, &y) && addr_eq(&x, &y));
	else if (type == STUN_MAPPED_ADDRESS && stun_attr_plain_addr(m, type, &x))
		check(stun_attr_plain_addr(back, type, &y) && addr_eq(&x, &y));
	else if (type != STUN_ERROR_CODE)
		check(str_eq(a, b));
}

static void compose(const struct stun_msg *m, enum stun_dialect d)
{
	struct stun_out o;
	struct stun_msg back;
	stun_begin(&o, m->class, m->method, m->id);
	for (unsigned i = 0; i < m->n_attrs; i++)
		put_again(&o, m, &m->attrs[i]);
	stun_end(&o, d, key);
	int r = stun_parse(&back, stun_text(&o));
	if (o.full || r < 0) { /* the two at the end were one or two too many */
		check(o.full || m->n_attrs > STUN_ATTRS_MAX - 2);
		return;
	}
	check(back.type == m->type && memcmp(back.id, m->id, STUN_ID_LEN) == 0);
	check(stun_is_signed(&back, d, key) && stun_has_fingerprint(&back));
	for (unsigned i = 0; i < m->n_attrs; i++)
		same(m, &back, m->attrs[i].type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stun_msg m;
	struct str in = str_from_bytes((struct bytes){ data, size });
	answer_binding(data, size);
	if (stun_parse(&m, in) < 0)
		return 0;
	check(stun_looks_like(in) && m.n_attrs <= STUN_ATTRS_MAX);
	for (unsigned i = 0; i < m.n_attrs; i++) {
		get_all(&m, m.attrs[i].type);
		get_repeated(&m, m.attrs[i].type);
	}
	get_others(&m);
	compose(&m, STUN_STANDARD);
	compose(&m, STUN_LYNC);
	return 0;
}
