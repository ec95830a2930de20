#include "stack/ws/ws.h"

#include <assert.h>
#include <stdlib.h>

#include "stack/ws/inside.h"

/* A connection from its opening to its end; the frames are engine.c's. */

enum { WRITE_SPARE = 16 * 1024 }; /* of the stream above unsent_max: control frames and heads */

/* The host. */

static void set_default(uint32_t *v, uint32_t def)
{
	*v = *v ? *v : def;
}

struct ws_host *ws_host_new(struct loop *l, const struct ws_config *cfg)
{
	struct ws_host *h = xnew(struct ws_host);
	h->loop = l;
	h->cfg = *cfg;
	set_default(&h->cfg.message_max, WS_MESSAGE_MAX);
	set_default(&h->cfg.frames_max, WS_FRAMES_MAX);
	set_default(&h->cfg.control_max, WS_CONTROL_MAX);
	set_default(&h->cfg.unsent_max, WS_UNSENT_MAX);
	set_default(&h->cfg.ping_s, 30);
	set_default(&h->cfg.answer_s, 20);
	set_default(&h->cfg.close_s, 5);
	/* wslay's limit is one for control frames too. */
	h->cfg.message_max = MAX(h->cfg.message_max, (uint32_t)WS_CONTROL_LEN_MAX);
	list_init(&h->conns);
	return h;
}

void ws_host_free(struct ws_host **hp)
{
	struct ws_host *h = take(hp);
	if (!h)
		return;
	assert(list_empty(&h->conns));
	for (unsigned role = 0; role < WS_N_ROLES; role++)
		while (h->n_spares[role] > 0)
			ws_engine_free(&h->spares[role][--h->n_spares[role]]);
	free(h);
}

void ws_host_close_all(struct ws_host *h, unsigned code, struct str why)
{
	list_for(it, &h->conns)
	{
		ws_close(list_entry(it, struct ws, node), code, why);
	}
}

const struct ws_stats *ws_host_stats(const struct ws_host *h)
{
	return &h->stats;
}

/* The end. */

void ws_end(struct ws *w, unsigned code, struct str why)
{
	if (w->state >= WS_ENDING)
		return;
	w->code = (uint16_t)code;
	if (!w->why && why.len)
		w->why = str_dup(why);
	w->state = WS_ENDING;
	timer_stop(&w->timer);
	stream_close_late(w->stream, HTTP_LINGER_S * USEC_PER_SEC);
}

void ws_fail(struct ws *w, unsigned code, const char *why)
{
	if (w->state >= WS_ENDING)
		return;
	w->host->stats.broken += code == WS_POLICY;
	if (code != WS_ABNORMAL)
		ws_engine_close(w, code, str_of(why));
	ws_end(w, code, str_of(why));
}

static void on_closed(void *arg, int err UNUSED, const char *why)
{
	struct ws *w = arg;
	if (w->state < WS_CLOSING)
		w->code = WS_ABNORMAL;
	timer_stop(&w->timer);
	w->state = WS_ENDED;
	w->ops->closed(w->arg, w->code, str_of(w->why ? w->why : why));
}

/* Time. */

static usec_t deadline_of(const struct ws *w)
{
	const struct ws_config *cfg = &w->host->cfg;
	return w->pinged ? w->pinged + cfg->answer_s * USEC_PER_SEC
	                 : w->heard + cfg->ping_s * USEC_PER_SEC;
}

static void look_at_silence(struct ws *w, usec_t now)
{
	if (w->paused)
		w->heard = now; /* it is us who do not listen */
	if (now >= deadline_of(w)) {
		if (w->pinged) {
			w->host->stats.silent++;
			ws_fail(w, WS_ABNORMAL, "no answer to a ping");
			return;
		}
		w->pinged = now;
		ws_engine_send(w, WSLAY_PING, STR(""));
	}
	timer_set(&w->timer, deadline_of(w));
}

