#include "wire/opening/opening.h"

#include "base/rd.h"
#include "wire/turn/turn.h"

/* RFC 8446, sections 4, 4.1.2 and 5.1; those of TLS 1.0 to 1.2 are the same as far as we read. */
enum {
	RECORD_HEAD_LEN = 5,
	RECORD_MAX = 16 * 1024,
	RECORD_HANDSHAKE = 22,
	MESSAGE_HEAD_LEN = 4,
	MESSAGE_CLIENT_HELLO = 1,
	TLS_MAJOR = 3,
	RANDOM_LEN = 32,
	EXTENSION_NAME = 0,
	EXTENSION_PROTOCOLS = 16,
	NAME_OF_HOST = 0,
};

/* --- extensions ------------------------------------------------------------------------------ */

static struct bytes list16(struct rd *r)
{
	return bytes_of(rd_str16(r));
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.len > 0 && s.len <= OPENING_NAME_MAX;
}

static void keep_name(struct opening *o, struct str s)
{
	if (str_ends(s, STR(".")))
		s.len--;
	if (!is_name(s) || o->name_len > 0)
		return;
	for (size_t i = 0; i < s.len; i++)
		o->name[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
	o->name_len = s.len;
}

static bool read_name(struct opening *o, struct bytes in)
{
	struct rd r = rd_of(in), list;
	list = rd_of(list16(&r));
	while (rd_left(&list) > 0 && !list.bad) {
		uint8_t type = rd_u8(&list);
		struct str name = rd_str16(&list);
		if (!list.bad && type == NAME_OF_HOST)
			keep_name(o, name);
	}
	return !r.bad && !list.bad && rd_left(&r) == 0;
}

static unsigned protocol_of(struct str s)
{
	static const struct {
		struct str name;
		unsigned protocol;
	} known[] = {
		{ STR_INIT("h2"), OPENING_HTTP },
		{ STR_INIT("http/1.1"), OPENING_HTTP },
		{ STR_INIT("http/1.0"), OPENING_HTTP },
		{ STR_INIT("stun.turn"), OPENING_TURN },
		{ STR_INIT("stun.nat-discovery"), OPENING_TURN },
		{ STR_INIT("sip/2"), OPENING_SIP },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_eq(s, known[i].name))
			return known[i].protocol;
	return 0;
}

static bool read_protocols(struct opening *o, struct bytes in)
{
	struct rd r = rd_of(in), list;
	list = rd_of(list16(&r));
	while (rd_left(&list) > 0 && !list.bad) {
		struct bytes name = rd_take(&list, rd_u8(&list));
		if (!list.bad)
			o->protocols |= protocol_of(str_from_bytes(name));
	}
	return !r.bad && !list.bad && rd_left(&r) == 0;
}

static bool read_extensions(struct opening *o, struct bytes in)
{
	struct rd r = rd_of(in);
	while (rd_left(&r) > 0 && !r.bad) {
		uint16_t type = rd_u16(&r);
		struct bytes data = list16(&r);
		if (r.bad || (type == EXTENSION_NAME && !read_name(o, data)) ||
		    (type == EXTENSION_PROTOCOLS && !read_protocols(o, data)))
			return false;
	}
	return !r.bad;
}

/* --- ClientHello ----------------------------------------------------------------------------- */

static enum opening_kind read_hello(struct opening *o, struct bytes message)
{
	struct rd r = rd_of(message);
	struct bytes extensions = { NULL, 0 };
	bool is_tls = rd_u16(&r) >> 8 == TLS_MAJOR;
	(void)rd_take(&r, RANDOM_LEN);
	(void)rd_take(&r, rd_u8(&r)); /* session */
	(void)list16(&r);             /* ciphers */
	(void)rd_take(&r, rd_u8(&r)); /* compressions */
	if (!r.bad && rd_left(&r) > 0)
		extensions = list16(&r);
	if (r.bad || !is_tls || rd_left(&r) > 0 || !read_extensions(o, extensions))
		return OPENING_OTHER;
	return OPENING_TLS;
}

/* The records' content, put together. */
struct message {
	uint8_t bytes[OPENING_MAX];
	size_t len;
};

/* How long the message is, with its head, as far as that is known; 0: it is no ClientHello. */
static size_t whole_len(const struct message *m)
{
	if (m->len < MESSAGE_HEAD_LEN)
		return MESSAGE_HEAD_LEN;
	size_t n = (size_t)m->bytes[1] << 16 | (size_t)m->bytes[2] << 8 | m->bytes[3];
	return m->bytes[0] == MESSAGE_CLIENT_HELLO ? MESSAGE_HEAD_LEN + n : 0;
}

static enum opening_kind more(struct opening *o, size_t need)
{
	o->need = need;
	return need <= OPENING_MAX ? OPENING_MORE : OPENING_OTHER;
}

/* One record at *at of `in`, behind which *at is then.  OPENING_TLS: it was whole. */
static enum opening_kind take_record(struct bytes in, size_t *at, struct message *m,
                                     struct opening *o)
{
	struct rd r = rd_of((struct bytes){ in.p + *at, in.len - *at });
	if (rd_left(&r) < RECORD_HEAD_LEN)
		return more(o, *at + RECORD_HEAD_LEN);
	uint8_t type = rd_u8(&r);
	uint16_t version = rd_u16(&r), len = rd_u16(&r);
	if (type != RECORD_HANDSHAKE || version >> 8 != TLS_MAJOR || len == 0 || len > RECORD_MAX)
		return OPENING_OTHER;
	if (rd_left(&r) < len)
		return more(o, *at + RECORD_HEAD_LEN + len);
	memcpy(m->bytes + m->len, r.p, len); /* it is of `in`, which is no longer */
	m->len += len;
	*at += RECORD_HEAD_LEN + (size_t)len;
	return OPENING_TLS;
}

static enum opening_kind look_at_tls(struct bytes first, struct opening *o)
{
	struct message m;
	size_t at = 0;
	m.len = 0;
	for (int n = 0; n < OPENING_RECORDS_MAX; n++) {
		enum opening_kind k = take_record(first, &at, &m, o);
		size_t whole = k == OPENING_TLS ? whole_len(&m) : 0;
		if (k != OPENING_TLS)
			return k;
		if (whole == 0 || whole > OPENING_MAX)
			return OPENING_OTHER;
		if (m.len >= MESSAGE_HEAD_LEN && m.len >= whole)
			return read_hello(o, (struct bytes){ m.bytes + MESSAGE_HEAD_LEN,
			                                     whole - MESSAGE_HEAD_LEN });
	}
	return OPENING_OTHER;
}

/* --- text ------------------------------------------------------------------------------------ */

/* What a browser begins with; OPTIONS may be of SIP. */
static enum opening_kind look_at_text(struct str first, struct opening *o)
{
	static const struct str methods[] = { STR_INIT("GET /"), STR_INIT("HEAD /"),
		                              STR_INIT("POST /") };
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (str_starts(first, methods[i]))
			return OPENING_PLAIN;
		if (str_starts(methods[i], first))
			return more(o, first.len + 1);
	}
	return OPENING_OTHER;
}

enum opening_kind opening_look(struct bytes first, struct opening *ret)
{
	first.len = MIN(first.len, (size_t)OPENING_MAX);
	ret->need = 0;
	ret->protocols = 0;
	ret->name_len = 0;
	switch (turn_opening(first)) {
	case TURN_OPENS_MORE:
		return more(ret, first.len + 1);
	case TURN_OPENS_STANDARD:
	case TURN_OPENS_MS:
	case TURN_OPENS_MS_HELLO:
		return OPENING_RELAY;
	case TURN_OPENS_TLS:
		return look_at_tls(first, ret);
	case TURN_OPENS_OTHER:
		break;
	}
	return look_at_text(str_from_bytes(first), ret);
}
