#include "topo/setting_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, struct buf *ret, size_t max)
{
	size_t start = ret->len;
	char *to = buf_room(ret, max + 1);
	ssize_t n = 1;
	if (!to)
		return -EFBIG;
	while (n > 0 && ret->len - start <= max) {
		n = read(fd, ret->p + ret->len, max + 1 - (ret->len - start));
		if (n < 0)
			return -errno;
		ret->len += (size_t)n;
	}
	return ret->len - start > max ? -EFBIG : 0;
}

int setting_read_file(struct str name, size_t max, mode_t forbidden, struct buf *ret)
{
	char path[SETTING_PATH_MAX + 1];
	struct stat st;
	if (name.len > SETTING_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(path, name.p, name.len);
	path[name.len] = '\0';
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	int r = fstat(fd, &st) < 0              ? -errno
	        : !S_ISREG(st.st_mode)          ? -EBADMSG
	        : (st.st_mode & forbidden) != 0 ? -EPERM
	                                        : read_all(fd, ret, max);
	(void)close(fd);
	return r;
}
