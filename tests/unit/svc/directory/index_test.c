#include "svc/directory/index.h"

#include <stdlib.h>

#include "tap.h"

/* Words of letters alone, so that a plain text says what a person has. */
static void split(struct words *w, const char *text, uint16_t in)
{
	struct str rest = str_of(text);
	w->n = 0;
	while (rest.len > 0 && w->n < WORDS_PERSON_MAX) {
		struct word *word = &w->word[w->n++];
		(void)str_cut(rest, ' ', &word->text, &rest);
		word->in = in;
		word->end = STR("");
	}
}

static void put(struct index *ix, uint64_t id, const char *name, const char *words)
{
	struct words w;
	split(&w, words, IN_NAME);
	index_put(ix, id, &w, str_of(name));
}

/* "1 2 3+": the ids found, + if there are more. */
static const char *find_max(struct index *ix, const char *words, size_t max)
{
	static char text[1024];
	struct buf b = BUF_ON(text);
	struct words w;
	uint64_t ids[ACCT_FOUND_MAX];
	bool more;
	split(&w, words, IN_ANY);
	size_t n = index_search(ix, &w, ids, max, &more);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%u", i ? " " : "", (unsigned)ids[i]);
	text[b.len] = 0;
	return more ? strcat(text, "+") : text;
}

static const char *find(struct index *ix, const char *words)
{
	return find_max(ix, words, 100);
}
#define FINDS(ix, words, want) EQ_STR(str_of(find(ix, words)), want)

static void people_are_found_by_the_beginnings_of_all_words(void)
{
	auto_(index_free) struct index *ix = index_new();
	FINDS(ix, "a", "");
	put(ix, 1, "anna", "anna berg sales");
	put(ix, 2, "bert", "bert anders sales");
	put(ix, 3, "carl", "carl berg");
	FINDS(ix, "an", "1 2");
	FINDS(ix, "anna", "1");
	FINDS(ix, "annab", "");
	FINDS(ix, "be", "1 2 3");
	FINDS(ix, "be sal", "1 2");
	FINDS(ix, "berg sales", "1");
	FINDS(ix, "berg berg", "1 3");
	FINDS(ix, "z", "");
	FINDS(ix, "", "");
}

static void words_longer_than_a_key_are_told_apart(void)
{
	auto_(index_free) struct index *ix = index_new();
	put(ix, 1, "a", "engineer");
	put(ix, 2, "b", "engineering");
	put(ix, 3, "c", "engineers");
	put(ix, 4, "d", "engine");
	FINDS(ix, "engine", "1 2 3 4");
	FINDS(ix, "engineer", "1 2 3");
	FINDS(ix, "engineeri", "2");
	FINDS(ix, "engineers", "3");
	FINDS(ix, "engineersx", "");
	put(ix, 5, "e", "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd\xd0\xbe\xd0\xb2");
	FINDS(ix, "\xd0\xb8\xd0\xb2", "5");
}

static void the_first_by_name_come_and_more_is_told(void)
{
	auto_(index_free) struct index *ix = index_new();
	for (unsigned i = 0; i < 200; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "longer name %03u", (i * 77) % 200);
		put(ix, i * 77 % 200 + 1, name, "x");
	}
	EQ_STR(str_of(find_max(ix, "x", 3)), "1 2 3+");
	EQ_STR(str_of(find_max(ix, "x", 0)), "1+");
	put(ix, 500, "longer name 001", "x");
	EQ_STR(str_of(find_max(ix, "x", 4)), "1 2 500 3+");
	put(ix, 1, "zz", "x y");
	put(ix, 2, "zz", "x y");
	EQ_STR(str_of(find_max(ix, "x y", 2)), "1 2");
}

static void a_field_is_looked_at_alone(void)
{
	auto_(index_free) struct index *ix = index_new();
	struct words w;
	uint64_t id;
	bool more;
	split(&w, "anna berg 321", IN_NAME);
	w.word[1].in = IN_SURNAME;
	w.word[2].in = IN_NUMBER_END;
	index_put(ix, 1, &w, STR("a"));
	split(&w, "anna", IN_SURNAME);
	EQ(index_search(ix, &w, &id, 1, &more), 0);
	split(&w, "be", IN_SURNAME);
	EQ(index_search(ix, &w, &id, 1, &more), 1);
	split(&w, "32", IN_ANY);
	EQ(index_search(ix, &w, &id, 1, &more), 0);
	w.word[0].end = STR("32");
	EQ(index_search(ix, &w, &id, 1, &more), 1);
}

static void who_is_replaced_or_dropped_is_not_found_by_old_words(void)
{
	auto_(index_free) struct index *ix = index_new();
	put(ix, 1, "anna", "anna");
	put(ix, 2, "bert", "anna");
	FINDS(ix, "anna", "1 2");
	put(ix, 1, "carl", "carl");
	index_drop(ix, 2);
	index_drop(ix, 7);
	FINDS(ix, "anna", "");
	FINDS(ix, "carl", "1");
	EQ(index_count(ix), 1);
}

enum { MODEL_N = 300, MODEL_STEPS = 60000 };

/* Against a table that is looked through, over many merges. */
static void many_changes_find_what_a_plain_table_finds(void)
{
	static const char *const texts[] = { "anna berg",      "anna bergmann sales",
		                             "berg sales",     "salesmanagers anna",
		                             "salesmanager x", "x berg" };
	static const char *const asked[] = { "anna", "berg sal", "salesmanager", "x", "be an sal" };
	auto_(index_free) struct index *ix = index_new();
	const char *model[MODEL_N] = { NULL };
	uint32_t r = 7;
	for (unsigned step = 0; step < MODEL_STEPS; step++) {
		r = r * 1664525 + 1013904223;
		unsigned id = (r >> 8) % MODEL_N, what = (r >> 20) % 8;
		model[id] = what < ARRAY_SIZE(texts) ? texts[what] : NULL;
		if (model[id])
			put(ix, id + 1, "n", model[id]);
		else
			index_drop(ix, id + 1);
		if (step % 997)
			continue;
		for (unsigned q = 0; q < ARRAY_SIZE(asked); q++) {
			auto_(index_free) struct index *plain = index_new();
			for (unsigned i = 0; i < MODEL_N; i++)
				if (model[i])
					put(plain, i + 1, "n", model[i]);
			char want[1024];
			(void)snprintf(want, sizeof(want), "%s", find(plain, asked[q]));
			FINDS(ix, asked[q], want);
		}
	}
}

int main(void)
{
	RUN(people_are_found_by_the_beginnings_of_all_words);
	RUN(words_longer_than_a_key_are_told_apart);
	RUN(the_first_by_name_come_and_more_is_told);
	RUN(a_field_is_looked_at_alone);
	RUN(who_is_replaced_or_dropped_is_not_found_by_old_words);
	RUN(many_changes_find_what_a_plain_table_finds);
	return tap_done();
}
