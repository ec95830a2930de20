#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "await.h"
#include "role/frontend/frontend.h"
#include "role/mcu_im/mcu_im.h"
#include "role/mcu_im/mi.h"
#include "wire/c3p/c3p.h"

/* The role behind its links, at whose other ends the test is a front end: the focus, which
 * commands, and the connection by which SIP goes to the clients, which comes and goes. */

enum {
	TURNS = 30,
	TEXT_MAX = 64 * 1024,
	WAITING_MAX = 10000, /* ends that wait */
	WAITING_S = 600,     /* so long */
	LOOK_S = 60,         /* at the latest after so long they are looked at */
	SLOT = 0,
	SIP_AT = 0, /* of the links */
};

#define TOPOLOGY                                                                      \
	"[deployment]\ndomains = example.test\n[host main]\nname = pc.example.test\n" \
	"addresses = 127.0.0.1\n[role accounts]\n[role frontend]\n[role mcu-im]\n"

struct world {
	struct loop *loop;
	struct topo *topo;
	struct role_env env;
	struct role_link links[3];
	struct mcu_im *mi;
	struct c3p_link *focus;
	unsigned n_asked, n_answers;
	int sip;
	char in[TEXT_MAX], text[TEXT_MAX]; /* what was not cut into messages yet; the last one */
	size_t n_in;
	struct sip_msg last;
	bool stopped;
};

static int one_link(int *ret_theirs)
{
	int fds[2] = { -1, -1 };
	OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	*ret_theirs = fds[1];
	return fds[0];
}

static void on_news(void *arg UNUSED, uint32_t peer UNUSED, struct str document UNUSED,
                    struct buf *answer UNUSED)
{
}

static void on_answer(void *arg, uint32_t peer UNUSED, struct str document)
{
	struct world *w = arg;
	OK(str_find(document, STR("code=\"success\"")) > 0);
	w->n_answers++;
}

static void on_lost(void *arg UNUSED, uint32_t peer UNUSED, const char *why UNUSED)
{
}

static const struct c3p_link_ops focus_ops = { .document = on_news,
	                                       .answer = on_answer,
	                                       .lost = on_lost };

static void turn(struct world *w)
{
	for (int i = 0; i < TURNS; i++)
		loop_turn(w->loop, 0);
}

/* The connection for SIP. */

static void break_sip(struct world *w)
{
	(void)close(w->sip);
	w->sip = -1;
	w->n_in = 0;
	turn(w);
}

static void mend_sip(struct world *w)
{
	w->sip = one_link(&w->links[SIP_AT].fd);
	role_mcu_im.link_up(w->mi, SIP_AT);
	turn(w);
}

static struct world *world_start(void)
{
	static const char *const labels[] = { "", "c3p", "news" };
	struct world *w = xnew(struct world);
	auto_(buf_free) struct buf errors = buf_of(4096);
	void *state = NULL;
	int ends[ARRAY_SIZE(labels)];
	w->loop = loop_new();
	w->topo = topo_parse(STR(TOPOLOGY), STR("[local]\nhost = main\n"), "/etc/dt", &errors);
	OK(w->topo != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		w->links[i] =
		        (struct role_link){ .role = STR("frontend"),
			                    .label = str_of(labels[i]),
			                    .slot = SLOT,
			                    .right = role_right_to(&role_frontend, STR("mcu-im")) };
		ends[i] = one_link(&w->links[i].fd);
	}
	w->env = (struct role_env){ .loop = w->loop,
		                    .role = &role_mcu_im,
		                    .n_slots = 1,
		                    .topo = w->topo,
		                    .self = topo_role_here(w->topo, STR("mcu-im")),
		                    .links = w->links,
		                    .n_links = ARRAY_SIZE(labels) };
	OK(w->env.self != NULL);
	log_set_level(LOG_ERROR);
	w->sip = ends[SIP_AT];
	w->focus = c3p_link_new(w->loop, &focus_ops, w);
	c3p_link_open(w->focus, SLOT, ends[1]);
	c3p_link_serve(w->focus, SLOT, ends[2]);
	EQ(role_mcu_im.start(&w->env, &state), 0);
	w->mi = state;
	return w;
}

