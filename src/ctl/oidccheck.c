#include "ctl/oidccheck.h"

#include <errno.h>

#include "ctl/finding.h"
#include "svc/oidc/provider.h"

enum { WHY_MAX = 4096 };

struct check {
	bool done;
	int err;
	struct buf why;
};

static void on_met(void *arg, const struct provider_answer *a)
{
	struct check *c = arg;
	c->done = true;
	c->err = a->err;
	if (a->why)
		buf_str(&c->why, str_of(a->why));
}

static void tell(cJSON *findings, const struct check *c)
{
	if (c->err == 0)
		finding_add(findings, FINDING_OK, "oidc-issuer", NULL,
		            "the OpenID provider answers, and has what is needed");
	else if (c->err == -EBADMSG)
		finding_add(
		        findings, FINDING_ERROR, "oidc-issuer",
		        "oidc-issuer must be what the provider calls its issuer, to the letter.",
		        "what the OpenID provider says is not right: %" STR_FMT,
		        STR_ARG(buf_view(&c->why)));
	else
		finding_add(
		        findings, FINDING_ERROR, "oidc-issuer",
		        "Check oidc-issuer, the way to that host by HTTPS, and oidc-ca-file if its "
		        "certificate is of a CA of the company.",
		        "the OpenID provider cannot be reached: %" STR_FMT,
		        STR_ARG(buf_view(&c->why)));
}

static void meet(cJSON *findings, struct loop *l, const struct oidc_settings *s)
{
	struct check c = { .why = buf_of(WHY_MAX) };
	struct provider *p = provider_new(l, s, &c.why);
	if (!p) {
		finding_add(
		        findings, FINDING_ERROR, "oidc-issuer",
		        "Run the doctor as root or as the server's account; if it still says so, "
		        "mend the file.",
		        "%" STR_FMT, STR_ARG(str_trim(buf_view(&c.why))));
	} else {
		struct provider_ask *a = provider_meet(p, on_met, &c);
		while (a && !c.done)
			loop_turn(l, USEC_PER_SEC / 10);
		tell(findings, &c);
	}
	provider_free(&p);
	loop_turn(l, 0);
	buf_free(&c.why);
}

void oidccheck(cJSON *findings, const struct topo *t)
{
	auto_(buf_free) struct buf why = buf_of(WHY_MAX);
	const struct topo_role *r = topo_role_here(t, STR("accounts"));
	struct oidc_settings s;
	if (!r || oidc_settings_read(&s, t, r, &why) < 0 || s.issuer.len == 0)
		return;
	struct loop *l = loop_new();
	meet(findings, l, &s);
	loop_free(&l);
}
