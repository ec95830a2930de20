#include "relayload.h"

#include <stdlib.h>

/* Packets of voice and bursts of video: from each client to its peer and back.  What comes back is
 * compared with what was sent. */

enum { NAP_US = 20, MARK_LEN = 12, LOOK_AFTER = 1024 /* turns */ };

/* What a payload begins with. */
struct mark {
	uint32_t flow, seq, at; /* `at` in a burst */
};

static uint8_t *payload_of(const struct load *l, const struct flow *f, uint32_t at)
{
	return f->bytes + at * l->stride + l->head;
}

/* The packets of a flow, but for their marks. */
static void fill(struct load *l, struct flow *f)
{
	f->bytes = xalloc(l->packets, l->stride);
	f->missing = 0;
	for (uint32_t at = 0; at < l->packets; at++) {
		uint8_t *p = payload_of(l, f, at);
		if (l->step->by_send)
			turn_send_head(p - l->head, &l->peer_at[1], l->payload);
		else
			turn_channel_head(p - l->head, CHANNEL, l->payload);
		for (size_t k = MARK_LEN; k < l->payload; k++)
			p[k] = (uint8_t)(k * 7 + at);
	}
}

static void send_one(struct load *l, uint32_t i)
{
	struct flow *f = &l->flow[i];
	f->seq++;
	for (uint32_t at = 0; at < l->packets; at++) {
		struct mark m = { i, f->seq, at };
		memcpy(payload_of(l, f, at), &m, sizeof(m));
	}
	f->missing = l->packets;
	f->sent = now_usec();
	l->done += l->packets;
	load_send(l, i, f->bytes, l->packets * l->stride, l->stride);
}

static bool is_paced(const struct load *l)
{
	return l->step->kind == K_PACED;
}

void flow_returned(struct load *l, uint32_t i, struct str payload)
{
	struct flow *f = &l->flow[i];
	struct mark m;
	if (!f->bytes || payload.n != l->payload) {
		l->found.wrong++;
		return;
	}
	memcpy(&m, payload.p, sizeof(m));
	if (m.flow != i || m.at >= l->packets || m.seq > f->seq ||
	    memcmp(payload.p + MARK_LEN, payload_of(l, f, m.at) + MARK_LEN,
	           l->payload - MARK_LEN) != 0) {
		l->found.wrong++;
		return;
	}
	if (!is_paced(l) && (m.seq != f->seq || f->missing == 0)) {
		l->found.stray++; /* it came after it was given up */
		return;
	}
	l->found.ops++;
	if (is_paced(l) || --f->missing > 0)
		return;
	if (l->done < l->todo)
		send_one(l, i);
}

/* --- as fast as they come back --------------------------------------------------------- */

/* Gives up what has been away for long; false: nothing is under way. */
static bool look_after(struct load *l, uint32_t n)
{
	usec_t now = now_usec();
	bool any = false;
	for (uint32_t i = 0; i < n; i++) {
		struct flow *f = &l->flow[i];
		if (f->missing > 0 && now - f->sent > l->patience) {
			l->found.lost += f->missing;
			f->missing = 0;
			if (l->done < l->todo)
				send_one(l, i);
		}
		any |= f->missing > 0;
	}
	return any;
}

static void run_closed(struct load *l)
{
	uint32_t n = l->step->kind == K_BURST && l->n > BURST_FLOWS ? (uint32_t)BURST_FLOWS : l->n;
	l->todo = l->step->count;
	for (uint32_t i = 0; i < n; i++)
		send_one(l, i);
	for (unsigned turn = 0;; turn++) {
		unsigned got = load_clients(l) + load_peers(l);
		if (got == 0)
			load_nap(NAP_US);
		if ((turn % LOOK_AFTER == 0 || (got == 0 && l->done >= l->todo)) &&
		    !look_after(l, n))
			return;
	}
}

/* --- by the clock ---------------------------------------------------------------------- */

/* All flows in turn, evenly: the peer answers half-way between two packets of clients. */
static void run_paced(struct load *l)
{
	uint64_t all = (uint64_t)l->n * l->rate, apart = 1000000000u / all, sent = 0;
	uint64_t began = load_now_ns();
	for (; sent < all * l->step->count; sent++) {
		load_sleep_until(began + sent * apart);
		(void)load_clients(l);
		send_one(l, (uint32_t)(sent % l->n));
		if (l->clients)
			dgram_flush(l->clients);
		if (l->is_echo)
			continue;
		load_sleep_until(began + sent * apart + apart / 2);
		(void)load_peers(l);
	}
	for (usec_t end = now_usec() + l->patience; l->found.ops < sent && now_usec() < end;)
		if (load_peers(l) + load_clients(l) == 0)
			load_nap(NAP_US);
	l->found.lost += l->found.ops < sent ? sent - l->found.ops : 0;
}

/* --- a step ---------------------------------------------------------------------------- */

void flow_run(struct load *l)
{
	bool is_burst = l->step->kind == K_BURST;
	l->head = l->step->by_send ? (size_t)TURN_SEND_HEAD : (size_t)TURN_CHANNEL_HEAD;
	l->payload = is_burst ? VIDEO_BYTES : VOICE_BYTES;
	l->stride = l->head + l->payload;
	l->packets = is_burst ? BURST : 1;
	for (uint32_t i = 0; i < l->n; i++)
		fill(l, &l->flow[i]);
	if (is_paced(l))
		run_paced(l);
	else
		run_closed(l);
	if (!l->is_echo)
		l->found.ops *= 2; /* there and back */
	for (uint32_t i = 0; i < l->n; i++) {
		free(l->flow[i].bytes);
		l->flow[i].bytes = NULL;
	}
}
