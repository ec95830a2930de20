#include "wire/mrasp/mrasp.h"

#include <errno.h>

#include "data.h"

#define OPEN                                                                                  \
	"<request requestID=\"1\" from=\"sip:a@e.test\" to=\"sip:r@e.test\" version=\"1.0\" " \
	"xmlns=\"x\">"
#define WANTED(id, more)                                 \
	"<credentialsRequest credentialsRequestID=\"" id \
	"\"><identity>sip:a@e.test</identity>" more "</credentialsRequest>"
#define CLOSE "</request>"

static struct arena *arena;

static int parse(struct mrasp_request *ret, struct str in)
{
	arena_free(&arena);
	arena = arena_new();
	return mrasp_parse(ret, arena, in);
}

static struct mrasp_request captured(void)
{
	static struct buf text;
	struct mrasp_request m = { .n_wanted = 0 };
	buf_free(&text);
	text = buf_of(XML_TEXT_MAX);
	data_read(&text, "mrasp/request.xml");
	EQ(parse(&m, buf_view(&text)), 0);
	return m;
}

static void the_request_of_pidgin_sipe_is_understood(void)
{
	struct mrasp_request m = captured();
	EQ_STR(m.id, "1735883390");
	EQ_STR(m.from, "sip:alice@contoso.com");
	EQ_STR(m.to, "sip:pool.contoso.com@contoso.com;gruu;opaque=srvr:MRAS:c0ffee00");
	EQ_STR(m.version, "1.0");
	OK(!m.direct);
	if (!EQ(m.n_wanted, 1))
		return;
	EQ_STR(m.wanted[0].id, "1735883390");
	EQ_STR(m.wanted[0].identity, "sip:alice@contoso.com");
	EQ(m.wanted[0].location, MRASP_INTRANET);
	EQ(m.wanted[0].duration, 480);
}

static void durations_are_kept_in_bounds(void)
{
	static const struct {
		const char *text;
		uint32_t want;
	} rows[] = { { "", 480 },
		     { "<duration>0</duration>", 1 },
		     { "<duration>60</duration>", 60 },
		     { "<duration>x</duration>", 480 },
		     { "<duration>-5</duration>", 480 },
		     { "<duration>4294967295</duration>", MRASP_DURATION_MAX },
		     { "<duration>99999999999</duration>", 480 } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mrasp_request m = { .n_wanted = 0 };
		auto_(buf_free) struct buf b = buf_of(4096);
		buf_printf(&b,
		           "%s<credentialsRequest credentialsRequestID=\"1\"><identity>sip:a@b</"
		           "identity>%s</credentialsRequest>" CLOSE,
		           OPEN, rows[i].text);
		EQ(parse(&m, buf_view(&b)), 0);
		EQ(m.wanted[0].duration, rows[i].want);
	}
}

static void several_are_wanted_at_a_time(void)
{
	struct mrasp_request m;
	EQ(parse(&m, STR(OPEN WANTED("7", "<location>internet</location>") WANTED("8", "") CLOSE)),
	   0);
	EQ(m.n_wanted, 2);
	EQ(m.wanted[0].location, MRASP_INTERNET);
	EQ(m.wanted[1].location, MRASP_INTRANET);
	EQ_STR(m.wanted[1].id, "8");
}

static void what_is_no_request_is_refused(void)
{
	static const char *const rows[] = {
		"",
		"x",
		"<request/>",
		OPEN CLOSE,
		"<request>" WANTED("1", "") CLOSE,
		"<response requestID=\"1\">" WANTED("1", "") "</response>",
		OPEN WANTED("", "") CLOSE,
		OPEN "<credentialsRequest credentialsRequestID=\"1\"/>" CLOSE,
		"<!DOCTYPE request [<!ENTITY a \"b\">]>" OPEN WANTED("1", "") CLOSE,
	};
	struct mrasp_request m;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EQ(parse(&m, str_of(rows[i])), -EBADMSG);
}

static void limits_are_kept(void)
{
	struct mrasp_request m;
	auto_(buf_free) struct buf b = buf_of(65536);
	buf_lit(&b, OPEN);
	for (int i = 0; i < MRASP_WANTED_MAX; i++)
		buf_lit(&b, WANTED("1", ""));
	size_t n = b.len;
	buf_lit(&b, CLOSE);
	EQ(parse(&m, buf_view(&b)), 0);
	EQ(m.n_wanted, MRASP_WANTED_MAX);
	b.len = n;
	buf_lit(&b, WANTED("1", "") CLOSE);
	EQ(parse(&m, buf_view(&b)), -E2BIG);
	b.len = 0;
	buf_lit(&b, "<request requestID=\"");
	for (int i = 0; i <= MRASP_TEXT_MAX; i++)
		buf_char(&b, 'x');
	buf_lit(&b, "\">" WANTED("1", "") CLOSE);
	EQ(parse(&m, buf_view(&b)), -E2BIG);
}

