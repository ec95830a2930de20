#include <stdlib.h>

#include "base/code.h"
#include "wire/ctl/ctl.h"
#include "webload.h"

/* From a password to a session that has been told its contacts. */

/* The server lets one address try 16 passwords at a time. */
enum { BODY_MAX = 1024, LOGINS_MAX = 8 };

void web_address(const struct load *l, uint32_t browser, struct buf *b)
{
	buf_printf(b, "%" STR_FMT "%u@%" STR_FMT, STR_ARG(l->prefix), browser % l->users,
	           STR_ARG(l->domain));
}

/* --- log-in ---------------------------------------------------------------------------------- */

static void next_login(struct load *l);

struct login {
	struct load *load;
	uint32_t user;
	usec_t sent;
};

static bool keep_ticket(char ret[TICKET_MAX + 1], const struct http_msg *m)
{
	struct str cookie = http_value_named(m, STR("Set-Cookie")), name, value, rest;
	if (!str_cut(cookie, '=', &name, &value))
		return false;
	(void)str_cut(value, ';', &value, &rest);
	if (value.len == 0 || value.len > TICKET_MAX)
		return false;
	memcpy(ret, value.p, value.len);
	return true;
}

static void on_logged_in(void *arg, const struct http_result *r)
{
	struct login *in = arg;
	struct load *l = in->load;
	const char *why;
	l->under_way--;
	l->ended++;
	if (r->err) {
		l->found.closed++;
	} else if (r->msg->status == 200 && keep_ticket(l->tickets[in->user], r->msg)) {
		load_count(l, in->sent);
	} else {
		cJSON *v = ctl_parse_json(r->body, &why);
		load_refused(l, load_text(cJSON_GetObjectItemCaseSensitive(v, "error"), "code"));
		cJSON_Delete(v);
	}
	free(in);
	next_login(l);
}

static void log_in(struct load *l, uint32_t user)
{
	static const struct http_call_ops ops = { .done = on_logged_in };
	const struct http_field origin = { STR("Origin"), str_of(l->origin) };
	auto_(buf_free) struct buf body = buf_of(BODY_MAX);
	struct login *in = xnew(struct login);
	*in = (struct login){ l, user, loop_now(l->loop) };
	buf_printf(&body, "{\"user\":\"%" STR_FMT "%u\",\"password\":", STR_ARG(l->prefix), user);
	json_put_str(&body, l->password);
	buf_char(&body, '}');
	struct http_call_config cfg = { .method = STR("POST"),
		                        .target = STR("/api/v1/login"),
		                        .fields = &origin,
		                        .n_fields = 1,
		                        .type = STR("application/json"),
		                        .body = buf_view(&body) };
	if (!http_call_new(l->http, &cfg, &ops, in))
		load_die("a log-in cannot be sent");
}

static void next_login(struct load *l)
{
	while (l->begun < l->users && l->under_way < MIN(l->outstanding, LOGINS_MAX)) {
		l->under_way++;
		log_in(l, l->begun++);
	}
	l->over = l->ended == l->users;
}

void web_log_in(struct load *l)
{
	struct http_client_config cfg = { .authority = str_of(l->authority),
		                          .addrs = &l->server,
		                          .n_addrs = 1,
		                          .tls = l->tls,
		                          .server_name = l->name,
		                          .max_conns = LOGINS_MAX,
		                          .max_waiting = LOGINS_MAX };
	l->http = http_client_new(l->loop, &cfg);
	next_login(l);
	load_run(l, NULL);
	http_client_free(&l->http);
}

/* --- sessions -------------------------------------------------------------------------------- */

static void next_session(struct load *l);

static void opened(struct browser *b)
{
	struct load *l = b->load;
	b->stage = S_READY;
	load_count(l, b->sent);
	l->under_way--;
	l->ended++;
	next_session(l);
}

/* The answer to hello, and the first events. */
static void on_begin(struct browser *b, const cJSON *v)
{
	struct str ev = load_text(v, "ev");
	b->greeted |= cJSON_GetObjectItemCaseSensitive(v, "ok") != NULL;
	b->self |= str_eq(ev, STR("self"));
	b->contacts |= str_eq(ev, STR("contacts"));
	if (b->greeted && b->self && b->contacts)
		opened(b);
}

