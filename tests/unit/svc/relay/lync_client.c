#include "lync_client.h"

#include "base/code.h"
#include "base/rand.h"

void lync_start(struct lync_client *c, struct edge *e, const char *user, bool stream)
{
	struct account a;
	char secret[64];
	*c = (struct lync_client){ .e = e,
		                   .raw = buf_of(EDGE_SAID_MAX),
		                   .told = buf_of(EDGE_SAID_MAX) };
	party_start(&c->at, e->loop);
	c->at.all = buf_of(EDGE_SAID_MAX);
	account_get(&a, e, user, 8 * 3600);
	/* What is text to others is bytes here. */
	struct buf name = BUF_ON(c->name), password = BUF_ON(secret);
	OK(base64_get(str_of(a.name), &name) == 0 &&
	   base64_get(str_of(a.password), &password) == 0);
	c->name_len = name.len;
	stun_long_term_key(c->key, buf_view(&name), str_of(a.realm), buf_view(&password));
	c->relayed.sa.sa_family = AF_UNSPEC;
	if (stream)
		c->stream = relay_stream_new(e->relay, &e->face, &c->at.at, TURN_MS, &c->at);
}

void lync_stop(struct lync_client *c)
{
	relay_stream_free(&c->stream);
	party_stop(&c->at);
	buf_free(&c->raw);
	buf_free(&c->told);
}

void lync_begin(struct msturn_out *o, enum msturn_type type)
{
	uint8_t id[MSTURN_ID_LEN];
	rand_bytes(id, sizeof(id));
	msturn_begin(o, type, id);
	msturn_put_u32(o, MSTURN_VERSION, MSTURN_ICE);
}

void lync_sign(struct lync_client *c, struct msturn_out *o)
{
	msturn_put(o, MSTURN_USERNAME, str_n(c->name, c->name_len));
	msturn_put(o, MSTURN_NONCE, str_of(c->nonce));
	msturn_put(o, MSTURN_REALM, STR("example.test"));
	if (c->relayed.sa.sa_family != AF_UNSPEC)
		msturn_put_sequence(o, &c->sequence);
	c->sequence.number++;
	msturn_sign(o, c->key);
}

void lync_put(struct lync_client *c, struct str s, enum turn_ms_frame type)
{
	static uint8_t space[PACKET_HEADROOM + UINT16_MAX + 1];
	if (!c->stream) {
		EQ(udp_send(c->at.u, &c->e->face.local, s), 0);
		return;
	}
	memcpy(space + PACKET_HEADROOM, s.p, s.len);
	struct bytes whole = turn_put_ms_frame(space + PACKET_HEADROOM, s.len, type);
	OK(relay_frame(c->stream, (struct bytes){ space + PACKET_HEADROOM - TURN_MS_FRAME_HEAD_LEN,
	                                          whole.len }));
}

struct str lync_got(struct lync_client *c, enum turn_ms_frame type)
{
	struct party *p = &c->at;
	if (!c->stream)
		return str_n(p->last, p->len);
	EQ(p->last[0], type);
	return str_n(p->last + TURN_MS_FRAME_HEAD_LEN, p->len - TURN_MS_FRAME_HEAD_LEN);
}

unsigned lync_ask(struct lync_client *c, const struct msturn_out *o)
{
	struct party *p = &c->at;
	unsigned before = p->n, code = 200;
	struct str reason;
	lync_put(c, msturn_text(o), TURN_MS_FRAME_CONTROL);
	for (int i = 0; i < 20 && p->n == before; i++)
		loop_turn(c->e->loop, EDGE_STEP_MS * USEC_PER_MSEC);
	if (p->n == before)
		return 0;
	if (!OK(msturn_parse(&c->m, lync_got(c, TURN_MS_FRAME_CONTROL)) == 0))
		return 0;
	(void)msturn_attr_error(&c->m, &code, &reason);
	return code;
}

unsigned lync_allocate(struct lync_client *c)
{
	struct msturn_out o;
	struct str nonce;
	lync_begin(&o, MSTURN_ALLOCATE);
	unsigned code = lync_ask(c, &o);
	if (code != 401 || !OK(msturn_attr(&c->m, MSTURN_NONCE, &nonce)))
		return code;
	memcpy(c->nonce, nonce.p, MIN(nonce.len, sizeof(c->nonce) - 1));
	c->nonce[MIN(nonce.len, sizeof(c->nonce) - 1)] = '\0';
	lync_begin(&o, MSTURN_ALLOCATE);
	lync_sign(c, &o);
	code = lync_ask(c, &o);
	if (code == 200) {
		OK(msturn_attr_addr(&c->m, MSTURN_MAPPED_ADDRESS, &c->relayed));
		OK(msturn_attr_sequence(&c->m, &c->sequence));
		OK(msturn_is_signed(&c->m, c->key));
		c->sequence.number++;
	}
	return code;
}

void lync_make_send(struct lync_client *c, struct msturn_out *o, const struct addr *to,
                    struct str data)
{
	lync_begin(o, MSTURN_SEND);
	msturn_put_addr(o, MSTURN_DESTINATION_ADDRESS, to);
	msturn_put(o, MSTURN_DATA, data);
	lync_sign(c, o);
}

unsigned lync_set_active(struct lync_client *c, const struct addr *to)
{
	struct msturn_out o;
	lync_begin(&o, MSTURN_SET_ACTIVE);
	msturn_put_addr(&o, MSTURN_DESTINATION_ADDRESS, to);
	lync_sign(c, &o);
	return lync_ask(c, &o);
}

void lync_send(struct lync_client *c, const struct addr *to, struct str data)
{
	struct msturn_out o;
	lync_make_send(c, &o, to, data);
	OK(!o.full);
	lync_put(c, msturn_text(&o), TURN_MS_FRAME_CONTROL);
}

static void hear_told(struct lync_client *c, struct str message)
{
	struct msturn_msg m;
	struct str data;
	if (!OK(msturn_parse(&m, message) == 0) || m.type != MSTURN_DATA_INDICATION)
		return;
	OK(msturn_attr_addr(&m, MSTURN_REMOTE_ADDRESS, &c->from));
	OK(msturn_attr(&m, MSTURN_DATA, &data));
	buf_str(&c->told, data);
	c->n_told++;
}

void lync_hear(struct lync_client *c)
{
	for (;;) {
		struct str rest = str_sub(buf_view(&c->at.all), c->walked, c->at.all.len);
		ssize_t n =
		        turn_frame(bytes_of(rest), TURN_MS, UINT16_MAX + TURN_MS_FRAME_HEAD_LEN);
		if (!OK(n >= 0) || n == 0)
			return;
		struct str content =
		        str_sub(rest, TURN_MS_FRAME_HEAD_LEN, (size_t)n - TURN_MS_FRAME_HEAD_LEN);
		if (rest.p[0] == TURN_MS_FRAME_DATA)
			buf_str(&c->raw, content);
		else
			hear_told(c, content);
		c->walked += (size_t)n;
	}
}
