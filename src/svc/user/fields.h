/* The data of a user that an administrator may set: names of the fields, what they may hold. */
#pragma once

#include "base/buf.h"

enum user_field {
	USER_NAME, /* display name */
	USER_EMAIL,
	USER_PHONE,
	USER_EXTENSION,
	USER_DEPARTMENT,
	USER_TITLE,
	USER_MANAGER,
	USER_OFFICE,
	USER_COMPANY,
	USER_CITY,
	USER_STATE,
	USER_COUNTRY,
	USER_N_FIELDS,
};
enum {
	USER_TEXT_MAX = 255,
	USER_LOCAL_MAX = 64,
	USER_DEVICE_MAX = 64,
	USER_PHOTO_MAX = 30 * 1024,
	USER_PHOTO_SIDE_MAX = 1024, /* pixels: few bytes can make a picture that fills a memory */
};

/* "name", "email", ... */
const char *user_field_name(enum user_field f);
/* Is the value fit (empty: cleared)?  -EINVAL with a sentence for people. */
int user_field_check(enum user_field f, struct str value, struct buf *why) MUST_CHECK;

/* Is it a name for a device?  -EINVAL with a sentence. */
int user_device_check(struct str name, struct buf *why) MUST_CHECK;

/* An account's name as a person writes it ("Alice", "alice@example.test", "sip:alice@...") in
 * canonical form: "alice@example.test"; without a domain it is of the first one.  -EINVAL with a
 * sentence: characters, length, a domain that is not ours. */
int user_uri(struct buf *ret, struct str name, const struct str *domains, size_t n_domains,
             struct buf *why) MUST_CHECK;
/* "+4930123456": E.164, 7 to 15 digits. */
bool user_is_phone(struct str s);
/* Two to ten digits. */
bool user_is_extension(struct str s);
/* JPEG, PNG or GIF of at most USER_PHOTO_MAX bytes, USER_PHOTO_SIDE_MAX pixels wide and high;
 * -EINVAL with a sentence. */
int user_photo_check(struct bytes photo, struct buf *why) MUST_CHECK;
