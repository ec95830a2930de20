/* The invitation into a conference, the body of an INVITE to a person ([MS-CONFBAS] section 2.2.4):
 * application/ms-conf-invite+xml. */
#pragma once

#include "wire/xml/xml.h"

enum { CONF_INVITE_TEXT_MAX = 1024 /* bytes of each text */ };

struct conf_invite {
	struct str focus;   /* URI of the focus, never empty */
	struct str subject; /* empty: none */
	/* what is offered there */
	bool im, audio, video, sharing;
	struct str first_im; /* content of first-im; p NULL: no such element */
};

/* Texts lie in the arena.  -EBADMSG: no invitation; -E2BIG: above the limits. */
int conf_invite_parse(struct conf_invite *ret, struct arena *a, struct str in) MUST_CHECK;
void conf_invite_put(struct buf *b, const struct conf_invite *v);
