#include "role/frontend/focus.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rand.h"
#include "role/peer.h"

/* The focus: where requests to conferences come in, and what their model wants to be done. */

/* clang-format off */
const struct setting fe_conf_settings[] = {
	SETTING_U32("conference-people", SET_UINT, struct fe_conf_config, conf.people_max,
		    .min = CONF_PEOPLE_MIN, .max = CONF_PEOPLE_MAX, .def = "250",
		    .help = "people in one conference"),
	SETTING_U32("conferences-max", SET_UINT, struct fe_conf_config, conf.per_organizer_max,
		    .min = 1, .max = 1000000, .def = "1000",
		    .help = "conferences of one organizer"),
	SETTING_U32("conference-idle", SET_SECONDS, struct fe_conf_config, conf.idle_s,
		    .min = CONF_IDLE_MIN_S, .max = CONF_IDLE_MAX_S, .def = "24 h",
		    .help = "a conference in which nothing happens for so long is ended"),
	SETTING_U32("conference-grace", SET_SECONDS, struct fe_conf_config, conf.grace_s,
		    .min = 0, .max = CONF_GRACE_MAX_S, .def = "90 min",
		    .help = "so long anonymous people may stay in a conference alone"),
	SETTING_ENUM("conference-presenters", struct fe_conf_config, presenters,
		     .choices = "organizer company everyone", .def = "company",
		     .help = "who leads a conference besides those who were invited to, where the organizer does not say: who organizes it alone, all users of this server, or everyone"),
	SETTING_FLAG("conference-lobby", struct fe_conf_config, conf.lobby, .def = "yes",
		     .help = "who is not admitted waits until a presenter lets him in, where the organizer does not say"),
	SETTING_FLAG("conference-anonymous", struct fe_conf_config, conf.anonymous, .def = "yes",
		     .help = "people who have not signed in may come into conferences that admit them"),
	SETTING_END
};
/* clang-format on */

int fe_conf_config_read(struct frontend *fe, struct buf *why)
{
	struct fe_conf_config cfg;
	if (topo_settings(fe->env->topo, fe->env->self, fe_conf_settings, &cfg, why) < 0)
		return -EINVAL;
	cfg.conf.promote = (enum confinfo_promote)(CONFINFO_PROMOTE_NOBODY + cfg.presenters);
	fe->conf_cfg = cfg;
	return 0;
}

/* --- rooms ---------------------------------------------------------------------------------- */

void room_put_uri(struct buf *b, const struct room *r, enum confinfo_session s)
{
	conf_uri_put(b, str_of(r->c->organizer), s, str_of(r->c->id));
}

struct room *room_new(struct focus *fo, struct conference *c, uint64_t account, uint64_t key)
{
	struct room *r = xnew(struct room);
	r->focus = fo;
	r->c = c;
	r->account = account;
	r->key = key;
	list_init(&r->changed);
	list_init(&r->legs);
	list_init(&r->watchers);
	for (int v = 0; v < FOCUS_VIEWS; v++)
		r->docs[v] = buf_of(SUB_BODY_MAX);
	c->owner = r;
	return r;
}

static void room_free(struct room *r)
{
	focus_end_watchers(r, (struct str){ NULL, 0 }, (struct str){ NULL, 0 }, "noresource");
	list_for(it, &r->legs) focus_leg_free(list_entry(it, struct focus_leg, of_room));
	list_del(&r->changed);
	focus_forget_adding(r);
	for (int v = 0; v < FOCUS_VIEWS; v++)
		buf_free(&r->docs[v]);
	r->c->owner = NULL;
	free(r);
}

/* --- what the model wants ------------------------------------------------------------------- */

static void op_changed(void *arg, struct conference *c)
{
	struct focus *fo = arg;
	struct room *r = room_of(c);
	if (!r)
		return; /* it is just being made: nobody watches */
	list_del(&r->changed);
	list_add(&fo->changed, &r->changed);
	loop_defer(fo->fe->loop, &fo->flush);
}

