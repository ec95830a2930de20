#include "wire/sdp/compose.h"

#include "sample.h"
#include "tap.h"

static void nothing_changes_without_an_edit(void)
{
	static const char *const names[] = { "sdp/lync-audio",     "sdp/lync-video",
		                             "sdp/lync-fallback",  "sdp/lync-draft6",
		                             "sdp/chromium-offer", "sdp/chromium-answer" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_(buf_free) struct buf in, out = buf_of(1 << 20);
		RAW_MEMORY struct sdp s;
		EQ(sdp_parse(&s, sample(&in, names[i])), 0);
		sdp_put_edited(&out, &s, NULL, NULL, 0);
		OK(str_eq(buf_view(&in), buf_view(&out)));
	}
}

static struct str edited(struct buf *b, const char *text, const struct sdp_edit *session,
                         const struct sdp_edit *media)
{
	RAW_MEMORY struct sdp s;
	b->len = 0;
	if (EQ(sdp_parse(&s, str_of(text)), 0))
		sdp_put_edited(b, &s, session, media, media ? 1 : 0);
	return buf_view(b);
}

static void port_protocol_formats_and_address_are_changed_in_place(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	struct sdp_edit e = { .set_port = true,
		              .port = 5004,
		              .proto = STR("RTP/SAVP"),
		              .connection = STR("IN IP4 192.0.2.7") };
	EQ_STR(edited(&b,
	              "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 9/2 RTP/AVP 0 8\r\ni=x\r\nb=AS:9\r\n"
	              "a=odd \r\nm=video 7 RTP/AVP 31\r\n",
	              NULL, &e),
	       "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 5004 RTP/SAVP 0 8\r\ni=x\r\n"
	       "c=IN IP4 192.0.2.7\r\nb=AS:9\r\na=odd \r\nm=video 7 RTP/AVP 31\r\n");
	e = (struct sdp_edit){ .connection = STR("IN IP4 192.0.2.7"), .formats = STR("8") };
	EQ_STR(edited(&b, "v=0\nm=audio 9/2 RTP/AVP 0 8\nc=IN IP4 1.2.3.4/1\nc=IN IP4 1.2.3.5/1\n",
	              NULL, &e),
	       "v=0\nm=audio 9/2 RTP/AVP 8\r\nc=IN IP4 192.0.2.7\r\n");
}

static void session_gets_another_origin_and_address(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	struct sdp_edit e = { .origin = STR("- 1 2 IN IP4 192.0.2.7"),
		              .connection = STR("IN IP4 192.0.2.7") };
	EQ_STR(edited(&b, "v=0\no=- 0 0 IN IP4 10.0.0.1\ns=-\nt=0 0\nm=audio 9 RTP/AVP 0\n", &e,
	              NULL),
	       "v=0\no=- 1 2 IN IP4 192.0.2.7\r\ns=-\nc=IN IP4 192.0.2.7\r\nt=0 0\nm=audio 9 "
	       "RTP/AVP "
	       "0\n");
}

static void attributes_are_dropped_by_name_or_first_word_and_added_behind(void)
{
	static const struct str drop[] = { STR_INIT("crypto"), STR_INIT("rtpmap:105"),
		                           STR_INIT("sendrecv") };
	auto_(buf_free) struct buf b = buf_of(4096), add = buf_of(4096);
	struct sdp_edit e = { .drop = drop, .n_drop = ARRAY_SIZE(drop) };
	sdp_put_attr(&add, STR("rtcp-mux"), (struct str){ NULL, 0 });
	sdp_put_attr(&add, STR("mid"), STR("0"));
	e.add = buf_view(&add);
	EQ_STR(edited(&b,
	              "v=0\r\nm=audio 9 RTP/AVP 0\r\na=crypto:1 A inline:B\r\na=rtpmap:105 S/1\r\n"
	              "a=rtpmap:0 P/1\r\na=sendrecv\r\na=cryptoscale:1",
	              NULL, &e),
	       "v=0\r\nm=audio 9 RTP/AVP 0\r\na=rtpmap:0 P/1\r\na=cryptoscale:1\r\na=rtcp-mux\r\n"
	       "a=mid:0\r\n");
}

