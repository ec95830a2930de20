#include "role/web/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/by_door.h"
#include "role/web/wb.h"
#include "svc/bridge/route.h"
#include "svc/file/scanning.h"
#include "svc/oidc/settings.h"

/* The life of the role: start, links, reload, stop; and what it shows. */

/* clang-format off */
static const struct role_port ports[] = {
	{ .name = "HTTPS", .proto = TOPO_HTTPS, .port = 4443, .open = true,
	  .can_be_behind = true,
	  .purpose = "browsers: the pages, and what they speak with the server" },
	{ .name = "HTTP", .proto = TOPO_HTTP, .port = 80, .beside = 443, .open = true,
	  .purpose = "sends browsers and Lync clients that ask without TLS to HTTPS" },
	{ .name = NULL },
};

static const struct setting web_table[] = {
	SETTING_STR("web-root", struct web_settings, root, .max = 1000,
		    .def = "/usr/share/dialtone/web", .restart = true,
		    .help = "folder of the browser client, as `tools/build-web` makes it (web/dist)"),
	SETTING_STR("names", struct web_settings, names, .max = WEB_LIST_MAX, .def = "",
		    .absent = "none",
		    .help = "further names by which browsers reach it, as that of a reverse proxy, separated by commas"),
	SETTING_STR("proxies", struct web_settings, proxies, .max = WEB_LIST_MAX, .def = "",
		    .absent = "none",
		    .help = "reverse proxies that are believed when they say whom they speak for (X-Forwarded-For): addresses and networks, as 10.1.0.0/16, separated by commas"),
	SETTING_U32("connections-max", SET_UINT, struct web_settings, connections_max,
		    .min = 10, .max = 15000, .def = "8000",
		    .help = "connections of browsers that one process holds"),
	SETTING_U32("sessions-max", SET_UINT, struct web_settings, sessions_max,
		    .min = 1, .max = 20000, .def = "6000",
		    .help = "sessions of browsers in one process; each is a device that is signed in"),
	SETTING_U32("file-max", SET_BYTES, struct web_settings, file_max, .max = 2147483648u,
		    .def = "100 MB",
		    .help = "size of a file that is sent in a chat; 0: none are taken"),
	SETTING_U32("files-of-user", SET_BYTES, struct web_settings, files_of_user,
		    .min = 1024 * 1024, .max = 3221225472u, .def = "1 GB",
		    .help = "size of all files of one sender that are kept"),
	SETTING_U32("files-space", SET_UINT, struct web_settings, files_space, .min = 1,
		    .max = 1000000, .def = "20",
		    .help = "gigabytes of the data directory that files may take"),
	SETTING_U32("file-life", SET_SECONDS, struct web_settings, file_life, .min = 1,
		    .max = 10 * 365 * 86400, .def = "30 d",
		    .help = "a file is kept so long after it was sent"),
	SETTING_STR("file-scanner", struct web_settings, file_scanner, .max = 100, .def = "",
		    .help = "where a virus scanner listens that speaks ClamAV's protocol: the path "
			    "of its socket, or address:port; each file is shown to it, and without "
			    "its answer none is taken. Empty: there is none"),
	SETTING_FLAG("push", struct web_settings, push, .def = "yes",
		     .help = "browsers that want it are told what comes while no page is open, by the push service of their maker, to which this host must have HTTPS; the content is encrypted for the browser"),
	SETTING_FLAG("push-text", struct web_settings, push_text, .def = "yes",
		     .help = "what is told has the begin of a message's text, and not only who it is from"),
	SETTING_STR("push-contact", struct web_settings, push_contact, .max = 255, .def = "",
		    .absent = "https:// and the role's name",
		    .help = "whom operators of push services ask if something is wrong: mailto:it@example.com or an https address"),
	SETTING_STR("push-ca", struct web_settings, push_ca, .max = 1000, .def = "",
		    .absent = "the authorities that the system trusts",
		    .help = "file with the certificates (PEM) of the authorities that push services must be certified by"),
	SETTING_STR("push-services", struct web_settings, push_services, .max = 2000, .def = "",
		    .absent = "none",
		    .help = "names of own push services, separated by commas, which may have private addresses; those of the Internet need not be named"),
	SETTING_END
};
/* clang-format on */

