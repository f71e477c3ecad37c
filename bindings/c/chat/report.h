/* report.h: messages of the program on standard error, and its exit statuses. */
#ifndef CHAT_REPORT_H
#define CHAT_REPORT_H

#include <stdio.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* Prints a message. Returns the status. */
int fail(int status, const char *message, const char *detail);

/* Prints "FILE: REASON", with the reason that errno contains. Returns the status. */
int fail_file(int status, const char *action, const char *file);

/* Prints the library's reason why it rejected `what`, which may be NULL. Returns EXIT_USAGE. */
int fail_invalid(const char *what);

/* Prints a message of the library, with the program's options in place of functions. */
void put_message(FILE *stream, const char *message);

#endif
