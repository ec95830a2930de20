#include "presload.h"

#define NS "http://schemas.microsoft.com/2006/09/sip/"

/* --- who ------------------------------------------------------------------------------------ */

void wording_user(const struct presload *l, const struct person *p, struct out *o)
{
	out_str(o, str_of(l->o.prefix));
	out_u32(o, p->number);
}

static void put_address(const struct presload *l, const struct person *p, struct out *o)
{
	out_lit(o, "sip:");
	wording_user(l, p, o);
	out_lit(o, "@");
	out_str(o, str_of(l->o.domain));
}

/* Twelve digits that tell the endpoints apart. */
static void put_digits(uint32_t v, struct out *o)
{
	char digits[13];
	for (unsigned i = 0; i < 12; i++, v /= 10)
		digits[11 - i] = (char)('0' + v % 10);
	digits[12] = '\0';
	out_str(o, str_of(digits));
}

static void put_transport(const struct presload *l, struct out *o)
{
	static const struct str names[] = { [UDP] = { "", 0 },
		                            [TCP] = { ";transport=tcp", 14 },
		                            [TLS] = { ";transport=tls", 14 } };
	out_str(o, names[l->o.net.transport]);
}

static void put_contact(const struct presload *l, const struct endpoint *e, struct out *o)
{
	out_lit(o, "Contact: <");
	if (e->lync && e->lync->gruu[0]) {
		out_str(o, str_of(e->lync->gruu));
	} else {
		out_lit(o, "sip:");
		wording_user(l, e->who, o);
		out_lit(o, "@");
		out_str(o, str_of(e->conn.local));
		put_transport(l, o);
	}
	out_lit(o, ">");
}

/* As pidgin-sipe registers, and as a phone does. */
static void put_registration(const struct presload *l, const struct endpoint *e, struct out *o)
{
	if (e->lync) {
		out_lit(o, "Contact: <sip:");
		out_str(o, str_of(e->conn.local));
		put_transport(l, o);
		out_lit(o, ";ms-opaque=d3470f2e1d>;proxy=replace");
	} else {
		put_contact(l, e, o);
		out_lit(o, ";reg-id=1");
	}
	out_lit(o, ";+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-");
	put_digits(e->number, o);
	out_lit(o, ">\"\r\nSupported: ");
	if (e->lync)
		out_lit(o, "gruu-10, adhoclist, msrtc-event-categories\r\n"
		           "Event: registration\r\nms-keep-alive: UAC;hop-hop=yes\r\n");
	else
		out_lit(o, "path, outbound\r\n");
	out_lit(o, "Expires: ");
	out_u32(o, l->o.expires);
	out_lit(o, "\r\n");
}

/* --- bodies ---------------------------------------------------------------------------------- */

