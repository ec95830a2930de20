#include <string.h>

#include "ice.h"

enum {
	PACKETS_MAX = 100000,
	PACKET_MIN = 4, /* its number */
	PACKET_MAX = 1400,
	CHUNK = 4096,  /* bytes of a stream at a time */
	TELL_MS = 100, /* between two events "received" */
};

struct traffic {
	struct ice *ice;
	gboolean is_stream;
	unsigned packets, size;           /* to send, and to receive */
	guint64 sent;                     /* packets; in a stream: bytes */
	guint64 received, told;           /* the same */
	guint64 wrong, twice;             /* packets that nobody sent, or not so; that came again */
	guint8 seen[PACKETS_MAX / 8 + 1]; /* a bit for each number */
	guint sender, teller;             /* sources; 0: none */
};

/* What byte `at` of a stream is, and byte `at` of the packet of a number. */
static char stream_byte(guint64 at)
{
	return (char)(at * 31 + (at >> 8));
}

static char packet_byte(unsigned number, unsigned at)
{
	return (char)(at < PACKET_MIN ? number >> (24 - 8 * at) : number * 7 + at);
}

static guint64 wanted(const struct traffic *t)
{
	return t->is_stream ? (guint64)t->packets * t->size : t->packets;
}

/* --- out --------------------------------------------------------------------------------- */

static int send_bytes(struct traffic *t, const char *data, unsigned len)
{
	return nice_agent_send(t->ice->agent, t->ice->stream, COMPONENT, len, data);
}

static gboolean send_packet(gpointer arg)
{
	struct traffic *t = arg;
	char data[PACKET_MAX];
	for (unsigned i = 0; i < t->size; i++)
		data[i] = packet_byte((unsigned)t->sent, i);
	if (send_bytes(t, data, t->size) == (int)t->size)
		t->sent++;
	if (t->sent < t->packets)
		return G_SOURCE_CONTINUE;
	t->sender = 0;
	return G_SOURCE_REMOVE;
}

void traffic_go_on(struct traffic *t)
{
	char data[CHUNK];
	while (t->is_stream && t->ice->ready && t->sent < wanted(t)) {
		unsigned len = (unsigned)MIN(sizeof(data), wanted(t) - t->sent);
		for (unsigned i = 0; i < len; i++)
			data[i] = stream_byte(t->sent + i);
		int n = send_bytes(t, data, len);
		if (n <= 0)
			return; /* until it is writable again */
		t->sent += (unsigned)n;
	}
}

void traffic_send(struct traffic *t, unsigned packets, unsigned size, unsigned gap_ms)
{
	t->packets = MIN(packets, (unsigned)PACKETS_MAX);
	t->size = CLAMP(size, (unsigned)PACKET_MIN, (unsigned)PACKET_MAX);
	if (t->is_stream)
		traffic_go_on(t);
	else if (t->packets > 0 && !t->sender)
		t->sender = g_timeout_add(gap_ms, send_packet, t);
}

/* --- in ---------------------------------------------------------------------------------- */

static gboolean tell(gpointer arg)
{
	struct traffic *t = arg;
	if (t->received + t->wrong + t->twice == t->told)
		return G_SOURCE_CONTINUE;
	t->told = t->received + t->wrong + t->twice;
	cJSON *ev = cJSON_CreateObject();
	cJSON_AddNumberToObject(ev, "received", (double)t->received);
	cJSON_AddNumberToObject(ev, "wrong", (double)t->wrong);
	cJSON_AddNumberToObject(ev, "twice", (double)t->twice);
	cJSON_AddNumberToObject(ev, "sent", (double)t->sent);
	event_send("received", ev);
	return G_SOURCE_CONTINUE;
}

static void receive_packet(struct traffic *t, const char *data, size_t len)
{
	guint8 bit;
	unsigned number = 0;
	for (unsigned i = 0; i < PACKET_MIN && i < len; i++)
		number = number << 8 | (guint8)data[i];
	gboolean right = len >= PACKET_MIN && number < PACKETS_MAX;
	for (unsigned i = 0; right && i < len; i++)
		right = data[i] == packet_byte(number, i);
	if (!right) {
		t->wrong++;
		return;
	}
	bit = (guint8)(1 << number % 8);
	if (t->seen[number / 8] & bit)
		t->twice++;
	else
		t->received++;
	t->seen[number / 8] |= bit;
}

/* In its mode OC2007R2 libnice sends each check a second time, with Microsoft's table for the CRC
 * of FINGERPRINT, and takes one that comes for data. */
static gboolean is_check(const char *data, size_t len)
{
	static const char head[] = { 0, 1 }, cookie[] = { 0x21, 0x12, (char)0xa4, 0x42 };
	return len >= 20 && memcmp(data, head, sizeof(head)) == 0 &&
	       memcmp(data + 4, cookie, sizeof(cookie)) == 0;
}

void traffic_receive(struct traffic *t, const char *data, size_t len)
{
	if (is_check(data, len))
		return;
	if (!t->is_stream) {
		receive_packet(t, data, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		if (t->wrong == 0 && data[i] == stream_byte(t->received))
			t->received++;
		else
			t->wrong++;
}

gboolean traffic_is_done(const struct traffic *t)
{
	return t->packets > 0 && t->sent == wanted(t) && t->received == wanted(t) &&
	       t->wrong == 0 && t->twice == 0;
}

struct traffic *traffic_new(struct ice *i, gboolean is_stream)
{
	struct traffic *t = g_new0(struct traffic, 1);
	t->ice = i;
	t->is_stream = is_stream;
	t->teller = g_timeout_add(TELL_MS, tell, t);
	return t;
}

void traffic_free(struct traffic **tp)
{
	struct traffic *t = *tp;
	*tp = NULL;
	if (!t)
		return;
	if (t->sender)
		g_source_remove(t->sender);
	g_source_remove(t->teller);
	g_free(t);
}
