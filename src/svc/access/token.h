/* What the front end hands out in Record-Route, Path and GRUU and gets back from anywhere: the
 * authenticated name of one end of a dialog (design section 4).
 *
 * A token says whose endpoint it is and, as a hint, on which flow it was last reached.  Any process
 * of the pool can read it; nobody without the pool key can make one. */
#pragma once

#include "stack/sip/flow.h"

enum token_reach {
	TOKEN_NOWHERE,
	TOKEN_STREAM,
	TOKEN_UDP,
	TOKEN_DIALOG, /* no client: a dialog that the server itself holds */
};

/* Where an endpoint was reached: a connection of the process `slot`, or a UDP address; or which of
 * the dialogs of that process it is. */
struct token_hint {
	uint8_t reach; /* enum token_reach */
	uint8_t slot;
	uint8_t sock; /* UDP: index of the socket; stream: 1 if it is TLS */
	union {
		uint64_t flow;    /* stream: its id; dialog: its number */
		struct addr peer; /* UDP */
	};
};

struct token {
	uint64_t account;  /* 0: no account */
	uint64_t endpoint; /* 0: unknown */
	struct token_hint hint;
};

enum { TOKEN_TEXT_MAX = 2 + 80 };

struct token_key {
	struct hash_key mac, mask;
};

void token_key_init(struct token_key *k, const uint8_t pool_key[32]);
/* Appends "d." and the token: a URI's user part. */
void token_put(struct buf *b, const struct token_key *k, const struct token *t);
/* -ENOENT: no token (another user part); -EBADMSG: not one of ours. */
int token_get(struct token *ret, const struct token_key *k, struct str user) MUST_CHECK;

struct token_hint token_hint_of(const struct sip_flow *f, uint32_t slot);
bool token_hint_eq(const struct token_hint *a, const struct token_hint *b);
/* The flow, if it is one of this process and still there; the caller owns the reference. */
struct sip_flow *token_flow(const struct token_hint *h, struct sip_transport *tp, uint32_t slot);

/* The endpoint of a Contact: by +sip.instance where there is one, else by the contact address
 * without its parameters.  The same in every process of the pool; never 0. */
uint64_t token_endpoint(const struct token_key *k, const struct sip_addr *contact);
/* The same where +sip.instance has been read; empty: there is none. */
uint64_t token_endpoint_of(const struct token_key *k, const struct sip_addr *contact,
                           struct str instance);

/* A temporary GRUU's user part "gruu.<token>" (RFC 5627 section 3.1.2): says nothing to others, and
 * two of them are not linkable. */
void token_put_gruu(struct buf *b, const struct token_key *k, uint64_t account, uint64_t endpoint);
int token_get_gruu(uint64_t *ret_account, uint64_t *ret_endpoint, const struct token_key *k,
                   struct str user) MUST_CHECK;
