/* The URIs of conferences ([MS-CONFBAS] section 2.2.1): the organizer's address with an opaque
 * parameter.
 *
 *   sip:alice@example.test;gruu;opaque=app:conf:focusfactory
 *   sip:alice@example.test;gruu;opaque=app:conf:focus:id:8930B9B29A58B9D180716FE2308586CB
 *   sip:alice@example.test;gruu;opaque=app:conf:chat:id:8930B9B29A58B9D180716FE2308586CB
 *
 * Clients make the last of the second by replacing `focus`.
 *
 * Phones forget parameters of a URI when they answer a message.  So a conference has an address for
 * them too, in which all stands in the user part; it means the focus:
 *
 *   sip:conf-8930B9B29A58B9D180716FE2308586CB.alice@example.test */
#pragma once

#include "wire/confinfo/confinfo.h"
#include "wire/sip/uri.h"

enum {
	CONF_ID_MIN = 8, /* letters and digits ([MS-CONFPRO] section 2.2) */
	CONF_ID_MAX = 32,
	CONF_URI_MAX = 320, /* bytes of a person's URI, and so of an organizer's */
	CONF_WHOLE_URI_MAX = CONF_URI_MAX + CONF_ID_MAX + 64, /* of a conference's */
};

struct conf_uri {
	bool factory;
	enum confinfo_session session; /* which part of a conference; NO_SESSION of the factory */
	struct str id;                 /* slice of the URI; empty of the factory */
};

/* -ENOENT: the URI is none of a conference; -EBADMSG: it means to be one.  Its organizer is the
 * URI's address of record. */
int conf_uri_parse(struct conf_uri *ret, const struct sip_uri *u) MUST_CHECK;
/* The same of any URI, an address for phones too, with the organizer's address of record appended:
 * "sip:alice@example.test". */
int conf_uri_read(struct conf_uri *ret, struct buf *organizer, struct str uri) MUST_CHECK;
/* Does it look like one of a conference, by its text alone? */
bool conf_uri_is(struct str uri);
/* Is it an address for phones? */
bool conf_uri_is_for_phones(struct str uri);
/* Is it the user part of one?  No user may have such a name. */
bool conf_uri_names_one(struct str user);
/* organizer: "sip:alice@example.test". */
void conf_uri_put(struct buf *b, struct str organizer, enum confinfo_session s, struct str id);
void conf_uri_put_for_phones(struct buf *b, struct str organizer, struct str id);
void conf_uri_put_factory(struct buf *b, struct str organizer);
bool conf_uri_id_ok(struct str id);
