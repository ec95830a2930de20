/* Relay authentication ([MS-AVEDGEA]): application/msrtc-media-relay-auth+xml, the body of SERVICE
 * to the A/V edge's authentication service, by which users and media roles ask for credentials. */
#pragma once

#include "wire/xml/xml.h"

#define MRASP_TYPE "application/msrtc-media-relay-auth+xml"
#define MRASP_VERSION "1.0"      /* of requests */
#define MRASP_OPAQUE "srvr:MRAS" /* of the service's address */

enum {
	MRASP_WANTED_MAX = 16,  /* credentialsRequest elements of one request: -E2BIG beyond */
	MRASP_TEXT_MAX = 1024,  /* bytes of each text: -E2BIG beyond */
	MRASP_DURATION_MIN = 1, /* minutes; what is above the maximum is cut to it */
	MRASP_DURATION_DEFAULT = 480,
	MRASP_DURATION_MAX = 43200,
};

enum mrasp_location { MRASP_INTRANET, MRASP_INTERNET };

/* One credentialsRequest. */
struct mrasp_wanted {
	struct str id;       /* credentialsRequestID: comes back */
	struct str identity; /* URI of whom it is for */
	enum mrasp_location location;
	uint32_t duration; /* minutes, in bounds */
};

struct mrasp_request {
	struct str id, from, to; /* come back */
	struct str version;
	bool direct; /* route="directIP": by address, not by a name that balances load */
	size_t n_wanted;
	struct mrasp_wanted wanted[MRASP_WANTED_MAX];
};

/* Texts lie in the arena.  -EBADMSG: no such request; -E2BIG: above the limits. */
int mrasp_parse(struct mrasp_request *ret, struct arena *a, struct str in) MUST_CHECK;

/* Why a request was not served: the reasonPhrase of the response, of [MS-AVEDGEA] section 2.2.3. */
enum mrasp_reason {
	MRASP_OK,
	MRASP_MALFORMED,
	MRASP_TOO_LARGE,
	MRASP_NOT_SUPPORTED,
	MRASP_BUSY,
	MRASP_FORBIDDEN,
	MRASP_FAILURE,
	MRASP_N_REASONS,
};
struct str mrasp_phrase(enum mrasp_reason why);

/* A relay, as one face of an edge has it. */
struct mrasp_relay {
	enum mrasp_location location;
	struct str host; /* a name, or an address */
	uint16_t udp, tcp;
};

/* What was granted for wanted[i]; user and password are text in base64. */
struct mrasp_granted {
	struct str user, password;
	uint32_t duration; /* minutes */
};

struct mrasp_response {
	const struct mrasp_request *to; /* may be NULL: what was asked could not be read */
	enum mrasp_reason why;
	const struct mrasp_granted *granted; /* to->n_wanted of them, if OK */
	const struct mrasp_relay *relays;
	size_t n_relays;
};
void mrasp_put(struct buf *b, const struct mrasp_response *r);

/* --- who asks */

/* The service's address, as clients are told of it by their front end. */
void mrasp_put_service(struct buf *b, struct str host, struct str domain);
/* A request for one credential, whose id is that of the request. */
void mrasp_put_request(struct buf *b, const struct mrasp_request *rq);

/* What was granted to who asked for one credential. */
struct mrasp_answer {
	struct mrasp_granted granted;
	struct mrasp_relay relay; /* the first one: of the face that was asked for */
	struct mrasp_relay other; /* the second one; no host: there is none */
};
/* Texts lie in the arena.  -EBADMSG: no such response; -EACCES: it refuses; -E2BIG: above the
 * limits. */
int mrasp_parse_response(struct mrasp_answer *ret, struct arena *a, struct str in) MUST_CHECK;
