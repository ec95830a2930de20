/* The calls of a user, for lamps of other phones: dialog information (RFC 4235). */
#pragma once

#include "base/buf.h"

enum dialoginfo_state {
	DIALOGINFO_TRYING,
	DIALOGINFO_PROCEEDING,
	DIALOGINFO_EARLY,
	DIALOGINFO_CONFIRMED,
	DIALOGINFO_TERMINATED,
};

/* What brought it there; written for TERMINATED alone (section 3.7.1). */
enum dialoginfo_event {
	DIALOGINFO_NO_EVENT,
	DIALOGINFO_CANCELLED,
	DIALOGINFO_REJECTED,
	DIALOGINFO_REPLACED,
	DIALOGINFO_LOCAL_BYE,
	DIALOGINFO_REMOTE_BYE,
	DIALOGINFO_ERROR,
	DIALOGINFO_TIMEOUT,
};

enum dialoginfo_direction { DIALOGINFO_NO_DIRECTION, DIALOGINFO_INITIATOR, DIALOGINFO_RECIPIENT };

/* One end.  Empty texts are left out. */
struct dialoginfo_party {
	struct str identity; /* URI */
	struct str display;
	struct str target; /* URI of its Contact */
};

struct dialoginfo_dialog {
	struct str id;                             /* the same as long as the dialog lives */
	struct str call_id, local_tag, remote_tag; /* empty: left out */
	enum dialoginfo_direction direction;
	enum dialoginfo_state state;
	enum dialoginfo_event event;
	uint16_t code; /* of the final response that ended it, 0 if none did */
	bool has_duration;
	uint32_t duration_s;
	struct dialoginfo_party local, remote;
};

struct dialoginfo {
	struct str entity; /* URI of the user */
	uint32_t version;  /* counts up by one within the subscription */
	bool full;         /* all dialogs, or those alone that changed */
	const struct dialoginfo_dialog *dialogs;
	unsigned n_dialogs;
};

/* Appends the document. */
void dialoginfo_put(struct buf *b, const struct dialoginfo *d);
