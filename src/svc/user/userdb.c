#include "svc/user/userdb.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "svc/user/schema.h"
#include "svc/user/userdb_priv.h"
#include "wire/ntlm/ntlm.h"

enum { TEXTS_MAX = 16 * 1024 };

#define ACCOUNT_COLS                                                               \
	"id, change, disabled, uri, display_name, email, coalesce(phone, ''),"     \
	" coalesce(extension, ''), department, title, manager, ntlm, sha256_only," \
	" max_endpoints, kind,"                                                    \
	" exists (select 1 from push where push.account = account.id), admin,"     \
	" photo_name"
#define PERSON_COLS                                                                   \
	"id, disabled, hidden, uri, display_name, email, coalesce(phone, ''),"        \
	" coalesce(extension, ''), department, title, office, company, city, state, " \
	"country, photo_name"

/* --- records ------------------------------------------------------------------------- */

struct reading {
	struct account *ret;
	struct buf *texts; /* NULL: the row's own, for the time of the call */
	userdb_list_fn *fn;
	void *arg;
};

static struct account account_of(const struct store_val *c)
{
	return (struct account){
		.id = (uint64_t)c[0].i,
		.change = (uint64_t)c[1].i,
		.disabled = c[2].i,
		.uri = c[3].s,
		.display_name = c[4].s,
		.email = c[5].s,
		.phone = c[6].s,
		.extension = c[7].s,
		.department = c[8].s,
		.title = c[9].s,
		.manager = c[10].s,
		.ntlm = c[11].i,
		.sha256_only = c[12].i,
		.max_endpoints = (uint32_t)c[13].i,
		.group = c[14].i,
		.pushes = c[15].i,
		.admin = c[16].i,
		.photo = c[17].s,
	};
}

/* The buffer has its memory from the start, so that it does not move. */
static struct str keep(struct buf *b, struct str s)
{
	char *to = buf_room(b, s.len);
	if (!to || s.len == 0)
		return STR("");
	buf_put(b, s.p, s.len);
	return str_n(to, s.len);
}

static void take_account(void *arg, const struct store_val *cols, int n_cols UNUSED)
{
	struct reading *r = arg;
	struct account a = account_of(cols);
	struct str *texts[] = { &a.uri,        &a.display_name, &a.email,   &a.phone, &a.extension,
		                &a.department, &a.title,        &a.manager, &a.photo };
	r->texts->len = 0;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		*texts[i] = keep(r->texts, *texts[i]);
	*r->ret = a;
}

static int read_one(struct userdb *db, const char *sql, struct store_val key, struct account *ret)
{
	struct reading r = { .ret = ret, .texts = &db->texts };
	int n = store_read(db->store, sql, &key, 1, take_account, &r);
	return n < 0 ? n : n == 0 ? -ENOENT : 0;
}

int userdb_by_id(struct userdb *db, uint64_t id, struct account *ret)
{
	static const char sql[] = "select " ACCOUNT_COLS " from account where id = $1";
	return read_one(db, sql, STORE_I(id), ret);
}

int userdb_lookup(struct userdb *db, struct str key, struct account *ret)
{
	static const char by_uri[] = "select " ACCOUNT_COLS " from account where uri = $1";
	static const char by_phone[] = "select " ACCOUNT_COLS " from account where phone = $1";
	static const char by_ext[] = "select " ACCOUNT_COLS " from account where extension = $1";
	auto_(buf_free) struct buf uri = buf_of(USER_TEXT_MAX);
	if (key.len > 0 && key.p[0] == '+')
		return read_one(db, by_phone, STORE_S(key), ret);
	if (user_is_extension(key))
		return read_one(db, by_ext, STORE_S(key), ret);
	if (userdb_uri(db, &uri, key, NULL) < 0)
		return -ENOENT;
	return read_one(db, by_uri, STORE_S(buf_view(&uri)), ret);
}

int userdb_by_email(struct userdb *db, struct str email, struct account *ret)
{
	static const char sql[] = "select " ACCOUNT_COLS " from account"
	                          " where email = $1 collate nocase and kind = 0 limit 2";
	struct account a;
	struct reading r = { .ret = &a, .texts = &db->texts };
	struct store_val key = STORE_S(email);
	int n = email.len == 0 ? 0 : store_read(db->store, sql, &key, 1, take_account, &r);
	if (n != 1)
		return n < 0 ? n : n == 0 ? -ENOENT : -EEXIST;
	*ret = a;
	return 0;
}

static void give_account(void *arg, const struct store_val *cols, int n_cols UNUSED)
{
	struct reading *r = arg;
	struct account a = account_of(cols);
	r->fn(r->arg, &a);
}

