#include "svc/directory/words.h"

#include "tap.h"

static struct words w;

static unsigned in_of(const char *text)
{
	for (unsigned i = 0; i < w.n; i++)
		if (str_eq(w.word[i].text, str_of(text)))
			return w.word[i].in;
	return 0;
}

static void named(const char *name)
{
	words_of_person(&w, &(struct acct_person){ .display_name = str_of(name) });
}

static void asked(enum acct_field field, const char *value)
{
	words_of_query(&w, &(struct acct_query){ .n = 1, .rows = { { field, str_of(value) } } });
}

static void a_persons_texts_become_words(void)
{
	words_of_person(&w, &(struct acct_person){ .uri = STR("bob.brown@example.test"),
	                                           .display_name = STR("Bob M\u00fcller"),
	                                           .email = STR("b.brown@mail.example.test"),
	                                           .phone = STR("+4930123456"),
	                                           .extension = STR("456"),
	                                           .department = STR("Research & Development"),
	                                           .title = STR("Engineer"),
	                                           .office = STR("Building 7, room 12"),
	                                           .company = STR("Contoso Ltd."),
	                                           .city = STR("Berlin"),
	                                           .state = STR("Berlin"),
	                                           .country = STR("DE") });
	EQ(in_of("bob"), IN_NAME | IN_GIVEN);
	EQ(in_of("muller"), IN_NAME | IN_SURNAME);
	EQ(in_of("bob.brown@example.test"), IN_URI);
	EQ(in_of("b.brown@mail.example.test"), IN_MAIL);
	EQ(in_of("brown"), IN_REST);
	EQ(in_of("example"), 0);
	EQ(in_of("4930123456"), IN_REST);
	EQ(in_of("6543210394"), IN_NUMBER_END);
	EQ(in_of("456"), IN_REST);
	EQ(in_of("development"), IN_REST);
	EQ(in_of("12"), IN_REST);
	EQ(in_of("contoso"), IN_COMPANY);
	EQ(in_of("berlin"), IN_REST);
	EQ(in_of("de"), IN_COUNTRY);
}

static void given_names_and_surnames_are_told_apart(void)
{
	named("Ann Mary Clark");
	EQ(in_of("ann"), IN_NAME | IN_GIVEN);
	EQ(in_of("mary"), IN_NAME | IN_GIVEN | IN_SURNAME);
	EQ(in_of("clark"), IN_NAME | IN_SURNAME);
	named("Clark, Ann Mary");
	EQ(in_of("ann"), IN_NAME | IN_GIVEN);
	EQ(in_of("mary"), IN_NAME | IN_GIVEN);
	EQ(in_of("clark"), IN_NAME | IN_SURNAME);
	named("Cher");
	EQ(in_of("cher"), IN_NAME | IN_GIVEN | IN_SURNAME);
	named("");
	EQ(w.n, 0);
}

static void a_persons_words_are_bounded(void)
{
	char text[ACCT_TEXT_MAX];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 3 == 2 ? ' ' : (char)('a' + (i / 3 + i % 3 * 7) % 26);
	struct str s = str_n(text, sizeof(text));
	words_of_person(&w, &(struct acct_person){ .display_name = s, .title = s, .office = s });
	OK(w.n > 0 && w.n <= WORDS_PERSON_MAX);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = '7';
	struct acct_person p = { .uri = s, .display_name = s, .email = s, .phone = s };
	p.extension = p.department = p.title = p.office = p.company = p.city = p.state = p.country =
	        s;
	words_of_person(&w, &p);
	EQ(w.n, 1);
	EQ(w.word[0].text.len, ACCT_TEXT_MAX);
}

static void a_search_is_cut_into_words(void)
{
	asked(ACCT_ANY, "  M\u00dcLLER-c bob ");
	EQ(w.n, 3);
	EQ_STR(w.word[0].text, "muller");
	EQ_STR(w.word[1].text, "c");
	EQ_STR(w.word[2].text, "bob");
	EQ(w.word[2].in, IN_ANY);
	asked(ACCT_ANY, " - ");
	EQ(w.n, 0);
}

