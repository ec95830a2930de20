/* What is set about signing in with a company's own OpenID provider (docs/protocols/oidc.md). */
#pragma once

#include "topo/topo.h"

enum { OIDC_SECRET_MAX = 512, OIDC_CA_MAX = 1024 * 1024, OIDC_NAME_MAX = 64 };

/* Which claim of the ID token names the account. */
enum oidc_claim { OIDC_EMAIL, OIDC_PREFERRED_USERNAME };

struct oidc_settings {
	struct str issuer; /* empty: there is none */
	struct str client, secret_file, ca_file, name;
	int claim; /* enum oidc_claim */
};

/* Keys of the section `[role accounts]`. */
extern const struct setting oidc_table[];

/* Reads them, and checks what they say together: 0, or -EINVAL with lines.  Texts borrow from the
 * topology; name is never empty where there is an issuer. */
int oidc_settings_read(struct oidc_settings *ret, const struct topo *t, const struct topo_role *r,
                       struct buf *why) MUST_CHECK;
/* Appends the client's secret without blanks at its ends, nothing if no file is set.  -errno with a
 * line. */
int oidc_settings_secret(const struct oidc_settings *s, struct buf *ret,
                         struct buf *why) MUST_CHECK;
/* Appends the certificates whom the provider's is checked against, nothing if they are the
 * system's. */
int oidc_settings_ca(const struct oidc_settings *s, struct buf *ret, struct buf *why) MUST_CHECK;
