/* Presence in the standard dialect (SIMPLE): a user's publications as a PIDF document for phones,
 * and what a phone publishes as publications, so that both dialects show one state.  Pure; the
 * tables stand in docs/protocols/presence.md. */
#pragma once

#include "svc/presence/presentity.h"
#include "wire/pidf/pidf.h"

enum {
	SIMPLE_PUBLICATIONS = 12,    /* that one document becomes */
	SIMPLE_NOTE_MAX = 1024,      /* bytes of a note that are kept */
	SIMPLE_SLOTS_MAX = 7 * 96,   /* quarters of an hour of timed statuses that are kept */
	SIMPLE_INSTANCE = 6u << 28,  /* instances of phones' publications begin with this */
	SIMPLE_NUMBER_MAX = 1 << 28, /* numbers of publications are below */
};

/* Appends what a watcher of that container sees, with its XML declaration. */
void simple_put_pidf(struct buf *b, const struct presentity *p, uint32_t container);

/* What publication `number` of the endpoint says, for presentity_put(): always all keys that such a
 * document may have, those that it has nothing of without a body.  doc NULL: it says nothing any
 * more. */
void simple_publications(struct server_publication ret[SIMPLE_PUBLICATIONS], const struct pidf *doc,
                         uint32_t number, uint64_t endpoint);

/* The parts of both directions. */

/* What an activity is called by Lync clients: its token; the RPID name where they have none. */
struct str simple_token(enum pidf_activity activity);
struct xml;
/* The texts of a note element, without blanks around, those without text left out; at most `max`
 * of them.  Returns how many. */
unsigned simple_read_notes(struct str *ret, unsigned max, const struct xml *note);
/* Free and busy times ([MS-PRES] calendarData: two bits each) of a calendarData element; at most
 * `max` of them.  Returns how many. */
unsigned simple_read_times(struct pidf_timed *ret, unsigned max, const struct xml *calendar);
