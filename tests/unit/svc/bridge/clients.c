#include "clients.h"

#include "base/code.h"
#include "base/rand.h"
#include "tap.h"

static void on_media(struct client *c, unsigned component, struct str data)
{
	c->n_heard++;
	c->raw_len = c->last_len = MIN(data.len, sizeof(c->raw));
	memcpy(c->raw, data.p, c->raw_len);
	memcpy(c->last, data.p, c->raw_len);
	if (!c->in)
		return;
	int r = component ? srtp_unprotect_rtcp(c->in, c->last, &c->last_len)
	                  : srtp_unprotect(c->in, c->last, &c->last_len);
	c->n_bad += r < 0;
}

static void on_datagram(void *arg, struct udp *u, const struct addr *from, struct str data)
{
	struct client *c = arg;
	unsigned component = u == c->udp[1];
	if (addr_port(from) >= c->deaf_min && addr_port(from) <= c->deaf_max)
		return;
	c->n_stun += stun_looks_like(data);
	if (!stun_looks_like(data))
		on_media(c, component, data);
	else if (c->ice)
		ice_input(c->ice, component, &(struct ice_way){ ICE_HOST, *from }, data);
}

static void on_send(void *arg, unsigned component, const struct ice_way *way, struct str datagram)
{
	struct client *c = arg;
	(void)udp_send(c->udp[component], &way->peer, datagram);
}

static void on_selected(void *arg UNUSED, unsigned component UNUSED,
                        const struct ice_way *way UNUSED)
{
}

static const struct ice_ops ops = { .send = on_send, .selected = on_selected };

void client_start(struct client *c, struct loop *l, const char *host, bool lync)
{
	*c = (struct client){ .loop = l, .lync = lync, .key.there = true };
	rand_bytes(c->key.bytes, SRTP_KEY_LEN);
	for (int i = 0; i < ICE_COMPONENTS; i++) {
		OK(addr_parse(&c->at[i], str_of(host), 0) == 0);
		int fd = udp_bind(&c->at[i]);
		if (!OK(fd >= 0))
			return;
		c->udp[i] = udp_new(l, fd, on_datagram, c);
		c->at[i] = *udp_local(c->udp[i]);
	}
	if (lync) /* whoever began the call: the two agree (RFC 8445 section 7.3.1.1) */
		c->ice = ice_new(l, STUN_LYNC, true, &ops, c);
}

void client_stop(struct client *c)
{
	ice_free(&c->ice);
	srtp_free(&c->in);
	srtp_free(&c->out);
	for (int i = 0; i < ICE_COMPONENTS; i++)
		udp_free(&c->udp[i]);
}

static void put_key(struct buf *b, const struct client *c, uint32_t tag)
{
	buf_printf(b, "a=crypto:%u %" STR_FMT " inline:", tag,
	           STR_ARG(srtp_suite_name(c->key.suite)));
	base64_put(b, c->key.bytes, SRTP_KEY_LEN);
	buf_lit(b, "|2^31\r\n");
}

static void put_ice(struct buf *b, const struct client *c)
{
	for (unsigned i = 0; i < ICE_COMPONENTS; i++)
		buf_printf(b, "a=candidate:1 %u UDP %u 127.0.0.1 %u typ host\r\n", i + 1,
		           ice_priority(ICE_HOST, i), addr_port(&c->at[i]));
	buf_printf(b, "a=ice-ufrag:%" STR_FMT "\r\na=ice-pwd:%" STR_FMT "\r\n",
	           STR_ARG(ice_ufrag(c->ice)), STR_ARG(ice_pwd(c->ice)));
}

struct str client_says(struct client *c, bool keyed, uint32_t tag, const char *more)
{
	struct buf b = BUF_ON(c->text);
	char host[64];
	struct buf hb = BUF_ON(host);
	addr_put_bare(&hb, &c->at[0]);
	buf_printf(&b, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP%d %" STR_FMT "\r\n",
	           c->at[0].sa.sa_family == AF_INET6 ? 6 : 4, STR_ARG(buf_view(&hb)));
	buf_printf(&b, "t=0 0\r\nm=audio %u %s 0\r\na=rtcp:%u\r\n", addr_port(&c->at[0]),
	           keyed ? "RTP/SAVP" : "RTP/AVP", addr_port(&c->at[1]));
	if (keyed)
		put_key(&b, c, tag);
	if (c->lync)
		put_ice(&b, c);
	buf_str(&b, str_of(more));
	OK(!b.full);
	return buf_view(&b);
}

static void take_ice(struct client *c, const struct sdp *s, const struct sound *o)
{
	unsigned i = 0, component;
	uint32_t priority;
	struct addr at;
	OK(o->ice);
	EQ(ice_set_remote(c->ice, o->ufrag, o->pwd), 0);
	while (sound_candidate(s, o, &i, &component, &at, &priority))
		ice_add_remote(c->ice, component, &at, priority);
	ice_start(c->ice);
}

static void take_keys(struct client *c, const struct sound_key *theirs)
{
	srtp_free(&c->in);
	if (!theirs->there) {
		srtp_free(&c->out);
		return;
	}
	c->in = srtp_new(theirs->suite, theirs->bytes);
	if (!c->out)
		c->out = srtp_new(c->key.suite, c->key.bytes);
}

void client_takes(struct client *c, struct str description)
{
	RAW_MEMORY struct sdp s;
	struct sound o;
	EQ(sdp_parse(&s, description), 0);
	if (!EQ(sound_read(&o, &s, c->lync ? SOUND_LYNC : SOUND_PLAIN), 0))
		return;
	memcpy(c->to, o.at, sizeof(c->to));
	if (!c->lync && !o.wants_srtp && !c->takes_beside)
		o.key = (struct sound_key){ 0 };
	take_keys(c, &o.key);
	if (c->lync)
		take_ice(c, &s, &o);
}

size_t client_packet(uint8_t *ret, unsigned component, uint16_t number)
{
	uint8_t head[12] = { 0x80, component ? 200 : 0 };
	char text[16];
	head[component ? 8 : 2] = (uint8_t)(number >> 8);
	head[component ? 9 : 3] = (uint8_t)number;
	memcpy(head + (component ? 4 : 8), "ssrc", 4);
	int n = snprintf(text, sizeof(text), "packet %u", number);
	memcpy(ret, head, sizeof(head));
	memcpy(ret + sizeof(head), text, (size_t)n);
	return sizeof(head) + (size_t)n;
}

void client_sends_raw(struct client *c, unsigned component, struct str packet)
{
	EQ(udp_send(c->udp[component], &c->to[component], packet), 0);
}

void client_sends(struct client *c, unsigned component, uint16_t number)
{
	uint8_t p[CLIENT_PACKET_MAX];
	size_t n = client_packet(p, component, number);
	if (c->out)
		EQ(component ? srtp_protect_rtcp(c->out, p, &n) : srtp_protect(c->out, p, &n), 0);
	client_sends_raw(c, component, str_n((const char *)p, n));
}

bool client_heard(const struct client *c, unsigned component, uint16_t number)
{
	uint8_t p[CLIENT_PACKET_MAX];
	size_t n = client_packet(p, component, number);
	return c->last_len == n && memcmp(c->last, p, n) == 0;
}
