#include <errno.h>

#include "svc/relay/inside.h"

/* Requests of Lync clients ([MS-TURN]).  They differ in more than the bytes: Allocate refreshes and
 * releases as well, whoever is sent something may answer, and one peer at a time needs no heads. */

/* As long as the allocation lives: no request renews one, and media to the chosen peer come
 * without. */
enum { PERMISSION_S = RELAY_LIFE_MAX_S };

/* A request whose sender is known. */
struct asked {
	struct from *from;
	const struct msturn_msg *m;
	struct relay_alloc *alloc;
	struct relay_grant grant; /* borrows the message */
	uint8_t key[STUN_KEY_LEN];
};

/* --- answers --------------------------------------------------------------------------- */

static enum msturn_type error_of(uint16_t type)
{
	return type == MSTURN_SET_ACTIVE ? MSTURN_SET_ACTIVE_ERROR : MSTURN_ALLOCATE_ERROR;
}

static void refuse(const struct asked *q, unsigned code, const uint16_t *unknown, size_t n)
{
	struct msturn_out o;
	struct msturn_refusal r = {
		.type = error_of(q->m->type), .code = code, .unknown = unknown, .n_unknown = n
	};
	q->from->relay->stats.refused++;
	if (q->m->type == MSTURN_SEND)
		return; /* never answered */
	msturn_refused(&o, q->m->id, &r, q->key);
	if (!o.full)
		from_answer_lync(q->from, msturn_text(&o));
}

static void refuse_openly(struct from *f, const struct msturn_msg *m, unsigned code)
{
	struct msturn_out o;
	char text[64];
	struct buf nonce = BUF_ON(text);
	struct msturn_refusal r = { .type = error_of(m->type), .code = code };
	if (code == 401 || code == 438) {
		nonce_put(&nonce, f->relay, f->peer);
		r.challenge =
		        (struct msturn_challenge){ str_of(f->relay->realm), buf_view(&nonce) };
		f->relay->stats.challenged++;
	} else {
		f->relay->stats.refused++;
	}
	msturn_refused(&o, m->id, &r, NULL);
	if (!o.full)
		from_answer_lync(f, msturn_text(&o));
}

static void refuse_stranger(struct from *f, const struct msturn_msg *m, unsigned code)
{
	if (m->type != MSTURN_SEND && stranger_may(f))
		refuse_openly(f, m, code);
}

/* --- who asks -------------------------------------------------------------------------- */

/* [MS-TURN] section 3.2: of the decoded bytes. */
static int read_grant(struct asked *q, struct str name)
{
	struct relay *r = q->from->relay;
	uint8_t password[RELAY_PASSWORD_LEN];
	uint64_t now_s = loop_wall(r->loop) / USEC_PER_SEC;
	int e = relay_grant_get(&q->grant, r->keys, now_s, bytes_of(name), password);
	if (e == 0)
		stun_long_term_key(q->key, name, str_of(r->realm),
		                   str_n((const char *)password, sizeof(password)));
	else
		grant_unread(q->from, name, e);
	wipe(password, sizeof(password));
	return e;
}

/* Inside an allocation a message is fresh by its sequence number, which no capture can have again.
 */
static unsigned check_sequence(const struct asked *q)
{
	struct lync *l = q->alloc ? q->alloc->lync : NULL;
	struct msturn_sequence s;
	if (!l)
		return 437;
	if (!msturn_attr_sequence(q->m, &s) ||
	    memcmp(s.connection, l->connection, sizeof(s.connection)) != 0)
		return 400;
	if (!sign_window_fresh(&l->window, s.number))
		return 400;
	sign_window_use(&l->window, s.number);
	return 0;
}

/* Signed with the key of the allocation, which lasts as long as that, however the host's time is
 * set meanwhile. */
static bool is_owner(struct asked *q)
{
	if (!q->alloc || !q->alloc->lync)
		return false;
	memcpy(q->key, q->alloc->key, sizeof(q->key));
	return msturn_is_signed(q->m, q->key);
}

static unsigned identify_allocate(struct asked *q)
{
	struct str name, nonce, mac;
	const struct from *f = q->from;
	if (!msturn_attr(q->m, MSTURN_MESSAGE_INTEGRITY, &mac))
		return 401;
	if (!msturn_attr(q->m, MSTURN_USERNAME, &name) || !msturn_attr(q->m, MSTURN_NONCE, &nonce))
		return 400;
	if (nonce_check(f->relay, nonce, f->peer) < 0)
		return 438;
	if (is_owner(q))
		return 0;
	if (read_grant(q, name) < 0)
		return 401;
	return grant_is_good(f, &q->grant, msturn_is_signed(q->m, q->key)) ? 0 : 401;
}

/* Send and Set Active Destination: by the key of the allocation. */
static unsigned identify_inside(struct asked *q)
{
	if (!q->alloc || !q->alloc->lync)
		return 437;
	return is_owner(q) ? 0 : 401;
}

/* --- Allocate -------------------------------------------------------------------------- */

static uint32_t life_of(const struct msturn_msg *m)
{
	uint32_t s = RELAY_LIFE_DEFAULT_S;
	(void)msturn_attr_u32(m, MSTURN_LIFETIME, &s);
	return s == 0 ? 0
	              : CLAMP(s, (uint32_t)RELAY_LIFE_DEFAULT_S, (uint32_t)RELAY_LIFE_MAX_S_EACH);
}

