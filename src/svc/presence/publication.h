/* Publications: what a user's clients have said of her, by category, container and instance
 * ([MS-PRES] section 3.3).
 *
 * A publication's body is one XML element as the client wrote it; its text stands alone (carries
 * the namespaces that it needs) and is shared by all publications that say the same. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "wire/xml/xml.h"

enum {
	PUBLICATIONS_MAX = 200,       /* of a user: 403 */
	PRESENCE_MAX = 25 * 1024,     /* bytes of all bodies of a user (F-031): 413 */
	PUB_WRITTEN_MAX = 256 * 1024, /* bytes of all publications in a document: 413 */
	PUB_ELEMENTS_MAX = 15000,     /* elements of all publications: 413 */
	PUB_SPACES_MAX = 48,          /* namespaces of all publications: 413 */
	CATEGORY_NAME_MAX = 64,       /* bytes: 400 */
	PUB_TOKEN_MAX = 64,           /* bytes of an activity token that we look at */
	PUB_TEXT_MAX = 1024,          /* bytes of an activity's own text, of a meeting's subject */
	PUB_EXPIRES_MAX = 7 * 86400,  /* seconds of a publication with a time */
};

/* Categories that the server knows; a bit each in a mask.  All others share CATEGORY_OTHER and are
 * told apart by name. */
enum category {
	CATEGORY_STATE,
	CATEGORY_NOTE,
	CATEGORY_CONTACT_CARD,
	CATEGORY_CALENDAR_DATA,
	CATEGORY_SERVICES,
	CATEGORY_ROUTING,
	CATEGORY_DEVICE,
	CATEGORY_USER_PROPERTIES,
	CATEGORY_ALERTS,
	CATEGORY_DIALOGS, /* ours: the user's calls, for lamps (RFC 4235) */
	CATEGORY_OTHER,
	N_CATEGORIES
};
#define CATEGORY_BIT(c) (1u << (c))
#define CATEGORY_ALL (CATEGORY_BIT(N_CATEGORIES) - 1)
enum category category_of(struct str name);
/* Empty for CATEGORY_OTHER. */
struct str category_name(enum category c);

/* How long it lives ([MS-PRES] section 2.2.2.3). */
enum pub_expire {
	PUB_ENDPOINT, /* as long as the endpoint that published it */
	PUB_USER,     /* as long as any endpoint of the user */
	PUB_TIME,
	PUB_STATIC, /* until it is replaced or deleted */
	PUB_N_EXPIRES
};
/* By its name on the wire: "endpoint", "user", "time", "static"; -EINVAL. */
int pub_expire_of(struct str name, enum pub_expire *ret) MUST_CHECK;
const char *pub_expire_name(enum pub_expire e);

/* What a state publication says; read from its body. */
enum state_kind {
	STATE_NONE, /* not a state, or of a type that is not known */
	STATE_MACHINE,
	STATE_USER,
	STATE_CALENDAR,
	STATE_PHONE,
	STATE_AGGREGATE, /* the server's alone */
};

struct pub_body {
	uint32_t refs;
	uint32_t n_elements, n_spaces; /* in the text; namespaces: declarations */
	enum state_kind kind;
	uint32_t availability;
	struct str text;                             /* the element */
	struct str token, custom, subject, location; /* of a state; empty: none */
};
/* A body of its own from a parsed element: the body of its text, wherever that stands, is the same.
 * -EBADMSG: it needs declarations that stand outside of it; -E2BIG: over PRESENCE_MAX. */
int pub_body_new(struct pub_body **ret, const struct xml *e) MUST_CHECK;
/* The same of a text; NULL if it is none. */
struct pub_body *pub_body_of(struct str text);
struct pub_body *pub_body_ref(struct pub_body *b);
void pub_body_unref(struct pub_body **bp);

struct pub_key {
	enum category category;
	struct str name; /* of the category */
	uint32_t container, instance;
};

struct publication {
	struct publication *next; /* by category, name, container, instance */
	struct pub_key key;       /* name: static, or behind the struct */
	enum pub_expire expire;
	bool server; /* made here from other facts: not stored, not the client's to change */
	uint32_t version;
	uint64_t endpoint; /* of ENDPOINT */
	usec_t published;  /* wall clock */
	usec_t ends;       /* of TIME: wall clock; else 0 */
	struct pub_body *body;
	char other[]; /* the name of CATEGORY_OTHER */
};

/* False for what is between the user and the server: the states that make up the aggregate. */
static inline bool pub_is_shown(const struct publication *p)
{
	return p->body && (p->key.category != CATEGORY_STATE || p->body->kind == STATE_AGGREGATE);
}

/* All publications of a user. */
struct pub_table {
	struct publication *first;
	uint32_t n;
};
struct publication *pub_find(const struct pub_table *t, const struct pub_key *k);
/* The one that is there, or a new one with version 0 and without a body. */
struct publication *pub_get(struct pub_table *t, const struct pub_key *k);
/* Takes the reference to the body. */
void pub_set_body(struct publication *p, struct pub_body *body);
/* Makes *bp the body of the table that says the same, if there is one. */
void pub_share(const struct pub_table *t, struct pub_body **bp);
void pub_remove(struct pub_table *t, struct publication *p);
void pub_clear(struct pub_table *t);
/* The same publications with the same bodies. */
struct pub_table pub_copy(const struct pub_table *t);
/* Bytes of all bodies, each counted once; the server's do not count. */
size_t pub_weight(const struct pub_table *t);
/* Holds a table against the limits, so that its document can be stored and read again; the server's
 * publications do not count.  -ENOSPC: too many; -E2BIG. */
int pub_check(const struct pub_table *t) MUST_CHECK;
