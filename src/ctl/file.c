#include "ctl/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 16 * 1024 };

static int read_all(int fd, struct buf *ret)
{
	for (;;) {
		size_t want = MIN((size_t)CHUNK, ret->max - ret->len);
		char probe;
		char *p = want > 0 ? buf_room(ret, want) : &probe;
		ssize_t n = read(fd, p, want > 0 ? want : 1);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if (want == 0)
			return -EFBIG;
		ret->len += (size_t)n;
	}
}

int file_read(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = read_all(fd, ret);
	(void)close(fd);
	return r;
}

static int write_all(int fd, struct str s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.p, s.len);
		if (n < 0)
			return -errno;
		s = str_sub(s, (size_t)n, s.len);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static void sync_dir_of(const char *path)
{
	ssize_t slash = str_rchr(str_of(path), '/');
	auto_(xfreep) char *dir = slash > 0 ? xstrndup(path, (size_t)slash) : xstrndup(".", 1);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

int file_write(const char *path, struct str content, mode_t mode)
{
	char tmp[PATH_MAX];
	int n = snprintf(tmp, sizeof(tmp), "%s.new-XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(tmp))
		return -ENAMETOOLONG;
	int fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = fchmod(fd, mode) < 0 ? -errno : write_all(fd, content);
	(void)close(fd);
	if (r == 0 && rename(tmp, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(tmp);
	else
		sync_dir_of(path);
	return r;
}

int file_mkdirs(const char *path, mode_t mode)
{
	auto_(xfreep) char *p = str_dup(str_of(path));
	for (char *c = p + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		if (mkdir(p, mode) < 0 && errno != EEXIST)
			return -errno;
		*c = '/';
	}
	return mkdir(p, mode) < 0 && errno != EEXIST ? -errno : 0;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}
