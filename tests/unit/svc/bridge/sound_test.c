#include "svc/bridge/sound.h"

#include <errno.h>
#include <stdlib.h>

#include "sample.h"
#include "tap.h"

/* Descriptions as they come, and what the bridge makes of them. */

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
#define KEY "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define OTHER_KEY "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj"
#define ICE                                                          \
	"a=candidate:1 1 UDP 2130706431 192.0.2.9 4000 typ host\r\n" \
	"a=candidate:1 2 UDP 2130706430 192.0.2.9 4001 typ host\r\n" \
	"a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef0123456789\r\n"

static int read_as(struct sdp *s, struct sound *ret, const char *text, enum sound_dialect d)
{
	EQ(sdp_parse(s, str_of(text)), 0);
	return sound_read(ret, s, d);
}

static const char *at_text(const struct addr *a)
{
	static char text[4][80];
	static unsigned n;
	char *p = text[n++ % 4];
	struct buf b = { .p = p, .cap = 79, .max = 79 };
	addr_put(&b, a);
	p[b.len] = '\0';
	return p;
}

/* Where the sender wants its media. */

static void the_address_is_that_of_the_section_or_of_the_session(void)
{
	static const struct {
		const char *text, *rtp, *rtcp;
	} row[] = {
		{ HEAD "m=audio 4000 RTP/AVP 0\r\n", "192.0.2.9:4000", "192.0.2.9:4001" },
		{ HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.10\r\n", "192.0.2.10:4000",
		  "192.0.2.10:4001" },
		{ "v=0\r\ns=-\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.10\r\n",
		  "192.0.2.10:4000", "192.0.2.10:4001" },
		{ HEAD "m=audio 4000 RTP/AVP 0\r\na=rtcp:5000\r\n", "192.0.2.9:4000",
		  "192.0.2.9:5000" },
		{ HEAD "m=audio 4000 RTP/AVP 0\r\na=rtcp:5000 IN IP4 192.0.2.11\r\n",
		  "192.0.2.9:4000", "192.0.2.11:5000" },
		{ HEAD "m=audio 4000 RTP/AVP 0\r\na=rtcp:nonsense\r\n", "192.0.2.9:4000",
		  "192.0.2.9:4001" },
		{ "v=0\r\nc=IN IP6 2001:db8::1\r\nm=audio 4000 RTP/AVP 0\r\n", "[2001:db8::1]:4000",
		  "[2001:db8::1]:4001" },
		{ HEAD "m=audio 0 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 8\r\n", "192.0.2.9:4002",
		  "192.0.2.9:4003" },
		{ HEAD "m=video 4000 RTP/AVP 31\r\nm=audio 4002/2 RTP/AVP 8\r\n", "192.0.2.9:4002",
		  "192.0.2.9:4003" },
		{ HEAD "m=audio 65535 RTP/AVP 0\r\n", "192.0.2.9:65535", "192.0.2.9:0" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		RAW_MEMORY struct sdp s;
		struct sound o;
		if (!EQ(read_as(&s, &o, row[i].text, SOUND_PLAIN), 0))
			continue;
		EQ_STR(str_of(at_text(&o.at[0])), row[i].rtp);
		EQ_STR(str_of(at_text(&o.at[1])), row[i].rtcp);
		OK(!o.ice && !o.key.there && !o.wants_srtp && !o.held);
	}
}

static void what_is_no_sound_or_not_for_us_is_refused(void)
{
	static const struct {
		const char *text;
		int plain, lync;
	} row[] = {
		{ HEAD, -ENOENT, -ENOENT },
		{ HEAD "m=video 4000 RTP/AVP 31\r\n", -ENOENT, -ENOENT },
		{ HEAD "m=audio 0 RTP/AVP 0\r\n", -ENOENT, -ENOENT },
		{ "v=0\r\nm=audio 4000 RTP/AVP 0\r\n", -EBADMSG, -EBADMSG },
		{ "v=0\r\nc=IN IP4 pc.example.test\r\nm=audio 4000 RTP/AVP 0\r\n", -EBADMSG,
		  -EBADMSG },
		{ HEAD "m=audio 4000 RTP/AVP 0\r\na=rtcp:1 IN IP4 pc.example.test\r\n", -EBADMSG,
		  -EBADMSG },
		{ HEAD "m=audio 4000 RTP/AVP 0\r\n", 0, -EPROTONOSUPPORT },
		{ HEAD "m=audio 4000 RTP/AVP 0\r\n" ICE, 0, 0 },
		{ HEAD "m=audio 4000 udp 0\r\n" ICE, -EPROTONOSUPPORT, -EPROTONOSUPPORT },
		{ HEAD "m=audio 4000 UDP/TLS/RTP/SAVP 0\r\n" ICE, -EPROTONOSUPPORT,
		  -EPROTONOSUPPORT },
		{ HEAD "m=audio 4000 TCP/RTP/AVP 0\r\n" ICE, -EPROTONOSUPPORT, -EPROTONOSUPPORT },
		/* SRTP without a key would be sound in clear. */
		{ HEAD "m=audio 4000 RTP/SAVP 0\r\n" ICE, -EPROTONOSUPPORT, -EPROTONOSUPPORT },
		{ HEAD "m=audio 4000 RTP/SAVPF 0\r\n" ICE "a=fingerprint:sha-1 00\r\n",
		  -EPROTONOSUPPORT, -EPROTONOSUPPORT },
	};
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		RAW_MEMORY struct sdp s;
		struct sound o;
		EQ(read_as(&s, &o, row[i].text, SOUND_PLAIN), row[i].plain);
		EQ(read_as(&s, &o, row[i].text, SOUND_LYNC), row[i].lync);
	}
}

