#include "base/word.h"

#include "tap.h"

static void distance_counts_slips(void)
{
	EQ(word_distance(STR("list"), STR("list")), 0);
	EQ(word_distance(STR("lsit"), STR("list")), 1);
	EQ(word_distance(STR("lis"), STR("list")), 1);
	EQ(word_distance(STR("lists"), STR("list")), 1);
	EQ(word_distance(STR(""), STR("list")), 4);
	EQ(word_distance(STR("kitten"), STR("sitting")), 3);
	OK(word_is_near(STR("endpiont"), STR("endpoint")));
	OK(word_is_near(STR("end"), STR("endpoint")));
	OK(!word_is_near(STR("zebra"), STR("endpoint")));
	OK(!word_is_near(STR(""), STR("dns")));
}

int main(void)
{
	RUN(distance_counts_slips);
	return tap_done();
}
