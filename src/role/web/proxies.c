#include <errno.h>

#include "role/web/wb.h"
#include "wire/http/forwarded.h"

/* How browsers reach us, if not straight: names that the topology does not know, and reverse
 * proxies, of which alone it is believed whom they speak for. */

static struct str next_item(struct str *rest)
{
	struct str item;
	(void)str_cut(*rest, ',', &item, rest);
	return str_trim(item);
}

static int say(struct buf *why, const char *key, struct str value, const char *what)
{
	buf_printf(why, "%s: \"%" STR_FMT "\" %s\n", key, STR_ARG(value), what);
	return -EINVAL;
}

int web_names_check(struct str names, struct buf *why)
{
	while (names.len > 0) {
		struct str item = next_item(&names);
		if (!topo_is_dns_name(item))
			return say(why, "names", item, "is no DNS name; write chat.example.com");
	}
	return 0;
}

int web_proxies_read(struct web_proxies *ret, struct str list, struct buf *why)
{
	ret->n = 0;
	while (list.len > 0) {
		struct str item = next_item(&list);
		if (ret->n == WEB_PROXIES_MAX)
			return say(why, "proxies", item, "is one too many");
		if (addr_range_parse(&ret->range[ret->n++], item) < 0)
			return say(why, "proxies", item,
			           "is no address and no network; write 10.1.2.3 or 10.1.0.0/16");
	}
	return 0;
}

bool web_is_named(const struct web *w, struct str host)
{
	struct str names = w->set.names;
	while (names.len > 0)
		if (str_ieq(next_item(&names), host))
			return true;
	return false;
}

struct addr web_client(const struct web *w, const struct http_exchange *x)
{
	return http_client_of(http_request(x), http_peer(x), w->proxies.range, w->proxies.n);
}

bool web_is_forwarded(const struct web *w, const struct http_exchange *x)
{
	return http_is_proxy(w->proxies.range, w->proxies.n, http_peer(x));
}
