#include "role/media_bridge/relay.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../stack/turn/house.h"
#include "role/media_bridge/mb.h"
#include "role/media_bridge/media_bridge.h"
#include "tap.h"
#include "wire/mrasp/mrasp.h"
#include "wire/sip/compose.h"

/* The role behind a link, at whose other end the test is the front end, and a relay on loopback.
 * The clock is the test's. */

enum { TURNS = 10, TEXT_MAX = 16 * 1024 };

#define HOST                                                                          \
	"[deployment]\ndomains = example.test\n[host main]\nname = pc.example.test\n" \
	"addresses = 127.0.0.1\n[role media-bridge]\nprocesses = 4\n"
#define EDGE "[role edge-av]\n"

struct world {
	struct house h;
	struct topo *topo;
	struct role_env env;
	struct role_link link;
	struct media_bridge *mb;
	int fd;
	char in[TEXT_MAX], text[TEXT_MAX];
	size_t n_in;
	struct sip_msg msg; /* the last request */
	bool stopped;
};

static struct topo *topology(bool edge)
{
	auto_(buf_free) struct buf errors = buf_of(4096);
	struct topo *t = topo_parse(edge ? STR(HOST EDGE) : STR(HOST),
	                            STR("[local]\nhost = main\n"), "/etc/dt", &errors);
	OK(t != NULL);
	return t;
}

static void set_topology(struct world *w, struct topo *t)
{
	w->topo = t;
	w->env.topo = t;
	w->env.self = topo_role_here(t, STR("media-bridge"));
}

static void start(struct world *w, bool edge)
{
	int fds[2] = { -1, -1 };
	void *state = NULL;
	*w = (struct world){ .fd = -1 };
	house_start(&w->h);
	w->h.cfg.user_allocations = w->h.cfg.allocations_max = 100;
	relay_configure(w->h.relay, &w->h.cfg);
	house_wait(&w->h, 1);
	OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	w->fd = fds[1];
	w->link = (struct role_link){ .role = STR("frontend"), .fd = fds[0] };
	w->env = (struct role_env){ .loop = w->h.loop,
		                    .role = &role_media_bridge,
		                    .slot = 2,
		                    .n_slots = 4,
		                    .links = &w->link,
		                    .n_links = 1 };
	set_topology(w, topology(edge));
	log_set_level(LOG_ERROR);
	EQ(role_media_bridge.start(&w->env, &state), 0);
	w->mb = state;
}

static void turns(struct world *w)
{
	for (int i = 0; i < TURNS; i++)
		loop_turn(w->h.loop, 0);
}

static void on_stopped(void *arg)
{
	*(bool *)arg = true;
}

static void stop(struct world *w)
{
	role_media_bridge.stop(w->mb, on_stopped, &w->stopped);
	turns(w);
	OK(w->stopped);
	(void)close(w->fd);
	topo_free(&w->topo);
	house_stop(&w->h);
}

/* The next message of the bridge; false: there is none. */
static bool hears(struct world *w)
{
	struct sip_framer f = { 0 };
	uint32_t len = 0;
	turns(w);
	ssize_t n = recv(w->fd, w->in + w->n_in, sizeof(w->in) - w->n_in, 0);
	w->n_in += n > 0 ? (size_t)n : 0;
	if (sip_frame(&f, str_n(w->in, w->n_in), TEXT_MAX, &len) != SIP_FRAME_MSG)
		return false;
	memcpy(w->text, w->in, len);
	memmove(w->in, w->in + len, w->n_in - len);
	w->n_in -= len;
	return OK(sip_parse(&w->msg, str_n(w->text, len)) == 0);
}

/* Within that time it asks. */
static bool asks_after(struct world *w, unsigned steps, unsigned seconds)
{
	while (!hears(w)) {
		if (steps-- == 0)
			return false;
		house_wait(&w->h, seconds);
	}
	return OK(w->msg.method == SIP_SERVICE);
}

