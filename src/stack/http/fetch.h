/* One request to one "https://" URL of a stranger: looks the name up, connects, asks, and lets go
 * of it all.  For now and then: nothing is kept for the next one.  Redirects are not followed. */
#pragma once

#include "loop/dns.h"
#include "stack/http/client.h"

struct http_fetch; /* opaque; one under way */

struct http_fetch_config {
	struct dns *dns;        /* borrowed */
	struct tls_client *tls; /* its reference is taken */
	struct str url;
	struct http_call_config call; /* target is the URL's; copied */
};

/* The end, exactly once, from the loop; see http_call_ops.done().  The fetch is gone when it
 * returns.  Also -EHOSTUNREACH: the name has no address. */
typedef void http_fetch_fn(void *arg, const struct http_result *r);

/* NULL: it is no URL. */
struct http_fetch *http_fetch_new(struct loop *l, const struct http_fetch_config *cfg,
                                  http_fetch_fn *fn, void *arg) MUST_CHECK;
/* Cancels it: fn is not called. */
void http_fetch_free(struct http_fetch **fp);
