#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "sock.h"

enum {
	O_SERVER = 256,
	O_TRANSPORT,
	O_DOMAIN,
	O_PREFIX,
	O_PASSWORD,
	O_USERS,
	O_FIRST,
	O_CONNS,
	O_OUTSTANDING,
	O_RATE,
	O_TIMEOUT,
	O_RING,
	O_EXPIRES,
	O_SIZE,
	O_KEEP_NONCE,
	O_ELSEWHERE,
	O_OUTBOUND,
	O_LYNC,
	O_CONTACTS,
	O_LONERS,
	O_SHARE,
	O_PRINT_CONTACTS,
	O_RETRY,
	O_CA,
	O_HOST,
	O_TLS12,
	O_WAIT,
	O_HELP,
};

static const struct option long_options[] = {
	{ "server", required_argument, NULL, O_SERVER },
	{ "transport", required_argument, NULL, O_TRANSPORT },
	{ "domain", required_argument, NULL, O_DOMAIN },
	{ "prefix", required_argument, NULL, O_PREFIX },
	{ "password", required_argument, NULL, O_PASSWORD },
	{ "users", required_argument, NULL, O_USERS },
	{ "first", required_argument, NULL, O_FIRST },
	{ "conns", required_argument, NULL, O_CONNS },
	{ "outstanding", required_argument, NULL, O_OUTSTANDING },
	{ "rate", required_argument, NULL, O_RATE },
	{ "timeout", required_argument, NULL, O_TIMEOUT },
	{ "ring", required_argument, NULL, O_RING },
	{ "expires", required_argument, NULL, O_EXPIRES },
	{ "size", required_argument, NULL, O_SIZE },
	{ "keep-nonce", no_argument, NULL, O_KEEP_NONCE },
	{ "elsewhere", no_argument, NULL, O_ELSEWHERE },
	{ "outbound", no_argument, NULL, O_OUTBOUND },
	{ "lync", no_argument, NULL, O_LYNC },
	{ "contacts", required_argument, NULL, O_CONTACTS },
	{ "loners", required_argument, NULL, O_LONERS },
	{ "share", required_argument, NULL, O_SHARE },
	{ "print-contacts", no_argument, NULL, O_PRINT_CONTACTS },
	{ "retry", no_argument, NULL, O_RETRY },
	{ "ca", required_argument, NULL, O_CA },
	{ "host", required_argument, NULL, O_HOST },
	{ "tls12", no_argument, NULL, O_TLS12 },
	{ "wait", no_argument, NULL, O_WAIT },
	{ "help", no_argument, NULL, O_HELP },
	{ 0 },
};

static uint32_t number(const char *text, uint32_t min, uint32_t max)
{
	uint32_t v;
	if (!str_u32(str_of(text), 10, &v) || v < min || v > max)
		die("\"%s\" is no number from %u to %u", text, min, max);
	return v;
}

static enum transport transport_of(const char *text)
{
	static const char *const names[] = { [UDP] = "udp", [TCP] = "tcp", [TLS] = "tls" };
	for (unsigned i = UDP; i <= TLS; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum transport)i;
	die("\"%s\" is no transport: udp, tcp or tls", text);
}

static void take_text(struct options *o, int option, const char *arg)
{
	switch (option) {
	case O_DOMAIN:
		o->domain = arg;
		break;
	case O_PREFIX:
		o->prefix = arg;
		break;
	case O_PASSWORD:
		o->password = arg;
		break;
	case O_CA:
		o->net.ca_file = arg;
		break;
	case O_HOST:
		o->net.host = arg;
		break;
	case O_TRANSPORT:
		o->net.transport = transport_of(arg);
		break;
	case O_SERVER:
		o->net.server_len = sock_address(&o->net.server, arg);
		if (o->net.server_len == 0)
			die("\"%s\" is not like 127.0.0.1:5060", arg);
		break;
	default:
		break;
	}
}

