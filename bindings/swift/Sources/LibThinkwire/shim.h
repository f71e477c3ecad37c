#include <pthread.h>
#include <thinkwire.h>

/* glibc declares it only for _GNU_SOURCE, which a module cannot define. */
int pthread_setname_np(pthread_t thread, const char *name);
