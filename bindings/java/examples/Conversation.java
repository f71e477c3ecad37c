import java.util.Map;
import thinkwire.Client;
import thinkwire.Event;
import thinkwire.Options;
import thinkwire.Request;
import thinkwire.Status;
import thinkwire.Stream;
import thinkwire.ThinkwireException;

/** Reasoning and answer, a tool, cancellation and an error. */
final class Conversation {
    private static final String MODEL =
            System.getenv().getOrDefault("THINKWIRE_MODEL", "alibaba/qwen3-32b");
    private static final String CITY =
            """
            {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
            """;

    private static void print(Event event) {
        switch (event.kind()) {
            case REASONING -> System.err.print(event.text());
            case CONTENT -> System.out.print(event.text());
            default -> {}
        }
    }

    public static void main(String[] args) {
        Options options = new Options().timeout(Options.Timeout.TOTAL, 60_000);
        try (Client client = new Client(options)) {
            client.stream(new Request(MODEL, "Hello").thinking(Request.Thinking.ON))
                    .forEach(Conversation::print);
            System.out.println();

            Request request = new Request(MODEL, "How warm is it in Paris?")
                    .addTool("temperature", "The current temperature of a city", CITY);
            client.run(
                    request,
                    Map.of("temperature", city -> "18 degrees in " + city.get("/city")),
                    Conversation::print);
            System.out.println();

            try (Stream stream = client.stream(new Request(MODEL, "Count to a hundred"))) {
                for (Event event : stream) {
                    print(event);
                    if (event.kind() == Event.Kind.CONTENT) stream.cancel();
                }
            } catch (ThinkwireException e) {
                if (e.status() != Status.CANCELLED) throw e;
                System.out.println(" [cancelled]");
            }

            try {
                client.send(new Request("no/such-model", "Hello"));
            } catch (ThinkwireException e) {
                System.out.println(e.status() + ": " + e.getMessage());
            }
        }
    }
}
