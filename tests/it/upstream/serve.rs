//! Connections: what comes is noted, decided on, answered and billed.

use super::{
    Bill, End, Fault, Seen, Shared, Speech, Tokens,
    act::{self, Act},
    answer::{self, Answer},
    asked::{self, Asked},
    http,
    said::Said,
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

/// Answers for ever; dropped, it drops all connections.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("it can accept");
        stream.set_nodelay(true).expect("a TCP socket");
        connections.spawn(connection(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = Vec::new();
    while let Some(received) = http::receive(&mut stream, &mut buffer).await {
        let (n, job) = shared.take(received);
        let mut lasts = true;
        let mut end = End::Done;
        for act in job.acts {
            match perform(act, &mut stream, || shared.deliver(job.bill.as_deref())).await {
                Step::On => {}
                Step::Closed => lasts = false,
                Step::Gone => (lasts, end) = (false, End::Abandoned),
            }
            if !lasts {
                break;
            }
        }
        shared.change(|state| state.requests[n].end = end);
        if !lasts {
            return;
        }
    }
}

enum Step {
    On,
    /// As the script wants.
    Closed,
    /// The caller hung up.
    Gone,
}

async fn perform(act: Act, stream: &mut TcpStream, deliver: impl FnOnce()) -> Step {
    let sent = match act {
        Act::Send(bytes) => http::send(stream, &bytes).await,
        Act::Drip(bytes) => http::drip(stream, &bytes).await,
        Act::Deliver => {
            deliver();
            Ok(())
        }
        Act::Pause(time) => {
            tokio::select! {
                () = sleep(time) => Ok(()),
                () = http::hung_up(stream) => return Step::Gone,
            }
        }
        Act::Hang => {
            http::hung_up(stream).await;
            return Step::Gone;
        }
        Act::Reset => {
            stream.set_zero_linger().expect("a TCP socket");
            return Step::Closed;
        }
        Act::Close => return Step::Closed,
    };
    if sent.is_ok() { Step::On } else { Step::Gone }
}

/// What to do for a request, and the bill that it may deliver.
struct Job {
    acts: Vec<Act>,
    bill: Option<String>,
}

impl Shared {
    /// Notes a request, decides what it meets, and bills what is generated for it.
    fn take(&self, received: http::Received) -> (usize, Job) {
        let http::Received { path, headers, body } = received;
        let bearer = headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let key = bearer.or(headers.get("x-api-key").map(String::as_str)).map(str::to_owned);
        let speech = Speech::of(&path);
        let mut taken = None;
        self.change(|state| {
            let n = state.requests.len();
            let fault = state.script.next(key.as_deref());
            let (job, bill) = answer(&self.name, n, speech, &headers, &body, key.as_deref(), &fault);
            state.bills.extend(bill.map(|bill| (bill.id.clone(), bill)));
            state.requests.push(Seen { speech, key, headers, body, fault, end: End::Open });
            taken = Some((n, job));
        });
        taken.expect("it was noted")
    }

    fn deliver(&self, bill: Option<&str>) {
        self.change(|state| {
            if let Some(bill) = bill.and_then(|bill| state.bills.get_mut(bill)) {
                bill.delivered = true;
            }
        });
    }
}

fn answer(
    name: &str,
    n: usize,
    speech: Option<Speech>,
    headers: &BTreeMap<String, String>,
    body: &Value,
    key: Option<&str>,
    fault: &Fault,
) -> (Job, Option<Bill>) {
    let refused = |fault: &Fault, speech| act::refusal(fault, speech, key).map(|acts| (Job { acts, bill: None }, None));
    let Some(speech) = speech else {
        return refused(&Fault::Rejected(404, "Invalid URL"), Speech::Chat).expect("a refusal");
    };
    if let Some(complaint) = asked::complaint(speech, headers, body) {
        let complaint = answer::error(speech, 400, &complaint).to_string();
        let head = http::head(400, "application/json", Some(complaint.len()), &[]);
        return (Job { acts: vec![Act::Send([head, complaint.into()].concat())], bill: None }, None);
    }
    let mut asked = Asked::of(speech, body);
    asked.wants_usage &= *fault != Fault::NoUsage;
    asked.wants_usage |= *fault == Fault::OtherForm;
    let fault = match fault {
        Fault::ErrorEventMidStream if !asked.stream => &Fault::ErrorIn200,
        other => other,
    };
    if let Some(refusal) = refused(fault, speech) {
        return refusal;
    }
    let said = Said::new(name, n, &asked, fault);
    let mut answer = Answer::new(speech, &asked, &said, body);
    if let (Fault::NoUsage, Some(whole)) = (fault, answer.whole.as_object_mut()) {
        whole.remove("usage");
    }
    let streams = asked.stream != (*fault == Fault::OtherForm);
    let acts = if streams { act::stream(fault, speech, &answer) } else { act::whole(fault, &answer) };
    let tokens =
        if answer.id.is_some() { said.tokens } else { Tokens { input: said.tokens.input, ..Tokens::default() } };
    let id = answer.id.unwrap_or_else(|| format!("embd-{}", said.mark));
    let bill = Bill {
        id: id.clone(),
        model: asked.model,
        key: key.map(str::to_owned),
        tokens,
        fault: fault.clone(),
        delivered: false,
    };
    (Job { acts, bill: Some(id) }, Some(bill))
}
