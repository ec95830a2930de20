/* The mechanism interface with all it was made for: Digest has one leg and signs nothing, so a
 * mechanism with four legs and signatures goes through the same door here. */
#include "auth/mech.h"

#include <errno.h>
#include <stdlib.h>

#include "auth/fake_accounts.h"
#include "auth/fourleg.h"
#include "auth/mech_digest.h"
#include "await.h"

struct bench {
	struct loop *l;
	struct fake_accounts far;
	struct accounts *accounts;
	struct fourleg *mech;
};

struct result {
	unsigned calls;
	enum auth_result_kind kind;
	uint64_t account;
	uint32_t retry_s;
	char challenge[256], uri[64];
};

static const struct str password = STR_INIT("correct horse");

/* The accounts end of the mechanism: the challenges grow, the fourth leg must prove the password.
 */
static void serve(struct fake_accounts *f, const struct acct_msg *m)
{
	static const char *const said[] = { "", "one", "one-two", "one-two-three" };
	struct acct_msg v = { .type = ACCT_VERDICT, .id = m->id };
	char proof[FOURLEG_HEX + 1];
	auto_(buf_free) struct buf key = buf_of(8);
	if (m->type != ACCT_AUTH)
		return;
	uint64_t leg = m->auth.session + 1;
	struct str data = str_from_bytes(m->auth.blob);
	v.verdict.verdict = ACCOUNTS_REFUSE;
	fourleg_proof(proof, password, str_of(said[3]));
	if (leg < 4 && (leg == 1 || str_eq(data, str_of(said[leg - 1])))) {
		v.verdict.verdict = ACCOUNTS_CONTINUE;
		v.verdict.session = leg;
		v.verdict.blob = bytes_of(str_of(said[leg]));
	} else if (leg == 4 && str_eq(data, str_of(proof))) {
		v.verdict.verdict = ACCOUNTS_ACCEPT;
		v.verdict.account = 77;
		v.verdict.uri = STR("alice@example.test");
		buf_u64(&key, fourleg_key(password, str_of(said[3])));
		v.verdict.key = bytes_of(buf_view(&key));
	}
	OK(str_eq(m->auth.user, STR("alice")));
	fake_accounts_send(f, &v);
}

static struct bench *start(void)
{
	struct bench *b = xnew(struct bench);
	int fd;
	b->l = loop_new();
	fake_accounts_start(&b->far, b->l, &fd);
	b->far.serve = serve;
	b->accounts = accounts_new(b->l, fd, NULL, NULL);
	b->mech = fourleg_new(b->accounts);
	return b;
}

static void end(struct bench *b)
{
	accounts_free(&b->accounts);
	fourleg_free(&b->mech);
	fake_accounts_end(&b->far);
	loop_free(&b->l);
	free(b);
}

static struct auth_assoc *begin(struct bench *b)
{
	struct addr peer;
	EQ(addr_parse(&peer, STR("192.0.2.1"), 5061), 0);
	return mech_fourleg.begin(b->mech, &peer);
}

static void on_done(void *arg, const struct auth_result *r)
{
	struct result *res = arg;
	res->calls++;
	res->kind = r->kind;
	res->account = r->account;
	res->retry_s = r->retry_s;
	(void)snprintf(res->challenge, sizeof(res->challenge), "%.*s", (int)r->challenge.len,
	               r->challenge.p ? r->challenge.p : "");
	(void)snprintf(res->uri, sizeof(res->uri), "%.*s", (int)r->uri.len,
	               r->uri.p ? r->uri.p : "");
}

static int step(struct bench *b, struct auth_assoc *a, unsigned leg, const char *data,
                struct result *res)
{
	struct sip_msg m = { .is_request = true };
	char creds[256];
	(void)snprintf(creds, sizeof(creds), "Fake leg=\"%u\", data=\"%s\"", leg, data);
	return mech_fourleg.step(b->mech, a, &m, str_of(creds), loop_wall(b->l), on_done, res);
}

/* The data of the last challenge. */
static void take_data(const struct result *r, char ret[64])
{
	const char *at = strstr(r->challenge, "data=\"");
	OK(at != NULL);
	(void)snprintf(ret, 64, "%.*s", at ? (int)strcspn(at + 6, "\"") : 0, at ? at + 6 : "");
}

/* All four legs with a password. */
static struct result sign_in(struct bench *b, struct auth_assoc *a, struct str pw)
{
	struct result r = { 0 };
	char data[64] = "alice";
	for (unsigned leg = 1; leg <= 4; leg++) {
		if (leg == 4) {
			char challenge[64];
			(void)snprintf(challenge, sizeof(challenge), "%s", data);
			fourleg_proof(data, pw, str_of(challenge));
		}
		EQ(step(b, a, leg, data, &r), -EINPROGRESS);
		EQ(r.calls, leg - 1);
		AWAIT(b->l, r.calls == leg);
		if (r.kind == AUTH_CHALLENGE)
			take_data(&r, data);
	}
	return r;
}

static struct sip_msg message(const char *start_line, struct buf *b, struct str line)
{
	struct sip_msg m;
	buf_printf(b, "%s\r\n%" STR_FMT "From: <sip:a@x>\r\n\r\n", start_line, STR_ARG(line));
	EQ(sip_parse(&m, buf_view(b)), 0);
	return m;
}

static void four_legs_lead_to_an_identity(void)
{
	struct bench *b = start();
	struct auth_assoc *a = begin(b);
	auto_(buf_free) struct buf offer = buf_of(256);
	mech_fourleg.offer(b->mech, a, &offer, false, 0);
	EQ_STR(buf_view(&offer), "Fake leg=\"0\", data=\"\"");
	struct result r = sign_in(b, a, password);
	EQ(r.kind, AUTH_ACCEPT);
	EQ(r.account, 77);
	OK(strcmp(r.uri, "alice@example.test") == 0);
	mech_fourleg.free(b->mech, &a);
	OK(a == NULL);
	end(b);
}

