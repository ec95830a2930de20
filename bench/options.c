#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "sock.h"

const char *const op_names[OP_N_KINDS] = {
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
	case O_SIZE:
		o->echo_size = number(arg, 32, 8000);
		break;
	default:
		break;
	}
}

static void take_flag(struct options *o, int option)
{
	o->keep_nonce |= option == O_KEEP_NONCE;
	o->elsewhere |= option == O_ELSEWHERE;
	o->outbound |= option == O_OUTBOUND;
	o->lync |= option == O_LYNC;
	o->retry |= option == O_RETRY;
	o->net.tls12 |= option == O_TLS12;
	o->wait |= option == O_WAIT;
	if (option == O_HELP) {
		(void)fputs(usage, stdout);
		exit(0);
	}
}

static struct step read_step(const char *text)
{
	struct step st = { 0 };
	struct str at_once = str_of(text), rest = str_cut(&at_once, '@'),
	           name = str_cut(&rest, ':');
	while (st.kind < OP_N_KINDS && !str_eq(name, str_of(op_names[st.kind])))
		st.kind++;
	if (st.kind == OP_N_KINDS)
		die("\"%s\" begins with no operation; --help lists them", text);
	if (at_once.n > 0 && (!str_u32(at_once, 10, &st.at_once) || st.at_once == 0))
		die("\"%s\" is not like signin@64", text);
	if (st.kind == OP_CONNECT || st.kind == OP_SIGNIN || st.kind == OP_DIALOG)
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

static void read_steps(struct options *o, char **argv, int argc)
{
	for (int i = 0; i < argc; i++) {
		if (o->n_steps == STEPS_MAX)
			die("at most %d operations", (int)STEPS_MAX);
		o->step[o->n_steps++] = read_step(argv[i]);
	}
	if (o->n_steps == 0)
		die("no operation; --help lists them");
}

void options_read(struct options *ret, int argc, char **argv)
{
	struct options o = { .domain = "bench.test",
		             .password = "secret",
		             .prefix = "user",
		             .users = 1000,
		             .conns = 20,
		             .outstanding = 32,
		             .timeout = 32 * USEC_PER_SEC,
		             .expires = 900,
		             .echo_size = 560 };
	for (;;) {
		int option = getopt_long(argc, argv, "", long_options, NULL);
		if (option < 0)
			break;
		if (option == '?')
			die("sipload --help lists the options");
		take_text(&o, option, optarg);
		take_number(&o, option, optarg);
		take_flag(&o, option);
	}
	if (o.net.server_len == 0)
		die("--server is missing; --help lists the options");
	if (o.conns == 0 || o.conns > o.users)
		o.conns = o.users;
	if (o.lync && o.conns != o.users)
		die("--lync needs --conns client: a connection signs for one user");
	read_steps(&o, argv + optind, argc - optind);
	*ret = o;
}
