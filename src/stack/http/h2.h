/* HTTP/2 (RFC 9113) under the same exchanges: the inside, for the files of this folder.  libnghttp2
 * keeps the frames, the header compression and the windows; this keeps the streams.
 *
 * A stream outlives its exchange: what was answered waits in the stream for the peer's window. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "stack/http/conn.h"

enum {
	H2_STREAM_WINDOW = 128 * 1024, /* bytes of one body that the peer may send ahead */
	H2_CONN_WINDOW = 256 * 1024,   /* of all bodies of a connection */
	H2_HEAD_SKIP_MAX = 2,          /* a header so many times too large is read to answer 431;
	                                * beyond that the stream is reset */
	/* Frames that cost us more than the peer: so many at once, and so many a second.  Above:
	 * ENHANCE_YOUR_CALM, and the connection ends. */
	H2_RESETS_BURST = 200,
	H2_RESETS_PER_S = 20,
	H2_CONTROL_BURST = 500, /* SETTINGS, PING, PRIORITY, CONTINUATION, empty DATA, unknown */
	H2_CONTROL_PER_S = 50,
	H2_WINDOWS_BURST = 2000, /* WINDOW_UPDATE, and one more for each of the next: */
	H2_WINDOWS_PER_S = 100,
	H2_WINDOW_BYTES = 512, /* bytes that were sent */
};

/* A value in h2_head.values, which may move. */
struct h2_part {
	size_t at, len;
	bool is_there;
};

/* A header block on its way in; one at a time on a connection. */
struct h2_head {
	struct buf values;  /* of Host and the fields that begin with ':' */
	struct buf lines;   /* of the others, in the form of HTTP/1.1 */
	struct buf cookies; /* put together again (RFC 9113 section 8.2.3) */
	struct h2_part method, scheme, authority, path, host;
	size_t size, max;
	struct http_fault fault;
};

struct h2_bucket {
	usec_t at;
	uint64_t spent; /* in millionths */
};

struct h2 {
	struct http_conn *c;
	nghttp2_session *session;
	struct list streams;
	struct list todo; /* those that something happened to */
	struct h2_head head;
	struct h2_stream *opening; /* whose head is coming in, or NULL */
	struct h2_bucket resets, control, windows;
	bool inside;  /* h2_data() is at work */
	bool goodbye; /* GOAWAY is sent or on its way */
	bool calmed;
};

struct h2_stream {
	struct h2 *h2;
	struct http_exchange *x; /* NULL: not yet, or over */
	int32_t id;
	struct list node, todo;
	struct buf in;  /* of the body, what the handler has not taken */
	struct buf out; /* of the answer */
	size_t sent;    /* of `out` */
	struct timer timer;
	usec_t since;   /* the phase began; in WAIT_SEND: the last progress */
	uint8_t phase;  /* enum http_phase */
	bool in_end;    /* the peer has sent the whole request */
	bool out_end;   /* the answer is whole in `out` */
	bool waits;     /* nghttp2 waits for more of `out` */
	bool dropping;  /* the answer is sent, but the request has not ended */
	bool dead;      /* it is being reset */
	size_t dropped; /* bytes of a body that nobody wants */
};

/* h2.c */
/* For a connection whose peer has agreed to HTTP/2. */
struct h2 *h2_new(struct http_conn *c);
/* Ends all exchanges. */
void h2_free(struct h2 **hp);
/* data() of the stream. */
ssize_t h2_data(struct h2 *h2, struct str in);
enum http_phase h2_phase(const struct h2 *h2);
/* GOAWAY: no stream more; the connection ends with the last one. */
void h2_say_goodbye(struct h2 *h2);
/* Sends what can be sent. */
void h2_flush(struct h2 *h2);

/* h2_stream.c */
struct h2_stream *h2_stream_new(struct h2 *h2, int32_t id);
void h2_stream_free(struct h2_stream *st);
/* Its head is whole. */
void h2_stream_begin(struct h2_stream *st, bool in_end);
/* Bytes of its body have come; a frame with the end of the answer was sent. */
void h2_stream_take(struct h2_stream *st, struct str data);
void h2_stream_answered(struct h2_stream *st);
/* Something happened to it: h2_stream_work() comes. */
void h2_stream_touch(struct h2_stream *st);
/* Does what there is to do. */
void h2_stream_work(struct h2_stream *st);
/* The body that is to come. */
struct http_body h2_body_of(const struct h2_stream *st);
/* Resets it; its exchange ends when that is sent. */
void h2_stream_reset(struct h2_stream *st, uint32_t code);
/* Sets the timer anew if it waits for something else than before. */
void h2_stream_watch(struct h2_stream *st);
/* nghttp2 sends a piece of `out`: as nghttp2_send_data_callback. */
int h2_stream_send(struct h2_stream *st, const uint8_t *frame_head, size_t len);

/* For answer.c. */
/* Something changed outside of h2_data(). */
void h2_kick(struct h2_stream *st);
void h2_say_continue(struct h2_stream *st);
/* Begins the answer with a head in the form of HTTP/1.1, which it changes. */
void h2_answer(struct h2_stream *st, struct buf *head, unsigned status, bool has_body);
void h2_write(struct h2_stream *st, struct str piece);
void h2_write_end(struct h2_stream *st);
size_t h2_unsent(const struct h2_stream *st);
void h2_abort(struct h2_stream *st);

/* h2_head.c */
void h2_head_reset(struct h2_head *h, size_t max);
/* False: it is so large that nobody should go on reading. */
bool h2_head_add(struct h2_head *h, struct str name, struct str value) MUST_CHECK;
/* Writes it as the head of a request of HTTP/1.1 to b, whose rules it then has to meet, and reads
 * that; *ret borrows from b. */
struct http_fault h2_head_parse(struct h2_head *h, bool tls, bool in_end, struct buf *b,
                                struct http_msg *ret) MUST_CHECK;
void h2_head_free(struct h2_head *h);
/* The fields of an answer's head in the form of HTTP/1.1, which stay there; returns how many, at
 * most max.  Those that belong to a connection are left out; names become small letters. */
size_t h2_head_fields(struct buf *head, struct str status, nghttp2_nv *ret, size_t max);
