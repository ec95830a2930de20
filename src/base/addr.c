#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

/* As inet_pton(): four decimal numbers without zeros in front. */
static bool parse_v4(struct str s, uint8_t ret[4])
{
	size_t i = 0;
	for (int part = 0; part < 4; part++) {
		size_t from = i;
		unsigned v = 0;
		for (; i < s.len && i - from < 3 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
			v = v * 10 + (unsigned)(s.p[i] - '0');
		if (i == from || v > 255 || (s.p[from] == '0' && i - from > 1))
			return false;
		ret[part] = (uint8_t)v;
		if (part < 3 && (i == s.len || s.p[i++] != '.'))
			return false;
	}
	return i == s.len;
}

static bool parse_v6(struct str s, struct in6_addr *ret)
{
	char text[INET6_ADDRSTRLEN];
	if (s.len == 0 || s.len >= sizeof(text) || str_chr(s, '\0') >= 0)
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	return inet_pton(AF_INET6, text, ret) == 1;
}

int addr_parse(struct addr *ret, struct str host, uint16_t port)
{
	struct addr a = { .in6 = { .sin6_family = AF_UNSPEC } };
	bool brackets = host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']';
	if (brackets)
		host = str_sub(host, 1, host.len - 2);
	if (!brackets && parse_v4(host, (uint8_t *)&a.in4.sin_addr))
		a.in4.sin_family = AF_INET;
	else if (parse_v6(host, &a.in6.sin6_addr))
		a.in6.sin6_family = AF_INET6;
	else
		return -EINVAL;
	addr_set_port(&a, port);
	*ret = a;
	return 0;
}

int addr_parse_port(struct addr *ret, struct str host_port)
{
	uint32_t port;
	ssize_t colon = str_rchr(host_port, ':');
	if (colon < 0)
		return -EINVAL;
	struct str host = str_sub(host_port, 0, (size_t)colon);
	if (str_to_u32(str_sub(host_port, (size_t)colon + 1, host_port.len), UINT16_MAX, &port) < 0)
		return -EINVAL;
	if (str_chr(host, ':') >= 0 && host.p[0] != '[')
		return -EINVAL;
	return addr_parse(ret, host, (uint16_t)port);
}

int addr_from_sockaddr(struct addr *ret, const struct sockaddr *sa, size_t len)
{
	struct addr a = { .in6 = { .sin6_family = AF_UNSPEC } };
	if (len < sizeof(sa->sa_family))
		return -EINVAL;
	if (sa->sa_family == AF_INET && len >= sizeof(a.in4))
		memcpy(&a.in4, sa, sizeof(a.in4));
	else if (sa->sa_family == AF_INET6 && len >= sizeof(a.in6))
		memcpy(&a.in6, sa, sizeof(a.in6));
	else
		return -EINVAL;
	*ret = a;
	return 0;
}

socklen_t addr_len(const struct addr *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in4);
}

uint16_t addr_port(const struct addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in4.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in4.sin_port = htons(port);
}

/* The bytes of the host, 4 or 16 (RFC 4291, section 2.5.5.2: a mapped address is the IPv4 one);
 * none for an address that is not set. */
static struct bytes host_bytes(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return (struct bytes){ (const uint8_t *)&a->in4.sin_addr, 4 };
	if (a->sa.sa_family != AF_INET6)
		return (struct bytes){ NULL, 0 };
	const uint8_t *p = a->in6.sin6_addr.s6_addr;
	if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return (struct bytes){ p + 12, 4 };
	return (struct bytes){ p, 16 };
}

bool addr_eq_host(const struct addr *a, const struct addr *b)
{
	struct bytes x = host_bytes(a), y = host_bytes(b);
	return str_eq(str_from_bytes(x), str_from_bytes(y));
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return addr_port(a) == addr_port(b) && addr_eq_host(a, b);
}

bool addr_is_loopback(const struct addr *a)
{
	struct bytes h = host_bytes(a);
	if (h.len == 4)
		return h.p[0] == 127;
	return h.len == 16 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

static bool is_private4(const uint8_t *p)
{
	return p[0] == 10 || (p[0] == 172 && p[1] >> 4 == 1) || (p[0] == 192 && p[1] == 168) ||
	       (p[0] == 169 && p[1] == 254);
}

bool addr_is_private(const struct addr *a)
{
	struct bytes h = host_bytes(a);
	if (addr_is_loopback(a))
		return true;
	if (h.len == 4)
		return is_private4(h.p);
	return h.len == 16 && (h.p[0] >> 1 == 0xfc >> 1 || (h.p[0] == 0xfe && h.p[1] >> 6 == 2));
}

/* Mapped, compatible, translated, NAT64, Teredo, 6to4.  NAT64's prefixes are two (RFC 6052, RFC
 * 8215) in a block that has nothing else; translated ones are ::ffff:0:0:0/96 (RFC 7915), Teredo's
 * 2001::/32 (RFC 4380). */
static bool holds_ipv4(const struct addr *a)
{
	static const uint8_t nat64[4] = { 0x00, 0x64, 0xff, 0x9b };
	static const uint8_t teredo[4] = { 0x20, 0x01 };
	static const uint8_t translated[12] = { [8] = 0xff, [9] = 0xff };
	const uint8_t *p = a->in6.sin6_addr.s6_addr;
	return IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr) || IN6_IS_ADDR_V4COMPAT(&a->in6.sin6_addr) ||
	       memcmp(p, translated, sizeof(translated)) == 0 ||
	       memcmp(p, nat64, sizeof(nat64)) == 0 || memcmp(p, teredo, sizeof(teredo)) == 0 ||
	       (p[0] == 0x20 && p[1] == 0x02);
}

