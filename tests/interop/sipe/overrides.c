/* Functions that the plug-in finds here before it finds the libraries' own, where those would make
 * tests depend on chance. */
#include <dlfcn.h>
#include <purple.h>
#include <stdlib.h>
#include <sys/random.h>

/* pidgin-sipe seeds with the clock's second, so clients started in the same second would have the
 * same Call-IDs, tags and cookies.  Here every number comes from the kernel, and seeds are nothing.
 */

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

/* libpurple's buffer of what is to be sent goes wrong when it has been filled to its last byte, is
 * empty again and has to grow: it sends what it had sent before, for ever.  It grows in steps of
 * 256 bytes, so a client whose first REGISTER has 768 never signs in (alice9 at 10.77.0.11 is one).
 * A step that no test fills keeps it from growing twice. */

enum { STEP = 1 << 20 };

PurpleCircBuffer *purple_circ_buffer_new(gsize step)
{
	(void)step;
	void *real = dlsym(RTLD_NEXT, "purple_circ_buffer_new");
	return ((PurpleCircBuffer * (*)(gsize)) real)(STEP);
}
