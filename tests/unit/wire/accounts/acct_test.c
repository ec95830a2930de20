#include "wire/accounts/acct.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

/* Writes, reads, writes: the two writings are equal.  The frame stays in *b for the reader. */
static struct acct_msg through(struct buf *b, const struct acct_msg *m)
{
	struct acct_msg back = { 0 };
	auto_(buf_free) struct buf again = buf_of(ACCT_FRAME_MAX);
	size_t len = 0;
	b->len = 0;
	acct_put(b, m);
	OK(!b->full);
	EQ(acct_get(&back, &len, buf_view(b)), 1);
	EQ(len, b->len);
	EQ(back.type, m->type);
	EQ(back.id, m->id);
	acct_put(&again, &back);
	OK(str_eq(buf_view(b), buf_view(&again)));
	for (size_t n = 0; n < b->len; n++)
		EQ(acct_get(&back, &len, str_n(b->p, n)), 0);
	return back;
}

static void requests_come_back(void)
{
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	struct addr peer;
	EQ(addr_parse(&peer, STR("2001:db8::7"), 5060), 0);
	struct acct_msg m = through(&b, &(struct acct_msg){ .type = ACCT_LOOKUP,
	                                                    .id = 7,
	                                                    .lookup = { STR("+4930123456") } });
	EQ_STR(m.lookup.key, "+4930123456");
	m = through(&b, &(struct acct_msg){ .type = ACCT_AUTH,
	                                    .id = UINT32_MAX,
	                                    .auth = { ACCOUNTS_DIGEST_SHA256, 99, STR("alice"),
	                                              bytes_of(STR("b\0lob")), peer, STR("Firefox"),
	                                              STR("123456") } });
	EQ(m.auth.mech, ACCOUNTS_DIGEST_SHA256);
	EQ(m.auth.session, 99);
	EQ_STR(m.auth.user, "alice");
	EQ(m.auth.blob.len, 5);
	OK(addr_eq_host(&m.auth.peer, &peer));
	EQ_STR(m.auth.agent, "Firefox");
	EQ_STR(m.auth.code, "123456");
	m = through(&b, &(struct acct_msg){ .type = ACCT_KNOWN, .known = { 3, 4, peer } });
	EQ(m.known.account, 3);
	EQ(m.known.credential, 4);
	m = through(&b, &(struct acct_msg){ .type = ACCT_FEED, .feed = { ACCT_SINCE_NOW } });
	OK(m.feed.since == ACCT_SINCE_NOW);
}

static void local_peer_has_no_address(void)
{
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	struct acct_msg m =
	        through(&b, &(struct acct_msg){ .type = ACCT_KNOWN, .known.account = 3 });
	EQ(m.known.peer.sa.sa_family, AF_UNSPEC);
}

static void answers_come_back(void)
{
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	struct account a = { .id = 5,
		             .change = 9,
		             .uri = STR("alice@example.test"),
		             .display_name = STR("Alice"),
		             .email = STR("a@example.test"),
		             .phone = STR("+4930123456"),
		             .extension = STR("456"),
		             .department = STR("D"),
		             .title = STR("T"),
		             .manager = STR("bob@example.test"),
		             .sha256_only = true,
		             .max_endpoints = 3 };
	struct acct_msg m =
	        through(&b, &(struct acct_msg){ .type = ACCT_RECORD, .record = { ACCT_FOUND, a } });
	EQ(m.record.acc.id, 5);
	EQ(m.record.acc.change, 9);
	EQ(m.record.acc.max_endpoints, 3);
	OK(m.record.acc.sha256_only && !m.record.acc.ntlm && !m.record.acc.disabled);
	EQ_STR(m.record.acc.uri, "alice@example.test");
	EQ_STR(m.record.acc.extension, "456");
	EQ_STR(m.record.acc.manager, "bob@example.test");
	m = through(&b,
	            &(struct acct_msg){ .type = ACCT_RECORD, .record = { .status = ACCT_NONE } });
	EQ(m.record.status, ACCT_NONE);
	m = through(&b, &(struct acct_msg){ .type = ACCT_VERDICT,
	                                    .verdict = { ACCOUNTS_ACCEPT, 1, 2, 3, 4, STR("a@b"),
	                                                 bytes_of(STR("key")),
	                                                 bytes_of(STR("blob")) } });
	EQ(m.verdict.account, 1);
	EQ(m.verdict.credential, 2);
	EQ(m.verdict.session, 3);
	EQ(m.verdict.retry_s, 4);
	EQ_STR(m.verdict.uri, "a@b");
	EQ_STR(str_from_bytes(m.verdict.key), "key");
	EQ_STR(str_from_bytes(m.verdict.blob), "blob");
	m = through(&b, &(struct acct_msg){ .type = ACCT_CHANGE,
	                                    .change = { ACCOUNTS_DISABLED, 10, 11, 12 } });
	EQ(m.change.event, ACCOUNTS_DISABLED);
	EQ(m.change.number, 10);
	EQ(m.change.account, 11);
	EQ(m.change.credential, 12);
	m = through(&b, &(struct acct_msg){ .type = ACCT_CHANGE,
	                                    .change = { ACCOUNTS_LOGIN_ENDED, 10, 11, 12 } });
	EQ(m.change.event, ACCOUNTS_LOGIN_ENDED);
	m = through(&b, &(struct acct_msg){ .type = ACCT_FED, .fed = { 10, true } });
	EQ(m.fed.number, 10);
	OK(m.fed.gap);
}

