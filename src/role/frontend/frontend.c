#include "role/frontend/frontend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/frontend/fe.h"

/* The life of the role: start, links, reload, stop.  What it serves stands in client.c. */

/* clang-format off */
static const struct role_port ports[] = {
	{ .name = "SIP", .proto = TOPO_TLS, .port = 5061, .can_be_behind = true,
	  .purpose = "signalling and IM of clients, and between servers" },
	{ .name = "SIP", .proto = TOPO_TCP, .port = 5060, .purpose = "standard SIP phones" },
	{ .name = "SIP", .proto = TOPO_UDP, .port = 5060, .purpose = "standard SIP phones" },
	{ .name = "SIP", .proto = TOPO_WSS, .port = 7443,
	  .purpose = "SIP phones in browsers, over WebSocket (RFC 7118)" },
	{ .name = "C3P", .proto = TOPO_HTTPS, .port = 444, .across = "mcu-im",
	  .purpose = "MCUs notify the focus" },
	{ .name = NULL },
};

static const struct setting fe_settings[] = {
	SETTING_U32("message-max", SET_BYTES, struct fe_config, message_max,
		    .min = 65536, .max = 262144, .def = "128 kB",
		    .help = "largest message taken from a client", .restart = true),
	SETTING_U32("connections-max", SET_UINT, struct fe_config, connections_max,
		    .min = 10, .max = 1000000, .def = "100000",
		    .help = "connections of clients that one process holds", .restart = true),
	SETTING_U32("overload-latency", SET_UINT, struct fe_config, overload_ms,
		    .min = 1, .max = 10000, .def = "500",
		    .help = "milliseconds that a message may have to wait for its turn; if it is longer for some seconds, fewer connections are taken, then no new sign-ins"),
	SETTING_U32("tcp-keepalive", SET_SECONDS, struct fe_config, tcp_keepalive_s,
		    .min = 5, .max = 7200, .def = "60 s", .restart = true,
		    .help = "silent TCP and TLS clients are probed after; one that vanished is signed off 40 s later"),
	SETTING_STR("ws-origins", struct fe_config, ws_origins, .max = 2000, .def = "",
		    .help = "web sites whose pages may connect by WebSocket, separated by commas, as https://phone.example.com, besides those of the deployment's own names and addresses"),
	SETTING_U32("contacts-max", SET_UINT, struct fe_config, contacts_max,
		    .min = 1, .max = CONTACTS_MAX, .def = "250",
		    .help = "contacts that a user can have; who has more keeps them"),
	SETTING_FLAG("privacy-mode", struct fe_config, privacy, .def = "no",
		    .help = "people see the presence of those alone on whose list of contacts they are, or who gave them a privacy relationship"),
	SETTING_FLAG("history", struct fe_config, history, .def = "yes",
		     .help = "remember the messages of the users, for their other devices"),
	SETTING_U32("history-keep", SET_SECONDS, struct fe_config, history_s,
		    .min = 1, .max = 315360000, .def = "30 d",
		    .help = "how long messages are remembered"),
	SETTING_FLAG("keep-messages", struct fe_config, keep, .def = "yes",
		     .help = "keep single messages for users who are not signed in, and deliver them at the next sign-in"),
	SETTING_U32("keep-messages-for", SET_SECONDS, struct fe_config, keep_s,
		    .min = 1, .max = 31536000, .def = "7 d",
		    .help = "how long they are kept"),
	SETTING_ENUM("im-links", struct fe_config, filter.links, .choices = "allow warn block",
		     .def = "allow",
		     .help = "links in messages: warn puts _ in front, so that they must be copied by hand"),
	SETTING_STR("im-link-prefixes", struct fe_config, filter.prefixes, .max = 1000,
		    .def = FILTER_PREFIXES,
		    .help = "what a link begins with"),
	SETTING_STR("file-transfer-block", struct fe_config, filter.extensions, .max = 2000,
		    .def = FILTER_EXTENSIONS,
		    .help = "files that nobody can offer, by the end of their names; none: all can be"),
	SETTING_END
};
/* clang-format on */

static const struct setting *const settings[] = { fe_settings, access_settings, registrar_settings,
	                                          fe_conf_settings, NULL };
