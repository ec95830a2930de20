#include <assert.h>

#include "svc/directory/fold.h"
#include "svc/directory/index.h"
#include "svc/directory/soap.h"

/* A search as a client sends it is within the limits, as is its answer; any text, as a person's and
 * as a search, makes words within theirs; and a person is found by the own words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(const struct words *w, unsigned max)
{
	assert(w->n <= max);
	for (unsigned i = 0; i < w->n; i++)
		assert(w->word[i].text.len > 0 && w->word[i].text.len <= WORDS_LEN_MAX);
}

static void search(struct words *w, const struct acct_query *q)
{
	words_of_query(w, q);
	check_words(w, WORDS_QUERY_MAX);
}

static void by_soap(struct words *w, struct str in)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(64 * 1024);
	const char *why = NULL;
	struct acct_query q;
	struct soap s;
	if (soap_read(&s, a, in) < 0 || !directory_is_search(&s))
		return;
	if (directory_read(&q, &s, &why) < 0) {
		assert(why);
		return;
	}
	assert(q.n <= ACCT_ROWS_MAX && q.max >= 1 && q.max <= ACCT_FOUND_MAX);
	search(w, &q);
	acct_put(&b, &(struct acct_msg){ .type = ACCT_SEARCH, .search = q });
	assert(!b.full);
}

static void by_text(struct words *w, struct str text)
{
	struct acct_person p = { .id = 1, .uri = text, .display_name = text, .email = text };
	p.phone = p.office = text;
	auto_(index_free) struct index *ix = index_new();
	auto_(buf_free) struct buf folded = buf_of(text.len), answer = buf_of(1024 * 1024);
	uint64_t id = 0;
	bool more = true;
	fold_put(&folded, text);
	assert(!folded.full);
	words_of_person(w, &p);
	check_words(w, WORDS_PERSON_MAX);
	index_put(ix, 1, w, buf_view(&folded));
	search(w, &(struct acct_query){ .n = 1, .rows = { { ACCT_NAME, text } } });
	/* As long as it has no more words than are kept. */
	assert(w->n == 0 || text.len >= 2 * WORDS_PERSON_MAX ||
	       index_search(ix, w, &id, 1, &more) == 1);
	search(w, &(struct acct_query){ .n = 1, .rows = { { ACCT_ANY, text } } });
	directory_put_answer(&answer, &p, 1, false, 64 * 1024);
	assert(!answer.full);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct words w;
	struct str in = { (const char *)data, size };
	words_init(&w);
	by_soap(&w, in);
	by_text(&w, str_sub(in, 0, ACCT_TEXT_MAX));
	words_done(&w);
	return 0;
}
