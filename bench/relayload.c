/* relayload: what the clients of a TURN server and their peer do, for measuring the server.
 * `relayload --help` says how. */
#include "relayload.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sock.h"

static const char usage[] =
        "usage: relayload --server IP:PORT [--tls] [--echo] [--user NAME --password WORD]\n"
        "                 [--flows N] [--rate N] [--patience SECONDS] [--wait] STEP...\n"
        "\n"
        "Steps, each a line of JSON; `ops` are packets that the server passed on:\n"
        "  allocate        an allocation with a permission and a channel for each of the N flows\n"
        "  voice:COUNT     COUNT packets of 172 bytes, each flow the next when the last is back\n"
        "  paced:SECONDS   the same, --rate packets a second of each flow, evenly\n"
        "  burst:COUNT     bursts of 16 packets of 1,200 bytes, of 8 flows at a time\n"
        "  voice-send, paced-send, burst-send: with Send and Data indications\n"
        "--patience: a packet that is not back after so long is lost (5).\n"
        "--echo: the server sends back what comes; nothing is allocated.\n"
        "--wait: says which step is next, and waits for a line on the standard input.\n";

/* Addresses of the clients: 127.1.0.1 and those behind it. */
#define HOST_FIRST 0x7f010001u

/* --- time ------------------------------------------------------------------------------ */

