/* One way to a relay, tried as clients use it: two allocations, data from one to the other through
 * the relay, and an answer back. */
#pragma once

#include "stack/turn/client.h"

enum {
	TRIAL_TRIES = 4,      /* of a request: 12 s without an answer */
	TRIAL_OPEN_S = 8,     /* of a connection */
	TRIAL_DATA_S = 5,     /* each way */
	TRIAL_AGAIN_MS = 300, /* data may be lost */
	TRIAL_TOKEN_LEN = 24,
};

enum trial_state {
	TRIAL_OPENING,
	TRIAL_ALLOCATING,
	TRIAL_PERMITTING,
	TRIAL_SENDING,
	TRIAL_ANSWERING,
	TRIAL_WORKS,
	TRIAL_FAILED,       /* failure and why say how */
	TRIAL_NOTHING_CAME, /* of what was sent to the other relayed address */
	TRIAL_NO_ANSWER_CAME,
};

struct trial;
struct trial_side {
	struct trial *trial;
	struct turn_client *client;
	struct turn_allocation allocation;
	bool open; /* there is one at the relay */
};

struct trial {
	struct loop *loop;
	struct turn_client_config cfg; /* texts are borrowed */
	enum trial_state state;
	unsigned n_ready;           /* sides that are through with the state */
	struct trial_side sides[2]; /* who sends, who answers */
	char token[TRIAL_TOKEN_LEN];
	struct timer again;
	usec_t until;
	struct turn_failure failure;
	char why[TURN_CLIENT_WHY_MAX];
};

/* Begins; cfg.tries and cfg.open_s are those above. */
void trial_start(struct trial *t, struct loop *l, const struct turn_client_config *cfg);
static inline bool trial_is_over(const struct trial *t)
{
	return t->state >= TRIAL_WORKS;
}
/* Once it is over: releases what it has at the relay, and says whether that has been answered. */
bool trial_is_clean(struct trial *t);
void trial_free(struct trial *t);
