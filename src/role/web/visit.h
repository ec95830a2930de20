/* A request by HTTP that waits for accounts: shared by login.c (log-ins) and own.c (what users ask
 * and change of their own accounts). */
#pragma once

#include "role/web/wb.h"

enum { WEB_USER_MAX = 8 * 1024 };

struct visit;
typedef void visit_body_fn(struct visit *v, const cJSON *body);

struct visit {
	struct web *web;
	struct http_exchange *x; /* NULL: its peer has gone */
	struct addr client;      /* who asks */
	struct accounts_req *asking;
	struct web_login who;
	visit_body_fn *body;

	/* Of login.c. */
	void (*then)(struct visit *v);
	bool bare;       /* whose name need not be looked up */
	struct buf user; /* "user":{...}, of who it is */
	bool limited;    /* the log-in is good for setting up the second factor alone */

	/* Of admin.c, of an answer that goes on. */
	bool begun, full; /* full: enough was sent for now */

	/* Of own.c. */
	enum acct_own_op op;
	/* What the body asks for; false: answered already. */
	bool (*read)(struct visit *v, const cJSON *body, struct acct_own *ret);
	struct buf asked; /* the text that it asks with */
	/* The members of the answer. */
	void (*put)(struct buf *b, const struct accounts_owned *o);
};

struct visit *visit_new(struct web *w, struct http_exchange *x);
void visit_free(struct visit *v);
/* then is called with who it is, if the log-in of the cookie is good and has all it must have; else
 * the exchange is answered. */
void visit_signed_in(struct web *w, struct http_exchange *x, void (*then)(struct visit *v));
/* The value of the cookie with that name, or empty. */
struct str visit_cookie(const struct http_msg *m, struct str wanted);
/* Adds the field that gives the browser a ticket; empty: it is taken back. */
void visit_put_cookie(struct buf *head, struct str ticket);
/* Copies the ticket of the cookie, or the app token that is shown in its place; false: there is
 * none that could be one. */
bool visit_ticket(struct visit *v);
/* Does it show an app token (Authorization: Bearer), and so come from no browser's page? */
bool visit_has_token(const struct http_msg *m);

/* own.c: the new password, of who is signed in; false: it will not do, which is answered. */
bool web_own_password_read(struct visit *v, const cJSON *body);
/* The old one was right: it is changed. */
void web_own_password(struct visit *v);

/* Of a request that no visit has been made of. */
void visit_error(struct http_exchange *x, unsigned status, const char *code, const char *text,
                 const char *remedy);
/* 404: also of what is there for others. */
void visit_unknown(struct http_exchange *x);
/* 200 with this document. */
void visit_json(struct http_exchange *x, struct str json);
/* Answers; each frees the visit. */
void visit_refuse(struct visit *v, unsigned status, const char *code, const char *text,
                  const char *remedy);
void visit_signed_out(struct visit *v);
void visit_no_server(struct visit *v);
/* 429 with the seconds to wait. */
void visit_slow(struct visit *v, const char *code, const char *text, uint32_t retry_s);
/* members: of the object that is the answer.  cookie: the ticket that the browser is given; empty:
 * it is taken back; NULL: nothing. */
void visit_answer(struct visit *v, struct str members, const char *cookie);

/* Reads the body, and calls fn with the object in it, its secrets wiped when fn has returned; what
 * is no object is refused. */
void visit_read(struct visit *v, visit_body_fn *fn);
