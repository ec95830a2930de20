#include <assert.h>

#include "wire/dialoginfo/dialoginfo.h"
#include "wire/xml/xml.h"

/* Texts from peers, one a line: whatever they are, the document is well-formed and has them where
 * they belong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	struct dialoginfo_dialog d = { .state = DIALOGINFO_EARLY };
	struct dialoginfo all = { .dialogs = &d, .n_dialogs = 1 };
	struct xml *x;
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(16 * INPUT_MAX);
	if (size > INPUT_MAX)
		return 0;
	(void)str_cut(in, '\n', &d.call_id, &in);
	(void)str_cut(in, '\n', &d.local_tag, &in);
	(void)str_cut(in, '\n', &d.local.display, &in);
	(void)str_cut(in, '\n', &d.local.identity, &d.remote.target);
	d.id = d.remote_tag = d.call_id;
	dialoginfo_put(&b, &all);
	assert(!b.full && xml_parse(&x, a, buf_view(&b)) == 0);
	const struct xml *e = xml_child(x, "dialog");
	assert(str_eq(xml_child_text(e, "state"), STR("early")) && !xml_again(e));
	assert(str_eq(xml_attr(e, "id"), xml_attr(e, "remote-tag")) || d.id.len == 0);
	return 0;
}