static bool asks(struct world *w, unsigned seconds)
{
	return asks_after(w, seconds, 1);
}

static void answer(struct world *w, int code, struct str type, struct str body)
{
	auto_(buf_free) struct buf b = buf_of(TEXT_MAX);
	sip_put_response(&b, &w->msg, code, STR("Answer"), STR("t"), NULL);
	sip_put_body(&b, type, body);
	EQ(write(w->fd, b.p, b.len), (ssize_t)b.len);
	turns(w);
}

static void grants_at(struct world *w, const char *host, const char *password)
{
	auto_(buf_free) struct buf b = buf_of(TEXT_MAX);
	auto_(arena_free) struct arena *a = arena_new();
	struct mrasp_request rq;
	struct mrasp_granted g = { str_of(w->h.user), str_of(password), 60 };
	struct mrasp_relay at = { .host = str_of(host), .tcp = 443 };
	struct addr udp = house_at(&w->h, TURN_BY_UDP);
	at.udp = addr_port(&udp);
	if (!EQ(mrasp_parse(&rq, a, w->msg.body), 0))
		return;
	mrasp_put(&b, &(struct mrasp_response){
	                      .to = &rq, .granted = &g, .relays = &at, .n_relays = 1 });
	answer(w, 200, STR(MRASP_TYPE), buf_view(&b));
}

static void grants(struct world *w)
{
	grants_at(w, "127.0.0.1", w->h.password);
}

static unsigned ready(const struct world *w)
{
	return relays_counts(mb_relay_pairs(w->mb->relay)).ready;
}

static bool is(const struct world *w, const char *state)
{
	return strcmp(mb_relay_state(w->mb->relay), state) == 0;
}

static void it_asks_in_its_own_name_and_has_addresses_ready(void)
{
	static struct world w;
	auto_(arena_free) struct arena *a = arena_new();
	struct mrasp_request rq;
	start(&w, true);
	OK(is(&w, "asking"));
	if (OK(asks(&w, 2)) && EQ(mrasp_parse(&rq, a, w.msg.body), 0)) {
		EQ_STR(w.msg.uri, "sip:pc.example.test@example.test;gruu;opaque=srvr:MRAS");
		EQ_STR(rq.wanted[0].identity, "sip:media-bridge/3@pc.example.test");
		EQ(rq.n_wanted, 1);
		EQ(rq.wanted[0].location, MRASP_INTRANET);
	}
	OK(sip_value(&w.msg, SIP_H_P_ASSERTED_IDENTITY).len == 0);
	grants(&w);
	WAIT(w.h.loop, ready(&w) == RELAYS_READY_MIN);
	OK(is(&w, "there"));
	stop(&w);
}

static void without_an_edge_nothing_is_asked(void)
{
	static struct world w;
	start(&w, false);
	OK(!asks(&w, 60));
	OK(is(&w, "no edge"));
	stop(&w);
}

static void a_refusal_is_followed_by_pauses_that_grow(void)
{
	static struct world w;
	unsigned waited = 0;
	start(&w, true);
	for (unsigned i = 0; i < 4; i++) {
		OK(asks(&w, 60));
		answer(&w, 503, STR(""), STR(""));
	}
	OK(is(&w, "unavailable"));
	while (!asks(&w, 0) && waited++ < 60)
		house_wait(&w.h, 1);
	OK(waited >= 7 && waited <= MB_RELAY_PAUSE_MAX_S);
	grants(&w);
	WAIT(w.h.loop, ready(&w) == RELAYS_READY_MIN);
	stop(&w);
}

static void what_is_no_answer_is_none(void)
{
	static struct world w;
	static const char *const bodies[] = { "", "no XML", "<response reasonPhrase=\"OK\"/>" };
	start(&w, true);
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		OK(asks(&w, 60));
		answer(&w, 200, STR(MRASP_TYPE), str_of(bodies[i]));
		EQ(ready(&w), 0);
	}
	OK(asks(&w, 60));
	stop(&w);
}

