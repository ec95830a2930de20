#include "svc/routing/media.h"

#include "wire/mime/mime.h"
#include "wire/sdp/attr.h"
#include "wire/sdp/sdp.h"

enum { LIFETIME_LOG2 = 31 };

/* Candidates and their password, in the section itself: these clients inherit nothing from the
 * session. */
static bool has_ice(const struct sdp *s, const struct sdp_media *m)
{
	return sdp_attr(s, &m->part, STR("candidate"), NULL) &&
	       sdp_attr(s, &m->part, STR("ice-ufrag"), NULL) &&
	       sdp_attr(s, &m->part, STR("ice-pwd"), NULL);
}

/* The only form that is read: one suite, one lifetime, no MKI. */
static bool is_usable_key(struct str value)
{
	struct sdp_crypto c;
	struct sdp_key k;
	return sdp_crypto_parse(&c, value) == 0 &&
	       str_eq(c.suite, STR("AES_CM_128_HMAC_SHA1_80")) && sdp_key_next(&c.keys, &k) > 0 &&
	       k.lifetime_log2 == LIFETIME_LOG2 && k.mki_len == 0;
}

static bool has_key(const struct sdp *s, const struct sdp_media *m)
{
	unsigned i = 0;
	struct str value;
	while (sdp_attr_named(s, &m->part, STR("crypto"), &i, &value))
		if (is_usable_key(value))
			return true;
	return sdp_attr(s, &m->part, STR("encryption"), NULL); /* it says that it wants none */
}

const char *media_no_lync(const struct sip_msg *msg)
{
	struct mime_part part;
	RAW_MEMORY struct sdp sdp;
	const struct sdp_media *m = NULL;
	if (mime_pick(sip_value(msg, SIP_H_CONTENT_TYPE), msg->body, STR("application/sdp"), 1,
	              &part) < 0 ||
	    sdp_parse(&sdp, part.body) < 0)
		return NULL;
	while ((m = sdp_media_next(&sdp, m, STR("audio"))) != NULL) {
		if (m->port == 0)
			continue;
		if (!has_ice(&sdp, m))
			return "a Lync client needs ICE, which the other device does not offer";
		if (!has_key(&sdp, m))
			return "a Lync client needs SRTP with a key in the SDP, which the other "
			       "device does not offer";
	}
	return NULL;
}