uint64_t load_now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void load_sleep_until(uint64_t ns)
{
	struct timespec t = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

void load_nap(usec_t us)
{
	load_sleep_until(load_now_ns() + us * 1000);
}

/* --- what comes and goes --------------------------------------------------------------- */

void load_send(struct load *l, uint32_t i, const uint8_t *p, size_t n, size_t size)
{
	if (l->clients)
		dgram_queue(l->clients,
		            &(struct dgram_some){ p, n, size, l->flow[i].host, l->server });
	else
		for (size_t at = 0; at < n; at += size)
			tlslines_send(l->lines, i, (struct str){ (const char *)p + at, size });
}

static void message(struct load *l, uint32_t i, struct str m)
{
	struct str payload;
	if (l->is_echo && l->head < m.n)
		flow_returned(l, i, (struct str){ m.p + l->head, m.n - l->head });
	else if (turn_payload(m, &payload))
		flow_returned(l, i, payload);
	else
		alloc_answer(l, i, m);
}

static void on_client(void *arg, const struct dgram_some *d)
{
	struct load *l = arg;
	uint32_t i = ntohl(d->local.s_addr) - HOST_FIRST;
	if (i >= l->n) {
		l->found.wrong++;
		return;
	}
	for (size_t at = 0; at < d->n; at += d->size) {
		size_t n = d->n - at < d->size ? d->n - at : d->size;
		message(l, i, (struct str){ (const char *)d->p + at, n });
	}
}

static size_t on_line(void *arg, uint32_t i, struct str stream)
{
	size_t used = 0, n;
	while ((n = turn_frame((struct str){ stream.p + used, stream.n - used })) > 0) {
		message(arg, i, (struct str){ stream.p + used, n });
		used += n;
	}
	return used;
}

/* The peer sends everything back. */
static void on_peer(void *arg, const struct dgram_some *d)
{
	dgram_queue(arg, d);
}

unsigned load_clients(struct load *l)
{
	if (!l->clients)
		return tlslines_receive(l->lines, on_line, l);
	unsigned n = dgram_receive(l->clients, on_client, l);
	dgram_flush(l->clients);
	return n;
}

unsigned load_peers(struct load *l)
{
	struct dgram *d = l->peers[l->step->by_send];
	if (l->is_echo)
		return 0;
	unsigned n = dgram_receive(d, on_peer, d);
	dgram_flush(d);
	return n;
}

/* --- the command line ------------------------------------------------------------------ */

static uint32_t number(const char *text, uint32_t max)
{
	uint32_t v;
	if (!str_u32(str_of(text), 10, &v) || v == 0 || v > max)
		die("\"%s\" is no number from 1 to %u", text, max);
	return v;
}

static void read_step(struct load *l, const char *text)
{
	static const struct {
		struct str name;
		enum kind kind;
		bool by_send;
	} known[] = {
		{ STR("allocate"), K_ALLOCATE, false }, { STR("voice"), K_VOICE, false },
		{ STR("paced"), K_PACED, false },       { STR("burst"), K_BURST, false },
		{ STR("voice-send"), K_VOICE, true },   { STR("paced-send"), K_PACED, true },
		{ STR("burst-send"), K_BURST, true },
	};
	struct str rest = str_of(text), name = str_cut(&rest, ':');
	size_t i = 0;
	while (i < sizeof(known) / sizeof(known[0]) && !str_eq(known[i].name, name))
		i++;
	if (i == sizeof(known) / sizeof(known[0]) || l->n_steps == STEPS_MAX)
		die("\"%s\" is no step, or one too many; --help lists them", text);
	struct step *st = &l->steps[l->n_steps++];
	*st = (struct step){ known[i].kind, known[i].by_send, known[i].name.p, 0 };
	if (st->kind != K_ALLOCATE)
		st->count = number(rest.p, UINT32_MAX);
}

static void read_server(struct load *l, const char *text)
{
	struct sockaddr_storage a;
	if (sock_address(&a, text) != sizeof(l->server))
		die("\"%s\" is not like 127.0.0.1:3478", text);
	memcpy(&l->server, &a, sizeof(l->server));
}

static void read_options(struct load *l, int argc, char **argv)
{
	enum { SERVER = 256, USER, PASSWORD, FLOWS, RATE, PATIENCE };
	static const struct option options[] = {
		{ "server", required_argument, NULL, SERVER },
		{ "user", required_argument, NULL, USER },
		{ "password", required_argument, NULL, PASSWORD },
		{ "flows", required_argument, NULL, FLOWS },
		{ "rate", required_argument, NULL, RATE },
		{ "patience", required_argument, NULL, PATIENCE },
		{ "tls", no_argument, NULL, 't' },
		{ "echo", no_argument, NULL, 'e' },
		{ "wait", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
		if (o == 'h') {
			(void)fputs(usage, stdout);
			exit(0);
		} else if (o == '?')
			die("relayload --help lists the options");
		else if (o == SERVER)
			read_server(l, optarg);
		else if (o == USER)
			l->user = str_of(optarg);
		else if (o == PASSWORD)
			l->password = str_of(optarg);
		else if (o == FLOWS)
			l->n = number(optarg, FLOWS_MAX);
		else if (o == RATE)
			l->rate = number(optarg, 100000);
		else if (o == PATIENCE)
			l->patience = number(optarg, 3600) * USEC_PER_SEC;
		l->is_tls |= o == 't';
		l->is_echo |= o == 'e';
		l->waits |= o == 'w';
	}
	for (int i = optind; i < argc; i++)
		read_step(l, argv[i]);
	if (l->server.sin_port == 0 || l->n_steps == 0)
		die("--server or the steps are missing; --help lists the options");
}

/* --- the whole ------------------------------------------------------------------------- */

static void make_clients(struct load *l)
{
	const struct in_addr any = { htonl(INADDR_ANY) }, home = { htonl(INADDR_LOOPBACK) };
	struct in_addr *hosts = xalloc(l->n, sizeof(*hosts));
	l->flow = xalloc(l->n, sizeof(*l->flow));
	for (uint32_t i = 0; i < l->n; i++)
		l->flow[i].host = hosts[i] = (struct in_addr){ htonl(HOST_FIRST + i) };
	if (l->is_tls)
		l->lines = tlslines_new(&l->server, hosts, l->n);
	else
		l->clients = dgram_new(any);
	free(hosts);
	for (int i = 0; i < 2 && !l->is_echo; i++) {
		l->peers[i] = dgram_new(home);
		l->peer_at[i] = (struct sockaddr_in){ .sin_family = AF_INET,
			                              .sin_port = dgram_port(l->peers[i]),
			                              .sin_addr = home };
	}
}

static void wait_for_line(const char *next)
{
	char c = 0;
	printf("{\"ready\": \"%s\"}\n", next);
	(void)fflush(stdout);
	while (c != '\n')
		if (read(STDIN_FILENO, &c, 1) != 1)
			exit(0);
}

static void print_found(const struct load *l)
{
	const struct found *f = &l->found;
	printf("{\"op\": \"%s\", \"transport\": \"%s\", \"ops\": %llu, \"wall_s\": %.6f, "
	       "\"failures\": {\"lost\": %llu, \"wrong\": %llu, \"stray\": %llu, \"refused\": "
	       "%llu}, \"first_refusal\": %u, \"resent\": %llu}\n",
	       l->step->name, l->is_tls ? "tls" : "udp", (unsigned long long)f->ops,
	       (double)(f->ended - f->began) / USEC_PER_SEC, (unsigned long long)f->lost,
	       (unsigned long long)f->wrong, (unsigned long long)f->stray,
	       (unsigned long long)f->refused, f->code, (unsigned long long)f->resent);
	(void)fflush(stdout);
}

static void run_step(struct load *l, const struct step *st)
{
	l->step = st;
	l->done = l->todo = 0;
	l->found = (struct found){ .began = now_usec() };
	if (st->kind == K_ALLOCATE)
		alloc_all(l);
	else
		flow_run(l);
	l->found.ended = now_usec();
	print_found(l);
}

int main(int argc, char **argv)
{
	struct load *l = xalloc(1, sizeof(*l));
	l->n = 200;
	l->rate = 50;
	l->patience = 5 * USEC_PER_SEC;
	read_options(l, argc, argv);
	sock_raise_limit();
	(void)prctl(PR_SET_TIMERSLACK, 1);
	make_clients(l);
	for (unsigned i = 0; i < l->n_steps; i++) {
		if (l->waits)
			wait_for_line(l->steps[i].name);
		run_step(l, &l->steps[i]);
	}
	if (l->waits)
		wait_for_line("");
	return 0;
}