static void searches_and_people_come_back(void)
{
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	struct acct_query q = { .max = 100,
		                .n = 2,
		                .rows = { { ACCT_GIVEN, STR("Carol") },
		                          { ACCT_COUNTRY, STR("DE") } } };
	struct acct_msg m =
	        through(&b, &(struct acct_msg){ .type = ACCT_SEARCH, .id = 8, .search = q });
	EQ(m.search.max, 100);
	EQ(m.search.n, 2);
	EQ(m.search.rows[1].field, ACCT_COUNTRY);
	EQ_STR(m.search.rows[0].value, "Carol");
	m = through(&b, &(struct acct_msg){ .type = ACCT_MEMBERS,
	                                    .members = { STR("staff@example.test"), 1000 } });
	EQ_STR(m.members.key, "staff@example.test");
	EQ(m.members.max, 1000);
	struct acct_person p = {
		.id = 7, .uri = STR("a@b"), .display_name = STR("Carol"), .country = STR("DE")
	};
	m = through(&b, &(struct acct_msg){ .type = ACCT_PERSON, .id = 8, .person = p });
	EQ(m.person.id, 7);
	EQ_STR(m.person.uri, "a@b");
	EQ_STR(m.person.display_name, "Carol");
	EQ_STR(m.person.country, "DE");
	m = through(&b, &(struct acct_msg){ .type = ACCT_END, .end = { ACCT_FOUND, true } });
	EQ(m.end.status, ACCT_FOUND);
	OK(m.end.more);
	m = through(&b, &(struct acct_msg){ .type = ACCT_RECORD,
	                                    .record = { ACCT_FOUND, { .id = 5, .group = true } } });
	OK(m.record.acc.group && !m.record.acc.disabled && !m.record.acc.admin);
	m = through(&b, &(struct acct_msg){ .type = ACCT_RECORD,
	                                    .record = { ACCT_FOUND, { .id = 5, .admin = true } } });
	OK(m.record.acc.admin && !m.record.acc.group);
}

static void own_matters_come_back(void)
{
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	struct addr peer;
	EQ(addr_parse(&peer, STR("2001:db8::7"), 443), 0);
	struct acct_msg m =
	        through(&b, &(struct acct_msg){ .type = ACCT_OWN,
	                                        .id = 9,
	                                        .own = { ACCT_OWN_LOGIN_END, STR("ticket"), 77,
	                                                 STR("text"), peer } });
	EQ(m.own.op, ACCT_OWN_LOGIN_END);
	EQ_STR(m.own.ticket, "ticket");
	EQ(m.own.number, 77);
	EQ_STR(m.own.text, "text");
	OK(addr_eq_host(&m.own.peer, &peer));
	b.p[10] = ACCT_OWN_N_OPS;
	size_t len;
	EQ(acct_get(&m, &len, buf_view(&b)), -EBADMSG);
	m = through(&b, &(struct acct_msg){ .type = ACCT_OWN_ROW,
	                                    .own_row = { 5, 1000, 0, 2000, STR("Firefox"),
	                                                 STR("192.0.2.1") } });
	EQ(m.own_row.number, 5);
	EQ(m.own_row.made_at, 1000);
	EQ(m.own_row.used_at, 0);
	EQ(m.own_row.ends_at, 2000);
	EQ_STR(m.own_row.name, "Firefox");
	EQ_STR(m.own_row.from, "192.0.2.1");
	m = through(&b, &(struct acct_msg){
	                        .type = ACCT_OWNED,
	                        .owned = { ACCT_OWN_SLOW, 3, 4, 5, ACCT_OWN_ON, STR("x") } });
	EQ(m.owned.status, ACCT_OWN_SLOW);
	EQ(m.owned.retry_s, 3);
	EQ(m.owned.account, 4);
	EQ(m.owned.number, 5);
	EQ(m.owned.flags, ACCT_OWN_ON);
	EQ_STR(m.owned.text, "x");
	b.p[10] = ACCT_OWN_N_STATUSES;
	EQ(acct_get(&m, &len, buf_view(&b)), -EBADMSG);
}

