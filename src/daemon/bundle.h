/* What a role process is configured with: texts, certificates, keys.  Goes to it as an anonymous
 * memory file, so that no size limit of a socket matters and nothing secret touches a disk. */
#pragma once

#include "loop/tls.h"
#include "role/role.h"

enum { BUNDLE_CERTS_MAX = 8, BUNDLE_MAX = 4 * 1024 * 1024 };

struct bundle {
	struct str topology, local, config_dir;
	struct str ca_pem;
	struct tls_cert certs[BUNDLE_CERTS_MAX];
	size_t n_certs;
	uint8_t pool_key[ROLE_KEY_LEN], seal_key[ROLE_KEY_LEN], ticket_key[48];
	uint8_t *owned; /* by bundle_read(): what the slices point into */
	size_t owned_len;
};

/* A new memory file with the bundle; the caller closes it.  -errno. */
int bundle_write(const struct bundle *b, int *ret_fd) MUST_CHECK;
/* Reads and wipes the file.  0; -EBADMSG; -errno. */
int bundle_read(int fd, struct bundle *ret) MUST_CHECK;
/* Wipes the keys and, if it was read, the texts. */
void bundle_done(struct bundle *b);
