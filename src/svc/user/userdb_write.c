#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "base/rand.h"
#include "svc/user/userdb.h"
#include "svc/user/userdb_priv.h"

/* One change on its way: (a job for the password's hash,) the write, the news. */
enum op_state { OP_HASHING, OP_WRITING, OP_FAILED };

struct op {
	struct list node;
	enum op_state state;
	struct job job;
	struct userdb *db; /* NULL: cancelled while the job ran */
	userdb_done_fn *done;
	void *arg;
	struct defer defer; /* a failure that is known at once */
	int err;

	struct userdb_change change; /* credential: the one that goes, or 0; number 0: none */
	uint64_t cred;               /* the new one */
	uint64_t keep;               /* the log-in that goes over to it; 0: none */
	uint64_t ret_id;
	bool is_add, is_device;
	bool with_nt;
	char *uri, *password, *device, *field[USER_N_FIELDS];
	struct secrets secrets;
};

static struct op *op_new(struct userdb *db, enum accounts_event event, uint64_t account,
                         userdb_done_fn *done, void *arg)
{
	struct op *op = xnew(struct op);
	op->db = db;
	op->done = done;
	op->arg = arg;
	op->change = (struct userdb_change){ .event = event, .account = account };
	list_add(&db->ops, &op->node);
	return op;
}

static void op_free(struct op *op)
{
	list_del(&op->node);
	if (op->password)
		wipe(op->password, strlen(op->password));
	secrets_wipe(&op->secrets);
	free(op->uri);
	free(op->password);
	free(op->device);
	for (unsigned i = 0; i < USER_N_FIELDS; i++)
		free(op->field[i]);
	free(op);
}

static void finish(struct op *op, int err)
{
	struct userdb *db = op->db;
	struct userdb_change c = op->change;
	userdb_done_fn *done = op->done;
	void *arg = op->arg;
	uint64_t id = op->ret_id;
	op_free(op);
	if (err == 0 && c.number != 0) {
		db->stored_change = MAX(db->stored_change, c.number);
		if (db->on_change)
			db->on_change(db->on_change_arg, &c);
	}
	if (done)
		done(arg, err, id);
}

static void fail_later(void *arg)
{
	struct op *op = arg;
	finish(op, op->err);
}

static void fail(struct op *op, int err)
{
	op->err = err;
	op->state = OP_FAILED;
	defer_init(&op->defer, fail_later, op);
	loop_defer(op->db->loop, &op->defer);
}

/* --- writing ------------------------------------------------------------------------- */

/* id: the rows that the last statement, always the main one, changed. */
static void on_written(void *arg, int err, int64_t id)
{
	struct op *op = arg;
	finish(op, err == 0 && id == 0 ? -ENOENT : err);
}

static void queue(struct op *op, const struct store_stmt *stmts, size_t n)
{
	op->state = OP_WRITING;
	int r = store_write(op->db->store, STORE_MUST, stmts, n, on_written, op);
	if (r < 0)
		fail(op, r);
}

/* The rows of the feed go in front of the main statements. */
static void write_op(struct op *op, const struct store_stmt *main, size_t n_main)
{
	struct userdb *db = op->db;
	struct store_stmt stmts[STORE_STMTS_MAX];
	op->change.number = ++db->last_change;
	struct store_val row[] = { STORE_I(op->change.number), STORE_I(op->change.event),
		                   STORE_I(op->change.account), STORE_I(op->change.credential) };
	struct store_val old = STORE_I((int64_t)op->change.number - USERDB_CHANGES_KEPT);
	stmts[0] = (struct store_stmt){ "insert into change (number, event, account, credential)"
		                        " values ($1, $2, $3, $4)",
		                        row, ARRAY_SIZE(row) };
	stmts[1] = (struct store_stmt){ "delete from change where number <= $1", &old, 1 };
	assert(n_main + 2 <= ARRAY_SIZE(stmts));
	memcpy(stmts + 2, main, n_main * sizeof(*main));
	queue(op, stmts, n_main + 2);
}

/* Unique columns are null when they are empty. */
static struct store_val text_or_null(const char *s)
{
	return s && *s ? STORE_S(str_of(s)) : STORE_NONE;
}