static void put_state(struct out *o, const char *type, uint32_t instance, unsigned container,
                      uint32_t version, uint32_t availability)
{
	bool user = type[0] == 'u';
	out_lit(o, "<publication categoryName=\"state\" instance=\"");
	out_u32(o, instance);
	out_lit(o, "\" container=\"");
	out_u32(o, container);
	out_lit(o, "\" version=\"");
	out_u32(o, version);
	out_lit(o, "\" expireType=\"");
	out_str(o, user ? STR("static") : STR("endpoint"));
	out_lit(o, "\"><state xmlns=\"" NS "state\" manual=\"");
	out_str(o, user ? STR("true") : STR("false"));
	out_lit(o, "\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"");
	out_str(o, str_of(type));
	out_lit(o, "\"><availability>");
	out_u32(o, availability);
	out_lit(o, "</availability><endpointLocation/></state></publication>");
}

/* As pidgin-sipe publishes a state that the user chose: the machine's goes with it. */
static void put_states(const struct presload *l, const struct job *j, bool user, struct out *o)
{
	const struct endpoint *e = j->a;
	out_lit(o, "<publish xmlns=\"" NS "rich-presence\"><publications uri=\"");
	put_address(l, e->who, o);
	out_lit(o, "\">");
	for (unsigned c = 2; c <= 3; c++) {
		put_state(o, "machineState", 0x30000000 + e->number, c, e->machine_version, 3500);
		if (user)
			put_state(o, "userState", 0x20000000, c, e->who->version, e->who->said);
	}
	out_lit(o, "</publications></publish>");
}

static void put_machine(const struct presload *l, const struct job *j, struct out *o)
{
	put_states(l, j, false, o);
}

static void put_publish(const struct presload *l, const struct job *j, struct out *o)
{
	put_states(l, j, true, o);
}

static void put_pidf(const struct presload *l, const struct job *j, struct out *o)
{
	out_lit(o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	           "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\""
	           " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\""
	           " xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"");
	put_address(l, j->a->who, o);
	out_lit(o, "\"><tuple id=\"t1\"><status><basic>open</basic></status><contact>");
	put_address(l, j->a->who, o);
	out_lit(o, "</contact></tuple><dm:person id=\"p1\"><rpid:activities><rpid:busy/>"
	           "</rpid:activities></dm:person><note>v");
	out_u32(o, j->a->who->said);
	out_lit(o, "</note></presence>");
}

static void put_batch(const struct presload *l, const struct job *j, const uint32_t *people,
                      uint32_t n, struct out *o)
{
	out_lit(o, "<batchSub xmlns=\"http://schemas.microsoft.com/2006/01/sip/batch-subscribe\""
	           " uri=\"");
	put_address(l, j->a->who, o);
	out_lit(o, "\" name=\"\"><action name=\"subscribe\" id=\"63792024\"><adhocList>");
	for (uint32_t i = 0; i < n; i++) {
		out_lit(o, "<resource uri=\"");
		put_address(l, &l->person[people[i]], o);
		out_lit(o, "\"/>");
	}
	out_lit(o, "</adhocList><categoryList xmlns=\"" NS "categorylist\">"
	           "<category name=\"calendarData\"/><category name=\"contactCard\"/>"
	           "<category name=\"note\"/><category name=\"state\"/></categoryList></action>"
	           "</batchSub>");
}

static void put_contacts(const struct presload *l, const struct job *j, struct out *o)
{
	put_batch(l, j, j->a->who->contacts, j->a->who->n_contacts, o);
}

/* Some who follow each other in number, others each time. */
static void put_strangers(const struct presload *l, const struct job *j, uint32_t n, struct out *o)
{
	uint32_t people[BRIEF_CONTACTS];
	for (uint32_t i = 0; i < n; i++)
		people[i] = (j->generation * 7919u + j->slot * 104729u + i) % l->n_people;
	put_batch(l, j, people, n, o);
}

static void put_polled(const struct presload *l, const struct job *j, struct out *o)
{
	put_strangers(l, j, POLLED, o);
}

static void put_brief(const struct presload *l, const struct job *j, struct out *o)
{
	put_strangers(l, j, BRIEF_CONTACTS, o);
}

static void put_roaming(const struct presload *l UNUSED, const struct job *j UNUSED, struct out *o)
{
	out_lit(o, "<roamingList xmlns=\"" NS "roaming-self\"><roaming type=\"categories\"/>"
	           "<roaming type=\"containers\"/><roaming type=\"subscribers\"/></roamingList>");
}

static void put_offer(const struct presload *l UNUSED, const struct job *j UNUSED, struct out *o)
{
	out_lit(o, "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\n"
	           "t=0 0\r\nm=message 5061 sip null\r\na=accept-types:text/plain text/html\r\n");
}

static void put_typing(const struct presload *l UNUSED, const struct job *j UNUSED, struct out *o)
{
	out_lit(o, "<?xml version=\"1.0\"?><KeyboardActivity> <status status=\"type\" />"
	           "</KeyboardActivity>");
}

static void put_text(const struct presload *l UNUSED, const struct job *j UNUSED, struct out *o)
{
	out_lit(o, "The quick brown fox jumps over the lazy dog, and nobody looks up.");
}

static void put_search(const struct presload *l, const struct job *j, struct out *o)
{
	out_lit(o, "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\""
	           " xmlns:m=\"http://schemas.microsoft.com/winrtc/2002/11/sip\"><s:Body>"
	           "<m:directorySearch><m:filter m:href=\"#searchArray\"/>"
	           "<m:maxResults>100</m:maxResults></m:directorySearch>"
	           "<m:Array m:id=\"searchArray\"><m:row m:attrib=\"givenName\" m:value=\"");
	out_str(o, str_of(l->o.prefix));
	out_u32(o, (j->generation * 7919u + j->slot) % l->n_people);
	out_lit(o, "\"/></m:Array></s:Body></s:Envelope>");
}

/* --- requests -------------------------------------------------------------------------------- */

#define PIGGYBACK                                                           \
	"Supported: com.microsoft.autoextend\r\nSupported: ms-benotify\r\n" \
	"Proxy-Require: ms-benotify\r\nSupported: ms-piggyback-first-notify\r\n"
#define BATCH                                                                                   \
	PIGGYBACK "Event: presence\r\nRequire: adhoclist, categoryList\r\nSupported: eventlist" \
	          "\r\nAccept: application/rlmi+xml, multipart/related, text/xml+msrtc.pidf, "  \
	          "application/msrtc-event-categories+xml\r\n"                                  \
	          "Content-Type: application/msrtc-adrl-categorylist+xml\r\n"
#define LIT(text)                        \
	{                                \
		(text), sizeof(text) - 1 \
	}

/* What a request is and has besides what all have. */
struct wording {
	struct str method, lines;
	void (*body)(const struct presload *l, const struct job *j, struct out *o);
};

/* clang-format off */
static const struct wording lync_wording[N_ASKS] = {
	[ASK_REGISTER] = { LIT("REGISTER"), LIT(""), NULL },
	[ASK_CONTACTS] = { LIT("SUBSCRIBE"),
		LIT(PIGGYBACK "Event: vnd-microsoft-roaming-contacts\r\n"), NULL },
	[ASK_SELF] = { LIT("SUBSCRIBE"),
		LIT(PIGGYBACK "Event: vnd-microsoft-roaming-self\r\n"
		    "Content-Type: application/vnd-microsoft-roaming-self+xml\r\n"), put_roaming },
	[ASK_WATCH] = { LIT("SUBSCRIBE"), LIT(BATCH), put_contacts },
	[ASK_MACHINE] = { LIT("SERVICE"),
		LIT("Content-Type: application/msrtc-category-publish+xml\r\n"), put_machine },
	[ASK_PUBLISH] = { LIT("SERVICE"),
		LIT("Content-Type: application/msrtc-category-publish+xml\r\n"), put_publish },
	[ASK_POLL] = { LIT("SUBSCRIBE"), LIT(BATCH "Expires: 0\r\n"), put_polled },
	[ASK_OPEN] = { LIT("SUBSCRIBE"), LIT(BATCH), put_brief },
	[ASK_CLOSE] = { LIT("SUBSCRIBE"), LIT(PIGGYBACK "Event: presence\r\nExpires: 0\r\n"), NULL },
	[ASK_INVITE] = { LIT("INVITE"),
		LIT("Supported: ms-sender\r\nContent-Type: application/sdp\r\n"), put_offer },
	[ASK_INFO] = { LIT("INFO"), LIT("Content-Type: application/xml\r\n"), put_typing },
	[ASK_MESSAGE] = { LIT("MESSAGE"),
		LIT("Content-Type: text/plain; charset=UTF-8\r\n"), put_text },
	[ASK_BYE] = { LIT("BYE"), LIT(""), NULL },
	[ASK_SEARCH] = { LIT("SERVICE"), LIT("Content-Type: application/SOAP+xml\r\n"), put_search },
};
static const struct wording phone_wording[N_ASKS] = {
	[ASK_REGISTER] = { LIT("REGISTER"), LIT(""), NULL },
	[ASK_WATCH] = { LIT("SUBSCRIBE"),
		LIT("Event: presence\r\nAccept: application/pidf+xml\r\nExpires: 3600\r\n"), NULL },
	[ASK_PUBLISH] = { LIT("PUBLISH"),
		LIT("Event: presence\r\nExpires: 3600\r\n"
		    "Content-Type: application/pidf+xml\r\n"), put_pidf },
};
/* clang-format on */

static const struct wording *wording_of(const struct job *j)
{
	return j->a->lync ? &lync_wording[job_ask(j)] : &phone_wording[job_ask(j)];
}

/* To whom: the domain, the peer of a session, the person of whom a phone asks, or herself. */
static void put_to(const struct presload *l, const struct job *j, struct out *o)
{
	if (job_ask(j) == ASK_SEARCH) {
		out_lit(o, "sip:");
		out_str(o, str_of(l->o.domain));
	} else if (job_ask(j) == ASK_WATCH && !j->a->lync) {
		put_address(l, &l->person[j->a->who->contacts[0]], o);
	} else {
		put_address(l, j->b ? j->b->who : j->a->who, o);
	}
}

static struct str put_target(const struct presload *l, const struct job *j, struct out *o)
{
	size_t at = o->n;
	if (j->d.target[0]) {
		out_str(o, str_of(j->d.target));
	} else if (job_ask(j) == ASK_REGISTER) {
		out_lit(o, "sip:");
		out_str(o, str_of(l->o.domain));
	} else {
		put_to(l, j, o);
	}
	return (struct str){ o->p + at, o->n - at };
}

static void put_id(const struct presload *l, const struct job *j, struct out *o)
{
	out_hex(o, l->run);
	out_lit(o, ".");
	out_hex(o, j->slot);
	out_lit(o, ".");
	out_hex(o, j->generation);
	out_lit(o, ".");
}

static void put_via(const struct presload *l, const struct job *j, struct out *o)
{
	static const struct str names[] = {
		[UDP] = LIT("UDP "), [TCP] = LIT("TCP "), [TLS] = LIT("TLS ")
	};
	out_lit(o, "Via: SIP/2.0/");
	out_str(o, names[l->o.net.transport]);
	out_str(o, str_of(j->a->conn.local));
	out_lit(o, ";rport;branch=z9hG4bK");
	put_id(l, j, o);
	out_hex(o, j->txn);
	out_lit(o, "\r\n");
	if (j->d.route[0]) {
		out_lit(o, "Route: ");
		out_str(o, str_of(j->d.route));
		out_lit(o, "\r\n");
	}
}

static void put_parties(const struct presload *l, const struct job *j, struct out *o)
{
	out_lit(o, "Max-Forwards: 70\r\nFrom: <");
	put_address(l, j->a->who, o);
	out_lit(o, ">;tag=");
	out_hex(o, j->slot);
	out_lit(o, ".");
	out_hex(o, j->generation);
	if (j->a->lync) {
		out_lit(o, ";epid=");
		put_digits(j->a->number, o);
	}
	out_lit(o, "\r\nTo: <");
	put_to(l, j, o);
	out_lit(o, ">");
	if (j->d.to_tag[0]) {
		out_lit(o, ";tag=");
		out_str(o, str_of(j->d.to_tag));
	}
	out_lit(o, "\r\n");
}

/* The first letter says what a request from the server is about: w of whom is watched, m a session;
 * the registrations of an endpoint share one. */
static void put_call_id(const struct presload *l, const struct job *j, struct str method,
                        struct out *o)
{
	enum ask a = job_ask(j);
	out_lit(o, "Call-ID: ");
	if (a == ASK_REGISTER) {
		out_lit(o, "r");
		out_hex(o, l->run);
		out_lit(o, ".");
		out_u32(o, j->a->number);
	} else {
		out_str(o, j->kind == JOB_SESSION ? STR("m")
		           : a == ASK_WATCH       ? STR("w")
		                                  : STR("x"));
		put_id(l, j, o);
		out_u32(o, j->kind == JOB_SIGNIN ? j->at : 0);
	}
	out_lit(o, "@127.0.0.1\r\nCSeq: ");
	out_u32(o, j->cseq);
	out_lit(o, " ");
	out_str(o, method);
	out_lit(o, "\r\n");
}

static void put_credentials(struct presload *l, struct job *j, struct str method, struct str uri,
                            struct out *o)
{
	char name[64];
	struct out user = { name, 0, sizeof(name), false };
	wording_user(l, j->a->who, &user);
	if (j->auth_www && !j->a->lync) {
		out_lit(o, "Authorization: ");
		digest_write(l->digest, o, &j->a->www, out_view(&user), method, uri);
		out_lit(o, "\r\n");
	}
	if (j->auth_proxy) {
		out_lit(o, "Proxy-Authorization: ");
		digest_write(l->digest, o, &j->a->proxy, out_view(&user), method, uri);
		out_lit(o, "\r\n");
	}
}

static void put_own_contact(const struct presload *l, const struct job *j, struct out *o)
{
	if (job_ask(j) == ASK_REGISTER) {
		put_registration(l, j->a, o);
		return;
	}
	put_contact(l, j->a, o);
	out_lit(o, "\r\n");
	if (j->a->who->etag[0] && !j->a->lync && job_ask(j) == ASK_PUBLISH) {
		out_lit(o, "SIP-If-Match: ");
		out_str(o, str_of(j->a->who->etag));
		out_lit(o, "\r\n");
	}
}

static void put_length(struct out *o, struct str body)
{
	out_lit(o, "Content-Length: ");
	out_u32(o, (uint32_t)body.n);
	out_lit(o, "\r\n\r\n");
	out_str(o, body);
}

static void put_head(struct presload *l, struct job *j, struct str method, struct out *o)
{
	out_str(o, method);
	out_lit(o, " ");
	struct str uri = put_target(l, j, o);
	out_lit(o, " SIP/2.0\r\n");
	put_via(l, j, o);
	put_parties(l, j, o);
	put_call_id(l, j, method, o);
	put_credentials(l, j, method, uri, o);
	put_own_contact(l, j, o);
	out_lit(o, "User-Agent: presload\r\n");
}

void wording_request(struct presload *l, struct job *j, struct out *o)
{
	const struct wording *w = wording_of(j);
	struct out body = { l->body, 0, REQUEST_MAX, false };
	if (w->body)
		w->body(l, j, &body);
	put_head(l, j, w->method, o);
	out_str(o, w->lines);
	put_length(o, out_view(&body));
	o->full |= body.full;
}

void wording_ack(struct presload *l, struct job *j, struct out *o)
{
	put_head(l, j, STR("ACK"), o);
	put_length(o, STR(""));
}

/* --- responses ------------------------------------------------------------------------------- */

static void put_lines(struct out *o, struct str name, const struct sip_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		out_str(o, name);
		out_str(o, list->line[i]);
		out_lit(o, "\r\n");
	}
}

void wording_response(const struct presload *l, const struct endpoint *e, const struct sip_msg *m,
                      struct out *o)
{
	bool invite = str_eq(m->method, STR("INVITE"));
	out_lit(o, "SIP/2.0 200 OK\r\n");
	put_lines(o, STR("Via: "), &m->via);
	put_lines(o, STR("Record-Route: "), &m->record_route);
	out_lit(o, "From: ");
	out_str(o, m->from);
	out_lit(o, "\r\nTo: ");
	out_str(o, m->to);
	if (sip_param(m->to, STR("tag")).n == 0)
		out_lit(o, ";tag=b");
	out_lit(o, "\r\nCall-ID: ");
	out_str(o, m->call_id);
	out_lit(o, "\r\nCSeq: ");
	out_u32(o, m->cseq);
	out_lit(o, " ");
	out_str(o, m->cseq_method);
	out_lit(o, "\r\n");
	if (invite) {
		put_contact(l, e, o);
		out_lit(o, "\r\nContent-Type: application/sdp\r\n");
		put_length(o, STR("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\n"
		                  "c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message 5061 sip null\r\n"));
	} else {
		put_length(o, STR(""));
	}
}
