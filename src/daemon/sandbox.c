#include "daemon/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

/* Without any condition.  No execve, no new process or thread, no ptrace, no mount, no keyring, no
 * bpf, no io_uring. */
static const char *const allowed[] = {
	/* descriptors */
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"preadv",
	"pwritev",
	"close",
	"lseek",
	"fcntl",
	"dup",
	"dup2",
	"dup3",
	"pipe2",
	"eventfd2",
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"timerfd_create",
	"timerfd_settime",
	"inotify_init1",
	"inotify_add_watch",
	"inotify_rm_watch",
	"ioctl",
	/* sockets; socket() itself has conditions */
	"connect",
	"bind",
	"listen",
	"accept",
	"accept4",
	"shutdown",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"sendto",
	"recvfrom",
	"sendmsg",
	"recvmsg",
	"sendmmsg",
	"recvmmsg",
	"socketpair",
	/* files (which ones is for the account and its rights to say) */
	"open",
	"openat",
	"stat",
	"fstat",
	"lstat",
	"newfstatat",
	"statx",
	"fstatfs",
	"statfs",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getdents64",
	"getcwd",
	"ftruncate",
	"fallocate",
	"fsync",
	"fdatasync",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"mkdir",
	"mkdirat",
	"fchmod",
	"fchown",
	"utimensat",
	"flock",
	"umask",
	/* memory; mmap() and mprotect() have conditions */
	"munmap",
	"mremap",
	"madvise",
	"brk",
	"mincore",
	/* time, signals, threads that are there */
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"futex",
	"sched_yield",
	"sched_getaffinity",
	"set_robust_list",
	"rseq",
	"restart_syscall",
	"membarrier",
	"tgkill",
	"exit",
	"exit_group",
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getrandom",
	"getrlimit",
	"prlimit64",
	"getrusage",
	"sysinfo",
	"uname",
	"times",
};

struct rules {
	scmp_filter_ctx ctx;
	int r;
};

/* A name that this architecture does not have is no error. */
static void allow(struct rules *rules, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);
	if (nr < 0 || rules->r < 0)
		return;
	int r = seccomp_rule_add(rules->ctx, SCMP_ACT_ALLOW, nr, 0);
	rules->r = r == -EEXIST ? 0 : r;
}

/* The call, if its argument `arg` compares so. */
static void allow_if(struct rules *rules, int nr, unsigned arg, enum scmp_compare op,
                     scmp_datum_t a)
{
	struct scmp_arg_cmp cond = { .arg = arg, .op = op, .datum_a = a };
	if (rules->r == 0)
		rules->r = seccomp_rule_add_array(rules->ctx, SCMP_ACT_ALLOW, nr, 1, &cond);
}

static void add_conditions(struct rules *rules)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		allow_if(rules, SCMP_SYS(socket), 0, SCMP_CMP_EQ, (scmp_datum_t)families[i]);
	/* No memory that can be executed. */
	allow_if(rules, SCMP_SYS(mmap), 2, SCMP_CMP_MASKED_EQ, PROT_EXEC);
	allow_if(rules, SCMP_SYS(mprotect), 2, SCMP_CMP_MASKED_EQ, PROT_EXEC);
	/* kill() of itself alone: abort(). */
	allow_if(rules, SCMP_SYS(kill), 0, SCMP_CMP_EQ, (scmp_datum_t)getpid());
}

static int unblock_violations(void)
{
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGSYS);
	return sigprocmask(SIG_UNBLOCK, &set, NULL) < 0 ? -errno : 0;
}

/* The call was not made.  Says which, then ends as if the kernel had done it. */
static void on_violation(int signo UNUSED, siginfo_t *info, void *context UNUSED)
{
	char *name = seccomp_syscall_resolve_num_arch(info->si_arch, info->si_syscall);
	log_error(NULL, "sandbox-violation", "syscall=%s number=%d", name ? name : "?",
	          info->si_syscall);
	(void)signal(SIGSYS, SIG_DFL);
	/* In spite of SA_NODEFER it is blocked here under ThreadSanitizer. */
	(void)unblock_violations();
	(void)raise(SIGSYS);
	_exit(128 + SIGSYS);
}

static int catch_violations(void)
{
	struct sigaction sa = { .sa_sigaction = on_violation, .sa_flags = SA_SIGINFO | SA_NODEFER };
	(void)sigemptyset(&sa.sa_mask);
	return sigaction(SIGSYS, &sa, NULL) < 0 ? -errno : unblock_violations();
}

int sandbox_refuse_rings(struct buf *why)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (!ctx) {
		buf_lit(why, "the sandbox cannot be made");
		return -ENOMEM;
	}
	int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	if (r < 0)
		buf_printf(why, "io_uring cannot be refused: %s", strerror(-r));
	return r;
}

int sandbox_close(const char *const *extra, struct buf *why)
{
	struct rules rules = { .ctx = seccomp_init(SCMP_ACT_TRAP) };
	if (!rules.ctx) {
		buf_lit(why, "the sandbox cannot be made");
		return -ENOMEM;
	}
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		allow(&rules, allowed[i]);
	for (; extra && *extra; extra++)
		allow(&rules, *extra);
	add_conditions(&rules);
	if (rules.r == 0)
		rules.r = seccomp_attr_set(rules.ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/* A filter tree instead of a list: some ten comparisons a call instead of a hundred. */
	if (rules.r == 0)
		rules.r = seccomp_attr_set(rules.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rules.r == 0)
		rules.r = catch_violations();
	if (rules.r == 0)
		rules.r = seccomp_load(rules.ctx);
	seccomp_release(rules.ctx);
	if (rules.r < 0)
		buf_printf(why, "the sandbox cannot be closed: %s", strerror(-rules.r));
	return rules.r;
}
