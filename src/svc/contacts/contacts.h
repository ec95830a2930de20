/* A user's list of contacts in groups ([MS-SIP] sections 2.2.2 and 3.1.5, F-026): the list that
 * roams to every endpoint.
 *
 * Pure.  Each change has a number, one above the last; endpoints that know that number follow by
 * deltas.  The list as a document is what is kept, and what a new endpoint gets. */
#pragma once

#include "base/buf.h"

enum {
	CONTACTS_MAX = 1000,        /* of a list: refused above (the policy may say less) */
	CONTACT_GROUPS_MAX = 64,    /* groups of a list */
	CONTACT_IN_GROUPS_MAX = 16, /* groups that one contact is in */
	CONTACT_ECHOES = 4,         /* last names of a group that are remembered ... */
	CONTACT_ECHO_S = 10,        /* ... so long */
	CONTACT_TEXT_MAX = 255,     /* bytes of an address, a name, an external URI */
	CONTACTS_DOC_MAX = 1024 * 1024,
	CONTACTS_WRITTEN_MAX = 800 * 1024, /* of it: all contacts; the groups fit into the rest */
};
/* The group that every list has; its name begins with a tilde. */
enum { CONTACT_GROUP_OTHER = 1 };

struct contact_group {
	struct contact_group *next; /* by id */
	uint32_t id;
	char *name, *external; /* owned, never NULL */
	/* What it was renamed to lately, the newest first. */
	struct contact_renaming {
		char *name; /* NULL: none */
		usec_t at;
	} lately[CONTACT_ECHOES];
};
struct contact {
	struct contact *next; /* in the order in which they were added */
	/* Never NULL; `uri` owns the three. */
	char *uri; /* "bob@example.test": without scheme; or another URI as it is */
	char *name, *external;
	bool subscribed;
	uint8_t n_groups;
	uint16_t uri_len;
	uint32_t written;                       /* bytes in a document, at most */
	uint32_t groups[CONTACT_IN_GROUPS_MAX]; /* ids, ascending */
};
struct contact_list {
	uint32_t delta; /* number of the last change; never 0 */
	uint32_t next_group, n, n_groups;
	size_t written; /* bytes of all contacts in a document, at most */
	struct contact_group *first_group;
	struct contact *first;
};

/* As for a new user. */
void contacts_init(struct contact_list *c);
void contacts_done(struct contact_list *c);
struct contact *contacts_find(const struct contact_list *c, struct str uri);
struct contact_group *contacts_group(const struct contact_list *c, uint32_t id);

/* What a client asks for.  `groups` are ids with blanks between. */
struct contact_set {
	struct str uri, name, groups, external;
	bool subscribed;
};
/* Each of these counts as one change and appends what is told of it to `delta`, an element of
 * <contactDelta>.  -EINVAL: an argument is not to be used; -ENOENT: there is none; -ENOSPC: too
 * many, or more than a document holds; -EPERM: the group that every list has.  Nothing has changed
 * then. */
int contacts_set(struct contact_list *c, const struct contact_set *s, uint32_t max,
                 struct buf *delta) MUST_CHECK;
int contacts_remove(struct contact_list *c, struct str uri, struct buf *delta) MUST_CHECK;
int contacts_add_group(struct contact_list *c, struct str name, struct str external,
                       uint32_t *ret_id, struct buf *delta) MUST_CHECK;
int contacts_modify_group(struct contact_list *c, uint32_t id, struct str name, struct str external,
                          struct buf *delta) MUST_CHECK;
/* pidgin-sipe sends each new name of a group that it is told back as a change of its own; of two
 * quick changes each would bring the other back for ever.  True if this is such an echo: a name
 * that the group got within CONTACT_ECHO_S of now.  contacts_renamed() says that it got its name
 * now. */
bool contacts_is_echo(const struct contact_list *c, uint32_t id, struct str name, usec_t now);
void contacts_renamed(struct contact_list *c, uint32_t id, usec_t now);
/* Contacts that were in this group alone go to the one that every list has. */
int contacts_remove_group(struct contact_list *c, uint32_t id, struct buf *delta) MUST_CHECK;

/* <contactList>; `more` are attributes of its root. */
void contacts_put(struct buf *b, const struct contact_list *c, struct str more);
/* <contactDelta> around elements. */
void contacts_put_delta(struct buf *b, const struct contact_list *c, struct str elements);
/* Takes over a <contactList>; -EBADMSG, -E2BIG: nothing has changed. */
int contacts_read(struct contact_list *c, struct str document) MUST_CHECK;
