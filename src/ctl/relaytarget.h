/* Where `dialtone relay test` goes to: the faces of this host's relay, or those of a host that is
 * named. */
#pragma once

#include "ctl/tool.h"
#include "loop/loop.h"
#include "stack/turn/client.h"

enum {
	RELAY_TARGETS_MAX = 32,
	RELAY_TARGET_ADDRS_MAX = 4, /* of a host that is named */
	RELAY_UDP_PORT = 3478,
	RELAY_TCP_PORT = 443,
};

/* One way to a relay. */
struct relay_target {
	struct addr at;
	enum turn_way way;
	int family; /* of the relayed address: AF_INET or AF_INET6 */
};

struct relay_targets {
	struct relay_target list[RELAY_TARGETS_MAX];
	size_t n;
	struct str host; /* that was named, without its port; borrows `to` */
	bool is_name;    /* it is a name of the DNS */
};

struct relay_where {
	struct str to;               /* HOST or HOST:PORT; empty: the faces */
	uint32_t udp_port, tcp_port; /* of HOST; 0: as the faces, else the well-known ones */
	const cJSON *faces;          /* of `relay status` here; NULL: there is no relay here */
};

/* All ways, each with a relayed address of IPv4.  EXIT_FINE, or EXIT_FAILED, told. */
int relay_targets_find(struct relay_targets *ret, struct loop *l,
                       const struct relay_where *w) MUST_CHECK;
/* One more, if there is room. */
void relay_targets_add(struct relay_targets *ts, const struct relay_target *one);
