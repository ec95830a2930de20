/* The accounts link: what the accounts process and the others say to one another (design section
 * 3).  Frames over a Unix stream socket, answers carry the request's id, any number may be under
 * way, changes come unasked.
 *
 * A frame: length of the rest (32 bits), version, type (8 bits each), id (32 bits), body.  Numbers
 * in network byte order; texts and blobs with 16 bits of length. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"

enum {
	ACCT_VERSION = 5,
	ACCT_FRAME_MAX = 32 * 1024,
	ACCT_TEXT_MAX = 255,        /* bytes of each text of a record or a leg, of a look-up key */
	ACCT_BLOB_MAX = 8192,       /* of a leg */
	ACCT_KEY_MAX = 64,          /* of a session key */
	ACCT_TICKET_MAX = 64,       /* of a log-in's ticket */
	ACCT_CODE_MAX = 32,         /* of a second factor's code, as it is typed */
	ACCT_ASKED_MAX = 1280,      /* of a text that comes with a question about them */
	ACCT_SAID_MAX = 1024,       /* of what a user's own matters are answered with */
	ACCT_ROWS_MAX = 16,         /* of a search */
	ACCT_FOUND_MAX = 100,       /* people that one search finds */
	ACCT_MEMBERS_MAX = 1000,    /* of a distribution group (F-027) */
	ACCT_PHOTO_MAX = 30 * 1024, /* bytes of a user's picture (F-030) */
	ACCT_PHOTO_NAME_LEN = 32,   /* digits of its name */
	ACCT_PUSHES_MAX = 8,        /* browsers of a user that are told by push */
	ACCT_COMMAND_MAX = 15 * 1024, /* of an administrator's command */
	ACCT_PART_MAX = 15 * 1024,    /* of a piece of what it says */
};

/* A user as other roles see it, or a distribution group: no secret in it. */
struct account {
	uint64_t id;     /* never reused */
	uint64_t change; /* change number of the row */
	bool disabled;
	bool group;     /* nobody signs in as it; has members */
	struct str uri; /* AOR without scheme, lower case: "alice@example.test" */
	struct str display_name, email, phone /* E.164 "+..." or empty */, extension;
	struct str department, title, manager;
	struct str photo;       /* the name of the user's picture, a new one for each; or empty */
	bool ntlm;              /* has an NT hash (policy) */
	bool sha256_only;       /* Digest by SHA-256 instead of MD5 */
	bool pushes;            /* browsers of it are told by push what comes while they are away */
	bool admin;             /* may use the administration pages */
	uint32_t max_endpoints; /* 0: the policy's */
};

/* What the directory shows of a person; of a group's member who is no user here, id 0, and uri
 * alone. */
struct acct_person {
	uint64_t id;
	struct str uri; /* AOR without scheme */
	struct str display_name, email, phone, extension, department, title;
	struct str office, company, city, state, country;
	struct str photo; /* as in struct account */
};

/* Where a search looks: each row's words must all be there, each as the beginning of a word. */
enum acct_field {
	ACCT_ANY,     /* anywhere: names, address, numbers, department, ... */
	ACCT_NAME,    /* the display name */
	ACCT_GIVEN,   /* its given names */
	ACCT_SURNAME, /* its surnames */
	ACCT_MAIL,    /* the e-mail address, from its start */
	ACCT_URI,     /* the address of record, from its start */
	ACCT_COMPANY,
	ACCT_COUNTRY,
	ACCT_N_FIELDS
};
struct acct_query {
	uint32_t max; /* answers wanted: 1 to ACCT_FOUND_MAX */
	uint32_t n;   /* rows; all must match */
	struct acct_row {
		enum acct_field field;
		struct str value;
	} rows[ACCT_ROWS_MAX];
};

enum accounts_event {
	ACCOUNTS_CHANGED,  /* data changed; sign-ins stay */
	ACCOUNTS_PASSWORD, /* a credential was changed or revoked: sessions made with it must go */
	ACCOUNTS_DISABLED, /* disabled or removed: kick at once */
	/* A log-in or an app token ended: what was opened by its ticket must go.  Its number stands
	 * in the place of the credential; 0: all of the account's. */
	ACCOUNTS_LOGIN_ENDED,
	ACCOUNTS_LOST, /* the link broke; all cached state may be stale until ACCOUNTS_BACK */
	ACCOUNTS_BACK,
};

