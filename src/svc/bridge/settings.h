/* What can be set for the media bridge: [role media-bridge] in topology.conf. */
#pragma once

#include "topo/topo.h"

struct bridge_settings {
	uint32_t port_min, port_max; /* as written, without the host's port-offset */
	uint32_t calls_max, user_calls_max;
};

extern const struct setting bridge_settings[];

/* Reads them and checks what belongs together, for a role in n_slots processes.  The ports have the
 * host's offset then, port_min is even, port_max the last port.  0, or -EINVAL with lines in `why`.
 */
int bridge_settings_read(struct bridge_settings *ret, const struct topo *t,
                         const struct topo_role *r, uint32_t n_slots, struct buf *why) MUST_CHECK;
