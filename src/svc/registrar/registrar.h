/* The registrar: which endpoints of a user can be reached, and how (RFC 3261 section 10, RFC 3327,
 * RFC 5626, RFC 5627).
 *
 * Belongs to the home half: a binding is {Path, flow hint}, never a pointer to a connection. */
#pragma once

#include "stack/sip/flow.h"
#include "svc/registrar/binding.h"
#include "topo/setting.h"

enum {
	REGISTRAR_CONTACTS_MAX = 10,  /* Contact values of one REGISTER: 400 */
	REGISTRAR_CONTACT_MAX = 512,  /* bytes of a contact URI: 400 */
	REGISTRAR_TEXT_MAX = 256,     /* bytes of instance, Call-ID, User-Agent kept */
	REGISTRAR_AGAIN_S = 32,       /* RFC 3261 section 17.1.2.2: timer F of the client */
	REGISTRAR_ENDPOINTS_MAX = 64, /* F-002: upper bound of the policy */
};

struct registrar_config {
	uint32_t max_endpoints, min_expires_s, max_expires_s, default_expires_s;
};
extern const struct setting registrar_settings[];

struct registrar; /* opaque */

enum registrar_event {
	BINDING_ADDED,
	BINDING_MOVED,
	BINDING_GONE,       /* it signed off, or was signed off */
	BINDING_LOST,       /* gone with its connection: it may come back in a moment */
	BINDING_EXPIRED,    /* gone: it was not refreshed */
	BINDING_PUSHED_OUT, /* gone: the user has too many */
};
static inline bool registrar_is_end(enum registrar_event ev)
{
	return ev >= BINDING_GONE;
}

struct registrar_ops {
	/* After the change, except an end: before the binding is freed; why is for people. */
	void (*event)(void *arg, const struct binding *b, enum registrar_event ev, const char *why);
};

struct registrar *registrar_new(struct loop *l, const struct registrar_config *cfg,
                                const struct token_key *k, const struct registrar_ops *ops,
                                void *arg);
void registrar_free(struct registrar **rp);
void registrar_configure(struct registrar *r, const struct registrar_config *cfg);

/* A REGISTER whose sender has been authenticated as the owner of the AOR. */
struct registrar_request {
	uint64_t account;
	struct str aor;
	uint64_t credential;
	uint32_t max_endpoints; /* of the account; 0: the policy's */
	const struct sip_msg *msg;
	struct token_hint hint; /* from the hop that holds the flow */
	struct str path;        /* of hops before that one; empty */
};
struct registrar_answer {
	struct buf *lines;  /* the caller's: gets the header lines of the 200 (Contact ...) */
	const char *reason; /* of another code: static text */
	bool signs_off;     /* 200: none of the Contact values stays */
	bool bound;         /* 200: all of them stay: registrar_again() will know it */
};
/* Does what the request says, all or nothing.  Returns the status code. */
int registrar_register(struct registrar *r, const struct registrar_request *rq,
                       struct registrar_answer *ret);
/* True if it is the very request that made the bindings it asks for, which has come once more
 * within the time in which clients over UDP repeat it (64 * T1): then appends the header lines of
 * the 200 as they are now, and changes nothing. */
bool registrar_again(struct registrar *r, const struct registrar_request *rq, struct buf *lines);

/* The user's entry, or NULL if no endpoint is signed in. */
struct home_user *registrar_user(struct registrar *r, uint64_t account);
/* The binding of an endpoint (the newest of several flows of one instance), or NULL. */
struct binding *registrar_endpoint(struct home_user *u, uint64_t endpoint);
/* The binding whose contact is this URI, or NULL. */
struct binding *registrar_contact(struct home_user *u, struct str uri);
/* All users: *slot 0 and *after NULL to start. */
struct home_user *registrar_walk(struct registrar *r, size_t *slot, struct map_node **after);
size_t registrar_count(const struct registrar *r); /* bindings */

/* Takes one endpoint (0: all) of the user off; returns how many. */
unsigned registrar_kick(struct registrar *r, uint64_t account, uint64_t endpoint, const char *why);
/* Takes off what signed in with this credential (0: any). */
unsigned registrar_revoke(struct registrar *r, uint64_t account, uint64_t credential,
                          const char *why);
/* The hop that held it says that the flow is gone; 0: all of that process. */
void registrar_flow_lost(struct registrar *r, uint32_t slot, uint64_t flow);

/* Puts back a binding that the store kept; it lives until `expires_s` from now unless refreshed. */
struct binding *registrar_restore(struct registrar *r, const struct binding_data *d,
                                  uint64_t account, struct str aor, uint32_t expires_s);
