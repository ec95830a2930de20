#include <errno.h>

#include "base/rand.h"
#include "stack/turn/inside.h"

/* Requests: repeated until there is an answer (RFC 8489 section 6.2), and asked again when the
 * relay has challenged them (section 9.2.5). */

static const usec_t rto = TURN_CLIENT_RTO_MS * USEC_PER_MSEC;

void ask_stop(struct ask *a)
{
	timer_stop(&a->timer);
	list_del(&a->node);
}

static void end(struct ask *a, const struct outcome *o)
{
	ask_stop(a);
	a->done(a, o);
}

/* --- sending --------------------------------------------------------------------------- */

/* Until the next repetition, or the end.  By a connection nothing is repeated; the end is the same
 * (section 6.2.2). */
static usec_t patience(const struct ask *a)
{
	unsigned last = a->client->cfg.tries - 1;
	if (a->client->stream)
		return rto * ((1u << last) - 1 + TURN_CLIENT_LAST_RTOS);
	return a->tries > last ? rto * TURN_CLIENT_LAST_RTOS : rto << (a->tries - 1);
}

/* What is repeated is written again: Lync's dialect counts, and a nonce may have come meanwhile. */
static int send_it(struct ask *a)
{
	int r = a->client->dialect->request(a);
	if (r < 0)
		return r;
	a->client->stats.repeated += a->tries > 0;
	a->tries++;
	timer_set(&a->timer, loop_now(a->client->loop) + patience(a));
	return 0;
}

static int begin(struct ask *a)
{
	rand_bytes(a->id, sizeof(a->id));
	a->tries = 0;
	a->is_doubtful = false;
	a->doubted = 0;
	return send_it(a);
}

int ask_start(struct ask *a, enum ask_kind kind)
{
	ask_stop(a);
	a->kind = kind;
	a->challenges = 0;
	int r = begin(a);
	if (r == 0)
		list_add(&a->client->asks, &a->node);
	return r;
}

static const char too_long[] = "the credentials are too long for a request";
static const char unsigned_answer[] =
        "the relay's answer is not signed with the key of these credentials";

/* An answer that nobody proved tells more than none. */
static void give_up(struct ask *a)
{
	struct outcome o = { .err = -ETIMEDOUT };
	if (a->doubted)
		o = (struct outcome){ .code = a->doubted };
	else if (a->is_doubtful)
		o = (struct outcome){ .err = -EBADMSG, .why = unsigned_answer };
	end(a, &o);
}

static void on_timer(void *arg)
{
	struct ask *a = arg;
	const struct outcome o = { .err = -EMSGSIZE, .why = too_long };
	if (a->client->stream || a->tries >= a->client->cfg.tries)
		give_up(a);
	else if (send_it(a) < 0)
		end(a, &o);
}

void ask_init(struct ask *a, struct turn_client *c,
              void (*done)(struct ask *a, const struct outcome *o))
{
	a->client = c;
	a->done = done;
	list_init(&a->node);
	timer_init(&a->timer, c->loop, on_timer, a);
}

struct ask *ask_find(struct turn_client *c, const uint8_t *id)
{
	list_for(it, &c->asks)
	{
		struct ask *a = list_entry(it, struct ask, node);
		if (memcmp(a->id, id, c->dialect->id_len) == 0)
			return a;
	}
	return NULL;
}

/* --- answers --------------------------------------------------------------------------- */

static bool learn_text(char *to, size_t *len, struct str s)
{
	if (s.len == 0 || s.len > TURN_CLIENT_TEXT_MAX)
		return false;
	memcpy(to, s.p, s.len);
	*len = s.len;
	return true;
}

/* The realm is that of the first challenge: the key of an allocation does not change. */
bool ask_learn(struct turn_client *c, const struct answer *answer)
{
	if (c->realm_len == 0 && !learn_text(c->realm, &c->realm_len, answer->realm))
		return false;
	if (!learn_text(c->nonce, &c->nonce_len, answer->nonce))
		return false;
	stun_long_term_key(c->key, buf_view(&c->user), str_n(c->realm, c->realm_len),
	                   buf_view(&c->password));
	return true;
}

static void refused(struct ask *a, const struct answer *answer)
{
	const struct outcome o = { .code = answer->code, .reason = answer->reason };
	end(a, &o);
}

static void challenged(struct ask *a, const struct answer *answer)
{
	struct turn_client *c = a->client;
	struct outcome o = {
		.err = -EBADMSG,
		.why = "the relay's challenge has no realm and nonce of a sane length"
	};
	if (c->user.len == 0 || ++a->challenges > TURN_CLIENT_CHALLENGES_MAX) {
		refused(a, answer);
		return;
	}
	if (!ask_learn(c, answer)) {
		end(a, &o);
		return;
	}
	if (begin(a) < 0) {
		o = (struct outcome){ .err = -EMSGSIZE, .why = too_long };
		end(a, &o);
	}
}

/* Somebody else may have written it, if it came by a datagram: the right one may come yet (RFC 8489
 * section 9.2.5). */
static void doubt(struct ask *a, const struct answer *answer)
{
	const struct outcome o = { .err = -EBADMSG, .why = unsigned_answer };
	a->client->stats.dropped++;
	a->is_doubtful = true;
	a->doubted = answer->code;
	if (!a->client->stream)
		return;
	if (a->doubted)
		refused(a, answer);
	else
		end(a, &o);
}

/* Whoever does not know us cannot sign: 401 and 438 are taken as they are. */
void ask_answered(struct ask *a, const struct answer *answer)
{
	const struct outcome o = { .answer = answer };
	bool unknown = answer->code == 401;
	if (answer->code == 438 || (unknown && !a->is_signed))
		challenged(a, answer);
	else if (a->is_signed && !answer->is_signed && !unknown)
		doubt(a, answer);
	else if (!answer->success)
		refused(a, answer);
	else
		end(a, &o);
}
