#include "svc/user/userdb.h"

#include <errno.h>
#include <fcntl.h>

#include "await.h"
#include "base/code.h"
#include "tmpdir.h"

static const struct str domains[] = { STR_INIT("example.test"), STR_INIT("example.org") };
static const uint8_t key[SEAL_KEY_LEN] = { 1, 2, 3 };

struct done {
	int calls, err;
	uint64_t id;
};

static void on_done(void *arg, int err, uint64_t id)
{
	struct done *d = arg;
	d->calls++;
	d->err = err;
	d->id = id;
}

enum { NEWS_MAX = 32 };

/* A store in a folder of its own, and the changes it told. */
struct fixture {
	struct loop *l;
	struct tmpdir dir;
	struct userdb *db;
	struct userdb_change news[NEWS_MAX];
	size_t n_news;
};

static void on_change(void *arg, const struct userdb_change *c)
{
	struct fixture *f = arg;
	if (f->n_news < NEWS_MAX)
		f->news[f->n_news++] = *c;
}

static struct userdb *open_with(struct fixture *f, const uint8_t *seal_key, struct buf *why)
{
	struct userdb_config c = { .realm = STR("realm.test"),
		                   .domains = domains,
		                   .n_domains = 2,
		                   .seal_key = seal_key,
		                   .ntlm = true };
	return userdb_open(f->l, tmpdir_file(&f->dir, "users.db"), &c, why);
}

static void reopen(struct fixture *f)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	userdb_close(&f->db);
	f->db = open_with(f, key, &why);
	OK(f->db && why.len == 0);
	userdb_on_change(f->db, on_change, f);
	f->n_news = 0;
}

static struct fixture *start(void)
{
	struct fixture *f = xnew(struct fixture);
	f->l = loop_new();
	tmpdir_make(&f->dir);
	reopen(f);
	return f;
}

static void end(struct fixture *f)
{
	userdb_close(&f->db);
	loop_free(&f->l);
	tmpdir_remove(&f->dir, "users.db");
	free(f);
}

static uint64_t add(struct fixture *f, const char *uri, const char *password)
{
	struct userdb_new n = { .uri = str_of(uri), .password = str_of(password) };
	struct done d = { 0 };
	n.field[USER_NAME] = STR("A Name");
	userdb_add(f->db, &n, on_done, &d);
	OK(d.calls == 0);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	return d.id;
}

static int set_field(struct fixture *f, uint64_t id, enum user_field field, const char *value)
{
	struct userdb_set set = USERDB_SET_NOTHING;
	struct done d = { 0 };
	set.field[field] = str_of(value);
	userdb_set(f->db, id, &set, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	return d.err;
}

static struct account get(struct fixture *f, const char *user)
{
	struct account acc = { 0 };
	EQ(userdb_lookup(f->db, str_of(user), &acc), 0);
	return acc;
}

static bool is_there(struct fixture *f, const char *user)
{
	struct account acc;
	return userdb_lookup(f->db, str_of(user), &acc) == 0;
}

/* --- credentials --------------------------------------------------------------------- */

struct creds {
	struct fixture *f;
	uint64_t account;
	unsigned n, good, n_devices;
	uint64_t password_id;
	struct secrets password;
};

static void take_cred(void *arg, const struct userdb_cred *c)
{
	struct creds *cr = arg;
	struct secrets s;
	cr->n++;
	cr->n_devices += c->device.len > 0;
	if (userdb_unseal(cr->f->db, &s, cr->account, c) < 0)
		return;
	cr->good++;
	if (c->device.len > 0)
		return;
	cr->password_id = c->id;
	cr->password = s;
}

static struct creds creds(struct fixture *f, uint64_t account)
{
	struct creds c = { .f = f, .account = account };
	int n = userdb_creds(f->db, account, take_cred, &c);
	EQ(n, c.n);
	EQ(c.good, n);
	return c;
}

static bool is_password(const struct creds *c, const char *password)
{
	uint8_t ha1[DIGEST_HA1_MAX];
	digest_ha1(ha1, DIGEST_MD5, STR("alice"), STR("realm.test"), str_of(password));
	return memcmp(ha1, c->password.md5[SECRETS_LOCAL], 16) == 0 &&
	       password_is(str_of(password), c->password.slow_hash);
}

/* --- users --------------------------------------------------------------------------- */

static void added_user_is_found_by_every_name(void)
{
	struct fixture *f = start();
	uint64_t id = add(f, "alice@example.test", "correct horse");
	EQ(set_field(f, id, USER_PHONE, "+4930123456"), 0);
	EQ(set_field(f, id, USER_EXTENSION, "456"), 0);
	static const char *const names[] = { "alice", "ALICE@example.test", "+4930123456", "456" };
	for (int again = 0; again < 2; again++) {
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			struct account a = get(f, names[i]);
			EQ(a.id, id);
			EQ_STR(a.uri, "alice@example.test");
			EQ_STR(a.display_name, "A Name");
			EQ_STR(a.phone, "+4930123456");
			OK(a.ntlm && !a.disabled && !a.sha256_only);
		}
		reopen(f);
	}
	OK(!is_there(f, "alice@example.org"));
	OK(!is_there(f, "alice@elsewhere.test"));
	OK(!is_there(f, "+4930999999"));
	OK(!is_there(f, ""));
	EQ(userdb_count(f->db), 1);
	end(f);
}

