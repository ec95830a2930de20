#include "wire/http/url.h"

#include <errno.h>

#include "wire/http/target.h"

enum { HTTPS_PORT = 443 };

static struct str bare(struct str host)
{
	return host.len > 2 && host.p[0] == '[' ? str_sub(host, 1, host.len - 2) : host;
}

int http_url_parse(struct http_url *ret, struct str s)
{
	static const struct str scheme = STR_INIT("https://");
	struct http_msg m = { .method = HTTP_GET };
	uint32_t port = HTTPS_PORT;
	if (s.len > HTTP_ABSOLUTE_MAX || !str_istarts(s, scheme) || str_chr(s, '#') >= 0)
		return -EBADMSG;
	struct str rest = str_sub(s, scheme.len, s.len);
	size_t n = 0;
	while (n < rest.len && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	if (http_target_parse(&m, s) < 0 ||
	    (m.port.len > 0 && str_to_u32(m.port, UINT16_MAX, &port) < 0) || port == 0)
		return -EBADMSG;
	*ret = (struct http_url){ .authority = str_sub(rest, 0, n),
		                  .host = bare(m.host),
		                  .port = (uint16_t)port,
		                  .path = m.path,
		                  .query = m.query };
	return 0;
}
