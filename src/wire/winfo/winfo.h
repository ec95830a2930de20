/* Who watches a resource: documents of watcher information (RFC 3858), the bodies of the package
 * RFC 3857. */
#pragma once

#include "base/buf.h"

/* RFC 3857 section 4.7.1. */
enum winfo_status { WINFO_PENDING, WINFO_ACTIVE, WINFO_WAITING, WINFO_TERMINATED };

/* What brought the watcher there. */
enum winfo_event {
	WINFO_SUBSCRIBE,
	WINFO_APPROVED,
	WINFO_DEACTIVATED,
	WINFO_PROBATION,
	WINFO_REJECTED,
	WINFO_TIMEOUT,
	WINFO_GIVEUP,
	WINFO_NORESOURCE,
};

struct winfo_watcher {
	struct str id; /* the same as long as the subscription lives */
	struct str uri;
	struct str display_name; /* empty if unknown */
	enum winfo_status status;
	enum winfo_event event;
	bool has_duration, has_expiration;
	uint32_t duration_s;   /* since it subscribed */
	uint32_t expiration_s; /* that are left */
};

struct winfo {
	uint32_t version; /* counts up by one within the subscription */
	bool full;        /* all watchers, or those alone that changed */
	struct str resource, package;
	const struct winfo_watcher *watchers;
	unsigned n_watchers;
};

/* Appends the document, with one watcher list. */
void winfo_put(struct buf *b, const struct winfo *w);