static void on_stopped(void *arg)
{
	*(bool *)arg = true;
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	role_mcu_im.stop(w->mi, on_stopped, &w->stopped);
	turn(w);
	OK(w->stopped);
	if (w->sip >= 0)
		(void)close(w->sip);
	c3p_link_free(&w->focus);
	loop_free(&w->loop);
	topo_free(&w->topo);
	free(w);
}

/* What the focus commands. */

#define ROOM "sip:boss@example.test;gruu;opaque=app:conf:focus:id:"

static void asks(struct world *w, struct c3p_msg *m)
{
	auto_(buf_free) struct buf b = buf_of(C3P_LINK_DOC_MAX);
	m->kind = C3P_REQUEST;
	m->name = c3p_command_name(m->command);
	m->from = m->conf;
	m->id = STR("1");
	c3p_put(&b, m, true);
	OK(!b.full);
	c3p_link_send(w->focus, SLOT, buf_view(&b));
	w->n_asked++;
	AWAIT(w->loop, w->n_answers == w->n_asked);
}

static struct confinfo_user *user_of(struct arena *a, const char *name, bool phone)
{
	struct confinfo_user *u = arena_alloc(a, sizeof(*u));
	struct confinfo_endpoint *e = arena_alloc(a, sizeof(*e));
	struct confinfo_leg *leg = arena_alloc(a, sizeof(*leg));
	*leg = (struct confinfo_leg){
		.pager = phone,
		.call_id = arena_printf(a, "call-%s", name),
		.local_tag = STR("ours"),
		.remote_tag = phone ? STR("") : STR("theirs"),
		.remote = arena_printf(a, "<sip:%s@example.test>", name),
		.contact = arena_printf(a, "sip:%s@192.0.2.1", name),
		.route = arena_printf(a, "<sip:d.%s@dialtone.invalid;lr>", name),
		.local_cseq = 5,
	};
	*e = (struct confinfo_endpoint){ .entity = arena_printf(a, "{%s}", name),
		                         .epid = phone ? STR("phone") : STR("e1"),
		                         .session = CONFINFO_CHAT,
		                         .status = CONFINFO_CONNECTED,
		                         .leg = leg };
	*u = (struct confinfo_user){ .entity = arena_printf(a, "sip:%s@example.test", name),
		                     .role = CONFINFO_ATTENDEE,
		                     .endpoints = e };
	return u;
}

/* A conference in which a client, called n, and a phone, called p, have been for long. */
static void opens(struct world *w, const char *focus, const char *n, const char *p)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct c3p_conf conf = { .info = { .entity = str_of(focus), .with_users = true } };
	struct c3p_msg m = { .command = C3P_ADD_CONFERENCE, .conf = str_of(focus), .confs = &conf };
	conf.info.users = user_of(a, n, false);
	if (p)
		conf.info.users->next = user_of(a, p, true);
	conf.info.n_users = p ? 2 : 1;
	asks(w, &m);
}

static void opens_with_many(struct world *w, const char *focus)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct c3p_conf conf = { .info = { .entity = str_of(focus), .with_users = true } };
	struct c3p_msg m = { .command = C3P_ADD_CONFERENCE, .conf = str_of(focus), .confs = &conf };
	for (int i = 0; i < IMMCU_PEOPLE_MAX; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "u%d", i);
		struct confinfo_user *u = user_of(a, name, false);
		u->next = conf.info.users;
		conf.info.users = u;
	}
	conf.info.n_users = IMMCU_PEOPLE_MAX;
	asks(w, &m);
}

static void sends_away(struct world *w, const char *focus, const char *uri)
{
	asks(w, &(struct c3p_msg){
	                .command = C3P_DELETE_USER, .conf = str_of(focus), .user = str_of(uri) });
}

