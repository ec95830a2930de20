#include <inttypes.h>

#include "base/code.h"
#include "role/media_bridge/mb.h"

/* What `dialtone` asks of the media bridge, and what it counts. */

enum { ANSWER_MAX = CTL_LINE_MAX - 4096 };

static void put_leg(struct buf *b, const char *name, const struct leg *g)
{
	if (!g)
		return;
	static const char *const relay[] = { [LEG_NO_RELAY] = "none",
		                             [LEG_RELAY_OFFERED] = "offered",
		                             [LEG_RELAY_USED] = "used",
		                             [LEG_RELAY_LOST] = "lost" };
	const struct leg_counts *n = leg_counts(g);
	buf_printf(b,
	           ",\"%s\":{\"dialect\":\"%s\",\"in\":%" PRIu64 ",\"out\":%" PRIu64
	           ",\"dropped\":%" PRIu64 ",\"relay\":\"%s\"}",
	           name, leg_dialect(g) == SOUND_LYNC ? "lync" : "sip", n->in, n->out, n->dropped,
	           relay[leg_relay(g)]);
}

static void put_call(struct media_bridge *mb, struct buf *b, const struct bridge_call *c)
{
	buf_str(b, b->len > 1 ? STR(",{\"call\":") : STR("{\"call\":"));
	json_put_str(b, c->id);
	buf_printf(b, ",\"state\":\"%s\",\"seconds\":%" PRIu64,
	           !c->answered        ? "ringing"
	           : bridge_has_way(c) ? "up"
	                               : "no way to the Lync client",
	           (loop_now(mb->env->loop) - c->since) / USEC_PER_SEC);
	put_leg(b, "caller", c->legs[BRIDGE_CALLER]);
	put_leg(b, "called", c->legs[BRIDGE_CALLED]);
	buf_char(b, '}');
}

static void bridge_list(void *state, struct ctl_call *call)
{
	struct media_bridge *mb = state;
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	buf_char(&b, '[');
	for (struct bridge_call *c = bridge_next(mb->bridge, NULL); c;
	     c = bridge_next(mb->bridge, c))
		put_call(mb, &b, c);
	buf_char(&b, ']');
	if (b.full)
		call->fail(call, "there are too many calls for one answer");
	else
		call->ok(call, buf_view(&b));
}

static void bridge_status(void *state, struct ctl_call *call)
{
	struct media_bridge *mb = state;
	struct bridge_counts n = bridge_counts(mb->bridge);
	auto_(buf_free) struct buf b = buf_of(ANSWER_MAX);
	buf_printf(&b, "[{\"process\":%u,", mb->env->slot + 1);
	mb_status(mb, &b);
	buf_printf(&b,
	           ",\"dropped\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"without_relay\":%" PRIu64
	           "}]",
	           n.dropped, n.refused, n.without_relay);
	call->ok(call, buf_view(&b));
}

const struct ctl_command mb_commands[] = {
	{ .noun = "bridge",
	  .verb = "list",
	  .help = "Calls whose sound the media bridge carries, with the packets of both ends, and "
	          "whether they go by the relay of the A/V edge.",
	  .fn = bridge_list },
	{ .noun = "bridge",
	  .verb = "status",
	  .help = "Calls and packets of the media bridge, and what it has of the relay.",
	  .fn = bridge_status },
	{ .noun = NULL },
};

static void put(struct buf *b, const char *name, const char *kind, const char *help, uint64_t value)
{
	buf_printf(b, "# HELP dialtone_bridge_%s %s\n# TYPE dialtone_bridge_%s %s\n", name, help,
	           name, kind);
	buf_printf(b, "dialtone_bridge_%s %" PRIu64 "\n", name, value);
}

void mb_metrics(void *state, struct buf *b)
{
	struct media_bridge *mb = state;
	struct bridge_counts n = bridge_counts(mb->bridge);
	put(b, "calls", "gauge", "Calls whose sound is carried.", n.now);
	put(b, "calls_total", "counter", "Calls since the start.", n.calls);
	put(b, "refused_total", "counter", "Calls without room, port or descriptor.", n.refused);
	put(b, "packets_total", "counter", "Packets of media taken and passed on.", n.packets);
	put(b, "dropped_total", "counter", "Packets from elsewhere, not authentic or too long.",
	    n.dropped);
	struct relays_counts r = relays_counts(mb_relay_pairs(mb->relay));
	put(b, "relay_ready", "gauge", "Pairs of relayed addresses that wait for a call.", r.ready);
	put(b, "relay_calls", "gauge", "Pairs of relayed addresses that calls have.", r.taken);
	put(b, "relay_calls_total", "counter", "Pairs that calls had.", r.used);
	put(b, "relay_lost_total", "counter", "Pairs that the relay did not know any more.",
	    r.lost);
	put(b, "relay_missed_total", "counter", "Calls for which no pair was ready.",
	    n.without_relay);
}

void mb_status(void *state, struct buf *b)
{
	struct media_bridge *mb = state;
	struct bridge_counts n = bridge_counts(mb->bridge);
	buf_printf(b, "\"calls\":%u,\"calls_total\":%" PRIu64 ",\"packets\":%" PRIu64, n.now,
	           n.calls, n.packets);
	struct relays_counts r = relays_counts(mb_relay_pairs(mb->relay));
	buf_printf(b, ",\"relay\":\"%s\",\"relay_ready\":%u,\"relay_calls\":%u",
	           mb_relay_state(mb->relay), r.ready, r.taken);
}
