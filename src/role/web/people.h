/* What a session knows of people: its contacts, whom it watches, its own state. */
#pragma once

#include "role/web/wb.h"

/* One block for all that is known of her: a session has hundreds of them, and what malloc adds to
 * three short texts would be twice as much as they are. */
struct person {
	struct list node;
	bool contact, shown; /* why it is watched: it is a contact; the browser shows it */
	bool asked;          /* the front end was asked for it */
	char uri[];          /* without scheme; behind it the two below */
};
/* Of a contact: what the user calls it; ids with blanks between.  Lives as long as x. */
struct str wb_person_name(const struct person *x);
struct str wb_person_groups(const struct person *x);

struct group {
	struct list node;
	uint32_t id;
	char name[];
};

/* Instance of the state that a user has set herself ([MS-PRES]). */
enum { USER_INSTANCE = 0x20000000 };

/* Publications of ours, whose versions must be told with the next one. */
enum own_pub {
	OWN_MACHINE_2,
	OWN_MACHINE_3,
	OWN_USER_2,
	OWN_USER_3,
	OWN_NOTE_200,
	OWN_NOTE_300,
	OWN_NOTE_400,
	OWN_N
};

struct people {
	struct list all, groups, searches;
	unsigned n, n_asked;
	bool idle;        /* nobody is at the device */
	uint32_t machine; /* instance of the machine's state */
	uint32_t version[OWN_N];
	unsigned state;  /* availability of the aggregate; 0: unknown */
	unsigned chosen; /* what the user set; 0: nothing */
	char *note;
};

/* A search of the directory that is under way. */
struct search {
	struct list node;
	struct session *s;
	struct accounts_req *req;
	uint64_t number;
};
void wb_search_free(struct search *x);

struct person *wb_person_find(const struct people *p, struct str uri);
/* Adds it, if it is not there; NULL: there are too many. */
struct person *wb_person_get(struct people *p, struct str uri);
/* It is, or is not, a contact with that name and in those groups.  Takes x, which has moved:
 * returns where it is. */
struct person *wb_person_set(struct person *x, bool contact, struct str name, struct str groups);
void wb_person_free(struct people *p, struct person *x);
struct group *wb_group_find(const struct people *p, uint32_t id);
/* "sip:bob@example.test;x=y" as an address of record without scheme, in space; empty: no such
 * address. */
struct str wb_people_bare(struct str uri, char space[WEB_SIP_URI_MAX + 1]);
/* "available", ... of an availability. */
const char *wb_state_name(unsigned availability);
/* Documents of notifications (people_read.c). */
void wb_people_read(struct session *s, struct str type, struct str body);
void wb_people_tell_contacts(struct session *s);
void wb_people_tell_self(struct session *s);