static void answer(struct buf *b)
{
	struct mrasp_request m = captured();
	const struct mrasp_relay relays[] = {
		{ MRASP_INTRANET, STR("av.example.net"), 3478, 443 },
		{ MRASP_INTERNET, STR("192.0.2.1"), 3478, 443 },
	};
	const struct mrasp_granted granted = { STR("AgAAJHVzZXI="), STR("c2VjcmV0"), 480 };
	struct mrasp_response r = {
		.to = &m, .granted = &granted, .relays = relays, .n_relays = 2
	};
	mrasp_put(b, &r);
}

static void the_answer_is_what_clients_read(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	answer(&b);
	EQ_STR(buf_view(&b),
	       "<?xml version=\"1.0\"?><response requestID=\"1735883390\""
	       " to=\"sip:pool.contoso.com@contoso.com;gruu;opaque=srvr:MRAS:c0ffee00\""
	       " from=\"sip:alice@contoso.com\" version=\"1.0\" serverVersion=\"2.0\""
	       " reasonPhrase=\"OK\" xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\">"
	       "<credentialsResponse credentialsRequestID=\"1735883390\"><credentials>"
	       "<username>AgAAJHVzZXI=</username><password>c2VjcmV0</password>"
	       "<duration>480</duration></credentials><mediaRelayList><mediaRelay>"
	       "<location>intranet</location><hostName>av.example.net</hostName>"
	       "<udpPort>3478</udpPort><tcpPort>443</tcpPort></mediaRelay><mediaRelay>"
	       "<location>internet</location><hostName>192.0.2.1</hostName>"
	       "<udpPort>3478</udpPort><tcpPort>443</tcpPort></mediaRelay></mediaRelayList>"
	       "</credentialsResponse></response>");
}

static int parse_response(struct mrasp_answer *ret, struct str in)
{
	arena_free(&arena);
	arena = arena_new();
	return mrasp_parse_response(ret, arena, in);
}

static void what_is_granted_is_read(void)
{
	struct mrasp_answer m = { .granted.duration = 0 };
	auto_(buf_free) struct buf b = buf_of(4096);
	answer(&b);
	EQ(parse_response(&m, buf_view(&b)), 0);
	EQ_STR(m.granted.user, "AgAAJHVzZXI=");
	EQ_STR(m.granted.password, "c2VjcmV0");
	EQ(m.granted.duration, 480);
	EQ_STR(m.relay.host, "av.example.net");
	EQ(m.relay.location, MRASP_INTRANET);
	EQ(m.relay.udp, 3478);
	EQ(m.relay.tcp, 443);
}

static void the_other_face_is_read_too(void)
{
	struct mrasp_answer m = { .granted.duration = 0 };
	const char *text =
	        "<response reasonPhrase=\"OK\" xmlns=\"x\"><credentialsResponse><credentials>"
	        "<username>dQ==</username><password>cA==</password></credentials>"
	        "<mediaRelayList><mediaRelay><location>internet</location><hostName>a</hostName>"
	        "<udpPort>1</udpPort><tcpPort>2</tcpPort></mediaRelay><mediaRelay>"
	        "<hostName>b</hostName><udpPort>3</udpPort><tcpPort>4</tcpPort></mediaRelay>"
	        "</mediaRelayList></credentialsResponse></response>";
	EQ(parse_response(&m, str_of(text)), 0);
	EQ_STR(m.relay.host, "a");
	EQ(m.relay.location, MRASP_INTERNET);
	EQ_STR(m.other.host, "b");
	EQ(m.other.location, MRASP_INTRANET);
	EQ(m.other.udp, 3);
}

#define RESPONSE(credentials, relay)                                                               \
	"<response reasonPhrase=\"OK\" xmlns=\"x\"><credentialsResponse><credentials>" credentials \
	"</credentials><mediaRelayList><mediaRelay>" relay                                         \
	"</mediaRelay></mediaRelayList></credentialsResponse></response>"
#define BOTH "<username>dQ==</username><password>cA==</password>"
#define PORTS "<udpPort>3478</udpPort><tcpPort>443</tcpPort>"

