#include "svc/user/factor.h"

#include <assert.h>
#include <errno.h>

#include "svc/user/userdb_priv.h"

enum { SEALED_LEN = TOTP_SECRET_LEN + SEAL_OVERHEAD, ROW_MAX = 40 };

/* --- reading ------------------------------------------------------------------------- */

static struct bytes row_of(uint8_t ret[ROW_MAX], uint64_t account)
{
	struct buf b = { .p = (char *)ret, .cap = ROW_MAX, .max = ROW_MAX };
	buf_lit(&b, "factor ");
	buf_u64(&b, account);
	assert(!b.full);
	return (struct bytes){ ret, b.len };
}

struct reading {
	struct userdb *db;
	uint64_t account;
	struct factor *ret;
	bool found;
	int err;
};

static bool is_required(const struct userdb *db, int64_t policy)
{
	return policy == USERDB_FACTOR_REQUIRED ||
	       (policy == USERDB_FACTOR_DEFAULT && db->logins.require_factor);
}

static void take_factor(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	struct reading *r = arg;
	uint8_t row[ROW_MAX];
	struct bytes sealed = bytes_of(c[3].s);
	r->found = true;
	r->ret->required = is_required(r->db, c[0].i);
	if (sealed.len == 0)
		return;
	r->ret->state = c[1].i ? FACTOR_ON : FACTOR_BEGUN;
	r->ret->step = c[2].i;
	r->ret->recovery = (unsigned)c[4].i;
	r->err = sealed.len == SEALED_LEN
	                 ? seal_get(r->db->seal, r->ret->secret, row_of(row, r->account), sealed)
	                 : -EBADMSG;
}

int factor_read(struct userdb *db, uint64_t account, struct factor *ret)
{
	static const char sql[] =
	        "select a.second_factor, f.confirmed, f.step, f.sealed,"
	        " (select count(*) from recovery where recovery.account = a.id)"
	        " from account a left join factor f on f.account = a.id where a.id = $1";
	struct factor got = { .state = FACTOR_NONE };
	struct reading r = { .db = db, .account = account, .ret = &got };
	struct store_val key = STORE_I(account);
	int n = store_read(db->store, sql, &key, 1, take_factor, &r);
	int err = n < 0 ? n : !r.found ? -ENOENT : r.err;
	if (err == 0)
		*ret = got;
	wipe(&got, sizeof(got));
	return err;
}

struct missing {
	const struct userdb *db;
	bool found, missing;
};

static void take_missing(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	struct missing *m = arg;
	m->found = true;
	m->missing = is_required(m->db, c[0].i) && c[1].i == 0;
}

int factor_is_missing(struct userdb *db, uint64_t account, bool *ret)
{
	static const char sql[] =
	        "select second_factor, (select count(*) from factor where factor.account = $1"
	        " and confirmed = 1) from account where id = $1";
	struct missing m = { .db = db };
	struct store_val key = STORE_I(account);
	int n = store_read(db->store, sql, &key, 1, take_missing, &m);
	if (n >= 0)
		*ret = m.missing;
	return n < 0 ? n : m.found ? 0 : -ENOENT;
}

/* --- setting up ---------------------------------------------------------------------- */

void factor_begin(struct userdb *db, uint64_t account, uint8_t ret_secret[TOTP_SECRET_LEN],
                  userdb_done_fn *done, void *arg)
{
	uint8_t row[ROW_MAX];
	char space[SEALED_LEN + 1];
	struct buf sealed = BUF_ON(space);
	totp_make_secret(ret_secret);
	seal_put(db->seal, &sealed, row_of(row, account),
	         (struct bytes){ ret_secret, TOTP_SECRET_LEN });
	assert(!sealed.full);
	struct store_val p[] = { STORE_I(account), STORE_I(seal_key_id(db->seal)),
		                 STORE_B(bytes_of(buf_view(&sealed))), STORE_I(userdb_now_s(db)) };
	const struct store_stmt stmts[] = {
		{ "delete from factor where account = $1 and confirmed = 0", p, 1 },
		{ "insert into factor (account, key_id, sealed, made_at) select $1, $2, $3, $4"
		  " where exists (select 1 from account where id = $1)",
		  p, ARRAY_SIZE(p) },
	};
	userdb_write_own(db, account, stmts, ARRAY_SIZE(stmts), done, arg);
}

