/* Messages for users who are not signed in: written down, acknowledged with 202, delivered at the
 * next sign-in in their order, each until a client has taken it (RFC 3428 section 8).
 *
 * kept.c takes them in and lets them go; deliver.c delivers. */
#pragma once

#include "role/frontend/fe.h"

enum {
	KEPT_OF_USER_MAX = 200,           /* messages for one user: 480 */
	KEPT_BYTES_OF_USER_MAX = 1 << 20, /* of their bodies */
	KEPT_OF_SENDER_MAX = 1000,        /* of one sender, for users of this process */
	KEPT_MAX = 1000000,               /* of this process */
	KEPT_BODY_MAX = 64 * 1024,        /* bytes of one: 480 */
	KEPT_HEAD_MAX = 4096,             /* bytes of From, Call-ID and CSeq: 480 */
	KEPT_AFTER_MS = 500,              /* a client that has just signed in is left alone */
	KEPT_AGAIN_S = 60,                /* a client that is there and did not answer */
};

/* One of them; slices are valid in the callback alone. */
struct kept {
	uint64_t sequence; /* as struct said's */
	struct str sender; /* "alice@example.test" */
	struct str head;   /* header lines: From, Call-ID, CSeq */
	struct str type, body;
	bool noted; /* its user remembers it already */
};
typedef void fe_kept_fn(void *arg, const struct kept *k);

/* Calls fn for the user's first one after `after` that has neither been delivered nor expired; 1, 0
 * or -errno. */
int fe_kept_next(struct frontend *fe, uint64_t account, uint64_t after, fe_kept_fn *fn,
                 void *arg) MUST_CHECK;
/* That one of them was delivered, for who said it; message 0: he is not to be told. */
struct fe_receipt {
	uint64_t sequence, account; /* account: whose it was */
	struct str sender, recipient;
	uint64_t message; /* its id in histories (svc/conversation/said.h) */
};
/* What its row must be told when it has been delivered: -errno as store_write(). */
int fe_kept_delivered(struct frontend *fe, const struct fe_receipt *r, store_done_fn *done,
                      void *arg) MUST_CHECK;
/* receipt.c: tells the sender, once the row is written. */
void fe_receipt_send(struct frontend *fe, const struct fe_receipt *r);
/* Those that he could not be told of. */
void fe_receipts_again(struct frontend *fe);
void fe_receipts_free(struct frontend *fe);
/* The row has been written: what it counted for is free again. */
void fe_kept_forget(struct frontend *fe, uint64_t account, struct str sender, size_t bytes);
bool fe_kept_has(const struct frontend *fe, uint64_t account);

/* True while it does: what comes in meanwhile must wait behind. */
bool fe_is_delivering(const struct frontend *fe, uint64_t account);
void fe_deliver_free(struct frontend *fe);
