#include "wire/sdp/sdp.h"

#include <errno.h>

#include "sample.h"
#include "tap.h"

static int parse(const char *text)
{
	RAW_MEMORY struct sdp s;
	return sdp_parse(&s, str_of(text));
}

static void audio_offer_of_lync_is_indexed(void)
{
	auto_(buf_free) struct buf b;
	RAW_MEMORY struct sdp s;
	struct sdp_origin o;
	struct sdp_connection c;
	uint32_t ct = 0;
	EQ(sdp_parse(&s, sample(&b, "sdp/lync-audio")), 0);
	EQ(s.n_media, 1);
	EQ(s.session.n, 6);
	EQ(sdp_origin(&s, &o), 0);
	EQ_STR(o.address, "192.0.2.2");
	EQ_STR(o.version, "0");
	EQ_STR(sdp_value(&s, &s.session, 's'), "session");
	EQ(sdp_connection(&s, &s.media[0], &c), 0);
	EQ_STR(c.address, "192.0.2.2");
	EQ(sdp_bandwidth(&s, &s.session, STR("CT"), &ct), 0);
	EQ(ct, 99980);
	EQ(sdp_bandwidth(&s, &s.session, STR("AS"), &ct), -ENOENT);
	const struct sdp_media *m = &s.media[0];
	EQ_STR(m->media, "audio");
	EQ(m->port, 41446);
	EQ(m->n_ports, 1);
	EQ(m->rtp, SDP_AVP);
	EQ_STR(m->transport, "");
	EQ_STR(m->formats, "105 106 96 97 0 8 14 3 98 9 99 10 100 101 102 103 104");
}

static void fallback_for_2007_without_version_and_formats_is_taken(void)
{
	auto_(buf_free) struct buf b;
	RAW_MEMORY struct sdp s;
	EQ(sdp_parse(&s, sample(&b, "sdp/lync-fallback")), 0);
	EQ(s.n_media, 1);
	EQ(s.media[0].port, 0);
	EQ_STR(s.media[0].formats, "");
	EQ(s.media[0].rtp, SDP_AVP);
}

static void sections_of_a_browser_are_told_apart(void)
{
	auto_(buf_free) struct buf b;
	RAW_MEMORY struct sdp s;
	struct str mid, group;
	EQ(sdp_parse(&s, sample(&b, "sdp/chromium-offer")), 0);
	if (!EQ(s.n_media, 3))
		return;
	EQ_STR(s.media[0].transport, "UDP/TLS");
	EQ_STR(s.media[0].profile, "RTP/SAVPF");
	EQ(s.media[0].rtp, SDP_SAVPF);
	EQ_STR(s.media[2].transport, "UDP/DTLS");
	EQ_STR(s.media[2].profile, "SCTP");
	EQ(s.media[2].rtp, SDP_NO_RTP);
	OK(sdp_attr(&s, &s.media[1].part, STR("mid"), &mid));
	EQ_STR(mid, "1");
	OK(!sdp_attr(&s, &s.media[1].part, STR("group"), &group));
	OK(sdp_attr_inherited(&s, &s.media[1], STR("group"), &group));
	EQ_STR(group, "BUNDLE 0 1 2");
	OK(sdp_media_next(&s, NULL, STR("Video")) == &s.media[1]);
	OK(!sdp_media_next(&s, &s.media[1], STR("video")));
}

static void every_attribute_of_a_name_is_found(void)
{
	auto_(buf_free) struct buf b;
	RAW_MEMORY struct sdp s;
	unsigned i = 0, n = 0;
	struct str v;
	EQ(sdp_parse(&s, sample(&b, "sdp/lync-video")), 0);
	while (sdp_attr_named(&s, &s.media[1].part, STR("candidate"), &i, &v))
		n++;
	EQ(n, 6);
	EQ_STR(v, "3 2 TCP-PASS 1013186815 192.0.2.2 35385 typ host");
	OK(sdp_attr(&s, &s.media[1].part, STR("rtcp-rsize"), &v));
	OK(!v.p);
	OK(!sdp_attr(&s, &s.media[1].part, STR("Rtcp-Rsize"), NULL));
}

