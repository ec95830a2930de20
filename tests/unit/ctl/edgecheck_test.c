#include "ctl/edgecheck.h"

#include "tap.h"

static bool reserved(const char *list, uint32_t first, uint32_t last)
{
	return edgecheck_is_reserved(str_of(list), first, last);
}

static void ports_are_reserved_if_each_is_in_the_list(void)
{
	OK(reserved("50000-59999\n", 50000, 59999));
	OK(reserved("40000-60999", 50000, 59999));
	OK(reserved("8080,50000-59999", 50000, 59999));
	OK(reserved("50000-54999,55000-59999", 50000, 59999));
	OK(reserved("50000-54999,55000,55001-59999,60001", 50000, 59999));
	OK(reserved("50000", 50000, 50000));
}

static void one_that_is_missing_leaves_them_open(void)
{
	OK(!reserved("\n", 50000, 59999));
	OK(!reserved("50001-59999", 50000, 59999));
	OK(!reserved("50000-59998", 50000, 59999));
	OK(!reserved("50000-54999,55001-59999", 50000, 59999));
	OK(!reserved("8080,40000-49999", 50000, 59999));
	OK(!reserved("60000-60999", 50000, 59999));
}

static void what_is_no_list_reserves_nothing(void)
{
	OK(!reserved("all", 50000, 59999));
	OK(!reserved("50000-", 50000, 59999));
	OK(!reserved("50000-99999", 50000, 59999));
}

int main(void)
{
	RUN(ports_are_reserved_if_each_is_in_the_list);
	RUN(one_that_is_missing_leaves_them_open);
	RUN(what_is_no_list_reserves_nothing);
	return tap_done();
}
