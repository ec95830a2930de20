#include <inttypes.h>
#include <stdlib.h>

#include "base/rand.h"
#include "role/frontend/kept.h"

/* Who said something to a user who was not signed in is told when she has it: by a change of that
 * message (svc/conversation/change.h), which goes from her home to his.  What could not be told is
 * told again, soon or with the sweep of what is kept, until its time is over. */

enum {
	RECEIPTS_MAX = 200, /* under way */
	AGAIN_S = 10,
};

static const char sql_owed[] = "select seq, account, sender, head, message from kept where done = 2"
                               " and expires > $1 order by seq limit $2";
static const char sql_told[] = "update kept set done = 1 where seq = $1 and done = 2";

struct receipt {
	struct list node; /* of fe->kept.receipts */
	struct frontend *fe;
	uint64_t sequence;
	struct sip_ctx *ctx;
};

static void receipt_free(struct receipt *r)
{
	list_del(&r->node);
	r->fe->kept.n_receipts--;
	if (r->ctx)
		sip_ctx_forget(r->ctx);
	free(r);
}

static void told(const struct receipt *r)
{
	struct store_val v = STORE_I(r->sequence);
	struct store_stmt st = { .sql = sql_told, .params = &v, .n_params = 1 };
	(void)!store_write(r->fe->store, STORE_SHOULD, &st, 1, NULL, NULL); /* else once more */
}

static void tell_later(struct receipt *r)
{
	struct frontend *fe = r->fe;
	receipt_free(r);
	if (!fe->kept.sweeps_soon)
		timer_set(&fe->kept.sweep, loop_now(fe->loop) + AGAIN_S * USEC_PER_SEC);
	fe->kept.sweeps_soon = true;
}

/* His home may be away; what it refuses it would refuse again: he has no such message any more. */
static void on_response(void *arg, struct sip_ctx *t, struct sip_msg *m)
{
	struct receipt *r = arg;
	if (m->status < 200)
		return;
	sip_ctx_forget(t);
	r->ctx = NULL;
	if (m->status / 100 == 5 || m->status == 408) {
		tell_later(r);
		return;
	}
	told(r);
	receipt_free(r);
}

static void on_failed(void *arg, struct sip_ctx *t, enum sip_fail why UNUSED)
{
	struct receipt *r = arg;
	sip_ctx_forget(t);
	r->ctx = NULL;
	tell_later(r);
}

static void on_ended(void *arg, struct sip_ctx *t UNUSED)
{
	struct receipt *r = arg;
	r->ctx = NULL;
	receipt_free(r);
}

static const struct sip_ctx_ops ops = { .response = on_response,
	                                .failed = on_failed,
	                                .ended = on_ended };

static void put_request(struct buf *b, const struct fe_receipt *what)
{
	char text[256];
	struct buf body = BUF_ON(text);
	struct change c = { .kind = SAID_DELIVER,
		            .message = what->message,
		            .at = said_time(what->sequence) };
	change_put(&body, &c);
	buf_printf(b, "Max-Forwards: 70\r\nRoute: <sip:v.%" PRIx64 "@" FE_LINK_DOMAIN ";lr>\r\n",
	           what->account);
	buf_printf(b, "From: <sip:%" STR_FMT ">;tag=%016" PRIx64 "\r\nTo: <sip:%" STR_FMT ">\r\n",
	           STR_ARG(what->recipient), rand_u64(), STR_ARG(what->sender));
	buf_printf(b, "Call-ID: %016" PRIx64 "%016" PRIx64 "@receipt\r\nCSeq: 1 MESSAGE\r\n",
	           rand_u64(), rand_u64());
	buf_printf(b, "P-Asserted-Identity: <sip:%" STR_FMT ">\r\n", STR_ARG(what->recipient));
	sip_put_body(b, STR(CHANGE_TYPE), buf_view(&body));
}

static bool is_under_way(struct frontend *fe, uint64_t sequence)
{
	list_for(it, &fe->kept.receipts)
	{
		if (list_entry(it, struct receipt, node)->sequence == sequence)
			return true;
	}
	return false;
}

void fe_receipt_send(struct frontend *fe, const struct fe_receipt *what)
{
	char branch[SIP_BRANCH_LEN + 1];
	struct sip_flow *link = fe_own_link(fe);
	if (!link || fe->kept.n_receipts >= RECEIPTS_MAX || is_under_way(fe, what->sequence))
		return;
	struct receipt *r = xnew(struct receipt);
	r->fe = fe;
	r->sequence = what->sequence;
	list_add(&fe->kept.receipts, &r->node);
	fe->kept.n_receipts++;
	sip_branch_make(fe->stack, 0, branch);
	struct buf *b = sip_transport_out(link->tp);
	buf_printf(b, "MESSAGE sip:%" STR_FMT " SIP/2.0\r\nVia: ", STR_ARG(what->sender));
	sip_via_put(b, link, branch);
	buf_lit(b, "\r\n");
	put_request(b, what);
	r->ctx = sip_ctx_new(fe->stack, link, buf_view(b), SIP_MESSAGE, branch, &ops, r);
}

static void on_owed(void *arg, const struct store_val *c, int n UNUSED)
{
	struct frontend *fe = arg;
	struct fe_receipt what = { .sequence = (uint64_t)c[0].i,
		                   .account = (uint64_t)c[1].i,
		                   .sender = c[2].s,
		                   .recipient = c[3].s,
		                   .message = (uint64_t)c[4].i };
	if (fe_owner(fe, what.account) == fe->env->slot)
		fe_receipt_send(fe, &what);
}

void fe_receipts_again(struct frontend *fe)
{
	struct store_val v[] = { STORE_I(loop_wall(fe->loop) / USEC_PER_SEC),
		                 STORE_I(RECEIPTS_MAX) };
	if (store_read(fe->store, sql_owed, v, ARRAY_SIZE(v), on_owed, fe) < 0)
		log_warning(NULL, "receipts-not-read", "");
}

void fe_receipts_free(struct frontend *fe)
{
	list_for(it, &fe->kept.receipts) receipt_free(list_entry(it, struct receipt, node));
}
