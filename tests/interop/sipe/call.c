/* Calls: libpurple's media objects. */
#include "driver.h"

#include <string.h>

#include <media-gst.h>

#include "event.h"
#include "sound.h"

static cJSON *about_call(const char *event, PurpleMedia *media, const char *session)
{
	cJSON *ev = event_new(event);
	event_text(ev, "with", g_object_get_data(G_OBJECT(media), "who"));
	event_text(ev, "session", session);
	return ev;
}

/* A stream has come into being.  The first one of a call that somebody else has begun rings. */
static void stream_new(PurpleMedia *media, const char *session, const char *who)
{
	PurpleMediaSessionType type = purple_media_get_session_type(media, session);
	if (type & PURPLE_MEDIA_RECV_VIDEO)
		purple_media_manager_set_output_window(purple_media_manager_get(), media, session,
		                                       who, 1);
	gboolean ours = purple_media_is_initiator(media, session, who);
	cJSON *ev = about_call(ours ? "call-stream" : "incoming-call", media, session);
	event_bool(ev, "video", (type & PURPLE_MEDIA_VIDEO) != 0);
	event_send(ev);
}

/* libpurple tells the end of things four times: of each stream, of each session, of each person,
 * and of the call.  The first and the last are enough. */
static gboolean is_stream_or_call(const char *session, const char *who)
{
	return (session != NULL) == (who != NULL);
}

static void state_changed(PurpleMedia *media, PurpleMediaState state, char *session, char *who,
                          gpointer arg)
{
	(void)arg;
	switch (state) {
	case PURPLE_MEDIA_STATE_NEW:
		if (session && who)
			stream_new(media, session, who);
		break;
	case PURPLE_MEDIA_STATE_CONNECTED:
		event_send(about_call("call-connected", media, session));
		break;
	case PURPLE_MEDIA_STATE_END:
		if (is_stream_or_call(session, who))
			event_send(about_call(session ? "call-stream-ended" : "call-ended", media,
			                      session));
		break;
	default:
		break;
	}
}

/* What one of the two has done: accept, reject, hang up, hold ... */
static void info(PurpleMedia *media, PurpleMediaInfoType type, char *session, char *who,
                 gboolean local, gpointer arg)
{
	static const char *const names[] = {
		[PURPLE_MEDIA_INFO_HANGUP] = "hangup",   [PURPLE_MEDIA_INFO_ACCEPT] = "accept",
		[PURPLE_MEDIA_INFO_REJECT] = "reject",   [PURPLE_MEDIA_INFO_MUTE] = "mute",
		[PURPLE_MEDIA_INFO_UNMUTE] = "unmute",   [PURPLE_MEDIA_INFO_PAUSE] = "pause",
		[PURPLE_MEDIA_INFO_UNPAUSE] = "unpause", [PURPLE_MEDIA_INFO_HOLD] = "hold",
		[PURPLE_MEDIA_INFO_UNHOLD] = "unhold",
	};
	(void)arg;
	gboolean in_four_forms = type == PURPLE_MEDIA_INFO_ACCEPT ||
	                         type == PURPLE_MEDIA_INFO_HANGUP ||
	                         type == PURPLE_MEDIA_INFO_REJECT;
	if (in_four_forms && !is_stream_or_call(session, who))
		return;
	cJSON *ev = about_call("call-info", media, session);
	event_text(ev, "what", (size_t)type < G_N_ELEMENTS(names) ? names[type] : "other");
	event_bool(ev, "local", local);
	event_send(ev);
}

static void failed(PurpleMedia *media, const char *text, gpointer arg)
{
	(void)arg;
	cJSON *ev = about_call("call-error", media, NULL);
	event_text(ev, "text", text);
	event_send(ev);
}

static void add_candidate(cJSON *ev, const char *key, PurpleMediaCandidate *c)
{
	char *ip = purple_media_candidate_get_ip(c);
	char *text = g_strdup_printf("%s:%u", ip, purple_media_candidate_get_port(c));
	event_text(ev, key, text);
	g_free(text);
	g_free(ip);
}

/* ICE has found a way: where the media goes. */
static void pair_found(PurpleMedia *media, char *session, char *who, PurpleMediaCandidate *local,
                       PurpleMediaCandidate *remote, gpointer arg)
{
	(void)who;
	(void)arg;
	cJSON *ev = about_call("call-path", media, session);
	event_number(ev, "component", purple_media_candidate_get_component_id(local));
	add_candidate(ev, "local", local);
	add_candidate(ev, "remote", remote);
	event_send(ev);
}

