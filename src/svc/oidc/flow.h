/* A sign-in by an OpenID provider that is under way, between the browser's going there and its
 * coming back.  The server keeps nothing of it: the browser has it in a cookie, sealed, which is
 * good for FLOW_LIFE_S, and once (flows that came back are remembered for as long, in a table of
 * fixed size). */
#pragma once

#include "auth/seal.h"
#include "wire/oidc/oidc.h"

enum {
	FLOW_LIFE_S = 600,
	FLOW_MARK_LEN = 22,      /* of state and nonce: 16 random bytes in base64url */
	FLOW_REDIRECT_MAX = 320, /* bytes of the page that the browser comes back to */
	FLOW_COOKIE_MAX = 900,
	FLOWS_USED_MAX = 4096,
};

struct flow {
	int64_t made_at; /* seconds since 1970 */
	char state[FLOW_MARK_LEN], nonce[FLOW_MARK_LEN], verifier[OIDC_VERIFIER_LEN];
	char redirect[FLOW_REDIRECT_MAX + 1];
	/* A log-in that there is, which the user wants to prove; 0: makes one. */
	uint64_t account, login;
};

/* redirect must fit. */
void flow_make(struct flow *ret, struct str redirect, int64_t now_s);
/* What of it goes to the provider; client is the caller's. */
struct oidc_flow flow_view(const struct flow *f, struct str client);
/* Appends the cookie's value. */
void flow_put(struct buf *b, struct seal *seal, const struct flow *f);
/* -EBADMSG: none of ours; -ETIME: it has expired. */
int flow_get(struct flow *ret, struct seal *seal, struct str cookie, int64_t now_s) MUST_CHECK;

struct flows_used; /* opaque */
struct flows_used *flows_used_new(void);
void flows_used_free(struct flows_used **up);
/* False: it was used before. */
bool flows_use(struct flows_used *u, const struct flow *f);
