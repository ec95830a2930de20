#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/code.h"
#include "role/web/people.h"
#include "svc/conference/conf_uri.h"
#include "wire/c3p/c3p.h"

/* Group chats: lasting conferences (docs/protocols/conferences.md).  What is said in one goes by
 * chat.c, for it is a chat whose name is the conference's address.  Here are its members: commands
 * in C3P, by SERVICE, and who is there, by the event package `conference` of each that is
 * watched. */

#define C3P_TYPE "application/cccp+xml"

enum { C3P_BODY_MAX = 4096 };

/* One that is watched. */
struct watched {
	struct list node; /* in session->conferences */
	struct web_sub sub;
	uint32_t version; /* of the last document */
	bool wanted;      /* by the request that is being served */
	char chat[];
};

/* --- names ----------------------------------------------------------------------------------- */

/* As the address says; texts lie in the space. */
struct place {
	struct str organizer; /* "sip:alice@example.test" */
	struct str id;
	char space[WEB_SIP_URI_MAX + 1], text[CONF_URI_MAX];
};

bool web_is_conference(struct str chat)
{
	struct str user, domain;
	return str_cut(chat, '@', &user, &domain) && conf_uri_names_one(user);
}

static int read_place(struct place *p, struct str chat)
{
	struct buf b = BUF_ON(p->text);
	struct conf_uri cu;
	if (!web_is_conference(chat) || conf_uri_read(&cu, &b, web_sip_uri(chat, p->space)) < 0)
		return -EINVAL;
	p->organizer = buf_view(&b);
	p->id = cu.id;
	return 0;
}

static void put_chat(struct buf *b, struct str organizer, struct str id)
{
	char text[CONF_WHOLE_URI_MAX];
	struct buf u = BUF_ON(text);
	conf_uri_put_for_phones(&u, organizer, id);
	for (size_t i = 4; i < u.len; i++) /* as it is remembered */
		buf_char(b,
		         (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 'a' - 'A' : text[i]));
}

/* --- commands -------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	enum c3p_reason reason;
	const char *code, *text, *remedy;
} reasons[] = {
	{ C3P_NOT_AUTHORIZED,          "refused",   "This is not allowed in this group.", "Ask who leads the group." },
	{ C3P_NOT_SUPPORTED,           "refused",   "This is no group that others can be added to.", "Make a new one." },
	{ C3P_USER_DOESNT_EXIST,       "not_found", "There is nobody with this address, or not in this group.", "Check the address." },
	{ C3P_CONFERENCE_DOESNT_EXIST, "not_found", "This group is not there any more.", "" },
	{ C3P_MAX_SIZE,                "too_many",  "There are as many people in the group as it holds.", "" },
	{ C3P_MAX_CONFERENCES,         "too_many",  "You have as many groups as you can have.", "Leave some first." },
	{ C3P_REQUEST_TOO_LARGE,       "too_large", "The name is too long.", "" },
};
/* clang-format on */

static void fail(struct session *s, uint64_t number, enum c3p_reason why)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].reason == why) {
			web_fail(s, number, reasons[i].code, reasons[i].text, reasons[i].remedy);
			return;
		}
	web_fail(s, number, "refused", "The server has refused it.", "");
}

static void on_answer(struct session *s, void *arg, int code, const struct sip_msg *m)
{
	uint64_t number = (uint64_t)(uintptr_t)arg;
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(WEB_BODY_MAX), chat = buf_of(CONF_WHOLE_URI_MAX);
	char own[WEB_SIP_URI_MAX + 1];
	struct c3p_msg answer;
	if (code / 100 != 2 || c3p_parse(&answer, a, m->body) < 0) {
		web_fail_sip(s, number, code / 100 == 2 ? 503 : code);
		return;
	}
	if (answer.code == C3P_FAILURE) {
		fail(s, number, answer.reason);
		return;
	}
	if (answer.command == C3P_ADD_CONFERENCE && answer.confs) {
		put_chat(&chat, web_sip_uri(str_of(s->who.uri), own), answer.confs->info.id);
		buf_lit(&b, "\"chat\":");
		json_put_str(&b, buf_view(&chat));
	}
	web_ok(s, number, buf_view(&b));
}

/* The own factory is asked for a new one, p is NULL then; its focus for the rest. */
static void put_command(struct buf *body, struct buf *uri, const struct session *s,
                        const struct place *p, struct c3p_msg *m)
{
	char own[WEB_SIP_URI_MAX + 1];
	struct str from = web_sip_uri(str_of(s->who.uri), own);
	if (p)
		conf_uri_put(uri, p->organizer, CONFINFO_FOCUS, p->id);
	else
		conf_uri_put_factory(uri, from);
	m->kind = C3P_REQUEST;
	m->name = c3p_command_name(m->command);
	m->to = buf_view(uri);
	m->from = from;
	m->id = STR("1");
	if (p)
		m->conf = m->to;
	c3p_put(body, m, false);
}

