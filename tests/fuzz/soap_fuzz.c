#include <assert.h>

#include "wire/soap/soap.h"

/* A call's references end at its body; a fault that quotes any bytes can be read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	struct soap s;
	auto_(arena_free) struct arena *a = arena_new();
	if (soap_read(&s, a, in) == 0) {
		assert(s.method.len > 0 && s.method.len <= SOAP_METHOD_MAX);
		for (const struct xml *e = s.call->child; e; e = e->next) {
			const struct xml *to = soap_ref(&s, e);
			assert(!to || to == e || to->parent == s.body);
		}
	}
	auto_(buf_free) struct buf b = buf_of(18 * size + 1024);
	soap_put_fault(&b, &(struct soap_fault){ in, in, in });
	assert(!b.full);
	if (b.len > XML_TEXT_MAX)
		return 0;
	assert(soap_read(&s, a, buf_view(&b)) == 0);
	assert(str_eq(s.method, STR("Fault")) && soap_arg(&s, "faultstring").p);
	return 0;
}
