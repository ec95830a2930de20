#include "wire/accounts/acct.h"

#include <errno.h>

#include "base/rd.h"

enum { LENGTH_LEN = 4, HEAD_LEN = 6 /* version, type, id */ };
enum {
	HAS_NTLM = 1,
	HAS_SHA256_ONLY = 2,
	HAS_DISABLED = 4,
	HAS_GROUP = 8,
	HAS_PUSHES = 16,
	HAS_ADMIN = 32,
	HAS_ALL = 63
};

/* --- parts --------------------------------------------------------------------------- */

static void put_text(struct buf *b, struct str s, size_t max)
{
	if (s.len > max)
		b->full = true;
	else
		buf_str16(b, s);
}

static struct str get_text(struct rd *r, size_t max)
{
	struct str s = rd_str16(r);
	if (s.len > max)
		r->bad = true;
	return s;
}

static void put_blob(struct buf *b, struct bytes v, size_t max)
{
	put_text(b, str_from_bytes(v), max);
}

static struct bytes get_blob(struct rd *r, size_t max)
{
	return bytes_of(get_text(r, max));
}

/* The host alone: counters know no ports.  Family unspecified is sent as no bytes. */
static void put_peer(struct buf *b, const struct addr *a)
{
	uint8_t packed[18];
	size_t n = a->sa.sa_family == AF_UNSPEC ? 0 : addr_pack(a, packed);
	buf_str16(b, str_n((const char *)packed, n));
}

static void get_peer(struct rd *r, struct addr *ret)
{
	struct bytes v = get_blob(r, 18);
	*ret = (struct addr){ .sa = { .sa_family = AF_UNSPEC } };
	if (v.len > 0 && addr_unpack(ret, v) < 0)
		r->bad = true;
}

static unsigned get_enum(struct rd *r, unsigned last)
{
	unsigned v = rd_u8(r);
	if (v > last)
		r->bad = true;
	return v;
}

static struct str *text_of(struct account *a, unsigned i)
{
	struct str *const texts[] = { &a->uri,   &a->display_name, &a->email,
		                      &a->phone, &a->extension,    &a->department,
		                      &a->title, &a->manager,      &a->photo };
	return i < ARRAY_SIZE(texts) ? texts[i] : NULL;
}

static void put_account(struct buf *b, const struct account *acc)
{
	struct account a = *acc;
	buf_u64(b, a.id);
	buf_u64(b, a.change);
	buf_u8(b, (uint8_t)((a.ntlm ? HAS_NTLM : 0) | (a.sha256_only ? HAS_SHA256_ONLY : 0) |
	                    (a.disabled ? HAS_DISABLED : 0) | (a.group ? HAS_GROUP : 0) |
	                    (a.pushes ? HAS_PUSHES : 0) | (a.admin ? HAS_ADMIN : 0)));
	buf_u32(b, a.max_endpoints);
	for (unsigned i = 0; text_of(&a, i); i++)
		put_text(b, *text_of(&a, i), ACCT_TEXT_MAX);
}

static void get_account(struct rd *r, struct account *a)
{
	a->id = rd_u64(r);
	a->change = rd_u64(r);
	unsigned has = get_enum(r, HAS_ALL);
	a->ntlm = has & HAS_NTLM;
	a->sha256_only = has & HAS_SHA256_ONLY;
	a->disabled = has & HAS_DISABLED;
	a->group = has & HAS_GROUP;
	a->pushes = has & HAS_PUSHES;
	a->admin = has & HAS_ADMIN;
	a->max_endpoints = rd_u32(r);
	for (unsigned i = 0; text_of(a, i); i++)
		*text_of(a, i) = get_text(r, ACCT_TEXT_MAX);
}

static struct str *text_of_person(struct acct_person *p, unsigned i)
{
	struct str *const texts[] = { &p->uri,       &p->display_name, &p->email, &p->phone,
		                      &p->extension, &p->department,   &p->title, &p->office,
		                      &p->company,   &p->city,         &p->state, &p->country,
		                      &p->photo };
	return i < ARRAY_SIZE(texts) ? texts[i] : NULL;
}

