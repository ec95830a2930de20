#include "svc/access/sa.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/sip/uri.h"

enum { SIGNATURE_LINE_MAX = 1024 };

void sa_list_init(struct sa_list *l, struct loop *loop, sa_wrong_fn *wrong, void *arg)
{
	list_init(&l->list);
	l->n = 0;
	l->challenges = 0;
	l->loop = loop;
	l->wrong = wrong;
	l->arg = arg;
}

void sa_free(struct sa_list *l, struct sa **sp)
{
	struct sa *s = take(sp);
	if (!s)
		return;
	if (s->holder)
		*s->holder = NULL;
	list_del(&s->node);
	l->n--;
	s->mech->free(s->mech_state, &s->assoc);
	free(s->uri);
	free(s);
}

void sa_list_done(struct sa_list *l)
{
	list_for(it, &l->list)
	{
		struct sa *s = list_entry(it, struct sa, node);
		sa_free(l, &s);
	}
}

static struct sa *oldest(struct sa_list *l, bool up)
{
	list_for(it, &l->list)
	{
		struct sa *s = list_entry(it, struct sa, node);
		if (!s->holder && s->up == up)
			return s;
	}
	return NULL;
}

struct sa *sa_begin(struct sa_list *l, const struct auth_mech *mech, void *mech_state,
                    const struct addr *peer)
{
	if (l->n == SA_PER_FLOW_MAX) {
		struct sa *old = oldest(l, false);
		if (!old)
			old = oldest(l, true);
		if (!old)
			return NULL;
		sa_free(l, &old);
	}
	struct sa *s = xnew(struct sa);
	s->mech = mech;
	s->mech_state = mech_state;
	s->assoc = mech->begin(mech_state, peer);
	list_add(&l->list, &s->node);
	l->n++;
	return s;
}

struct sa *sa_find(struct sa_list *l, const struct auth_mech *mech, struct str id)
{
	list_for(it, &l->list)
	{
		struct sa *s = list_entry(it, struct sa, node);
		if (s->mech == mech && str_ieq(mech->id(s->mech_state, s->assoc), id))
			return s;
	}
	return NULL;
}

struct str sa_credentials(const struct sip_msg *m, const char *scheme, struct str *ret_id)
{
	*ret_id = STR("");
	for (const struct sip_hdr *h = sip_first(m, SIP_H_AUTHORIZATION); h; h = sip_next(m, h)) {
		struct sip_auth au;
		struct str value = sip_hdr_value(m, h);
		if (sip_auth_parse(&au, value) < 0 || !str_ieq(au.scheme, str_of(scheme)))
			continue;
		if (!sip_auth_param(&au, STR("opaque"), ret_id))
			*ret_id = STR("");
		return value;
	}
	return STR("");
}

struct sa *sa_signer(struct sa_list *l, const struct sip_msg *m)
{
	list_for(it, &l->list)
	{
		struct sa *s = list_entry(it, struct sa, node);
		struct str id;
		if (!s->up || sa_credentials(m, s->mech->scheme, &id).len == 0 ||
		    !str_ieq(s->mech->id(s->mech_state, s->assoc), id))
			continue;
		return s->mech->verify(s->mech_state, s->assoc, m) == 0 ? s : NULL;
	}
	return NULL;
}

bool sa_is_old(const struct sa *s, usec_t now)
{
	return now - s->made > SA_LIFE_S * USEC_PER_SEC;
}

/* The hop's security: what stack/sip asks of a flow that has associations. */

/* Everything must be signed by a user of the connection, but a REGISTER, which may be about to
 * authenticate anew; svc/access looks at that one. */
static int verify(void *state, struct sip_flow *f, const struct sip_msg *m)
{
	struct sa_list *l = state;
	if (m->is_request && m->method == SIP_REGISTER)
		return 0;
	usec_t now = loop_now(l->loop);
	struct sa *s = sa_signer(l, m);
	if (s && now - s->made <= (SA_LIFE_S + SA_GRACE_S) * USEC_PER_SEC)
		return 0;
	l->wrong(l->arg, f, m,
	         s ? "association expired" : "not signed by a user of the connection");
	return -EACCES;
}

/* The newest of the user whom the message is for; the newest of all if that is nobody's. */
static struct sa *signer_for(struct sa_list *l, const struct sip_msg *m)
{
	RAW_MEMORY char text[512];
	struct buf b = BUF_ON(text);
	struct str who = STR("");
	struct sa *any = NULL, *found = NULL;
	if (l->n > 1)
		who = sip_value_aor(sip_value(m, m->is_request ? SIP_H_TO : SIP_H_FROM), &b);
	list_for(it, &l->list)
	{
		struct sa *s = list_entry(it, struct sa, node);
		if (!s->up)
			continue;
		any = s;
		if (who.len && str_ieq(str_of(s->uri), who))
			found = s;
	}
	return found ? found : any;
}

/* Puts the line behind the last header field. */
static int insert_line(struct buf *msg, size_t head_len, struct str line)
{
	size_t at = head_len - 2, tail = msg->len - at; /* before the empty line */
	if (!buf_room(msg, line.len))
		return -EMSGSIZE;
	memmove(msg->p + at + line.len, msg->p + at, tail);
	memcpy(msg->p + at, line.p, line.len);
	msg->len += line.len;
	return 0;
}

static int sign(void *state, struct sip_flow *f UNUSED, struct buf *msg)
{
	struct sa_list *l = state;
	RAW_MEMORY char text[SIGNATURE_LINE_MAX];
	struct buf line = BUF_ON(text);
	RAW_MEMORY struct sip_msg m;
	if (sip_parse(&m, buf_view(msg)) < 0)
		return -EMSGSIZE;
	if (!m.is_request && m.status == 401)
		return 0; /* clients take a challenge unsigned: they may have no key any more */
	struct sa *s = signer_for(l, &m);
	if (!s)
		return 0;
	if (s->mech->sign(s->mech_state, s->assoc, &m, &line) < 0 || line.full)
		return -EMSGSIZE;
	return insert_line(msg, m.head_len, buf_view(&line));
}

static const struct sip_sec_ops sec_ops = { .verify = verify, .sign = sign };

/* What the same user had before; the last one stays, for messages are on their way. */
static void forget_older(struct sa_list *l, const struct sa *s)
{
	bool kept = false;
	for (struct list *it = s->node.prev, *prev; it != &l->list; it = prev) {
		struct sa *o = list_entry(it, struct sa, node);
		prev = it->prev;
		if (!o->up || o->holder || o->account != s->account)
			continue;
		if (kept)
			sa_free(l, &o);
		kept = true;
	}
}

void sa_up(struct sa_list *l, struct sa *s, struct sip_flow *f, const struct auth_result *r)
{
	s->up = true;
	l->challenges = 0;
	s->made = loop_now(l->loop);
	s->account = r->account;
	s->credential = r->credential;
	free(s->uri);
	s->uri = str_dup(r->uri);
	list_del(&s->node);
	list_add(&l->list, &s->node);
	forget_older(l, s);
	f->sec = &sec_ops;
	f->sec_state = l;
}

void sa_revoke(struct sa_list *l, uint64_t account, uint64_t credential)
{
	list_for(it, &l->list)
	{
		struct sa *s = list_entry(it, struct sa, node);
		if (!s->up || (account && s->account != account) ||
		    (credential && s->credential != credential))
			continue;
		sa_free(l, &s);
	}
}
