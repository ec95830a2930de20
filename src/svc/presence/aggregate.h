/* The one state of a user, out of what her devices, she herself, her calendar and her calls say
 * ([MS-PRES] section 3.3.5.3; bands: features.md F-020).  Pure rules; docs/protocols/presence.md
 * has them as a table. */
#pragma once

#include "svc/presence/publication.h"

/* Where the bands of an availability begin. */
enum {
	AVAIL_ONLINE = 3000,
	AVAIL_IDLE = 4500,
	AVAIL_BUSY = 6000,
	AVAIL_BUSY_IDLE = 7500,
	AVAIL_DND = 9000,
	AVAIL_BRB = 12000,
	AVAIL_AWAY = 15000,
	AVAIL_OFFLINE = 18000,
};
/* What is published for a band. */
enum {
	STATE_ONLINE = 3500,
	STATE_IDLE = 4500,
	STATE_BUSY = 6500,
	STATE_BUSY_IDLE = 7500,
	STATE_DND = 9500,
	STATE_BRB = 12500,
	STATE_AWAY = 15500,
	STATE_OFFLINE = 18500,
};

struct aggregate_input {
	const struct pub_table *pubs;
	uint32_t container; /* of the inputs: RICH or REDUCED */
	bool phone_online;  /* a standard phone is signed in and has not said more */
	bool signed_in;     /* any endpoint */
};
/* Texts borrow from the publications. */
struct aggregate {
	uint32_t availability;
	struct str token, custom;       /* of the activity; empty: none */
	struct str subject, location;   /* of the meeting */
	const struct publication *from; /* whose availability won; NULL: the server's */
};
struct aggregate aggregate_of(const struct aggregate_input *in);
