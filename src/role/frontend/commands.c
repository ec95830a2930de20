#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/code.h"
#include "role/frontend/fe.h"
#include "svc/access/trust.h"

/* What `dialtone` asks of the front end. */

enum { ANSWER_MAX = CTL_LINE_MAX - 4096 };

static void put_text(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "\"%s\":", name);
	json_put_str(b, value);
}

/* "web/1": the connection to a browser is that process's, and only it knows from where. */
static void put_browser(struct buf *b, const struct binding *bd)
{
	struct sip_uri contact;
	struct str process, domain;
	buf_lit(b, "web");
	if (sip_uri_parse(&contact, binding_text(bd, BINDING_CONTACT)) == 0 &&
	    str_cut(contact.host, '.', &process, &domain) && str_starts(process, STR("web-"))) {
		buf_char(b, '/');
		buf_str(b, str_sub(process, strlen("web-"), process.len));
	}
}

static void put_way(struct buf *b, const struct frontend *fe, const struct binding *bd)
{
	struct token_hint hint = binding_hint(bd), *h = &hint;
	if (fe_is_browser(bd)) {
		put_browser(b, bd);
	} else if (h->reach == TOKEN_UDP) {
		buf_lit(b, "udp ");
		addr_put(b, &h->peer);
	} else {
		struct sip_flow *f =
		        h->slot == fe->env->slot ? sip_flow_find(fe->tp, h->flow) : NULL;
		buf_str(b, h->sock ? STR("tls ") : STR("tcp "));
		if (f)
			addr_put(b, &f->peer);
		else
			buf_printf(b, "at process %u", h->slot + 1);
	}
}

static void put_endpoint(struct frontend *fe, struct buf *b, const struct binding *bd)
{
	char text[96];
	struct buf where = BUF_ON(text);
	put_way(&where, fe, bd);
	buf_str(b, b->len > 1 ? STR(",{") : STR("{"));
	put_text(b, "user", home_user_aor(bd->user));
	buf_printf(b, ",\"endpoint\":\"%016" PRIx64 "\",", bd->endpoint);
	put_text(b, "contact", binding_text(bd, BINDING_CONTACT));
	buf_char(b, ',');
	put_text(b, "agent", binding_text(bd, BINDING_USER_AGENT));
	buf_char(b, ',');
	put_text(b, "dialect", bd->lync ? STR("lync") : STR("sip"));
	buf_char(b, ',');
	put_text(b, "via", buf_view(&where));
	buf_printf(b, ",\"expires_s\":%" PRIu32 ",\"since_at\":%" PRIu64 ",\"home\":%u}",
	           binding_left_s(bd, loop_now(fe->loop)), bd->since / USEC_PER_SEC,
	           fe->env->slot + 1);
}

static bool is_user(const struct home_user *u, struct str wanted)
{
	struct str name, domain;
	if (wanted.len == 0 || str_ieq(home_user_aor(u), wanted))
		return true;
	(void)str_cut(home_user_aor(u), '@', &name, &domain);
	return str_ieq(name, wanted);
}

static void answer_list(struct ctl_call *c, struct buf *b)
{
	if (b->full)
		c->fail(c, "the list is too long for one answer; ask for one user (USER)");
	else
		c->ok(c, buf_view(b));
}

static void endpoint_list(void *state, struct ctl_call *c)
{
	struct frontend *fe = state;
	struct str wanted = ctl_text(c->args, "user");
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	size_t slot = 0;
	struct map_node *after = NULL;
	buf_char(&b, '[');
	for (struct home_user *u; (u = registrar_walk(fe->registrar, &slot, &after)) != NULL;) {
		if (!is_user(u, wanted))
			continue;
		binding_for(bd, u) put_endpoint(fe, &b, bd);
	}
	buf_char(&b, ']');
	answer_list(c, &b);
}

/* Takes the endpoints off and ends the connections they came on. */
static unsigned kick_user(struct frontend *fe, struct home_user *u, uint64_t endpoint)
{
	uint64_t account = u->account;
	binding_for(b, u)
	{
		if ((endpoint == 0 || b->endpoint == endpoint) && b->reach == TOKEN_STREAM)
			fe_close_flow(fe, b->slot, b->stream.flow, REFUSE_KICKED);
	}
	return registrar_kick(fe->registrar, account, endpoint, "kicked by an administrator");
}

static void endpoint_kick(void *state, struct ctl_call *c)
{
	struct frontend *fe = state;
	struct str wanted = ctl_text(c->args, "user"), id = ctl_text(c->args, "endpoint");
	uint64_t endpoint = id.len ? strtoull(id.p, NULL, 16) : 0;
	size_t slot = 0;
	unsigned n = 0;
	struct map_node *after = NULL;
	struct home_user *found = NULL;
	char text[64];
	for (struct home_user *u; (u = registrar_walk(fe->registrar, &slot, &after)) != NULL;)
		if (is_user(u, wanted))
			found = u;
	if (id.len && endpoint == 0) {
		c->fail(c, "\"%" STR_FMT "\" is no endpoint; `dialtone endpoint list` shows them",
		        STR_ARG(id));
		return;
	}
	if (found)
		n = kick_user(fe, found, endpoint);
	(void)snprintf(text, sizeof(text), "{\"kicked\":%u}", n);
	c->ok(c, str_of(text));
}

