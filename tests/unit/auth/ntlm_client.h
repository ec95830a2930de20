/* A client of NTLMv2 without NEGOTIATE, as those of SIP are: the other half of auth/ntlm.h. */
#pragma once

#include "auth/ntlm.h"
#include "wire/sip/sign.h"

struct ntlm_client {
	const char *user, *domain, *password;
	uint32_t flags;            /* 0: what clients of SIP say */
	uint8_t key[NTLM_KEY_LEN]; /* exported; drawn by ntlm_client_answer() */
	struct ntlm_signer sends, receives;
	uint32_t num; /* of the last signed message */
};

/* Appends the AUTHENTICATE for a challenge. */
void ntlm_client_answer(struct ntlm_client *c, struct buf *b,
                        const uint8_t challenge[NTLM_CHALLENGE_LEN]);
/* Appends the parameters `, crand=..., cnum=..., response=...` that sign m, whose realm and
 * target are those of s. */
void ntlm_client_sign(struct ntlm_client *c, struct buf *b, const struct sip_msg *m,
                      const struct sip_sign *s);
