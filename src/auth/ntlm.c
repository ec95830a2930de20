#include "auth/ntlm.h"

#include <assert.h>

#include <nettle/arcfour.h>
#include <nettle/md5.h>

enum { SEAL_56_LEN = 7, SEAL_40_LEN = 5, MIC_VERSION = 1 };
/* NTLMv2_CLIENT_CHALLENGE ([MS-NLMP] section 2.2.2.7) up to its attributes, and its version. */
enum { BLOB_MIN = 28, BLOB_VERSION = 1 };

/* --- the proof ----------------------------------------------------------------------- */

static void hmac(uint8_t ret[16], const uint8_t key[16], struct bytes a, struct bytes b)
{
	struct hmac_md5_ctx ctx;
	hmac_md5_set_key(&ctx, 16, key);
	hmac_md5_update(&ctx, a.len, a.p);
	hmac_md5_update(&ctx, b.len, b.p);
	hmac_md5_digest(&ctx, 16, ret);
	wipe(&ctx, sizeof(ctx));
}

/* NTOWFv2. */
static void response_key(uint8_t ret[16], const struct ntlm_auth *a, const uint8_t nt_hash[16])
{
	uint8_t user[NTLM_NAME_MAX];
	assert(a->user.len <= sizeof(user));
	for (size_t i = 0; i < a->user.len; i++) {
		uint8_t c = a->user.p[i];
		bool ascii = i % 2 == 0 && i + 1 < a->user.len && a->user.p[i + 1] == 0;
		user[i] = ascii && c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
	}
	hmac(ret, nt_hash, (struct bytes){ user, a->user.len }, a->domain);
}

/* With key exchange the client chose the key and sent it, encrypted with the one both know. */
static void exported_key(uint8_t ret[NTLM_KEY_LEN], const struct ntlm_auth *a,
                         const uint8_t base[NTLM_KEY_LEN])
{
	struct arcfour_ctx rc4;
	if (!(a->flags & NTLM_KEY_EXCH)) {
		memcpy(ret, base, NTLM_KEY_LEN);
		return;
	}
	arcfour_set_key(&rc4, NTLM_KEY_LEN, base);
	arcfour_crypt(&rc4, NTLM_KEY_LEN, ret, a->session_key.p);
	wipe(&rc4, sizeof(rc4));
}

static bool is_v2(const struct ntlm_auth *a)
{
	return a->nt.len >= NTLM_PROOF_LEN + BLOB_MIN && a->nt.p[NTLM_PROOF_LEN] == BLOB_VERSION;
}

bool ntlm_proves(uint8_t ret_key[NTLM_KEY_LEN], const struct ntlm_auth *a,
                 const uint8_t challenge[NTLM_CHALLENGE_LEN], const uint8_t nt_hash[16])
{
	uint8_t key[16], proof[NTLM_PROOF_LEN], base[NTLM_KEY_LEN];
	bool whole =
	        is_v2(a) && (!(a->flags & NTLM_KEY_EXCH) || a->session_key.len == NTLM_KEY_LEN);
	/* What is not whole is hashed too, and then refused. */
	struct bytes nt = whole ? a->nt : (struct bytes){ proof, sizeof(proof) };
	memset(proof, 0, sizeof(proof));
	response_key(key, a, nt_hash);
	hmac(proof, key, (struct bytes){ challenge, NTLM_CHALLENGE_LEN },
	     (struct bytes){ nt.p + NTLM_PROOF_LEN, nt.len - NTLM_PROOF_LEN });
	bool proved = whole && same_secret(proof, nt.p, NTLM_PROOF_LEN);
	if (proved) {
		hmac(base, key, (struct bytes){ proof, sizeof(proof) }, (struct bytes){ proof, 0 });
		exported_key(ret_key, a, base);
		wipe(base, sizeof(base));
	}
	wipe(key, sizeof(key));
	wipe(proof, sizeof(proof));
	return proved;
}

/* --- signatures ---------------------------------------------------------------------- */

/* The texts of [MS-NLMP] are hashed with the NUL at their end. */
static void derive(uint8_t ret[16], const uint8_t *key, size_t n, const char *what)
{
	struct md5_ctx md5;
	md5_init(&md5);
	md5_update(&md5, n, key);
	md5_update(&md5, strlen(what) + 1, (const uint8_t *)what);
	md5_digest(&md5, 16, ret);
	wipe(&md5, sizeof(md5));
}

void ntlm_subkeys_derive(struct ntlm_subkeys *ret, const uint8_t key[NTLM_KEY_LEN], uint32_t flags,
                         enum ntlm_side side)
{
	static const char *const signs[] = {
		[NTLM_CLIENT] = "session key to client-to-server signing key magic constant",
		[NTLM_SERVER] = "session key to server-to-client signing key magic constant",
	};
	static const char *const seals[] = {
		[NTLM_CLIENT] = "session key to client-to-server sealing key magic constant",
		[NTLM_SERVER] = "session key to server-to-client sealing key magic constant",
	};
	size_t n = flags & NTLM_128 ? NTLM_KEY_LEN : flags & NTLM_56 ? SEAL_56_LEN : SEAL_40_LEN;
	derive(ret->sign, key, NTLM_KEY_LEN, signs[side]);
	derive(ret->seal, key, n, seals[side]);
}

static const uint8_t sequence[4] = { NTLM_SEQUENCE, 0, 0, 0 };

void ntlm_signer_init(struct ntlm_signer *s, const uint8_t key[NTLM_KEY_LEN], uint32_t flags,
                      enum ntlm_side side)
{
	struct ntlm_subkeys sub;
	struct arcfour_ctx rc4;
	struct md5_ctx md5;
	uint8_t rc4_key[16];
	ntlm_subkeys_derive(&sub, key, flags, side);
	hmac_md5_set_key(&s->hmac, sizeof(sub.sign), sub.sign);
	memset(s->stream, 0, sizeof(s->stream));
	/* Without key exchange the checksum stays as it is ([MS-NLMP] section 3.4.4.2). */
	if (flags & NTLM_KEY_EXCH) {
		md5_init(&md5);
		md5_update(&md5, sizeof(sub.seal), sub.seal);
		md5_update(&md5, sizeof(sequence), sequence);
		md5_digest(&md5, sizeof(rc4_key), rc4_key);
		arcfour_set_key(&rc4, sizeof(rc4_key), rc4_key);
		arcfour_crypt(&rc4, sizeof(s->stream), s->stream, s->stream);
		wipe(&rc4, sizeof(rc4));
		wipe(&md5, sizeof(md5));
		wipe(rc4_key, sizeof(rc4_key));
	}
	wipe(&sub, sizeof(sub));
}

void ntlm_mic(const struct ntlm_signer *s, uint8_t ret[NTLM_MIC_LEN], struct str text)
{
	struct hmac_md5_ctx ctx = s->hmac;
	uint8_t sum[8];
	hmac_md5_update(&ctx, sizeof(sequence), sequence);
	hmac_md5_update(&ctx, text.len, (const uint8_t *)text.p);
	hmac_md5_digest(&ctx, sizeof(sum), sum);
	memset(ret, 0, NTLM_MIC_LEN);
	ret[0] = MIC_VERSION;
	for (size_t i = 0; i < sizeof(sum); i++)
		ret[4 + i] = sum[i] ^ s->stream[i];
	memcpy(ret + 12, sequence, sizeof(sequence));
}
