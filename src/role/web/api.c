#include <stdio.h>
#include <string.h>

#include "base/code.h"
#include "role/web/wb.h"
#include "wire/ctl/ctl.h"

/* Requests of the browser (docs/protocols/web-api.md): the table of what there is, and answers. */

/* clang-format off */
static const struct op {
	const char *name;
	void (*fn)(struct session *s, uint64_t number, const cJSON *args);
} ops[] = {
	{ "seen", session_seen },
	{ "presence.set", wb_people_presence_set },
	{ "presence.note", wb_people_presence_note },
	{ "presence.active", wb_people_presence_active },
	{ "contacts.add", wb_people_contacts_add },
	{ "contacts.remove", wb_people_contacts_remove },
	{ "contacts.move", wb_people_contacts_move },
	{ "contacts.rename", wb_people_contacts_rename },
	{ "groups.add", wb_people_groups_add },
	{ "groups.rename", wb_people_groups_rename },
	{ "groups.remove", wb_people_groups_remove },
	{ "people.watch", wb_people_watch },
	{ "people.search", wb_people_search },
	{ "people.members", wb_people_members },
	{ "chat.send",       chat_send },
	{ "chat.typing",     chat_typing },
	{ "chat.history",    chat_history },
	{ "chat.search",     chat_search },
	{ "chat.edit",       wb_chat_edit },
	{ "chat.delete",     wb_chat_delete },
	{ "chat.react",      wb_chat_react },
	{ "conference.create",    wb_conference_create },
	{ "conference.rename",    wb_conference_rename },
	{ "conference.add",       wb_conference_add },
	{ "conference.remove",    wb_conference_remove },
	{ "conference.lead",      wb_conference_lead },
	{ "conference.watch",    wb_conferences_watch },
	{ "call.start",      wb_call_start },
	{ "call.answer",     wb_call_answer },
	{ "call.update",     wb_call_update },
	{ "call.accept",     wb_call_accept },
	{ "call.transfer",   wb_call_transfer },
	{ "call.end",        wb_call_end },
	{ "relay.get",       web_relay_get },
};
/* clang-format on */

struct str web_text(const cJSON *args, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(args, name);
	return cJSON_IsString(v) ? str_of(v->valuestring) : (struct str){ NULL, 0 };
}

static void web_put_ok(struct buf *b, uint64_t number, struct str body)
{
	buf_printf(b, "{\"re\":%llu,\"ok\":{", (unsigned long long)number);
	buf_str(b, body);
	buf_lit(b, "}}");
}

void web_put_error(struct buf *b, uint64_t number, const char *code, const char *text,
                   const char *remedy)
{
	buf_printf(b,
	           "{\"re\":%llu,\"error\":{\"code\":\"%s\",\"text\":", (unsigned long long)number,
	           code);
	json_put_str(b, str_of(text));
	json_put_member(b, "remedy", str_of(remedy));
	buf_lit(b, "}}");
}

/* Whose connection has gone does not hear it. */
void web_ok(struct session *s, uint64_t number, struct str body)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	web_put_ok(&b, number, body);
	if (b.full)
		web_fail(s, number, "too_large", "There is more to say than an answer holds.", "");
	else if (s->browser)
		browser_send(s->browser, buf_view(&b));
}

void web_fail(struct session *s, uint64_t number, const char *code, const char *text,
              const char *remedy)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	web_put_error(&b, number, code, text, remedy);
	if (s->browser)
		browser_send(s->browser, buf_view(&b));
}

void web_bad(struct session *s, uint64_t number, const char *text)
{
	web_fail(s, number, "bad_request", text, "");
}

/* --- what a SIP status is to a person -------------------------------------------------------- */

/* clang-format off */
static const struct meaning {
	int code;
	const char *name, *text, *remedy;
} meanings[] = {
	{ 403, "refused",       "This is not allowed.", "" },
	{ 404, "not_found",     "There is nobody with this address.", "Check the address." },
	{ 408, "not_reachable", "The other side did not answer.", "Try again later." },
	{ 413, "too_large",     "This is too long.", "Send it in parts." },
	{ 415, "refused",       "The other side does not take messages of this kind.", "" },
	{ 480, "not_reachable", "This person is not signed in.", "Try again later." },
	{ 481, "no_call",       "This call is over.", "" },
	{ 487, "no_call",       "This call is over.", "" },
	{ 486, "not_reachable", "This person does not want to be disturbed.", "Try again later." },
	{ 488, "no_media",      "The devices have no kind of media in common.", "" },
	{ 491, "busy",          "The other side is changing the call.", "Try again in a moment." },
	{ 503, "no_server",     "The server does not answer at the moment.", "Try again in a moment." },
	{ 603, "blocked",       "This person does not take messages from you.", "" },
	{ 606, "refused",       "Messages with links or files of this kind are not allowed here.", "" },
};
/* clang-format on */

void web_fail_sip(struct session *s, uint64_t number, int code)
{
	char text[64];
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		const struct meaning *x = &meanings[i];
		if (x->code == code) {
			web_fail(s, number, x->name, x->text, x->remedy);
			return;
		}
	}
	(void)snprintf(text, sizeof(text), "The server has refused it (%d).", code);
	web_fail(s, number, code >= 500 ? "no_server" : "refused", text, "");
}

/* --- dispatch -------------------------------------------------------------------------------- */

void web_dispatch(struct session *s, uint64_t number, struct str op, const cJSON *args)
{
	s->web->stats.requests++;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (str_eq(op, str_of(ops[i].name))) {
			ops[i].fn(s, number, args);
			return;
		}
	}
	web_fail(s, number, "unknown_op", "The server knows no such request.", "");
}