static struct store_val text(const char *s)
{
	return STORE_S(str_of(s ? s : ""));
}

void userdb_write_rows(struct userdb *db, uint64_t account, const struct store_stmt *stmts,
                       size_t n, userdb_done_fn *done, void *arg)
{
	if (account == 0)
		account = ++db->last_account;
	struct op *op = op_new(db, ACCOUNTS_CHANGED, account, done, arg);
	op->ret_id = account;
	write_op(op, stmts, n);
}

void userdb_write_change(struct userdb *db, const struct userdb_change *c,
                         const struct store_stmt *stmts, size_t n, userdb_done_fn *done, void *arg)
{
	struct op *op = op_new(db, c->event, c->account, done, arg);
	op->change.credential = op->ret_id = c->credential;
	write_op(op, stmts, n);
}

void userdb_write_own(struct userdb *db, uint64_t id, const struct store_stmt *stmts, size_t n,
                      userdb_done_fn *done, void *arg)
{
	struct op *op = op_new(db, ACCOUNTS_CHANGED, 0, done, arg);
	op->ret_id = id;
	queue(op, stmts, n);
}

/* What is queued cannot be read yet; so the number is remembered too. */
bool userdb_touch_is_due(struct userdb *db, uint64_t number, int64_t used_at, int64_t now)
{
	struct userdb_touched *t = &db->touched[number % USERDB_TOUCHED];
	bool just_now = t->number == number && t->at <= now && now < t->at + USERDB_TOUCH_EVERY_S;
	if (just_now || now < used_at + USERDB_TOUCH_EVERY_S)
		return false;
	*t = (struct userdb_touched){ number, now };
	return true;
}

/* --- passwords ----------------------------------------------------------------------- */

static void seal_op(struct op *op, struct buf *b)
{
	userdb_seal(op->db, b, op->change.account, op->cred, &op->secrets);
}

static void write_new_user(struct op *op)
{
	struct userdb *db = op->db;
	struct buf sealed = buf_of(SECRETS_MAX + SEAL_OVERHEAD);
	seal_op(op, &sealed);
	struct store_val acc[] = { STORE_I(op->change.account),
		                   STORE_I(db->last_change + 1),
		                   text(op->uri),
		                   text(op->field[USER_NAME]),
		                   text(op->field[USER_EMAIL]),
		                   text_or_null(op->field[USER_PHONE]),
		                   text_or_null(op->field[USER_EXTENSION]),
		                   text(op->field[USER_DEPARTMENT]),
		                   text(op->field[USER_TITLE]),
		                   text(op->field[USER_MANAGER]),
		                   STORE_I(op->with_nt),
		                   STORE_I(userdb_now_s(db)),
		                   text(op->field[USER_OFFICE]),
		                   text(op->field[USER_COMPANY]),
		                   text(op->field[USER_CITY]),
		                   text(op->field[USER_STATE]),
		                   text(op->field[USER_COUNTRY]) };
	struct store_val cred[] = { STORE_I(op->cred), STORE_I(op->change.account),
		                    STORE_I(userdb_now_s(db)), STORE_I(seal_key_id(db->seal)),
		                    STORE_B(bytes_of(buf_view(&sealed))) };
	const struct store_stmt stmts[] = {
		{ "insert into account (id, change, uri, display_name, email, phone, extension,"
		  " department, title, manager, ntlm, created_at, office, company, city, state,"
		  " country) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
		  " $15, $16, $17)",
		  acc, ARRAY_SIZE(acc) },
		{ "insert into credential (id, account, created_at, key_id, sealed)"
		  " values ($1, $2, $3, $4, $5)",
		  cred, ARRAY_SIZE(cred) },
	};
	write_op(op, stmts, ARRAY_SIZE(stmts));
	buf_free(&sealed);
}

/* A new row replaces the old one, so that its number says which password a session was made with.
 */
