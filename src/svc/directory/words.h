/* What the directory knows of a person, and what a search asks for, as words: the one place that
 * says how the two are made to meet.
 *
 * A search's words are beginnings of a person's words.  An address counts as one word, and its
 * local part is cut into words besides.  A number is found by its first digits, and, if four or
 * more are given, by its last ones, so that national forms find it: 030 123456 ends +4930123456. */
#pragma once

#include "wire/accounts/acct.h"

/* Limits; the last in bytes. */
enum {
	WORDS_PERSON_MAX = 48, /* of a person; those of the name come first */
	WORDS_QUERY_MAX = 8,   /* of a search; what is asked beyond them is not looked at */
	WORDS_LEN_MAX = ACCT_TEXT_MAX,
	/* a number stands as it came, as digits, and reversed */
	WORDS_TEXT_MAX = 3 * ACCT_ROWS_MAX * ACCT_TEXT_MAX,
};

/* Where a word stands: bits. */
enum word_in {
	IN_NAME = 1,
	IN_GIVEN = 2,
	IN_SURNAME = 4,
	IN_MAIL = 8,
	IN_URI = 16,
	IN_COMPANY = 32,
	IN_COUNTRY = 64,
	IN_NUMBER_END = 128, /* a number's digits from the last to the first */
	IN_REST = 256,
	IN_ANY = 511 & ~IN_NUMBER_END,
};

struct word {
	struct str text; /* folded; 1 to WORDS_LEN_MAX bytes */
	uint16_t in;     /* a person's: where it stands; a search's: where it may stand */
	struct str end;  /* a search's: the beginning of an IN_NUMBER_END word that will do too */
};
struct words {
	unsigned n;
	struct word word[WORDS_PERSON_MAX];
	struct buf text; /* what the words are slices of */
};

/* Memory for the words of many, one after the other. */
void words_init(struct words *w);
void words_done(struct words *w);
/* The words of a person, each once. */
void words_of_person(struct words *w, const struct acct_person *p);
/* The words of a search: at most WORDS_QUERY_MAX.  None: it asks for nothing. */
void words_of_query(struct words *w, const struct acct_query *q);
