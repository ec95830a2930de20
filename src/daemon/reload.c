/* Reading the configuration and the certificates again.
 *
 * Everything is read and checked before any process hears of it; what would need a restart refuses
 * the whole; and if one process refuses, those that had applied the new generation get the old one
 * back.  So a reload is applied whole or not at all. */
#include "daemon/supervisor_own.h"

static void refuse(struct supervisor *s, struct ctl_call *call, const char *what, struct str lines)
{
	auto_(buf_free) struct buf b = buf_of(32 * 1024);
	buf_printf(&b, "%s%" STR_FMT, what, STR_ARG(str_trim(lines)));
	log_error(NULL, "reload-refused", "reason=%s", log_text(buf_view(&b)));
	if (call)
		call->fail(call, "nothing was changed: %" STR_FMT, STR_ARG(buf_view(&b)));
	notify_send(s->notify, "READY=1");
}

static void finish(struct supervisor *s)
{
	struct reload *r = &s->reload;
	struct ctl_call *call = r->call;
	timer_stop(&r->timer);
	if (r->refused) {
		for (size_t i = 0; i < s->n_slots; i++)
			if (s->slots[i].generation == r->next->generation) {
				supervisor_send_bundle(s, &s->slots[i], s->material);
				s->slots[i].generation = s->material->generation;
			}
		material_free(&r->next);
		refuse(s, call, "", buf_view(&r->why));
	} else {
		material_free(&s->material);
		s->material = take(&r->next);
		log_set_level(s->material->config->topo->log_level);
		log_info(NULL, "reloaded", "generation=%u", s->material->generation);
		if (call)
			call->ok(call, STR("\"Reloaded.\""));
		notify_send(s->notify, "READY=1");
	}
	r->call = NULL;
	buf_free(&r->why);
}

static void on_timeout(void *arg)
{
	struct supervisor *s = arg;
	s->reload.refused = true;
	buf_lit(&s->reload.why, "a process did not answer in time\n");
	finish(s);
}

static void send_all(struct supervisor *s)
{
	struct reload *r = &s->reload;
	r->waiting = 0;
	for (size_t i = 0; i < s->n_slots; i++) {
		if (s->slots[i].state != SLOT_RUNNING)
			continue;
		supervisor_send_bundle(s, &s->slots[i], r->next);
		s->slots[i].generation = r->next->generation;
		r->waiting++;
	}
	timer_init(&r->timer, s->loop, on_timeout, s);
	timer_set(&r->timer, loop_now(s->loop) + RELOAD_MAX_S * USEC_PER_SEC);
	if (r->waiting == 0)
		finish(s);
}

void reload_begin(struct supervisor *s, struct ctl_call *call)
{
	auto_(buf_free) struct buf errors = buf_of(32 * 1024);
	if (s->phase != PHASE_RUNNING || s->reload.next) {
		if (call)
			call->fail(call, s->reload.next ? "a reload is under way already"
			                                : "the server is starting or stopping");
		return;
	}
	notify_send(s->notify, "RELOADING=1\nMONOTONIC_USEC=%llu",
	            (unsigned long long)loop_now(s->loop));
	const char *dir = s->material->config->dir;
	struct material *next = material_load(dir, s->roles, s->material->generation + 1, &errors);
	if (!next) {
		refuse(s, call, "", buf_view(&errors));
		return;
	}
	if (config_restart_reasons(s->material->config, next->config, s->roles, &errors) > 0) {
		material_free(&next);
		refuse(s, call, "these changes need a restart of the server: ", buf_view(&errors));
		return;
	}
	s->reload = (struct reload){ .next = next, .call = call, .why = buf_of(8192) };
	send_all(s);
}

void reload_answered(struct supervisor *s, struct slot *slot, bool applied, struct str why)
{
	struct reload *r = &s->reload;
	if (slot->unanswered > 0 && --slot->unanswered > 0)
		return; /* to one before the last: put back, or too late */
	if (!r->next || slot->generation != r->next->generation)
		return;
	if (!applied) {
		r->refused = true;
		slot->generation = s->material->generation; /* which it has kept */
		buf_printf(&r->why, "%s: %" STR_FMT "\n", slot->name, STR_ARG(str_trim(why)));
	}
	if (--r->waiting == 0)
		finish(s);
}

void reload_gone(struct supervisor *s, struct slot *slot)
{
	struct reload *r = &s->reload;
	if (!r->next || slot->generation != r->next->generation)
		return;
	slot->generation = 0;
	if (--r->waiting == 0)
		finish(s);
}

void reload_cancel(struct supervisor *s)
{
	struct reload *r = &s->reload;
	if (!r->next)
		return;
	timer_stop(&r->timer);
	material_free(&r->next);
	if (r->call)
		r->call->fail(r->call, "the server is stopping");
	r->call = NULL;
	buf_free(&r->why);
}
