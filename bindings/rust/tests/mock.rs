//! Tests against the thinkwire-mock of THINKWIRE_BASE_URL.

use std::cell::RefCell;
use std::ops::ControlFlow::{Break, Continue};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::rc::Rc;
use std::thread;
use std::time::Duration;
use thinkwire::*;

const FOX: &str = "mock/synthetic#chunks=3,reasoning=2,text=%F0%9F%A6%8A,write=1";
const WAITING: &str = "mock/synthetic#delay=60000";

fn client() -> Client {
    let options = Options::new().retries(0);
    Client::with(&options.timeout(Timeout::Total, Some(Duration::from_secs(30)))).unwrap()
}

fn hello(model: &str) -> Request {
    let mut request = Request::new(model).unwrap();
    request.user("Hello");
    request
}

#[test]
fn reasoning_and_answer_are_separate_and_characters_whole() {
    let client = client();
    let (mut reasoning, mut content) = (vec![], vec![]);
    let mut stream = client.stream(&hello(FOX));
    for event in &mut stream {
        match event.unwrap().kind {
            Kind::Reasoning(text) => reasoning.push(text),
            Kind::Content(text) => content.push(text),
            Kind::Usage(usage) => assert!(usage.completion_tokens.unwrap() > 0),
            Kind::Finish(reason) => assert_eq!(reason, "stop"),
            other => panic!("{other:?}"),
        }
    }
    assert!(stream.next().is_none());
    assert_eq!(reasoning, ["🦊"; 2]);
    assert_eq!(content, ["🦊"; 3]);
    let reply = stream.finish().unwrap();
    assert_eq!((reply.content(), reply.reasoning()), ("🦊🦊🦊", "🦊🦊"));
    assert_eq!((reply.finish_reason(), reply.refusal(), reply.attempts()), ("stop", "", 1));
    assert_eq!((reply.http_status(), reply.last_error()), (Some(200), None));
    assert_eq!(reply.get("/choices/0/message/role").as_deref(), Some("assistant"));
    assert_eq!(reply.get("/nothing"), None);
    assert!(reply.json().contains("chat.completion"));
    assert!(reply.header("Content-Type").unwrap().contains("event-stream"));
    assert!(reply.header("x").is_none() && !reply.request_id().is_empty());
    assert!(reply.timing().total.unwrap() >= reply.timing().first_content.unwrap());
    assert_eq!(reply.clone().usage().cached_tokens, None);
}

#[test]
fn borrowed_events_have_the_chunk() {
    let client = client();
    let mut stream = client.stream(&hello(FOX));
    match stream.wait(None) {
        Next::Event(event) => {
            assert!(event.raw().contains("🦊") && event.choice() == 0);
            assert!(matches!(event.kind(), Kind::Reasoning("🦊")));
        }
        _ => panic!("no event"),
    };
    assert_eq!(stream.into_reply().status(), Status::Cancelled);
}

#[test]
fn texts_and_fields_are_sent_unchanged() {
    let client = client();
    let mut request = Request::new("mock/echo").unwrap();
    request.message("user", "🦊 é").set_string("user", "bob").set_number("temperature", 0.5);
    request.set_bool("logprobs", true).set_json("stop", Some("[]")).set_json("x", None);
    let reply = client.send(&request.clone()).unwrap();
    for part in ["🦊 é", r#""user":"bob""#, "0.5", r#""logprobs":true"#, r#""stop":[]"#] {
        assert!(reply.content().contains(part), "{part} in {}", reply.content());
    }
    let json = request.json().to_owned();
    assert_eq!(Request::parse(&json).unwrap().json(), json);
}

#[test]
fn tools() {
    let client = client();
    let mut request = hello("mock/tools");
    let schema = r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#;
    request.tool("weather", "The weather 🌦", schema);
    let mut stream = client.stream(&request);
    let pieces = stream.by_ref().filter_map(|event| match event.unwrap().kind {
        Kind::ToolCall { index: 0, name, arguments, .. } if name == "weather" => Some(arguments),
        _ => None,
    });
    let arguments: String = pieces.collect();
    let reply = stream.finish().unwrap();
    let call = reply.tool_calls().next().unwrap();
    assert_eq!((call.name, call.arguments, call.index), ("weather", arguments.as_str(), 0));
    let json = Json::parse(call.arguments).unwrap();
    assert_eq!((json.get("/city"), json.count("")), (Some("text"), 1));
    assert_eq!((json.kind("/city"), json.kind("/x")), (Some(JsonType::String), None));
    assert_eq!((json.number("/city"), Json::parse("[7]").unwrap().number("/0")), (None, Some(7.0)));
    assert_eq!(Json::parse("{").err().unwrap().status(), Status::Invalid);
    request.reply(&reply).tool_result(call.id, "sunny 🌞");
    assert!(client.send(&request).unwrap().content().contains("sunny 🌞"));
}

#[test]
fn an_error_has_status_message_and_reply() {
    let client = client();
    let error = client.send(&hello("mock/echo#status=429,message=slow")).unwrap_err();
    assert_eq!(error.status(), Status::RateLimited);
    assert!(error.to_string().starts_with("rate_limited: ") && error.message().contains("slow"));
    assert_eq!(error.reply().unwrap().http_status(), Some(429));

    let events: Vec<_> = client.stream(&hello(&format!("{FOX},cut=900"))).collect();
    let error = events.last().unwrap().as_ref().unwrap_err();
    assert_eq!(error.status(), Status::Truncated);
    assert!(error.reply().unwrap().reasoning().contains('🦊'));
    assert!(events[..events.len() - 1].iter().all(|event| event.is_ok()));
}

