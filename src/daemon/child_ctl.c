/* The commands that every role's control socket has, and the metrics that every process has. */
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/code.h"
#include "daemon/child_own.h"
#include "daemon/ctl_log.h"
#include "daemon/topo_json.h"

enum { RESULT_MAX = 4 * 1024 * 1024 };

static uint64_t resident_bytes(void)
{
	char text[128];
	struct str pages, rest;
	uint64_t n = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof text) : -1;
	if (fd >= 0)
		(void)close(fd);
	(void)str_cut(str_n(text, (size_t)MAX(len, 0)), ' ', &pages, &rest);
	(void)str_cut(rest, ' ', &pages, &rest);
	if (str_to_u64(pages, UINT32_MAX, &n) < 0)
		return 0;
	return n * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
	struct rusage u;
	if (getrusage(RUSAGE_SELF, &u) < 0)
		return 0;
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void put_gauge(struct buf *b, const char *name, const char *type, const char *help, double v)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, type, name, v);
}

void child_put_metrics(void *child, struct buf *b)
{
	struct child *c = child;
	struct loop *l = c->env.loop;
	put_gauge(b, "process_resident_memory_bytes", "gauge", "Resident memory.",
	          (double)resident_bytes());
	put_gauge(b, "process_cpu_seconds_total", "counter", "User and system time.",
	          cpu_seconds());
	put_gauge(b, "process_start_time_seconds", "gauge", "Start, seconds since 1970.",
	          (double)c->env.started / 1e6);
	put_gauge(b, "dialtone_loop_longest_turn_seconds", "gauge",
	          "The longest turn of the event loop since the last scrape.",
	          (double)loop_take_longest_turn(l, LOOP_TURNS_METRIC) / 1e6);
	buf_printf(b,
	           "# HELP dialtone_info Version, role and number of the process.\n"
	           "# TYPE dialtone_info gauge\n"
	           "dialtone_info{version=\"%s\",role=\"%s\",process=\"%u\"} 1\n",
	           DIALTONE_VERSION, c->role->name, c->env.slot + 1);
	if (c->role->metrics)
		c->role->metrics(c->state, b);
}

static void cmd_status(void *state, struct ctl_call *call)
{
	struct child *c = state;
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX), own = buf_of(RESULT_MAX / 2);
	usec_t now = loop_wall(c->env.loop);
	if (c->role->status)
		c->role->status(c->state, &own);
	buf_printf(&b,
	           "{\"role\":\"%s\",\"process\":%u,\"pid\":%d,\"started_at\":%llu,"
	           "\"running_s\":%llu,\"memory_bytes\":%llu,\"cpu_s\":%.2f%s",
	           c->role->name, c->env.slot + 1, (int)getpid(),
	           (unsigned long long)(c->env.started / USEC_PER_SEC),
	           (unsigned long long)((now - c->env.started) / USEC_PER_SEC),
	           (unsigned long long)resident_bytes(), cpu_seconds(), own.len > 0 ? "," : "");
	buf_str(&b, buf_view(&own));
	buf_char(&b, '}');
	call->ok(call, buf_view(&b));
}

static void cmd_metrics(void *state, struct ctl_call *call)
{
	auto_(buf_free) struct buf text = buf_of(METRICS_TEXT_MAX),
	                           b = buf_of(2 * METRICS_TEXT_MAX);
	child_put_metrics(state, &text);
	json_put_str(&b, buf_view(&text));
	call->ok(call, buf_view(&b));
}

static void cmd_config_show(void *state, struct ctl_call *call)
{
	struct child *c = state;
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	topo_json_settings(&b, c->env.topo, c->roles, c->role->name);
	call->ok(call, buf_view(&b));
}

/* clang-format off */
const struct ctl_command child_commands[] = {
	{ .noun = "status", .fn = cmd_status, .help = "The process at a glance" },
	{ .noun = "metrics", .fn = cmd_metrics, .help = "The metrics, in Prometheus text form" },
	CTL_LOG_ROW,
	{ .noun = "config", .verb = "show", .fn = cmd_config_show,
	  .help = "The role's settings with their values in force" },
	{ .noun = NULL },
};
/* clang-format on */
