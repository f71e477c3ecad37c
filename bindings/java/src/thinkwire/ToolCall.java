package thinkwire;

/** A tool call that the model requests; the arguments may be invalid JSON. */
public record ToolCall(int choice, String id, String name, String arguments) {
    /** Parses the arguments; throws if they are not JSON. */
    public Json parsedArguments() {
        return new Json(arguments);
    }
}