static void take_number(struct options *o, int option, const char *arg)
{
	switch (option) {
	case O_USERS:
		o->users = number(arg, 1, 10000000);
		break;
	case O_FIRST:
		o->first = number(arg, 0, 10000000);
		break;
	case O_CONNS:
		o->conns = strcmp(arg, "client") == 0 ? 0 : number(arg, 1, 1000000);
		break;
	case O_OUTSTANDING:
		o->outstanding = number(arg, 1, 100000);
		break;
	case O_RATE:
		o->rate = number(arg, 0, 1000000);
		break;
	case O_TIMEOUT:
		o->timeout = number(arg, 1, 3600000) * USEC_PER_MSEC;
		break;
	case O_RING:
		o->ring = number(arg, 0, 3600000) * USEC_PER_MSEC;
		break;
	case O_EXPIRES:
		o->expires = number(arg, 1, 86400);
		break;
	case O_CONTACTS:
		o->contacts = number(arg, 0, 120);
		break;
	case O_LONERS:
		o->loners = number(arg, 0, 10000);
		break;
	case O_SHARE:
		o->share = number(arg, 1, 1000);
		break;
	case O_SIZE:
		o->echo_size = number(arg, 32, 8000);
		break;
	default:
		break;
	}
}

static void take_flag(struct options *o, const struct program *p, int option)
{
	o->keep_nonce |= option == O_KEEP_NONCE;
	o->elsewhere |= option == O_ELSEWHERE;
	o->outbound |= option == O_OUTBOUND;
	o->lync |= option == O_LYNC;
	o->retry |= option == O_RETRY;
	o->print_contacts |= option == O_PRINT_CONTACTS;
	o->net.tls12 |= option == O_TLS12;
	o->wait |= option == O_WAIT;
	if (option == O_HELP) {
		(void)fputs(p->usage, stdout);
		exit(0);
	}
}

static struct step read_step(const struct program *p, const char *text)
{
	struct step st = { 0 };
	struct str at_once = str_of(text), rest = str_cut(&at_once, '@'),
	           name = str_cut(&rest, ':');
	while (st.kind < p->n_ops && !str_eq(name, str_of(p->ops[st.kind])))
		st.kind++;
	if (st.kind == p->n_ops)
		die("\"%s\" begins with no operation; --help lists them", text);
	st.name = p->ops[st.kind];
	if (at_once.n > 0 && (!str_u32(at_once, 10, &st.at_once) || st.at_once == 0))
		die("\"%s\" is not like signin@64", text);
	if (p->once >> st.kind & 1)
		return st;
	bool is_span = rest.n > 0 && rest.p[rest.n - 1] == 's';
	rest.n -= is_span;
	if (!str_u32(rest, 10, &st.count) || st.count == 0)
		die("\"%s\" is not like register:1000 or register:10s", text);
	if (is_span) {
		st.span = st.count * USEC_PER_SEC;
		st.count = 0;
	}
	return st;
}

static void read_steps(struct options *o, const struct program *p, char **argv, int argc)
{
	for (int i = 0; i < argc; i++) {
		if (o->n_steps == STEPS_MAX)
			die("at most %d operations", (int)STEPS_MAX);
		o->step[o->n_steps++] = read_step(p, argv[i]);
	}
	if (o->n_steps == 0 && !o->print_contacts)
		die("no operation; --help lists them");
}

void options_read(struct options *ret, const struct program *p, int argc, char **argv)
{
	struct options o = { .domain = "bench.test",
		             .password = "secret",
		             .prefix = "user",
		             .users = 1000,
		             .conns = 20,
		             .outstanding = 32,
		             .timeout = 32 * USEC_PER_SEC,
		             .expires = 900,
		             .echo_size = 560,
		             .contacts = 80,
		             .share = 100 };
	for (;;) {
		int option = getopt_long(argc, argv, "", long_options, NULL);
		if (option < 0)
			break;
		if (option == '?')
			die("%s --help lists the options", p->name);
		take_text(&o, option, optarg);
		take_number(&o, option, optarg);
		take_flag(&o, p, option);
	}
	if (o.net.server_len == 0 && !o.print_contacts)
		die("--server is missing; --help lists the options");
	if (o.conns == 0 || o.conns > o.users)
		o.conns = o.users;
	read_steps(&o, p, argv + optind, argc - optind);
	*ret = o;
}
