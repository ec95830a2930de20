#include "svc/directory/words.h"

#include <assert.h>

#include "svc/directory/fold.h"

/* Fewer digits are a room or a year. */
enum { NUMBER_DIGITS_MIN = 4 };

void words_init(struct words *w)
{
	w->n = 0;
	w->text = buf_of(WORDS_TEXT_MAX);
	(void)buf_room(&w->text, WORDS_TEXT_MAX); /* so that it does not move */
}

void words_done(struct words *w)
{
	buf_free(&w->text);
}

/* --- parts of text -------------------------------------------------------------------- */

/* The folded text, which stays where it is. */
static struct str fold(struct words *w, struct str s)
{
	size_t from = w->text.len;
	fold_put(&w->text, s);
	assert(!w->text.full);
	return str_n(w->text.p + from, w->text.len - from);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct str digits_of(struct words *w, struct str s)
{
	size_t from = w->text.len;
	for (size_t i = 0; i < s.len; i++)
		if (is_digit(s.p[i]))
			buf_char(&w->text, s.p[i]);
	return str_n(w->text.p + from, w->text.len - from);
}

static struct str reversed(struct words *w, struct str s)
{
	size_t from = w->text.len;
	for (size_t i = s.len; i > 0; i--)
		buf_char(&w->text, s.p[i - 1]);
	return str_n(w->text.p + from, w->text.len - from);
}

/* --- a person ------------------------------------------------------------------------- */

static void add(struct words *w, struct str text, uint16_t in)
{
	if (text.len == 0)
		return;
	for (unsigned i = 0; i < w->n; i++) {
		if (str_eq(w->word[i].text, text)) {
			w->word[i].in |= in;
			return;
		}
	}
	if (w->n < WORDS_PERSON_MAX)
		w->word[w->n++] =
		        (struct word){ .text = str_sub(text, 0, WORDS_LEN_MAX), .in = in };
}

static void add_words(struct words *w, struct str s, uint16_t in)
{
	struct str rest = fold(w, s), word;
	while (fold_word(&rest, &word))
		add(w, word, in);
}

/* "Ann Mary Clark": of several words the first is a given name, the last a surname, one between may
 * be either.  "Clark, Ann": the comma parts them. */
static void add_name(struct words *w, struct str s)
{
	struct str rest = fold(w, s), word, before, after;
	if (str_cut(rest, ',', &before, &after)) {
		while (fold_word(&before, &word))
			add(w, word, IN_NAME | IN_SURNAME);
		while (fold_word(&after, &word))
			add(w, word, IN_NAME | IN_GIVEN);
		return;
	}
	for (bool first = true, more = fold_word(&rest, &word); more; first = false) {
		struct str now = word;
		more = fold_word(&rest, &word);
		add(w, now,
		    (uint16_t)(IN_NAME | (first || more ? IN_GIVEN : 0) |
		               (first && more ? 0 : IN_SURNAME)));
	}
}

/* The whole of it, and what is behind the first word of the local part. */
static void add_address(struct words *w, struct str s, uint16_t in)
{
	struct str all = fold(w, s), local, host, word;
	add(w, all, in);
	(void)str_cut(all, '@', &local, &host);
	for (bool first = true; fold_word(&local, &word); first = false)
		if (!first)
			add(w, word, IN_REST);
}

static void add_number(struct words *w, struct str s)
{
	struct str digits = digits_of(w, s);
	add(w, digits, IN_REST);
	add(w, reversed(w, digits), IN_NUMBER_END);
}

void words_of_person(struct words *w, const struct acct_person *p)
{
	w->n = 0;
	w->text.len = 0;
	add_name(w, p->display_name);
	add_address(w, p->uri, IN_URI);
	add_address(w, p->email, IN_MAIL);
	add_number(w, p->phone);
	add_words(w, p->extension, IN_REST);
	add_words(w, p->department, IN_REST);
	add_words(w, p->company, IN_COMPANY);
	add_words(w, p->country, IN_COUNTRY);
	add_words(w, p->title, IN_REST);
	add_words(w, p->office, IN_REST);
	add_words(w, p->city, IN_REST);
	add_words(w, p->state, IN_REST);
}

/* --- a search ------------------------------------------------------------------------- */

/* Whoever has a word that begins with a has one that begins with b. */
static bool implies(const struct word *a, const struct word *b)
{
	return a->in == b->in && a->end.len == 0 && b->end.len == 0 && str_starts(a->text, b->text);
}

static void ask(struct words *w, const struct word *word)
{
	if (word->text.len == 0)
		return;
	for (unsigned i = 0; i < w->n; i++) {
		struct word *old = &w->word[i];
		if (implies(word, old))
			*old = *word;
		if (implies(old, word))
			return;
	}
	if (w->n < WORDS_QUERY_MAX)
		w->word[w->n++] = *word;
}

/* Digits and what people write between them. */
static bool is_number(struct str s)
{
	unsigned n = 0;
	for (size_t i = 0; i < s.len; i++) {
		n += is_digit(s.p[i]);
		if (!is_digit(s.p[i]) && !strchr("+-./() ", s.p[i]))
			return false;
	}
	return n >= NUMBER_DIGITS_MIN;
}

static struct str without_zeros(struct str s)
{
	while (s.len > 0 && s.p[0] == '0')
		s = str_sub(s, 1, s.len);
	return s;
}

/* 0049 30 is +49 30; 030 is the end of it, its zero left out. */
static void ask_number(struct words *w, struct str s, uint16_t in)
{
	struct word word = { .text = digits_of(w, s), .in = in };
	struct str tail = without_zeros(word.text);
	if (str_starts(word.text, STR("00")))
		word.text = tail;
	if (tail.len >= NUMBER_DIGITS_MIN)
		word.end = reversed(w, tail);
	ask(w, &word);
}

static void ask_words(struct words *w, struct str s, uint16_t in)
{
	struct word word = { .in = in };
	while (fold_word(&s, &word.text))
		ask(w, &word);
}

static struct str without_scheme(struct str s)
{
	return str_starts(s, STR("sip:")) ? str_sub(s, 4, s.len) : s;
}

/* What stands between two blanks: an address with its @ is one word. */
static void ask_token(struct words *w, struct str token, uint16_t in)
{
	token = without_scheme(token);
	if (str_chr(token, '@') >= 0)
		ask(w, &(struct word){ .text = token, .in = in & (IN_MAIL | IN_URI) });
	else if (is_number(token))
		ask_number(w, token, in);
	else
		ask_words(w, token, in);
}

static void ask_any(struct words *w, struct str s)
{
	s = fold(w, s);
	if (is_number(s)) {
		ask_number(w, s, IN_ANY);
		return;
	}
	while (s.len > 0) {
		struct str token;
		(void)str_cut(s, ' ', &token, &s);
		ask_token(w, token, IN_ANY);
	}
}

void words_of_query(struct words *w, const struct acct_query *q)
{
	static const uint16_t in[ACCT_N_FIELDS] = {
		[ACCT_ANY] = IN_ANY,         [ACCT_NAME] = IN_NAME,       [ACCT_GIVEN] = IN_GIVEN,
		[ACCT_SURNAME] = IN_SURNAME, [ACCT_MAIL] = IN_MAIL,       [ACCT_URI] = IN_URI,
		[ACCT_COMPANY] = IN_COMPANY, [ACCT_COUNTRY] = IN_COUNTRY,
	};
	w->n = 0;
	w->text.len = 0;
	for (uint32_t i = 0; i < q->n && w->n < WORDS_QUERY_MAX; i++) {
		const struct acct_row *r = &q->rows[i];
		struct str value = str_trim(r->value);
		if (r->field == ACCT_ANY)
			ask_any(w, value);
		else if (r->field == ACCT_MAIL || r->field == ACCT_URI)
			ask(w, &(struct word){ .text = without_scheme(fold(w, value)),
			                       .in = in[r->field] });
		else
			ask_words(w, fold(w, value), in[r->field]);
	}
}
