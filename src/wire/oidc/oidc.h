/* What a relying party and an OpenID provider say to one another: the provider's metadata (OpenID
 * Connect Discovery 1.0), the request for authentication and what the browser comes back with
 * (OpenID Connect Core 1.0, section 3.1), the exchange of the code for an ID token (RFC 6749, RFC
 * 7636).  The ID token itself: auth/idtoken.h. */
#pragma once

#include "base/buf.h"

enum {
	OIDC_DOC_MAX = 256 * 1024, /* bytes of the metadata, the keys, a token's answer */
	OIDC_URL_MAX = 2048,       /* of each URL of the metadata */
	OIDC_QUERY_MAX = 6 * 1024, /* of what the browser comes back with */
	OIDC_CODE_MAX = 4 * 1024,
	OIDC_TOKEN_MAX = 64 * 1024, /* of an ID token */
	OIDC_ERROR_MAX = 64,        /* of an error's name */
	OIDC_VERIFIER_LEN = 43,     /* of RFC 7636: 32 random bytes in base64url */
};

/* --- the provider -------------------------------------------------------------------------- */

struct oidc_meta {
	char *issuer, *authorize, *token, *keys; /* URLs */
	bool post; /* the client's secret goes into the body: the provider takes it there alone */
};
/* Where the metadata of an issuer is. */
void oidc_put_meta_url(struct buf *b, struct str issuer);
/* Reads it; it must be of that issuer, to the letter.  NULL with a static text. */
struct oidc_meta *oidc_meta_parse(struct str json, struct str issuer, const char **why);
void oidc_meta_free(struct oidc_meta **mp);

/* --- the browser --------------------------------------------------------------------------- */

struct oidc_flow {
	struct str client, redirect; /* the client's id; where the browser comes back to */
	struct str state, nonce;
	struct str verifier; /* OIDC_VERIFIER_LEN bytes */
	bool fresh;          /* the user shall show anew who is there */
};
/* Where the browser goes to. */
void oidc_put_authorize(struct buf *b, const struct oidc_meta *m, const struct oidc_flow *f);

/* What it comes back with; without escapes, each empty if it is not there. */
struct oidc_back {
	struct str code, state, iss, error;
	char space[OIDC_QUERY_MAX];
};
/* -EBADMSG: broken, too long, or a parameter that is there twice. */
int oidc_back_parse(struct oidc_back *ret, struct str query) MUST_CHECK;

/* --- the exchange of the code -------------------------------------------------------------- */

/* The form.  secret: in the body; empty: not there. */
void oidc_put_exchange(struct buf *b, const struct oidc_flow *f, struct str code,
                       struct str secret);
/* "Basic ...": id and secret, each escaped as in a form (RFC 6749 section 2.3.1). */
void oidc_put_basic(struct buf *b, struct str client, struct str secret);
/* Appends the ID token of the answer; -EBADMSG with a static text. */
int oidc_token_parse(struct buf *ret, struct str json, const char **why) MUST_CHECK;
/* Appends the name of the error of an answer that is none ("invalid_grant"), nothing if there is
 * none that could be one. */
void oidc_error_parse(struct buf *ret, struct str json);
