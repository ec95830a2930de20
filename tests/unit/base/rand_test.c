#include "base/rand.h"

#include <ctype.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static void every_size_is_filled(void)
{
	static const size_t sizes[] = { 1, 16, 255, 256, 257, 1024, 5000 };
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t b[5000] = { 0 };
		bool last_changes = false;
		for (int k = 0; k < 20; k++) {
			rand_bytes(b, sizes[i]);
			last_changes = last_changes || b[sizes[i] - 1] != 0;
		}
		OK(last_changes);
		OK(sizes[i] == sizeof(b) || b[sizes[i]] == 0);
	}
	rand_bytes(NULL, 0);
}

static void values_do_not_repeat(void)
{
	uint64_t seen[1000];
	bool twice = false;
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		seen[i] = rand_u64();
		for (size_t k = 0; k < i; k++)
			twice = twice || seen[k] == seen[i];
	}
	OK(!twice);
}

static void below_is_below_and_reaches_all(void)
{
	unsigned count[7] = { 0 };
	for (int i = 0; i < 7000; i++) {
		uint32_t v = rand_below(7);
		if (OK(v < 7))
			count[v]++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(count); i++)
		OK(count[i] > 700 && count[i] < 1300); /* ten standard deviations */
	EQ(rand_below(1), 0);
	EQ(rand_below(0), 0);
}

static void tokens_are_letters_and_digits(void)
{
	auto_(buf_free) struct buf b = buf_of(10000);
	bool seen[256] = { false };
	unsigned kinds = 0;
	rand_token(&b, 10000);
	EQ(b.len, 10000);
	for (size_t i = 0; i < b.len; i++) {
		unsigned char c = (unsigned char)b.p[i];
		OK(isalnum(c));
		kinds += !seen[c];
		seen[c] = true;
	}
	EQ(kinds, 62);
	rand_token(&b, 1);
	OK(b.full);
}

static void a_forked_child_has_other_bytes(void)
{
	int fd[2];
	uint64_t child = 0;
	(void)rand_u64(); /* the pool is filled now */
	if (!OK(pipe(fd) == 0))
		return;
	pid_t pid = fork();
	if (pid == 0) {
		child = rand_u64();
		_exit(write(fd[1], &child, sizeof(child)) == sizeof(child) ? 0 : 1);
	}
	uint64_t mine = rand_u64();
	OK(read(fd[0], &child, sizeof(child)) == sizeof(child));
	OK(child != mine);
	OK(waitpid(pid, NULL, 0) == pid);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void *draw(void *arg)
{
	*(uint64_t *)arg = rand_u64();
	return NULL;
}

static void threads_draw_apart(void)
{
	pthread_t t[4];
	uint64_t v[4] = { 0 };
	for (size_t i = 0; i < 4; i++)
		OK(pthread_create(&t[i], NULL, draw, &v[i]) == 0);
	for (size_t i = 0; i < 4; i++)
		OK(pthread_join(t[i], NULL) == 0);
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < i; k++)
			OK(v[i] != v[k]);
}

int main(void)
{
	RUN(every_size_is_filled);
	RUN(values_do_not_repeat);
	RUN(below_is_below_and_reaches_all);
	RUN(tokens_are_letters_and_digits);
	RUN(a_forked_child_has_other_bytes);
	RUN(threads_draw_apart);
	return tap_done();
}
