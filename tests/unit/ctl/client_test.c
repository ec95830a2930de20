#include "ctl/client.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tap.h"

enum { FAKES_MAX = 4 };

/* A role process that gives one fixed answer to whoever comes first. */
struct fake {
	int fd;
	const char *answer;
	char path[128], got[512];
	pthread_t thread;
};

struct place {
	char dir[64];
	struct fake fakes[FAKES_MAX];
	size_t n;
	struct buf why, events;
	cJSON *result;
};

static void *serve(void *arg)
{
	struct fake *f = arg;
	int c = accept(f->fd, NULL, NULL);
	ssize_t n = c < 0 ? -1 : read(c, f->got, sizeof(f->got) - 1);
	if (n > 0)
		(void)!write(c, f->answer, strlen(f->answer));
	if (c >= 0)
		(void)close(c);
	return NULL;
}

static void add_fake(struct place *p, const char *name, const char *answer)
{
	struct fake *f = &p->fakes[p->n++];
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char dir[sizeof(p->dir)];
	memcpy(dir, p->dir, sizeof(dir));
	f->answer = answer;
	(void)snprintf(f->path, sizeof(f->path), "%s/%s", dir, name);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%.100s", f->path);
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EQ(bind(f->fd, (const struct sockaddr *)&sun, sizeof(sun)), 0);
	EQ(listen(f->fd, 4), 0);
	EQ(pthread_create(&f->thread, NULL, serve, f), 0);
}

static struct place place_new(void)
{
	struct place p = { .dir = "/tmp/dialtone-unit-XXXXXX",
		           .why = buf_of(4096),
		           .events = buf_of(4096) };
	OK(mkdtemp(p.dir) != NULL);
	return p;
}

static void place_done(struct place *p)
{
	for (size_t i = 0; i < p->n; i++) {
		(void)shutdown(p->fakes[i].fd, SHUT_RDWR);
		(void)pthread_join(p->fakes[i].thread, NULL);
		(void)close(p->fakes[i].fd);
		(void)unlink(p->fakes[i].path);
	}
	(void)rmdir(p->dir);
	cJSON_Delete(p->result);
	buf_free(&p->why);
	buf_free(&p->events);
}

static int ask(struct place *p, const char *role, bool every)
{
	struct client_request rq = {
		.run_dir = p->dir,
		.role = role,
		.every_slot = every,
		.cmd = STR("endpoint list"),
	};
	return client_ask(&p->result, &rq, &p->why);
}

static void expect_result(const struct place *p, const char *want)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	ctl_put_json(&b, p->result);
	EQ_STR(buf_view(&b), want);
}

static void answer_is_returned(void)
{
	auto_(place_done) struct place p = place_new();
	add_fake(&p, "dialtoned.ctl", "{\"ok\":true,\"result\":{\"a\":1}}\n");
	EQ(ask(&p, "dialtoned", false), 0);
	expect_result(&p, "{\"a\":1}");
	EQ_STR(str_of(p.fakes[0].got), "{\"cmd\":\"endpoint list\"}\n");
}

static void lists_of_all_processes_are_joined(void)
{
	auto_(place_done) struct place p = place_new();
	add_fake(&p, "frontend-1.ctl", "{\"ok\":true,\"result\":[1,2]}\n");
	add_fake(&p, "frontend-2.ctl", "{\"ok\":true,\"result\":[3]}\n");
	add_fake(&p, "frontend-10.ctl", "{\"ok\":true,\"result\":[4]}\n");
	add_fake(&p, "frontend-edge-0.ctl", "{\"ok\":true,\"result\":[99]}\n");
	EQ(ask(&p, "frontend", true), 0);
	expect_result(&p, "[1,2,3,4]");
}

static void one_good_answer_is_enough(void)
{
	auto_(place_done) struct place p = place_new();
	add_fake(&p, "frontend-1.ctl", "{\"ok\":false,\"error\":\"not mine\"}\n");
	add_fake(&p, "frontend-2.ctl", "{\"ok\":true,\"result\":\"done\"}\n");
	EQ(ask(&p, "frontend", true), 0);
	expect_result(&p, "\"done\"");
}

static void refusal_has_the_text_of_the_role(void)
{
	auto_(place_done) struct place p = place_new();
	add_fake(&p, "frontend-1.ctl",
	         "{\"ok\":false,\"error\":\"There is no user \\\"x\\\".\"}\n");
	EQ(ask(&p, "frontend", true), -EREMOTEIO);
	EQ_STR(buf_view(&p.why), "There is no user \"x\".");
	OK(p.result == NULL);
}

static void stopped_server_is_told(void)
{
	auto_(place_done) struct place p = place_new();
	EQ(ask(&p, "frontend", true), -ENOENT);
	OK(str_starts(buf_view(&p.why), STR("The server is not running")));
	OK(!client_can_reach(p.dir, "frontend"));
	OK(!client_can_reach("/nowhere", "frontend"));
}

/* What a killed server leaves behind. */
static void socket_without_listener_is_a_stopped_server(void)
{
	auto_(place_done) struct place p = place_new();
	add_fake(&p, "dialtoned.ctl", "");
	(void)shutdown(p.fakes[0].fd, SHUT_RDWR);
	(void)pthread_join(p.fakes[0].thread, NULL);
	(void)close(p.fakes[0].fd);
	EQ(ask(&p, "dialtoned", false), -ECONNREFUSED);
	OK(str_starts(buf_view(&p.why), STR("The server is not running")));
	(void)unlink(p.fakes[0].path);
	p.n = 0;
}

static void connection_closed_before_the_answer_is_told(void)
{
	auto_(place_done) struct place p = place_new();
	add_fake(&p, "dialtoned.ctl", "{\"ok\":tr");
	EQ(ask(&p, "dialtoned", false), -EPIPE);
	OK(str_find(buf_view(&p.why), STR("closed the connection")) > 0);
}

static void answer_that_is_none_is_told(void)
{
	auto_(place_done) struct place p = place_new();
	add_fake(&p, "dialtoned.ctl", "hello\n");
	EQ(ask(&p, "dialtoned", false), -EBADMSG);
	OK(p.why.len > 0);
}

static void on_event(void *arg, const cJSON *value)
{
	struct place *p = arg;
	ctl_put_json(&p->events, value);
}

static void events_come_until_the_stream_ends(void)
{
	auto_(place_done) struct place p = place_new();
	add_fake(&p, "frontend-1.ctl", "{\"event\":1}\n{\"event\":\"two\"}\n");
	struct client_request rq = {
		.run_dir = p.dir,
		.role = "frontend",
		.every_slot = true,
		.cmd = STR("trace"),
		.event = on_event,
		.arg = &p,
	};
	EQ(client_ask(&p.result, &rq, &p.why), -EPIPE);
	EQ_STR(buf_view(&p.events), "1\"two\"");
}

int main(void)
{
	RUN(answer_is_returned);
	RUN(lists_of_all_processes_are_joined);
	RUN(one_good_answer_is_enough);
	RUN(refusal_has_the_text_of_the_role);
	RUN(stopped_server_is_told);
	RUN(socket_without_listener_is_a_stopped_server);
	RUN(connection_closed_before_the_answer_is_told);
	RUN(answer_that_is_none_is_told);
	RUN(events_come_until_the_stream_ends);
	return tap_done();
}
