#include "role/accounts/accounts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "role/accounts/peers.h"
#include "svc/oidc/provider.h"
#include "svc/registrar/registrar.h"
#include "svc/user/commands.h"
#include "svc/user/logins.h"
#include "svc/user/open.h"
#include "svc/user/signin.h"

enum { JOB_THREADS = 2, OIDC_LINES_PER_S = 5 };

/* The commands know the first member alone. */
struct accounts_role {
	struct user_admin admin;
	struct role_env *env;
	struct signin *signin;
	struct runs *runs;
	struct peers *peers;
	struct log_limit oidc_lines;
	struct defer stopped;
	void (*on_stopped)(void *arg);
	void *on_stopped_arg;
};

/* The limit that the front ends have for who has none of his own. */
static uint32_t default_endpoints(const struct topo *t)
{
	auto_(buf_free) struct buf why = buf_of(8192);
	struct registrar_config cfg;
	struct setting_value v = { 0 };
	const struct setting *s = setting_find(registrar_settings, STR("max-endpoints"));
	for (size_t i = 0; i < t->n_roles; i++)
		if (str_eq(t->roles[i].role, STR("frontend")) &&
		    topo_settings(t, &t->roles[i], registrar_settings, &cfg, &why) == 0)
			return cfg.max_endpoints;
	return setting_parse(s, str_of(s->def), &v, &why) == 0 ? v.u : 0;
}

/* --- start and stop ------------------------------------------------------------------ */

/* By a command, by the user, or by a later one; or an app token was removed. */
static void log_ended(struct accounts_role *a, const struct userdb_change *c)
{
	struct account acc = { .uri = STR("") };
	(void)!userdb_by_id(a->admin.db, c->account, &acc);
	log_info(NULL, "login-ended", "user=%s login=%llu", log_esc(acc.uri),
	         (unsigned long long)c->credential);
}

static void on_change(void *arg, const struct userdb_change *c)
{
	struct accounts_role *a = arg;
	if (c->event == ACCOUNTS_LOGIN_ENDED)
		log_ended(a, c);
	else
		phonebook_changed(a->admin.people, c->account);
	runs_changed(a->runs, c);
	peers_tell(a->peers, c);
}

/* A provider that does not do what it should is for the administrator; the rest is people's. */
static void on_oidc_refused(void *arg, const struct addr *peer, const char *word, struct str why)
{
	struct accounts_role *a = arg;
	char space[64];
	struct buf from = BUF_ON(space);
	if (!log_allow(&a->oidc_lines, loop_now(a->env->loop), OIDC_LINES_PER_S))
		return;
	if (peer->sa.sa_family != AF_UNSPEC)
		addr_put_host(&from, peer);
	if (strcmp(word, "failed") == 0)
		log_warning(NULL, "oidc-failed", "from=%s reason=%s", log_esc(buf_view(&from)),
		            log_esc(why));
	else
		log_info(NULL, "oidc-refused", "from=%s as=%s reason=%s", log_esc(buf_view(&from)),
		         word, log_esc(why));
}

/* *ret is NULL if none is set. */
static int make_provider(const struct role_env *env, struct provider **ret, struct buf *why)
{
	struct oidc_settings set;
	int r = oidc_settings_read(&set, env->topo, env->self, why);
	*ret = NULL;
	if (r < 0 || set.issuer.len == 0)
		return r;
	*ret = provider_new(env->loop, &set, why);
	return *ret ? 0 : -EINVAL;
}

static int start_signin(struct accounts_role *a, struct buf *why)
{
	struct provider *p;
	int r = make_provider(a->env, &p, why);
	if (r < 0)
		return r;
	signin_set_provider(a->signin, p);
	signin_on_oidc_refused(a->signin, on_oidc_refused, a);
	return 0;
}

static int accounts_start(struct role_env *env, void **ret_state)
{
	auto_(buf_free) struct buf why = buf_of(8192);
	loop_job_start(env->loop, JOB_THREADS);
	struct userdb *db = userdb_open_configured(env->loop, env->topo, env->self, env->data_dir,
	                                           env->seal_key, &why);
	if (!db) {
		log_error(NULL, "start-failed", "reason=%s", log_text(buf_view(&why)));
		return -EIO;
	}
	struct phonebook *people = phonebook_new(db);
	if (!people) {
		log_error(NULL, "start-failed", "reason=\"the user store cannot be read\"");
		userdb_close(&db);
		return -EIO;
	}
	struct signin *signin = signin_new(db);
	if (!signin) {
		log_error(NULL, "start-failed", "reason=\"libcrypt has no yescrypt\"");
		phonebook_free(&people);
		userdb_close(&db);
		return -EIO;
	}
	struct accounts_role *a = xnew(struct accounts_role);
	a->env = env;
	a->signin = signin;
	if (start_signin(a, &why) < 0) {
		log_error(NULL, "start-failed", "reason=%s", log_text(str_trim(buf_view(&why))));
		signin_free(&a->signin);
		phonebook_free(&people);
		userdb_close(&db);
		free(a);
		return -EINVAL;
	}
	a->admin.db = db;
	a->admin.people = people;
	a->admin.max_endpoints = default_endpoints(env->topo);
	a->runs = runs_new(env, db, signin);
	a->peers = peers_new(env, db, a->signin, a->runs, people);
	userdb_on_change(db, on_change, a);
	log_info(NULL, "started", "users=%lld", (long long)userdb_count(db));
	*ret_state = a;
	return 0;
}

