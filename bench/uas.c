#include "load.h"

static void answer(struct load *l, struct conn *c, const struct sip_msg *m, struct str status,
                   struct str contact)
{
	struct out o = { l->scratch, 0, REQUEST_MAX, false };
	compose_response(m, &o, status, STR("b"), contact, STR(""));
	load_send(l, c, &o);
}

/* It came to B's own connection, with B's Contact as its URI and A's words in it; the Contact of a
 * client of the Lync dialect is its connection and names no user. */
static bool is_for(const struct load *l, const struct op *op, const struct conn *c,
                   const struct sip_msg *m, struct str body)
{
	char name[64];
	struct out o = { name, 0, sizeof(name), false };
	if (!op->b)
		return false;
	compose_user(l, op->b, &o);
	struct str user = sip_uri_user(op->b->lync ? sip_uri(m->to) : m->uri);
	return op->b->conn == c && str_eq(user, out_view(&o)) && str_eq(m->body, body);
}

static void on_message(struct load *l, struct conn *c, const struct sip_msg *m, struct op *op)
{
	if (!op || op->answered)
		l->stats.stray++;
	else if (!is_for(l, op, c, m, text_body))
		l->stats.misrouted++;
	else
		op->answered = true;
	answer(l, c, m, STR("200 OK"), STR(""));
}

/* --- calls --------------------------------------------------------------------------- */

static void send_answer(struct load *l, struct op *op, usec_t now)
{
	op->answer_interval = op->answers_sent ? 2 * op->answer_interval : SIP_T1;
	if (op->answer_interval > SIP_T2)
		op->answer_interval = SIP_T2;
	op->answer_at = now + op->answer_interval;
	if (op->answers_sent++ > 0)
		l->stats.retransmits++;
	if (op->b->conn->state == CONN_OPEN)
		net_send(l->net, op->b->conn, (struct str){ op->answer, op->answer_n });
}

void uas_tick(struct load *l, struct op *op, usec_t now)
{
	if (op->answer_at && now >= op->answer_at)
		send_answer(l, op, now);
}

static void ring(struct load *l, struct conn *c, const struct sip_msg *m, struct op *op)
{
	char text[128];
	struct out contact = { text, 0, sizeof(text), false };
	usec_t now = now_usec();
	if (!op->answer)
		op->answer = xalloc(1, REQUEST_MAX);
	struct out o = { op->answer, 0, REQUEST_MAX, false };
	compose_contact(l, op->b, c, &contact);
	answer(l, c, m, STR("180 Ringing"), out_view(&contact));
	compose_response(m, &o, STR("200 OK"), STR("b"), out_view(&contact), compose_offer(l));
	load_sign(l, c, &o);
	if (o.full)
		return; /* the call will time out */
	op->answer_n = o.n;
	op->answered = true;
	op->answer_at = now + l->o.ring;
	uas_tick(l, op, now);
}

static void on_invite(struct load *l, struct conn *c, const struct sip_msg *m, struct op *op)
{
	if (!op) {
		l->stats.stray++;
	} else if (op->answered) {
		l->stats.stray++;
		if (op->answers_sent > 0 && !op->acked)
			net_send(l->net, c, (struct str){ op->answer, op->answer_n });
	} else if (!is_for(l, op, c, m, compose_offer(l))) {
		l->stats.misrouted++;
		answer(l, c, m, STR("481 Call Does Not Exist"), STR(""));
	} else {
		ring(l, c, m, op);
	}
}

static void on_ack(struct load *l, struct conn *c, const struct sip_msg *m, struct op *op)
{
	if (!op || op->acked || op->state != OP_ESTABLISHED) {
		l->stats.stray++;
		return;
	}
	if (!is_for(l, op, c, m, STR(""))) {
		l->stats.misrouted++;
		return;
	}
	op->acked = true;
	op->answer_at = 0;
	op_acked(l, op);
}

static void on_bye(struct load *l, struct conn *c, const struct sip_msg *m, struct op *op)
{
	if (!op || op->hung_up)
		l->stats.stray++;
	else if (!is_for(l, op, c, m, STR("")))
		l->stats.misrouted++;
	else
		op->hung_up = true;
	answer(l, c, m, STR("200 OK"), STR(""));
}

void uas_request(struct load *l, struct conn *c, const struct sip_msg *m)
{
	struct op *op = op_find(l, m->call_id, NULL);
	if (str_eq(m->method, method_names[M_MESSAGE])) {
		on_message(l, c, m, op);
	} else if (str_eq(m->method, method_names[M_INVITE])) {
		on_invite(l, c, m, op);
	} else if (str_eq(m->method, method_names[M_ACK])) {
		on_ack(l, c, m, op);
	} else if (str_eq(m->method, method_names[M_BYE])) {
		on_bye(l, c, m, op);
	} else {
		l->stats.unexpected++;
		answer(l, c, m, STR("200 OK"), STR(""));
	}
}
