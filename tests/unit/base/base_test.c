#include "base/base.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static void new_memory_is_zeroed(void)
{
	struct big {
		char c[512];
	} *p = xnew(struct big);
	bool clean = true;
	for (size_t i = 0; i < sizeof(p->c); i++)
		clean = clean && p->c[i] == 0;
	OK(clean);
	free(p);
}

static void size_zero_still_gives_memory(void)
{
	void *a = xcalloc(0, 8), *b = xmalloc(0);
	void *c = xrealloc(NULL, 0);
	OK(a && b && c);
	free(a);
	free(b);
	free(c);
}

static void copy_ends_in_nul(void)
{
	char *s = xstrndup("hello", 3);
	OK(strcmp(s, "hel") == 0);
	free(s);
	s = xstrndup(NULL, 0);
	OK(s[0] == '\0');
	free(s);
}

static void take_hands_the_pointer_over(void)
{
	char *p = xstrndup("x", 1), *kept = p;
	auto_(xfreep) char *q = take(&p);
	OK(p == NULL);
	OK(q == kept);
}

static void xfreep_clears_the_pointer(void)
{
	char *p = xstrndup("x", 1);
	xfreep(&p);
	OK(p == NULL);
	xfreep(&p);
	OK(p == NULL);
}

static void wipe_clears_memory(void)
{
	char secret[8] = "1234567";
	wipe(secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(secret); i++)
		EQ(secret[i], 0);
	wipe(NULL, 0);
}

static void secrets_differ_by_any_bit(void)
{
	uint8_t a[16] = { 1, 2, 3 }, b[16] = { 1, 2, 3 };
	OK(same_secret(a, b, sizeof(a)));
	OK(same_secret(a, b, 0));
	for (size_t i = 0; i < 8 * sizeof(a); i++) {
		b[i / 8] = (uint8_t)(b[i / 8] ^ 1U << i % 8);
		OK(!same_secret(a, b, sizeof(a)));
		b[i / 8] = (uint8_t)(b[i / 8] ^ 1U << i % 8);
	}
}

static void no_memory_aborts(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(2);
		size_t half = SIZE_MAX / 2;
		__asm__ volatile("" : "+r"(half)); /* keep the size from the compiler */
		free(xcalloc(half, 4));
		_exit(0);
	}
	int status = 0;
	OK(waitpid(pid, &status, 0) == pid);
	OK(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}

static void small_macros_do_what_they_say(void)
{
	struct outer {
		int a, b;
	} o = { 0 };
	EQ(MIN(2, 3), 2);
	EQ(MAX(2, 3), 3);
	EQ(CLAMP(1, 2, 4), 2);
	EQ(CLAMP(5, 2, 4), 4);
	EQ(CLAMP(3, 2, 4), 3);
	OK(container_of(&o.b, struct outer, b) == &o);
}

int main(void)
{
	RUN(new_memory_is_zeroed);
	RUN(size_zero_still_gives_memory);
	RUN(copy_ends_in_nul);
	RUN(take_hands_the_pointer_over);
	RUN(xfreep_clears_the_pointer);
	RUN(wipe_clears_memory);
	RUN(secrets_differ_by_any_bit);
	RUN(no_memory_aborts);
	RUN(small_macros_do_what_they_say);
	return tap_done();
}
