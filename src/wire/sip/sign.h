/* Signed SIP of [MS-SIPAE]: the fields that carry the handshake and the signatures (Authorization,
 * Authentication-Info with NTLM, Kerberos or TLS-DSK), and the text that a signature is over. */
#pragma once

#include "base/buf.h"
#include "wire/sip/msg.h"

enum {
	SIP_SIGN_VERSION_MIN = 3, /* older ones sign another text */
	SIP_SIGN_VERSION = 4,     /* the handshake's last leg is signed too */
	SIP_SIGN_TEXT_MAX = 8192, /* bytes of the text */
};

/* One field's value.  Texts stand without their quotes; p is NULL if absent. */
struct sip_sign {
	struct str scheme, qop, opaque, realm, target, gssapi_data;
	struct str rand, num; /* crand and cnum, or srand and snum */
	struct str mic;       /* response, or rspauth: hexadecimal */
	uint32_t version;     /* 0 if absent */
};
/* Parameters in any order, unknown ones are passed over.  -EBADMSG: broken, or one twice. */
int sip_sign_parse(struct sip_sign *ret, struct str value) MUST_CHECK;
/* Appends the text that version 3 and above sign ([MS-SIPAE] sections 3.2.5.2 and 3.3.5.2): scheme,
 * rand, num, realm and target of s, then what of the message must not change on the way. */
void sip_put_sign_text(struct buf *b, const struct sip_msg *m, const struct sip_sign *s);
