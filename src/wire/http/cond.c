#include "wire/http/cond.h"

/* Codings. */

/* "0.5" in thousandths (RFC 9110 section 12.4.2); what is broken is 0. */
static unsigned weight_of(struct str q)
{
	uint32_t whole, part = 0;
	struct str left, right;
	bool has_point = str_cut(q, '.', &left, &right);
	if (str_to_u32(left, 1, &whole) < 0 || left.len != 1 || right.len > 3)
		return 0;
	if (has_point && right.len > 0 && str_to_u32(right, 999, &part) < 0)
		return 0;
	for (size_t i = right.len; i < 3; i++)
		part *= 10;
	return MIN(whole * HTTP_WEIGHT_MAX + part, (unsigned)HTTP_WEIGHT_MAX);
}

static unsigned element_weight(struct str params)
{
	struct str one;
	while (params.len > 0) {
		(void)str_cut(params, ';', &one, &params);
		one = str_trim(one);
		if (str_istarts(one, STR("q=")))
			return weight_of(str_sub(one, 2, one.len));
	}
	return HTTP_WEIGHT_MAX;
}

/* -1: not said. */
static int find_coding(const struct http_msg *m, struct str coding)
{
	int any = -1, n = 0;
	for (const struct http_hdr *h = http_first(m, HTTP_H_ACCEPT_ENCODING); h;
	     h = http_next(m, h)) {
		struct str rest = http_hdr_value(m, h), one, name;
		while (rest.len > 0 && n++ < HTTP_LIST_MAX) {
			(void)str_cut(rest, ',', &one, &rest);
			(void)str_cut(one, ';', &name, &one);
			name = str_trim(name);
			if (str_ieq(name, coding))
				return (int)element_weight(one);
			if (str_eq(name, STR("*")))
				any = (int)element_weight(one);
		}
	}
	return any;
}

unsigned http_coding_weight(const struct http_msg *m, struct str coding)
{
	int w = find_coding(m, coding);
	return w >= 0 ? (unsigned)w : str_ieq(coding, STR("identity"));
}

/* Entity tags. */

/* Takes the next tag off the front of a list; false at its end, or where it is broken. */
static bool next_etag(struct scan *sc, struct str *ret, bool *ret_weak)
{
	scan_blanks(sc);
	while (scan_char(sc, ','))
		scan_blanks(sc);
	*ret_weak = scan_char(sc, 'W');
	if (*ret_weak && !scan_char(sc, '/'))
		return false;
	const char *from = sc->p;
	if (!scan_char(sc, '"'))
		return false;
	(void)scan_until(sc, "\"");
	if (!scan_char(sc, '"'))
		return false;
	*ret = str_n(from, (size_t)(sc->p - from));
	return true;
}

bool http_etag_in(const struct http_msg *m, enum http_hdr_id id, struct str etag, bool strong)
{
	int n = 0;
	for (const struct http_hdr *h = http_first(m, id); h; h = http_next(m, h)) {
		struct str one, value = http_hdr_value(m, h);
		struct scan sc = scan_of(value);
		bool weak;
		if (str_eq(value, STR("*")))
			return true;
		while (n++ < HTTP_LIST_MAX && next_etag(&sc, &one, &weak))
			if (str_eq(one, etag) && !(weak && strong))
				return true;
	}
	return false;
}

/* Ranges. */

static enum http_range part(uint64_t from, uint64_t last, uint64_t len, uint64_t *ret_from,
                            uint64_t *ret_n)
{
	if (from >= len)
		return HTTP_RANGE_OUT;
	*ret_from = from;
	*ret_n = MIN(last, len - 1) - from + 1;
	return HTTP_RANGE_PART;
}

enum http_range http_range_of(const struct http_msg *m, uint64_t len, uint64_t *ret_from,
                              uint64_t *ret_n)
{
	const struct http_hdr *h = http_first(m, HTTP_H_RANGE);
	uint64_t first, last = INT64_MAX;
	struct str spec, left, right;
	if (!h || http_next(m, h) || !str_istarts(http_hdr_value(m, h), STR("bytes=")))
		return HTTP_RANGE_NONE;
	spec = str_trim(str_sub(http_hdr_value(m, h), 6, SIZE_MAX));
	if (!str_cut(spec, '-', &left, &right) || (left.len == 0 && right.len == 0))
		return HTTP_RANGE_NONE;
	if (right.len > 0 && str_to_u64(right, INT64_MAX, &last) < 0)
		return HTTP_RANGE_NONE;
	if (left.len == 0) /* the last bytes */
		return last == 0 ? HTTP_RANGE_OUT
		                 : part(len - MIN(last, len), INT64_MAX, len, ret_from, ret_n);
	if (str_to_u64(left, INT64_MAX, &first) < 0 || first > last)
		return HTTP_RANGE_NONE;
	return part(first, last, len, ret_from, ret_n);
}

bool http_range_holds(const struct http_msg *m, struct str etag)
{
	return m->method == HTTP_GET &&
	       (!http_first(m, HTTP_H_IF_RANGE) || str_eq(http_value(m, HTTP_H_IF_RANGE), etag));
}
