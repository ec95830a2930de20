/* sipload: many SIP clients in one process, to measure a server with. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "load.h"
#include "sock.h"

enum { TICK_MS = 10, PACED_TICK_MS = 1 };

static const char *const op_names[OP_N_KINDS] = {
	[OP_CONNECT] = "connect", [OP_SIGNIN] = "signin",   [OP_REGISTER] = "register",
	[OP_REFRESH] = "refresh", [OP_MESSAGE] = "message", [OP_CALL] = "call",
	[OP_DIALOG] = "dialog",   [OP_CHAT] = "chat",       [OP_ECHO] = "echo",
};

static const char usage[] =
        "usage: sipload --server IP:PORT [options] OP:COUNT|OP:SECONDSs...\n"
        "\n"
        "Drives a SIP server as many clients and prints one line of JSON for each OP:\n"
        "  connect   opens each connection once (COUNT is left out)\n"
        "  signin    signs each user in once (COUNT is left out)\n"
        "  register  REGISTER, 401, REGISTER, 200\n"
        "  refresh   REGISTER with the kept nonce, 200\n"
        "  message   MESSAGE from A to B, answered by B\n"
        "  call      INVITE, 180, 200, ACK, BYE, 200 from A to B\n"
        "  dialog    INVITE, 180, 200, ACK of each pair A and B once; the dialog stays (COUNT is\n"
        "            left out)\n"
        "  chat      MESSAGE from A to B inside that dialog, answered by B\n"
        "  echo      as many bytes as a REGISTER has, which come back (server: echo)\n"
        "An OP may end in @N: so many at once instead of --outstanding (but not more).\n"
        "\n"
        "  --transport udp|tcp|tls  udp\n"
        "  --domain NAME            bench.test\n"
        "  --prefix NAME            users are NAME0, NAME1 and so on: user\n"
        "  --password TEXT          of all users: secret\n"
        "  --users N                1000\n"
        "  --first N                the number of the first user: 0\n"
        "  --conns N|client         connections that the users share: 20; client: one for each\n"
        "  --outstanding N          operations at once: 32\n"
        "  --rate N                 operations begun in a second; 0: as many as end\n"
        "  --timeout MS             until an answer counts as lost: 32000\n"
        "  --ring MS                from 180 to 200: 0\n"
        "  --expires S              900\n"
        "  --size BYTES             of an echo: 560\n"
        "  --keep-nonce             MESSAGE and INVITE carry credentials with the last nonce\n"
        "  --elsewhere              A sends MESSAGE and INVITE on another connection than the one\n"
        "                           that it registered on, so that the server has to ask\n"
        "  --outbound               Contact has +sip.instance and reg-id (RFC 5626)\n"
        "  --lync                   clients of the Lync dialect: NTLM, and each message signed;\n"
        "                           REGISTER gets two 401 then; needs --conns client\n"
        "  --retry                  a sign-in that failed is tried again after a while\n"
        "  --ca FILE --host NAME    verify the server's certificate for NAME\n"
        "  --tls12                  nothing newer than TLS 1.2\n"
        "  --wait                   wait for a line of input before each OP and before the end\n";

static const struct program program = {
	.name = "sipload",
	.usage = usage,
	.ops = op_names,
	.n_ops = OP_N_KINDS,
	.once = 1u << OP_CONNECT | 1u << OP_SIGNIN | 1u << OP_DIALOG,
};

/* --- what goes out ------------------------------------------------------------------- */

void load_sign(struct load *l, const struct conn *c, struct out *o)
{
	char space[64];
	struct out name = { space, 0, sizeof(space), false };
	const struct user *u = c->user;
	if (!u)
		return;
	compose_user(l, u, &name);
	lync_sign(l->ntlm, u->lync, out_view(&name), o);
}

void load_send(struct load *l, struct conn *c, struct out *o)
{
	load_sign(l, c, o);
	if (c->state == CONN_OPEN && !o->full)
		net_send(l->net, c, out_view(o));
}

/* --- what comes in ------------------------------------------------------------------- */

static void on_opened(void *arg, struct conn *c)
{
	op_opened(arg, c);
}

static void on_lost(void *arg, struct conn *c, const char *why)
{
	op_lost(arg, c, why);
}

static void on_message(struct load *l, struct conn *c, struct str text)
{
	struct sip_msg m;
	const struct user *u = c->user;
	if (sip_parse(&m, text) < 0)
		l->stats.malformed++;
	else if (u && !lync_verify(l->ntlm, u->lync, &m))
		l->stats.forged++;
	else if (m.is_request)
		uas_request(l, c, &m);
	else
		op_response(l, &m);
}

static ssize_t on_echo(struct load *l, struct str in)
{
	size_t size = l->o.echo_size, used = 0;
	for (; in.n - used >= size; used += size)
		op_echoed(l, (struct str){ in.p + used, size });
	return (ssize_t)used;
}

static ssize_t on_stream(struct load *l, struct conn *c, struct str in)
{
	size_t used = 0;
	while (used < in.n && c->state == CONN_OPEN) {
		struct str rest = { in.p + used, in.n - used };
		if (rest.p[0] == '\r' || rest.p[0] == '\n') { /* keep-alives (RFC 5626) */
			used++;
			continue;
		}
		ssize_t n = sip_frame(rest);
		if (n < 0) {
			l->stats.malformed++;
			return -1;
		}
		if (n == 0)
			break;
		on_message(l, c, (struct str){ rest.p, (size_t)n });
		used += (size_t)n;
	}
	return (ssize_t)used;
}

