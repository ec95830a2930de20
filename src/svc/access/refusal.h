/* Why a request is refused: one table from which the answer's code and phrase, its ms-diagnostics
 * line and the manual's list are made ([MS-OCER] section 2.2.1.1).
 *
 * Numbers below 60000 are [MS-OCER]'s, where one fits; those from 60000 are our own.  What is full
 * behind another hop is 500 rather than 503, of which a proxy makes a 500 without the reason (RFC
 * 3261 section 16.7 step 6). */
#pragma once

#include "base/buf.h"

enum refusal {
	REFUSE_NOTHING,
	/* the request itself */
	REFUSE_BAD_ROUTE,
	REFUSE_FOREIGN_ROUTE,
	REFUSE_LOOP,
	REFUSE_TOO_MANY_HOPS,
	REFUSE_EXTENSION,
	REFUSE_NO_DIALOG,
	REFUSE_METHOD,
	REFUSE_SERVICE,
	REFUSE_EVENT,
	REFUSE_SCHEME,
	REFUSE_INSECURE,
	REFUSE_NOT_OWN_FROM,
	REFUSE_BAD_PATH,
	REFUSE_BAD_BODY,
	REFUSE_UNKNOWN_STAGE,
	REFUSE_NO_RIGHT,
	/* signing in */
	REFUSE_PASSWORD,
	REFUSE_GUESSING,
	REFUSE_SIGN_IN_DOWN,
	REFUSE_BUSY,
	REFUSE_TURNED_AWAY,
	REFUSE_NTLM_OFF,
	REFUSE_NTLM_PLAIN,
	REFUSE_NOT_SIGNED_IN,
	REFUSE_TICKET,
	/* signed off by the server */
	REFUSE_DISABLED,
	REFUSE_PASSWORD_CHANGED,
	REFUSE_KICKED,
	REFUSE_REPLACED,
	/* routing */
	REFUSE_DOMAIN,
	REFUSE_USER,
	REFUSE_NO_ENDPOINT,
	REFUSE_NO_SECURE_ENDPOINT,
	REFUSE_FLOW,
	REFUSE_NOT_REACHED,
	REFUSE_LOST,
	REFUSE_NOT_CONNECTED,
	REFUSE_ACCOUNTS_DOWN,
	REFUSE_HOME_DOWN,
	/* conversations */
	REFUSE_MEDIA,
	REFUSE_CONTENT,
	REFUSE_IM_BUSY,
	REFUSE_KEPT_FULL,
	REFUSE_LINK,
	REFUSE_FILE,
	REFUSE_NO_MESSAGE,
	REFUSE_NOT_AUTHOR,
	REFUSE_CHANGES,
	REFUSE_BRIDGE_FULL,
	REFUSE_BRIDGE_DOWN,
	REFUSE_NO_BRIDGE,
	/* presence and contacts */
	REFUSE_CONFLICT,
	REFUSE_NOT_OWN_DATA,
	REFUSE_NOT_TO_PUBLISH,
	REFUSE_TOO_MANY_ITEMS,
	REFUSE_TOO_LARGE,
	REFUSE_TOO_MANY_SUBSCRIPTIONS,
	REFUSE_INTERVAL,
	REFUSE_NO_SUCH_ITEM,
	REFUSE_STORE,
	REFUSE_DND,
	/* the directory */
	REFUSE_SEARCH_RATE,
	REFUSE_PAGE_RATE,
	REFUSE_GROUP,
	/* conferences */
	REFUSE_NO_CONFERENCE,
	REFUSE_CONF_CLOSED,
	REFUSE_CONF_LOCKED,
	REFUSE_CONF_FULL,
	REFUSE_CONF_BEHIND,
	REFUSE_NOT_INSIDE,
	REFUSE_TOO_MANY_LEGS,
	REFUSE_MESSAGE_TOO_LARGE,
	REFUSE_CONF_LEFT,
	REFUSE_CONF_EJECTED,
	REFUSE_CONF_DENIED,
	REFUSE_CONF_ENDED,
	REFUSE_CONF_IDLE,
	REFUSE_LEG_SLOW,
	REFUSE_TEXT_ONLY,
	REFUSE_OUT_OF_ORDER,
	REFUSE_NO_PUBLICATION,
	REFUSE_BODY_TYPE,
	REFUSE_ACCEPT,
	REFUSE_NO_EVENTLIST,
	REFUSE_N,
};

struct refusal_row {
	uint16_t id, code;
	const char *phrase; /* of the status line; "": the usual one */
	const char *reason; /* a sentence for the person who asked */
};

const struct refusal_row *refusal_row(enum refusal r);
/* By its ms-diagnostics number; REFUSE_NOTHING if there is no such row. */
enum refusal refusal_of_id(uint32_t id);
/* Appends `ms-diagnostics: 4005;reason="...";source="pool.example.test"` with its line end. */
void refusal_put(struct buf *b, enum refusal r, struct str source);
/* The same; the sentence goes on with more in brackets, if it is not empty. */
void refusal_put_more(struct buf *b, enum refusal r, struct str more, struct str source);
/* Appends a line for a Lync client whose call was refused for its media: the client shows it, and
 * does not try once more with an older form of ICE.  (baresip 1.0 cannot read an answer with this
 * line: it is for Lync clients alone.) */
void refusal_put_client(struct buf *b);
