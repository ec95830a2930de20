/* Whom a reverse proxy speaks for: X-Forwarded-For and X-Forwarded-Proto.  Anybody can write these
 * fields; so they count as far as proxies of ours wrote them, and no further. */
#pragma once

#include "base/addr.h"
#include "wire/http/msg.h"

enum { HTTP_PROXIES_MAX = 16 /* one behind the other */ };

/* Is that address one of these proxies? */
bool http_is_proxy(const struct addr_range *own, size_t n_own, const struct addr *a);
/* Who sent the request that came from peer.  Each proxy adds at the end whom it got it from: read
 * from there, it is the first who is no proxy of ours.  Where that ends in something that is no
 * address, or there are more than HTTP_PROXIES_MAX, it is the last proxy that could be read. */
struct addr http_client_of(const struct http_msg *m, const struct addr *peer,
                           const struct addr_range *own, size_t n_own);
/* Does the nearest proxy, whose word the caller trusts, say that it got it without TLS? */
bool http_came_plain(const struct http_msg *m);