static void put_person(struct buf *b, const struct acct_msg *m)
{
	struct acct_person p = m->person;
	buf_u64(b, p.id);
	for (unsigned i = 0; text_of_person(&p, i); i++)
		put_text(b, *text_of_person(&p, i), ACCT_TEXT_MAX);
}

static void get_person(struct rd *r, struct acct_msg *m)
{
	struct acct_person *p = &m->person;
	p->id = rd_u64(r);
	for (unsigned i = 0; text_of_person(p, i); i++)
		*text_of_person(p, i) = get_text(r, ACCT_TEXT_MAX);
}

static void put_max(struct buf *b, uint32_t v, uint32_t max)
{
	if (v < 1 || v > max)
		b->full = true;
	buf_u32(b, v);
}

static uint32_t get_max(struct rd *r, uint32_t max)
{
	uint32_t v = rd_u32(r);
	if (v < 1 || v > max)
		r->bad = true;
	return v;
}

/* --- bodies -------------------------------------------------------------------------- */

static void put_auth(struct buf *b, const struct acct_msg *m)
{
	buf_u8(b, (uint8_t)m->auth.mech);
	buf_u64(b, m->auth.session);
	put_text(b, m->auth.user, ACCT_TEXT_MAX);
	put_blob(b, m->auth.blob, ACCT_BLOB_MAX);
	put_peer(b, &m->auth.peer);
	put_text(b, m->auth.agent, ACCT_TEXT_MAX);
	put_text(b, m->auth.code, ACCT_CODE_MAX);
}

static void get_auth(struct rd *r, struct acct_msg *m)
{
	m->auth.mech = (enum accounts_mech)get_enum(r, ACCOUNTS_N_MECHS - 1);
	m->auth.session = rd_u64(r);
	m->auth.user = get_text(r, ACCT_TEXT_MAX);
	m->auth.blob = get_blob(r, ACCT_BLOB_MAX);
	get_peer(r, &m->auth.peer);
	m->auth.agent = get_text(r, ACCT_TEXT_MAX);
	m->auth.code = get_text(r, ACCT_CODE_MAX);
}

static void put_verdict(struct buf *b, const struct acct_msg *m)
{
	buf_u8(b, (uint8_t)m->verdict.verdict);
	buf_u64(b, m->verdict.account);
	buf_u64(b, m->verdict.credential);
	buf_u64(b, m->verdict.session);
	buf_u32(b, m->verdict.retry_s);
	put_text(b, m->verdict.uri, ACCT_TEXT_MAX);
	put_blob(b, m->verdict.key, ACCT_KEY_MAX);
	put_blob(b, m->verdict.blob, ACCT_BLOB_MAX);
}

static void get_verdict(struct rd *r, struct acct_msg *m)
{
	m->verdict.verdict = (enum accounts_verdict)get_enum(r, ACCOUNTS_FAILED);
	m->verdict.account = rd_u64(r);
	m->verdict.credential = rd_u64(r);
	m->verdict.session = rd_u64(r);
	m->verdict.retry_s = rd_u32(r);
	m->verdict.uri = get_text(r, ACCT_TEXT_MAX);
	m->verdict.key = get_blob(r, ACCT_KEY_MAX);
	m->verdict.blob = get_blob(r, ACCT_BLOB_MAX);
}

static void put_change(struct buf *b, const struct acct_msg *m)
{
	buf_u8(b, (uint8_t)m->change.event);
	buf_u64(b, m->change.number);
	buf_u64(b, m->change.account);
	buf_u64(b, m->change.credential);
}

static void get_change(struct rd *r, struct acct_msg *m)
{
	m->change.event = (enum accounts_event)get_enum(r, ACCOUNTS_LOGIN_ENDED);
	m->change.number = rd_u64(r);
	m->change.account = rd_u64(r);
	m->change.credential = rd_u64(r);
}

static void put_lookup(struct buf *b, const struct acct_msg *m)
{
	put_text(b, m->lookup.key, ACCT_TEXT_MAX);
}

static void get_lookup(struct rd *r, struct acct_msg *m)
{
	m->lookup.key = get_text(r, ACCT_TEXT_MAX);
}

static void put_known(struct buf *b, const struct acct_msg *m)
{
	buf_u64(b, m->known.account);
	buf_u64(b, m->known.credential);
	put_peer(b, &m->known.peer);
}

