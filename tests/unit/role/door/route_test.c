#include "role/door/route.h"

#include "tap.h"
#include "topo/conf.h"

#define TOPOLOGY                                                                         \
	"[deployment]\ndomains = example.test\n"                                         \
	"[host main]\nname = main.example.test\naddresses = 127.0.0.1\n"                 \
	"[role web]\nhttps = 127.0.0.1:443\nnames = Chat.example.test, c.example.test\n" \
	"[role edge-av]\ntcp = 127.0.0.1:443\nexternal-name = av.example.test\n"         \
	"[role frontend]\nname = pool.example.test\n"

enum { ALL = 1 << DOOR_RELAY | 1 << DOOR_WEB | 1 << DOOR_SIP };

struct world {
	struct arena *arena;
	struct topo *topo;
	struct door_rules rules;
};

static void start(struct world *w, const char *topology, enum door_to by_default)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	w->arena = arena_new();
	w->topo = topo_parse(str_of(topology), STR("[local]\n"), "/etc/dt", &errors);
	EQ_STR(buf_view(&errors), "");
	door_rules_read(&w->rules, w->arena, w->topo, by_default);
}

static void stop(struct world *w)
{
	topo_free(&w->topo);
	arena_free(&w->arena);
}

static enum door_to tls(const struct world *w, unsigned there, unsigned protocols, const char *name)
{
	struct opening o = { .protocols = protocols, .name_len = strlen(name) };
	memcpy(o.name, name, o.name_len);
	return door_route(&w->rules, there, OPENING_TLS, &o);
}

static void what_a_relay_speaks_is_the_relays(void)
{
	struct world w;
	struct opening o = { .need = 0 };
	start(&w, TOPOLOGY, DOOR_WEB);
	EQ(door_route(&w.rules, ALL, OPENING_RELAY, &o), DOOR_RELAY);
	EQ(door_route(&w.rules, 1 << DOOR_WEB, OPENING_RELAY, &o), DOOR_NOBODY);
	EQ(door_route(&w.rules, ALL, OPENING_OTHER, &o), DOOR_NOBODY);
	stop(&w);
}

static void who_forgets_tls_is_told_so_by_the_web(void)
{
	struct world w;
	struct opening o = { .need = 0 };
	start(&w, TOPOLOGY, DOOR_RELAY);
	EQ(door_route(&w.rules, ALL, OPENING_PLAIN, &o), DOOR_WEB);
	EQ(door_route(&w.rules, ALL & ~(1 << DOOR_WEB), OPENING_PLAIN, &o), DOOR_NOBODY);
	stop(&w);
}

static void protocols_go_before_names(void)
{
	struct world w;
	start(&w, TOPOLOGY, DOOR_RELAY);
	EQ(tls(&w, ALL, OPENING_HTTP, "av.example.test"), DOOR_WEB);
	EQ(tls(&w, ALL, OPENING_TURN, "chat.example.test"), DOOR_RELAY);
	EQ(tls(&w, ALL, OPENING_SIP, ""), DOOR_SIP);
	EQ(tls(&w, ALL, OPENING_HTTP | OPENING_TURN, "chat.example.test"), DOOR_WEB);
	EQ(tls(&w, ALL & ~(1 << DOOR_WEB), OPENING_HTTP | OPENING_TURN, ""), DOOR_RELAY);
	EQ(tls(&w, ALL & ~(1 << DOOR_SIP), OPENING_SIP, "c.example.test"), DOOR_WEB);
	stop(&w);
}

static void a_name_of_one_alone_decides(void)
{
	struct world w;
	start(&w, TOPOLOGY, DOOR_RELAY);
	EQ(tls(&w, ALL, 0, "chat.example.test"), DOOR_WEB);
	EQ(tls(&w, ALL, 0, "c.example.test"), DOOR_WEB);
	EQ(tls(&w, ALL, 0, "lyncdiscover.example.test"), DOOR_WEB);
	EQ(tls(&w, ALL, 0, "av.example.test"), DOOR_RELAY);
	EQ(tls(&w, ALL, 0, "pool.example.test"), DOOR_SIP);
	EQ(tls(&w, ALL, 0, "sip.example.test"), DOOR_SIP);
	stop(&w);
}

/* The host's, which web and relay have here, says nothing: they have no other of their own. */
static void what_says_nothing_goes_to_the_default(void)
{
	static const char *const names[] = { "", "main.example.test", "other.test" };
	for (enum door_to to = 0; to < DOOR_N_TO; to++) {
		struct world w;
		start(&w, TOPOLOGY, to);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			EQ(tls(&w, ALL, 0, names[i]), to);
		EQ(tls(&w, ALL & ~(1U << to), 0, ""), to == DOOR_RELAY ? DOOR_WEB : DOOR_RELAY);
		stop(&w);
	}
}

static void who_is_alone_gets_all(void)
{
	struct world w;
	start(&w, TOPOLOGY, DOOR_RELAY);
	EQ(tls(&w, 1 << DOOR_WEB, OPENING_TURN, "av.example.test"), DOOR_WEB);
	EQ(tls(&w, 1 << DOOR_WEB, 0, ""), DOOR_WEB);
	EQ(tls(&w, 0, 0, ""), DOOR_NOBODY);
	stop(&w);
}

static void the_name_of_the_host_is_the_role_s_that_has_no_other(void)
{
	struct world w;
	start(&w,
	      "[deployment]\ndomains = example.test\n"
	      "[host main]\nname = main.example.test\naddresses = 127.0.0.1\n"
	      "[role web]\n[role edge-av]\nname = av.example.test\n",
	      DOOR_RELAY);
	EQ(tls(&w, ALL, 0, "main.example.test"), DOOR_WEB);
	stop(&w);
}

int main(void)
{
	RUN(what_a_relay_speaks_is_the_relays);
	RUN(who_forgets_tls_is_told_so_by_the_web);
	RUN(protocols_go_before_names);
	RUN(a_name_of_one_alone_decides);
	RUN(what_says_nothing_goes_to_the_default);
	RUN(who_is_alone_gets_all);
	RUN(the_name_of_the_host_is_the_role_s_that_has_no_other);
	return tap_done();
}
