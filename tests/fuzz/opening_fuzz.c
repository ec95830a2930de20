/* The first bytes of a stranger's connection, as they come, byte by byte: what is decided stays,
 * and what is waited for is more than there is and within the limit. */
#include <stdlib.h>

#include "wire/opening/opening.h"
#include "wire/turn/turn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static bool is_same(const struct opening *a, const struct opening *b)
{
	return a->protocols == b->protocols && str_eq(opening_name(a), opening_name(b));
}

static void check_name(struct str name)
{
	check(name.len <= OPENING_NAME_MAX);
	for (size_t i = 0; i < name.len; i++)
		check(name.p[i] > ' ' && name.p[i] <= '~' && (name.p[i] < 'A' || name.p[i] > 'Z'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum opening_kind last = OPENING_MORE;
	struct opening before = { .need = 0 }, o;
	size_t wait = 0;
	for (size_t n = 0; n <= size && n <= 3000; n++) {
		enum opening_kind k = opening_look((struct bytes){ data, n }, &o);
		check_name(opening_name(&o));
		check(last == OPENING_MORE || (k == last && is_same(&o, &before)));
		/* Nothing is decided before what was waited for is there. */
		check(n >= wait || k == OPENING_MORE);
		if (k == OPENING_MORE) {
			check(o.need > n && o.need <= OPENING_MAX && o.need >= wait);
			wait = o.need;
		}
		enum turn_opening t = turn_opening((struct bytes){ data, n });
		check((k == OPENING_TLS) <= (t == TURN_OPENS_TLS));
		last = k;
		before = o;
	}
	(void)opening_look((struct bytes){ data, size }, &o);
	return 0;
}
