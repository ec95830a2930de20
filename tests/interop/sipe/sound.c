#include "sound.h"

#include <gst/gst.h>
#include <math.h>
#include <string.h>

#include <media-gst.h>

#include "driver.h"
#include "event.h"

enum { RATE = 16000, BANDS = 512, SPREAD = 2, SILENT_DB = -80 };
enum { PICTURE_W = 8, PICTURE_H = 8, PICTURE_BYTES = PICTURE_W * PICTURE_H * 3, PER_S = 15 };

static GstElement *bin(const char *description)
{
	GError *error = NULL;
	GstElement *made = gst_parse_bin_from_description(description, TRUE, &error);
	if (!made) {
		cJSON *ev = event_new("call-error");
		event_text(ev, "text", error->message);
		event_send(ev);
		g_error_free(error);
	}
	return made;
}

static GstElement *audio_src(PurpleMedia *media, const char *session, const char *who)
{
	(void)media;
	(void)session;
	(void)who;
	/* Small buffers, as a microphone gives them: of the default ones packets of 128 ms are
	 * made, which phones cut to pieces. */
	char *text = g_strdup_printf("audiotestsrc is-live=true wave=sine volume=0.4 freq=%d "
	                             "samplesperbuffer=160",
	                             driver_of()->tone_hz);
	GstElement *made = bin(text);
	g_free(text);
	return made;
}

static GstElement *audio_sink(PurpleMedia *media, const char *session, const char *who)
{
	(void)media;
	(void)session;
	(void)who;
	char *text =
	        g_strdup_printf("audioconvert ! audioresample ! audio/x-raw,rate=%d,channels=1 ! "
	                        "spectrum name=heard bands=%d threshold=%d interval=500000000 ! "
	                        "fakesink sync=false async=false",
	                        RATE, BANDS, SILENT_DB);
	GstElement *made = bin(text);
	g_free(text);
	return made;
}

static GstElement *video_src(PurpleMedia *media, const char *session, const char *who)
{
	(void)media;
	(void)session;
	(void)who;
	char *text =
	        g_strdup_printf("videotestsrc is-live=true pattern=solid-color "
	                        "foreground-color=%u ! "
	                        "capsfilter caps=video/x-raw,width=320,height=240,framerate=%d/1",
	                        driver_of()->colour | 0xff000000u, PER_S);
	GstElement *made = bin(text);
	g_free(text);
	return made;
}

/* In the thread of the stream: the middle colour goes to the main loop over the bus. */
static void picture_seen(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer arg)
{
	(void)pad;
	(void)arg;
	unsigned n = GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(sink), "n")) + 1;
	g_object_set_data(G_OBJECT(sink), "n", GUINT_TO_POINTER(n));
	guint8 rgb[PICTURE_BYTES];
	if (n % PER_S != 0 || gst_buffer_extract(buffer, 0, rgb, sizeof(rgb)) != sizeof(rgb))
		return;
	unsigned sum[3] = { 0 };
	for (size_t i = 0; i < sizeof(rgb); i++)
		sum[i % 3] += rgb[i];
	const unsigned pixels = PICTURE_W * PICTURE_H;
	GstStructure *s = gst_structure_new("picture", "red", G_TYPE_UINT, sum[0] / pixels, "green",
	                                    G_TYPE_UINT, sum[1] / pixels, "blue", G_TYPE_UINT,
	                                    sum[2] / pixels, "n", G_TYPE_UINT, n, NULL);
	gst_element_post_message(sink, gst_message_new_element(GST_OBJECT(sink), s));
}

