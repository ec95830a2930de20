#include <stdlib.h>
#include <unistd.h>

#include "await.h"
#include "role/frontend/fe.h"

enum { MANY = 5000 };

/* The home half of a front end with its store, in a directory of its own. */
struct world {
	char dir[64];
	struct loop *loop;
	struct role_env env;
	struct frontend *fe;
	struct registrar_config cfg;
};

static void on_event(void *arg, const struct binding *b, enum registrar_event ev,
                     const char *why UNUSED)
{
	fe_store_event(arg, b, ev);
}

static void open_home(struct world *w)
{
	static const struct registrar_ops ops = { .event = on_event };
	auto_(buf_free) struct buf why = buf_of(4096);
	w->fe = xnew(struct frontend);
	w->fe->loop = w->loop;
	w->fe->env = &w->env;
	w->fe->registrar_cfg.max_expires_s = 900;
	token_key_init(&w->fe->key, w->env.pool_key);
	fe_behind_init(w->fe);
	OK(fe_store_open(w->fe, &why) == 0);
	w->fe->registrar = registrar_new(w->loop, &w->cfg, &w->fe->key, &ops, w->fe);
}

static void close_home(struct world *w)
{
	fe_behind_close(w->fe);
	registrar_free(&w->fe->registrar);
	free(w->fe);
}

static struct world *world_start(void)
{
	struct world *w = xnew(struct world);
	w->cfg = (struct registrar_config){ 8, 300, 900, 600 };
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/behind-test-XXXXXX");
	OK(mkdtemp(w->dir) != NULL);
	w->env = (struct role_env){ .n_slots = 1, .data_dir = w->dir };
	w->loop = loop_new();
	open_home(w);
	return w;
}

static void world_end(struct world **wp)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-log0", "-log1" };
	struct world *w = take(wp);
	char path[128];
	close_home(w);
	loop_free(&w->loop);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		(void)snprintf(path, sizeof(path), "%s/home-1.db%s", w->dir, ends[i]);
		(void)unlink(path);
	}
	EQ(rmdir(w->dir), 0);
	free(w);
}

static void sign_in(struct world *w, uint64_t account, const char *contact)
{
	struct binding_data d = { .endpoint = 1, .text = { [BINDING_CONTACT] = str_of(contact) } };
	d.hint.reach = TOKEN_UDP;
	OK(addr_parse(&d.hint.peer, STR("192.0.2.1"), 5060) == 0);
	struct binding *b =
	        registrar_restore(w->fe->registrar, &d, account, STR("a@example.test"), 600);
	fe_store_event(w->fe, b, BINDING_ADDED);
}

static bool is_written(const struct world *w)
{
	return w->fe->behind.n_open == 0 && w->fe->behind.n_waiting == 0;
}

/* What a new process finds. */
static size_t n_found_again(struct world *w)
{
	close_home(w);
	open_home(w);
	fe_store_load(w->fe);
	return registrar_count(w->fe->registrar);
}

static void many_at_once_are_all_written_and_few_lie_in_the_store(void)
{
	auto_(world_end) struct world *w = world_start();
	for (uint64_t i = 1; i <= MANY; i++)
		sign_in(w, i, "sip:a@192.0.2.1");
	OK(w->fe->behind.n_open <= 1000);
	EQ(w->fe->behind.n_open + w->fe->behind.n_waiting, MANY);
	AWAIT(w->loop, is_written(w));
	EQ(w->fe->behind.errors, 0);
	EQ(n_found_again(w), MANY);
}

static void row_that_waits_is_written_as_it_is_by_then(void)
{
	auto_(world_end) struct world *w = world_start();
	for (uint64_t i = 1; i <= MANY; i++)
		sign_in(w, i, "sip:a@192.0.2.1");
	/* Those at the end have only waited. */
	EQ(registrar_kick(w->fe->registrar, MANY, 0, "gone"), 1);
	EQ(registrar_kick(w->fe->registrar, MANY - 1, 0, "gone"), 1);
	sign_in(w, MANY - 1, "sip:a@192.0.2.2");
	AWAIT(w->loop, is_written(w));
	EQ(n_found_again(w), MANY - 1);
	OK(registrar_user(w->fe->registrar, MANY) == NULL);
	struct home_user *u = registrar_user(w->fe->registrar, MANY - 1);
	OK(u && registrar_contact(u, STR("sip:a@192.0.2.2")) != NULL);
}

static void rows_that_wait_are_written_at_the_end(void)
{
	auto_(world_end) struct world *w = world_start();
	for (uint64_t i = 1; i <= MANY; i++)
		sign_in(w, i, "sip:a@192.0.2.1");
	EQ(n_found_again(w), MANY);
}

int main(void)
{
	RUN(many_at_once_are_all_written_and_few_lie_in_the_store);
	RUN(row_that_waits_is_written_as_it_is_by_then);
	RUN(rows_that_wait_are_written_at_the_end);
	return tap_done();
}
