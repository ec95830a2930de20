#include "daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/loop.h"
#include "tap.h"

static void close_sandbox(const char *const *extra)
{
	char space[500];
	struct buf why = { .p = space, .cap = sizeof(space), .max = sizeof(space) };
	if (sandbox_close(extra, &why) < 0)
		_exit(99);
}

static void refuse_rings(void)
{
	char space[500];
	struct buf why = { .p = space, .cap = sizeof(space), .max = sizeof(space) };
	if (sandbox_refuse_rings(&why) < 0)
		_exit(99);
}

/* The status with which a process ends that does this and then exits with 7. */
static int outcome_outside(void (*act)(void))
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		act();
		_exit(7);
	}
	OK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

/* The same in the sandbox. */
static int outcome(const char *const *extra, void (*act)(void))
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		close_sandbox(extra);
		act();
		_exit(7);
	}
	OK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

static bool is_7(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

static bool goes_on(void (*act)(void))
{
	return is_7(outcome(NULL, act));
}

static bool is_killed(void (*act)(void))
{
	int status = outcome(NULL, act);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static void do_execve(void)
{
	static char word[] = "true";
	char *const argv[] = { word, NULL };
	(void)syscall(SYS_execve, "/bin/true", argv, NULL);
}

static void do_fork(void)
{
	(void)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void do_ptrace(void)
{
	(void)syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL);
}

static void do_netlink(void)
{
	(void)syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0);
}

static void do_packet(void)
{
	(void)syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0);
}

static void do_executable_memory(void)
{
	(void)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	              0);
}

static void do_kill_another(void)
{
	(void)syscall(SYS_kill, getppid(), 0);
}

static void do_setuid(void)
{
	(void)syscall(SYS_setuid, 0);
}

static void do_mount(void)
{
	(void)syscall(SYS_mount, "none", "/", "tmpfs", 0UL, NULL);
}

static void do_daily_work(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)close(fd);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "x", 1) != 1)
		_exit(98);
	(void)close(fd);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || munmap(p, 4096) < 0)
		_exit(97);
}

static void what_roles_do_every_day_is_allowed(void)
{
	OK(goes_on(do_daily_work));
}

static void no_other_program_and_no_other_process_can_be_started(void)
{
	OK(is_killed(do_execve));
	OK(is_killed(do_fork));
}

static void other_processes_and_the_system_are_out_of_reach(void)
{
	OK(is_killed(do_ptrace));
	OK(is_killed(do_kill_another));
	OK(is_killed(do_setuid));
	OK(is_killed(do_mount));
}

static void only_the_networks_that_are_served_can_be_reached(void)
{
	OK(is_killed(do_netlink));
	OK(is_killed(do_packet));
}

static void no_memory_can_be_made_executable(void)
{
	OK(is_killed(do_executable_memory));
}

static void a_role_can_be_given_a_call_by_name(void)
{
	static const char *const extra[] = { "setuid", NULL };
	int status = outcome(extra, do_setuid);
	OK(is_7(status));
	status = outcome(extra, do_execve);
	OK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void ask_for_a_ring(void)
{
	char params[256] = { 0 };
	refuse_rings();
	if (syscall(SYS_io_uring_setup, 8, params) != -1 || errno != ENOSYS)
		_exit(98);
}

static void on_io(void *arg, int events UNUSED)
{
	*(bool *)arg = true;
}

/* What a role does: its loop is there before the sandbox is closed. */
static void run_a_loop(void)
{
	int fds[2];
	bool came = false;
	refuse_rings();
	struct loop *l = loop_new();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		_exit(98);
	struct io *io = io_new(l, fds[0], on_io, &came);
	io_want(io, IO_READ);
	close_sandbox(NULL);
	if (write(fds[1], "x", 1) != 1)
		_exit(97);
	loop_turn(l, 10 * USEC_PER_SEC);
	io_free(&io);
	if (!came)
		_exit(96);
}

static void no_ring_is_given_once_they_are_refused(void)
{
	OK(is_7(outcome_outside(ask_for_a_ring)));
}

static void a_loop_made_without_rings_runs_in_the_sandbox(void)
{
	OK(is_7(outcome_outside(run_a_loop)));
}

int main(void)
{
	RUN(what_roles_do_every_day_is_allowed);
	RUN(no_other_program_and_no_other_process_can_be_started);
	RUN(other_processes_and_the_system_are_out_of_reach);
	RUN(only_the_networks_that_are_served_can_be_reached);
	RUN(no_memory_can_be_made_executable);
	RUN(a_role_can_be_given_a_call_by_name);
	RUN(no_ring_is_given_once_they_are_refused);
	RUN(a_loop_made_without_rings_runs_in_the_sandbox);
	return tap_done();
}
