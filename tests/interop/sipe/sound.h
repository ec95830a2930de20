/* Sound and pictures of calls without a sound card or a screen: what is sent is a tone and a
 * colour, what arrives is measured and told by events.
 *
 * "sound": {"hz": the strongest frequency, "db": its strength, "share": its part of all energy},
 * twice a second; "picture": {"red", "green", "blue": the middle colour of one picture, "n": the
 * number of pictures so far}, once a second. */
#pragma once
#include <mediamanager.h>

/* Registers the sources and sinks. */
void sound_init(PurpleMediaManager *manager);

/* Tells by events what the sinks measure; may be called again. */
void sound_listen(PurpleMediaManager *manager);
