#include "relayload.h"

/* Allocate without credentials, 401, Allocate, CreatePermission, ChannelBind: of all clients, some
 * at a time. */

enum { AT_ONCE = 32, TRIES_MAX = 8, NAP_US = 50, TRANSPORT_UDP = 17 };

static void make_id(uint8_t ret[TURN_ID_LEN], uint32_t flow, enum stage s)
{
	uint32_t words[3] = { flow, (uint32_t)s, 0x6e656221 };
	memcpy(ret, words, sizeof(words));
}

static void sign(struct load *l, const struct flow *f, struct out *o)
{
	turn_put(o, TURN_A_USERNAME, l->user);
	turn_put(o, TURN_A_REALM, (struct str){ l->realm, l->realm_n });
	turn_put(o, TURN_A_NONCE, (struct str){ f->nonce, f->nonce_n });
	turn_sign(o, l->key);
}

/* The request of the stage. */
static void ask(struct load *l, uint32_t i)
{
	static const unsigned types[] = { [S_CHALLENGE] = TURN_ALLOCATE,
		                          [S_ALLOCATE] = TURN_ALLOCATE,
		                          [S_PERMIT] = TURN_CREATE_PERMISSION,
		                          [S_BIND] = TURN_CHANNEL_BIND };
	char bytes[TURN_MESSAGE_MAX];
	uint8_t id[TURN_ID_LEN];
	struct flow *f = &l->flow[i];
	struct out o = { .p = bytes, .cap = sizeof(bytes) };
	make_id(id, i, f->stage);
	turn_begin(&o, types[f->stage], id);
	if (f->stage == S_CHALLENGE || f->stage == S_ALLOCATE)
		turn_put_u32(&o, TURN_A_TRANSPORT, (uint32_t)TRANSPORT_UDP << 24);
	if (f->stage == S_BIND)
		turn_put_u32(&o, TURN_A_CHANNEL, (uint32_t)CHANNEL << 16);
	if (f->stage == S_PERMIT || f->stage == S_BIND)
		turn_put_peer(&o, &l->peer_at[0]);
	if (f->stage != S_CHALLENGE)
		sign(l, f, &o);
	if (o.full)
		die("a request is too long: user name, realm or nonce");
	f->sent = now_usec();
	load_send(l, i, (const uint8_t *)o.p, o.n, o.n);
	if (l->clients)
		dgram_flush(l->clients);
}

static void finish(struct load *l, struct flow *f, enum stage s)
{
	f->stage = s;
	l->done++;
	if (s == S_READY)
		l->found.ops++;
	else
		l->found.refused++;
}

static void go_on(struct load *l, uint32_t i)
{
	struct flow *f = &l->flow[i];
	f->tries = 0;
	f->stage++;
	if (f->stage == S_READY)
		finish(l, f, S_READY);
	else
		ask(l, i);
}

/* Keeps nonce and realm; the key is made of the first realm. */
static bool take_challenge(struct load *l, struct flow *f, struct str m)
{
	struct str realm, nonce;
	if (!turn_attr(m, TURN_A_REALM, &realm) || !turn_attr(m, TURN_A_NONCE, &nonce) ||
	    realm.n > REALM_MAX || nonce.n > NONCE_MAX)
		return false;
	memcpy(f->nonce, nonce.p, nonce.n);
	f->nonce_n = nonce.n;
	if (l->realm_n == realm.n && memcmp(l->realm, realm.p, realm.n) == 0)
		return true;
	memcpy(l->realm, realm.p, realm.n);
	l->realm_n = realm.n;
	turn_key(l->key, l->user, realm, l->password);
	return true;
}

void alloc_answer(struct load *l, uint32_t i, struct str m)
{
	struct flow *f = &l->flow[i];
	uint8_t id[TURN_ID_LEN];
	unsigned code = turn_error(m);
	make_id(id, i, f->stage);
	if (turn_type(m) == 0 || memcmp(m.p + 8, id, sizeof(id)) != 0 || f->stage >= S_READY) {
		l->found.stray++;
		return;
	}
	bool fine = f->stage == S_CHALLENGE ? code == 401 && take_challenge(l, f, m) : code == 0;
	if (fine) {
		go_on(l, i);
		return;
	}
	if (l->found.code == 0)
		l->found.code = code ? code : 200;
	finish(l, f, S_FAILED);
}

/* Over UDP a request is sent again, and given up. */
static void look_after(struct load *l, uint32_t i)
{
	struct flow *f = &l->flow[i];
	if (f->stage == S_READY || f->stage == S_FAILED || now_usec() - f->sent < l->patience / 2)
		return;
	if (++f->tries == TRIES_MAX) {
		finish(l, f, S_FAILED);
	} else if (l->clients) {
		l->found.resent++;
		ask(l, i);
	}
}

void alloc_all(struct load *l)
{
	uint32_t begun = 0, oldest = 0;
	l->todo = l->n;
	while (l->done < l->todo) {
		for (; begun < l->n && begun - l->done < AT_ONCE; begun++) {
			l->flow[begun].stage = S_CHALLENGE;
			ask(l, begun);
		}
		if (load_clients(l) > 0)
			continue;
		load_nap(NAP_US);
		while (oldest < begun && l->flow[oldest].stage >= S_READY)
			oldest++;
		for (uint32_t i = oldest; i < begun; i++)
			look_after(l, i);
	}
}
