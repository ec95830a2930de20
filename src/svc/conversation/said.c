#include "svc/conversation/said.h"

#include <inttypes.h>

#include "base/code.h"
#include "base/isotime.h"
#include "svc/conversation/change.h"
#include "wire/sip/uri.h"

uint64_t said_at(usec_t wall)
{
	return wall << SAID_SLOT_BITS;
}

usec_t said_time(uint64_t sequence)
{
	return sequence >> SAID_SLOT_BITS;
}

uint64_t said_next(uint64_t last, usec_t wall, uint32_t slot)
{
	return said_at(MAX(wall, said_time(last) + 1)) | slot;
}

uint64_t said_conversation(const struct hash_key *k, struct str a, struct str b)
{
	/* Kept as signed numbers. */
	return (hash_lower(k, a) + hash_lower(k, b)) & INT64_MAX;
}

uint64_t said_message(const struct hash_key *k, const struct sip_msg *m)
{
	const struct sip_addr *from = sip_from(m);
	const struct sip_uri *u = sip_from_uri(m);
	struct str tag = from ? sip_tag(from) : STR("");
	struct str user = u ? u->user : STR(""), host = u ? u->host : STR("");
	uint64_t part[] = { hash_bytes(k, m->call_id.p, m->call_id.len),
		            hash_bytes(k, tag.p, tag.len), m->cseq, hash_lower(k, user),
		            hash_lower(k, host) };
	return hash_bytes(k, part, sizeof(part)) & INT64_MAX;
}

uint64_t said_in_room(const struct hash_key *k, struct str room, struct str number)
{
	uint64_t part[] = { hash_lower(k, room), hash_bytes(k, number.p, number.len) };
	return hash_bytes(k, part, sizeof(part)) & INT64_MAX;
}

static const char *change_name(enum said_state kind)
{
	switch (kind) {
	case SAID_EDIT:
		return "edit";
	case SAID_DELETE:
		return "delete";
	case SAID_REACT:
		return "react";
	case SAID_UNREACT:
		return "unreact";
	case SAID_DELIVER:
		return "deliver";
	case SAID_DELIVERED:
	case SAID_ACCEPTED:
	case SAID_CALL:
		break;
	}
	return NULL;
}

static struct str state_name(enum said_state state, const struct changed *changed)
{
	bool waits = state == SAID_ACCEPTED && !(changed && changed->delivered);
	return waits ? STR("accepted") : state == SAID_CALL ? STR("call") : STR("delivered");
}

/* Of a call what is told of it, which is an object already. */
static void put_text(struct buf *b, const struct said *s, const struct changed *changed)
{
	if (s->state == SAID_CALL) {
		buf_lit(b, ",\"call\":");
		buf_str(b, s->text);
		return;
	}
	json_put_member(b, "type", s->type);
	json_put_member(b, "text", changed_text(changed, s->text));
}

void said_put_json(struct buf *b, const struct said *s, const struct changed *changed)
{
	const char *change = change_name(s->state);
	buf_printf(b, "{\"sequence\":\"%" PRIu64 "\",\"time\":\"", s->sequence);
	isotime_put(b, said_time(s->sequence));
	buf_printf(b, "\",\"conversation\":\"%016" PRIx64 "\",\"message\":\"%016" PRIx64 "\"",
	           s->conversation, s->message);
	json_put_member(b, "author", s->author);
	json_put_member(b, "peer", s->peer);
	json_put_member(b, "state", state_name(s->state, changed));
	if (change)
		json_put_member(b, "change", str_of(change));
	put_text(b, s, changed);
	if (changed)
		changed_put_json(b, changed);
	buf_char(b, '}');
}
