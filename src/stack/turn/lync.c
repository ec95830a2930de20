#include <errno.h>

#include "base/rand.h"
#include "stack/turn/inside.h"

/* Messages of [MS-TURN]: Allocate asks, refreshes and releases; Set Active Destination stands for
 * a channel. */

static bool is_allocate(const struct ask *a)
{
	return a->kind != ASK_CHANNEL;
}

/* --- requests -------------------------------------------------------------------------- */

static void begin(struct msturn_out *o, enum msturn_type type, const uint8_t id[MSTURN_ID_LEN])
{
	msturn_begin(o, type, id);
	msturn_put_u32(o, MSTURN_VERSION, MSTURN_ICE2);
}

/* Inside an allocation each message has its number. */
static void sign(struct msturn_out *o, struct turn_client *c, bool with_nonce)
{
	msturn_put(o, MSTURN_USERNAME, buf_view(&c->user));
	if (with_nonce)
		msturn_put(o, MSTURN_NONCE, str_n(c->nonce, c->nonce_len));
	msturn_put(o, MSTURN_REALM, str_n(c->realm, c->realm_len));
	if (c->state == CLIENT_OPEN || c->state == CLIENT_RELEASING) {
		c->sequence.number++;
		msturn_put_sequence(o, &c->sequence);
	}
	msturn_sign(o, c->key);
}

static void put_allocate(struct msturn_out *o, const struct ask *a)
{
	const struct turn_client *c = a->client;
	uint32_t family = htobe32(0x02000000);
	if (a->kind == ASK_RELEASE)
		msturn_put_u32(o, MSTURN_LIFETIME, 0);
	else if (c->cfg.life_s)
		msturn_put_u32(o, MSTURN_LIFETIME, c->cfg.life_s);
	if (c->cfg.family == AF_INET6 && a->kind == ASK_ALLOCATE)
		msturn_put(o, MSTURN_REQUESTED_ADDRESS_FAMILY,
		           str_n((const char *)&family, sizeof(family)));
}

static int request(struct ask *a)
{
	struct msturn_out o;
	struct turn_client *c = a->client;
	begin(&o, is_allocate(a) ? MSTURN_ALLOCATE : MSTURN_SET_ACTIVE, a->id);
	if (is_allocate(a))
		put_allocate(&o, a);
	else
		msturn_put_addr(&o, MSTURN_DESTINATION_ADDRESS, &a->bond->peer);
	a->is_signed = c->nonce_len > 0;
	if (a->is_signed)
		sign(&o, c, true);
	if (o.full)
		return -EMSGSIZE;
	carrier_message(c, msturn_text(&o));
	return 0;
}

/* --- what comes ------------------------------------------------------------------------ */

static void get_text(struct str *ret, const struct msturn_msg *m, uint16_t type)
{
	struct str s;
	if (msturn_attr(m, type, &s))
		*ret = stun_without_zeros(s);
}

static bool read_answer(struct answer *ret, const struct turn_client *c, const struct msturn_msg *m)
{
	uint16_t unknown;
	bool success = m->type == MSTURN_ALLOCATE_SUCCESS || m->type == MSTURN_SET_ACTIVE_SUCCESS;
	*ret = (struct answer){ .success = success, .life_s = TURN_CLIENT_LIFE_S };
	if ((!success && !msturn_attr_error(m, &ret->code, &ret->reason)) ||
	    msturn_unknown(m, &unknown, 1) > 0)
		return false;
	ret->is_signed = c->nonce_len > 0 && msturn_is_signed(m, c->key);
	get_text(&ret->realm, m, MSTURN_REALM);
	get_text(&ret->nonce, m, MSTURN_NONCE);
	(void)msturn_attr_u32(m, MSTURN_LIFETIME, &ret->life_s);
	(void)msturn_attr_addr(m, MSTURN_MAPPED_ADDRESS, &ret->relayed);
	(void)msturn_attr_xor_addr(m, MSTURN_XOR_MAPPED_ADDRESS, &ret->mapped);
	(void)msturn_attr_addr(m, MSTURN_ALTERNATE_SERVER, &ret->alternate);
	(void)msturn_attr_sequence(m, &ret->sequence);
	return true;
}

