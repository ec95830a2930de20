#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "load.h"

enum { ATTEMPTS_MAX = 20, CHALLENGES_MAX = 3, BACKOFF_MAX_S = 16, RETRY_AFTER_MAX_S = 60 };

/* The operation under way of the caller in a dialog that stays: "RUN.USER". */
static struct op *find_kept(struct load *l, struct str id)
{
	uint32_t run, number;
	if (!str_u32(str_cut(&id, '.'), 16, &run) || !str_u32(id, 10, &number) || run != l->run ||
	    number < l->o.first || number - l->o.first >= l->o.users)
		return NULL;
	struct op *op = l->user[number - l->o.first].op;
	return op && op->a->number == number ? op : NULL;
}

struct op *op_find(struct load *l, struct str id, uint32_t *ret_txn)
{
	uint32_t run, slot, generation, txn = 0;
	struct str s = str_cut(&id, '@');
	if (str_starts(s, STR("k")))
		return ret_txn ? NULL : find_kept(l, (struct str){ s.p + 1, s.n - 1 });
	if (!str_u32(str_cut(&s, '.'), 16, &run) || !str_u32(str_cut(&s, '.'), 16, &slot) ||
	    !str_u32(str_cut(&s, '.'), 16, &generation) || run != l->run || slot >= l->n_ops)
		return NULL;
	if (ret_txn && !str_u32(s, 16, &txn))
		return NULL;
	struct op *op = &l->op[slot];
	if (op->state == OP_IDLE || op->generation != generation)
		return NULL;
	if (ret_txn)
		*ret_txn = txn;
	return op;
}

/* --- ends ---------------------------------------------------------------------------- */

static void release(struct load *l, struct op *op)
{
	op->state = OP_IDLE;
	op->a->op = NULL;
	if (op->b)
		op->b->op = NULL;
	l->idle[l->n_idle++] = op->slot;
}

static void succeed(struct load *l, struct op *op)
{
	stats_done(&l->stats, op->began, now_usec());
	release(l, op);
}

static usec_t backoff(const struct op *op, uint32_t retry_after_s)
{
	unsigned doublings = op->attempts < 5 ? op->attempts - 1 : 4;
	usec_t s = retry_after_s ? retry_after_s : 1u << doublings;
	s = s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : s;
	return s * USEC_PER_SEC + (usec_t)random() % (USEC_PER_SEC / 2);
}

static void fail_after(struct load *l, struct op *op, const char *word, uint32_t retry_after_s)
{
	stats_failure(&l->stats, word);
	if (!l->o.retry || op->kind != OP_SIGNIN || op->attempts >= ATTEMPTS_MAX) {
		l->stats.errors++;
		l->stats.ended = now_usec();
		release(l, op);
		return;
	}
	l->stats.retries++;
	if (l->o.conns == l->o.users)
		net_close(l->net, op->from);
	op->state = OP_BACKOFF;
	op->deadline = now_usec() + backoff(op, retry_after_s);
}

static void fail(struct load *l, struct op *op, const char *word)
{
	fail_after(l, op, word, 0);
}

/* --- requests ------------------------------------------------------------------------ */

static void keep_request(struct op *op, struct str text, usec_t now)
{
	if (!op->request)
		op->request = xalloc(1, REQUEST_MAX);
	memcpy(op->request, text.p, text.n);
	op->request_n = text.n;
	op->resend_interval = SIP_T1;
	op->resend_at = now + SIP_T1;
}

static uint32_t next_cseq(struct op *op, enum method m)
{
	if (m == M_REGISTER)
		return ++op->a->cseq;
	return op->kind == OP_CHAT ? ++op->a->kept->cseq : op->cseq + 1;
}

