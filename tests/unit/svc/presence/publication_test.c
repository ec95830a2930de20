#include "svc/presence/publication.h"

#include <errno.h>

#include "say.h"

static struct publication *get(struct pub_table *t, const char *category, uint32_t container,
                               uint32_t instance)
{
	struct pub_key k = { category_of(str_of(category)), str_of(category), container, instance };
	return pub_get(t, &k);
}

/* The body of the first element in a document. */
static int child_body(struct pub_body **ret, const char *text)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct xml *root;
	OK(xml_parse(&root, a, str_of(text)) == 0);
	return pub_body_new(ret, root->child);
}

static void a_table_is_in_order_and_has_each_key_once(void)
{
	struct pub_table t = { 0 };
	struct publication *late = get(&t, "zoo", 2, 1);
	OK(get(&t, "note", 300, 2) != NULL);
	OK(get(&t, "note", 300, 1) != NULL);
	OK(get(&t, "note", 200, 9) != NULL);
	OK(get(&t, "apple", 400, 9) != NULL);
	OK(get(&t, "state", 400, 9) != NULL);
	OK(get(&t, "zoo", 2, 1) == late);
	EQ(t.n, 6);
	EQ_STR(t.first->key.name, "state");
	EQ(t.first->next->key.container, 200);
	EQ(t.first->next->next->key.instance, 1);
	EQ(t.first->next->next->next->key.instance, 2);
	EQ_STR(t.first->next->next->next->next->key.name, "apple");
	OK(late->next == NULL);
	pub_remove(&t, late);
	struct pub_key k = { CATEGORY_OTHER, STR("zoo"), 2, 1 };
	OK(pub_find(&t, &k) == NULL);
	EQ(t.n, 5);
	pub_clear(&t);
	EQ(t.n, 0);
	OK(t.first == NULL);
}

static void names_of_others_are_kept_in_the_publication(void)
{
	struct pub_table t = { 0 };
	char name[] = "mine";
	struct pub_key k = { CATEGORY_OTHER, str_of(name), 2, 1 };
	OK(pub_get(&t, &k) != NULL);
	memset(name, 'x', 4);
	EQ_STR(t.first->key.name, "mine");
	struct pub_table other = pub_copy(&t);
	pub_clear(&t);
	EQ_STR(other.first->key.name, "mine");
	EQ(other.n, 1);
	pub_clear(&other);
}

static void categories_have_names(void)
{
	for (int c = 0; c < CATEGORY_OTHER; c++)
		EQ(category_of(category_name((enum category)c)), c);
	EQ(category_of(STR("State")), CATEGORY_OTHER);
	EQ(category_of(STR("")), CATEGORY_OTHER);
	EQ_STR(category_name(CATEGORY_OTHER), "");
	enum pub_expire e = PUB_N_EXPIRES;
	for (int i = 0; i < PUB_N_EXPIRES; i++) {
		EQ(pub_expire_of(str_of(pub_expire_name((enum pub_expire)i)), &e), 0);
		EQ(e, i);
	}
	EQ(pub_expire_of(STR("Static"), &e), -EINVAL);
	EQ(pub_expire_of(STR(""), &e), -EINVAL);
}

static void a_body_is_counted_once_and_freed_with_the_last_who_says_it(void)
{
	struct pub_table t = { 0 };
	struct pub_body *b = say_body("<note>eleven</note>"),
	                *same = say_body("<note>eleven</note>");
	size_t len = b->text.len;
	pub_set_body(get(&t, "note", 200, 0), pub_body_ref(b));
	pub_set_body(get(&t, "note", 300, 0), pub_body_ref(b));
	EQ(pub_weight(&t), len);
	pub_share(&t, &same);
	OK(same == b);
	pub_set_body(get(&t, "note", 400, 0), same);
	EQ(b->refs, 4);
	struct pub_table copy = pub_copy(&t);
	EQ(b->refs, 7);
	EQ(copy.n, 3);
	EQ(pub_weight(&copy), len);
	pub_clear(&t);
	EQ(b->refs, 4);
	pub_clear(&copy);
	EQ(b->refs, 1);
	pub_body_unref(&b);
	OK(b == NULL);
	pub_body_unref(&b);
}

