#include <inttypes.h>

#include "base/code.h"
#include "role/mcu_im/mi.h"

/* What `dialtone` asks of the IM MCU, and what it counts. */

const struct ctl_command mi_commands[] = {
	{ .noun = NULL },
};

static void put(struct buf *b, const char *name, const char *kind, const char *help, uint64_t value)
{
	buf_printf(b, "# HELP dialtone_mcu_im_%s %s\n# TYPE dialtone_mcu_im_%s %s\n", name, help,
	           name, kind);
	buf_printf(b, "dialtone_mcu_im_%s %" PRIu64 "\n", name, value);
}

void mi_metrics(void *state, struct buf *b)
{
	struct mcu_im *mi = state;
	const struct immcu_stats *n = immcu_stats(mi->engine);
	put(b, "rooms", "gauge", "Group conversations.", n->rooms);
	put(b, "legs", "gauge", "Clients in them.", n->legs);
	put(b, "messages_total", "counter", "Messages that members said.", n->said);
	put(b, "copies_total", "counter", "Copies of them that were sent.", n->sent);
	put(b, "failed_total", "counter", "Copies that a client did not take.", n->failed);
	put(b, "refused_total", "counter", "Requests of clients that were refused.", mi->n_refused);
	put(b, "partings", "gauge", "Ends of conversations that clients are being told of.",
	    mi->n_partings);
	put(b, "untold_total", "counter", "Ends of which a client could not be told.",
	    mi->n_untold);
	put(b, "waiting_bytes", "gauge", "Bytes of messages that wait for slow clients.", n->held);
	mi_hosts_metrics(mi, b);
}

void mi_status(void *state, struct buf *b)
{
	struct mcu_im *mi = state;
	const struct immcu_stats *n = immcu_stats(mi->engine);
	buf_printf(b, "\"rooms\":%u,\"legs\":%u,\"messages\":%" PRIu64, n->rooms, n->legs, n->said);
	mi_hosts_status(mi, b);
}
