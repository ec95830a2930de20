/* What was said: one message as its author's home and its recipient's home remember it, each for
 * its own user.  Edits, reactions and marks of what was read refer to the ids. */
#pragma once

#include "base/hash.h"
#include "wire/sip/msg.h"

/* In the 200 to a MESSAGE: what its sender's own home remembers it as, for an endpoint that hears
 * of all others by the history (docs/protocols/conversation.md). */
#define SAID_LINE "Said"

enum said_state {
	SAID_DELIVERED, /* the recipient's client has answered */
	SAID_ACCEPTED,  /* 202: it is kept for the recipient, or behind another server */
	SAID_CALL,      /* no text: the author called the recipient (called.h) */
	/* Rows that change another one (change.h): `message` is its id. */
	SAID_EDIT = 16, /* text: the new one */
	SAID_DELETE,
	SAID_REACT, /* text: the emoji */
	SAID_UNREACT,
	SAID_DELIVER, /* one that was accepted: its recipient's client has answered since */
};

struct said {
	/* Grows with time, and is no other's within the machine: microseconds since 1970 in the
	 * upper bits, the process in the lower. */
	uint64_t sequence;
	/* The same at both homes. */
	uint64_t conversation, message;
	struct str author, peer; /* "alice@example.test"; peer: to whom it was said */
	enum said_state state;
	struct str type, text; /* Content-Type and content, as it was delivered */
};

enum { SAID_SLOT_BITS = 6 /* of the sequence: FE_SLOTS_MAX processes */ };

/* The next one after `last` at that moment. */
uint64_t said_next(uint64_t last, usec_t wall, uint32_t slot);
/* The first one that can be of that moment. */
uint64_t said_at(usec_t wall);
usec_t said_time(uint64_t sequence);

/* Of two users, in whichever order; of a conference: its address, and none.  All processes of a
 * pool have the key. */
uint64_t said_conversation(const struct hash_key *k, struct str a, struct str b);
/* Of a MESSAGE: by Call-ID, CSeq and the sender's tag and address, which no hop changes.  Who has
 * got one knows the first three, and may write another with them. */
uint64_t said_message(const struct hash_key *k, const struct sip_msg *m);

/* Of a message in a conference of that address: by the number that its MCU gave it. */
uint64_t said_in_room(const struct hash_key *k, struct str room, struct str number);

static inline bool said_is_change(const struct said *s)
{
	return s->state >= SAID_EDIT;
}

/* Was it said, so that it can be changed and searched for? */
static inline bool said_is_text(const struct said *s)
{
	return s->state == SAID_DELIVERED || s->state == SAID_ACCEPTED;
}

/* Appends it as a JSON object; numbers of 64 bits are texts, for not every reader has them.  A row
 * that changes another has "change": "edit", "delete", "react", "unreact" or "deliver"; changed (or
 * NULL): what has become of one that was said.  A call has "call", its text, in place of type and
 * text. */
struct changed;
void said_put_json(struct buf *b, const struct said *s, const struct changed *changed);
