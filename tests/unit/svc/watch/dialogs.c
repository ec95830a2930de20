#include "svc/watch/dialogs.h"

#define TO_TAG "server-1"

static struct sip_flow *flow_of(void *arg, const struct sub *s UNUSED,
                                struct token_hint *ret_hint UNUSED)
{
	struct dialogs *d = arg;
	return d->unreachable || !d->peer ? NULL : peer_flow(d->peer);
}

static void put_route(void *arg UNUSED, struct buf *b, const struct token *end)
{
	buf_printf(b, "<sip:%llu@link.example.test;lr>", (unsigned long long)end->account);
}

static void put_contact(void *arg UNUSED, struct buf *b, const struct sub *s)
{
	buf_printf(b, "sip:%llu@home.example.test", (unsigned long long)s->account);
}

static const struct sub_ops ops = { .flow = flow_of,
	                            .put_route = put_route,
	                            .put_contact = put_contact };

static void handle(struct rig *r, struct sip_req *rq)
{
	struct dialogs *d = r->user;
	struct sub_ask ask = { .account = d->account,
		               .endpoint = d->endpoint,
		               .msg = rq->msg,
		               .to_tag = STR(TO_TAG),
		               .lync = d->lync };
	if (!d->again) {
		d->started = sub_start(d->subs, d->starting, d->package, &ask);
	} else {
		d->found = sub_find(d->subs, d->starting->id, rq->msg);
		if (d->found)
			sub_moved(d->found, &ask);
	}
	sip_reply(rq, 200, STR(""), STR(""), STR(""), STR(""));
}

void dialogs_start(struct dialogs *d, enum sip_kind kind)
{
	struct subs_config cfg = { .ops = &ops, .arg = d };
	rig_start(&d->rig, handle, d);
	d->peer = peer_open(&d->rig, kind);
	d->account = 42;
	d->endpoint = 7;
	cfg.loop = d->rig.loop;
	cfg.stack = d->rig.stack;
	d->subs = subs_new(&cfg);
}

void dialogs_stop(struct dialogs *d)
{
	peer_close(&d->peer);
	sip_stack_free(&d->rig.stack);
	subs_free(&d->subs);
	rig_stop(&d->rig);
}

static void ask(struct dialogs *d, const struct ask *a)
{
	static unsigned n;
	char branch[64];
	struct ask with = *a;
	(void)snprintf(branch, sizeof(branch), "z9hG4bKsub%u", ++n);
	with.method = "SUBSCRIBE";
	with.branch = branch;
	peer_ask(d->peer, &with);
	OK(peer_hears_start(d->peer, "SIP/2.0 200"));
}

int dialogs_subscribe(struct dialogs *d, struct sub *s, const struct sub_package *p,
                      const char *call_id, const char *lines)
{
	char all[4096];
	(void)snprintf(all, sizeof(all), "Contact: <sip:alice@192.0.2.7>\r\nEvent: thing\r\n%s",
	               lines);
	d->starting = s;
	d->package = p;
	d->again = false;
	ask(d, &(struct ask){ .call_id = call_id, .lines = all });
	return d->started;
}

struct sub *dialogs_refresh(struct dialogs *d, const struct sub *s, const struct ask *a)
{
	d->starting = (struct sub *)(uintptr_t)s;
	d->again = true;
	d->found = NULL;
	ask(d, a);
	return d->found;
}

bool dialogs_answer(struct dialogs *d, int code)
{
	if (!peer_hears_start(d->peer, "NOTIFY "))
		return false;
	peer_answer(d->peer, &d->peer->last, code, NULL);
	return true;
}
