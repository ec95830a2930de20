/* dialtone run-page: what listens, and what to type into each kind of client. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "ctl/commands.h"
#include "ctl/print.h"
#include "svc/bridge/settings.h"
#include "svc/relay/settings.h"

/* Where a client connects: the best address of the front end for each protocol. */
struct page {
	const struct topo *topo;
	const struct topo_role *fe;
	const struct topo_listen *best[TOPO_N_PROTOS];
	struct str domain;
};

/* Other machines reach it; what is typed into a telephone had better be short. */
static int rank(const struct topo_listen *l)
{
	return 2 * !addr_is_loopback(&l->addr) + (l->addr.sa.sa_family == AF_INET);
}

static void choose(struct page *p)
{
	for (size_t i = 0; i < p->fe->n_listens; i++) {
		const struct topo_listen *l = &p->fe->listens[i];
		const struct topo_listen **best = &p->best[l->proto];
		if (!*best || rank(l) > rank(*best))
			*best = l;
	}
}

static struct str host_port(struct arena *a, const struct topo_listen *l)
{
	struct addr addr = l->addr;
	auto_(buf_free) struct buf b = buf_of(80);
	addr_put(&b, &addr);
	return arena_str(a, buf_view(&b));
}

/* TLS first: it is what people should use. */
static const struct topo_listen *preferred(const struct page *p)
{
	return p->best[TOPO_TLS]   ? p->best[TOPO_TLS]
	       : p->best[TOPO_TCP] ? p->best[TOPO_TCP]
	                           : p->best[TOPO_UDP];
}

static void put_media(struct buf *b, const struct topo *t)
{
	const struct topo_role *r = topo_role_here(t, STR("media-bridge"));
	struct bridge_settings s;
	char text[512];
	struct buf why = BUF_ON(text);
	if (!r)
		buf_lit(b, "  no media bridge: Lync clients and phones cannot call one another\n");
	else if (bridge_settings_read(&s, t, r, r->processes, &why) == 0)
		buf_printf(
		        b,
		        "  udp  ports %u to %u: sound between Lync clients and phones; a firewall "
		        "must let them through\n",
		        s.port_min, s.port_max);
}

static const struct topo_role *any_edge(const struct topo *t)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (str_eq(t->roles[i].role, STR("edge-av")))
			return &t->roles[i];
	return NULL;
}

/* Where a role listens, and what for; where there are no words for a protocol, it is nobody's
 * business. */
static void put_role(struct buf *b, const struct topo *t, struct str role,
                     const char *const words[TOPO_N_PROTOS])
{
	const struct topo_role *r = topo_role_here(t, role);
	for (size_t i = 0; r && i < r->n_listens; i++) {
		const struct topo_listen *l = &r->listens[i];
		if (!words[l->proto])
			continue;
		buf_printf(b, "  %s  ", topo_proto_name(l->proto));
		addr_put(b, &l->addr);
		buf_printf(b, "  (%s)\n", words[l->proto]);
	}
}

static void put_relay(struct buf *b, const struct topo *t)
{
	static const char *const words[TOPO_N_PROTOS] = {
		[TOPO_UDP] = "relay: STUN and TURN",
		[TOPO_TCP] = "relay: STUN and TURN",
	};
	const struct topo_role *r = topo_role_here(t, STR("edge-av")), *any = any_edge(t);
	struct relay_setup s;
	char text[1024];
	struct buf why = BUF_ON(text);
	if (!any)
		buf_lit(b, "  no A/V edge: there is no relay for media that find no way\n");
	if (!r && any)
		buf_printf(b, "  the relay for media that find no way is on host %" STR_FMT "\n",
		           STR_ARG(any->host->id));
	put_role(b, t, STR("edge-av"), words);
	if (r && relay_setup_read(&s, t, r, 0, r->processes, &why) == 0)
		buf_printf(b,
		           "  udp, tcp  ports %u to %u: what the relay sends and receives for "
		           "clients whose media find no way\n",
		           s.s.port_min + t->port_offset, s.s.port_max + t->port_offset);
}