static gboolean media_new(PurpleMediaManager *manager, PurpleMedia *media, PurpleAccount *account,
                          char *who, gpointer arg)
{
	(void)account;
	(void)arg;
	g_object_set_data_full(G_OBJECT(media), "who", g_strdup(who), g_free);
	g_signal_connect(media, "state-changed", G_CALLBACK(state_changed), NULL);
	g_signal_connect(media, "stream-info", G_CALLBACK(info), NULL);
	g_signal_connect(media, "error", G_CALLBACK(failed), NULL);
	g_signal_connect(media, "candidate-pair-established", G_CALLBACK(pair_found), NULL);
	sound_listen(manager);
	return TRUE;
}

void call_init(void)
{
	PurpleMediaManager *manager = purple_media_manager_get();
	g_signal_connect(manager, "init-media", G_CALLBACK(media_new), NULL);
	purple_media_manager_set_ui_caps(
	        manager, (PurpleMediaCaps)(PURPLE_MEDIA_CAPS_AUDIO | PURPLE_MEDIA_CAPS_VIDEO |
	                                   PURPLE_MEDIA_CAPS_AUDIO_SINGLE_DIRECTION |
	                                   PURPLE_MEDIA_CAPS_VIDEO_SINGLE_DIRECTION |
	                                   PURPLE_MEDIA_CAPS_AUDIO_VIDEO));
	sound_init(manager);
}

/* The account's call, or NULL; the newest if there are several. */
static PurpleMedia *present_call(struct driver *d)
{
	GList *calls = d->account ? purple_media_manager_get_media_by_account(
	                                    purple_media_manager_get(), d->account)
	                          : NULL;
	PurpleMedia *call = calls ? calls->data : NULL;
	g_list_free(calls);
	return call;
}

static const char *do_with_call(struct driver *d, PurpleMediaInfoType what)
{
	PurpleMedia *call = present_call(d);
	if (!call)
		return "there is no call";
	purple_media_stream_info(call, what, NULL, NULL, TRUE);
	return NULL;
}

/* {"to", "video": true} */
static const char *call(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	if (!driver_is_online(d))
		return "not signed in";
	unsigned type = PURPLE_MEDIA_AUDIO;
	if (arg_true(args, "video"))
		type |= PURPLE_MEDIA_VIDEO;
	if (!purple_prpl_initiate_media(d->account, arg_text(args, "to", ""),
	                                (PurpleMediaSessionType)type))
		return "libpurple makes no call";
	return NULL;
}

/* {"tone", "colour"}: what calls from now on are given to say and to show. */
static const char *play(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	d->tone_hz = arg_number(args, "tone", d->tone_hz);
	d->colour = (unsigned)arg_number(args, "colour", (int)d->colour);
	return NULL;
}

static const char *accept_call(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)args;
	(void)reply;
	return do_with_call(d, PURPLE_MEDIA_INFO_ACCEPT);
}

static const char *reject_call(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)args;
	(void)reply;
	return do_with_call(d, PURPLE_MEDIA_INFO_REJECT);
}

static const char *hangup(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)args;
	(void)reply;
	return do_with_call(d, PURPLE_MEDIA_INFO_HANGUP);
}

static const char *hold(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)args;
	(void)reply;
	return do_with_call(d, PURPLE_MEDIA_INFO_HOLD);
}

static const char *unhold(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)args;
	(void)reply;
	return do_with_call(d, PURPLE_MEDIA_INFO_UNHOLD);
}

/* {"digits"} */
static const char *dtmf(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	enum { VOLUME = 25, MS = 100 };
	PurpleMedia *media = present_call(d);
	if (!media)
		return "there is no call";
	for (const char *p = arg_text(args, "digits", ""); *p; p++)
		if (!purple_media_send_dtmf(media, "audio", *p, VOLUME, MS))
			return "the digit was not sent";
	return NULL;
}

const struct command call_commands[] = {
	{ "call", call },
	{ "accept_call", accept_call },
	{ "reject_call", reject_call },
	{ "hangup", hangup },
	{ "hold", hold },
	{ "unhold", unhold },
	{ "play", play },
	{ "dtmf", dtmf },
	{ 0 },
};