static void the_servers_bodies_do_not_weigh(void)
{
	struct pub_table t = { 0 };
	pub_set_body(get(&t, "note", 200, 0), say_body("<note>mine</note>"));
	struct publication *p = get(&t, "state", 200, 1);
	pub_set_body(p, say_state("aggregateState", 3500, ""));
	size_t both = pub_weight(&t);
	p->server = true;
	EQ(pub_weight(&t), both - p->body->text.len);
	OK(get(&t, "alerts", 2, 0)->body == NULL);
	EQ(pub_check(&t), 0);
	pub_clear(&t);
}

static void a_body_gets_the_namespace_that_it_has_from_around_it(void)
{
	static const struct {
		const char *document, *text;
	} rows[] = {
		{ "<p xmlns=\"urn:p\"><note>x</note></p>", "<note xmlns=\"urn:p\">x</note>" },
		{ "<p xmlns=\"urn:p\"><note/></p>", "<note xmlns=\"urn:p\"/>" },
		{ "<p xmlns=\"urn:p\"><note\n a='1'/></p>", "<note xmlns=\"urn:p\"\n a='1'/>" },
		{ "<p xmlns=\"urn:p\"><note xmlns='urn:n'>x</note></p>",
		  "<note xmlns='urn:n'>x</note>" },
		{ "<p xmlns=\"urn:p\"><n:note xmlns:n='urn:n'>x</n:note></p>",
		  "<n:note xmlns:n='urn:n'>x</n:note>" },
		{ "<p xmlns=\"urn:&lt;&quot;\"><note/></p>", "<note xmlns=\"urn:&lt;&quot;\"/>" },
		/* None stays none, wherever it is put. */
		{ "<p><note>x</note></p>", "<note xmlns=\"\">x</note>" },
		{ "<p xmlns=\"urn:p\"><note xmlns=\"\">x</note></p>", "<note xmlns=\"\">x</note>" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pub_body *b = NULL, *again = NULL;
		char in_other[256];
		OK(child_body(&b, rows[i].document) == 0);
		EQ_STR(b->text, rows[i].text);
		(void)snprintf(in_other, sizeof(in_other), "<o xmlns='urn:o'>%.*s</o>",
		               STR_ARG(b->text));
		OK(child_body(&again, in_other) == 0);
		OK(str_eq(again->text, b->text));
		pub_body_unref(&b);
		pub_body_unref(&again);
	}
}

static void a_body_that_needs_a_prefix_from_outside_is_refused(void)
{
	struct pub_body *b = NULL;
	EQ(child_body(&b, "<p xmlns:n=\"urn:n\"><n:note/></p>"), -EBADMSG);
	EQ(child_body(&b, "<p xmlns:n=\"urn:n\"><note><n:x/></note></p>"), -EBADMSG);
	EQ(child_body(&b, "<p xmlns:n=\"urn:n\"><note n:a=\"1\"/></p>"), -EBADMSG);
	OK(b == NULL);
}

static void a_body_above_the_limit_is_refused(void)
{
	auto_(buf_free) struct buf b = buf_of(2 * PRESENCE_MAX);
	struct pub_body *body = NULL;
	buf_lit(&b, "<p><note xmlns='urn:n'>");
	while (b.len < PRESENCE_MAX - sizeof("</note>") + 1 + 3)
		buf_char(&b, 'x');
	buf_lit(&b, "</note></p>");
	buf_char(&b, 0);
	EQ(child_body(&body, b.p), 0);
	EQ(body->text.len, PRESENCE_MAX);
	pub_body_unref(&body);
	b.len -= sizeof("</note></p>");
	buf_lit(&b, "x</note></p>");
	buf_char(&b, 0);
	EQ(child_body(&body, b.p), -E2BIG);
	OK(body == NULL);
}

static void a_state_is_read_from_its_body(void)
{
	struct pub_body *b =
	        say_body("<s:state xmlns:s='urn:s' xmlns:i='urn:i' i:type='s:calendarState'>"
	                 "<s:availability> 6500 </s:availability><s:activity token='in-a-meeting'>"
	                 "<s:custom LCID='1033'>&lt;plans&gt;</s:custom></s:activity>"
	                 "<s:meetingSubject>Budget</s:meetingSubject><s:meetingLocation>Room 1"
	                 "</s:meetingLocation></s:state>");
	EQ(b->kind, STATE_CALENDAR);
	EQ(b->availability, 6500);
	EQ_STR(b->token, "in-a-meeting");
	EQ_STR(b->custom, "<plans>");
	EQ_STR(b->subject, "Budget");
	EQ_STR(b->location, "Room 1");
	EQ(b->n_elements, 6);
	pub_body_unref(&b);
}

static void what_is_wrong_in_a_state_is_nothing(void)
{
	static const char *const wrong[] = { "-1", "4294967296", "x", "", "3500 3500" };
	char more[3 * PUB_TEXT_MAX];
	struct pub_body *b;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		(void)snprintf(more, sizeof(more), "<state><availability>%s</availability></state>",
		               wrong[i]);
		b = say_body(more);
		if (!OK(b != NULL))
			continue;
		EQ(b->availability, 0);
		EQ(b->kind, STATE_NONE);
		pub_body_unref(&b);
	}
	memset(more, 'x', sizeof(more));
	memcpy(more, "<state><meetingSubject>", 23);
	memcpy(more + sizeof(more) - 26, "</meetingSubject></state>", 26);
	b = say_body(more);
	OK(b && b->subject.len == PUB_TEXT_MAX);
	pub_body_unref(&b);
}

