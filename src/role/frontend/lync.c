#include <errno.h>

#include "role/frontend/fe.h"
#include "svc/access/dialect.h"
#include "wire/xml/xml.h"

/* What the home half answers to a Lync client's subscriptions to its own user's data: the contact
 * list, the settings, the own publications, the presence of others ([MS-SIP], [MS-PRES]).
 *
 * There is no presence yet, and every contact list is the one of a new user; the answers say just
 * that.  The answer carries the first state itself (ms-piggyback-first-notify). */

#define BOUNDARY "dialtone-list"

enum { KEPT_S = 28800, BODY_MAX = 1024 * 1024 };

struct answer {
	const struct task *t;
	uint32_t expires_s; /* 0: the state once, and no subscription */
	struct str type;
	struct buf body;
};

/* A new user's list ([MS-SIP] section 2.2.2.4): the one group that every list has. */
static int put_contacts(struct answer *a)
{
	a->type = STR("application/vnd-microsoft-roaming-contacts+xml");
	buf_lit(&a->body, "<contactList deltaNum=\"1\">"
	                  "<group id=\"1\" name=\"~\" externalURI=\"\"/></contactList>\r\n");
	return 0;
}

/* The settings that exist: calls may be encrypted or not, as the two ends agree. */
static int put_provisioning(struct answer *a)
{
	a->expires_s = 0;
	a->type = STR("application/vnd-microsoft-roaming-provisioning-v2+xml");
	buf_lit(&a->body,
	        "<provisionGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/"
	        "provisiongrouplist-notification\"><provisionGroup name=\"ServerConfiguration\">"
	        "<ucPC2PCAVEncryption>SupportEncryption</ucPC2PCAVEncryption>"
	        "</provisionGroup></provisionGroupList>\r\n");
	return 0;
}

/* Nothing is published, so there is nothing to say. */
static int put_self(struct answer *a)
{
	(void)a;
	return 0;
}

/* The addresses of a batched subscription: [MS-PRES] section 2.2.2.5, or the list of Office
 * Communicator 2005. */
static const struct xml *first_resource(const struct xml *root)
{
	if (xml_is(root, "batchSub"))
		return xml_child(xml_child(xml_child(root, "action"), "adhocList"), "resource");
	if (xml_is(root, "adhoclist"))
		return xml_child(xml_child(root, "create"), "resource");
	return NULL;
}

/* The list of RFC 4662: none of them has presence here. */
static void put_list(struct answer *a, const struct xml *first)
{
	buf_lit(&a->body, "--" BOUNDARY "\r\nContent-ID: resourceList\r\n"
	                  "Content-Type: application/rlmi+xml\r\n\r\n"
	                  "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\"");
	char uri[ACCESS_URI_MAX + 8];
	struct buf ub = BUF_ON(uri);
	buf_printf(&ub, "sip:%" STR_FMT, STR_ARG(a->t->who.uri));
	xml_put_attr(&a->body, "uri", buf_view(&ub));
	buf_lit(&a->body, " version=\"0\" fullState=\"false\">\r\n");
	for (const struct xml *r = first; r; r = xml_again(r)) {
		buf_lit(&a->body, "<resource");
		xml_put_attr(&a->body, "uri", xml_attr(r, "uri"));
		/* An instance without a state crashes pidgin-sipe. */
		buf_lit(&a->body, "><instance id=\"0\" state=\"terminated\" "
		                  "reason=\"noresource\"/></resource>\r\n");
	}
	/* libpurple cuts four bytes off each part: an empty line more is for it. */
	buf_lit(&a->body, "</list>\r\n\r\n--" BOUNDARY "--\r\n");
}

