#include "libsrtp.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <srtp2/srtp.h>

typedef srtp_err_status_t job_fn(srtp_t s, void *packet, int *len);
typedef srtp_err_status_t init_fn(void);
typedef srtp_err_status_t create_fn(srtp_t *ret, const srtp_policy_t *policy);
typedef srtp_err_status_t free_fn(srtp_t s);
typedef void suite_fn(srtp_crypto_policy_t *p);

struct libsrtp {
	srtp_t session;
	job_fn *jobs[4];
};

static void *library;

static const char *const job_names[] = {
	[LIBSRTP_PROTECT] = "srtp_protect",
	[LIBSRTP_PROTECT_RTCP] = "srtp_protect_rtcp",
	[LIBSRTP_UNPROTECT] = "srtp_unprotect",
	[LIBSRTP_UNPROTECT_RTCP] = "srtp_unprotect_rtcp",
};

/* A function of the library: ISO C has no conversion from dlsym()'s pointer. */
static void find(const char *name, void *ret)
{
	void *p = dlsym(library, name);
	if (!p)
		abort();
	memcpy(ret, &p, sizeof(p));
}

/* The library stays open: what it keeps for good would count as leaked. */
bool libsrtp_open(void)
{
	init_fn *init;
	library = dlopen("libsrtp2.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return false;
	find("srtp_init", &init);
	return init() == srtp_err_status_ok;
}

static void suites_set(srtp_policy_t *policy, bool short_tag)
{
	suite_fn *suite_80, *suite_32;
	find("srtp_crypto_policy_set_rtp_default", &suite_80);
	find("srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32", &suite_32);
	(short_tag ? suite_32 : suite_80)(&policy->rtp);
	suite_80(&policy->rtcp);
}

struct libsrtp *libsrtp_new(const uint8_t *key, bool short_tag, bool is_sender)
{
	unsigned char copy[SRTP_MASTER_KEY_LEN];
	srtp_policy_t policy = { .window_size = 128, .key = copy };
	create_fn *create;
	struct libsrtp *l = xnew(struct libsrtp);
	memcpy(copy, key, sizeof(copy));
	suites_set(&policy, short_tag);
	policy.ssrc.type = is_sender ? ssrc_any_outbound : ssrc_any_inbound;
	for (size_t i = 0; i < ARRAY_SIZE(job_names); i++)
		find(job_names[i], &l->jobs[i]);
	find("srtp_create", &create);
	if (create(&l->session, &policy) != srtp_err_status_ok)
		abort();
	return l;
}

void libsrtp_free(struct libsrtp **lp)
{
	struct libsrtp *l = take(lp);
	free_fn *dealloc;
	if (!l)
		return;
	find("srtp_dealloc", &dealloc);
	(void)dealloc(l->session);
	free(l);
}

int libsrtp_do(struct libsrtp *l, enum libsrtp_job job, uint8_t *packet, size_t *len)
{
	int n = (int)*len;
	srtp_err_status_t status = l->jobs[job](l->session, packet, &n);
	if (status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old)
		return -EALREADY;
	if (status != srtp_err_status_ok)
		return -EBADMSG;
	*len = (size_t)n;
	return 0;
}
