/* Containers: who sees which of a user's publications ([MS-PRES] section 3.3.1; the five privacy
 * relationships of F-024).
 *
 * A watcher sees what is in the one container that names her most specifically (herself, her
 * domain, the enterprise or federation, everybody), and what is in container 0 of categories that
 * this container has nothing of. */
#pragma once

#include "base/buf.h"

enum {
	CONTAINER_ALL = 0,        /* everybody's: name and address */
	CONTAINER_SELF = 1,       /* the user alone */
	CONTAINER_RICH = 2,       /* inputs of the aggregate */
	CONTAINER_REDUCED = 3,    /* inputs of what the workgroup sees */
	CONTAINER_PUBLIC = 100,   /* external contacts */
	CONTAINER_COMPANY = 200,  /* colleagues */
	CONTAINER_TEAM = 300,     /* workgroup */
	CONTAINER_PERSONAL = 400, /* friends and family */
	CONTAINER_BLOCKED = 32000,
	N_CONTAINERS = 9,

	CONTAINER_MEMBERS_MAX = 1000,    /* of a user, over all containers: 403 */
	CONTAINER_BYTES_MAX = 48 * 1024, /* of all members' values: 403 */
	CONTAINER_VALUE_MAX = 255,       /* bytes of a member's address or domain */
};

enum member_type {
	MEMBER_USER,
	MEMBER_DOMAIN,
	MEMBER_SAME_ENTERPRISE,
	MEMBER_FEDERATED,
	MEMBER_PUBLIC_CLOUD,
	MEMBER_EVERYONE,
	N_MEMBER_TYPES
};
/* By its name on the wire; -EINVAL. */
int member_type_of(struct str name, enum member_type *ret) MUST_CHECK;
const char *member_type_name(enum member_type t);

struct member {
	struct member *next;
	enum member_type type;
	uint8_t at;   /* index of the container */
	uint16_t len; /* of the value: an address or a domain */
	char value[];
};
static inline struct str member_value(const struct member *m)
{
	return (struct str){ m->value, m->len };
}

struct containers {
	uint32_t version[N_CONTAINERS];
	struct member *first;
	uint32_t n_members, n_bytes; /* of the members' values */
};

/* The index of a container, or -ENOENT; and the reverse. */
int container_index(uint32_t id) MUST_CHECK;
uint32_t container_id(unsigned index);

/* As for a new user: the enterprise are colleagues, federated people are external contacts. */
void containers_init(struct containers *c);
void containers_done(struct containers *c);
struct member *containers_find(const struct containers *c, unsigned index, enum member_type type,
                               struct str value);
/* Adding what is there, and removing what is not, changes nothing.  True if it did. */
bool containers_add(struct containers *c, unsigned index, enum member_type type, struct str value);
bool containers_remove(struct containers *c, unsigned index, enum member_type type,
                       struct str value);

/* Who looks. */
struct container_watcher {
	struct str uri; /* "bob@example.test" */
	bool ours;      /* of this enterprise */
};
/* The id of the container that she sees, and by what kind of membership (N_MEMBER_TYPES: none). */
uint32_t containers_of(const struct containers *c, const struct container_watcher *w,
                       enum member_type *ret_by);
