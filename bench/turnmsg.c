#include "turnmsg.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { MAC_LEN = 20, ATTR_HEAD = 4, PEER_LEN = 8 };

static const uint8_t cookie[4] = { 0x21, 0x12, 0xa4, 0x42 };

static void set_u16(void *at, size_t v)
{
	uint8_t bytes[2] = { (uint8_t)(v >> 8), (uint8_t)v };
	memcpy(at, bytes, sizeof(bytes));
}

static size_t get_u16(const char *at)
{
	return (size_t)(uint8_t)at[0] << 8 | (uint8_t)at[1];
}

static size_t padding(size_t n)
{
	return -n & 3;
}

/* --- writing --------------------------------------------------------------------------- */

void turn_begin(struct out *o, unsigned type, const uint8_t id[TURN_ID_LEN])
{
	char head[TURN_HEAD_LEN] = { 0 };
	set_u16(head, type);
	memcpy(head + 4, cookie, sizeof(cookie));
	memcpy(head + 8, id, TURN_ID_LEN);
	o->n = 0;
	o->full = false;
	out_str(o, (struct str){ head, sizeof(head) });
}

void turn_put(struct out *o, unsigned type, struct str value)
{
	char head[ATTR_HEAD];
	set_u16(head, type);
	set_u16(head + 2, value.n);
	out_str(o, (struct str){ head, sizeof(head) });
	out_str(o, value);
	out_str(o, (struct str){ "\0\0\0", padding(value.n) });
	set_u16(o->p + 2, o->n - TURN_HEAD_LEN);
}

void turn_put_u32(struct out *o, unsigned type, uint32_t value)
{
	char v[4];
	set_u16(v, value >> 16);
	set_u16(v + 2, value);
	turn_put(o, type, (struct str){ v, sizeof(v) });
}

static void set_peer(uint8_t ret[PEER_LEN], const struct sockaddr_in *peer)
{
	uint8_t host[4], port[2];
	memcpy(host, &peer->sin_addr, sizeof(host));
	memcpy(port, &peer->sin_port, sizeof(port));
	ret[0] = 0;
	ret[1] = 1; /* IPv4 */
	for (int i = 0; i < 2; i++)
		ret[2 + i] = port[i] ^ cookie[i];
	for (int i = 0; i < 4; i++)
		ret[4 + i] = host[i] ^ cookie[i];
}

void turn_put_peer(struct out *o, const struct sockaddr_in *peer)
{
	uint8_t v[PEER_LEN];
	set_peer(v, peer);
	turn_put(o, TURN_A_PEER, (struct str){ (const char *)v, sizeof(v) });
}

void turn_sign(struct out *o, const uint8_t key[TURN_KEY_LEN])
{
	uint8_t mac[MAC_LEN];
	unsigned n = sizeof(mac);
	set_u16(o->p + 2, o->n - TURN_HEAD_LEN + ATTR_HEAD + MAC_LEN);
	if (!HMAC(EVP_sha1(), key, TURN_KEY_LEN, (const uint8_t *)o->p, o->n, mac, &n))
		die("OpenSSL has no HMAC");
	turn_put(o, TURN_A_INTEGRITY, (struct str){ (const char *)mac, sizeof(mac) });
}

void turn_key(uint8_t ret[TURN_KEY_LEN], struct str user, struct str realm, struct str password)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_md5(), NULL) == 1 &&
	          EVP_DigestUpdate(md, user.p, user.n) == 1 && EVP_DigestUpdate(md, ":", 1) == 1 &&
	          EVP_DigestUpdate(md, realm.p, realm.n) == 1 &&
	          EVP_DigestUpdate(md, ":", 1) == 1 &&
	          EVP_DigestUpdate(md, password.p, password.n) == 1 &&
	          EVP_DigestFinal_ex(md, ret, NULL) == 1;
	if (!ok)
		die("OpenSSL has no MD5");
	EVP_MD_CTX_free(md);
}

void turn_channel_head(uint8_t ret[TURN_CHANNEL_HEAD], uint16_t number, size_t n)
{
	set_u16(ret, number);
	set_u16(ret + 2, n);
}

void turn_send_head(uint8_t ret[TURN_SEND_HEAD], const struct sockaddr_in *peer, size_t n)
{
	memset(ret, 0, TURN_SEND_HEAD); /* the id too: nobody answers */
	set_u16(ret, TURN_SEND_INDICATION);
	set_u16(ret + 2, TURN_SEND_HEAD - TURN_HEAD_LEN + n);
	memcpy(ret + 4, cookie, sizeof(cookie));
	set_u16(ret + 20, TURN_A_PEER);
	set_u16(ret + 22, PEER_LEN);
	set_peer(ret + 24, peer);
	set_u16(ret + 32, TURN_A_DATA);
	set_u16(ret + 34, n);
}

/* --- reading --------------------------------------------------------------------------- */

static bool is_channel(struct str m)
{
	return m.n >= TURN_CHANNEL_HEAD && (uint8_t)m.p[0] >> 6 == 1;
}

size_t turn_frame(struct str stream)
{
	if (stream.n < TURN_CHANNEL_HEAD)
		return 0;
	size_t n = get_u16(stream.p + 2);
	n += is_channel(stream) ? TURN_CHANNEL_HEAD + padding(n) : (size_t)TURN_HEAD_LEN;
	return n <= stream.n ? n : 0;
}

unsigned turn_type(struct str message)
{
	if (message.n < TURN_HEAD_LEN || memcmp(message.p + 4, cookie, sizeof(cookie)) != 0)
		return 0;
	return (unsigned)get_u16(message.p);
}

bool turn_attr(struct str message, unsigned type, struct str *ret)
{
	for (size_t at = TURN_HEAD_LEN; at + ATTR_HEAD <= message.n;) {
		size_t n = get_u16(message.p + at + 2);
		if (at + ATTR_HEAD + n > message.n)
			return false;
		if (get_u16(message.p + at) == type) {
			*ret = (struct str){ message.p + at + ATTR_HEAD, n };
			return true;
		}
		at += ATTR_HEAD + n + padding(n);
	}
	return false;
}

bool turn_payload(struct str message, struct str *ret)
{
	if (!is_channel(message))
		return turn_type(message) == TURN_DATA_INDICATION &&
		       turn_attr(message, TURN_A_DATA, ret);
	size_t n = get_u16(message.p + 2);
	if (n > message.n - TURN_CHANNEL_HEAD)
		return false;
	*ret = (struct str){ message.p + TURN_CHANNEL_HEAD, n };
	return true;
}

unsigned turn_error(struct str message)
{
	struct str v;
	if (!turn_attr(message, TURN_A_ERROR, &v) || v.n < 4)
		return 0;
	return (unsigned)(v.p[2] & 7) * 100 + (uint8_t)v.p[3];
}
