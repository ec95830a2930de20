#include "svc/presence/container.h"

#include <errno.h>
#include <stdlib.h>

static const uint32_t ids[N_CONTAINERS] = { 0, 1, 2, 3, 100, 200, 300, 400, 32000 };
static const char *const type_names[N_MEMBER_TYPES] = { "user",           "domain",
	                                                "sameEnterprise", "federated",
	                                                "publicCloud",    "everyone" };

int member_type_of(struct str name, enum member_type *ret)
{
	for (int t = 0; t < N_MEMBER_TYPES; t++) {
		if (str_ieq(name, str_of(type_names[t]))) {
			*ret = (enum member_type)t;
			return 0;
		}
	}
	return -EINVAL;
}

const char *member_type_name(enum member_type t)
{
	return type_names[t];
}

int container_index(uint32_t id)
{
	for (int i = 0; i < N_CONTAINERS; i++)
		if (ids[i] == id)
			return i;
	return -ENOENT;
}

uint32_t container_id(unsigned index)
{
	return ids[index];
}

static unsigned index_of(uint32_t id)
{
	return (unsigned)container_index(id);
}

void containers_init(struct containers *c)
{
	*c = (struct containers){ 0 };
	(void)containers_add(c, index_of(CONTAINER_PUBLIC), MEMBER_FEDERATED, STR(""));
	(void)containers_add(c, index_of(CONTAINER_COMPANY), MEMBER_SAME_ENTERPRISE, STR(""));
}

void containers_done(struct containers *c)
{
	while (c->first) {
		struct member *m = c->first;
		c->first = m->next;
		free(m);
	}
	c->n_members = c->n_bytes = 0;
}

static struct member **seek(const struct containers *c, unsigned index, enum member_type type,
                            struct str value)
{
	struct member **at = (struct member **)(uintptr_t)&c->first;
	while (*at &&
	       !((*at)->at == index && (*at)->type == type && str_ieq(member_value(*at), value)))
		at = &(*at)->next;
	return at;
}

struct member *containers_find(const struct containers *c, unsigned index, enum member_type type,
                               struct str value)
{
	return *seek(c, index, type, value);
}

bool containers_add(struct containers *c, unsigned index, enum member_type type, struct str value)
{
	struct member **at = seek(c, index, type, value);
	if (*at)
		return false;
	value = str_sub(value, 0, CONTAINER_VALUE_MAX);
	struct member *m = xcalloc(1, sizeof(*m) + value.len);
	m->type = type;
	m->at = (uint8_t)index;
	m->len = (uint16_t)value.len;
	if (value.len > 0)
		memcpy(m->value, value.p, value.len);
	*at = m;
	c->n_members++;
	c->n_bytes += m->len;
	return true;
}

bool containers_remove(struct containers *c, unsigned index, enum member_type type,
                       struct str value)
{
	struct member **at = seek(c, index, type, value), *m = *at;
	if (!m)
		return false;
	*at = m->next;
	c->n_members--;
	c->n_bytes -= m->len;
	free(m);
	return true;
}

static bool is_member(const struct member *m, const struct container_watcher *w, struct str domain)
{
	switch (m->type) {
	case MEMBER_USER:
		return str_ieq(member_value(m), w->uri);
	case MEMBER_DOMAIN:
		return str_ieq(member_value(m), domain);
	case MEMBER_SAME_ENTERPRISE:
		return w->ours;
	case MEMBER_FEDERATED:
		return !w->ours;
	case MEMBER_PUBLIC_CLOUD: /* there is none: every other domain is federated */
	case N_MEMBER_TYPES:
		return false;
	case MEMBER_EVERYONE:
		return true;
	}
	return false;
}

/* The types are in the order of how specific they are; of two alike the higher container counts. */
uint32_t containers_of(const struct containers *c, const struct container_watcher *w,
                       enum member_type *ret_by)
{
	struct str name, domain;
	const struct member *best = NULL;
	(void)str_cut(w->uri, '@', &name, &domain);
	for (const struct member *m = c->first; m; m = m->next) {
		if (!is_member(m, w, domain))
			continue;
		if (!best || m->type < best->type || (m->type == best->type && m->at > best->at))
			best = m;
	}
	*ret_by = best ? best->type : N_MEMBER_TYPES;
	return best ? ids[best->at] : CONTAINER_ALL;
}
