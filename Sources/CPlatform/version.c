/* The version of the library, for Swift: it imports the macro as a String, which is not static. */
#include "CPlatform.h"

#include "../../include/thinkwire.h"

const char *platform_version(void)
{
    return TW_VERSION;
}
