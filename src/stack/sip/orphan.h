/* Ending a dialog that nobody owns: a 2xx came to an INVITE whose caller has gone. */
#pragma once

#include "stack/sip/txn.h"

/* Composes ACK or BYE (RFC 3261 sections 13.2.2.4 and 15.1.1) for the dialog that `invite`, as we
 * sent it on flow f, and its 2xx made.  The first n_ours entries of the route set are ours and are
 * left out.  In the scratch buffer of the transport. */
struct str orphan_request(struct sip_stack *s, struct sip_flow *f, struct str invite,
                          const struct sip_msg *ok, enum sip_method method, unsigned n_ours,
                          const char *branch);
