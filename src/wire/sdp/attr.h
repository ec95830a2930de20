/* What the attributes of a session description mean: each is read on demand from its value, the
 * text behind `a=name:`.  Slices point into that text.  0, or -EBADMSG with *ret untouched. */
#pragma once

#include "wire/sdp/sdp.h"

enum {
	SDP_SRTP_KEY_MAX = 46,    /* bytes of the longest master key and salt (RFC 6188) */
	SDP_FINGERPRINT_MAX = 64, /* bytes of the longest hash */
};

/* rtpmap (RFC 8866 section 6.6). */
struct sdp_rtpmap {
	uint8_t type; /* payload type, 0 to 127 */
	struct str encoding;
	uint32_t rate;
	struct str params; /* channels; empty if absent */
};
int sdp_rtpmap_parse(struct sdp_rtpmap *ret, struct str value) MUST_CHECK;
/* The rtpmap of a payload type in this section: 0, -ENOENT or -EBADMSG. */
int sdp_rtpmap_of(const struct sdp *s, const struct sdp_media *m, struct str format,
                  struct sdp_rtpmap *ret) MUST_CHECK;

/* fmtp (section 6.15): the parameters of a format of this section.  True if there are some. */
bool sdp_fmtp_of(const struct sdp *s, const struct sdp_media *m, struct str format,
                 struct str *ret);
/* One of the parameters, `name=value` separated by semicolons, or by blanks as Lync clients do;
 * names in any case. */
bool sdp_fmtp_param(struct str params, struct str name, struct str *ret);

/* crypto (RFC 4568 section 9.1), and one of its keys (section 6.1). */
struct sdp_crypto {
	uint32_t tag;
	struct str suite;
	struct str keys;   /* "inline:...", several separated by semicolons */
	struct str params; /* session parameters; empty if none */
};
struct sdp_key {
	struct str key;        /* base64 of master key and salt */
	uint64_t lifetime;     /* packets; 0 if not said */
	uint8_t lifetime_log2; /* n where it was written as 2^n, else 0 */
	uint8_t mki_len;       /* bytes; 0 without master key identifier */
	struct str mki;        /* its value, a number */
};
int sdp_crypto_parse(struct sdp_crypto *ret, struct str value) MUST_CHECK;
/* Takes the next key off the front of *keys: 1 and *ret, 0 at the end, -EBADMSG. */
int sdp_key_next(struct str *keys, struct sdp_key *ret) MUST_CHECK;
/* Bytes of master key and salt of a suite (RFC 4568, 6188, 7714), 0 if we do not know the suite. */
size_t sdp_suite_key_len(struct str suite);
/* Decodes a key.  Its length must be that of the suite: -EBADMSG otherwise, and for a suite we do
 * not know.  The caller wipes what it got. */
int sdp_key_bytes(struct str suite, const struct sdp_key *key,
                  uint8_t ret[SDP_SRTP_KEY_MAX]) MUST_CHECK;

/* candidate (RFC 8839 section 5.1, RFC 6544; Lync's TCP-PASS and TCP-ACT; the form of ICE draft 6
 * that Office Communications Server 2007 wants: user, component, password, transport, preference,
 * address, port). */
enum sdp_transport { SDP_OTHER, SDP_UDP, SDP_TCP, SDP_TCP_ACT, SDP_TCP_PASS };
enum sdp_cand_type { SDP_CAND_OTHER, SDP_HOST, SDP_SRFLX, SDP_PRFLX, SDP_RELAY };
struct sdp_candidate {
	bool draft6;
	uint8_t transport;     /* enum sdp_transport */
	uint8_t type;          /* enum sdp_cand_type; of draft 6 SDP_CAND_OTHER */
	uint16_t component;    /* 1 to 256 */
	uint16_t port, rport;  /* rport: 0 if absent */
	uint32_t priority;     /* of draft 6: 0 */
	struct str foundation; /* of draft 6: the user name */
	struct str password;   /* draft 6 only */
	struct str preference; /* draft 6 only: "0.830" */
	struct str transport_name;
	struct str address, raddr; /* an address or a name ("x.local"); raddr empty if absent */
	struct str type_name;
	struct str tcp_type; /* RFC 6544: "active", "passive", "so"; empty if absent */
	struct str ext;      /* what follows: pairs of name and value */
};
int sdp_candidate_parse(struct sdp_candidate *ret, struct str value) MUST_CHECK;

/* rtcp (RFC 3605): a port, perhaps with a connection. */
struct sdp_rtcp {
	uint16_t port;
	struct str addr_type, address; /* empty if absent */
};
int sdp_rtcp_parse(struct sdp_rtcp *ret, struct str value) MUST_CHECK;

/* Direction of the section, else of the session, else sendrecv (RFC 8866 section 6.7). */
enum sdp_direction { SDP_INACTIVE, SDP_SENDONLY, SDP_RECVONLY, SDP_SENDRECV };
enum sdp_direction sdp_direction(const struct sdp *s, const struct sdp_media *m);

/* ice-ufrag and ice-pwd of the section, else of the session (RFC 8839 section 5.4): both, or
 * false. */
bool sdp_ice(const struct sdp *s, const struct sdp_media *m, struct str *ufrag, struct str *pwd);

/* setup (RFC 4145, RFC 5763) of the section, else of the session. */
enum sdp_setup { SDP_SETUP_NONE, SDP_ACTIVE, SDP_PASSIVE, SDP_ACTPASS, SDP_HOLDCONN };
enum sdp_setup sdp_setup(const struct sdp *s, const struct sdp_media *m);

/* fingerprint (RFC 8122 section 5). */
struct sdp_fingerprint {
	struct str hash; /* "sha-256" */
	uint8_t len;
	uint8_t bytes[SDP_FINGERPRINT_MAX];
};
int sdp_fingerprint_parse(struct sdp_fingerprint *ret, struct str value) MUST_CHECK;
