/* NTLM messages, the server's half ([MS-NLMP] section 2.2): a CHALLENGE is written, an AUTHENTICATE
 * is read.  Connectionless: there is no NEGOTIATE.  Names are UTF-16LE in the messages; nothing is
 * hashed here (auth/ntlm.h). */
#pragma once

#include "base/buf.h"

enum {
	NTLM_CHALLENGE_LEN = 8, /* bytes of the server's challenge */
	NTLM_KEY_LEN = 16,      /* of a session key, encrypted or not */
	NTLM_LABEL_MAX = 15,    /* bytes of a NetBIOS name */
	NTLM_HOST_MAX = 255,    /* of a DNS name in a CHALLENGE */
	NTLM_NAME_MAX = 512,    /* of a name in an AUTHENTICATE: 256 units of UTF-16 */
	NTLM_RESPONSE_MAX = 2048 /* of one of its two responses */,
	NTLM_AUTH_MAX = 6 * 1024, /* of an AUTHENTICATE */
};

/* Negotiate flags ([MS-NLMP] section 2.2.2.5). */
#define NTLM_UNICODE UINT32_C(0x00000001)
#define NTLM_REQUEST_TARGET UINT32_C(0x00000004)
#define NTLM_SIGN UINT32_C(0x00000010)
#define NTLM_DATAGRAM UINT32_C(0x00000040)
#define NTLM_NTLM UINT32_C(0x00000200)
#define NTLM_ALWAYS_SIGN UINT32_C(0x00008000)
#define NTLM_EXTENDED_SECURITY UINT32_C(0x00080000)
#define NTLM_IDENTIFY UINT32_C(0x00100000)
#define NTLM_TARGET_INFO UINT32_C(0x00800000)
#define NTLM_VERSION UINT32_C(0x02000000)
#define NTLM_128 UINT32_C(0x20000000)
#define NTLM_KEY_EXCH UINT32_C(0x40000000)
#define NTLM_56 UINT32_C(0x80000000)
/* What a CHALLENGE offers: 0xe2988255.  Clients of [MS-SIPAE] stop when one of SIGN, DATAGRAM,
 * IDENTIFY and KEY_EXCH is missing. */
#define NTLM_OFFERED                                                                    \
	(NTLM_UNICODE | NTLM_REQUEST_TARGET | NTLM_SIGN | NTLM_DATAGRAM | NTLM_NTLM |   \
	 NTLM_ALWAYS_SIGN | NTLM_EXTENDED_SECURITY | NTLM_IDENTIFY | NTLM_TARGET_INFO | \
	 NTLM_VERSION | NTLM_128 | NTLM_KEY_EXCH | NTLM_56)

/* And where only the connection is signed in (HTTP): nothing is signed, so nobody needs a session
 * key. */
#define NTLM_OFFERED_PLAIN \
	(NTLM_OFFERED & ~(NTLM_SIGN | NTLM_DATAGRAM | NTLM_IDENTIFY | NTLM_KEY_EXCH))

struct ntlm_challenge {
	bool plain; /* offers NTLM_OFFERED_PLAIN */
	uint8_t server[NTLM_CHALLENGE_LEN];
	struct str label, computer;       /* NetBIOS names, NTLM_LABEL_MAX */
	struct str domain, computer_fqdn; /* DNS names, NTLM_HOST_MAX */
	usec_t now;                       /* wall clock; goes into the client's response */
};
/* Appends a CHALLENGE; names that are not UTF-8 or too long set b->full. */
void ntlm_put_challenge(struct buf *b, const struct ntlm_challenge *c);

/* Slices of the message; names in UTF-16LE, as they are hashed. */
struct ntlm_auth {
	struct bytes lm, nt; /* responses; nt of NTLMv2: 16 bytes of proof, then what it is over */
	struct bytes domain, user, workstation;
	struct bytes session_key; /* encrypted; empty without NTLM_KEY_EXCH */
	uint32_t flags;
};
/* Payloads may overlap and stand in any order, but lie behind the fixed part.  -EBADMSG: no
 * AUTHENTICATE, broken, or over the limits above; -ENOTSUP: not in Unicode. */
int ntlm_get_auth(struct ntlm_auth *ret, struct bytes in) MUST_CHECK;

/* Appends s in UTF-16LE; -EINVAL (b is as it was) if it is not UTF-8. */
int ntlm_put_utf16(struct buf *b, struct str s) MUST_CHECK;
/* Appends UTF-16LE as UTF-8; -EINVAL (b is as it was): half a unit or half a pair. */
int ntlm_put_utf8(struct buf *b, struct bytes s) MUST_CHECK;

/* The NetBIOS name that stands for a DNS domain: its first label, at most NTLM_LABEL_MAX bytes.
 * A slice; clients are told it in capitals. */
struct str ntlm_label(struct str domain);
/* Does a client that says `name` mean this DNS domain (NetBIOS or DNS name, any case)? */
bool ntlm_means_domain(struct str name, struct str domain);
