#include "svc/routing/media.h"

#include "wire/mime/mime.h"
#include "wire/sdp/sdp.h"

bool media_over_rtp(const struct sip_msg *m)
{
	struct mime_part part;
	RAW_MEMORY struct sdp s;
	if (m->body.len == 0)
		return true;
	if (mime_pick(sip_value(m, SIP_H_CONTENT_TYPE), m->body, STR("application/sdp"), 1, &part) <
	            0 ||
	    sdp_parse(&s, part.body) < 0)
		return false;
	for (size_t i = 0; i < s.n_media; i++)
		if (s.media[i].rtp != SDP_NO_RTP && s.media[i].port != 0)
			return true;
	return false;
}
