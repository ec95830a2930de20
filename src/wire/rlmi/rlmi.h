/* Notifications of lists (RFC 4662): the document that names the resources, and the
 * multipart/related around it and the resources' own documents. */
#pragma once

#include "base/buf.h"

/* RFC 4662 section 5.3. */
enum rlmi_state {
	RLMI_NO_STATE, /* never written: pidgin-sipe ends with a fault if an instance has none */
	RLMI_ACTIVE,
	RLMI_PENDING,
	RLMI_TERMINATED,
	RLMI_RESUBSCRIBE, /* [MS-PRES]: subscribe to it by yourself, at pool_fqdn if that is there
	                   */
};

/* A subscription behind the list.  Texts are left out while they are empty. */
struct rlmi_instance {
	struct str id;
	enum rlmi_state state;
	struct str reason;    /* of TERMINATED: "noresource", "rejected" (RFC 3265) */
	struct str cid;       /* Content-ID of its part, without brackets */
	struct str pool_fqdn; /* of RESUBSCRIBE: a whole URI */
};

struct rlmi_resource {
	struct str uri;
	struct str name; /* for display */
	const struct rlmi_instance *instances;
	unsigned n_instances; /* none: no state is known yet */
};

struct rlmi_list {
	struct str uri;
	uint32_t version; /* counts up within the subscription */
	bool full;        /* all resources, or those alone that changed */
	const struct rlmi_resource *resources;
	unsigned n_resources;
};

/* Appends the document.  Each instance must have a state. */
void rlmi_put(struct buf *b, const struct rlmi_list *l);

/* How the parts are told apart.  The caller makes the names: Content-IDs of letters, digits, '.',
 * '-' and '@', and a boundary of letters and digits that fits all parts (mime_boundary_fits()).
 * RFC 2392 has <..> around a Content-ID; Lync servers write none. */
struct rlmi_frame {
	struct str boundary;
	struct str start; /* Content-ID of the list's document, without brackets */
	bool bare;        /* without brackets */
};

/* Appends the value of Content-Type.  Its `type` parameter is what clients know it by. */
void rlmi_put_type(struct buf *b, const struct rlmi_frame *f);
/* Appends a part.  It ends with two line ends (see mime_put_content()). */
void rlmi_put_part(struct buf *b, const struct rlmi_frame *f, struct str cid, struct str type,
                   struct str content);
/* Appends the first part, the list's document. */
void rlmi_put_first(struct buf *b, const struct rlmi_frame *f, struct str content);
/* Appends the end; no part without it. */
void rlmi_put_end(struct buf *b, const struct rlmi_frame *f);