/* Keys. */

#define SAVP HEAD "m=audio 4000 RTP/SAVP 0\r\n" ICE

static void the_first_usable_key_is_taken(void)
{
	static const struct {
		const char *text;
		uint32_t plain_tag, lync_tag; /* 0: none */
	} row[] = {
		{ SAVP "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY "\r\n", 1, 1 },
		{ SAVP "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY "|2^31\r\n", 7, 7 },
		{ SAVP "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY "|2^20|1:4\r\n"
		       "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" OTHER_KEY "\r\n",
		  2, 2 },
		{ SAVP "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY "|1:4\r\n", 0, 0 },
		{ SAVP "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" KEY "\r\n"
		       "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" OTHER_KEY "\r\n",
		  1, 2 },
		{ SAVP "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" KEY "\r\n", 1, 0 },
		{ SAVP "a=crypto:1 AEAD_AES_256_GCM inline:" KEY KEY "\r\n"
		       "a=crypto:2 F8_128_HMAC_SHA1_80 inline:" KEY "\r\n"
		       "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" OTHER_KEY "\r\n",
		  3, 3 },
		{ SAVP "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY " UNENCRYPTED_SRTP\r\n", 0,
		  0 },
		{ SAVP "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY ";inline:" OTHER_KEY "\r\n",
		  0, 0 },
		{ SAVP "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n", 0, 0 },
		{ SAVP "a=crypto:nonsense\r\n", 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		RAW_MEMORY struct sdp s;
		struct sound o = { .key.tag = 0 };
		EQ(read_as(&s, &o, row[i].text, SOUND_PLAIN),
		   row[i].plain_tag ? 0 : -EPROTONOSUPPORT);
		EQ(o.key.there ? o.key.tag : 0, row[i].plain_tag);
		o.key.there = false;
		EQ(read_as(&s, &o, row[i].text, SOUND_LYNC),
		   row[i].lync_tag ? 0 : -EPROTONOSUPPORT);
		EQ(o.key.there ? o.key.tag : 0, row[i].lync_tag);
	}
}

static void a_key_beside_rtp_is_taken_but_not_needed(void)
{
	RAW_MEMORY struct sdp s;
	struct sound o;
	EQ(read_as(&s, &o,
	           HEAD "m=audio 4000 RTP/AVP 0\r\n"
	                "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" KEY "\r\n",
	           SOUND_PLAIN),
	   0);
	OK(o.key.there && !o.wants_srtp);
	EQ(o.key.suite, SRTP_AES_CM_128_HMAC_SHA1_32);
	OK(memcmp(o.key.bytes, "wDfvg&T+)xG7@fb5jU,RaA}\\|p0%*#", SRTP_KEY_LEN) == 0);
	EQ(read_as(&s, &o, HEAD "m=audio 4000 RTP/AVP 0\r\na=crypto:1 NULL inline:AA\r\n",
	           SOUND_PLAIN),
	   0);
	OK(!o.key.there);
}

/* ICE. */

static void names_of_ice_may_stand_in_the_session(void)
{
	RAW_MEMORY struct sdp s;
	struct sound o;
	EQ(read_as(&s, &o,
	           HEAD "a=ice-ufrag:of-session\r\na=ice-pwd:its-password-is-this-one\r\n"
	                "m=audio 4000 RTP/AVPF 96 0\r\na=rtpmap:96 opus/48000/2\r\n"
	                "a=rtcp-fb:* trr-int 1000\r\n"
	                "a=candidate:1 1 UDP 2130706303 192.0.2.9 4000 typ host\r\n",
	           SOUND_PLAIN),
	   0);
	OK(o.ice);
	EQ_STR(o.ufrag, "of-session");
	EQ_STR(o.pwd, "its-password-is-this-one");
}

static void only_candidates_that_can_be_reached_over_udp_are_told(void)
{
	RAW_MEMORY struct sdp s;
	struct sound o;
	struct addr at;
	unsigned i = 0, component;
	uint32_t priority;
	EQ(read_as(&s, &o,
	           HEAD "m=audio 4000 RTP/AVP 0\r\n" ICE
	                "a=candidate:2 1 TCP-ACT 5 192.0.2.9 4000 typ host\r\n"
	                "a=candidate:2 1 TCP 5 192.0.2.9 9 typ host tcptype active\r\n"
	                "a=candidate:3 3 UDP 5 192.0.2.9 4000 typ host\r\n"
	                "a=candidate:4 1 UDP 5 name.local 4000 typ host\r\n"
	                "a=candidate:nonsense\r\n"
	                "a=candidate:5 1 udp 77 2001:db8::5 4005 typ srflx raddr ::1 rport 1\r\n",
	           SOUND_LYNC),
	   0);
	static const struct {
		unsigned component;
		uint32_t priority;
		const char *at;
	} want[] = {
		{ 0, 2130706431, "192.0.2.9:4000" },
		{ 1, 2130706430, "192.0.2.9:4001" },
		{ 0, 77, "[2001:db8::5]:4005" },
	};
	for (size_t k = 0; k < ARRAY_SIZE(want); k++) {
		if (!OK(sound_candidate(&s, &o, &i, &component, &at, &priority)))
			return;
		EQ(component, want[k].component);
		EQ(priority, want[k].priority);
		EQ_STR(str_of(at_text(&at)), want[k].at);
	}
	OK(!sound_candidate(&s, &o, &i, &component, &at, &priority));
}

static void real_descriptions_of_lync_clients_are_read(void)
{
	static const struct {
		const char *name;
		int r;
		bool held, wants_srtp;
	} row[] = {
		{ "sdp/lync-audio", 0, false, false },
		{ "sdp/lync-answer", 0, false, true },
		{ "sdp/lync-hold", 0, true, true },
		{ "sdp/lync-ice-done", 0, false, true },
		{ "sdp/lync-video", 0, false, false },
		{ "sdp/lync-fallback", -ENOENT, 0, 0 },
		{ "sdp/lync-sharing", -ENOENT, 0, 0 },
		{ "sdp/lync-im", -ENOENT, 0, 0 },
		{ "sdp/lync-file-answer", -ENOENT, 0, 0 },
		{ "sdp/lync-draft6", -EPROTONOSUPPORT, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		auto_(buf_free) struct buf b;
		RAW_MEMORY struct sdp s;
		struct sound o;
		EQ(sdp_parse(&s, sample(&b, row[i].name)), 0);
		EQ(sound_read(&o, &s, SOUND_LYNC), row[i].r);
		if (row[i].r < 0)
			continue;
		OK(o.ice && o.key.there && o.key.tag == 1);
		EQ(o.held, row[i].held);
		EQ(o.wants_srtp, row[i].wants_srtp);
	}
}

/* Writing. */

struct desk {
	struct loop *loop;
	struct ice *ice;
	struct sound_key key;
	struct sound_end end;
	struct buf in, out;
	struct sdp s, back; /* read, and what was written */
	const struct sdp_media *m;
	struct sound sound; /* read back by the other dialect's reader */
};

static void never_sends(void *arg UNUSED, unsigned component UNUSED,
                        const struct ice_way *way UNUSED, struct str datagram UNUSED)
{
}

static void never_selects(void *arg UNUSED, unsigned component UNUSED,
                          const struct ice_way *way UNUSED)
{
}

static const struct ice_ops ice_ops = { .send = never_sends, .selected = never_selects };

static struct desk *desk_new(enum sound_dialect d, bool keyed)
{
	struct desk *k = xnew(struct desk);
	k->loop = loop_new();
	k->ice = ice_new(k->loop, STUN_LYNC, true, &ice_ops, NULL);
	k->key = (struct sound_key){ .there = true, .tag = 3 };
	memcpy(k->key.bytes, "abcdefghijklmnopqrstuvwxyz0123", SRTP_KEY_LEN);
	k->end = (struct sound_end){ .dialect = d,
		                     .ice = d == SOUND_LYNC ? k->ice : NULL,
		                     .key = keyed ? &k->key : NULL };
	OK(addr_parse(&k->end.at[0], STR("198.51.100.1"), 40000) == 0);
	OK(addr_parse(&k->end.at[1], STR("198.51.100.1"), 40001) == 0);
	k->out = buf_of(SOUND_BYTES_MAX);
	return k;
}

static void desk_free(struct desk **kp)
{
	struct desk *k = take(kp);
	ice_free(&k->ice);
	loop_free(&k->loop);
	buf_free(&k->in);
	buf_free(&k->out);
	free(k);
}

/* Writes the description anew and reads that. */
static bool rewrites(struct desk *k, struct str text)
{
	const struct sdp_media *m = NULL;
	k->out.len = 0;
	EQ(sdp_parse(&k->s, text), 0);
	while ((m = sdp_media_next(&k->s, m, STR("audio"))) != NULL && m->port == 0)
		;
	k->m = m;
	return OK(m != NULL) && OK(sound_write(&k->out, &k->s, m, &k->end)) &&
	       OK(sdp_parse(&k->back, buf_view(&k->out)) == 0) &&
	       OK(sound_read(&k->sound, &k->back, k->end.dialect) == 0);
}

static bool says(const struct desk *k, const char *line)
{
	return str_find(buf_view(&k->out), str_of(line)) >= 0;
}

static void a_phones_offer_is_written_for_a_lync_client(void)
{
	auto_(desk_free) struct desk *k = desk_new(SOUND_LYNC, true);
	if (!rewrites(k, STR(HEAD "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
	                          "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
	                          "a=rtcp:4007\r\na=rtcp-mux\r\na=sendrecv\r\n")))
		return;
	OK(says(k, "m=audio 40000 RTP/SAVP 0 8 101\r\n"));
	OK(says(k, "c=IN IP4 198.51.100.1\r\n") && !says(k, "c=IN IP4 192.0.2.9\r\n"));
	OK(says(k, "a=rtcp:40001\r\n") && !says(k, "4007") && !says(k, "rtcp-mux"));
	OK(says(k, "|2^31\r\n") && says(k, "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:"));
	OK(says(k, "a=fmtp:101 0-15\r\n") && says(k, "a=rtpmap:0 PCMU/8000\r\n"));
	OK(!says(k, "sendrecv") && !says(k, "remote-candidates"));
	OK(memcmp(k->sound.key.bytes, k->key.bytes, SRTP_KEY_LEN) == 0);
	OK(str_eq(k->sound.ufrag, ice_ufrag(k->ice)) && str_eq(k->sound.pwd, ice_pwd(k->ice)));
	OK(addr_eq(&k->sound.at[0], &k->end.at[0]) && addr_eq(&k->sound.at[1], &k->end.at[1]));
}

static void a_relay_is_told_of_behind_the_host(void)
{
	auto_(desk_free) struct desk *k = desk_new(SOUND_LYNC, true);
	struct sound_relayed relayed;
	char line[200];
	OK(addr_parse(&relayed.at[0], STR("203.0.113.7"), 50010) == 0);
	OK(addr_parse(&relayed.at[1], STR("203.0.113.7"), 50020) == 0);
	OK(addr_parse(&relayed.mapped[0], STR("198.51.100.2"), 3000) == 0);
	OK(addr_parse(&relayed.mapped[1], STR("198.51.100.2"), 3001) == 0);
	k->end.relayed = &relayed;
	if (!rewrites(k, STR(HEAD "m=audio 4000 RTP/AVP 0\r\na=candidate:9 1 UDP 1 192.0.2.9 1 typ "
	                          "relay raddr 192.0.2.8 rport 2\r\n")))
		return;
	(void)snprintf(line, sizeof(line),
	               "a=candidate:2 1 UDP %u 203.0.113.7 50010 typ relay raddr 198.51.100.2 "
	               "rport 3000\r\na=candidate:2 2 UDP %u 203.0.113.7 50020 typ relay raddr "
	               "198.51.100.2 rport 3001\r\n",
	               ice_priority(ICE_RELAYED, 0), ice_priority(ICE_RELAYED, 1));
	OK(says(k, line));
	OK(says(k, "a=candidate:1 1 UDP ") && says(k, " 198.51.100.1 40000 typ host\r\n"));
	/* Until ICE has chosen, the host is what others are told. */
	OK(says(k, "m=audio 40000 ") && says(k, "c=IN IP4 198.51.100.1\r\n"));
	OK(says(k, "a=rtcp:40001\r\n") && !says(k, "192.0.2.8"));
}

static void a_lync_clients_offer_is_written_for_a_phone(void)
{
	auto_(desk_free) struct desk *k = desk_new(SOUND_PLAIN, false);
	if (!rewrites(k, sample(&k->in, "sdp/lync-ice-done")))
		return;
	OK(says(k, "m=audio 40000 RTP/AVP 105 106 "));
	OK(!says(k, "crypto") && !says(k, "candidate") && !says(k, "ice-") && !says(k, "rtcp"));
	OK(says(k, "a=sendrecv\r\n") && says(k, "a=fmtp:97 bitrate=16000\r\n"));
	OK(!k->sound.ice && !k->sound.key.there);
	OK(addr_eq(&k->sound.at[0], &k->end.at[0]) && addr_eq(&k->sound.at[1], &k->end.at[1]));
}

/* Nothing of the other end's media may get through, wherever it stands. */
static void keys_and_addresses_of_the_other_end_stay_behind(void)
{
	static const char *const secrets[] = {
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY "|2^31\r\n",
		"a=cryptoscale:1 client AES_CM_128_HMAC_SHA1_80 inline:" KEY "|2^31\r\n",
		"a=encryption:required\r\n",
		"a=fingerprint:sha-1 00:11\r\na=setup:actpass\r\na=tls-id:1\r\n",
		"a=zrtp-hash:1.10 00\r\n",
		"a=key-mgmt:mikey AQAF\r\n",
		ICE "a=ice-lite\r\na=ice-options:ice2\r\na=remote-candidates:1 192.0.2.2 1\r\n",
		"a=x-candidate-ipv6:1 1 UDP 1 2001:db8::1 1 typ host\r\n",
		"a=group:BUNDLE 0 1\r\na=rtcp-mux\r\na=rtcp:9 IN IP4 192.0.2.9\r\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(secrets) * 3; i++) {
		auto_(desk_free) struct desk *k = desk_new(SOUND_PLAIN, false);
		const char *text = secrets[i / 3];
		char all[2048];
		(void)snprintf(all, sizeof(all),
		               HEAD "%sm=audio 4000 RTP/AVP 0\r\n%sm=video 4002 RTP/AVP 31\r\n%s",
		               i % 3 == 0 ? text : "", i % 3 == 1 ? text : "",
		               i % 3 == 2 ? text : "");
		if (!rewrites(k, str_of(all)))
			continue;
		OK(!says(k, KEY));
		unsigned n = 0, at = 0;
		struct str name, value;
		for (unsigned part = 0; part <= k->back.n_media; part++, at = 0) {
			const struct sdp_part *p =
			        part ? &k->back.media[part - 1].part : &k->back.session;
			while (sdp_attr_next(&k->back, p, &at, &name, &value))
				n++;
		}
		EQ(n, 1); /* our direction */
	}
}

static void other_sections_are_refused(void)
{
	for (int lync = 0; lync < 2; lync++) {
		auto_(desk_free) struct desk *k = desk_new(lync ? SOUND_LYNC : SOUND_PLAIN, lync);
		if (!rewrites(k, STR(HEAD "m=video 4010 RTP/AVP 31\r\nm=audio 0 RTP/AVP 3\r\n"
		                          "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
		                          "m=audio 4020 RTP/AVP 8\r\nm=message 1 TCP/MSRP *\r\n")))
			continue;
		EQ(k->back.n_media, 5);
		for (unsigned i = 0; i < k->back.n_media; i++)
			EQ(k->back.media[i].port, i == 2 ? 40000 : 0);
		OK(k->sound.m == &k->back.media[2]);
	}
}

static void a_direction_is_told_in_the_readers_dialect(void)
{
	static const struct {
		const char *media;
		const char *plain, *lync; /* lync: NULL for none */
		bool held;
	} row[] = {
		{ "c=IN IP4 192.0.2.9\r\n", "sendrecv", NULL, false },
		{ "a=sendrecv\r\n", "sendrecv", NULL, false },
		{ "a=recvonly\r\n", "recvonly", NULL, false },
		{ "a=sendonly\r\n", "sendonly", "inactive", true },
		{ "a=inactive\r\n", "inactive", "inactive", true },
		{ "c=IN IP4 0.0.0.0\r\n", "sendonly", "inactive", true },
		{ "c=IN IP4 0.0.0.0\r\na=recvonly\r\n", "inactive", "inactive", true },
		{ "c=IN IP6 ::\r\n", "sendonly", "inactive", true },
	};
	for (size_t i = 0; i < ARRAY_SIZE(row) * 2; i++) {
		bool lync = i % 2;
		const char *want = lync ? row[i / 2].lync : row[i / 2].plain;
		char text[512], line[64];
		auto_(desk_free) struct desk *k = desk_new(lync ? SOUND_LYNC : SOUND_PLAIN, lync);
		(void)snprintf(text, sizeof(text), HEAD "m=audio 4000 RTP/AVP 0\r\n%s",
		               row[i / 2].media);
		struct sound o;
		RAW_MEMORY struct sdp s;
		EQ(read_as(&s, &o, text, SOUND_PLAIN), 0);
		EQ(o.held, row[i / 2].held);
		if (!rewrites(k, str_of(text)))
			continue;
		(void)snprintf(line, sizeof(line), "a=%s\r\n", want ? want : "sendrecv");
		EQ(says(k, line), want != NULL);
		OK(!says(k, "0.0.0.0"));
	}
}

static void static_payload_types_have_an_rtpmap_for_lync(void)
{
	auto_(desk_free) struct desk *k = desk_new(SOUND_LYNC, true);
	if (!rewrites(k, STR(HEAD "m=audio 4000 RTP/AVP 0 3 8 9 18 96\r\na=rtpmap:8 PCMA/8000/1\r\n"
	                          "a=rtpmap:96 opus/48000/2\r\n")))
		return;
	OK(says(k, "a=rtpmap:0 PCMU/8000\r\n") && says(k, "a=rtpmap:3 GSM/8000\r\n") &&
	   says(k, "a=rtpmap:9 G722/8000\r\n"));
	OK(says(k, "a=rtpmap:8 PCMA/8000/1\r\n") && !says(k, "a=rtpmap:8 PCMA/8000\r\n"));
	OK(!says(k, "a=rtpmap:18") && says(k, "a=rtpmap:96 opus/48000/2\r\n"));
	k->end.dialect = SOUND_PLAIN;
	if (rewrites(k, STR(HEAD "m=audio 4000 RTP/AVP 0\r\n")))
		OK(!says(k, "rtpmap"));
}

/* RFC 3264 section 6: that of the offer. */
static void the_profile_is_that_of_the_offer_or_as_the_key_says(void)
{
	static const struct {
		bool keyed;
		const char *proto, *want;
	} row[] = {
		{ false, "", "RTP/AVP" },          { true, "", "RTP/SAVP" },
		{ true, "RTP/AVP", "RTP/AVP" },    { true, "RTP/SAVPF", "RTP/SAVPF" },
		{ false, "RTP/AVPF", "RTP/AVPF" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		auto_(desk_free) struct desk *k = desk_new(SOUND_PLAIN, row[i].keyed);
		k->end.proto = str_of(row[i].proto);
		if (!rewrites(k, STR(HEAD "m=audio 4000 RTP/AVP 0\r\n")))
			continue;
		EQ_STR(k->back.media[0].proto, row[i].want);
		EQ(k->sound.key.there, row[i].keyed);
		OK(!says(k, "2^31"));
	}
}

static void an_address_of_ipv6_is_written(void)
{
	auto_(desk_free) struct desk *k = desk_new(SOUND_LYNC, true);
	OK(addr_parse(&k->end.at[0], STR("2001:db8::7"), 40000) == 0);
	OK(addr_parse(&k->end.at[1], STR("2001:db8::7"), 40001) == 0);
	if (!rewrites(k, STR("v=0\r\nc=IN IP6 2001:db8::1\r\nm=audio 4000 RTP/AVP 0\r\n")))
		return;
	OK(says(k, "c=IN IP6 2001:db8::7\r\n") && says(k, " 2001:db8::7 40001 typ host\r\n"));
	OK(addr_eq(&k->sound.at[0], &k->end.at[0]));
}

/* The longest that is read is written; what does not fit is not written in part. */
static void a_description_at_the_limit_is_written(void)
{
	auto_(desk_free) struct desk *k = desk_new(SOUND_LYNC, true);
	auto_(buf_free) struct buf big = buf_of(SDP_BYTES_MAX);
	buf_lit(&big, HEAD "m=audio 4000 RTP/AVP 0\r\na=x:");
	while (big.len < SDP_BYTES_MAX - 2)
		buf_char(&big, 'x');
	buf_lit(&big, "\r\n");
	OK(!big.full && big.len == SDP_BYTES_MAX);
	EQ(sdp_parse(&k->s, buf_view(&big)), 0);
	OK(sound_write(&k->out, &k->s, &k->s.media[0], &k->end));
	OK(k->out.len > big.len && !k->out.full);
	struct buf small = buf_of(big.len);
	OK(!sound_write(&small, &k->s, &k->s.media[0], &k->end));
	buf_free(&small);
}

/* Finding it in a message. */

static int find_in(const char *type, const char *body)
{
	auto_(buf_free) struct buf b = buf_of(8192);
	RAW_MEMORY struct sdp s;
	struct sip_msg m;
	buf_printf(&b,
	           "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
	           "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
	           "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
	           type, strlen(body), body);
	if (!EQ(sip_parse(&m, buf_view(&b)), 0))
		return 1;
	return sound_find(&s, &m);
}

static void a_description_is_found_in_a_message(void)
{
	EQ(find_in("application/sdp", HEAD), 0);
	EQ(find_in("application/sdp", ""), -ENOENT);
	EQ(find_in("text/plain", "hello"), -ENOENT);
	EQ(find_in("application/sdp", "hello"), -EBADMSG);
	EQ(find_in("multipart/alternative;boundary=x",
	           "--x\r\nContent-Type: application/sdp\r\n\r\n" HEAD "\r\n--x--\r\n"),
	   0);
	EQ(find_in("multipart/mixed;boundary=x",
	           "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--\r\n"),
	   -ENOENT);
}

int main(void)
{
	RUN(the_address_is_that_of_the_section_or_of_the_session);
	RUN(what_is_no_sound_or_not_for_us_is_refused);
	RUN(the_first_usable_key_is_taken);
	RUN(a_key_beside_rtp_is_taken_but_not_needed);
	RUN(names_of_ice_may_stand_in_the_session);
	RUN(only_candidates_that_can_be_reached_over_udp_are_told);
	RUN(real_descriptions_of_lync_clients_are_read);
	RUN(a_phones_offer_is_written_for_a_lync_client);
	RUN(a_relay_is_told_of_behind_the_host);
	RUN(a_lync_clients_offer_is_written_for_a_phone);
	RUN(keys_and_addresses_of_the_other_end_stay_behind);
	RUN(other_sections_are_refused);
	RUN(a_direction_is_told_in_the_readers_dialect);
	RUN(static_payload_types_have_an_rtpmap_for_lync);
	RUN(the_profile_is_that_of_the_offer_or_as_the_key_says);
	RUN(an_address_of_ipv6_is_written);
	RUN(a_description_at_the_limit_is_written);
	RUN(a_description_is_found_in_a_message);
	return tap_done();
}
