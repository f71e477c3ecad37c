import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import thinkwire.Client;
import thinkwire.Event;
import thinkwire.Json;
import thinkwire.Options;
import thinkwire.Reply;
import thinkwire.Request;
import thinkwire.Status;
import thinkwire.Stream;
import thinkwire.ThinkwireException;

/** The tests of the binding, against the mock at THINKWIRE_BASE_URL. Argument: its directory. */
final class ThinkwireTest {
    private static final String FOX = "mock/synthetic#chunks=3,reasoning=2,text=%F0%9F%A6%8A";
    private static final String SLOW = "mock/synthetic#chunks=1000,pace=50";
    private static final String SILENT = "mock/synthetic#delay=60000";
    private static Path directory;
    private final Client client = new Client();

    /** Functions that Java does not need: it has threads, iterators, exceptions and records. */
    private static final String OMITTED =
            "tw_chat_send tw_chat_stream tw_chat_run tw_chat_next_batch "
                    + "tw_models_send tw_options_set_log "
                    + "tw_options_error tw_options_clear_error tw_request_error "
                    + "tw_request_clear_error tw_loop_create tw_loop_set_limit tw_loop_start "
                    + "tw_loop_start_unstreamed tw_loop_start_models tw_loop_poll tw_loop_fd "
                    + "tw_loop_wake tw_loop_active tw_loop_destroy tw_chat_pause tw_chat_resume "
                    + "tw_reply_retain tw_event_get_reply tw_event_get_raw tw_status_name";

    private static void check(boolean holds, Object found) {
        if (!holds) throw new AssertionError(found);
    }

    private static void equal(Object expected, Object found) {
        check(expected.equals(found), "expected " + expected + ", found " + found);
    }

    private static ThinkwireException fails(Status status, Runnable action) {
        try {
            action.run();
        } catch (ThinkwireException e) {
            equal(status, e.status());
            return e;
        }
        throw new AssertionError("no exception");
    }

    private static Request ask(String model) {
        return new Request(model, "Hello");
    }

    private static Set<String> names(String pattern, String text) {
        Set<String> names = new TreeSet<>();
        Matcher matcher = Pattern.compile(pattern, Pattern.MULTILINE).matcher(text);
        while (matcher.find()) names.add(matcher.group(1));
        return names;
    }

    void everyFunctionIsCalledOrOmitted() throws IOException {
        String header = Files.readString(directory.resolve("../../include/thinkwire.h"));
        String source = Files.readString(directory.resolve("thinkwire_jni.c"));
        Set<String> declared = names("^TW_API [^;]*?\\b(tw_\\w+)\\(", header);
        Set<String> called = names("\\b(tw_\\w+)[(,)]", source);
        called.retainAll(declared);
        check(declared.size() > 100, declared);
        for (String name : OMITTED.split(" ")) check(called.add(name), name + " is called");
        equal(declared, called);
        check(header.contains("TW_VERSION \"" + Client.version() + '"'), Client.version());
        Set<String> statuses = names("^    TW_([A-Z_]+) = \\d+,$",
                header.substring(0, header.indexOf("} tw_status;")));
        for (Status status : Status.values()) {
            if (status != Status.UNKNOWN) check(statuses.remove(status.name()), status);
        }
        check(statuses.isEmpty(), statuses);
    }

    void everyFunctionThatJavaCallsExists() throws IOException {
        String source = Files.readString(directory.resolve("thinkwire_jni.c"));
        try (var files = Files.list(directory.resolve("src/thinkwire"))) {
            for (Path file : files.toList()) {
                for (String name : names("\"(tw_\\w+[^_\"])\"", Files.readString(file))) {
                    check(source.contains(name), name);
                }
            }
        }
    }

    void reasoningAndAnswerAreSeparate() {
        List<String> content = new ArrayList<>();
        List<String> reasoning = new ArrayList<>();
        for (Event event : client.stream(ask(FOX + ",write=1"))) {
            if (event.kind() == Event.Kind.CONTENT) content.add(event.text());
            if (event.kind() == Event.Kind.REASONING) reasoning.add(event.text());
        }
        equal(List.of("🦊", "🦊", "🦊"), content);
        equal(List.of("🦊", "🦊"), reasoning);
    }

    void replyHasEverything() {
        Reply reply = client.stream(ask("alibaba/qwen3-32b").thinking(Request.Thinking.ON)).reply();
        check(reply.content().startsWith("Hello!"), reply.content());
        check(reply.reasoning().contains("Okay"), reply.reasoning());
        equal(2023L, reply.usage().totalTokens());
        equal(-1L, reply.usage().cachedTokens());
        check(reply.timing().total() > 0, reply.timing());
        equal("assistant", reply.get("/choices/0/message/role"));
        check(reply.get("/nothing") == null, "a value");
        check(reply.header("Content-Type").contains("event-stream"), reply.header("Content-Type"));
        equal("stop", reply.finishReason());
    }

    void textIsSentUnchanged() {
        String text = "🦊 é \"quoted\"\n";
        Request request = new Request("mock/echo", text).set("user", "bob 🧠").set("top_p", 0.5);
        Request copy = Request.parse(request.copy().json()).set("stop_now", true);
        try (Json body = new Json(client.send(copy).content())) {
            equal(text, body.get("/messages/0/content"));
            equal("bob 🧠", body.get("/user"));
            equal(0.5, body.number("/top_p", -1));
            equal(Json.Type.BOOL, body.type("/stop_now"));
            equal(1L, body.count("/messages"));
        }
    }