static void credentials_are_renewed_when_half_their_life_is_over(void)
{
	static struct world w;
	start(&w, true);
	OK(asks(&w, 2));
	grants(&w);
	WAIT(w.h.loop, ready(&w) == RELAYS_READY_MIN);
	OK(!asks_after(&w, 29 * 2, 30));
	OK(asks_after(&w, 4, 30));
	EQ(ready(&w), RELAYS_READY_MIN); /* meanwhile */
	answer(&w, 503, STR(""), STR(""));
	EQ(ready(&w), RELAYS_READY_MIN);
	OK(asks(&w, 10));
	unsigned began = w.h.n_began;
	grants(&w);
	WAIT(w.h.loop, w.h.n_began >= began + RELAYS_READY_MIN * ICE_COMPONENTS);
	EQ(ready(&w), RELAYS_READY_MIN);
	stop(&w);
}

static void what_the_relay_does_not_take_is_asked_for_anew(void)
{
	static struct world w;
	start(&w, true);
	OK(asks(&w, 2));
	grants_at(&w, "127.0.0.1", "c2VjcmV0");
	WAIT(w.h.loop, !is(&w, "there"));
	EQ(ready(&w), 0);
	OK(asks(&w, 60));
	grants(&w);
	WAIT(w.h.loop, ready(&w) == RELAYS_READY_MIN);
	stop(&w);
}

static void the_name_of_the_edge_is_looked_up(void)
{
	static struct world w;
	start(&w, true);
	OK(asks(&w, 2));
	grants_at(&w, "localhost", w.h.password);
	WAIT(w.h.loop, ready(&w) == RELAYS_READY_MIN);
	stop(&w);
}

static void a_name_without_an_address_is_asked_for_again(void)
{
	static struct world w;
	static char name[400]; /* no name is so long */
	memset(name, 'x', sizeof(name) - 1);
	start(&w, true);
	OK(asks(&w, 2));
	grants_at(&w, name, w.h.password);
	EQ(ready(&w), 0);
	OK(asks(&w, 60));
	stop(&w);
}

static void an_edge_comes_and_goes_with_the_topology(void)
{
	static struct world w;
	auto_(buf_free) struct buf why = buf_of(1024);
	start(&w, false);
	struct topo *without = w.topo;
	set_topology(&w, topology(true));
	EQ(role_media_bridge.reload(w.mb, &why), 0);
	topo_free(&without);
	OK(asks(&w, 2));
	grants(&w);
	WAIT(w.h.loop, ready(&w) == RELAYS_READY_MIN);
	struct topo *with = w.topo;
	set_topology(&w, topology(false));
	EQ(role_media_bridge.reload(w.mb, &why), 0);
	topo_free(&with);
	OK(is(&w, "no edge"));
	WAIT(w.h.loop, w.h.n_ended[RELAY_RELEASED] == RELAYS_READY_MIN * ICE_COMPONENTS);
	OK(!asks(&w, 60));
	stop(&w);
}

static void a_stop_while_it_asks_is_none_that_is_missed(void)
{
	static struct world w;
	start(&w, true);
	OK(asks(&w, 2));
	stop(&w);
}

int main(void)
{
	RUN(it_asks_in_its_own_name_and_has_addresses_ready);
	RUN(without_an_edge_nothing_is_asked);
	RUN(a_refusal_is_followed_by_pauses_that_grow);
	RUN(what_is_no_answer_is_none);
	RUN(credentials_are_renewed_when_half_their_life_is_over);
	RUN(what_the_relay_does_not_take_is_asked_for_anew);
	RUN(the_name_of_the_edge_is_looked_up);
	RUN(a_name_without_an_address_is_asked_for_again);
	RUN(an_edge_comes_and_goes_with_the_topology);
	RUN(a_stop_while_it_asks_is_none_that_is_missed);
	return tap_done();
}