static void send_request(struct load *l, struct op *op, enum method m)
{
	struct out o = { l->scratch, 0, REQUEST_MAX, false };
	usec_t now = now_usec();
	if (op->from->state != CONN_OPEN) {
		fail(l, op, "unconnected");
		return;
	}
	op->method = m;
	op->cseq = next_cseq(op, m);
	op->txn++;
	if (m == M_INVITE) {
		op->invite_txn = op->txn;
		op->invite_cseq = op->cseq;
	}
	compose_request(l, op, m, op->txn, &o);
	op->state = OP_WAITING;
	op->deadline = now + l->o.timeout;
	load_send(l, op->from, &o);
	if (o.full)
		die("a request does not fit into %d bytes", (int)REQUEST_MAX);
	if (l->o.net.transport == UDP)
		keep_request(op, out_view(&o), now);
}

static void send_ack(struct load *l, struct op *op, uint32_t txn)
{
	struct out o = { l->scratch, 0, REQUEST_MAX, false };
	compose_request(l, op, M_ACK, txn, &o);
	load_send(l, op->from, &o);
}

/* From now on `chat` finds it. */
static void keep_dialog(struct load *l, struct op *op)
{
	if (!op->a->kept)
		op->a->kept = xalloc(1, sizeof(*op->a->kept));
	*op->a->kept = op->d;
	op->a->kept->cseq = op->cseq;
	succeed(l, op);
}

void op_acked(struct load *l, struct op *op)
{
	if (op->kind == OP_DIALOG)
		keep_dialog(l, op);
	else
		send_request(l, op, M_BYE);
}

static void send_echo(struct load *l, struct op *op)
{
	char id[17];
	size_t n = l->o.echo_size;
	(void)snprintf(id, sizeof(id), "%08x%08x", op->slot, op->generation);
	memset(l->scratch, '.', n);
	memcpy(l->scratch, id, sizeof(id) - 1);
	op->state = OP_WAITING;
	op->deadline = now_usec() + l->o.timeout;
	net_send(l->net, op->from, (struct str){ l->scratch, n });
}

void op_echoed(struct load *l, struct str bytes)
{
	uint32_t slot, generation;
	if (bytes.n != l->o.echo_size || !str_u32((struct str){ bytes.p, 8 }, 16, &slot) ||
	    !str_u32((struct str){ bytes.p + 8, 8 }, 16, &generation) || slot >= l->n_ops) {
		l->stats.malformed++;
		return;
	}
	struct op *op = &l->op[slot];
	if (op->state == OP_WAITING && op->generation == generation && op->kind == OP_ECHO)
		succeed(l, op);
	else
		l->stats.stray++;
}

static void send_chat(struct load *l, struct op *op)
{
	if (!op->a->kept) {
		fail(l, op, "no-dialog");
		return;
	}
	op->d = *op->a->kept;
	send_request(l, op, M_MESSAGE);
}

/* The connection is there: the first request of the operation. */
static void send_first(struct load *l, struct op *op)
{
	op->auth_www = op->kind == OP_REFRESH && op->a->www.nonce;
	op->auth_proxy = false;
	op->challenged = 0;
	switch (op->kind) {
	case OP_CONNECT:
		succeed(l, op);
		break;
	case OP_SIGNIN:
	case OP_REGISTER:
	case OP_REFRESH:
		if (op->a->lync && op->kind != OP_REFRESH)
			op->a->lync->leg = LYNC_FIRST;
		send_request(l, op, M_REGISTER);
		break;
	case OP_MESSAGE:
	case OP_CALL:
	case OP_DIALOG:
		op->auth_proxy = l->o.keep_nonce && op->a->proxy.nonce;
		send_request(l, op, op->kind == OP_MESSAGE ? M_MESSAGE : M_INVITE);
		break;
	case OP_CHAT:
		send_chat(l, op);
		break;
	case OP_ECHO:
		send_echo(l, op);
		break;
	case OP_N_KINDS:
		break;
	}
}

/* --- beginning ----------------------------------------------------------------------- */

static void attempt(struct load *l, struct op *op)
{
	struct conn *c = op->from;
	op->attempts++;
	op->deadline = now_usec() + l->o.timeout;
	if (c->state == CONN_OPEN) {
		send_first(l, op);
		return;
	}
	if (c->state == CONN_CLOSED && net_connect(l->net, c) < 0) {
		fail(l, op, "socket");
		return;
	}
	op->state = OP_CONNECTING;
	op->next_waiting = c->waiting;
	c->waiting = op;
}

