#include "svc/access/sa.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"
#include "wire/sip/compose.h"

/* A mechanism that takes every message whose X-Good field names the association. */
struct auth_assoc {
	char id[8];
	unsigned signed_n;
};

static unsigned n_made, n_freed;

static struct auth_assoc *begin(void *mech UNUSED, const struct addr *peer UNUSED)
{
	struct auth_assoc *a = xnew(struct auth_assoc);
	(void)snprintf(a->id, sizeof(a->id), "id%u", ++n_made);
	return a;
}

static struct str id_of(void *mech UNUSED, const struct auth_assoc *a)
{
	return str_of(a->id);
}

static int verify(void *mech UNUSED, struct auth_assoc *a, const struct sip_msg *m)
{
	return str_eq(sip_value_named(m, STR("X-Good")), str_of(a->id)) ? 0 : -EACCES;
}

static int sign(void *mech UNUSED, struct auth_assoc *a, const struct sip_msg *m UNUSED,
                struct buf *line)
{
	buf_printf(line, "X-Signed: %s %u\r\n", a->id, ++a->signed_n);
	return 0;
}

static void release(void *mech UNUSED, struct auth_assoc **ap)
{
	n_freed += *ap != NULL;
	free(take(ap));
}

static const struct auth_mech mech = { .scheme = "Toy",
	                               .signs = true,
	                               .begin = begin,
	                               .id = id_of,
	                               .verify = verify,
	                               .sign = sign,
	                               .free = release };

struct world {
	struct loop *loop;
	struct sa_list sas;
	struct sip_flow flow;
	struct addr peer;
	unsigned wrong;
	const char *why;
};

static void on_wrong(void *arg, const struct sip_flow *f UNUSED, const struct sip_msg *m UNUSED,
                     const char *why)
{
	struct world *w = arg;
	w->wrong++;
	w->why = why;
}

static void world_start(struct world *w)
{
	*w = (struct world){ .loop = loop_new() };
	loop_clock_move(w->loop, USEC_PER_SEC);
	EQ(addr_parse(&w->peer, STR("192.0.2.1"), 1), 0);
	sa_list_init(&w->sas, w->loop, on_wrong, w);
	n_made = n_freed = 0;
}

static void world_end(struct world *w)
{
	sa_list_done(&w->sas);
	EQ(n_freed, n_made);
	loop_free(&w->loop);
}

static struct sa *new_up(struct world *w, uint64_t account, const char *uri)
{
	struct sa *s = sa_begin(&w->sas, &mech, NULL, &w->peer);
	struct auth_result r = { .kind = AUTH_ACCEPT,
		                 .account = account,
		                 .credential = account + 100,
		                 .uri = str_of(uri) };
	sa_up(&w->sas, s, &w->flow, &r);
	return s;
}

/* A request of the client that says who signed it. */
static int received(struct world *w, const char *method, const char *id, const char *good)
{
	char text[1024];
	RAW_MEMORY struct sip_msg m;
	(void)snprintf(text, sizeof(text),
	               "%s sip:b@example.test SIP/2.0\r\nVia: SIP/2.0/TLS h\r\n"
	               "From: <sip:alice@example.test>;tag=1\r\nTo: <sip:b@example.test>\r\n"
	               "Call-ID: 1\r\nCSeq: 1 %s\r\nAuthorization: Toy opaque=\"%s\"\r\n"
	               "X-Good: %s\r\n\r\n",
	               method, method, id, good);
	EQ(sip_parse(&m, str_of(text)), 0);
	return w->flow.sec->verify(w->flow.sec_state, &w->flow, &m);
}

/* The message as it leaves. */
static const char *sent(struct world *w, const char *start, const char *from, const char *to)
{
	static struct buf b;
	buf_free(&b);
	b = buf_of(4096);
	buf_printf(&b,
	           "%s\r\nVia: SIP/2.0/TLS h\r\nFrom: <sip:%s>;tag=1\r\nTo: <sip:%s>\r\n"
	           "Call-ID: 1\r\nCSeq: 1 MESSAGE\r\nContent-Length: 4\r\n\r\nbody",
	           start, from, to);
	EQ(w->flow.sec->sign(w->flow.sec_state, &w->flow, &b), 0);
	buf_char(&b, '\0');
	return b.p;
}

static void a_flow_without_an_association_is_not_guarded(void)
{
	struct world w;
	world_start(&w);
	OK(sa_begin(&w.sas, &mech, NULL, &w.peer) != NULL);
	OK(w.flow.sec == NULL);
	world_end(&w);
}

static void what_is_not_signed_by_a_user_of_the_flow_is_dropped(void)
{
	struct world w;
	world_start(&w);
	(void)new_up(&w, 1, "alice@example.test");
	EQ(received(&w, "MESSAGE", "id1", "id1"), 0);
	EQ(w.wrong, 0);
	EQ(received(&w, "MESSAGE", "id1", "forged"), -EACCES);
	EQ(received(&w, "MESSAGE", "id9", "id9"), -EACCES);
	EQ(received(&w, "BYE", "", ""), -EACCES);
	EQ(w.wrong, 3);
	EQ(received(&w, "REGISTER", "", ""), 0); /* it may begin anew */
	world_end(&w);
}

static void an_association_that_is_being_made_signs_nothing(void)
{
	struct world w;
	world_start(&w);
	(void)new_up(&w, 1, "alice@example.test");
	OK(sa_begin(&w.sas, &mech, NULL, &w.peer) != NULL);
	EQ(received(&w, "MESSAGE", "id2", "id2"), -EACCES);
	world_end(&w);
}

