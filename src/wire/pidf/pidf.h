/* Presence documents: PIDF (RFC 3863) with the data model of persons and devices (RFC 4479), rich
 * presence (RPID, RFC 4480), timed status (RFC 4481) and contact information (CIPID, RFC 4482).
 *
 * One struct for reading and writing.  Elements are known by their local name, so the namespaces of
 * the drafts, which old clients still use, are read as well; what stands at an older place (RPID in
 * a tuple or in its status, `<activity>busy</activity>`, `<im>busy</im>`) lands at the same place
 * of the struct.  Mood, place, privacy, relationship, sphere, class, service class, status icon,
 * time offset and capabilities are left out, and so is mustUnderstand: nothing left out changes
 * what the rest says. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum {
	PIDF_BYTES_MAX = 64 * 1024, /* of a document: -E2BIG beyond, as with all of these */
	PIDF_TUPLES_MAX = 32,
	PIDF_PERSONS_MAX = 8,
	PIDF_DEVICES_MAX = 32,
	PIDF_NOTES_MAX = 16,  /* of one element */
	PIDF_TIMED_MAX = 32,  /* of one tuple or person */
	PIDF_TEXT_MAX = 4096, /* bytes of one text or attribute */
};

/* RFC 4480 section 3.2. */
enum pidf_activity {
	PIDF_APPOINTMENT,
	PIDF_AWAY,
	PIDF_BREAKFAST,
	PIDF_BUSY,
	PIDF_DINNER,
	PIDF_HOLIDAY,
	PIDF_IN_TRANSIT,
	PIDF_LOOKING_FOR_WORK,
	PIDF_LUNCH,
	PIDF_MEAL,
	PIDF_MEETING,
	PIDF_ON_THE_PHONE,
	PIDF_PERFORMANCE,
	PIDF_PERMANENT_ABSENCE,
	PIDF_PLAYING,
	PIDF_PRESENTATION,
	PIDF_SHOPPING,
	PIDF_SLEEPING,
	PIDF_SPECTATOR,
	PIDF_STEERING,
	PIDF_TRAVEL,
	PIDF_TV,
	PIDF_UNKNOWN,
	PIDF_VACATION,
	PIDF_WORKING,
	PIDF_WORSHIP,
	PIDF_OTHER, /* has a text of its own */
	PIDF_N_ACTIVITIES,
};
#define PIDF_BIT(activity) ((uint32_t)1 << (activity))

/* The element's name: "on-the-phone". */
struct str pidf_activity_name(enum pidf_activity activity);
/* The bit of a name, or 0. */
uint32_t pidf_activity_bit(struct str name);

struct pidf_note {
	struct str text, lang; /* lang is empty if none is named */
};

struct pidf_notes {
	const struct pidf_note *v;
	unsigned n;
};

enum pidf_basic { PIDF_NO_BASIC, PIDF_OPEN, PIDF_CLOSED };
enum pidf_input { PIDF_NO_INPUT, PIDF_ACTIVE, PIDF_IDLE };

/* RPID and CIPID: what can be said of a person, a device, a tuple and a time.  Moments are in
 * microseconds since 1970, 0 if absent; texts are empty if absent. */
struct pidf_rich {
	uint32_t activities; /* a PIDF_BIT() each */
	struct str other;    /* the text of PIDF_OTHER */
	struct pidf_notes activity_notes;
	enum pidf_input input;
	usec_t last_input;
	uint32_t idle_threshold_s; /* 0 if absent */
	struct str display_name, homepage, icon, card;
};

/* RFC 4481. */
struct pidf_timed {
	usec_t from, until; /* until: 0 if open */
	enum pidf_basic basic;
	struct pidf_rich rich;
	struct pidf_notes notes;
};

struct pidf_tuple {
	struct str id; /* while empty, one is written by number */
	enum pidf_basic basic;
	struct str contact; /* URI */
	bool has_priority;
	uint16_t priority; /* of the contact, thousandths: 0 to 1000 */
	struct str device; /* RFC 4479 deviceID */
	struct pidf_rich rich;
	struct pidf_notes notes;
	const struct pidf_timed *timed;
	unsigned n_timed;
	usec_t timestamp;
};

struct pidf_person {
	struct str id;
	struct pidf_rich rich;
	struct pidf_notes notes;
	const struct pidf_timed *timed;
	unsigned n_timed;
	usec_t timestamp;
};

struct pidf_device {
	struct str id;
	struct str device; /* deviceID */
	struct pidf_rich rich;
	struct pidf_notes notes;
	usec_t timestamp;
};

struct pidf {
	struct str entity;
	const struct pidf_tuple *tuples;
	const struct pidf_person *persons;
	const struct pidf_device *devices;
	unsigned n_tuples, n_persons, n_devices;
	struct pidf_notes notes;
	/* What stands outside of all of them: some servers say the display name there. */
	struct pidf_rich rich;
};

/* Reads a document; everything lives in the arena.  Moments, priorities and numbers that cannot be
 * read count as absent, empty notes and timed statuses without a beginning are left out.  -EBADMSG:
 * no XML, or its root is no `presence`; -E2BIG: above the limits. */
int pidf_parse(struct pidf *ret, struct arena *a, struct str in) MUST_CHECK;

/* Appends a document, with its XML declaration. */
void pidf_put(struct buf *b, const struct pidf *p);
