#include "role/door/door.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rand.h"
#include "role/door/dr.h"

/* The life of the role: start, links, reload, stop; and what it shows.
 *
 * It never decrypts, has no certificate and keeps no connection: what it passes on is gone from
 * here. */

/* clang-format off */
static const struct role_port ports[] = {
	{ .name = "TLS, TURN", .proto = TOPO_TCP, .port = 443, .open = true,
	  .purpose = "several roles at one port: passes each connection on to the one that its first bytes are for" },
	{ .name = NULL },
};

static const struct setting table[] = {
	SETTING_ENUM("tls-default", struct door_settings, tls_default, .def = "edge-av",
		     .choices = "edge-av web frontend",
		     .help = "who gets a TLS connection that says neither by ALPN nor by SNI whom it is for: most clients of relays say nothing, and browsers say both"),
	SETTING_U32("waiting-max", SET_UINT, struct door_settings, waiting_max, .min = 10,
		    .max = 60000, .def = "4000",
		    .help = "connections of one process that have not yet said what they want; beyond, the oldest ends of the address that has most"),
	SETTING_U32("waiting-of-address", SET_UINT, struct door_settings, waiting_of_address,
		    .min = 1, .max = 60000, .def = "500",
		    .help = "of them, those of one address (IPv6: of one /64); beyond, its next ones are refused"),
	SETTING_U32("opening-time", SET_SECONDS, struct door_settings, opening_s, .min = 1,
		    .max = 60, .def = "10 s",
		    .help = "so long a connection may take to say what it wants"),
	SETTING_END
};
/* clang-format on */

static const struct setting *const settings[] = { table, NULL };
static const char *const links[] = { "edge-av", "web", "frontend", NULL };
static const char *const end_names[DOOR_N_ENDS] = { "silent", "foreign", "crowded", "down",
	                                            "full" };

/* --- links ----------------------------------------------------------------------------------- */

/* Nobody sends the door anything. */
static void on_got(void *arg UNUSED, int fd, const uint8_t text[HAND_LEN] UNUSED)
{
	(void)close(fd);
}

static void on_lost(void *arg)
{
	struct door_link *l = arg;
	const struct role_env *env = l->door->env;
	struct str role = str_of(door_roles[l->to]);
	l->hand = NULL; /* it is freed behind this */
	log_warning(NULL, "link-down", "peer=%s/%u", door_roles[l->to], l->slot + 1);
	role_link_lost(env, role_link_index(env, role, l->slot, STR("")));
}

static const struct hand_ops hand_ops = { .got = on_got, .lost = on_lost };

static void link_up(void *state, size_t i)
{
	struct door *d = state;
	const struct role_link *to = &d->env->links[i];
	enum door_to role = 0;
	while (role < DOOR_N_TO && !str_eq(to->role, str_of(door_roles[role])))
		role++;
	if (role == DOOR_N_TO || to->slot >= TOPO_PROCESSES_MAX) {
		(void)close(to->fd);
		return;
	}
	struct door_link *l = &d->to[role].links[to->slot];
	hand_free(&l->hand);
	*l = (struct door_link){ .door = d, .to = role, .slot = to->slot };
	l->hand = hand_new(d->env->loop, to->fd, &hand_ops, l);
}

/* The next process of that role that is there; NULL: none is. */
static struct hand *next_of(struct door *d, enum door_to to)
{
	for (uint32_t n = 0; n < TOPO_PROCESSES_MAX; n++) {
		struct hand *h = d->to[to].links[d->to[to].next++ % TOPO_PROCESSES_MAX].hand;
		if (h)
			return h;
	}
	return NULL;
}

static void count_lost(struct door *d, enum door_to to, int err)
{
	d->ended[DOOR_DOWN]++;
	if (log_allow(&d->down_limit, loop_now(d->env->loop), 1))
		log_warning(NULL, "connection-not-passed", "role=%s why=%s", door_roles[to],
		            log_text(err == 0         ? STR("no process of it runs at the moment")
		                     : err == -EAGAIN ? STR("it is too busy to take any")
		                                      : str_of(strerror(-err))));
}

void door_pass(struct door *d, const struct door_face *f, enum door_to to, int fd)
{
	uint8_t text[HAND_LEN];
	struct hand *h = next_of(d, to);
	int r = 0;
	by_door_put(text, f->listen_of[to]);
	if (h)
		r = hand_over(h, fd, text);
	else
		(void)close(fd);
	if (h && r == 0)
		d->to[to].passed++;
	else
		count_lost(d, to, r);
}

/* --- start ----------------------------------------------------------------------------------- */

static int check(const struct topo *t, const struct topo_role *r, struct buf *why)
{
	struct door_settings set;
	if (topo_settings(t, r, table, &set, why) < 0)
		return -EINVAL;
	if (r->n_listens > 0)
		return 0;
	buf_lit(why, "`tcp` is none: it has no address to listen on; take the line away, or the "
	             "role\n");
	return -EINVAL;
}

static int configure(struct door *d, struct buf *why)
{
	struct door_settings set;
	if (topo_settings(d->env->topo, d->env->self, table, &set, why) < 0)
		return -EINVAL;
	struct arena *old = d->arena;
	d->set = set;
	d->arena = arena_new();
	door_rules_read(&d->rules, d->arena, d->env->topo, (enum door_to)set.tls_default);
	arena_free(&old);
	return 0;
}