static GstElement *video_sink(PurpleMedia *media, const char *session, const char *who)
{
	(void)media;
	(void)session;
	char *text =
	        g_strdup_printf("videoconvert ! videoscale ! "
	                        "video/x-raw,format=RGB,width=%d,height=%d ! "
	                        "fakesink name=seen signal-handoffs=true sync=false async=false",
	                        PICTURE_W, PICTURE_H);
	GstElement *made = bin(text);
	g_free(text);
	if (made && who) {
		GstElement *seen = gst_bin_get_by_name(GST_BIN(made), "seen");
		g_signal_connect(seen, "handoff", G_CALLBACK(picture_seen), NULL);
		gst_object_unref(seen);
	}
	return made;
}

static void make_active(PurpleMediaManager *manager, const char *id, unsigned type,
                        PurpleMediaElementCreateCallback create)
{
	PurpleMediaElementInfo *info =
	        g_object_new(PURPLE_TYPE_MEDIA_ELEMENT_INFO, "id", id, "name", id, "type",
	                     (PurpleMediaElementType)type, "create-cb", create, NULL);
	purple_media_manager_set_active_element(manager, info);
}

void sound_init(PurpleMediaManager *manager)
{
	const unsigned src = PURPLE_MEDIA_ELEMENT_SRC | PURPLE_MEDIA_ELEMENT_ONE_SRC;
	const unsigned sink = PURPLE_MEDIA_ELEMENT_SINK | PURPLE_MEDIA_ELEMENT_ONE_SINK;
	make_active(manager, "tone", PURPLE_MEDIA_ELEMENT_AUDIO | src, audio_src);
	make_active(manager, "ear", PURPLE_MEDIA_ELEMENT_AUDIO | sink, audio_sink);
	make_active(manager, "colour", PURPLE_MEDIA_ELEMENT_VIDEO | src, video_src);
	make_active(manager, "eye", PURPLE_MEDIA_ELEMENT_VIDEO | sink, video_sink);
}

/* Where the energy of half a second of sound lies.  The window of the transform spreads a tone over
 * the two bands on each side of its own. */
static void tell_sound(const GstStructure *s)
{
	const GValue *list = gst_structure_get_value(s, "magnitude");
	int n = list ? (int)MIN(gst_value_list_get_size(list), BANDS) : 0;
	double all = 0, near = 0, power[BANDS] = { 0 };
	int best = 0;
	for (int i = 0; i < n; i++) {
		power[i] =
		        pow(10, g_value_get_float(gst_value_list_get_value(list, (guint)i)) / 10.0);
		all += power[i];
		if (power[i] > power[best])
			best = i;
	}
	if (all <= 0)
		return;
	for (int i = MAX(0, best - SPREAD); i <= MIN(n - 1, best + SPREAD); i++)
		near += power[i];
	cJSON *ev = event_new("sound");
	event_number(ev, "hz", best * (double)RATE / (2 * BANDS - 2));
	event_number(ev, "db", round(10 * log10(near)));
	event_number(ev, "share", near / all);
	event_send(ev);
}

static void tell_picture(const GstStructure *s)
{
	static const char *const fields[] = { "red", "green", "blue", "n" };
	cJSON *ev = event_new("picture");
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		guint value = 0;
		gst_structure_get_uint(s, fields[i], &value);
		event_number(ev, fields[i], value);
	}
	event_send(ev);
}

static void measured(GstBus *bus, GstMessage *message, gpointer arg)
{
	(void)bus;
	(void)arg;
	const GstStructure *s = gst_message_get_structure(message);
	if (gst_structure_has_name(s, "spectrum"))
		tell_sound(s);
	else if (gst_structure_has_name(s, "picture"))
		tell_picture(s);
}

void sound_listen(PurpleMediaManager *manager)
{
	GstElement *pipeline = purple_media_manager_get_pipeline(manager);
	GstBus *bus = gst_pipeline_get_bus(GST_PIPELINE(pipeline));
	if (!g_object_get_data(G_OBJECT(bus), "listened")) {
		g_object_set_data(G_OBJECT(bus), "listened", manager);
		g_signal_connect(bus, "message::element", G_CALLBACK(measured), NULL);
	}
	gst_object_unref(bus);
}
