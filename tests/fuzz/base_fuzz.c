/* Text forms of base: what decodes must encode to the same text again, and nothing may crash. */
#include <stdlib.h>

#include "base/addr.h"
#include "base/code.h"
#include "base/isotime.h"
#include "base/rd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void base64(struct str in)
{
	auto_(buf_free) struct buf raw = buf_of(in.len), text = buf_of(in.len + 4);
	if (base64_get(in, &raw) == 0) {
		require(!raw.full);
		base64_put(&text, raw.p, raw.len);
		require(str_eq(buf_view(&text), in));
	}
	require(raw.len <= in.len);
	buf_free(&raw);
	buf_free(&text);
	if (base64url_get(in, &raw) == 0) {
		base64url_put(&text, raw.p, raw.len);
		require(str_starts(in, buf_view(&text)));
	}
}

static void address(struct str in)
{
	struct addr a, b;
	uint8_t packed[18];
	auto_(buf_free) struct buf text = buf_of(64);
	if (addr_parse_port(&a, in) < 0)
		return;
	addr_put(&text, &a);
	require(!text.full && addr_parse_port(&b, buf_view(&text)) == 0 && addr_eq(&a, &b));
	require(addr_unpack(&b, (struct bytes){ packed, addr_pack(&a, packed) }) == 0);
	require(addr_eq(&a, &b));
}

/* The longest escape is \uXXXX. */
static void json(struct str in)
{
	auto_(buf_free) struct buf out = buf_of(6 * in.len + 2);
	json_put_str(&out, in);
	require(!out.full && out.len >= 2 && out.p[out.len - 1] == '"');
	for (struct str s = buf_view(&out); s.len > 0;) {
		size_t n = utf8_seq_len(s);
		require(n > 0 && (uint8_t)*s.p >= ' ');
		s = str_sub(s, n, s.len);
	}
}

static void slices(struct str in)
{
	struct scan sc = scan_of(in);
	struct rd r = rd_of(bytes_of(in));
	struct str head, tail;
	uint64_t v;
	while (sc.p < sc.end) {
		scan_blanks(&sc);
		(void)scan_until(&sc, " ;");
		(void)scan_char(&sc, ';');
	}
	while (rd_left(&r) > 0 && !r.bad)
		(void)rd_str16(&r);
	require(str_cut(in, '=', &head, &tail) == (str_chr(in, '=') >= 0));
	require(head.len + tail.len + (head.len < in.len) == in.len);
	(void)str_trim(in);
	require(str_to_u64(in, UINT64_MAX, &v) <= 0);
}

/* A moment that was read is written so that it is read as the same. */
static void moment(struct str in)
{
	char text[64];
	struct buf b = BUF_ON(text);
	usec_t t, again;
	if (isotime_parse(&t, in) < 0)
		return;
	isotime_put(&b, t);
	require(isotime_parse(&again, buf_view(&b)) == 0 && again == t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_n((const char *)data, size);
	uint8_t raw[16];
	base64(in);
	address(in);
	json(in);
	moment(in);
	slices(in);
	require(hex_get(in, raw, sizeof(raw)) <= 0);
	return 0;
}
