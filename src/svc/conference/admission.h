/* Who gets into a conference, who waits, and who presents: the rules, without state. */
#pragma once

#include "wire/c3p/c3p.h"

/* How well we know somebody. */
enum conf_kind {
	CONF_COMPANY,   /* signed in here */
	CONF_FEDERATED, /* signed in with a server that ours trusts */
	CONF_ANONYMOUS,
	CONF_UNKNOWN, /* taken over from an MCU */
};

/* Somebody at the door. */
struct conf_guest {
	enum conf_kind kind;
	enum confinfo_role invited; /* as what; NO_ROLE: not invited */
	bool is_organizer;
	bool is_inside;  /* with another endpoint, or let in before */
	bool is_waiting; /* with another endpoint */
	bool can_wait;   /* the client knows the lobby */
};

/* The conference they want into. */
struct conf_door {
	enum confinfo_admission admission;
	enum confinfo_promote promote;
	bool locked, lobby, anonymous /* people may come at all */;
	bool is_full, lobby_is_full;
};

enum conf_entry { CONF_ENTERS, CONF_WAITS, CONF_REFUSED };

/* *ret_reason is set where it is REFUSED. */
enum conf_entry conf_admit(const struct conf_door *d, const struct conf_guest *g,
                           enum c3p_reason *ret_reason);
/* The role of one who enters; never NO_ROLE.  What the client asks for does not count: it always
 * asks to be an attendee. */
enum confinfo_role conf_role(const struct conf_door *d, const struct conf_guest *g);
