/* The dialogs of a conference's legs on the wire: what an INVITE makes, and requests inside it (RFC
 * 3261 section 12).  The focus and the MCUs are always the end that was called. */
#pragma once

#include "base/arena.h"
#include "stack/sip/txn.h"
#include "wire/confinfo/confinfo.h"

/* The dialog that an INVITE makes with our tag.  Texts lie in the arena.  -EBADMSG: it names nobody
 * to whom requests could go. */
int conf_dialog_of(struct confinfo_leg *ret, struct arena *a, const struct sip_msg *m,
                   struct str tag) MUST_CHECK;
/* Is the request of this dialog: Call-ID and both tags? */
bool conf_dialog_has(const struct confinfo_leg *leg, const struct sip_msg *m);

struct conf_request {
	enum sip_method method;
	struct str local;   /* URI of our end */
	struct str display; /* its name for people; empty: none */
	struct str route;   /* a Route value before those of the dialog; empty: none */
	uint32_t cseq;
	const struct sip_flow *flow;
	const char *branch;
};
/* Appends the start line and the fields of every request; the caller adds its own and the body. */
void conf_dialog_put(struct buf *b, const struct confinfo_leg *leg, const struct conf_request *r);
