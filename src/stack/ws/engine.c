#include <stdlib.h>

#include "base/rand.h"
#include "stack/ws/inside.h"

/* Frames, by wslay: what it reads comes from ws->in, what it writes goes to the stream, which takes
 * everything. */

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags UNUSED,
                       void *user)
{
	struct ws *w = ((struct ws_engine *)user)->ws;
	size_t n = MIN(len, w->in.len);
	if (n == 0 || w->paused || w->state >= WS_ENDING) {
		wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(buf, w->in.p, n);
	w->in = str_sub(w->in, n, w->in.len);
	w->loose += (int64_t)n;
	return (ssize_t)n;
}

static ssize_t on_send(wslay_event_context_ptr ctx UNUSED, const uint8_t *data, size_t len,
                       int flags UNUSED, void *user)
{
	struct ws *w = ((struct ws_engine *)user)->ws;
	stream_write(w->stream, str_n((const char *)data, len));
	return (ssize_t)len;
}

static int on_mask(wslay_event_context_ptr ctx UNUSED, uint8_t *buf, size_t len, void *user UNUSED)
{
	rand_bytes(buf, len);
	return 0;
}

static void count_control(struct ws *w)
{
	usec_t now = loop_now(w->host->loop);
	if (now - w->control_since >= USEC_PER_SEC) {
		w->control_since = now;
		w->n_control = 0;
	}
	if (++w->n_control > w->host->cfg.control_max)
		ws_fail(w, WS_POLICY, "too many control frames");
}

/* wslay takes the shortest form of a length alone (RFC 6455 section 5.2), so that the length of the
 * head follows from it. */
static int64_t frame_len(const struct ws *w, uint64_t payload)
{
	int head = payload < 126 ? 2 : payload <= UINT16_MAX ? 4 : 10;
	return (int64_t)payload + head + (w->role == WS_SERVER ? 4 : 0);
}

static void on_frame(wslay_event_context_ptr ctx,
                     const struct wslay_event_on_frame_recv_start_arg *f, void *user)
{
	struct ws *w = ((struct ws_engine *)user)->ws;
	w->loose -= frame_len(w, f->payload_length);
	if (wslay_is_ctrl_frame(f->opcode)) {
		count_control(w);
	} else {
		w->n_frames = f->opcode == WSLAY_CONTINUATION_FRAME ? w->n_frames + 1 : 1;
		w->in_message = !f->fin;
		if (w->n_frames > w->host->cfg.frames_max)
			ws_fail(w, WS_POLICY, "too many frames in a message");
	}
	if (w->state >= WS_ENDING)
		wslay_event_shutdown_read(ctx);
}

static void keep_reason(struct ws *w, const struct wslay_event_on_msg_recv_arg *m)
{
	if (m->msg_length > 2 && !w->why)
		w->why = str_dup(str_n((const char *)m->msg + 2, m->msg_length - 2));
}

static void on_message(wslay_event_context_ptr ctx UNUSED,
                       const struct wslay_event_on_msg_recv_arg *m, void *user)
{
	struct ws *w = ((struct ws_engine *)user)->ws;
	if (m->opcode == WSLAY_CONNECTION_CLOSE)
		keep_reason(w, m);
	if (wslay_is_ctrl_frame(m->opcode) || w->state != WS_OPEN)
		return;
	w->host->stats.messages_in++;
	w->host->stats.bytes_in += m->msg_length;
	w->ops->message(w->arg, m->opcode == WSLAY_TEXT_FRAME,
	                str_n((const char *)m->msg, m->msg_length));
}

/* Lending. */

static const struct wslay_event_callbacks callbacks = {
	.recv_callback = on_recv,
	.send_callback = on_send,
	.genmask_callback = on_mask,
	.on_frame_recv_start_callback = on_frame,
	.on_msg_recv_callback = on_message,
};

static struct ws_engine *engine_new(const struct ws *w)
{
	struct ws_engine *e = xnew(struct ws_engine);
	int err = w->role == WS_SERVER ? wslay_event_context_server_init(&e->ctx, &callbacks, e)
	                               : wslay_event_context_client_init(&e->ctx, &callbacks, e);
	if (err)
		abort(); /* no memory: as xnew() */
	wslay_event_config_set_max_recv_msg_length(e->ctx, w->host->cfg.message_max);
	return e;
}

static struct ws_engine *engine_of(struct ws *w)
{
	struct ws_host *h = w->host;
	if (!w->engine) {
		w->engine = h->n_spares[w->role] ? h->spares[w->role][--h->n_spares[w->role]]
		                                 : engine_new(w);
		w->engine->ws = w;
	}
	return w->engine;
}

void ws_engine_free(struct ws_engine **ep)
{
	struct ws_engine *e = take(ep);
	if (!e)
		return;
	wslay_event_context_free(e->ctx);
	free(e);
}

void ws_engine_rest(struct ws *w)
{
	struct ws_host *h = w->host;
	if (!w->engine || w->inside || w->state != WS_OPEN || w->loose != 0 || w->in_message)
		return;
	if (h->n_spares[w->role] == WS_SPARES_MAX)
		ws_engine_free(&w->engine);
	else
		h->spares[w->role][h->n_spares[w->role]++] = take(&w->engine);
}

/* Reading. */

/* What the engine has found out by itself: a Close that came, or a rule that was broken. */
static void look_at_close(struct ws *w)
{
	wslay_event_context_ptr ctx = w->engine->ctx;
	if (w->state >= WS_ENDING)
		return;
	if (wslay_event_get_close_received(ctx)) {
		unsigned code = wslay_event_get_status_code_received(ctx);
		ws_end(w, code ? code : WS_NO_CODE, str_of(w->why));
	} else if (!wslay_event_get_read_enabled(ctx)) {
		w->host->stats.broken++;
		ws_end(w, wslay_event_get_status_code_sent(ctx),
		       STR("a rule of the protocol was broken"));
	}
}

/* The head of a frame is broken: for that wslay would send a Close without a code. */
static void end_broken(struct ws *w)
{
	static const char head[] = "\x88\x82\0\0\0\0\x03\xea"; /* with a mask of zeros */
	if (w->state >= WS_ENDING)
		return;
	w->host->stats.broken++;
	stream_write(w->stream, w->role == WS_CLIENT ? str_n(head, 8) : STR("\x88\x02\x03\xea"));
	ws_end(w, WS_PROTOCOL_ERROR, STR("a broken frame"));
}

size_t ws_engine_read(struct ws *w, struct str in)
{
	struct ws_engine *e = engine_of(w);
	w->in = in;
	w->inside = true;
	int err = wslay_event_recv(e->ctx);
	w->inside = false;
	if (err == WSLAY_ERR_NOMEM)
		abort(); /* as xnew() */
	if (err) {
		end_broken(w);
	} else {
		(void)wslay_event_send(e->ctx);
		look_at_close(w);
	}
	return in.len - w->in.len;
}

/* Writing. */

void ws_engine_send(struct ws *w, uint8_t opcode, struct str payload)
{
	struct wslay_event_msg m = { opcode, (const uint8_t *)payload.p, payload.len };
	wslay_event_context_ptr ctx = engine_of(w)->ctx;
	(void)wslay_event_queue_msg(ctx, &m);
	/* At once, also from inside message(): control frames would overtake it. */
	(void)wslay_event_send(ctx);
	ws_engine_rest(w);
}

void ws_engine_close(struct ws *w, unsigned code, struct str why)
{
	wslay_event_context_ptr ctx = engine_of(w)->ctx;
	(void)wslay_event_queue_close(ctx, (uint16_t)code, (const uint8_t *)why.p,
	                              MIN(why.len, (size_t)WS_WHY_MAX));
	(void)wslay_event_send(ctx);
}