/* What documents may not hold any more, although each body is small enough. */

static void put_many(struct pub_table *t, size_t n, const char *text)
{
	struct pub_body *b = say_body(text);
	for (size_t i = 0; i < n; i++)
		pub_set_body(get(t, "note", CONTAINER_TEAM, (uint32_t)i), pub_body_ref(b));
	pub_body_unref(&b);
}

static void a_table_has_limits(void)
{
	struct pub_table t = { 0 };
	put_many(&t, PUBLICATIONS_MAX, "<note/>");
	EQ(pub_check(&t), 0);
	pub_set_body(get(&t, "note", CONTAINER_ALL, 0), say_body("<note/>"));
	EQ(pub_check(&t), -ENOSPC);
	t.first->server = true;
	EQ(pub_check(&t), 0);
	pub_clear(&t);
	char text[4096];
	struct buf b = BUF_ON(text);
	buf_lit(&b, "<note>");
	for (int i = 0; i < 512; i++)
		buf_lit(&b, "<a/>");
	buf_lit(&b, "</note>");
	buf_char(&b, 0);
	put_many(&t, 10, text);
	EQ(t.first->body->n_elements, 513);
	EQ(pub_check(&t), 0);
	put_many(&t, 100, text); /* little text, many elements */
	EQ(pub_check(&t), -E2BIG);
	pub_clear(&t);
	memset(text, 'x', sizeof(text));
	memcpy(text, "<note>", 6);
	memcpy(text + sizeof(text) - 8, "</note>", 8);
	put_many(&t, 50, text);
	EQ(pub_check(&t), 0);
	put_many(&t, 100, text); /* said once, but written each time */
	OK(pub_weight(&t) < PRESENCE_MAX);
	EQ(pub_check(&t), -E2BIG);
	pub_clear(&t);
}

static void put_space(struct pub_table *t, uint32_t instance, const char *space)
{
	char text[256];
	(void)snprintf(text, sizeof(text), "<note xmlns='%s'/>", space);
	pub_set_body(get(t, "note", CONTAINER_TEAM, instance), say_body(text));
}

static void a_document_can_hold_the_namespaces_of_a_table(void)
{
	struct pub_table t = { 0 };
	char space[32];
	for (uint32_t i = 0; i < PUBLICATIONS_MAX; i++)
		put_space(&t, i, "urn:all-the-same");
	EQ(pub_check(&t), 0);
	for (uint32_t i = 0; i < PUB_SPACES_MAX - 1; i++) {
		(void)snprintf(space, sizeof(space), "urn:%u", i);
		put_space(&t, i, space);
	}
	EQ(pub_check(&t), 0);
	put_space(&t, PUB_SPACES_MAX, "urn:one-more");
	EQ(pub_check(&t), -E2BIG);
	pub_clear(&t);
}

int main(void)
{
	RUN(a_table_is_in_order_and_has_each_key_once);
	RUN(names_of_others_are_kept_in_the_publication);
	RUN(categories_have_names);
	RUN(a_body_is_counted_once_and_freed_with_the_last_who_says_it);
	RUN(the_servers_bodies_do_not_weigh);
	RUN(a_body_gets_the_namespace_that_it_has_from_around_it);
	RUN(a_body_that_needs_a_prefix_from_outside_is_refused);
	RUN(a_body_above_the_limit_is_refused);
	RUN(a_state_is_read_from_its_body);
	RUN(what_is_wrong_in_a_state_is_nothing);
	RUN(a_table_has_limits);
	RUN(a_document_can_hold_the_namespaces_of_a_table);
	return tap_done();
}
