/* A server with a handler of many habits, and raw connections to it, for the tests of stack/http.
 */
#pragma once

#include "loop/ends.h"
#include "stack/http/server.h"

/* What the handler does, by path:
 *   /hello        200 "hello"            /echo     the body comes back (at most 1000 bytes)
 *   /none         204                    /count    pieces are counted; the number comes back
 *   /ignore       200 without reading    /later    kept in `later`; the test answers
 *   /long /chunks `amount` bytes, streamed, with a length and without
 *   /broken       streamed, and aborted after 5 bytes
 *   /talk         101, and the connection is `talk`
 *   /who          the names of the peer's certificate, or the word of http_via() */
struct site {
	struct loop *loop;
	struct http_server *server;
	struct addr at;
	struct http_exchange *later, *counting, *sending;
	unsigned n_later, n_gone, n_done, n_pieces, last_status;
	const char *last_why;
	bool last_whole, pause_first, stranger;
	size_t amount, counted, unsent_max;
	struct end client, talk;
};

void site_start(struct site *s, const struct http_server_config *cfg);
void site_end(struct site *s);
/* A raw connection, and one more (which the caller ends with end_done()). */
void site_connect(struct site *s);
void site_connect_as(struct site *s, struct end *e);
void site_say(struct site *s, const char *text);
/* True if all that has come, without the Date lines, is `want`.  Waits for so many bytes. */
void site_heard(struct site *s, const char *want);
/* Waits until the needle has come. */
void site_await(struct site *s, const char *needle);
/* A good request, an answer of it, and the end. */
#define REQ(method, path, fields) method " " path " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
