#include "ice.h"

#include <stdlib.h>
#include <string.h>

enum { CANDIDATES_MAX = 64 };

/* --- what it tells ----------------------------------------------------------------------- */

/* "relay 192.0.2.1:50000 UDP": of a candidate. */
static void put_candidate(cJSON *ev, const char *key, const NiceCandidate *c)
{
	static const char *const types[] = {
		[NICE_CANDIDATE_TYPE_HOST] = "host",
		[NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE] = "srflx",
		[NICE_CANDIDATE_TYPE_PEER_REFLEXIVE] = "prflx",
		[NICE_CANDIDATE_TYPE_RELAYED] = "relay",
	};
	static const char *const transports[] = {
		[NICE_CANDIDATE_TRANSPORT_UDP] = "udp",
		[NICE_CANDIDATE_TRANSPORT_TCP_ACTIVE] = "tcp-act",
		[NICE_CANDIDATE_TRANSPORT_TCP_PASSIVE] = "tcp-pass",
		[NICE_CANDIDATE_TRANSPORT_TCP_SO] = "tcp-so",
	};
	char text[NICE_ADDRESS_STRING_LEN];
	cJSON *what = cJSON_AddObjectToObject(ev, key);
	nice_address_to_string(&c->addr, text);
	cJSON_AddStringToObject(what, "type", types[c->type]);
	cJSON_AddStringToObject(what, "transport", transports[c->transport]);
	cJSON_AddStringToObject(what, "address", text);
	cJSON_AddNumberToObject(what, "port", nice_address_get_port(&c->addr));
}

static void gathered(NiceAgent *agent, guint stream, gpointer arg)
{
	(void)arg;
	char *ufrag = NULL, *pwd = NULL;
	GSList *candidates = nice_agent_get_local_candidates(agent, stream, COMPONENT);
	cJSON *ev = cJSON_CreateObject();
	cJSON *lines = cJSON_AddArrayToObject(ev, "candidates");
	for (GSList *c = candidates; c; c = c->next) {
		char *line = nice_agent_generate_local_candidate_sdp(agent, c->data);
		cJSON_AddItemToArray(lines, cJSON_CreateString(line));
		g_free(line);
	}
	if (nice_agent_get_local_credentials(agent, stream, &ufrag, &pwd)) {
		cJSON_AddStringToObject(ev, "ufrag", ufrag);
		cJSON_AddStringToObject(ev, "pwd", pwd);
	}
	event_send("local", ev);
	g_free(ufrag);
	g_free(pwd);
	g_slist_free_full(candidates, (GDestroyNotify)nice_candidate_free);
}

static void state_changed(NiceAgent *agent, guint stream, guint component, guint state,
                          gpointer arg)
{
	(void)agent;
	(void)stream;
	(void)component;
	struct ice *i = arg;
	cJSON *ev = cJSON_CreateObject();
	cJSON_AddStringToObject(ev, "state",
	                        nice_component_state_to_string((NiceComponentState)state));
	event_send("state", ev);
	i->ready = state == NICE_COMPONENT_STATE_READY;
	if (i->ready)
		traffic_go_on(i->traffic);
}

static void pair_selected(NiceAgent *agent, guint stream, guint component, NiceCandidate *local,
                          NiceCandidate *remote, gpointer arg)
{
	(void)agent;
	(void)stream;
	(void)component;
	(void)arg;
	cJSON *ev = cJSON_CreateObject();
	put_candidate(ev, "local", local);
	put_candidate(ev, "remote", remote);
	event_send("selected", ev);
}

static void became_writable(NiceAgent *agent, guint stream, guint component, gpointer arg)
{
	(void)agent;
	(void)stream;
	(void)component;
	struct ice *i = arg;
	traffic_go_on(i->traffic);
}

static void received(NiceAgent *agent, guint stream, guint component, guint len, gchar *data,
                     gpointer arg)
{
	(void)agent;
	(void)stream;
	(void)component;
	struct ice *i = arg;
	traffic_receive(i->traffic, data, len);
}

/* --- how it is made ---------------------------------------------------------------------- */

static gboolean read_mode(NiceCompatibility *ret, const char *name)
{
	gboolean is_lync = g_strcmp0(name, "oc2007r2") == 0;
	*ret = is_lync ? NICE_COMPATIBILITY_OC2007R2 : NICE_COMPATIBILITY_RFC5245;
	return is_lync || g_strcmp0(name, "rfc5245") == 0;
}