static const struct setting *const settings[] = { web_table, NULL };
static const char *const links[] = { "frontend", "accounts", NULL };
static const char *const of_accounts[] = { "lookup",  "auth",    "log-in", "own",
	                                   "changes", "search",  "push",   "command",
	                                   "photo",   "members", NULL };
static const char *const of_frontend[] = { "REGISTER", "SUBSCRIBE", "SERVICE", "MESSAGE",
	                                   "INVITE",   "ACK",       "CANCEL",  "BYE",
	                                   "REFER",    "NOTIFY",    NULL };
/* It shows the ticket of the log-in. */
static const char *const fields[] = { "Authorization", NULL };
static const struct role_right rights[] = {
	{ .of = "accounts", .who = ROLE_AS_NOBODY, .requests = of_accounts },
	{ .of = "frontend", .who = ROLE_AS_OUR_USERS, .requests = of_frontend, .fields = fields },
	{ .of = NULL },
};

/* --- links ----------------------------------------------------------------------------------- */

static void link_up(void *state, size_t i)
{
	struct web *w = state;
	struct role_link *l = &w->env->links[i];
	if (by_door_link_up(w->by_door, i))
		return;
	if (str_eq(l->role, STR("accounts"))) {
		accounts_link_up(w->accounts, l->fd);
	} else if (l->slot >= WEB_SLOTS_MAX) {
		(void)close(l->fd);
	} else {
		w->n_fes = MAX(w->n_fes, l->slot + 1);
		w->fes[l->slot] =
		        sip_transport_link(sip_stack_transport(w->stack), (uint16_t)l->slot, l->fd);
		sessions_link(w, l->slot, true);
	}
}

static bool on_opened(void *arg UNUSED, struct sip_flow *f)
{
	return f->server;
}

static void on_closed(void *arg, struct sip_flow *f, const char *why)
{
	struct web *w = arg;
	log_warning(NULL, "link-down", "peer=frontend/%u reason=%s", f->sock + 1,
	            log_esc(str_of(why ? why : "")));
	if (w->fes[f->sock] != f)
		return; /* another one has taken its place */
	w->fes[f->sock] = NULL;
	sessions_link(w, f->sock, false);
	role_link_lost(w->env, role_link_index(w->env, STR("frontend"), f->sock, STR("")));
}

static const struct sip_stack_ops stack_ops = { .request = web_sip_request,
	                                        .opened = on_opened,
	                                        .closed = on_closed };

static void sign_out(struct web *w, const struct web_login *of, const char *why)
{
	sessions_end(w, of, why);
	browsers_end(w, of, why);
}

/* Log-ins that ended, by whatever: what was opened with them goes. */
static void on_account(void *arg, enum accounts_event ev, uint64_t account, uint64_t number)
{
	struct web *w = arg;
	switch (ev) {
	case ACCOUNTS_LOGIN_ENDED:
		sign_out(w, &(struct web_login){ .account = account, .number = number },
		         "The log-in has ended.");
		break;
	case ACCOUNTS_DISABLED:
		sign_out(w, &(struct web_login){ .account = account },
		         "The account has been disabled.");
		break;
	case ACCOUNTS_LOST:
		if (!accounts_is_up(w->accounts))
			role_link_lost(w->env,
			               role_link_index(w->env, STR("accounts"), 0, STR("")));
		break;
	case ACCOUNTS_PASSWORD:
		wb_password_changed(w, account, number);
		break;
	case ACCOUNTS_CHANGED:
	case ACCOUNTS_BACK:
		break;
	}
}

/* --- start ----------------------------------------------------------------------------------- */

