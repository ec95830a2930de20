#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/code.h"
#include "role/frontend/fe.h"
#include "svc/contacts/import.h"
#include "svc/user/fields.h"

/* `dialtone presence` and `dialtone contact`: answered by the user's home; the other processes
 * answer null. */

enum { ANSWER_MAX = CTL_LINE_MAX - 4096 };

/* A command about one user, who is looked up first. */
struct inquiry {
	struct frontend *fe;
	struct ctl_call *c;
	void (*answer)(struct person *p, struct ctl_call *c);
};

static void on_found(void *arg, int err, const struct account *acc)
{
	struct inquiry *q = arg;
	struct frontend *fe = q->fe;
	bool here = err == 0 && fe_owner(fe, acc->id) == fe->env->slot;
	struct person *p = here ? people_get(fe->people, acc->uri) : NULL;
	if (err == 0 && acc->group)
		q->c->fail(q->c, "that is a distribution group and no user; `dialtone group show` "
		                 "shows its members");
	else if (err == -ENOENT)
		q->c->fail(q->c, "there is no user of that name; `dialtone user list` shows them");
	else if (err < 0)
		q->c->fail(q->c, "the accounts process does not answer at the moment; try again");
	else if (!p || p->where != PERSON_HERE)
		q->c->ok(q->c, STR("null"));
	else
		q->answer(p, q->c);
	free(q);
}

/* A name without its domain is one of the first domain; numbers have none. */
void fe_inquire(struct frontend *fe, struct ctl_call *c,
                void (*answer)(struct person *p, struct ctl_call *c))
{
	struct str user = ctl_text(c->args, "user");
	bool number = str_starts(user, STR("+")) || user_is_extension(user);
	char text[PERSON_AOR_MAX + 1];
	struct buf b = BUF_ON(text);
	struct inquiry *q = xnew(struct inquiry);
	*q = (struct inquiry){ fe, c, answer };
	buf_str(&b, user);
	if (!number && str_chr(user, '@') < 0) {
		buf_char(&b, '@');
		buf_str(&b, fe->env->topo->domains[0]);
	}
	(void)accounts_lookup(fe->accounts, buf_view(&b), on_found, q);
}

static void put_text(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "\"%s\":", name);
	json_put_str(b, value);
}

/* --- contact ------------------------------------------------------------------------------- */

static void put_group_names(struct buf *b, const struct contact_list *l, const struct contact *k)
{
	buf_lit(b, "\"groups\":[");
	for (unsigned i = 0; i < k->n_groups; i++) {
		const struct contact_group *g = contacts_group(l, k->groups[i]);
		if (i > 0)
			buf_char(b, ',');
		json_put_str(b, str_of(g ? g->name : "~"));
	}
	buf_char(b, ']');
}

static void list_contacts(struct person *p, struct ctl_call *c)
{
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	buf_char(&b, '[');
	for (const struct contact *k = p->contacts.first; k; k = k->next) {
		buf_char(&b, '{');
		put_text(&b, "contact", str_of(k->uri));
		buf_char(&b, ',');
		put_text(&b, "name", str_of(k->name));
		buf_char(&b, ',');
		put_group_names(&b, &p->contacts, k);
		buf_str(&b, k->next ? STR("},") : STR("}"));
	}
	buf_char(&b, ']');
	c->ok(c, buf_view(&b));
}

void fe_contact_list(void *state, struct ctl_call *c)
{
	fe_inquire(state, c, list_contacts);
}

static void export_contacts(struct person *p, struct ctl_call *c)
{
	auto_(buf_free) struct buf list = buf_of(CONTACTS_DOC_MAX), b = buf_of(ANSWER_MAX);
	contacts_put(&list, &p->contacts, STR(""));
	json_put_str(&b, str_trim(buf_view(&list)));
	if (b.full)
		c->fail(c, "the list is too long for one answer");
	else
		c->ok(c, buf_view(&b));
}

void fe_contact_export(void *state, struct ctl_call *c)
{
	fe_inquire(state, c, export_contacts);
}

struct importing {
	struct ctl_call *c;
	struct contacts_imported n;
};

static void on_imported(void *arg, struct person *p, int err)
{
	struct importing *im = arg;
	char text[64];
	struct buf b = BUF_ON(text);
	if (err < 0) {
		im->c->fail(im->c, "the list could not be stored: %s; nothing was imported",
		            strerror(-err));
	} else {
		fe_tell_rosters_anew(p);
		buf_printf(&b, "{\"added\":%" PRIu32 ",\"updated\":%" PRIu32 "}", im->n.added,
		           im->n.updated);
		im->c->ok(im->c, buf_view(&b));
	}
	free(im);
}

static void import_contacts(struct person *p, struct ctl_call *c)
{
	uint32_t max = ((struct frontend *)p->owner)->cfg.contacts_max;
	struct contacts_imported n;
	auto_(buf_free) struct buf why = buf_of(4096);
	int r = contacts_import(&p->contacts, ctl_text(c->args, "list"), max, &n, &why);
	if (r == -ENOSPC) {
		c->fail(c,
		        "%" STR_FMT " (at most %u contacts by contacts-max of the front end, %d "
		        "groups, %d groups of one contact).  Nothing was imported.",
		        STR_ARG(buf_view(&why)), max, CONTACT_GROUPS_MAX, CONTACT_IN_GROUPS_MAX);
		return;
	}
	if (r < 0) {
		c->fail(c, "%" STR_FMT ".  Nothing was imported.", STR_ARG(buf_view(&why)));
		return;
	}
	struct importing *im = xnew(struct importing);
	*im = (struct importing){ c, n };
	fe_home_save(p, on_imported, im);
}

void fe_contact_import(void *state, struct ctl_call *c)
{
	fe_inquire(state, c, import_contacts);
}
