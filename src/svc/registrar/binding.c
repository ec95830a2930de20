#include "svc/registrar/binding.h"

#include "loop/ticks.h"

static size_t kept_len(struct str s)
{
	return MIN(s.len, (size_t)UINT16_MAX);
}

struct binding *binding_new(const struct binding_data *d)
{
	size_t total = 0;
	for (int i = 0; i < BINDING_N_TEXTS; i++)
		total += kept_len(d->text[i]);
	struct binding *b = xcalloc(1, sizeof(*b) + total);
	*b = (struct binding){
		.endpoint = d->endpoint,
		.credential = d->credential,
		.since = d->since,
		.cseq = d->cseq,
		.reg_id = d->reg_id,
		.q = d->q,
		.stored = d->stored,
		.gruu = d->gruu,
		.lync = d->lync,
	};
	tick_init(&b->expiry);
	binding_set_hint(b, &d->hint);
	char *to = b->texts;
	for (int i = 0; i < BINDING_N_TEXTS; i++) {
		b->len[i] = (uint16_t)kept_len(d->text[i]);
		if (b->len[i])
			memcpy(to, d->text[i].p, b->len[i]);
		to += b->len[i];
	}
	return b;
}

struct str binding_text(const struct binding *b, enum binding_text which)
{
	const char *p = b->texts;
	for (enum binding_text i = 0; i < which; i++)
		p += b->len[i];
	return str_n(p, b->len[which]);
}

bool binding_has_texts(const struct binding *b, const struct binding_data *d)
{
	for (enum binding_text i = 0; i < BINDING_N_TEXTS; i++)
		if (!str_eq(binding_text(b, i), d->text[i]))
			return false;
	return true;
}

struct token_hint binding_hint(const struct binding *b)
{
	struct token_hint h = { .reach = b->reach, .slot = b->slot, .sock = b->sock };
	if (b->reach != TOKEN_UDP) {
		h.flow = b->stream.flow;
		return h;
	}
	struct bytes packed = { b->peer.packed, b->peer_len };
	if (addr_unpack(&h.peer, packed) == 0 && h.peer.sa.sa_family == AF_INET6)
		h.peer.in6.sin6_scope_id = b->peer.scope;
	return h;
}

void binding_set_hint(struct binding *b, const struct token_hint *h)
{
	b->reach = h->reach;
	b->slot = h->slot;
	b->sock = h->sock;
	if (h->reach != TOKEN_UDP) {
		b->stream.flow = h->flow;
		return;
	}
	b->peer_len = (uint8_t)addr_pack(&h->peer, b->peer.packed);
	b->peer.scope = h->peer.sa.sa_family == AF_INET6 ? h->peer.in6.sin6_scope_id : 0;
}

uint32_t binding_left_s(const struct binding *b, usec_t now)
{
	usec_t end = b->expiry.deadline;
	return end > now ? (uint32_t)((end - now + USEC_PER_SEC / 2) / USEC_PER_SEC) : 0;
}