static void write_password(struct op *op)
{
	struct userdb *db = op->db;
	struct buf sealed = buf_of(SECRETS_MAX + SEAL_OVERHEAD);
	seal_op(op, &sealed);
	struct store_val key = STORE_I(op->change.account);
	struct store_val change[] = { STORE_I(db->last_change + 1), key };
	struct store_val cred[] = { STORE_I(op->cred),
		                    key,
		                    text(op->device),
		                    STORE_I(userdb_now_s(db)),
		                    STORE_I(seal_key_id(db->seal)),
		                    STORE_B(bytes_of(buf_view(&sealed))) };
	const struct store_stmt stmts[] = {
		{ "delete from credential where account = $1 and device = ''", &key, 1 },
		{ "update account set change = $1 where id = $2", change, ARRAY_SIZE(change) },
		{ "insert into credential (id, account, device, created_at, key_id, sealed)"
		  " select $1, $2, $3, $4, $5, $6 where exists (select 1 from account where id = "
		  "$2)",
		  cred, ARRAY_SIZE(cred) },
	};
	/* A device's password replaces nothing. */
	if (op->is_device)
		write_op(op, stmts + 1, ARRAY_SIZE(stmts) - 1);
	else
		write_op(op, stmts, ARRAY_SIZE(stmts));
	buf_free(&sealed);
}

/* While both are there, the new one has a name that no device can have.  The log-in goes over to it
 * before the old one goes, and with that the others.  Without the log-in nothing is done. */
static void write_own_password(struct op *op)
{
	struct userdb *db = op->db;
	struct buf sealed = buf_of(SECRETS_MAX + SEAL_OVERHEAD);
	seal_op(op, &sealed);
	struct store_val next = STORE_I(op->cred), old = STORE_I(op->change.credential),
	                 key = STORE_I(op->change.account), keep = STORE_I(op->keep);
	struct store_val cred[] = { next,
		                    key,
		                    STORE_I(userdb_now_s(db)),
		                    STORE_I(seal_key_id(db->seal)),
		                    STORE_B(bytes_of(buf_view(&sealed))),
		                    keep,
		                    old };
	struct store_val change[] = { STORE_I(db->last_change + 1), key };
	struct store_val move[] = { next, keep, old }, gone[] = { old, next };
	const struct store_stmt stmts[] = {
		{ "insert into credential (id, account, device, created_at, key_id, sealed)"
		  " select $1, $2, char(10), $3, $4, $5 where exists (select 1 from login"
		  " where number = $6 and account = $2 and credential = $7)",
		  cred, ARRAY_SIZE(cred) },
		{ "update account set change = $1 where id = $2", change, ARRAY_SIZE(change) },
		{ "update login set credential = $1 where number = $2 and credential = $3", move,
		  ARRAY_SIZE(move) },
		{ "delete from credential where id = $1 and exists (select 1 from credential"
		  " where id = $2)",
		  gone, ARRAY_SIZE(gone) },
		{ "update credential set device = '' where id = $1", &next, 1 },
	};
	write_op(op, stmts, ARRAY_SIZE(stmts));
	buf_free(&sealed);
}

/* On a pool thread: sees the op's own memory alone. */
static void hash_password(struct job *j)
{
	struct op *op = container_of(j, struct op, job);
	struct str password = str_of(op->password);
	if (!op->is_device)
		op->err = password_hash(op->secrets.slow_hash, password);
	if (op->err == 0 && op->with_nt && !op->is_device) {
		op->err = password_nt_hash(op->secrets.nt, password);
		op->secrets.has_nt = true;
	}
}

static void on_hashed(struct job *j)
{
	struct op *op = container_of(j, struct op, job);
	if (!op->db)
		op_free(op);
	else if (op->err < 0)
		finish(op, op->err);
	else if (op->is_add)
		write_new_user(op);
	else if (op->keep != 0)
		write_own_password(op);
	else
		write_password(op);
}

static void start_hash(struct op *op, struct str uri, struct str password)
{
	op->uri = str_dup(uri);
	op->password = str_dup(password);
	op->cred = ++op->db->last_cred;
	secrets_derive(&op->secrets, uri, str_of(op->db->realm), password);
	op->job = (struct job){ .work = hash_password, .done = on_hashed };
	int r = loop_job(op->db->loop, &op->job);
	if (r < 0)
		fail(op, r);
}