static void find_behind(struct door_face *f, const struct topo *t, const struct addr *at)
{
	for (enum door_to to = 0; to < DOOR_N_TO; to++) {
		const struct topo_role *r = topo_role_here(t, str_of(door_roles[to]));
		for (size_t i = 0; r && i < r->n_listens; i++) {
			const struct topo_listen *l = &r->listens[i];
			if (!l->is_behind || l->proto != door_proto(to) || !addr_eq(&l->addr, at))
				continue;
			f->there |= 1U << to;
			f->listen_of[to] = i;
		}
	}
}

static void on_refused(void *arg, struct listener *ls UNUSED, int err UNUSED)
{
	const struct door_face *f = arg;
	f->door->ended[DOOR_FULL]++;
}

static void open_face(struct door *d, const struct role_socket *s)
{
	struct door_face *f = &d->faces[d->n_faces++];
	f->door = d;
	find_behind(f, d->env->topo, &s->addr);
	f->listener = listener_new(d->env->loop, s->fd, DOOR_ACCEPTS_PER_TURN, door_accept, f);
	listener_tell_refused(f->listener, on_refused);
}

static void door_free(struct door *d)
{
	for (size_t i = 0; i < d->n_faces; i++)
		listener_free(&d->faces[i].listener);
	door_free_visitors(d);
	for (int to = 0; to < DOOR_N_TO; to++)
		for (size_t i = 0; i < TOPO_PROCESSES_MAX; i++)
			hand_free(&d->to[to].links[i].hand);
	arena_free(&d->arena);
}

static int start(struct role_env *env, void **ret_state)
{
	auto_(buf_free) struct buf why = buf_of(8192);
	struct door *d = xnew(struct door);
	d->env = env;
	list_init(&d->waiting);
	rand_bytes(&d->host_key, sizeof(d->host_key));
	int r = configure(d, &why);
	if (r < 0) {
		log_error(NULL, "not-started", "why=%s", log_text(str_trim(buf_view(&why))));
		free(d);
		return r;
	}
	for (size_t i = 0; i < env->n_links; i++)
		link_up(d, i);
	for (size_t i = 0; i < env->n_sockets; i++)
		open_face(d, &env->sockets[i]);
	log_info(NULL, "started", "faces=%zu", d->n_faces);
	*ret_state = d;
	return 0;
}

static int reload(void *state, struct buf *why)
{
	return configure(state, why);
}

static void tell_stopped(void *arg)
{
	struct door *d = arg;
	void (*fn)(void *) = d->on_stopped;
	void *fn_arg = d->on_stopped_arg;
	free(d);
	fn(fn_arg);
}

static void stop(void *state, void (*done)(void *arg), void *arg)
{
	struct door *d = state;
	d->on_stopped = done;
	d->on_stopped_arg = arg;
	door_free(d);
	defer_init(&d->stopped, tell_stopped, d);
	loop_defer(d->env->loop, &d->stopped);
}

/* --- figures --------------------------------------------------------------------------------- */

static void head(struct buf *b, const char *name, const char *kind, const char *help)
{
	buf_printf(b, "# HELP dialtone_door_%s %s\n# TYPE dialtone_door_%s %s\n", name, help, name,
	           kind);
}

static void metrics(void *state, struct buf *b)
{
	const struct door *d = state;
	head(b, "waiting", "gauge", "Connections that have not yet said what they want.");
	buf_printf(b, "dialtone_door_waiting %u\n", d->n_waiting);
	head(b, "passed_total", "counter", "Connections that were passed on, by the role.");
	for (int to = 0; to < DOOR_N_TO; to++)
		buf_printf(b, "dialtone_door_passed_total{role=\"%s\"} %" PRIu64 "\n",
		           door_roles[to], d->to[to].passed);
	head(b, "ended_total", "counter", "Connections that ended here, by the reason.");
	for (int why = 0; why < DOOR_N_ENDS; why++)
		buf_printf(b, "dialtone_door_ended_total{why=\"%s\"} %" PRIu64 "\n", end_names[why],
		           d->ended[why]);
}

static void status(void *state, struct buf *b)
{
	const struct door *d = state;
	uint64_t passed = 0;
	for (int to = 0; to < DOOR_N_TO; to++)
		passed += d->to[to].passed;
	buf_printf(b, "\"waiting\":%u,\"passed\":%" PRIu64, d->n_waiting, passed);
}

static enum role_load load(void *state)
{
	const struct door *d = state;
	if (d->n_waiting >= d->set.waiting_max)
		return ROLE_FULL;
	return d->n_waiting >= d->set.waiting_max / 10 * 9 ? ROLE_BUSY : ROLE_CALM;
}

static const struct ctl_command commands[] = { { .noun = NULL } };

const struct role role_door = {
	.name = "door",
	.box = "Edge Server (its shared port 443)",
	.ports = ports,
	.links = links,
	.settings = settings,
	.commands = commands,
	.check = check,
	.max_processes = DOOR_SLOTS_MAX,
	.metrics_port = 9386, /* from 9321 on are those of the web role */
	.start = start,
	.reload = reload,
	.link_up = link_up,
	.stop = stop,
	.metrics = metrics,
	.status = status,
	.load = load,
};
