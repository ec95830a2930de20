#include <stdlib.h>

#include <cjson/cJSON.h>

#include "base/rand.h"
#include "role/frontend/fe.h"

/* What the processes of this box tell one another of connections: NOTIFY of the event package
 * `dialtone-flow` with an application/dialtone+json body, over the links alone.
 *
 *   {"lost":[id,...]}   these connections of mine have ended
 *   {"check":[id,...]}  which of these connections of yours are still there?  (answered by lost)
 *   {"close":[id,...],"why":60052}  end these connections of yours, for this reason (refusal.h)
 */
enum { NOTICE_MAX = 64 * 1024 };
#define EVENT_FLOW "dialtone-flow"

void fe_notice(struct frontend *fe, struct sip_flow *link, const char *event, struct str body)
{
	char branch[SIP_BRANCH_LEN + 1];
	if (!link || link->closed)
		return;
	struct buf *b = sip_transport_out(fe->tp);
	sip_branch_make(fe->stack, 0, branch);
	buf_lit(b, "NOTIFY sip:" FE_LINK_DOMAIN " SIP/2.0\r\nVia: ");
	sip_via_put(b, link, branch);
	buf_lit(b, "\r\nFrom: <sip:" FE_LINK_DOMAIN ">;tag=");
	rand_token(b, 8);
	buf_lit(b, "\r\nTo: <sip:" FE_LINK_DOMAIN ">\r\nCall-ID: ");
	rand_token(b, 20);
	buf_printf(b,
	           "\r\nCSeq: 1 NOTIFY\r\nMax-Forwards: 1\r\nEvent: %s\r\n"
	           "Subscription-State: active\r\n",
	           event);
	sip_put_body(b, STR("application/dialtone+json"), body);
	(void)sip_ctx_new(fe->stack, link, buf_view(b), SIP_NOTIFY, branch, NULL, NULL);
}

static void send_notice(struct frontend *fe, struct sip_flow *link, const char *what,
                        struct str ids)
{
	auto_(buf_free) struct buf body = buf_of(NOTICE_MAX);
	if (ids.len == 0)
		return;
	buf_printf(&body, "{\"%s\":[%" STR_FMT "]}", what, STR_ARG(ids));
	fe_notice(fe, link, EVENT_FLOW, buf_view(&body));
}

static void add_id(struct buf *b, uint64_t id)
{
	if (b->len)
		buf_char(b, ',');
	buf_dec(b, id);
}

static void tell_lost(void *arg)
{
	struct frontend *fe = arg;
	for (uint32_t i = 0; i < fe->env->n_slots; i++)
		send_notice(fe, fe_link_to(fe, i), "lost", buf_view(&fe->lost));
	fe->lost.len = 0;
}

void fe_lost_init(struct frontend *fe)
{
	fe->lost = buf_of(NOTICE_MAX / 2);
	defer_init(&fe->tell_lost, tell_lost, fe);
}

void fe_flow_lost(struct frontend *fe, const struct sip_flow *f)
{
	registrar_flow_lost(fe->registrar, fe->env->slot, f->id);
	fe_focus_flow_lost(fe, fe->env->slot, f->id);
	if (fe->env->n_slots == 1)
		return;
	add_id(&fe->lost, f->id);
	if (fe->lost.len > NOTICE_MAX / 4)
		tell_lost(fe);
	else
		loop_defer(fe->loop, &fe->tell_lost);
}

void fe_close_flow(struct frontend *fe, uint32_t slot, uint64_t id, enum refusal why)
{
	char text[80];
	struct buf b = BUF_ON(text);
	if (slot == fe->env->slot) {
		struct sip_flow *f = sip_flow_find(fe->tp, id);
		if (f && !fe_is_web(f)) /* on that one are others too */
			access_deregister(fe->access, f, why);
		return;
	}
	buf_printf(&b, "{\"close\":[%llu],\"why\":%u}", (unsigned long long)id,
	           refusal_row(why)->id);
	fe_notice(fe, fe_link_to(fe, slot), EVENT_FLOW, buf_view(&b));
}

/* Adds an id to those that the process is asked for; what is enough goes out. */
static void check_flow(struct frontend *fe, uint32_t slot, struct buf *ids, uint64_t id)
{
	add_id(ids, id);
	if (ids->len < NOTICE_MAX / 4)
		return;
	send_notice(fe, fe_link_to(fe, slot), "check", buf_view(ids));
	ids->len = 0;
}

void fe_check_flows(struct frontend *fe, uint32_t slot)
{
	size_t at = 0;
	struct map_node *after = NULL;
	auto_(buf_free) struct buf ids = buf_of(NOTICE_MAX / 2);
	for (struct home_user *u; (u = registrar_walk(fe->registrar, &at, &after)) != NULL;) {
		binding_for(b, u)
		{
			if (b->reach == TOKEN_STREAM && b->slot == slot)
				check_flow(fe, slot, &ids, b->stream.flow);
		}
	}
	at = 0;
	after = NULL;
	for (uint64_t id; (id = fe_focus_next_flow(fe, slot, &at, &after)) != 0;)
		check_flow(fe, slot, &ids, id);
	send_notice(fe, fe_link_to(fe, slot), "check", buf_view(&ids));
}

/* Which of the asked-for connections are not here any more. */
static void answer_check(struct frontend *fe, struct sip_flow *link, const cJSON *list)
{
	auto_(buf_free) struct buf ids = buf_of(NOTICE_MAX / 2);
	const cJSON *it;
	cJSON_ArrayForEach(it, list)
	{
		uint64_t id = (uint64_t)it->valuedouble;
		struct sip_flow *f = sip_flow_find(fe->tp, id);
		if (!f || f->closed)
			add_id(&ids, id);
	}
	send_notice(fe, link, "lost", buf_view(&ids));
}

static void take_notice(struct frontend *fe, struct sip_flow *link, const cJSON *json)
{
	const cJSON *it;
	const cJSON *lost = cJSON_GetObjectItemCaseSensitive(json, "lost");
	const cJSON *check = cJSON_GetObjectItemCaseSensitive(json, "check");
	const cJSON *close = cJSON_GetObjectItemCaseSensitive(json, "close");
	const cJSON *why = cJSON_GetObjectItemCaseSensitive(json, "why");
	enum refusal reason = refusal_of_id(why ? (uint32_t)why->valuedouble : 0);
	cJSON_ArrayForEach(it, lost)
	{
		if (it->valuedouble < 1)
			continue;
		registrar_flow_lost(fe->registrar, link->sock, (uint64_t)it->valuedouble);
		fe_focus_flow_lost(fe, link->sock, (uint64_t)it->valuedouble);
	}
	cJSON_ArrayForEach(it, close)
	{
		fe_close_flow(fe, fe->env->slot, (uint64_t)it->valuedouble, reason);
	}
	if (check)
		answer_check(fe, link, check);
}

void fe_lost_notice(struct task *t)
{
	struct str body = t->msg->body, event = sip_value(t->msg, SIP_H_EVENT);
	bool person = str_eq(event, STR("dialtone-person"));
	cJSON *json = NULL;
	if (t->msg->method == SIP_NOTIFY && (person || str_eq(event, STR(EVENT_FLOW))))
		json = cJSON_ParseWithLength(body.p, body.len);
	if (!json) {
		task_reply(t, 400, STR("Bad Notice"), STR(""));
		return;
	}
	if (person)
		fe_person_notice(t->fe, t->flow, json);
	else
		take_notice(t->fe, t->flow, json);
	cJSON_Delete(json);
	task_reply(t, 200, STR(""), STR(""));
}
