#include "svc/registrar/registrar.h"
#include "tap.h"

struct world {
	struct loop *loop;
	struct registrar *r;
	struct token_key key;
	unsigned added, moved, gone;
	char why[64];
};

static void on_event(void *arg, const struct binding *b UNUSED, enum registrar_event ev,
                     const char *why)
{
	struct world *w = arg;
	w->added += ev == BINDING_ADDED;
	w->moved += ev == BINDING_MOVED;
	w->gone += ev == BINDING_GONE || ev == BINDING_LOST;
	(void)snprintf(w->why, sizeof(w->why), "%s", why);
}

static void world_start(struct world *w)
{
	static const uint8_t raw[32] = { 9 };
	static const struct registrar_config cfg = { 3, 300, 900, 600 };
	static const struct registrar_ops ops = { .event = on_event };
	*w = (struct world){ .loop = loop_new() };
	token_key_init(&w->key, raw);
	w->r = registrar_new(w->loop, &cfg, &w->key, &ops, w);
}

static void world_end(struct world *w)
{
	registrar_free(&w->r);
	loop_free(&w->loop);
}

/* A REGISTER with these Contact and Expires lines, on connection `flow`. */
static struct registrar_request request(struct sip_msg *m, char text[2048], const char *lines,
                                        uint32_t cseq, uint64_t flow)
{
	(void)snprintf(text, 2048,
	               "REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
	               "From: <sip:a@example.test>;tag=1\r\nTo: <sip:a@example.test>\r\n"
	               "Call-ID: c%u\r\nCSeq: %u REGISTER\r\n%s\r\n",
	               (unsigned)(cseq >> 16), cseq & 0xffff, lines);
	EQ(sip_parse(m, str_of(text)), 0);
	struct registrar_request rq = { .account = 1, .aor = STR("a@example.test"), .msg = m };
	rq.hint = (struct token_hint){ .reach = TOKEN_STREAM, .flow = flow };
	return rq;
}

static int reg(struct world *w, const char *lines, uint32_t cseq, uint64_t flow, struct buf *out)
{
	char text[2048];
	struct sip_msg m;
	auto_(buf_free) struct buf own = buf_of(65536);
	struct registrar_request rq = request(&m, text, lines, cseq, flow);
	struct registrar_answer a = { .lines = out ? out : &own };
	return registrar_register(w->r, &rq, &a);
}

static unsigned bindings(struct world *w)
{
	struct home_user *u = registrar_user(w->r, 1);
	return u ? u->n : 0;
}

static void expiry_is_brought_within_its_bounds(void)
{
	struct world w;
	auto_(buf_free) struct buf b = buf_of(65536);
	world_start(&w);
	EQ(reg(&w, "Contact: <sip:a@1>;expires=60\r\n", 1, 1, &b), 200);
	EQ_STR(buf_view(&b), "Contact: <sip:a@1>;expires=300\r\n");
	b.len = 0;
	EQ(reg(&w, "Contact: <sip:a@1>\r\nExpires: 99999\r\n", 2, 1, &b), 200);
	EQ_STR(buf_view(&b), "Contact: <sip:a@1>;expires=900\r\n");
	b.len = 0;
	EQ(reg(&w, "Contact: <sip:a@1>\r\n", 3, 1, &b), 200);
	EQ_STR(buf_view(&b), "Contact: <sip:a@1>;expires=600\r\n");
	EQ(w.added, 1);
	EQ(w.moved, 0);
	world_end(&w);
}

static void the_endpoint_over_the_limit_pushes_out_the_oldest(void)
{
	struct world w;
	world_start(&w);
	EQ(reg(&w, "Contact: <sip:a@1>\r\n", 1, 1, NULL), 200);
	EQ(reg(&w, "Contact: <sip:a@2>\r\n", 2, 2, NULL), 200);
	EQ(reg(&w, "Contact: <sip:a@3>\r\n", 3, 3, NULL), 200);
	EQ(reg(&w, "Contact: <sip:a@4>\r\n", 4, 4, NULL), 200);
	EQ(bindings(&w), 3);
	OK(registrar_contact(registrar_user(w.r, 1), STR("sip:a@1")) == NULL);
	OK(registrar_contact(registrar_user(w.r, 1), STR("sip:a@4")) != NULL);
	EQ_STR(str_of(w.why), "pushed out: too many endpoints");
	world_end(&w);
}

