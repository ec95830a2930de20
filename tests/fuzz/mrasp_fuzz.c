#include <assert.h>

#include "wire/mrasp/mrasp.h"

/* Who asks reads what is granted. */
static void read_back(struct arena *a, struct str response, const struct mrasp_granted *granted,
                      const struct mrasp_relay *relay)
{
	struct mrasp_answer m;
	assert(mrasp_parse_response(&m, a, response) == 0);
	assert(str_eq(m.granted.user, granted->user) && m.granted.duration == granted->duration);
	assert(str_eq(m.relay.host, relay->host) && m.relay.udp == relay->udp);
}

/* What was asked is asked again in our words. */
static void ask_again(struct arena *a, const struct mrasp_request *m)
{
	struct mrasp_request again;
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	mrasp_put_request(&b, m);
	assert(!b.full && mrasp_parse(&again, a, buf_view(&b)) == 0);
	assert(again.n_wanted == 1 && again.wanted[0].location == m->wanted[0].location);
	assert(again.wanted[0].duration == m->wanted[0].duration);
}

/* What was read can be answered, and the answer is one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mrasp_request m;
	struct mrasp_granted granted[MRASP_WANTED_MAX];
	static const struct mrasp_relay relay = { .host = STR_INIT("a.e.test"), .udp = 3478 };
	struct mrasp_answer answer;
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	struct str in = str_n((const char *)data, size);
	if (mrasp_parse_response(&answer, a, in) == 0)
		assert(answer.granted.user.len > 0 && answer.relay.host.len > 0);
	if (mrasp_parse(&m, a, in) < 0)
		return 0;
	assert(m.n_wanted > 0 && m.n_wanted <= MRASP_WANTED_MAX);
	for (size_t i = 0; i < m.n_wanted; i++) {
		assert(m.wanted[i].duration >= MRASP_DURATION_MIN);
		assert(m.wanted[i].duration <= MRASP_DURATION_MAX);
		granted[i] =
		        (struct mrasp_granted){ STR("dQ=="), STR("cA=="), m.wanted[i].duration };
	}
	mrasp_put(&b, &(struct mrasp_response){
	                      .to = &m, .granted = granted, .relays = &relay, .n_relays = 1 });
	assert(!b.full);
	read_back(a, buf_view(&b), &granted[0], &relay);
	ask_again(a, &m);
	return 0;
}
