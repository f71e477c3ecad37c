/* Tables in Markdown. A figure is the median of several rounds, with the first and the third
 * quartile. */
#ifndef REPORT_H
#define REPORT_H

/* Prints a title and the head of a table; the names of the columns are separated by "|". */
void table_begin(const char *title, const char *columns);

/* Begins a row with a name, whose cells follow, and ends it. */
void table_row(const char *name);
void table_end_row(void);

/* Cells. */
void table_number(double number, int decimals);
void table_figure(const double *values, int count, int decimals);

/* A cell with the ratios of the values to others of the same round. */
void table_ratio(const double *values, const double *others, int count);

double median(const double *values, int count);

#endif
