#include "svc/user/pushes.h"

#include <assert.h>

#include <nettle/sha2.h>

#include "svc/user/userdb_priv.h"

enum { ROW_MAX = 64 };

/* Where a sealed text belongs: it cannot be moved to another account or address. */
static struct bytes row_of(uint8_t ret[ROW_MAX], uint64_t account, struct bytes hash)
{
	struct buf b = { .p = (char *)ret, .cap = ROW_MAX, .max = ROW_MAX };
	buf_lit(&b, "push ");
	buf_u64(&b, account);
	buf_put(&b, hash.p, hash.len);
	return (struct bytes){ ret, b.full ? 0 : b.len };
}

static void hash_url(uint8_t ret[SHA256_DIGEST_SIZE], struct str url)
{
	struct sha256_ctx ctx;
	sha256_init(&ctx);
	sha256_update(&ctx, url.len, (const uint8_t *)url.p);
	sha256_digest(&ctx, SHA256_DIGEST_SIZE, ret);
}

/* --- reading ------------------------------------------------------------------------- */

static void take_flag(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	*(bool *)arg = c[0].i;
}

int pushes_of_login(struct userdb *db, uint64_t login, bool *ret)
{
	struct store_val key = STORE_I(login);
	int n = store_read(db->store, "select count(*) from push where login = $1", &key, 1,
	                   take_flag, ret);
	return MIN(n, 0);
}

struct listing {
	struct userdb *db;
	uint64_t account;
	pushes_fn *fn;
	void *arg;
};

/* What cannot be opened is none: another key, or a broken store, of which the other rows tell. */
static void give_push(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	struct listing *l = arg;
	uint8_t row[ROW_MAX], text[PUSH_SUB_MAX];
	struct bytes hash = bytes_of(c[2].s), sealed = bytes_of(c[3].s);
	if (hash.len != SHA256_DIGEST_SIZE || sealed.len < SEAL_OVERHEAD ||
	    sealed.len > sizeof(text) + SEAL_OVERHEAD ||
	    seal_get(l->db->seal, text, row_of(row, l->account, hash), sealed) < 0)
		return;
	struct acct_push p = { .number = (uint64_t)c[0].i,
		               .login = (uint64_t)c[1].i,
		               .text = str_n((const char *)text, sealed.len - SEAL_OVERHEAD) };
	l->fn(l->arg, &p);
	wipe(text, sizeof(text));
}

int pushes_list(struct userdb *db, uint64_t account, pushes_fn *fn, void *arg)
{
	static const char sql[] = "select push.number, push.login, push.hash, push.sealed from push"
	                          " join login on login.number = push.login where"
	                          " push.account = $1 and login.ends_at > $2"
	                          " order by push.number limit $3";
	struct listing l = { db, account, fn, arg };
	struct store_val params[] = { STORE_I(account), STORE_I(userdb_now_s(db)),
		                      STORE_I(ACCT_PUSHES_MAX) };
	return store_read(db->store, sql, params, ARRAY_SIZE(params), give_push, &l);
}

/* --- changing ------------------------------------------------------------------------ */

void pushes_add(struct userdb *db, uint64_t account, uint64_t login, const struct push_sub *sub,
                userdb_done_fn *done, void *arg)
{
	uint8_t row[ROW_MAX], hash[SHA256_DIGEST_SIZE];
	char text_space[PUSH_SUB_MAX + 1], sealed_space[PUSH_SUB_MAX + SEAL_OVERHEAD + 1];
	struct buf text = BUF_ON(text_space), sealed = BUF_ON(sealed_space);
	hash_url(hash, sub->url);
	struct bytes hash_bytes = { hash, sizeof(hash) };
	push_sub_put(&text, sub->url, &sub->to);
	seal_put(db->seal, &sealed, row_of(row, account, hash_bytes), bytes_of(buf_view(&text)));
	assert(!text.full && !sealed.full);
	struct store_val p[] = { STORE_I(account),
		                 STORE_I(login),
		                 STORE_B(hash_bytes),
		                 STORE_I(seal_key_id(db->seal)),
		                 STORE_B(bytes_of(buf_view(&sealed))),
		                 STORE_I(userdb_now_s(db)) };
	struct store_val old[] = { STORE_I(login), STORE_B(hash_bytes) };
	struct store_val room[] = { STORE_I(account), STORE_I(ACCT_PUSHES_MAX - 1) };
	const struct store_stmt stmts[] = {
		{ "delete from push where login = $1 or hash = $2", old, ARRAY_SIZE(old) },
		{ "delete from push where account = $1 and number not in (select number from push"
		  " where account = $1 order by number desc limit $2)",
		  room, ARRAY_SIZE(room) },
		{ "insert into push (account, login, hash, key_id, sealed, made_at)"
		  " select $1, $2, $3, $4, $5, $6 where exists (select 1 from login"
		  " where number = $2 and account = $1)",
		  p, ARRAY_SIZE(p) },
	};
	userdb_write_rows(db, account, stmts, ARRAY_SIZE(stmts), done, arg);
	wipe(text_space, sizeof(text_space));
}

void pushes_end(struct userdb *db, uint64_t account, uint64_t login, userdb_done_fn *done,
                void *arg)
{
	struct store_val p[] = { STORE_I(account), STORE_I(login) };
	struct store_stmt stmt = { "delete from push where account = $1 and login = $2", p,
		                   ARRAY_SIZE(p) };
	userdb_write_rows(db, account, &stmt, 1, done, arg);
}

void pushes_gone(struct userdb *db, uint64_t account, uint64_t number)
{
	struct store_val p[] = { STORE_I(account), STORE_I(number) };
	struct store_stmt stmt = { "delete from push where account = $1 and number = $2", p,
		                   ARRAY_SIZE(p) };
	userdb_write_rows(db, account, &stmt, 1, NULL, NULL);
}
