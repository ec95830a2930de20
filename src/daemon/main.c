#include "daemon/dialtoned.h"
#include "daemon/roles.h"

int main(int argc, char **argv)
{
	return dialtoned_main(argc, argv, roles_all);
}
