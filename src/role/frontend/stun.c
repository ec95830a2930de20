#include "role/frontend/fe.h"
#include "wire/stun/binding.h"

/* A phone behind NAT that keeps its binding open with STUN on the SIP port (RFC 5626
 * section 3.5.2). */
void fe_stun(void *arg UNUSED, struct sip_flow *f, struct str datagram)
{
	const uint8_t *id;
	char text[64];
	struct buf b = BUF_ON(text);
	if (stun_binding_parse(bytes_of(datagram), &id) < 0)
		return;
	stun_binding_answer(&b, id, &f->peer);
	(void)sip_flow_send_raw(f, buf_view(&b));
}