/* In turn; a message or call goes from the first half of the users to the second. */
static void pick_users(struct load *l, struct op *op)
{
	bool pair = op_is_pair(op->kind);
	uint32_t n = pair ? l->o.users / 2 : op->kind == OP_CONNECT ? l->o.conns : l->o.users;
	do {
		uint32_t i = l->cursor++ % n;
		op->a = &l->user[i];
		op->b = pair ? &l->user[n + i] : NULL;
	} while (op->a->op || (op->b && op->b->op));
	op->from = pair ? op->a->sends_on : op->a->conn;
	op->a->op = op;
	if (op->b)
		op->b->op = op;
}

void op_begin(struct load *l)
{
	struct op *op = &l->op[l->idle[--l->n_idle]];
	struct op fresh = { .slot = op->slot,
		            .generation = op->generation + 1,
		            .kind = l->step->kind,
		            .request = op->request,
		            .answer = op->answer,
		            .began = now_usec() };
	*op = fresh;
	l->begun++;
	pick_users(l, op);
	attempt(l, op);
}

void op_opened(struct load *l, struct conn *c)
{
	struct op *op = c->waiting;
	c->waiting = NULL;
	while (op) {
		struct op *next = op->next_waiting;
		if (op->state == OP_CONNECTING && op->from == c)
			send_first(l, op);
		op = next;
	}
}

void op_lost(struct load *l, struct conn *c, const char *why)
{
	c->waiting = NULL;
	for (uint32_t i = 0; i < l->n_ops; i++) {
		struct op *op = &l->op[i];
		if (op->state != OP_IDLE && op->state != OP_BACKOFF &&
		    (op->from == c || (op->b && op->b->conn == c)))
			fail(l, op, why);
	}
}

/* --- responses ----------------------------------------------------------------------- */

static int take_challenge(struct load *l, struct op *op, const struct sip_msg *m)
{
	char name[64];
	struct out user = { name, 0, sizeof(name), false };
	struct digest_cred *c = m->is_proxy_challenge ? &op->a->proxy : &op->a->www;
	int r = -EBADMSG;
	if (op->a->lync)
		return lync_challenge(op->a->lync, m);
	for (size_t i = 0; i < m->challenge.n && r < 0; i++)
		r = digest_challenge(c, m->challenge.line[i]);
	if (r < 0)
		return r;
	compose_user(l, op->a, &user);
	digest_set_user(l->digest, c, out_view(&user), str_of(l->o.password));
	if (m->is_proxy_challenge)
		op->auth_proxy = true;
	else
		op->auth_www = true;
	return 0;
}

/* Once is usual; a second time only if the server says that the nonce was stale. */
static void answer_challenge(struct load *l, struct op *op, const struct sip_msg *m)
{
	bool had = op->a->lync             ? op->a->lync->leg == LYNC_CHALLENGED
	           : m->is_proxy_challenge ? op->auth_proxy
	                                   : op->auth_www;
	const struct digest_cred *c = m->is_proxy_challenge ? &op->a->proxy : &op->a->www;
	if (take_challenge(l, op, m) < 0) {
		fail(l, op, "challenge");
		return;
	}
	if ((had && !c->stale) || op->challenged >= CHALLENGES_MAX) {
		fail(l, op, m->status == 401 ? "401" : "407");
		return;
	}
	op->challenged++;
	l->stats.challenges++;
	op->d.to_tag[0] = '\0';
	send_request(l, op, op->method);
}

static bool copy_text(char *ret, size_t cap, struct str s)
{
	if (s.n >= cap)
		return false;
	memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
	return true;
}

static void establish(struct load *l, struct op *op, const struct sip_msg *m)
{
	struct str tag = sip_param(m->to, STR("tag")), target = sip_uri(m->contact);
	if (!op->answered) {
		fail(l, op, "misrouted");
		return;
	}
	if (tag.n == 0 || target.n == 0 || !copy_text(op->d.to_tag, TAG_MAX, tag) ||
	    !copy_text(op->d.target, TARGET_MAX, target) ||
	    !sip_route_set(op->d.route, ROUTE_MAX, &m->record_route)) {
		fail(l, op, "dialog");
		return;
	}
	op->state = OP_ESTABLISHED;
	op->deadline = now_usec() + l->o.timeout;
	op->ack_txn = ++op->txn;
	send_ack(l, op, op->ack_txn);
}

