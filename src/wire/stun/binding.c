#include "wire/stun/binding.h"

#include <errno.h>

#include "base/rd.h"

enum {
	BINDING_REQUEST = 0x0001,
	BINDING_SUCCESS = 0x0101,
	XOR_MAPPED_ADDRESS = 0x0020,
	COMPREHENSION_OPTIONAL = 0x8000,
	ATTRS_MAX = 32,
};
static const uint32_t cookie = 0x2112a442;

int stun_binding_parse(struct bytes in, const uint8_t **ret_id)
{
	struct rd r = rd_of(in);
	uint16_t type = rd_u16(&r), len = rd_u16(&r);
	uint32_t magic = rd_u32(&r);
	struct bytes id = rd_take(&r, 12);
	if (r.bad || type != BINDING_REQUEST || magic != cookie || len != rd_left(&r))
		return -EBADMSG;
	for (int i = 0; rd_left(&r) > 0; i++) {
		uint16_t attr = rd_u16(&r);
		size_t n = rd_u16(&r);
		(void)rd_take(&r, n + (-n & 3));
		if (r.bad || i == ATTRS_MAX || attr < COMPREHENSION_OPTIONAL)
			return -EBADMSG;
	}
	*ret_id = id.p;
	return 0;
}

void stun_binding_answer(struct buf *b, const uint8_t id[12], const struct addr *peer)
{
	uint8_t packed[18], mask[16] = { 0x21, 0x12, 0xa4, 0x42 };
	size_t n = addr_pack(peer, packed) - 2;
	memcpy(mask + 4, id, 12);
	buf_u16(b, BINDING_SUCCESS);
	buf_u16(b, (uint16_t)(4 + 4 + n));
	buf_u32(b, cookie);
	buf_put(b, id, 12);
	buf_u16(b, XOR_MAPPED_ADDRESS);
	buf_u16(b, (uint16_t)(4 + n));
	buf_u16(b, n == 4 ? 1 : 2);
	buf_u16(b, addr_port(peer) ^ 0x2112);
	for (size_t i = 0; i < n; i++)
		buf_u8(b, packed[i] ^ mask[i]);
}