enum accounts_mech {
	ACCOUNTS_DIGEST_MD5,
	ACCOUNTS_DIGEST_SHA256,
	/* blob: the server's challenge of 8 bytes, then the AUTHENTICATE; user:
	 * "alice@example.test" or "EXAMPLE\\alice"; the key of ACCEPT is the exported session key,
	 * 16 bytes */
	ACCOUNTS_NTLM,
	ACCOUNTS_FAKE_FOURLEG, /* of tests */
	/* blob: the account's password in UTF-8, no device's; code: of the second factor, where
	 * there is one.  ACCEPT made a log-in: session is its number, blob its ticket, a text of at
	 * most ACCT_TICKET_MAX bytes that nobody else is to see and that is shown from then on.
	 * CONTINUE without a session: a code is needed too; with one: as ACCEPT, but this log-in is
	 * good for setting up the second factor alone, which the account must have. */
	ACCOUNTS_LOGIN,
	/* Likewise, of a log-in that there is (session: its number): the password was typed again.
	 */
	ACCOUNTS_PROVE,
	/* blob: a ticket, or an app token (session: its number, credential 0); user empty.  ACCEPT
	 * and CONTINUE as above without blob; REFUSE: unknown, ended, or out of life. */
	ACCOUNTS_TICKET,
	/* blob: a ticket, whose log-in ends.  ACCEPT also if it had ended, or never was; REFUSE of
	 * an app token. */
	ACCOUNTS_TICKET_END,
	/* Sign-in by the company's OpenID provider.  blob: the page that the browser comes back to;
	 * user: empty, or the ticket of a log-in that shall be proved.  CONTINUE: blob is what the
	 * browser keeps meanwhile, a space, the URL that it goes to. */
	ACCOUNTS_OIDC,
	/* It is back.  blob: what it kept, a space, the query that it came with.  ACCEPT as of
	 * LOGIN; of a log-in that was proved without a ticket.  Of both, REFUSE: blob is why, one
	 * of the words of docs/protocols/oidc.md. */
	ACCOUNTS_OIDC_BACK,
	ACCOUNTS_N_MECHS
};
enum accounts_verdict {
	ACCOUNTS_ACCEPT,
	ACCOUNTS_REFUSE,   /* wrong name or password: looks the same */
	ACCOUNTS_SLOW,     /* too many failures: try again in retry_s */
	ACCOUNTS_CONTINUE, /* another leg: blob is the challenge */
	ACCOUNTS_FAILED,   /* link down or store broken */
};

/* A user's own matters, which who shows the ticket of a log-in may ask and change. */
enum acct_own_op {
	ACCT_OWN_LOGINS,    /* rows: the log-ins, the last used first; number: this one */
	ACCT_OWN_LOGIN_END, /* that of the number; 0: all but this one */
	/* The second factor: its flags, and as number how many recovery codes are left. */
	ACCT_OWN_FACTOR,
	/* Makes a secret; text: it in base32, a space, and its otpauth URI. */
	ACCT_OWN_FACTOR_BEGIN,
	/* text: its first code.  It is on; answered with the recovery codes, a space between. */
	ACCT_OWN_FACTOR_CONFIRM,
	ACCT_OWN_FACTOR_CODES, /* other recovery codes, answered likewise */
	ACCT_OWN_FACTOR_END,
	ACCT_OWN_DEVICES,       /* rows: passwords of phones, numbers of credentials */
	ACCT_OWN_DEVICE_ADD,    /* text: its name; answered with the password */
	ACCT_OWN_DEVICE_REMOVE, /* by its number */
	ACCT_OWN_TOKENS,        /* rows: the app tokens */
	/* text: its name; number: its life in seconds, 0 for ever; answered with the token. */
	ACCT_OWN_TOKEN_ADD,
	ACCT_OWN_TOKEN_REMOVE, /* by its number */
	ACCT_OWN_PUSH,         /* flags: is this log-in's browser told by push? */
	/* text: a subscription (wire/push/push_sub.h), in the place of the one that it has. */
	ACCT_OWN_PUSH_ADD,
	ACCT_OWN_PUSH_END,
	/* text: the user's picture, at most ACCT_PHOTO_MAX bytes; answered with its name. */
	ACCT_OWN_PHOTO_SET,
	ACCT_OWN_PHOTO_END,
	/* text: the account's new password.  This log-in goes on with it; all others end. */
	ACCT_OWN_PASSWORD,
	ACCT_OWN_N_OPS
};
enum acct_own_status {
	ACCT_OWN_DONE,
	ACCT_OWN_SIGNED_OUT, /* the ticket is none of a log-in */
	ACCT_OWN_SLOW,       /* too much: try again in retry_s */
	ACCT_OWN_NONE,       /* what was named is not there */
	ACCT_OWN_BAD,        /* the name, or the new password, is not fit */
	ACCT_OWN_FULL,       /* there are as many as there may be */
	ACCT_OWN_EXISTS,     /* it is there already */
	ACCT_OWN_WRONG,      /* the code is wrong */
	ACCT_OWN_REFUSED,    /* the policy does not allow it */
	ACCT_OWN_UNPROVED,   /* the password must be typed again first */
	ACCT_OWN_FAILED,     /* store broken */
	ACCT_OWN_N_STATUSES
};

enum acct_own_flags {
	ACCT_OWN_ON = 1,       /* the second factor; push */
	ACCT_OWN_REQUIRED = 2, /* by the policy */
	ACCT_OWN_ALL_FLAGS = 3,
};