/* 0.0.0.0/8, 100.64.0.0/10 (RFC 6598), 192.0.0.0/24, 198.18.0.0/15 (RFC 2544) and 240.0.0.0/4. */
static bool is_special4(const struct addr *a)
{
	uint32_t v = ntohl(a->in4.sin_addr.s_addr);
	return v >> 24 == 0 || v >> 22 == 0x64400000 >> 22 || v >> 8 == 0xc00000 ||
	       v >> 17 == 0xc6120000 >> 17 || v >> 28 == 0xf;
}

/* fec0::/10 (RFC 3879). */
static bool is_special6(const struct addr *a)
{
	const uint8_t *p = a->in6.sin6_addr.s6_addr;
	return p[0] == 0xfe && p[1] >> 6 == 3;
}

bool addr_is_public(const struct addr *a)
{
	if (addr_is_private(a) || addr_is_any(a) || addr_is_multicast(a))
		return false;
	return a->sa.sa_family == AF_INET    ? !is_special4(a)
	       : a->sa.sa_family == AF_INET6 ? !is_special6(a) && !holds_ipv4(a)
	                                     : false;
}

bool addr_is_any(const struct addr *a)
{
	struct bytes h = host_bytes(a);
	for (size_t i = 0; i < h.len; i++)
		if (h.p[i] != 0)
			return false;
	return h.len > 0;
}

bool addr_is_multicast(const struct addr *a)
{
	struct bytes h = host_bytes(a);
	if (h.len == 4)
		return h.p[0] >> 4 == 14 || memcmp(h.p, "\xff\xff\xff\xff", 4) == 0;
	return h.len == 16 && h.p[0] == 0xff;
}

/* Four decimal numbers: the common case, without inet_ntop(). */
static void put_v4(struct buf *b, const uint8_t *p)
{
	char text[4 * 4], *to = text;
	for (int i = 0; i < 4; i++) {
		if (p[i] >= 100)
			*to++ = (char)('0' + p[i] / 100);
		if (p[i] >= 10)
			*to++ = (char)('0' + p[i] / 10 % 10);
		*to++ = (char)('0' + p[i] % 10);
		*to++ = '.';
	}
	buf_put(b, text, (size_t)(to - text - 1));
}

void addr_put_bare(struct buf *b, const struct addr *a)
{
	char text[INET6_ADDRSTRLEN];
	struct bytes h = host_bytes(a);
	if (h.len == 0) {
		buf_char(b, '-');
	} else if (h.len == 4) {
		put_v4(b, h.p);
	} else {
		(void)inet_ntop(AF_INET6, h.p, text, sizeof(text));
		buf_str(b, str_of(text));
	}
}

void addr_put_host(struct buf *b, const struct addr *a)
{
	bool v6 = host_bytes(a).len == 16;
	if (v6)
		buf_char(b, '[');
	addr_put_bare(b, a);
	if (v6)
		buf_char(b, ']');
}

void addr_put(struct buf *b, const struct addr *a)
{
	addr_put_host(b, a);
	buf_char(b, ':');
	buf_dec(b, addr_port(a));
}

size_t addr_pack(const struct addr *a, uint8_t ret[18])
{
	struct bytes h = host_bytes(a);
	uint16_t port = addr_port(a);
	if (h.len > 0)
		memcpy(ret, h.p, h.len);
	ret[h.len] = (uint8_t)(port >> 8);
	ret[h.len + 1] = (uint8_t)port;
	return h.len + 2;
}

int addr_unpack(struct addr *ret, struct bytes b)
{
	struct addr a = { .in6 = { .sin6_family = AF_UNSPEC } };
	if (b.len == 4 + 2) {
		a.in4.sin_family = AF_INET;
		memcpy(&a.in4.sin_addr, b.p, 4);
	} else if (b.len == 16 + 2) {
		a.in6.sin6_family = AF_INET6;
		memcpy(&a.in6.sin6_addr, b.p, 16);
	} else {
		return -EINVAL;
	}
	addr_set_port(&a, (uint16_t)(b.p[b.len - 2] << 8 | b.p[b.len - 1]));
	*ret = a;
	return 0;
}

/* --- networks ------------------------------------------------------------------------------ */

struct addr_range addr_range_of(const struct addr *a)
{
	return (struct addr_range){ *a, a->sa.sa_family == AF_INET6 ? 128 : 32 };
}

int addr_range_parse(struct addr_range *ret, struct str text)
{
	struct str host, bits;
	struct addr a;
	uint32_t n;
	bool given = str_cut(text, '/', &host, &bits);
	if (addr_parse(&a, host, 0) < 0)
		return -EINVAL;
	struct addr_range g = addr_range_of(&a);
	if (given && str_to_u32(bits, g.bits, &n) < 0)
		return -EINVAL;
	g.bits = given ? n : g.bits;
	*ret = g;
	return 0;
}

bool addr_range_has(const struct addr_range *g, const struct addr *a)
{
	struct bytes net = host_bytes(&g->net), host = host_bytes(a);
	if (net.len == 0 || host.len != net.len)
		return false;
	size_t whole = MIN(g->bits / 8, net.len);
	unsigned rest = g->bits % 8;
	if (memcmp(net.p, host.p, whole) != 0)
		return false;
	return whole == net.len || rest == 0 || (net.p[whole] ^ host.p[whole]) >> (8 - rest) == 0;
}
