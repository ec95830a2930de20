#include <assert.h>

#include "wire/rlmi/rlmi.h"
#include "wire/xml/xml.h"

/* Texts from peers, one a line: whatever they are, the document is well-formed and has them where
 * they belong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size }, uri, name, id;
	struct xml *x;
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(16 * INPUT_MAX);
	if (size > INPUT_MAX)
		return 0;
	(void)str_cut(in, '\n', &uri, &in);
	(void)str_cut(in, '\n', &name, &id);
	struct rlmi_instance i = { .id = id, .state = RLMI_ACTIVE, .reason = name, .cid = id };
	struct rlmi_resource r = { .uri = uri, .name = name, .instances = &i, .n_instances = 1 };
	struct rlmi_list l = { .uri = uri, .resources = &r, .n_resources = 1 };
	rlmi_put(&b, &l);
	assert(!b.full && xml_parse(&x, a, buf_view(&b)) == 0);
	const struct xml *e = xml_child(x, "resource");
	assert(str_eq(xml_attr(x, "uri"), xml_attr(e, "uri")) && !xml_again(e));
	assert(str_eq(xml_attr(xml_child(e, "instance"), "state"), STR("active")));
	return 0;
}
