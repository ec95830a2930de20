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
/* The stored part changed. */
void conf_save(struct conference *c, enum conf_save how);

/* --- members.c */

/* By their own wish, or a presenter's; nothing of a conference that does not last. */
void conf_drop_member(struct conference *c, struct str uri);

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