static void what_is_told_by_push_comes_back(void)
{
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	static char long_text[ACCT_ASKED_MAX + 1];
	memset(long_text, 'x', sizeof(long_text));
	struct acct_msg m = through(&b, &(struct acct_msg){ .type = ACCT_PUSHES, .pushes = { 5 } });
	EQ(m.pushes.account, 5);
	m = through(&b, &(struct acct_msg){ .type = ACCT_PUSH_GONE, .push_gone = { 5, 6 } });
	EQ(m.push_gone.account, 5);
	EQ(m.push_gone.number, 6);
	m = through(&b, &(struct acct_msg){ .type = ACCT_PUSH,
	                                    .push = { 6, 7, str_n(long_text, ACCT_ASKED_MAX) } });
	EQ(m.push.number, 6);
	EQ(m.push.login, 7);
	EQ(m.push.text.len, ACCT_ASKED_MAX);
	acct_put(&b, &(struct acct_msg){ .type = ACCT_PUSH,
	                                 .push.text = str_n(long_text, ACCT_ASKED_MAX + 1) });
	OK(b.full);
	b.full = false;
	m = through(&b,
	            &(struct acct_msg){ .type = ACCT_RECORD,
	                                .record = { ACCT_FOUND, { .id = 5, .pushes = true } } });
	OK(m.record.acc.pushes && !m.record.acc.group);
}

static void photos_come_back(void)
{
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	static char raw[ACCT_PHOTO_MAX + 1];
	struct bytes most = bytes_of(str_n(raw, ACCT_PHOTO_MAX));
	struct acct_msg m =
	        through(&b, &(struct acct_msg){ .type = ACCT_PHOTO, .photo = { STR("0af7") } });
	EQ_STR(m.photo.name, "0af7");
	m = through(&b,
	            &(struct acct_msg){ .type = ACCT_PICTURE, .picture = { ACCT_FOUND, most } });
	EQ(m.picture.status, ACCT_FOUND);
	EQ(m.picture.bytes.len, ACCT_PHOTO_MAX);
	/* What is longer is of no use but for this. */
	struct acct_own own = { .op = ACCT_OWN_PHOTO_SET, .text = str_from_bytes(most) };
	m = through(&b, &(struct acct_msg){ .type = ACCT_OWN, .own = own });
	EQ(m.own.text.len, ACCT_PHOTO_MAX);
	own.op = ACCT_OWN_TOKEN_ADD;
	acct_put(&b, &(struct acct_msg){ .type = ACCT_OWN, .own = own });
	OK(b.full);
	b.full = false;
	own = (struct acct_own){ .op = ACCT_OWN_PHOTO_SET, .text = str_n(raw, sizeof(raw)) };
	acct_put(&b, &(struct acct_msg){ .type = ACCT_OWN, .own = own });
	OK(b.full);
	b.full = false;
	m = through(&b, &(struct acct_msg){ .type = ACCT_PERSON, .person.photo = STR("0af7") });
	EQ_STR(m.person.photo, "0af7");
}

static void commands_come_back(void)
{
	auto_(buf_free) struct buf b = buf_of(2 * ACCT_FRAME_MAX);
	struct addr peer;
	EQ(addr_parse(&peer, STR("192.0.2.7"), 443), 0);
	struct acct_msg m =
	        through(&b, &(struct acct_msg){ .type = ACCT_COMMAND,
	                                        .id = 9,
	                                        .command = { STR("ticket"),
	                                                     STR("{\"cmd\":\"status\"}"), peer } });
	EQ_STR(m.command.ticket, "ticket");
	EQ_STR(m.command.line, "{\"cmd\":\"status\"}");
	OK(addr_eq_host(&m.command.peer, &peer));
	m = through(&b, &(struct acct_msg){ .type = ACCT_COMMAND_END, .id = 9 });
	EQ(m.id, 9);
	m = through(&b, &(struct acct_msg){ .type = ACCT_PART, .part = { STR("{\"ok\":") } });
	EQ_STR(m.part.text, "{\"ok\":");
	m = through(&b, &(struct acct_msg){ .type = ACCT_COMMANDED,
	                                    .commanded = { ACCT_OWN_SLOW, 7 } });
	EQ(m.commanded.status, ACCT_OWN_SLOW);
	EQ(m.commanded.retry_s, 7);
	size_t len;
	b.p[10] = ACCT_OWN_N_STATUSES;
	EQ(acct_get(&m, &len, buf_view(&b)), -EBADMSG);
	char *text = xcalloc(1, ACCT_PART_MAX + 1);
	b.len = 0;
	acct_put(&b,
	         &(struct acct_msg){ .type = ACCT_PART, .part = { str_n(text, ACCT_PART_MAX) } });
	OK(!b.full && acct_get(&m, &len, buf_view(&b)) == 1); /* it fits into a frame */
	acct_put(&b, &(struct acct_msg){ .type = ACCT_PART,
	                                 .part = { str_n(text, ACCT_PART_MAX + 1) } });
	OK(b.full);
	free(text);
}

