#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "role/frontend/kept.h"

/* Delivers what was kept for a user who has signed in: one after the other through the process's
 * own link, as if it had just come in, with the Call-ID and CSeq that it came with.  A client that
 * gets one twice, because the process ended before its 200 was written down, can tell. */

struct delivery {
	struct map_node node; /* by account */
	struct frontend *fe;
	uint64_t account;
	uint64_t sequence; /* of the one that is under way, or was the last */
	struct buf sender, recipient;
	bool told_of;     /* its sender is told */
	uint64_t message; /* if so, its id; else 0 */
	size_t bytes;
	struct sip_ctx *ctx;
	bool busy;    /* its row is being written */
	bool waiting; /* nobody answered: for the next try */
	bool ended;
	struct timer timer;
	struct defer reap;
};

static uint64_t hash_of(const struct frontend *fe, uint64_t account)
{
	return hash_bytes(&fe->kept.delivering.key, &account, sizeof(account));
}

static struct delivery *find(const struct frontend *fe, uint64_t account)
{
	struct map_node *n = map_first(&fe->kept.delivering, hash_of(fe, account));
	for (; n; n = map_next(n)) {
		struct delivery *d = container_of(n, struct delivery, node);
		if (d->account == account && !d->ended)
			return d;
	}
	return NULL;
}

static void delivery_free(void *arg)
{
	struct delivery *d = arg;
	map_del(&d->fe->kept.delivering, &d->node);
	timer_stop(&d->timer);
	buf_free(&d->sender);
	buf_free(&d->recipient);
	free(d);
}

static void end(struct delivery *d)
{
	d->ended = true;
	loop_defer(d->fe->loop, &d->reap);
}

/* --- one message --------------------------------------------------------------------------- */