static void wrong_password_fails_at_the_last_leg_and_begins_anew(void)
{
	struct bench *b = start();
	struct auth_assoc *a = begin(b);
	EQ(sign_in(b, a, STR("wrong horse")).kind, AUTH_REFUSE);
	EQ(sign_in(b, a, password).kind, AUTH_ACCEPT);
	mech_fourleg.free(b->mech, &a);
	end(b);
}

static void leg_out_of_turn_is_refused_at_once(void)
{
	struct bench *b = start();
	struct auth_assoc *a = begin(b);
	struct result r = { 0 };
	EQ(step(b, a, 2, "one", &r), 0);
	EQ(r.kind, AUTH_REFUSE);
	EQ(step(b, a, 1, "alice", &r), -EINPROGRESS);
	EQ(step(b, a, 1, "alice", &r), 0);
	EQ(r.calls, 2);
	EQ(r.kind, AUTH_REFUSE);
	AWAIT(b->l, r.calls == 3);
	EQ(r.kind, AUTH_CHALLENGE);
	mech_fourleg.free(b->mech, &a);
	end(b);
}

static void messages_are_signed_and_verified_once_each(void)
{
	struct bench *b = start();
	struct auth_assoc *ours = begin(b), *theirs;
	auto_(buf_free) struct buf line = buf_of(256), text = buf_of(1024), ex = buf_of(256);
	struct sip_msg out = { .start = STR("MESSAGE sip:b@x SIP/2.0") };
	EQ(mech_fourleg.sign(b->mech, ours, &out, &line), -EACCES);
	EQ(mech_fourleg.export(b->mech, ours, &ex), -ENOTSUP);
	EQ(sign_in(b, ours, password).kind, AUTH_ACCEPT);
	EQ(mech_fourleg.export(b->mech, ours, &ex), 0);
	theirs = fourleg_import(b->mech, bytes_of(buf_view(&ex)));
	EQ(mech_fourleg.sign(b->mech, ours, &out, &line), 0);
	struct sip_msg in = message("MESSAGE sip:b@x SIP/2.0", &text, buf_view(&line));
	EQ(mech_fourleg.verify(b->mech, theirs, &in), 0);
	EQ(mech_fourleg.verify(b->mech, theirs, &in), -EACCES);
	line.len = text.len = 0;
	EQ(mech_fourleg.sign(b->mech, ours, &out, &line), 0);
	in = message("MESSAGE sip:c@x SIP/2.0", &text, buf_view(&line));
	EQ(mech_fourleg.verify(b->mech, theirs, &in), -EACCES);
	text.len = 0;
	in = message("MESSAGE sip:b@x SIP/2.0", &text, STR(""));
	EQ(mech_fourleg.verify(b->mech, theirs, &in), -EACCES);
	mech_fourleg.free(b->mech, &ours);
	mech_fourleg.free(b->mech, &theirs);
	end(b);
}

static void each_association_has_a_name_of_its_own(void)
{
	struct bench *b = start();
	struct auth_assoc *a = begin(b), *other = begin(b);
	char before[FOURLEG_HEX + 1];
	struct str id = mech_fourleg.id(b->mech, a);
	(void)snprintf(before, sizeof(before), "%.*s", (int)id.len, id.p);
	OK(!str_eq(id, mech_fourleg.id(b->mech, other)));
	EQ(sign_in(b, a, password).kind, AUTH_ACCEPT);
	EQ_STR(mech_fourleg.id(b->mech, a), before);
	mech_fourleg.free(b->mech, &a);
	mech_fourleg.free(b->mech, &other);
	end(b);
}

static void freeing_cancels_the_leg_under_way(void)
{
	struct bench *b = start();
	struct auth_assoc *a = begin(b), *other = begin(b);
	struct result r = { 0 }, o = { 0 };
	EQ(step(b, a, 1, "alice", &r), -EINPROGRESS);
	EQ(step(b, other, 1, "alice", &o), -EINPROGRESS);
	mech_fourleg.free(b->mech, &a);
	AWAIT(b->l, o.calls == 1);
	EQ(r.calls, 0);
	mech_fourleg.free(b->mech, &other);
	end(b);
}

static void lost_accounts_are_our_fault(void)
{
	struct bench *b = start();
	struct auth_assoc *a = begin(b);
	struct result r = { 0 };
	fake_accounts_die(&b->far);
	EQ(step(b, a, 1, "alice", &r), -EINPROGRESS);
	AWAIT(b->l, r.calls == 1);
	EQ(r.kind, AUTH_FAILED);
	mech_fourleg.free(b->mech, &a);
	end(b);
}

static void digest_has_nothing_to_sign_or_to_hand_over(void)
{
	OK(!mech_digest.signs && !mech_digest.sign && !mech_digest.verify && !mech_digest.id);
	EQ(mech_digest.export(NULL, NULL, NULL), -ENOTSUP);
}

int main(void)
{
	RUN(four_legs_lead_to_an_identity);
	RUN(wrong_password_fails_at_the_last_leg_and_begins_anew);
	RUN(leg_out_of_turn_is_refused_at_once);
	RUN(messages_are_signed_and_verified_once_each);
	RUN(each_association_has_a_name_of_its_own);
	RUN(freeing_cancels_the_leg_under_way);
	RUN(lost_accounts_are_our_fault);
	RUN(digest_has_nothing_to_sign_or_to_hand_over);
	return tap_done();
}