static void on_success(struct load *l, struct op *op, const struct sip_msg *m)
{
	if (op->method == M_REGISTER && op->a->lync)
		lync_signed_in(op->a->lync, m);
	if (op->method == M_INVITE)
		establish(l, op, m);
	else if (op->method == M_REGISTER && m->contact.n == 0)
		fail(l, op, "unbound"); /* RFC 3261 section 10.3: the answer lists the bindings */
	else if (op->method == M_BYE ? !op->hung_up : op->method == M_MESSAGE && !op->answered)
		fail(l, op, "misrouted"); /* B never saw it */
	else
		succeed(l, op);
}

static void on_refusal(struct load *l, struct op *op, const struct sip_msg *m)
{
	char word[8];
	uint32_t retry_after = 0;
	if (op->method == M_INVITE) {
		(void)copy_text(op->d.to_tag, TAG_MAX, sip_param(m->to, STR("tag")));
		send_ack(l, op, op->txn);
	}
	if (m->status == 401 || m->status == 407) {
		answer_challenge(l, op, m);
		return;
	}
	struct str s = m->retry_after;
	(void)str_u32(str_trim(str_cut(&s, ';')), 10, &retry_after);
	(void)snprintf(word, sizeof(word), "%u", m->status % 1000);
	fail_after(l, op, word, retry_after);
}

static void on_provisional(struct op *op)
{
	if (op->method == M_INVITE)
		op->resend_at = 0;
	else
		op->resend_interval = SIP_T2;
}

void op_response(struct load *l, const struct sip_msg *m)
{
	static const struct str cookie = { "z9hG4bK", 7 };
	uint32_t txn = 0;
	struct str branch = sip_param(m->via.line[0], STR("branch"));
	struct op *op = NULL;
	if (str_starts(branch, cookie))
		op = op_find(l, (struct str){ branch.p + cookie.n, branch.n - cookie.n }, &txn);
	if (op && op->ack_txn && txn == op->invite_txn && m->status / 100 == 2) {
		l->stats.stray++;
		send_ack(l, op, op->ack_txn);
	} else if (!op || op->state != OP_WAITING || txn != op->txn || op->kind == OP_ECHO) {
		l->stats.stray++;
	} else if (m->status < 200) {
		on_provisional(op);
	} else {
		op->resend_at = 0;
		if (m->status < 300)
			on_success(l, op, m);
		else
			on_refusal(l, op, m);
	}
}

/* --- time ---------------------------------------------------------------------------- */

static void resend(struct load *l, struct op *op, usec_t now)
{
	op->resend_interval *= 2;
	if (op->method != M_INVITE && op->resend_interval > SIP_T2)
		op->resend_interval = SIP_T2;
	op->resend_at = now + op->resend_interval;
	l->stats.retransmits++;
	if (op->from->state == CONN_OPEN)
		net_send(l->net, op->from, (struct str){ op->request, op->request_n });
}

static void tick_one(struct load *l, struct op *op, usec_t now)
{
	if (op->state == OP_BACKOFF) {
		if (now >= op->deadline)
			attempt(l, op);
		return;
	}
	if (now >= op->deadline) {
		if (op->state == OP_CONNECTING && op->from->state != CONN_OPEN)
			net_close(l->net, op->from);
		fail(l, op, op->state == OP_CONNECTING ? "connect-timeout" : "timeout");
		return;
	}
	if (op->resend_at && now >= op->resend_at)
		resend(l, op, now);
	uas_tick(l, op, now);
}

void op_tick(struct load *l, usec_t now)
{
	for (uint32_t i = 0; i < l->n_ops; i++)
		if (l->op[i].state != OP_IDLE)
			tick_one(l, &l->op[i], now);
}
