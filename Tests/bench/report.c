#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { MAX_VALUES = 512 };

void table_begin(const char *title, const char *columns)
{
    printf("\n%s\n\n| ", title);
    for (const char *at = columns; *at; at++) printf(*at == '|' ? " | " : "%c", *at);
    printf(" |\n|---|");
    for (const char *at = columns; (at = strchr(at, '|')); at++) printf("--:|");
    putchar('\n');
}

void table_row(const char *name)
{
    printf("| %s", name);
}

void table_end_row(void)
{
    printf(" |\n");
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A quantile of sorted values, interpolated linearly; `part` is from 0 to 1. */
static double quantile(const double *sorted, int count, double part)
{
    double place = part * (count - 1);
    int below = (int)place;
    if (below + 1 >= count) return sorted[count - 1];
    return sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
}

static void sort(double *sorted, const double *values, int count)
{
    if (count < 1 || count > MAX_VALUES) fail("report", "the number of values is invalid");
    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
}

double median(const double *values, int count)
{
    double sorted[MAX_VALUES];
    sort(sorted, values, count);
    return quantile(sorted, count, 0.5);
}

void table_number(double number, int decimals)
{
    printf(" | %.*f", decimals, number);
}

static void print_figure(const double *values, int count, int decimals, const char *unit)
{
    double sorted[MAX_VALUES];
    sort(sorted, values, count);
    printf(" | %.*f%s (%.*f–%.*f)", decimals, quantile(sorted, count, 0.5), unit, decimals,
           quantile(sorted, count, 0.25), decimals, quantile(sorted, count, 0.75));
}

void table_figure(const double *values, int count, int decimals)
{
    print_figure(values, count, decimals, "");
}

void table_ratio(const double *values, const double *others, int count)
{
    double ratios[MAX_VALUES];
    if (count > MAX_VALUES) fail("report", "too many values");
    for (int i = 0; i < count; i++) ratios[i] = values[i] / others[i];
    print_figure(ratios, count, 2, "×");
}
