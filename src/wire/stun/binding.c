#include "wire/stun/binding.h"

#include <errno.h>

#include "wire/stun/stun.h"

int stun_binding_parse(struct bytes in, const uint8_t **ret_id)
{
	struct stun_msg m;
	uint16_t unknown;
	if (in.len > STUN_BYTES_MAX || stun_parse(&m, str_from_bytes(in)) < 0 ||
	    m.class != STUN_REQUEST || m.method != STUN_BINDING ||
	    stun_unknown(&m, NULL, 0, &unknown, 1) > 0)
		return -EBADMSG;
	*ret_id = m.id;
	return 0;
}

void stun_binding_answer(struct buf *b, const uint8_t id[12], const struct addr *peer)
{
	struct stun_out o;
	stun_begin(&o, STUN_SUCCESS, STUN_BINDING, id);
	stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, peer);
	buf_str(b, stun_text(&o));
}
