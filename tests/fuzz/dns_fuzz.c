/* Any bytes as a reply of the DNS.  The first byte chooses what was asked for. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "loop/dns_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_kind kinds[] = { DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR };
	uint32_t ttl = 0;
	if (size == 0)
		return 0;
	struct dns_answer *a = xnew(struct dns_answer);
	enum dns_kind kind = kinds[data[0] % ARRAY_SIZE(kinds)];
	dns_parse(a, &ttl, kind, (struct bytes){ data + 1, size - 1 });
	assert(a->n <= DNS_RECORDS_MAX && ttl <= DNS_TTL_MAX_S);
	assert((a->err == 0) == (a->n > 0) || a->err < 0);
	if (kind == DNS_SRV && a->err == 0)
		dns_draw_srv(a);
	free(a);
	return 0;
}
