/*
 * Tests what the header promises, through the header, against the built library and thinkwire-mock.
 *
 *     plain [--fast] [--jobs N] [--driver DRIVER] [SUITE…]
 *
 * --fast runs only the suites that do not wait. --jobs runs up to N suites at a time, each in a
 * process of its own. --driver selects how exchanges are made (see driver.h), for the suites that
 * are the same for every driver. THINKWIRE_MOCK names the mock; the default is the one in
 * .build/release.
 */
#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS 0x20
#endif

enum pace {
    WAITS, /* For timeouts, retries, or a server that is slow on purpose; or takes seconds. */
    FAST,
    ALONE, /* Waits, and compares durations: nothing else may run meanwhile. */
};

enum scope {
    ONE_DRIVER,   /* Tests the functions of a driver, or makes no exchanges. */
    EVERY_DRIVER, /* Makes its exchanges with driver.h. */
};

static const struct suite {
    const char *name;
    void (*run)(void);
    enum pace pace;
    enum scope scope;
} suites[] = {
    { "names", test_names, FAST, ONE_DRIVER },
    { "layout", test_layout, FAST, ONE_DRIVER },
    { "null_arguments", test_null_arguments, FAST, ONE_DRIVER },
    { "options", test_options, FAST, ONE_DRIVER },
    { "environment", test_environment, FAST, ONE_DRIVER },
    { "request", test_request, FAST, EVERY_DRIVER },
    { "image", test_image, FAST, ONE_DRIVER },
    { "send", test_send, FAST, EVERY_DRIVER },
    { "stream", test_stream, FAST, EVERY_DRIVER },
    { "batches", test_batches, FAST, ONE_DRIVER },
    { "pull", test_pull, WAITS, ONE_DRIVER },
    { "callbacks", test_callbacks, FAST, ONE_DRIVER },
    { "error_responses", test_error_responses, FAST, EVERY_DRIVER },
    { "transport", test_transport, WAITS, EVERY_DRIVER },
    { "timeouts", test_timeouts, WAITS, EVERY_DRIVER },
    { "comments_in_callback_mode", test_comments_in_callback_mode, WAITS, EVERY_DRIVER },
    { "comments_in_pull_mode", test_comments_in_pull_mode, WAITS, ONE_DRIVER },
    { "pings_after_the_end", test_pings_after_the_end, WAITS, EVERY_DRIVER },
    { "broken_streams", test_broken_streams, FAST, EVERY_DRIVER },
    { "completion", test_completion, FAST, EVERY_DRIVER },
    { "reply", test_reply, FAST, EVERY_DRIVER },
    { "threads", test_threads, ALONE, EVERY_DRIVER },
    { "thinking", test_thinking, FAST, EVERY_DRIVER },
    { "tools", test_tools, FAST, ONE_DRIVER },
    { "conversation", test_conversation, FAST, EVERY_DRIVER },
    { "models", test_models, FAST, EVERY_DRIVER },
    { "model_list", test_model_list, WAITS, ONE_DRIVER },
    { "calls_during_an_exchange", test_calls_during_an_exchange, FAST, ONE_DRIVER },
    { "invalid_arguments", test_invalid_arguments, FAST, ONE_DRIVER },
    { "setters", test_setters, FAST, ONE_DRIVER },
    { "json", test_json, FAST, ONE_DRIVER },
    { "accessors", test_accessors, FAST, ONE_DRIVER },
    { "cancellation", test_cancellation, WAITS, ONE_DRIVER },
    { "retries", test_retries, WAITS, EVERY_DRIVER },
    { "retry_waits", test_retry_waits, WAITS, EVERY_DRIVER },
    { "limits", test_limits, WAITS, EVERY_DRIVER },
    { "loop", test_loop, FAST, ONE_DRIVER },
    { "loop_waits", test_loop_waits, WAITS, ONE_DRIVER },
    { "fairness", test_fairness, FAST, ONE_DRIVER },
};

enum { SUITES = sizeof suites / sizeof *suites };

/* One for each suite. The children write theirs in memory that they share with the parent. */
static struct job {
    bool is_wanted, is_over;
    int passed, failed;
    long long ms;
    pid_t process;
    FILE *output;
} *jobs;

static void run_suite(int index)
{
    struct job *job = &jobs[index];
    int passed = checks_passed, failed = checks_failed;
    int64_t start = milliseconds();
    suites[index].run();
    job->ms = milliseconds() - start;
    job->passed = checks_passed - passed;
    job->failed = checks_failed - failed;
    printf("%-26s %4d checks, %d failed, %lld ms\n", suites[index].name, job->passed + job->failed,
           job->failed, job->ms);
    if (job->passed + job->failed == 0) job->failed = 1;
    job->is_over = true;
}

