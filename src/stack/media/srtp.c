#include "stack/media/srtp.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "stack/media/srtp_inside.h"

enum {
	RTP_HEAD_LEN = 12,
	RTCP_HEAD_LEN = 8,  /* goes in clear: section 3.4 */
	PACKET_MAX = 65535, /* far below the 2^16 blocks of one key stream */
	RTCP_TAG_LEN = 10,  /* with either suite: RFC 4568 section 6.2.2 */
	RTCP_INDEX_LEN = 4, /* behind the packet, with its flag */
	SEQ_BITS = 16,
};
#define RTCP_ENCRYPTED ((uint32_t)1 << 31)
#define RTP_INDEX_MAX (SRTP_LIFE_RTP - 1)

static const struct {
	struct str name;
	size_t tag_len;
} suites[SRTP_N_SUITES] = {
	[SRTP_AES_CM_128_HMAC_SHA1_80] = { STR_INIT("AES_CM_128_HMAC_SHA1_80"), 10 },
	[SRTP_AES_CM_128_HMAC_SHA1_32] = { STR_INIT("AES_CM_128_HMAC_SHA1_32"), 4 },
};

int srtp_suite_of(struct str name, enum srtp_suite *ret)
{
	for (size_t i = 0; i < SRTP_N_SUITES; i++) {
		if (str_ieq(name, suites[i].name)) {
			*ret = (enum srtp_suite)i;
			return 0;
		}
	}
	return -ENOENT;
}

struct str srtp_suite_name(enum srtp_suite suite)
{
	return suites[suite].name;
}

struct srtp *srtp_new(enum srtp_suite suite, const uint8_t key[SRTP_KEY_LEN])
{
	struct srtp *s = xnew(struct srtp);
	s->tag_len = suites[suite].tag_len;
	if (srtp_keys_init(&s->rtp, key, 0) < 0 || srtp_keys_init(&s->rtcp, key, SRTCP_LABELS) < 0)
		srtp_free(&s);
	return s;
}

void srtp_free(struct srtp **sp)
{
	struct srtp *s = take(sp);
	if (!s)
		return;
	srtp_keys_done(&s->rtp);
	srtp_keys_done(&s->rtcp);
	free(s->sources);
	free(s);
}

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static void store32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

/* The source, or `blank` made for it, which source_keep() adds; NULL if there is no room. */
static struct srtp_source *source_of(struct srtp *s, uint32_t ssrc, struct srtp_source *blank)
{
	for (size_t i = 0; i < s->n_sources; i++) {
		if (s->sources[i].ssrc == ssrc)
			return &s->sources[i];
	}
	if (s->n_sources == SRTP_SOURCES_MAX)
		return NULL;
	*blank = (struct srtp_source){ .ssrc = ssrc };
	return blank;
}

static void source_keep(struct srtp *s, struct srtp_source *src)
{
	if (src->is_kept)
		return;
	src->is_kept = true;
	s->sources = xrealloc(s->sources, (s->n_sources + 1) * sizeof(*src));
	s->sources[s->n_sources++] = *src;
}

/* What goes in clear before the payload of an RTP packet: the header, the contributing sources and
 * an extension (RFC 3550 section 5.1).  0 if it is none. */
static size_t rtp_head_len(const uint8_t *p, size_t len)
{
	if (len < RTP_HEAD_LEN || len > PACKET_MAX || p[0] >> 6 != 2)
		return 0;
	size_t n = RTP_HEAD_LEN + 4 * (size_t)(p[0] & 0x0f);
	if (p[0] & 0x10) {
		if (len < n + 4)
			return 0;
		n += 4 + 4 * (size_t)load16(p + n + 2);
	}
	return n <= len ? n : 0;
}

static bool is_rtcp(const uint8_t *p, size_t len)
{
	return len >= RTCP_HEAD_LEN && len <= PACKET_MAX && p[0] >> 6 == 2;
}

/* The tag covers the roll-over counter, which does not travel: section 4.2. */
static void sign_rtp(struct srtp *s, const uint8_t *packet, size_t len, uint64_t index,
                     uint8_t *ret)
{
	uint8_t roc[4];
	store32(roc, (uint32_t)(index >> SEQ_BITS));
	srtp_keys_sign(&s->rtp, (struct bytes){ packet, len }, (struct bytes){ roc, sizeof(roc) },
	               ret, s->tag_len);
}

static void sign_rtcp(struct srtp *s, const uint8_t *packet, size_t len, uint8_t *ret)
{
	srtp_keys_sign(&s->rtcp, (struct bytes){ packet, len }, (struct bytes){ NULL, 0 }, ret,
	               RTCP_TAG_LEN);
}

