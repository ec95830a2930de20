/* rand() and srand() for the plug-in, which are looked up here before the C library.
 *
 * pidgin-sipe seeds with the clock's second, so clients started in the same second would have the
 * same Call-IDs, tags and cookies.  Here every number comes from the kernel, and seeds are nothing.
 */
#include <stdlib.h>
#include <sys/random.h>

void srand(unsigned seed)
{
	(void)seed;
}

int rand(void)
{
	unsigned number;
	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		abort();
	return (int)(number & RAND_MAX);
}