static void a_request_that_was_overtaken_changes_nothing(void)
{
	struct world w;
	world_start(&w);
	EQ(reg(&w, "Contact: <sip:a@1>\r\n", 5, 1, NULL), 200);
	EQ(reg(&w, "Contact: <sip:a@1>;expires=0\r\n", 5, 1, NULL), 400);
	EQ(reg(&w, "Contact: *\r\nExpires: 0\r\n", 4, 1, NULL), 400);
	EQ(bindings(&w), 1);
	/* Another Call-ID (the client was started anew) is no old request. */
	EQ(reg(&w, "Contact: <sip:a@1>;expires=0\r\n", 1 << 16 | 1, 1, NULL), 200);
	EQ(bindings(&w), 0);
	OK(registrar_user(w.r, 1) == NULL);
	world_end(&w);
}

static void star_signs_off_everything_and_stands_alone(void)
{
	struct world w;
	world_start(&w);
	EQ(reg(&w, "Contact: <sip:a@1>, <sip:a@2>\r\n", 1, 1, NULL), 200);
	EQ(bindings(&w), 2);
	EQ(reg(&w, "Contact: *\r\nExpires: 60\r\n", 2, 1, NULL), 400);
	EQ(reg(&w, "Contact: *, <sip:a@3>\r\nExpires: 0\r\n", 3, 1, NULL), 400);
	EQ(bindings(&w), 2);
	EQ(reg(&w, "Contact: *\r\nExpires: 0\r\n", 4, 1, NULL), 200);
	EQ(bindings(&w), 0);
	world_end(&w);
}

static void a_lost_connection_takes_its_bindings_with_it(void)
{
	struct world w;
	world_start(&w);
	EQ(reg(&w, "Contact: <sip:a@1>\r\n", 1, 11, NULL), 200);
	EQ(reg(&w, "Contact: <sip:a@2>\r\n", 2, 22, NULL), 200);
	registrar_flow_lost(w.r, 0, 11);
	EQ(bindings(&w), 1);
	registrar_flow_lost(w.r, 1, 22); /* another process's connection of that number */
	EQ(bindings(&w), 1);
	registrar_flow_lost(w.r, 0, 0);
	EQ(bindings(&w), 0);
	EQ(w.gone, 2);
	world_end(&w);
}

static void a_broken_contact_changes_nothing(void)
{
	struct world w;
	world_start(&w);
	EQ(reg(&w, "Contact: <sip:a@1>, <tel:+1>\r\n", 1, 1, NULL), 400);
	EQ(reg(&w, "Contact: <sip:a@1>, <sip:>\r\n", 2, 1, NULL), 400);
	EQ(bindings(&w), 0);
	EQ(w.added, 0);
	world_end(&w);
}

static void a_query_lists_and_binds_nothing(void)
{
	struct world w;
	auto_(buf_free) struct buf b = buf_of(65536);
	world_start(&w);
	EQ(reg(&w, "", 1, 1, &b), 200);
	EQ(b.len, 0);
	OK(registrar_user(w.r, 1) == NULL);
	world_end(&w);
}

static void a_second_flow_of_an_instance_is_the_same_endpoint(void)
{
	struct world w;
	world_start(&w);
	EQ(reg(&w,
	       "Supported: outbound\r\n"
	       "Contact: <sip:a@1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\r\n",
	       1, 1, NULL),
	   200);
	EQ(reg(&w,
	       "Supported: outbound\r\n"
	       "Contact: <sip:a@1>;+sip.instance=\"<urn:uuid:1>\";reg-id=2\r\n",
	       2, 2, NULL),
	   200);
	struct home_user *u = registrar_user(w.r, 1);
	EQ(u->n, 2);
	struct binding *first = u->first;
	struct binding *newest = registrar_endpoint(u, first->endpoint);
	EQ(newest->reg_id, 2);
	world_end(&w);
}

static void of_a_contacts_parameters_the_first_counts(void)
{
	struct world w;
	auto_(buf_free) struct buf b = buf_of(65536);
	world_start(&w);
	EQ(reg(&w, "Contact: <sip:a@1>;EXPIRES=400;x;q=0.5;expires=0;q=0.1\r\n", 1, 1, &b), 200);
	EQ_STR(buf_view(&b), "Contact: <sip:a@1>;expires=400;q=0.500\r\n");
	EQ(reg(&w, "Contact: <sip:a@1>;reg-id\r\n", 2, 1, NULL), 200); /* without instance */
	EQ(reg(&w, "Contact: <sip:a@1>;+sip.instance=\"<i>\";reg-id\r\n", 3, 1, NULL), 400);
	EQ(reg(&w, "Contact: <sip:a@1>;+sip.instance=\"<i>\";reg-id=x\r\n", 4, 1, NULL), 400);
	world_end(&w);
}

