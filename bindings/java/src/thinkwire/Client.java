package thinkwire;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/** An endpoint and its connections. Any number of threads may use it at once. */
public final class Client extends NativeObject {
    /** A client with the settings of the environment. */
    public Client() {
        this(new Options());
    }

    /** A client with these options, which are copied. */
    public Client(Options options) {
        super(
                "tw_client_destroy",
                Native.created(Native.object("tw_client_create", options.address(), null, 0)));
        options.keep();
    }

    private Stream open(String function, Request request) {
        long body = request == null ? 0 : request.address();
        Stream stream = new Stream(Native.object(function, address(), null, body));
        java.lang.ref.Reference.reachabilityFence(request);
        keep();
        return stream;
    }

    /** Begins a streamed exchange. */
    public Stream stream(Request request) {
        return open("tw_chat_open", request);
    }

    /** Begins an exchange whose answer arrives as a whole; its stream can be cancelled. */
    public Stream start(Request request) {
        return open("tw_chat_open_unstreamed", request);
    }

    /** Sends a request, and waits for the complete reply. */
    public Reply send(Request request) {
        return start(request).reply().checked();
    }

    /** Lists the ids of the models. */
    public List<String> models() {
        try (Reply reply = open("tw_models_open", null).reply()) {
            return reply.checked().models();
        }
    }

    /**
     * Streams answers until the model calls no tool. `tools` has a function for each tool of the
     * request. The replies and results are added to the request.
     */
    public Reply run(
            Request request, Map<String, Function<Json, String>> tools, Consumer<Event> onEvent) {
        while (true) {
            Stream stream = stream(request);
            stream.forEach(onEvent);
            Reply reply = stream.reply();
            request.add(reply);
            List<ToolCall> calls =
                    reply.toolCalls().stream().filter(call -> call.choice() == 0).toList();
            if (calls.isEmpty()) return reply;
            for (ToolCall call : calls) request.addToolResult(call, answer(tools, call));
        }
    }

    /** The result of a call; a mistake of the model becomes a text that says so. */
    private static String answer(Map<String, Function<Json, String>> tools, ToolCall call) {
        Function<Json, String> tool = tools.get(call.name());
        if (tool == null) return "Error: there is no tool " + call.name();
        Json arguments;
        try {
            arguments = call.parsedArguments();
        } catch (ThinkwireException e) {
            return "Error: the arguments are not valid JSON: " + e.getMessage();
        }
        try (arguments) {
            return tool.apply(arguments);
        }
    }

    /** Cancels every exchange that has begun, from any thread. The client remains usable. */
    public void cancel() {
        Native.act("tw_client_cancel", address());
        keep();
    }

    /** The version of the library. */
    public static String version() {
        return Native.text("tw_version", 0);
    }
}
