#include "ctl/client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* One process that was asked. */
struct peer {
	int fd; /* -1: done with it */
	struct buf in;
	struct ctl_answer answer;
	bool answered;
	int err; /* negative if it failed without an answer */
};

struct client {
	const struct client_request *rq;
	struct peer peers[CLIENT_SLOTS_MAX];
	size_t n;
	int open_err; /* of the last socket that could not be opened; 0 */
};

/* --- connecting ----------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0) {
		int err = -errno;
		(void)close(fd);
		return err;
	}
	return fd;
}

/* By the directory's descriptor, for an address has room for 107 bytes alone. */
static int connect_in(int dir, const char *name)
{
	char path[sizeof("/proc/self/fd//") + 16 + NAME_MAX];
	int n = snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	return n < 0 || (size_t)n >= sizeof(path) ? -ENAMETOOLONG : connect_to(path);
}

/* "frontend-1.ctl" for "frontend", "dialtoned.ctl" for "dialtoned". */
static bool is_socket_of(const char *name, const char *role)
{
	struct str s = str_of(name), want = str_of(role);
	uint32_t slot;
	if (!str_starts(s, want) || !str_ends(s, STR(".ctl")))
		return false;
	s = str_sub(s, want.len, s.len - want.len - 4);
	return s.len == 0 || (s.p[0] == '-' && str_to_u32(str_sub(s, 1, s.len), 9999, &slot) == 0);
}

static void open_peer(struct client *c, int dir, const char *name)
{
	int fd = connect_in(dir, name);
	if (fd < 0)
		c->open_err = fd;
	else
		c->peers[c->n++] = (struct peer){ .fd = fd, .in = buf_of(CTL_LINE_MAX) };
}

static void open_peers(struct client *c)
{
	struct dirent **entries = NULL;
	int n = scandir(c->rq->run_dir, &entries, NULL, versionsort);
	int dir = open(c->rq->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	c->open_err = n < 0 || dir < 0 ? -errno : -ENOENT;
	for (int i = 0; i < n; i++) {
		size_t max = c->rq->every_slot ? CLIENT_SLOTS_MAX : 1;
		if (dir >= 0 && c->n < max && is_socket_of(entries[i]->d_name, c->rq->role))
			open_peer(c, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (dir >= 0)
		(void)close(dir);
}

static void close_peer(struct peer *p, int err)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
	p->err = p->answered ? 0 : err;
}

/* --- talking -------------------------------------------------------------------------------- */

static void send_request(struct client *c, struct peer *p)
{
	auto_(buf_free) struct buf b = buf_of(CTL_LINE_MAX);
	ctl_put_request(&b, c->rq->cmd, c->rq->args);
	struct str left = buf_view(&b);
	while (left.len > 0 && p->fd >= 0) {
		ssize_t n = send(p->fd, left.p, left.len, MSG_NOSIGNAL);
		if (n < 0)
			close_peer(p, -errno);
		else
			left = str_sub(left, (size_t)n, left.len);
	}
	if (b.p)
		wipe(b.p, b.len); /* may hold a password */
}

static void take_line(struct client *c, struct peer *p, struct str line)
{
	struct ctl_answer a;
	const char *why;
	if (ctl_parse_answer(line, &a, &why) < 0) {
		close_peer(p, -EBADMSG);
		return;
	}
	if (a.kind == CTL_EVENT) {
		if (c->rq->event)
			c->rq->event(c->rq->arg, a.value);
		ctl_answer_done(&a);
		return;
	}
	p->answer = a;
	p->answered = true;
	close_peer(p, 0);
}

static void take_lines(struct client *c, struct peer *p)
{
	while (p->fd >= 0) {
		ssize_t end = str_chr(buf_view(&p->in), '\n');
		if (end < 0)
			return;
		take_line(c, p, str_n(p->in.p, (size_t)end));
		buf_drop(&p->in, (size_t)end + 1);
	}
}

static void read_peer(struct client *c, struct peer *p)
{
	char chunk[16 * 1024];
	ssize_t n = read(p->fd, chunk, sizeof(chunk));
	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		close_peer(p, n < 0 ? -errno : -EPIPE);
		return;
	}
	buf_put(&p->in, chunk, (size_t)n);
	wipe(chunk, (size_t)n);
	if (p->in.full)
		close_peer(p, -EBADMSG);
	else
		take_lines(c, p);
}

static size_t fill_poll(const struct client *c, struct pollfd *fds)
{
	size_t open = 0;
	for (size_t i = 0; i < c->n; i++) {
		fds[i] = (struct pollfd){ .fd = c->peers[i].fd, .events = POLLIN };
		open += c->peers[i].fd >= 0;
	}
	return open;
}

/* Who wanted the stream has gone, or says that it is enough. */
static void end_stream(struct client *c)
{
	for (size_t i = 0; i < c->n; i++)
		close_peer(&c->peers[i], -EPIPE);
}

static void talk(struct client *c)
{
	struct pollfd fds[CLIENT_SLOTS_MAX + 1];
	for (size_t i = 0; i < c->n; i++)
		send_request(c, &c->peers[i]);
	while (fill_poll(c, fds) > 0) {
		bool watch = c->rq->event && c->rq->until_stdin_ends;
		fds[c->n] = (struct pollfd){ .fd = watch ? STDIN_FILENO : -1, .events = POLLIN };
		int r = poll(fds, (nfds_t)c->n + 1, c->rq->event ? -1 : CLIENT_WAIT_S * 1000);
		if (r > 0 && fds[c->n].revents) {
			end_stream(c);
			break;
		}
		for (size_t i = 0; i < c->n; i++) {
			if (r == 0)
				close_peer(&c->peers[i], -ETIMEDOUT);
			else if (r > 0 && fds[i].revents && c->peers[i].fd >= 0)
				read_peer(c, &c->peers[i]);
		}
	}
}

/* --- joining the answers -------------------------------------------------------------------- */

static cJSON *join_lists(cJSON *a, cJSON *b)
{
	cJSON *item;
	while (cJSON_IsArray(a) && cJSON_IsArray(b) && (item = cJSON_DetachItemFromArray(b, 0)))
		cJSON_AddItemToArray(a, item);
	cJSON_Delete(b);
	return a;
}

static cJSON *join(struct client *c)
{
	cJSON *result = NULL;
	for (size_t i = 0; i < c->n; i++) {
		struct peer *p = &c->peers[i];
		if (!p->answered || p->answer.kind != CTL_OK)
			continue;
		cJSON *more = cJSON_DetachItemFromObjectCaseSensitive(p->answer.json, "result");
		result = !result       ? more
		         : c->rq->join ? c->rq->join(result, more)
		                       : join_lists(result, more);
	}
	return result;
}

static int refused(const struct client *c, struct buf *why)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct peer *p = &c->peers[i];
		if (!p->answered || p->answer.kind != CTL_FAIL)
			continue;
		buf_str(why, p->answer.error);
		return -EREMOTEIO;
	}
	return 0;
}