/* ---- suites in processes of their own ---- */

static void start_job(int index)
{
    struct job *job = &jobs[index];
    fflush(stdout);
    job->output = tmpfile();
    if (!job->output || (job->process = fork()) < 0) die("fork");
    if (job->process > 0) return;
    dup2(fileno(job->output), STDOUT_FILENO);
    dup2(fileno(job->output), STDERR_FILENO);
    run_suite(index);
    exit(job->failed > 0);
}

/* Waits for a child and records how it ended. Only the exit status shows a leak. */
static void finish_a_job(void)
{
    int status;
    pid_t process = wait(&status);
    if (process < 0) die("wait");
    for (int i = 0; i < SUITES; i++) {
        struct job *job = &jobs[i];
        if (job->process != process) continue;
        bool is_right = WIFEXITED(status) && (WEXITSTATUS(status) == 0) == (job->failed == 0);
        if (!job->is_over || !is_right) {
            fseek(job->output, 0, SEEK_END);
            fprintf(job->output, "%s: the process ended with wait status %#x\n", suites[i].name,
                    (unsigned)status);
            job->failed++;
        }
        job->is_over = true;
    }
}

static void print_output(FILE *output)
{
    char bytes[4096];
    size_t len;
    rewind(output);
    while ((len = fread(bytes, 1, sizeof bytes, output)) > 0) fwrite(bytes, 1, len, stdout);
    fclose(output);
}

/* Suites are started in this order, `limit` at a time. Those that wait come first, because they
 * take longest and hardly need a processor. */
static void run_in_parallel(int limit)
{
    int running = 0;
    for (enum pace pace = WAITS; pace <= ALONE; pace++) {
        if (pace == ALONE)
            for (; running > 0; running--) finish_a_job();
        for (int i = 0; i < SUITES; i++) {
            if (!jobs[i].is_wanted || suites[i].pace != pace) continue;
            if (running == (pace == ALONE ? 1 : limit)) {
                finish_a_job();
                running--;
            }
            start_job(i);
            running++;
        }
    }
    for (; running > 0; running--) finish_a_job();
    for (int i = 0; i < SUITES; i++)
        if (jobs[i].is_wanted) print_output(jobs[i].output);
}

/* ---- the command line ---- */

static int index_of(const char *name)
{
    for (int i = 0; i < SUITES; i++)
        if (strcmp(suites[i].name, name) == 0) return i;
    fprintf(stderr, "there is no suite %s\n", name);
    exit(2);
}

static int parse_arguments(int argc, char **argv)
{
    bool is_fast = false, has_names = false;
    int limit = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--fast") == 0) {
            is_fast = true;
        } else if (strcmp(argv[i], "--jobs") == 0 && i + 1 < argc) {
            limit = atoi(argv[++i]);
        } else if (strcmp(argv[i], "--driver") == 0 && i + 1 < argc) {
            if (!driver_select(argv[++i])) die("there is no such driver");
        } else {
            jobs[index_of(argv[i])].is_wanted = true;
            has_names = true;
        }
    }
    for (int i = 0; i < SUITES; i++) {
        if (!has_names) jobs[i].is_wanted = true;
        if (is_fast && suites[i].pace != FAST) jobs[i].is_wanted = false;
        if (driver != BLOCKING && suites[i].scope != EVERY_DRIVER) jobs[i].is_wanted = false;
    }
    return limit;
}

int main(int argc, char **argv)
{
    jobs = mmap(NULL, SUITES * sizeof *jobs, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                0);
    if (jobs == MAP_FAILED) die("mmap");
    int limit = parse_arguments(argc, argv);
    /* Line by line, so that a crash does not swallow what was printed before. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    clear_environment();
    pid_t mock = mock_start(NULL, mock_url, sizeof mock_url);
    if (mock < 0) {
        fprintf(stderr, "the mock does not start: set THINKWIRE_MOCK to its program\n");
        return 1;
    }
    if (limit > 0) run_in_parallel(limit);
    int passed = 0, failed = 0;
    for (int i = 0; i < SUITES; i++) {
        if (!jobs[i].is_wanted) continue;
        if (limit <= 0) run_suite(i);
        passed += jobs[i].passed;
        failed += jobs[i].failed;
    }
    mock_stop(mock);
    printf("%s driver: %d passed, %d failed\n", driver_names[driver], passed, failed);
    return failed > 0 || passed == 0;
}
