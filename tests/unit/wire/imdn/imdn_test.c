#include "wire/imdn/imdn.h"

#include <errno.h>

#include "base/isotime.h"
#include "data.h"
#include "sample.h"
#include "tap.h"

static struct arena *arena;

static struct imdn read(struct str text)
{
	struct imdn i = { 0 };
	arena_free(&arena);
	arena = arena_new();
	EQ(imdn_parse(&i, arena, text), 0);
	return i;
}

static void notification_of_delivery_is_read_and_written(void)
{
	auto_(buf_free) struct buf in, b = buf_of(4096), want = buf_of(4096);
	usec_t date = 0;
	struct imdn i = read(sample(&in, "imdn/delivered"));
	EQ(isotime_parse(&date, STR("2026-01-02T03:04:05Z")), 0);
	EQ_STR(i.message_id, "34jk324j");
	EQ(i.date, date);
	EQ_STR(i.recipient, "im:alice@example.test");
	EQ_STR(i.original_recipient, "im:a@example.test");
	EQ_STR(i.subject, "Guten Tag");
	EQ(i.kind, IMDN_DELIVERY);
	EQ(i.status, IMDN_DELIVERED);
	imdn_put(&b, &i);
	data_read(&want, "simple/imdn.xml");
	buf_char(&want, '\0');
	EQ_STR(buf_view(&b), want.p);
}

static void notification_of_display_is_read(void)
{
	auto_(buf_free) struct buf in;
	struct imdn i = read(sample(&in, "imdn/displayed"));
	EQ(i.kind, IMDN_DISPLAY);
	EQ(i.status, IMDN_DISPLAYED);
	EQ(i.date, 0);
	EQ_STR(i.recipient, "");
}

static void each_kind_has_its_statuses(void)
{
	static const struct {
		enum imdn_kind kind;
		enum imdn_status status;
	} good[] = {
		{ IMDN_DELIVERY, IMDN_DELIVERED },   { IMDN_DELIVERY, IMDN_FAILED },
		{ IMDN_DELIVERY, IMDN_FORBIDDEN },   { IMDN_DELIVERY, IMDN_ERROR },
		{ IMDN_PROCESSING, IMDN_PROCESSED }, { IMDN_PROCESSING, IMDN_STORED },
		{ IMDN_DISPLAY, IMDN_DISPLAYED },    { IMDN_DISPLAY, IMDN_FORBIDDEN },
	};
	for (size_t k = 0; k < ARRAY_SIZE(good); k++) {
		struct imdn i = { .message_id = STR("1"),
			          .kind = good[k].kind,
			          .status = good[k].status };
		auto_(buf_free) struct buf b = buf_of(4096);
		imdn_put(&b, &i);
		struct imdn again = read(buf_view(&b));
		EQ(again.kind, good[k].kind);
		EQ(again.status, good[k].status);
	}
}

static int refused(struct str text)
{
	struct imdn i;
	auto_(arena_free) struct arena *a = arena_new();
	return imdn_parse(&i, a, text);
}

static int refused_ms(struct str text)
{
	struct imdn_ms i;
	auto_(arena_free) struct arena *a = arena_new();
	return imdn_ms_parse(&i, a, text);
}

static void other_documents_are_refused(void)
{
#define ID "<message-id>1</message-id>"
	EQ(refused(STR("")), -EBADMSG);
	EQ(refused(STR("<x>" ID "</x>")), -EBADMSG);
	EQ(refused(STR("<imdn>" ID "</imdn>")), -EBADMSG);
	EQ(refused(STR("<imdn><message-id> </message-id></imdn>")), -EBADMSG);
	EQ(refused(STR("<imdn>" ID "<delivery-notification><status><displayed/></status>"
	               "</delivery-notification></imdn>")),
	   -EBADMSG);
	EQ(refused_ms(STR("<imdn>" ID "<recipient><status>1</status></recipient></imdn>")),
	   -EBADMSG);
	EQ(refused_ms(STR("<imdn>" ID "<recipient uri='sip:a@b'/></imdn>")), -EBADMSG);
	EQ(refused_ms(STR("<imdn>" ID "<recipient uri='<'><status>1</status></recipient></imdn>")),
	   -EBADMSG);
	EQ(refused_ms(
	           STR("<imdn>" ID "<recipient uri='a'><status>700</status></recipient></imdn>")),
	   -EBADMSG);
	EQ(refused_ms(STR("<imdn>" ID "</imdn>")), 0);
}

static void form_of_lync_is_read_and_written(void)
{
	auto_(buf_free) struct buf in, b = buf_of(4096);
	auto_(arena_free) struct arena *a = arena_new();
	struct imdn_ms i = { 0 };
	EQ(imdn_ms_parse(&i, a, sample(&in, "imdn/lync")), 0);
	EQ_STR(i.message_id, "2");
	if (!EQ(i.n_recipients, 2))
		return;
	EQ_STR(i.recipients[0].uri, "sip:bob@example.test");
	EQ(i.recipients[0].status, 504);
	EQ_STR(i.recipients[1].uri, "sip:eve@example.test");
	EQ(i.recipients[1].status, 200);
	imdn_ms_put(&b, &i);
	EQ_STR(buf_view(&b),
	       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	       "<imdn xmlns=\"http://schemas.microsoft.com/rtc/2005/08/imdn\">"
	       "<message-id>2</message-id>"
	       "<recipient uri=\"sip:bob@example.test\"><status>504</status></recipient>"
	       "<recipient "
	       "uri=\"sip:eve@example.test\"><status>200</status></recipient></imdn>\r\n");
}

static struct str repeated(struct buf *b, const char *start, const char *more, unsigned n,
                           const char *end)
{
	b->len = 0;
	buf_str(b, str_of(start));
	for (unsigned i = 0; i < n; i++)
		buf_str(b, str_of(more));
	buf_str(b, str_of(end));
	return buf_view(b);
}

static void limits_hold(void)
{
	auto_(buf_free) struct buf b = buf_of(2 * IMDN_BYTES_MAX);
	const char *start = "<imdn><display-notification><status><error/></status>"
	                    "</display-notification>" ID "<subject>",
	           *end = "</subject></imdn>";
	const char *one = "<recipient uri='a'><status>1</status></recipient>";
	EQ(refused(repeated(&b, start, "x", IMDN_TEXT_MAX, end)), 0);
	EQ(refused(repeated(&b, start, "x", IMDN_TEXT_MAX + 1, end)), -E2BIG);
	EQ(refused(repeated(&b, "<imdn/>", " ", IMDN_BYTES_MAX, "")), -E2BIG);
	EQ(refused_ms(repeated(&b, "<imdn>" ID, one, IMDN_RECIPIENTS_MAX, "</imdn>")), 0);
	EQ(refused_ms(repeated(&b, "<imdn>" ID, one, IMDN_RECIPIENTS_MAX + 1, "</imdn>")), -E2BIG);
	EQ(refused_ms(repeated(&b, "<imdn><message-id>", "x", IMDN_TEXT_MAX + 1,
	                       "</message-id></imdn>")),
	   -E2BIG);
}

int main(void)
{
	RUN(notification_of_delivery_is_read_and_written);
	RUN(notification_of_display_is_read);
	RUN(each_kind_has_its_statuses);
	RUN(other_documents_are_refused);
	RUN(form_of_lync_is_read_and_written);
	RUN(limits_hold);
	arena_free(&arena);
	return tap_done();
}
