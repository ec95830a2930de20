/* The media bridge: an odd first byte is in front of a description, which is read and written in
 * both dialects; an even one in front of what happens to an ICE agent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "svc/bridge/sound.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static struct loop *the_loop(void)
{
	static struct loop *l;
	if (!l) {
		l = loop_new();
		loop_clock_move(l, USEC_PER_SEC);
	}
	return l;
}

static struct addr at(uint16_t port)
{
	struct addr a;
	check(addr_parse(&a, STR("203.0.113.1"), port) == 0);
	return a;
}

/* Descriptions. */

static void never_sends(void *arg UNUSED, unsigned component UNUSED,
                        const struct ice_way *way UNUSED, struct str datagram UNUSED)
{
	check(false); /* it knows nobody */
}

static void never_selects(void *arg UNUSED, unsigned component UNUSED,
                          const struct ice_way *way UNUSED)
{
	check(false);
}

static const struct ice_ops no_ops = { .send = never_sends, .selected = never_selects };

static void walk_candidates(const struct sdp *s, const struct sound *o)
{
	unsigned i = 0, component;
	struct addr a;
	uint32_t priority;
	while (sound_candidate(s, o, &i, &component, &a, &priority))
		check(component < ICE_COMPONENTS && addr_len(&a) > 0);
}

/* Our lines may be those that are too many for a reader. */
static bool is_near_a_limit(const struct sdp *s, const struct buf *b)
{
	return b->len > SDP_BYTES_MAX || s->n_lines + 16 > SDP_LINES_MAX ||
	       s->session.n + 16 > SDP_ATTRS_MAX;
}

/* What was written is read as ours, and nothing of the other end is in it. */
static void read_back(const struct sdp *s, const struct sdp_media *m, const struct buf *b,
                      const struct sound_end *e)
{
	RAW_MEMORY struct sdp back;
	struct sound o;
	int r = sdp_parse(&back, buf_view(b));
	if (r < 0 && (is_near_a_limit(s, b) || m->part.n + 16 > SDP_ATTRS_MAX))
		return;
	check(r == 0 && back.n_media == s->n_media);
	check(sound_read(&o, &back, e->dialect) == 0);
	check(o.m - back.media == m - s->media);
	check(addr_eq(&o.at[0], &e->at[0]) && addr_eq(&o.at[1], &e->at[1]));
	check(o.key.there == (e->key != NULL));
	check(!e->key || memcmp(o.key.bytes, e->key->bytes, SRTP_KEY_LEN) == 0);
	check(o.ice == (e->dialect == SOUND_LYNC));
	for (unsigned i = 0; i < back.n_media; i++)
		check((back.media[i].port == 0) != (&back.media[i] == o.m));
}

static void write_for(const struct sdp *s, const struct sdp_media *m, enum sound_dialect d,
                      bool keyed)
{
	static const struct sound_key key = { .there = true, .tag = 9, .bytes = { 1, 2, 3 } };
	auto_(buf_free) struct buf b = buf_of(SOUND_BYTES_MAX);
	struct ice *ice = ice_new(the_loop(), STUN_LYNC, true, &no_ops, NULL);
	struct sound_end e = { .dialect = d,
		               .at = { at(4000), at(4001) },
		               .ice = d == SOUND_LYNC ? ice : NULL,
		               .key = keyed ? &key : NULL };
	if (sound_write(&b, s, m, &e))
		read_back(s, m, &b, &e);
	ice_free(&ice);
}

static void describe(struct str text)
{
	RAW_MEMORY struct sdp s;
	struct sound o;
	if (sdp_parse(&s, text) < 0)
		return;
	for (int d = SOUND_PLAIN; d <= SOUND_LYNC; d++) {
		if (sound_read(&o, &s, (enum sound_dialect)d) < 0)
			continue;
		check(o.m->port != 0 && (!o.wants_srtp || o.key.there));
		check(d == SOUND_PLAIN || (o.ice && o.ufrag.len > 0 && o.pwd.len > 0));
		walk_candidates(&s, &o);
		write_for(&s, o.m, SOUND_PLAIN, o.key.there);
		write_for(&s, o.m, SOUND_LYNC, true);
	}
}

/* ICE. */

enum { HOSTS = 64, FORGED_VALUE_MAX = 64 };

struct scene {
	struct ice *ice;
	enum stun_dialect dialect;
	/* Who has shown that it knows a password. */
	bool proved[ICE_BASES][ICE_COMPONENTS][HOSTS];
	uint8_t id[STUN_ID_LEN]; /* of the last check */
	unsigned component;      /* and where it went */
	struct ice_way way;
	bool checked;
};

/* Of one byte: from a host to a base. */
static struct ice_way way_of(struct rd *r)
{
	uint8_t v = rd_u8(r);
	return (struct ice_way){ v & HOSTS ? ICE_RELAYED : ICE_HOST,
		                 at((uint16_t)(HOSTS + v % HOSTS)) };
}

static bool *proof(struct scene *c, unsigned component, const struct ice_way *way)
{
	return &c->proved[way->base][component][addr_port(&way->peer) % HOSTS];
}

static const struct str their_pwd = STR_INIT("their-password");

static void on_send(void *arg, unsigned component, const struct ice_way *way, struct str datagram)
{
	struct scene *c = arg;
	struct stun_msg m;
	check(stun_parse(&m, datagram) == 0 && stun_has_fingerprint(&m));
	check(m.class == STUN_INDICATION ||
	      stun_is_signed(&m, c->dialect,
	                     m.class == STUN_REQUEST ? their_pwd : ice_pwd(c->ice)));
	if (m.class != STUN_REQUEST)
		return;
	memcpy(c->id, m.id, STUN_ID_LEN);
	c->component = component;
	c->way = *way;
	c->checked = true;
}

