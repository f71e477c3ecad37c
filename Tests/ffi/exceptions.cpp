// Exceptions in a callback: one that is caught there, kept, and thrown again after the call, as the
// header advises; and one that leaves the callback, which ends the process.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <thinkwire.h>

namespace
{

struct Answer {
    std::string content;
    std::exception_ptr failure;
};

int keep_exception(void *userdata, const tw_event *event)
{
    Answer &answer = *static_cast<Answer *>(userdata);
    try {
        if (event->kind != TW_EVENT_CONTENT) return 0;
        answer.content.append(event->text, event->text_len);
        if (answer.content.size() > 20) throw std::runtime_error("enough");
        return 0;
    } catch (...) {
        answer.failure = std::current_exception();
        return 1;
    }
}

int throw_exception(void *, const tw_event *)
{
    throw std::runtime_error("not caught in the callback");
}

// The process ends, because the library's frames cannot be unwound: it neither hangs nor continues.
bool ends_by_abort(tw_client *client, tw_request *request)
{
    std::fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        std::freopen("/dev/null", "w", stderr);
        alarm(20);
        try {
            tw_reply_destroy(tw_chat_stream(client, request, throw_exception, nullptr));
        } catch (...) {
            _exit(1);
        }
        _exit(2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status)) std::fprintf(stderr, "exit status %d\n", WEXITSTATUS(status));
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

} // namespace

int main()
{
    tw_client *client = nullptr;
    if (tw_client_create(nullptr, &client) != TW_OK) return 1;
    tw_request *request = tw_request_create("alibaba/qwen3-32b");
    tw_request_add_message(request, "user", "Hello");
    Answer answer;
    tw_reply *reply = tw_chat_stream(client, request, keep_exception, &answer);
    tw_status status = tw_reply_status(reply);
    tw_reply_destroy(reply);
    std::string caught;
    try {
        if (answer.failure) std::rethrow_exception(answer.failure);
    } catch (const std::runtime_error &error) {
        caught = error.what();
    }
    bool is_ended = ends_by_abort(client, request);
    std::printf("%s\n", answer.content.c_str());
    if (status != TW_CANCELLED || caught != "enough" || !is_ended) {
        std::fprintf(stderr, "%s, caught \"%s\", ended %d\n", tw_status_name(status),
                     caught.c_str(), is_ended);
        return 1;
    }
    tw_request_destroy(request);
    tw_client_destroy(client);
    return 0;
}