static void a_word_that_another_one_implies_is_left_out(void)
{
	asked(ACCT_ANY, "b bo bob boa b");
	EQ(w.n, 2);
	EQ_STR(w.word[0].text, "bob");
	EQ_STR(w.word[1].text, "boa");
	/* A number may be the end of one too. */
	asked(ACCT_ANY, "a 4711 47");
	EQ(w.n, 3);
}

static void an_address_is_one_word(void)
{
	asked(ACCT_ANY, "sip:Bob.Brown@Exa room");
	EQ(w.n, 2);
	EQ_STR(w.word[0].text, "bob.brown@exa");
	EQ(w.word[0].in, IN_MAIL | IN_URI);
	asked(ACCT_URI, "sip:bob-b");
	EQ(w.n, 1);
	EQ_STR(w.word[0].text, "bob-b");
	EQ(w.word[0].in, IN_URI);
	asked(ACCT_MAIL, "bob@contoso.com");
	EQ(w.word[0].in, IN_MAIL);
}

static void a_number_is_asked_for_by_its_ends(void)
{
	asked(ACCT_ANY, "+49 (30) 123-456");
	EQ(w.n, 1);
	EQ_STR(w.word[0].text, "4930123456");
	EQ_STR(w.word[0].end, "6543210394");
	asked(ACCT_ANY, "0049 30 123456");
	EQ_STR(w.word[0].text, "4930123456");
	asked(ACCT_ANY, "030 123456");
	EQ_STR(w.word[0].text, "030123456");
	EQ_STR(w.word[0].end, "65432103");
	asked(ACCT_ANY, "12");
	EQ_STR(w.word[0].text, "12");
	EQ(w.word[0].end.len, 0);
	asked(ACCT_ANY, "room 4711");
	EQ(w.n, 2);
	EQ_STR(w.word[1].end, "1174");
}

static void rows_look_at_their_own_field(void)
{
	words_of_query(&w, &(struct acct_query){ .n = 3,
	                                         .rows = { { ACCT_GIVEN, STR("Carol Ann") },
	                                                   { ACCT_SURNAME, STR("Cl") },
	                                                   { ACCT_COMPANY, STR("") } } });
	EQ(w.n, 3);
	EQ(w.word[0].in, IN_GIVEN);
	EQ_STR(w.word[1].text, "ann");
	EQ(w.word[2].in, IN_SURNAME);
}

static void a_searchs_words_are_bounded(void)
{
	char text[ACCT_TEXT_MAX];
	struct acct_query q = { .n = ACCT_ROWS_MAX };
	char texts[ACCT_ROWS_MAX][ACCT_TEXT_MAX];
	for (unsigned digits = 0; digits < 2; digits++) {
		for (uint32_t i = 0; i < q.n; i++) {
			memset(texts[i], digits ? '0' : '-', sizeof(texts[i]));
			texts[i][0] = (char)((digits ? '1' : 'a') + i % 9);
			q.rows[i].value = str_n(texts[i], sizeof(texts[i]));
		}
		words_of_query(&w, &q);
		EQ(w.n, WORDS_QUERY_MAX);
	}
	for (uint32_t i = 0; i < q.n; i++)
		q.rows[i].value = str_n(text, sizeof(text));
	memset(text, '-', sizeof(text));
	words_of_query(&w, &q);
	EQ(w.n, 0);
}

int main(void)
{
	words_init(&w);
	RUN(a_persons_texts_become_words);
	RUN(given_names_and_surnames_are_told_apart);
	RUN(a_persons_words_are_bounded);
	RUN(a_search_is_cut_into_words);
	RUN(a_word_that_another_one_implies_is_left_out);
	RUN(an_address_is_one_word);
	RUN(a_number_is_asked_for_by_its_ends);
	RUN(rows_look_at_their_own_field);
	RUN(a_searchs_words_are_bounded);
	words_done(&w);
	return tap_done();
}