bool web_is_our_host(const struct web *w, struct str host)
{
	struct addr a;
	return str_ieq(host, w->env->self->fqdn) || str_ieq(host, STR("localhost")) ||
	       addr_parse(&a, host, 0) == 0 || topo_is_our_domain(w->env->topo, host) ||
	       web_is_named(w, host) || web_is_discovery_host(w, host);
}

static bool is_host(void *arg, struct str host)
{
	return web_is_our_host(arg, host);
}

static const struct http_server_ops http_ops = { .request = web_http_request,
	                                         .plain = web_plain_at_tls,
	                                         .host = is_host };

static struct tls_server *make_tls(const struct web *w, struct buf *why)
{
	static const struct str protocols[] = { STR_INIT("h2"), STR_INIT("http/1.1") };
	return role_tls_server_for(w->env, "the web role", protocols, ARRAY_SIZE(protocols), why);
}

static int start_http(struct web *w, struct buf *why)
{
	static const struct str protocols[] = { STR_INIT("dialtone.v1") };
	struct ws_config ws = { .protocols = protocols, .n_protocols = ARRAY_SIZE(protocols) };
	w->tls = make_tls(w, why);
	if (!w->tls)
		return -EINVAL;
	struct http_server_config cfg = { .tls = w->tls, .max_conns = w->set.connections_max };
	w->http = http_server_new(w->env->loop, &cfg, &http_ops, w);
	w->ws = ws_host_new(w->env->loop, &ws);
	for (size_t i = 0; i < w->env->n_sockets; i++)
		if (w->env->sockets[i].proto == TOPO_HTTPS && w->env->sockets[i].fd >= 0)
			http_server_listen(w->http, w->env->sockets[i].fd, true, NULL);
	w->plain = web_plain_new(w, is_host);
	return 0;
}

static void on_by_door(void *arg, const struct topo_listen *at UNUSED, int fd,
                       const struct addr *peer UNUSED)
{
	struct web *w = arg;
	http_server_accept(w->http, fd, true, NULL);
}

static void start_links(struct web *w)
{
	struct role_env *env = w->env;
	char name[64];
	size_t to_accounts = role_link_index(env, STR("accounts"), 0, STR(""));
	(void)snprintf(name, sizeof(name), "web-%u." BRIDGE_LINK_DOMAIN, env->slot + 1);
	struct sip_transport_config cfg = { .client_max = SIP_CLIENT_MAX, .link_name = name };
	w->stack = sip_stack_new(env->loop, &cfg, &stack_ops, w);
	web_push_new(w);
	w->by_door = by_door_new(env, on_by_door, w);
	w->accounts = accounts_new(env->loop,
	                           to_accounts < env->n_links ? env->links[to_accounts].fd : -1,
	                           on_account, w);
	for (size_t i = 0; i < env->n_links; i++)
		if (i != to_accounts)
			link_up(w, i);
}

static void web_free(struct web *w)
{
	by_door_free(&w->by_door);
	http_server_free(&w->http);
	http_server_free(&w->plain);
	browsers_free(w);
	ws_host_free(&w->ws);
	sessions_free(w);
	sip_stack_free(&w->stack);
	web_push_free(w);
	wb_doubts_free(w);
	accounts_free(&w->accounts);
	seal_free(&w->seal);
	wb_tickets_free(w);
	files_close(&w->kept);
	web_files_free(w);
	tls_server_unref(&w->tls);
	map_done(&w->by_id);
	map_done(&w->by_call);
	map_done(&w->by_ref);
}

static struct files_config files_config(const struct web_settings *set)
{
	return (struct files_config){ .file_max = set->file_max,
		                      .user_max = set->files_of_user,
		                      .space = (uint64_t)set->files_space << 30,
		                      .life_s = set->file_life,
		                      .scanner = set->file_scanner };
}

static int check_scanner(const struct web_settings *set, struct buf *why)
{
	if (set->file_scanner.len == 0 || scan_place_is_good(set->file_scanner))
		return 0;
	buf_printf(why, "file-scanner: \"%" STR_FMT "\" is no path and no address:port\n",
	           STR_ARG(set->file_scanner));
	return -EINVAL;
}