static void names_and_numbers_are_unique(void)
{
	struct fixture *f = start();
	uint64_t alice = add(f, "alice@example.test", "correct horse");
	uint64_t bob = add(f, "bob@example.test", "correct horse");
	struct userdb_new n = { .uri = STR("alice@example.test"), .password = STR("x") };
	struct done d = { 0 };
	userdb_add(f->db, &n, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, -EEXIST);
	EQ(set_field(f, alice, USER_PHONE, "+4930123456"), 0);
	EQ(set_field(f, bob, USER_PHONE, "+4930123456"), -EEXIST);
	EQ(set_field(f, alice, USER_PHONE, ""), 0);
	EQ(set_field(f, bob, USER_PHONE, "+4930123456"), 0);
	/* Nobody has a number: that is not the same number. */
	EQ(set_field(f, bob, USER_PHONE, ""), 0);
	EQ(set_field(f, 999, USER_NAME, "x"), -ENOENT);
	end(f);
}

static void data_change_together_or_not_at_all(void)
{
	struct fixture *f = start();
	uint64_t alice = add(f, "alice@example.test", "correct horse");
	uint64_t bob = add(f, "bob@example.test", "correct horse");
	struct userdb_set set = USERDB_SET_NOTHING;
	struct done d = { 0 };
	EQ(set_field(f, alice, USER_EXTENSION, "12"), 0);
	set.field[USER_NAME] = STR("Another");
	set.field[USER_EXTENSION] = STR("12");
	set.sha256_only = 1;
	set.max_endpoints = 3;
	userdb_set(f->db, bob, &set, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, -EEXIST);
	EQ_STR(get(f, "bob").display_name, "A Name");
	OK(!get(f, "bob").sha256_only);
	set.field[USER_EXTENSION] = STR("13");
	set.has_photo = true;
	set.photo = bytes_of(STR("\xff\xd8\xff picture"));
	userdb_set(f->db, bob, &set, on_done, &d);
	AWAIT(f->l, d.calls == 2);
	EQ(d.err, 0);
	struct account a = get(f, "13");
	EQ(a.id, bob);
	EQ_STR(a.display_name, "Another");
	OK(a.sha256_only && a.ntlm);
	EQ(a.max_endpoints, 3);
	auto_(buf_free) struct buf photo = buf_of(USER_PHOTO_MAX);
	EQ(userdb_photo(f->db, bob, &photo), 0);
	EQ(photo.len, 11);
	EQ(userdb_photo(f->db, alice, &photo), -ENOENT);
	end(f);
}

