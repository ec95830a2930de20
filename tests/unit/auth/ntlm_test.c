#include "auth/ntlm.h"

#include <time.h>

#include "auth/password.h"
#include "base/code.h"
#include "data.h"
#include "wire/sip/sign.h"

/* [MS-NLMP] section 4.2.4: user "User" of "Domain", password "Password". */
static const char published[] = "4e544c4d535350000300000018001800"
                                "6c00000054005400840000000c000c00"
                                "48000000080008005400000010001000"
                                "5c00000010001000d8000000358288e2"
                                "0501280a0000000f44006f006d006100"
                                "69006e00550073006500720043004f00"
                                "4d005000550054004500520086c35097"
                                "ac9cec102554764a57cccc19aaaaaaaa"
                                "aaaaaaaa68cd0ab851e51c96aabc927b"
                                "ebef6a1c010100000000000000000000"
                                "00000000aaaaaaaaaaaaaaaa00000000"
                                "02000c0044006f006d00610069006e00"
                                "01000c00530065007200760065007200"
                                "0000000000000000c5dad2544fc97990"
                                "94ce1ce90bc9d03e";
static const uint8_t challenge[] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
static const char session_key[] = "0eae92aedcccf7a0a1b4832fd33abb7d"; /* of the capture */

enum { PUBLISHED_LEN = sizeof(published) / 2 };

static bool is(const void *p, size_t n, const char *want)
{
	auto_(buf_free) struct buf hex = buf_of(1000);
	hex_put(&hex, p, n);
	return str_eq(buf_view(&hex), str_of(want));
}

static bool proves(uint8_t ret_key[16], struct bytes msg, const char *password)
{
	struct ntlm_auth a;
	uint8_t nt[16];
	EQ(password_nt_hash(nt, str_of(password)), 0);
	EQ(ntlm_get_auth(&a, msg), 0);
	return ntlm_proves(ret_key, &a, challenge, nt);
}

static void vectors_of_the_specification(void)
{
	uint8_t msg[PUBLISHED_LEN], key[16] = { 0 };
	struct ntlm_subkeys sub;
	EQ(hex_get(str_of(published), msg, sizeof(msg)), 0);
	OK(proves(key, (struct bytes){ msg, sizeof(msg) }, "Password"));
	OK(is(key, sizeof(key), "55555555555555555555555555555555"));
	ntlm_subkeys_derive(&sub, key, 0xe28a8233, NTLM_CLIENT);
	OK(is(sub.sign, sizeof(sub.sign), "4788dc861b4782f35d43fd98fe1a2d39"));
	OK(is(sub.seal, sizeof(sub.seal), "59f600973cc4960a25480a7c196e4c58"));
}

static void without_key_exchange_the_base_key_is_the_session_key(void)
{
	uint8_t msg[PUBLISHED_LEN], key[16] = { 0 };
	EQ(hex_get(str_of(published), msg, sizeof(msg)), 0);
	msg[63] &= 0xbf;
	OK(proves(key, (struct bytes){ msg, sizeof(msg) }, "Password"));
	OK(is(key, sizeof(key), "8de40ccadbc14a82f15cb0ad0de95ca3"));
}

static void everything_hashed_must_be_right(void)
{
	static const size_t ats[] = { 0x48, 0x54, 0x84, 0x93, 0x94, 0xb0, 0xd7 };
	uint8_t msg[PUBLISHED_LEN], key[16] = { 0 };
	struct bytes in = { msg, sizeof(msg) };
	EQ(hex_get(str_of(published), msg, sizeof(msg)), 0);
	OK(!proves(key, in, "password"));
	for (size_t i = 0; i < ARRAY_SIZE(ats); i++) {
		msg[ats[i]] ^= 1;
		OK(!proves(key, in, "Password"));
		msg[ats[i]] ^= 1;
	}
	OK(is(key, sizeof(key), "00000000000000000000000000000000"));
	/* The user's case does not matter, the domain's does. */
	msg[0x54] ^= 0x20;
	OK(proves(key, in, "Password"));
	msg[0x48] ^= 0x20;
	OK(!proves(key, in, "Password"));
}

static void older_and_cut_responses_prove_nothing(void)
{
	uint8_t msg[PUBLISHED_LEN], key[16];
	struct bytes in = { msg, sizeof(msg) };
	EQ(hex_get(str_of(published), msg, sizeof(msg)), 0);
	/* The LMv2 response, which is right, in the place of the other. */
	memcpy(msg + 20, msg + 12, 8);
	OK(!proves(key, in, "Password"));
	msg[20] = 16;
	OK(!proves(key, in, "Password"));
	msg[20] = 0;
	OK(!proves(key, in, "Password"));
	EQ(hex_get(str_of(published), msg, sizeof(msg)), 0);
	msg[52] = 15; /* the session key */
	OK(!proves(key, in, "Password"));
}

