/* A ticket: the number of a row and a secret, of which the row keeps the hash alone.  Those of
 * log-ins (logins.h) and of app tokens (tokens.h). */
#pragma once

#include "base/str.h"

enum {
	TICKET_LEN = 43, /* bytes of its text: 8 of number and 24 of secret, base64url */
	TICKET_HASH_LEN = 32,
};

struct ticket {
	uint64_t number;
	uint8_t hash[TICKET_HASH_LEN];
};

/* -EBADMSG: it is none. */
int ticket_read(struct ticket *ret, struct str text) MUST_CHECK;
/* A new one of that number; its text is without NUL. */
void ticket_make(struct ticket *ret, char ret_text[TICKET_LEN], uint64_t number);
/* Is that the hash which the row keeps? */
bool ticket_is(const struct ticket *t, struct str hash);
