/* The inside of the media bridge: shared by the files of this folder. */
#pragma once

#include "base/log.h"
#include "role/media_bridge/relay.h"
#include "role/role.h"
#include "stack/sip/proxy.h"
#include "svc/bridge/bridge.h"

enum { MB_SLOTS_MAX = 64 };

struct media_bridge {
	struct role_env *env;
	struct sip_stack *stack;
	struct sip_flow *fes[MB_SLOTS_MAX]; /* links to the front ends, by slot; NULL: down */
	struct bridge *bridge;
	struct mb_relay *relay;
	struct log_limit refusal_limit;
	struct defer stopped;
	void (*on_stopped)(void *arg);
	void *on_stopped_arg;
};

/* request.c: a request of a front end, on its way back to one. */
void mb_request(struct media_bridge *mb, struct sip_req *rq);
/* commands.c */
extern const struct ctl_command mb_commands[];
void mb_metrics(void *state, struct buf *b);
void mb_status(void *state, struct buf *b);
