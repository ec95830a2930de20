/* Conference-info: what a conference is, who is in it and by which means (RFC 4575 with the
 * extensions of [MS-CONFBAS] section 2.2.2).  The focus sends such documents to those who watch a
 * conference; C3P carries them in requests.  Lync clients take exactly the shape written here.
 *
 * An element of our own, `leg` of urn:dialtone:conference, is the state of the dialog behind an
 * endpoint.  It goes between focus and MCUs alone, so that one that starts again can go on with the
 * dialogs of the other's roster. */
#pragma once

#include "wire/xml/xml.h"

enum {
	CONFINFO_TEXT_MAX = 1024,    /* bytes of a text: URI, name, tag */
	CONFINFO_ROUTE_MAX = 4096,   /* of a leg's route set */
	CONFINFO_USERS_MAX = 1000,   /* of a document */
	CONFINFO_ENDPOINTS_MAX = 64, /* of a user */
};

enum confinfo_state { CONFINFO_FULL, CONFINFO_PARTIAL, CONFINFO_DELETED, CONFINFO_N_STATES };

enum confinfo_role { CONFINFO_NO_ROLE, CONFINFO_ATTENDEE, CONFINFO_PRESENTER, CONFINFO_N_ROLES };

/* What an endpoint is connected to: the focus, or the MCU of that name. */
enum confinfo_session {
	CONFINFO_NO_SESSION,
	CONFINFO_FOCUS,
	CONFINFO_CHAT,
	CONFINFO_AUDIO_VIDEO,
	CONFINFO_SHARING,
	CONFINFO_MEETING,
	CONFINFO_N_SESSIONS,
};

/* RFC 4575 section 5.7.3. */
enum confinfo_status {
	CONFINFO_NO_STATUS,
	CONFINFO_CONNECTED,
	CONFINFO_DISCONNECTED,
	CONFINFO_ON_HOLD, /* of a focus endpoint: waits in the lobby */
	CONFINFO_PENDING,
	CONFINFO_ALERTING,
	CONFINFO_DIALING_IN,
	CONFINFO_DIALING_OUT,
	CONFINFO_DISCONNECTING,
	CONFINFO_MUTED,
	CONFINFO_N_STATUSES,
};

/* Who gets in without being asked ([MS-CONFPRO] admission-policy). */
enum confinfo_admission {
	CONFINFO_NO_ADMISSION,
	CONFINFO_CLOSED,             /* closedAuthenticated: who is invited */
	CONFINFO_OPEN_AUTHENTICATED, /* who is signed in */
	CONFINFO_ANONYMOUS,          /* everybody */
	CONFINFO_N_ADMISSIONS,
};

/* Who becomes a presenter by joining ([MS-CONFPRO] autopromote: 0, 32768, 2147483648). */
enum confinfo_promote {
	CONFINFO_PROMOTE_UNSET,
	CONFINFO_PROMOTE_NOBODY,
	CONFINFO_PROMOTE_COMPANY,
	CONFINFO_PROMOTE_EVERYONE,
};

/* A truth value that may be left out. */
enum confinfo_flag { CONFINFO_UNSET, CONFINFO_NO, CONFINFO_YES };

/* The dialog of an endpoint as its server end knows it (RFC 3261 section 12); or of one that is
 * sent pager messages (RFC 3428), what these have in common: then there is no remote tag. */
struct confinfo_leg {
	bool pager;
	struct str call_id, local_tag, remote_tag;
	struct str remote; /* value of From or To without the tag */
	struct str contact, route;
	uint32_t local_cseq, remote_cseq;
};

struct confinfo_endpoint {
	struct confinfo_endpoint *next;
	struct str entity; /* "{GUID}" */
	struct str epid;   /* empty: not told */
	enum confinfo_session session;
	enum confinfo_status status;
	bool failed;        /* disconnection-method of one that is disconnected: nobody ended it */
	bool lobby_capable; /* of a client that joins: it knows how to wait */
	const struct confinfo_leg *leg; /* NULL: not told */
};

struct confinfo_user {
	struct confinfo_user *next;
	struct str entity, name;
	enum confinfo_state state;
	enum confinfo_role role;
	struct confinfo_endpoint *endpoints;
};

/* An MCU of the conference; uri.p is NULL if there is none of its kind.  In an addConference the
 * URI is the MCU's name alone. */
struct confinfo_mcu {
	struct str uri;
	enum confinfo_flag locked;
};

struct confinfo {
	struct str entity; /* URI of the focus */
	enum confinfo_state state;
	uint32_t version; /* 0: not told */
	/* conference-description; texts with p NULL, 0 and UNSET are left out */
	struct str subject, id, join_url, organizer, organizer_name;
	uint64_t expires_s; /* since 1970 */
	enum confinfo_admission admission;
	enum confinfo_promote promote;
	enum confinfo_flag lobby; /* lobby-capable: others may wait instead of being refused */
	/* An element of our own: who is invited is a member until they leave, there or not. */
	enum confinfo_flag lasting;
	/* conf-uris and conference-view */
	struct confinfo_mcu mcus[CONFINFO_N_SESSIONS];
	bool with_uris, with_views;
	/* users */
	struct confinfo_user *users;
	uint32_t n_users;
	bool with_users;
};

/* Reads a document, or such an element of another one; texts lie in the arena.  -EBADMSG: none;
 * -E2BIG: above the limits. */
int confinfo_parse(struct confinfo *ret, struct arena *a, struct str in) MUST_CHECK;
int confinfo_read(struct confinfo *ret, struct arena *a, const struct xml *e) MUST_CHECK;
/* A `user` element. */
int confinfo_read_user(struct confinfo_user *ret, struct arena *a, const struct xml *e) MUST_CHECK;
/* A role in an element with `entry`, the highest if there are several. */
enum confinfo_role confinfo_read_role(const struct xml *e);

/* Appends a document for clients: without legs. */
void confinfo_put(struct buf *b, const struct confinfo *ci);
/* The same with legs, between focus and MCU. */
void confinfo_put_legs(struct buf *b, const struct confinfo *ci);
/* Appends a `user` element with its own namespace. */
void confinfo_put_user(struct buf *b, const struct confinfo_user *u, bool legs);
/* Appends `<roles><entry>presenter</entry></roles>` with that element's name. */
void confinfo_put_role(struct buf *b, const char *element, enum confinfo_role role);

/* Names of [MS-CONFBAS] and RFC 4575; the first of each enum where there is none. */
struct str confinfo_session_name(enum confinfo_session s);
enum confinfo_session confinfo_session_of(struct str name);
struct str confinfo_role_name(enum confinfo_role r);
enum confinfo_role confinfo_role_of(struct str name);
struct str confinfo_status_name(enum confinfo_status s);
enum confinfo_status confinfo_status_of(struct str name);
struct str confinfo_admission_name(enum confinfo_admission a);
enum confinfo_admission confinfo_admission_of(struct str name);
/* CONFINFO_N_STATES if it is none. */
enum confinfo_state confinfo_state_of(struct str name);
struct str confinfo_state_name(enum confinfo_state s);
uint32_t confinfo_promote_number(enum confinfo_promote p);
/* UNSET for a number that means nothing. */
enum confinfo_promote confinfo_promote_of(struct str number);

/* "2026-11-22T20:18:16Z": xs:dateTime in UTC or with an offset, to whole seconds since 1970.
 * -EINVAL. */
int confinfo_time_parse(struct str s, uint64_t *ret) MUST_CHECK;
void confinfo_time_put(struct buf *b, uint64_t time_s);
