/* presload: many endpoints with presence in one process, to measure a server with. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "presload.h"
#include "sock.h"

/* Tasks at once in the model: sessions and short subscriptions last ten seconds. */
enum { TICK_MS = 10, PACED_TICK_MS = 1, MODEL_JOBS = 8192, MORE_MAX = 4096 };

static const char *const job_names[N_JOBS] = {
	[JOB_SIGNIN] = "signin",   [JOB_PUBLISH] = "publish", [JOB_ALONE] = "alone",
	[JOB_REFRESH] = "refresh", [JOB_POLL] = "poll",       [JOB_BRIEF] = "brief",
	[JOB_SESSION] = "session", [JOB_SEARCH] = "search",   [JOB_MODEL] = "model",
};

static const char *const ask_names[N_ASKS] = {
	[ASK_REGISTER] = "refresh", [ASK_CONTACTS] = "contacts", [ASK_SELF] = "self",
	[ASK_WATCH] = "watch",      [ASK_MACHINE] = "machine",   [ASK_PUBLISH] = "publish",
	[ASK_POLL] = "poll",        [ASK_OPEN] = "open",         [ASK_CLOSE] = "close",
	[ASK_INVITE] = "invite",    [ASK_INFO] = "info",         [ASK_MESSAGE] = "message",
	[ASK_BYE] = "bye",          [ASK_SEARCH] = "search",
};

static const char usage[] =
        "usage: presload --server IP:PORT [options] OP:COUNT|OP:SECONDSs...\n"
        "\n"
        "Drives a SIP server as many endpoints with presence and prints one line of JSON for each\n"
        "OP:\n"
        "  signin    signs each endpoint in once, as a client starts: REGISTER, its contacts, its\n"
        "            own data, the presence of its contacts, a first publication (no COUNT);\n"
        "            a phone: REGISTER and SUBSCRIBE\n"
        "  publish   a new state, until all who watch have been told\n"
        "  alone     the same of people whom nobody watches (--loners)\n"
        "  refresh   REGISTER\n"
        "  poll      SUBSCRIBE to 3 people that ends at once\n"
        "  brief     SUBSCRIBE to 40 people, and its end\n"
        "  session   INVITE, 10 MESSAGE and 20 INFO, BYE\n"
        "  search    of the directory\n"
        "  model:Ns  all of them at the rates of 80,000 users\n"
        "An OP may end in @N: so many at once instead of --outstanding (but not more).\n"
        "\n"
        "  --transport udp|tcp|tls  udp\n"
        "  --domain NAME            bench.test\n"
        "  --prefix NAME            people are NAME0, NAME1 and so on: user\n"
        "  --password TEXT          of all: secret\n"
        "  --users N                endpoints, three for two people: 1000\n"
        "  --first N                the number of the first person: 0\n"
        "  --contacts N             of each person, in the mean: 80; 0: an endpoint a person, and\n"
        "                           all watch the first\n"
        "  --loners N               people whom nobody watches: 0\n"
        "  --print-contacts         prints who is on whose list, and ends\n"
        "  --share PERCENT          of the model's rates: 100\n"
        "  --outstanding N          at once: 32\n"
        "  --timeout MS             until an answer counts as lost: 32000\n"
        "  --expires S              of a registration: 900\n"
        "  --lync                   Lync clients: NTLM, and each message signed\n"
        "  --ca FILE --host NAME    verify the server's certificate for NAME\n"
        "  --wait                   wait for a line of input before each OP and before the end\n";

static const struct program program = {
	.name = "presload",
	.usage = usage,
	.ops = job_names,
	.n_ops = N_JOBS,
	.once = 1u << JOB_SIGNIN,
};

/* --- what comes in ------------------------------------------------------------------------- */

static void on_opened(void *arg, struct conn *c)
{
	job_opened(arg, c->user);
}

static void on_lost(void *arg, struct conn *c, const char *why)
{
	struct presload *l = arg;
	stats_failure(&l->stats, why);
	job_lost(l, c->user, why);
}

static void on_message(struct presload *l, struct endpoint *e, struct str text)
{
	struct sip_msg m;
	if (sip_parse(&m, text) < 0)
		l->stats.malformed++;
	else if (e->lync && !lync_verify(l->ntlm, e->lync, &m))
		l->stats.forged++;
	else if (m.is_request)
		job_request(l, e, &m);
	else
		job_response(l, e, &m);
}

static ssize_t on_stream(struct presload *l, struct conn *c, struct str in)
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
		on_message(l, c->user, (struct str){ rest.p, (size_t)n });
		used += (size_t)n;
	}
	return (ssize_t)used;
}

static ssize_t on_data(void *arg, struct conn *c, struct str in)
{
	struct presload *l = arg;
	if (l->o.net.transport != UDP)
		return on_stream(l, c, in);
	if (in.n > 4 && in.p[0] >= ' ')
		on_message(l, c->user, in);
	return (ssize_t)in.n;
}

static const struct net_events events = { on_opened, on_lost, on_data };

/* --- steps --------------------------------------------------------------------------------- */

static void put_latency(struct out *o, const struct latency *t)
{
	out_lit(o, "{\"n\": ");
	out_u32(o, (uint32_t)t->n);
	out_lit(o, ", \"p50_us\": ");
	out_u32(o, (uint32_t)latency_percentile(t, 50));
	out_lit(o, ", \"p99_us\": ");
	out_u32(o, (uint32_t)latency_percentile(t, 99));
	out_lit(o, "}");
}