/* RFC 3261 section 20.17: when it was said. */
static void put_date(struct buf *b, usec_t at)
{
	time_t s = (time_t)(at / USEC_PER_SEC);
	char text[64];
	struct tm tm;
	if (gmtime_r(&s, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		buf_printf(b, "Date: %s\r\n", text);
}

static void put_request(struct buf *b, const struct delivery *d, const struct kept *k,
                        struct str aor)
{
	buf_printf(b, "Max-Forwards: 70\r\nRoute: <sip:k.%" PRIx64 ".%x@" FE_LINK_DOMAIN ";lr>\r\n",
	           d->account, k->noted);
	buf_str(b, k->head);
	buf_printf(b, "To: <sip:%" STR_FMT ">\r\nP-Asserted-Identity: <sip:%" STR_FMT ">\r\n",
	           STR_ARG(aor), STR_ARG(k->sender));
	put_date(b, said_time(k->sequence));
	sip_put_body(b, k->type, k->body);
}

static const struct sip_ctx_ops deliver_ops;

/* Is its sender told that it was delivered?  Where nothing is remembered nothing can be changed,
 * and what is said in a conference was delivered to that. */
static bool is_told_of(const struct frontend *fe, const struct kept *k)
{
	char text[ACCESS_URI_MAX + 8];
	struct buf b = BUF_ON(text);
	buf_printf(&b, "sip:%" STR_FMT, STR_ARG(k->sender));
	return fe->cfg.history && !str_istarts(k->type, STR(CHANGE_TYPE)) &&
	       !conf_uri_is_for_phones(buf_view(&b));
}

static void send_message(void *arg, const struct kept *k)
{
	struct delivery *d = arg;
	struct frontend *fe = d->fe;
	char branch[SIP_BRANCH_LEN + 1];
	struct sip_flow *link = fe_own_link(fe);
	struct home_user *u = registrar_user(fe->registrar, d->account);
	if (!link || !u)
		return;
	d->sequence = k->sequence;
	d->bytes = k->body.len;
	d->sender.len = 0;
	buf_str(&d->sender, k->sender);
	d->recipient.len = 0;
	buf_str(&d->recipient, home_user_aor(u));
	d->told_of = is_told_of(fe, k);
	sip_branch_make(fe->stack, 0, branch);
	struct buf *b = sip_transport_out(link->tp);
	buf_printf(b, "MESSAGE sip:%" STR_FMT " SIP/2.0\r\nVia: ", STR_ARG(home_user_aor(u)));
	sip_via_put(b, link, branch);
	buf_lit(b, "\r\n");
	put_request(b, d, k, home_user_aor(u));
	d->ctx = sip_ctx_new(fe->stack, link, buf_view(b), SIP_MESSAGE, branch, &deliver_ops, d);
}

/* The client is there and did not answer, or the link is just being made. */
static void try_later(struct delivery *d)
{
	if (!registrar_user(d->fe->registrar, d->account)) {
		end(d); /* with the next sign-in */
		return;
	}
	d->waiting = true;
	d->sequence = 0;
	timer_set(&d->timer, loop_now(d->fe->loop) + KEPT_AGAIN_S * USEC_PER_SEC);
}

static void next(struct delivery *d)
{
	int n = fe_kept_next(d->fe, d->account, d->sequence, send_message, d);
	if (n == 0)
		end(d);
	else if (!d->ctx)
		try_later(d);
}

static struct fe_receipt receipt_of(const struct delivery *d)
{
	return (struct fe_receipt){ .sequence = d->sequence,
		                    .account = d->account,
		                    .sender = buf_view(&d->sender),
		                    .recipient = buf_view(&d->recipient),
		                    .message = d->message };
}

static void on_written(void *arg, int err, int64_t changed)
{
	struct delivery *d = arg;
	struct frontend *fe = d->fe;
	d->busy = false;
	if (fe->store_closing) {
		delivery_free(d);
		return;
	}
	if (err == 0 && changed > 0) {
		struct fe_receipt r = receipt_of(d);
		fe_kept_forget(fe, d->account, buf_view(&d->sender), d->bytes);
		if (r.message)
			fe_receipt_send(fe, &r);
	}
	if (err < 0)
		try_later(d); /* it may come twice, but not never */
	else
		next(d);
}

static void delivered(struct delivery *d)
{
	struct fe_receipt what = receipt_of(d);
	int r = fe_kept_delivered(d->fe, &what, on_written, d);
	d->busy = r == 0;
	if (r < 0)
		try_later(d);
}

/* Has nobody answered who could take it? */
static bool is_for_later(int code)
{
	return code == 408 || code == 430 || (code >= 480 && code <= 487) || code / 100 == 5;
}

static void on_response(void *arg, struct sip_ctx *t, struct sip_msg *r)
{
	struct delivery *d = arg;
	if (r->status < 200)
		return;
	sip_ctx_forget(t);
	d->ctx = NULL;
	d->message = d->told_of ? said_message(&d->fe->key.mac, r) : 0;
	if (r->status < 300)
		delivered(d);
	else if (is_for_later(r->status))
		try_later(d);
	else
		next(d); /* this client does not want it; another one may */
}

static void on_failed(void *arg, struct sip_ctx *t, enum sip_fail why UNUSED)
{
	struct delivery *d = arg;
	sip_ctx_forget(t);
	d->ctx = NULL;
	try_later(d);
}

static void on_ended(void *arg, struct sip_ctx *t UNUSED)
{
	struct delivery *d = arg;
	d->ctx = NULL;
	try_later(d);
}

static const struct sip_ctx_ops deliver_ops = { .response = on_response,
	                                        .failed = on_failed,
	                                        .ended = on_ended };

/* --- all of a user's ----------------------------------------------------------------------- */

static void on_timer(void *arg)
{
	struct delivery *d = arg;
	d->waiting = false;
	next(d);
}

void fe_deliver(struct frontend *fe, uint64_t account)
{
	struct delivery *d = find(fe, account);
	if (!fe_kept_has(fe, account) || (d && !d->waiting))
		return;
	if (!d) {
		d = xnew(struct delivery);
		d->fe = fe;
		d->account = account;
		d->sender = buf_of(ACCESS_URI_MAX);
		d->recipient = buf_of(ACCESS_URI_MAX);
		timer_init(&d->timer, fe->loop, on_timer, d);
		defer_init(&d->reap, delivery_free, d);
		map_add(&fe->kept.delivering, &d->node, hash_of(fe, account));
	}
	d->waiting = false;
	timer_set(&d->timer, loop_now(fe->loop) + KEPT_AFTER_MS * USEC_PER_MSEC);
}

bool fe_is_delivering(const struct frontend *fe, uint64_t account)
{
	const struct delivery *d = fe->kept.delivering.n > 0 ? find(fe, account) : NULL;
	return d && !d->waiting;
}

void fe_deliver_free(struct frontend *fe)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&fe->kept.delivering, &slot, &after)) != NULL;) {
		struct delivery *d = container_of(n, struct delivery, node);
		defer_cancel(&d->reap);
		if (!d->busy)
			delivery_free(d);
	}
	/* One whose row is being written goes when the store is closed. */
}
