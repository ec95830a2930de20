/* What the files of this folder share. */
#pragma once

#include "svc/conference/conference.h"

struct conferences {
	const struct conf_settings *settings;
	const struct conf_ops *ops;
	void *arg;
	struct map map;
};

/* --- conference.c */

struct conference *conf_new(struct conferences *s, struct str organizer, struct str id);
/* Out of the set, without calling ops. */
void conf_destroy(struct conference *c);
struct conf_invited *conf_find_invited(const struct conference *c, struct str uri);
/* Adds one, or changes name and role.  -EINVAL: that is no URI; -E2BIG. */
int conf_add_invited(struct conference *c, struct str uri, struct str name,
                     enum confinfo_role role);
void conf_free_invited(struct conference *c, struct conf_invited *i);
void conf_drop_invited(struct conference *c);
bool conf_is_organizer(const struct conference *c, struct str uri);
/* The subject, which those who watch are told. */
void conf_rename(struct conference *c, struct str subject);
/* The stored part changed. */
void conf_save(struct conference *c, enum conf_save how);

/* --- members.c */

/* By their own wish, or a presenter's; nothing of a conference that does not last. */
void conf_drop_member(struct conference *c, struct str uri);
/* Who leads: of a lasting conference the one member who is stored as a presenter, of others the
 * organizer. */
bool conf_leads(const struct conference *c, struct str uri);
/* Whoever led is one of the others then. */
void conf_lead(struct conference *c, struct conf_invited *leader);
/* A lasting conference with members has a leader: where nobody is, who is a member for longest. */
void conf_keep_led(struct conference *c);

/* --- people.c */

/* Takes them out of the roster.  They stay as gone until the next
 * document. */
void conf_remove_person(struct conference *c, struct conf_person *p, enum conf_end why);
/* Out of the lobby. */
void conf_let_in(struct conference *c, struct conf_person *p);
bool conf_is_empty(const struct conference *c);
/* Sends everybody away. */
void conf_empty(struct conference *c, enum conf_end why);

/* --- documents.c */

/* p may be NULL: the state of the conference. */
void conf_mark(struct conference *c, struct conf_person *p);