static const char *const links[] = { "accounts", "frontend", NULL };
/* What MCUs of other hosts say, to the process that it is for: from the one with the lower number,
 * and from the other. */
static const char *const links_across[] = { "frontend:c3p-up", "frontend:c3p-down", NULL };

static const char *const reaches[] = { "edge-av", NULL };

static const char *const of_accounts[] = { "lookup", "auth",    "known", "changes",
	                                   "search", "members", NULL };
/* `other` is what no RFC here names. */
static const char *const of_frontend[] = { "REGISTER",  "INVITE",  "ACK",      "CANCEL",
	                                   "BYE",       "MESSAGE", "OPTIONS",  "INFO",
	                                   "UPDATE",    "PRACK",   "REFER",    "NOTIFY",
	                                   "SUBSCRIBE", "PUBLISH", "BENOTIFY", "SERVICE",
	                                   "other",     NULL };
/* What clients send, and what the focus commands. */
static const char *const of_mcu[] = {
	"INVITE",           "ACK",           "CANCEL",     "BYE",
	"MESSAGE",          "INFO",          "UPDATE",     "OPTIONS",
	"addConference",    "addUser",       "deleteUser", "modifyConferenceLock",
	"deleteConference", "getConference", NULL
};
static const char *const of_edge[] = { "SERVICE", NULL };
static const char *const link_fields[] = { "P-Asserted-Identity", "Path", NULL };
static const struct role_right rights[] = {
	{ .of = "accounts", .who = ROLE_AS_NOBODY, .requests = of_accounts },
	{ .of = "frontend",
	  .who = ROLE_AS_OUR_USERS,
	  .requests = of_frontend,
	  .fields = link_fields },
	{ .of = "mcu-im", .who = ROLE_AS_OUR_USERS, .requests = of_mcu, .fields = link_fields },
	{ .of = "edge-av",
	  .who = ROLE_AS_USERS_AND_BRIDGES,
	  .requests = of_edge,
	  .fields = link_fields },
	{ .of = NULL },
};

/* From the stack. */

static void on_request(void *arg, struct sip_req *rq)
{
	struct frontend *fe = arg;
	if (rq->flow->server)
		fe_from_link(fe, rq);
	else if (fe->stopping && rq->msg->method == SIP_REGISTER)
		sip_reply_forget(rq, 503, STR("Going Down"), STR("Retry-After: 5\r\n"));
	else
		fe_from_client(fe, rq);
}

static bool on_opened(void *arg, struct sip_flow *f)
{
	struct frontend *fe = arg;
	return f->server || access_opened(fe->access, f);
}

static void on_closed(void *arg, struct sip_flow *f, const char *why)
{
	struct frontend *fe = arg;
	if (f->server) {
		fe_link_down(fe, f, why ? why : "");
		return;
	}
	log_debug(NULL, "connection-closed", "id=%llu why=%s", (unsigned long long)f->id,
	          why ? why : "");
	access_closed(fe->access, f);
	fe_flow_lost(fe, f);
	if (fe_is_web(f))
		fe_web_down(fe, f, why ? why : "");
}

static void on_refused(void *arg, int err)
{
	fe_connection_refused(arg, err);
}

static const struct sip_stack_ops stack_ops = {
	.request = on_request,
	.refused = on_refused,
	.opened = on_opened,
	.closed = on_closed,
	.other = fe_stun,
	.tap = fe_tap,
};

/* From the registrar. */

static bool is_alive(void *arg, uint64_t account, uint64_t endpoint)
{
	struct frontend *fe = arg;
	struct home_user *u = registrar_user(fe->registrar, account);
	return u && registrar_endpoint(u, endpoint);
}

static void on_prune(void *arg)
{
	struct frontend *fe = arg;
	calls_prune(fe->calls, is_alive, fe);
}