static int explain(const struct client *c, struct buf *why)
{
	int err = c->n > 0 ? c->peers[0].err : c->open_err;
	const char *dir = c->rq->run_dir, *role = c->rq->role;
	if (err == -ENOENT || err == -ECONNREFUSED)
		buf_printf(
		        why,
		        "The server is not running: nothing of %s answers in %s.  Start it "
		        "(`systemctl start dialtoned`, or `./run` in the source tree), or name its "
		        "directory with --config.",
		        role, dir);
	else if (err == -EACCES || err == -EPERM)
		buf_printf(why,
		           "You may not use the control sockets in %s.  Be root or the account the "
		           "server was started by (try sudo).",
		           dir);
	else if (err == -ETIMEDOUT)
		buf_printf(
		        why,
		        "%s did not answer within %d seconds.  `dialtone status` says how it is.",
		        role, CLIENT_WAIT_S);
	else if (err == -EPIPE || err == -ECONNRESET)
		buf_printf(why, "%s closed the connection before it answered; its log says why.",
		           role);
	else
		buf_printf(why, "Talking to %s failed: %s.", role, strerror(-err));
	return err;
}

static void done(struct client *c)
{
	for (size_t i = 0; i < c->n; i++) {
		close_peer(&c->peers[i], 0);
		buf_free(&c->peers[i].in);
		if (c->peers[i].answered)
			ctl_answer_done(&c->peers[i].answer);
	}
	free(c);
}

int client_ask(cJSON **ret_result, const struct client_request *rq, struct buf *why)
{
	struct client *c = xnew(struct client);
	c->rq = rq;
	open_peers(c);
	talk(c);
	cJSON *result = join(c);
	/* Processes that know nothing of it say null: then who refuses is who knows. */
	bool knows = result && !(c->n > 1 && cJSON_IsNull(result));
	int r = knows ? 0 : refused(c, why);
	if (!result && r == 0)
		r = explain(c, why);
	if (r < 0)
		cJSON_Delete(result);
	done(c);
	if (r == 0)
		*ret_result = result;
	return r;
}

int client_reach(const char *run_dir, const char *role)
{
	struct client_request rq = { .run_dir = run_dir, .role = role };
	struct client *c = xnew(struct client);
	c->rq = &rq;
	open_peers(c);
	int r = c->n > 0 ? 0 : c->open_err;
	done(c);
	return r;
}

int client_process(const char *run_dir, const char *role)
{
	struct client_request rq = { .run_dir = run_dir, .role = role };
	struct client *c = xnew(struct client);
	struct ucred who = { .pid = 0 };
	socklen_t len = sizeof(who);
	c->rq = &rq;
	open_peers(c);
	int r = c->n > 0 ? 0 : c->open_err;
	if (r == 0 && getsockopt(c->peers[0].fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		r = -errno;
	done(c);
	if (r == 0 && who.pid <= 0)
		r = -ESRCH;
	if (r < 0)
		return r;
	r = (int)syscall(SYS_pidfd_open, who.pid, 0);
	return r < 0 ? -errno : r;
}
