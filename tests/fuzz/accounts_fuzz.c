/* Frames of the accounts link: what is read can be written again and reads the same; and tickets,
 * which browsers bring. */
#include <stdlib.h>

#include "svc/user/logins.h"
#include "wire/accounts/acct.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = str_from_bytes((struct bytes){ p, n });
	struct acct_msg m, back;
	size_t len, back_len;
	check(logins_number(in) == 0 || n == LOGINS_TICKET_LEN);
	while (acct_get(&m, &len, in) == 1) {
		struct buf b = buf_of(2 * ACCT_FRAME_MAX), again = buf_of(2 * ACCT_FRAME_MAX);
		check(len <= in.len);
		acct_put(&b, &m);
		check(!b.full && acct_get(&back, &back_len, buf_view(&b)) == 1);
		check(back_len == b.len && back.type == m.type && back.id == m.id);
		acct_put(&again, &back);
		check(str_eq(buf_view(&b), buf_view(&again)));
		buf_free(&b);
		buf_free(&again);
		in = str_sub(in, len, in.len);
	}
	return 0;
}
