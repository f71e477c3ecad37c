/* The test's own process as Linux reports it, thinkwire-mock, and where the project's files are. */
#ifndef PROCESS_H
#define PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Prints the error that errno holds, and ends the program. */
void die(const char *what);

/**
 * A path in the project, for a program in .build/DIRECTORY/. The value of the environment
 * variable takes precedence, if `variable` is not NULL and the variable is set. Borrowed until
 * the fourth next call.
 */
const char *project_path(const char *variable, const char *path);

/**
 * Starts the mock and stores its base URL; -1 if it does not start. `program` NULL: THINKWIRE_MOCK,
 * or else the one in .build/release. The mock ends with this process, even if that crashes.
 */
pid_t mock_start(const char *program, char *url, size_t size);
void mock_stop(pid_t mock);

/** Removes the variables that the library and libcurl read, so that they do not affect the
 *  tests. */
void clear_environment(void);

/** The number in the line of /proc/self/status that starts with `name`: "VmRSS:" is in KiB. */
long process_status(const char *name);
int process_threads(void);

/** How many descriptors are open, without the one that counting them takes. */
int process_descriptors(void);

/** Has this thread, and those it starts, use only the n-th processor. For a client and a server
 *  that take turns: waking a thread on another processor costs more than the turn. */
void process_use_processor(int n);

/** Milliseconds of the monotonic clock. */
int64_t milliseconds(void);

/** The same, without the time that a thread (0: this one) waited for a processor. Tests that
 *  measure how late the library is use it, because other programs do not delay it. */
int64_t own_milliseconds(int thread);

void sleep_ms(int ms);

#endif
