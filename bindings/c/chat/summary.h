/* summary.h: tokens, cost and times of an answer. */
#ifndef CHAT_SUMMARY_H
#define CHAT_SUMMARY_H

#include <thinkwire.h>

/* Prints the tool calls of a reply and one line with its numbers, to standard error. */
void print_summary(const tw_reply *reply);

#endif
