#include "auth/fourleg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rd.h"
#include "wire/sip/uri.h"

enum { LEGS = 4, DATA_MAX = 128, EXPORT_VERSION = 1 };

struct fourleg {
	struct accounts *accounts;
	struct buf challenge;
	unsigned n_begun;
};

struct auth_assoc {
	struct fourleg *mech;
	struct accounts_req *req;
	auth_done_fn *done;
	void *arg;
	struct addr peer;
	unsigned leg; /* the last one that went well */
	uint64_t session, key, account, credential;
	uint32_t sent, seen; /* serials */
	char user[DATA_MAX], id[FOURLEG_HEX + 1];
};

/* --- keyed hashes ------------------------------------------------------------- */

static uint64_t hash_of(uint64_t k0, struct str a, struct str b)
{
	struct hash_key key = { k0, hash_bytes(&(struct hash_key){ 1, 2 }, a.p, a.len) };
	return hash_bytes(&key, b.p, b.len);
}

uint64_t fourleg_key(struct str password, struct str challenge)
{
	return hash_of(1, password, challenge);
}

void fourleg_proof(char ret[FOURLEG_HEX + 1], struct str password, struct str challenge)
{
	(void)snprintf(ret, FOURLEG_HEX + 1, "%016" PRIx64, hash_of(2, password, challenge));
}

void fourleg_signature(char ret[FOURLEG_HEX + 1], uint64_t key, uint32_t serial, struct str start)
{
	struct str s = { (const char *)&serial, sizeof(serial) };
	(void)snprintf(ret, FOURLEG_HEX + 1, "%016" PRIx64, hash_of(key, s, start));
}

/* --- legs --------------------------------------------------------------------- */

static void end_leg(struct auth_assoc *a, const struct auth_result *r)
{
	auth_done_fn *done = a->done;
	a->done = NULL;
	if (r->kind != AUTH_ACCEPT && r->kind != AUTH_CHALLENGE)
		a->leg = 0;
	done(a->arg, r);
}

static void put_challenge(struct auth_assoc *a, struct buf *b, struct bytes data)
{
	buf_printf(b, "Fake leg=\"%u\", data=\"", a->leg);
	buf_str(b, str_from_bytes(data));
	buf_char(b, '"');
}

static void accepted(struct auth_assoc *a, const struct accounts_auth *v)
{
	struct rd r = rd_of(v->key);
	a->key = rd_u64(&r);
	a->account = v->account;
	a->credential = v->credential;
	end_leg(a,
	        &(struct auth_result){ .kind = r.bad || a->leg != LEGS ? AUTH_FAILED : AUTH_ACCEPT,
	                               .account = v->account,
	                               .credential = v->credential,
	                               .uri = v->uri,
	                               .why = "four legs" });
}

static void on_verdict(void *arg, const struct accounts_auth *v)
{
	struct auth_assoc *a = arg;
	a->req = NULL;
	switch (v->verdict) {
	case ACCOUNTS_ACCEPT:
		accepted(a, v);
		break;
	case ACCOUNTS_CONTINUE:
		a->session = v->session;
		a->mech->challenge.len = 0;
		put_challenge(a, &a->mech->challenge, v->blob);
		end_leg(a, &(struct auth_result){ .kind = AUTH_CHALLENGE,
		                                  .challenge = buf_view(&a->mech->challenge),
		                                  .why = "next leg" });
		break;
	case ACCOUNTS_SLOW:
		end_leg(a, &(struct auth_result){
		                   .kind = AUTH_SLOW, .retry_s = v->retry_s, .why = "too many" });
		break;
	case ACCOUNTS_REFUSE:
		end_leg(a, &(struct auth_result){ .kind = AUTH_REFUSE, .why = "wrong" });
		break;
	case ACCOUNTS_FAILED:
		end_leg(a, &(struct auth_result){ .kind = AUTH_FAILED, .why = "no accounts" });
		break;
	}
}

static bool read_creds(struct str creds, uint32_t *ret_leg, struct str *ret_data)
{
	struct sip_auth auth;
	struct str leg;
	return sip_auth_parse(&auth, creds) == 0 && str_ieq(auth.scheme, STR("Fake")) &&
	       sip_auth_param(&auth, STR("leg"), &leg) && str_to_u32(leg, LEGS, ret_leg) == 0 &&
	       sip_auth_param(&auth, STR("data"), ret_data) && ret_data->len < DATA_MAX;
}