static void op_tell_mcus(void *arg UNUSED, struct conference *c, const struct conf_person *p)
{
	focus_tell_mcu(room_of(c), p);
}

static void op_removed(void *arg UNUSED, struct conference *c, const struct conf_person *p,
                       enum conf_end why)
{
	static const char *const names[] = {
		"left", "ejected", "denied", "ended", "idle", "alone"
	};
	struct room *r = room_of(c);
	log_info(NULL, "conference-left", "conference=%s user=%s why=%s", log_esc(str_of(c->id)),
	         log_esc(str_of(p->uri)), names[why]);
	focus_end_legs(r, p, why);
	focus_end_watchers(r, str_of(p->uri), (struct str){ NULL, 0 }, "noresource");
	focus_mcu_deleted(r, p);
}

static void op_lost(void *arg UNUSED, struct conference *c, const struct conf_person *p,
                    const struct conf_endpoint *focus)
{
	log_info(NULL, "conference-lost", "conference=%s user=%s", log_esc(str_of(c->id)),
	         log_esc(str_of(p->uri)));
	focus_invite_anew(room_of(c), p, focus->leg);
}

static void op_emptied(void *arg UNUSED, struct conference *c)
{
	focus_mcu_close(room_of(c));
}

static void op_save(void *arg, struct conference *c, enum conf_save how)
{
	struct focus *fo = arg;
	struct room *r = room_of(c);
	if (!r) {
		r = room_new(fo, c, fo->adding, rand_u64() >> 1);
		r->is_new = true;
	}
	focus_save(r, how);
	if (how == CONF_FORGET)
		room_free(r);
}

static const struct conf_ops ops = {
	.changed = op_changed,
	.tell_mcus = op_tell_mcus,
	.removed = op_removed,
	.lost = op_lost,
	.emptied = op_emptied,
	.save = op_save,
};

static void on_flush(void *arg)
{
	struct focus *fo = arg;
	while (!list_empty(&fo->changed)) {
		struct room *r = list_entry(fo->changed.next, struct room, changed);
		list_del(&r->changed);
		focus_tell_watchers(r);
	}
}

static void on_expiry(void *arg)
{
	struct focus *fo = arg;
	uint64_t now_s = focus_now_s(fo), next = conferences_expire(fo->set, now_s);
	timer_set(&fo->expiry, loop_now(fo->fe->loop) + (next - now_s) * USEC_PER_SEC);
}

/* --- who organizes ------------------------------------------------------------------------- */

/* An account that is gone, perhaps: its record is being looked up. */
struct organizer {
	struct list node;
	struct focus *focus;
	uint64_t account;
	struct accounts_req *lookup;
};

/* One conference of that account, or NULL. */
static struct conference *any_of(const struct focus *fo, uint64_t account)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct conference *c; (c = conferences_walk(fo->set, &slot, &after)) != NULL;)
		if (room_of(c)->account == account)
			return c;
	return NULL;
}

static void organizer_free(struct organizer *o)
{
	accounts_req_free(&o->lookup);
	list_del(&o->node);
	free(o);
}

static void on_organizer(void *arg, int err, const struct account *acc)
{
	struct organizer *o = arg;
	struct conference *c;
	bool is_gone = err == -ENOENT || (err == 0 && acc->id != o->account);
	while (is_gone && (c = any_of(o->focus, o->account)) != NULL) {
		log_info(NULL, "conference-forgotten", "conference=%s organizer=%s",
		         log_esc(str_of(c->id)), log_esc(str_of(c->organizer)));
		conference_forget(&c);
	}
	o->lookup = NULL; /* it ends with this call */
	organizer_free(o);
}

