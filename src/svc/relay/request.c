#include <errno.h>

#include "base/code.h"
#include "svc/relay/inside.h"

/* STUN and TURN requests (RFC 8489, RFC 8656). */

enum {
	TRANSPORT_TCP = 6,
	TRANSPORT_UDP = 17,
	FAMILY_IPV4 = 1,
	FAMILY_IPV6 = 2,
	KEY_LEN = STUN_KEY_LEN
};
enum { NAME_TEXT_MAX = 4 * (RELAY_NAME_MAX / 3 + 1) };

/* A request whose sender is known. */
struct asked {
	struct from *from;
	const struct stun_msg *m;
	struct relay_alloc *alloc; /* NULL: none yet */
	struct str user;           /* borrows the grant or an allocation */
	struct relay_grant grant;
	uint8_t key[KEY_LEN];
	char name[RELAY_NAME_MAX + 1]; /* the grant borrows it */
};

/* --- answers --------------------------------------------------------------------------- */

static struct str key_of(const uint8_t key[KEY_LEN])
{
	return str_n((const char *)key, KEY_LEN);
}

static void send_signed(const struct asked *q, struct stun_out *o)
{
	stun_end(o, STUN_STANDARD, key_of(q->key));
	if (!o->full)
		from_answer(q->from, stun_text(o));
}

static void begin_error(struct stun_out *o, const struct stun_msg *m, unsigned code)
{
	stun_begin(o, STUN_ERROR, m->method, m->id);
	stun_put_error(o, code, stun_reason(code));
}

static void refuse(const struct asked *q, unsigned code)
{
	struct stun_out o;
	begin_error(&o, q->m, code);
	q->from->relay->stats.refused++;
	send_signed(q, &o);
}

/* Not signed. */
static void refuse_openly(struct from *f, const struct stun_msg *m, unsigned code)
{
	struct stun_out o;
	char text[64];
	struct buf nonce = BUF_ON(text);
	begin_error(&o, m, code);
	if (code == 401 || code == 438) {
		nonce_put(&nonce, f->relay, f->peer);
		stun_put(&o, STUN_REALM, str_of(f->relay->realm));
		stun_put(&o, STUN_NONCE, buf_view(&nonce));
		f->relay->stats.challenged++;
	} else {
		f->relay->stats.refused++;
	}
	stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
	from_answer(f, stun_text(&o));
}

/* To who is not known: bounded in number. */
static void refuse_stranger(struct from *f, const struct stun_msg *m, unsigned code)
{
	if (stranger_may(f))
		refuse_openly(f, m, code);
}

static void refuse_unknown(const struct asked *q, const uint16_t *types, size_t n)
{
	struct stun_out o;
	begin_error(&o, q->m, 420);
	stun_put_unknown(&o, types, n);
	q->from->relay->stats.refused++;
	send_signed(q, &o);
}

/* --- who asks -------------------------------------------------------------------------- */

/* The key of a grant: RFC 8489 section 9.2.2, of the texts that the client got. */
static void make_key(uint8_t ret[KEY_LEN], const struct relay *r, struct str name,
                     const uint8_t password[RELAY_PASSWORD_LEN])
{
	char text[2 * RELAY_PASSWORD_LEN];
	struct buf b = BUF_ON(text);
	base64_put(&b, password, RELAY_PASSWORD_LEN);
	stun_long_term_key(ret, name, str_of(r->realm), buf_view(&b));
	wipe(text, sizeof(text));
}

/* Seconds since 1970, whether the host's time was set or not since we began. */
static uint64_t steady_s(const struct relay *r)
{
	return (r->wall_began + (loop_now(r->loop) - r->began)) / USEC_PER_SEC;
}

/* ConnectionBind is for an allocation that lives, perhaps in another process, and has its key: that
 * the host's time was set meanwhile is no reason against it. */