static void takes_in(struct world *w, const char *focus, const char *phone)
{
	auto_(arena_free) struct arena *a = arena_new();
	asks(w, &(struct c3p_msg){ .command = C3P_ADD_USER,
	                           .conf = str_of(focus),
	                           .who = user_of(a, phone, true) });
}

static void ends(struct world *w, const char *focus)
{
	asks(w, &(struct c3p_msg){ .command = C3P_DELETE_CONFERENCE, .conf = str_of(focus) });
}

/* What clients hear. */

static bool hears(struct world *w)
{
	struct sip_framer f = { 0 };
	uint32_t len = 0;
	ssize_t n = recv(w->sip, w->in + w->n_in, sizeof(w->in) - w->n_in, 0);
	w->n_in += n > 0 ? (size_t)n : 0;
	if (sip_frame(&f, str_n(w->in, w->n_in), TEXT_MAX, &len) != SIP_FRAME_MSG)
		return false;
	memcpy(w->text, w->in, len);
	memmove(w->in, w->in + len, w->n_in - len);
	w->n_in -= len;
	return OK(sip_parse(&w->last, str_n(w->text, len)) == 0);
}

static bool hears_of(struct world *w, enum sip_method method, const char *call_id)
{
	return OK(hears(w)) && EQ(w->last.method, method) && EQ_STR(w->last.call_id, call_id);
}

/* The last request, with that code. */
static void answers(struct world *w, int code)
{
	auto_(buf_free) struct buf b = buf_of(TEXT_MAX);
	sip_put_response(&b, &w->last, code, STR("Answer"), STR("b"), NULL);
	sip_put_body(&b, STR(""), STR(""));
	EQ(write(w->sip, b.p, b.len), (ssize_t)b.len);
	turn(w);
}

/* The tests. */

static void a_bye_waits_for_a_front_end(void)
{
	auto_(world_free) struct world *w = world_start();
	opens(w, ROOM "one", "bob", NULL);
	break_sip(w);
	sends_away(w, ROOM "one", "sip:bob@example.test");
	EQ(w->mi->n_partings, 1);
	mend_sip(w);
	OK(hears_of(w, SIP_BYE, "call-bob"));
	EQ(w->last.cseq, 6 + IMMCU_CSEQ_JUMP);
	EQ_STR(w->last.uri, "sip:bob@192.0.2.1");
	EQ_STR(sip_value(&w->last, SIP_H_ROUTE), "<sip:d.bob@dialtone.invalid;lr>");
	OK(str_starts(sip_value(&w->last, SIP_H_FROM), STR("<sip:boss@example.test;gruu;opaque="
	                                                   "app:conf:chat:id:one>;tag=ours")));
	OK(sip_first(&w->last, SIP_H_MS_DIAGNOSTICS) != NULL);
	answers(w, 200);
	EQ(w->mi->n_partings, 0);
	OK(!hears(w));
}

static void all_who_were_in_are_told_in_their_order(void)
{
	auto_(world_free) struct world *w = world_start();
	opens(w, ROOM "one", "bob", "pat");
	opens(w, ROOM "two", "carol", NULL);
	break_sip(w);
	ends(w, ROOM "two");
	ends(w, ROOM "one");
	mend_sip(w);
	OK(hears_of(w, SIP_BYE, "call-carol"));
	OK(hears_of(w, SIP_BYE, "call-bob"));
	OK(hears(w) && w->last.method == SIP_MESSAGE);
	EQ_STR(w->last.uri, "sip:pat@192.0.2.1");
	EQ_STR(w->last.body, "You are not in this conversation any more.");
	OK(!hears(w));
}

static void one_that_was_not_answered_is_said_again_by_the_next_connection(void)
{
	auto_(world_free) struct world *w = world_start();
	opens(w, ROOM "one", "bob", NULL);
	sends_away(w, ROOM "one", "sip:bob@example.test");
	turn(w);
	OK(hears_of(w, SIP_BYE, "call-bob"));
	uint32_t cseq = w->last.cseq;
	break_sip(w);
	EQ(w->mi->n_partings, 1);
	mend_sip(w);
	OK(hears_of(w, SIP_BYE, "call-bob"));
	EQ(w->last.cseq, cseq);
	answers(w, 481);
	EQ(w->mi->n_partings, 0);
	break_sip(w);
	mend_sip(w);
	OK(!hears(w));
}