void fe_focus_account(struct frontend *fe, uint64_t account)
{
	const struct conference *c = fe->focus ? any_of(fe->focus, account) : NULL;
	if (!c)
		return;
	struct organizer *o = xnew(struct organizer);
	o->focus = fe->focus;
	o->account = account;
	list_add(&fe->focus->organizers, &o->node);
	o->lookup = accounts_lookup(fe->accounts, str_sub(str_of(c->organizer), 4, SIZE_MAX),
	                            on_organizer, o);
}

/* --- life ----------------------------------------------------------------------------------- */

void fe_focus_start(struct frontend *fe)
{
	struct focus *fo = xnew(struct focus);
	fo->fe = fe;
	fo->settings = fe->conf_cfg.conf;
	fo->set = conferences_new(&fo->settings, &ops, fo);
	map_init(&fo->legs);
	fo->c3p = c3p_link_new(fe->loop, &focus_c3p_ops, fo);
	list_init(&fo->changed);
	list_init(&fo->organizers);
	defer_init(&fo->flush, on_flush, fo);
	timer_init(&fo->expiry, fe->loop, on_expiry, fo);
	focus_store_init(fo);
	fe->focus = fo;
	for (size_t i = 0; i < fe->env->n_links; i++)
		if (str_eq(fe->env->links[i].role, STR("mcu-im")) &&
		    fe->env->links[i].slot < FE_SLOTS_MAX)
			fe->n_mcus = MAX(fe->n_mcus, fe->env->links[i].slot + 1);
	if (fe->n_mcus == 0)
		fe->n_mcus = (uint32_t)peer_count(fe->env, STR("mcu-im"));
	focus_load(fo);
	on_expiry(fo);
}

void fe_focus_configure(struct frontend *fe)
{
	fe->focus->settings = fe->conf_cfg.conf;
}

void fe_focus_free(struct frontend *fe)
{
	struct focus *fo = take(&fe->focus);
	size_t slot = 0;
	struct map_node *after = NULL;
	if (!fo)
		return;
	list_for(it, &fo->organizers) organizer_free(list_entry(it, struct organizer, node));
	for (struct conference *c; (c = conferences_walk(fo->set, &slot, &after)) != NULL;)
		if (room_of(c))
			room_free(room_of(c));
	focus_store_done(fo);
	c3p_link_free(&fo->c3p);
	conferences_free(&fo->set);
	map_done(&fo->legs);
	defer_cancel(&fo->flush);
	timer_stop(&fo->expiry);
	free(fo);
}

/* --- answers -------------------------------------------------------------------------------- */

enum refusal focus_refusal(enum c3p_reason why)
{
	/* clang-format off */
	static const uint8_t rows[C3P_N_REASONS] = {
		[C3P_OTHER_FAILURE]           = REFUSE_BAD_BODY,
		[C3P_REQUEST_MALFORMED]       = REFUSE_BAD_BODY,
		[C3P_REQUEST_TOO_LARGE]       = REFUSE_TOO_LARGE,
		[C3P_REQUEST_TIMEOUT]         = REFUSE_HOME_DOWN,
		[C3P_SERVER_BUSY]             = REFUSE_BUSY,
		[C3P_NOT_SUPPORTED]           = REFUSE_SERVICE,
		[C3P_NOT_AUTHORIZED]          = REFUSE_CONF_CLOSED,
		[C3P_CONFERENCE_DOESNT_EXIST] = REFUSE_NO_CONFERENCE,
		[C3P_CONFERENCE_EXISTS]       = REFUSE_CONFLICT,
		[C3P_CONFERENCE_LOCKED]       = REFUSE_CONF_LOCKED,
		[C3P_USER_DOESNT_EXIST]       = REFUSE_USER,
		[C3P_INVALID_ID]              = REFUSE_BAD_BODY,
		[C3P_INVALID_ROLE]            = REFUSE_BAD_BODY,
		[C3P_INVALID_EXPIRY]          = REFUSE_BAD_BODY,
		[C3P_INVALID_ADMISSION]       = REFUSE_BAD_BODY,
		[C3P_ANONYMOUS_NOT_ALLOWED]   = REFUSE_CONF_CLOSED,
		[C3P_MAX_CONFERENCES]         = REFUSE_TOO_MANY_ITEMS,
		[C3P_MAX_SIZE]                = REFUSE_CONF_FULL,
		[C3P_MCU_NOT_AVAILABLE]       = REFUSE_SERVICE,
	};
	/* clang-format on */
	return rows[why];
}

