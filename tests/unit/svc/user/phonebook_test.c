#include "svc/user/phonebook.h"

#include <errno.h>

#include "await.h"
#include "tmpdir.h"

static const struct str domains[] = { STR_INIT("example.test") };
static const uint8_t key[SEAL_KEY_LEN] = { 1, 2, 3 };

struct fixture {
	struct loop *l;
	struct tmpdir dir;
	struct userdb *db;
	struct phonebook *people;
};

static void on_change(void *arg, const struct userdb_change *c)
{
	struct fixture *f = arg;
	if (f->people)
		phonebook_changed(f->people, c->account);
}

static struct fixture *start(void)
{
	struct fixture *f = xnew(struct fixture);
	auto_(buf_free) struct buf why = buf_of(4096);
	struct userdb_config c = {
		.realm = STR("realm.test"), .domains = domains, .n_domains = 1, .seal_key = key
	};
	f->l = loop_new();
	tmpdir_make(&f->dir);
	f->db = userdb_open(f->l, tmpdir_file(&f->dir, "users.db"), &c, &why);
	OK(f->db && why.len == 0);
	userdb_on_change(f->db, on_change, f);
	f->people = phonebook_new(f->db);
	return f;
}

static void end(struct fixture *f)
{
	phonebook_free(&f->people);
	userdb_close(&f->db);
	loop_free(&f->l);
	tmpdir_remove(&f->dir, "users.db");
	free(f);
}

struct done {
	int calls, err;
	uint64_t id;
};

static void on_done(void *arg, int err, uint64_t id)
{
	*(struct done *)arg = (struct done){ 1, err, id };
}

static uint64_t add(struct fixture *f, const char *uri, const char *name)
{
	struct userdb_new n = { .uri = str_of(uri), .password = STR("a good password") };
	struct done d = { 0 };
	n.field[USER_NAME] = str_of(name);
	n.field[USER_OFFICE] = STR("Building 7");
	userdb_add(f->db, &n, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	return d.id;
}

static void set(struct fixture *f, uint64_t id, const struct userdb_set *set)
{
	struct done d = { 0 };
	userdb_set(f->db, id, set, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
}

static void put_name(void *arg, const struct acct_person *p)
{
	struct buf *b = arg;
	if (b->len > 0)
		buf_char(b, ',');
	buf_str(b, p->display_name);
	buf_str(b, p->office.len ? STR("") : STR("!"));
}

static const char *find(struct fixture *f, const char *text)
{
	static char names[1024];
	struct buf b = BUF_ON(names);
	struct acct_query q = { .max = 10, .n = 1, .rows = { { ACCT_ANY, str_of(text) } } };
	bool more = true;
	OK(phonebook_search(f->people, &q, &more, put_name, &b) >= 0);
	OK(!more);
	names[b.len] = 0;
	return names;
}
#define FINDS(f, text, want) EQ_STR(str_of(find(f, text)), want)

static void changes_are_followed(void)
{
	struct fixture *f = start();
	uint64_t anna = add(f, "anna@example.test", "Anna Berg");
	add(f, "bert@example.test", "Bert Berg");
	FINDS(f, "berg", "Anna Berg,Bert Berg");
	FINDS(f, "building 7", "Anna Berg,Bert Berg");
	struct userdb_set s = USERDB_SET_NOTHING;
	s.field[USER_NAME] = STR("Zoe Tal");
	set(f, anna, &s);
	FINDS(f, "berg", "Bert Berg");
	FINDS(f, "zoe", "Zoe Tal");
	struct done d = { 0 };
	userdb_remove(f->db, anna, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	FINDS(f, "zoe", "");
	EQ(phonebook_count(f->people), 1);
	end(f);
}

static void who_is_hidden_or_disabled_is_not_found(void)
{
	struct fixture *f = start();
	uint64_t anna = add(f, "anna@example.test", "Anna Berg");
	struct userdb_set s = USERDB_SET_NOTHING;
	s.hidden = 1;
	set(f, anna, &s);
	FINDS(f, "anna", "");
	s.hidden = 0;
	set(f, anna, &s);
	FINDS(f, "anna", "Anna Berg");
	for (int disabled = 1; disabled >= 0; disabled--) {
		struct done d = { 0 };
		userdb_set_disabled(f->db, anna, disabled, on_done, &d);
		AWAIT(f->l, d.calls == 1);
		FINDS(f, "anna", disabled ? "" : "Anna Berg");
	}
	end(f);
}

static void what_the_store_holds_is_found_after_a_start(void)
{
	struct fixture *f = start();
	uint64_t anna = add(f, "anna@example.test", "Anna Berg");
	add(f, "bert@example.test", "Bert Berg");
	struct userdb_set s = USERDB_SET_NOTHING;
	s.hidden = 1;
	set(f, anna, &s);
	phonebook_free(&f->people);
	f->people = phonebook_new(f->db);
	FINDS(f, "berg", "Bert Berg");
	end(f);
}

static void groups_are_no_people(void)
{
	struct fixture *f = start();
	struct done d = { 0 };
	userdb_add_group(f->db, STR("staff@example.test"), STR("All Staff"), on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	FINDS(f, "staff", "");
	EQ(phonebook_count(f->people), 0);
	end(f);
}

int main(void)
{
	RUN(changes_are_followed);
	RUN(who_is_hidden_or_disabled_is_not_found);
	RUN(what_the_store_holds_is_found_after_a_start);
	RUN(groups_are_no_people);
	return tap_done();
}