static void the_line_stands_at_the_end_of_the_head(void)
{
	struct world w;
	world_start(&w);
	(void)new_up(&w, 1, "alice@example.test");
	const char *text = sent(&w, "MESSAGE sip:alice@example.test SIP/2.0", "b@example.test",
	                        "alice@example.test");
	OK(strstr(text, "Content-Length: 4\r\nX-Signed: id1 1\r\n\r\nbody") != NULL);
	world_end(&w);
}

static void a_challenge_is_never_signed(void)
{
	struct world w;
	world_start(&w);
	(void)new_up(&w, 1, "alice@example.test");
	OK(NULL ==
	   strstr(sent(&w, "SIP/2.0 401 Unauthorized", "alice@example.test", "b@example.test"),
	          "X-Signed"));
	OK(strstr(sent(&w, "SIP/2.0 183 Progress", "alice@example.test", "b@example.test"),
	          "X-Signed") != NULL);
	world_end(&w);
}

static void each_user_of_a_flow_is_signed_to_with_the_own_key(void)
{
	struct world w;
	world_start(&w);
	(void)new_up(&w, 1, "alice@example.test");
	(void)new_up(&w, 2, "bob@example.test");
	OK(strstr(sent(&w, "MESSAGE sip:x SIP/2.0", "c@example.test", "alice@example.test"),
	          "id1") != NULL);
	OK(strstr(sent(&w, "MESSAGE sip:x SIP/2.0", "c@example.test", "bob@example.test"), "id2") !=
	   NULL);
	OK(strstr(sent(&w, "SIP/2.0 200 OK", "alice@example.test", "bob@example.test"), "id1") !=
	   NULL);
	OK(strstr(sent(&w, "SIP/2.0 200 OK", "x@example.test", "y@example.test"), "id2") != NULL);
	world_end(&w);
}

static void an_association_grows_old_and_ends(void)
{
	struct world w;
	world_start(&w);
	struct sa *s = new_up(&w, 1, "alice@example.test");
	OK(!sa_is_old(s, loop_now(w.loop)));
	loop_clock_move(w.loop, (SA_LIFE_S + 1) * USEC_PER_SEC);
	OK(sa_is_old(s, loop_now(w.loop)));
	EQ(received(&w, "MESSAGE", "id1", "id1"), 0); /* until the next REGISTER */
	loop_clock_move(w.loop, SA_GRACE_S * USEC_PER_SEC);
	EQ(received(&w, "MESSAGE", "id1", "id1"), -EACCES);
	EQ(strcmp(w.why, "association expired"), 0);
	world_end(&w);
}

static void a_new_one_of_the_same_user_leaves_the_last_for_what_is_on_its_way(void)
{
	struct world w;
	world_start(&w);
	for (int i = 0; i < 3; i++)
		(void)new_up(&w, 1, "alice@example.test");
	EQ(w.sas.n, 2);
	EQ(received(&w, "MESSAGE", "id1", "id1"), -EACCES);
	EQ(received(&w, "MESSAGE", "id2", "id2"), 0);
	EQ(received(&w, "MESSAGE", "id3", "id3"), 0);
	world_end(&w);
}

static void those_that_never_come_up_make_room_and_busy_ones_do_not(void)
{
	struct world w;
	struct sa *first, *holder;
	world_start(&w);
	struct sa *up = new_up(&w, 1, "alice@example.test");
	holder = first = sa_begin(&w.sas, &mech, NULL, &w.peer);
	first->holder = &holder;
	for (int i = 0; i < 3 * SA_PER_FLOW_MAX; i++)
		OK(sa_begin(&w.sas, &mech, NULL, &w.peer) != NULL);
	EQ(w.sas.n, SA_PER_FLOW_MAX);
	OK(holder == first); /* a leg is under way */
	OK(sa_find(&w.sas, &mech, STR("id1")) == up);
	world_end(&w);
	OK(holder == NULL); /* who waited is told */
}

static void revoking_takes_off_what_was_made_with_the_credential(void)
{
	struct world w;
	world_start(&w);
	(void)new_up(&w, 1, "alice@example.test");
	(void)new_up(&w, 2, "bob@example.test");
	sa_revoke(&w.sas, 1, 999);
	EQ(w.sas.n, 2);
	sa_revoke(&w.sas, 1, 101);
	EQ(w.sas.n, 1);
	EQ(received(&w, "MESSAGE", "id1", "id1"), -EACCES);
	EQ(received(&w, "MESSAGE", "id2", "id2"), 0);
	sa_revoke(&w.sas, 0, 0);
	EQ(w.sas.n, 0);
	world_end(&w);
}

int main(void)
{
	RUN(a_flow_without_an_association_is_not_guarded);
	RUN(what_is_not_signed_by_a_user_of_the_flow_is_dropped);
	RUN(an_association_that_is_being_made_signs_nothing);
	RUN(the_line_stands_at_the_end_of_the_head);
	RUN(a_challenge_is_never_signed);
	RUN(each_user_of_a_flow_is_signed_to_with_the_own_key);
	RUN(an_association_grows_old_and_ends);
	RUN(a_new_one_of_the_same_user_leaves_the_last_for_what_is_on_its_way);
	RUN(those_that_never_come_up_make_room_and_busy_ones_do_not);
	RUN(revoking_takes_off_what_was_made_with_the_credential);
	return tap_done();
}