    void toolsRunUntilTheModelAnswers() {
        List<String> cities = new ArrayList<>();
        String schema = "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},"
                + "\"required\":[\"city\"]}";
        Request request = ask("mock/tools").addTool("weather", "The weather 🌦", schema);
        Reply reply = client.run(request, Map.of("weather", arguments -> {
            cities.add(arguments.get("/city"));
            return "sunny 🌞";
        }), event -> {});
        check(cities.size() == 1 && cities.get(0) != null, cities);
        check(reply.content().contains("sunny 🌞"), reply.content());
    }

    void errorHasStatusMessageAndReply() {
        try (Client once = new Client(new Options().retries(0))) {
            ThinkwireException error = fails(Status.RATE_LIMITED,
                    () -> once.send(ask("mock/echo#status=429")));
            equal(429, error.httpStatus());
            check(error.getMessage().contains("429"), error.getMessage());
        }
        ThinkwireException error = fails(Status.TRUNCATED,
                () -> client.stream(ask(FOX + ",cut=900")).forEach(event -> {}));
        check(error.reply().reasoning().contains("🦊"), error.reply().reasoning());
    }

    void invalidArgumentsAreRejected() {
        fails(Status.INVALID, () -> new Options().baseUrl("ftp://x"));
        fails(Status.INVALID, () -> ask("alibaba/qwen3-32b").set("temperature", 3));
        fails(Status.INVALID, () -> ask(""));
        fails(Status.INVALID, () -> new Json("{"));
        try {
            ask("a\0b");
            throw new AssertionError("no exception");
        } catch (IllegalArgumentException expected) {
            check(expected.getMessage().contains("U+0000"), expected);
        }
    }

    void anotherThreadCancelsWait() throws Exception {
        Stream stream = client.stream(ask(SILENT));
        CountDownLatch started = new CountDownLatch(1);
        CompletableFuture<Status> ended = CompletableFuture.supplyAsync(() -> {
            started.countDown();
            return stream.reply().status();
        });
        started.await();
        stream.cancel();
        equal(Status.CANCELLED, ended.get());
        stream.cancel();
        stream.close();
        CompletableFuture<Status> waiting = new CompletableFuture<>();
        Stream other = client.start(ask(SILENT));
        new Thread(() -> waiting.complete(other.reply().status())).start();
        while (!waiting.isDone()) {
            client.cancel();
            Thread.onSpinWait();
        }
        equal(Status.CANCELLED, waiting.get());
    }

    void closeCancelsStream() {
        Stream stream = client.stream(ask(SLOW));
        try (stream) {
            for (Event event : stream) if (event.kind() == Event.Kind.CONTENT) break;
        }
        equal(Status.CANCELLED, stream.reply().status());
        equal("🦊🦊🦊", client.send(ask(FOX)).content());
    }

    void retryIsAnnounced() {
        String model = "mock/echo#status=503,tries=1,key=java,header=retry-after-ms:1";
        for (Event event : client.stream(ask(model))) {
            if (event.kind() != Event.Kind.RETRY) continue;
            equal(2, event.attempt());
            equal(Status.SERVER, event.status());
            equal(1L, event.waitMs());
            return;
        }
        throw new AssertionError("no retry");
    }

    void modelsAreListed() {
        check(client.models().contains("alibaba/qwen3-32b"), client.models());
    }

    private static long sockets() throws IOException {
        try (var files = Files.list(Path.of("/proc/self/fd"))) {
            return files.filter(file -> {
                try {
                    return Files.readSymbolicLink(file).toString().startsWith("socket:");
                } catch (IOException e) {
                    return false;
                }
            }).count();
        }
    }

    /** Streams and clients without references are closed by the cleaner. */
    void droppedObjectsAreReleased() throws Exception {
        long before = sockets();
        for (int i = 0; i < 20; i++) new Client().stream(ask(SLOW)).iterator().next();
        check(sockets() >= before + 20, sockets());
        for (int i = 0; i < 100 && sockets() > before; i++) {
            System.gc();
            Thread.sleep(10);
        }
        check(sockets() <= before, sockets() + " sockets, before: " + before);
    }

    private static long resident() throws IOException {
        String status = Files.readString(Path.of("/proc/self/status"));
        return Long.parseLong(names("^VmRSS:\\s*(\\d+)", status).iterator().next());
    }

    void closedRepliesAreReleased() throws IOException {
        String large = "mock/synthetic#chunks=16,size=65536";
        long before = 0;
        for (int i = 0; i < 60; i++) {
            if (i == 10) before = resident();
            Reply reply = client.stream(ask(large)).reply();
            equal(1 << 20, reply.content().length());
            reply.close();
        }
        long grown = resident() - before;
        check(grown < 48 << 10, grown + " KiB for 50 replies of 1 MiB and their Java strings");
    }

    public static void main(String[] args) throws Exception {
        directory = Path.of(args[0]);
        int failed = 0;
        int passed = 0;
        for (Method test : ThinkwireTest.class.getDeclaredMethods()) {
            int modifiers = test.getModifiers();
            if (java.lang.reflect.Modifier.isStatic(modifiers) || test.isSynthetic()) continue;
            try {
                ThinkwireTest instance = new ThinkwireTest();
                test.invoke(instance);
                instance.client.close();
                passed++;
            } catch (InvocationTargetException e) {
                System.out.println("FAILED " + test.getName());
                e.getCause().printStackTrace(System.out);
                failed++;
            }
        }
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed);
    }
}
