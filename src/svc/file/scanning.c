#include "svc/file/scanning.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "loop/stream.h"

enum {
	OPEN_S = 5,
	UNSENT_HIGH = 512 * 1024,
	UNSENT_LOW = 128 * 1024,
	UNSENT_MAX = 2 * 1024 * 1024,
	PIECE_MAX = 256 * 1024, /* of one chunk; a piece of a file is smaller */
};

struct scanning {
	struct loop *loop;
	struct stream *stream;
	const struct scan_ops *ops;
	void *arg;
	bool judged, ended;
	enum scan_verdict verdict;
	char found[SCAN_NAME_MAX + 1];
	struct timer silence;
	struct defer
	        later; /* its owner may free it then, which inside the stream's call he may not */
};

static void judge(struct scanning *s, enum scan_verdict v, struct str found)
{
	struct buf b = BUF_ON(s->found);
	if (s->judged)
		return;
	s->judged = true;
	s->verdict = v;
	buf_str(&b, str_sub(found, 0, SCAN_NAME_MAX));
	s->found[b.len] = '\0';
	timer_stop(&s->silence);
	loop_defer(s->loop, &s->later);
}

static void on_later(void *arg)
{
	struct scanning *s = arg;
	s->ops->done(s->arg, s->verdict, str_of(s->found));
}

/* --- what it says ---------------------------------------------------------------------------- */

/* "stream: OK", "stream: Eicar-Signature FOUND", "INSTREAM size limit exceeded. ERROR". */
static void take_answer(struct scanning *s, struct str line)
{
	static const struct str of_stream = STR_INIT("stream: "), found = STR_INIT(" FOUND");
	if (str_find(line, STR("size limit exceeded")) >= 0) {
		judge(s, SCAN_TOO_LARGE, line);
	} else if (str_eq(line, STR("stream: OK"))) {
		/* Before all was there it cannot know. */
		judge(s, s->ended ? SCAN_CLEAN : SCAN_DOWN, line);
	} else if (str_starts(line, of_stream) && str_ends(line, found) &&
	           line.len > of_stream.len + found.len) {
		judge(s, SCAN_FOUND,
		      str_sub(line, of_stream.len, line.len - of_stream.len - found.len));
	} else {
		judge(s, SCAN_DOWN, line);
	}
}

static ssize_t on_data(void *arg, struct str in)
{
	struct scanning *s = arg;
	struct str line, rest;
	if (!str_cut(in, '\0', &line, &rest))
		return 0;
	take_answer(s, line);
	return (ssize_t)in.len;
}

static void on_closed(void *arg, int err UNUSED, const char *why)
{
	struct scanning *s = arg;
	stream_free(&s->stream);
	judge(s, SCAN_DOWN, str_of(why && *why ? why : "it closed the connection"));
}

static void on_opened(void *arg UNUSED)
{
}

static void on_room(void *arg)
{
	struct scanning *s = arg;
	if (s->judged)
		return;
	if (!s->ended)
		timer_stop(&s->silence);
	s->ops->room(s->arg);
}

static void on_silence(void *arg)
{
	judge(arg, SCAN_DOWN, STR("it does not answer"));
}

/* --- life ------------------------------------------------------------------------------------ */

static bool read_place(struct str where, struct addr *ret)
{
	ssize_t colon = str_rchr(where, ':');
	uint32_t port;
	return colon > 0 &&
	       str_to_u32(str_sub(where, (size_t)colon + 1, where.len), UINT16_MAX, &port) == 0 &&
	       port > 0 && addr_parse(ret, str_sub(where, 0, (size_t)colon), (uint16_t)port) == 0;
}

bool scan_place_is_good(struct str where)
{
	struct addr a;
	return str_starts(where, STR("/")) || read_place(where, &a);
}

struct scanning *scanning_new(struct loop *l, struct str where, const struct scan_ops *ops,
                              void *arg)
{
	static const struct stream_ops stream_ops = {
		.opened = on_opened, .data = on_data, .closed = on_closed, .room = on_room
	};
	const struct stream_limits lim = { .read_max = SCAN_ANSWER_MAX,
		                           .write_max = UNSENT_MAX,
		                           .open_max = OPEN_S * USEC_PER_SEC };
	struct scanning *s = xnew(struct scanning);
	struct addr a;
	*s = (struct scanning){ .loop = l, .ops = ops, .arg = arg };
	timer_init(&s->silence, l, on_silence, s);
	defer_init(&s->later, on_later, s);
	if (str_starts(where, STR("/")))
		s->stream = stream_connect_path(l, where, &lim, &stream_ops, s);
	else if (read_place(where, &a))
		s->stream = stream_connect(l, &a, NULL, STR(""), &lim, &stream_ops, s);
	if (s->stream)
		stream_write(s->stream, str_n("zINSTREAM", sizeof("zINSTREAM")));
	else
		judge(s, SCAN_DOWN, STR("the setting names no address"));
	return s;
}

/* It has so long to do its part. */
static void hear(struct scanning *s)
{
	timer_set(&s->silence, loop_now(s->loop) + SCAN_SILENCE_S * USEC_PER_SEC);
}

bool scanning_put(struct scanning *s, struct str piece)
{
	if (s->judged || !s->stream)
		return true; /* nobody looks at it any more */
	while (piece.len > 0) {
		struct str one = str_sub(piece, 0, PIECE_MAX);
		uint32_t len = htobe32((uint32_t)one.len);
		stream_write(s->stream, str_n((const char *)&len, sizeof(len)));
		stream_write(s->stream, one);
		piece = str_sub(piece, one.len, piece.len);
	}
	if (stream_unsent(s->stream) < UNSENT_HIGH)
		return true;
	stream_want_room(s->stream, UNSENT_LOW);
	hear(s); /* what it does not read, it does not scan */
	return false;
}

void scanning_end(struct scanning *s)
{
	static const char end[4];
	s->ended = true;
	if (s->judged || !s->stream)
		return;
	stream_write(s->stream, str_n(end, sizeof(end)));
	hear(s);
}

void scanning_free(struct scanning **sp)
{
	struct scanning *s = take(sp);
	if (!s)
		return;
	timer_stop(&s->silence);
	defer_cancel(&s->later);
	stream_free(&s->stream);
	free(s);
}
