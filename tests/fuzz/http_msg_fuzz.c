#include <assert.h>
#include <stdlib.h>

#include "wire/http/compose.h"
#include "wire/http/forwarded.h"
#include "wire/http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const struct http_msg *m, struct str v)
{
	assert(v.len == 0 || (v.p >= m->base && v.p + v.len <= m->base + m->head_len) ||
	       str_eq(v, STR("/")));
	for (size_t i = 0; i < v.len; i++)
		assert(v.p[i] != '\r' && v.p[i] != '\n' && v.p[i] != '\0');
}

static void walk(const struct http_msg *m)
{
	const struct str parts[] = { m->method_name, m->target, m->host,  m->port,
		                     m->path,        m->query,  m->reason };
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		inside(m, parts[i]);
	for (unsigned i = 0; i < m->n_hdrs; i++) {
		inside(m, http_hdr_name(m, &m->hdrs[i]));
		inside(m, http_hdr_value(m, &m->hdrs[i]));
		assert(http_is_token(http_hdr_name(m, &m->hdrs[i])));
		assert(http_value_named(m, http_hdr_name(m, &m->hdrs[i])).p);
	}
	for (int id = 1; id < HTTP_H_N_IDS; id++)
		(void)http_has_token(m, (enum http_hdr_id)id, STR("close"));
}

/* Behind proxies whose networks are half of all addresses. */
static void look_behind(const struct http_msg *m)
{
	struct addr_range own[2];
	struct addr peer = { 0 };
	assert(addr_range_parse(&own[0], STR("0.0.0.0/1")) == 0);
	assert(addr_range_parse(&own[1], STR("8000::/1")) == 0);
	assert(addr_parse(&peer, STR("10.0.0.1"), 1) == 0);
	struct addr c = http_client_of(m, &peer, own, ARRAY_SIZE(own));
	assert(c.sa.sa_family == AF_INET || c.sa.sa_family == AF_INET6);
	assert(addr_port(&c) == 0 || addr_eq(&c, &peer));
	(void)http_came_plain(m);
}

/* Written from its index it is read as the same. */
static void write_again(const struct http_msg *m)
{
	RAW_MEMORY struct http_msg again;
	auto_(buf_free) struct buf b = buf_of(2 * HTTP_HEAD_MAX);
	if (m->is_request && m->minor == 0)
		return; /* it would become HTTP/1.1 */
	if (m->is_request)
		http_put_request(&b, m->method_name, m->target);
	else
		buf_printf(&b, "HTTP/1.%d %d ", m->minor, m->status);
	if (!m->is_request)
		buf_lit(&b, "\r\n");
	for (unsigned i = 0; i < m->n_hdrs; i++)
		http_put_field(&b, http_hdr_name(m, &m->hdrs[i]), http_hdr_value(m, &m->hdrs[i]));
	http_put_end(&b);
	if (b.len > HTTP_HEAD_MAX)
		return;
	struct http_fault f = m->is_request ? http_parse_request(&again, buf_view(&b))
	                                    : http_parse_response(&again, buf_view(&b),
	                                                          (enum http_method)m->method);
	assert(f.status == 0);
	assert(again.framing == m->framing && again.body_len == m->body_len &&
	       again.keep_alive == m->keep_alive && again.n_hdrs == m->n_hdrs);
	assert(str_eq(again.host, m->host) && str_eq(again.path, m->path));
}

static void copy(const struct http_msg *m)
{
	struct http_msg *c = http_msg_copy(xmalloc(http_msg_size(m)), m);
	assert(str_eq(c->path, m->path) && str_eq(c->host, m->host));
	walk(c);
	free(c);
}

static void read_target(const struct http_msg *m)
{
	auto_(buf_free) struct buf b = buf_of(2 * HTTP_HEAD_MAX);
	struct str rest = m->query, n, v;
	if (http_path_decode(&b, m->path) == 0)
		assert(str_find(buf_view(&b), STR("/../")) < 0 && str_chr(buf_view(&b), '\0') < 0);
	while (http_query_next(&rest, &n, &v)) {
		b.len = 0;
		if (http_query_decode(&b, v) == 0)
			assert(b.len <= v.len);
	}
	(void)http_query_param(m->query, STR("sipuri"), &v);
}

/* The head comes byte by byte or at once: it ends in the same place. */
static int frame(struct str in, size_t by, uint32_t *len)
{
	struct http_framer f = { 0 };
	int r = 0;
	for (size_t end = MIN(by, in.len); r == 0; end = MIN(end + by, in.len)) {
		r = http_frame(&f, str_sub(in, 0, end), len);
		if (end == in.len)
			break;
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RAW_MEMORY struct http_msg m;
	struct str in = str_n((const char *)data, size);
	uint32_t len = 0, again = 0;
	uint64_t s;
	if (size == 0)
		return 0;
	int r = frame(in, size, &len), slow = frame(in, 7, &again);
	assert(r != 1 || (slow == 1 && len == again));
	if (http_parse_request(&m, r == 1 ? str_sub(in, 0, len) : in).status == 0) {
		walk(&m);
		copy(&m);
		read_target(&m);
		look_behind(&m);
		write_again(&m);
	}
	enum http_method of = size & 1 ? HTTP_GET : HTTP_HEAD;
	if (http_parse_response(&m, r == 1 ? str_sub(in, 0, len) : in, of).status == 0) {
		walk(&m);
		copy(&m);
		write_again(&m);
	}
	if (http_date_parse(in, &s) == 0)
		assert(size == HTTP_DATE_LEN);
	return 0;
}