static void searches_outside_the_limits_are_refused(void)
{
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	struct acct_msg back, m = { .type = ACCT_SEARCH, .search = { .max = 1, .n = 1 } };
	size_t len;
	acct_put(&b, &m);
	OK(!b.full);
	b.p[10 + 3] = ACCT_FOUND_MAX + 1;
	EQ(acct_get(&back, &len, buf_view(&b)), -EBADMSG);
	b.p[10 + 3] = 0;
	EQ(acct_get(&back, &len, buf_view(&b)), -EBADMSG);
	b.p[10 + 3] = 1;
	b.p[10 + 5] = ACCT_N_FIELDS;
	EQ(acct_get(&back, &len, buf_view(&b)), -EBADMSG);
	b.p[10 + 5] = 0;
	b.p[10 + 4] = ACCT_ROWS_MAX + 1;
	EQ(acct_get(&back, &len, buf_view(&b)), -EBADMSG);
	m.search.max = 0;
	acct_put(&b, &m);
	OK(b.full);
}

static void frames_follow_one_another(void)
{
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	struct acct_msg m;
	size_t len;
	for (uint32_t i = 0; i < 3; i++)
		acct_put(&b, &(struct acct_msg){ .type = ACCT_FEED, .id = i });
	for (uint32_t i = 0; i < 3; i++) {
		EQ(acct_get(&m, &len, buf_view(&b)), 1);
		EQ(m.id, i);
		buf_drop(&b, len);
	}
	EQ(acct_get(&m, &len, buf_view(&b)), 0);
}

static void broken_frames_end_the_stream(void)
{
	auto_(buf_free) struct buf b = buf_of(ACCT_FRAME_MAX);
	struct acct_msg m;
	size_t len;
	EQ(acct_get(&m, &len, STR("\0\0\0\5\3\1\0\0\0")), -EBADMSG);
	EQ(acct_get(&m, &len, STR("\0\0\x80\1")), -EBADMSG);
	EQ(acct_get(&m, &len, STR("\0\0\0\6\3\x7f\0\0\0\0")), -EBADMSG);
	acct_put(&b, &(struct acct_msg){ .type = ACCT_CHANGE });
	EQ(acct_get(&m, &len, buf_view(&b)), 1);
	b.p[4] = ACCT_VERSION + 1;
	EQ(acct_get(&m, &len, buf_view(&b)), -EBADMSG);
	b.p[4] = ACCT_VERSION;
	b.p[10] = ACCOUNTS_LOST;
	EQ(acct_get(&m, &len, buf_view(&b)), -EBADMSG);
	b.p[10] = ACCOUNTS_CHANGED;
	b.p[3]++;
	buf_char(&b, 0);
	EQ(acct_get(&m, &len, buf_view(&b)), -EBADMSG);
}

static void texts_above_the_limit_are_not_written(void)
{
	auto_(buf_free) struct buf b = buf_of(2 * ACCT_FRAME_MAX);
	char *text = xcalloc(1, ACCT_TEXT_MAX + 1);
	acct_put(&b, &(struct acct_msg){ .type = ACCT_LOOKUP,
	                                 .lookup = { str_n(text, ACCT_TEXT_MAX) } });
	OK(!b.full);
	acct_put(&b, &(struct acct_msg){ .type = ACCT_LOOKUP,
	                                 .lookup = { str_n(text, ACCT_TEXT_MAX + 1) } });
	OK(b.full);
	free(text);
}

int main(void)
{
	RUN(requests_come_back);
	RUN(local_peer_has_no_address);
	RUN(answers_come_back);
	RUN(searches_and_people_come_back);
	RUN(own_matters_come_back);
	RUN(what_is_told_by_push_comes_back);
	RUN(photos_come_back);
	RUN(commands_come_back);
	RUN(searches_outside_the_limits_are_refused);
	RUN(frames_follow_one_another);
	RUN(broken_frames_end_the_stream);
	RUN(texts_above_the_limit_are_not_written);
	return tap_done();
}