static void get_known(struct rd *r, struct acct_msg *m)
{
	m->known.account = rd_u64(r);
	m->known.credential = rd_u64(r);
	get_peer(r, &m->known.peer);
}

static void put_feed(struct buf *b, const struct acct_msg *m)
{
	buf_u64(b, m->feed.since);
}

static void get_feed(struct rd *r, struct acct_msg *m)
{
	m->feed.since = rd_u64(r);
}

static void put_search(struct buf *b, const struct acct_msg *m)
{
	const struct acct_query *q = &m->search;
	put_max(b, q->max, ACCT_FOUND_MAX);
	if (q->n > ACCT_ROWS_MAX)
		b->full = true;
	buf_u8(b, (uint8_t)q->n);
	for (uint32_t i = 0; i < MIN(q->n, (uint32_t)ACCT_ROWS_MAX); i++) {
		buf_u8(b, (uint8_t)q->rows[i].field);
		put_text(b, q->rows[i].value, ACCT_TEXT_MAX);
	}
}

static void get_search(struct rd *r, struct acct_msg *m)
{
	struct acct_query *q = &m->search;
	q->max = get_max(r, ACCT_FOUND_MAX);
	q->n = get_enum(r, ACCT_ROWS_MAX);
	for (uint32_t i = 0; i < q->n && !r->bad; i++) {
		q->rows[i].field = (enum acct_field)get_enum(r, ACCT_N_FIELDS - 1);
		q->rows[i].value = get_text(r, ACCT_TEXT_MAX);
	}
}

static void put_members(struct buf *b, const struct acct_msg *m)
{
	put_text(b, m->members.key, ACCT_TEXT_MAX);
	put_max(b, m->members.max, ACCT_MEMBERS_MAX);
}

static void get_members(struct rd *r, struct acct_msg *m)
{
	m->members.key = get_text(r, ACCT_TEXT_MAX);
	m->members.max = get_max(r, ACCT_MEMBERS_MAX);
}

static void put_record(struct buf *b, const struct acct_msg *m)
{
	buf_u8(b, (uint8_t)m->record.status);
	if (m->record.status == ACCT_FOUND)
		put_account(b, &m->record.acc);
}

static void get_record(struct rd *r, struct acct_msg *m)
{
	m->record.status = (enum acct_status)get_enum(r, ACCT_BROKEN);
	if (m->record.status == ACCT_FOUND)
		get_account(r, &m->record.acc);
}

static void put_fed(struct buf *b, const struct acct_msg *m)
{
	buf_u64(b, m->fed.number);
	buf_u8(b, m->fed.gap);
}

static void get_fed(struct rd *r, struct acct_msg *m)
{
	m->fed.number = rd_u64(r);
	m->fed.gap = get_enum(r, 1);
}

static void put_end(struct buf *b, const struct acct_msg *m)
{
	buf_u8(b, (uint8_t)m->end.status);
	buf_u8(b, m->end.more);
}

static void get_end(struct rd *r, struct acct_msg *m)
{
	m->end.status = (enum acct_status)get_enum(r, ACCT_BROKEN);
	m->end.more = get_enum(r, 1);
}

static size_t own_text_max(enum acct_own_op op)
{
	return op == ACCT_OWN_PHOTO_SET ? ACCT_PHOTO_MAX : ACCT_ASKED_MAX;
}

static void put_own(struct buf *b, const struct acct_msg *m)
{
	buf_u8(b, (uint8_t)m->own.op);
	put_text(b, m->own.ticket, ACCT_TICKET_MAX);
	buf_u64(b, m->own.number);
	put_text(b, m->own.text, own_text_max(m->own.op));
	put_peer(b, &m->own.peer);
}

static void get_own(struct rd *r, struct acct_msg *m)
{
	m->own.op = (enum acct_own_op)get_enum(r, ACCT_OWN_N_OPS - 1);
	m->own.ticket = get_text(r, ACCT_TICKET_MAX);
	m->own.number = rd_u64(r);
	m->own.text = get_text(r, own_text_max(m->own.op));
	get_peer(r, &m->own.peer);
}

