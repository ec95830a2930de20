/* Runs a fuzz target over every file of the folders named: what stands in for libFuzzer where the
 * compiler has none, and keeps the corpus a regression test everywhere. */
#include <dirent.h>
#include <stdio.h>

#include "base/buf.h"

enum { INPUT_MAX = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	auto_(buf_free) struct buf b = buf_of(INPUT_MAX);
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		return -1;
	}
	char *to;
	while (!feof(f) && !ferror(f) && (to = buf_room(&b, 4096)))
		b.len += fread(to, 1, 4096, f);
	bool bad = ferror(f) || b.full;
	(void)fclose(f);
	if (bad) {
		(void)fprintf(stderr, "%s: cannot be read whole\n", path);
		return -1;
	}
	(void)LLVMFuzzerTestOneInput((const uint8_t *)b.p, b.len);
	return 0;
}

/* The number of files run, or -1. */
static int replay_folder(const char *folder)
{
	int n = 0;
	DIR *d = opendir(folder);
	if (!d) {
		perror(folder);
		return -1;
	}
	for (struct dirent *e; n >= 0 && (e = readdir(d));) {
		char path[4096];
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		n = replay_file(path) == 0 ? n + 1 : -1;
	}
	(void)closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	int total = 0;
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		int n = replay_folder(argv[i]);
		if (n < 0)
			return 1;
		total += n;
	}
	printf("%d inputs replayed\n", total);
	return total > 0 ? 0 : 1;
}