static void on_binding(void *arg, const struct binding *b, enum registrar_event ev, const char *why)
{
	static const char *const names[] = { "endpoint-added", "endpoint-moved", "endpoint-gone",
		                             "endpoint-gone",  "endpoint-gone",  "endpoint-gone" };
	struct frontend *fe = arg;
	if (fe_may_log(fe, b->user->account))
		log_info(NULL, names[ev], "user=%s contact=%s why=%s",
		         log_esc(home_user_aor(b->user)), log_esc(binding_text(b, BINDING_CONTACT)),
		         log_text(str_of(why)));
	fe_store_event(fe, b, ev);
	fe_people_binding(fe, b, ev);
	if (registrar_is_end(ev)) {
		loop_defer(fe->loop, &fe->prune);
	} else {
		fe_deliver(fe, b->user->account);
		fe_fork_back(fe, b);
	}
	/* A Lync client has its connection for this one sign-in: it is told that another took its
	 * place, or, if it has been silent, finds the connection closed and comes back. */
	if (ev >= BINDING_EXPIRED && b->lync && b->reach == TOKEN_STREAM)
		fe_close_flow(fe, b->slot, b->stream.flow,
		              ev == BINDING_PUSHED_OUT ? REFUSE_REPLACED : REFUSE_NOTHING);
}

static const struct registrar_ops registrar_ops = { .event = on_binding };

static size_t accounts_link(const struct role_env *env)
{
	return role_link_index(env, STR("accounts"), 0, STR(""));
}

/* From accounts: who was disabled, or whose password changed, is out at once. */
static void on_account(void *arg, enum accounts_event ev, uint64_t account, uint64_t credential)
{
	struct frontend *fe = arg;
	if (ev == ACCOUNTS_PASSWORD && account)
		fe_web_doubt(fe, account);
	else if (ev != ACCOUNTS_LOGIN_ENDED)
		fe_web_forget(fe, account);
	switch (ev) {
	case ACCOUNTS_PASSWORD:
		access_revoke(fe->access, account, credential, REFUSE_PASSWORD_CHANGED);
		if (account)
			(void)registrar_revoke(fe->registrar, account, credential,
			                       "password changed");
		else
			fe_revalidate(fe);
		break;
	case ACCOUNTS_DISABLED:
		access_revoke(fe->access, account, 0, REFUSE_DISABLED);
		(void)registrar_kick(fe->registrar, account, 0, "account disabled");
		fe_people_account(fe, account);
		fe_focus_account(fe, account);
		break;
	case ACCOUNTS_LOGIN_ENDED:
		fe_web_ended(fe, account, credential);
		break;
	case ACCOUNTS_LOST:
		log_warning(NULL, "accounts-lost", "");
		if (!accounts_is_up(fe->accounts))
			role_link_lost(fe->env, accounts_link(fe->env));
		break;
	case ACCOUNTS_BACK:
		log_info(NULL, "accounts-back", "");
		break;
	case ACCOUNTS_CHANGED:
		fe_people_account(fe, account);
		break;
	}
}

/* Start. */

static int read_registrar(struct registrar_config *ret, const struct topo *t,
                          const struct topo_role *r, struct buf *why)
{
	if (topo_settings(t, r, registrar_settings, ret, why) < 0)
		return -EINVAL;
	if (ret->min_expires_s <= ret->default_expires_s &&
	    ret->default_expires_s <= ret->max_expires_s)
		return 0;
	buf_lit(why, "min-expires, default-expires and max-expires must be in ascending order\n");
	return -EINVAL;
}

static int check(const struct topo *t, const struct topo_role *r, struct buf *why)
{
	struct access_config access;
	struct registrar_config registrar;
	return access_config_read(&access, t, r, why) | read_registrar(&registrar, t, r, why);
}

static int read_settings(struct frontend *fe, struct buf *why)
{
	const struct role_env *env = fe->env;
	if (topo_settings(env->topo, env->self, fe_settings, &fe->cfg, why) < 0 ||
	    access_config_read(&fe->access_cfg, env->topo, env->self, why) < 0 ||
	    read_registrar(&fe->registrar_cfg, env->topo, env->self, why) < 0 ||
	    fe_conf_config_read(fe, why) < 0)
		return -EINVAL;
	return 0;
}

static struct tls_server *make_tls(struct frontend *fe, struct buf *why)
{
	return role_tls_server(fe->env, "the front end", why);
}

