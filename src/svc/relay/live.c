#include "svc/relay/live.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

uint8_t *relay_live_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	void *p = MAP_FAILED;
	if (fd < 0)
		return NULL;
	/* With its blocks: on a full disk a byte that is written to a hole ends the process. */
	int err = posix_fallocate(fd, 0, RELAY_LIVE_LEN);
	if (err == 0)
		p = mmap(NULL, RELAY_LIVE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (err == 0 && p == MAP_FAILED)
		err = errno;
	(void)close(fd);
	errno = err;
	return p == MAP_FAILED ? NULL : p;
}

void relay_live_close(uint8_t **tp)
{
	uint8_t *t = take(tp);
	if (t)
		(void)munmap(t, RELAY_LIVE_LEN);
}
