#include <errno.h>

#include "base/rand.h"
#include "stack/turn/inside.h"

/* Messages of RFC 8489 and RFC 8656. */

enum { TRANSPORT_UDP = 17, FAMILY_IPV6 = 2 };

/* clang-format off */
static const uint16_t methods[ASK_N_KINDS] = {
	[ASK_BINDING]    = STUN_BINDING,
	[ASK_ALLOCATE]   = STUN_ALLOCATE,
	[ASK_REFRESH]    = STUN_REFRESH,
	[ASK_RELEASE]    = STUN_REFRESH,
	[ASK_PERMISSION] = STUN_CREATE_PERMISSION,
	[ASK_CHANNEL]    = STUN_CHANNEL_BIND,
};
/* What may stand in an answer and must be understood. */
static const uint16_t known[] = {
	STUN_MAPPED_ADDRESS, STUN_USERNAME, STUN_MESSAGE_INTEGRITY, STUN_ERROR_CODE,
	STUN_UNKNOWN_ATTRIBUTES, STUN_CHANNEL_NUMBER, STUN_LIFETIME, STUN_XOR_PEER_ADDRESS,
	STUN_DATA, STUN_REALM, STUN_NONCE, STUN_XOR_RELAYED_ADDRESS,
	STUN_REQUESTED_ADDRESS_FAMILY, STUN_EVEN_PORT, STUN_REQUESTED_TRANSPORT,
	STUN_MESSAGE_INTEGRITY_SHA256, STUN_XOR_MAPPED_ADDRESS, STUN_RESERVATION_TOKEN,
};
/* clang-format on */

/* --- requests -------------------------------------------------------------------------- */

static void put_life(struct stun_out *o, const struct turn_client *c)
{
	if (c->cfg.life_s)
		stun_put_u32(o, STUN_LIFETIME, c->cfg.life_s);
}

static void put_allocate(struct stun_out *o, const struct turn_client *c)
{
	stun_put_u32(o, STUN_REQUESTED_TRANSPORT, (uint32_t)TRANSPORT_UDP << 24);
	if (c->cfg.family == AF_INET6)
		stun_put_u32(o, STUN_REQUESTED_ADDRESS_FAMILY, (uint32_t)FAMILY_IPV6 << 24);
	if (c->cfg.even)
		stun_put(o, STUN_EVEN_PORT, STR("\0"));
	put_life(o, c);
}

static void put_body(struct stun_out *o, const struct ask *a)
{
	const struct bond *b = a->bond;
	switch (a->kind) {
	case ASK_ALLOCATE:
		put_allocate(o, a->client);
		break;
	case ASK_REFRESH:
		put_life(o, a->client);
		break;
	case ASK_RELEASE:
		stun_put_u32(o, STUN_LIFETIME, 0);
		break;
	case ASK_CHANNEL:
		stun_put_u32(o, STUN_CHANNEL_NUMBER, (uint32_t)b->number << 16);
		stun_put_xor_addr(o, STUN_XOR_PEER_ADDRESS, &b->peer);
		break;
	case ASK_PERMISSION:
		stun_put_xor_addr(o, STUN_XOR_PEER_ADDRESS, &b->peer);
		break;
	case ASK_BINDING:
	case ASK_N_KINDS:
		break;
	}
}

static struct str key_of(const struct turn_client *c)
{
	return str_n((const char *)c->key, sizeof(c->key));
}

static int request(struct ask *a)
{
	struct stun_out o;
	struct turn_client *c = a->client;
	stun_begin(&o, STUN_REQUEST, methods[a->kind], a->id);
	put_body(&o, a);
	a->is_signed = a->kind != ASK_BINDING && c->nonce_len > 0;
	if (a->is_signed) {
		stun_put(&o, STUN_USERNAME, buf_view(&c->user));
		stun_put(&o, STUN_REALM, str_n(c->realm, c->realm_len));
		stun_put(&o, STUN_NONCE, str_n(c->nonce, c->nonce_len));
	}
	stun_end(&o, STUN_STANDARD, a->is_signed ? key_of(c) : (struct str){ NULL, 0 });
	if (o.full)
		return -EMSGSIZE;
	carrier_message(c, stun_text(&o));
	return 0;
}

/* --- what comes ------------------------------------------------------------------------ */