/* A job cannot be called back: its op lives on without us until the job is done. */
static void cancel(struct op *op)
{
	list_del(&op->node);
	op->db = NULL;
	if (op->done)
		op->done(op->arg, -ECANCELED, 0);
}

void userdb_cancel_ops(struct userdb *db)
{
	list_for(it, &db->ops)
	{
		struct op *op = list_entry(it, struct op, node);
		if (op->state == OP_HASHING) {
			cancel(op);
		} else if (op->state == OP_FAILED) {
			defer_cancel(&op->defer);
			finish(op, op->err);
		}
	}
}

/* --- the changes --------------------------------------------------------------------- */

void userdb_add(struct userdb *db, const struct userdb_new *n, userdb_done_fn *done, void *arg)
{
	struct op *op = op_new(db, ACCOUNTS_CHANGED, ++db->last_account, done, arg);
	op->is_add = true;
	op->with_nt = db->ntlm;
	op->ret_id = op->change.account;
	for (unsigned i = 0; i < USER_N_FIELDS; i++)
		op->field[i] = str_dup(n->field[i]);
	start_hash(op, n->uri, n->password);
}

static void take_password_id(void *arg, const struct userdb_cred *c)
{
	if (c->device.len == 0)
		*(uint64_t *)arg = c->id;
}

static void set_password(struct userdb *db, const struct account *acc, uint64_t keep,
                         struct str password, userdb_done_fn *done, void *arg)
{
	struct op *op = op_new(db, ACCOUNTS_PASSWORD, acc->id, done, arg);
	op->keep = keep;
	op->with_nt = acc->ntlm;
	op->ret_id = acc->id;
	int r = userdb_creds(db, acc->id, take_password_id, &op->change.credential);
	if (r < 0) {
		fail(op, r);
		return;
	}
	start_hash(op, acc->uri, password);
}

void userdb_set_password(struct userdb *db, const struct account *acc, struct str password,
                         userdb_done_fn *done, void *arg)
{
	set_password(db, acc, 0, password, done, arg);
}

void userdb_set_own_password(struct userdb *db, const struct account *acc, uint64_t login,
                             struct str password, userdb_done_fn *done, void *arg)
{
	set_password(db, acc, login, password, done, arg);
}

/* Nobody has to sign in anew for an additional password. */
void userdb_add_device(struct userdb *db, const struct account *acc, struct str name,
                       struct str password, userdb_done_fn *done, void *arg)
{
	struct op *op = op_new(db, ACCOUNTS_CHANGED, acc->id, done, arg);
	op->is_device = true;
	op->device = str_dup(name);
	start_hash(op, acc->uri, password);
	op->ret_id = op->cred;
}

void userdb_remove_device(struct userdb *db, uint64_t account, uint64_t cred, userdb_done_fn *done,
                          void *arg)
{
	struct op *op = op_new(db, ACCOUNTS_PASSWORD, account, done, arg);
	struct store_val change[] = { STORE_I(db->last_change + 1), STORE_I(account) };
	struct store_val key[] = { STORE_I(cred), STORE_I(account) };
	op->change.credential = cred;
	op->ret_id = cred;
	const struct store_stmt stmts[] = {
		{ "update account set change = $1 where id = $2", change, ARRAY_SIZE(change) },
		{ "delete from credential where id = $1 and account = $2 and device <> ''", key,
		  ARRAY_SIZE(key) },
	};
	write_op(op, stmts, ARRAY_SIZE(stmts));
}

void userdb_set_disabled(struct userdb *db, uint64_t account, bool disabled, userdb_done_fn *done,
                         void *arg)
{
	struct op *op =
	        op_new(db, disabled ? ACCOUNTS_DISABLED : ACCOUNTS_CHANGED, account, done, arg);
	struct store_val key = STORE_I(account);
	struct store_val row[] = { STORE_I(db->last_change + 1), key, STORE_I(disabled) };
	const struct store_stmt stmts[] = {
		{ "delete from login where account = $1", &key, 1 },
		{ "update account set change = $1, disabled = $3 where id = $2", row,
		  ARRAY_SIZE(row) },
	};
	op->ret_id = account;
	if (disabled)
		write_op(op, stmts, ARRAY_SIZE(stmts));
	else
		write_op(op, stmts + 1, ARRAY_SIZE(stmts) - 1);
}

