/* SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966), name-addr, Via, and the parameters that
 * follow them.  Everything is a slice of the input. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/str.h"

enum sip_scheme { SIP_SCHEME_OTHER, SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL };
enum { SIP_URI_MAX = 2048, SIP_PARAMS_MAX = 50 };

struct sip_uri {
	struct str all;  /* the whole URI */
	uint8_t scheme;  /* enum sip_scheme */
	bool host_is_v6; /* host stands without its brackets */
	uint16_t port;   /* 0 if absent */
	struct str scheme_name;
	struct str user;     /* still escaped; the number of a tel: URI */
	struct str password; /* after ':' in the user part */
	struct str host;
	struct str params;  /* from the first ';' (included) up to '?'; empty if none */
	struct str headers; /* after '?' */
};

/* -EBADMSG if it is no URI.  An unknown scheme is fine (SIP_SCHEME_OTHER; only `all` and
 * `scheme_name` are set). */
int sip_uri_parse(struct sip_uri *ret, struct str s) MUST_CHECK;
/* "host", "host:port", "[v6]:port": as in URIs and Via; -EBADMSG. */
int sip_host_port_parse(struct str s, struct str *ret_host, bool *ret_v6,
                        uint16_t *ret_port) MUST_CHECK;
/* Comparison of RFC 3261 section 19.1.4. */
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);
/* The address of record in canonical form: "sip:user@host" with unescaped unreserved characters,
 * host in lower case, without port, parameters and password (RFC 3261 section 10.3 step 5);
 * user part kept in its case but compared without it by our registrar: it is lowered as well.
 * -EBADMSG for a URI without user or host. */
int sip_uri_aor(const struct sip_uri *u, struct buf *ret) MUST_CHECK;
/* Unescapes %xx of a user part; -EBADMSG. */
int sip_unescape(struct str s, struct buf *ret) MUST_CHECK;
/* Appends s with every byte escaped that a user part may not hold. */
void sip_escape_user(struct buf *b, struct str s);

/* A character of a token (RFC 3261 section 25.1). */
extern const struct charset sip_token_chars;
static inline bool sip_is_token_char(char c)
{
	return str_in(c, &sip_token_chars);
}

/* Parameters ";name=value;flag;name="quoted"".  True if there; *ret (may be NULL) is the value
 * without quotes (p NULL for a flag without value).  Names in any case. */
bool sip_param(struct str params, struct str name, struct str *ret);
/* Steps through parameters: false at the end or (with *rest not empty) at a syntax error. */
bool sip_param_next(struct str *rest, struct str *name, struct str *value);

/* From, To, Contact, Route, Record-Route, Path, Refer-To ...: name-addr or addr-spec. */
struct sip_addr {
	struct str display; /* without quotes, still with backslashes */
	struct str uri;     /* between < and >, or the bare addr-spec */
	struct str params;  /* of the header field: ";tag=..." */
	struct str all;     /* the whole value */
	bool star;          /* Contact: * */
};
/* The tag of a From or To (may be NULL); empty if there is none. */
static inline struct str sip_tag(const struct sip_addr *a)
{
	struct str tag;
	return a && sip_param(a->params, STR("tag"), &tag) ? tag : STR("");
}
/* Takes the next value of a comma list off the front of *rest.  1 and *ret, 0 at the end, -EBADMSG.
 */
int sip_addr_next(struct str *rest, struct sip_addr *ret) MUST_CHECK;
/* Exactly one value; -EBADMSG. */
int sip_addr_parse(struct sip_addr *ret, struct str s) MUST_CHECK;

/* "alice@example.test": the address of record of a sip: or sips: URI without its scheme, in b;
 * empty for any other, and for NULL. */
struct str sip_bare_aor(const struct sip_uri *u, struct buf *b);
/* The same of such a value. */
struct str sip_value_aor(struct str value, struct buf *b);

struct sip_via {
	struct str all;       /* the whole value */
	struct str transport; /* "UDP", "tls" */
	struct str host;      /* without brackets */
	bool host_is_v6;
	bool rport;    /* the parameter is there */
	uint16_t port; /* 0 if absent */
	struct str params;
	struct str branch; /* empty if absent */
	struct str received, rport_value;
};
/* The next Via of a comma list: 1, 0 at the end, -EBADMSG. */
int sip_via_next(struct str *rest, struct sip_via *ret) MUST_CHECK;

/* Takes the next element off a comma list (quotes and <> respected), trimmed; false at the end.
 * For lists of tokens and of media types. */
bool sip_list_next(struct str *rest, struct str *ret);

/* The Digest family: `Digest a="b", c=d` (RFC 3261 section 20.7, RFC 7616), also NTLM, Kerberos and
 * TLS-DSK in [MS-SIPAE]. */
struct sip_auth {
	struct str scheme;
	struct str params; /* the rest */
};
int sip_auth_parse(struct sip_auth *ret, struct str s) MUST_CHECK;
/* Value of a parameter without quotes, escapes kept; false if absent. */
bool sip_auth_param(const struct sip_auth *a, struct str name, struct str *ret);
