/* What becomes of a message after it was said: its text is changed, or taken away, or somebody
 * reacts to it.  A change is a message of its own (MESSAGE with CHANGE_TYPE), and a row of its own
 * in the history, under the id of the message that it changes; who reads the history puts them
 * together. */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "svc/conversation/said.h"

#define CHANGE_TYPE "application/dialtone-change+json"
/* In an answer: some device of the others does not show it. */
#define CHANGE_NOT_SHOWN "Change-Shown: no\r\n"

enum {
	CHANGE_TEXT_MAX = 20000, /* bytes of a new text */
	CHANGE_EMOJI_MAX = 32,   /* bytes of what somebody reacts with */
	CHANGES_MAX = 500,       /* of one message, by whomever */
	CHANGE_APART_S = 64,     /* two homes may differ in when it was said */
};

struct change {
	enum said_state kind; /* SAID_EDIT ... */
	uint64_t message;
	usec_t at;       /* when it was said, as the sender's home has it */
	struct str text; /* the new text, or the emoji; on the arena */
};

/* {"message": "00c0ffee00c0ffee", "at": "2026-11-27T09:13:01.123Z", and one of "edit": "text",
 * "delete": true, "deliver": true, "react": "+1" with "on": true or false}.  -EINVAL. */
int change_read(struct change *ret, struct arena *a, struct str body) MUST_CHECK;
/* An id as histories tell it: 16 digits. */
bool change_read_id(uint64_t *ret, struct str s) MUST_CHECK;
void change_put(struct buf *b, const struct change *c);

/* --- together */

/* All of one message. */
struct changed {
	struct map_node by_message; /* of struct changes */
	uint64_t message;
	bool deleted, delivered;
	usec_t edited_at; /* 0: never */
	char *text;       /* of the last edit */
	struct list reactions;
};

struct changes {
	struct map by_message;
};

void changes_init(struct changes *c);
void changes_free(struct changes *c);
/* The rows in their order.  What is no change is left out. */
void changes_add(struct changes *c, const struct said *s);
/* NULL: it was not changed. */
const struct changed *changes_of(const struct changes *c, uint64_t message);
/* The text as it is now. */
struct str changed_text(const struct changed *c, struct str said);
/* Of delivered said_put_json() tells.  Appends members of the message's object: "edited",
 * "deleted", "reactions". */
void changed_put_json(struct buf *b, const struct changed *c);