void userdb_remove(struct userdb *db, uint64_t account, userdb_done_fn *done, void *arg)
{
	struct op *op = op_new(db, ACCOUNTS_DISABLED, account, done, arg);
	struct store_val key = STORE_I(account);
	op->ret_id = account;
	write_op(op, &(struct store_stmt){ "delete from account where id = $1", &key, 1 }, 1);
}

/* The account's password sealed anew, with another NT hash or without. */
struct nt_change {
	struct userdb *db;
	const uint8_t *nt; /* NULL: none */
	uint64_t account, cred;
	struct buf sealed;
};

static void change_nt(void *arg, const struct userdb_cred *c)
{
	struct nt_change *n = arg;
	struct secrets s;
	if (c->device.len > 0 || userdb_unseal(n->db, &s, n->account, c) < 0)
		return;
	s.has_nt = n->nt;
	wipe(s.nt, sizeof(s.nt));
	if (n->nt)
		memcpy(s.nt, n->nt, sizeof(s.nt));
	n->cred = c->id;
	userdb_seal(n->db, &n->sealed, n->account, c->id, &s);
	secrets_wipe(&s);
}

/* The statements of one userdb_set(), with the values that they point to. */
struct set_stmts {
	struct store_stmt stmt[STORE_STMTS_MAX];
	struct store_val params[STORE_STMTS_MAX][USER_N_FIELDS];
	size_t n;
	char photo_name[ACCT_PHOTO_NAME_LEN + 1];
};

static void add_stmt(struct set_stmts *st, const char *sql, const struct store_val *params,
                     size_t n_params)
{
	assert(st->n < ARRAY_SIZE(st->stmt) && n_params <= ARRAY_SIZE(st->params[0]));
	memcpy(st->params[st->n], params, n_params * sizeof(*params));
	st->stmt[st->n] = (struct store_stmt){ sql, st->params[st->n], n_params };
	st->n++;
}

/* A unique column is null when it is empty. */
static void add_number(struct set_stmts *st, const char *sql, uint64_t account, struct str v)
{
	struct store_val params[] = { STORE_I(account), v.len > 0 ? STORE_S(v) : STORE_NONE };
	if (v.p)
		add_stmt(st, sql, params, ARRAY_SIZE(params));
}

/* Null leaves a text as it is. */
static void add_fields(struct set_stmts *st, uint64_t account, const struct userdb_set *set)
{
	static const enum user_field fields[] = { USER_NAME,    USER_EMAIL,   USER_DEPARTMENT,
		                                  USER_TITLE,   USER_MANAGER, USER_OFFICE,
		                                  USER_COMPANY, USER_CITY,    USER_STATE,
		                                  USER_COUNTRY };
	struct store_val params[1 + ARRAY_SIZE(fields)] = { STORE_I(account) };
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct str v = set->field[fields[i]];
		params[1 + i] = v.p ? STORE_S(v) : STORE_NONE;
	}
	add_stmt(st,
	         "update account set display_name = coalesce($2, display_name),"
	         " email = coalesce($3, email), department = coalesce($4, department),"
	         " title = coalesce($5, title), manager = coalesce($6, manager),"
	         " office = coalesce($7, office), company = coalesce($8, company),"
	         " city = coalesce($9, city), state = coalesce($10, state),"
	         " country = coalesce($11, country) where id = $1",
	         params, ARRAY_SIZE(params));
	add_number(st, "update account set phone = $2 where id = $1", account,
	           set->field[USER_PHONE]);
	add_number(st, "update account set extension = $2 where id = $1", account,
	           set->field[USER_EXTENSION]);
}