static void protocols_are_cut_into_transport_and_profile(void)
{
	static const struct {
		const char *line, *transport, *profile;
	} t[] = {
		{ "v=0\nm=data 5 TCP/RTP/AVP 127\n", "TCP", "RTP/AVP" },
		{ "v=0\nm=message 5 sip null\n", "", "sip" },
		{ "v=0\nm=message 5 TCP/MSRP *\n", "TCP", "MSRP" },
		{ "v=0\nm=message 5 TCP/TLS/MSRP *\n", "TCP/TLS", "MSRP" },
		{ "v=0\nm=audio 5 TCP/TLS/RTP/SAVP 0\n", "TCP/TLS", "RTP/SAVP" },
		{ "v=0\nm=image 5 udptl t38\n", "", "udptl" },
		{ "v=0\nm=x 5 / 1\n", "", "/" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		RAW_MEMORY struct sdp s;
		if (!EQ(sdp_parse(&s, str_of(t[i].line)), 0))
			continue;
		EQ_STR(s.media[0].transport, t[i].transport);
		EQ_STR(s.media[0].profile, t[i].profile);
	}
}

static void what_clients_get_wrong_is_borne(void)
{
	RAW_MEMORY struct sdp s;
	struct str v;
	EQ(sdp_parse(&s, STR("v=0\no=- 1 1 IN IP4 192.0.2.1\ns= \n\nm=audio 9/2 RTP/AVP 0 \r\n"
	                     "a=x:1 \t\r\n\r\n\r\n")),
	   0);
	EQ_STR(sdp_value(&s, &s.session, 's'), "");
	EQ(s.media[0].n_ports, 2);
	OK(sdp_attr(&s, &s.media[0].part, STR("x"), &v));
	EQ_STR(v, "1");
	EQ(parse("v=0"), 0);
}

static void broken_descriptions_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"\r\n",
		"v=1\r\n",
		"s=-\r\nv=0\r\n",
		"m=audio 1 RTP/AVP 0\r\n",
		"v=0\r\nhello\r\n",
		"v=0\r\n a=x\r\n",
		"v=0\r\na\r\n",
		"v=0\r\nA=x\r\n",
		"v=0\r\na=x\ry\r\n",
		"v=0\r\r\n",
		"v=0\r\nv=0\r\n",
		"o=a\r\no=b\r\n",
		"v=0\r\nm=audio 1 RTP/AVP 0\r\no=- 1 1 IN IP4 h\r\n",
		"v=0\r\nm=audio\r\n",
		"v=0\r\nm=audio 1\r\n",
		"v=0\r\nm=audio 65536 RTP/AVP 0\r\n",
		"v=0\r\nm=audio -1 RTP/AVP 0\r\n",
		"v=0\r\nm=audio 1/0 RTP/AVP 0\r\n",
		"v=0\r\nm=audio 1/ RTP/AVP 0\r\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!EQ(parse(bad[i]), -EBADMSG))
			printf("# %s\n", bad[i]);
	RAW_MEMORY struct sdp s;
	EQ(sdp_parse(&s, STR("v=0\r\na=\0b\r\n")), -EBADMSG);
}

static int parse_many(const char *start, const char *more, unsigned n)
{
	auto_(buf_free) struct buf b = buf_of(1 << 20);
	RAW_MEMORY struct sdp s;
	buf_str(&b, str_of(start));
	for (unsigned i = 0; i < n; i++)
		buf_str(&b, str_of(more));
	return sdp_parse(&s, buf_view(&b));
}

static void limits_hold(void)
{
	const char *audio = "m=audio 1 RTP/AVP 0\n", *words = "v=0\nm=audio 1 RTP/AVP";
	EQ(parse_many("v=0\n", audio, SDP_MEDIA_MAX), 0);
	EQ(parse_many("v=0\n", audio, SDP_MEDIA_MAX + 1), -E2BIG);
	EQ(parse_many("v=0\n", "a=x\n", SDP_ATTRS_MAX), 0);
	EQ(parse_many("v=0\n", "a=x\n", SDP_ATTRS_MAX + 1), -E2BIG);
	EQ(parse_many("v=0\n", "i=x\n", SDP_LINES_MAX - 1), 0);
	EQ(parse_many("v=0\n", "i=x\n", SDP_LINES_MAX), -E2BIG);
	EQ(parse_many(words, " 1", SDP_FORMATS_MAX), 0);
	EQ(parse_many(words, " 1", SDP_FORMATS_MAX + 1), -E2BIG);
	EQ(parse_many("v=0\n", "\n", SDP_BYTES_MAX - 4), 0);
	EQ(parse_many("v=0\n", "\n", SDP_BYTES_MAX - 3), -E2BIG);
}

static void origin_needs_six_fields(void)
{
	RAW_MEMORY struct sdp s;
	struct sdp_origin o;
	EQ(sdp_parse(&s, STR("v=0\no=- 1 1 IN IP4\n")), 0);
	EQ(sdp_origin(&s, &o), -EBADMSG);
	EQ(sdp_parse(&s, STR("v=0\no=- 1 1 IN IP4 a b\n")), 0);
	EQ(sdp_origin(&s, &o), -EBADMSG);
	EQ(sdp_parse(&s, STR("v=0\ns=-\n")), 0);
	EQ(sdp_origin(&s, &o), -ENOENT);
}

static void connection_of_the_section_goes_before_that_of_the_session(void)
{
	RAW_MEMORY struct sdp s;
	struct sdp_connection c;
	EQ(sdp_parse(&s, STR("v=0\nc=IN IP4 192.0.2.1\nm=audio 1 RTP/AVP 0\nc=IN IP4 "
	                     "233.252.0.1/127/3\nm=video 1 RTP/AVP 31\n")),
	   0);
	EQ(sdp_connection(&s, &s.media[0], &c), 0);
	EQ_STR(c.address, "233.252.0.1");
	EQ_STR(c.suffix, "127/3");
	EQ(sdp_connection(&s, &s.media[1], &c), 0);
	EQ_STR(c.address, "192.0.2.1");
	EQ(sdp_connection_parse(&c, STR("IN IP4")), -EBADMSG);
}

int main(void)
{
	RUN(audio_offer_of_lync_is_indexed);
	RUN(fallback_for_2007_without_version_and_formats_is_taken);
	RUN(sections_of_a_browser_are_told_apart);
	RUN(every_attribute_of_a_name_is_found);
	RUN(protocols_are_cut_into_transport_and_profile);
	RUN(what_clients_get_wrong_is_borne);
	RUN(broken_descriptions_are_refused);
	RUN(limits_hold);
	RUN(origin_needs_six_fields);
	RUN(connection_of_the_section_goes_before_that_of_the_session);
	return tap_done();
}
