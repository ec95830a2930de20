/* People and their endpoints: the list that the focus keeps, and each MCU for its part. */
#pragma once

#include "base/list.h"
#include "svc/conference/admission.h"
#include "svc/conference/conf_uri.h"

enum {
	CONF_NAME_MAX = 256,      /* bytes of a display name: cut */
	CONF_ENTITY_MAX = 64,     /* bytes of an endpoint's GUID, and of an epid: cut */
	CONF_LEG_MAX = 10 * 1024, /* bytes of a leg's texts */
	CONF_CLIENTS_MAX = 12,    /* endpoints of one person in one session */
};

/* A parameter of the URI by which the focus passes a message to the MCU: the requestId of what it
 * told it last of this conference.  The two go by different connections. */
#define CONF_TOLD "told"
/* The line of a pager message that says how many bytes of its text are not its author's, but name
 * him: what is remembered is without them.  With `;elsewhere` its recipient has a dialog with the
 * MCU too, and hears it there. */
#define CONF_NAMED "Dialtone-Named"
#define CONF_ELSEWHERE ";elsewhere"
/* The epid of a person's endpoints that are told what is said by pager messages, or the begin of
 * it: one of the MCU, and those in the focus that came with it. */
#define CONF_PHONE STR("phone")

struct conf_endpoint {
	struct list node;
	char *entity, *epid; /* epid may be NULL */
	enum confinfo_session session;
	enum confinfo_status status;
	bool failed;              /* disconnected, without having been ended */
	struct confinfo_leg *leg; /* the dialog, with its own texts; NULL: not known */
	void *owner;              /* free for the owner of the roster */
};

struct conf_person {
	struct list node;
	char *uri, *name;
	enum conf_kind kind;
	enum confinfo_role role;
	bool waits;   /* in the lobby */
	bool gone;    /* left since the last document */
	bool changed; /* since the last document */
	unsigned n_endpoints;
	struct list endpoints;
};

/* Replaces a text of one's own. */
void conf_set_text(char **text, struct str value);

/* Those who are gone too. */
struct conf_person *conf_find_person(const struct list *people, struct str uri);
/* A new one, or the one of that URI, with that name and not gone. */
struct conf_person *conf_new_person(struct list *people, struct str uri, struct str name);
/* With all endpoints. */
void conf_free_person(struct conf_person *p);

struct conf_endpoint *conf_new_endpoint(struct conf_person *p, struct str entity,
                                        enum confinfo_session s);
void conf_free_endpoint(struct conf_person *p, struct conf_endpoint *e);
/* Unless it is empty. */
void conf_set_epid(struct conf_endpoint *e, struct str epid);
/* A copy; leg may be NULL: nothing changes.  False: above CONF_LEG_MAX. */
bool conf_set_leg(struct conf_endpoint *e, const struct confinfo_leg *leg);
bool conf_leg_fits(const struct confinfo_leg *leg);
bool conf_is_phone(const struct conf_endpoint *e);
/* The one to which the MCU sends pager messages, or NULL. */
struct conf_endpoint *conf_pager(const struct conf_person *p);
/* Is there room for another one in that session? */
bool conf_has_room(const struct conf_person *p, enum confinfo_session s);
/* The endpoint of the same dialog, or of the same client's earlier one; NULL. */
struct conf_endpoint *conf_same_endpoint(const struct conf_person *p,
                                         const struct confinfo_endpoint *e);
/* The first of that session and epid; NULL. */
struct conf_endpoint *conf_of_epid(const struct conf_person *p, enum confinfo_session s,
                                   struct str epid);

/* Adds a user at *end, which moves on.  Texts borrow, the rest lies in the arena. */
struct confinfo_user *conf_add_user(struct confinfo *ci, struct confinfo_user ***end,
                                    struct arena *a, struct str uri, enum confinfo_role role);
#define CONF_ALL_SESSIONS UINT32_MAX
/* The same of a person, with endpoints and legs; sessions: bits 1 << enum confinfo_session. */
void conf_add_person(struct confinfo *ci, struct confinfo_user ***end, struct arena *a,
                     const struct conf_person *p, uint32_t sessions);
