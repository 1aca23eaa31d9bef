//! A client that believes nothing: it puts events together and checks that each fits what was told before.

use super::*;

/// The items that the events tell.
pub(super) fn assembled(events: &[Value]) -> Vec<Value> {
    let mut client = Client::default();
    events.iter().for_each(|event| client.hear(event));
    assert_eq!(client.done, client.items.len(), "each item ends once");
    client.items
}

#[derive(Default)]
struct Client {
    items: Vec<Value>,
    done: usize,
}

impl Client {
    fn hear(&mut self, event: &Value) {
        match event["type"].as_str().expect("a type").trim_start_matches("response.") {
            "output_item.added" => {
                assert_eq!(event["output_index"], self.items.len());
                self.items.push(event["item"].clone());
            }
            "output_item.done" => {
                self.done += 1;
                let item = self.item(event);
                assert_eq!(item["id"], event["item"]["id"]);
                *item = event["item"].clone();
            }
            "content_part.added" | "reasoning_summary_part.added" => {
                let (parts, index) = self.parts(event);
                assert_eq!(parts.len() as u64, index);
                parts.push(event["part"].clone());
            }
            "content_part.done" | "reasoning_summary_part.done" => {
                let part = self.part(event);
                for field in ["text", "refusal"] {
                    assert_eq!(part[field], event["part"][field]);
                }
                *part = event["part"].clone();
            }
            "refusal.delta" => add(&mut self.part(event)["refusal"], event),
            "output_text.delta" | "reasoning_text.delta" | "reasoning_summary_text.delta" => {
                add(&mut self.part(event)["text"], event);
            }
            "refusal.done" => assert_eq!(self.part(event)["refusal"], event["refusal"]),
            "output_text.done" | "reasoning_text.done" | "reasoning_summary_text.done" => {
                assert_eq!(self.part(event)["text"], event["text"]);
            }
            "function_call_arguments.delta" => add(&mut self.item(event)["arguments"], event),
            "function_call_arguments.done" => assert_eq!(self.item(event)["arguments"], event["arguments"]),
            "created" | "in_progress" | "completed" | "incomplete" | "output_text.annotation.added" => {}
            other => panic!("{other} is no event"),
        }
    }

    /// The item that an event is about; it must be open.
    fn item(&mut self, event: &Value) -> &mut Value {
        let at = event["output_index"].as_u64().and_then(|at| usize::try_from(at).ok()).expect("an index");
        let item = &mut self.items[at];
        assert_eq!(item["status"], "in_progress");
        assert!(event["item_id"].is_null() || event["item_id"] == item["id"]);
        item
    }

    fn parts(&mut self, event: &Value) -> (&mut Vec<Value>, u64) {
        let places = ["content", "summary"].map(|field| (field, event[format!("{field}_index")].as_u64()));
        let (field, index) = places.into_iter().find(|(_, index)| index.is_some()).expect("a place");
        (self.item(event)[field].as_array_mut().expect("parts"), index.expect("an index"))
    }

    /// The part that an event is about; it must be the last one.
    fn part(&mut self, event: &Value) -> &mut Value {
        let (parts, index) = self.parts(event);
        assert_eq!(parts.len() as u64, index + 1);
        parts.last_mut().expect("a part")
    }
}

fn add(text: &mut Value, event: &Value) {
    let whole = format!("{}{}", text.as_str().expect("text"), event["delta"].as_str().expect("text"));
    *text = Value::from(whole);
}
