/* accounts: fills the user store of a stopped server with many users of one password.
 *
 * usage: accounts USERS.DB SEAL.KEY DOMAIN PREFIX N PASSWORD
 *
 * The slow hash of the password is made once for all of them: with the tool, which makes it for
 * each, 100,000 users would take the better part of an hour. */
#include <stdio.h>
#include <stdlib.h>

#include "auth/seal.h"
#include "loop/loop.h"
#include "store/store.h"
#include "svc/user/schema.h"
#include "svc/user/userdb_priv.h"

enum { WAITING_MAX = STORE_QUEUE_MAX / 2 };

struct filling {
	struct loop *loop;
	struct store *store;
	struct seal *seal;
	struct str realm, prefix, password;
	struct secrets shared; /* what is the same for all: the slow hash and the NT hash */
	int64_t first_account, first_cred;
	unsigned waiting, failed;
};

static void on_written(void *arg, int err, int64_t id UNUSED)
{
	struct filling *f = arg;
	f->waiting--;
	f->failed += err != 0;
}

static void take_number(void *arg, const struct store_val *cols, int n_cols UNUSED)
{
	*(int64_t *)arg = cols[0].i;
}

static int64_t greatest(struct filling *f, const char *sql)
{
	int64_t v = 0;
	if (store_read(f->store, sql, NULL, 0, take_number, &v) < 0)
		f->failed++;
	return v;
}

static void seal_secrets(struct filling *f, struct buf *ret, struct str uri, int64_t account,
                         int64_t cred)
{
	char space[SECRETS_MAX];
	uint8_t row[40];
	struct buf plain = BUF_ON(space);
	struct secrets s;
	secrets_derive(&s, uri, f->realm, f->password);
	memcpy(s.slow_hash, f->shared.slow_hash, sizeof(s.slow_hash));
	memcpy(s.nt, f->shared.nt, sizeof(s.nt));
	s.has_nt = true;
	secrets_put(&plain, &s);
	seal_put(f->seal, ret, userdb_row_of(row, (uint64_t)account, (uint64_t)cred),
	         bytes_of(buf_view(&plain)));
}

static void add(struct filling *f, unsigned i)
{
	char name[128];
	struct buf uri = BUF_ON(name), sealed = buf_of(SECRETS_MAX + SEAL_OVERHEAD);
	int64_t account = f->first_account + i, cred = f->first_cred + i;
	buf_str(&uri, f->prefix);
	buf_printf(&uri, "%u@%" STR_FMT, i, STR_ARG(f->realm));
	seal_secrets(f, &sealed, buf_view(&uri), account, cred);
	struct store_val acc[] = { STORE_I(account), STORE_S(buf_view(&uri)) };
	struct store_val pass[] = { STORE_I(cred), STORE_I(account), STORE_I(seal_key_id(f->seal)),
		                    STORE_B(bytes_of(buf_view(&sealed))) };
	const struct store_stmt stmts[] = {
		{ "insert into account (id, change, uri, created_at) values ($1, 1, $2, 1)", acc,
		  ARRAY_SIZE(acc) },
		{ "insert into credential (id, account, created_at, key_id, sealed)"
		  " values ($1, $2, 1, $3, $4)",
		  pass, ARRAY_SIZE(pass) },
	};
	if (store_write(f->store, STORE_MUST, stmts, ARRAY_SIZE(stmts), on_written, f) == 0)
		f->waiting++;
	else
		f->failed++;
	buf_free(&sealed);
}

static int read_key(uint8_t ret[SEAL_KEY_LEN], const char *path)
{
	FILE *file = fopen(path, "rbe");
	size_t n = file ? fread(ret, 1, SEAL_KEY_LEN, file) : 0;
	if (file)
		(void)fclose(file);
	return n == SEAL_KEY_LEN ? 0 : -1;
}

static int fill(struct filling *f, unsigned n)
{
	f->first_account = greatest(f, "select coalesce(max(id), 0) from account") + 1;
	f->first_cred = greatest(f, "select coalesce(max(id), 0) from credential") + 1;
	for (unsigned i = 0; i < n && f->failed == 0; i++) {
		add(f, i);
		while (f->waiting >= WAITING_MAX)
			loop_turn(f->loop, USEC_PER_SEC);
	}
	while (f->waiting > 0)
		loop_turn(f->loop, USEC_PER_SEC);
	return f->failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	uint8_t key[SEAL_KEY_LEN];
	uint32_t n;
	struct buf why = buf_of(4096);
	if (argc != 7 || str_to_u32(str_of(argv[5]), 10000000, &n) < 0) {
		(void)fputs("usage: accounts USERS.DB SEAL.KEY DOMAIN PREFIX N PASSWORD\n", stderr);
		return 2;
	}
	struct filling f = { .realm = str_of(argv[3]),
		             .prefix = str_of(argv[4]),
		             .password = str_of(argv[6]) };
	if (read_key(key, argv[2]) < 0) {
		(void)fprintf(stderr, "%s cannot be read\n", argv[2]);
		return 1;
	}
	if (password_hash(f.shared.slow_hash, f.password) < 0 ||
	    password_nt_hash(f.shared.nt, f.password) < 0) {
		(void)fputs("the password cannot be hashed\n", stderr);
		return 1;
	}
	f.seal = seal_new(key);
	f.loop = loop_new();
	f.store = store_open(f.loop, argv[1], user_schema, &why);
	if (!f.store) {
		(void)fprintf(stderr, "%.*s\n", (int)why.len, why.p);
		return 1;
	}
	int r = fill(&f, n);
	store_close(&f.store);
	loop_free(&f.loop);
	seal_free(&f.seal);
	buf_free(&why);
	return r < 0;
}
