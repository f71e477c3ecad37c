/*
 * Everything that the header promises, through the header, against the library that ships and thinkwire-mock.
 *
 * THINKWIRE_MOCK names the mock's program. Suites named as arguments are run alone.
 */
#define _POSIX_C_SOURCE 200809L

#include "../support/process.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct suite {
    const char *name;
    void (*run)(void);
} suites[] = {
    { "names", test_names },
    { "layout", test_layout },
    { "null", test_null },
    { "options", test_options },
    { "environment", test_environment },
    { "request", test_request },
    { "image", test_image },
    { "send", test_send },
    { "stream", test_stream },
    { "pull", test_pull },
    { "callbacks", test_callbacks },
    { "refusals", test_refusals },
    { "transport", test_transport },
    { "timeouts", test_timeouts },
    { "broken_streams", test_broken_streams },
    { "reply", test_reply },
    { "threads", test_threads },
    { "thinking", test_thinking },
    { "tools", test_tools },
    { "conversation", test_conversation },
    { "models", test_models },
    { "calls", test_calls },
    { "hostile", test_hostile },
    { "retries", test_retries },
    { "limits", test_limits },
};

/* No key or address of whoever runs the tests may decide how they end. */
static void clear_environment(void)
{
    static const char *const names[] = { "THINKWIRE_BASE_URL",
                                         "THINKWIRE_API_KEY",
                                         "AIMLAPI_API_KEY",
                                         "OPENAI_API_KEY",
                                         "OPENAI_BASE_URL",
                                         "THINKWIRE_DEBUG",
                                         "http_proxy",
                                         "https_proxy",
                                         "HTTPS_PROXY",
                                         "all_proxy",
                                         "ALL_PROXY",
                                         "no_proxy",
                                         "NO_PROXY" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) return true;
    }
    return argc == 1;
}

int main(int argc, char **argv)
{
    /* Line by line, so that what failed is told even if the next thing that happens is a crash. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    clear_environment();
    pid_t mock = mock_start(getenv("THINKWIRE_MOCK"), mock_url, sizeof mock_url);
    if (mock < 0) {
        fprintf(stderr, "the mock did not start: THINKWIRE_MOCK must name its program\n");
        return 1;
    }
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        if (!wanted(suites[i].name, argc, argv)) continue;
        int passed = checks_passed, failed = checks_failed;
        int64_t start = milliseconds();
        suites[i].run();
        printf("%-16s %4d checks, %d failed, %lld ms\n", suites[i].name,
               checks_passed + checks_failed - passed - failed, checks_failed - failed,
               (long long)(milliseconds() - start));
        if (checks_passed + checks_failed == passed + failed) checks_failed++;
    }
    mock_stop(mock);
    printf("%d passed, %d failed\n", checks_passed, checks_failed);
    return checks_failed > 0 || checks_passed == 0;
}
