/* A call of a browser: shared by call.c (what happens in it) and keep.c (how it outlives this
 * process). */
#pragma once

#include "role/web/wb.h"

enum { WEB_CALL_ID_LEN = 16, TAG_LEN = 12 };

enum phase {
	CALL_OUT,  /* our INVITE is under way */
	CALL_IN,   /* theirs waits for the user */
	CALL_UP,   /* there is a dialog */
	CALL_OVER, /* given up by the browser, but our INVITE is not answered yet */
};

struct call {
	struct list node; /* in session->calls */
	struct session *s;
	enum phase phase;
	bool rings;
	char id[WEB_CALL_ID_LEN + 1]; /* to the browser */
	char *peer;                   /* address without scheme */
	char *call_id, *local_tag, *remote, *remote_tag, *target, *routes;
	uint32_t cseq, remote_cseq;
	char branch[SIP_BRANCH_LEN + 1]; /* of the INVITE that makes it, if that is ours */
	struct list offers;              /* of ours: INVITEs, whose transactions there are */
	struct offer *offer;             /* the one that is not answered yet */
	struct sip_stx *asks;            /* theirs, which the browser has to answer */
	struct {                         /* our 2xx, until its ACK */
		struct buf text;
		uint32_t slot; /* of the front end that it goes to */
		uint32_t cseq; /* 0: acknowledged */
		uint64_t ms;
		usec_t until;
		struct timer again;
	} ok;
	struct timer life; /* of one that rings */
	struct {
		bool ours;         /* the other side has been asked to call somebody else, */
		bool theirs;       /* or has asked us to */
		unsigned n_theirs; /* so far */
		uint32_t id;       /* CSeq of their REFER */
		char *to;          /* whom, until the browser calls: address */
		struct timer patience;
	} refer;
	char *referred_by;                  /* who asked for it; NULL: nobody */
	char referrer[WEB_CALL_ID_LEN + 1]; /* the call whose REFER this one follows; empty: none */
};

/* In ringing, or about to. */
struct call *wb_call_new(struct session *s, struct str peer);
/* The call of that name; or NULL. */
struct call *wb_call_find(const struct session *s, struct str id);
/* The call that the browser means, and that is not over; NULL: it has been told that there is none.
 */
struct call *wb_call_of(struct session *s, uint64_t number, const cJSON *args);
/* A request in the call's dialog, without lines. */
struct web_out wb_in_dialog(const struct call *c, enum sip_method method, uint32_t cseq);
/* Events: the other side asks for a transfer; it has not come about, for that code. */
void wb_call_tell_refer(const struct call *c);
void wb_call_tell_not_transferred(const struct call *c, int code);

/* transfer.c.  Of each new call. */
void wb_transfer_init(struct call *c);
/* A NOTIFY in the call: answers it; true if the other side has got through, so that
 * this call ends. */
bool wb_transfer_notified(struct call *c, struct sip_req *rq);
/* A REFER in the call: answers it. */
void wb_transfer_asked(struct call *c, struct sip_req *rq);
/* The call of that name whose other side has asked to call that address; or NULL. */
struct call *wb_transfer_of(struct session *s, struct str id, struct str to);
/* c is the call that was asked for in the first one; and what has come of it since: the code of
 * its answer, or of why there is none. */
void wb_transfer_begins(struct call *c, struct call *first);
void wb_transfer_progress(struct call *c, int code);
void wb_transfer_free(struct call *c);

/* The browser gets the dialog, or the INVITE of ours that is not answered yet, as it is now,
 * sealed, to bring it back when this process is gone. */
void wb_call_keep(const struct call *c);