static int read_settings(const struct topo *t, const struct topo_role *r, struct web_settings *ret,
                         struct web_proxies *ret_proxies, struct buf *why)
{
	if (topo_settings(t, r, web_table, ret, why) < 0 || check_scanner(ret, why) < 0 ||
	    web_names_check(ret->names, why) < 0 || web_push_check(ret, why) < 0 ||
	    web_proxies_read(ret_proxies, ret->proxies, why) < 0)
		return -EINVAL;
	return 0;
}

static int check(const struct topo *t, const struct topo_role *r, struct buf *why)
{
	struct web_settings set;
	struct web_proxies proxies;
	bool https = false, http = false;
	for (size_t i = 0; i < r->n_listens; i++) {
		https |= r->listens[i].proto == TOPO_HTTPS;
		http |= r->listens[i].proto == TOPO_HTTP;
	}
	if (http && !https)
		buf_lit(why, "http: there is no https to send browsers to; give it an address, or "
		             "set http = none\n");
	return read_settings(t, r, &set, &proxies, why) < 0 || (http && !https) ? -EINVAL : 0;
}

static int start_files(struct web *w, struct buf *why)
{
	struct files_config cfg = files_config(&w->set);
	loop_job_start(w->env->loop, WEB_FILE_THREADS);
	w->kept = files_open(w->env->loop, w->env->data_dir, &cfg, why);
	return w->kept ? 0 : -EIO;
}

/* The section of accounts says whether there is an OpenID provider. */
static int find_oidc(const struct topo *t, struct str *ret_name, struct buf *why)
{
	const struct topo_role *accounts = topo_role_here(t, STR("accounts"));
	struct oidc_settings oidc = { .name = STR("") };
	int r = accounts ? oidc_settings_read(&oidc, t, accounts, why) : 0;
	if (r == 0)
		*ret_name = oidc.issuer.len > 0 ? oidc.name : STR("");
	return r;
}

static int start_parts(struct web *w, struct buf *why)
{
	int r = read_settings(w->env->topo, w->env->self, &w->set, &w->proxies, why);
	if (r < 0 || (r = find_oidc(w->env->topo, &w->oidc_name, why)) < 0 ||
	    (r = web_files_open(w, why)) < 0 || (r = start_files(w, why)) < 0)
		return r;
	start_links(w);
	r = web_push_configure(w, &w->set, why);
	return r < 0 ? r : start_http(w, why);
}

static int start(struct role_env *env, void **ret_state)
{
	auto_(buf_free) struct buf why = buf_of(8192);
	struct web *w = xnew(struct web);
	w->env = env;
	w->seal = seal_new(env->pool_key);
	wb_tickets_new(w);
	map_init(&w->by_id);
	map_init(&w->by_call);
	map_init(&w->by_ref);
	list_init(&w->sessions);
	list_init(&w->browsers);
	list_init(&w->doubts);
	int r = start_parts(w, &why);
	if (r < 0) {
		log_error(NULL, "not-started", "why=%s", log_text(str_trim(buf_view(&why))));
		web_free(w);
		free(w);
		return r;
	}
	log_info(NULL, "started", "root=%s", log_esc(w->set.root));
	*ret_state = w;
	return 0;
}

static int reload(void *state, struct buf *why)
{
	struct web *w = state;
	struct web_settings set;
	struct web_proxies proxies;
	struct str oidc_name;
	if (read_settings(w->env->topo, w->env->self, &set, &proxies, why) < 0 ||
	    find_oidc(w->env->topo, &oidc_name, why) < 0)
		return -EINVAL;
	struct tls_server *tls = make_tls(w, why);
	if (!tls || web_push_configure(w, &set, why) < 0) {
		tls_server_unref(&tls);
		return -EINVAL;
	}
	http_server_set_tls(w->http, tls);
	tls_server_unref(&w->tls);
	struct files_config cfg = files_config(&set);
	w->tls = tls;
	w->set = set;
	files_configure(w->kept, &cfg);
	w->proxies = proxies;
	w->oidc_name = oidc_name;
	return 0;
}