static int get_grant(struct asked *q, struct bytes name, uint8_t ret_password[RELAY_PASSWORD_LEN])
{
	const struct relay *r = q->from->relay;
	uint64_t now_s = loop_wall(r->loop) / USEC_PER_SEC;
	int e = relay_grant_get(&q->grant, r->keys, now_s, name, ret_password);
	if (e == -ESTALE && q->m->method == STUN_CONNECTION_BIND)
		e = relay_grant_get(&q->grant, r->keys, steady_s(r), name, ret_password);
	return e;
}

static int read_grant(struct asked *q, struct str name)
{
	struct buf binary = BUF_ON(q->name);
	uint8_t password[RELAY_PASSWORD_LEN];
	if (name.len > NAME_TEXT_MAX || base64_get(name, &binary) < 0 || binary.full) {
		grant_unread(q->from, name, -EBADMSG);
		return -EBADMSG;
	}
	int e = get_grant(q, bytes_of(buf_view(&binary)), password);
	if (e == 0) {
		make_key(q->key, q->from->relay, name, password);
		q->user = q->grant.user;
	} else {
		grant_unread(q->from, buf_view(&binary), e);
	}
	wipe(password, sizeof(password));
	return e;
}

/* The allocation for which it is, if that is here. */
static const struct relay_alloc *meant(const struct asked *q)
{
	uint32_t id;
	if (q->alloc || q->m->method != STUN_CONNECTION_BIND)
		return q->alloc;
	return stun_attr_u32(q->m, STUN_CONNECTION_ID, &id) ? tcp_alloc_of(q->from->relay, id)
	                                                    : NULL;
}

/* Signed with the key of an allocation, which costs one hash and lasts as long as that. */
static bool is_owner(struct asked *q)
{
	const struct relay_alloc *a = meant(q);
	if (!a)
		return false;
	memcpy(q->key, a->key, KEY_LEN);
	q->user = user_of(a);
	return stun_is_signed(q->m, STUN_STANDARD, key_of(q->key));
}

static bool is_known(struct asked *q, struct str name)
{
	if (is_owner(q))
		return true;
	if (read_grant(q, name) < 0)
		return false;
	return grant_is_good(q->from, &q->grant,
	                     stun_is_signed(q->m, STUN_STANDARD, key_of(q->key)));
}

/* 0, or the code of the refusal. */
static unsigned identify(struct asked *q)
{
	struct str name, realm, nonce, mac;
	const struct from *f = q->from;
	if (!stun_attr(q->m, STUN_MESSAGE_INTEGRITY, &mac))
		return 401;
	if (!stun_attr_text(q->m, STUN_USERNAME, &name) ||
	    !stun_attr_text(q->m, STUN_REALM, &realm) || !stun_attr_text(q->m, STUN_NONCE, &nonce))
		return 400;
	if (nonce_check(f->relay, nonce, f->peer) < 0)
		return 438;
	return str_eq(realm, str_of(f->relay->realm)) && is_known(q, name) ? 0 : 401;
}

/* Signed by a grant of somebody else than the allocation's. */
static bool is_anothers(const struct asked *q)
{
	return q->alloc && !same_secret(q->key, q->alloc->key, KEY_LEN);
}

/* clang-format off */
static const uint16_t known[] = {
	STUN_USERNAME, STUN_MESSAGE_INTEGRITY, STUN_REALM, STUN_NONCE, STUN_LIFETIME,
	STUN_REQUESTED_TRANSPORT, STUN_REQUESTED_ADDRESS_FAMILY, STUN_EVEN_PORT,
	STUN_RESERVATION_TOKEN, STUN_XOR_PEER_ADDRESS, STUN_CHANNEL_NUMBER,
	STUN_CONNECTION_ID, STUN_DONT_FRAGMENT,
};
/* clang-format on */

/* --- Binding --------------------------------------------------------------------------- */

