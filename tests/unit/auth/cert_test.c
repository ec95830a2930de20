#include "auth/cert.h"

#include <errno.h>

#include "auth/ca.h"
#include "tap.h"

enum { NOW = 1800000000 };

/* A root and a leaf below it. */
struct pki {
	struct ca *ca;
	struct buf root, cert, key;
};

static struct pki pki_new(void)
{
	struct pki p = { .root = buf_of(CA_PEM_MAX),
		         .cert = buf_of(CA_PEM_MAX),
		         .key = buf_of(CA_PEM_MAX) };
	struct str dns[] = { STR("a.test") };
	struct ca_names names = { .common_name = dns[0], .dns = dns, .n_dns = 1 };
	EQ(ca_new(&p.ca, STR("Test CA"), NOW), 0);
	EQ(ca_put_cert(p.ca, &p.root), 0);
	EQ(ca_issue(p.ca, CA_P256, &names, NOW, &p.cert, &p.key), 0);
	return p;
}

static void pki_done(struct pki *p)
{
	ca_free(&p->ca);
	buf_free(&p->root);
	buf_free(&p->cert);
	buf_free(&p->key);
}

static struct cert_chain *join(const struct buf *a, const struct buf *b)
{
	auto_(buf_free) struct buf pem = buf_of(CERT_PEM_MAX);
	struct cert_chain *c = NULL;
	buf_str(&pem, buf_view(a));
	buf_str(&pem, buf_view(b));
	EQ(cert_chain_read(&c, buf_view(&pem)), 0);
	return c;
}

static void chain_in_order_is_good(void)
{
	auto_(pki_done) struct pki p = pki_new();
	auto_(cert_chain_free) struct cert_chain *c = join(&p.cert, &p.root);
	size_t bad = 99;
	EQ(cert_chain_len(c), 2);
	EQ(cert_check_order(c, &bad), 0);
	EQ(bad, 99);
}

static void chain_in_wrong_order_is_found(void)
{
	auto_(pki_done) struct pki p = pki_new();
	auto_(cert_chain_free) struct cert_chain *c = join(&p.root, &p.cert);
	size_t bad = 99;
	EQ(cert_check_order(c, &bad), -EINVAL);
	EQ(bad, 0);
}

static void chain_of_a_namesake_is_found(void)
{
	auto_(pki_done) struct pki p = pki_new(), q = pki_new();
	auto_(cert_chain_free) struct cert_chain *c = join(&p.cert, &q.root);
	auto_(cert_chain_free) struct cert_chain *root = NULL;
	size_t bad = 99;
	EQ(cert_check_order(c, &bad), -EINVAL);
	EQ(cert_chain_read(&root, buf_view(&p.root)), 0);
	OK(!cert_is_below(c, root));
}

static void foreign_key_is_found(void)
{
	auto_(pki_done) struct pki p = pki_new(), q = pki_new();
	auto_(cert_chain_free) struct cert_chain *c = join(&p.cert, &p.root);
	EQ(cert_check_key(c, buf_view(&p.key)), 0);
	EQ(cert_check_key(c, buf_view(&q.key)), -EKEYREJECTED);
	EQ(cert_check_key(c, STR("no key")), -EBADMSG);
	EQ(cert_check_key(c, buf_view(&p.cert)), -EBADMSG);
}

static void text_without_certificates_is_refused(void)
{
	auto_(pki_done) struct pki p = pki_new();
	struct cert_chain *c = NULL;
	EQ(cert_chain_read(&c, STR("")), -EBADMSG);
	EQ(cert_chain_read(&c, STR("hello")), -EBADMSG);
	EQ(cert_chain_read(&c, buf_view(&p.key)), -EBADMSG);
	EQ(cert_chain_read(&c, str_sub(buf_view(&p.cert), 0, p.cert.len / 2)), -EBADMSG);
	OK(c == NULL);
}

static void long_chain_is_refused(void)
{
	auto_(pki_done) struct pki p = pki_new();
	auto_(buf_free) struct buf pem = buf_of(CERT_PEM_MAX);
	struct cert_chain *c = NULL;
	for (int i = 0; i <= CERT_CHAIN_MAX; i++)
		buf_str(&pem, buf_view(&p.root));
	EQ(cert_chain_read(&c, buf_view(&pem)), -EBADMSG);
	OK(c == NULL);
}

int main(void)
{
	RUN(chain_in_order_is_good);
	RUN(chain_in_wrong_order_is_found);
	RUN(chain_of_a_namesake_is_found);
	RUN(foreign_key_is_found);
	RUN(text_without_certificates_is_refused);
	RUN(long_chain_is_refused);
	return tap_done();
}
