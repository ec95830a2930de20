#include "store/record.h"

#include <errno.h>

static const char magic[] = "dtlog-1";

enum { FRAME_LEN = 4 + 8 /* length of the rest, hash of it */ };

static uint64_t hash_of_magic(const struct hash_key *key)
{
	return hash_bytes(key, magic, sizeof(magic));
}

void record_put_head(struct buf *b, const struct hash_key *key)
{
	buf_put(b, magic, sizeof(magic));
	buf_u64(b, key->k0);
	buf_u64(b, key->k1);
	buf_u64(b, hash_of_magic(key));
}

int record_get_head(struct hash_key *ret, struct rd *r)
{
	struct bytes begin = rd_take(r, sizeof(magic));
	struct hash_key key;
	key.k0 = rd_u64(r);
	key.k1 = rd_u64(r);
	uint64_t hash = rd_u64(r);
	if (r->bad || memcmp(begin.p, magic, sizeof(magic)) != 0 || hash != hash_of_magic(&key))
		return -EBADMSG;
	*ret = key;
	return 0;
}

size_t record_len(const struct store_val *vals, size_t n)
{
	size_t len = FRAME_LEN + 1;
	for (size_t i = 0; i < n; i++)
		len += 1 + (vals[i].type == STORE_INT    ? sizeof(uint64_t)
		            : vals[i].type == STORE_NULL ? 0
		                                         : sizeof(uint32_t) + vals[i].s.len);
	return len;
}

static void put_value(struct buf *b, const struct store_val *v)
{
	buf_u8(b, (uint8_t)v->type);
	if (v->type == STORE_INT) {
		buf_u64(b, (uint64_t)v->i);
	} else if (v->type != STORE_NULL) {
		buf_u32(b, (uint32_t)v->s.len);
		buf_str(b, v->s);
	}
}

void record_put(struct buf *b, const struct hash_key *key, const struct store_val *vals, size_t n)
{
	size_t at = b->len;
	buf_u32(b, 0);
	buf_u64(b, 0);
	buf_u8(b, (uint8_t)n);
	for (size_t i = 0; i < n; i++)
		put_value(b, &vals[i]);
	if (b->full)
		return;
	size_t end = b->len, len = end - at - FRAME_LEN;
	b->len = at;
	buf_u32(b, (uint32_t)len);
	buf_u64(b, hash_bytes(key, b->p + at + FRAME_LEN, len));
	b->len = end;
}

bool record_next(struct rd *r, const struct hash_key *key, struct bytes *ret)
{
	struct rd rest = *r;
	uint32_t len = rd_u32(&rest);
	uint64_t hash = rd_u64(&rest);
	if (len > RECORD_MAX)
		return false;
	struct bytes body = rd_take(&rest, len);
	if (rest.bad || hash != hash_bytes(key, body.p, body.len))
		return false;
	*ret = (struct bytes){ r->p, FRAME_LEN + body.len };
	*r = rest;
	return true;
}

static struct store_val get_value(struct rd *r)
{
	uint8_t type = rd_u8(r);
	if (type == STORE_INT)
		return STORE_I(rd_u64(r));
	if (type == STORE_NULL)
		return STORE_NONE;
	r->bad = r->bad || type > STORE_BLOB;
	struct bytes b = rd_take(r, rd_u32(r));
	return (struct store_val){ .type = type, .s = str_from_bytes(b) };
}

int record_get(struct store_val ret[STORE_PARAMS_MAX], struct bytes record)
{
	struct rd r = rd_of(record);
	(void)rd_take(&r, FRAME_LEN);
	size_t n = rd_u8(&r);
	if (n > STORE_PARAMS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++)
		ret[i] = get_value(&r);
	return r.bad || rd_left(&r) > 0 ? -EBADMSG : (int)n;
}

int64_t record_number(struct bytes record)
{
	struct rd r = rd_of(record);
	(void)rd_take(&r, FRAME_LEN);
	uint8_t n = rd_u8(&r), type = rd_u8(&r);
	int64_t number = (int64_t)rd_u64(&r);
	return r.bad || n == 0 || type != STORE_INT ? 0 : number;
}