static void command(struct session *s, uint64_t number, const struct place *p, struct c3p_msg *m)
{
	auto_(buf_free) struct buf body = buf_of(C3P_BODY_MAX), uri = buf_of(CONF_WHOLE_URI_MAX);
	put_command(&body, &uri, s, p, m);
	struct web_out o = { .method = SIP_SERVICE,
		             .uri = buf_view(&uri),
		             .type = STR(C3P_TYPE),
		             .body = buf_view(&body) };
	if (body.full || uri.full)
		web_bad(s, number, "this is too long");
	else
		web_send(s, &o, on_answer, (void *)(uintptr_t)number);
}

/* A name for people: it is there, and not too long. */
static bool read_name(struct session *s, uint64_t number, const cJSON *args, struct str *ret)
{
	*ret = str_trim(web_text(args, "name"));
	bool ok = ret->len > 0 && ret->len <= WEB_SUBJECT_MAX;
	if (!ok)
		web_bad(s, number, "name is missing, or longer than 200 bytes");
	return ok;
}

static bool read_chat(struct session *s, uint64_t number, const cJSON *args, struct place *ret)
{
	bool ok = read_place(ret, web_text(args, "chat")) == 0;
	if (!ok)
		web_bad(s, number, "chat is no conference");
	return ok;
}

void wb_conference_create(struct session *s, uint64_t number, const cJSON *args)
{
	struct str name;
	if (!read_name(s, number, args, &name))
		return;
	struct c3p_conf conf = {
		.info = { .subject = name, .lasting = CONFINFO_YES, .with_views = true }
	};
	conf.info.mcus[CONFINFO_CHAT].uri = confinfo_session_name(CONFINFO_CHAT);
	command(s, number, NULL,
	        &(struct c3p_msg){ .command = C3P_ADD_CONFERENCE, .confs = &conf });
}

void wb_conference_rename(struct session *s, uint64_t number, const cJSON *args)
{
	struct place p;
	struct str name;
	if (!read_chat(s, number, args, &p) || !read_name(s, number, args, &name))
		return;
	struct c3p_conf conf = { .info = { .subject = name, .id = p.id } };
	command(s, number, &p,
	        &(struct c3p_msg){ .command = C3P_MODIFY_CONFERENCE, .confs = &conf });
}

/* The person that a request names, with scheme. */
static bool read_person(struct session *s, uint64_t number, const cJSON *args,
                        char space[WEB_SIP_URI_MAX + 1], struct str *ret)
{
	char bare[WEB_SIP_URI_MAX + 1];
	*ret = web_sip_uri(wb_people_bare(web_text(args, "uri"), bare), space);
	bool ok = ret->len > 4;
	if (!ok)
		web_bad(s, number, "uri is no address");
	return ok;
}

void wb_conference_add(struct session *s, uint64_t number, const cJSON *args)
{
	struct place p;
	char space[WEB_SIP_URI_MAX + 1];
	struct confinfo_user who = { .next = NULL };
	if (read_chat(s, number, args, &p) && read_person(s, number, args, space, &who.entity))
		command(s, number, &p, &(struct c3p_msg){ .command = C3P_ADD_USER, .who = &who });
}

void wb_conference_remove(struct session *s, uint64_t number, const cJSON *args)
{
	struct place p;
	char space[WEB_SIP_URI_MAX + 1];
	struct c3p_msg m = { .command = C3P_DELETE_USER };
	if (read_chat(s, number, args, &p) && read_person(s, number, args, space, &m.user))
		command(s, number, &p, &m);
}

void wb_conference_lead(struct session *s, uint64_t number, const cJSON *args)
{
	struct place p;
	char space[WEB_SIP_URI_MAX + 1];
	struct c3p_msg m = { .command = C3P_MODIFY_USER_ROLES, .role = CONFINFO_PRESENTER };
	if (read_chat(s, number, args, &p) && read_person(s, number, args, space, &m.user))
		command(s, number, &p, &m);
}

/* --- is somebody a member? ------------------------------------------------------------------- */

/* Who wants to know it. */
struct member_ask {
	struct list node; /* in question->asks */
	wb_member_fn *fn;
	void *arg;
};

/* What the focus is asked once for all who want to know the same meanwhile: a page full of a
 * group's pictures fetches all of them at once, and a session has few requests under way. */
