/* The inside of svc/conversation: sessions (im.c), their messages on the wire (session.c). */
#pragma once

#include "base/map.h"
#include "svc/conversation/content.h"
#include "svc/conversation/im.h"
#include "svc/conversation/sender.h"
#include "wire/imdn/cpim.h"

struct im {
	struct im_config cfg;
	struct map by_id, by_pair;
	struct im_senders senders;
	uint64_t last_id;
	struct im_stats stats;
};

enum im_state {
	IM_INVITING, /* our INVITE is out; messages wait */
	IM_OPEN,
	IM_ENDED, /* freed by the loop once no message is on its way */
};

/* Who types (typing.c). */
struct im_typing {
	struct timer phone; /* its user types: the client is told again */
	usec_t phone_until;
	struct timer client; /* its user types: until nothing more is heard of it */
	bool client_active;
	usec_t client_told; /* when the phone was told */
};

enum { IM_ID_LEN = 16 }; /* of a message in an envelope */

struct im_session {
	struct map_node by_id, by_pair;
	struct im *im;
	enum im_state state;
	uint64_t id;
	bool called; /* the client opened it: the user here is the one with phones */
	uint64_t account;
	char *user, *peer;        /* as in struct im_who */
	struct im_sender *sender; /* the peer, who caused it */
	/* The dialog, from our end. */
	char *call_id, *local, *remote; /* values of From and To of our requests */
	char *target;                   /* Contact of the client */
	struct token end;               /* where it is */
	uint32_t cseq;
	struct sip_ctx *invite;
	struct list waiting; /* struct im_message */
	unsigned n_waiting;
	struct timer timer;
	struct im_typing typing;
	bool cpim; /* the phone writes in envelopes: it takes them, too */
	struct defer reap;
};

/* One message on its way: its transaction is answered with what the far side says. */
struct im_message {
	struct list node;
	struct im_session *session;
	struct sip_stx *stx;    /* NULL: its sender has gone */
	struct sip_ctx *ctx;    /* NULL while the session is being opened */
	char id[IM_ID_LEN + 1]; /* under which the phone may tell of it; empty: it will not */
	bool tried;             /* a session that turned out dead was opened anew */
};

/* session.c: the wire. */
/* Our INVITE to all endpoints of the user; 0 or -EPIPE. */
int session_invite(struct im_session *s, const struct sip_ctx_ops *ops) MUST_CHECK;
/* The dialog that its 2xx made. */
void session_take_answer(struct im_session *s, const struct sip_msg *ok);
/* The dialog of an INVITE that we answer; *ret_lines for the 200 are appended to b. */
void session_take_invite(struct im_session *s, const struct sip_req *rq, struct buf *b);
void session_ack(struct im_session *s, uint32_t cseq);
/* A request inside the dialog to the client; NULL if the link is down. */
struct sip_ctx *session_send(struct im_session *s, enum sip_method method, const struct content *c,
                             const struct sip_ctx_ops *ops, void *arg);
/* A pager MESSAGE from the client's user to the phones; id: in an envelope, with this Message-ID,
 * unless it is empty. */
struct sip_ctx *session_page(struct im_session *s, const struct content *c, const char *id,
                             const struct sip_ctx_ops *ops, void *arg);
/* A notice for the phone: the client has its message (RFC 5438). */
void session_report(struct im_session *s, struct str message_id);
/* A notice for the client: the phone could not show its message ([MS-CONFIM] section 2.2). */
void session_report_failure(struct im_session *s, struct str message_id);
/* typing.c: what goes to the client (phone), or comes from it (client), is typing or text. */
void typing_init(struct im_session *s);
void typing_stop(struct im_session *s);
void typing_phone(struct im_session *s, const struct content *c);
/* True if the phone is to be told of it. */
bool typing_client(struct im_session *s, const struct content *c);
/* The SDP of both directions. */
struct str session_sdp(void);