/* STUN and CRLF keep servers' and NATs' memories fresh; they are no message. */
static bool is_keep_alive(struct str in)
{
	return in.n == 0 || in.p[0] < 4 || in.p[0] == '\r' || in.p[0] == '\n';
}

static ssize_t on_data(void *arg, struct conn *c, struct str in)
{
	struct load *l = arg;
	if (l->step && l->step->kind == OP_ECHO)
		return on_echo(l, in);
	if (l->o.net.transport != UDP)
		return on_stream(l, c, in);
	if (!is_keep_alive(in))
		on_message(l, c, in);
	return (ssize_t)in.n;
}

static const struct net_events events = { on_opened, on_lost, on_data };

/* --- steps --------------------------------------------------------------------------- */

static bool is_past(const struct load *l, usec_t now)
{
	return l->step->span && now - l->stats.began >= l->step->span;
}

static bool may_begin(const struct load *l, usec_t now)
{
	usec_t elapsed = now - l->stats.began;
	if (l->begun == l->most || l->n_ops - l->n_idle >= l->most_at_once || is_past(l, now))
		return false;
	return l->o.rate == 0 || l->begun <= elapsed * l->o.rate / USEC_PER_SEC;
}

static bool step_is_over(const struct load *l, usec_t now)
{
	return l->n_idle == l->n_ops && (l->begun == l->most || is_past(l, now));
}

static void begin_step(struct load *l, const struct step *st)
{
	bool pair = op_is_pair(st->kind);
	uint32_t pairs = l->o.users / 2;
	l->step = st;
	l->begun = l->cursor = 0;
	l->most = st->span ? UINT32_MAX : st->count;
	if (st->kind == OP_CONNECT)
		l->most = l->o.conns;
	if (st->kind == OP_SIGNIN)
		l->most = l->o.users;
	if (st->kind == OP_DIALOG)
		l->most = pairs;
	l->most_at_once = pair && pairs < l->n_ops ? pairs : l->n_ops;
	if (st->at_once > 0 && st->at_once < l->most_at_once)
		l->most_at_once = st->at_once;
	stats_begin(&l->stats);
}

static void run_step(struct load *l, const struct step *st)
{
	usec_t now, next_tick = 0;
	int wait_ms = l->o.rate > 0 ? PACED_TICK_MS : TICK_MS;
	begin_step(l, st);
	for (;;) {
		for (now = now_usec(); may_begin(l, now); now = now_usec())
			op_begin(l);
		if (step_is_over(l, now))
			break;
		(void)net_poll(l->net, wait_ms);
		now = now_usec();
		if (now >= next_tick) {
			op_tick(l, now);
			next_tick = now + TICK_MS * USEC_PER_MSEC;
		}
	}
	stats_print(&l->stats, &l->o, st, STR(""));
}

/* Holds still, but answers what comes, until there is a line of input or its end. */
static void wait_for_line(struct load *l, const char *next)
{
	char c = 0;
	printf("{\"ready\": \"%s\"}\n", next);
	(void)fflush(stdout);
	while (c != '\n') {
		if (!net_poll(l->net, -1))
			continue;
		if (read(STDIN_FILENO, &c, 1) != 1)
			exit(0);
	}
}

/* --- the whole ----------------------------------------------------------------------- */

static void make_clients(struct load *l)
{
	l->conn = xalloc(l->o.conns, sizeof(*l->conn));
	l->user = xalloc(l->o.users, sizeof(*l->user));
	for (uint32_t i = 0; i < l->o.users; i++) {
		l->user[i].number = l->o.first + i;
		l->user[i].conn = &l->conn[i % l->o.conns];
		l->user[i].sends_on = &l->conn[(i + l->o.elsewhere) % l->o.conns];
		if (!l->o.lync)
			continue;
		l->user[i].lync = xalloc(1, sizeof(*l->user[i].lync));
		l->user[i].conn->user = &l->user[i];
	}
}

/* Each user takes part in one operation at a time. */
static void make_slots(struct load *l)
{
	l->n_ops = l->o.outstanding < l->o.users ? l->o.outstanding : l->o.users;
	l->op = xalloc(l->n_ops, sizeof(*l->op));
	l->idle = xalloc(l->n_ops, sizeof(*l->idle));
	l->scratch = xalloc(1, 2 * REQUEST_MAX);
	for (uint32_t i = 0; i < l->n_ops; i++) {
		l->op[i].slot = i;
		l->idle[l->n_idle++] = i;
	}
}

static void check(const struct options *o)
{
	for (size_t i = 0; i < o->n_steps; i++)
		if (op_is_pair(o->step[i].kind) && o->users < 2)
			die("a message needs two users");
	if (o->lync && o->conns != o->users)
		die("--lync needs --conns client: a connection signs for one user");
}

int main(int argc, char **argv)
{
	struct load l = { 0 };
	options_read(&l.o, &program, argc, argv);
	check(&l.o);
	sock_raise_limit();
	(void)signal(SIGPIPE, SIG_IGN);
	l.run = (uint32_t)(now_usec() * 2654435761u) ^ (uint32_t)getpid();
	srandom(l.run);
	l.net = net_new(&l.o.net, &events, &l);
	l.digest = digest_new();
	if (l.o.lync)
		l.ntlm = ntlm_new(str_of(l.o.password));
	make_clients(&l);
	make_slots(&l);
	if (l.o.wait)
		net_watch(l.net, STDIN_FILENO);
	for (size_t i = 0; i < l.o.n_steps; i++) {
		if (l.o.wait)
			wait_for_line(&l, l.o.step[i].name);
		run_step(&l, &l.o.step[i]);
	}
	if (l.o.wait)
		wait_for_line(&l, "end");
	return 0; /* the memory goes with the process: freeing 100,000 clients takes longer */
}
