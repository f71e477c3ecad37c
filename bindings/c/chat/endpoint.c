#include "endpoint.h"

#include <string.h>

#include "exchange.h"
#include "report.h"
#include "text.h"

static tw_status allow_cleartext(tw_options *options, const struct settings *settings)
{
    const char *hosts = environment("THINKWIRE_ALLOW_CLEARTEXT");
    tw_status status = TW_OK;
    for (size_t i = 0; status == TW_OK && i < settings->cleartext_hosts.count; i++)
        status = tw_options_allow_cleartext(options, settings->cleartext_hosts.items[i]);
    while (status == TW_OK && hosts && *hosts) {
        size_t len = strcspn(hosts, ", ");
        struct text host = { 0 };
        text_append(&host, hosts, len);
        if (len > 0) status = tw_options_allow_cleartext(options, host.bytes);
        text_free(&host);
        hosts += len + (hosts[len] != '\0');
    }
    return status;
}

/* Waits longer for the first byte and between bytes; the time to connect stays short. */
static void set_timeouts(tw_options *options, int64_t milliseconds)
{
    if (milliseconds == 0) return;
    tw_options_set_timeout(options, TW_TIMEOUT_FIRST_BYTE, milliseconds);
    tw_options_set_timeout(options, TW_TIMEOUT_IDLE, milliseconds);
}

int connect_client(const struct settings *settings, tw_client **client)
{
    tw_options *options = tw_options_create();
    int status = EXIT_OK;
    tw_options_set_require_finish(options, !settings->no_require_finish);
    set_timeouts(options, settings->timeout_ms);
    if (settings->base_url && tw_options_set_base_url(options, settings->base_url) != TW_OK)
        status = fail_invalid("--base-url");
    else if (allow_cleartext(options, settings) != TW_OK)
        status = fail_invalid("--allow-cleartext");
    else if (settings->ca_file && tw_options_set_ca_file(options, settings->ca_file) != TW_OK)
        status = fail_invalid("--ca-file");
    else if (tw_client_create(options, client) != TW_OK)
        status = fail_invalid(NULL);
    tw_options_destroy(options);
    return status;
}

/* Whether requests go to AI/ML API: the rules are those of tw_options_set_base_url. */
static bool uses_aimlapi(const struct settings *settings)
{
    static const char host[] = "://api.aimlapi.com";
    const char *url = settings->base_url ? settings->base_url : environment("THINKWIRE_BASE_URL");
    bool has_key = environment("THINKWIRE_API_KEY") || environment("AIMLAPI_API_KEY");
    if (!url) return has_key || !environment("OPENAI_API_KEY");
    const char *authority = strchr(url, ':');
    size_t len = sizeof host - 1;
    return authority && strncmp(authority, host, len) == 0 && strchr("/:?", authority[len]);
}

/* Asks the user to choose one of several models. */
static int fail_without_model(const tw_reply *reply)
{
    struct text message = { 0 };
    text_add(&message, "name a model with --model or THINKWIRE_MODEL");
    for (size_t i = 0; i < tw_reply_model_count(reply) && i < 3; i++) {
        text_add(&message, i == 0 ? ", such as " : ", ");
        text_add(&message, tw_reply_model(reply, i));
    }
    if (tw_reply_model_count(reply) > 0) text_add(&message, "; --list-models prints all");
    fail(EXIT_USAGE, message.bytes, "");
    text_free(&message);
    return EXIT_USAGE;
}

int choose_model(tw_client *client, const struct settings *settings, char **model)
{
    const char *name = settings->model ? settings->model : environment("THINKWIRE_MODEL");
    if (!name && uses_aimlapi(settings)) name = "alibaba/qwen3-32b";
    *model = name ? copy_bytes(name, strlen(name)) : NULL;
    if (name) return EXIT_OK;
    tw_reply *reply = request_models(client);
    const char *only = tw_reply_model_count(reply) == 1 ? tw_reply_model(reply, 0) : NULL;
    int status = EXIT_OK, http_status = tw_reply_http_status(reply);
    bool has_no_list = http_status == 404 || http_status == 405 || http_status == 501 ||
                       tw_reply_status(reply) == TW_PROTOCOL;
    if (only)
        *model = copy_bytes(only, strlen(only));
    else if (tw_reply_status(reply) == TW_OK || has_no_list)
        status = fail_without_model(reply);
    else
        status = report_failure(reply);
    tw_reply_destroy(reply);
    return status;
}
