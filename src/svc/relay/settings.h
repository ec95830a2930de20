/* What can be set for the A/V edge: [role edge-av] in topology.conf. */
#pragma once

#include "svc/relay/ports.h"
#include "topo/topo.h"

struct relay_settings {
	struct str relay_addresses, external_addresses; /* as they stand there */
	struct str open_peers, closed_peers;
	struct str internal_name, external_name;
	uint32_t port_min, port_max; /* without the host's port-offset */
	uint32_t allocations_max, user_allocations_max, connections_max;
	uint32_t port_kbps, user_kbps;
	bool ocs2007;
	uint32_t credential_life_s;
};

extern const struct setting relay_settings[];
/* Those of a section without lines. */
void relay_settings_default(struct relay_settings *ret);

/* What comes of them for one process. */
struct relay_setup {
	struct relay_settings s; /* texts borrow from the topology */
	struct relay_port_range ports;
	struct relay_config engine; /* its lists are those below; without realm and key */
	struct addr_range closed[RELAY_RANGES_MAX], open[RELAY_RANGES_MAX], hosts[RELAY_HOSTS_MAX];
	struct relay_edge edges[RELAY_EDGES_MAX];
};

/* Reads and checks them, for process `slot` of n_slots.  0, or -EINVAL with lines in `why`. */
int relay_setup_read(struct relay_setup *ret, const struct topo *t, const struct topo_role *r,
                     uint32_t slot, uint32_t n_slots, struct buf *why) MUST_CHECK;
/* The relayed addresses that sockets cannot be bound on: 0, or -errno with lines in `why`, the
 * second one the remedy. */
int relay_setup_try(const struct relay_setup *s, struct buf *why) MUST_CHECK;
/* The name by which clients of the Internet or of the own network reach it. */
struct str relay_setup_name(const struct relay_setup *s, const struct topo_role *r, bool internet);
