#include "svc/conversation/called.h"
#include "svc/conversation/said.h"
#include "tap.h"

static const struct hash_key key = { 1, 2 };

static void a_sequence_grows_even_if_the_clock_does_not(void)
{
	uint64_t a = said_next(0, 1000, 3), b = said_next(a, 1000, 3), c = said_next(b, 900, 3);
	OK(a < b && b < c);
	EQ(a & 63, 3);
	EQ(said_time(a), 1000);
	EQ(said_time(c), 1002);
	OK(said_at(1000) <= a && a < said_at(1001));
}

static void a_conversation_has_one_id_for_both(void)
{
	uint64_t id = said_conversation(&key, STR("alice@example.test"), STR("bob@example.test"));
	EQ(id, said_conversation(&key, STR("Bob@Example.test"), STR("alice@example.test")));
	OK(id != said_conversation(&key, STR("alice@example.test"), STR("carol@example.test")));
	OK(id <= INT64_MAX);
}

static uint64_t id_from(const char *from, const char *call_id, const char *tag, int cseq)
{
	static struct sip_msg m;
	static char text[512];
	(void)snprintf(text, sizeof(text),
	               "MESSAGE sip:bob@example.test SIP/2.0\r\n"
	               "Via: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:%s>;tag=%s\r\n"
	               "To: <sip:bob@example.test>\r\nCall-ID: %s\r\nCSeq: %d MESSAGE\r\n"
	               "Content-Length: 0\r\n\r\n",
	               from, tag, call_id, cseq);
	OK(sip_parse(&m, str_of(text)) == 0);
	return said_message(&key, &m);
}

static uint64_t id_of(const char *call_id, const char *tag, int cseq)
{
	return id_from("a@example.test", call_id, tag, cseq);
}

static void a_message_is_known_by_call_id_tag_and_number(void)
{
	uint64_t id = id_of("1", "a", 1);
	EQ(id, id_of("1", "a", 1));
	EQ(id, id_from("A@Example.Test;transport=tcp", "1", "a", 1));
	OK(id != id_from("b@example.test", "1", "a", 1));
	OK(id != id_from("a@example.org", "1", "a", 1));
	OK(id != id_of("2", "a", 1) && id != id_of("1", "b", 1) && id != id_of("1", "a", 2));
}

static void a_call_is_told_with_what_became_of_it(void)
{
	char out[1024], text[256];
	struct buf b = BUF_ON(out), t = BUF_ON(text);
	struct called c = { .outcome = CALLED_ANSWERED,
		            .began = 1700000000000000,
		            .answered = 1700000004000000,
		            .ended = 1700000069600000,
		            .video = true };
	called_put(&t, &c);
	struct said s = { .sequence = said_next(0, c.ended, 1),
		          .author = STR("alice@example.test"),
		          .peer = STR("bob@example.test"),
		          .state = SAID_CALL,
		          .type = STR(CALLED_TYPE),
		          .text = buf_view(&t) };
	said_put_json(&b, &s, NULL);
	OK(str_find(buf_view(&b), STR("\"state\":\"call\",\"call\":{\"outcome\":\"answered\","
	                              "\"began\":\"2023-11-14T22:13:20Z\",\"seconds\":66,"
	                              "\"video\":true}}")) > 0);
	OK(!said_is_text(&s) && !said_is_change(&s));
}

static void an_answer_says_how_a_call_ended(void)
{
	static const struct {
		int code;
		enum called_outcome want;
	} rows[] = {
		{ 0, CALLED_MISSED },     { 408, CALLED_MISSED }, { 480, CALLED_MISSED },
		{ 487, CALLED_MISSED },   { 486, CALLED_BUSY },   { 600, CALLED_BUSY },
		{ 603, CALLED_DECLINED }, { 488, CALLED_FAILED }, { 503, CALLED_FAILED },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EQ(called_outcome_of(rows[i].code), rows[i].want);
}

static void a_call_has_one_id_and_another_than_messages(void)
{
	uint64_t id = called_message(&key, STR("1"), 1, STR("a@example.test"));
	EQ(id, called_message(&key, STR("1"), 1, STR("A@Example.test")));
	OK(id != called_message(&key, STR("2"), 1, STR("a@example.test")));
	OK(id != called_message(&key, STR("1"), 2, STR("a@example.test")));
	OK(id != called_message(&key, STR("1"), 1, STR("b@example.test")));
	OK(id != id_from("a@example.test", "1", "", 1));
	OK(id <= INT64_MAX);
}

static void it_is_told_as_json(void)
{
	char out[1024];
	struct buf b = BUF_ON(out);
	struct said s = { .sequence = said_next(0, 1700000000000000, 1),
		          .conversation = 0xab,
		          .message = 1,
		          .author = STR("alice@example.test"),
		          .peer = STR("bob@example.test"),
		          .state = SAID_ACCEPTED,
		          .type = STR("text/plain"),
		          .text = STR("a \"b\"\n") };
	said_put_json(&b, &s, NULL);
	EQ_STR(buf_view(&b),
	       "{\"sequence\":\"108800000000000001\",\"time\":\"2023-11-14T22:13:20Z\","
	       "\"conversation\":\"00000000000000ab\",\"message\":\"0000000000000001\","
	       "\"author\":\"alice@example.test\",\"peer\":\"bob@example.test\","
	       "\"state\":\"accepted\",\"type\":\"text/plain\",\"text\":\"a \\\"b\\\"\\n\"}");
}

int main(void)
{
	RUN(a_sequence_grows_even_if_the_clock_does_not);
	RUN(a_conversation_has_one_id_for_both);
	RUN(a_message_is_known_by_call_id_tag_and_number);
	RUN(a_call_is_told_with_what_became_of_it);
	RUN(an_answer_says_how_a_call_ended);
	RUN(a_call_has_one_id_and_another_than_messages);
	RUN(it_is_told_as_json);
	return tap_done();
}
