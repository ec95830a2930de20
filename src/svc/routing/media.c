#include "svc/routing/media.h"

#include "svc/bridge/sound.h"

bool media_over_rtp(const struct sip_msg *m)
{
	RAW_MEMORY struct sdp s;
	if (m->body.len == 0)
		return true;
	if (sound_find(&s, m) < 0)
		return false;
	for (size_t i = 0; i < s.n_media; i++)
		if (s.media[i].rtp != SDP_NO_RTP && s.media[i].port != 0)
			return true;
	return false;
}

bool media_method(const struct sip_msg *m)
{
	return m->method == SIP_INVITE || m->method == SIP_UPDATE || m->method == SIP_ACK ||
	       m->method == SIP_PRACK;
}

bool media_negotiates(const struct sip_msg *m)
{
	return media_method(m) && (m->method == SIP_INVITE || m->body.len > 0) && media_over_rtp(m);
}
