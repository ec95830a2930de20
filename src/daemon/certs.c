#include "daemon/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PEM_MAX = 256 * 1024 };

static const char *const kinds[] = { "p256", "rsa2048" };

/* Reads a whole file: 0; -ENOENT; -errno. */
static int read_file(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	if (fd < 0)
		return -errno;
	for (;;) {
		char *room = buf_room(ret, PEM_MAX / 4);
		if (!room)
			errno = EFBIG;
		n = room ? read(fd, room, PEM_MAX / 4) : -1;
		if (n <= 0)
			break;
		ret->len += (size_t)n;
	}
	int r = n < 0 ? -errno : 0;
	(void)close(fd);
	return r;
}

static int read_pem(const char *dir, const char *name, struct str *ret, struct buf *errors)
{
	char path[1200];
	auto_(buf_free) struct buf b = buf_of(PEM_MAX);
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	int r = read_file(path, &b);
	if (r == 0)
		*ret = (struct str){ str_dup(buf_view(&b)), b.len };
	else if (r != -ENOENT)
		buf_printf(errors, "%s: %s%s\n", path, strerror(-r),
		           r == -EACCES ? "; be root or the account that this belongs to" : "");
	wipe(b.p, b.len);
	return r;
}

static void drop(struct str *s)
{
	if (s->p) {
		wipe((void *)(uintptr_t)s->p, s->len);
		free((void *)(uintptr_t)s->p);
	}
	*s = (struct str){ NULL, 0 };
}

/* One kind of certificate: both files, or neither. */
static int load_pair(struct certs *c, const char *dir, const char *role, const char *kind,
                     struct buf *errors)
{
	struct tls_cert cert = { { NULL, 0 }, { NULL, 0 } };
	char crt[128], key[128];
	(void)snprintf(crt, sizeof crt, "%s-%s.crt", role, kind);
	(void)snprintf(key, sizeof key, "%s-%s.key", role, kind);
	int a = read_pem(dir, crt, &cert.chain_pem, errors);
	int b = read_pem(dir, key, &cert.key_pem, errors);
	if (a == 0 && b == 0) {
		c->certs[c->n_certs++] = cert;
		return 0;
	}
	drop(&cert.chain_pem);
	drop(&cert.key_pem);
	if (a == -ENOENT && b == -ENOENT)
		return 0;
	if (a == -ENOENT || b == -ENOENT)
		buf_printf(errors,
		           "%s/%s: missing, but %s is there; `dialtone cert issue` makes both\n",
		           dir, a == -ENOENT ? crt : key, a == -ENOENT ? key : crt);
	return -EINVAL;
}

/* Whether TLS takes them: a key that does not belong to its certificate shows here. */
static int try_them(const struct certs *c, const char *dir, const char *role, struct buf *errors)
{
	const struct tls_server_config cfg = { .certs = c->certs, .n_certs = c->n_certs };
	const char *why = "";
	struct tls_server *t = tls_server_new(&cfg, &why);
	if (!t) {
		buf_printf(errors, "%s/%s-*: not usable: %s\n", dir, role, why);
		return -EINVAL;
	}
	tls_server_unref(&t);
	return 0;
}

int certs_load(struct certs *ret, const char *dir, const char *role, bool needed,
               struct buf *errors)
{
	struct certs c = { .n_certs = 0 };
	int bad = 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		bad |= load_pair(&c, dir, role, kinds[i], errors);
	int r = read_pem(dir, "ca.pem", &c.ca_pem, errors);
	if (r < 0 && r != -ENOENT)
		bad = r;
	if (!bad && needed && c.n_certs == 0) {
		buf_printf(errors,
		           "%s/%s-p256.crt: there is no certificate for the TLS listeners of [role "
		           "%s]; make one with \"dialtone cert issue\" (on the host with the CA, "
		           "for this one: "
		           "--host, --to), or set \"tls = none\"\n",
		           dir, role, role);
		bad = -ENOENT;
	}
	if (!bad && c.n_certs > 0)
		bad = try_them(&c, dir, role, errors);
	if (bad) {
		certs_done(&c);
		return -EINVAL;
	}
	*ret = c;
	return 0;
}

void certs_done(struct certs *c)
{
	for (size_t i = 0; i < c->n_certs; i++) {
		drop(&c->certs[i].chain_pem);
		drop(&c->certs[i].key_pem);
	}
	drop(&c->ca_pem);
	c->n_certs = 0;
}
