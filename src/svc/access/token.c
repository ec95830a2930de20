#include "svc/access/token.h"

#include <errno.h>

#include "base/code.h"
#include "base/rand.h"
#include "base/rd.h"

enum { MAC_LEN = 8, GRUU_LEN = 8 + 16 + MAC_LEN, BINARY_MAX = 64 };

void token_key_init(struct token_key *k, const uint8_t pool_key[32])
{
	memcpy(&k->mac, pool_key, 16);
	memcpy(&k->mask, pool_key + 16, 16);
}

static void put_hint(struct buf *b, const struct token_hint *h)
{
	uint8_t packed[18];
	buf_u8(b, h->reach);
	buf_u8(b, h->slot);
	buf_u8(b, h->sock);
	if (h->reach == TOKEN_STREAM || h->reach == TOKEN_DIALOG)
		buf_u64(b, h->flow);
	if (h->reach == TOKEN_UDP)
		buf_put(b, packed, addr_pack(&h->peer, packed));
}

void token_put(struct buf *b, const struct token_key *k, const struct token *t)
{
	char binary[BINARY_MAX + 1];
	struct buf raw = BUF_ON(binary);
	buf_u64(&raw, t->account);
	buf_u64(&raw, t->endpoint);
	put_hint(&raw, &t->hint);
	buf_u64(&raw, hash_bytes(&k->mac, raw.p, raw.len));
	buf_lit(b, "d.");
	base64url_put(b, raw.p, raw.len);
}

static int get_hint(struct token_hint *ret, struct rd *r)
{
	ret->reach = rd_u8(r);
	ret->slot = rd_u8(r);
	ret->sock = rd_u8(r);
	if (ret->reach == TOKEN_STREAM || ret->reach == TOKEN_DIALOG)
		ret->flow = rd_u64(r);
	if (ret->reach != TOKEN_UDP)
		return r->bad || rd_left(r) > 0 ? -EBADMSG : 0;
	return addr_unpack(&ret->peer, rd_take(r, rd_left(r)));
}

/* Splits off and checks the authenticator at the end. */
static int open_binary(struct bytes *ret, const struct hash_key *k, const struct buf *raw)
{
	if (raw->full || raw->len < MAC_LEN)
		return -EBADMSG;
	size_t n = raw->len - MAC_LEN;
	struct rd r = rd_of((struct bytes){ (const uint8_t *)raw->p + n, MAC_LEN });
	uint64_t mac = hash_bytes(k, raw->p, n), given = rd_u64(&r);
	if (!same_secret(&mac, &given, sizeof(mac)))
		return -EBADMSG;
	*ret = (struct bytes){ (const uint8_t *)raw->p, n };
	return 0;
}

int token_get(struct token *ret, const struct token_key *k, struct str user)
{
	char binary[BINARY_MAX + 1];
	struct buf raw = BUF_ON(binary);
	struct bytes in;
	struct token t = { 0 };
	if (!str_starts(user, STR("d.")))
		return -ENOENT;
	if (base64url_get(str_sub(user, 2, user.len), &raw) < 0 ||
	    open_binary(&in, &k->mac, &raw) < 0)
		return -EBADMSG;
	struct rd r = rd_of(in);
	t.account = rd_u64(&r);
	t.endpoint = rd_u64(&r);
	if (r.bad || get_hint(&t.hint, &r) < 0)
		return -EBADMSG;
	*ret = t;
	return 0;
}

struct token_hint token_hint_of(const struct sip_flow *f, uint32_t slot)
{
	struct token_hint h = { .slot = (uint8_t)slot };
	if (f->kind == SIP_UDP) {
		h.reach = TOKEN_UDP;
		h.sock = (uint8_t)f->sock;
		h.peer = f->peer;
	} else {
		h.reach = TOKEN_STREAM;
		/* It is safe. */
		h.sock = f->kind == SIP_TLS || f->kind == SIP_WSS || f->kind == SIP_LINK;
		h.flow = f->id;
	}
	return h;
}

