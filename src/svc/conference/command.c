#include "svc/conference/inside.h"

/* A command of a presenter.  p is the person it is about, or NULL. */
typedef enum c3p_reason command_fn(struct conference *c, struct conf_person *p,
                                   const struct c3p_msg *m);

static enum c3p_reason lock(struct conference *c, struct conf_person *p UNUSED,
                            const struct c3p_msg *m)
{
	bool locked = m->locked == CONFINFO_YES;
	if (m->admission != CONFINFO_NO_ADMISSION && m->admission != c->admission) {
		c->admission = m->admission;
		c->description_changed = true;
		conf_mark(c, NULL);
		conf_save(c, CONF_SAVE);
	}
	if (locked == c->locked)
		return C3P_NO_REASON;
	c->locked = locked;
	c->state_changed = true;
	conf_mark(c, NULL);
	c->set->ops->tell_mcus(c->set->arg, c, NULL);
	return C3P_NO_REASON;
}

/* A lasting conference has one leader, who makes another member the one; nobody only steps down. */
static enum c3p_reason hand_over(struct conference *c, const struct conf_person *p,
                                 enum confinfo_role role)
{
	struct conf_invited *i = conf_find_invited(c, str_of(p->uri));
	if (!i)
		return C3P_USER_DOESNT_EXIST;
	if (i->role == role)
		return C3P_NO_REASON;
	if (role != CONFINFO_PRESENTER)
		return C3P_NOT_AUTHORIZED;
	conf_lead(c, i);
	conf_save(c, CONF_SAVE);
	return C3P_NO_REASON;
}

/* The organizer stays what they are. */
static enum c3p_reason set_role(struct conference *c, struct conf_person *p,
                                const struct c3p_msg *m)
{
	if (m->role == CONFINFO_NO_ROLE)
		return C3P_INVALID_ROLE;
	if (c->lasting)
		return hand_over(c, p, m->role);
	if (conf_is_organizer(c, str_of(p->uri)) && m->role != CONFINFO_PRESENTER)
		return C3P_NOT_AUTHORIZED;
	if (p->role == m->role)
		return C3P_NO_REASON;
	p->role = m->role;
	conf_mark(c, p);
	if (!p->waits)
		c->set->ops->tell_mcus(c->set->arg, c, p);
	return C3P_NO_REASON;
}

static enum c3p_reason eject(struct conference *c, struct conf_person *p, const struct c3p_msg *m)
{
	conf_remove_person(c, p, p->waits ? CONF_DENIED : CONF_EJECTED);
	conf_drop_member(c, m->user);
	return C3P_NO_REASON;
}

static enum c3p_reason let_in(struct conference *c, struct conf_person *p, const struct c3p_msg *m)
{
	if (!p->waits)
		return C3P_USER_DOESNT_EXIST;
	if (m->granted == CONFINFO_NO)
		return eject(c, p, m);
	if (c->n_inside >= c->set->settings->people_max)
		return C3P_MAX_SIZE;
	conf_let_in(c, p);
	return C3P_NO_REASON;
}

static enum c3p_reason end_all(struct conference *c, struct conf_person *p UNUSED,
                               const struct c3p_msg *m UNUSED)
{
	conf_empty(c, CONF_ENDED);
	return C3P_NO_REASON;
}

/* Its name alone: the rest is the organizer's, at the factory. */
static enum c3p_reason rename_it(struct conference *c, struct conf_person *p UNUSED,
                                 const struct c3p_msg *m)
{
	struct str subject = m->confs ? m->confs->info.subject : STR("");
	if (subject.len == 0)
		return C3P_REQUEST_MALFORMED;
	if (subject.len > CONF_SUBJECT_MAX)
		return C3P_REQUEST_TOO_LARGE;
	conf_rename(c, subject);
	return C3P_NO_REASON;
}

static enum c3p_reason look(struct conference *c UNUSED, struct conf_person *p UNUSED,
                            const struct c3p_msg *m UNUSED)
{
	return C3P_NO_REASON;
}

/* Who may do what. */
enum { ANYBODY = 1, ONESELF = 2, ABOUT_PERSON = 4 };
/* clang-format off */
static const struct {
	command_fn *run; /* NULL: not a command of the focus */
	unsigned who;    /* 0: presenters alone */
} commands[C3P_N_COMMANDS] = {
	[C3P_GET_CONFERENCE]    = { look,      ANYBODY },
	[C3P_DELETE_CONFERENCE] = { end_all,   0 },
	[C3P_MODIFY_CONFERENCE] = { rename_it, 0 },
	[C3P_DELETE_USER]       = { eject,     ONESELF | ABOUT_PERSON },
	[C3P_MODIFY_USER_ROLES] = { set_role,  ABOUT_PERSON },
	[C3P_MODIFY_LOCK]       = { lock,      0 },
	[C3P_SET_LOBBY_ACCESS]  = { let_in,    ABOUT_PERSON },
};
/* clang-format on */

/* Nobody sends away who leads, but they may go. */
static bool may(const struct conference *c, const struct conf_person *by, const struct c3p_msg *m)
{
	unsigned who = commands[m->command].who;
	if (who & ONESELF && str_ieq(str_of(by->uri), m->user))
		return true;
	if (m->command == C3P_DELETE_USER && conf_leads(c, m->user))
		return false;
	return by->role == CONFINFO_PRESENTER || who & ANYBODY;
}

enum c3p_reason conference_command(struct conference *c, uint64_t now_s, struct str from,
                                   const struct c3p_msg *m)
{
	command_fn *run = commands[m->command].run;
	struct conf_person *by = conf_find_person(&c->people, from), *about = NULL;
	if (!run)
		return C3P_NOT_SUPPORTED;
	if (!by || by->gone || by->waits || !may(c, by, m))
		return C3P_NOT_AUTHORIZED;
	if (commands[m->command].who & ABOUT_PERSON) {
		about = conf_find_person(&c->people, m->user);
		if (!about || about->gone)
			return C3P_USER_DOESNT_EXIST;
	}
	conference_touch(c, now_s);
	return run(c, about, m);
}
