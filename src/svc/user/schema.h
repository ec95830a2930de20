/* The tables of the user store, as numbered migrations. */
#pragma once

#include "store/store.h"

extern const struct store_migration user_schema[];