int userdb_list(struct userdb *db, userdb_list_fn *fn, void *arg)
{
	static const char sql[] = "select " ACCOUNT_COLS " from account where kind = 0"
	                          " order by uri limit $1";
	struct reading r = { .fn = fn, .arg = arg };
	struct store_val max = STORE_I(USERDB_LIST_MAX);
	return store_read(db->store, sql, &max, 1, give_account, &r);
}

/* "%50\\%%": what LIKE takes for letters is named as one. */
static void put_pattern(struct buf *b, struct str text)
{
	buf_char(b, '%');
	for (size_t i = 0; i < text.len; i++) {
		if (strchr("%_\\", text.p[i]))
			buf_char(b, '\\');
		buf_char(b, text.p[i]);
	}
	buf_char(b, '%');
}

int userdb_find(struct userdb *db, const struct userdb_find *q, userdb_list_fn *fn, void *arg)
{
	static const char sql[] =
	        "select " ACCOUNT_COLS " from account where kind = 0 and uri > $1"
	        " and (uri like $2 escape '\\' or display_name like $2 escape '\\'"
	        " or email like $2 escape '\\' or department like $2 escape '\\'"
	        " or phone like $2 escape '\\' or extension like $2 escape '\\')"
	        " order by uri limit $3";
	struct reading r = { .fn = fn, .arg = arg };
	auto_(buf_free) struct buf pattern = buf_of(2 * USER_TEXT_MAX + 8);
	put_pattern(&pattern, str_sub(q->text, 0, USER_TEXT_MAX));
	struct store_val p[] = { STORE_S(q->after), STORE_S(buf_view(&pattern)),
		                 STORE_I(MIN(q->max, (uint32_t)USERDB_LIST_MAX)) };
	return store_read(db->store, sql, p, ARRAY_SIZE(p), give_account, &r);
}

int userdb_groups(struct userdb *db, userdb_list_fn *fn, void *arg)
{
	static const char sql[] = "select " ACCOUNT_COLS " from account where kind = 1"
	                          " order by uri limit $1";
	struct reading r = { .fn = fn, .arg = arg };
	struct store_val max = STORE_I(USERDB_LIST_MAX);
	return store_read(db->store, sql, &max, 1, give_account, &r);
}

/* --- people -------------------------------------------------------------------------- */

struct person_reading {
	struct userdb_person *ret;
	struct buf *texts; /* NULL: as in struct reading */
	userdb_person_fn *fn;
	void *arg;
};

static struct userdb_person person_of(const struct store_val *c)
{
	return (struct userdb_person){
		.disabled = c[1].i,
		.hidden = c[2].i,
		.person = { .id = (uint64_t)c[0].i,
		            .uri = c[3].s,
		            .display_name = c[4].s,
		            .email = c[5].s,
		            .phone = c[6].s,
		            .extension = c[7].s,
		            .department = c[8].s,
		            .title = c[9].s,
		            .office = c[10].s,
		            .company = c[11].s,
		            .city = c[12].s,
		            .state = c[13].s,
		            .country = c[14].s,
		            .photo = c[15].s },
	};
}

static void take_person(void *arg, const struct store_val *cols, int n_cols UNUSED)
{
	struct person_reading *r = arg;
	struct userdb_person up = person_of(cols);
	struct acct_person *p = &up.person;
	struct str *texts[] = { &p->uri,       &p->display_name, &p->email, &p->phone,
		                &p->extension, &p->department,   &p->title, &p->office,
		                &p->company,   &p->city,         &p->state, &p->country,
		                &p->photo };
	r->texts->len = 0;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		*texts[i] = keep(r->texts, *texts[i]);
	*r->ret = up;
}

int userdb_person(struct userdb *db, uint64_t id, struct userdb_person *ret)
{
	static const char sql[] = "select " PERSON_COLS " from account where id = $1 and kind = 0";
	struct person_reading r = { .ret = ret, .texts = &db->texts };
	struct store_val key = STORE_I(id);
	int n = store_read(db->store, sql, &key, 1, take_person, &r);
	return n < 0 ? n : n == 0 ? -ENOENT : 0;
}

static void give_person(void *arg, const struct store_val *cols, int n_cols UNUSED)
{
	struct person_reading *r = arg;
	struct userdb_person up = person_of(cols);
	r->fn(r->arg, &up);
}

int userdb_people(struct userdb *db, userdb_person_fn *fn, void *arg)
{
	static const char sql[] = "select " PERSON_COLS " from account where kind = 0 order by id";
	struct person_reading r = { .fn = fn, .arg = arg };
	return store_read(db->store, sql, NULL, 0, give_person, &r);
}

static void take_int(void *arg, const struct store_val *cols, int n_cols UNUSED)
{
	*(int64_t *)arg = cols[0].i;
}