static void answer_allocated(const struct asked *q, uint32_t life_s)
{
	struct msturn_out o;
	struct relay_alloc *a = q->alloc;
	const struct relayed *e = a->ends[0].open ? &a->ends[0] : &a->ends[1];
	struct msturn_allocation v = { .relayed = e->external,
		                       .mapped = *q->from->peer,
		                       .lifetime_s = life_s,
		                       .version = MSTURN_ICE2 };
	memcpy(v.sequence.connection, a->lync->connection, sizeof(v.sequence.connection));
	msturn_allocated(&o, q->m->id, &v, q->key);
	if (!o.full)
		from_answer_lync(q->from, msturn_text(&o));
}

static unsigned begin(struct asked *q, uint32_t *life_s)
{
	int family = AF_INET;
	struct alloc_want w = {
		.grant = &q->grant, .key = q->key, .lync = true, .life_s = *life_s
	};
	(void)msturn_attr_family(q->m, &family);
	w.family[family == AF_INET6] = true;
	/* Over a connection: TCP, as long as that lasts, for its clients do not refresh. */
	w.tcp = q->from->stream != NULL;
	if (w.tcp)
		w.life_s = RELAY_LIFE_MAX_S;
	unsigned code = alloc_new(q->from, &w, &q->alloc);
	if (!code && w.tcp)
		*life_s = alloc_left(q->alloc);
	return code;
}

static void allocate(struct asked *q)
{
	uint32_t life_s = life_of(q->m);
	unsigned code = 0;
	if (!q->alloc)
		code = life_s ? begin(q, &life_s) : 437;
	else if (!q->alloc->lync || !same_secret(q->key, q->alloc->key, sizeof(q->key)))
		code = q->alloc->lync ? 441 : 437;
	else if (life_s)
		life_s = alloc_extend(q->alloc, q->alloc->tcp ? RELAY_LIFE_MAX_S : life_s);
	if (code) {
		refuse(q, code, NULL, 0);
		return;
	}
	answer_allocated(q, life_s);
	if (life_s == 0)
		alloc_end(q->alloc, RELAY_RELEASED);
}

/* --- inside an allocation -------------------------------------------------------------- */

static void send_data(struct asked *q)
{
	struct addr peer;
	struct str data;
	if (!msturn_attr_addr(q->m, MSTURN_DESTINATION_ADDRESS, &peer) ||
	    !msturn_attr(q->m, MSTURN_DATA, &data) ||
	    alloc_permit(q->alloc, &peer, PERMISSION_S) != 0) {
		q->alloc->dropped++;
		q->from->relay->stats.dropped++;
		return;
	}
	data_to_peer(q->alloc, &peer, (struct packet){ (uint8_t *)(uintptr_t)data.p, data.len });
}

static void set_active(struct asked *q)
{
	struct msturn_out o;
	struct addr peer;
	struct msturn_sequence s = { .number = 0 };
	unsigned code = 400;
	if (msturn_attr_addr(q->m, MSTURN_DESTINATION_ADDRESS, &peer) && addr_port(&peer) != 0)
		code = alloc_permit(q->alloc, &peer, PERMISSION_S);
	if (code) {
		refuse(q, code, NULL, 0);
		return;
	}
	q->alloc->lync->active = peer;
	memcpy(s.connection, q->alloc->lync->connection, sizeof(s.connection));
	(void)msturn_attr_sequence(q->m, &s);
	msturn_activated(&o, q->m->id, &s, q->key);
	if (!o.full)
		from_answer_lync(q->from, msturn_text(&o));
}

static void serve(struct asked *q)
{
	uint16_t unknown[MSTURN_ATTRS_MAX];
	size_t n = msturn_unknown(q->m, unknown, ARRAY_SIZE(unknown));
	unsigned code = q->m->type == MSTURN_ALLOCATE ? 0 : check_sequence(q);
	if (n > 0 || code)
		refuse(q, code ? code : 420, unknown, n);
	else if (q->m->type == MSTURN_ALLOCATE)
		allocate(q);
	else if (q->m->type == MSTURN_SEND)
		send_data(q);
	else
		set_active(q);
}

static bool may_ask(const struct asked *q)
{
	if (q->m->type == MSTURN_SEND)
		return true; /* a packet, which the limits of bandwidth are for */
	return asks_let(q->from, q->grant.user.len ? q->grant.user : user_of(q->alloc), 1);
}

static void refuse_any(struct asked *q, unsigned code)
{
	if (code != 438 || q->from->stream || !is_owner(q))
		refuse_stranger(q->from, q->m, code);
	else if (may_ask(q))
		refuse_openly(q->from, q->m, code);
}

bool lync_message(struct from *f, struct packet data)
{
	RAW_MEMORY struct msturn_msg m;
	if (msturn_parse(&m, str_n((const char *)data.p, data.len)) < 0)
		return false;
	struct asked q = { .from = f, .m = &m, .alloc = f->alloc };
	if (m.type != MSTURN_ALLOCATE && m.type != MSTURN_SEND && m.type != MSTURN_SET_ACTIVE)
		return true;
	unsigned code = m.type == MSTURN_ALLOCATE ? identify_allocate(&q) : identify_inside(&q);
	if (code)
		refuse_any(&q, code);
	else if (may_ask(&q))
		serve(&q);
	wipe(&q, sizeof(q));
	return true;
}