static int sip_kind_of(enum topo_proto p)
{
	static const int kinds[TOPO_N_PROTOS] = {
		[TOPO_UDP] = SIP_UDP, [TOPO_TCP] = SIP_TCP, [TOPO_TLS] = SIP_TLS
	};
	return kinds[p];
}

/* HTTP, or what begins with it, is not the transport's. */
static bool is_sip(enum topo_proto p)
{
	return p != TOPO_HTTPS && p != TOPO_WSS;
}

static bool has_tls(const struct role_env *env)
{
	for (size_t i = 0; i < env->n_sockets; i++)
		if (env->sockets[i].proto == TOPO_TLS || env->sockets[i].proto == TOPO_WSS)
			return true;
	return false;
}

static int start_tls(struct frontend *fe, struct buf *why)
{
	if (!has_tls(fe->env))
		return 0;
	fe->tls = make_tls(fe, why);
	return fe->tls ? 0 : -EINVAL;
}

static void start_stack(struct frontend *fe)
{
	struct role_env *env = fe->env;
	char name[64];
	(void)snprintf(name, sizeof(name), "frontend-%u." FE_LINK_DOMAIN, env->slot + 1);
	struct sip_transport_config cfg = { .client_max = fe->cfg.message_max,
		                            .max_flows = fe->cfg.connections_max,
		                            .probe_s = fe->cfg.tcp_keepalive_s,
		                            .tls = fe->tls,
		                            .loop_key = fe->key.mask,
		                            .link_name = name };
	fe->stack = sip_stack_new(fe->loop, &cfg, &stack_ops, fe);
	fe->tp = sip_stack_transport(fe->stack);
	fe->self = (struct target_self){ .topo = env->topo, .addrs = fe->listen_addrs };
	for (size_t i = 0; i < env->n_sockets && fe->self.n_addrs < FE_LISTENS_MAX; i++)
		if (env->sockets[i].proto != TOPO_HTTPS)
			fe->listen_addrs[fe->self.n_addrs++] = env->sockets[i].addr;
}

static void on_by_door(void *arg, const struct topo_listen *at UNUSED, int fd,
                       const struct addr *peer UNUSED)
{
	struct frontend *fe = arg;
	if (fe->stopping)
		(void)close(fd);
	else
		sip_transport_take(fe->tp, fd);
}

/* Everything is there: now requests may come. */
static void open_doors(struct frontend *fe)
{
	struct role_env *env = fe->env;
	fe->by_door = by_door_new(env, on_by_door, fe);
	for (size_t i = 0; i < env->n_links; i++)
		if (!str_eq(env->links[i].role, STR("accounts")))
			fe_link_up(fe, i);
	for (size_t i = 0; i < env->n_sockets && i < FE_LISTENS_MAX; i++)
		if (is_sip(env->sockets[i].proto) && env->sockets[i].fd >= 0)
			sip_transport_listen(fe->tp,
			                     (enum sip_kind)sip_kind_of(env->sockets[i].proto),
			                     env->sockets[i].fd);
	fe_sockets_start(fe);
}

enum { WRONG_LINES_PER_S = 5 };

static void on_wrong_signature(void *arg, const struct sip_flow *f, const struct sip_msg *m,
                               const char *why)
{
	struct frontend *fe = arg;
	if (log_allow(&fe->wrong_limit, loop_now(fe->loop), WRONG_LINES_PER_S))
		log_info(NULL, "message-dropped", "conn=%llu start=%s why=%s",
		         (unsigned long long)f->id, log_esc(m->start), log_text(str_of(why)));
}