static int put_presence(struct answer *a)
{
	struct xml *root = NULL;
	auto_(arena_free) struct arena *arena = arena_new();
	if (xml_parse(&root, arena, a->t->msg->body) < 0)
		return -EBADMSG;
	const struct xml *first = first_resource(root);
	if (!first)
		return -EBADMSG;
	a->type = STR("multipart/related;type=\"application/rlmi+xml\";start=resourceList;"
	              "boundary=" BOUNDARY);
	put_list(a, first);
	return 0;
}

/* The event packages of the own home, by the value of Event. */
static const struct {
	struct str event;
	int (*put)(struct answer *a); /* 0; -EBADMSG: the request's body cannot be read */
} packages[] = {
	{ STR_INIT("vnd-microsoft-roaming-contacts"), put_contacts },
	{ STR_INIT("vnd-microsoft-provisioning-v2"), put_provisioning },
	{ STR_INIT("vnd-microsoft-roaming-self"), put_self },
	{ STR_INIT("presence"), put_presence },
};

bool fe_asks_own_home(const struct task *t)
{
	struct token own;
	if (t->msg->method != SIP_SUBSCRIBE || dialect_of(t->msg) != DIALECT_LYNC)
		return false;
	return fe_names_dialog(t, &own) ||
	       (t->target.kind == TARGET_USER && !t->target.endpoint && t->target.n_keys &&
	        str_ieq(t->target.keys[0], t->who.uri));
}

/* Where the subscription's later requests go: back here. */
static void put_contact(const struct task *t, struct buf *b)
{
	struct token own = { .account = t->who.account,
		             .hint = { .reach = TOKEN_DIALOG, .slot = (uint8_t)t->fe->env->slot } };
	buf_lit(b, "Contact: <sip:");
	token_put(b, &t->fe->key, &own);
	buf_char(b, '@');
	buf_str(b, t->fe->env->self->fqdn);
	buf_lit(b, ";transport=tls>\r\n");
}

static void put_lines(const struct answer *a, struct buf *b)
{
	put_contact(a->t, b);
	buf_printf(b, "Expires: %u\r\n", a->expires_s);
	sip_put_hdr(b, STR("Event"), sip_value(a->t->msg, SIP_H_EVENT));
	buf_printf(b, "subscription-state: %s;expires=%u\r\n",
	           a->expires_s ? "active" : "terminated", a->expires_s);
	if (a->body.len)
		buf_lit(b, "ms-piggyback-cseq: 1\r\n");
	buf_lit(b, "Supported: ms-benotify\r\nSupported: ms-piggyback-first-notify\r\n");
}

static bool wants_end(const struct sip_msg *m)
{
	uint32_t s = 1;
	struct str v = sip_value(m, SIP_H_EXPIRES);
	return v.len && str_to_u32(v, UINT32_MAX, &s) == 0 && s == 0;
}

static void reply(struct answer *a, struct task *t, int (*put)(struct answer *a))
{
	char text[1024];
	struct buf lines = BUF_ON(text);
	bool once = wants_end(t->msg), ends = once && fe_has_to_tag(t->msg);
	a->expires_s = once ? 0 : KEPT_S;
	if ((!ends && put(a) < 0) || a->body.full) {
		task_refuse(t, REFUSE_BAD_BODY, STR(""));
		return;
	}
	put_lines(a, &lines);
	if (lines.full) {
		task_refuse(t, REFUSE_BAD_BODY, STR(""));
		return;
	}
	task_answer(t, buf_view(&lines), a->type, buf_view(&a->body));
}

void fe_subscribe_home(struct task *t)
{
	struct str event, params;
	struct answer a = { .t = t, .body = buf_of(BODY_MAX) };
	(void)str_cut(sip_value(t->msg, SIP_H_EVENT), ';', &event, &params);
	for (size_t i = 0; i < ARRAY_SIZE(packages); i++) {
		if (str_ieq(str_trim(event), packages[i].event)) {
			reply(&a, t, packages[i].put);
			buf_free(&a.body);
			return;
		}
	}
	task_refuse(t, REFUSE_EVENT, STR("Allow-Events: presence\r\n"));
}
