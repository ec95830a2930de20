#include "base/arena.h"

#include "tap.h"

static void memory_is_zeroed_aligned_and_apart(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	unsigned char *last = NULL;
	for (size_t size = 0; size < 3000; size += 7) {
		unsigned char *p = arena_alloc(a, size);
		bool clean = true;
		for (size_t i = 0; i < size; i++)
			clean = clean && p[i] == 0;
		memset(p, 0xaa, size);
		OK(clean && p != last);
		EQ((uintptr_t)p % _Alignof(max_align_t), 0);
		last = p;
	}
}

static void earlier_memory_stays_when_it_grows(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct str first = arena_str(a, STR("kept"));
	for (int i = 0; i < 100; i++)
		(void)arena_alloc(a, 5000);
	EQ_STR(first, "kept");
	OK(arena_used(a) >= 500000);
}

static void one_big_block_is_given(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	char *p = arena_alloc(a, 5 << 20);
	p[0] = p[(5 << 20) - 1] = 'x';
	OK(arena_used(a) >= 5 << 20);
}

static void strings_have_a_nul_behind_them(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct str s = arena_str(a, str_n("abcdef", 3));
	EQ_STR(s, "abc");
	EQ(s.p[3], 0);
	s = arena_str(a, str_n(NULL, 0));
	EQ(s.len, 0);
	EQ(s.p[0], 0);
	s = arena_printf(a, "%s-%d", "x", 7);
	EQ_STR(s, "x-7");
	EQ(s.p[3], 0);
}

static void free_clears_and_accepts_null(void)
{
	struct arena *a = arena_new();
	EQ(arena_used(a), 0);
	arena_free(&a);
	OK(a == NULL);
	arena_free(&a);
}

int main(void)
{
	RUN(memory_is_zeroed_aligned_and_apart);
	RUN(earlier_memory_stays_when_it_grows);
	RUN(one_big_block_is_given);
	RUN(strings_have_a_nul_behind_them);
	RUN(free_clears_and_accepts_null);
	return tap_done();
}