/* The end of the old connection is heard after the new one has come. */
static void a_connection_that_takes_the_place_of_another_is_used_at_once(void)
{
	auto_(world_free) struct world *w = world_start();
	opens(w, ROOM "one", "bob", NULL);
	sends_away(w, ROOM "one", "sip:bob@example.test");
	turn(w);
	OK(hears_of(w, SIP_BYE, "call-bob"));
	int old = w->sip;
	mend_sip(w);
	OK(!hears(w));
	(void)close(old);
	turn(w);
	OK(hears_of(w, SIP_BYE, "call-bob"));
}

static void a_phone_that_is_back_is_not_told_that_it_is_out(void)
{
	auto_(world_free) struct world *w = world_start();
	opens(w, ROOM "one", "bob", "pat");
	break_sip(w);
	sends_away(w, ROOM "one", "sip:pat@example.test");
	sends_away(w, ROOM "one", "sip:bob@example.test");
	EQ(w->mi->n_partings, 2);
	takes_in(w, ROOM "one", "pat");
	mend_sip(w);
	OK(hears_of(w, SIP_BYE, "call-bob"));
	OK(!hears(w));
}

static void what_cannot_be_said_for_long_is_given_up_and_counted(void)
{
	auto_(world_free) struct world *w = world_start();
	opens(w, ROOM "one", "bob", "pat");
	break_sip(w);
	ends(w, ROOM "one");
	loop_clock_move(w->loop, (WAITING_S - 1) * USEC_PER_SEC);
	turn(w);
	EQ(w->mi->n_partings, 2);
	loop_clock_move(w->loop, (1 + LOOK_S) * USEC_PER_SEC);
	turn(w);
	EQ(w->mi->n_partings, 0);
	EQ(w->mi->n_untold, 2);
	mend_sip(w);
	OK(!hears(w));
}

static void the_oldest_goes_if_too_many_wait(void)
{
	auto_(world_free) struct world *w = world_start();
	char focus[sizeof(ROOM) + 8];
	opens(w, ROOM "one", "bob", NULL);
	break_sip(w);
	ends(w, ROOM "one");
	for (int i = 0; i < WAITING_MAX / IMMCU_PEOPLE_MAX; i++) {
		(void)snprintf(focus, sizeof(focus), ROOM "r%d", i);
		opens_with_many(w, focus);
		ends(w, focus);
	}
	EQ(w->mi->n_partings, WAITING_MAX);
	EQ(w->mi->n_untold, 1);
	mend_sip(w);
	OK(hears(w) && !str_eq(w->last.call_id, STR("call-bob")));
}

static void the_end_of_the_role_forgets_what_is_under_way_and_what_waits(void)
{
	for (int i = 0; i < 2; i++) {
		auto_(world_free) struct world *w = world_start();
		opens(w, ROOM "one", "bob", NULL);
		if (i > 0)
			break_sip(w);
		ends(w, ROOM "one");
		EQ(w->mi->n_partings, 1);
	}
}

int main(void)
{
	RUN(a_bye_waits_for_a_front_end);
	RUN(all_who_were_in_are_told_in_their_order);
	RUN(one_that_was_not_answered_is_said_again_by_the_next_connection);
	RUN(a_connection_that_takes_the_place_of_another_is_used_at_once);
	RUN(a_phone_that_is_back_is_not_told_that_it_is_out);
	RUN(what_cannot_be_said_for_long_is_given_up_and_counted);
	RUN(the_oldest_goes_if_too_many_wait);
	RUN(the_end_of_the_role_forgets_what_is_under_way_and_what_waits);
	return tap_done();
}
