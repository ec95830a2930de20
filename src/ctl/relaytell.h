/* What `dialtone relay test` says of a way to a relay: that it works, or what stands in the way and
 * what to do about it. */
#pragma once

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "ctl/relaytarget.h"
#include "ctl/relaytrial.h"

struct relay_tell {
	cJSON *findings; /* where it goes */
	struct arena *arena;
	struct str name;                /* that the certificate must be good for */
	uint32_t first_port, last_port; /* relayed ones */
	bool given;                     /* the credentials were brought from elsewhere */
	bool draining;                  /* the relay said so */
};

/* Adds a finding for a trial that is over. */
void relay_tell(const struct relay_tell *t, const struct relay_target *g,
                const struct trial *trial);
