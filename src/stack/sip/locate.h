/* Where a request for a URI is sent: transports, addresses and ports in the order in which they are
 * tried (RFC 3263 section 4), found by NAPTR, SRV and address records. */
#pragma once

#include "loop/dns.h"
#include "stack/sip/flow.h"

enum {
	SIP_TARGETS_MAX = 32,
	SIP_LOCATE_SERVICES_MAX = 8, /* SRV names that are asked for */
	SIP_LOCATE_HOSTS_MAX = 16,   /* host names that are asked for */
	SIP_HOST_MAX = 255,
};

/* What is looked for.  Slices are borrowed during the call. */
struct sip_locate_query {
	struct str host;      /* a name, or an address without brackets */
	uint16_t port;        /* 0: none given */
	struct str transport; /* "tcp"; empty: none given */
	bool secure;          /* sips: TLS alone */
};

struct sip_target {
	enum sip_kind kind; /* UDP, TCP or TLS */
	struct addr addr;
	char host[SIP_HOST_MAX + 1]; /* whose address it is, for people; the certificate of TLS must
	                              * name the domain that was looked for (RFC 5922) */
};

struct sip_targets {
	int err; /* 0; -ENOENT: there is no such domain, or it has no SIP; -EPROTONOSUPPORT: no such
	          * transport, or not for sips:; -ETIMEDOUT, -EIO: the DNS does not answer */
	size_t n, at; /* `at`: the one that is being tried */
	struct sip_target list[SIP_TARGETS_MAX];
};

/* The host, port and transport that a URI means (maddr and transport parameters included); -EINVAL
 * for other schemes than sip and sips. */
int sip_locate_query_of(struct sip_locate_query *ret, struct str uri) MUST_CHECK;

struct sip_locate; /* one search */
typedef void sip_locate_fn(void *arg, const struct sip_targets *found);
/* Calls fn once, never from inside this call, with what is found; freeing the search cancels it.
 * Once fn is called it frees itself.  The resolver must outlive it. */
struct sip_locate *sip_locate_new(struct loop *l, struct dns *d, const struct sip_locate_query *q,
                                  sip_locate_fn *fn, void *arg);
void sip_locate_free(struct sip_locate **lp);

/* Trying in turn (section 4.3): the target that is due; NULL if there is none (left). */
const struct sip_target *sip_targets_now(const struct sip_targets *t);
/* What came of it: the status code of the final answer; 0 for a failure of the transport or no
 * answer in time.  The next target if another one is due, to be asked in a new transaction; NULL if
 * this outcome stands. */
const struct sip_target *sip_targets_next(struct sip_targets *t, int code);