static void put_own_row(struct buf *b, const struct acct_msg *m)
{
	buf_u64(b, m->own_row.number);
	buf_u64(b, (uint64_t)m->own_row.made_at);
	buf_u64(b, (uint64_t)m->own_row.used_at);
	buf_u64(b, (uint64_t)m->own_row.ends_at);
	put_text(b, m->own_row.name, ACCT_TEXT_MAX);
	put_text(b, m->own_row.from, ACCT_TEXT_MAX);
}

static void get_own_row(struct rd *r, struct acct_msg *m)
{
	m->own_row.number = rd_u64(r);
	m->own_row.made_at = (int64_t)rd_u64(r);
	m->own_row.used_at = (int64_t)rd_u64(r);
	m->own_row.ends_at = (int64_t)rd_u64(r);
	m->own_row.name = get_text(r, ACCT_TEXT_MAX);
	m->own_row.from = get_text(r, ACCT_TEXT_MAX);
}

static void put_owned(struct buf *b, const struct acct_msg *m)
{
	buf_u8(b, (uint8_t)m->owned.status);
	buf_u32(b, m->owned.retry_s);
	buf_u64(b, m->owned.account);
	buf_u64(b, m->owned.number);
	buf_u8(b, (uint8_t)m->owned.flags);
	put_text(b, m->owned.text, ACCT_SAID_MAX);
}

static void get_owned(struct rd *r, struct acct_msg *m)
{
	m->owned.status = (enum acct_own_status)get_enum(r, ACCT_OWN_N_STATUSES - 1);
	m->owned.retry_s = rd_u32(r);
	m->owned.account = rd_u64(r);
	m->owned.number = rd_u64(r);
	m->owned.flags = get_enum(r, ACCT_OWN_ALL_FLAGS);
	m->owned.text = get_text(r, ACCT_SAID_MAX);
}

static void put_pushes(struct buf *b, const struct acct_msg *m)
{
	buf_u64(b, m->pushes.account);
}

static void get_pushes(struct rd *r, struct acct_msg *m)
{
	m->pushes.account = rd_u64(r);
}

static void put_push_gone(struct buf *b, const struct acct_msg *m)
{
	buf_u64(b, m->push_gone.account);
	buf_u64(b, m->push_gone.number);
}

static void get_push_gone(struct rd *r, struct acct_msg *m)
{
	m->push_gone.account = rd_u64(r);
	m->push_gone.number = rd_u64(r);
}

static void put_push(struct buf *b, const struct acct_msg *m)
{
	buf_u64(b, m->push.number);
	buf_u64(b, m->push.login);
	put_text(b, m->push.text, ACCT_ASKED_MAX);
}

static void get_push(struct rd *r, struct acct_msg *m)
{
	m->push.number = rd_u64(r);
	m->push.login = rd_u64(r);
	m->push.text = get_text(r, ACCT_ASKED_MAX);
}

static void put_command(struct buf *b, const struct acct_msg *m)
{
	put_text(b, m->command.ticket, ACCT_TICKET_MAX);
	put_text(b, m->command.line, ACCT_COMMAND_MAX);
	put_peer(b, &m->command.peer);
}

static void get_command(struct rd *r, struct acct_msg *m)
{
	m->command.ticket = get_text(r, ACCT_TICKET_MAX);
	m->command.line = get_text(r, ACCT_COMMAND_MAX);
	get_peer(r, &m->command.peer);
}

static void put_photo(struct buf *b, const struct acct_msg *m)
{
	put_text(b, m->photo.name, ACCT_PHOTO_NAME_LEN);
}

static void get_photo(struct rd *r, struct acct_msg *m)
{
	m->photo.name = get_text(r, ACCT_PHOTO_NAME_LEN);
}

static void put_picture(struct buf *b, const struct acct_msg *m)
{
	buf_u8(b, (uint8_t)m->picture.status);
	put_blob(b, m->picture.bytes, ACCT_PHOTO_MAX);
}

static void get_picture(struct rd *r, struct acct_msg *m)
{
	m->picture.status = (enum acct_status)get_enum(r, ACCT_BROKEN);
	m->picture.bytes = get_blob(r, ACCT_PHOTO_MAX);
}

static void put_nothing(struct buf *b UNUSED, const struct acct_msg *m UNUSED)
{
}

static void get_nothing(struct rd *r UNUSED, struct acct_msg *m UNUSED)
{
}