static void binding(struct from *f, const struct stun_msg *m)
{
	struct stun_out o;
	uint16_t unknown[STUN_ATTRS_MAX];
	size_t n = stun_unknown(m, known, ARRAY_SIZE(known), unknown, ARRAY_SIZE(unknown));
	if ((!f->alloc || f->stream) && !stranger_may(f))
		return;
	if (n > 0) {
		begin_error(&o, m, 420);
		stun_put_unknown(&o, unknown, n);
	} else {
		stun_begin(&o, STUN_SUCCESS, STUN_BINDING, m->id);
		stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, f->peer);
	}
	stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
	from_answer(f, stun_text(&o));
}

/* --- Allocate -------------------------------------------------------------------------- */

static uint32_t life_of(const struct stun_msg *m)
{
	uint32_t s = 0;
	(void)stun_attr_u32(m, STUN_LIFETIME, &s);
	return MIN(MAX(s, (uint32_t)RELAY_LIFE_DEFAULT_S), (uint32_t)RELAY_LIFE_MAX_S_EACH);
}

/* The family in the first byte of the value: 0 if the attribute is not there, -1: none that is
 * known. */
static int family_of(const struct stun_msg *m, uint16_t type)
{
	uint32_t v;
	struct str value;
	if (!stun_attr(m, type, &value))
		return 0;
	if (!stun_attr_u32(m, type, &v))
		return -1;
	v >>= 24;
	return v == FAMILY_IPV4 || v == FAMILY_IPV6 ? (int)v : -1;
}

static unsigned read_families(const struct stun_msg *m, struct alloc_want *w)
{
	int family = family_of(m, STUN_REQUESTED_ADDRESS_FAMILY);
	int more = family_of(m, STUN_ADDITIONAL_ADDRESS_FAMILY);
	if (family < 0)
		return 440;
	if (more != 0 && (family != 0 || more != FAMILY_IPV6 || w->pair || w->token))
		return 400;
	if (family != 0 && w->token)
		return 400;
	w->family[0] = family != FAMILY_IPV6;
	w->family[1] = family == FAMILY_IPV6 || more != 0;
	return 0;
}

/* EVEN-PORT is a byte, whose first bit asks for the next port too. */
static unsigned read_port(const struct stun_msg *m, struct alloc_want *w)
{
	struct str even;
	bool token = stun_attr_u64(m, STUN_RESERVATION_TOKEN, &w->token);
	w->even = stun_attr(m, STUN_EVEN_PORT, &even);
	if (w->even && (even.len == 0 || token))
		return 400;
	w->pair = w->even && (uint8_t)even.p[0] >> 7;
	return token && w->token == 0 ? 508 : 0;
}

/* RFC 6062 section 5.1: from a connection alone, and without what is UDP's. */
static unsigned check_tcp(const struct from *f, const struct alloc_want *w)
{
	return !f->stream || w->even || w->token || w->whole || (w->family[0] && w->family[1]) ? 400
	                                                                                       : 0;
}

static unsigned read_allocate(const struct asked *q, struct alloc_want *w)
{
	uint32_t transport;
	if (!stun_attr_u32(q->m, STUN_REQUESTED_TRANSPORT, &transport))
		return 400;
	struct str none;
	w->whole = stun_attr(q->m, STUN_DONT_FRAGMENT, &none);
	w->tcp = transport >> 24 == TRANSPORT_TCP;
	if (!w->tcp && transport >> 24 != TRANSPORT_UDP)
		return 442;
	unsigned code = read_port(q->m, w);
	w->life_s = life_of(q->m);
	if (!code)
		code = read_families(q->m, w);
	return code || !w->tcp ? code : check_tcp(q->from, w);
}

static void answer_allocated(const struct asked *q, const struct relay_alloc *a, uint32_t life_s)
{
	struct stun_out o;
	stun_begin(&o, STUN_SUCCESS, STUN_ALLOCATE, q->m->id);
	for (int i = 0; i < 2; i++)
		if (a->ends[i].open)
			stun_put_xor_addr(&o, STUN_XOR_RELAYED_ADDRESS, &a->ends[i].external);
	if (a->lacks)
		stun_put_u32(&o, STUN_ADDRESS_ERROR_CODE,
		             (uint32_t)FAMILY_IPV6 << 24 | 4 << 8 | 40);
	stun_put_u32(&o, STUN_LIFETIME, life_s);
	stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, q->from->peer);
	if (a->token)
		stun_put_u64(&o, STUN_RESERVATION_TOKEN, a->token);
	send_signed(q, &o);
}