/* Events are numbered without a gap. */
static void check_seq(struct browser *b, const cJSON *v)
{
	const cJSON *seq = cJSON_GetObjectItemCaseSensitive(v, "seq");
	if (!seq)
		return;
	if (!cJSON_IsNumber(seq) || seq->valuedouble != (double)(b->seq + 1))
		b->load->found.wrong++;
	b->seq = cJSON_IsNumber(seq) ? (uint64_t)seq->valuedouble : b->seq + 1;
}

static void on_message(void *arg, bool text UNUSED, struct str message)
{
	struct browser *b = arg;
	const char *why;
	if (b->load->is_echo) {
		web_echoed(b, message);
		return;
	}
	cJSON *v = ctl_parse_json(message, &why);
	check_seq(b, v);
	if (!cJSON_IsObject(v))
		b->load->found.wrong++;
	else if (b->stage == S_HELLO)
		on_begin(b, v);
	else
		web_heard(b, v);
	cJSON_Delete(v);
}

static void on_opened(void *arg)
{
	struct browser *b = arg;
	char text[TEXT_MAX];
	struct buf t = BUF_ON(text);
	if (b->load->is_echo) {
		opened(b);
		return;
	}
	b->stage = S_HELLO;
	buf_printf(&t, "{\"id\":%u,\"op\":\"hello\",\"client\":\"webload\",\"tab\":\"tab%u\"}",
	           ++b->request, b->number / b->load->users);
	(void)ws_send(b->ws, true, buf_view(&t));
}

static void on_closed(void *arg, unsigned code UNUSED, struct str why UNUSED)
{
	struct browser *b = arg;
	struct load *l = b->load;
	bool begins = b->stage == S_OPENING || b->stage == S_HELLO;
	b->stage = S_GONE;
	l->found.closed++;
	ws_free(&b->ws);
	if (begins) {
		l->under_way--;
		l->ended++;
		next_session(l);
	} else {
		web_left(b);
	}
}

static void connect_one(struct load *l, struct browser *b)
{
	static const struct ws_ops ops = { .opened = on_opened,
		                           .message = on_message,
		                           .closed = on_closed };
	char text[TICKET_MAX + 32];
	struct buf cookie = BUF_ON(text);
	buf_printf(&cookie, "__Host-dialtone=%s",
	           l->is_echo ? "" : l->tickets[b->number % l->users]);
	const struct http_field field = { STR("Cookie"), buf_view(&cookie) };
	struct ws_connect_config cfg = { .to = l->server,
		                         .tls = l->tls,
		                         .server_name = l->name,
		                         .authority = str_of(l->authority),
		                         .target = l->is_echo ? STR("/ws") : STR("/api/v1/ws"),
		                         .origin = str_of(l->origin),
		                         .protocol = l->is_echo ? STR("") : STR("dialtone.v1"),
		                         .fields = &field,
		                         .n_fields = 1 };
	b->stage = S_OPENING;
	b->sent = loop_now(l->loop);
	b->ws = ws_connect(l->host, &cfg, &ops, b);
}

static void next_session(struct load *l)
{
	while (l->begun < l->step->count && l->under_way < l->outstanding) {
		l->begun++;
		l->under_way++;
		connect_one(l, &l->browsers[l->n_open++]);
	}
	l->over = l->ended == l->step->count;
}

/* Who has not got as far in time is given up. */
static void give_up(struct load *l)
{
	usec_t now = loop_now(l->loop);
	for (uint32_t i = 0; i < l->n_open; i++) {
		struct browser *b = &l->browsers[i];
		bool begins = b->stage == S_OPENING || b->stage == S_HELLO;
		if (!begins || now - b->sent <= l->patience)
			continue;
		b->stage = S_GONE;
		ws_free(&b->ws);
		l->found.lost++;
		l->under_way--;
		l->ended++;
		next_session(l);
	}
}

void web_open(struct load *l)
{
	if (l->step->count > l->users * l->tabs - l->n_open)
		load_die("there are only %u sessions of %u users", l->users * l->tabs, l->users);
	next_session(l);
	load_run(l, give_up);
}