int64_t userdb_count(struct userdb *db)
{
	int64_t n = 0;
	int r = store_read(db->store, "select count(*) from account where kind = 0", NULL, 0,
	                   take_int, &n);
	return r < 0 ? -1 : n;
}

static void take_blob(void *arg, const struct store_val *cols, int n_cols UNUSED)
{
	buf_str(arg, cols[0].s);
}

int userdb_photo(struct userdb *db, uint64_t id, struct buf *ret)
{
	static const char sql[] = "select photo from account where id = $1 and photo is not null";
	struct store_val key = STORE_I(id);
	int n = store_read(db->store, sql, &key, 1, take_blob, ret);
	return n < 0 ? n : n == 0 ? -ENOENT : 0;
}

int userdb_photo_named(struct userdb *db, struct str name, struct buf *ret)
{
	static const char sql[] = "select photo from account where photo_name = $1 and"
	                          " photo_name <> '' and photo is not null and disabled = 0";
	struct store_val key = STORE_S(name);
	int n = store_read(db->store, sql, &key, 1, take_blob, ret);
	return n < 0 ? n : n == 0 ? -ENOENT : 0;
}

/* --- credentials --------------------------------------------------------------------- */

struct cred_reading {
	userdb_cred_fn *fn;
	void *arg;
};

static void give_cred(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	struct cred_reading *r = arg;
	struct userdb_cred cred = { .id = (uint64_t)c[0].i,
		                    .device = c[1].s,
		                    .created_at = c[2].i,
		                    .used_at = c[3].i,
		                    .sealed = bytes_of(c[4].s) };
	r->fn(r->arg, &cred);
}

int userdb_creds(struct userdb *db, uint64_t account, userdb_cred_fn *fn, void *arg)
{
	static const char sql[] = "select id, device, created_at, used_at, sealed from credential"
	                          " where account = $1 order by device, id limit $2";
	struct cred_reading r = { fn, arg };
	struct store_val params[] = { STORE_I(account), STORE_I(USERDB_CREDS_MAX) };
	return store_read(db->store, sql, params, ARRAY_SIZE(params), give_cred, &r);
}

struct bytes userdb_row_of(uint8_t ret[40], uint64_t account, uint64_t cred)
{
	struct buf b = { .p = (char *)ret, .cap = 40, .max = 40 };
	buf_lit(&b, "credential ");
	buf_u64(&b, account);
	buf_u64(&b, cred);
	assert(!b.full);
	return (struct bytes){ ret, b.len };
}

int userdb_unseal(struct userdb *db, struct secrets *ret, uint64_t account,
                  const struct userdb_cred *c)
{
	uint8_t row[40], plain[SECRETS_MAX];
	if (c->sealed.len < SEAL_OVERHEAD || c->sealed.len - SEAL_OVERHEAD > sizeof(plain))
		return -EBADMSG;
	size_t n = c->sealed.len - SEAL_OVERHEAD;
	int r = seal_get(db->seal, plain, userdb_row_of(row, account, c->id), c->sealed);
	if (r == 0)
		r = secrets_get(ret, (struct bytes){ plain, n });
	wipe(plain, n);
	return r;
}

void userdb_seal(struct userdb *db, struct buf *b, uint64_t account, uint64_t cred,
                 const struct secrets *s)
{
	uint8_t row[40], space[SECRETS_MAX];
	struct buf plain = { .p = (char *)space, .cap = sizeof(space), .max = sizeof(space) };
	secrets_put(&plain, s);
	assert(!plain.full);
	seal_put(db->seal, b, userdb_row_of(row, account, cred), bytes_of(buf_view(&plain)));
	wipe(space, sizeof(space));
}

/* --- the change feed ----------------------------------------------------------------- */

void userdb_on_change(struct userdb *db, userdb_change_fn *fn, void *arg)
{
	db->on_change = fn;
	db->on_change_arg = arg;
}

uint64_t userdb_last_change(struct userdb *db)
{
	return db->stored_change;
}

struct change_reading {
	userdb_change_fn *fn;
	void *arg;
};

static void give_change(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	struct change_reading *r = arg;
	struct userdb_change ch = { .number = (uint64_t)c[0].i,
		                    .event = (enum accounts_event)c[1].i,
		                    .account = (uint64_t)c[2].i,
		                    .credential = (uint64_t)c[3].i };
	r->fn(r->arg, &ch);
}

