#include "tap.h"
#include "wire/sip/compose.h"

/* Messages of RFC 4475, each handled as its text says an element should.  The name of the RFC's
 * message stands in front of each row. */

#define FROM_TO "To: sip:j.user@example.com\r\nFrom: sip:caller@example.net;tag=93942939o2\r\n"
#define REST(cseq)                                                           \
	"Max-Forwards: 70\r\nCall-ID: x.0ha0isndaksdj\r\nCSeq: " cseq "\r\n" \
	"Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw\r\n"

static const struct {
	const char *name, *text;
	int code; /* 0: accepted; -1: no message that could be answered */
} rows[] = {
	/* 3.1.1.1: folded everywhere, odd spacing, unknown headers, escaped quotes. */
	{ "wsinv",
	  "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
	  "TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
	  "from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n"
	  "  tag = 98asjd8\r\nMaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\n"
	  "Content-Length   : 150\r\ncseq: 0009\r\n  INVITE\r\n"
	  "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\ns :\r\n"
	  "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
	  "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nContent-Type: application/sdp\r\n"
	  "Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
	  "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n"
	  "  branch  =   z9hG4bK9ikj8  ,\r\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n"
	  " z9hG4bK30239\r\n"
	  "m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue "
	  ";\r\n"
	  "  secondparam ; q = 0.33\r\n\r\n"
	  "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\n"
	  "t=0 0\r\nm=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n",
	  0 },
	/* 3.1.1.2: a method, a user part and header values of unusual characters. */
	{ "intmeth",
	  "!interesting-Method0123456789_*+`.%indeed'~ "
	  "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too."
	  "(doesn't-it)@example.com SIP/2.0\r\n"
	  "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\r\n"
	  "To: \"BEL:\\\007 NUL:\\000 DEL:\\177\" <sip:1_unusual.URI~(to-be!sure)@example.com>\r\n"
	  "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
	  ";fromParam''~+*_!.-%=\"r\xc3\xa9sum\xc3\xa9\";tag=_token~1'+`*%!-.\r\n"
	  "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
	  "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\n"
	  "Max-Forwards: 255\r\nExtensionHeader-!.%*+_`'~: token\r\nContent-Length: 0\r\n\r\n",
	  0 },
	/* 3.1.1.3: escapes in URIs. */
	{ "esc01",
	  "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0\r\n"
	  "To: sip:%75se%72@example.com\r\nFrom: "
	  "<sip:I%20have%20spaces@example.net>;tag=938\r\n" REST(
	          "234234 INVITE") "Contact: "
	                           "<sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34"
	                           "%31>\r\nContent-Length: 0\r\n\r\n",
	  0 },
	/* 3.1.1.4: escaped nulls. */
	{ "escnull",
	  "REGISTER sip:example.com SIP/2.0\r\nTo: sip:null-%00-null@example.com\r\n"
	  "From: sip:null-%00-null@example.com;tag=839923423\r\n" REST(
	          "14398234 REGISTER") "Contact: <sip:%00@host5.example.com>\r\nContact: "
	                               "<sip:%00%00@host5.example.com>\r\n"
	                               "L:0\r\n\r\n",
	  0 },
	/* 3.1.1.5: a percent that is no escape, in a method. */
	{ "esc02",
	  "RE%47IST%45R sip:registrar.example.com SIP/2.0\r\n"
	  "To: \"%Z%45\" <sip:resource@example.com>\r\n"
	  "From: \"%Z%45\" <sip:resource@example.com>;tag=f232jadfj23\r\n" REST(
	          "29344 RE%47IST%45R") "Contact: <sip:alias1@host1.example.com>\r\n"
	                                "Content-Length: 0\r\n\r\n",
	  0 },
	/* 3.1.1.6: no blank between display name and "<". */
	{ "lwsdisp",
	  "OPTIONS sip:user@example.com SIP/2.0\r\nTo: sip:user@example.com\r\n"
	  "From: caller<sip:caller@example.com>;tag=323\r\n" REST("60 OPTIONS") "l: 0\r\n\r\n",
	  0 },
	/* 3.1.1.9: a semicolon in the user part. */
	{ "semiuri",
	  "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0\r\n"
	  "To: sip:j_user@example.com\r\nFrom: sip:caller@example.org;tag=33242\r\n" REST(
	          "8 OPTIONS") "Accept: application/sdp, application/pkcs7-mime,\r\n"
	                       "        multipart/mixed, multipart/signed,\r\n        message/sip, "
	                       "message/sipfrag\r\nl: 0\r\n\r\n",
	  0 },
	/* 3.1.1.10: transports that we do not know. */
	{ "transports",
	  "OPTIONS sip:user@example.com SIP/2.0\r\nTo: sip:user@example.com\r\n"
	  "From: <sip:caller@example.com>;tag=323\r\nMax-Forwards: 70\r\nCall-ID: t\r\n"
	  "Accept: application/sdp\r\nCSeq: 60 OPTIONS\r\n"
	  "Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw\r\n"
	  "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf\r\n"
	  "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj\r\n"
	  "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en\r\n"
	  "Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee\r\nl: 0\r\n\r\n",
	  0 },
	/* 3.1.2.1: an invalid Via ends the sip-message; extra ";" parameters without names. */
	{ "badinv01",
	  "INVITE sip:user@example.com SIP/2.0\r\nTo: sip:j.user@example.com\r\n"
	  "From: sip:caller@example.net;tag=134161461246\r\nMax-Forwards: 7\r\nCall-ID: b\r\n"
	  "CSeq: 8 INVITE\r\nVia: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n"
	  "Contact: \"Joe\" <sip:joe@example.org>;;;;\r\nContent-Length: 0\r\n\r\n",
	  400 },
	/* 3.1.2.2: Content-Length larger than the message. */
	{ "clerr",
	  "INVITE sip:user@example.com SIP/2.0\r\n" FROM_TO REST(
	          "8 INVITE") "Content-Type: application/sdp\r\nContent-Length: "
	                      "9999\r\n\r\nv=0\r\n",
	  400 },
	/* 3.1.2.3: negative Content-Length. */
	{ "ncl",
	  "INVITE sip:user@example.com SIP/2.0\r\n" FROM_TO REST(
	          "8 INVITE") "Content-Length: -999\r\n\r\nv=0\r\n",
	  400 },
	/* 3.1.2.4: request scalars out of range. */
	{ "scalar02",
	  "REGISTER sip:example.com SIP/2.0\r\n"
	  "Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bK342sdfoi3\r\n"
	  "To: <sip:user@example.com>\r\nFrom: <sip:user@example.com>;tag=239232jh3\r\n"
	  "CSeq: 36893488147419103232 REGISTER\r\nCall-ID: "
	  "scalar02.23o0pd9vanlq3wnrlnewofjas9ui32\r\n"
	  "Max-Forwards: 300\r\nExpires: 10000000000000000000000000000000000000000\r\n"
	  "Contact: <sip:user@host129.example.com>\r\n  ;expires=280297596632815\r\n"
	  "Content-Length: 0\r\n\r\n",
	  400 },
	/* 3.1.2.5: response scalars out of range. */
	{ "scalarlg",
	  "SIP/2.0 503 Service Unavailable\r\n"
	  "Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw\r\n"
	  "To: <sip:user@example.com>\r\nFrom: <sip:other@example.net>;tag=2easdjfejw\r\n"
	  "CSeq: 9292394834772304023312 OPTIONS\r\nCall-ID: "
	  "scalarlg.noase0of0234hn2qofoaf0232aewf2394r\r\n"
	  "Retry-After: 949302838503028349304023988\r\nContent-Length: 0\r\n\r\n",
	  400 },
	/* 3.1.2.6: an unterminated quoted string. */
	{ "quotbal",
	  "INVITE sip:user@example.com SIP/2.0\r\nTo: \"Mr. J. User <sip:j.user@example.com>\r\n"
	  "From: sip:caller@example.net;tag=93334\r\n" REST("8 INVITE") "Content-Length: 0\r\n\r\n",
	  400 },
	/* 3.1.2.7: <> around the Request-URI. */
	{ "ltgtruri",
	  "INVITE <sip:user@example.com> SIP/2.0\r\n" FROM_TO REST(
	          "1 INVITE") "Content-Length: 0\r\n\r\n",
	  400 },
	/* 3.1.2.8: a blank in the Request-URI. */
	{ "lwsruri",
	  "INVITE sip:user@example.com; lr SIP/2.0\r\n" FROM_TO REST(
	          "1 INVITE") "Content-Length: 0\r\n\r\n",
	  400 },
	/* 3.1.2.9: more than one blank between the parts of the start line. */
	{ "lwsstart",
	  "INVITE  sip:user@example.com  SIP/2.0\r\n" FROM_TO REST(
	          "1 INVITE") "Content-Length: 0\r\n\r\n",
	  400 },
	/* 3.1.2.10: a blank behind the version. */
	{ "trws",
	  "OPTIONS sip:remote-target@example.com SIP/2.0  \r\n" FROM_TO REST(
	          "20 OPTIONS") "Content-Length: 0\r\n\r\n",
	  400 },
	/* 3.1.2.11: escaped headers in the Request-URI. */
	{ "escruri",
	  "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0\r\n" FROM_TO REST(
	          "1 INVITE") "Content-Length: 0\r\n\r\n",
	  400 },
	/* 3.1.2.16: an unknown version. */
	{ "badvers",
	  "OPTIONS sip:t.watson@example.org SIP/7.0\r\n" FROM_TO REST("1 OPTIONS") "l: 0\r\n\r\n",
	  505 },
	/* 3.1.2.17: methods of start line and CSeq differ. */
	{ "mismatch01",
	  "OPTIONS sip:user@example.com SIP/2.0\r\n" FROM_TO REST("8 INVITE") "l: 0\r\n\r\n", 400 },
	/* 3.1.2.18: the same with an unknown method. */
	{ "mismatch02",
	  "NEWMETHOD sip:user@example.com SIP/2.0\r\n" FROM_TO REST("8 INVITE") "l: 0\r\n\r\n",
	  400 },
	/* 3.1.2.19: a status code that is none. */
	{ "bigcode",
	  "SIP/2.0 4294967301 better not break the receiver\r\n" FROM_TO REST(
	          "8 INVITE") "l: 0\r\n\r\n",
	  -1 },
	/* 3.2.1: a branch that is only the cookie: the fields of RFC 2543 identify it. */
	{ "badbranch",
	  "OPTIONS sip:user@example.com SIP/2.0\r\n" FROM_TO
	  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"
	  "\r\nMax-Forwards: 70\r\nCall-ID: b\r\nCSeq: 8 OPTIONS\r\nl: 0\r\n\r\n",
	  0 },
	/* 3.3.1: mandatory fields are missing. */
	{ "insuf",
	  "INVITE sip:user@example.com SIP/2.0\r\nCSeq: 193942 INVITE\r\n"
	  "Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf\r\nContent-Length: 0\r\n\r\n",
	  400 },
	/* 3.3.2: an unknown scheme in the Request-URI. */
	{ "unkscm",
	  "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0\r\n" FROM_TO REST(
	          "3 OPTIONS") "Content-Length: 0\r\n\r\n",
	  416 },
	/* 3.3.3: a known scheme that is not SIP's. */
	{ "novelsc",
	  "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\r\n" FROM_TO REST(
	          "1 OPTIONS") "Content-Length: 0\r\n\r\n",
	  416 },
	/* 3.3.4: unknown schemes in To, From and Contact harm nobody. */
	{ "unksm2",
	  "REGISTER sip:example.com SIP/2.0\r\nTo: isbn:2983792873\r\n"
	  "From: <http://www.example.com>;tag=3234233\r\n" REST(
	          "234902 REGISTER") "Contact: <name:John_Smith>\r\nl: 0\r\n\r\n",
	  0 },
	/* 3.3.8: fields that may stand once stand several times. */
	{ "multi01",
	  "INVITE sip:user@company.com SIP/2.0\r\nContact: <sip:caller@host25.example.net>\r\n"
	  "Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw\r\nMax-Forwards: 70\r\nCSeq: 5 "
	  "INVITE\r\n"
	  "Call-ID: multi01.98asdh@192.0.2.1\r\nCSeq: 59 INVITE\r\n"
	  "Call-ID: multi01.98asdh@192.0.2.2\r\nFrom: sip:caller@example.com;tag=3413415\r\n"
	  "To: sip:user@example.com\r\nTo: sip:other@example.net\r\n"
	  "From: sip:caller@example.net;tag=2923420123\r\nl: 0\r\n\r\n",
	  400 },
	/* 3.3.9: Content-Length twice. */
	{ "mcl01",
	  "OPTIONS sip:user@example.com SIP/2.0\r\n" FROM_TO REST(
	          "5 OPTIONS") "Content-Length: 13\r\nContent-Length: 5\r\n\r\nThere's no way to "
	                       "know how many octets\r\n",
	  400 },
	/* 3.4.1: RFC 2543's Via and no To tag, no Max-Forwards. */
	{ "inv2543",
	  "INVITE sip:UserB@example.com SIP/2.0\r\nVia: SIP/2.0/UDP iftgw.example.com\r\n"
	  "From: <sip:+13035551111@ift.client.example.net;user=phone>\r\n"
	  "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>\r\n"
	  "To: sip:+16505552222@ss1.example.net;user=phone\r\nCall-ID: "
	  "i.1717@ift.client.example.com\r\n"
	  "CSeq: 56 INVITE\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n",
	  0 },
};