static void put_part(struct buf *b, const struct acct_msg *m)
{
	put_text(b, m->part.text, ACCT_PART_MAX);
}

static void get_part(struct rd *r, struct acct_msg *m)
{
	m->part.text = get_text(r, ACCT_PART_MAX);
}

static void put_commanded(struct buf *b, const struct acct_msg *m)
{
	buf_u8(b, (uint8_t)m->commanded.status);
	buf_u32(b, m->commanded.retry_s);
}

static void get_commanded(struct rd *r, struct acct_msg *m)
{
	m->commanded.status = (enum acct_own_status)get_enum(r, ACCT_OWN_N_STATUSES - 1);
	m->commanded.retry_s = rd_u32(r);
}

/* By type; empty rows are no messages. */
static const struct {
	void (*put)(struct buf *b, const struct acct_msg *m);
	void (*get)(struct rd *r, struct acct_msg *m);
} bodies[] = {
	[ACCT_LOOKUP] = { put_lookup, get_lookup },
	[ACCT_AUTH] = { put_auth, get_auth },
	[ACCT_KNOWN] = { put_known, get_known },
	[ACCT_FEED] = { put_feed, get_feed },
	[ACCT_SEARCH] = { put_search, get_search },
	[ACCT_MEMBERS] = { put_members, get_members },
	[ACCT_RECORD] = { put_record, get_record },
	[ACCT_VERDICT] = { put_verdict, get_verdict },
	[ACCT_CHANGE] = { put_change, get_change },
	[ACCT_FED] = { put_fed, get_fed },
	[ACCT_PERSON] = { put_person, get_person },
	[ACCT_END] = { put_end, get_end },
	[ACCT_OWN] = { put_own, get_own },
	[ACCT_OWN_ROW] = { put_own_row, get_own_row },
	[ACCT_OWNED] = { put_owned, get_owned },
	[ACCT_PUSHES] = { put_pushes, get_pushes },
	[ACCT_PUSH] = { put_push, get_push },
	[ACCT_PUSH_GONE] = { put_push_gone, get_push_gone },
	[ACCT_COMMAND] = { put_command, get_command },
	[ACCT_COMMAND_END] = { put_nothing, get_nothing },
	[ACCT_PART] = { put_part, get_part },
	[ACCT_COMMANDED] = { put_commanded, get_commanded },
	[ACCT_PHOTO] = { put_photo, get_photo },
	[ACCT_PICTURE] = { put_picture, get_picture },
};

/* False for an unknown type. */
static bool get_body(struct rd *r, struct acct_msg *m)
{
	if (m->type >= ARRAY_SIZE(bodies) || !bodies[m->type].get)
		return false;
	bodies[m->type].get(r, m);
	return true;
}

/* --- frames -------------------------------------------------------------------------- */

void acct_put(struct buf *b, const struct acct_msg *m)
{
	size_t start = b->len;
	buf_u32(b, 0);
	buf_u8(b, ACCT_VERSION);
	buf_u8(b, (uint8_t)m->type);
	buf_u32(b, m->id);
	bodies[m->type].put(b, m);
	if (b->full)
		return;
	uint32_t len = (uint32_t)(b->len - start - LENGTH_LEN);
	for (unsigned i = 0; i < LENGTH_LEN; i++)
		b->p[start + i] = (char)(len >> (24 - 8 * i));
}

int acct_get(struct acct_msg *ret, size_t *ret_len, struct str in)
{
	struct rd r = rd_of(bytes_of(in));
	if (in.len < LENGTH_LEN)
		return 0;
	size_t len = rd_u32(&r);
	if (len < HEAD_LEN || len > ACCT_FRAME_MAX)
		return -EBADMSG;
	if (rd_left(&r) < len)
		return 0;
	struct rd body = rd_of(rd_take(&r, len));
	uint8_t version = rd_u8(&body);
	struct acct_msg m = { .type = (enum acct_type)rd_u8(&body) };
	m.id = rd_u32(&body);
	if (version != ACCT_VERSION || !get_body(&body, &m) || body.bad || rd_left(&body) > 0)
		return -EBADMSG;
	*ret = m;
	*ret_len = LENGTH_LEN + len;
	return 1;
}