struct question {
	struct list node; /* in session->questions; or alone */
	struct list asks;
	struct defer unasked; /* there is nobody to ask by, or for */
	char chat[];
};

static void tell_members(struct question *q, enum wb_member m)
{
	list_del(&q->node);
	while (!list_empty(&q->asks)) {
		struct member_ask *a = list_entry(q->asks.next, struct member_ask, node);
		wb_member_fn *fn = a->fn;
		void *arg = a->arg;
		list_del(&a->node);
		free(a);
		fn(arg, m);
	}
	free(q);
}

static void on_unasked(void *arg)
{
	tell_members(arg, WB_NO_MEMBER);
}

/* The session ends; another one may be asked by. */
static void on_dropped(void *arg)
{
	tell_members(arg, WB_MEMBER_UNKNOWN);
}

/* To who is not inside the focus answers that he may not: in C3P, or by a refusal. */
static void on_conference(struct session *s UNUSED, void *arg, int code, const struct sip_msg *m)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct c3p_msg answer;
	enum wb_member is = code >= 500 || code == 408 ? WB_MEMBER_UNKNOWN : WB_NO_MEMBER;
	if (code / 100 == 2 && c3p_parse(&answer, a, m->body) == 0 && answer.code == C3P_SUCCESS)
		is = WB_MEMBER;
	tell_members(arg, is);
}

static struct session *session_of(const struct web *w, uint64_t account)
{
	list_for(it, &w->sessions)
	{
		struct session *s = list_entry(it, struct session, node);
		if (s->who.account == account && s->registered && !s->ending)
			return s;
	}
	return NULL;
}

static struct question *find_question(const struct session *s, struct str chat)
{
	list_for(it, &s->questions)
	{
		struct question *q = list_entry(it, struct question, node);
		if (str_eq(str_of(q->chat), chat))
			return q;
	}
	return NULL;
}

static struct question *question_new(struct str chat)
{
	struct question *q = xcalloc(1, sizeof(*q) + chat.len + 1);
	memcpy(q->chat, chat.p, chat.len);
	list_init(&q->node);
	list_init(&q->asks);
	defer_init(&q->unasked, on_unasked, q);
	return q;
}

static void put_question(struct session *s, struct question *q, const struct place *p)
{
	auto_(buf_free) struct buf body = buf_of(C3P_BODY_MAX), uri = buf_of(CONF_WHOLE_URI_MAX);
	struct c3p_msg m = { .command = C3P_GET_CONFERENCE };
	put_command(&body, &uri, s, p, &m);
	struct web_out o = { .method = SIP_SERVICE,
		             .uri = buf_view(&uri),
		             .type = STR(C3P_TYPE),
		             .body = buf_view(&body),
		             .dropped = on_dropped };
	list_add(&s->questions, &q->node);
	web_send(s, &o, on_conference, q);
}

struct member_ask *wb_member_ask(struct web *w, uint64_t account, struct str chat, wb_member_fn *fn,
                                 void *arg)
{
	struct member_ask *a = xnew(struct member_ask);
	struct session *s = session_of(w, account);
	struct question *q = s ? find_question(s, chat) : NULL;
	struct place p;
	*a = (struct member_ask){ .fn = fn, .arg = arg };
	if (!q) {
		q = question_new(chat);
		if (s && read_place(&p, chat) == 0)
			put_question(s, q, &p);
		else
			loop_defer(w->env->loop, &q->unasked);
	}
	list_add(&q->asks, &a->node);
	return a;
}

void wb_member_forget(struct member_ask **ap)
{
	struct member_ask *a = take(ap);
	if (!a)
		return;
	list_del(&a->node);
	free(a);
}

/* --- who is there ---------------------------------------------------------------------------- */

static struct watched *watched_of(struct web_sub *d)
{
	return container_of(d, struct watched, sub);
}

void wb_conference_put_sub(struct web_sub *d, struct buf *lines, char space[WEB_SIP_URI_MAX + 1],
                           struct str *ret_uri)
{
	const struct watched *w = watched_of(d);
	buf_lit(lines, "Accept: application/conference-info+xml\r\n");
	*ret_uri = web_sip_uri(str_of(w->chat), space);
}

static void put_person(struct buf *b, const struct confinfo_user *u)
{
	char space[WEB_SIP_URI_MAX + 1];
	buf_lit(b, "{\"uri\":");
	json_put_str(b, wb_people_bare(u->entity, space));
	if (u->name.len > 0)
		json_put_member(b, "name", u->name);
	json_put_member(b, "role", confinfo_role_name(u->role));
	buf_char(b, '}');
}