enum acct_type {
	/* to accounts */
	ACCT_LOOKUP = 1,
	ACCT_AUTH = 2,
	ACCT_KNOWN = 3, /* a sign-in was decided with a session key; no answer */
	ACCT_FEED =
	        4, /* subscribe to changes after number `since`; answered, then the changes come */
	ACCT_SEARCH = 5,       /* answered with PERSONs, then an END */
	ACCT_MEMBERS = 6,      /* of a distribution group; answered likewise */
	ACCT_OWN = 7,          /* answered with OWN_ROWs, then an OWNED */
	ACCT_PUSHES = 8,       /* where a user is told by push; answered with PUSHes, then an END */
	ACCT_PUSH_GONE = 9,    /* the push service has forgotten it; no answer */
	ACCT_COMMAND = 10,     /* of an administrator: answered with PARTs, then a COMMANDED */
	ACCT_PHOTO = 12,       /* a user's picture, by its name; answered with a PICTURE */
	ACCT_COMMAND_END = 11, /* who asked with that id wants no more; no answer of its own */
	/* from accounts */
	ACCT_RECORD = 65,
	ACCT_VERDICT = 66,
	ACCT_CHANGE = 67, /* id 0 */
	ACCT_FED = 68,
	ACCT_PERSON = 69,
	ACCT_END = 70,
	ACCT_OWN_ROW = 71,
	ACCT_OWNED = 72,
	ACCT_PUSH = 73,
	ACCT_PART = 74,
	ACCT_COMMANDED = 75,
	ACCT_PICTURE = 76,
};

enum acct_status { ACCT_FOUND, ACCT_NONE, ACCT_BROKEN };

/* To start the feed at what is true now. */
#define ACCT_SINCE_NOW UINT64_MAX

struct acct_msg {
	enum acct_type type;
	uint32_t id;
	union {
		struct {
			struct str key;
		} lookup;
		struct {
			enum accounts_mech mech;
			uint64_t session; /* 0 in a first leg */
			struct str user;
			struct bytes blob;
			struct addr peer; /* the port is not sent */
			struct str agent; /* what the client says it is; may be empty */
			struct str code;  /* of the second factor; may be empty */
		} auth;
		struct {
			uint64_t account, credential;
			struct addr peer;
		} known;
		struct {
			uint64_t since;
		} feed;
		struct acct_query search;
		struct {
			struct str key; /* the group's address */
			uint32_t max;   /* answers wanted: 1 to ACCT_MEMBERS_MAX */
		} members;
		struct acct_own {
			enum acct_own_op op;
			struct str ticket;
			uint64_t number;
			struct str text;
			struct addr peer;
		} own;
		struct {
			uint64_t account;
		} pushes;
		struct {
			uint64_t account, number;
		} push_gone;
		struct {
			enum acct_status status;
			struct account acc; /* of ACCT_FOUND */
		} record;
		struct {
			enum accounts_verdict verdict;
			uint64_t account, credential, session;
			uint32_t retry_s;
			struct str uri;
			struct bytes key, blob;
		} verdict;
		struct {
			enum accounts_event event; /* CHANGED to LOGIN_ENDED */
			uint64_t number, account, credential;
		} change;
		struct {
			uint64_t number; /* the feed goes on behind this one */
			bool gap; /* changes after `since` are forgotten: anything may differ */
		} fed;
		struct acct_person person; /* of the search or group with that id */
		struct {
			enum acct_status status; /* NONE: no such group */
			bool more;               /* there are others that did not come */
		} end;
		struct acct_own_row {
			uint64_t number;
			int64_t made_at, used_at, ends_at; /* seconds since 1970; 0: never */
			struct str name; /* what the browser said it is; of a device, a token */
			struct str from; /* an address, or empty */
		} own_row;
		struct acct_owned {
			enum acct_own_status status;
			uint32_t retry_s;
			uint64_t account, number;
			unsigned flags;  /* enum acct_own_flags */
			struct str text; /* a secret; at most ACCT_SAID_MAX bytes */
		} owned;
		struct acct_push {
			uint64_t number, login; /* its own; of the log-in that it is of */
			struct str text;        /* a secret; as it was added */
		} push;
		struct {
			struct str name;
		} photo;
		struct {
			enum acct_status status;
			struct bytes bytes; /* of ACCT_FOUND */
		} picture;
		/* A request of wire/ctl, one line without its end, for `dialtone`'s commands. */
		struct acct_command {
			struct str ticket, line;
			struct addr peer;
		} command;
		struct {
			struct str text; /* a piece of the lines that answer it; may be a secret */
		} part;
		/* DONE: the command has said what it has to say, be it that it failed.  NONE: there
		 * is no such command for this user. */
		struct {
			enum acct_own_status status;
			uint32_t retry_s;
		} commanded;
	};
};

/* Appends a frame; texts and blobs above the limits set b->full. */
void acct_put(struct buf *b, const struct acct_msg *m);
/* The message at the front of `in`: 1 with *ret (slices of in) and *ret_len, the bytes to consume;
 * 0 if it is not whole yet; -EBADMSG: the stream can not go on. */
int acct_get(struct acct_msg *ret, size_t *ret_len, struct str in) MUST_CHECK;