static void what_grants_nothing_is_refused(void)
{
	struct mrasp_answer m = { .granted.duration = 7 };
	EQ(parse_response(&m, STR("<response reasonPhrase=\"Forbidden\" xmlns=\"x\"/>")), -EACCES);
	EQ(parse_response(&m, STR("<response xmlns=\"x\"/>")), -EACCES);
	EQ(parse_response(&m, STR("<response reasonPhrase=\"OK\" xmlns=\"x\"/>")), -EBADMSG);
	EQ(parse_response(&m, STR("<request requestID=\"1\" xmlns=\"x\"/>")), -EBADMSG);
	EQ(parse_response(&m, STR("no XML")), -EBADMSG);
	EQ(parse_response(
	           &m, STR(RESPONSE("<username>dQ==</username>", "<hostName>a</hostName>" PORTS))),
	   -EBADMSG);
	EQ(parse_response(&m, STR(RESPONSE(BOTH, PORTS))), -EBADMSG);
	EQ(parse_response(&m, STR(RESPONSE(BOTH, "<hostName>a</hostName>"))), -EBADMSG);
	EQ(parse_response(&m, STR(RESPONSE(BOTH, "<hostName>a</hostName><udpPort>65536</udpPort>"
	                                         "<tcpPort>443</tcpPort>"))),
	   -EBADMSG);
	EQ(m.granted.duration, 7);
	EQ(parse_response(&m, STR(RESPONSE(BOTH, "<hostName>a</hostName>" PORTS))), 0);
	EQ(m.other.host.len, 0);
}

static void texts_of_a_response_are_bounded(void)
{
	struct mrasp_answer m;
	auto_(buf_free) struct buf b = buf_of(8192), host = buf_of(8192);
	for (int i = 0; i <= MRASP_TEXT_MAX; i++)
		buf_char(&host, 'x');
	buf_lit(&b,
	        "<response reasonPhrase=\"OK\" xmlns=\"x\"><credentialsResponse><credentials>" BOTH
	        "</credentials><mediaRelayList><mediaRelay><hostName>");
	buf_str(&b, buf_view(&host));
	buf_lit(&b, "</hostName>" PORTS "</mediaRelay></mediaRelayList></credentialsResponse>"
	            "</response>");
	EQ(parse_response(&m, buf_view(&b)), -E2BIG);
}

static void our_request_is_one(void)
{
	struct mrasp_request m, ours = {
		.id = STR("9"),
		.version = STR("1.0"),
		.from = STR("sip:media-bridge/1@e.test"),
		.to = STR("sip:r@e.test"),
		.n_wanted = 1,
		.wanted = { { .id = STR("9"),
		              .identity = STR("sip:media-bridge/1@e.test"),
		              .location = MRASP_INTERNET,
		              .duration = 60 } },
	};
	auto_(buf_free) struct buf b = buf_of(4096);
	mrasp_put_request(&b, &ours);
	if (!EQ(parse(&m, buf_view(&b)), 0))
		return;
	OK(str_eq(m.id, ours.id) && str_eq(m.version, ours.version) && str_eq(m.from, ours.from) &&
	   str_eq(m.to, ours.to));
	EQ(m.n_wanted, 1);
	OK(str_eq(m.wanted[0].identity, ours.wanted[0].identity));
	EQ(m.wanted[0].location, MRASP_INTERNET);
	EQ(m.wanted[0].duration, 60);
}

static void a_refusal_has_its_phrase_and_nothing_else(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	struct mrasp_request m = captured();
	mrasp_put(&b, &(struct mrasp_response){ .why = MRASP_MALFORMED });
	EQ_STR(buf_view(&b),
	       "<?xml version=\"1.0\"?><response version=\"1.0\" serverVersion=\"2.0\""
	       " reasonPhrase=\"Request Malformed\""
	       " xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\"></response>");
	for (int i = MRASP_OK + 1; i < MRASP_N_REASONS; i++) {
		b.len = 0;
		mrasp_put(&b, &(struct mrasp_response){ .to = &m, .why = (enum mrasp_reason)i });
		OK(str_find(buf_view(&b), STR("credentials")) < 0);
		OK(mrasp_phrase((enum mrasp_reason)i).len > 0);
	}
}

int main(void)
{
	RUN(the_request_of_pidgin_sipe_is_understood);
	RUN(durations_are_kept_in_bounds);
	RUN(several_are_wanted_at_a_time);
	RUN(what_is_no_request_is_refused);
	RUN(limits_are_kept);
	RUN(the_answer_is_what_clients_read);
	RUN(a_refusal_has_its_phrase_and_nothing_else);
	RUN(what_is_granted_is_read);
	RUN(the_other_face_is_read_too);
	RUN(what_grants_nothing_is_refused);
	RUN(texts_of_a_response_are_bounded);
	RUN(our_request_is_one);
	arena_free(&arena);
	return tap_done();
}