static struct str photo_set(struct fixture *f, uint64_t account, const char *picture, char *ret)
{
	struct userdb_set set = USERDB_SET_NOTHING;
	struct userdb_person p;
	struct done d = { 0 };
	set.has_photo = true;
	set.photo = bytes_of(str_of(picture));
	userdb_set(f->db, account, &set, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	EQ(userdb_person(f->db, account, &p), 0);
	struct str name = p.person.photo;
	memcpy(ret, name.p, name.len);
	return str_n(ret, name.len);
}

static void each_photo_has_a_name_of_its_own(void)
{
	struct fixture *f = start();
	char one[ACCT_PHOTO_NAME_LEN], two[ACCT_PHOTO_NAME_LEN];
	auto_(buf_free) struct buf photo = buf_of(USER_PHOTO_MAX);
	struct userdb_person p;
	struct done d = { 0 };
	uint64_t alice = add(f, "alice@example.test", "correct horse");
	EQ(get(f, "alice").photo.len, 0);
	EQ(userdb_photo_named(f->db, STR(""), &photo), -ENOENT);
	struct str first = photo_set(f, alice, "same", one);
	struct str second = photo_set(f, alice, "same", two);
	EQ(first.len, ACCT_PHOTO_NAME_LEN);
	EQ(second.len, ACCT_PHOTO_NAME_LEN);
	OK(!str_eq(first, second));
	OK(str_eq(get(f, "alice").photo, second));
	EQ(userdb_photo_named(f->db, first, &photo), -ENOENT);
	EQ(userdb_photo_named(f->db, second, &photo), 0);
	EQ_STR(buf_view(&photo), "same");
	userdb_set_disabled(f->db, alice, true, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(userdb_photo_named(f->db, second, &photo), -ENOENT);
	EQ(photo_set(f, alice, "", one).len, 0);
	EQ(userdb_person(f->db, alice, &p), 0);
	EQ(p.person.photo.len, 0);
	end(f);
}

static void ids_are_never_used_again(void)
{
	struct fixture *f = start();
	uint64_t alice = add(f, "alice@example.test", "correct horse");
	uint64_t cred = creds(f, alice).password_id;
	struct done d = { 0 };
	userdb_remove(f->db, alice, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	OK(!is_there(f, "alice"));
	EQ(creds(f, alice).n, 0);
	reopen(f);
	uint64_t again = add(f, "alice@example.test", "correct horse");
	OK(again > alice);
	OK(creds(f, again).password_id > cred);
	end(f);
}

static void count_row(void *arg, const struct account *a)
{
	struct buf *b = arg;
	buf_str(b, a->uri);
	buf_char(b, ' ');
}

static void list_is_in_order(void)
{
	struct fixture *f = start();
	auto_(buf_free) struct buf b = buf_of(1000);
	(void)add(f, "carol@example.test", "correct horse");
	(void)add(f, "alice@example.test", "correct horse");
	EQ(userdb_list(f->db, count_row, &b), 2);
	EQ_STR(buf_view(&b), "alice@example.test carol@example.test ");
	end(f);
}

static void check_found(struct fixture *f, struct userdb_find q, const char *users)
{
	auto_(buf_free) struct buf b = buf_of(1000);
	q.max = q.max > 0 ? q.max : 10;
	EQ(userdb_find(f->db, &q, count_row, &b) >= 0, true);
	EQ_STR(buf_view(&b), users);
}

static void users_are_found_by_a_part_of_what_they_are(void)
{
	struct fixture *f = start();
	uint64_t alice = add(f, "alice@example.test", "correct horse");
	uint64_t bob = add(f, "bob@example.test", "correct horse");
	EQ(set_field(f, alice, USER_PHONE, "+4930123456"), 0);
	EQ(set_field(f, bob, USER_DEPARTMENT, "100% R_D\\x"), 0);
	check_found(f, (struct userdb_find){ .text = STR("") },
	            "alice@example.test bob@example.test ");
	check_found(f, (struct userdb_find){ .text = STR("LIC") }, "alice@example.test ");
	check_found(f, (struct userdb_find){ .text = STR("30123") }, "alice@example.test ");
	check_found(f, (struct userdb_find){ .text = STR("0% R_d\\") }, "bob@example.test ");
	check_found(f, (struct userdb_find){ .text = STR("b_b") }, "");
	check_found(f, (struct userdb_find){ .text = STR("'; drop table account; --") }, "");
	check_found(f, (struct userdb_find){ .after = STR("alice@example.test") },
	            "bob@example.test ");
	check_found(f, (struct userdb_find){ .max = 1 }, "alice@example.test ");
	end(f);
}

static void the_right_of_an_administrator_is_kept(void)
{
	struct fixture *f = start();
	uint64_t id = add(f, "alice@example.test", "correct horse");
	OK(!get(f, "alice").admin);
	for (int on = 1; on >= 0; on--) {
		struct userdb_set set = USERDB_SET_NOTHING;
		struct done d = { 0 };
		set.admin = on;
		userdb_set(f->db, id, &set, on_done, &d);
		AWAIT(f->l, d.calls == 1);
		EQ(d.err, 0);
		EQ(set_field(f, id, USER_TITLE, "Head"), 0); /* leaves it as it is */
		reopen(f);
		EQ(get(f, "alice").admin, on == 1);
	}
	end(f);
}

/* --- passwords ----------------------------------------------------------------------- */

static void password_has_all_its_forms(void)
{
	struct fixture *f = start();
	uint64_t id = add(f, "alice@example.test", "correct horse");
	struct creds c = creds(f, id);
	uint8_t nt[16];
	EQ(c.n, 1);
	OK(is_password(&c, "correct horse") && !is_password(&c, "correct horsf"));
	EQ(password_nt_hash(nt, STR("correct horse")), 0);
	OK(c.password.has_nt && memcmp(nt, c.password.nt, 16) == 0);
	end(f);
}

static void new_password_replaces_and_names_the_old_credential(void)
{
	struct fixture *f = start();
	uint64_t id = add(f, "alice@example.test", "correct horse");
	uint64_t old = creds(f, id).password_id;
	struct account acc = get(f, "alice");
	struct done d = { 0 };
	f->n_news = 0;
	userdb_set_password(f->db, &acc, STR("another horse"), on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	struct creds c = creds(f, id);
	EQ(c.n, 1);
	OK(is_password(&c, "another horse"));
	OK(c.password_id != old);
	EQ(f->n_news, 1);
	EQ(f->news[0].event, ACCOUNTS_PASSWORD);
	EQ(f->news[0].account, id);
	EQ(f->news[0].credential, old);
	end(f);
}

static void devices_come_and_go(void)
{
	struct fixture *f = start();
	uint64_t id = add(f, "alice@example.test", "correct horse");
	struct account acc = get(f, "alice");
	struct done d = { 0 }, same = { 0 }, gone = { 0 };
	userdb_add_device(f->db, &acc, STR("desk"), STR("device secret"), on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	EQ(creds(f, id).n_devices, 1);
	userdb_add_device(f->db, &acc, STR("desk"), STR("device secret"), on_done, &same);
	AWAIT(f->l, same.calls == 1);
	EQ(same.err, -EEXIST);
	f->n_news = 0;
	userdb_remove_device(f->db, id, d.id, on_done, &gone);
	AWAIT(f->l, gone.calls == 1);
	EQ(gone.err, 0);
	EQ(creds(f, id).n, 1);
	EQ(f->news[0].event, ACCOUNTS_PASSWORD);
	EQ(f->news[0].credential, d.id);
	/* The account's password is no device. */
	userdb_remove_device(f->db, id, creds(f, id).password_id, on_done, &gone);
	AWAIT(f->l, gone.calls == 2);
	EQ(gone.err, -ENOENT);
	EQ(creds(f, id).n, 1);
	end(f);
}

static void ntlm_off_forgets_the_hash(void)
{
	struct fixture *f = start();
	uint64_t id = add(f, "alice@example.test", "correct horse");
	struct userdb_set set = USERDB_SET_NOTHING;
	struct done d = { 0 };
	set.ntlm = 0;
	userdb_set(f->db, id, &set, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	struct creds c = creds(f, id);
	static const uint8_t zero[16];
	OK(!c.password.has_nt && memcmp(c.password.nt, zero, 16) == 0);
	OK(is_password(&c, "correct horse") && !get(f, "alice").ntlm);
	end(f);
}

/* --- at rest ------------------------------------------------------------------------- */

static bool file_holds(struct fixture *f, const char *name, const void *what, size_t n)
{
	static char data[4 * 1024 * 1024];
	int fd = open(tmpdir_file(&f->dir, name), O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, data, sizeof(data));
	OK(fd >= 0 && len < (ssize_t)sizeof(data));
	(void)close(fd);
	return len > 0 && memmem(data, (size_t)len, what, n);
}

static bool stored(struct fixture *f, const void *what, size_t n)
{
	return file_holds(f, "users.db", what, n) || file_holds(f, "users.db-wal", what, n);
}

static void no_secret_is_in_the_file(void)
{
	struct fixture *f = start();
	uint64_t id = add(f, "alice@example.test", "correct horse");
	struct account acc = get(f, "alice");
	struct done d = { 0 };
	userdb_add_device(f->db, &acc, STR("desk"), STR("device secret"), on_done, &d);
	AWAIT(f->l, d.calls == 1);
	struct creds c = creds(f, id);
	auto_(buf_free) struct buf hex = buf_of(64);
	hex_put(&hex, c.password.md5[0], 16);
	OK(stored(f, "alice@example.test", 18));
	OK(!stored(f, "correct horse", 13));
	OK(!stored(f, "device secret", 13));
	OK(!stored(f, "$y$", 3));
	OK(!stored(f, c.password.md5[0], 16) && !stored(f, c.password.md5[1], 16));
	OK(!stored(f, c.password.sha256[0], 32) && !stored(f, c.password.sha256[1], 32));
	OK(!stored(f, c.password.nt, 16));
	OK(!stored(f, hex.p, hex.len));
	end(f);
}

static void take_sealed(void *arg, const struct userdb_cred *c)
{
	buf_str(arg, str_from_bytes(c->sealed));
}

static void sealed_values_do_not_open_for_others(void)
{
	struct fixture *f = start();
	uint64_t alice = add(f, "alice@example.test", "correct horse");
	uint64_t bob = add(f, "bob@example.test", "correct horse");
	auto_(buf_free) struct buf b = buf_of(1000), why = buf_of(1000);
	struct secrets s;
	EQ(userdb_creds(f->db, alice, take_sealed, &b), 1);
	struct userdb_cred c = { .id = creds(f, alice).password_id,
		                 .sealed = bytes_of(buf_view(&b)) };
	EQ(userdb_unseal(f->db, &s, alice, &c), 0);
	EQ(userdb_unseal(f->db, &s, bob, &c), -EBADMSG);
	c.id = creds(f, bob).password_id;
	EQ(userdb_unseal(f->db, &s, bob, &c), -EBADMSG);
	userdb_close(&f->db);
	OK(open_with(f, (const uint8_t[SEAL_KEY_LEN]){ 9 }, &why) == NULL);
	OK(str_find(buf_view(&why), STR("sealed with another key")) > 0);
	end(f);
}

/* --- the change feed ----------------------------------------------------------------- */

static void feed_tells_what_was_missed(void)
{
	struct fixture *f = start();
	uint64_t before = userdb_last_change(f->db);
	uint64_t id = add(f, "alice@example.test", "correct horse");
	uint64_t middle = userdb_last_change(f->db);
	struct done d = { 0 };
	userdb_set_disabled(f->db, id, true, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	OK(get(f, "alice").disabled);
	OK(userdb_last_change(f->db) > middle && middle > before);
	EQ(get(f, "alice").change, userdb_last_change(f->db));
	reopen(f);
	EQ(userdb_changes_since(f->db, middle, on_change, f), 1);
	EQ(f->news[0].event, ACCOUNTS_DISABLED);
	EQ(f->news[0].account, id);
	EQ(f->news[0].number, userdb_last_change(f->db));
	EQ(userdb_changes_since(f->db, before, on_change, f), 2);
	EQ(userdb_changes_since(f->db, userdb_last_change(f->db), on_change, f), 0);
	EQ(userdb_changes_since(f->db, userdb_last_change(f->db) + 1, on_change, f), -ERANGE);
	end(f);
}

static void changes_under_way_are_finished_or_cancelled_at_closing(void)
{
	struct fixture *f = start();
	uint64_t id = add(f, "alice@example.test", "correct horse");
	struct userdb_new n = { .uri = STR("bob@example.test"), .password = STR("correct horse") };
	struct done hashing = { 0 }, writing = { 0 };
	userdb_add(f->db, &n, on_done, &hashing);
	userdb_set_disabled(f->db, id, true, on_done, &writing);
	userdb_close(&f->db);
	EQ(hashing.calls, 1);
	EQ(hashing.err, -ECANCELED);
	EQ(writing.calls, 1);
	EQ(writing.err, 0);
	reopen(f);
	OK(get(f, "alice").disabled && !is_there(f, "bob"));
	end(f);
}

int main(void)
{
	RUN(added_user_is_found_by_every_name);
	RUN(names_and_numbers_are_unique);
	RUN(data_change_together_or_not_at_all);
	RUN(each_photo_has_a_name_of_its_own);
	RUN(ids_are_never_used_again);
	RUN(list_is_in_order);
	RUN(users_are_found_by_a_part_of_what_they_are);
	RUN(the_right_of_an_administrator_is_kept);
	RUN(password_has_all_its_forms);
	RUN(new_password_replaces_and_names_the_old_credential);
	RUN(devices_come_and_go);
	RUN(ntlm_off_forgets_the_hash);
	RUN(no_secret_is_in_the_file);
	RUN(sealed_values_do_not_open_for_others);
	RUN(feed_tells_what_was_missed);
	RUN(changes_under_way_are_finished_or_cancelled_at_closing);
	return tap_done();
}
