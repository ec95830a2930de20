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
};

/* In ringing, or about to. */
struct call *wb_call_new(struct session *s, struct str peer);
/* The call of that name; or NULL. */
struct call *wb_call_find(const struct session *s, struct str id);
/* The browser gets the dialog, or the INVITE of ours that is not answered yet, as it is now,
 * sealed, to bring it back when this process is gone. */
void wb_call_keep(const struct call *c);
