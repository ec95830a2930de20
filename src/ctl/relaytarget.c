#include "ctl/relaytarget.h"

#include <errno.h>

#include "loop/dns.h"

void relay_targets_add(struct relay_targets *ts, const struct relay_target *one)
{
	if (ts->n < RELAY_TARGETS_MAX)
		ts->list[ts->n++] = *one;
}

static void add_face(struct relay_targets *ts, struct addr at, bool udp)
{
	struct relay_target one = { .at = at, .way = TURN_BY_UDP, .family = AF_INET };
	if (addr_is_any(&at) && at.sa.sa_family == AF_INET)
		one.at.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (udp) {
		relay_targets_add(ts, &one);
		return;
	}
	for (int way = TURN_BY_TCP; way < TURN_N_WAYS; way++) {
		one.way = (enum turn_way)way;
		relay_targets_add(ts, &one);
	}
}

/* --- faces ----------------------------------------------------------------------------- */

static bool is_face(const cJSON *face, const char *transport, struct addr *ret)
{
	return str_eq(ctl_text(face, "transport"), str_of(transport)) &&
	       addr_parse_port(ret, ctl_text(face, "address")) == 0;
}

/* Of the first process that answers: all have the same. */
static void add_faces(struct relay_targets *ts, const cJSON *faces)
{
	struct addr at;
	const cJSON *face;
	cJSON_ArrayForEach(face, faces)
	{
		if (is_face(face, "udp", &at))
			add_face(ts, at, true);
		else if (is_face(face, "tcp", &at))
			add_face(ts, at, false);
	}
}

/* The port of that transport; the well-known one if it has no face. */
static uint32_t port_of(const cJSON *faces, const char *transport, uint32_t otherwise)
{
	struct addr at;
	const cJSON *face;
	cJSON_ArrayForEach(face, faces)
	{
		if (is_face(face, transport, &at))
			return addr_port(&at);
	}
	return otherwise;
}

/* --- a host that is named -------------------------------------------------------------- */

struct lookup {
	struct addr addrs[RELAY_TARGET_ADDRS_MAX];
	size_t n;
	int err;
	bool answered;
};

static void on_addrs(void *arg, const struct dns_answer *a)
{
	struct lookup *l = arg;
	l->answered = true;
	l->err = a->err;
	l->n = a->err ? 0 : MIN(a->n, (size_t)RELAY_TARGET_ADDRS_MAX);
	memcpy(l->addrs, a->addrs, l->n * sizeof(l->addrs[0]));
}

static int look_up(struct relay_targets *ts, struct loop *loop, struct lookup *l)
{
	if (addr_parse(&l->addrs[0], ts->host, 0) == 0) {
		l->n = 1;
		return EXIT_FINE;
	}
	ts->is_name = true;
	struct dns *dns = dns_new(loop, NULL);
	(void)dns_ask(dns, DNS_ADDRS, ts->host, on_addrs, l);
	while (!l->answered)
		loop_turn(loop, USEC_PER_SEC / 10);
	dns_free(&dns);
	if (l->n > 0)
		return EXIT_FINE;
	if (l->err == 0 || l->err == -ENOENT)
		return tool_fail("The DNS knows no address of %" STR_FMT ".", STR_ARG(ts->host));
	return tool_fail("The DNS could not be asked for %" STR_FMT ": %s.", STR_ARG(ts->host),
	                 strerror(-l->err));
}

/* HOST, HOST:PORT, ADDRESS, [ADDRESS]:PORT; *port: 0 if there is none. */
static int split(struct str to, struct str *host, uint32_t *port)
{
	struct addr a;
	ssize_t colon = str_rchr(to, ':');
	*host = to;
	*port = 0;
	if (colon < 0 || addr_parse(&a, to, 0) == 0)
		return 0;
	*host = str_sub(to, 0, (size_t)colon);
	if (host->len > 2 && host->p[0] == '[' && host->p[host->len - 1] == ']')
		*host = str_sub(*host, 1, host->len - 1);
	return str_to_u32(str_sub(to, (size_t)colon + 1, to.len), UINT16_MAX, port);
}

/* A port that is written with the host must be known as UDP's or TCP's: it is never tried for
 * both. */
static int read_host(struct relay_targets *ts, struct relay_where *w)
{
	uint32_t port;
	if (split(w->to, &ts->host, &port) < 0 || ts->host.len == 0)
		return tool_fail("--to is a host, such as av.example.net or 192.0.2.7.");
	if (w->udp_port == 0)
		w->udp_port = port_of(w->faces, "udp", RELAY_UDP_PORT);
	if (w->tcp_port == 0)
		w->tcp_port = port_of(w->faces, "tcp", RELAY_TCP_PORT);
	if (port == 0 || port == w->udp_port || port == w->tcp_port)
		return EXIT_FINE;
	return tool_fail("Say what port %u is for: --to %" STR_FMT " --udp-port %u, or --tcp-port "
	                 "%u.  The relay has UDP %u and TCP %u else.",
	                 port, STR_ARG(ts->host), port, port, w->udp_port, w->tcp_port);
}

static int add_host(struct relay_targets *ts, struct loop *loop, struct relay_where *w)
{
	struct lookup l = { .n = 0 };
	int r = read_host(ts, w);
	if (r == EXIT_FINE)
		r = look_up(ts, loop, &l);
	for (size_t i = 0; r == EXIT_FINE && i < l.n; i++) {
		struct addr *a = &l.addrs[i];
		addr_set_port(a, (uint16_t)w->udp_port);
		add_face(ts, *a, true);
		addr_set_port(a, (uint16_t)w->tcp_port);
		add_face(ts, *a, false);
	}
	return r;
}

int relay_targets_find(struct relay_targets *ret, struct loop *l, const struct relay_where *w)
{
	struct relay_where own = *w;
	*ret = (struct relay_targets){ .n = 0 };
	if (w->to.len > 0)
		return add_host(ret, l, &own);
	add_faces(ret, w->faces);
	if (ret->n > 0)
		return EXIT_FINE;
	return tool_fail("The role edge-av has neither `udp` nor `tcp`: nobody can come to it.");
}