int srtp_protect(struct srtp *s, uint8_t *packet, size_t *len)
{
	struct srtp_source blank;
	size_t head = rtp_head_len(packet, *len);
	if (head == 0)
		return -EBADMSG;
	struct srtp_source *src = source_of(s, load32(packet + 8), &blank);
	if (!src)
		return -ENOSPC;
	uint64_t index = srtp_window_index(&src->rtp, load16(packet + 2));
	if (index > RTP_INDEX_MAX || s->n_rtp >= SRTP_LIFE_RTP)
		return -EOVERFLOW;
	if (!srtp_window_is_fresh(&src->rtp, index))
		return -EALREADY;
	srtp_keys_crypt(&s->rtp, src->ssrc, index, packet + head, *len - head);
	sign_rtp(s, packet, *len, index, packet + *len);
	*len += s->tag_len;
	s->n_rtp++;
	srtp_window_mark(&src->rtp, index);
	source_keep(s, src);
	return 0;
}

int srtp_unprotect(struct srtp *s, uint8_t *packet, size_t *len)
{
	struct srtp_source blank;
	uint8_t tag[RTCP_TAG_LEN];
	size_t clear = *len - s->tag_len;
	size_t head = *len < s->tag_len ? 0 : rtp_head_len(packet, clear);
	if (head == 0)
		return -EBADMSG;
	struct srtp_source *src = source_of(s, load32(packet + 8), &blank);
	if (!src)
		return -ENOSPC;
	uint64_t index = srtp_window_index(&src->rtp, load16(packet + 2));
	if (!srtp_window_is_fresh(&src->rtp, index))
		return -EALREADY;
	sign_rtp(s, packet, clear, index, tag);
	if (index > RTP_INDEX_MAX || !same_secret(tag, packet + clear, s->tag_len))
		return -EBADMSG;
	srtp_keys_crypt(&s->rtp, src->ssrc, index, packet + head, clear - head);
	*len = clear;
	srtp_window_mark(&src->rtp, index);
	source_keep(s, src);
	return 0;
}

int srtp_protect_rtcp(struct srtp *s, uint8_t *packet, size_t *len)
{
	struct srtp_source blank;
	if (!is_rtcp(packet, *len))
		return -EBADMSG;
	struct srtp_source *src = source_of(s, load32(packet + 4), &blank);
	if (!src)
		return -ENOSPC;
	if (s->n_rtcp >= SRTP_LIFE_RTCP)
		return -EOVERFLOW;
	uint64_t index = srtp_window_next(&src->rtcp);
	srtp_keys_crypt(&s->rtcp, src->ssrc, index, packet + RTCP_HEAD_LEN, *len - RTCP_HEAD_LEN);
	store32(packet + *len, RTCP_ENCRYPTED | (uint32_t)index);
	*len += RTCP_INDEX_LEN;
	sign_rtcp(s, packet, *len, packet + *len);
	*len += RTCP_TAG_LEN;
	s->n_rtcp++;
	srtp_window_mark(&src->rtcp, index);
	source_keep(s, src);
	return 0;
}

/* A packet that goes in clear is refused: only UNENCRYPTED_SRTCP (RFC 4568 section 6.3.3), which
 * we never agree to, allows it. */
int srtp_unprotect_rtcp(struct srtp *s, uint8_t *packet, size_t *len)
{
	struct srtp_source blank;
	uint8_t tag[RTCP_TAG_LEN];
	size_t covered = *len - RTCP_TAG_LEN, clear = covered - RTCP_INDEX_LEN;
	if (*len < RTCP_TAG_LEN + RTCP_INDEX_LEN || !is_rtcp(packet, clear))
		return -EBADMSG;
	uint32_t word = load32(packet + clear);
	uint64_t index = word & ~RTCP_ENCRYPTED;
	struct srtp_source *src = source_of(s, load32(packet + 4), &blank);
	if (!src)
		return -ENOSPC;
	if (!srtp_window_is_fresh(&src->rtcp, index))
		return -EALREADY;
	sign_rtcp(s, packet, covered, tag);
	if (!(word & RTCP_ENCRYPTED) || !same_secret(tag, packet + covered, RTCP_TAG_LEN))
		return -EBADMSG;
	srtp_keys_crypt(&s->rtcp, src->ssrc, index, packet + RTCP_HEAD_LEN, clear - RTCP_HEAD_LEN);
	*len = clear;
	srtp_window_mark(&src->rtcp, index);
	source_keep(s, src);
	return 0;
}