static void put_count(struct out *o, const char *name, uint64_t n)
{
	out_lit(o, ", \"");
	out_str(o, str_of(name));
	out_lit(o, "\": ");
	out_u32(o, (uint32_t)n);
}

static void print_step(struct presload *l, const struct step *st)
{
	char text[MORE_MAX];
	struct out o = { text, 0, sizeof(text), false };
	put_count(&o, "requests", l->requests);
	put_count(&o, "notified", l->notified);
	put_count(&o, "states", l->states);
	put_count(&o, "missing", l->missing);
	out_lit(&o, ", \"told\": ");
	put_latency(&o, &l->told);
	out_lit(&o, ", \"answered\": {");
	for (int i = 0, n = 0; i < N_ASKS; i++) {
		if (l->answered[i].n == 0)
			continue;
		out_str(&o, n++ ? STR(", \"") : STR("\""));
		out_str(&o, str_of(ask_names[i]));
		out_lit(&o, "\": ");
		put_latency(&o, &l->answered[i]);
	}
	out_lit(&o, "}");
	stats_print(&l->stats, &l->o, st, out_view(&o));
}

static bool is_past(const struct presload *l, usec_t now)
{
	return l->step->span && now - l->stats.began >= l->step->span;
}

static void begin_step(struct presload *l, const struct step *st)
{
	l->step = st;
	l->begun = l->cursor = 0;
	l->most = st->span ? UINT32_MAX : st->count;
	if (st->kind == JOB_SIGNIN)
		l->most = l->n_endpoints;
	l->most_at_once =
	        st->at_once > 0 && st->at_once < l->o.outstanding ? st->at_once : l->o.outstanding;
	l->requests = l->notified = l->states = l->missing = 0;
	l->told = (struct latency){ 0 };
	memset(l->answered, 0, sizeof(l->answered));
	memset(l->due, 0, sizeof(l->due));
	stats_begin(&l->stats);
}

static void begin_jobs(struct presload *l, usec_t now)
{
	if (is_past(l, now))
		return;
	if (l->step->kind == JOB_MODEL) {
		model_tick(l, now - l->stats.began);
		return;
	}
	while (l->begun < l->most && l->n_jobs - l->n_idle < l->most_at_once)
		if (!job_begin(l, (enum job_kind)l->step->kind))
			break;
	if (l->n_idle == l->n_jobs && l->begun < l->most)
		die("nobody can %s", l->step->name);
}

/* The model's step ends on time, and what has begun goes on into the next. */
static bool step_is_over(const struct presload *l, usec_t now)
{
	if (l->step->kind == JOB_MODEL)
		return is_past(l, now);
	return l->n_idle == l->n_jobs && (l->begun == l->most || is_past(l, now));
}

static void run_step(struct presload *l, const struct step *st)
{
	usec_t next_tick = 0;
	begin_step(l, st);
	for (;;) {
		usec_t now = now_usec();
		begin_jobs(l, now);
		if (step_is_over(l, now))
			break;
		(void)net_poll(l->net, st->kind == JOB_MODEL ? PACED_TICK_MS : TICK_MS);
		now = now_usec();
		if (now >= next_tick) {
			job_tick(l, now);
			next_tick = now + TICK_MS * USEC_PER_MSEC;
		}
	}
	l->stats.ended = st->kind == JOB_MODEL ? now_usec() : l->stats.ended;
	print_step(l, st);
}

/* Holds still, but goes on with what has begun and answers what comes, until there is a line of
 * input or its end. */
static void wait_for_line(struct presload *l, const char *next)
{
	char c = 0;
	printf("{\"ready\": \"%s\"}\n", next);
	(void)fflush(stdout);
	while (c != '\n') {
		bool line = net_poll(l->net, TICK_MS);
		job_tick(l, now_usec());
		if (line && read(STDIN_FILENO, &c, 1) != 1)
			exit(0);
	}
}

/* --- the whole ------------------------------------------------------------------------------- */

static void make_jobs(struct presload *l)
{
	l->n_jobs = l->o.outstanding > MODEL_JOBS ? l->o.outstanding : MODEL_JOBS;
	l->job = xalloc(l->n_jobs, sizeof(*l->job));
	l->idle = xalloc(l->n_jobs, sizeof(*l->idle));
	l->scratch = xalloc(2, REQUEST_MAX);
	l->body = l->scratch + REQUEST_MAX;
	for (uint32_t i = l->n_jobs; i > 0; i--) {
		l->job[i - 1].slot = i - 1;
		l->idle[l->n_idle++] = i - 1;
	}
}

static void drive(struct presload *l)
{
	sock_raise_limit();
	(void)signal(SIGPIPE, SIG_IGN);
	l->run = (uint32_t)(now_usec() * 2654435761u) ^ (uint32_t)getpid();
	srandom(l->run);
	l->net = net_new(&l->o.net, &events, l);
	l->digest = digest_new();
	if (l->o.lync)
		l->ntlm = ntlm_new(str_of(l->o.password));
	make_jobs(l);
	if (l->o.wait)
		net_watch(l->net, STDIN_FILENO);
	for (size_t i = 0; i < l->o.n_steps; i++) {
		l->step = &l->o.step[i];
		if (l->o.wait)
			wait_for_line(l, l->o.step[i].name);
		run_step(l, &l->o.step[i]);
	}
	if (l->o.wait)
		wait_for_line(l, "end");
}

int main(int argc, char **argv)
{
	struct presload *l = xalloc(1, sizeof(*l));
	options_read(&l->o, &program, argc, argv);
	people_make(l);
	if (l->o.print_contacts)
		people_print(l);
	else
		drive(l);
	return 0; /* the memory goes with the process */
}
