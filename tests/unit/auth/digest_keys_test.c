#include "auth/digest_keys.h"

#include "tap.h"

static struct digest_creds creds = { .alg = DIGEST_MD5,
	                             .nonce = STR_INIT("n"),
	                             .uri = STR_INIT("sip:example.test") };

/* Answers with the key made of `seed`. */
static bool find(struct digest_keys *k, const char *user, const char *domain, uint8_t seed,
                 struct digest_key *ret)
{
	struct digest_name name;
	char ha2[DIGEST_HEX_MAX], hex[DIGEST_HEX_MAX];
	uint8_t ha1[DIGEST_HA1_MAX] = { seed };
	size_t n;
	digest_response(hex, &n, &creds, STR("REGISTER"), ha1, STR(""));
	creds.response = str_n(hex, n);
	digest_ha2(ha2, &creds, STR("REGISTER"), STR(""));
	digest_name_set(&name, str_of(user), str_of(domain));
	return digest_keys_find(k, &name, &creds, ha2, ret);
}

static void put(struct digest_keys *k, const char *user, uint64_t account, uint64_t cred,
                uint8_t seed, const char *uri)
{
	struct digest_name name;
	uint8_t ha1[DIGEST_HA1_MAX] = { seed };
	digest_name_set(&name, str_of(user), STR("example.test"));
	digest_keys_put(
	        k, &name,
	        &(struct digest_key){
	                .account = account, .credential = cred, .ha1 = ha1, .uri = str_of(uri) });
}

static void each_device_has_its_key(void)
{
	struct digest_keys k;
	struct digest_key key = { 0 };
	digest_keys_init(&k);
	put(&k, "alice", 1, 10, 1, "alice@example.test");
	put(&k, "alice", 1, 11, 2, "alice@example.test");
	OK(find(&k, "alice", "example.test", 2, &key));
	EQ(key.account, 1);
	EQ(key.credential, 11);
	EQ_STR(key.uri, "alice@example.test");
	OK(find(&k, "alice", "example.test", 1, &key));
	EQ(key.credential, 10);
	OK(!find(&k, "alice", "example.test", 3, &key));
	OK(!find(&k, "alice", "example.org", 1, &key));
	digest_keys_done(&k);
}

/* The user name is hashed as the client writes it: these have different keys. */
static void name_with_domain_is_another_name(void)
{
	struct digest_keys k;
	struct digest_key key;
	digest_keys_init(&k);
	put(&k, "alice@example.test", 1, 10, 1, "alice@example.test");
	OK(find(&k, "alice@example.test", "anything", 1, &key));
	OK(!find(&k, "alice", "example.test", 1, &key));
	digest_keys_done(&k);
}

static void uri_that_differs_from_the_name_is_kept(void)
{
	struct digest_keys k;
	struct digest_key key = { 0 };
	digest_keys_init(&k);
	put(&k, "alice", 1, 10, 1, "alice@example.org");
	OK(find(&k, "alice", "example.test", 1, &key));
	EQ_STR(key.uri, "alice@example.org");
	digest_keys_done(&k);
}

static void events_forget_one_credential_or_all(void)
{
	struct digest_keys k;
	struct digest_key key;
	digest_keys_init(&k);
	put(&k, "alice", 1, 10, 1, "alice@example.test");
	put(&k, "alice", 1, 11, 2, "alice@example.test");
	put(&k, "bob", 2, 12, 3, "bob@example.test");
	digest_keys_forget(&k, 1, 10);
	OK(!find(&k, "alice", "example.test", 1, &key));
	OK(find(&k, "alice", "example.test", 2, &key));
	digest_keys_forget(&k, 1, 0);
	OK(!find(&k, "alice", "example.test", 2, &key));
	OK(find(&k, "bob", "example.test", 3, &key));
	digest_keys_forget(&k, 0, 0);
	EQ(k.map.n, 0);
	digest_keys_done(&k);
}

static void same_credential_is_kept_once(void)
{
	struct digest_keys k;
	digest_keys_init(&k);
	put(&k, "alice", 1, 10, 1, "alice@example.test");
	put(&k, "alice", 1, 10, 1, "alice@example.test");
	EQ(k.map.n, 1);
	digest_keys_done(&k);
}

static void table_is_bounded(void)
{
	struct digest_keys k;
	struct digest_key key;
	char user[16];
	digest_keys_init(&k);
	for (int i = 0; i < DIGEST_KEYS_MAX + 1000; i++) {
		(void)snprintf(user, sizeof(user), "u%d", i);
		put(&k, user, 1, 10, 1, "");
	}
	EQ(k.map.n, DIGEST_KEYS_MAX);
	OK(find(&k, user, "example.test", 1, &key));
	digest_keys_done(&k);
}

int main(void)
{
	RUN(each_device_has_its_key);
	RUN(name_with_domain_is_another_name);
	RUN(uri_that_differs_from_the_name_is_kept);
	RUN(events_forget_one_credential_or_all);
	RUN(same_credential_is_kept_once);
	RUN(table_is_bounded);
	return tap_done();
}
