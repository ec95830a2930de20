#include "svc/conference/conf_uri.h"

#include <errno.h>

#include "tap.h"

static void uris_of_conferences_are_told_from_others(void)
{
	static const struct {
		const char *uri;
		int want;
		bool factory;
		enum confinfo_session session;
		const char *id;
	} rows[] = {
		{ "sip:a@e.test;gruu;opaque=app:conf:focusfactory", 0, true, CONFINFO_NO_SESSION,
		  "" },
		{ "sip:a@e.test;gruu;opaque=app:conf:focus:id:SCHED123", 0, false, CONFINFO_FOCUS,
		  "SCHED123" },
		{ "sip:a@e.test;gruu;opaque=app:conf:chat:id:8930B9B29A58B9D180716FE2308586CB", 0,
		  false, CONFINFO_CHAT, "8930B9B29A58B9D180716FE2308586CB" },
		{ "sip:a@e.test;gruu;opaque=app:conf:audio-video:id:SCHED123?x=y", 0, false,
		  CONFINFO_AUDIO_VIDEO, "SCHED123" },
		{ "sip:a@e.test;opaque=app:conf:applicationsharing:id:SCHED123;gruu", 0, false,
		  CONFINFO_SHARING, "SCHED123" },
		{ "sip:a@e.test;gruu;opaque=app:conf:meeting:id:SCHED123", 0, false,
		  CONFINFO_MEETING, "SCHED123" },
		{ "sip:a@e.test", -ENOENT, false, 0, NULL },
		{ "sip:a@e.test;opaque=user:epid:dXJu;gruu", -ENOENT, false, 0, NULL },
		{ "sip:a@e.test;opaque=app:conf:focus", -EBADMSG, false, 0, NULL },
		{ "sip:a@e.test;opaque=app:conf:focus:id:", -EBADMSG, false, 0, NULL },
		{ "sip:a@e.test;opaque=app:conf:focus:id:SHORT", -EBADMSG, false, 0, NULL },
		{ "sip:a@e.test;opaque=app:conf:focus:id:SCHED-123", -EBADMSG, false, 0, NULL },
		{ "sip:a@e.test;opaque=app:conf:focus:at:SCHED123", -EBADMSG, false, 0, NULL },
		{ "sip:a@e.test;opaque=app:conf:other:id:SCHED123", -EBADMSG, false, 0, NULL },
		{ "sip:a@e.test;opaque=app:conf:chat:id:8930B9B29A58B9D180716FE2308586CB0",
		  -EBADMSG, false, 0, NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sip_uri u;
		struct conf_uri cu = { .factory = false };
		EQ(sip_uri_parse(&u, str_of(rows[i].uri)), 0);
		EQ(conf_uri_parse(&cu, &u), rows[i].want);
		if (rows[i].want < 0)
			continue;
		EQ(cu.factory, rows[i].factory);
		EQ(cu.session, rows[i].session);
		EQ_STR(cu.id, rows[i].id);
	}
}

static void a_conference_is_known_by_the_address_for_phones_too(void)
{
	static const struct {
		const char *uri, *organizer, *id;
	} rows[] = {
		{ "sip:conf-SCHED123.alice@Contoso.com", "sip:alice@contoso.com", "SCHED123" },
		{ "sips:CONF-sched123.alice.b@contoso.com:5061;transport=tls",
		  "sip:alice.b@contoso.com", "sched123" },
		{ "sip:alice@contoso.com;gruu;opaque=app:conf:chat:id:SCHED123",
		  "sip:alice@contoso.com", "SCHED123" },
		{ "sip:conf-SHORT.alice@contoso.com", NULL, NULL },
		{ "sip:conf-SCHED123@contoso.com", NULL, NULL },
		{ "sip:conf-SCHED123.@contoso.com", NULL, NULL },
		{ "sip:conf-SCHED-123.alice@contoso.com", NULL, NULL },
		{ "sip:alice@contoso.com", NULL, NULL },
		{ "tel:conf-SCHED123.alice", NULL, NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[CONF_URI_MAX];
		struct buf b = BUF_ON(text);
		struct conf_uri cu = { .factory = true };
		int r = conf_uri_read(&cu, &b, str_of(rows[i].uri));
		EQ(r == 0, rows[i].id != NULL);
		if (!rows[i].id)
			continue;
		EQ_STR(buf_view(&b), rows[i].organizer);
		EQ_STR(cu.id, rows[i].id);
		OK(conf_uri_is(str_of(rows[i].uri)));
	}
}

static void an_address_for_phones_leads_back(void)
{
	char text[256], back[256];
	struct buf b = BUF_ON(text), o = BUF_ON(back);
	struct conf_uri cu;
	conf_uri_put_for_phones(&b, STR("sip:alice@contoso.com"), STR("SCHED123"));
	EQ_STR(buf_view(&b), "sip:conf-SCHED123.alice@contoso.com");
	OK(conf_uri_is_for_phones(buf_view(&b)));
	EQ(conf_uri_read(&cu, &o, buf_view(&b)), 0);
	EQ_STR(buf_view(&o), "sip:alice@contoso.com");
	EQ(cu.session, CONFINFO_FOCUS);
}

static void what_is_written_is_what_clients_make_themselves(void)
{
	char text[256];
	struct buf b = BUF_ON(text);
	conf_uri_put(&b, STR("sip:alice@contoso.com"), CONFINFO_AUDIO_VIDEO, STR("SCHED123"));
	EQ_STR(buf_view(&b), "sip:alice@contoso.com;gruu;opaque=app:conf:audio-video:id:SCHED123");
	b.len = 0;
	conf_uri_put_factory(&b, STR("sip:alice@contoso.com"));
	EQ_STR(buf_view(&b), "sip:alice@contoso.com;gruu;opaque=app:conf:focusfactory");
}

int main(void)
{
	RUN(uris_of_conferences_are_told_from_others);
	RUN(a_conference_is_known_by_the_address_for_phones_too);
	RUN(an_address_for_phones_leads_back);
	RUN(what_is_written_is_what_clients_make_themselves);
	return tap_done();
}
