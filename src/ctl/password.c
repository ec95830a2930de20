#include "ctl/password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_C = 3 };

/* One line without its end; bytes behind it are left. */
static int read_line(int fd, struct buf *ret)
{
	char c;
	for (;;) {
		ssize_t n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0 || c == '\n')
			break;
		if (c == CTRL_C)
			return -ECANCELED;
		buf_char(ret, c);
		if (ret->len > PASSWORD_MAX)
			return -ERANGE;
	}
	if (ret->len > 0 && ret->p[ret->len - 1] == '\r')
		ret->len--;
	return ret->len > 0 ? 0 : -ENODATA;
}

static int ask_once(int tty, const char *question, const char *whose, struct buf *ret)
{
	struct termios old, quiet;
	if (tcgetattr(tty, &old) < 0)
		return -ENOTTY;
	quiet = old;
	/* Interrupt comes as a letter that ends the line, so that the terminal is left as it was.
	 */
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	quiet.c_cc[VEOL] = CTRL_C;
	(void)dprintf(tty, "%s for %s: ", question, whose);
	if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
		return -ENOTTY;
	int r = read_line(tty, ret);
	(void)tcsetattr(tty, TCSAFLUSH, &old);
	(void)dprintf(tty, "\n");
	return r;
}

static int ask(const char *whose, bool twice, struct buf *ret)
{
	struct buf again = buf_of(PASSWORD_MAX + 2);
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0)
		return -ENOTTY;
	int r = ask_once(tty, "Password", whose, ret);
	if (r == 0 && twice)
		r = ask_once(tty, "The same again", whose, &again);
	if (r == 0 && twice && !str_eq(buf_view(ret), buf_view(&again)))
		r = -EKEYREJECTED;
	(void)close(tty);
	if (again.p)
		wipe(again.p, again.len);
	buf_free(&again);
	return r;
}

static void make(struct buf *ret)
{
	char made[PASSWORD_DEVICE_LEN + 1];
	password_make(made);
	buf_str(ret, str_of(made));
	wipe(made, sizeof(made));
}

int password_get(struct buf *ret, enum password_source from, const char *whose)
{
	int r = 0;
	if (from == PASSWORD_ASK || from == PASSWORD_ASK_ONCE)
		r = ask(whose, from == PASSWORD_ASK, ret);
	else if (from == PASSWORD_STDIN)
		r = read_line(STDIN_FILENO, ret);
	else
		make(ret);
	if (r == 0 && (ret->len < PASSWORD_MIN || ret->len > PASSWORD_MAX))
		r = -ERANGE;
	if (r == 0) {
		buf_char(ret, '\0');
		ret->len--;
	}
	return r;
}
