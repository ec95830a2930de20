/* webload: what many browsers do to the web role, for measuring it.  `webload --help` says how. */
#include "webload.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/rand.h"

static const char usage[] =
        "usage: webload --server IP:PORT --name HOST --ca FILE [--domain D] [--user PREFIX]\n"
        "               [--password WORD] [--users N] [--tabs N] [--outstanding N]\n"
        "               [--patience SECONDS] [--echo] [--wait] STEP...\n"
        "\n"
        "Steps, each a line of JSON:\n"
        "  login           all N users (PREFIX0, PREFIX1, ...) show their password\n"
        "  open:COUNT      COUNT sessions more, until each has been told self and contacts\n"
        "  seen            each says that it has had all events so far\n"
        "  hold:SECONDS    nothing but what the server wants\n"
        "  chat:COUNT      messages in pairs, each with its answer and at the other side; --tabs "
        "1\n"
        "  meet:SIZE       so many neighbours have a group chat each time\n"
        "  group:COUNT     messages to those, each with its answer and at all others\n"
        "  search:COUNT    for the 33rd message of a pair, after chat; --tabs 1\n"
        "  edit:COUNT      of what was said in chat, until the other side is told\n"
        "  react:COUNT     to it, by the other side\n"
        "  watch           all sessions watch the person of the first one\n"
        "  presence:COUNT  she changes her state; `ops` are those that were told\n"
        "  echo:COUNT      with --echo: to /ws, which sends all back; nobody logs in\n"
        "--tabs: sessions of a user (1).  --outstanding: at the same time (32).\n"
        "--patience: what is not there after so long is lost (10).\n"
        "--wait: says which step is next, and waits for a line on the standard input.\n";

enum { PEM_MAX = 64 * 1024, LOOK_AFTER_MS = 100, WS_UNSENT = 256 * 1024 };