static int mech_step(void *mech, struct auth_assoc *a, const struct sip_msg *req UNUSED,
                     struct str creds, usec_t now UNUSED, auth_done_fn *done, void *arg)
{
	struct fourleg *f = mech;
	uint32_t leg = 0;
	struct str data = { NULL, 0 };
	if (a->done || !read_creds(creds, &leg, &data) || leg != a->leg + 1) {
		done(arg,
		     &(struct auth_result){ .kind = AUTH_REFUSE, .why = "not this leg's turn" });
		return 0;
	}
	if (leg == 1) {
		(void)snprintf(a->user, sizeof(a->user), "%.*s", (int)data.len, data.p);
		a->session = 0;
	}
	a->leg = leg;
	a->done = done;
	a->arg = arg;
	struct accounts_leg ask = { .mech = ACCOUNTS_FAKE_FOURLEG,
		                    .session = a->session,
		                    .user = str_of(a->user),
		                    .blob = bytes_of(data),
		                    .peer = &a->peer };
	a->req = accounts_auth(f->accounts, &ask, on_verdict, a);
	return -EINPROGRESS;
}

static void mech_offer(void *mech UNUSED, struct auth_assoc *a, struct buf *b, bool stale UNUSED,
                       usec_t now UNUSED)
{
	a->leg = 0;
	put_challenge(a, b, (struct bytes){ NULL, 0 });
}

/* --- messages ----------------------------------------------------------------- */

static int mech_sign(void *mech UNUSED, struct auth_assoc *a, const struct sip_msg *m,
                     struct buf *line)
{
	char hex[FOURLEG_HEX + 1];
	if (a->leg != LEGS)
		return -EACCES;
	fourleg_signature(hex, a->key, ++a->sent, m->start);
	buf_printf(line, "Fake-Signature: %u %s\r\n", a->sent, hex);
	return 0;
}

static int mech_verify(void *mech UNUSED, struct auth_assoc *a, const struct sip_msg *m)
{
	char hex[FOURLEG_HEX + 1];
	uint32_t serial;
	struct str number, sum;
	if (a->leg != LEGS ||
	    !str_cut(sip_value_named(m, STR("Fake-Signature")), ' ', &number, &sum) ||
	    str_to_u32(number, UINT32_MAX, &serial) < 0 || serial <= a->seen)
		return -EACCES;
	fourleg_signature(hex, a->key, serial, m->start);
	if (sum.len != FOURLEG_HEX || !same_secret(sum.p, hex, FOURLEG_HEX))
		return -EACCES;
	a->seen = serial;
	return 0;
}

static int mech_export(void *mech UNUSED, struct auth_assoc *a, struct buf *b)
{
	if (a->leg != LEGS)
		return -ENOTSUP;
	buf_u8(b, EXPORT_VERSION);
	buf_u64(b, a->key);
	buf_u64(b, a->account);
	buf_u32(b, a->sent);
	buf_u32(b, a->seen);
	return 0;
}

/* --- life --------------------------------------------------------------------- */

static struct auth_assoc *mech_begin(void *mech, const struct addr *peer)
{
	struct auth_assoc *a = xnew(struct auth_assoc);
	a->mech = mech;
	(void)snprintf(a->id, sizeof(a->id), "%016x", ++a->mech->n_begun);
	a->peer = *peer;
	return a;
}

static struct str mech_id(void *mech UNUSED, const struct auth_assoc *a)
{
	return str_of(a->id);
}

struct auth_assoc *fourleg_import(struct fourleg *f, struct bytes exported)
{
	struct rd r = rd_of(exported);
	struct auth_assoc *a = mech_begin(f, &(struct addr){ .sa = { .sa_family = AF_UNSPEC } });
	uint8_t version = rd_u8(&r);
	a->key = rd_u64(&r);
	a->account = rd_u64(&r);
	a->sent = rd_u32(&r);
	a->seen = rd_u32(&r);
	a->leg = r.bad || version != EXPORT_VERSION ? 0 : LEGS;
	return a;
}

static void mech_free(void *mech UNUSED, struct auth_assoc **ap)
{
	struct auth_assoc *a = take(ap);
	if (!a)
		return;
	accounts_req_free(&a->req);
	free(a);
}

const struct auth_mech mech_fourleg = {
	.scheme = "Fake",
	.signs = true,
	.begin = mech_begin,
	.id = mech_id,
	.offer = mech_offer,
	.step = mech_step,
	.verify = mech_verify,
	.sign = mech_sign,
	.export = mech_export,
	.free = mech_free,
};

struct fourleg *fourleg_new(struct accounts *accounts)
{
	struct fourleg *f = xnew(struct fourleg);
	f->accounts = accounts;
	f->challenge = buf_of(1024);
	return f;
}

void fourleg_free(struct fourleg **fp)
{
	struct fourleg *f = take(fp);
	if (!f)
		return;
	buf_free(&f->challenge);
	free(f);
}