#[test]
fn invalid_arguments() {
    let client = client();
    let error = Client::with(&Options::new().base_url("ftp://x")).err().unwrap();
    assert!(error.status() == Status::Invalid && error.message().contains("neither https"));
    assert!(Client::with(&Options::new().api_key("a\0b")).is_err());
    assert!(Request::new("").is_err() && Request::parse("[]").is_err());
    let mut request = hello("alibaba/qwen3-32b");
    request.set_number("temperature", 3.0);
    assert!(request.error().contains("temperature"));
    assert_eq!(client.send(&request).unwrap_err().status(), Status::Invalid);
    assert_eq!(request.clear_error().error(), "");
    assert_ne!(request.user("a\0b").error(), "");
}

#[test]
fn another_thread_cancels_a_wait() {
    let client = client();
    let mut stream = client.stream(&hello(WAITING));
    assert!(matches!(stream.wait(Some(Duration::ZERO)), Next::Timeout));
    let canceller = stream.canceller();
    let waiting = thread::spawn(move || stream.find_map(|event| event.err()).unwrap());
    canceller.cancel();
    assert_eq!(waiting.join().unwrap().status(), Status::Cancelled);
    canceller.cancel();

    let mut stream = client.stream(&hello(WAITING));
    assert!(matches!(stream.wait(Some(Duration::ZERO)), Next::Timeout));
    thread::scope(|scope| scope.spawn(|| client.cancel()).join().unwrap());
    assert_eq!(stream.finish().unwrap_err().status(), Status::Cancelled);
    assert!(client.send(&hello(FOX)).is_ok());
}

#[test]
fn retries_are_reported() {
    let client = Client::with(&Options::new().retries(1)).unwrap();
    let model = "mock/echo#status=503,tries=1,key=rust,header=retry-after-ms:1";
    let mut stream = client.stream(&hello(model));
    match stream.next().unwrap().unwrap().kind {
        Kind::Retry { attempt: 2, status: Status::Server, wait, .. } => {
            assert_eq!(wait, Duration::from_millis(1));
        }
        other => panic!("{other:?}"),
    }
    let reply = stream.finish().unwrap();
    assert_eq!((reply.attempts(), reply.last_error().unwrap().0), (2, Status::Server));
}

#[test]
fn a_loop_runs_many_exchanges() {
    let client = client();
    let replies = RefCell::new(vec![]);
    let keep = |event: EventRef| {
        if let Kind::Done(reply) = event.kind() {
            replies.borrow_mut().push(reply);
        }
        Continue(())
    };
    let event_loop = Loop::new(&client).unwrap();
    event_loop.set_limit(LoopLimit::Exchanges, 20).unwrap();
    for _ in 0..50 {
        event_loop.start(&hello(FOX), keep).unwrap();
    }
    event_loop.start_unstreamed(&hello(FOX), keep).unwrap();
    event_loop.start_models(keep).unwrap();
    assert!(event_loop.active() == 52 && event_loop.fd() >= 0);
    event_loop.run().unwrap();
    assert_eq!(replies.borrow().len(), 52);
    assert!(replies.borrow().iter().all(|reply| reply.status() == Status::Ok));
    replies.borrow_mut().clear();

    let chat = event_loop.start(&hello(WAITING), keep).unwrap();
    chat.pause();
    chat.resume();
    chat.cancel();
    event_loop.start(&hello(FOX), |_| Break(())).unwrap();
    event_loop.run().unwrap();
    chat.cancel();
    assert_eq!(replies.borrow()[0].status(), Status::Cancelled);

    let waker = event_loop.waker();
    let waking = thread::spawn(move || waker.wake());
    assert_eq!(event_loop.poll(None).unwrap(), 0);
    waking.join().unwrap();
    event_loop.start(&hello(WAITING), keep).unwrap();
    event_loop.poll(Some(Duration::ZERO)).unwrap();
    drop(event_loop);
    assert_eq!(replies.borrow()[1].status(), Status::Cancelled);
}

#[test]
fn a_panic_of_a_handler_leaves_poll() {
    let client = client();
    let event_loop = Loop::new(&client).unwrap();
    let owned = Rc::new(());
    let held = owned.clone();
    let handler = move |_: EventRef| panic!("handler {held:?}");
    event_loop.start(&hello(FOX), handler).unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| event_loop.run())).unwrap_err();
    assert_eq!(*panic.downcast::<String>().unwrap(), "handler ()");
    catch_unwind(AssertUnwindSafe(|| event_loop.run())).ok();
    assert!(event_loop.active() == 0 && Rc::strong_count(&owned) == 1);
}

#[test]
fn objects_can_be_shared_as_documented() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    is_send::<(Client, Request, Reply, Error, Canceller, Waker, Stream, Json, Options)>();
    is_sync::<(Client, Request, Reply, Error, Canceller, Waker)>();
    let (client, request) = (client(), hello(FOX));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(client.send(&request).unwrap().content(), "🦊🦊🦊"));
        }
    });
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn objects_are_released() {
    let run = |count| {
        for _ in 0..count {
            let client = client();
            let mut stream = client.stream(&hello("mock/synthetic#chunks=16,size=65536"));
            assert!(stream.next().unwrap().is_ok());
            assert_eq!(stream.finish().unwrap().content().len(), 1 << 20);
            client.stream(&hello(FOX)).next();
        }
    };
    run(5);
    let before = resident();
    run(30);
    assert!(resident() < before + 16_384, "30 replies of 1 MiB");
}