static void allocate(struct asked *q)
{
	struct relay_alloc *a = q->alloc;
	struct alloc_want w = { .grant = &q->grant, .key = q->key, .id = q->m->id };
	unsigned code = read_allocate(q, &w);
	if (a && memcmp(a->id, q->m->id, STUN_ID_LEN) == 0) { /* it was sent again */
		answer_allocated(q, a, alloc_left(a));
		return;
	}
	if (!code)
		code = a ? 437 : alloc_new(q->from, &w, &a);
	if (code)
		refuse(q, code);
	else
		answer_allocated(q, a, alloc_left(a) + 1 > w.life_s ? w.life_s : alloc_left(a));
}

/* --- the others ------------------------------------------------------------------------ */

static void answer_ok(const struct asked *q)
{
	struct stun_out o;
	stun_begin(&o, STUN_SUCCESS, q->m->method, q->m->id);
	send_signed(q, &o);
}

static void refresh(struct asked *q)
{
	struct stun_out o;
	struct relay_alloc *a = q->alloc;
	uint32_t life_s;
	int family = family_of(q->m, STUN_REQUESTED_ADDRESS_FAMILY);
	bool release = stun_attr_u32(q->m, STUN_LIFETIME, &life_s) && life_s == 0;
	if (family < 0 ||
	    (family && !alloc_end_of(a, family == FAMILY_IPV4 ? AF_INET : AF_INET6))) {
		refuse(q, 443);
		return;
	}
	stun_begin(&o, STUN_SUCCESS, STUN_REFRESH, q->m->id);
	stun_put_u32(&o, STUN_LIFETIME, release ? 0 : alloc_extend(a, life_of(q->m)));
	send_signed(q, &o);
	if (release)
		alloc_end(a, RELAY_RELEASED);
}

/* All or none. */
static void create_permission(struct asked *q)
{
	struct addr peers[STUN_ATTRS_MAX];
	unsigned at = 0, n = 0, code = 0;
	int r;
	while (!code && (r = stun_next_addr(q->m, STUN_XOR_PEER_ADDRESS, &at, &peers[n])) != 0) {
		n++;
		code = r < 0 ? 400 : 0;
	}
	if (!code)
		code = n ? alloc_permit_all(q->alloc, peers, n, RELAY_PERMISSION_S) : 400;
	if (code)
		refuse(q, code);
	else
		answer_ok(q);
}

static void channel_bind(struct asked *q)
{
	struct addr peer;
	uint32_t number;
	unsigned code = 400;
	if (!q->alloc->tcp && stun_attr_u32(q->m, STUN_CHANNEL_NUMBER, &number) &&
	    stun_attr_addr(q->m, STUN_XOR_PEER_ADDRESS, &peer)) {
		number >>= 16;
		if (number >= TURN_CHANNEL_MIN && number <= TURN_CHANNEL_MAX)
			code = alloc_bind(q->alloc, (uint16_t)number, &peer);
	}
	if (code)
		refuse(q, code);
	else
		answer_ok(q);
}

static void connect_peer(struct asked *q)
{
	struct addr peer;
	unsigned code = 400;
	if (q->alloc->tcp && stun_attr_addr(q->m, STUN_XOR_PEER_ADDRESS, &peer))
		code = tcp_connect(q->alloc, &peer, q->m->id);
	if (code)
		refuse(q, code);
}

/* The connection may be in another process than the one that its client has come to. */
static bool pass(const struct asked *q)
{
	struct relay_stream *s = q->from->stream;
	const struct relay *r = q->from->relay;
	memcpy(s->asked, q->m->id, sizeof(s->asked));
	return r->ops->pass(r->arg, s->owner, s->wanted.id >> RELAY_ID_BITS, &s->wanted);
}

