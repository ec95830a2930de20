/* An internet address and port, IPv4 or IPv6. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/buf.h"

struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	};
};

/* Numeric host (with or without brackets) and port; -EINVAL for anything else. */
int addr_parse(struct addr *ret, struct str host, uint16_t port) MUST_CHECK;
/* "1.2.3.4:5", "[::1]:5"; -EINVAL. */
int addr_parse_port(struct addr *ret, struct str host_port) MUST_CHECK;
int addr_from_sockaddr(struct addr *ret, const struct sockaddr *sa, size_t len) MUST_CHECK;
socklen_t addr_len(const struct addr *a);
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
bool addr_eq(const struct addr *a, const struct addr *b);      /* address and port */
bool addr_eq_host(const struct addr *a, const struct addr *b); /* address alone */
bool addr_is_loopback(const struct addr *a);
/* RFC 1918, RFC 4193, link-local, loopback. */
bool addr_is_private(const struct addr *a);
/* Of a host that the Internet reaches: none of those, none of a special purpose, and no address of
 * IPv6 that has one of IPv4 in it, which would be another way to that. */
bool addr_is_public(const struct addr *a);
bool addr_is_any(const struct addr *a);
bool addr_is_multicast(const struct addr *a); /* or IPv4's broadcast to all */
/* Host alone; IPv6 in brackets.  IPv4-mapped IPv6 is written as IPv4. */
void addr_put_host(struct buf *b, const struct addr *a);
void addr_put(struct buf *b, const struct addr *a); /* with the port */
/* Address (and port) as bytes for hashing and tokens: 4+2 or 16+2. */
size_t addr_pack(const struct addr *a, uint8_t ret[18]);
int addr_unpack(struct addr *ret, struct bytes b) MUST_CHECK;
/* Host alone, IPv6 without brackets: as in Via's received (RFC 3261 section 25.1). */
void addr_put_bare(struct buf *b, const struct addr *a);

/* Addresses: of one host, or of a network. */
struct addr_range {
	struct addr net;
	unsigned bits; /* of the prefix */
};
/* "192.0.2.1", "10.0.0.0/8", "2001:db8::/32"; -EINVAL. */
int addr_range_parse(struct addr_range *ret, struct str text) MUST_CHECK;
/* That one host. */
struct addr_range addr_range_of(const struct addr *a);
/* Is that address in it?  The port means nothing. */
bool addr_range_has(const struct addr_range *g, const struct addr *a);
