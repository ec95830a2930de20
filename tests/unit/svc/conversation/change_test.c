#include "svc/conversation/change.h"

#include "tap.h"

#define HEAD "{\"message\":\"00c0ffee00c0ffee\",\"at\":\"2026-11-27T09:13:01.5Z\","

static const struct {
	const char *body;
	enum said_state kind;
	const char *text;
} good[] = {
	{ HEAD "\"edit\":\"Hello\"}", SAID_EDIT, "Hello" },
	{ HEAD "\"delete\":true}", SAID_DELETE, "" },
	{ HEAD "\"deliver\":true}", SAID_DELIVER, "" },
	{ HEAD "\"react\":\"\xf0\x9f\x91\x8d\",\"on\":true}", SAID_REACT, "\xf0\x9f\x91\x8d" },
	{ HEAD "\"react\":\"+1\",\"on\":false}", SAID_UNREACT, "+1" },
};

static void what_is_written_is_read(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		auto_(arena_free) struct arena *a = arena_new();
		auto_(buf_free) struct buf b = buf_of(1024);
		struct change c, again;
		EQ(change_read(&c, a, str_of(good[i].body)), 0);
		EQ(c.kind, good[i].kind);
		OK(c.message == 0x00c0ffee00c0ffee);
		EQ(c.at, 1795770781500000);
		EQ_STR(c.text, good[i].text);
		change_put(&b, &c);
		EQ(change_read(&again, a, buf_view(&b)), 0);
		OK(again.kind == c.kind && again.at == c.at && str_eq(again.text, c.text));
	}
}

static const char *const bad[] = {
	"",
	"[]",
	HEAD "\"x\":1}",
	HEAD "\"edit\":\"\"}",
	HEAD "\"edit\":\"a\",\"delete\":true}",
	HEAD "\"edit\":\"a\",\"react\":\"b\",\"on\":true}",
	HEAD "\"delete\":false}",
	HEAD "\"deliver\":false}",
	HEAD "\"deliver\":true,\"delete\":true}",
	HEAD "\"deliver\":true,\"edit\":\"a\"}",
	HEAD "\"react\":\"b\"}",
	HEAD "\"react\":\"\",\"on\":true}",
	HEAD "\"react\":\"a b\",\"on\":true}",
	HEAD "\"react\":\"123456789012345678901234567890123\",\"on\":true}",
	"{\"message\":\"c0ffee\",\"at\":\"2026-11-27T09:13:01Z\",\"delete\":true}",
	"{\"message\":\"00c0ffee00c0ffeg\",\"at\":\"2026-11-27T09:13:01Z\",\"delete\":true}",
	"{\"message\":\"00c0ffee00c0ffee\",\"at\":\"soon\",\"delete\":true}",
	"{\"message\":\"00c0ffee00c0ffee\",\"delete\":true}",
};

static void others_are_refused(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_(arena_free) struct arena *a = arena_new();
		struct change c;
		if (!OK(change_read(&c, a, str_of(bad[i])) < 0))
			printf("# %s\n", bad[i]);
	}
}

static void add(struct changes *c, uint64_t message, enum said_state kind, const char *who,
                const char *text)
{
	static uint64_t at = 1795770781500000;
	struct said s = { .sequence = said_at(at += 1000000),
		          .message = message,
		          .state = kind,
		          .author = str_of(who),
		          .text = str_of(text) };
	changes_add(c, &s);
}

static void they_are_put_together(void)
{
	struct changes c;
	auto_(buf_free) struct buf b = buf_of(1024);
	changes_init(&c);
	add(&c, 1, SAID_DELIVERED, "a@x", "no change");
	OK(!changes_of(&c, 1));
	add(&c, 1, SAID_EDIT, "a@x", "second");
	add(&c, 1, SAID_REACT, "b@x", "+");
	add(&c, 1, SAID_REACT, "b@x", "-");
	add(&c, 1, SAID_REACT, "c@x", "+");
	add(&c, 1, SAID_REACT, "B@x", "+"); /* again */
	add(&c, 1, SAID_EDIT, "a@x", "third");
	add(&c, 1, SAID_UNREACT, "b@x", "-");
	add(&c, 2, SAID_EDIT, "a@x", "gone");
	add(&c, 2, SAID_REACT, "b@x", "+");
	add(&c, 2, SAID_DELETE, "a@x", "");
	const struct changed *one = changes_of(&c, 1), *two = changes_of(&c, 2);
	EQ_STR(changed_text(one, STR("first")), "third");
	EQ_STR(changed_text(two, STR("first")), "");
	EQ_STR(changed_text(NULL, STR("first")), "first");
	changed_put_json(&b, one);
	EQ_STR(buf_view(&b),
	       ",\"edited\":\"2026-11-27T09:13:08.500000Z\",\"reactions\":[{\"emoji\":\"+\","
	       "\"people\":[\"b@x\",\"c@x\"]}]");
	b.len = 0;
	changed_put_json(&b, two);
	EQ_STR(buf_view(&b), ",\"deleted\":true");
	changes_free(&c);
}

static void what_was_kept_is_delivered_then(void)
{
	auto_(buf_free) struct buf b = buf_of(1024);
	struct said s = { .message = 1, .state = SAID_ACCEPTED };
	struct changes c;
	changes_init(&c);
	said_put_json(&b, &s, changes_of(&c, 1));
	OK(str_find(buf_view(&b), STR("\"state\":\"accepted\"")) > 0);
	add(&c, 1, SAID_DELIVER, "b@x", "");
	b.len = 0;
	said_put_json(&b, &s, changes_of(&c, 1));
	OK(str_find(buf_view(&b), STR("\"state\":\"delivered\"")) > 0);
	changes_free(&c);
}

int main(void)
{
	RUN(what_is_written_is_read);
	RUN(others_are_refused);
	RUN(they_are_put_together);
	RUN(what_was_kept_is_delivered_then);
	return tap_done();
}
