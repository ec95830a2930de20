#include <errno.h>

#include "base/code.h"
#include "svc/relay/inside.h"

/* Nonces that nobody keeps: the second in which it was made and a MAC, of that and of who got it,
 * so that one that was overheard is of no use from elsewhere. */

enum { TIME_LEN = 4, MAC_LEN = 8, NONCE_LEN = 2 * (TIME_LEN + MAC_LEN) };

/* The host alone: the same client comes over UDP, TCP and TLS.  IPv6: its /64, for it changes the
 * rest by itself. */
static size_t pack_host(uint8_t ret[18], const struct addr *peer)
{
	size_t n = addr_pack(peer, ret) - sizeof(in_port_t);
	return MIN(n, (size_t)8);
}

static uint64_t mac_of(const struct relay *r, uint32_t second, const struct addr *peer)
{
	uint8_t bytes[TIME_LEN + 18], host[18];
	size_t n = pack_host(host, peer);
	for (int i = 0; i < TIME_LEN; i++)
		bytes[i] = (uint8_t)(second >> (24 - 8 * i));
	memcpy(bytes + TIME_LEN, host, n);
	return hash_bytes(&r->nonce_key, bytes, TIME_LEN + n);
}

static uint32_t second_of(const struct relay *r)
{
	return (uint32_t)(loop_wall(r->loop) / USEC_PER_SEC);
}

void nonce_put(struct buf *b, const struct relay *r, const struct addr *peer)
{
	uint32_t second = second_of(r);
	buf_printf(b, "%08x%016llx", second, (unsigned long long)mac_of(r, second, peer));
}

int nonce_check(const struct relay *r, struct str nonce, const struct addr *peer)
{
	uint8_t bytes[TIME_LEN + MAC_LEN];
	uint32_t second = 0, now = second_of(r);
	uint64_t mac = 0;
	if (nonce.len != NONCE_LEN || hex_get(nonce, bytes, sizeof(bytes)) < 0)
		return -EBADMSG;
	for (int i = 0; i < TIME_LEN; i++)
		second = second << 8 | bytes[i];
	for (int i = 0; i < MAC_LEN; i++)
		mac = mac << 8 | bytes[TIME_LEN + i];
	uint64_t want = mac_of(r, second, peer);
	if (!same_secret(&mac, &want, sizeof(mac)))
		return -EBADMSG;
	/* Of another edge, whose clock is ahead, it is new. */
	return second <= now + RELAY_SKEW_S && now < second + RELAY_NONCE_S ? 0 : -ESTALE;
}

/* --- strangers ------------------------------------------------------------------------- */

static void refill(struct stranger *s, uint32_t now_ms, unsigned times)
{
	uint64_t full = times * RELAY_STRANGER_BURST;
	uint64_t more = (uint64_t)(now_ms - s->at_ms) * times * RELAY_STRANGER_PER_S / 1000;
	if (s->at_ms != 0 && more == 0)
		return;
	s->left = (uint16_t)(s->at_ms == 0 ? full : MIN(s->left + more, full));
	s->at_ms = now_ms;
}

static struct stranger *stranger_of(const struct from *f, struct stranger *all, size_t bytes)
{
	uint8_t host[18];
	size_t n = addr_pack(f->peer, host) - sizeof(in_port_t);
	return &all[hash_bytes(&f->relay->nonce_key, host, MIN(n, bytes)) % STRANGERS];
}

/* Whoever has a /48 has 65,536 /64s. */
static bool datagram_may(const struct from *f)
{
	struct relay *r = f->relay;
	bool v6 = f->peer->sa.sa_family == AF_INET6;
	uint32_t now_ms = (uint32_t)(loop_now(r->loop) / USEC_PER_MSEC) | 1;
	struct stranger *s = stranger_of(f, r->strangers, 8);
	struct stranger *site = v6 ? stranger_of(f, r->sites, 6) : s;
	refill(s, now_ms, 1);
	if (v6)
		refill(site, now_ms, RELAY_STRANGER_SITE);
	if (s->left == 0 || site->left == 0) {
		r->stats.unanswered++;
		return false;
	}
	s->left--;
	site->left -= v6;
	return true;
}

bool stranger_may(const struct from *f)
{
	if (f->stream && f->alloc) /* its address is proven, so it is he */
		return asks_let(f, user_of(f->alloc), 1);
	if (f->stream)
		return f->stream->strange++ < RELAY_STRANGER_STREAM_MAX;
	return datagram_may(f);
}
