/* Listeners with a policy of their own: which of them ask phones for Digest by SHA-256. */
#pragma once

#include "base/addr.h"
#include "topo/topo.h"

struct access_listeners {
	size_t n;
	struct addr at[TOPO_LISTENS_MAX];
};

/* Reads a list "192.0.2.1:5061, [::1]:5061" as it stands in the role's section (ports without the
 * port-offset).  0; -EINVAL with a line in `errors` for what is no listener of the role. */
int access_listeners_read(struct access_listeners *ret, const struct topo *t,
                          const struct topo_role *r, struct str list,
                          struct buf *errors) MUST_CHECK;
/* True if what came in at this local address came in at one of them. */
bool access_listeners_have(const struct access_listeners *l, const struct addr *local);
