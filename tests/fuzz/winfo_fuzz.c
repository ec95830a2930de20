#include <assert.h>

#include "wire/winfo/winfo.h"
#include "wire/xml/xml.h"

/* Texts from peers, one a line: whatever they are, the document is well-formed and has them where
 * they belong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	struct winfo_watcher who = { .status = WINFO_WAITING, .event = WINFO_GIVEUP };
	struct winfo w = { .watchers = &who, .n_watchers = 1, .package = STR("presence") };
	struct xml *x;
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(16 * INPUT_MAX);
	if (size > INPUT_MAX)
		return 0;
	(void)str_cut(in, '\n', &who.uri, &in);
	(void)str_cut(in, '\n', &who.display_name, &in);
	(void)str_cut(in, '\n', &who.id, &w.resource);
	winfo_put(&b, &w);
	assert(!b.full && xml_parse(&x, a, buf_view(&b)) == 0);
	const struct xml *e = xml_child(xml_child(x, "watcher-list"), "watcher");
	assert(str_eq(xml_attr(e, "status"), STR("waiting")) && !xml_again(e) && !e->child);
	return 0;
}
