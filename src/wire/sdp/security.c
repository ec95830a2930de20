#include "wire/sdp/security.h"

#include "wire/sdp/attr.h"

/* A key that can be used: a known suite, a first key of the right length. */
static bool has_sdes_key(const struct sdp *s, const struct sdp_media *m)
{
	unsigned i = 0;
	struct str value;
	while (sdp_attr_named(s, &m->part, STR("crypto"), &i, &value)) {
		struct sdp_crypto c;
		struct sdp_key k;
		uint8_t bytes[SDP_SRTP_KEY_MAX];
		if (sdp_crypto_parse(&c, value) < 0 || sdp_key_next(&c.keys, &k) <= 0)
			continue;
		int r = sdp_key_bytes(c.suite, &k, bytes);
		wipe(bytes, sizeof(bytes));
		if (r == 0)
			return true;
	}
	return false;
}

static bool has_fingerprint(const struct sdp *s, const struct sdp_media *m)
{
	struct sdp_fingerprint f;
	struct str value;
	return sdp_attr_inherited(s, m, STR("fingerprint"), &value) &&
	       sdp_fingerprint_parse(&f, value) == 0;
}

/* RTP/AVP: plain, unless the other side says what [MS-SDPEXT] has for it. */
static unsigned beside(const struct sdp *s, const struct sdp_media *m, unsigned keys)
{
	struct str word = STR("");
	(void)sdp_attr_inherited(s, m, STR("encryption"), &word);
	if (str_ieq(word, STR("rejected")))
		return SDP_SEC_PLAIN;
	return str_ieq(word, STR("required")) ? keys : keys | SDP_SEC_PLAIN;
}

/* Port 0 means refused, but for a section that travels with another (RFC 8843 section 6). */
static bool is_offered(const struct sdp *s, const struct sdp_media *m)
{
	return m->port != 0 || sdp_attr(s, &m->part, STR("bundle-only"), NULL);
}

unsigned sdp_security(const struct sdp *s, const struct sdp_media *m)
{
	bool tls = str_ieq(m->transport, STR("UDP/TLS")) || str_ieq(m->transport, STR("TCP/TLS")) ||
	           str_ieq(m->transport, STR("TCP/DTLS"));
	if (m->rtp == SDP_NO_RTP || !is_offered(s, m))
		return 0;
	unsigned dtls = has_fingerprint(s, m) ? SDP_SEC_DTLS : 0;
	if (tls)
		return dtls;
	bool key = has_sdes_key(s, m);
	if (m->rtp == SDP_SAVP || m->rtp == SDP_SAVPF)
		return dtls | (key ? SDP_SEC_SDES : 0);
	return beside(s, m, dtls | (key ? SDP_SEC_BESIDE : 0));
}

static const char *what_it_wants(unsigned offered)
{
	if (offered & SDP_SEC_SDES)
		return offered & SDP_SEC_DTLS ? "media must be encrypted: RTP/SAVP"
		                              : "media must be encrypted: RTP/SAVP with SDES keys";
	if (offered & SDP_SEC_DTLS)
		return "media must be encrypted: DTLS-SRTP";
	if (offered & SDP_SEC_BESIDE)
		return "media must be encrypted: SDES keys beside RTP/AVP";
	if (offered & SDP_SEC_PLAIN)
		return "media cannot be encrypted: plain RTP/AVP";
	return "no media protection that is known here";
}

const char *sdp_refusal(const struct sdp *s, struct str media, unsigned can)
{
	for (const struct sdp_media *m = sdp_media_next(s, NULL, media); m;
	     m = sdp_media_next(s, m, media)) {
		unsigned offered = sdp_security(s, m);
		if (is_offered(s, m) && !(offered & can))
			return what_it_wants(offered);
	}
	return NULL;
}
