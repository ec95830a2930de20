#include "daemon/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/code.h"

enum { INODES_MAX = 64, TCP_LISTEN_STATE = 0x0a };

struct inodes {
	uint64_t ino[INODES_MAX];
	size_t n;
};

/* One of the blank-separated fields of a line, from 0. */
static struct str field(struct str line, int n)
{
	struct str word = { NULL, 0 };
	for (; n >= 0; n--) {
		line = str_trim(line);
		(void)str_cut(line, ' ', &word, &line);
	}
	return word;
}

/* "0100007F:13C4": the address as words in host byte order, the port. */
static int parse_local(struct str s, struct addr *ret)
{
	struct str host, port;
	uint8_t bytes[16], p[2];
	(void)str_cut(s, ':', &host, &port);
	size_t n = host.len / 2;
	if ((n != 4 && n != 16) || hex_get(host, bytes, n) < 0 || hex_get(port, p, 2) < 0)
		return -1;
	for (size_t i = 0; i < n; i += 4) {
		uint32_t word = (uint32_t)bytes[i] << 24 | (uint32_t)bytes[i + 1] << 16 |
		                (uint32_t)bytes[i + 2] << 8 | bytes[i + 3];
		memcpy(bytes + i, &word, 4);
	}
	*ret = (struct addr){ .sa.sa_family = n == 4 ? AF_INET : AF_INET6 };
	memcpy(n == 4 ? (void *)&ret->in4.sin_addr : (void *)&ret->in6.sin6_addr, bytes, n);
	addr_set_port(ret, (uint16_t)(p[0] << 8 | p[1]));
	return 0;
}

static bool matches(const struct addr *want, const struct addr *have)
{
	if (addr_port(want) != addr_port(have))
		return false;
	if (addr_is_any(have) || addr_is_any(want))
		return true;
	return want->sa.sa_family == have->sa.sa_family && addr_eq_host(want, have);
}

static void collect(struct str line, const struct addr *want, bool udp, struct inodes *ret)
{
	struct addr local;
	uint8_t state;
	uint64_t ino;
	if (parse_local(field(line, 1), &local) < 0 || !matches(want, &local))
		return;
	if (hex_get(field(line, 3), &state, 1) < 0 || (!udp && state != TCP_LISTEN_STATE))
		return;
	if (str_to_u64(field(line, 9), UINT64_MAX, &ino) == 0 && ino && ret->n < INODES_MAX)
		ret->ino[ret->n++] = ino;
}

static void read_table(const char *path, const struct addr *want, bool udp, struct inodes *ret)
{
	char line[512];
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		collect(str_of(line), want, udp, ret);
	if (f)
		(void)fclose(f);
}

static bool is_ours(const char *link, const struct inodes *set)
{
	uint64_t ino;
	struct str s = str_of(link);
	if (!str_starts(s, STR("socket:[")) ||
	    str_to_u64(str_sub(s, 8, s.len - 9), UINT64_MAX, &ino) < 0)
		return false;
	for (size_t i = 0; i < set->n; i++)
		if (set->ino[i] == ino)
			return true;
	return false;
}

static bool process_holds(const char *pid, const struct inodes *set)
{
	char path[600], link[64];
	bool found = false;
	(void)snprintf(path, sizeof path, "/proc/%s/fd", pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && !found && (e = readdir(d));) {
		(void)snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, e->d_name);
		ssize_t n = readlink(path, link, sizeof link - 1);
		link[MAX(n, 0)] = '\0';
		found = is_ours(link, set);
	}
	if (d)
		(void)closedir(d);
	return found;
}

static void put_name(const char *pid, struct buf *ret)
{
	char path[300], name[64] = "";
	(void)snprintf(path, sizeof path, "/proc/%s/comm", pid);
	FILE *f = fopen(path, "re");
	if (f && !fgets(name, sizeof name, f))
		name[0] = '\0';
	if (f)
		(void)fclose(f);
	buf_printf(ret, "pid %s (%" STR_FMT ")", pid, STR_ARG(str_trim(str_of(name))));
}

enum holder holder_find(const struct addr *a, bool udp, struct buf *ret)
{
	struct inodes set = { .n = 0 };
	bool found = false;
	read_table(udp ? "/proc/net/udp" : "/proc/net/tcp", a, udp, &set);
	read_table(udp ? "/proc/net/udp6" : "/proc/net/tcp6", a, udp, &set);
	DIR *d = set.n > 0 ? opendir("/proc") : NULL;
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!isdigit((unsigned char)e->d_name[0]) || !process_holds(e->d_name, &set))
			continue;
		buf_printf(ret, "%s", found ? ", " : "");
		put_name(e->d_name, ret);
		found = true;
	}
	if (d)
		(void)closedir(d);
	return found ? HOLDER_FOUND : set.n > 0 ? HOLDER_HIDDEN : HOLDER_NONE;
}