static void put_web(struct buf *b, const struct topo *t)
{
	static const char *const web[TOPO_N_PROTOS] = {
		[TOPO_HTTPS] = "browsers",
		[TOPO_HTTP] = "sends browsers to HTTPS",
	};
	static const char *const door[TOPO_N_PROTOS] = {
		[TOPO_TCP] =
		        "the door: passes each connection on to one of the others at that port",
	};
	put_role(b, t, STR("web"), web);
	put_role(b, t, STR("door"), door);
}

static void put_listens(struct buf *b, const struct page *p)
{
	buf_lit(b, "Listening\n");
	for (size_t i = 0; i < p->fe->n_listens; i++) {
		const struct topo_listen *l = &p->fe->listens[i];
		buf_printf(b, "  %s  ", topo_proto_name(l->proto));
		addr_put(b, &l->addr);
		buf_str(b, str_of(l->proto == TOPO_TLS         ? "\n"
		                  : l->proto == TOPO_HTTPS     ? "  (roles of other hosts)\n"
		                  : l->proto == TOPO_WSS       ? "  (SIP phones in browsers)\n"
		                  : addr_is_loopback(&l->addr) ? "  (this machine alone)\n"
		                                               : "  (not encrypted)\n"));
	}
	put_media(b, p->topo);
	put_relay(b, p->topo);
	put_web(b, p->topo);
	buf_char(b, '\n');
}

static void put_phone(struct buf *b, const struct page *p, struct arena *a)
{
	static const char *const order[] = { "TLS", "TCP", "UDP" };
	static const enum topo_proto protos[] = { TOPO_TLS, TOPO_TCP, TOPO_UDP };
	buf_lit(b, "Any SIP phone or softphone (here for alice; bob and carol alike)\n");
	buf_printf(b,
	           "  User name, authentication name  alice\n"
	           "  SIP address                     sip:alice@%" STR_FMT "\n"
	           "  Domain, realm, registrar        %" STR_FMT "\n"
	           "  Password                        alice's \"password of the SIP phone\"\n",
	           STR_ARG(p->domain), STR_ARG(p->domain));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		if (!p->best[protos[i]])
			continue;
		struct str hp = host_port(a, p->best[protos[i]]);
		buf_printf(b, "  Outbound proxy for %s          %" STR_FMT "\n", order[i],
		           STR_ARG(hp));
	}
	buf_printf(b, "  For TLS the phone must trust    %" STR_FMT "/ca.pem\n\n",
	           STR_ARG(p->topo->cert_dir));
}

static void put_linphone(struct buf *b, const struct page *p, struct arena *a)
{
	const struct topo_listen *l = preferred(p);
	struct str hp = host_port(a, l);
	buf_printf(b,
	           "Linphone (Settings, SIP accounts, \"use a SIP account\")\n"
	           "  Username alice   Domain %" STR_FMT "   Transport %s\n"
	           "  Outbound proxy   <sip:%" STR_FMT ";transport=%s>\n"
	           "  linphonec, for a try: linphonec, then\n"
	           "    register sip:alice@%" STR_FMT " <sip:%" STR_FMT ";transport=%s> PASSWORD\n"
	           "  TLS: root_ca=%" STR_FMT "/ca.pem in the section [sip] of ~/.linphonerc\n"
	           "  Once on a fresh account: mkdir -p ~/.local/share/linphone\n\n",
	           STR_ARG(p->domain), topo_proto_name(l->proto), STR_ARG(hp),
	           topo_proto_name(l->proto), STR_ARG(p->domain), STR_ARG(hp),
	           topo_proto_name(l->proto), STR_ARG(p->topo->cert_dir));
}

static void put_baresip(struct buf *b, const struct page *p, struct arena *a)
{
	const struct topo_listen *l = preferred(p);
	struct str hp = host_port(a, l);
	const char *transport = topo_proto_name(l->proto);
	buf_printf(b,
	           "baresip (a line of ~/.baresip/accounts)\n"
	           "  <sip:alice@%" STR_FMT ";transport=%s>;auth_pass=PASSWORD;"
	           "outbound=\"sip:%" STR_FMT ";transport=%s\"\n"
	           "  TLS: `sip_cafile %" STR_FMT "/ca.pem` in ~/.baresip/config\n"
	           "  Once on a fresh account: start and end baresip, which writes that file\n\n",
	           STR_ARG(p->domain), transport, STR_ARG(hp), transport,
	           STR_ARG(p->topo->cert_dir));
}