static void empty_lines_do_not_come_before_what_is_added(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	struct sdp_edit e = { .add = STR("a=x\r\n") };
	EQ_STR(edited(&b, "v=0\r\nm=audio 9 RTP/AVP 0\r\n\r\n\r\n", NULL, &e),
	       "v=0\r\nm=audio 9 RTP/AVP 0\r\na=x\r\n");
	EQ_STR(edited(&b, "v=0\nm=audio 9 RTP/AVP 0\r", NULL, &e),
	       "v=0\nm=audio 9 RTP/AVP 0\r\na=x\r\n");
}

static void no_value_becomes_a_line_of_its_own(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	sdp_put_attr(&b, STR("label"), STR("x\r\nm=audio 1\0 RTP/AVP 0\n"));
	EQ_STR(buf_view(&b), "a=label:xm=audio 1 RTP/AVP 0\r\n");
}

static void fresh_description_is_read_again(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	struct sdp_rtpmap pcmu = { .type = 0, .encoding = STR("PCMU"), .rate = 8000 };
	struct sdp_rtpmap opus = {
		.type = 96, .encoding = STR("opus"), .rate = 48000, .params = STR("2")
	};
	struct sdp_fingerprint f = { .hash = STR("sha-1"), .len = 2, .bytes = { 0xab, 1 } };
	sdp_put_session(
	        &b, &(struct sdp_fresh){ .id = 7, .version = 8, .address = STR("2001:db8::1") });
	sdp_put_media(&b, STR("audio"), 5004, STR("RTP/AVP"), STR("0 96"));
	sdp_put_rtpmap(&b, &pcmu);
	sdp_put_rtpmap(&b, &opus);
	sdp_put_fingerprint(&b, &f);
	sdp_put_media(&b, STR("data"), 0, STR("TCP/RTP/AVP"), STR(""));
	EQ_STR(buf_view(&b), "v=0\r\no=- 7 8 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\n"
	                     "t=0 0\r\nm=audio 5004 RTP/AVP 0 96\r\na=rtpmap:0 PCMU/8000\r\n"
	                     "a=rtpmap:96 opus/48000/2\r\na=fingerprint:sha-1 AB:01\r\n"
	                     "m=data 0 TCP/RTP/AVP\r\n");
	RAW_MEMORY struct sdp s;
	EQ(sdp_parse(&s, buf_view(&b)), 0);
	EQ(s.n_media, 2);
}

static void candidates_and_keys_are_written_as_they_were_read(void)
{
	static const char *const names[] = { "sdp/lync-audio", "sdp/lync-draft6",
		                             "sdp/chromium-offer" };
	unsigned n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_(buf_free) struct buf in, out = buf_of(1 << 16);
		RAW_MEMORY struct sdp s;
		struct str name, v;
		EQ(sdp_parse(&s, sample(&in, names[i])), 0);
		for (unsigned at = 0; sdp_attr_next(&s, &s.media[0].part, &at, &name, &v); n++) {
			struct sdp_candidate c;
			struct sdp_crypto k;
			out.len = 0;
			if (str_eq(name, STR("candidate")) && EQ(sdp_candidate_parse(&c, v), 0))
				sdp_put_candidate(&out, &c);
			else if (str_eq(name, STR("crypto")) && EQ(sdp_crypto_parse(&k, v), 0))
				sdp_put_crypto(&out, &k);
			else
				continue;
			OK(str_eq(str_sub(str_trim(buf_view(&out)), 3 + name.len, out.len), v));
		}
	}
	OK(n > 10);
}

int main(void)
{
	RUN(nothing_changes_without_an_edit);
	RUN(port_protocol_formats_and_address_are_changed_in_place);
	RUN(session_gets_another_origin_and_address);
	RUN(attributes_are_dropped_by_name_or_first_word_and_added_behind);
	RUN(empty_lines_do_not_come_before_what_is_added);
	RUN(no_value_becomes_a_line_of_its_own);
	RUN(fresh_description_is_read_again);
	RUN(candidates_and_keys_are_written_as_they_were_read);
	return tap_done();
}
