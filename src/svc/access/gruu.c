#include "svc/access/gruu.h"

#include <errno.h>

#include "base/code.h"

enum { GUID_LEN = 16, GUID_TEXT = 36, OPAQUE_LEN = GUID_LEN + 2 };

static const struct str urn = STR_INIT("<urn:uuid:");
static const struct str mark = STR_INIT("user:epid:");

/* The order of a GUID in memory: its first three groups are little endian. */
static const uint8_t order[GUID_LEN] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

/* "5ccdb10d-dca1-559e-ad2b-b514060a2da2" */
static int guid_get(struct str s, uint8_t ret[GUID_LEN])
{
	char digits[2 * GUID_LEN];
	size_t n = 0;
	if (s.len != GUID_TEXT)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash != (s.p[i] == '-'))
			return -EINVAL;
		if (!dash)
			digits[n++] = s.p[i];
	}
	return hex_get(str_n(digits, n), ret, GUID_LEN);
}

static void guid_put(struct buf *b, const uint8_t guid[GUID_LEN])
{
	for (size_t i = 0; i < GUID_LEN; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buf_char(b, '-');
		hex_put(b, guid + i, 1);
	}
}

int gruu_put(struct buf *b, struct str aor, struct str instance)
{
	uint8_t guid[GUID_LEN], raw[OPAQUE_LEN] = { 0 };
	if (!str_istarts(instance, urn) || !str_ends(instance, STR(">")) ||
	    guid_get(str_sub(instance, urn.len, instance.len - urn.len - 1), guid) < 0)
		return -EINVAL;
	for (size_t i = 0; i < GUID_LEN; i++)
		raw[i] = guid[order[i]];
	buf_lit(b, "sip:");
	buf_str(b, aor);
	buf_lit(b, ";opaque=");
	buf_str(b, mark);
	base64url_put(b, raw, sizeof(raw));
	buf_lit(b, ";gruu");
	return 0;
}

int gruu_get(const struct sip_uri *u, struct buf *ret_instance)
{
	char binary[OPAQUE_LEN + 1];
	struct buf raw = BUF_ON(binary);
	uint8_t guid[GUID_LEN];
	struct str opaque;
	if (!sip_param(u->params, STR("gruu"), NULL) ||
	    !sip_param(u->params, STR("opaque"), &opaque) || !str_istarts(opaque, mark) ||
	    base64url_get(str_sub(opaque, mark.len, opaque.len), &raw) < 0 || raw.len != OPAQUE_LEN)
		return -ENOENT;
	for (size_t i = 0; i < GUID_LEN; i++)
		guid[order[i]] = (uint8_t)raw.p[i];
	buf_str(ret_instance, urn);
	guid_put(ret_instance, guid);
	buf_char(ret_instance, '>');
	return 0;
}
