#include "daemon/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rand.h"

static int fail(struct buf *why, const char *path, int err)
{
	buf_printf(why, "%s: %s%s\n", path, strerror(-err),
	           err == -EACCES ? "; be root or the account that this belongs to" : "");
	return err;
}

int secrets_directory(const char *dir, uid_t uid, gid_t gid, struct buf *why)
{
	bool foreign = uid != geteuid();
	mode_t mode = foreign ? 01770 : 0700;
	if (mkdir(dir, mode) == 0) {
		if (foreign && chown(dir, geteuid(), gid) < 0)
			return fail(why, dir, -errno);
		return chmod(dir, mode) < 0 ? fail(why, dir, -errno) : 0;
	}
	struct stat st;
	if (errno != EEXIST || stat(dir, &st) < 0)
		return fail(why, dir, -errno);
	if (!S_ISDIR(st.st_mode))
		return fail(why, dir, -ENOTDIR);
	if (!foreign || st.st_uid == uid || st.st_gid == gid)
		return 0;
	/* Made by root alone (a first start without the account): hand it over as above. */
	if (st.st_uid != geteuid() || chown(dir, geteuid(), gid) < 0 || chmod(dir, mode) < 0)
		return fail(why, dir, -EPERM);
	return 0;
}

static int make_key(const char *path, void *ret, size_t len)
{
	char temp[1300];
	(void)snprintf(temp, sizeof temp, "%s.new", path);
	rand_bytes(ret, len);
	(void)unlink(temp);
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	bool good = write(fd, ret, len) == (ssize_t)len && fsync(fd) == 0;
	int err = good ? 0 : errno ? -errno : -EIO;
	(void)close(fd);
	if (good && rename(temp, path) < 0)
		err = -errno;
	return err;
}

static int read_key(const char *path, void *ret, size_t len)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 || st.st_uid != geteuid()))
		r = -EPERM;
	if (r == 0 && (st.st_size != (off_t)len || read(fd, ret, len) != (ssize_t)len))
		r = -EBADMSG;
	(void)close(fd);
	return r;
}

int secrets_key(const char *dir, const char *name, void *ret, size_t len, struct buf *why)
{
	char path[1200];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	int r = read_key(path, ret, len);
	if (r == -ENOENT)
		r = make_key(path, ret, len);
	if (r == -EPERM)
		buf_printf(why,
		           "%s: must be a file of the account that starts the server, mode 0600\n",
		           path);
	else if (r == -EBADMSG)
		buf_printf(why, "%s: not a key of %zu bytes; put it back from a backup\n", path,
		           len);
	else if (r < 0)
		(void)fail(why, path, r);
	return r;
}