static bool again(struct world *w, const char *lines, uint32_t cseq, uint64_t flow, struct buf *out)
{
	char text[2048];
	struct sip_msg m;
	auto_(buf_free) struct buf own = buf_of(65536);
	struct registrar_request rq = request(&m, text, lines, cseq, flow);
	bool is = registrar_again(w->r, &rq, out ? out : &own);
	OK(is || own.len == 0);
	return is;
}

static void a_request_that_comes_again_is_answered_as_before_and_changes_nothing(void)
{
	static const char lines[] = "Supported: outbound\r\nContact: "
	                            "<sip:a@1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\r\n";
	struct world w;
	auto_(buf_free) struct buf first = buf_of(65536), second = buf_of(65536);
	world_start(&w);
	EQ(reg(&w, lines, 7, 1, &first), 200);
	OK(again(&w, lines, 7, 1, &second));
	OK(str_eq(buf_view(&second), buf_view(&first)));
	EQ(bindings(&w), 1);
	EQ(w.added, 1);
	EQ(w.moved, 0);
	/* Its time goes on. */
	loop_clock_move(w.loop, 32 * USEC_PER_SEC);
	loop_turn(w.loop, 0);
	second.len = 0;
	OK(again(&w, lines, 7, 1, &second));
	OK(str_find(buf_view(&second), STR(";expires=568;")) > 0);
	loop_clock_move(w.loop, USEC_PER_SEC);
	loop_turn(w.loop, 0);
	OK(!again(&w, lines, 7, 1, NULL));
	world_end(&w);
}

static void only_the_request_that_made_the_bindings_comes_again(void)
{
	static const char one[] = "Contact: <sip:a@1>\r\n";
	struct world w;
	world_start(&w);
	OK(!again(&w, one, 7, 1, NULL));
	EQ(reg(&w, one, 7, 1, NULL), 200);
	OK(again(&w, one, 7, 1, NULL));
	OK(!again(&w, one, 6, 1, NULL));           /* overtaken */
	OK(!again(&w, one, 8, 1, NULL));           /* new */
	OK(!again(&w, one, 1 << 16 | 7, 1, NULL)); /* of another life of the client */
	OK(!again(&w, one, 7, 2, NULL));           /* from elsewhere */
	OK(!again(&w, "Contact: <sip:a@1;x=y>\r\n", 7, 1, NULL));
	OK(!again(&w, "Contact: <sip:a@1>;expires=300\r\n", 7, 1, NULL));
	OK(!again(&w, "Contact: <sip:a@1>;expires=0\r\n", 7, 1, NULL));
	OK(!again(&w, "Contact: <sip:a@1>, <sip:a@2>\r\n", 7, 1, NULL));
	OK(!again(&w, "Contact: *\r\nExpires: 0\r\n", 7, 1, NULL));
	OK(!again(&w, "", 7, 1, NULL));
	EQ(reg(&w, one, 8, 1, NULL), 200);
	OK(!again(&w, one, 7, 1, NULL));
	OK(again(&w, one, 8, 1, NULL));
	world_end(&w);
}

static void answer_says_what_stays(void)
{
	static const struct {
		const char *lines;
		bool signs_off, bound;
	} rows[] = {
		{ "Contact: <sip:a@1>\r\n", false, true },
		{ "Contact: <sip:a@1>, <sip:a@2>;expires=0\r\n", false, false },
		{ "Contact: <sip:a@1>;expires=0\r\n", true, false },
		{ "Contact: *\r\nExpires: 0\r\n", true, false },
		{ "", false, false },
	};
	struct world w;
	world_start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[2048];
		struct sip_msg m;
		auto_(buf_free) struct buf b = buf_of(65536);
		struct registrar_answer a = { .lines = &b };
		struct registrar_request rq = request(&m, text, rows[i].lines, (uint32_t)i + 1, 1);
		EQ(registrar_register(w.r, &rq, &a), 200);
		EQ(a.signs_off, rows[i].signs_off);
		EQ(a.bound, rows[i].bound);
	}
	world_end(&w);
}

int main(void)
{
	RUN(expiry_is_brought_within_its_bounds);
	RUN(the_endpoint_over_the_limit_pushes_out_the_oldest);
	RUN(a_request_that_was_overtaken_changes_nothing);
	RUN(star_signs_off_everything_and_stands_alone);
	RUN(a_lost_connection_takes_its_bindings_with_it);
	RUN(a_broken_contact_changes_nothing);
	RUN(a_query_lists_and_binds_nothing);
	RUN(a_second_flow_of_an_instance_is_the_same_endpoint);
	RUN(a_request_that_comes_again_is_answered_as_before_and_changes_nothing);
	RUN(only_the_request_that_made_the_bindings_comes_again);
	RUN(answer_says_what_stays);
	RUN(of_a_contacts_parameters_the_first_counts);
	return tap_done();
}