static int start_parts(struct frontend *fe, struct buf *why)
{
	struct role_env *env = fe->env;
	size_t to_accounts = accounts_link(env);
	if (env->n_slots > FE_SLOTS_MAX) {
		buf_printf(why, "more than %d front-end processes\n", FE_SLOTS_MAX);
		return -EINVAL;
	}
	token_key_init(&fe->key, env->pool_key);
	if (read_settings(fe, why) < 0 || start_tls(fe, why) < 0 || fe_store_open(fe, why) < 0)
		return -EINVAL;
	fe_rights_init(fe);
	start_stack(fe);
	fe_lost_init(fe);
	defer_init(&fe->prune, on_prune, fe);
	fe->calls = calls_new(fe->loop);
	calls_on_change(fe->calls, fe_call_changed, fe);
	map_init(&fe->ringing);
	list_init(&fe->absent);
	fe->registrar = registrar_new(fe->loop, &fe->registrar_cfg, &fe->key, &registrar_ops, fe);
	fe->accounts =
	        accounts_new(fe->loop, to_accounts < env->n_links ? env->links[to_accounts].fd : -1,
	                     on_account, fe);
	struct access_setup setup = {
		.accounts = fe->accounts,
		.tp = fe->tp,
		.realm = env->topo->realm,
		.fqdn = env->self->fqdn,
		.domain = env->topo->domains[0],
		.pool_key = env->pool_key,
		.wrong = on_wrong_signature,
		.arg = fe,
	};
	fe->access = access_new(fe->loop, &fe->access_cfg, &setup);
	if (fe_im_start(fe) < 0) {
		buf_lit(why, "no descriptors left for a link of the process to itself\n");
		return -EMFILE;
	}
	fe_people_start(fe);
	fe_store_load(fe);
	fe_history_start(fe);
	fe_kept_start(fe);
	fe_people_restored(fe);
	fe_keep_load_publishers(fe);
	fe_focus_start(fe);
	fe_keep_load_subs(fe);
	fe_calls_load(fe);
	fe_load_init(fe);
	if (fe_hosts_start(fe, why) < 0 || fe_edges_start(fe, why) < 0)
		return -EINVAL;
	open_doors(fe);
	return 0;
}

/* Transactions end first, while what they point to is there; connections without a word. */
static void fe_drop_stack(struct frontend *fe)
{
	for (struct sip_flow *f = sip_flow_next(fe->tp, NULL); f; f = sip_flow_next(fe->tp, f))
		if (!f->server && fe->access)
			access_closed(fe->access, f);
	sip_stack_free(&fe->stack);
	access_free(&fe->access);
}

static void fe_free(struct frontend *fe)
{
	timer_stop(&fe->stop_timer);
	timer_stop(&fe->load_timer);
	timer_stop(&fe->own_timer);
	fe_trace_stop(fe);
	fe_history_stop(fe);
	fe_kept_stop(fe);
	by_door_free(&fe->by_door);
	accounts_free(&fe->accounts);
	if (fe->stack)
		fe_drop_stack(fe);
	fe_sockets_free(fe);
	im_free(&fe->im);
	fe->store_closing = true;
	fe_behind_close(fe);
	fe_kept_free(fe);
	fe_people_free(fe); /* first: who watches a conference is not told that it ended */
	fe_focus_free(fe);
	fe_hosts_free(fe);
	fe_edges_free(fe);
	fe_news_free(fe);
	fe_web_free(fe);
	registrar_free(&fe->registrar);
	calls_free(&fe->calls);
	map_done(&fe->ringing);
	tls_server_unref(&fe->tls);
	dns_free(&fe->dns);
	defer_cancel(&fe->prune);
	defer_cancel(&fe->tell_lost);
	buf_free(&fe->lost);
	free(fe);
}

static int start(struct role_env *env, void **ret_state)
{
	auto_(buf_free) struct buf why = buf_of(8192);
	struct frontend *fe = xnew(struct frontend);
	fe->env = env;
	fe->loop = env->loop;
	defer_init(&fe->prune, on_prune, fe);
	fe_lost_init(fe);
	fe_behind_init(fe);
	fe_history_init(fe);
	fe_kept_init(fe);
	map_init(&fe->leaving);
	map_init(&fe->web_logins);
	list_init(&fe->news);
	list_init(&fe->tracers);
	int r = start_parts(fe, &why);
	if (r < 0) {
		log_error(NULL, "not-started", "why=%s", log_text(buf_view(&why)));
		fe_free(fe);
		return r;
	}
	*ret_state = fe;
	return 0;
}

