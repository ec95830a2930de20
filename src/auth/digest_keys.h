/* The Digest keys that this process has seen accepted: with them it checks further answers of the
 * same user by itself, until the accounts process says that a credential is gone. */
#pragma once

#include "auth/digest.h"
#include "base/map.h"

enum { DIGEST_KEYS_MAX = 200000, DIGEST_NAME_MAX = 2 * DIGEST_VALUE_MAX + 1 };

struct digest_keys {
	struct map map;
	size_t cursor; /* where the next one to be pushed out is looked for */
};

/* Who the client says it is: the user name of its answer and the domain it speaks for.  Made on the
 * stack, looked up without allocation. */
struct digest_name {
	bool full; /* the user name has a domain itself */
	size_t len;
	char p[DIGEST_NAME_MAX]; /* "alice@example.test" */
};

struct digest_key {
	uint64_t account, credential;
	enum digest_alg alg;
	const uint8_t *ha1;
	struct str uri;
	uint32_t from;  /* a hash of the address that it was accepted from */
	uint32_t *told; /* the caller's note: given to put (NULL: 0), and of a found one */
};

void digest_name_set(struct digest_name *ret, struct str username, struct str domain);
static inline struct str digest_name_text(const struct digest_name *n)
{
	return str_n(n->p, n->len);
}

void digest_keys_init(struct digest_keys *k);
void digest_keys_done(struct digest_keys *k);
/* Remembers a copy; replaces an older one of the same name, credential and algorithm. */
void digest_keys_put(struct digest_keys *k, const struct digest_name *name,
                     const struct digest_key *key);
/* The key that these credentials prove; slices are valid until the next change.  A user has as many
 * keys as devices. */
bool digest_keys_find(const struct digest_keys *k, const struct digest_name *name,
                      const struct digest_creds *c, const char *ha2_hex,
                      struct digest_key *ret) MUST_CHECK;
/* Forgets the account's keys, or one credential's; account 0: all. */
void digest_keys_forget(struct digest_keys *k, uint64_t account, uint64_t credential);
