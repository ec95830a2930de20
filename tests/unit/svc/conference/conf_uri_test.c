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
	RUN(what_is_written_is_what_clients_make_themselves);
	return tap_done();
}