void load_die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)fputs("webload: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

struct str load_text(const cJSON *v, const char *name)
{
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(v, name);
	return cJSON_IsString(text) ? str_of(text->valuestring) : STR("");
}

void load_count(struct load *l, usec_t sent)
{
	struct found *f = &l->found;
	if (f->ops % 1024 == 0)
		f->took = xrealloc(f->took, (f->ops + 1024) * sizeof(f->took[0]));
	f->took[f->ops++] = (uint32_t)(loop_now(l->loop) - sent);
}

void load_refused(struct load *l, struct str code)
{
	struct buf b = BUF_ON(l->found.code);
	if (l->found.refused++ == 0) {
		buf_str(&b, str_sub(code, 0, CODE_MAX - 1));
		l->found.code[b.len] = '\0';
	}
}

bool load_answers(const struct browser *b, const cJSON *v)
{
	const cJSON *re = cJSON_GetObjectItemCaseSensitive(v, "re");
	return cJSON_IsNumber(re) && re->valuedouble == b->request;
}

bool load_is_ok(struct load *l, const cJSON *v)
{
	if (cJSON_GetObjectItemCaseSensitive(v, "ok"))
		return true;
	load_refused(l, load_text(cJSON_GetObjectItemCaseSensitive(v, "error"), "code"));
	return false;
}

void load_run(struct load *l, void (*look)(struct load *l))
{
	usec_t next = 0;
	while (!l->over) {
		loop_turn(l->loop, LOOK_AFTER_MS * USEC_PER_MSEC);
		if (look && !l->over && loop_now(l->loop) >= next) {
			next = loop_now(l->loop) + LOOK_AFTER_MS * USEC_PER_MSEC;
			look(l);
		}
	}
}

/* --- the command line ------------------------------------------------------------------------ */

static uint32_t number(const char *text, uint32_t max)
{
	uint32_t v;
	if (str_to_u32(str_of(text), max, &v) < 0 || v == 0)
		load_die("\"%s\" is no number from 1 to %u", text, max);
	return v;
}

static void read_step(struct load *l, const char *text)
{
	static const struct step known[] = {
		{ K_LOGIN, "login", 0 },       { K_OPEN, "open", 1 },     { K_HOLD, "hold", 1 },
		{ K_SEEN, "seen", 0 },         { K_CHAT, "chat", 1 },     { K_WATCH, "watch", 0 },
		{ K_PRESENCE, "presence", 1 }, { K_ECHO, "echo", 1 },     { K_MEET, "meet", 1 },
		{ K_GROUP, "group", 1 },       { K_SEARCH, "search", 1 }, { K_EDIT, "edit", 1 },
		{ K_REACT, "react", 1 },
	};
	struct str name, rest;
	(void)str_cut(str_of(text), ':', &name, &rest);
	size_t i = 0;
	while (i < ARRAY_SIZE(known) && !str_eq(str_of(known[i].name), name))
		i++;
	if (i == ARRAY_SIZE(known) || l->n_steps == STEPS_MAX)
		load_die("\"%s\" is no step, or one too many; --help lists them", text);
	l->steps[l->n_steps] = known[i];
	if (known[i].count)
		l->steps[l->n_steps].count = rest.len ? number(rest.p, COUNT_MAX) : number("", 1);
	l->n_steps++;
}

static void read_ca(struct load *l, const char *path)
{
	static const struct str http[] = { STR_INIT("http/1.1") };
	auto_(buf_free) struct buf pem = buf_of(PEM_MAX);
	const char *why = "it cannot be read";
	FILE *f = fopen(path, "rbe");
	if (f) {
		pem.len = fread(buf_room(&pem, PEM_MAX), 1, PEM_MAX, f);
		(void)fclose(f);
		struct tls_client_config cfg = { .ca_pem = buf_view(&pem),
			                         .alpn = http,
			                         .n_alpn = 1 };
		l->tls = tls_client_new(&cfg, &why);
	}
	if (!l->tls)
		load_die("%s: %s", path, why);
}

static void read_option(struct load *l, int o, const char *value)
{
	switch (o) {
	case 's':
		if (addr_parse_port(&l->server, str_of(value)) < 0)
			load_die("\"%s\" is not like 127.0.0.1:4443", value);
		break;
	case 'n':
		l->name = str_of(value);
		break;
	case 'c':
		read_ca(l, value);
		break;
	case 'd':
		l->domain = str_of(value);
		break;
	case 'u':
		l->prefix = str_of(value);
		break;
	case 'p':
		l->password = str_of(value);
		break;
	case 'N':
		l->users = number(value, USERS_MAX);
		break;
	case 't':
		l->tabs = number(value, TABS_MAX);
		break;
	case 'o':
		l->outstanding = number(value, USERS_MAX);
		break;
	case 'P':
		l->patience = number(value, 3600) * USEC_PER_SEC;
		break;
	case 'e':
		l->is_echo = true;
		break;
	case 'w':
		l->waits = true;
		break;
	case 'h':
		(void)fputs(usage, stdout);
		exit(0);
	default:
		load_die("webload --help lists the options");
	}
}

static void read_options(struct load *l, int argc, char **argv)
{
	static const struct option options[] = {
		{ "server", required_argument, NULL, 's' },
		{ "name", required_argument, NULL, 'n' },
		{ "ca", required_argument, NULL, 'c' },
		{ "domain", required_argument, NULL, 'd' },
		{ "user", required_argument, NULL, 'u' },
		{ "password", required_argument, NULL, 'p' },
		{ "users", required_argument, NULL, 'N' },
		{ "tabs", required_argument, NULL, 't' },
		{ "outstanding", required_argument, NULL, 'o' },
		{ "patience", required_argument, NULL, 'P' },
		{ "echo", no_argument, NULL, 'e' },
		{ "wait", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) >= 0;)
		read_option(l, o, optarg);
	for (int i = optind; i < argc; i++)
		read_step(l, argv[i]);
	if (addr_port(&l->server) == 0 || !l->tls || l->name.len == 0 || l->n_steps == 0)
		load_die("--server, --name, --ca or the steps are missing; --help lists the "
		         "options");
}

/* --- the whole ------------------------------------------------------------------------------- */

static void make_browsers(struct load *l)
{
	struct rlimit r;
	struct buf a = BUF_ON(l->authority), o = BUF_ON(l->origin);
	buf_printf(&a, "%" STR_FMT ":%u", STR_ARG(l->name), addr_port(&l->server));
	buf_printf(&o, "https://%.*s", (int)a.len, a.p);
	l->authority[a.len] = l->origin[o.len] = '\0';
	l->tickets = xcalloc(l->users, sizeof(l->tickets[0]));
	l->browsers = xcalloc((size_t)l->users * l->tabs, sizeof(l->browsers[0]));
	for (uint32_t i = 0; i < l->users * l->tabs; i++)
		l->browsers[i] = (struct browser){ .load = l, .number = i };
	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static void on_line(void *arg, int events UNUSED)
{
	struct load *l = arg;
	char c;
	if (read(STDIN_FILENO, &c, 1) != 1)
		exit(0);
	l->over = c == '\n';
}

/* Browsers live on meanwhile: they answer pings. */
static void wait_for_line(struct load *l, const char *next)
{
	printf("{\"ready\": \"%s\"}\n", next);
	(void)fflush(stdout);
	struct io *io = io_new(l->loop, STDIN_FILENO, on_line, l);
	io_want(io, IO_READ);
	l->over = false;
	load_run(l, NULL);
	io_free(&io);
}

static void on_held(void *arg)
{
	struct load *l = arg;
	l->over = true;
}

static void hold(struct load *l)
{
	timer_init(&l->pause, l->loop, on_held, l);
	timer_set(&l->pause, loop_now(l->loop) + l->step->count * USEC_PER_SEC);
	load_run(l, NULL);
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static uint32_t took(const struct found *f, unsigned percent)
{
	return f->ops ? f->took[(f->ops - 1) * percent / 100] : 0;
}

static void print_found(struct load *l)
{
	struct found *f = &l->found;
	if (f->ops)
		qsort(f->took, f->ops, sizeof(f->took[0]), by_size);
	printf("{\"op\": \"%s\", \"ops\": %llu, \"wall_s\": %.6f, \"failures\": {\"lost\": %llu, "
	       "\"wrong\": %llu, \"stray\": %llu, \"refused\": %llu, \"closed\": %llu}, "
	       "\"first_refusal\": \"%s\", \"own\": %llu, \"p50_us\": %u, \"p99_us\": %u}\n",
	       l->step->name, (unsigned long long)f->ops,
	       (double)(f->ended - f->began) / USEC_PER_SEC, (unsigned long long)f->lost,
	       (unsigned long long)f->wrong, (unsigned long long)f->stray,
	       (unsigned long long)f->refused, (unsigned long long)f->closed, f->code,
	       (unsigned long long)f->own, took(f, 50), took(f, 99));
	(void)fflush(stdout);
}

static void run_step(struct load *l, const struct step *st)
{
	static void (*const run[])(struct load * l) = {
		[K_LOGIN] = web_log_in,      [K_OPEN] = web_open,     [K_HOLD] = hold,
		[K_SEEN] = web_seen,         [K_CHAT] = web_chat,     [K_WATCH] = web_watch,
		[K_PRESENCE] = web_presence, [K_ECHO] = web_echo,     [K_MEET] = web_meet,
		[K_GROUP] = web_group,       [K_SEARCH] = web_search, [K_EDIT] = web_edit,
		[K_REACT] = web_edit,
	};
	free(l->found.took);
	l->step = st;
	l->begun = l->ended = l->under_way = l->cursor = 0;
	l->over = false;
	l->found = (struct found){ .began = loop_now(l->loop) };
	run[st->kind](l);
	l->found.ended = loop_now(l->loop);
	print_found(l);
}

int main(int argc, char **argv)
{
	static const struct ws_config cfg = { .ping_s = 3600, .unsent_max = WS_UNSENT };
	struct load *l = xnew(struct load);
	l->users = l->tabs = 1;
	l->outstanding = 32;
	l->patience = 10 * USEC_PER_SEC;
	l->prefix = STR("user");
	l->domain = STR("bench.test");
	read_options(l, argc, argv);
	rand_bytes(&l->run, sizeof(l->run));
	l->loop = loop_new();
	l->host = ws_host_new(l->loop, &cfg);
	make_browsers(l);
	for (unsigned i = 0; i < l->n_steps; i++) {
		if (l->waits)
			wait_for_line(l, l->steps[i].name);
		run_step(l, &l->steps[i]);
	}
	if (l->waits)
		wait_for_line(l, "");
	return 0;
}
