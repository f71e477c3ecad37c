//! Reasoning and answer, a tool, cancellation and an error.

use std::io::{self, Write};
use thinkwire::{Client, Json, Kind, Reply, Request, Stream, Thinking, ToolCall};

const CITY: &str =
    r#"{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}"#;

/// Prints an answer while it is generated.
fn print(mut stream: Stream) -> thinkwire::Result<Reply> {
    for event in &mut stream {
        match event?.kind {
            Kind::Reasoning(text) => eprint!("{text}"),
            Kind::Content(text) => {
                print!("{text}");
                io::stdout().flush().ok();
            }
            _ => {}
        }
    }
    println!();
    stream.finish()
}

fn temperature(call: ToolCall) -> String {
    match Json::parse(call.arguments) {
        Ok(arguments) => format!("18 degrees in {}", arguments.get("/city").unwrap_or("this city")),
        Err(error) => format!("Error: {}", error.message()),
    }
}

fn main() -> thinkwire::Result<()> {
    let model = std::env::var("THINKWIRE_MODEL").unwrap_or("alibaba/qwen3-32b".into());
    let client = Client::new()?;
    print(client.stream(Request::new(&model)?.user("Hello").thinking(Thinking::On)))?;

    let mut question = Request::new(&model)?;
    question.user("How warm is it in Paris?");
    question.tool("temperature", "The current temperature of a city", CITY);
    loop {
        let reply = print(client.stream(&question))?;
        if reply.tool_calls().len() == 0 {
            break;
        }
        question.reply(&reply);
        for call in reply.tool_calls() {
            question.tool_result(call.id, &temperature(call));
        }
    }

    for event in client.stream(Request::new(&model)?.user("Count to a hundred")) {
        if let Kind::Content(text) = event?.kind {
            println!("{text} [cancelled]");
            break;
        }
    }

    if let Err(error) = client.send(Request::new("no/such-model")?.user("Hello")) {
        println!("{error}");
    }
    Ok(())
}
