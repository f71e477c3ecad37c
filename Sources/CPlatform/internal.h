/* Functions that the files of CPlatform share, and Swift does not see. */
#ifndef CPLATFORM_INTERNAL_H
#define CPLATFORM_INTERNAL_H

#include <stdbool.h>

/**
 * Registers the handlers that make a fork wait for platform_leave; false if memory is exhausted.
 * Call it under a lock.
 */
bool platform_register_fork_handlers(void);

/**
 * Sleeps for 100 microseconds, between two checks of a condition that another thread will change.
 */
void platform_pause(void);

/**
 * The file of CA certificates of this system, or of certifi; NULL if neither exists. For a libcurl
 * that was built for no particular system. Static. Call it under a lock.
 */
const char *platform_find_certificates(void);

#endif