/* The account, the hashes of new recovery codes, and whether the factor must be on already. */
struct codes {
	struct store_val p[1 + RECOVERY_N + 1];
	uint8_t hash[RECOVERY_N][RECOVERY_HASH_LEN];
};

static void make_codes(struct codes *c, uint64_t account, bool on, struct buf *ret)
{
	c->p[1 + RECOVERY_N] = STORE_I(on);
	c->p[0] = STORE_I(account);
	for (unsigned i = 0; i < RECOVERY_N; i++) {
		if (i > 0)
			buf_char(ret, ' ');
		size_t at = ret->len;
		recovery_make(ret);
		int r = recovery_hash(c->hash[i], account, str_sub(buf_view(ret), at, ret->len));
		assert(r == 0 && !ret->full);
		(void)r;
		c->p[1 + i] = STORE_B(((struct bytes){ c->hash[i], RECOVERY_HASH_LEN }));
	}
}

/* What puts them in the place of others, where the factor is as it must be. */
#define DELETE_CODES                              \
	"delete from recovery where account = $1" \
	" and exists (select 1 from factor where account = $1 and confirmed = $12)"
#define INSERT_CODES                                                             \
	"insert into recovery (account, hash) select $1, column1 from"           \
	" (values ($2), ($3), ($4), ($5), ($6), ($7), ($8), ($9), ($10), ($11))" \
	" where exists (select 1 from factor where account = $1 and confirmed = $12)"

void factor_confirm(struct userdb *db, uint64_t account, int64_t step, struct buf *ret_codes,
                    userdb_done_fn *done, void *arg)
{
	struct codes c;
	struct store_val p[] = { STORE_I(account), STORE_I(step) };
	make_codes(&c, account, false, ret_codes);
	const struct store_stmt stmts[] = {
		{ DELETE_CODES, c.p, ARRAY_SIZE(c.p) },
		{ INSERT_CODES, c.p, ARRAY_SIZE(c.p) },
		{ "update factor set confirmed = 1, step = $2 where account = $1"
		  " and confirmed = 0",
		  p, ARRAY_SIZE(p) },
	};
	userdb_write_own(db, account, stmts, ARRAY_SIZE(stmts), done, arg);
}

void factor_renew(struct userdb *db, uint64_t account, struct buf *ret_codes, userdb_done_fn *done,
                  void *arg)
{
	struct codes c;
	make_codes(&c, account, true, ret_codes);
	const struct store_stmt stmts[] = {
		{ DELETE_CODES, c.p, ARRAY_SIZE(c.p) },
		{ INSERT_CODES, c.p, ARRAY_SIZE(c.p) },
	};
	userdb_write_own(db, account, stmts, ARRAY_SIZE(stmts), done, arg);
}

/* --- using, ending ------------------------------------------------------------------- */

void factor_use(struct userdb *db, uint64_t account, int64_t step, userdb_done_fn *done, void *arg)
{
	struct store_val p[] = { STORE_I(account), STORE_I(step) };
	struct store_stmt stmt = { "update factor set step = $2 where account = $1"
		                   " and confirmed = 1 and step < $2",
		                   p, ARRAY_SIZE(p) };
	userdb_write_own(db, account, &stmt, 1, done, arg);
}

void factor_use_recovery(struct userdb *db, uint64_t account, const uint8_t hash[RECOVERY_HASH_LEN],
                         userdb_done_fn *done, void *arg)
{
	struct store_val p[] = { STORE_I(account),
		                 STORE_B(((struct bytes){ hash, RECOVERY_HASH_LEN })) };
	struct store_stmt stmt = { "delete from recovery where account = $1 and hash = $2", p,
		                   ARRAY_SIZE(p) };
	userdb_write_own(db, account, &stmt, 1, done, arg);
}

void factor_end(struct userdb *db, uint64_t account, userdb_done_fn *done, void *arg)
{
	struct store_val key = STORE_I(account);
	struct store_stmt stmt = { "delete from factor where account = $1", &key, 1 };
	userdb_write_own(db, account, &stmt, 1, done, arg);
}
