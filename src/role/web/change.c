#include "base/arena.h"
#include "base/code.h"
#include "base/isotime.h"
#include "role/web/people.h"
#include "svc/conversation/change.h"

/* Edits, deletions and reactions: each is a MESSAGE to where the message went (svc/conversation/
 * change.h); what comes of it the user's home tells, as it tells what is said. */

/* With the file that it has still, as of a message. */
static void put_edited(struct buf *b, const struct session *s, const struct shown *m)
{
	struct attached file;
	bool has_file = wb_attach_find(s->web, m->text, &file);
	json_put_member(b, "text", has_file ? file.caption : m->text);
	if (has_file)
		wb_attach_put_json(b, &file, m->from, m->chat);
}

/* Of one that was kept: an own one. */
static void tell_delivered(struct session *s, const struct shown *m)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	buf_lit(&b, "\"chat\":");
	json_put_str(&b, m->chat);
	json_put_member(&b, "id", m->id);
	json_put_member(&b, "state", STR("delivered"));
	session_event(s, "message_state", buf_view(&b));
}

void wb_change_tell(struct session *s, struct str change, const struct shown *m)
{
	if (str_eq(change, STR("deliver"))) {
		tell_delivered(s, m);
		return;
	}
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	buf_lit(&b, "\"chat\":");
	json_put_str(&b, m->chat);
	json_put_member(&b, "id", m->id);
	json_put_member(&b, "from", m->from);
	json_put_member(&b, "at", m->at);
	json_put_member(&b, "kind", change);
	if (str_eq(change, STR("edit")))
		put_edited(&b, s, m);
	else if (!str_eq(change, STR("delete")))
		json_put_member(&b, "emoji", m->text);
	session_event(s, "change", buf_view(&b));
}

/* clang-format off */
static const struct {
	int code;
	const char *name, *text, *remedy;
} meanings[] = {
	{ 403, "refused",      "Only who has written a message can change it.", "" },
	{ 404, "not_found",    "This message is not there any more, for you or for the others.", "" },
	{ 405, "not_possible", "Messages of this chat cannot be changed.", "Write another one." },
	{ 415, "not_possible", "Messages of this chat cannot be changed.", "Write another one." },
	{ 486, "too_many",     "This message has been changed as often as it can be.", "Write another one." },
	{ 606, "refused",      "Messages with links are not allowed here.", "" },
};
/* clang-format on */

static void fail(struct session *s, uint64_t number, int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].code == code) {
			web_fail(s, number, meanings[i].name, meanings[i].text, meanings[i].remedy);
			return;
		}
	web_fail_sip(s, number, code);
}

static void on_answer(struct session *s, void *arg, int code, const struct sip_msg *m)
{
	uint64_t number = (uint64_t)(uintptr_t)arg;
	if (code / 100 != 2) {
		fail(s, number, code);
		return;
	}
	bool hidden = str_ieq(sip_value_named(m, STR("Change-Shown")), STR("no"));
	web_ok(s, number, hidden ? STR("\"shown\":false") : STR("\"shown\":true"));
}

/* Chat, id and time of the message that is meant. */
static bool read_which(struct session *s, uint64_t number, const cJSON *args, struct str *ret_to,
                       struct change *ret, char space[WEB_SIP_URI_MAX + 1])
{
	struct str id = web_text(args, "message"), at = web_text(args, "at");
	*ret_to = wb_people_bare(web_text(args, "chat"), space);
	if (ret_to->len == 0 || id.len == 0 || at.len == 0 || isotime_parse(&ret->at, at) < 0) {
		web_bad(s, number, "chat, message and at are those of the message");
		return false;
	}
	if (str_starts(id, STR("own-"))) { /* nobody remembers it */
		fail(s, number, 415);
		return false;
	}
	if (!change_read_id(&ret->message, id)) {
		fail(s, number, 404);
		return false;
	}
	return true;
}

static void send_change(struct session *s, uint64_t number, struct str to, const struct change *c)
{
	auto_(buf_free) struct buf b = buf_of(WEB_BODY_MAX * 2);
	char uri[WEB_SIP_URI_MAX + 1];
	change_put(&b, c);
	struct web_out o = { .method = SIP_MESSAGE,
		             .uri = web_sip_uri(to, uri),
		             .type = STR(CHANGE_TYPE),
		             .body = buf_view(&b) };
	web_send(s, &o, on_answer, (void *)(uintptr_t)number);
}

void wb_chat_edit(struct session *s, uint64_t number, const cJSON *args)
{
	char space[WEB_SIP_URI_MAX + 1];
	struct change c = { .kind = SAID_EDIT, .text = web_text(args, "text") };
	auto_(buf_free) struct buf whole = buf_of(WEB_DOC_MAX);
	struct str to, file = web_text(args, "file");
	if (!read_which(s, number, args, &to, &c, space))
		return;
	if (file.len > 0 && !wb_attach_put(s, &whole, to, c.text, file)) {
		web_fail(s, number, "not_found", "There is no such file of yours in this chat.",
		         "Write another message.");
		return;
	}
	if (file.len > 0)
		c.text = buf_view(&whole);
	if (c.text.len == 0)
		web_bad(s, number, "text is missing");
	else if (c.text.len > CHANGE_TEXT_MAX)
		web_fail(s, number, "too_large", "The message is too long.", "Make it shorter.");
	else
		send_change(s, number, to, &c);
}

/* With its file, if there is one that only this message needs. */
static void remove_file(struct session *s, struct str to, struct str id)
{
	struct file f;
	if (files_find(s->web->kept, id, &f) && f.account == s->who.account && str_ieq(f.chat, to))
		files_remove(s->web->kept, id);
}

void wb_chat_delete(struct session *s, uint64_t number, const cJSON *args)
{
	char space[WEB_SIP_URI_MAX + 1];
	struct change c = { .kind = SAID_DELETE };
	struct str to, file = web_text(args, "file");
	if (!read_which(s, number, args, &to, &c, space))
		return;
	if (file.len > 0)
		remove_file(s, to, file);
	send_change(s, number, to, &c);
}

void wb_chat_react(struct session *s, uint64_t number, const cJSON *args)
{
	char space[WEB_SIP_URI_MAX + 1];
	const cJSON *on = cJSON_GetObjectItemCaseSensitive(args, "on");
	struct change c = { .kind = cJSON_IsTrue(on) ? SAID_REACT : SAID_UNREACT,
		            .text = web_text(args, "emoji") };
	struct str to;
	if (!read_which(s, number, args, &to, &c, space))
		return;
	if (!cJSON_IsBool(on) || c.text.len == 0 || c.text.len > CHANGE_EMOJI_MAX)
		web_bad(s, number, "emoji has 1 to 32 bytes, on is true or false");
	else
		send_change(s, number, to, &c);
}
