#include "torture.h"

#include "svc/registrar/registrar.h"

/* The REGISTER messages of RFC 4475 that only a registrar can judge. */

struct world {
	struct loop *loop;
	struct registrar *r;
	struct token_key key;
	struct buf lines; /* of the last answer */
};

static void on_event(void *arg UNUSED, const struct binding *b UNUSED,
                     enum registrar_event ev UNUSED, const char *why UNUSED)
{
}

static struct world *world_start(void)
{
	static const uint8_t raw[32] = { 4 };
	static const struct registrar_config cfg = { 8, 300, 900, 600 };
	static const struct registrar_ops ops = { .event = on_event };
	struct world *w = xnew(struct world);
	w->loop = loop_new();
	w->lines = buf_of(65536);
	token_key_init(&w->key, raw);
	w->r = registrar_new(w->loop, &cfg, &w->key, &ops, w);
	return w;
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	registrar_free(&w->r);
	loop_free(&w->loop);
	buf_free(&w->lines);
	free(w);
}

static int registers(struct world *w, const char *name)
{
	struct sip_msg m;
	auto_(buf_free) struct buf b = torture_message(name);
	EQ(sip_parse(&m, buf_view(&b)), 0);
	struct registrar_request rq = {
		.account = 1,
		.aor = STR("watson@example.com"),
		.msg = &m,
		.hint = { .reach = TOKEN_STREAM, .flow = 1 },
	};
	w->lines.len = 0;
	return registrar_register(w->r, &rq, &(struct registrar_answer){ .lines = &w->lines });
}

/* 3.3.12: of the field, so it is nowhere in the address that is bound. */
static void cparam01_is_bound_without_the_parameter(void)
{
	auto_(world_free) struct world *w = world_start();
	EQ(registers(w, "cparam01"), 200);
	EQ_STR(buf_view(&w->lines), "Contact: <sip:+19725552222@gw1.example.net>;expires=600\r\n");
}

/* 3.3.13: of the address, so it stays there. */
static void cparam02_is_bound_with_the_parameter(void)
{
	auto_(world_free) struct world *w = world_start();
	EQ(registers(w, "cparam02"), 200);
	EQ_STR(buf_view(&w->lines),
	       "Contact: <sip:+19725552222@gw1.example.net;unknownparam>;expires=600\r\n");
}

/* 3.3.14: the escaped field comes back as it was, and nothing acts on it. */
static void regescrt_is_bound_with_its_escaped_field(void)
{
	auto_(world_free) struct world *w = world_start();
	EQ(registers(w, "regescrt"), 200);
	EQ_STR(buf_view(&w->lines),
	       "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>"
	       ";expires=600\r\n");
}

/* 3.1.2.13: is the Route of the address or of the field?  Nobody can tell. */
static void regbadct_is_refused_and_binds_nothing(void)
{
	auto_(world_free) struct world *w = world_start();
	EQ(registers(w, "regbadct"), 400);
	struct home_user *u = registrar_user(w->r, 1);
	EQ(u ? u->n : 0, 0);
}

/* 3.3.4: a contact that is no SIP address cannot be called. */
static void unksm2_is_refused_and_binds_nothing(void)
{
	auto_(world_free) struct world *w = world_start();
	EQ(registers(w, "unksm2"), 400);
	struct home_user *u = registrar_user(w->r, 1);
	EQ(u ? u->n : 0, 0);
}

/* 3.1.1.4: an escaped zero byte ends nothing. */
static void escnull_binds_both_of_its_contacts(void)
{
	auto_(world_free) struct world *w = world_start();
	EQ(registers(w, "escnull"), 200);
	OK(str_find(buf_view(&w->lines), STR("<sip:%00@host5.example.com>")) >= 0);
	OK(str_find(buf_view(&w->lines), STR("<sip:%00%00@host5.example.com>")) >= 0);
}

/* RFC 5118 section 4.1. */
static void a_contact_may_be_an_ipv6_address(void)
{
	auto_(world_free) struct world *w = world_start();
	EQ(registers(w, "ipv6-good"), 200);
	EQ_STR(buf_view(&w->lines), "Contact: <sip:caller@[2001:db8::1]>;expires=600\r\n");
}

int main(void)
{
	RUN(cparam01_is_bound_without_the_parameter);
	RUN(cparam02_is_bound_with_the_parameter);
	RUN(regescrt_is_bound_with_its_escaped_field);
	RUN(regbadct_is_refused_and_binds_nothing);
	RUN(unksm2_is_refused_and_binds_nothing);
	RUN(escnull_binds_both_of_its_contacts);
	RUN(a_contact_may_be_an_ipv6_address);
	return tap_done();
}