static bool read_answer(struct answer *ret, const struct turn_client *c, const struct stun_msg *m)
{
	uint16_t unknown;
	*ret = (struct answer){ .success = m->class == STUN_SUCCESS, .life_s = TURN_CLIENT_LIFE_S };
	if (!ret->success && !stun_attr_error(m, &ret->code, &ret->reason))
		return false;
	if (stun_unknown(m, known, ARRAY_SIZE(known), &unknown, 1) > 0)
		return false;
	ret->is_signed = c->nonce_len > 0 && stun_is_signed(m, STUN_STANDARD, key_of(c));
	(void)stun_attr_text(m, STUN_REALM, &ret->realm);
	(void)stun_attr_text(m, STUN_NONCE, &ret->nonce);
	(void)stun_attr_u32(m, STUN_LIFETIME, &ret->life_s);
	(void)stun_attr_addr(m, STUN_XOR_RELAYED_ADDRESS, &ret->relayed);
	(void)stun_attr_addr(m, STUN_XOR_MAPPED_ADDRESS, &ret->mapped);
	(void)stun_attr_plain_addr(m, STUN_ALTERNATE_SERVER, &ret->alternate);
	return true;
}

static void answered(struct turn_client *c, const struct stun_msg *m)
{
	struct answer answer;
	struct ask *a = ask_find(c, m->id);
	if (!a || methods[a->kind] != m->method || !read_answer(&answer, c, m))
		c->stats.dropped++;
	else
		ask_answered(a, &answer);
}

/* Whom there is no permission for has nothing to say (RFC 8656 section 11.4). */
static void data_indication(struct turn_client *c, const struct stun_msg *m)
{
	struct addr peer;
	struct str data;
	if (stun_attr_addr(m, STUN_XOR_PEER_ADDRESS, &peer) && stun_attr(m, STUN_DATA, &data) &&
	    bond_permits(c, &peer))
		client_data(c, &peer, data);
	else
		c->stats.dropped++;
}

static bool is_right(const struct stun_msg *m)
{
	struct str print;
	return !stun_attr(m, STUN_FINGERPRINT, &print) || stun_has_fingerprint(m);
}

static void message(struct turn_client *c, struct str text)
{
	RAW_MEMORY struct stun_msg m;
	bool good = stun_parse(&m, text) == 0 && is_right(&m);
	if (good && m.class == STUN_INDICATION && m.method == STUN_DATA_METHOD)
		data_indication(c, &m);
	else if (good && (m.class == STUN_SUCCESS || m.class == STUN_ERROR))
		answered(c, &m);
	else
		c->stats.dropped++;
}

static void channel_data(struct turn_client *c, struct bytes in)
{
	struct turn_channel t;
	const struct bond *b = NULL;
	if (turn_channel_get(&t, in, c->stream ? TURN_STREAM : TURN_DATAGRAM) == 0)
		b = bond_numbered(c, t.number);
	if (!b || !bond_is_good(b)) {
		c->stats.dropped++;
		return;
	}
	struct addr peer = b->peer;
	client_data(c, &peer, str_from_bytes(t.data));
}

static void input(struct turn_client *c, struct bytes in)
{
	switch (turn_look(in)) {
	case TURN_CHANNEL_DATA:
		channel_data(c, in);
		break;
	case TURN_STUN:
		message(c, str_from_bytes(in));
		break;
	case TURN_MS_CONTROL:
	case TURN_OTHER:
		c->stats.dropped++;
		break;
	}
}

/* --- data ------------------------------------------------------------------------------ */

static int send_data(struct turn_client *c, const struct addr *peer, struct str data)
{
	RAW_MEMORY uint8_t room[TURN_HEADROOM + TURN_CLIENT_DATA_MAX + TURN_TAILROOM];
	uint8_t id[STUN_ID_LEN], *p = room + TURN_HEADROOM;
	const struct bond *b = bond_to(c, peer, true);
	bool by_channel = b && bond_is_good(b);
	struct bytes whole;
	if (!by_channel && !bond_permits(c, peer))
		return -EACCES;
	if (data.len > 0)
		memcpy(p, data.p, data.len);
	if (by_channel) {
		whole = turn_put_channel(p, data.len, b->number,
		                         c->stream ? TURN_STREAM : TURN_DATAGRAM);
	} else {
		rand_bytes(id, sizeof(id));
		whole = turn_put_send(p, data.len, peer, id);
	}
	return carrier_send(c, str_from_bytes(whole));
}

const struct dialect turn_dialect_standard = {
	.id_len = STUN_ID_LEN, .request = request, .input = input, .send = send_data
};