/* Only who answered a check is selected. */
static void on_selected(void *arg, unsigned component, const struct ice_way *way)
{
	struct scene *c = arg;
	check(*proof(c, component, way));
}

static const struct ice_ops ops = { .send = on_send, .selected = on_selected };

static void put_extras(struct stun_out *o, struct rd *r)
{
	for (unsigned n = rd_u8(r) % 4; n > 0 && !r->bad; n--) {
		uint16_t type = rd_u16(r);
		struct bytes v = rd_take(r, rd_u8(r) % FORGED_VALUE_MAX);
		if (!r->bad)
			stun_put(o, type, str_from_bytes(v));
	}
}

static struct str name_of(struct scene *c, char *ret, size_t n)
{
	(void)snprintf(ret, n, "%.*s:them", ICE_UFRAG_LEN, ice_ufrag(c->ice).p);
	return str_of(ret);
}

/* A request of somebody who knows our password. */
static void forged_request(struct scene *c, struct rd *r)
{
	struct stun_out o;
	char name[32];
	uint8_t id[STUN_ID_LEN] = { rd_u8(r) };
	unsigned component = rd_u8(r) % ICE_COMPONENTS;
	struct ice_way way = way_of(r);
	stun_begin(&o, STUN_REQUEST, STUN_BINDING, id);
	stun_put(&o, STUN_USERNAME, name_of(c, name, sizeof(name)));
	put_extras(&o, r);
	stun_end(&o, c->dialect, ice_pwd(c->ice));
	if (o.full)
		return;
	*proof(c, component, &way) = true;
	ice_input(c->ice, component, &way, stun_text(&o));
}

/* An answer to the last check, from where it went. */
static void forged_answer(struct scene *c, struct rd *r)
{
	struct stun_out o;
	unsigned code = 300 + rd_u16(r) % 400;
	bool good = rd_u8(r) & 1;
	struct ice_way way = c->way; /* it sends the next check */
	if (!c->checked)
		return;
	stun_begin(&o, good ? STUN_SUCCESS : STUN_ERROR, STUN_BINDING, c->id);
	if (!good)
		stun_put_error(&o, code, STR("why"));
	put_extras(&o, r);
	stun_end(&o, c->dialect, their_pwd);
	if (o.full)
		return;
	if (good)
		*proof(c, c->component, &way) = true;
	ice_input(c->ice, c->component, &way, stun_text(&o));
}

static void raw_datagram(struct scene *c, struct rd *r)
{
	unsigned component = rd_u8(r) % (ICE_COMPONENTS + 1);
	struct ice_way way = way_of(r);
	struct bytes b = rd_take(r, rd_u8(r));
	ice_input(c->ice, component, &way, str_from_bytes(b));
}

static void time_passes(struct scene *c UNUSED, struct rd *r)
{
	loop_clock_move(the_loop(), (rd_u8(r) + 1) * 10 * USEC_PER_MSEC);
	loop_turn(the_loop(), 0);
}

static void candidate(struct scene *c, struct rd *r)
{
	struct addr a = at((uint16_t)(HOSTS + rd_u8(r) % HOSTS));
	ice_add_remote(c->ice, rd_u8(r) % ICE_COMPONENTS, &a, rd_u16(r));
}

static void description(struct scene *c, struct rd *r UNUSED)
{
	check(ice_set_remote(c->ice, STR("them"), their_pwd) == 0);
	ice_start(c->ice);
}

static void relay_comes(struct scene *c, struct rd *r UNUSED)
{
	ice_add_relayed(c->ice);
}

static void nothing_is_relayed(const struct scene *c)
{
	for (unsigned k = 0; k < ICE_COMPONENTS; k++) {
		struct ice_way way;
		check(!ice_selected(c->ice, k, &way) || way.base == ICE_HOST);
	}
}

static void relay_goes(struct scene *c, struct rd *r UNUSED)
{
	ice_lose_relayed(c->ice);
	nothing_is_relayed(c);
	memset(c->proved[ICE_RELAYED], 0, sizeof(c->proved[ICE_RELAYED]));
}

static void relay_refuses(struct scene *c, struct rd *r)
{
	struct ice_way way = way_of(r);
	ice_refuse_relayed(c->ice, rd_u8(r) % ICE_COMPONENTS, &way.peer);
}

static void nobody_else_is_known(struct scene *c)
{
	for (unsigned k = 0; k < ICE_COMPONENTS; k++)
		for (unsigned h = 0; h < ICE_BASES * HOSTS; h++) {
			struct ice_way way = { h / HOSTS, at((uint16_t)(HOSTS + h % HOSTS)) };
			check(!ice_knows(c->ice, k, &way) || *proof(c, k, &way));
		}
}

static void play(const uint8_t *data, size_t size)
{
	static void (*const acts[])(struct scene *, struct rd *) = {
		raw_datagram, forged_request, forged_answer, time_passes,   candidate,
		description,  relay_comes,    relay_goes,    relay_refuses,
	};
	struct rd r = rd_of((struct bytes){ data, size });
	uint8_t how = rd_u8(&r);
	struct scene c = { .dialect = how & 2 ? STUN_LYNC : STUN_STANDARD };
	c.ice = ice_new(the_loop(), c.dialect, how & 4, &ops, &c);
	while (rd_left(&r) > 0 && !r.bad)
		acts[rd_u8(&r) % ARRAY_SIZE(acts)](&c, &r);
	nobody_else_is_known(&c);
	ice_free(&c.ice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		describe(str_n((const char *)data + 1, size - 1));
	else
		play(data, size);
	return 0;
}
