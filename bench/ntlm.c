#include "ntlm.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

/* OpenSSL 3 has MD4 and RC4 only in a module that many machines lack, so they are written out. */

enum { HASH_LEN = 16, BLOCK_LEN = 64, SEQUENCE_LEN = 4, CLIENT_CHALLENGE_LEN = 8 };
enum { NAME_MAX_LEN = 128, BLOB_MAX = NTLM_CHALLENGE_MAX + 64, AUTH_MAX = BLOB_MAX + 512 };
/* Unicode, sign, datagram, NTLM, always sign, extended security, target information, 128 bits, key
 * exchange: what pidgin-sipe says. */
#define FLAGS 0x62988255u

static const uint8_t sequence[SEQUENCE_LEN] = { 100, 0, 0, 0 };

struct ntlm {
	EVP_MD *md5;
	EVP_MD_CTX *ctx;
	uint8_t nt[HASH_LEN];
};

struct part {
	const void *p;
	size_t n;
};

/* --- hashes and the cipher ------------------------------------------------------------ */

static uint32_t turn(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static uint32_t md4_mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
	if (round == 0)
		return (b & c) | (~b & d);
	if (round == 1)
		return ((b & c) | (b & d) | (c & d)) + 0x5a827999u;
	return (b ^ c ^ d) + 0x6ed9eba1u;
}

