#include <assert.h>

#include "wire/picture/picture.h"

/* The head of a picture that anybody uploads: whatever it is, it has a kind and a size, or is
 * refused. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct picture p;
	if (picture_read(&p, (struct bytes){ data, size }) < 0)
		return 0;
	assert(p.width > 0 && p.height > 0);
	assert(str_starts(picture_type(p.kind), STR("image/")));
	return 0;
}