static int outcome(const char *text, struct sip_msg *m)
{
	return sip_parse(m, str_of(text)) < 0 ? -1 : sip_check(m).code;
}

static void each_message_is_handled_as_the_rfc_says(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sip_msg m;
		int got = outcome(rows[i].text, &m);
		if (got != rows[i].code)
			printf("# %s: got %d, wanted %d\n", rows[i].name, got, rows[i].code);
		EQ(got, rows[i].code);
	}
}

/* What is accepted passes on byte for byte but for what a proxy changes, and is accepted again. */
static void what_is_accepted_can_be_passed_on(void)
{
	struct addr peer;
	EQ(addr_parse(&peer, STR("192.0.2.77"), 5061), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sip_msg m, again;
		auto_(buf_free) struct buf b = buf_of(65536);
		struct sip_edit e = { .push_via = STR("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa"),
			              .received = &peer,
			              .max_forwards = 69 };
		if (rows[i].code != 0 || outcome(rows[i].text, &m) != 0)
			continue;
		sip_put_edited(&b, &m, &e);
		EQ(sip_parse(&again, buf_view(&b)), 0);
		EQ(sip_check(&again).code, 0);
		OK(str_eq(again.uri, m.uri) && str_eq(again.call_id, m.call_id));
		OK(again.cseq == m.cseq && str_eq(again.body, m.body));
	}
}

static void the_details_of_wsinv_are_read(void)
{
	struct sip_msg m;
	struct sip_addr a;
	struct sip_via v;
	struct str tag, rest;
	EQ(outcome(rows[0].text, &m), 0);
	EQ(m.cseq, 9);
	EQ(m.body.len, 150);
	EQ(sip_addr_parse(&a, sip_value(&m, SIP_H_TO)), 0);
	OK(sip_param(a.params, STR("tag"), &tag));
	EQ_STR(tag, "1918181833n");
	EQ(sip_addr_parse(&a, sip_value(&m, SIP_H_FROM)), 0);
	EQ_STR(a.uri, "sip:jdrosen@example.com");
	int vias = 0;
	for (const struct sip_hdr *h = sip_first(&m, SIP_H_VIA); h; h = sip_next(&m, h)) {
		rest = sip_hdr_value(&m, h);
		while (sip_via_next(&rest, &v) > 0)
			vias++;
	}
	EQ(vias, 3);
	EQ_STR(v.branch, "z9hG4bK30239");
}

int main(void)
{
	RUN(each_message_is_handled_as_the_rfc_says);
	RUN(what_is_accepted_can_be_passed_on);
	RUN(the_details_of_wsinv_are_read);
	return tap_done();
}