static void add_photo(struct set_stmts *st, uint64_t account, const struct userdb_set *set)
{
	uint8_t key[ACCT_PHOTO_NAME_LEN / 2];
	struct buf name = BUF_ON(st->photo_name);
	rand_bytes(key, sizeof(key));
	hex_put(&name, key, sizeof(key));
	struct store_val none[] = { STORE_I(account) },
	                 some[] = { STORE_I(account), STORE_B(set->photo),
		                    STORE_S(buf_view(&name)) };
	if (set->has_photo && set->photo.len > 0)
		add_stmt(st, "update account set photo = $2, photo_name = $3 where id = $1", some,
		         ARRAY_SIZE(some));
	else if (set->has_photo)
		add_stmt(st, "update account set photo = null, photo_name = '' where id = $1", none,
		         ARRAY_SIZE(none));
}

/* The last statement: it says whether there is such a user. */
static void add_policy(struct set_stmts *st, uint64_t change, uint64_t account,
                       const struct userdb_set *set)
{
	struct store_val params[] = { STORE_I(change),
		                      STORE_I(account),
		                      STORE_I(set->ntlm),
		                      STORE_I(set->sha256_only),
		                      STORE_I(set->max_endpoints),
		                      STORE_I(set->hidden),
		                      STORE_I(set->second_factor),
		                      STORE_I(set->admin) };
	add_stmt(st,
	         "update account set change = $1,"
	         " ntlm = case when $3 < 0 then ntlm else $3 end,"
	         " sha256_only = case when $4 < 0 then sha256_only else $4 end,"
	         " max_endpoints = case when $5 < 0 then max_endpoints else $5 end,"
	         " hidden = case when $6 < 0 then hidden else $6 end,"
	         " second_factor = case when $7 < 0 then second_factor else $7 end,"
	         " admin = case when $8 < 0 then admin else $8 end"
	         " where id = $2",
	         params, ARRAY_SIZE(params));
}

void userdb_set(struct userdb *db, uint64_t account, const struct userdb_set *set,
                userdb_done_fn *done, void *arg)
{
	struct op *op = op_new(db, ACCOUNTS_CHANGED, account, done, arg);
	struct nt_change nt = { .db = db, .account = account };
	struct set_stmts st = { .n = 0 };
	nt.sealed = buf_of(SECRETS_MAX + SEAL_OVERHEAD);
	op->ret_id = account;
	int r = set->ntlm == 0 ? userdb_creds(db, account, change_nt, &nt) : 0;
	struct store_val cred[] = { STORE_I(nt.cred), STORE_B(bytes_of(buf_view(&nt.sealed))) };
	if (nt.cred != 0)
		add_stmt(&st, "update credential set sealed = $2 where id = $1", cred,
		         ARRAY_SIZE(cred));
	add_fields(&st, account, set);
	add_photo(&st, account, set);
	add_policy(&st, db->last_change + 1, account, set);
	if (r < 0)
		fail(op, r);
	else
		write_op(op, st.stmt, st.n);
	buf_free(&nt.sealed);
}

void userdb_add_nt(struct userdb *db, uint64_t account, uint64_t cred, const uint8_t nt[16])
{
	struct nt_change n = { .db = db, .account = account, .nt = nt };
	n.sealed = buf_of(SECRETS_MAX + SEAL_OVERHEAD);
	(void)!userdb_creds(db, account, change_nt, &n);
	struct store_val row[] = { STORE_I(cred), STORE_B(bytes_of(buf_view(&n.sealed))),
		                   STORE_I(account) };
	struct store_stmt stmt = { "update credential set sealed = $2 where id = $1 and exists"
		                   " (select 1 from account where id = $3 and ntlm = 1)",
		                   row, ARRAY_SIZE(row) };
	/* If it cannot be written now, the next time that the password is typed. */
	if (n.cred == cred)
		(void)!store_write(db->store, STORE_SHOULD, &stmt, 1, NULL, NULL);
	buf_free(&n.sealed);
}

void userdb_touch(struct userdb *db, uint64_t cred)
{
	struct store_val params[] = { STORE_I(cred), STORE_I(userdb_now_s(db)) };
	struct store_stmt stmt = { "update credential set used_at = $2 where id = $1", params,
		                   ARRAY_SIZE(params) };
	/* Nobody waits for it; when the queue is full it is not worth waiting for either. */
	(void)!store_write(db->store, STORE_SHOULD, &stmt, 1, NULL, NULL);
}
