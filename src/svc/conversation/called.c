#include "svc/conversation/called.h"

#include "base/code.h"
#include "base/isotime.h"

static const char *const outcomes[] = {
	[CALLED_ANSWERED] = "answered", [CALLED_MISSED] = "missed", [CALLED_DECLINED] = "declined",
	[CALLED_BUSY] = "busy",         [CALLED_FAILED] = "failed",
};

enum called_outcome called_outcome_of(int code)
{
	switch (code) {
	case 0:
	case 408:
	case 410:
	case 430:
	case 480:
	case 487:
		return CALLED_MISSED;
	case 486:
	case 600:
		return CALLED_BUSY;
	case 603:
		return CALLED_DECLINED;
	default:
		return CALLED_FAILED;
	}
}

void called_put(struct buf *b, const struct called *c)
{
	uint64_t s = c->answered && c->ended > c->answered
	                     ? (c->ended - c->answered + USEC_PER_SEC / 2) / USEC_PER_SEC
	                     : 0;
	buf_printf(b, "{\"outcome\":\"%s\",\"began\":\"", outcomes[c->outcome]);
	isotime_put(b, c->began);
	buf_printf(b, "\",\"seconds\":%llu,\"video\":%s}", (unsigned long long)s,
	           c->video ? "true" : "false");
}

uint64_t called_message(const struct hash_key *k, struct str call_id, uint32_t cseq,
                        struct str caller)
{
	uint64_t part[] = { hash_bytes(k, call_id.p, call_id.len), cseq, hash_lower(k, caller),
		            SAID_CALL };
	return hash_bytes(k, part, sizeof(part)) & INT64_MAX;
}
