/* The URIs of conferences ([MS-CONFBAS] section 2.2.1): the organizer's address with an opaque
 * parameter.
 *
 *   sip:alice@example.test;gruu;opaque=app:conf:focusfactory
 *   sip:alice@example.test;gruu;opaque=app:conf:focus:id:8930B9B29A58B9D180716FE2308586CB
 *   sip:alice@example.test;gruu;opaque=app:conf:chat:id:8930B9B29A58B9D180716FE2308586CB
 *
 * Clients make the last of the second by replacing `focus`. */
#pragma once

#include "wire/confinfo/confinfo.h"
#include "wire/sip/uri.h"

enum { CONF_ID_MIN = 8, CONF_ID_MAX = 32 }; /* letters and digits ([MS-CONFPRO] section 2.2) */

struct conf_uri {
	bool factory;
	enum confinfo_session session; /* which part of a conference; NO_SESSION of the factory */
	struct str id;                 /* slice of the URI; empty of the factory */
};

/* -ENOENT: the URI is none of a conference; -EBADMSG: it means to be one.  Its organizer is the
 * URI's address of record. */
int conf_uri_parse(struct conf_uri *ret, const struct sip_uri *u) MUST_CHECK;
/* organizer: "sip:alice@example.test". */
void conf_uri_put(struct buf *b, struct str organizer, enum confinfo_session s, struct str id);
void conf_uri_put_factory(struct buf *b, struct str organizer);
bool conf_uri_id_ok(struct str id);
