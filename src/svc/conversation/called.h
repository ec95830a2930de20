/* A call in the history of its users: one row when it is over, as a message of the caller's to the
 * callee has one (said.h).  The row's text is what is told of it. */
#pragma once

#include "svc/conversation/said.h"

#define CALLED_TYPE "application/dialtone-call+json"

enum called_outcome {
	CALLED_ANSWERED,
	CALLED_MISSED, /* nobody took it up: not there, did not answer, or the caller gave up */
	CALLED_DECLINED,
	CALLED_BUSY,
	CALLED_FAILED, /* it could not be: the devices had nothing in common, the way was down */
};

struct called {
	enum called_outcome outcome;
	usec_t began;    /* wall clock */
	usec_t answered; /* 0: it was not */
	usec_t ended;
	bool video; /* it was offered when the call began */
};

/* What a final answer (RFC 3261 section 21) that was no 2xx says of a call; 0: there was none. */
enum called_outcome called_outcome_of(int code);
/* Appends the text: {"outcome": "answered", "began": "2026-11-28T09:13:01.123Z", "seconds": 65,
 * "video": false}. */
void called_put(struct buf *b, const struct called *c);
/* The id of its row: the same at both homes, and no message's.  cseq: of the INVITE that began it,
 * for another one with the same Call-ID is another call (RFC 3261 section 8.1.3). */
uint64_t called_message(const struct hash_key *k, struct str call_id, uint32_t cseq,
                        struct str caller);
