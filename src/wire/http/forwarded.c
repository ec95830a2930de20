#include "wire/http/forwarded.h"

bool http_is_proxy(const struct addr_range *own, size_t n_own, const struct addr *a)
{
	for (size_t i = 0; i < n_own; i++)
		if (addr_range_has(&own[i], a))
			return true;
	return false;
}

/* The last items of all fields with the id, each a comma list, whose empty items are none (RFC 9110
 * section 5.6.1.2). */
struct tail {
	struct str item[HTTP_PROXIES_MAX];
	size_t n; /* of all that there were */
};

static struct tail tail_of(const struct http_msg *m, enum http_hdr_id id)
{
	struct tail t = { .n = 0 };
	for (const struct http_hdr *h = http_first(m, id); h; h = http_next(m, h)) {
		struct str one, rest = http_hdr_value(m, h);
		while (rest.len > 0) {
			(void)str_cut(rest, ',', &one, &rest);
			t.item[t.n % ARRAY_SIZE(t.item)] = str_trim(one);
			t.n += str_trim(one).len > 0;
		}
	}
	return t;
}

/* With a port or without; some proxies write one. */
static bool read_addr(struct addr *ret, struct str text)
{
	struct addr a;
	if (addr_parse(&a, text, 0) < 0 && addr_parse_port(&a, text) < 0)
		return false;
	addr_set_port(&a, 0);
	if (addr_is_any(&a) || addr_is_multicast(&a))
		return false;
	*ret = a;
	return true;
}

struct addr http_client_of(const struct http_msg *m, const struct addr *peer,
                           const struct addr_range *own, size_t n_own)
{
	struct addr client = *peer;
	if (!http_is_proxy(own, n_own, peer))
		return client;
	struct tail t = tail_of(m, HTTP_H_X_FORWARDED_FOR);
	size_t n = MIN(t.n, ARRAY_SIZE(t.item));
	for (size_t i = 1; i <= n && read_addr(&client, t.item[(t.n - i) % ARRAY_SIZE(t.item)]);
	     i++)
		if (!http_is_proxy(own, n_own, &client))
			break;
	return client;
}

bool http_came_plain(const struct http_msg *m)
{
	struct tail t = tail_of(m, HTTP_H_X_FORWARDED_PROTO);
	return t.n > 0 && !str_ieq(t.item[(t.n - 1) % ARRAY_SIZE(t.item)], STR("https"));
}