static int accounts_reload(void *state, struct buf *why)
{
	struct accounts_role *a = state;
	struct provider *p;
	int r = make_provider(a->env, &p, why);
	if (r < 0)
		return r;
	r = userdb_reload(a->admin.db, a->env->topo, a->env->self, why);
	if (r < 0) {
		provider_free(&p);
		return r;
	}
	signin_set_provider(a->signin, p);
	a->admin.max_endpoints = default_endpoints(a->env->topo);
	return 0;
}

static void accounts_link_up_at(void *state, size_t i)
{
	struct accounts_role *a = state;
	peers_link_up(a->peers, i);
}

static void tell_stopped(void *arg)
{
	struct accounts_role *a = arg;
	void (*fn)(void *) = a->on_stopped;
	void *fn_arg = a->on_stopped_arg;
	free(a);
	fn(fn_arg);
}

/* Closing the store writes what is queued: milliseconds. */
static void accounts_stop(void *state, void (*done)(void *arg), void *arg)
{
	struct accounts_role *a = state;
	a->on_stopped = done;
	a->on_stopped_arg = arg;
	peers_free(&a->peers);
	runs_free(&a->runs);
	signin_free(&a->signin);
	userdb_close(&a->admin.db);
	phonebook_free(&a->admin.people);
	defer_init(&a->stopped, tell_stopped, a);
	loop_defer(a->env->loop, &a->stopped);
}

/* --- what it shows ------------------------------------------------------------------- */

static void put_counter(struct buf *b, const char *name, const char *kind, const char *help,
                        int64_t value)
{
	buf_printf(b, "# HELP dialtone_accounts_%s %s\n# TYPE dialtone_accounts_%s %s\n", name,
	           help, name, kind);
	buf_printf(b, "dialtone_accounts_%s %lld\n", name, (long long)value);
}

static void accounts_metrics(void *state, struct buf *b)
{
	struct accounts_role *a = state;
	struct signin_counts c = signin_counts(a->signin, loop_now(a->env->loop));
	put_counter(b, "users", "gauge", "Users in the store.", userdb_count(a->admin.db));
	put_counter(b, "signins_accepted_total", "counter", "Right passwords.",
	            (int64_t)c.accepted);
	put_counter(b, "signins_refused_total", "counter", "Wrong names or passwords.",
	            (int64_t)c.refused);
	put_counter(b, "signins_slowed_total", "counter", "Tries answered with a waiting time.",
	            (int64_t)c.slowed);
	put_counter(b, "checks_total", "counter", "Secrets opened and hashed against.",
	            (int64_t)c.checks);
	put_counter(b, "logins", "gauge", "Log-ins to the web.", logins_count(a->admin.db));
	put_counter(b, "tickets_total", "counter", "Good tickets that were shown.",
	            (int64_t)c.tickets);
	put_counter(b, "wrong_tickets_total", "counter",
	            "Tickets of no log-in, or of one that has ended.", (int64_t)c.no_tickets);
	put_counter(b, "oidc_signins_accepted_total", "counter",
	            "Sign-ins by the OpenID provider that were good.", (int64_t)c.vouched);
	put_counter(b, "oidc_signins_refused_total", "counter",
	            "Sign-ins by the OpenID provider that came to nothing.", (int64_t)c.unvouched);
	put_counter(b, "signins_under_way", "gauge", "Passwords and log-ins being worked on.",
	            (int64_t)c.under_way);
	put_counter(b, "people", "gauge", "Users whom a search can find.",
	            (int64_t)phonebook_count(a->admin.people));
	put_counter(b, "searches_total", "counter", "Searches of the directory.",
	            (int64_t)peers_searches(a->peers));
	put_counter(b, "admin_commands_total", "counter", "Commands of administrators by the web.",
	            (int64_t)runs_count(a->runs));
	put_counter(b, "slow", "gauge", "Addresses and pairs of user and address that must wait.",
	            (int64_t)c.slow_now);
}

static void accounts_status(void *state, struct buf *b)
{
	struct accounts_role *a = state;
	struct signin_counts c = signin_counts(a->signin, loop_now(a->env->loop));
	buf_printf(b,
	           "\"users\":%lld,\"signins\":%llu,\"refused\":%llu,\"slowed\":%llu,"
	           "\"slow_now\":%zu",
	           (long long)userdb_count(a->admin.db), (unsigned long long)c.accepted,
	           (unsigned long long)c.refused, (unsigned long long)c.slowed, c.slow_now);
}

/* --- the role ------------------------------------------------------------------------ */

static const struct role_port no_ports[] = { { .name = NULL } };
static const char *const links[] = { "frontend", NULL };
static const struct setting *const settings[] = { user_settings, oidc_table, NULL };

static int check(const struct topo *t, const struct topo_role *r, struct buf *why)
{
	struct oidc_settings set;
	return oidc_settings_read(&set, t, r, why);
}

const struct role role_accounts = {
	.name = "accounts",
	.box = "AD DS",
	.ports = no_ports,
	.links = links,
	.settings = settings,
	.commands = user_commands,
	.check = check,
	.max_processes = 1,
	.start = accounts_start,
	.reload = accounts_reload,
	.link_up = accounts_link_up_at,
	.stop = accounts_stop,
	.metrics = accounts_metrics,
	.status = accounts_status,
};