static void on_timer(void *arg)
{
	struct ws *w = arg;
	if (w->state == WS_OPEN)
		look_at_silence(w, loop_now(w->host->loop));
	else if (w->state == WS_OPENING)
		ws_fail(w, WS_ABNORMAL, "the server does not answer");
	else
		ws_end(w, w->code, STR("the other side did not close"));
}

/* The stream. */

static ssize_t on_data(void *arg, struct str in)
{
	struct ws *w = arg;
	if (w->state >= WS_ENDING)
		return (ssize_t)in.len;
	if (in.len == 0 || w->paused)
		return 0;
	w->heard = loop_now(w->host->loop);
	w->pinged = 0;
	size_t used = ws_engine_read(w, in);
	ws_engine_rest(w);
	return (ssize_t)used;
}

static void on_room(void *arg)
{
	struct ws *w = arg;
	if (w->state != WS_OPEN || !w->waiting)
		return;
	w->waiting = false;
	if (w->ops->room)
		w->ops->room(w->arg);
}

const struct stream_ops ws_stream_ops = { .data = on_data, .closed = on_closed, .room = on_room };

struct stream_limits ws_stream_limits(const struct ws_host *h)
{
	return (struct stream_limits){ .read_max = 2 * STREAM_READ_TURN_MAX,
		                       .write_max = h->cfg.unsent_max + WRITE_SPARE,
		                       .open_max = 10 * USEC_PER_SEC };
}

/* The object. */

struct ws *ws_new(struct ws_host *h, enum ws_role role, const struct ws_ops *ops, void *arg)
{
	struct ws *w = xnew(struct ws);
	w->host = h;
	w->role = (uint8_t)role;
	w->ops = ops;
	w->arg = arg;
	timer_init(&w->timer, h->loop, on_timer, w);
	list_add(&h->conns, &w->node);
	h->stats.conns++;
	return w;
}

void ws_begin(struct ws *w)
{
	w->state = WS_OPEN;
	w->heard = loop_now(w->host->loop);
	w->host->stats.opened++;
	timer_set(&w->timer, deadline_of(w));
}

void ws_free(struct ws **wp)
{
	struct ws *w = take(wp);
	if (!w)
		return;
	timer_stop(&w->timer);
	list_del(&w->node);
	w->host->stats.conns--;
	stream_free(&w->stream);
	ws_engine_free(&w->engine);
	ws_hello_free(&w->hello);
	free(w->protocol);
	free(w->why);
	free(w);
}

struct str ws_protocol(const struct ws *w)
{
	return str_of(w->protocol);
}

bool ws_send(struct ws *w, bool text, struct str message)
{
	struct ws_host *h = w->host;
	if (w->state != WS_OPEN)
		return true;
	if (ws_unsent(w) + message.len > h->cfg.unsent_max) {
		h->stats.slow++;
		ws_fail(w, WS_TRY_AGAIN, "the other side reads too slowly");
		return true;
	}
	h->stats.messages_out++;
	h->stats.bytes_out += message.len;
	ws_engine_send(w, text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, message);
	if (ws_unsent(w) < WS_SEND_HIGH)
		return true;
	w->waiting = true;
	stream_want_room(w->stream, WS_SEND_LOW);
	return false;
}

void ws_close(struct ws *w, unsigned code, struct str why)
{
	if (w->state == WS_OPENING)
		ws_fail(w, WS_ABNORMAL, "closed here");
	if (w->state != WS_OPEN)
		return;
	w->state = WS_CLOSING;
	w->code = (uint16_t)code;
	ws_engine_close(w, code, why);
	timer_set(&w->timer, loop_now(w->host->loop) + w->host->cfg.close_s * USEC_PER_SEC);
}

void ws_pause(struct ws *w, bool paused)
{
	w->paused = paused;
	stream_pause(w->stream, paused);
	if (!paused)
		stream_more(w->stream);
}

size_t ws_unsent(const struct ws *w)
{
	return stream_unsent(w->stream);
}

const struct addr *ws_peer(const struct ws *w)
{
	return stream_peer(w->stream);
}

const struct addr *ws_local(const struct ws *w)
{
	return stream_local(w->stream);
}
