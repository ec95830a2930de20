/* A set of conferences with one of alice's, and what its ops were asked. */
#pragma once

#include <string.h>

#include "svc/conference/conference.h"
#include "tap.h"

enum { NOW = 1000000, DAY = 86400 };
#define ALICE "sip:alice@e.test"
#define BOB "sip:bob@e.test"
#define CAROL "sip:carol@e.test"
#define DAVE "sip:dave@other.test"

struct world {
	struct conf_settings settings;
	struct conferences *set;
	struct conference *c; /* of alice */
	char log[1024];       /* what the ops were asked: "removed bob 1; " */
	struct buf did;
	int saved, saved_later, forgotten;
};

static inline const char *name_of(const struct conf_person *p)
{
	return p ? p->uri + strlen("sip:") : "-";
}

static inline void on_changed(void *arg, struct conference *c UNUSED)
{
	struct world *w = arg;
	buf_lit(&w->did, "changed; ");
}

static inline void on_tell(void *arg, struct conference *c, const struct conf_person *p)
{
	struct world *w = arg;
	if (p)
		buf_printf(&w->did, "tell %.3s %s; ", name_of(p), confinfo_role_name(p->role).p);
	else
		buf_printf(&w->did, "tell lock %d; ", c->locked);
}

static inline void on_removed(void *arg, struct conference *c UNUSED, const struct conf_person *p,
                              enum conf_end why)
{
	struct world *w = arg;
	buf_printf(&w->did, "removed %.3s %d %u; ", name_of(p), why, p->n_endpoints);
}

static inline void on_emptied(void *arg, struct conference *c UNUSED)
{
	struct world *w = arg;
	buf_lit(&w->did, "emptied; ");
}

static inline void on_save(void *arg, struct conference *c UNUSED, enum conf_save how)
{
	struct world *w = arg;
	w->saved += how == CONF_SAVE;
	w->saved_later += how == CONF_SAVE_LATER;
	w->forgotten += how == CONF_FORGET;
}

static inline void on_lost(void *arg, struct conference *c UNUSED, const struct conf_person *p,
                           const struct conf_endpoint *focus)
{
	struct world *w = arg;
	buf_printf(&w->did, "lost %.3s %s; ", name_of(p), focus->epid);
}

static const struct conf_ops ops = {
	.changed = on_changed,
	.tell_mcus = on_tell,
	.removed = on_removed,
	.lost = on_lost,
	.emptied = on_emptied,
	.save = on_save,
};

static inline struct conf_who who(const char *uri)
{
	return (struct conf_who){ .uri = str_of(uri),
		                  .name = STR("Name"),
		                  .kind = strstr(uri, "@e.test") ? CONF_COMPANY : CONF_FEDERATED };
}

static inline enum c3p_reason add(struct world *w, const char *organizer, const char *id,
                                  struct conference **ret)
{
	struct conf_who by = who(organizer);
	struct confinfo wanted = { .id = str_of(id), .subject = STR("Weekly") };
	wanted.mcus[CONFINFO_CHAT].uri = STR("chat");
	return conferences_add(w->set, NOW, &by, &wanted, ret);
}

static inline void start(struct world *w)
{
	*w = (struct world){ .settings = conf_settings_default };
	w->did = BUF_ON(w->log);
	w->settings.promote = CONFINFO_PROMOTE_NOBODY;
	w->set = conferences_new(&w->settings, &ops, w);
	EQ(add(w, ALICE, "SCHED123", &w->c), C3P_NO_REASON);
}

static inline void stop(struct world *w)
{
	conferences_free(&w->set);
}

/* What happened since the last time. */
static inline struct str did(struct world *w)
{
	struct str s = buf_view(&w->did);
	w->did.len = 0;
	return s;
}

static inline enum conf_entry join_at(struct world *w, uint64_t now, const char *uri,
                                      const char *guid, bool can_wait, enum c3p_reason *why)
{
	struct confinfo_leg leg = { .call_id = str_of(guid) };
	struct conf_join j = {
		.who = who(uri), .entity = str_of(guid), .can_wait = can_wait, .leg = &leg
	};
	const struct conf_person *p = NULL;
	enum conf_entry r = conference_join(w->c, now, &j, &p, why);
	OK((r == CONF_REFUSED) == (p == NULL));
	return r;
}

/* The endpoint's GUID is the Call-ID too. */
static inline enum conf_entry join(struct world *w, const char *uri, const char *guid)
{
	enum c3p_reason why;
	return join_at(w, NOW, uri, guid, true, &why);
}