/* RFC 6062 section 5.4: what follows on the connection is the peer's. */
static void connection_bind(struct asked *q)
{
	struct relay_stream *s = q->from->stream;
	const struct relay *r = q->from->relay;
	if (!s || q->alloc || !stun_attr_u32(q->m, STUN_CONNECTION_ID, &s->wanted.id)) {
		refuse(q, 400);
		return;
	}
	memcpy(s->wanted.key, q->key, sizeof(s->wanted.key));
	if (tcp_is_of_other_process(r, s->wanted.id)) {
		s->joining = pass(q) ? RELAY_PASSING : RELAY_NOT_JOINING;
	} else if (tcp_is_waiting(r, &s->wanted)) {
		s->joining = RELAY_JOINING;
		answer_ok(q);
	}
	if (s->joining == RELAY_NOT_JOINING)
		refuse(q, 400);
}

void relay_stream_passed(struct relay_stream *s, bool taken)
{
	struct stun_out o;
	stun_begin(&o, taken ? STUN_SUCCESS : STUN_ERROR, STUN_CONNECTION_BIND, s->asked);
	if (!taken)
		stun_put_error(&o, 400, stun_reason(400));
	stun_end(&o, STUN_STANDARD, key_of(s->wanted.key));
	s->joining = RELAY_NOT_JOINING;
	s->relay->ops->to_stream(s->relay->arg, s->owner, bytes_of(stun_text(&o)), false);
}

/* clang-format off */
static const struct {
	void (*fn)(struct asked *q);
	bool begins; /* needs no allocation */
} served[] = {
	[STUN_ALLOCATE]          = { allocate, true },
	[STUN_REFRESH]           = { refresh, false },
	[STUN_CREATE_PERMISSION] = { create_permission, false },
	[STUN_CHANNEL_BIND]      = { channel_bind, false },
	[STUN_CONNECT]           = { connect_peer, false },
	[STUN_CONNECTION_BIND]   = { connection_bind, true },
};
/* clang-format on */

static void serve(struct asked *q)
{
	uint16_t unknown[STUN_ATTRS_MAX];
	size_t n = stun_unknown(q->m, known, ARRAY_SIZE(known), unknown, ARRAY_SIZE(unknown));
	if (n > 0)
		refuse_unknown(q, unknown, n);
	else if (is_anothers(q))
		refuse(q, 441);
	else if (!q->alloc && !served[q->m->method].begins)
		refuse(q, 437);
	else
		served[q->m->method].fn(q);
}

static unsigned cost_of(const struct stun_msg *m)
{
	return m->method == STUN_CONNECT ? RELAY_CONNECT_COST : 1;
}

/* A nonce that is too old: the owner of an allocation is no stranger, whoever else is behind his
 * address. */
static void refuse_any(struct asked *q, unsigned code)
{
	if (code != 438 || q->from->stream || !q->alloc || !is_owner(q))
		refuse_stranger(q->from, q->m, code);
	else if (asks_let(q->from, q->user, 1))
		refuse_openly(q->from, q->m, code);
}

void request(struct from *f, const struct stun_msg *m)
{
	struct asked q = { .from = f, .m = m, .alloc = f->alloc };
	struct str print;
	if (m->class != STUN_REQUEST ||
	    (stun_attr(m, STUN_FINGERPRINT, &print) && !stun_has_fingerprint(m)))
		return;
	if (m->method == STUN_BINDING) {
		binding(f, m);
		return;
	}
	if (m->method >= ARRAY_SIZE(served) || !served[m->method].fn) {
		refuse_stranger(f, m, 400);
		return;
	}
	unsigned code = identify(&q);
	if (code)
		refuse_any(&q, code);
	else if (asks_let(f, q.user, cost_of(m)))
		serve(&q);
	wipe(&q, sizeof(q));
}
