#include "world.h"

#include "tap.h"

struct addr at(const char *host, uint16_t port)
{
	struct addr a;
	OK(addr_parse(&a, str_of(host), port) == 0);
	return a;
}

const struct addr *stranger(void)
{
	static struct addr a;
	a = at("203.0.113.9", 9999);
	return &a;
}

const struct ice_way *by_host(const struct addr *peer)
{
	static struct ice_way way;
	way = (struct ice_way){ ICE_HOST, *peer };
	return &way;
}

static void count(struct side *s, const struct addr *to, struct str datagram)
{
	struct stun_msg m;
	struct str none;
	if (!OK(stun_parse(&m, datagram) == 0))
		return;
	s->n_sent[m.class]++;
	if (m.class == STUN_REQUEST && !addr_eq(to, stranger()))
		s->n_nominations += stun_attr(&m, STUN_USE_CANDIDATE, &none);
}

static void on_send(void *arg, unsigned component, const struct ice_way *way, struct str datagram)
{
	struct side *s = arg;
	struct world *w = s->w;
	count(s, &way->peer, datagram);
	if (s->mute || (s->cut && way->base == ICE_HOST) || !OK(w->n < QUEUE_MAX))
		return;
	struct packet *p = &w->queue[w->n++];
	p->from = way->base == ICE_HOST ? s->at[component] : s->relayed[component];
	p->to = way->peer;
	p->component = component;
	p->len = datagram.len;
	memcpy(p->bytes, datagram.p, datagram.len);
}

static void on_selected(void *arg, unsigned component, const struct ice_way *way)
{
	struct side *s = arg;
	s->chosen[component] = *way;
	s->n_chosen[component]++;
}

static const struct ice_ops ops = { .send = on_send, .selected = on_selected };

void side_start(struct world *w, struct side *s, const char *host, enum stun_dialect d,
                bool controlling)
{
	s->w = w;
	s->at[0] = at(host, 5000);
	s->at[1] = at(host, 5001);
	s->ice = ice_new(w->loop, d, controlling, &ops, s);
}

void world_start(struct world *w, enum stun_dialect d, bool a_controls, bool b_controls)
{
	memset(w, 0, sizeof(*w));
	w->loop = loop_new();
	loop_clock_move(w->loop, USEC_PER_SEC);
	side_start(w, &w->a, "192.0.2.1", d, a_controls);
	side_start(w, &w->b, "192.0.2.2", d, b_controls);
}

void world_end(struct world *w)
{
	ice_free(&w->a.ice);
	ice_free(&w->b.ice);
	loop_free(&w->loop);
}

static void give(struct side *s, const struct packet *p)
{
	struct ice_way way = { ICE_HOST, p->from };
	struct str text = str_n(p->bytes, p->len);
	if (addr_eq(&p->to, &s->relayed[p->component]))
		way.base = ICE_RELAYED;
	else if (s->cut || !addr_eq(&p->to, &s->at[p->component]))
		return;
	ice_input(s->ice, p->component, &way, text);
}

/* What is for nobody is lost. */
static void deliver(struct world *w)
{
	static struct packet batch[QUEUE_MAX];
	unsigned n = w->n;
	memcpy(batch, w->queue, n * sizeof(batch[0]));
	w->n = 0;
	for (unsigned i = 0; i < n; i++) {
		give(&w->a, &batch[i]);
		give(&w->b, &batch[i]);
	}
}

void steps(struct world *w, unsigned n)
{
	while (n--) {
		loop_clock_move(w->loop, STEP_MS * USEC_PER_MSEC);
		loop_turn(w->loop, 0);
		deliver(w);
	}
}

void side_relayed(struct side *s, const char *host)
{
	s->relayed[0] = at(host, 50000);
	s->relayed[1] = at(host, 50001);
	ice_add_relayed(s->ice);
}

void learn_names(struct side *s, const struct side *of)
{
	EQ(ice_set_remote(s->ice, ice_ufrag(of->ice), ice_pwd(of->ice)), 0);
}

void learn(struct side *s, const struct side *of)
{
	learn_names(s, of);
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		ice_add_remote(s->ice, c, &of->at[c], ice_priority(ICE_HOST, c));
		if (addr_port(&of->relayed[c]) != 0)
			ice_add_remote(s->ice, c, &of->relayed[c], ice_priority(ICE_RELAYED, c));
	}
	ice_start(s->ice);
}

void both_learn(struct world *w)
{
	learn(&w->a, &w->b);
	learn(&w->b, &w->a);
}

bool has_chosen(const struct side *s, const struct side *peer)
{
	bool all = true;
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		struct ice_way got;
		all = all && ice_selected(s->ice, c, &got) && got.base == ICE_HOST &&
		      addr_eq(&got.peer, &peer->at[c]) && s->chosen[c].base == ICE_HOST &&
		      addr_eq(&s->chosen[c].peer, &got.peer) && ice_knows(s->ice, c, &got);
	}
	return all;
}

bool have_found_each_other(const struct world *w)
{
	return has_chosen(&w->a, &w->b) && has_chosen(&w->b, &w->a);
}