void focus_answer(struct task *t, int code, struct str lines, const struct c3p_msg *resp)
{
	auto_(buf_free) struct buf body = buf_of(FOCUS_C3P_MAX), head = buf_of(4096);
	buf_str(&head, lines);
	if (resp->reason) {
		enum refusal why = focus_refusal(resp->reason);
		task_log_refusal(t, why);
		refusal_put(&head, why, t->fe->env->self->fqdn);
	}
	c3p_put(&body, resp, false);
	task_answer_code(t, code, buf_view(&head), STR("application/cccp+xml"), buf_view(&body));
}

void focus_put_who(struct buf *b, const struct task *t)
{
	buf_lit(b, "sip:");
	buf_str(b, t->who.uri);
}

/* --- coming in ------------------------------------------------------------------------------ */

bool fe_names_conference(struct str uri)
{
	return conf_uri_is(uri);
}

bool fe_is_of_conference(const struct sip_msg *m)
{
	const struct sip_addr *from = sip_from(m);
	return from && conf_uri_is(from->uri);
}

bool fe_is_conference(const struct task *t)
{
	return fe_names_conference(t->msg->uri);
}

/* Which part of a conference it is for, and its organizer.  0, or -errno: of no conference. */
static int read_uri(const struct task *t, struct conf_uri *ret, struct buf *organizer)
{
	return conf_uri_read(ret, organizer, t->msg->uri);
}

bool fe_to_mcu(struct task *t)
{
	struct conf_uri cu;
	char text[CONF_URI_MAX + 1];
	struct buf organizer = BUF_ON(text);
	if (read_uri(t, &cu, &organizer) < 0 || cu.session != CONFINFO_CHAT)
		return false;
	fe_mcu_pass(t);
	return true;
}

/* clang-format off */
static void (*const served[SIP_N_METHODS])(struct task *t, struct conference *c) = {
	[SIP_INVITE]    = focus_invite,
	[SIP_INFO]      = focus_info,
	[SIP_BYE]       = focus_bye,
	[SIP_SUBSCRIBE] = focus_subscribe,
	[SIP_OPTIONS]   = focus_options,
	[SIP_UPDATE]    = focus_update,
	[SIP_MESSAGE]   = focus_message,
	[SIP_SERVICE]   = focus_service,
};
/* clang-format on */

struct conference *fe_conference_of(const struct task *t)
{
	struct conf_uri cu;
	char text[CONF_URI_MAX + 1];
	struct buf organizer = BUF_ON(text);
	if (read_uri(t, &cu, &organizer) < 0 || cu.session != CONFINFO_FOCUS)
		return NULL;
	return conferences_find(t->fe->focus->set, buf_view(&organizer), cu.id);
}

static void serve(struct task *t)
{
	struct conference *c = fe_conference_of(t);
	if (c && t->msg->method != SIP_MESSAGE)
		focus_gather(c, STR(""));
	if (t->who.uri.len == 0)
		task_refuse(t, REFUSE_NO_CONFERENCE, STR(""));
	else if (t->msg->method == SIP_SERVICE && !c)
		focus_factory(t);
	else if (!served[t->msg->method])
		task_refuse(t, REFUSE_METHOD, STR(""));
	else if (!c)
		task_refuse(t, REFUSE_NO_CONFERENCE, STR(""));
	else
		served[t->msg->method](t, c);
}

bool fe_focus(struct task *t)
{
	if (!fe_is_conference(t))
		return false;
	if (!fe_to_mcu(t))
		serve(t);
	return true;
}