bool token_hint_eq(const struct token_hint *a, const struct token_hint *b)
{
	if (a->reach != b->reach || a->slot != b->slot)
		return false;
	if (a->reach == TOKEN_STREAM || a->reach == TOKEN_DIALOG)
		return a->flow == b->flow;
	return a->reach == TOKEN_NOWHERE || (a->sock == b->sock && addr_eq(&a->peer, &b->peer));
}

struct sip_flow *token_flow(const struct token_hint *h, struct sip_transport *tp, uint32_t slot)
{
	/* The kernel gives the datagrams of one peer to one process of the port, always the same:
	 * its answers arrive where its requests do, and only there. */
	if (h->slot != slot)
		return NULL;
	if (h->reach == TOKEN_UDP)
		return sip_flow_udp(tp, h->sock, &h->peer);
	if (h->reach != TOKEN_STREAM)
		return NULL;
	struct sip_flow *f = sip_flow_find(tp, h->flow);
	return f && !f->closed ? sip_flow_ref(f) : NULL;
}

uint64_t token_endpoint(const struct token_key *k, const struct sip_addr *contact)
{
	struct str instance;
	if (!sip_param(contact->params, STR("+sip.instance"), &instance))
		instance = STR("");
	return token_endpoint_of(k, contact, instance);
}

uint64_t token_endpoint_of(const struct token_key *k, const struct sip_addr *contact,
                           struct str instance)
{
	struct sip_uri u;
	uint64_t h;
	if (instance.len > 0) {
		h = hash_lower(&k->mac, instance);
	} else if (sip_uri_parse(&u, contact->uri) == 0 && u.host.len) {
		uint64_t part[3] = { hash_bytes(&k->mac, u.user.p, u.user.len),
			             hash_lower(&k->mac, u.host), u.port };
		h = hash_bytes(&k->mac, part, sizeof(part));
	} else {
		h = hash_bytes(&k->mac, contact->uri.p, contact->uri.len);
	}
	return h ? h : 1;
}

/* Two words of keystream for a nonce. */
static void mask_words(const struct token_key *k, uint64_t nonce, uint64_t words[2])
{
	for (uint64_t i = 0; i < 2; i++) {
		uint64_t in[2] = { nonce, i };
		words[i] ^= hash_bytes(&k->mask, in, sizeof(in));
	}
}

void token_put_gruu(struct buf *b, const struct token_key *k, uint64_t account, uint64_t endpoint)
{
	char binary[BINARY_MAX + 1];
	struct buf raw = BUF_ON(binary);
	uint64_t nonce = rand_u64(), words[2] = { account, endpoint };
	mask_words(k, nonce, words);
	buf_u64(&raw, nonce);
	buf_u64(&raw, words[0]);
	buf_u64(&raw, words[1]);
	buf_u64(&raw, hash_bytes(&k->mask, raw.p, raw.len));
	buf_lit(b, "gruu.");
	base64url_put(b, raw.p, raw.len);
}

int token_get_gruu(uint64_t *ret_account, uint64_t *ret_endpoint, const struct token_key *k,
                   struct str user)
{
	char binary[BINARY_MAX + 1];
	struct buf raw = BUF_ON(binary);
	struct bytes in;
	if (!str_istarts(user, STR("gruu.")))
		return -ENOENT;
	if (base64url_get(str_sub(user, 5, user.len), &raw) < 0 || raw.len != GRUU_LEN ||
	    open_binary(&in, &k->mask, &raw) < 0)
		return -EBADMSG;
	struct rd r = rd_of(in);
	uint64_t nonce = rd_u64(&r), words[2] = { rd_u64(&r), rd_u64(&r) };
	mask_words(k, nonce, words);
	*ret_account = words[0];
	*ret_endpoint = words[1];
	return 0;
}
