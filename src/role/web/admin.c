#include "base/code.h"
#include "role/web/visit.h"
#include "wire/ctl/ctl.h"

/* Commands of administrators (docs/protocols/web-api.md, "Administration").  Who may give which,
 * accounts says by the ticket; here nothing is known of them.  To others there is no such thing. */

/* What the command answered: one line of wire/ctl. */
static void say(struct visit *v, struct str line)
{
	auto_(buf_free) struct buf b = buf_of(ACCOUNTS_SAID_MAX);
	struct ctl_answer a;
	const char *why;
	if (ctl_parse_answer(line, &a, &why) < 0) {
		visit_no_server(v);
		return;
	}
	if (a.kind == CTL_OK) {
		buf_lit(&b, "\"result\":");
		ctl_put_json(&b, a.value);
		visit_answer(v, buf_view(&b), NULL);
	} else {
		auto_(xfreep) char *text = str_dup(a.error);
		visit_refuse(v, 422, "failed", text, "");
	}
	ctl_answer_done(&a);
	wipe(b.p, b.len);
}

/* Why there is nothing to say; frees the visit. */
static void refuse(struct visit *v, const struct accounts_said *s)
{
	if (s->status == ACCT_OWN_SIGNED_OUT) {
		visit_signed_out(v);
	} else if (s->status == ACCT_OWN_SLOW) {
		visit_slow(v, "too_many", "There were too many requests.", s->retry_s);
	} else if (s->status == ACCT_OWN_UNPROVED) {
		visit_refuse(v, 403, "prove", "The password must be typed again first.",
		             "POST it to prove.");
	} else if (s->status == ACCT_OWN_NONE || s->status == ACCT_OWN_REFUSED) {
		visit_unknown(take(&v->x));
		visit_free(v);
	} else {
		visit_no_server(v);
	}
}

static void on_said(void *arg, const struct accounts_said *s)
{
	struct visit *v = arg;
	v->asking = NULL;
	if (s->status == ACCT_OWN_DONE)
		say(v, s->text);
	else
		refuse(v, s);
}

/* --- lines as they come ---------------------------------------------------------------------- */

static void on_room(void *user)
{
	struct visit *v = user;
	v->full = false;
}

/* Who reads too slowly is cut off: nobody waits for a page. */
static void send_piece(struct visit *v, struct str text)
{
	if (!v->begun) {
		struct buf *head = http_begin(v->x, 200);
		http_put_field(head, STR("Content-Type"), STR("application/x-ndjson"));
		http_put_field(head, STR("Cache-Control"), STR("no-store"));
		http_stream(v->x, HTTP_LEN_UNKNOWN, on_room);
		v->begun = true;
	}
	if (v->full) {
		http_abort(take(&v->x));
		visit_free(v);
		return;
	}
	if (text.len > 0)
		v->full = !http_send(v->x, text);
}

static void on_line(void *arg, const struct accounts_said *s)
{
	struct visit *v = arg;
	if (!s->over) {
		send_piece(v, s->text);
		return;
	}
	v->asking = NULL;
	if (!v->begun) {
		refuse(v, s);
		return;
	}
	struct http_exchange *x = take(&v->x);
	if (s->status == ACCT_OWN_DONE)
		http_send_end(x);
	else
		http_abort(x);
	visit_free(v);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void on_body(struct visit *v, const cJSON *body)
{
	auto_(buf_free) struct buf line = buf_of(ACCT_COMMAND_MAX);
	struct str name = web_text(body, "command");
	const cJSON *args = cJSON_GetObjectItemCaseSensitive(body, "args");
	if (name.len == 0 || (args && !cJSON_IsObject(args))) {
		visit_refuse(v, 400, "bad_request", "command is a text, args an object.", "");
		return;
	}
	ctl_put_request(&line, name, args);
	if (line.full) {
		visit_refuse(v, 413, "too_large", "The command is too long.",
		             "Give it in several parts.");
		return;
	}
	struct acct_command c = { .ticket = str_of(v->who.ticket),
		                  .line = str_trim(buf_view(&line)),
		                  .peer = v->client };
	bool streams = ctl_flag(body, "stream");
	v->asking = accounts_command(v->web->accounts, &c, streams, streams ? on_line : on_said, v);
	wipe(line.p, line.len);
}

void web_admin(struct web *w, struct http_exchange *x)
{
	struct visit *v = visit_new(w, x);
	if (visit_ticket(v) && strlen(v->who.ticket) <= ACCT_TICKET_MAX)
		visit_read(v, on_body);
	else
		visit_signed_out(v);
}
