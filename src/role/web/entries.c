#include "svc/directory/entries.h"

#include <stdlib.h>

#include "role/web/wb.h"
#include "wire/webticket/webticket.h"

/* The address book's web query: Lync clients search the directory by HTTPS, with a web ticket
 * (docs/protocols/lync.md, "Web services").  What it finds is what the search by SIP finds. */

#define MEX "/mex"
#define BY_TICKET WEB_ENTRIES "/WebTicket_Bearer"

enum {
	PEOPLE_MAX = 512 * 1024, /* bytes */
	ANSWER_MAX = PEOPLE_MAX + 1024,
	MEX_MAX = 16 * 1024,
	ADDRESS_MAX = HTTP_HOST_MAX + 128,
};

struct query {
	struct web *web;
	struct http_exchange *x; /* NULL: its peer has gone */
	struct accounts_req *req;
	struct arena *arena; /* of the document that came */
	struct soap soap;
	uint64_t account; /* the ticket's */
	struct buf body;  /* what the document's texts lie in */
};

static void query_free(struct query *q)
{
	accounts_req_free(&q->req);
	arena_free(&q->arena);
	buf_free(&q->body);
	free(q);
}

static void on_gone(void *user)
{
	query_free(user);
}

static struct http_exchange *let_go(struct query *q)
{
	struct http_exchange *x = take(&q->x);
	http_set_user(x, NULL, NULL);
	query_free(q);
	return x;
}

/* --- answers --------------------------------------------------------------------------------- */

static void refuse(struct query *q, const char *code, const char *text)
{
	wb_soap_refuse(let_go(q), code, text);
}

static void on_found(void *arg, const struct accounts_found *f)
{
	struct query *q = arg;
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	q->req = NULL;
	if (f->err < 0) {
		refuse(q, "Server", "The directory does not answer at the moment.");
		return;
	}
	entries_put_answer(&b, f->people, f->n, PEOPLE_MAX);
	wb_soap_answer(let_go(q), 200, buf_view(&b));
}

/* --- the question ---------------------------------------------------------------------------- */

static void search(struct query *q)
{
	struct acct_query what;
	const char *why = NULL;
	if (!entries_is_search(&q->soap))
		refuse(q, "Client", "There is no such method here.");
	else if (entries_read(&what, &q->soap, &why) < 0)
		refuse(q, "Client", why);
	else
		q->req = accounts_search(q->web->accounts, &what, on_found, q);
}

/* A ticket is good for an hour; its user may have been disabled meanwhile. */
static void on_account(void *arg, int err, const struct account *acc)
{
	struct query *q = arg;
	q->req = NULL;
	if (err == 0 && acc->id == q->account && !acc->disabled)
		search(q);
	else
		refuse(q, "Client.FailedAuthentication", "The account is not there any more.");
}

static void on_body(void *user, struct http_exchange *x UNUSED, struct str body)
{
	struct query *q = user;
	char uri[WEB_URI_MAX + 1];
	q->body = buf_of(WEB_BODY_MAX);
	buf_str(&q->body, body);
	if (soap_read(&q->soap, q->arena, buf_view(&q->body)) < 0)
		refuse(q, "Client", "This is no SOAP.");
	else if (!wb_ticket_check(q->web, webticket_of_request(&q->soap), WEB_SERVICE_ENTRIES,
	                          &q->account, uri))
		refuse(q, "Client.FailedAuthentication",
		       "The web ticket is not, or no more, good.");
	else if (!wb_ticket_may_ask(q->web, q->account))
		http_refuse(let_go(q), 429, "That was too much at once; wait, then try again.");
	else
		q->req = accounts_lookup(q->web->accounts, str_of(uri), on_account, q);
}

static void ask(struct web *w, struct http_exchange *x)
{
	struct query *q = xnew(struct query);
	q->web = w;
	q->x = x;
	q->arena = arena_new();
	http_set_user(x, q, on_gone);
	http_read_all(x, WEB_BODY_MAX, on_body);
}

static void say_where(const struct web *w, struct http_exchange *x)
{
	auto_(buf_free) struct buf b = buf_of(MEX_MAX), at = buf_of(ADDRESS_MAX),
	                           issuer = buf_of(ADDRESS_MAX);
	wb_service_origin(w, x, &at);
	wb_service_origin(w, x, &issuer);
	buf_lit(&at, BY_TICKET);
	buf_lit(&issuer, WEB_TICKETS);
	struct webticket_service s = { "AddressBookWebTicketBearer", buf_view(&issuer),
		                       buf_view(&at) };
	webticket_put_service(&b, &s);
	wb_soap_answer(x, 200, buf_view(&b));
}

bool wb_is_entries(const struct http_msg *m)
{
	return str_istarts(m->path, STR(WEB_ENTRIES));
}

void wb_entries(struct web *w, struct http_exchange *x)
{
	const struct http_msg *m = http_request(x);
	bool get = m->method == HTTP_GET || m->method == HTTP_HEAD;
	if (get && str_ieq(m->path, STR(WEB_ENTRIES MEX)))
		say_where(w, x);
	else if (m->method == HTTP_POST && str_ieq(m->path, STR(BY_TICKET)))
		ask(w, x);
	else
		http_refuse(x, 404, "There is no such service here.");
}