static gboolean read_type(NiceRelayType *ret, const char *name)
{
	static const char *const names[] = {
		[NICE_RELAY_TYPE_TURN_UDP] = "udp",
		[NICE_RELAY_TYPE_TURN_TCP] = "tcp",
		[NICE_RELAY_TYPE_TURN_TLS] = "tls",
	};
	for (unsigned t = 0; t < G_N_ELEMENTS(names); t++)
		if (g_strcmp0(name, names[t]) == 0) {
			*ret = (NiceRelayType)t;
			return TRUE;
		}
	return FALSE;
}

/* NULL, or why not. */
static const char *add_relay(struct ice *i, const struct ice_options *o)
{
	NiceRelayType type;
	char *colon = o->relay ? strrchr(o->relay, ':') : NULL;
	if (!o->relay)
		return o->relay_only ? "without a relay there would be no candidates" : NULL;
	if (!colon || !o->user || !o->password || !read_type(&type, o->type))
		return "a relay needs HOST:PORT, a type, a user and a password";
	char *host = g_strndup(o->relay, (gsize)(colon - o->relay));
	gboolean ok = nice_agent_set_relay_info(i->agent, i->stream, COMPONENT, host,
	                                        (guint)g_ascii_strtoull(colon + 1, NULL, 10),
	                                        o->user, o->password, type);
	g_free(host);
	return ok ? NULL : "libnice does not take that relay";
}

static NiceAgent *new_agent(const struct ice_options *o, NiceCompatibility mode)
{
	NiceAgent *agent = nice_agent_new_full(
	        NULL, mode, o->reliable ? NICE_AGENT_OPTION_RELIABLE : NICE_AGENT_OPTION_NONE);
	g_object_set(agent, "upnp", FALSE, "force-relay", o->relay_only, "ice-udp", o->udp,
	             "ice-tcp", o->tcp, "controlling-mode", o->controlling, NULL);
	return agent;
}

struct ice *ice_new(const struct ice_options *o, const char **ret_why)
{
	NiceCompatibility mode;
	if (!read_mode(&mode, o->mode)) {
		*ret_why = "the mode is rfc5245 or oc2007r2";
		return NULL;
	}
	struct ice *i = g_new0(struct ice, 1);
	i->loop = g_main_loop_new(NULL, FALSE);
	i->agent = new_agent(o, mode);
	i->traffic = traffic_new(i, o->reliable);
	i->stream = nice_agent_add_stream(i->agent, 1);
	g_signal_connect(i->agent, "candidate-gathering-done", G_CALLBACK(gathered), i);
	g_signal_connect(i->agent, "component-state-changed", G_CALLBACK(state_changed), i);
	g_signal_connect(i->agent, "new-selected-pair-full", G_CALLBACK(pair_selected), i);
	g_signal_connect(i->agent, "reliable-transport-writable", G_CALLBACK(became_writable), i);
	nice_agent_attach_recv(i->agent, i->stream, COMPONENT, NULL, received, i);
	*ret_why = add_relay(i, o);
	if (!*ret_why && !nice_agent_gather_candidates(i->agent, i->stream))
		*ret_why = "libnice does not gather candidates";
	if (*ret_why)
		ice_free(&i);
	return i;
}

void ice_free(struct ice **ip)
{
	struct ice *i = *ip;
	*ip = NULL;
	if (!i)
		return;
	nice_agent_attach_recv(i->agent, i->stream, COMPONENT, NULL, NULL, NULL);
	traffic_free(&i->traffic);
	g_object_unref(i->agent);
	g_main_loop_unref(i->loop);
	g_free(i);
}

static GSList *parse_candidates(struct ice *i, const cJSON *lines)
{
	GSList *list = NULL;
	const cJSON *line;
	unsigned n = 0;
	cJSON_ArrayForEach(line, lines)
	{
		NiceCandidate *c = NULL;
		if (cJSON_IsString(line) && n++ < CANDIDATES_MAX)
			c = nice_agent_parse_remote_candidate_sdp(i->agent, i->stream,
			                                          line->valuestring);
		if (c)
			list = g_slist_append(list, c);
	}
	return list;
}

const char *ice_remote(struct ice *i, const cJSON *description)
{
	const cJSON *ufrag = cJSON_GetObjectItemCaseSensitive(description, "ufrag");
	const cJSON *pwd = cJSON_GetObjectItemCaseSensitive(description, "pwd");
	const cJSON *lines = cJSON_GetObjectItemCaseSensitive(description, "candidates");
	if (!cJSON_IsString(ufrag) || !cJSON_IsString(pwd) ||
	    !nice_agent_set_remote_credentials(i->agent, i->stream, ufrag->valuestring,
	                                       pwd->valuestring))
		return "the description has no credentials that libnice takes";
	GSList *list = parse_candidates(i, lines);
	int n = list ? nice_agent_set_remote_candidates(i->agent, i->stream, COMPONENT, list) : 0;
	g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
	return n > 0 ? NULL : "the description has no candidates that libnice takes";
}
