#include "role/mcu_im/mi.h"
#include "wire/c3p/c3p.h"

/* C3P with the focus: its commands, and what it is told unasked. */

struct command {
	struct mcu_im *mi;
	uint32_t slot; /* of the focus */
	const struct c3p_msg *m;
	struct immcu_room *room; /* of all but addConference */
	struct c3p_conf *info;   /* of the response, in its arena */
	struct arena *arena;
};
typedef enum c3p_reason command_fn(struct command *c);

static enum c3p_reason add_conference(struct command *c)
{
	enum c3p_reason why = immcu_open(c->mi->engine, &c->m->confs->info, &c->room);
	if (why)
		return why;
	c->room->home = c->slot;
	return C3P_NO_REASON;
}

static enum c3p_reason add_user(struct command *c)
{
	return immcu_add_user(c->room, c->m->who);
}

static enum c3p_reason delete_user(struct command *c)
{
	return immcu_delete_user(c->room, c->m->user);
}

static enum c3p_reason lock(struct command *c)
{
	immcu_lock(c->room, c->m->locked == CONFINFO_YES);
	return C3P_NO_REASON;
}

static enum c3p_reason delete_conference(struct command *c)
{
	immcu_close(&c->room);
	return C3P_NO_REASON;
}

static enum c3p_reason get_conference(struct command *c)
{
	c->info = arena_alloc(c->arena, sizeof(*c->info));
	immcu_roster(&c->info->info, c->arena, c->room);
	return C3P_NO_REASON;
}

/* clang-format off */
static command_fn *const commands[C3P_N_COMMANDS] = {
	[C3P_ADD_CONFERENCE]    = add_conference,
	[C3P_GET_CONFERENCE]    = get_conference,
	[C3P_DELETE_CONFERENCE] = delete_conference,
	[C3P_ADD_USER]          = add_user,
	[C3P_DELETE_USER]       = delete_user,
	[C3P_MODIFY_LOCK]       = lock,
};
/* clang-format on */

/* Requests may have waited for this very command, whatever came of it.  What the focus tells late
 * has no number of its own. */
static void note_number(struct command *c)
{
	uint64_t number;
	if (!c->room || str_to_u64(c->m->id, UINT64_MAX, &number) < 0)
		return;
	c->room->as_of = MAX(c->room->as_of, number);
	mi_retry_held(c->mi, c->m->conf);
}

static enum c3p_reason run(struct command *c)
{
	if (!commands[c->m->command])
		return C3P_NOT_SUPPORTED;
	if (!mi_has_right(c->mi, c->slot, c->m->name))
		return C3P_NOT_AUTHORIZED;
	if (c->m->command != C3P_ADD_CONFERENCE) {
		c->room = immcu_find(c->mi->engine, c->m->conf);
		if (!c->room)
			return C3P_CONFERENCE_DOESNT_EXIST;
		c->room->home = c->slot;
	}
	enum c3p_reason why = commands[c->m->command](c);
	note_number(c);
	return why;
}

/* Of the focus in front end `slot`. */
static void on_document(void *arg, uint32_t slot, struct str request, struct buf *response)
{
	struct mcu_im *mi = arg;
	auto_(arena_free) struct arena *a = arena_new();
	struct c3p_msg m = { .kind = C3P_REQUEST };
	struct command c = { .mi = mi, .slot = slot, .m = &m, .arena = a };
	bool good = c3p_parse(&m, a, request) == 0 && m.kind == C3P_REQUEST;
	struct c3p_msg resp = c3p_response(&m, C3P_SUCCESS, C3P_NO_REASON);
	resp.reason = good ? run(&c) : C3P_REQUEST_MALFORMED;
	resp.confs = c.info;
	if (resp.reason) {
		char text[128];
		struct buf of = BUF_ON(text);
		resp.code = C3P_FAILURE;
		mi_put_peer(mi, &of, slot);
		log_warning(NULL, "command-refused", "of=%s command=%s conf=%s reason=%s",
		            log_esc(buf_view(&of)), log_esc(m.name), log_esc(m.conf),
		            log_esc(c3p_reason_name(resp.reason)));
	}
	c3p_put(response, &resp, true);
}

static void on_lost(void *arg, uint32_t slot, const char *why)
{
	struct mcu_im *mi = arg;
	if (mi->hosts)
		mi_hosts_lost(mi, slot, why);
	else
		role_link_lost(mi->env, mi_link(mi, slot, STR("news")));
}

const struct c3p_link_ops mi_c3p_ops = {
	.document = on_document,
	.lost = on_lost,
	.opened = mi_hosts_opened,
	.find = mi_hosts_find,
	.hello = mi_hosts_said_hello,
};

void mi_notify(struct mcu_im *mi, const struct immcu_room *r, const struct confinfo *ci)
{
	auto_(buf_free) struct buf body = buf_of(C3P_LINK_DOC_MAX);
	struct c3p_conf conf = { .info = *ci };
	struct c3p_msg m = { .kind = C3P_NOTIFY, .conf = str_of(r->focus), .confs = &conf };
	/* If it is not there now, it is told of the whole room when it is. */
	c3p_put(&body, &m, true);
	c3p_link_send(mi->c3p, r->home, buf_view(&body));
}

void mi_notify_all_told(struct mcu_im *mi, uint32_t slot)
{
	auto_(buf_free) struct buf body = buf_of(1024);
	struct c3p_msg m = { .kind = C3P_NOTIFY, .id = mi_hosts_run(mi, slot) };
	c3p_put(&body, &m, true);
	c3p_link_send(mi->c3p, slot, buf_view(&body));
}
