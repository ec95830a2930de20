#include "svc/access/dialect.h"
#include "svc/access/refusal.h"
#include "tap.h"

static struct sip_msg msg;

static enum dialect of(const char *from, const char *lines)
{
	static char text[1024];
	(void)snprintf(text, sizeof(text),
	               "REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/tls h\r\nFrom: %s\r\n"
	               "To: <sip:a@example.test>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n%s\r\n",
	               from, lines);
	OK(sip_parse(&msg, str_of(text)) == 0);
	return dialect_of(&msg);
}

static void a_lync_client_is_known_by_each_of_its_marks(void)
{
	EQ(of("<sip:a@example.test>;tag=1;epid=c97532c1946f", ""), DIALECT_LYNC);
	EQ(of("<sip:a@example.test>;tag=1",
	      "Supported: gruu-10, adhoclist, msrtc-event-categories\r\n"),
	   DIALECT_LYNC);
	EQ(of("<sip:a@example.test>;tag=1",
	      "User-Agent: Purple/2.14.12 Sipe/1.25.0 (linux-x86_64)\r\n"),
	   DIALECT_LYNC);
	EQ(of("<sip:a@example.test>;tag=1",
	      "User-Agent: UCCAPI/4.0.7577.0 OC/4.0.7577.0 (Microsoft Lync 2010)\r\n"),
	   DIALECT_LYNC);
}

static void phones_are_not_taken_for_lync_clients(void)
{
	EQ(of("<sip:a@example.test>;tag=1", "Supported: outbound, path, gruu\r\nUser-Agent: "
	                                    "Linphonec/5.1.65 (belle-sip/5.1)\r\n"),
	   DIALECT_SIP);
	EQ(of("<sip:a@example.test>;tag=1", "User-Agent: baresip v1.0.0 (x86_64/linux)\r\n"),
	   DIALECT_SIP);
}

static void an_overlong_epid_is_none(void)
{
	EQ(of("<sip:a@example.test>;tag=1;epid=0123456789abcdef0", ""), DIALECT_SIP);
	struct sip_addr from;
	OK(sip_addr_parse(&from, STR("<sip:a@b.c>;epid=0123456789ab")) == 0);
	EQ_STR(dialect_epid(&from), "0123456789ab");
	EQ_STR(dialect_epid(NULL), "");
}

static void every_refusal_has_its_own_number_and_sentence(void)
{
	for (int r = REFUSE_NOTHING + 1; r < REFUSE_N; r++) {
		const struct refusal_row *row = refusal_row((enum refusal)r);
		OK(row->code >= 400 && row->code < 700 && row->reason[0] != '\0');
		OK(strchr(row->reason, '"') == NULL);
		EQ(refusal_of_id(row->id), r);
	}
	EQ(refusal_of_id(1), REFUSE_NOTHING);
}

static void a_diagnostics_line_names_number_reason_and_source(void)
{
	char text[256];
	struct buf b = BUF_ON(text);
	refusal_put(&b, REFUSE_USER, STR("pool.example.test"));
	EQ_STR(buf_view(&b),
	       "ms-diagnostics: 4005;reason=\"The address does not belong to a user\";"
	       "source=\"pool.example.test\"\r\n");
}

int main(void)
{
	RUN(a_lync_client_is_known_by_each_of_its_marks);
	RUN(phones_are_not_taken_for_lync_clients);
	RUN(an_overlong_epid_is_none);
	RUN(every_refusal_has_its_own_number_and_sentence);
	RUN(a_diagnostics_line_names_number_reason_and_source);
	return tap_done();
}