void fe_link_up(void *state, size_t i)
{
	struct frontend *fe = state;
	struct role_link *l = &fe->env->links[i];
	if (by_door_link_up(fe->by_door, i))
		return;
	if (str_eq(l->role, STR("accounts")))
		accounts_link_up(fe->accounts, l->fd);
	else if (l->slot < FE_SLOTS_MAX && str_eq(l->role, STR("media-bridge")))
		fe_bridge_up(fe, l->slot, l->fd);
	else if (l->slot < FE_SLOTS_MAX && str_eq(l->role, STR("mcu-im")))
		fe_mcu_up(fe, l);
	else if (l->slot < FE_SLOTS_MAX && str_eq(l->role, STR("edge-av")))
		fe_edge_up(fe, l->slot, l->fd);
	else if (l->slot < FE_SLOTS_MAX && str_eq(l->role, STR("web")))
		fe_web_up(fe, l->slot, l->fd);
	else if (l->slot < FE_SLOTS_MAX && l->label.len > 0)
		fe_hosts_link(fe, l);
	else if (l->slot < FE_SLOTS_MAX && l->slot != fe->env->slot)
		fe_peer_up(fe, l);
}

static int reload(void *state, struct buf *why)
{
	struct frontend *fe = state;
	struct fe_config cfg = fe->cfg;
	struct access_config acfg = fe->access_cfg;
	struct registrar_config rcfg = fe->registrar_cfg;
	struct fe_conf_config ccfg = fe->conf_cfg;
	struct tls_server *tls = has_tls(fe->env) ? make_tls(fe, why) : NULL;
	if ((has_tls(fe->env) && !tls) || read_settings(fe, why) < 0 ||
	    fe_hosts_reload(fe, why) < 0 || fe_edges_reload(fe, why) < 0) {
		fe->cfg = cfg;
		fe->access_cfg = acfg;
		fe->registrar_cfg = rcfg;
		fe->conf_cfg = ccfg;
		tls_server_unref(&tls);
		return -EINVAL;
	}
	fe->self.topo = fe->env->topo;
	registrar_configure(fe->registrar, &fe->registrar_cfg);
	access_configure(fe->access, &fe->access_cfg);
	fe_people_configure(fe);
	fe_history_configure(fe);
	fe_kept_configure(fe);
	fe_focus_configure(fe);
	if (tls) {
		sip_transport_set_tls(fe->tp, tls);
		fe_sockets_set_tls(fe, tls);
		tls_server_unref(&fe->tls);
		fe->tls = tls;
	}
	return 0;
}

/* Graceful: no new connections or sign-ins, what is under way gets a moment. */
enum { STOP_POLL_MS = 100, STOP_MAX_S = 4 };

static void on_stop_poll(void *arg)
{
	struct frontend *fe = arg;
	const struct sip_stack_stats *s = sip_stack_stats(fe->stack);
	if (s->ctx > 0 && loop_now(fe->loop) < fe->stop_deadline) {
		timer_set(&fe->stop_timer, loop_now(fe->loop) + STOP_POLL_MS * USEC_PER_MSEC);
		return;
	}
	void (*done)(void *) = fe->stopped;
	void *done_arg = fe->stopped_arg;
	fe_free(fe);
	done(done_arg);
}

static void stop(void *state, void (*done)(void *arg), void *arg)
{
	struct frontend *fe = state;
	fe->stopping = true;
	fe->stopped = done;
	fe->stopped_arg = arg;
	fe->stop_deadline = loop_now(fe->loop) + STOP_MAX_S * USEC_PER_SEC;
	sip_transport_pause(fe->tp, true);
	timer_init(&fe->stop_timer, fe->loop, on_stop_poll, fe);
	timer_set(&fe->stop_timer, loop_now(fe->loop) + STOP_POLL_MS * USEC_PER_MSEC);
}

const struct role role_frontend = {
	.name = "frontend",
	.box = "Front End Server",
	.ports = ports,
	.links = links,
	.links_across = links_across,
	.reaches = reaches,
	.rights = rights,
	.settings = settings,
	.commands = frontend_commands,
	.check = check,
	.max_processes = FE_SLOTS_MAX,
	.metrics_port = 9061,
	.start = start,
	.reload = reload,
	.link_up = fe_link_up,
	.stop = stop,
	.metrics = fe_metrics,
	.status = fe_status,
	.load = fe_load,
};
