/* The client's side of NTLMv2 and of its signatures ([MS-NLMP] sections 3.1.5 and 3.4), as clients
 * of SIP use them: connectionless, with key exchange, the sequence number of every message 100. */
#pragma once

#include "text.h"

enum {
	NTLM_CHALLENGE_MAX = 2048, /* bytes of the server's message */
	NTLM_MIC_HEX = 33,         /* a signature as hexadecimal digits, and a NUL */
};

/* What makes the signatures of one side. */
struct ntlm_key {
	uint8_t sign[16];
	uint8_t stream[8]; /* of RC4: the same for every message, as the sequence number is */
};

struct ntlm_keys {
	struct ntlm_key client, server;
};

struct ntlm; /* opaque: the hash of the password, and MD5 kept ready */

/* password: ASCII. */
struct ntlm *ntlm_new(struct str password);
/* Answers the CHALLENGE, which is in base64, with the AUTHENTICATE for `user`, in base64 too; draws
 * the keys. 0 or -EBADMSG. */
int ntlm_answer(struct ntlm *n, struct ntlm_keys *ret, struct str challenge, struct str user,
                struct out *o);
/* The signature of a text. */
void ntlm_mic(struct ntlm *n, const struct ntlm_key *k, struct str text, char ret[NTLM_MIC_HEX]);
