/* What the files of this folder share. */
#pragma once

#include "svc/immcu/immcu.h"

/* Text that several legs wait for. */
struct immcu_text {
	struct immcu_message message;
	unsigned refs;
	size_t size; /* of the whole */
	char space[];
};

struct immcu_leg {
	struct immcu_room *room;
	struct conf_person *person;
	struct conf_endpoint *endpoint; /* whose owner this is */
	bool busy;                      /* a message is under way */
	struct immcu_text **waiting;    /* ring, NULL while nothing waits; owned */
	unsigned first, n_waiting, size;
	size_t bytes;           /* of what waits */
	uint32_t reported_cseq; /* what the focus knows */
	void *user;
};

struct immcu {
	const struct immcu_ops *ops;
	void *arg;
	uint64_t before; /* the number of the first message */
	struct map rooms;
	struct immcu_stats stats;
};

/* Makes a leg of an endpoint with a dialog. */
struct immcu_leg *immcu_leg_new(struct immcu_room *r, struct conf_person *p,
                                struct conf_endpoint *e);
/* The endpoint stays, as disconnected, until the focus was told. */
void immcu_leg_free(struct immcu_leg *leg);
/* The same after ops->end(). */
void immcu_leg_end(struct immcu_leg *leg, enum immcu_end why);
/* The focus is to be told of p, or of the room. */
void immcu_room_mark(struct immcu_room *r, struct conf_person *p);
