#include "svc/relay/inside.h"

/* How often a user may ask.  A request is dear beside a packet: it is hashed, and makes sockets.
 * Whoever asks too much by connections is not read for a while, and loses nothing; datagrams are
 * dropped, since their sender repeats them.
 *
 * By a hash of the name, for a user may have nothing between two requests. */

static int64_t full_of(const struct relay *r)
{
	return RELAY_ASKS_BURST + (int64_t)RELAY_ASKS_EACH * r->cfg.user_allocations;
}

static usec_t time_for(const struct relay *r, int64_t asks)
{
	return (usec_t)(asks * (int64_t)(RELAY_ASKS_FULL_S * USEC_PER_SEC) / full_of(r));
}

static struct asks *asks_of(struct relay *r, struct str user)
{
	struct asks *a = &r->asks[hash_lower(&r->users.key, user) % ASKERS];
	int64_t full = full_of(r);
	usec_t now = loop_now(r->loop), passed = now - a->at;
	if (a->at == 0 || passed >= 2 * RELAY_ASKS_FULL_S * USEC_PER_SEC) {
		*a = (struct asks){ now, full };
		return a;
	}
	int64_t more = (int64_t)passed * full / (int64_t)(RELAY_ASKS_FULL_S * USEC_PER_SEC);
	if (more > 0) {
		a->left = MIN(a->left + more, full);
		a->at = now;
	}
	return a;
}

usec_t asks_owe(struct relay *r, struct str user, unsigned cost)
{
	struct asks *a = asks_of(r, user);
	a->left = MAX(a->left - (int64_t)cost, -full_of(r));
	return a->left < 0 ? time_for(r, -a->left) : 0;
}

bool asks_let(const struct from *f, struct str user, unsigned cost)
{
	struct relay *r = f->relay;
	const struct relay_user *u = user_find(r, user);
	if (u && u->is_server) /* it asks for many */
		return true;
	if (!f->stream && asks_of(r, user)->left < (int64_t)cost) {
		r->stats.unanswered++;
		return false;
	}
	usec_t owed = asks_owe(r, user, cost);
	if (owed > 0)
		f->stream->rests_until = loop_now(r->loop) + owed;
	return true;
}

usec_t relay_stream_rest(const struct relay_stream *s)
{
	usec_t now = loop_now(s->relay->loop);
	return s->rests_until > now ? s->rests_until - now : 0;
}