static void put_call(struct frontend *fe, struct buf *b, const struct call *k)
{
	usec_t now = loop_wall(fe->loop), from = k->answered ? k->answered : k->started;
	buf_str(b, b->len > 1 ? STR(",{") : STR("{"));
	put_text(b, "id", k->id);
	buf_char(b, ',');
	put_text(b, "from", k->from);
	buf_char(b, ',');
	put_text(b, "to", k->to);
	buf_printf(b, ",\"state\":\"%s\",\"for_s\":%" PRIu64 "}",
	           k->state == CALL_CONNECTED ? "connected" : "ringing",
	           now > from ? (now - from) / USEC_PER_SEC : 0);
}

static void call_list(void *state, struct ctl_call *c)
{
	struct frontend *fe = state;
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	size_t slot = 0;
	struct map_node *after = NULL;
	buf_char(&b, '[');
	for (struct call *k; (k = calls_walk(fe->calls, &slot, &after)) != NULL;)
		put_call(fe, &b, k);
	buf_char(&b, ']');
	answer_list(c, &b);
}

static void explain(void *state, struct ctl_call *c)
{
	fe_explain(state, c);
}

static void trace(void *state, struct ctl_call *c)
{
	fe_trace(state, c);
}

static void trust(void *state UNUSED, struct ctl_call *c)
{
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	trust_describe(&b);
	answer_list(c, &b);
}

/* clang-format off */
const struct ctl_command frontend_commands[] = {
	{ .noun = "endpoint", .verb = "list", .fn = endpoint_list,
	  .args = { { "user", CTL_TEXT, true, false, "only this user's" } },
	  .help = "who is signed in, from where, with what" },
	{ .noun = "endpoint", .verb = "kick", .fn = endpoint_kick,
	  .args = { { "user", CTL_TEXT, true, true, "whose" },
		    { "endpoint", CTL_TEXT, true, false, "which one; all if left out" } },
	  .help = "sign endpoints off and end their connections" },
	{ .noun = "call", .verb = "list", .fn = call_list,
	  .help = "calls that are ringing or connected" },
	{ .noun = "presence", .verb = "show", .fn = fe_presence_show,
	  .args = { { "user", CTL_TEXT, true, true, "whose" },
		    { "as", CTL_TEXT, false, false, "what this watcher sees of it" } },
	  .help = "a user's state, what was published, who may see what" },
	{ .noun = "contact", .verb = "list", .fn = fe_contact_list,
	  .args = { { "user", CTL_TEXT, true, true, "whose" } },
	  .help = "a user's contacts" },
	{ .noun = "contact", .verb = "export", .fn = fe_contact_export,
	  .args = { { "user", CTL_TEXT, true, true, "whose" } },
	  .help = "the list of contacts as a document" },
	{ .noun = "contact", .verb = "import", .fn = fe_contact_import,
	  .args = { { "user", CTL_TEXT, true, true, "whose" },
		    { "list", CTL_TEXT, true, true, "the document" } },
	  .help = "add the contacts and groups of a document" },
	{ .noun = "conference", .verb = "list", .fn = fe_conference_list,
	  .args = { { "which", CTL_TEXT, true, false,
		      "all: those with nobody in them too; or whose: a user's address" } },
	  .help = "group conversations with people in them" },
	{ .noun = "conference", .verb = "show", .fn = fe_conference_show,
	  .args = { { "conference", CTL_TEXT, true, true, "its id, or the address of its focus" } },
	  .help = "who is in a group conversation" },
	{ .noun = "conference", .verb = "end", .fn = fe_conference_end,
	  .args = { { "conference", CTL_TEXT, true, true, "its id, or the address of its focus" } },
	  .help = "send everybody away" },
	{ .noun = "explain", .verb = NULL, .fn = explain,
	  .args = { { "from", CTL_TEXT, true, true, "who calls: a user name, an address or a number" },
		    { "to", CTL_TEXT, true, true, "whom: a user name, an address or a number" } },
	  .help = "say how a request would be routed, and why" },
	{ .noun = "trust", .verb = NULL, .fn = trust,
	  .help = "which header fields are taken from whom, and given to whom" },
	{ .noun = "trace", .verb = NULL, .fn = trace, .streams = true,
	  .args = { { "user", CTL_TEXT, false, false, "only messages of this user" },
		    { "peer", CTL_TEXT, false, false, "only this address: 192.0.2.7, 192.0.2.7:5060, [2001:db8::7]:5060; or another "
		      "process: frontend/2, mcu-im/1, media-bridge/1" } },
	  .help = "show SIP messages as they pass, secrets masked" },
	{ .noun = NULL },
};
/* clang-format on */
