/* One generation of what the role processes are configured with: the configuration and, for each
 * role, its certificates.  Keys are read once and stay. */
#pragma once

#include "daemon/bundle.h"
#include "daemon/certs.h"
#include "daemon/config.h"

struct material {
	uint32_t generation;
	struct config *config;
	struct certs *certs; /* one for each role of `roles` */
	size_t n_roles;
};

/* The keys of a role. */
struct role_keys {
	uint8_t pool[ROLE_KEY_LEN], seal[ROLE_KEY_LEN], ticket[48];
};

/* Reads and checks everything of a directory; all errors, one a line. */
struct material *material_load(const char *dir, const struct role *const *roles,
                               uint32_t generation, struct buf *errors);
void material_free(struct material **mp);
/* What the processes of role number `i` get, as a memory file. */
int material_bundle(const struct material *m, size_t i, const struct role_keys *keys,
                    int *ret_fd) MUST_CHECK;
