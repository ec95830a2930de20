#include "wire/sdp/security.h"

#include "sample.h"
#include "tap.h"

#define KEY                                   \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 " \
	"inline:03ca0ZPm2WvE0qrsJKueSRGj6p5GIGaMIZDFSVC5|2^31\n"
#define PRINT "a=fingerprint:sha-256 18:D5\n"

static unsigned ways(const char *text)
{
	RAW_MEMORY struct sdp s;
	if (!EQ(sdp_parse(&s, str_of(text)), 0) || !OK(s.n_media > 0))
		return 0;
	return sdp_security(&s, &s.media[0]);
}

static unsigned ways_of_sample(const char *name)
{
	auto_(buf_free) struct buf b;
	RAW_MEMORY struct sdp s;
	if (!EQ(sdp_parse(&s, sample(&b, name)), 0) || !OK(s.n_media > 0))
		return 0;
	return sdp_security(&s, &s.media[0]);
}

static void offers_of_real_clients_are_told_apart(void)
{
	EQ(ways_of_sample("sdp/lync-audio"), SDP_SEC_PLAIN | SDP_SEC_BESIDE);
	EQ(ways_of_sample("sdp/lync-answer"), SDP_SEC_SDES);
	EQ(ways_of_sample("sdp/lync-draft6"), SDP_SEC_PLAIN | SDP_SEC_BESIDE);
	EQ(ways_of_sample("sdp/lync-sharing"), SDP_SEC_PLAIN | SDP_SEC_BESIDE);
	EQ(ways_of_sample("sdp/lync-fallback"), 0);
	EQ(ways_of_sample("sdp/lync-im"), 0);
	EQ(ways_of_sample("sdp/chromium-offer"), SDP_SEC_DTLS);
}

static void profile_keys_and_encryption_word_decide(void)
{
	EQ(ways("v=0\nm=audio 1 RTP/AVP 0\n"), SDP_SEC_PLAIN);
	EQ(ways("v=0\nm=audio 1 RTP/AVPF 0\n" PRINT), SDP_SEC_PLAIN | SDP_SEC_DTLS);
	EQ(ways("v=0\nm=audio 1 RTP/AVP 0\na=encryption:required\n" KEY), SDP_SEC_BESIDE);
	EQ(ways("v=0\nm=audio 1 RTP/AVP 0\na=encryption:required\n"), 0);
	EQ(ways("v=0\nm=audio 1 RTP/AVP 0\na=encryption:rejected\n" KEY), SDP_SEC_PLAIN);
	EQ(ways("v=0\nm=audio 1 RTP/AVP 0\na=encryption:optional\n" KEY),
	   SDP_SEC_PLAIN | SDP_SEC_BESIDE);
	EQ(ways("v=0\nm=audio 1 RTP/SAVP 0\n" KEY), SDP_SEC_SDES);
	EQ(ways("v=0\nm=audio 1 RTP/SAVPF 0\n" KEY PRINT), SDP_SEC_SDES | SDP_SEC_DTLS);
	EQ(ways("v=0\nm=audio 1 RTP/SAVP 0\n"), 0);
	EQ(ways("v=0\n" PRINT "m=audio 1 UDP/TLS/RTP/SAVP 0\n"), SDP_SEC_DTLS);
	EQ(ways("v=0\nm=audio 1 UDP/TLS/RTP/SAVP 0\n" KEY), 0);
	EQ(ways("v=0\nm=image 1 udptl t38\n"), 0);
}

static void keys_that_nobody_can_use_do_not_count(void)
{
	EQ(ways("v=0\nm=audio 1 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\n"), 0);
	EQ(ways("v=0\nm=audio 1 RTP/SAVP 0\na=crypto:1 X inline:AAAA\n" KEY), SDP_SEC_SDES);
	EQ(ways("v=0\nm=audio 1 UDP/TLS/RTP/SAVP 0\na=fingerprint:sha-256 zz\n"), 0);
}

static void refused_sections_offer_nothing_but_bundled_ones_do(void)
{
	EQ(ways("v=0\nm=audio 0 RTP/AVP 0\n"), 0);
	EQ(ways("v=0\nm=audio 0 UDP/TLS/RTP/SAVPF 0\na=bundle-only\n" PRINT), SDP_SEC_DTLS);
}

static bool refusal_says(const char *text, unsigned can, const char *what)
{
	RAW_MEMORY struct sdp s;
	if (sdp_parse(&s, str_of(text)) < 0)
		return false;
	const char *why = sdp_refusal(&s, STR("audio"), can);
	return what ? why && strstr(why, what) : !why;
}

static void refusal_names_what_the_offer_wants(void)
{
	const char *two = "v=0\nm=audio 1 RTP/AVP 0\nm=audio 1 RTP/SAVP 0\n" KEY;
	OK(refusal_says(two, SDP_SEC_PLAIN | SDP_SEC_SDES, NULL));
	OK(refusal_says(two, SDP_SEC_PLAIN, "SDES"));
	OK(refusal_says(two, SDP_SEC_SDES, "plain"));
	OK(refusal_says("v=0\nm=audio 1 UDP/TLS/RTP/SAVPF 0\n" PRINT, SDP_SEC_SDES, "DTLS"));
	OK(refusal_says("v=0\nm=audio 1 RTP/AVP 0\na=encryption:required\n" KEY, SDP_SEC_PLAIN,
	                "beside"));
	OK(refusal_says("v=0\nm=audio 1 RTP/SAVP 0\n", ~0U, "known"));
	OK(refusal_says("v=0\nm=audio 0 RTP/SAVP 0\n", 0, NULL));
	OK(refusal_says("v=0\nm=video 1 RTP/SAVP 0\n", 0, NULL));
}

int main(void)
{
	RUN(offers_of_real_clients_are_told_apart);
	RUN(profile_keys_and_encryption_word_decide);
	RUN(keys_that_nobody_can_use_do_not_count);
	RUN(refused_sections_offer_nothing_but_bundled_ones_do);
	RUN(refusal_names_what_the_offer_wants);
	return tap_done();
}