int userdb_changes_since(struct userdb *db, uint64_t since, userdb_change_fn *fn, void *arg)
{
	static const char sql[] = "select number, event, account, credential from change"
	                          " where number > $1 order by number";
	struct change_reading r = { fn, arg };
	struct store_val key = STORE_I(since);
	int64_t oldest = 0;
	int n = store_read(db->store, "select coalesce(min(number), 0) from change", NULL, 0,
	                   take_int, &oldest);
	if (n < 0)
		return n;
	/* A store put back from a backup is behind what the asker saw. */
	if (since > db->stored_change ||
	    (since < db->stored_change && since + 1 < (uint64_t)oldest))
		return -ERANGE;
	return store_read(db->store, sql, &key, 1, fn ? give_change : NULL, &r);
}

/* --- opening ------------------------------------------------------------------------- */

static int read_max(struct userdb *db, const char *sql, uint64_t *ret)
{
	int64_t v = 0;
	int r = store_read(db->store, sql, NULL, 0, take_int, &v);
	*ret = (uint64_t)v;
	return r;
}

static bool read_counters(struct userdb *db, struct buf *why)
{
	static const char accounts[] =
	        "select coalesce(max(seq), 0) from sqlite_sequence where name = 'account'";
	static const char creds[] =
	        "select coalesce(max(seq), 0) from sqlite_sequence where name = 'credential'";
	static const char logins[] = "select coalesce(max(seq), 0) from sqlite_sequence where name "
	                             "in ('login', 'token')";
	static const char audits[] =
	        "select coalesce(max(seq), 0) from sqlite_sequence where name = 'audit'";
	static const char changes[] = "select coalesce(max(number), 0) from change";
	if (read_max(db, accounts, &db->last_account) < 0 ||
	    read_max(db, creds, &db->last_cred) < 0 || read_max(db, logins, &db->last_login) < 0 ||
	    read_max(db, audits, &db->last_audit) < 0 ||
	    read_max(db, changes, &db->last_change) < 0) {
		buf_lit(why, "The user store cannot be read: the file is damaged. Put back a "
		             "backup.");
		return false;
	}
	db->stored_change = db->last_change;
	return true;
}

/* Rows that another key sealed would look like wrong passwords to everybody. */
static bool check_key(struct userdb *db, const char *path, struct buf *why)
{
	static const char sql[] = "select count(*) from credential where key_id <> $1";
	struct store_val key = STORE_I(seal_key_id(db->seal));
	int64_t n = -1;
	int r = store_read(db->store, sql, &key, 1, take_int, &n);
	if (r >= 0 && n == 0)
		return true;
	buf_printf(why,
	           "The passwords in %s were sealed with another key. Put seal.key, which "
	           "belongs to this file, back into its place; without it every password must be "
	           "set anew.",
	           path);
	return false;
}

struct userdb *userdb_open(struct loop *l, const char *path, const struct userdb_config *c,
                           struct buf *why)
{
	struct store *store = store_open(l, path, user_schema, why);
	if (!store)
		return NULL;
	struct userdb *db = xnew(struct userdb);
	db->loop = l;
	db->store = store;
	db->seal = seal_new(c->seal_key);
	db->realm = str_dup(c->realm);
	db->ntlm = c->ntlm;
	db->logins = c->logins;
	db->texts = buf_of(TEXTS_MAX);
	(void)buf_room(&db->texts, TEXTS_MAX);
	list_init(&db->ops);
	userdb_set_domains(db, c->domains, c->n_domains);
	if (!read_counters(db, why) || !check_key(db, path, why))
		userdb_close(&db);
	return db;
}

void userdb_close(struct userdb **dp)
{
	struct userdb *db = take(dp);
	if (!db)
		return;
	db->closing = true;
	db->on_change = NULL;
	userdb_cancel_ops(db);
	store_close(&db->store);
	seal_free(&db->seal);
	buf_free(&db->texts);
	free(db->realm);
	free(db);
}

void userdb_set_domains(struct userdb *db, const struct str *domains, size_t n_domains)
{
	assert(n_domains > 0);
	db->domains = domains;
	db->n_domains = n_domains;
}

void userdb_set_logins(struct userdb *db, const struct userdb_logins *logins)
{
	db->logins = *logins;
}

struct str userdb_realm(const struct userdb *db)
{
	return str_of(db->realm);
}

int userdb_uri(struct userdb *db, struct buf *ret, struct str name, struct buf *why)
{
	auto_(buf_free) struct buf nobody = buf_of(1024);
	return user_uri(ret, name, db->domains, db->n_domains, why ? why : &nobody);
}

struct str userdb_domain(const struct userdb *db, struct str name)
{
	for (size_t i = 0; i < db->n_domains; i++)
		if (ntlm_means_domain(name, db->domains[i]))
			return db->domains[i];
	return STR("");
}

int64_t userdb_now_s(const struct userdb *db)
{
	return (int64_t)(loop_wall(db->loop) / USEC_PER_SEC);
}
