#include "svc/conversation/inside.h"

/* "Is typing" between clients that say so every few seconds and phones that say so once (RFC 3994).
 *
 * A Lync client shows it for some seconds after it was told: while the phone's user types it is
 * told again.  A phone shows it until it is told otherwise: that happens when the client is quiet.
 */

enum {
	AGAIN_S = 5,  /* the client forgets after 6 seconds */
	QUIET_S = 15, /* RFC 3994 section 3.2: then nobody types any more */
	REFRESH_AFTER_S = CONTENT_REFRESH_S / 2,
};

static void tell_client(struct im_session *s, bool active)
{
	struct content c = { .kind = CONTENT_TYPING, .active = active };
	(void)session_send(s, SIP_INFO, &c, NULL, NULL);
}

static void on_again(void *arg)
{
	struct im_session *s = arg;
	struct im_typing *t = &s->typing;
	usec_t now = loop_now(s->im->cfg.loop);
	bool still = now < t->phone_until;
	if (s->state != IM_OPEN)
		return;
	tell_client(s, still);
	if (still)
		timer_set(&t->phone, MIN(now + AGAIN_S * USEC_PER_SEC, t->phone_until));
}

void typing_phone(struct im_session *s, const struct content *c)
{
	struct im_typing *t = &s->typing;
	usec_t now = loop_now(s->im->cfg.loop);
	timer_stop(&t->phone);
	if (c->kind != CONTENT_TYPING || !c->active)
		return;
	t->phone_until = now + c->refresh_s * USEC_PER_SEC;
	timer_set(&t->phone, MIN(now + AGAIN_S * USEC_PER_SEC, t->phone_until));
}

static void on_quiet(void *arg)
{
	struct im_session *s = arg;
	struct content c = { .kind = CONTENT_TYPING };
	s->typing.client_active = false;
	(void)session_page(s, &c, "", NULL, NULL);
}

bool typing_client(struct im_session *s, const struct content *c)
{
	struct im_typing *t = &s->typing;
	usec_t now = loop_now(s->im->cfg.loop);
	bool was = t->client_active;
	t->client_active = c->kind == CONTENT_TYPING && c->active;
	timer_stop(&t->client);
	if (!t->client_active)
		return was && c->kind == CONTENT_TYPING;
	timer_set(&t->client, now + QUIET_S * USEC_PER_SEC);
	if (was && now < t->client_told + REFRESH_AFTER_S * USEC_PER_SEC)
		return false;
	t->client_told = now;
	return true;
}

void typing_init(struct im_session *s)
{
	timer_init(&s->typing.phone, s->im->cfg.loop, on_again, s);
	timer_init(&s->typing.client, s->im->cfg.loop, on_quiet, s);
}

void typing_stop(struct im_session *s)
{
	timer_stop(&s->typing.phone);
	timer_stop(&s->typing.client);
}
