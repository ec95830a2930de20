/* One signed-in endpoint as the registrar keeps it, and the user whose it is.
 *
 * At a busy server these are most of the memory.  So texts stand packed behind the struct and are
 * read with a function, and what only one kind of flow has shares its place with what only the
 * other has. */
#pragma once

#include "base/map.h"
#include "loop/loop.h"
#include "svc/access/token.h"

enum binding_text {
	BINDING_CONTACT,
	BINDING_INSTANCE, /* empty if not given */
	BINDING_CALL_ID,
	BINDING_USER_AGENT,
	BINDING_PATH,
	BINDING_N_TEXTS
};

/* What a REGISTER, or a row of the store, says of an endpoint; borrows the texts. */
struct binding_data {
	uint64_t endpoint;
	struct token_hint hint;
	uint64_t credential; /* that its last REGISTER was authenticated with */
	usec_t since;        /* wall clock of the first REGISTER */
	uint32_t cseq;
	uint32_t reg_id; /* RFC 5626; 0 if not given */
	uint16_t q;      /* thousandths */
	bool stored;     /* a row in the store holds it */
	bool gruu;       /* it understands RFC 5627 and has an instance */
	bool lync;       /* it speaks the Lync dialect */
	struct str text[BINDING_N_TEXTS];
};

struct binding {
	struct binding *next; /* of the user, oldest first */
	struct home_user *user;
	struct tick expiry;
	union {
		struct {
			struct map_node by_flow;
			uint64_t flow;
		} stream;
		struct {
			uint8_t packed[18];
			uint32_t scope; /* of a link-local IPv6 address */
		} peer;
	};
	uint64_t endpoint, credential;
	usec_t since;
	uint32_t cseq, reg_id;
	uint16_t q;
	uint16_t len[BINDING_N_TEXTS];
	uint8_t reach, slot, sock; /* of the hint; reach says what the union holds */
	uint8_t peer_len;
	bool stored : 1, gruu : 1, lync : 1;
	char texts[];
};

struct home_user {
	struct map_node node;
	uint64_t account;
	struct binding *first;
	uint16_t n; /* bindings */
	uint16_t aor_len;
	char aor[];
};

/* All bindings of the user u, oldest first; the body may free the current one. */
#define binding_for(b, u)                                                                       \
	for (struct binding *b = (u)->first, *b##_next = NULL; b && (b##_next = b->next, true); \
	     b = b##_next)

/* "alice@example.test" */
static inline struct str home_user_aor(const struct home_user *u)
{
	return str_n(u->aor, u->aor_len);
}

/* A binding of nobody, without expiry.  Texts over 64 kB are cut. */
struct binding *binding_new(const struct binding_data *d);
/* Valid as long as the binding. */
struct str binding_text(const struct binding *b, enum binding_text which);
bool binding_has_texts(const struct binding *b, const struct binding_data *d);
/* Where it was reached last. */
struct token_hint binding_hint(const struct binding *b);
/* Overwrites also the place of `stream.by_flow`. */
void binding_set_hint(struct binding *b, const struct token_hint *h);
/* Seconds until it ends, rounded; 0 if it should be gone. */
uint32_t binding_left_s(const struct binding *b, usec_t now);
