/* This process, as Linux sees it, and thinkwire-mock beside it: for the tests that look after either. */
#ifndef PROCESS_H
#define PROCESS_H

#include <stddef.h>
#include <sys/types.h>

/* Starts the mock, which ends with this process, whatever becomes of that; its base URL is put into `url`. -1 if it does not start. */
pid_t mock_start(const char *program, char *url, size_t size);
void mock_stop(pid_t mock);

/* The number in a line of /proc/self/status, by the line's beginning: "VmRSS:", in KiB. */
long process_status(const char *name);
int process_threads(void);

/* The descriptors that are open; the one that it takes to look is not counted. */
int process_descriptors(void);

#endif
