#include "auth/ntlm_client.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <nettle/arcfour.h>

#include "auth/password.h"
#include "base/code.h"
#include "base/rand.h"

enum { FIXED = 72, SIP_FLAGS = 0x62988255 };

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void hmac(uint8_t ret[16], const uint8_t key[16], const struct buf *text)
{
	struct hmac_md5_ctx ctx;
	hmac_md5_set_key(&ctx, 16, key);
	hmac_md5_update(&ctx, text->len, (const uint8_t *)text->p);
	hmac_md5_digest(&ctx, 16, ret);
}

static void response_key(uint8_t ret[16], const struct ntlm_client *c)
{
	auto_(buf_free) struct buf upper = buf_of(1000), text = buf_of(1000);
	uint8_t nt[16];
	for (const char *p = c->user; *p; p++)
		buf_char(&upper, (char)toupper((unsigned char)*p));
	must(ntlm_put_utf16(&text, buf_view(&upper)) == 0);
	must(ntlm_put_utf16(&text, str_of(c->domain)) == 0);
	must(password_nt_hash(nt, str_of(c->password)) == 0);
	hmac(ret, nt, &text);
}

/* Proof and what it is over: a time, the client's challenge, no target information. */
static void put_response(struct buf *b, const uint8_t key[16], const uint8_t *challenge)
{
	static const uint8_t head[8] = { 1, 1 }, tail[8] = { 0 };
	auto_(buf_free) struct buf text = buf_of(1000);
	uint8_t proof[16], random[16];
	rand_bytes(random, sizeof(random));
	buf_put(&text, challenge, NTLM_CHALLENGE_LEN);
	buf_put(&text, head, sizeof(head));
	buf_put(&text, random, sizeof(random));
	buf_put(&text, tail, sizeof(tail));
	hmac(proof, key, &text);
	buf_put(b, proof, sizeof(proof));
	buf_put(b, text.p + NTLM_CHALLENGE_LEN, text.len - NTLM_CHALLENGE_LEN);
}

static void put_session_key(struct buf *b, struct ntlm_client *c, const uint8_t key[16],
                            const struct buf *response)
{
	auto_(buf_free) struct buf proof = buf_of(16);
	struct arcfour_ctx rc4;
	uint8_t base[16], sealed[16];
	buf_put(&proof, response->p, 16);
	hmac(base, key, &proof);
	rand_bytes(c->key, sizeof(c->key));
	if (!(c->flags & NTLM_KEY_EXCH)) {
		memcpy(c->key, base, sizeof(base));
		return;
	}
	arcfour_set_key(&rc4, sizeof(base), base);
	arcfour_crypt(&rc4, sizeof(sealed), sealed, c->key);
	buf_put(b, sealed, sizeof(sealed));
}

static void put_le32(struct buf *b, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		buf_u8(b, (uint8_t)(v >> 8 * i));
}

static void put_field(struct buf *b, size_t *at, size_t len)
{
	buf_u8(b, (uint8_t)len);
	buf_u8(b, (uint8_t)(len >> 8));
	buf_u8(b, (uint8_t)len);
	buf_u8(b, (uint8_t)(len >> 8));
	put_le32(b, (uint32_t)*at);
	*at += len;
}

void ntlm_client_answer(struct ntlm_client *c, struct buf *b,
                        const uint8_t challenge[NTLM_CHALLENGE_LEN])
{
	auto_(buf_free) struct buf nt = buf_of(1000), user = buf_of(2000), domain = buf_of(2000);
	auto_(buf_free) struct buf key = buf_of(16);
	uint8_t response[16];
	size_t at = FIXED;
	c->flags = c->flags ? c->flags : SIP_FLAGS;
	response_key(response, c);
	put_response(&nt, response, challenge);
	put_session_key(&key, c, response, &nt);
	must(ntlm_put_utf16(&user, str_of(c->user)) == 0);
	must(ntlm_put_utf16(&domain, str_of(c->domain)) == 0);
	buf_put(b, "NTLMSSP\0\3\0\0\0", 12);
	put_field(b, &at, 0);
	put_field(b, &at, nt.len);
	put_field(b, &at, domain.len);
	put_field(b, &at, user.len);
	put_field(b, &at, 0);
	put_field(b, &at, key.len);
	put_le32(b, c->flags);
	put_le32(b, 0); /* version */
	put_le32(b, 0);
	buf_str(b, buf_view(&nt));
	buf_str(b, buf_view(&domain));
	buf_str(b, buf_view(&user));
	buf_str(b, buf_view(&key));
	ntlm_signer_init(&c->sends, c->key, c->flags, NTLM_CLIENT);
	ntlm_signer_init(&c->receives, c->key, c->flags, NTLM_SERVER);
}

void ntlm_client_sign(struct ntlm_client *c, struct buf *b, const struct sip_msg *m,
                      const struct sip_sign *s)
{
	auto_(buf_free) struct buf text = buf_of(SIP_SIGN_TEXT_MAX);
	struct sip_sign mine = { .scheme = STR("NTLM"), .realm = s->realm, .target = s->target };
	uint8_t mic[NTLM_MIC_LEN];
	char rand[16], num[16];
	(void)snprintf(rand, sizeof(rand), "%08x", rand_below(UINT32_MAX));
	(void)snprintf(num, sizeof(num), "%u", ++c->num);
	mine.rand = str_of(rand);
	mine.num = str_of(num);
	sip_put_sign_text(&text, m, &mine);
	must(!text.full);
	ntlm_mic(&c->sends, mic, buf_view(&text));
	buf_printf(b, ", crand=\"%s\", cnum=\"%s\", response=\"", rand, num);
	hex_put(b, mic, sizeof(mic));
	buf_char(b, '"');
}
