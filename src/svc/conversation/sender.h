/* How many sessions each user has caused, so that one alone cannot take all that a process holds.
 */
#pragma once

#include "base/map.h"

/* A user who has sessions.  Opaque; lives while there are any. */
struct im_sender;

/* By address, "alice@example.test"; upper and lower case are the same. */
struct im_senders {
	struct map by_uri;
};

void im_senders_init(struct im_senders *all);
/* Every session must have been given back. */
void im_senders_done(struct im_senders *all);
/* One session more. */
struct im_sender *im_sender_take(struct im_senders *all, struct str uri);
/* One less; *sp becomes NULL. */
void im_sender_give(struct im_senders *all, struct im_sender **sp);
unsigned im_sender_sessions(const struct im_senders *all, struct str uri);
