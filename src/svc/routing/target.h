/* What a Request-URI asks for: the first step of routing (RFC 3261 section 16.5, RFC 3966, RFC
 * 5627).
 *
 * Pure: says which keys to look up, not what is found. */
#pragma once

#include "svc/access/token.h"
#include "topo/topo.h"
#include "wire/sip/uri.h"

enum target_kind {
	TARGET_USER, /* a user, by address, number or extension: look up keys[0..n_keys) in turn */
	TARGET_GRUU, /* one endpoint of a user: account and endpoint are known */
	TARGET_SELF, /* the server itself: our domain or address without a user part */
	TARGET_FOREIGN, /* another domain */
	TARGET_BAD,     /* a scheme or form that we do not serve: 416 */
};

enum { TARGET_KEY_MAX = 256 };

struct target {
	enum target_kind kind;
	bool secure; /* sips: every hop must be TLS */
	unsigned n_keys;
	struct str keys[2];
	uint64_t account, endpoint; /* GRUU (a public one: endpoint alone, the user by its key) */
	char text[2 * TARGET_KEY_MAX];
};

/* Our own names and addresses, besides the SIP domains. */
struct target_self {
	const struct topo *topo;
	const struct addr *addrs; /* that we listen on */
	size_t n_addrs;
};

/* True if this host means us: a SIP domain, our host or pool name, an address we listen on. */
bool target_is_self(const struct target_self *self, struct str host, bool v6);
void target_read(struct target *ret, const struct target_self *self, const struct token_key *k,
                 struct str uri);