/* --- signatures ---------------------------------------------------------------------- */

static void read_message(struct buf *file, struct sip_msg *m, struct sip_sign *s, const char *name)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "lync/ntlm/%s.sip", name);
	data_read(file, path);
	EQ(sip_parse(m, buf_view(file)), 0);
	EQ(sip_sign_parse(s, sip_value(m, SIP_H_AUTHORIZATION)), 0);
}

static bool is_signed(const struct ntlm_signer *signer, const struct sip_msg *m,
                      const struct sip_sign *s)
{
	auto_(buf_free) struct buf text = buf_of(SIP_SIGN_TEXT_MAX);
	uint8_t mic[NTLM_MIC_LEN], got[NTLM_MIC_LEN];
	sip_put_sign_text(&text, m, s);
	ntlm_mic(signer, mic, buf_view(&text));
	return hex_get(s->mic, got, sizeof(got)) == 0 && memcmp(mic, got, sizeof(mic)) == 0;
}

static void sign_in_of_a_client_is_replayed(void)
{
	static const char *const names[] = { "register-authenticate", "subscribe-contacts",
		                             "subscribe-provisioning", "subscribe-self",
		                             "register-off" };
	auto_(buf_free) struct buf first = buf_of(DATA_FILE_MAX), data = buf_of(1000);
	struct sip_msg m;
	struct sip_sign s;
	struct ntlm_auth a;
	struct ntlm_signer client;
	uint8_t key[16] = { 0 };
	read_message(&first, &m, &s, names[0]);
	EQ(base64_get(s.gssapi_data, &data), 0);
	OK(proves(key, bytes_of(buf_view(&data)), "Passw0rd!"));
	OK(is(key, sizeof(key), session_key));
	EQ(ntlm_get_auth(&a, bytes_of(buf_view(&data))), 0);
	ntlm_signer_init(&client, key, a.flags, NTLM_CLIENT);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_(buf_free) struct buf file = buf_of(DATA_FILE_MAX);
		read_message(&file, &m, &s, names[i]);
		OK(is_signed(&client, &m, &s));
	}
}

static const char response_text[] =
        "<NTLM><5F3A10BC><1><SIP Communications Service><pool.contoso.com>"
        "<486DgD28Aa56FEiA8D3mBE61t1BB9b461Ex9D74x><3><REGISTER><sip:alice@contoso.com>"
        "<6352713249><sip:alice@contoso.com><CBF48BB09F0B><><><7200><200>";

/* Made by another program after the specification: 128, 56 and 40 bits, and without RC4. */
static void server_signs_with_keys_of_each_length(void)
{
	static const struct {
		uint32_t flags;
		const char *mic;
	} cases[] = {
		{ 0xe2988255, "01000000c44ce7b46386609e64000000" },
		{ 0xc2988255, "0100000084d50179a9b268af64000000" },
		{ 0x42988255, "01000000f99212f87265c9aa64000000" },
		{ 0xa2988255, "01000000b7df5e14b657bb7464000000" },
	};
	uint8_t key[16], mic[NTLM_MIC_LEN];
	EQ(hex_get(str_of(session_key), key, sizeof(key)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ntlm_signer s;
		ntlm_signer_init(&s, key, cases[i].flags, NTLM_SERVER);
		ntlm_mic(&s, mic, str_of(response_text));
		OK(is(mic, sizeof(mic), cases[i].mic));
		ntlm_mic(&s, mic, str_of(response_text));
		OK(is(mic, sizeof(mic), cases[i].mic));
	}
}

/* Says what a signature costs; no bound, for machines differ. */
static void cost_of_a_signature_is_told(void)
{
	enum { N = 100000 };
	struct timespec start, end;
	struct ntlm_signer s;
	uint8_t key[16] = { 1 }, mic[NTLM_MIC_LEN] = { 0 };
	unsigned other = 0;
	ntlm_signer_init(&s, key, NTLM_OFFERED, NTLM_SERVER);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (unsigned i = 0; i < N; i++) {
		ntlm_mic(&s, mic, str_of(response_text));
		other += mic[0] != 1;
	}
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	EQ(other, 0);
	double us = (double)(end.tv_sec - start.tv_sec) * 1e6 +
	            (double)(end.tv_nsec - start.tv_nsec) / 1e3;
	printf("# %.2f us for a text of %zu bytes\n", us / (double)N, strlen(response_text));
}

int main(void)
{
	RUN(vectors_of_the_specification);
	RUN(without_key_exchange_the_base_key_is_the_session_key);
	RUN(everything_hashed_must_be_right);
	RUN(older_and_cut_responses_prove_nothing);
	RUN(sign_in_of_a_client_is_replayed);
	RUN(server_signs_with_keys_of_each_length);
	RUN(cost_of_a_signature_is_told);
	return tap_done();
}
