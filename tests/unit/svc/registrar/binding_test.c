#include "svc/registrar/binding.h"

#include <stdlib.h>

#include "tap.h"

static struct token_hint from(const char *host, uint16_t port)
{
	struct token_hint h = { .reach = TOKEN_UDP, .slot = 3, .sock = 2 };
	EQ(addr_parse(&h.peer, str_of(host), port), 0);
	return h;
}

static void texts_are_read_as_they_were_given(void)
{
	const struct binding_data d = {
		.text = { [BINDING_CONTACT] = STR("sip:a@192.0.2.1"),
		          [BINDING_CALL_ID] = STR("c1"),
		          [BINDING_PATH] = STR("<sip:p>") },
	};
	struct binding_data other = d;
	struct binding *b = binding_new(&d);
	EQ_STR(binding_text(b, BINDING_CONTACT), "sip:a@192.0.2.1");
	EQ_STR(binding_text(b, BINDING_INSTANCE), "");
	EQ_STR(binding_text(b, BINDING_CALL_ID), "c1");
	EQ_STR(binding_text(b, BINDING_USER_AGENT), "");
	EQ_STR(binding_text(b, BINDING_PATH), "<sip:p>");
	OK(binding_has_texts(b, &d));
	other.text[BINDING_USER_AGENT] = STR("x");
	OK(!binding_has_texts(b, &other));
	/* The same bytes, cut elsewhere. */
	other = d;
	other.text[BINDING_CALL_ID] = STR("c1<");
	other.text[BINDING_PATH] = STR("sip:p>");
	OK(!binding_has_texts(b, &other));
	free(b);
}

static void numbers_are_kept(void)
{
	struct binding_data d = { .endpoint = 1, .credential = 2, .since = 3, .cseq = 4 };
	d.reg_id = 5;
	d.q = 700;
	d.stored = d.lync = true;
	struct binding *b = binding_new(&d);
	OK(b->endpoint == 1 && b->credential == 2 && b->since == 3 && b->cseq == 4);
	OK(b->reg_id == 5 && b->q == 700 && b->stored && b->lync && !b->gruu);
	OK(b->expiry.deadline == USEC_INFINITY);
	free(b);
}

static void hint_comes_back_whatever_it_says(void)
{
	struct token_hint link_local = from("fe80::1", 5060);
	link_local.peer.in6.sin6_scope_id = 7;
	const struct token_hint hints[] = {
		{ .reach = TOKEN_STREAM, .slot = 1, .sock = 1, .flow = UINT64_MAX - 1 },
		from("192.0.2.1", 5060),
		from("2001:db8::1", 65535),
		link_local,
		{ .reach = TOKEN_NOWHERE },
	};
	struct binding *b = binding_new(&(struct binding_data){ .hint = hints[1] });
	for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
		binding_set_hint(b, &hints[i]);
		struct token_hint h = binding_hint(b);
		OK(token_hint_eq(&h, &hints[i]));
		EQ(h.sock, hints[i].sock);
		if (i == 3)
			EQ(h.peer.in6.sin6_scope_id, 7);
	}
	free(b);
}

static void time_that_is_left_is_rounded(void)
{
	struct binding *b = binding_new(&(struct binding_data){ .reg_id = 1 });
	b->expiry.deadline = 600 * USEC_PER_SEC;
	EQ(binding_left_s(b, 0), 600);
	EQ(binding_left_s(b, USEC_PER_SEC / 2), 600);
	EQ(binding_left_s(b, USEC_PER_SEC / 2 + 1), 599);
	EQ(binding_left_s(b, 600 * USEC_PER_SEC), 0);
	EQ(binding_left_s(b, 601 * USEC_PER_SEC), 0);
	free(b);
}

static void bindings_are_visited_oldest_first_and_may_go_meanwhile(void)
{
	struct home_user *u = xcalloc(1, sizeof(*u));
	struct binding_data d = { .reg_id = 3 };
	uint32_t next = 1;
	for (; d.reg_id > 0; d.reg_id--) {
		struct binding *b = binding_new(&d);
		b->next = u->first;
		u->first = b;
	}
	binding_for(b, u)
	{
		EQ(b->reg_id, next++);
		free(b);
	}
	EQ(next, 4);
	free(u);
}

int main(void)
{
	RUN(texts_are_read_as_they_were_given);
	RUN(numbers_are_kept);
	RUN(hint_comes_back_whatever_it_says);
	RUN(time_that_is_left_is_rounded);
	RUN(bindings_are_visited_oldest_first_and_may_go_meanwhile);
	return tap_done();
}