/* Lync clients sign in with the account's password, over TLS. */
static void put_lync(struct buf *b, const struct page *p, struct arena *a)
{
	const struct topo_listen *l = p->best[TOPO_TLS];
	if (!l)
		return;
	struct str hp = host_port(a, l);
	buf_printf(b,
	           "Lync clients: Pidgin with the plug-in pidgin-sipe (Accounts, Add)\n"
	           "  Protocol Office Communicator   Username alice@%" STR_FMT "\n"
	           "  Login (empty)                  Password alice's \"password\", not a phone's\n"
	           "  Advanced: Server               %" STR_FMT "\n"
	           "  Connection type SSL/TLS        Authentication scheme NTLM\n"
	           "  Certificate                    accept it when Pidgin asks, or trust on the\n"
	           "                                 machine %" STR_FMT "/ca.pem\n"
	           "  Debian 12, 13: start it by contrib/pidgin-sipe-xmlfix/pidgin-sipe-xmlfix;\n"
	           "  their libxml2 keeps the plug-in from reading XML.  Debian 13 lacks the\n"
	           "  plug-in; README.md in that folder says how to get it\n\n",
	           STR_ARG(p->domain), STR_ARG(hp), STR_ARG(p->topo->cert_dir));
}

/* The address that a person types: this machine's own, if it is reached by nothing else. */
static void put_browser(struct buf *b, const struct page *p, struct arena *a)
{
	const struct topo_role *r = topo_role_here(p->topo, STR("web"));
	const struct topo_listen *best = NULL;
	for (size_t i = 0; r && i < r->n_listens; i++)
		if (r->listens[i].proto == TOPO_HTTPS &&
		    (!best || rank(&r->listens[i]) > rank(best)))
			best = &r->listens[i];
	if (!best)
		return;
	struct str hp = host_port(a, best);
	if (str_ends(hp, STR(":443")))
		hp.len -= strlen(":443");
	buf_printf(b,
	           "Browser\n"
	           "  Address          https://%" STR_FMT "/\n"
	           "  Name, password   alice and her \"password\", not a phone's\n"
	           "  Certificate      the browser warns until it trusts %" STR_FMT "/ca.pem\n\n",
	           STR_ARG(hp), STR_ARG(p->topo->cert_dir));
}

/* Built and not installed, this program is in no folder where a shell looks. */
static void put_next(struct buf *b, const struct tool *t)
{
	char path[PATH_MAX] = "dialtone";
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	if (n > 0)
		path[n] = 0;
	buf_printf(b,
	           "Try: sign alice and bob in, then call sip:bob@... or send him a message.\n"
	           "Look:  %s --config %s endpoint list | call list | trace | doctor\n\n",
	           path, t->config_dir);
}

static int run_page(struct tool *t, cJSON *args UNUSED)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	struct page p = { .topo = tool_topo(t) };
	if (!p.topo)
		return EXIT_FAILED;
	p.fe = topo_role_here(p.topo, STR("frontend"));
	p.domain = p.topo->domains[0];
	if (!p.fe || p.fe->n_listens == 0)
		return tool_fail("No front end listens on this host, so no client can connect.");
	choose(&p);
	buf_printf(&b, "\nDialtone serves %" STR_FMT "\n\n", STR_ARG(p.domain));
	put_listens(&b, &p);
	put_browser(&b, &p, a);
	put_phone(&b, &p, a);
	put_linphone(&b, &p, a);
	put_baresip(&b, &p, a);
	put_lync(&b, &p, a);
	put_next(&b, t);
	(void)fwrite(b.p, 1, b.len, stdout);
	return EXIT_FINE;
}

/* clang-format off */
const struct verb ctl_page_verbs[] = {
	{ .cmd = { .noun = "run-page",
	           .help = "Print what listens and what to type into each kind of client" },
	  .run = run_page },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