static void answered(struct turn_client *c, const struct msturn_msg *m, bool of_allocate)
{
	struct answer answer;
	struct ask *a = ask_find(c, m->id);
	if (!a || is_allocate(a) != of_allocate || !read_answer(&answer, c, m))
		c->stats.dropped++;
	else
		ask_answered(a, &answer);
}

/* Whoever was sent something may answer, and nobody keeps who that was. */
static void data_indication(struct turn_client *c, const struct msturn_msg *m)
{
	struct addr peer;
	struct str data;
	if (c->state == CLIENT_OPEN && msturn_attr_addr(m, MSTURN_REMOTE_ADDRESS, &peer) &&
	    msturn_attr(m, MSTURN_DATA, &data))
		client_data(c, &peer, data);
	else
		c->stats.dropped++;
}

static void message(struct turn_client *c, struct bytes in)
{
	RAW_MEMORY struct msturn_msg m;
	if (msturn_parse(&m, str_from_bytes(in)) < 0) {
		c->stats.dropped++;
		return;
	}
	switch (m.type) {
	case MSTURN_DATA_INDICATION:
		data_indication(c, &m);
		break;
	case MSTURN_ALLOCATE_SUCCESS:
	case MSTURN_ALLOCATE_ERROR:
		answered(c, &m, true);
		break;
	case MSTURN_SET_ACTIVE_SUCCESS:
	case MSTURN_SET_ACTIVE_ERROR:
		answered(c, &m, false);
		break;
	default:
		c->stats.dropped++;
		break;
	}
}

static void from_active(struct turn_client *c, struct bytes in)
{
	if (!c->active) {
		c->stats.dropped++;
		return;
	}
	struct addr peer = c->active->peer;
	client_data(c, &peer, str_from_bytes(in));
}

/* A frame has its kind in its head, a datagram in its bytes. */
static void input(struct turn_client *c, struct bytes in)
{
	bool control = turn_look(in) == TURN_MS_CONTROL;
	if (c->stream) {
		control = in.p[0] == TURN_MS_FRAME_CONTROL;
		in = (struct bytes){ in.p + TURN_MS_FRAME_HEAD_LEN,
			             in.len - TURN_MS_FRAME_HEAD_LEN };
	}
	if (control)
		message(c, in);
	else
		from_active(c, in);
}

/* --- data ------------------------------------------------------------------------------ */

static int send_bare(struct turn_client *c, struct str data)
{
	RAW_MEMORY uint8_t room[TURN_MS_FRAME_HEAD_LEN + TURN_CLIENT_DATA_MAX];
	if (!c->stream)
		return carrier_send(c, data);
	if (data.len > 0)
		memcpy(room + TURN_MS_FRAME_HEAD_LEN, data.p, data.len);
	struct bytes whole =
	        turn_put_ms_frame(room + TURN_MS_FRAME_HEAD_LEN, data.len, TURN_MS_FRAME_DATA);
	return carrier_send(c, str_from_bytes(whole));
}

static int send_message(struct turn_client *c, const struct addr *peer, struct str data)
{
	struct msturn_out o;
	uint8_t id[MSTURN_ID_LEN];
	rand_bytes(id, sizeof(id));
	begin(&o, MSTURN_SEND, id);
	msturn_put_addr(&o, MSTURN_DESTINATION_ADDRESS, peer);
	msturn_put(&o, MSTURN_DATA, data);
	sign(&o, c, false);
	if (o.full)
		return -EMSGSIZE;
	carrier_message(c, msturn_text(&o));
	return 0;
}

/* A datagram to the active destination must not look like a message to the relay. */
static int send_data(struct turn_client *c, const struct addr *peer, struct str data)
{
	bool bare = c->active && addr_eq(&c->active->peer, peer) &&
	            (c->stream || turn_look(bytes_of(data)) != TURN_MS_CONTROL);
	return bare ? send_bare(c, data) : send_message(c, peer, data);
}

const struct dialect turn_dialect_lync = {
	.id_len = MSTURN_ID_LEN, .request = request, .input = input, .send = send_data
};