/* Those who are there, or those who left. */
static void put_people(struct buf *b, const char *name, const struct confinfo *ci, bool gone)
{
	char space[WEB_SIP_URI_MAX + 1];
	buf_printf(b, ",\"%s\":[", name);
	size_t empty = b->len;
	for (const struct confinfo_user *u = ci->users; u; u = u->next) {
		if ((u->state == CONFINFO_DELETED) != gone)
			continue;
		buf_str(b, b->len > empty ? STR(",") : STR(""));
		if (gone)
			json_put_str(b, wb_people_bare(u->entity, space));
		else
			put_person(b, u);
	}
	buf_char(b, ']');
}

static void tell(const struct watched *w, const struct confinfo *ci)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	char space[WEB_SIP_URI_MAX + 1];
	buf_lit(&b, "\"chat\":");
	json_put_str(&b, str_of(w->chat));
	if (!ci) {
		buf_lit(&b, ",\"state\":\"none\"");
	} else {
		json_put_member(&b, "state", confinfo_state_name(ci->state));
		if (ci->subject.p)
			json_put_member(&b, "name", ci->subject);
		if (ci->organizer.p)
			json_put_member(&b, "organizer", wb_people_bare(ci->organizer, space));
		put_people(&b, "people", ci, false);
		put_people(&b, "gone", ci, true);
	}
	session_event(w->sub.session, "conference", buf_view(&b));
}

void wb_conference_notified(struct web_sub *d, const struct sip_msg *m)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct watched *w = watched_of(d);
	struct confinfo ci;
	if (confinfo_parse(&ci, a, m->body) < 0)
		return;
	bool follows = ci.state == CONFINFO_FULL || ci.version == w->version + 1;
	w->version = ci.version;
	if (follows)
		tell(w, &ci);
	else if (ci.version) /* one was lost: all of it again */
		web_sub_again(d);
}

void wb_conference_refused(struct web_sub *d)
{
	tell(watched_of(d), NULL);
}

void wb_conference_free(struct web_sub *d)
{
	free(watched_of(d));
}

/* Whose request is still to be answered goes with the answer. */
static void watched_free(struct watched *w)
{
	web_sub_forget(&w->sub);
	list_del(&w->node);
	w->sub.session->n_conferences--;
	w->sub.orphan = true;
	if (w->sub.pending == 0)
		wb_conference_free(&w->sub);
}

static struct watched *find(const struct session *s, struct str chat)
{
	list_for(it, &s->conferences)
	{
		struct watched *w = list_entry(it, struct watched, node);
		if (str_eq(str_of(w->chat), chat))
			return w;
	}
	return NULL;
}

static struct watched *watched_new(struct session *s, struct str chat)
{
	struct watched *w = xcalloc(1, sizeof(*w) + chat.len + 1);
	memcpy(w->chat, chat.p, chat.len);
	web_sub_init(&w->sub, s, WEB_SUB_CONFERENCE);
	list_add(&s->conferences, &w->node);
	s->n_conferences++;
	return w;
}

static void want(struct session *s, struct str chat)
{
	char space[WEB_SIP_URI_MAX + 1];
	struct str bare = wb_people_bare(chat, space);
	struct watched *w = find(s, bare);
	if (!w && web_is_conference(bare)) {
		w = watched_new(s, bare);
		web_sub_ask(&w->sub);
	}
	if (w)
		w->wanted = true;
}

void wb_conferences_watch(struct session *s, uint64_t number, const cJSON *args)
{
	const cJSON *chats = cJSON_GetObjectItemCaseSensitive(args, "chats"), *c;
	if (!cJSON_IsArray(chats) || cJSON_GetArraySize(chats) > WEB_CONFERENCES_MAX) {
		web_bad(s, number, "chats is a list of at most 50 conferences");
		return;
	}
	list_for(it, &s->conferences) list_entry(it, struct watched, node)->wanted = false;
	cJSON_ArrayForEach(c, chats) if (cJSON_IsString(c)) want(s, str_of(c->valuestring));
	list_for(it, &s->conferences)
	{
		struct watched *w = list_entry(it, struct watched, node);
		if (!w->wanted)
			watched_free(w);
	}
	web_ok(s, number, STR(""));
}

void wb_conferences_begin(struct session *s)
{
	list_for(it, &s->conferences) web_sub_ask(&list_entry(it, struct watched, node)->sub);
}

void wb_conferences_drop(struct session *s)
{
	list_for(it, &s->conferences) web_sub_forget(&list_entry(it, struct watched, node)->sub);
}

void wb_conferences_free(struct session *s)
{
	list_for(it, &s->conferences) watched_free(list_entry(it, struct watched, node));
}
