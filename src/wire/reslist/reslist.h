/* Lists of URIs in bodies: resource-lists (RFC 4826) as a request carries them (RFC 5363), for a
 * SUBSCRIBE to many (RFC 5367) or a MESSAGE to many (RFC 5365). */
#pragma once

#include "base/arena.h"

enum {
	RESLIST_BYTES_MAX = 256 * 1024, /* of a document: -E2BIG beyond, as with all of these */
	RESLIST_ENTRIES_MAX = 1000,     /* before equal ones are taken out */
	RESLIST_NAME_MAX = 1024,        /* bytes of a display name */
};

struct reslist_entry {
	struct str uri;  /* as it came, may be no good URI: its resource is then refused alone */
	struct str name; /* for display; empty if there is none */
};

struct reslist {
	const struct reslist_entry *v; /* in the order of the document */
	unsigned n;
	/* References to lists elsewhere (`entry-ref`, `external`), which are not followed: RFC 5363
	 * section 5 has none of them in requests. */
	unsigned n_refs;
};

/* Reads a document; everything lives in the arena.  Lists in lists are made flat; of entries with
 * the same address of record (sip_uri_aor(): what a subscription is for) the first is kept, of
 * others that are not SIP those that are the same text.  -EBADMSG: no XML, its root is no
 * `resource-lists`, or an entry without a URI; -E2BIG. */
int reslist_parse(struct reslist *ret, struct arena *a, struct str in) MUST_CHECK;
