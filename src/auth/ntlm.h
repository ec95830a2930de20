/* The cryptography of NTLMv2 ([MS-NLMP] section 3.3.2) and of the signatures that SIP makes with
 * its keys ([MS-SIPAE] section 3.2.5.2).
 *
 * NTLMv1 and LMv2 responses prove nothing here.  Signatures are of the datagram kind: the sequence
 * number is 100 in every message of both directions, the key of RC4 depends on it alone, and so the
 * eight bytes that RC4 adds to each checksum are the same ones for the life of an association. */
#pragma once

#include <nettle/hmac.h>

#include "wire/ntlm/ntlm.h"

enum {
	NTLM_PROOF_LEN = 16, /* at the front of an NTLMv2 response */
	NTLM_MIC_LEN = 16,
	NTLM_SEQUENCE = 100,
};

/* Does the message prove that its sender knows the password of this NT hash, to this challenge?
 * *ret_key, the exported session key, is set only then.  User and domain are hashed as they stand
 * in the message, the user in capitals; of ASCII letters alone, for account names have no others.
 */
bool ntlm_proves(uint8_t ret_key[NTLM_KEY_LEN], const struct ntlm_auth *a,
                 const uint8_t challenge[NTLM_CHALLENGE_LEN], const uint8_t nt_hash[16]) MUST_CHECK;

enum ntlm_side { NTLM_CLIENT, NTLM_SERVER, NTLM_N_SIDES };

/* The keys of what one side sends (SIGNKEY and SEALKEY of [MS-NLMP] section 3.4.5). */
struct ntlm_subkeys {
	uint8_t sign[16], seal[16];
};
/* flags: of the AUTHENTICATE; they say how much of the key seals (128, 56 or 40 bits). */
void ntlm_subkeys_derive(struct ntlm_subkeys *ret, const uint8_t key[NTLM_KEY_LEN], uint32_t flags,
                         enum ntlm_side side);

/* What makes the signatures of one side. */
struct ntlm_signer {
	struct hmac_md5_ctx hmac; /* keyed */
	uint8_t stream[8];        /* of RC4 */
};
void ntlm_signer_init(struct ntlm_signer *s, const uint8_t key[NTLM_KEY_LEN], uint32_t flags,
                      enum ntlm_side side);
void ntlm_mic(const struct ntlm_signer *s, uint8_t ret[NTLM_MIC_LEN], struct str text);
