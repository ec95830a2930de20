/* presload: endpoints that sign in, watch each other and write to each other, as Lync clients do.
 *
 * All that an endpoint does is a job: a script of requests, one after the other, each when the one
 * before was answered.  The job's slot and generation stand in every Via branch and, for dialogs,
 * in the Call-ID, so that each message that comes in finds its job without a table.  Notifications
 * are found by who published what: each publication of a person says something new. */
#pragma once

#include "digest.h"
#include "lync.h"
#include "net.h"
#include "options.h"
#include "sipmsg.h"
#include "stats.h"

enum {
	CONTACTS_MAX = 120, /* of one person */
	POLLED = 3,         /* people asked of in a poll: 181 an hour in 60 polls */
	BRIEF_CONTACTS = 40,
	MESSAGES = 10,           /* of a session of IM, each with two INFO */
	REQUEST_MAX = 32 * 1024, /* bytes of a message that we send */
	ROUTE_MAX = 1024,
	TARGET_MAX = 256,
	TAG_MAX = 128,
};

enum job_kind {
	JOB_SIGNIN,  /* each endpoint once: all that a client does when it starts */
	JOB_PUBLISH, /* a new state; over when all who watch have been told */
	JOB_ALONE,   /* the same by somebody whom nobody watches */
	JOB_REFRESH, /* REGISTER */
	JOB_POLL,    /* SUBSCRIBE that ends at once */
	JOB_BRIEF,   /* a short subscription */
	JOB_SESSION, /* of IM */
	JOB_SEARCH,  /* of the directory */
	JOB_MODEL,   /* all of them at the rates of the user model */
	N_JOBS
};

enum ask {
	ASK_REGISTER,
	ASK_CONTACTS, /* roaming-contacts */
	ASK_SELF,     /* roaming-self */
	ASK_WATCH,    /* the presence of the contacts, in one dialog */
	ASK_MACHINE,  /* the first publication of an endpoint */
	ASK_PUBLISH,
	ASK_POLL,
	ASK_OPEN, /* of a short subscription */
	ASK_CLOSE,
	ASK_INVITE,
	ASK_INFO,
	ASK_MESSAGE,
	ASK_BYE,
	ASK_SEARCH,
	N_ASKS,
	ASK_END = N_ASKS
};

struct job;

struct person {
	uint32_t number, first, n_endpoints; /* the number of the first endpoint */
	uint32_t n_contacts, *contacts;      /* indexes of people */
	uint32_t watchers;                   /* endpoints that watch */
	uint32_t version;                    /* of the state that the user set */
	/* What was published last, and how many have not been told. */
	uint32_t said, missing;
	usec_t published;
	struct job *job; /* that publishes */
	char etag[64];   /* of a phone's publication */
};

struct endpoint {
	struct conn conn;
	struct person *who;
	uint32_t number, cseq, machine_version;
	struct lync_user *lync; /* NULL: a phone of the standard */
	struct digest_cred www, proxy;
	struct job *job; /* of those that an endpoint does one at a time */
	bool watches;
};

struct dialog {
	char to_tag[TAG_MAX], target[TARGET_MAX], route[ROUTE_MAX];
	uint32_t cseq;
};

enum job_state { JOB_IDLE, JOB_CONNECTING, JOB_ASKED, JOB_PAUSING, JOB_TELLING };

struct job {
	uint32_t slot, generation, txn;
	enum job_state state;
	enum job_kind kind;
	struct endpoint *a, *b; /* b: whom a writes to */
	unsigned at;            /* in the script */
	unsigned challenged;
	bool auth_www, auth_proxy;
	uint32_t cseq;
	usec_t began, asked, deadline; /* deadline: of an answer, or of a pause */
	struct dialog d;
};

struct presload {
	struct options o;
	struct net *net;
	struct digest *digest;
	struct ntlm *ntlm; /* NULL: no --lync */
	uint32_t run;      /* random: nothing of an earlier run is taken for ours */
	struct person *person;
	uint32_t n_people, n_loners;
	struct endpoint *endpoint;
	uint32_t n_endpoints;
	struct job *job;
	uint32_t n_jobs, *idle, n_idle;
	/* Of this step. */
	const struct step *step;
	uint32_t most, most_at_once, begun, cursor;
	struct stats stats;
	struct latency answered[N_ASKS], told;
	uint64_t requests, notified, states, missing;
	uint64_t due[N_JOBS + 1]; /* the model: begun of each kind; the last: keep-alives */
	char *scratch, *body;     /* REQUEST_MAX each */
};

static inline bool is_loner(const struct presload *l, const struct person *p)
{
	return p->number - l->o.first >= l->n_people - l->n_loners;
}

/* --- people.c: who watches whom ---------------------------------------------------------- */

/* Makes people and endpoints; two of three endpoints share a person (1.5 a person). */
void people_make(struct presload *l);
/* A line for each person: her number and those of her contacts. */
void people_print(const struct presload *l);

/* --- job.c: scripts ------------------------------------------------------------------------ */

/* Begins a job of that kind at some endpoint that is free for it; false if there is none. */
bool job_begin(struct presload *l, enum job_kind kind);
void job_opened(struct presload *l, struct endpoint *e);
void job_lost(struct presload *l, struct endpoint *e, const char *why);
void job_response(struct presload *l, struct endpoint *e, const struct sip_msg *m);
/* A request from the server: a notification, or what another endpoint of ours sent. */
void job_request(struct presload *l, struct endpoint *e, const struct sip_msg *m);
void job_tick(struct presload *l, usec_t now);
/* Sends, signed if the endpoint is of the Lync dialect. */
void job_send(struct presload *l, struct endpoint *e, struct out *o);
enum ask job_ask(const struct job *j);

/* --- model.c: the rates --------------------------------------------------------------------- */

/* Begins what is due. */
void model_tick(struct presload *l, usec_t elapsed);
/* How long a job of the model pauses at this point of its script; 0: not at all. */
usec_t model_pause(const struct job *j);

/* --- wording.c: messages -------------------------------------------------------------------- */

/* What the job asks now. */
void wording_request(struct presload *l, struct job *j, struct out *o);
void wording_ack(struct presload *l, struct job *j, struct out *o);
/* 200. */
void wording_response(const struct presload *l, const struct endpoint *e, const struct sip_msg *m,
                      struct out *o);
/* "user7" */
void wording_user(const struct presload *l, const struct person *p, struct out *o);
