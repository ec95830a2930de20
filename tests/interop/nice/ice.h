/* One ICE agent of libnice with one stream of one component, and what goes through it.
 *
 * main.c reads commands and prints events, ice.c has the agent, traffic.c what is sent and counted.
 */
#pragma once
#include <cjson/cJSON.h>
#include <glib.h>
#include <nice/agent.h>

enum { COMPONENT = NICE_COMPONENT_TYPE_RTP };

struct ice_options {
	char *mode;     /* "rfc5245" or "oc2007r2" */
	char *relay;    /* "HOST:PORT"; NULL: none */
	char *type;     /* to the relay: "udp", "tcp" or "tls" (oc2007r2: the pseudo-TLS of Lync) */
	char *user;     /* of the relay */
	char *password; /* oc2007r2: both in base64, as the relay authentication service gives them
	                 */
	gboolean relay_only, udp, tcp, reliable, controlling;
};

struct ice {
	NiceAgent *agent;
	guint stream;
	gboolean ready;
	GMainLoop *loop;
	struct traffic *traffic;
};

/* Prints the event of that name with the fields of `ev` (taken; may be NULL), as a line. */
void event_send(const char *name, cJSON *ev);

/* Starts to gather: event "local", or NULL and why. */
struct ice *ice_new(const struct ice_options *o, const char **ret_why);
void ice_free(struct ice **ip);
/* {"ufrag", "pwd", "candidates"} of the other agent, as its event "local" had them.  NULL, or why
 * not. */
const char *ice_remote(struct ice *i, const cJSON *description);

struct traffic *traffic_new(struct ice *i, gboolean is_stream);
void traffic_free(struct traffic **tp);
/* Numbered packets of a size, one each `gap_ms`; in a stream as many bytes, as fast as it takes
 * them.  As much is awaited from the other agent: events "received" tell of it. */
void traffic_send(struct traffic *t, unsigned packets, unsigned size, unsigned gap_ms);
/* The stream takes bytes again. */
void traffic_go_on(struct traffic *t);
void traffic_receive(struct traffic *t, const char *data, size_t len);
/* All was sent, and all that was awaited has come as it was sent. */
gboolean traffic_is_done(const struct traffic *t);
