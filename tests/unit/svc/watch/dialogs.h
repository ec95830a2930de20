/* Subscriptions that a peer on a loopback socket makes: the server's end without a front end. */
#pragma once

#include "stack/sip/rig.h"
#include "svc/watch/sub.h"

struct dialogs {
	struct rig rig;
	struct peer *peer;
	struct subs *subs;
	bool unreachable; /* no flow leads to the peer */
	/* The SUBSCRIBE that is under way. */
	struct sub *starting;
	const struct sub_package *package;
	uint64_t account, endpoint;
	bool lync, again;
	int started; /* what sub_start() said */
	struct sub *found;
};

void dialogs_start(struct dialogs *d, enum sip_kind kind);
/* Ends all subscriptions. */
void dialogs_stop(struct dialogs *d);
/* A SUBSCRIBE that makes a dialog with these further lines; what sub_start() says. */
int dialogs_subscribe(struct dialogs *d, struct sub *s, const struct sub_package *p,
                      const char *call_id, const char *lines);
/* A SUBSCRIBE inside of one: what sub_find() found for that number. */
struct sub *dialogs_refresh(struct dialogs *d, const struct sub *s, const struct ask *a);
/* Takes a NOTIFY and answers it; false if there is none. */
bool dialogs_answer(struct dialogs *d, int code);