static void tell_stopped(void *arg)
{
	struct web *w = arg;
	void (*fn)(void *) = w->on_stopped;
	void *fn_arg = w->on_stopped_arg;
	web_free(w);
	free(w);
	fn(fn_arg);
}

/* The browsers are told, and come back to who starts next. */
static void stop(void *state, void (*done)(void *arg), void *arg)
{
	struct web *w = state;
	w->on_stopped = done;
	w->on_stopped_arg = arg;
	ws_host_close_all(w->ws, 1012, STR("The server is being restarted."));
	timer_init(&w->stopping, w->env->loop, tell_stopped, w);
	timer_set(&w->stopping, loop_now(w->env->loop) + STOP_MS * USEC_PER_MSEC);
}

/* --- figures --------------------------------------------------------------------------------- */

static void put(struct buf *b, const char *name, const char *kind, const char *help, uint64_t v)
{
	buf_printf(b,
	           "# HELP dialtone_web_%s %s\n# TYPE dialtone_web_%s %s\ndialtone_web_%s %llu\n",
	           name, help, name, kind, name, (unsigned long long)v);
}

static void metrics(void *state, struct buf *b)
{
	const struct web *w = state;
	const struct http_server_stats *h = http_server_stats(w->http);
	const struct ws_stats *s = ws_host_stats(w->ws);
	put(b, "sessions", "gauge", "Sessions of browsers.", w->n_sessions);
	put(b, "websockets", "gauge", "Connections that show a session, or are about to.",
	    s->conns);
	put(b, "connections", "gauge", "Connections by HTTP.", h->conns);
	put(b, "http_requests_total", "counter", "Requests by HTTP.", h->requests);
	put(b, "http_broken_total", "counter", "Requests that were no good HTTP.", h->broken);
	put(b, "plain_requests_total", "counter", "Requests without TLS, all sent to HTTPS.",
	    http_server_stats(w->plain)->requests);
	put(b, "logins_total", "counter", "Passwords that were shown.", w->stats.logins);
	put(b, "refused_total", "counter", "Log-ins and tickets that were refused.",
	    w->stats.refused);
	put(b, "requests_total", "counter", "Requests of sessions.", w->stats.requests);
	put(b, "events_total", "counter", "Events for sessions.", w->stats.events);
	put(b, "resumed_total", "counter", "Sessions that were taken up again.", w->stats.resumed);
	const struct files_stats *f = files_stats(w->kept);
	put(b, "files", "gauge", "Files of chats that are kept.", f->n);
	put(b, "files_bytes", "gauge", "Their size.", f->bytes);
	put(b, "files_taken_total", "counter", "Files that were sent.", f->taken);
	put(b, "files_read_total", "counter", "Files that were fetched.", f->read);
	put(b, "files_infected_total", "counter", "Files that the scanner refused.", f->infected);
	put(b, "files_unscanned_total", "counter",
	    "Files that were refused because the scanner did not answer.", f->unscanned);
	put(b, "slow_total", "counter", "Browsers that read too slowly.", s->slow);
	web_push_metrics(w, b);
}

static void status(void *state, struct buf *b)
{
	const struct web *w = state;
	buf_printf(b, "\"sessions\":%u,\"websockets\":%u,\"connections\":%u", w->n_sessions,
	           ws_host_stats(w->ws)->conns, http_server_stats(w->http)->conns);
}

static const struct ctl_command commands[] = { { .noun = NULL } };

const struct role role_web = {
	.name = "web",
	.box = "Lync Web App",
	.ports = ports,
	.links = links,
	.rights = rights,
	.settings = settings,
	.commands = commands,
	.check = check,
	.max_processes = 1,   /* a session lives in one, and its browser comes to any */
	.metrics_port = 9321, /* from 9256 on are those of the A/V edges */
	.start = start,
	.reload = reload,
	.link_up = link_up,
	.stop = stop,
	.metrics = metrics,
	.status = status,
};
