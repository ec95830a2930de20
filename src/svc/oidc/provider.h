/* What this server asks of the company's OpenID provider: its metadata and keys, which are kept for
 * a while, and an ID token for each code that a browser brings.
 *
 * All of it by HTTPS from the loop: a provider that is slow holds up nobody but who signs in by it.
 */
#pragma once

#include "auth/idtoken.h"
#include "loop/loop.h"
#include "svc/oidc/settings.h"
#include "wire/oidc/oidc.h"

enum {
	PROVIDER_ASKS_MAX = 64,     /* under way */
	PROVIDER_WAIT_S = 15,       /* for all that one of them needs */
	PROVIDER_KEPT_S = 3600,     /* metadata and keys */
	PROVIDER_KEYS_AGAIN_S = 30, /* at the earliest, for a token with a key that is not known */
};

struct provider;     /* opaque */
struct provider_ask; /* one under way */

struct provider_answer {
	/* 0; -ETIMEDOUT, -EPIPE, ...: it was not reached; -EBADMSG: what it said is wrong, or of
	 * somebody else; -EACCES: it does not know the code. */
	int err;
	const char *why; /* of err, for people; may hold bytes of the provider's: log_esc() */
	const struct oidc_meta *meta; /* valid for the call */
	const struct idtoken *token;  /* of provider_redeem(), of no error */
};
typedef void provider_fn(void *arg, const struct provider_answer *a);

/* Reads the files that the settings name, and copies the settings.  NULL with lines. */
struct provider *provider_new(struct loop *l, const struct oidc_settings *s, struct buf *why);
/* Asks under way are not told any more; who asked frees them before. */
void provider_free(struct provider **pp);
const struct oidc_settings *provider_settings(const struct provider *p);

/* Asks for the metadata alone.  fn is called once, from the loop; NULL: too many are under way. */
struct provider_ask *provider_meet(struct provider *p, provider_fn *fn, void *arg) MUST_CHECK;
/* Exchanges a code for an ID token, and verifies that; f is copied as far as it is needed. */
struct provider_ask *provider_redeem(struct provider *p, const struct oidc_flow *f, struct str code,
                                     provider_fn *fn, void *arg) MUST_CHECK;
/* Cancels it.  It ends with the call of its function: forget it then, do not free it. */
void provider_ask_free(struct provider_ask **ap);
