#include <assert.h>

#include "svc/directory/entries.h"
#include "wire/webticket/webticket.h"

enum { TEXT_MAX = 8192 /* of what is written into a ticket */ };

/* What anybody may send to the web services: a request for a ticket, a search with one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The ticket that is issued for what was read is one whose proof is read again. */
static void issue(const struct webticket_ask *ask)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(16 * 1024 * 1024);
	struct webticket t = { .issuer = ask->service,
		               .service = ask->service,
		               .user = ask->user,
		               .proof = STR("cHJvb2Y"),
		               .from = 1000 * USEC_PER_SEC,
		               .until = 4600 * USEC_PER_SEC };
	struct soap s;
	webticket_put_issued(&b, &t);
	assert(!b.full && soap_read(&s, a, buf_view(&b)) == 0);
	const struct xml *token = xml_child(s.call->child, "RequestedSecurityToken");
	assert(token && token->child);
	assert(str_eq(webticket_of_text(a, token->child->source), t.proof));
}

static void search(const struct soap *s)
{
	struct acct_query q;
	const char *why = NULL;
	if (!entries_is_search(s))
		return;
	if (entries_read(&q, s, &why) < 0) {
		assert(why && *why);
		return;
	}
	assert(q.n >= 1 && q.n <= ACCT_ROWS_MAX && q.max >= 1 && q.max <= ACCT_FOUND_MAX);
	for (uint32_t i = 0; i < q.n; i++)
		assert(q.rows[i].value.len <= ACCT_TEXT_MAX && q.rows[i].field < ACCT_N_FIELDS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct str in = { (const char *)data, size };
	struct webticket_ask ask;
	struct soap s;
	assert(webticket_of_text(a, in).len <= WEBTICKET_PROOF_MAX);
	if (soap_read(&s, a, in) < 0)
		return 0;
	assert(webticket_of_request(&s).len <= WEBTICKET_PROOF_MAX);
	if (webticket_read_ask(&ask, &s) == 0 && ask.service.len + ask.user.len <= TEXT_MAX)
		issue(&ask);
	search(&s);
	return 0;
}