/* One block (RFC 1320 section 3.4). */
static void md4_block(uint32_t state[4], const uint8_t *p)
{
	static const uint8_t shift[3][4] = { { 3, 7, 11, 19 }, { 3, 5, 9, 13 }, { 3, 9, 11, 15 } };
	static const uint8_t order[3][16] = {
		{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
		{ 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15 },
		{ 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15 },
	};
	uint32_t x[16], a = state[0], b = state[1], c = state[2], d = state[3];
	for (unsigned i = 0; i < 16; i++, p += 4)
		x[i] = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	for (unsigned i = 0; i < 48; i++) {
		unsigned r = i / 16;
		uint32_t t = turn(a + md4_mix(r, b, c, d) + x[order[r][i % 16]], shift[r][i % 4]);
		a = d;
		d = c;
		c = b;
		b = t;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

/* Of at most 55 bytes, which is one block: a password of 27 characters. */
static void md4_short(uint8_t ret[HASH_LEN], const uint8_t *p, size_t n)
{
	uint32_t state[4] = { 0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u };
	uint8_t block[BLOCK_LEN] = { 0 };
	memcpy(block, p, n);
	block[n] = 0x80;
	block[56] = (uint8_t)(8 * n);
	block[57] = (uint8_t)(8 * n >> 8);
	md4_block(state, block);
	for (unsigned i = 0; i < HASH_LEN; i++)
		ret[i] = (uint8_t)(state[i / 4] >> 8 * (i % 4));
}

static void md5(struct ntlm *n, uint8_t ret[HASH_LEN], const struct part *part, size_t n_parts)
{
	if (!EVP_DigestInit_ex2(n->ctx, n->md5, NULL))
		die("MD5 failed");
	for (size_t i = 0; i < n_parts; i++)
		(void)EVP_DigestUpdate(n->ctx, part[i].p, part[i].n);
	(void)EVP_DigestFinal_ex(n->ctx, ret, NULL);
}

/* HMAC (RFC 2104) of two parts with a key of 16 bytes. */
static void hmac(struct ntlm *n, uint8_t ret[HASH_LEN], const uint8_t key[HASH_LEN], struct part a,
                 struct part b)
{
	uint8_t inner[BLOCK_LEN], outer[BLOCK_LEN], sum[HASH_LEN];
	memset(inner, 0x36, sizeof(inner));
	memset(outer, 0x5c, sizeof(outer));
	for (unsigned i = 0; i < HASH_LEN; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}
	md5(n, sum, (struct part[]){ { inner, sizeof(inner) }, a, b }, 3);
	md5(n, ret, (struct part[]){ { outer, sizeof(outer) }, { sum, sizeof(sum) } }, 2);
}

static void rc4(const uint8_t key[HASH_LEN], uint8_t *data, size_t n)
{
	uint8_t s[256], i = 0, j = 0;
	for (unsigned k = 0; k < 256; k++)
		s[k] = (uint8_t)k;
	for (unsigned k = 0; k < 256; k++) {
		uint8_t t = s[k];
		j = (uint8_t)(j + t + key[k % HASH_LEN]);
		s[k] = s[j];
		s[j] = t;
	}
	j = 0;
	for (size_t k = 0; k < n; k++) {
		uint8_t t = s[++i];
		j = (uint8_t)(j + t);
		s[i] = s[j];
		s[j] = t;
		data[k] ^= s[(uint8_t)(s[i] + t)];
	}
}

/* --- the answer to a challenge --------------------------------------------------------- */

/* ASCII as UTF-16. */
static size_t widen(uint8_t *ret, struct str s, bool capitals)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		ret[2 * i] = capitals ? (uint8_t)toupper(c) : c;
		ret[2 * i + 1] = 0;
	}
	return 2 * s.n;
}

struct ntlm *ntlm_new(struct str password)
{
	uint8_t wide[BLOCK_LEN];
	struct ntlm *n = xalloc(1, sizeof(*n));
	n->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	n->ctx = EVP_MD_CTX_new();
	if (!n->md5 || !n->ctx)
		die("this OpenSSL has no MD5");
	if (password.n > 27)
		die("a password for NTLM has at most 27 characters here");
	md4_short(n->nt, wide, widen(wide, password, false));
	return n;
}

static void derive_key(struct ntlm *n, struct ntlm_key *ret, const uint8_t exported[HASH_LEN],
                       const char *sign, const char *seal)
{
	uint8_t key[HASH_LEN];
	md5(n, ret->sign, (struct part[]){ { exported, HASH_LEN }, { sign, strlen(sign) + 1 } }, 2);
	md5(n, key, (struct part[]){ { exported, HASH_LEN }, { seal, strlen(seal) + 1 } }, 2);
	md5(n, key, (struct part[]){ { key, HASH_LEN }, { sequence, SEQUENCE_LEN } }, 2);
	memset(ret->stream, 0, sizeof(ret->stream));
	rc4(key, ret->stream, sizeof(ret->stream));
}

static void derive_keys(struct ntlm *n, struct ntlm_keys *ret, const uint8_t exported[HASH_LEN])
{
	derive_key(n, &ret->client, exported,
	           "session key to client-to-server signing key magic constant",
	           "session key to client-to-server sealing key magic constant");
	derive_key(n, &ret->server, exported,
	           "session key to server-to-client signing key magic constant",
	           "session key to server-to-client sealing key magic constant");
}

static unsigned le16(const uint8_t *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

/* What the CHALLENGE says about its server, which goes back in the proof. */
static int target_info(const uint8_t *msg, size_t n, struct part *ret)
{
	if (n < 48 || memcmp(msg, "NTLMSSP\0\2\0\0\0", 12) != 0)
		return -EBADMSG;
	size_t size = le16(msg + 40), at = le16(msg + 44);
	if (le16(msg + 46) != 0 || at + size > n)
		return -EBADMSG;
	*ret = (struct part){ msg + at, size };
	return 0;
}

static void random_bytes(uint8_t *ret, size_t n)
{
	if (RAND_bytes(ret, (int)n) != 1)
		die("no random bytes");
}

/* Appends a field to the message: its length and place at `head`, its bytes at the end. */
static void put_field(uint8_t *msg, size_t *len, unsigned head, struct part field)
{
	uint8_t *h = msg + head;
	h[0] = h[2] = (uint8_t)field.n;
	h[1] = h[3] = (uint8_t)(field.n >> 8);
	h[4] = (uint8_t)*len;
	h[5] = (uint8_t)(*len >> 8);
	memcpy(msg + *len, field.p, field.n);
	*len += field.n;
}

/* The proof and what it is over (NTLMv2_RESPONSE); *ret_base is the key that follows from it. */
static size_t make_response(struct ntlm *n, uint8_t *ret, uint8_t ret_base[HASH_LEN],
                            const uint8_t *challenge, struct part info, struct part name)
{
	static const uint8_t head[8] = { 1, 1 };
	uint8_t key[HASH_LEN], *blob = ret + HASH_LEN;
	size_t size = 32 + info.n;
	memset(blob, 0, size);
	memcpy(blob, head, sizeof(head));
	random_bytes(blob + 16, CLIENT_CHALLENGE_LEN); /* behind a time, of which nobody asks */
	memcpy(blob + 28, info.p, info.n);
	hmac(n, key, n->nt, name, (struct part){ NULL, 0 });
	hmac(n, ret, key, (struct part){ challenge, 8 }, (struct part){ blob, size });
	hmac(n, ret_base, key, (struct part){ ret, HASH_LEN }, (struct part){ NULL, 0 });
	return HASH_LEN + size;
}

static size_t make_authenticate(struct ntlm *n, uint8_t *ret, uint8_t ret_exported[HASH_LEN],
                                const struct part *challenge, struct str user)
{
	uint8_t response[BLOB_MAX], name[2 * NAME_MAX_LEN], base[HASH_LEN], sealed[HASH_LEN];
	struct part capitals = { name, widen(name, user, true) }, info = challenge[1];
	size_t len = 72;
	size_t size = make_response(n, response, base, (const uint8_t *)challenge->p + 24, info,
	                            capitals);
	random_bytes(ret_exported, HASH_LEN);
	memcpy(sealed, ret_exported, HASH_LEN);
	rc4(base, sealed, HASH_LEN);
	memset(ret, 0, len);
	memcpy(ret, "NTLMSSP\0\3", 9);
	put_field(ret, &len, 12, (struct part){ "", 0 }); /* LM */
	put_field(ret, &len, 20, (struct part){ response, size });
	put_field(ret, &len, 28, (struct part){ "", 0 }); /* domain */
	put_field(ret, &len, 36, (struct part){ name, widen(name, user, false) });
	put_field(ret, &len, 44, (struct part){ "", 0 }); /* workstation */
	put_field(ret, &len, 52, (struct part){ sealed, HASH_LEN });
	for (unsigned i = 0; i < 4; i++)
		ret[60 + i] = (uint8_t)(FLAGS >> 8 * i);
	return len;
}

int ntlm_answer(struct ntlm *n, struct ntlm_keys *ret, struct str challenge, struct str user,
                struct out *o)
{
	uint8_t msg[NTLM_CHALLENGE_MAX], auth[AUTH_MAX], exported[HASH_LEN];
	char text[(AUTH_MAX + 2) / 3 * 4 + 1];
	struct part part[2];
	if (challenge.n / 4 * 3 > sizeof(msg) || user.n > NAME_MAX_LEN)
		return -EBADMSG;
	int size = EVP_DecodeBlock(msg, (const uint8_t *)challenge.p, (int)challenge.n);
	if (size < 0 || target_info(msg, (size_t)size, &part[1]) < 0)
		return -EBADMSG;
	part[0] = (struct part){ msg, (size_t)size };
	size_t len = make_authenticate(n, auth, exported, part, user);
	derive_keys(n, ret, exported);
	int digits = EVP_EncodeBlock((uint8_t *)text, auth, (int)len);
	out_str(o, (struct str){ text, (size_t)digits });
	return 0;
}

/* --- signatures ------------------------------------------------------------------------ */

void ntlm_mic(struct ntlm *n, const struct ntlm_key *k, struct str text, char ret[NTLM_MIC_HEX])
{
	uint8_t mic[HASH_LEN] = { 1 }, sum[HASH_LEN];
	hmac(n, sum, k->sign, (struct part){ sequence, SEQUENCE_LEN },
	     (struct part){ text.p, text.n });
	for (unsigned i = 0; i < sizeof(k->stream); i++)
		mic[4 + i] = sum[i] ^ k->stream[i];
	memcpy(mic + 12, sequence, SEQUENCE_LEN);
	for (unsigned i = 0; i < HASH_LEN; i++) {
		ret[2 * i] = "0123456789ABCDEF"[mic[i] >> 4];
		ret[2 * i + 1] = "0123456789ABCDEF"[mic[i] & 15];
	}
	ret[NTLM_MIC_HEX - 1] = '\0';
}
