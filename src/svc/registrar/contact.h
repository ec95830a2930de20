/* The Contact values of a REGISTER and of its answer. */
#pragma once

#include "svc/registrar/registrar.h"

struct contact {
	struct sip_addr addr;
	uint64_t endpoint;
	uint32_t expires_s; /* granted; 0: sign off */
	uint32_t reg_id;
	uint16_t q;
	bool lync;      /* the client speaks the Lync dialect */
	bool gruu;      /* it understands RFC 5627, and this has an instance */
	bool refreshed; /* the endpoint was signed in already */
	struct str instance;
};

struct contacts {
	bool star;
	bool outbound; /* the client asks for RFC 5626 */
	bool gruu;     /* the client understands RFC 5627 */
	bool lync;     /* the client speaks the Lync dialect */
	size_t n;
	struct contact c[REGISTRAR_CONTACTS_MAX];
};

/* Reads and checks all of them; 0 or the status code with a reason. */
int contacts_parse(struct contacts *ret, const struct sip_msg *m,
                   const struct registrar_config *cfg, const struct token_key *k,
                   const char **ret_reason);
/* What the request wants bound; slices of the request. */
void contact_binding(struct binding_data *ret, const struct contact *c,
                     const struct registrar_request *rq);
/* The header lines of the 200: a Contact for each binding of the user, and what else belongs to it.
 */
void contacts_put_lines(struct buf *b, struct home_user *u, const struct contacts *cs,
                        const struct token_key *k, usec_t now);
