/* Names of categories of which a publication has gone, for those who are to be told so.  Needed for
 * categories that the server does not know: the others have a name without publications, too. */
#pragma once

#include "base/str.h"

enum { GONE_NAMES_MAX = 200 }; /* of a user: the oldest is forgotten */

struct gone_name {
	struct gone_name *next; /* the youngest first */
	uint32_t containers;    /* bits by index: where it went from */
	bool told;              /* everybody who watches will hear of it */
	uint16_t len;
	char text[];
};
static inline struct str gone_text(const struct gone_name *g)
{
	return (struct str){ g->text, g->len };
}

struct gone_names {
	struct gone_name *first;
	uint32_t n;
};
void gone_add(struct gone_names *g, struct str name, uint32_t containers);
void gone_mark_told(struct gone_names *g);
void gone_forget_told(struct gone_names *g);
void gone_done(struct gone_names *g);
