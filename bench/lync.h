/* Clients of the Lync dialect: sign-in by NTLM in three legs, and a signature on every message of
 * the connection in both directions ([MS-SIPAE] section 3.2.5). */
#pragma once

#include "ntlm.h"
#include "sipmsg.h"

enum {
	LYNC_OPAQUE_MAX = 64,
	LYNC_NAME_MAX = 128,
	LYNC_GRUU_MAX = 256,
	LYNC_LINE_MAX = 4096,      /* bytes of an Authorization line */
	LYNC_SIGN_TEXT_MAX = 2048, /* bytes of what a signature is over */
};

/* What stands in Authorization of what we send. */
enum lync_leg {
	LYNC_FIRST,      /* nothing: the REGISTER that asks for the offer */
	LYNC_OFFERED,    /* the scheme alone, which asks for the challenge */
	LYNC_CHALLENGED, /* the answer to it, and a signature */
	LYNC_SIGNED,     /* a signature */
};

/* An association: its name, its keys, and how many messages we signed. */
struct lync_sa {
	char opaque[LYNC_OPAQUE_MAX];
	struct ntlm_keys keys;
	uint32_t num;
};

struct lync_user {
	enum lync_leg leg;
	struct lync_sa now, next; /* next: of the handshake under way */
	char realm[LYNC_NAME_MAX], target[LYNC_NAME_MAX], gruu[LYNC_GRUU_MAX];
	char *challenge; /* base64; between the second leg and the third */
};

/* Takes the NTLM offer or challenge of a 401.  0 or -EBADMSG. */
int lync_challenge(struct lync_user *u, const struct sip_msg *m);
/* The sign-in was accepted: from now on everything is signed. */
void lync_signed_in(struct lync_user *u, const struct sip_msg *m);
/* Puts Authorization into a whole message, as the leg says; name: the user's. */
void lync_sign(struct ntlm *n, struct lync_user *u, struct str name, struct out *o);
/* Did the server sign it rightly?  What needs no signature (a 401, a refused sign-in) is right. */
bool lync_verify(struct ntlm *n, const struct lync_user *u, const struct sip_msg *m);
